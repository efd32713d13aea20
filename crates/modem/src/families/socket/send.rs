//! CIPSEND: from the prompt to where CIPQSEND wants the data.

use alloc::format;
use alloc::vec::Vec;
use at::{DataEnd, DataKind};

use super::link::{self, LinkState};
use super::{Socket, SocketOp, SocketSettings, multi, wait};
use crate::command::{Answer, Command, DataPhase, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::families::packet::{self, Bearer};
use crate::io::{ConnId, LineId, LinkRequest, Time, Transport};

pub(super) const CIPSEND: Command = Command {
    syntax: &[
        "AT+CIPSEND=<length 1-1460>          single mode, fixed length",
        "AT+CIPSEND                          single mode, until Ctrl-Z",
        "AT+CIPSEND=<link>,<length 1-1460>   multi mode, fixed length",
        "AT+CIPSEND=<link>                   multi mode, until Ctrl-Z",
        "AT+CIPSEND?",
        "AT+CIPSEND=?",
    ],
    reference: "manual AT+CIPSEND",
    evidence: Evidence::Documented,
    remarks: "Prompt, data, then the result in the place of OK. ESC cancels and prints nothing (assumed). No data, or more \
              than 1460 bytes, or AT+CIPMODE=1: +CME ERROR: 3 (assumed). When the bearer is lost meanwhile, +PDP: DEACT is \
              all that is said. The query shows one line per link in multi mode (assumed).",
    longest: 50_000,
    execute: Some(until_ctrl_z),
    read: Some(read_limit),
    set: Some(send),
    test: Test::Handler(test),
    examples: &[
        example("AT+CIPSEND?", "\r\n+CIPSEND: 1460\r\n\r\nOK\r\n"),
        example("AT+CIPSEND=?", "\r\n+CIPSEND: <length>\r\n\r\nOK\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPSEND=?", "\r\n+CIPSEND: <0-7>,<length>\r\n\r\nOK\r\n"),
        example("AT+CIPSEND=10", "\r\n+CME ERROR: 3\r\n"),
        example("AT+CIPSEND", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPSEND=0,10", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPSEND", "\r\nERROR\r\n"),
        example("AT+CIPSEND=ten", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPSEND", "Send data")
};

/// Where collected data go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    conn: ConnId,
    number: u8,
}

/// What a send waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// CIPQSEND 0: the network stack has it.
    Sent,
    /// CIPQSEND 1: no more than the send buffer waits for the network stack.
    Room,
    /// CIPQSEND 2: the peer has it.
    Acked,
}

/// A send under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    pub(super) line: LineId,
    conn: ConnId,
    number: u8,
    length: usize,
    /// The connection's count of accepted bytes with this send.
    count: u64,
    until: Until,
    /// The profile's send buffer.
    buffer: u64,
    deadline: Time,
}

impl Sending {
    /// Whether there is nothing left to wait for: it is done, or the link is dead.
    pub(super) fn is_over(&self, socket: &Socket) -> bool {
        self.progress(socket) != Progress::Waits
    }

