//! Opening a connection: name, TCP (or UDP), and then TLS if the module asked for it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use modem::{Connect, KeepAlive, LinkFailure, Transport};
use rustix::net::sockopt;
use tls::Resumption;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::Network;
use super::capture::{Capture, Recorder};
use super::explain::{Fault, Seconds, Stage};
use super::failed::{Failed, class};
use super::secure;
use super::stream::{Datagrams, Stream};
use super::wire::Wire;
use crate::store::Store;

/// A connection that is up.
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) peer: SocketAddr,
}

/// Opens a connection; `whose` it is stands in a capture.
pub(super) async fn open(
    whose: String,
    connect: Connect,
    resumption: Resumption,
    network: Arc<Network>,
    store: Arc<Store>,
) -> Result<Opened, Failed> {
    let limit = Duration::from_millis(connect.connect_timeout);
    let mut stage = Stage::Name;
    let reached = timeout(limit, reach(whose, &connect, &network, &mut stage)).await;
    let (stream, peer) = match reached {
        Ok(reached) => reached?,
        Err(_elapsed) => {
            let late = Failed::new(
                stage,
                LinkFailure::Timeout,
                Fault::Environment,
                if stage == Stage::Name {
                    format!("the resolver did not answer for {} within {}", connect.host, Seconds(limit))
                } else {
                    format!("no answer from {} within {}", connect.host, Seconds(limit))
                },
            );
            return Err(late.advise(if stage == Stage::Name {
                "is this computer's resolver reachable? `--resolve` needs none"
            } else {
                "is it switched on, and does a firewall drop what comes to this port?"
            }));
        }
    };
    match (stream, &connect.tls) {
        (Stream::Tcp(stream), Some(request)) => {
            let stream = secure::handshake(stream, request, &network, &store, &resumption).await?;
            Ok(Opened { stream: Stream::Tls(Box::new(stream)), peer })
        }
        (stream, _) => Ok(Opened { stream, peer }),
    }
}

async fn reach(
    whose: String,
    connect: &Connect,
    network: &Network,
    stage: &mut Stage,
) -> Result<(Stream, SocketAddr), Failed> {
    let found = network.resolver.resolve(&connect.host, connect.port, &connect.name_servers).await;
    let addresses = found.map_err(|failure| {
        let seen = format!("the name {} could not be resolved: {failure}", connect.host);
        Failed::new(Stage::Name, LinkFailure::Dns, failure.fault(), seen).advise(failure.advice())
    })?;
    *stage = Stage::Connect;
    let mut last =
        Failed::new(Stage::Connect, LinkFailure::Dns, Fault::Twin, "there is no address to connect to");
    for address in addresses {
        let connected = match connect.transport {
            Transport::Tcp => tcp(address, connect).await.map(|stream| {
                let recorder = recorder(network, stream.local_addr(), |capture, local| {
                    Recorder::tcp(capture, local, address, whose.clone(), connect.tls.is_some())
                });
                Stream::Tcp(Wire::new(stream, recorder))
            }),
            Transport::Udp => udp(address, connect.local_port).await.map(|socket| {
                let recorder = recorder(network, socket.local_addr(), |capture, local| {
                    Recorder::udp(capture, local, address)
                });
                Stream::Udp(Datagrams::new(socket, recorder))
            }),
        };
        match connected {
            Ok(stream) => return Ok((stream, address)),
            Err(e) => {
                let of_port = connect.local_port.and_then(|port| no_port(port, address, &e));
                last = of_port.unwrap_or_else(|| refused(address, &e));
            }
        }
    }
    Err(last)
}

/// Who records a connection from here, if connections are recorded.
fn recorder(
    network: &Network,
    local: io::Result<SocketAddr>,
    make: impl FnOnce(Arc<Capture>, SocketAddr) -> Recorder,
) -> Option<Recorder> {
    let capture = network.recording.capture.clone()?;
    Some(make(capture, local.ok()?))
}

async fn tcp(address: SocketAddr, connect: &Connect) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(port) = connect.local_port {
        // The module's port is free again as soon as its connection has gone, even if this computer still remembers it.
        socket.set_reuseaddr(true)?;
        socket.bind(any(address, port))?;
    }
    if let Some(KeepAlive { idle, interval, count }) = connect.keep_alive {
        sockopt::set_socket_keepalive(&socket, true)?;
        sockopt::set_tcp_keepidle(&socket, Duration::from_secs(idle.into()))?;
        sockopt::set_tcp_keepintvl(&socket, Duration::from_secs(interval.into()))?;
        sockopt::set_tcp_keepcnt(&socket, count)?;
    }
    let stream = socket.connect(address).await?;
    // The module sends each AT+CIPSEND at once.
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(super) async fn udp(address: SocketAddr, port: Option<u16>) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(any(address, port.unwrap_or(0))).await?;
    socket.connect(address).await?;
    Ok(socket)
}

/// Any of this computer's addresses that can reach `peer`, with this port.
fn any(peer: SocketAddr, port: u16) -> SocketAddr {
    if peer.is_ipv4() { (Ipv4Addr::UNSPECIFIED, port).into() } else { (Ipv6Addr::UNSPECIFIED, port).into() }
}

/// A connect that failed because of the local port that was asked for, if it did.
fn no_port(port: u16, address: SocketAddr, error: &io::Error) -> Option<Failed> {
    let (fault, seen, advice) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            Fault::Command,
            format!("another program on this computer has the local port {port}: {error}"),
            "another port (AT+CLPORT), or 0 for any",
        ),
        io::ErrorKind::AddrNotAvailable => (
            Fault::Environment,
            format!(
                "a connection from the local port {port} to {address} is open, or not forgotten yet: {error}"
            ),
            "a minute's patience, another port, or 0 for any (AT+CLPORT)",
        ),
        io::ErrorKind::PermissionDenied => (
            Fault::Environment,
            format!("this computer does not let the twin use the local port {port}: {error}"),
            "a port above 1023, or 0 for any (AT+CLPORT)",
        ),
        _ => return None,
    };
    Some(Failed::new(Stage::Connect, class(error), fault, seen).advise(advice))
}

pub(super) fn refused(address: SocketAddr, error: &io::Error) -> Failed {
    let reset = error.kind() == io::ErrorKind::ConnectionReset;
    let class = if reset { LinkFailure::Refused } else { class(error) };
    let (fault, seen, advice) = match class {
        LinkFailure::Refused if reset => (
            Fault::Peer,
            format!("{address} reset the connection while it was made: {error}"),
            "does the server, or a firewall before it, turn this computer away?",
        ),
        LinkFailure::Refused => (
            Fault::Peer,
            format!("{address} refused the connection: nothing listens there ({error})"),
            "is the server running, and is the port right?",
        ),
        LinkFailure::Timeout => (
            Fault::Environment,
            format!("no answer from {address}: {error}"),
            "is it switched on, and does a firewall drop what comes to this port?",
        ),
        LinkFailure::Unreachable | LinkFailure::Network => (
            Fault::Environment,
            format!("{address} cannot be reached from this computer: {error}"),
            "has this computer a route to it?",
        ),
        _ => (
            Fault::Environment,
            format!("this computer could not connect to {address}: {error}"),
            "the cause is on this computer",
        ),
    };
    Failed::new(Stage::Connect, class, fault, seen).advise(advice)
}
