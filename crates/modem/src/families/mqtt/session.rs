//! MCONNECT, MDISCONNECT, MQTTSTATU: the session with the broker.

use alloc::boxed::Box;

use super::client::Greeting;
use super::{Phase, check_online, events, wrong_order};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example};
use crate::exchange::Exchange;

pub(super) const MCONNECT: Command = Command {
    syntax: &["AT+MCONNECT=<clean session 0-1>,<keep-alive 1-65535 s>", "AT+MCONNECT=?"],
    reference: "manual AT+MCONNECT",
    evidence: Evidence::Documented,
    remarks: "OK first, CONNACK OK when the broker accepts, ERROR when it refuses. Without a connection, or when the session is there: \
              +CME ERROR: 767. Between AT+MIPSTART's OK and CONNECT OK it is honoured as soon as the connection is up. When the \
              broker does not answer within 30 s the connection is closed: CLOSED (assumed).",
    longest: 30_000,
    set: Some(connect),
    test: Test::Text("+MCONNECT:(0-1),(1-65535)"),
    examples: &[
        example("AT+MCONNECT=1,60", "\r\n+CME ERROR: 767\r\n"),
        example("AT+MCONNECT=\"1\",\"60\"", "\r\n+CME ERROR: 767\r\n"),
        example("AT+MCONNECT=1,0", "\r\nERROR\r\n"),
        example("AT+MCONNECT=1,60,1", "\r\nERROR\r\n"),
        example("AT+MCONNECT=?", "\r\n+MCONNECT:(0-1),(1-65535)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+MCONNECT", "Begin the MQTT session")
};

pub(super) const MDISCONNECT: Command = Command {
    syntax: &["AT+MDISCONNECT", "AT+MDISCONNECT=?"],
    reference: "manual AT+MDISCONNECT",
    evidence: Evidence::Documented,
    remarks: "Sends DISCONNECT: the broker drops the will. That the broker closes the connection then is not said (assumed). Without a \
              session: +CME ERROR: 767.",
    execute: Some(disconnect),
    examples: &[example("AT+MDISCONNECT", "\r\n+CME ERROR: 767\r\n"), example("AT+MDISCONNECT=?", "\r\nOK\r\n")],
    ..Command::new("+MDISCONNECT", "End the MQTT session")
};

pub(super) const MQTTSTATU: Command = Command {
    syntax: &["AT+MQTTSTATU", "AT+MQTTSTATU=?"],
    reference: "manual AT+MQTTSTATU",
    evidence: Evidence::Documented,
    remarks: "0 no connection, 1 session, 2 connection without a session; with a blank in front of the colon. 0 also before the first \
              start (assumed; some firmwares say ERROR) and while connecting (assumed); after AT+MDISCONNECT 2 until the broker \
              closes (assumed).",
    execute: Some(status),
    examples: &[
        example("AT+MQTTSTATU", "\r\n+MQTTSTATU :0\r\n\r\nOK\r\n"),
        example("AT+MQTTSTATU=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+MQTTSTATU", "State of the MQTT session")
};

fn connect(x: &mut Exchange<'_>) -> Answer {
    let clean = x.args.flag()?;
    let keep_alive = u16::try_from(x.args.number(1..=65535)?).unwrap_or(u16::MAX);
    x.args.finish()?;
    let mqtt = &x.module.families.mqtt;
    let at_once = match mqtt.phase {
        Phase::Up => true,
        Phase::Connecting if mqtt.greeting.is_none() => false,
        Phase::Connecting | Phase::Asked => return Err(wrong_order("AT+MCONNECT was sent already")),
        Phase::Online => return Err(wrong_order("the session is there already")),
        Phase::Idle => return Err(wrong_order("there is no connection: AT+MIPSTART comes before AT+MCONNECT")),
        Phase::Left => return Err(wrong_order("after AT+MDISCONNECT: AT+MIPCLOSE and AT+MIPSTART first")),
    };
    let greeting = Greeting::new(&mqtt.identity, &x.module.setup.imei(), clean, keep_alive)
        .map_err(|_| Fault::error("AT+MCONFIG has characters that MQTT does not allow"))?;
    if at_once {
        events::greet(x.module, greeting);
    } else {
        x.module.families.mqtt.greeting = Some(Box::new(greeting));
    }
    Ok(Outcome::Ok)
}

fn disconnect(x: &mut Exchange<'_>) -> Answer {
    check_online(x.module)?;
    let events = x.module.families.mqtt.client.disconnect();
    events::act(x.module, events);
    x.module.families.mqtt.phase = Phase::Left;
    Ok(Outcome::Ok)
}

fn status(x: &mut Exchange<'_>) -> Answer {
    let mqtt = &x.module.families.mqtt;
    let state = match mqtt.phase {
        Phase::Online => 1,
        Phase::Up | Phase::Asked => 2,
        Phase::Left if mqtt.conn.is_some() => 2,
        Phase::Idle | Phase::Connecting | Phase::Left => 0,
    };
    x.info(format_args!("+MQTTSTATU :{state}"));
    Ok(Outcome::Ok)
}