    fn progress(&self, socket: &Socket) -> Progress {
        let Some((_, link)) = socket.find(self.conn).filter(|(_, link)| link.state == LinkState::Connected)
        else {
            return Progress::Dead;
        };
        let done = match self.until {
            Until::Sent => link.sent >= self.count,
            Until::Room => link.unsent() <= self.buffer,
            Until::Acked => link.acked >= self.count,
        };
        if done { Progress::Done } else { Progress::Waits }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waits,
    Done,
    Dead,
}

fn test(x: &mut Exchange<'_>) -> Answer {
    let last = x.profile().links.saturating_sub(1);
    match multi(x.module) {
        true => x.info(format_args!("+CIPSEND: <0-{last}>,<length>")),
        false => x.info(format_args!("+CIPSEND: <length>")),
    }
    Ok(Outcome::Ok)
}

fn read_limit(x: &mut Exchange<'_>) -> Answer {
    let segment = x.profile().segment;
    if multi(x.module) {
        for number in 0..x.profile().links {
            x.info(format_args!("+CIPSEND: {number},{segment}"));
        }
    } else {
        x.info(format_args!("+CIPSEND: {segment}"));
    }
    Ok(Outcome::Ok)
}

fn until_ctrl_z(x: &mut Exchange<'_>) -> Answer {
    if multi(x.module) {
        return Err(Fault::error("in multi mode the link number has to be given"));
    }
    let max = x.profile().segment;
    collect(x, 0, DataKind::Text { max })
}

fn send(x: &mut Exchange<'_>) -> Answer {
    let segment = x.profile().segment;
    let number = if multi(x.module) { x.args.small(0..=x.profile().links.saturating_sub(1))? } else { 0 };
    if multi(x.module) && x.args.left() == 0 {
        return collect(x, number, DataKind::Text { max: segment });
    }
    let length = usize::try_from(x.args.number(0..=u32::MAX)?).unwrap_or(usize::MAX);
    x.args.finish()?;
    if length == 0 || length > segment {
        return Err(Fault::not_allowed(format!("the length is 1 to {segment}")));
    }
    collect(x, number, DataKind::Fixed(length))
}

fn collect(x: &mut Exchange<'_>, number: u8, kind: DataKind) -> Answer {
    if x.module.families.socket.settings.transparent {
        return Err(Fault::not_allowed("in transparent mode ATO leads to the data; AT+CIPSEND is for AT+CIPMODE=0"));
    }
    let conn = link::get(x.module, number)
        .filter(|link| link.state == LinkState::Connected)
        .and_then(|link| link.conn);
    let Some(conn) = conn else {
        return Err(Fault::not_allowed("the link is not connected"));
    };
    let SocketSettings { prompt, auto_send, auto_send_after, .. } = x.module.families.socket.settings;
    let timeout = auto_send.then_some(u64::from(auto_send_after) * 1000);
    let phase = DataPhase { kind, prompt: prompt == 1, echo: true, timeout, anew: false };
    Ok(Outcome::Data(phase, Op::socket(SocketOp::Collect(Target { conn, number }))))
}

/// The data phase of a CIPSEND is over.
pub(super) fn collected(x: &mut Exchange<'_>, target: Target, end: DataEnd, bytes: Vec<u8>) -> Answer {
    let Target { conn, number } = target;
    let profile = x.profile();
    match end {
        DataEnd::Cancelled => return Ok(Outcome::Said),
        DataEnd::TooLong => {
            let segment = profile.segment;
            return Err(Fault::not_allowed(format!("more than {segment} bytes; nothing was sent")));
        }
        DataEnd::Complete if bytes.is_empty() => return Err(Fault::not_allowed("there was nothing to send")),
        DataEnd::Complete => {}
    }
    let quick_send = x.module.families.socket.settings.quick_send;
    let buffer = profile.send_buffer as u64;
    let link = link::get_mut(x.module, number)
        .filter(|link| link.conn == Some(conn) && link.state == LinkState::Connected);
    let Some(link) = link else {
        return Ok(dead(x, number, "the link closed while the data came"));
    };
    if link.unsent() > buffer {
        return Ok(fail(x, number, "the network takes nothing and the send buffer is full"));
    }
    let length = bytes.len();
    link.accepted += length as u64;
    let (until, millis) = match quick_send {
        1 => (Until::Room, profile.timing.send),
        2 if link.transport == Transport::Tcp => (Until::Acked, profile.timing.acknowledge),
        _ => (Until::Sent, profile.timing.send),
    };
    let count = link.accepted;
    let (line, deadline) = (x.line, x.now() + millis);
    x.module.link(conn, LinkRequest::Send(bytes));
    if until == Until::Acked {
        x.module.link(conn, LinkRequest::NotifyAcked);
    }
    went_on(x, Sending { line, conn, number, length, count, until, buffer, deadline })
}

/// Something happened to the link of a send, or its time is over.
pub(super) fn went_on(x: &mut Exchange<'_>, sending: Sending) -> Answer {
    let Sending { number, length, until, deadline, .. } = sending;
    let now = x.now();
    match sending.progress(&x.module.families.socket) {
        Progress::Done => {
            match (until, multi(x.module)) {
                _ if x.module.families.socket.settings.prompt == 2 => {}
                (Until::Room, false) => x.info(format_args!("DATA ACCEPT:{length}")),
                (Until::Room, true) => x.info(format_args!("DATA ACCEPT:{number},{length}")),
                (_, false) => x.info(format_args!("SEND OK")),
                (_, true) => x.info(format_args!("{number}, SEND OK")),
            }
            Ok(Outcome::Said)
        }
        Progress::Dead => Ok(dead(x, number, "the link closed before the data were through")),
        Progress::Waits if now >= deadline => {
            Ok(fail(x, number, "the network, or the peer, did not take the data in time"))
        }
        Progress::Waits => wait(x, SocketOp::Send(sending), deadline),
    }
}

/// The link has gone. If the bearer went with it, `+PDP: DEACT`, which has waited for this command's end, is the answer.
fn dead(x: &mut Exchange<'_>, number: u8, why: &'static str) -> Outcome {
    if packet::bearer(x.module) != Bearer::Deactivated {
        return fail(x, number, why);
    }
    x.module.note(Some(x.line), "AT+CIPSEND=", "the bearer was lost before the data were through");
    Outcome::Said
}

fn fail(x: &mut Exchange<'_>, number: u8, why: &'static str) -> Outcome {
    let tag = x.module.families.socket.tag(number);
    x.info(format_args!("{tag}SEND FAIL"));
    x.module.note(Some(x.line), "AT+CIPSEND=", why);
    Outcome::Said
}
