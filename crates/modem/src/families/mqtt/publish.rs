//! MPUB, MPUBEX: messages to the broker.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use at::{DataEnd, DataKind};

use super::{Client, MqttOp, check_online, check_room, events, payload, wrong_order};
use crate::command::{Answer, Command, DataPhase, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::io::ConnId;

pub(super) const MPUB: Command = Command {
    syntax: &["AT+MPUB=<topic>,<QoS 0-2>,<retain 0-1>,\"<message>\"", "AT+MPUB=?"],
    reference: "manual AT+MPUB",
    evidence: Evidence::Documented,
    remarks: "OK when it is on its way; QoS 1: PUBACK later; QoS 2: PUBREC and PUBCOMP later. The message needs its quotes; \\xx in it is a \
              byte (any two hexadecimal digits; a backslash without them stands for itself: assumed). At most 2384 bytes, as they \
              leave (assumed; documents differ). Without a session, or with 16 packets that the broker has not acknowledged \
              (assumed): +CME ERROR: 767.",
    set: Some(publish),
    test: Test::Text("+MPUB:<topic>,(0-2),(0-1),<message>"),
    examples: &[
        example("AT+MPUB=\"mqtt/sub\",0,0,\"hello\"", "\r\n+CME ERROR: 767\r\n"),
        example("AT+MPUB=\"mqtt/sub\",0,0,hello", "\r\nERROR\r\n"),
        example("AT+MPUB=\"mqtt/sub\",3,0,\"hello\"", "\r\nERROR\r\n"),
        example("AT+MPUB=\"mqtt/+\",0,0,\"hello\"", "\r\nERROR\r\n"),
        example("AT+MPUB=\"mqtt/sub\",0,0,\"say \\\"hello\\\"\"", "\r\nERROR\r\n"),
        example_after(&["AT+MQTTMODE=1"], "AT+MPUB=\"mqtt/sub\",0,0,\"123\"", "\r\nERROR\r\n"),
        example("AT+MPUB=?", "\r\n+MPUB:<topic>,(0-2),(0-1),<message>\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+MPUB", "Publish an MQTT message")
};

pub(super) const MPUBEX: Command = Command {
    syntax: &[
        "AT+MPUBEX=<topic>,<QoS 0-2>,<retain 0-1>,<length 1-4100>   so many bytes",
        "AT+MPUBEX=<topic>,<QoS 0-2>,<retain 0-1>[,0]               until Ctrl-Z, or 5 s without a byte",
        "AT+MPUBEX=?",
    ],
    reference: "manual AT+MPUBEX",
    evidence: Evidence::Documented,
    remarks: "Prompt, bytes as they are, then as AT+MPUB. With a length Ctrl-Z is a byte like any other; when the next byte does not \
              come within 5 s: ERROR, and nothing is published (assumed). Without a length: when nothing at all comes within 5 s, \
              ERROR (assumed); ESC is a byte like any other (assumed). More than 4100 bytes: ERROR. Without a session, before the \
              prompt or when the bytes are there: +CME ERROR: 767.",
    longest: u32::MAX,
    set: Some(publish_raw),
    test: Test::Text("+MPUBEX:<topic>,(0-2),(0-1),<len>"),
    examples: &[
        example("AT+MPUBEX=\"mqtt/sub\",0,0,5", "\r\n+CME ERROR: 767\r\n"),
        example("AT+MPUBEX=\"mqtt/sub\",0,0,4101", "\r\nERROR\r\n"),
        example("AT+MPUBEX=?", "\r\n+MPUBEX:<topic>,(0-2),(0-1),<len>\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+MPUBEX", "Publish an MQTT message of raw bytes")
};

/// Where a message goes.
#[derive(Debug)]
pub(crate) struct Target {
    /// The connection that was there when the command came.
    conn: Option<ConnId>,
    topic: String,
    qos: u8,
    retain: bool,
    length: usize,
}

fn target(x: &mut Exchange<'_>) -> Result<Target, Fault> {
    let topic = x.args.text(x.profile().mqtt.name)?;
    let qos = x.args.small(0..=2)?;
    let retain = x.args.flag()?;
    if !Client::is_topic(topic) {
        return Err(Fault::error("the topic is empty, or has a wildcard or a character that MQTT does not allow"));
    }
    Ok(Target { conn: x.module.families.mqtt.conn, topic: topic.into(), qos, retain, length: 0 })
}

fn publish(x: &mut Exchange<'_>) -> Answer {
    let target = target(x)?;
    let text = payload::quoted(x)?;
    x.args.finish()?;
    let message = match x.module.families.mqtt.hex {
        false => payload::unescape(text),
        true => payload::from_hex(text)
            .ok_or(Fault::error("with AT+MQTTMODE=1 the message is an even number of hexadecimal digits"))?,
    };
    let limit = x.profile().mqtt.message;
    if message.len() > limit {
        return Err(Fault::error(format!("a message has at most {limit} bytes; AT+MPUBEX takes more")));
    }
    send(x, target, message)
}

fn publish_raw(x: &mut Exchange<'_>) -> Answer {
    let mut target = target(x)?;
    let max = x.profile().mqtt.raw_message;
    let longest = u32::try_from(max).unwrap_or(u32::MAX);
    let length = x.args.opt_number(0..=longest)?.unwrap_or(0);
    x.args.finish()?;
    check_online(x.module)?;
    check_room(x.module)?;
    target.length = usize::try_from(length).unwrap_or(max);
    let kind = match target.length {
        0 => DataKind::Raw { max },
        length => DataKind::Fixed(length),
    };
    let timeout = Some(x.profile().timing.message_gap);
    let phase = DataPhase { kind, prompt: true, echo: true, timeout, anew: true };
    Ok(Outcome::Data(phase, Op::mqtt(MqttOp::Collect(target))))
}

/// The data phase of an MPUBEX is over; `None`: because no byte came for too long.
pub(super) fn collected(x: &mut Exchange<'_>, target: Target, end: Option<DataEnd>, bytes: Vec<u8>) -> Answer {
    let (length, max) = (target.length, x.profile().mqtt.raw_message);
    match end {
        Some(DataEnd::TooLong | DataEnd::Cancelled) => {
            return Err(Fault::error(format!("more than {max} bytes; nothing was published")));
        }
        None if length > 0 => {
            let came = bytes.len();
            return Err(Fault::error(format!("{came} of {length} bytes came, then none for too long; nothing was published")));
        }
        None if bytes.is_empty() => return Err(Fault::error("nothing came in time; nothing was published")),
        Some(DataEnd::Complete) | None => {}
    }
    if x.module.families.mqtt.conn != target.conn {
        return Err(wrong_order("the connection was lost while the message came"));
    }
    send(x, target, bytes)
}

fn send(x: &mut Exchange<'_>, target: Target, message: Vec<u8>) -> Answer {
    check_online(x.module)?;
    check_room(x.module)?;
    let Target { topic, qos, retain, .. } = target;
    let events = x
        .module
        .families
        .mqtt
        .client
        .publish(&topic, qos, retain, message)
        .map_err(|_| Fault::error("MQTT does not allow this message"))?;
    events::act(x.module, events);
    Ok(Outcome::Ok)
}
