//! What happens: to the connection, and what the broker says.

use alloc::vec::Vec;

use super::client::{Event, Greeting};
use super::{MqttTimer, Phase, delivery, forget_connection, tell, tell_numbered};
use crate::families::{FamilyTimer, socket};
use crate::io::{ConnId, LinkEvent, LinkRequest};
use crate::module::Module;

/// Segments that may be granted and not yet received.
const WINDOW: usize = 4;

/// Something happened to the connection.
pub(super) fn link_event(module: &mut Module, conn: ConnId, event: LinkEvent<'_>) {
    let phase = module.families.mqtt.phase;
    match (event, phase) {
        (LinkEvent::Connected { .. }, Phase::Connecting) => {
            module.families.mqtt.phase = Phase::Up;
            tell_numbered(module, "CONNECT OK");
            grant(module);
            if let Some(greeting) = module.families.mqtt.greeting.take() {
                greet(module, *greeting);
            }
        }
        (
            LinkEvent::Failed(_) | LinkEvent::Broken(_) | LinkEvent::PeerClosed { .. } | LinkEvent::Closed,
            Phase::Connecting,
        ) => failed(module),
        (LinkEvent::Received(bytes), _) => {
            let mqtt = &mut module.families.mqtt;
            mqtt.granted = mqtt.granted.saturating_sub(bytes.len());
            received(module, conn, bytes);
            grant(module);
        }
        (LinkEvent::Sent(bytes), _) => {
            let mqtt = &mut module.families.mqtt;
            mqtt.unsent = mqtt.unsent.saturating_sub(bytes);
            grant(module);
        }
        (LinkEvent::PeerClosed { .. }, _) => lost(module, "the broker closed the connection"),
        (LinkEvent::Failed(_) | LinkEvent::Broken(_) | LinkEvent::Closed, _) => {
            lost(module, "the connection to the broker broke");
        }
        (LinkEvent::Connected { .. } | LinkEvent::Secured | LinkEvent::Acked(_), _) => {}
    }
}

/// Sends CONNECT.
pub(super) fn greet(module: &mut Module, greeting: Greeting) {
    module.families.mqtt.phase = Phase::Asked;
    let limit = module.setup.profile.timing.mqtt_answer;
    module.arm(FamilyTimer::mqtt(MqttTimer::Answer), limit);
    let events = module.families.mqtt.client.connect(greeting);
    act(module, events);
}

/// The broker has not answered CONNECT.
pub(super) fn unanswered(module: &mut Module) {
    if module.families.mqtt.phase == Phase::Asked {
        lost(module, "the broker did not answer AT+MCONNECT");
    }
}

/// Does what the protocol asks for.
pub(super) fn act(module: &mut Module, events: Vec<Event>) {
    for event in events {
        // Closed by an event before.
        let Some(conn) = module.families.mqtt.conn else { return };
        match event {
            Event::Send(bytes) => {
                module.families.mqtt.unsent += bytes.len();
                module.link(conn, LinkRequest::Send(bytes));
            }
            Event::Timer(ping, Some(millis)) => module.arm(FamilyTimer::mqtt(MqttTimer::Ping(ping)), millis),
            Event::Timer(ping, None) => module.cancel(FamilyTimer::mqtt(MqttTimer::Ping(ping))),
            Event::Accepted if module.families.mqtt.phase == Phase::Asked => {
                module.cancel(FamilyTimer::mqtt(MqttTimer::Answer));
                module.families.mqtt.phase = Phase::Online;
                tell(module, "CONNACK OK");
            }
            Event::Accepted => lost(module, "the broker said CONNACK twice"),
            Event::Refused(why) => {
                module.cancel(FamilyTimer::mqtt(MqttTimer::Answer));
                module.families.mqtt.phase = Phase::Up;
                module.families.mqtt.client.closed();
                tell(module, "ERROR");
                note(module, why);
            }
            Event::Subscribed(true) => tell(module, "SUBACK"),
            Event::Subscribed(false) => {
                tell(module, "ERROR");
                note(module, "the broker refuses the subscription");
            }
            Event::Unsubscribed => tell(module, "UNSUBACK"),
            Event::PubAck => tell(module, "PUBACK"),
            Event::PubRec => tell(module, "PUBREC"),
            Event::PubComp => tell(module, "PUBCOMP"),
            Event::Message { topic, payload } => delivery::arrived(module, topic, payload),
            Event::Broken(why) => lost(module, why),
        }
    }
}

/// Bytes from the broker.
fn received(module: &mut Module, conn: ConnId, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match module.families.mqtt.phase {
            Phase::Asked | Phase::Online => {}
            // What still comes is for nobody.
            Phase::Left | Phase::Idle | Phase::Connecting => return,
            Phase::Up => return lost(module, "the other end speaks before AT+MCONNECT: it is no MQTT broker"),
        }
        let events = module.families.mqtt.client.receive(&mut bytes);
        act(module, events);
        if module.families.mqtt.conn != Some(conn) {
            return;
        }
    }
}

/// Lets the connection be read, as far as the line and the network keep up.
pub(super) fn grant(module: &mut Module) {
    let mqtt = &module.families.mqtt;
    let Some(conn) = mqtt.conn.filter(|_| mqtt.phase != Phase::Connecting) else { return };
    let (line, granted, unsent) = (mqtt.line, mqtt.granted, mqtt.unsent);
    let profile = module.setup.profile;
    let window = WINDOW * profile.segment;
    let slow = module.backlog(line) >= profile.line_backlog || unsent > profile.send_buffer;
    if granted + profile.segment > window || slow {
        return;
    }
    module.families.mqtt.granted = window;
    module.link(conn, LinkRequest::Grant(window - granted));
}

/// The connect came to nothing.
pub(super) fn failed(module: &mut Module) {
    forget_connection(module, Phase::Idle);
    if !socket::multi(module) {
        let (line, state) = (module.families.mqtt.line, socket::state_text(module));
        module.urc(line, format_args!("STATE:{state}"));
    }
    tell_numbered(module, "CONNECT FAIL");
}

/// The connection is gone, or has to be given up.
fn lost(module: &mut Module, why: &'static str) {
    let left = module.families.mqtt.phase == Phase::Left;
    let waiting = module.families.mqtt.client.in_flight();
    if let Some(conn) = forget_connection(module, if left { Phase::Left } else { Phase::Idle }) {
        module.link(conn, LinkRequest::Close { quick: false });
    }
    // After AT+MDISCONNECT that is what a broker does.
    if left {
        return;
    }
    tell_numbered(module, "CLOSED");
    match waiting {
        0 => note(module, why),
        _ => {
            let line = module.families.mqtt.line;
            let text = alloc::format!(
                "{why}; {waiting} of the messages and requests sent before had no answer (with clean session 0 messages \
                 are sent again if the broker keeps the session)"
            );
            module.note(Some(line), "MQTT", text);
        }
    }
}

fn note(module: &mut Module, why: &'static str) {
    let line = module.families.mqtt.line;
    module.note(Some(line), "MQTT", why);
}
