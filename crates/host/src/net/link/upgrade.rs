//! TLS on a connection that is up and has carried plain text so far, as FTP's AUTH TLS wants it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use modem::{LinkFailure, TlsRequest};
use tls::{Resumable, Resumption, TlsStream};
use tokio::time::{Sleep, sleep};

use super::super::Network;
use super::super::explain::{Fault, Report, Seconds, Stage};
use super::super::failed::Failed;
use super::super::secure;
use super::super::stream::Stream;
use super::super::wire::Wire;
use super::{End, Happened, Link, State};
use crate::store::Store;

/// A handshake under way.
pub(super) type Handshake = Pin<Box<dyn Future<Output = Result<TlsStream<Wire>, Failed>> + Send>>;

/// A handshake that waits for what was sent before it.
pub(super) struct Upgrade {
    request: TlsRequest,
    resumption: Resumption,
    network: Arc<Network>,
    store: Arc<Store>,
    /// When that has waited for too long.
    limit: Pin<Box<Sleep>>,
}

impl Upgrade {
    async fn handshake(self, wire: Wire) -> Result<TlsStream<Wire>, Failed> {
        secure::handshake(wire, &self.request, &self.network, &self.store, &self.resumption).await
    }
}

/// Where the session of a connection with this wish is kept.
pub(super) fn slot(resumption: &Resumption) -> Option<Resumable> {
    match resumption {
        Resumption::None => None,
        Resumption::Keep(slot) | Resumption::Offer(slot) => Some(slot.clone()),
    }
}

impl Link {
    /// Does a TLS handshake as soon as everything sent so far has left; [`Happened::Secured`] or [`Happened::Failed`] follows.
    pub(crate) fn secure(
        &mut self,
        request: TlsRequest,
        resumption: Resumption,
        network: Arc<Network>,
        store: Arc<Store>,
    ) {
        let limit = Box::pin(sleep(Duration::from_millis(request.timeout)));
        self.upgrade = Some(Box::new(Upgrade { request, resumption, network, store, limit }));
    }

    /// The session that others may resume, for as long as the connection is open.
    pub(crate) fn session(&self) -> Option<Resumable> {
        match self.state {
            State::Open(_) => self.session.clone(),
            State::Opening(_)
            | State::Securing(_)
            | State::Closing(..)
            | State::Lingering(..)
            | State::Over => None,
        }
    }

    /// What is sent now is not for plain text.
    pub(super) fn is_securing(&self) -> bool {
        self.upgrade.is_some() || matches!(self.state, State::Securing(_))
    }

    /// Begins the handshake once the queue is empty. Nothing is read meanwhile.
    pub(super) fn poll_upgrade(&mut self, cx: &mut Context<'_>) -> Poll<Happened> {
        let Some(upgrade) = &mut self.upgrade else { return Poll::Pending };
        if !self.queue.is_empty() {
            ready!(upgrade.limit.as_mut().poll(cx));
            let limit = Seconds(Duration::from_millis(upgrade.request.timeout));
            let seen = format!("the peer has not taken within {limit} what was sent before the handshake");
            return Poll::Ready(self.unprotected(Fault::Peer, seen, "is the peer still there?"));
        }
        let State::Open(Stream::Tcp(wire)) = &mut self.state else {
            let seen = "TLS was asked for on a connection that is not TCP in plain text";
            return Poll::Ready(self.unprotected(Fault::Twin, seen.into(), "a bug; please report it"));
        };
        // Whoever put it there, it must not be taken for the protected answer to what is asked next.
        let unread = wire.take_unread();
        if unread > 0 {
            let seen = format!(
                "at least {unread} bytes had come in plain text behind the answer and before the handshake; they could \
                 have been taken for protected data"
            );
            let advice =
                "a server says nothing between its answer and the handshake: somebody on the way may have";
            return Poll::Ready(self.unprotected(Fault::Peer, seen, advice));
        }
        let (Some(upgrade), State::Open(Stream::Tcp(wire))) =
            (self.upgrade.take(), std::mem::replace(&mut self.state, State::Over))
        else {
            return Poll::Pending;
        };
        wire.handshake_begins();
        self.session = slot(&upgrade.resumption);
        self.state = State::Securing(Box::pin(upgrade.handshake(wire)));
        self.poll_handshake(cx)
    }

    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Happened> {
        let State::Securing(handshake) = &mut self.state else { return Poll::Pending };
        match ready!(handshake.as_mut().poll(cx)) {
            Ok(stream) => {
                let session = Box::new(stream.report().clone());
                self.state = State::Open(Stream::Tls(Box::new(stream)));
                self.queue = std::mem::take(&mut self.held);
                let report = Report::Secured { subject: self.subject.clone(), session };
                Poll::Ready(Happened::Secured(Box::new(report)))
            }
            Err(failed) => Poll::Ready(self.fail(failed)),
        }
    }

    fn unprotected(&mut self, fault: Fault, seen: String, advice: &str) -> Happened {
        self.fail(Failed::new(Stage::Tls, LinkFailure::Tls, fault, seen).advise(advice))
    }

    pub(super) fn fail(&mut self, failed: Failed) -> Happened {
        self.state = State::Over;
        self.end = End::Failed;
        Happened::Failed(failed.explain(self.subject.clone()))
    }
}
