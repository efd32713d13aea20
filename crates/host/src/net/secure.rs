//! TLS.
use super::explain::*;
use super::open::Failed;
use super::stream::Stream;
use super::*;
use crate::store::Store;
use std::sync::Arc;
use tokio::net::TcpStream;

pub(super) async fn handshake(
    _stream: TcpStream,
    request: &modem::TlsRequest,
    _network: &Network,
    _store: Arc<Store>,
) -> Result<(Stream, Session), Failed> {
    Err(Failed::new(
        Stage::Tls,
        modem::LinkFailure::Tls,
        format!("context {}: this revision has no TLS", request.context),
    ))
}
