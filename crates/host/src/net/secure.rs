//! TLS on a connection that is up.

use std::time::Duration;

use modem::{LinkFailure, TlsRequest};
use tls::{Cause, Class, Failure, Resumption, TlsStream};

use super::Network;
use super::explain::{Fault, Stage};
use super::failed::Failed;
use super::policy;
use super::wire::Wire;
use crate::store::Store;

/// OpenSSL's numbers for "not yet valid" and "has expired".
const DATE_ERRORS: [i32; 2] = [9, 10];

/// Reads the files that the request names, and does the handshake within the request's time.
pub(super) async fn handshake(
    stream: Wire,
    request: &TlsRequest,
    network: &Network,
    store: &Store,
    resumption: &Resumption,
) -> Result<TlsStream<Wire>, Failed> {
    let policy = policy::policy(request, network.rules, &|path| store.read_whole(path))?;
    let limit = Duration::from_millis(request.timeout);
    let stream = network.connector.connect_as(stream, &policy, limit, resumption).await;
    let stream = stream.map_err(|failure| explain(failure, request))?;
    stream.get_ref().handshake_over();
    Ok(stream)
}

fn explain(failure: Box<Failure>, request: &TlsRequest) -> Failed {
    let stage = if failure.stage == tls::Stage::Configure { Stage::Files } else { Stage::Tls };
    let about_dates = failure.verify.as_ref().is_some_and(|verify| DATE_ERRORS.contains(&verify.code));
    let no_clock = about_dates && !request.clock_set;
    let fault = match (failure.class(), &failure.cause) {
        _ if no_clock => Fault::Configuration,
        (_, Cause::NotTls { .. } | Cause::Echo) => Fault::Command,
        (Class::Configuration, _) => Fault::Configuration,
        (Class::Peer, _) => Fault::Peer,
        (Class::Environment, _) => Fault::Environment,
        (Class::Bug, _) => Fault::Twin,
    };
    let seen = format!("{} (SSL context {})", failure.seen(), request.context);
    let class = if failure.verify.is_some() { LinkFailure::Certificate } else { LinkFailure::Tls };
    let failed = Failed::new(stage, class, fault, seen);
    let failed = if no_clock {
        failed.advise("the module's clock was never set: let the network tell the time, set it, or ignore it")
    } else if let Some(advice) = failure.advice() {
        failed.advise(advice)
    } else {
        failed
    };
    failed.handshake(failure)
}
