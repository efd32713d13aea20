//! Opening a connection: name, TCP (or UDP), and then TLS if the module asked for it.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use modem::{Connect, LinkFailure, Transport};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::Network;
use super::explain::{Explanation, Stage, Subject};
use super::secure;
use super::stream::{Datagrams, Stream};
use crate::store::Store;

/// A connection that is up.
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) peer: SocketAddr,
}

/// What went wrong, before it is said whose connection it was.
pub(super) struct Failed {
    pub(super) stage: Stage,
    pub(super) class: LinkFailure,
    pub(super) text: String,
}

impl Failed {
    pub(super) fn new(stage: Stage, class: LinkFailure, text: impl Into<String>) -> Self {
        Self { stage, class, text: text.into() }
    }

    pub(super) fn explain(self, subject: Subject) -> Box<Explanation> {
        Box::new(Explanation { subject, stage: self.stage, class: self.class, text: self.text })
    }
}

/// Opens a connection.
pub(super) async fn open(
    connect: Connect,
    network: Arc<Network>,
    store: Arc<Store>,
) -> Result<Opened, Failed> {
    let limit = Duration::from_millis(connect.connect_timeout);
    let mut stage = Stage::Name;
    let reached = timeout(limit, reach(&connect, &network, &mut stage)).await;
    let (stream, peer) = match reached {
        Ok(reached) => reached?,
        Err(_elapsed) => {
            let what = if stage == Stage::Name { "the resolver" } else { connect.host.as_str() };
            let text = format!("no answer from {what} within {}", Seconds(limit));
            return Err(Failed::new(stage, LinkFailure::Timeout, text));
        }
    };
    match (stream, &connect.tls) {
        (Stream::Tcp(stream), Some(request)) => {
            let stream = secure::handshake(stream, request, &network, &store).await?;
            Ok(Opened { stream: Stream::Tls(Box::new(stream)), peer })
        }
        (stream, _) => Ok(Opened { stream, peer }),
    }
}

async fn reach(
    connect: &Connect,
    network: &Network,
    stage: &mut Stage,
) -> Result<(Stream, SocketAddr), Failed> {
    let addresses = network.resolver.resolve(&connect.host, connect.port).await.map_err(|e| {
        let text = format!("the name {} could not be resolved: {e}", connect.host);
        Failed::new(Stage::Name, LinkFailure::Dns, text)
    })?;
    *stage = Stage::Connect;
    let mut last = Failed::new(Stage::Connect, LinkFailure::Dns, "there is no address to connect to");
    for address in addresses {
        let connected = match connect.transport {
            Transport::Tcp => tcp(address).await.map(Stream::Tcp),
            Transport::Udp => udp(address).await.map(|socket| Stream::Udp(Datagrams::new(socket))),
        };
        match connected {
            Ok(stream) => return Ok((stream, address)),
            Err(e) => last = refused(address, &e),
        }
    }
    Err(last)
}

async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // The module sends each AT+CIPSEND at once.
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr =
        if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    Ok(socket)
}

fn refused(address: SocketAddr, error: &io::Error) -> Failed {
    let class = connect_class(error);
    let text = match class {
        LinkFailure::Refused => format!("{address} refused the connection: nothing listens there ({error})"),
        LinkFailure::Timeout => format!("no answer from {address}: {error}"),
        LinkFailure::Unreachable => format!("{address} cannot be reached from this computer: {error}"),
        _ => format!("this computer could not connect to {address}: {error}"),
    };
    Failed::new(Stage::Connect, class, text)
}

/// Whose fault a failed connect is.
fn connect_class(error: &io::Error) -> LinkFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => LinkFailure::Refused,
        io::ErrorKind::TimedOut => LinkFailure::Timeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            LinkFailure::Unreachable
        }
        _ => LinkFailure::Local,
    }
}

/// A duration as people say it.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_millis() == 0 {
            write!(f, "{} s", self.0.as_secs())
        } else {
            write!(f, "{} ms", self.0.as_millis())
        }
    }
}
