//! Reading messages: CMGL, CMGR.

use alloc::format;
use alloc::vec::Vec;

use at::CmsError;

use super::mailbox::Status;
use super::show::{Text, View};
use super::{SmsOp, accessible, finish, index, invalid, keep};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;

pub(super) const CMGL: Command = Command {
    syntax: &["AT+CMGL[=<0-4>]", "AT+CMGL[=\"REC UNREAD\"|\"REC READ\"|\"STO UNSENT\"|\"STO SENT\"|\"ALL\"]", "AT+CMGL=?"],
    reference: "TS 27.005 3.4.2 and 4.1",
    evidence: Evidence::Standard,
    remarks: "The number in PDU mode, the word in text mode; nothing said: 0, REC UNREAD. What was unread is read then, and OK \
              comes when that is safe. The words are the same in every character set (assumed).",
    longest: 20_000,
    execute: Some(list_unread),
    set: Some(list),
    test: Test::Handler(statuses),
    examples: &[
        example("AT+CMGL=4", "\r\nOK\r\n"),
        example("AT+CMGL=\"ALL\"", "\r\n+CMS ERROR: 304\r\n"),
        example_after(&["AT+CMGF=1"], "AT+CMGL=\"ALL\"", "\r\nOK\r\n"),
        example_after(
            &["AT+CMGF=1", "AT+CMGW=\"10086\"", "yue\x1A"],
            "AT+CMGL=\"ALL\"",
            "\r\n+CMGL: 1,\"STO UNSENT\",\"10086\",,\r\nyue\r\n\r\nOK\r\n",
        ),
        example("AT+CMGL=?", "\r\n+CMGL: (0-4)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CMGL", "List messages")
};

pub(super) const CMGR: Command = Command {
    syntax: &["AT+CMGR=<index>", "AT+CMGR=?"],
    reference: "TS 27.005 3.4.3 and 4.2",
    evidence: Evidence::Standard,
    remarks: "A place without a message is +CMS ERROR: 321. What was unread is read then, and OK comes when that is safe.",
    longest: 5_000,
    set: Some(read),
    examples: &[
        example("AT+CMGR=1", "\r\n+CMS ERROR: 321\r\n"),
        example_after(
            &["AT+CMGF=1", "AT+CMGW=\"10086\"", "yue\x1A"],
            "AT+CMGR=1",
            "\r\n+CMGR: \"STO UNSENT\",\"10086\",\r\nyue\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+CMGR", "Read a message")
};

fn statuses(x: &mut Exchange<'_>) -> Answer {
    if x.module.families.sms.text {
        x.info(format_args!("+CMGL: (\"REC UNREAD\",\"REC READ\",\"STO UNSENT\",\"STO SENT\",\"ALL\")"));
    } else {
        x.info(format_args!("+CMGL: (0-4)"));
    }
    Ok(Outcome::Ok)
}

fn list_unread(x: &mut Exchange<'_>) -> Answer {
    show(x, Some(Status::Unread))
}

fn list(x: &mut Exchange<'_>) -> Answer {
    let wanted = x.args.opt_text(16).map_err(|error| invalid(x, format!("{error}")))?;
    finish(x)?;
    let status = match wanted {
        None => Some(Status::Unread),
        Some(word) if x.module.families.sms.text => {
            let known = Status::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(word));
            if known.is_none() && !word.eq_ignore_ascii_case("ALL") {
                return Err(invalid(x, "in text mode it is \"REC UNREAD\", \"REC READ\", \"STO UNSENT\", \"STO SENT\" or \"ALL\""));
            }
            known
        }
        Some(digit) => {
            let known = Status::ALL.into_iter().find(|status| digit.parse() == Ok(status.number()));
            if known.is_none() && digit != "4" {
                return Err(invalid(x, "in PDU mode (AT+CMGF=0) it is 0 to 4"));
            }
            known
        }
    };
    show(x, status)
}

/// Lists the messages of one status, or all.
fn show(x: &mut Exchange<'_>, status: Option<Status>) -> Answer {
    let [memory, ..] = x.module.families.sms.memories;
    accessible(x.module, memory)?;
    let view = View::of(x.module);
    let chosen = x.module.mailbox.messages(memory).filter(|(_, stored)| status.is_none_or(|s| s == stored.status));
    let texts: Vec<Text> = chosen.map(|(index, stored)| view.listed(index, stored)).collect();
    for text in texts {
        say(x, "+CMGL", text);
    }
    let unread = x.module.mailbox.messages(memory).filter(|(_, stored)| stored.status == Status::Unread);
    let seen: Vec<usize> = unread.map(|(index, _)| index).collect();
    if seen.is_empty() || status.is_some_and(|status| status != Status::Unread) {
        return Ok(Outcome::Ok);
    }
    for index in seen {
        x.module.mailbox.set_status(memory, index, Status::Read);
    }
    keep(x, SmsOp::Keep)
}

fn read(x: &mut Exchange<'_>) -> Answer {
    let [memory, ..] = x.module.families.sms.memories;
    let index = index(x, memory)?;
    finish(x)?;
    accessible(x.module, memory)?;
    let view = View::of(x.module);
    let Some(stored) = x.module.mailbox.get(memory, index) else {
        return Err(Fault::cms(CmsError::INVALID_INDEX, format!("there is no message at {index}")));
    };
    let status = stored.status;
    let text = view.one(stored);
    say(x, "+CMGR", text);
    if status != Status::Unread {
        return Ok(Outcome::Ok);
    }
    x.module.mailbox.set_status(memory, index, Status::Read);
    keep(x, SmsOp::Keep)
}

fn say(x: &mut Exchange<'_>, name: &str, Text { header, data }: Text) {
    x.info(format_args!("{name}: {header}"));
    if let Some(data) = data {
        x.reply.raw(&data);
        x.reply.raw(b"\r\n");
    }
}
