//! Messages from the broker: said at once, or kept until the host fetches them (MQTTMSGSET, MQTTMSGGET).

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::payload;
use crate::command::{Answer, Command, Evidence, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::module::Module;

/// A message that waits. Its `Debug` form hides the payload.
pub(super) struct Message {
    topic: String,
    payload: Vec<u8>,
    /// The how manieth message it was.
    order: u64,
}

impl core::fmt::Debug for Message {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Message").field("bytes", &self.payload.len()).finish_non_exhaustive()
    }
}

pub(super) const MQTTMSGSET: Command = Command {
    syntax: &[
        "AT+MQTTMSGSET=<0-1>   0 messages are shown as they come (default), 1 they are kept for AT+MQTTMSGGET",
        "AT+MQTTMSGSET?",
        "AT+MQTTMSGSET=?",
    ],
    reference: "manual AT+MQTTMSGSET",
    evidence: Evidence::Documented,
    remarks: "The default is assumed: documents differ. Not stored; AT&F makes it 0 (assumed). A message of more than 1360 bytes is lost, \
              with an explanation (assumed).",
    read: Some(read_set),
    set: Some(set),
    test: Test::Text("+MQTTMSGSET:(0,1)"),
    examples: &[
        example("AT+MQTTMSGSET=1", "\r\nOK\r\n"),
        example("AT+MQTTMSGSET?", "\r\n+MQTTMSGSET:0\r\n\r\nOK\r\n"),
        example_after(&["AT+MQTTMSGSET=1"], "AT+MQTTMSGSET?", "\r\n+MQTTMSGSET:1\r\n\r\nOK\r\n"),
        example("AT+MQTTMSGSET=?", "\r\n+MQTTMSGSET:(0,1)\r\n\r\nOK\r\n"),
        example("AT+MQTTMSGSET=2", "\r\nERROR\r\n"),
    ],
    ..Command::new("+MQTTMSGSET", "Show MQTT messages at once, or keep them")
};

pub(super) const MQTTMSGGET: Command = Command {
    syntax: &["AT+MQTTMSGGET", "AT+MQTTMSGGET?", "AT+MQTTMSGGET=?"],
    reference: "manual AT+MQTTMSGGET",
    evidence: Evidence::Documented,
    remarks: "Four slots; the lowest free one is taken (assumed), else the oldest message is overwritten. Shows them by slot (assumed), \
              the topic without quotes, and frees them.",
    execute: Some(get),
    read: Some(look),
    examples: &[
        example("AT+MQTTMSGGET", "\r\nOK\r\n"),
        example(
            "AT+MQTTMSGGET?",
            "\r\n+MQTTMSGGET: 0,INVALID\r\n+MQTTMSGGET: 1,INVALID\r\n+MQTTMSGGET: 2,INVALID\r\n+MQTTMSGGET: 3,INVALID\r\n\r\n\
             OK\r\n",
        ),
        example("AT+MQTTMSGGET=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+MQTTMSGGET", "Fetch kept MQTT messages")
};

/// A message has come from the broker.
pub(super) fn arrived(module: &mut Module, topic: String, bytes: Vec<u8>) {
    let (line, limit) = (module.families.mqtt.line, module.setup.profile.mqtt.inbound);
    let length = bytes.len();
    if length > limit {
        let text = format!("a message of {length} bytes is lost: the module takes at most {limit}");
        return module.note(Some(line), "MQTT", text);
    }
    if module.families.mqtt.cached {
        if let Some(slot) = keep(module, topic, bytes) {
            module.urc(line, format_args!("+MSUB: {slot}"));
        }
        return;
    }
    let shown = show(&bytes, module.families.mqtt.hex);
    module.urc_ending(line, format_args!("+MSUB: \"{topic}\",{length} byte,"), &shown);
}

/// Keeps a message; its slot.
fn keep(module: &mut Module, topic: String, payload: Vec<u8>) -> Option<usize> {
    let limit = module.setup.profile.mqtt.slots;
    let mqtt = &mut module.families.mqtt;
    mqtt.arrived += 1;
    let order = mqtt.arrived;
    // A free slot counts as older than any message.
    let age = |slot: &Option<Message>| slot.as_ref().map(|message| message.order);
    let slot = (0..limit).min_by_key(|index| mqtt.slots.get(*index).and_then(age))?;
    if mqtt.slots.len() <= slot {
        mqtt.slots.resize_with(slot + 1, || None);
    }
    *mqtt.slots.get_mut(slot)? = Some(Message { topic, payload, order });
    Some(slot)
}

fn show(payload: &[u8], hex: bool) -> Cow<'_, [u8]> {
    if hex { Cow::Owned(payload::to_hex(payload)) } else { Cow::Borrowed(payload) }
}

fn read_set(x: &mut Exchange<'_>) -> Answer {
    let mode = u8::from(x.module.families.mqtt.cached);
    x.info(format_args!("+MQTTMSGSET:{mode}"));
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    x.args.finish()?;
    x.module.families.mqtt.cached = on;
    Ok(Outcome::Ok)
}

fn get(x: &mut Exchange<'_>) -> Answer {
    let mqtt = &mut x.module.families.mqtt;
    let hex = mqtt.hex;
    let messages: Vec<Message> = mqtt.slots.iter_mut().filter_map(Option::take).collect();
    for Message { topic, payload, .. } in messages {
        let length = payload.len();
        x.reply.end_block();
        x.reply.info_with(format_args!("+MSUB: {topic},{length} byte,"), &show(&payload, hex));
    }
    Ok(Outcome::Ok)
}

fn look(x: &mut Exchange<'_>) -> Answer {
    for slot in 0..x.profile().mqtt.slots {
        let there = x.module.families.mqtt.slots.get(slot).is_some_and(Option::is_some);
        x.info(format_args!("+MQTTMSGGET: {slot},{}", if there { "VALID" } else { "INVALID" }));
    }
    Ok(Outcome::Ok)
}
