//! MQTT: one session with one broker, over a connection of its own (link 7).
//!
//! Reference: the module's manual, chapter "MQTT commands". Protocol level 3.1.1. What is on the wire is
//! `mqtt-protocol-core`'s; this family says when, and what the host is told.
//!
//! ```text
//!        (SSL)MIPSTART           CONNECT OK        MCONNECT          CONNACK OK          MDISCONNECT
//! Idle ────────────────► Connecting ──────► Up ─────────────► Asked ─────────► Online ────────────► Left
//!   ▲                        │              │                   │                │                   │
//!   └── CONNECT FAIL ────────┘              └──── CLOSED ───────┴────────────────┘    MIPCLOSE ──────┘
//! ```
//!
//! A command's OK says that it was accepted; what the broker makes of it follows as a line of its own, on the serial line
//! that opened the connection. A session with clean session 0 keeps what the broker has not acknowledged, in memory, and
//! sends it again when the broker still has the session.

mod client;
mod config;
mod delivery;
mod events;
mod payload;
mod publish;
mod session;
mod start;
mod subscribe;

use alloc::boxed::Box;
use alloc::vec::Vec;
use at::CmeError;

use crate::command::{Answer, Command, Fault, Outcome, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, FamilyTimer, socket};
use crate::io::{ConnId, LineId, LinkEvent, LinkRequest};
use crate::module::Module;
use crate::setup::Setup;
use client::{Client, Greeting, Ping};
use config::Identity;
use delivery::Message;

/// How far the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No connection.
    Idle,
    /// MIPSTART was accepted.
    Connecting,
    /// The connection is up.
    Up,
    /// MCONNECT was accepted; the broker has not answered.
    Asked,
    /// The broker has accepted the session.
    Online,
    /// MDISCONNECT was accepted. The connection may be there still, until MIPCLOSE.
    Left,
}

/// The family's state.
#[derive(Debug)]
pub(crate) struct Mqtt {
    phase: Phase,
    conn: Option<ConnId>,
    /// Who opened the connection; what it says goes there.
    line: LineId,
    identity: Identity,
    client: Client,
    /// An MCONNECT that came before the connection was up.
    greeting: Option<Box<Greeting>>,
    /// Payload bytes granted and not yet received.
    granted: usize,
    /// Handed to the connection and not yet taken by the network stack.
    unsent: usize,
    /// MQTTMODE.
    hex: bool,
    /// MQTTMSGSET.
    cached: bool,
    /// What waits for MQTTMSGGET, by slot; those behind the last one that was ever used are free.
    slots: Vec<Option<Message>>,
    /// How many messages have come; tells which slot is the oldest.
    arrived: u64,
}

/// What an open command of this family is in the middle of.
#[derive(Debug)]
pub(crate) enum MqttOp {
    /// MPUBEX: the message comes.
    Collect(publish::Target),
}

/// This family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MqttTimer {
    /// The broker has not answered MCONNECT.
    Answer,
    /// The keep-alive's own.
    Ping(Ping),
}

impl Family for Mqtt {
    type Op = MqttOp;
    type Timer = MqttTimer;

    const COMMANDS: &'static [Command] = &[
        config::MCONFIG,
        start::MIPSTART,
        start::SSLMIPSTART,
        session::MCONNECT,
        publish::MPUB,
        publish::MPUBEX,
        subscribe::MSUB,
        subscribe::MUNSUB,
        session::MDISCONNECT,
        start::MIPCLOSE,
        delivery::MQTTMSGSET,
        delivery::MQTTMSGGET,
        payload::MQTTMODE,
        session::MQTTSTATU,
    ];

    fn new(setup: &Setup) -> Self {
        Self {
            phase: Phase::Idle,
            conn: None,
            line: LineId(0),
            identity: Identity::default(),
            client: Client::new(setup.profile.timing.mqtt_ping),
            greeting: None,
            granted: 0,
            unsent: 0,
            hex: false,
            cached: false,
            slots: Vec::new(),
            arrived: 0,
        }
    }

    fn resume(x: &mut Exchange<'_>, op: MqttOp, event: Resume) -> Answer {
        let MqttOp::Collect(target) = op;
        match event {
            Resume::Data(end, bytes) => publish::collected(x, target, Some(end), bytes),
            Resume::DataTimeout(bytes) => publish::collected(x, target, None, bytes),
            // A data phase ends with data, or without.
            _ => Ok(Outcome::Said),
        }
    }

    fn timer(module: &mut Module, timer: MqttTimer) {
        match timer {
            MqttTimer::Answer => events::unanswered(module),
            MqttTimer::Ping(ping) => {
                let events = module.families.mqtt.client.timer(ping);
                events::act(module, events);
            }
        }
    }

    fn linked(module: &mut Module, conn: ConnId, event: LinkEvent<'_>) {
        if module.families.mqtt.conn == Some(conn) {
            events::link_event(module, conn, event);
        }
    }

    fn connections(&self) -> usize {
        usize::from(self.conn.is_some())
    }

    fn drained(module: &mut Module) {
        events::grant(module);
    }

    fn halt(module: &mut Module) {
        drop_connection(module, true);
    }

    fn factory(module: &mut Module) {
        let mqtt = &mut module.families.mqtt;
        (mqtt.hex, mqtt.cached) = (false, false);
    }
}

