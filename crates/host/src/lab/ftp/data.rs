//! Data connections: passive only, and only for whoever has the control connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tls::{Closure, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::control::Duplex;
use super::files::{Files, Open, Refusal};
use crate::lab::guest::{HANDSHAKE, LAB};

/// How long a data connection is waited for.
const ARRIVAL: Duration = Duration::from_secs(30);
/// How long nothing may move: somebody who types commands takes a while between two blocks.
const STALL: Duration = Duration::from_secs(15 * 60);
/// How much is moved at a time.
const PORTION: usize = 16 << 10;

/// How a transfer can fail.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no data connection.
    Absent,
    /// The data connection's TLS.
    Tls(String),
    /// The data connection.
    Broken(io::Error),
    /// The files.
    Refused(Refusal),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// A data connection.
pub(super) trait Data: Duplex {
    /// At the end of what was read: whether TLS cannot vouch for its being the end.
    fn is_truncated(&self) -> bool;
}

impl Data for TcpStream {
    fn is_truncated(&self) -> bool {
        false
    }
}

impl Data for TlsStream<TcpStream> {
    fn is_truncated(&self) -> bool {
        self.closure() == Closure::Truncated
    }
}

/// Listens where the control connection is, for its client.
pub(super) async fn listen(mut local: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    local.set_port(0);
    let listener = TcpListener::bind(local).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The client's data connection; others are closed at once.
pub(super) async fn arrival(listener: TcpListener, peer: SocketAddr) -> Result<TcpStream, Failure> {
    let waiting = async {
        loop {
            let (stream, from) = listener.accept().await?;
            if from.ip() == peer.ip() {
                return Ok::<_, io::Error>(stream);
            }
        }
    };
    match timeout(ARRIVAL, waiting).await {
        Ok(Ok(stream)) => Ok(stream),
        _ => Err(Failure::Absent),
    }
}

/// TLS on it, if it is to be protected.
pub(super) async fn protected(
    stream: TcpStream,
    acceptor: Option<Arc<tls::Acceptor>>,
) -> Result<Box<dyn Data>, Failure> {
    match acceptor {
        None => Ok(Box::new(stream)),
        Some(acceptor) => match acceptor.accept(stream, HANDSHAKE).await {
            Ok(accepted) => {
                let how = if accepted.resumed { "the session was resumed" } else { "a new session" };
                tracing::debug!(target: LAB, "TLS on a data connection: {how}");
                Ok(Box::new(accepted.stream))
            }
            Err(why) => Err(Failure::Tls(why)),
        },
    }
}

/// What is transferred.
pub(super) enum Transfer {
    /// These bytes to the client.
    List(Vec<u8>),
    /// A file to the client, from a place on.
    Send(Open, u64),
    /// A file from the client.
    Receive(Open),
}

impl Transfer {
    /// Does it; how many bytes it were.
    pub(super) async fn run(self, mut stream: Box<dyn Data>, files: &Files) -> Result<u64, Failure> {
        match self {
            Self::List(bytes) => {
                put(&mut stream, &bytes).await?;
                end(stream).await?;
                Ok(bytes.len() as u64)
            }
            Self::Send(open, from) => {
                let mut at = from;
                loop {
                    let portion = files.read(&open, at, PORTION).map_err(Failure::Refused)?;
                    if portion.is_empty() {
                        break;
                    }
                    put(&mut stream, &portion).await?;
                    at += portion.len() as u64;
                }
                end(stream).await?;
                Ok(at - from)
            }
            Self::Receive(open) => {
                let mut buffer = vec![0; PORTION];
                let mut total = 0;
                loop {
                    let count = within(stream.read(&mut buffer)).await?;
                    if count == 0 {
                        break;
                    }
                    if let Err(refusal) = files.write(&open, &buffer[..count]) {
                        files.take_back(&open);
                        return Err(Failure::Refused(refusal));
                    }
                    total += count as u64;
                }
                // What came stays, so that the client can go on behind it.
                if stream.is_truncated() {
                    return Err(Failure::Broken(io::ErrorKind::UnexpectedEof.into()));
                }
                // Everything is here, whatever the client thinks of the end.
                let _ = end(stream).await;
                Ok(total)
            }
        }
    }
}

async fn put(stream: &mut Box<dyn Data>, bytes: &[u8]) -> io::Result<()> {
    within(stream.write_all(bytes)).await
}

async fn end(mut stream: Box<dyn Data>) -> io::Result<()> {
    within(async {
        stream.flush().await?;
        stream.shutdown().await
    })
    .await
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(STALL, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
