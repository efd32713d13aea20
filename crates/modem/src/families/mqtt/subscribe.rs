//! MSUB, MUNSUB.

use alloc::string::String;

use super::{check_online, check_room, events};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example};
use crate::exchange::Exchange;

pub(super) const MSUB: Command = Command {
    syntax: &["AT+MSUB=<topic>,<QoS 0-2>", "AT+MSUB=?"],
    reference: "manual AT+MSUB",
    evidence: Evidence::Documented,
    remarks: "OK first, SUBACK when the broker has taken it, ERROR when it refuses (assumed). One topic, at most 256 bytes, wildcards \
              included; quotes are optional. Without a session: +CME ERROR: 767.",
    set: Some(subscribe),
    test: Test::Text("+MSUB:<topic>,(0-2)"),
    examples: &[
        example("AT+MSUB=\"mqtt/pub\",0", "\r\n+CME ERROR: 767\r\n"),
        example("AT+MSUB=mqtt/#,3", "\r\nERROR\r\n"),
        example("AT+MSUB=?", "\r\n+MSUB:<topic>,(0-2)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+MSUB", "Subscribe to an MQTT topic")
};

pub(super) const MUNSUB: Command = Command {
    syntax: &["AT+MUNSUB=<topic>", "AT+MUNSUB=?"],
    reference: "manual AT+MUNSUB",
    evidence: Evidence::Documented,
    remarks: "OK first, UNSUBACK when the broker has done it. Without a session: +CME ERROR: 767.",
    set: Some(unsubscribe),
    test: Test::Text("+MUNSUB:<topic>"),
    examples: &[
        example("AT+MUNSUB=\"mqtt/pub\"", "\r\n+CME ERROR: 767\r\n"),
        example("AT+MUNSUB=?", "\r\n+MUNSUB:<topic>\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+MUNSUB", "Unsubscribe from an MQTT topic")
};

const NO_FILTER: &str = "the topic is empty, or has characters that MQTT does not allow";

fn subscribe(x: &mut Exchange<'_>) -> Answer {
    let topic = String::from(x.args.text(x.profile().mqtt.name)?);
    let qos = x.args.small(0..=2)?;
    x.args.finish()?;
    check_online(x.module)?;
    check_room(x.module)?;
    let sent = if topic.is_empty() { None } else { x.module.families.mqtt.client.subscribe(&topic, qos).ok() };
    let events = sent.ok_or(Fault::error(NO_FILTER))?;
    events::act(x.module, events);
    Ok(Outcome::Ok)
}

fn unsubscribe(x: &mut Exchange<'_>) -> Answer {
    let topic = String::from(x.args.text(x.profile().mqtt.name)?);
    x.args.finish()?;
    check_online(x.module)?;
    check_room(x.module)?;
    let sent = if topic.is_empty() { None } else { x.module.families.mqtt.client.unsubscribe(&topic).ok() };
    let events = sent.ok_or(Fault::error(NO_FILTER))?;
    events::act(x.module, events);
    Ok(Outcome::Ok)
}