/// Whether the session has this link number.
pub(crate) fn holds(module: &Module, number: u8) -> bool {
    module.setup.profile.mqtt.link == number && module.families.mqtt.conn.is_some()
}

/// The default context is gone, and the connection with it. `said`: `+PDP: DEACT` has been said already.
pub(crate) fn bearer_lost(module: &mut Module, said: bool) {
    if module.families.mqtt.conn.is_none() {
        return;
    }
    drop_connection(module, true);
    if !said {
        module.urc_all(format_args!("+PDP: DEACT"));
    }
    let why = module.with_cause("the bearer is lost, and the MQTT connection with it; AT+MIPSTART begins again");
    module.note(None, "MQTT", why);
}

/// AT+CIPSHUT takes the bearer away.
pub(crate) fn shut(module: &mut Module) {
    drop_connection(module, true);
}

/// Drops the connection without a word.
fn drop_connection(module: &mut Module, quick: bool) {
    if let Some(conn) = forget_connection(module, Phase::Idle) {
        module.link(conn, LinkRequest::Close { quick });
    }
}

/// Goes to `phase` without a connection; the connection that it had.
fn forget_connection(module: &mut Module, phase: Phase) -> Option<ConnId> {
    for timer in [MqttTimer::Answer, MqttTimer::Ping(Ping::Send), MqttTimer::Ping(Ping::Response)] {
        module.cancel(FamilyTimer::mqtt(timer));
    }
    let mqtt = &mut module.families.mqtt;
    mqtt.phase = phase;
    mqtt.greeting = None;
    (mqtt.granted, mqtt.unsent) = (0, 0);
    mqtt.client.closed();
    mqtt.conn.take()
}

/// A line of the session's own, on the line that opened its connection.
fn tell(module: &mut Module, text: &str) {
    let line = module.families.mqtt.line;
    module.urc(line, format_args!("{text}"));
}

/// The same with the link number in multi mode.
fn tell_numbered(module: &mut Module, text: &str) {
    let (line, number) = (module.families.mqtt.line, module.setup.profile.mqtt.link);
    if socket::multi(module) {
        module.urc(line, format_args!("{number},{text}"));
    } else {
        module.urc(line, format_args!("{text}"));
    }
}

/// `+CME ERROR: 767`: not now.
fn wrong_order(why: &'static str) -> Fault {
    Fault::cme(CmeError::OPERATION_FAILED, why)
}

/// Refuses what needs a session.
fn check_online(module: &Module) -> Result<(), Fault> {
    match module.families.mqtt.phase {
        Phase::Online => Ok(()),
        Phase::Idle => Err(wrong_order("there is no connection: AT+MIPSTART, then AT+MCONNECT")),
        Phase::Connecting => Err(wrong_order("CONNECT OK has not come, and AT+MCONNECT comes after it")),
        Phase::Up => Err(wrong_order("AT+MCONNECT comes first")),
        Phase::Asked => Err(wrong_order("the broker has not answered AT+MCONNECT")),
        Phase::Left => Err(wrong_order("after AT+MDISCONNECT: AT+MIPCLOSE, AT+MIPSTART, AT+MCONNECT")),
    }
}

/// Refuses what the network, or the broker, would have to take before.
fn check_room(module: &Module) -> Result<(), Fault> {
    let (mqtt, profile) = (&module.families.mqtt, module.setup.profile);
    if mqtt.unsent > profile.send_buffer {
        return Err(wrong_order("the network takes nothing and the send buffer is full"));
    }
    if mqtt.client.in_flight() >= profile.mqtt.in_flight {
        return Err(wrong_order("the broker has not acknowledged what was sent before: wait for PUBACK or PUBCOMP"));
    }
    Ok(())
}
