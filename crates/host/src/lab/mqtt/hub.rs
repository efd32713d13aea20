//! What the broker knows: who is there, who wants what, what is retained. No I/O.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;

use mqtt_protocol_core::mqtt::packet::{Qos, StorePacket};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Messages that wait for one client; more are lost.
const QUEUE: usize = 256;
/// Topics that one client subscribes to.
const FILTERS: usize = 64;
/// Retained messages.
const RETAINED: usize = 256;
/// Sessions, of clients that are there and of those that have left.
const SESSIONS: usize = 512;

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) qos: Qos,
    pub(super) retain: bool,
}

/// What outlives a connection with clean session 0.
#[derive(Debug, Default)]
pub(super) struct Leftover {
    /// Not acknowledged by the client.
    pub(super) packets: Vec<StorePacket>,
    /// QoS 2 messages of the client that are half through.
    pub(super) handled: Vec<u16>,
}

#[derive(Debug, Default)]
struct Session {
    filters: Vec<(String, Qos)>,
    /// Where messages go, while the client is there.
    outlet: Option<Sender<Message>>,
    /// What has come while it was not.
    waiting: VecDeque<Message>,
    leftover: Leftover,
    keeps: bool,
    /// Counts connections: an older one must not end the session of a newer one.
    generation: u64,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<String, Session>,
    retained: BTreeMap<String, Message>,
    generations: u64,
}

/// Everything that the connections share.
#[derive(Debug, Default)]
pub(super) struct Hub(Mutex<State>);

/// A client's place.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) generation: u64,
    /// Ends when another client takes the place.
    pub(super) inlet: Receiver<Message>,
    /// Whether the session was there before.
    pub(super) present: bool,
    pub(super) leftover: Leftover,
    pub(super) waiting: VecDeque<Message>,
}

impl Hub {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// A client id that nobody has.
    pub(super) fn name(&self) -> String {
        self.with(|state| {
            state.generations += 1;
            format!("unnamed {}", state.generations)
        })
    }

    /// A client comes. Whoever has its place loses it. `None`: there are too many.
    pub(super) fn enter(&self, client: &str, clean: bool) -> Option<Seat> {
        self.with(|state| {
            if state.sessions.len() >= SESSIONS && !state.sessions.contains_key(client) {
                return None;
            }
            state.generations += 1;
            let generation = state.generations;
            let old = state.sessions.remove(client).filter(|session| session.keeps && !clean);
            let present = old.is_some();
            let mut session = old.unwrap_or_default();
            let (outlet, inlet) = channel(QUEUE);
            let leftover = std::mem::take(&mut session.leftover);
            let waiting = std::mem::take(&mut session.waiting);
            (session.outlet, session.keeps, session.generation) = (Some(outlet), !clean, generation);
            state.sessions.insert(client.to_owned(), session);
            Some(Seat { generation, inlet, present, leftover, waiting })
        })
    }

    /// A client has gone.
    pub(super) fn leave(&self, client: &str, generation: u64, leftover: Leftover, rest: Vec<Message>) {
        self.with(|state| {
            let Some(session) =
                state.sessions.get_mut(client).filter(|session| session.generation == generation)
            else {
                return;
            };
            if session.keeps {
                session.outlet = None;
                session.leftover = leftover;
                session.waiting.extend(rest.into_iter().filter(|message| message.qos != Qos::AtMostOnce));
                session.waiting.truncate(QUEUE);
            } else {
                state.sessions.remove(client);
            }
        });
    }

    /// Subscribes; the retained messages that fit. `None`: too many topics.
    pub(super) fn subscribe(&self, client: &str, filter: &str, qos: Qos) -> Option<Vec<Message>> {
        self.with(|state| {
            let filters = &mut state.sessions.get_mut(client)?.filters;
            filters.retain(|(known, _)| known != filter);
            if filters.len() >= FILTERS {
                return None;
            }
            filters.push((filter.to_owned(), qos));
            let retained = state.retained.values().filter(|message| matches(filter, &message.topic));
            Some(
                retained.map(|message| Message { qos: lower(message.qos, qos), ..message.clone() }).collect(),
            )
        })
    }

