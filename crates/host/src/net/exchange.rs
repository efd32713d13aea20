//! The short message service of a process: what a module sends reaches another module of the same process, and all of it is
//! written down in the sender's outbox.

use std::sync::{Arc, Mutex, PoisonError};

use modem::{Profile, QueryFailure, QueryReply, Setup, WorldChange};
use pdu::{Address, Stamp, Submit, Tpdu, to_hex};

use super::Network;
use super::explain::{EXPLAIN, Fault};
use super::unanswered::Refused;
use crate::clock::unix_millis;
use crate::instance::Handle;
use crate::store::Store;

/// TP-ST of a message that was delivered.
const DELIVERED: u8 = 0;
/// What the outbox says of a message for somebody outside this process.
const OUTSIDE: &str = "outside";

/// The modules of a process, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    subscribers: Mutex<Vec<Subscriber>>,
}

#[derive(Debug)]
struct Subscriber {
    name: String,
    profile: &'static Profile,
    number: String,
    handle: Handle,
}

/// A module as the sender of messages.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    name: String,
    number: String,
    /// Quarters of an hour east of Greenwich.
    zone: i8,
    handle: Handle,
    store: Arc<Store>,
}

impl Exchange {
    /// A module can be reached from now on, as long as it runs.
    pub(crate) fn join(&self, name: &str, setup: &Setup, handle: &Handle, store: &Arc<Store>) -> Sender {
        let sender = Sender {
            name: name.into(),
            number: setup.msisdn(),
            zone: setup.profile.time_zone_quarters,
            handle: handle.clone(),
            store: Arc::clone(store),
        };
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| !subscriber.handle.is_gone());
        subscribers.push(Subscriber {
            name: name.into(),
            profile: setup.profile,
            number: setup.msisdn(),
            handle: handle.clone(),
        });
        sender
    }

    /// Who has this number.
    fn find(&self, number: &str) -> Option<(String, Handle)> {
        let subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        let reachable = |subscriber: &&Subscriber| {
            !subscriber.handle.is_gone() && subscriber.profile.reaches(&subscriber.number, number)
        };
        subscribers.iter().rev().find(reachable).map(|found| (found.name.clone(), found.handle.clone()))
    }
}

/// Takes a message: into the outbox, to the module that has the number, and back as a status report if that is wanted.
pub(super) async fn carry(
    network: Arc<Network>,
    sender: Sender,
    destination: String,
    tpdu: Vec<u8>,
) -> Result<QueryReply, Refused> {
    let refused = |fault, seen: String| Refused::new(QueryFailure::NotPossible, fault, seen);
    let Ok(Tpdu::Submit(submit)) = Tpdu::parse(&tpdu) else {
        return Err(refused(Fault::Twin, "what the module sends is no message".into()));
    };
    let originator =
        Address::dialled(&sender.number).map_err(|error| refused(Fault::Twin, error.to_string()))?;
    let stamp = Stamp::new(unix_millis().div_euclid(1000), sender.zone);
    let receiver = network.exchange.find(&destination);
    let whom = receiver.as_ref().map_or(OUTSIDE, |(name, _)| name.as_str());
    let line = entry(stamp, &destination, whom, &tpdu, &submit);
    let store = Arc::clone(&sender.store);
    let written = tokio::task::spawn_blocking(move || store.add_to_outbox(&line)).await;
    let problem = match written {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(problem) = problem {
        let advice = "the outbox lies beside the module's files";
        return Err(
            refused(Fault::Environment, format!("the outbox cannot be written: {problem}")).advise(advice)
        );
    }
    tracing::info!(target: EXPLAIN, "{} message to {destination}: goes to {whom}", sender.name);
    if let Some((_, handle)) = receiver {
        // A module that has just ended: the message is in the outbox, as everybody else's.
        let _ = handle.world(WorldChange::Message { tpdu: submit.deliver(originator, stamp).bytes() }).await;
    }
    if submit.wants_report() {
        let report = submit.report(stamp, stamp, DELIVERED).bytes();
        let _ = sender.handle.world(WorldChange::Message { tpdu: report }).await;
    }
    Ok(QueryReply::Taken)
}

/// One line of the outbox: when, to whom, where it went, the TPDU, and the text as far as it is one.
fn entry(stamp: Stamp, destination: &str, whom: &str, tpdu: &[u8], submit: &Submit) -> String {
    let text = submit.data.text(submit.scheme, submit.headers()).unwrap_or_default();
    let text = transcript::escape(text.as_bytes());
    format!("{stamp} {destination} {whom} {} \"{text}\"\n", to_hex(tpdu))
}
