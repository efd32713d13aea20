//! ^HEARTCONFIG, ^HEARTBEAT, ^HEARTBEATHEX, ^HEARTINQUIRE: a message that the module sends by itself, again and again.

use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::link::{self, LinkState};
use super::{SocketTimer, multi};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::FamilyTimer;
use crate::io::{LinkRequest, Time};
use crate::module::Module;

/// The longest message.
const LONGEST: usize = 256;

pub(super) const HEARTCONFIG: Command = Command {
    syntax: &["AT^HEARTCONFIG=<0-1>,<link>,<5-600 s>   default 0,0,120", "AT^HEARTCONFIG?", "AT^HEARTCONFIG=?"],
    reference: "manual AT^HEARTCONFIG",
    evidence: Evidence::Documented,
    remarks: "One link only: another one takes its place. The time counts from the connect, or from this command if the link is \
              up, whatever else is sent (assumed). It holds over AT+CIPSHUT (assumed).",
    read: Some(read_config),
    set: Some(set_config),
    examples: &[
        example("AT^HEARTCONFIG?", "\r\n^HEARTCONFIG: 0,0,120\r\n\r\nOK\r\n"),
        example("AT^HEARTCONFIG=1,0,60", "\r\nOK\r\n"),
        example_after(
            &["AT^HEARTCONFIG=1,0,60"],
            "AT^HEARTCONFIG?",
            "\r\n^HEARTCONFIG: 1,0,60\r\n\r\nOK\r\n",
        ),
        example("AT^HEARTCONFIG=1,0,4", "\r\nERROR\r\n"),
        example("AT^HEARTCONFIG=?", "\r\nOK\r\n"),
    ],
    ..Command::new("^HEARTCONFIG", "Heartbeat: on or off, link, period")
};

pub(super) const HEARTBEAT: Command = Command {
    syntax: &["AT^HEARTBEAT=<link>,<text of at most 256 bytes>", "AT^HEARTBEAT?", "AT^HEARTBEAT=?"],
    reference: "manual AT^HEARTBEAT",
    evidence: Evidence::Documented,
    remarks: "The IMEI until something else is set; an empty text goes back to it (assumed). The query shows a dot for what is \
              not printable (assumed).",
    read: Some(read_text),
    set: Some(set_text),
    examples: &[
        example("AT^HEARTBEAT?", "\r\n^HEARTBEAT: 0,001724000000004\r\n\r\nOK\r\n"),
        example_after(&["AT^HEARTBEAT=0,\"ping\""], "AT^HEARTBEAT?", "\r\n^HEARTBEAT: 0,ping\r\n\r\nOK\r\n"),
        example("AT^HEARTBEAT=?", "\r\nOK\r\n"),
        example("AT^HEARTBEAT=8,ping", "\r\nERROR\r\n"),
    ],
    ..Command::new("^HEARTBEAT", "Heartbeat: what is sent, as text")
};

pub(super) const HEARTBEATHEX: Command = Command {
    syntax: &[
        "AT^HEARTBEATHEX=[<link>,]<length 1-256>,<hexadecimal digits>",
        "AT^HEARTBEATHEX?",
        "AT^HEARTBEATHEX=?",
    ],
    reference: "manual AT^HEARTBEATHEX",
    evidence: Evidence::Documented,
    remarks: "Without a link: the one of AT^HEARTCONFIG (assumed). Twice as many digits as bytes, else ERROR.",
    read: Some(read_digits),
    set: Some(set_digits),
    examples: &[
        example("AT^HEARTBEATHEX=0,2,0aFF", "\r\nOK\r\n"),
        example_after(
            &["AT^HEARTBEATHEX=2,0aFF"],
            "AT^HEARTBEATHEX?",
            "\r\n^HEARTBEATHEX: 0,2,0AFF\r\n\r\nOK\r\n",
        ),
        example("AT^HEARTBEATHEX=0,2,0aF", "\r\nERROR\r\n"),
        example("AT^HEARTBEATHEX=?", "\r\nOK\r\n"),
    ],
    ..Command::new("^HEARTBEATHEX", "Heartbeat: what is sent, as hexadecimal digits")
};

pub(super) const HEARTINQUIRE: Command = Command {
    syntax: &["AT^HEARTINQUIRE?", "AT^HEARTINQUIRE=?"],
    reference: "manual AT^HEARTINQUIRE",
    evidence: Evidence::Documented,
    remarks: "Seconds since the last heartbeat, seconds to the next, how many there were since AT^HEARTCONFIG; 0 where there \
              is none (assumed).",
    read: Some(inquire),
    examples: &[
        example("AT^HEARTINQUIRE?", "\r\n^HEARTINQUIRE: 0,0,0\r\n\r\nOK\r\n"),
        example("AT^HEARTINQUIRE=?", "\r\nOK\r\n"),
    ],
    ..Command::new("^HEARTINQUIRE", "Heartbeat: last, next, how many")
};

/// The heartbeat.
#[derive(Debug)]
pub(super) struct Heart {
    on: bool,
    number: u8,
    /// Seconds.
    period: u16,
    /// What is sent on which link; otherwise the IMEI.
    message: Option<(u8, Vec<u8>)>,
    count: u32,
    last: Option<Time>,
    next: Option<Time>,
}

impl Default for Heart {
    fn default() -> Self {
        Self { on: false, number: 0, period: 120, message: None, count: 0, last: None, next: None }
    }
}

/// A link has come up: its time begins.
pub(super) fn connected(module: &mut Module, number: u8) {
    if module.families.socket.heart.on && module.families.socket.heart.number == number {
        wait(module);
    }
}

