//! One lab server: who may come in, and what is said about it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::echo::echo;
use super::guest::{Guest, HANDSHAKE, LAB};
use super::{Kind, Service, ftp, http, mqtt};

/// The most connections of one server at a time; more are closed at once.
pub const CONNECTIONS: usize = 256;
/// How long a connection may be silent.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How long nothing is accepted after the computer refused (when it has no file handles left, for example).
const PAUSE: Duration = Duration::from_millis(200);

/// What the connections of all servers share.
#[derive(Clone)]
pub(super) struct Services {
    broker: mqtt::Broker,
    files: Arc<ftp::Files>,
    /// For what begins in plain and asks for TLS later.
    explicit: Option<Arc<tls::Acceptor>>,
}

impl Services {
    /// Fresh ones.
    pub(super) fn new(explicit: Option<Arc<tls::Acceptor>>) -> Self {
        Self { broker: mqtt::Broker::default(), files: Arc::new(ftp::Files::new()), explicit }
    }
}

/// Serves until it is dropped.
pub(super) async fn serve(
    kind: Kind,
    listener: TcpListener,
    acceptor: Option<Arc<tls::Acceptor>>,
    services: Services,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if connections.len() < CONNECTIONS => {
                    connections.spawn(connection(kind, stream, peer, acceptor.clone(), services.clone()));
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
    services: Services,
) {
    // Without this an echo of many small pieces waits for acknowledgements; it still works if it is refused.
    let _ = stream.set_nodelay(true);
    // A connection without an address is gone already.
    let Ok(local) = stream.local_addr() else { return };
    let guest = Guest { peer, local, certificate: None };
    let Some(acceptor) = acceptor else {
        tracing::info!(target: LAB, "{kind}: {peer} connected");
        return ended(kind, peer, carry(kind, stream, guest, None, services).await);
    };
    match acceptor.accept(stream, HANDSHAKE).await {
        Ok(accepted) => {
            tracing::info!(target: LAB, "{kind}: {peer} connected: {}", session(&accepted));
            let guest = Guest { certificate: accepted.client.clone(), ..guest };
            ended(kind, peer, carry(kind, accepted.stream, guest, Some(acceptor), services).await);
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

/// Does what the server is for; `secured`: what has accepted the connection's TLS.
async fn carry<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    kind: Kind,
    mut stream: S,
    guest: Guest,
    secured: Option<Arc<tls::Acceptor>>,
    services: Services,
) -> io::Result<u64> {
    match kind.service() {
        Service::Echo => echo(&mut stream, IDLE).await,
        Service::Mqtt => services.broker.serve(stream).await,
        Service::Http => http::serve(stream, kind, guest).await,
        Service::Ftp => {
            let tls = ftp::Tls { implicit: secured.is_some(), acceptor: secured.or(services.explicit) };
            ftp::serve(Box::new(stream), kind, guest, services.files, tls).await
        }
    }
}

fn ended(kind: Kind, peer: SocketAddr, result: io::Result<u64>) {
    match result {
        Ok(bytes) => tracing::debug!(target: LAB, "{kind}: {peer} ended after {bytes} bytes"),
        Err(error) => tracing::debug!(target: LAB, "{kind}: {peer} broke off: {error}"),
    }
}
