//! One lab server: who may come in, and what is said about it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Kind;
use super::echo::echo;
use super::mqtt::Broker;

/// The tracing target of the lab's connections.
pub const LAB: &str = "lab";

/// The most connections of one server at a time; more are closed at once.
pub const CONNECTIONS: usize = 256;
/// How long a connection may be silent.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// How long nothing is accepted after the computer refused (when it has no file handles left, for example).
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until it is dropped.
pub(super) async fn serve(
    kind: Kind,
    listener: TcpListener,
    acceptor: Option<Arc<tls::Acceptor>>,
    broker: Broker,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if connections.len() < CONNECTIONS => {
                    connections.spawn(connection(kind, stream, peer, acceptor.clone(), broker.clone()));
                }
                Ok((_, peer)) => {
                    tracing::warn!(
                        target: LAB,
                        "{kind}: {peer} sent away: {CONNECTIONS} connections are open already"
                    );
                }
                Err(error) => {
                    tracing::warn!(target: LAB, "{kind}: a connection could not be accepted: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(target: LAB, "{kind}: a connection panicked: {error}");
                }
            }
        }
    }
}

async fn connection(
    kind: Kind,
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<Arc<tls::Acceptor>>,
    broker: Broker,
) {
    // Without this an echo of many small pieces waits for acknowledgements; it still works if it is refused.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = acceptor else {
        tracing::info!(target: LAB, "{kind}: {peer} connected");
        return ended(kind, peer, carry(kind, stream, &broker).await);
    };
    match acceptor.accept(stream, HANDSHAKE).await {
        Ok(accepted) => {
            tracing::info!(target: LAB, "{kind}: {peer} connected: {}", session(&accepted));
            ended(kind, peer, carry(kind, accepted.stream, &broker).await);
        }
        Err(failure) => tracing::warn!(target: LAB, "{kind}: {peer} failed: {failure}"),
    }
}

/// A session in words: version, suite, who the client is, which server it meant.
fn session<S>(accepted: &tls::Accepted<S>) -> String {
    let report = accepted.stream.report();
    let version = report.version.map_or_else(|| "unknown version".to_owned(), |version| version.to_string());
    let client = accepted.client.as_deref().unwrap_or("without certificate");
    let asked = accepted.server_name.as_ref().map_or(String::new(), |name| format!(", asked for {name}"));
    let suite = match report.suite.openssl_name() {
        Some(_) => report.suite.to_string(),
        // Not one of the module's; the number alone tells people nothing.
        None => report.suite_name.clone(),
    };
    format!("{version}, {suite}, client {client}{asked}")
}

async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    kind: Kind,
    mut stream: S,
    broker: &Broker,
) -> io::Result<u64> {
    match kind {
        Kind::Tcp | Kind::OneWay | Kind::Mutual => echo(&mut stream, IDLE).await,
        Kind::Mqtt | Kind::Mqtts => broker.serve(stream).await,
    }
}

fn ended(kind: Kind, peer: SocketAddr, result: io::Result<u64>) {
    match result {
        Ok(bytes) => tracing::debug!(target: LAB, "{kind}: {peer} ended after {bytes} bytes"),
        Err(error) => tracing::debug!(target: LAB, "{kind}: {peer} broke off: {error}"),
    }
}