/// The period is over.
pub(super) fn beat(module: &mut Module) {
    let number = module.families.socket.heart.number;
    module.families.socket.heart.next = None;
    let link = link::get(module, number).filter(|link| link.state == LinkState::Connected);
    let Some((conn, unsent)) = link.and_then(|link| Some((link.conn?, link.unsent()))) else { return };
    wait(module);
    if unsent > module.setup.profile.send_buffer as u64 {
        let text = "a heartbeat is left out: the network takes nothing and the send buffer is full";
        return module.note(None, &alloc::format!("link {number}"), text);
    }
    let bytes = message(module, number);
    if let Some(link) = link::get_mut(module, number) {
        link.accepted += bytes.len() as u64;
    }
    let now = module.now;
    let heart = &mut module.families.socket.heart;
    heart.count = heart.count.saturating_add(1);
    heart.last = Some(now);
    module.link(conn, LinkRequest::Send(bytes));
}

/// AT&F.
pub(super) fn factory(module: &mut Module) {
    module.cancel(FamilyTimer::socket(SocketTimer::Heart));
    module.families.socket.heart = Heart::default();
}

fn wait(module: &mut Module) {
    let millis = u64::from(module.families.socket.heart.period) * 1000;
    module.arm(FamilyTimer::socket(SocketTimer::Heart), millis);
    module.families.socket.heart.next = Some(module.now + millis);
}

fn message(module: &Module, number: u8) -> Vec<u8> {
    match &module.families.socket.heart.message {
        Some((of, bytes)) if *of == number => bytes.clone(),
        _ => module.setup.imei().into_bytes(),
    }
}

/// The link that something was set for last, and its message.
fn current(module: &Module) -> (u8, Vec<u8>) {
    let heart = &module.families.socket.heart;
    let number = heart.message.as_ref().map_or(heart.number, |(number, _)| *number);
    (number, message(module, number))
}

fn number(x: &mut Exchange<'_>) -> Result<u8, Fault> {
    let last = if multi(x.module) { x.profile().links.saturating_sub(1) } else { 0 };
    Ok(x.args.small(0..=last)?)
}

fn read_config(x: &mut Exchange<'_>) -> Answer {
    let Heart { on, number, period, .. } = x.module.families.socket.heart;
    x.info(format_args!("^HEARTCONFIG: {},{number},{period}", u8::from(on)));
    Ok(Outcome::Ok)
}

fn set_config(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    let number = number(x)?;
    let period = u16::try_from(x.args.number(5..=600)?).unwrap_or(u16::MAX);
    x.args.finish()?;
    let message = x.module.families.socket.heart.message.take();
    factory(x.module);
    x.module.families.socket.heart = Heart { on, number, period, message, ..Heart::default() };
    if link::get(x.module, number).is_some_and(|link| link.state == LinkState::Connected) {
        connected(x.module, number);
    }
    Ok(Outcome::Ok)
}

fn read_text(x: &mut Exchange<'_>) -> Answer {
    let (number, bytes) = current(x.module);
    let text = fmt::from_fn(|f| {
        bytes.iter().try_for_each(|&b| f.write_char(if (b' '..=b'~').contains(&b) { b as char } else { '.' }))
    });
    x.info(format_args!("^HEARTBEAT: {number},{text}"));
    Ok(Outcome::Ok)
}

fn set_text(x: &mut Exchange<'_>) -> Answer {
    let number = number(x)?;
    let text = x.args.opt_bytes()?.ok_or(Fault::error("the text is missing"))?;
    if text.len() > LONGEST {
        return Err(Fault::error("the text is longer than 256 bytes"));
    }
    x.args.finish()?;
    x.module.families.socket.heart.message = (!text.is_empty()).then(|| (number, text.to_vec()));
    Ok(Outcome::Ok)
}

fn read_digits(x: &mut Exchange<'_>) -> Answer {
    let (number, bytes) = current(x.module);
    let digits = fmt::from_fn(|f| bytes.iter().try_for_each(|b| write!(f, "{b:02X}")));
    x.info(format_args!("^HEARTBEATHEX: {number},{},{digits}", bytes.len()));
    Ok(Outcome::Ok)
}

fn set_digits(x: &mut Exchange<'_>) -> Answer {
    let number = if x.args.left() > 2 { number(x)? } else { x.module.families.socket.heart.number };
    let length = usize::try_from(x.args.number(1..=256)?).unwrap_or(usize::MAX);
    let digits = x.args.text(2 * LONGEST)?;
    let wrong = "the digits are hexadecimal, two for each byte of the length";
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = digits.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
        _ => None,
    });
    let bytes: Vec<u8> = pairs.collect::<Option<_>>().ok_or(Fault::error(wrong))?;
    if bytes.len() != length {
        return Err(Fault::error(wrong));
    }
    x.args.finish()?;
    x.module.families.socket.heart.message = Some((number, bytes));
    Ok(Outcome::Ok)
}

fn inquire(x: &mut Exchange<'_>) -> Answer {
    let now = x.now();
    let Heart { number, count, last, next, .. } = x.module.families.socket.heart;
    let up = link::get(x.module, number).is_some_and(|link| link.state == LinkState::Connected);
    let ago = last.map_or(0, |at| now.0.saturating_sub(at.0) / 1000);
    let left = next.filter(|_| up).map_or(0, |at| at.0.saturating_sub(now.0).div_ceil(1000));
    x.info(format_args!("^HEARTINQUIRE: {ago},{left},{count}"));
    Ok(Outcome::Ok)
}
