//! Where messages are: CPMS, CMGD.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use at::CmsError;

use super::mailbox::{Memory, Status, Stored};
use super::{Sms, SmsOp, accessible, checked, finish, invalid, keep};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example};
use crate::exchange::Exchange;

pub(super) const CPMS: Command = Command {
    syntax: &["AT+CPMS=\"SM\"|\"ME\"[,\"SM\"|\"ME\"[,\"SM\"|\"ME\"]]", "AT+CPMS?", "AT+CPMS=?"],
    reference: "TS 27.005 3.2.2; short message guide AT+CPMS",
    evidence: Evidence::Documented,
    remarks: "For reading and deleting, for writing and sending, for what comes in; default SM, what is left out stays. SM is on \
              the card (50 messages, as the guide shows), ME in the module (100, assumed; the guide lists it, but says that it \
              does not work yet). MT is not offered, as in the guide. Kept by AT&W (assumed).",
    read: Some(read),
    set: Some(set),
    test: Test::Text("+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")"),
    examples: &[
        example("AT+CPMS?", "\r\n+CPMS: \"SM\",0,50,\"SM\",0,50,\"SM\",0,50\r\n\r\nOK\r\n"),
        example("AT+CPMS=\"ME\"", "\r\n+CPMS: 0,100,0,50,0,50\r\n\r\nOK\r\n"),
        example("AT+CPMS=\"MT\"", "\r\n+CMS ERROR: 302\r\n"),
    ],
    ..Command::new("+CPMS", "Which memories hold messages")
};

pub(super) const CMGD: Command = Command {
    syntax: &["AT+CMGD=<index>[,<0-4>]", "AT+CMGD=?"],
    reference: "TS 27.005 3.5.4",
    evidence: Evidence::Standard,
    remarks: "1 deletes all that are read, 2 the sent ones as well, 3 the unsent ones as well, 4 all; the index does not matter \
              then. An index without a message is OK (assumed). OK comes when the change is safe.",
    longest: 25_000,
    set: Some(delete),
    test: Test::Handler(indices),
    examples: &[
        example("AT+CMGD=1", "\r\nOK\r\n"),
        example("AT+CMGD=51", "\r\n+CMS ERROR: 321\r\n"),
        example("AT+CMGD=1,4", "\r\nOK\r\n"),
        example("AT+CMGD=?", "\r\n+CMGD: (),(0-4)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CMGD", "Delete messages")
};

fn read(x: &mut Exchange<'_>) -> Answer {
    let memories = x.module.families.sms.memories;
    for memory in memories {
        accessible(x.module, memory)?;
    }
    let [read, write, receive] = memories.map(|memory| format!("\"{}\",{}", memory.name(), usage(x, memory)));
    x.info(format_args!("+CPMS: {read},{write},{receive}"));
    Ok(Outcome::Ok)
}

/// Used and total.
fn usage(x: &Exchange<'_>, memory: Memory) -> String {
    let mailbox = &x.module.mailbox;
    format!("{},{}", mailbox.messages(memory).count(), mailbox.capacity(memory))
}

fn set(x: &mut Exchange<'_>) -> Answer {
    let mut memories = x.module.families.sms.memories;
    for (place, memory) in memories.iter_mut().enumerate() {
        match x.args.opt_text(8)? {
            Some(name) => {
                *memory = Memory::named(name)
                    .ok_or_else(|| Fault::cms(CmsError::NOT_ALLOWED, "the memories are \"SM\" and \"ME\""))?;
            }
            None if place == 0 => return Err(Fault::error("the memory is missing")),
            None => {}
        }
    }
    x.args.finish()?;
    for memory in memories {
        accessible(x.module, memory)?;
    }
    x.module.families.sms.memories = memories;
    x.module.mailbox.blocked = false;
    let [read, write, receive] = memories.map(|memory| usage(x, memory));
    x.info(format_args!("+CPMS: {read},{write},{receive}"));
    Ok(Outcome::Ok)
}

pub(super) fn load(sms: &mut Sms, value: &str) {
    let mut names = value.split(',').map(Memory::named);
    if let (Some(Some(read)), Some(Some(write)), Some(Some(receive))) = (names.next(), names.next(), names.next()) {
        sms.memories = [read, write, receive];
    }
}

fn indices(x: &mut Exchange<'_>) -> Answer {
    let [memory, ..] = x.module.families.sms.memories;
    accessible(x.module, memory)?;
    let used: Vec<String> = x.module.mailbox.messages(memory).map(|(index, _)| format!("{index}")).collect();
    x.info(format_args!("+CMGD: ({}),(0-4)", used.join(",")));
    Ok(Outcome::Ok)
}

fn delete(x: &mut Exchange<'_>) -> Answer {
    let [memory, ..] = x.module.families.sms.memories;
    let number = x.args.number(0..=u32::MAX).map_err(|error| invalid(x, format!("{error}")))?;
    let flag = x.args.opt_number(0..=4).map_err(|error| invalid(x, format!("{error}")))?.unwrap_or(0);
    finish(x)?;
    accessible(x.module, memory)?;
    let index = checked(x, memory, number);
    let doomed: &[Status] = match flag {
        0 => &[],
        1 => &[Status::Read],
        2 => &[Status::Read, Status::Sent],
        3 => &[Status::Read, Status::Sent, Status::Unsent],
        _ => &Status::ALL,
    };
    let only = if flag == 0 { Some(index?) } else { None };
    let chosen = |(index, stored): (usize, &Stored)| {
        (only == Some(index) || doomed.contains(&stored.status)).then_some(index)
    };
    let indices: Vec<usize> = x.module.mailbox.messages(memory).filter_map(chosen).collect();
    if indices.is_empty() {
        return Ok(Outcome::Ok);
    }
    for index in indices {
        x.module.mailbox.set(memory, index, None);
    }
    keep(x, SmsOp::Keep)
}
