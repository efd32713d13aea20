//! What a module asks that is no connection: the address of a name, an echo, the time.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use modem::{Query, QueryFailure, QueryId, QueryReply};
use tokio::time::timeout;

use super::echo;
use super::explain::{EXPLAIN, Fault, Seconds};
use super::unanswered::{Refused, Unanswered};
use super::{Network, Sender, exchange, sntp};

type Answering = Pin<Box<dyn Future<Output = Result<QueryReply, Refused>> + Send>>;

/// A question that waits for its answer. Dropping it ends everything that it has begun.
pub(crate) struct Question {
    id: QueryId,
    subject: String,
    message: bool,
    answering: Answering,
}

impl Question {
    /// Begins to ask. A message is for [`Question::carry`].
    pub(crate) fn ask(module: &str, id: QueryId, query: Query, network: Arc<Network>) -> Self {
        let subject = match &query {
            Query::Resolve { host, .. } => format!("{module} name {host}"),
            Query::Echo { host, sequence, .. } => format!("{module} echo {sequence} to {host}"),
            Query::Time { host, .. } => format!("{module} time from {host}"),
            Query::Message { destination, .. } => format!("{module} message to {destination}"),
        };
        Self { id, subject, message: false, answering: Box::pin(answer(query, network)) }
    }

    /// Begins to carry a message.
    pub(crate) fn carry(
        module: &str,
        id: QueryId,
        sender: Sender,
        (destination, tpdu): (String, Vec<u8>),
        network: Arc<Network>,
    ) -> Self {
        let subject = format!("{module} message to {destination}");
        let answering = Box::pin(exchange::carry(network, sender, destination, tpdu));
        Self { id, subject, message: true, answering }
    }

    pub(crate) fn id(&self) -> QueryId {
        self.id
    }

    /// Whether it is a message on its way.
    pub(crate) fn is_message(&self) -> bool {
        self.message
    }

    /// The answer; why there is no good one.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<QueryReply, Box<Unanswered>>> {
        self.answering.as_mut().poll(cx).map_err(|refused| refused.explain(self.subject.clone()))
    }

    /// Says in the log what became of it.
    pub(crate) fn log(&self, answer: &Result<QueryReply, Box<Unanswered>>) {
        let subject = &self.subject;
        match answer {
            // An address is its own name: nothing was asked.
            Ok(QueryReply::Address(address)) if subject.ends_with(&format!(" {address}")) => {}
            Ok(QueryReply::Address(address)) => tracing::info!(target: EXPLAIN, "{subject}: {address}"),
            Ok(QueryReply::Echo { from, millis, ttl }) => {
                tracing::info!(target: EXPLAIN, "{subject}: {from} answered after {millis} ms, time to live {ttl}");
            }
            Ok(QueryReply::Time(millis)) => {
                tracing::info!(target: EXPLAIN, "{subject}: {} s since 1970", millis.div_euclid(1000));
            }
            Ok(QueryReply::Taken) => tracing::info!(target: EXPLAIN, "{subject}: taken"),
            Err(unanswered) => tracing::warn!(target: EXPLAIN, "{unanswered}"),
        }
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("subject", &self.subject).finish_non_exhaustive()
    }
}

async fn answer(query: Query, network: Arc<Network>) -> Result<QueryReply, Refused> {
    match query {
        Query::Resolve { host, name_servers, timeout } => {
            let limit = Duration::from_millis(timeout);
            let address = in_time(limit, &host, resolve(&network, &host, 0, &name_servers)).await?;
            Ok(QueryReply::Address(address.ip()))
        }
        Query::Echo { host, name_servers, sequence, length, ttl, timeout } => {
            let limit = Duration::from_millis(timeout);
            in_time(limit, &host, async {
                match resolve(&network, &host, 0, &name_servers).await?.ip() {
                    IpAddr::V4(to) => echo::send(echo::Request { to, sequence, length, ttl }).await,
                    IpAddr::V6(to) => Err(no_ipv4(&to.to_string())),
                }
            })
            .await
        }
        Query::Time { host, name_servers, timeout } => {
            let limit = Duration::from_millis(timeout);
            let mut odd = None;
            let asked = in_time(limit, &host, async {
                let server = resolve(&network, &host, sntp::PORT, &name_servers).await?;
                sntp::ask(server, &mut odd).await
            })
            .await;
            match (asked, odd) {
                // Something came, and nothing of use did until the time was over.
                (Err(refused), Some(odd)) if refused.is_late() => {
                    Err(Refused::new(QueryFailure::BadAnswer, Fault::Peer, odd))
                }
                (asked, _) => asked.map(QueryReply::Time),
            }
        }
        Query::Message { destination, .. } => Err(Refused::new(
            QueryFailure::NotPossible,
            Fault::Twin,
            format!("nobody here carries messages to {destination}"),
        )),
    }
}

async fn in_time<T>(
    limit: Duration,
    host: &str,
    asking: impl Future<Output = Result<T, Refused>>,
) -> Result<T, Refused> {
    timeout(limit, asking).await.unwrap_or_else(|_elapsed| {
        let seen = format!("no answer about {host} within {}", Seconds(limit));
        Err(Refused::new(QueryFailure::Timeout, Fault::Environment, seen)
            .advise("is it switched on, and does a firewall drop what comes from here?"))
    })
}

/// The IPv4 address to ask.
async fn resolve(
    network: &Network,
    host: &str,
    port: u16,
    servers: &[IpAddr],
) -> Result<SocketAddr, Refused> {
    let found = network.resolver.resolve(host, port, servers).await.map_err(|failure| {
        let seen = format!("the name {host} could not be resolved: {failure}");
        Refused::new(failure.class(), failure.fault(), seen).advise(failure.advice())
    })?;
    found.into_iter().find(SocketAddr::is_ipv4).ok_or_else(|| no_ipv4(host))
}

fn no_ipv4(host: &str) -> Refused {
    let seen = format!("{host} has no IPv4 address, and the module has no IPv6");
    Refused::new(QueryFailure::UnknownName, Fault::Command, seen)
}