    pub(super) fn unsubscribe(&self, client: &str, filter: &str) {
        self.with(|state| {
            if let Some(session) = state.sessions.get_mut(client) {
                session.filters.retain(|(known, _)| known != filter);
            }
        });
    }

    /// Hands a message to everybody who wants it.
    pub(super) fn publish(&self, message: &Message) {
        self.with(|state| {
            if message.retain && message.payload.is_empty() {
                state.retained.remove(&message.topic);
            } else if message.retain
                && (state.retained.len() < RETAINED || state.retained.contains_key(&message.topic))
            {
                state.retained.insert(message.topic.clone(), message.clone());
            }
            for session in state.sessions.values_mut() {
                let wanted = session.filters.iter().filter(|(filter, _)| matches(filter, &message.topic));
                // Overlapping subscriptions: once, with the best of them.
                let Some(qos) = wanted.map(|(_, qos)| *qos).max_by_key(|qos| *qos as u8) else { continue };
                let copy = Message { qos: lower(message.qos, qos), retain: false, ..message.clone() };
                match &session.outlet {
                    // A client that does not keep up loses messages.
                    Some(outlet) => drop(outlet.try_send(copy)),
                    None if copy.qos != Qos::AtMostOnce && session.waiting.len() < QUEUE => {
                        session.waiting.push_back(copy);
                    }
                    None => {}
                }
            }
        });
    }
}

fn lower(one: Qos, other: Qos) -> Qos {
    if (one as u8) < (other as u8) { one } else { other }
}

/// MQTT 3.1.1, 4.7: whether a subscription with wildcards takes a topic.
fn matches(filter: &str, topic: &str) -> bool {
    // `$SYS` and the like are not meant by a wildcard.
    if topic.starts_with('$') && !filter.starts_with('$') {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_those_of_the_standard() {
        for (filter, topic) in [
            ("a/b", "a/b"),
            ("a/+", "a/b"),
            ("a/#", "a/b/c"),
            ("a/#", "a"),
            ("#", "a/b"),
            ("+/+", "/a"),
            ("+", "a"),
        ] {
            assert!(matches(filter, topic), "{filter} {topic}");
        }
        for (filter, topic) in
            [("a/+", "a"), ("a/+", "a/b/c"), ("+", "/a"), ("#", "$SYS/x"), ("a/b", "a"), ("a", "a/b")]
        {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }

    #[test]
    fn a_kept_session_waits_and_a_clean_one_does_not() {
        let hub = Hub::default();
        let message = |qos| Message { topic: "t".into(), payload: b"x".to_vec(), qos, retain: false };
        for (clean, count) in [(false, 1), (true, 0)] {
            let seat = hub.enter("id", clean).unwrap();
            hub.subscribe("id", "t", Qos::AtLeastOnce).unwrap();
            hub.leave("id", seat.generation, Leftover::default(), Vec::new());
            hub.publish(&message(Qos::AtLeastOnce));
            hub.publish(&message(Qos::AtMostOnce));
            let seat = hub.enter("id", clean).unwrap();
            assert_eq!((seat.present, seat.waiting.len()), (!clean, count));
            hub.leave("id", seat.generation, Leftover::default(), Vec::new());
        }
    }

    #[test]
    fn a_second_client_takes_the_place() {
        let hub = Hub::default();
        let mut first = hub.enter("id", true).unwrap();
        let second = hub.enter("id", true).unwrap();
        assert!(matches!(first.inlet.try_recv(), Err(tokio::sync::mpsc::error::TryRecvError::Disconnected)));
        hub.leave("id", first.generation, Leftover::default(), Vec::new());
        hub.subscribe("id", "t", Qos::AtMostOnce).unwrap();
        drop(second);
    }
}
