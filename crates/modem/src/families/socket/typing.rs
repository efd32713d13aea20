//! CIPATS, CIPSPRT: how the data of a send are typed.

use super::settings::said;
use crate::command::{Answer, Command, Evidence, Outcome, Test, example, example_after};
use crate::exchange::Exchange;

pub(super) const CIPATS: Command = Command {
    syntax: &["AT+CIPATS=<0-1>[,<1-100 s>]   default 0", "AT+CIPATS?", "AT+CIPATS=?"],
    reference: "manual AT+CIPATS and its examples",
    evidence: Evidence::Documented,
    remarks: "The time counts from the prompt. What was typed by then is sent, also when AT+CIPSEND asked for more; nothing \
              typed: +CME ERROR: 3 (assumed). Without a time the last one holds, at first 1 s; the query shows 0 before \
              there was one (assumed).",
    read: Some(read_auto_send),
    set: Some(set_auto_send),
    test: Test::Text("+CIPATS: (0,1),(1-100)"),
    examples: &[
        example("AT+CIPATS=1,10", "\r\nOK\r\n"),
        example("AT+CIPATS?", "\r\n+CIPATS: 0,0\r\n\r\nOK\r\n"),
        example_after(&["AT+CIPATS=1,10"], "AT+CIPATS?", "\r\n+CIPATS: 1,10\r\n\r\nOK\r\n"),
        example("AT+CIPATS=?", "\r\n+CIPATS: (0,1),(1-100)\r\n\r\nOK\r\n"),
        example("AT+CIPATS=1,101", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPATS", "Send what was typed when a time is over")
};

pub(super) const CIPSPRT: Command = Command {
    syntax: &[
        "AT+CIPSPRT=<0-2>   0 no prompt, 1 prompt (default), 2 neither prompt nor result",
        "AT+CIPSPRT?",
        "AT+CIPSPRT=?",
    ],
    reference: "manual AT+CIPSPRT",
    evidence: Evidence::Documented,
    remarks: "SEND FAIL is printed with 2 as well (assumed).",
    read: Some(|x| said(x, "+CIPSPRT: ", x.module.families.socket.settings.prompt)),
    set: Some(set_prompt),
    test: Test::Text("+CIPSPRT: (0,1,2)"),
    examples: &[
        example("AT+CIPSPRT=2", "\r\nOK\r\n"),
        example("AT+CIPSPRT?", "\r\n+CIPSPRT: 1\r\n\r\nOK\r\n"),
        example("AT+CIPSPRT=?", "\r\n+CIPSPRT: (0,1,2)\r\n\r\nOK\r\n"),
        example("AT+CIPSPRT=3", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPSPRT", "Prompt and result of a send")
};

fn read_auto_send(x: &mut Exchange<'_>) -> Answer {
    let settings = &x.module.families.socket.settings;
    let (on, after) = (u8::from(settings.auto_send), settings.auto_send_after);
    x.info(format_args!("+CIPATS: {on},{after}"));
    Ok(Outcome::Ok)
}

fn set_auto_send(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    let after = x.args.opt_number(1..=100)?.and_then(|seconds| u8::try_from(seconds).ok());
    x.args.finish()?;
    let settings = &mut x.module.families.socket.settings;
    settings.auto_send = on;
    settings.auto_send_after = match after {
        Some(seconds) => seconds,
        None if on => settings.auto_send_after.max(1),
        None => settings.auto_send_after,
    };
    Ok(Outcome::Ok)
}

fn set_prompt(x: &mut Exchange<'_>) -> Answer {
    let prompt = x.args.small(0..=2)?;
    x.args.finish()?;
    x.module.families.socket.settings.prompt = prompt;
    Ok(Outcome::Ok)
}
