//! TLS on a connection that is up.

use std::time::Duration;

use modem::{LinkFailure, TlsRequest};
use tls::{Failure, TlsStream};
use tokio::net::TcpStream;

use super::Network;
use super::explain::Stage;
use super::open::Failed;
use super::policy;
use crate::store::Store;

/// OpenSSL's numbers for "not yet valid" and "has expired".
const DATE_ERRORS: [i32; 2] = [9, 10];

/// Reads the files that the request names, and does the handshake within the request's time.
pub(super) async fn handshake(
    stream: TcpStream,
    request: &TlsRequest,
    network: &Network,
    store: &Store,
) -> Result<TlsStream<TcpStream>, Failed> {
    let policy = policy::policy(request, network.name_check, store)?;
    let limit = Duration::from_millis(request.timeout);
    network.connector.connect(stream, &policy, limit).await.map_err(|failure| {
        let stage = if failure.stage == tls::Stage::Configure { Stage::Files } else { Stage::Tls };
        Failed::new(stage, LinkFailure::Tls, text(&failure, request))
    })
}

fn text(failure: &Failure, request: &TlsRequest) -> String {
    let mut text = format!("{failure} (SSL context {})", request.context);
    let about_dates = failure.verify.as_ref().is_some_and(|verify| DATE_ERRORS.contains(&verify.code));
    if about_dates && !request.clock_set {
        text.push_str(
            "; the module's clock was never set: let the network tell the time, set it, or ignore it",
        );
    }
    text
}
