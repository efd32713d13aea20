//! CIPACK: how much was sent, and how much of it the peer has acknowledged.

use super::link::{self, LinkState};
use super::{SocketOp, multi, wait};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::io::{ConnId, LineId, LinkRequest, Transport};
use crate::module::Module;

/// How long the count may take, in milliseconds; the last known one is printed then.
const LIMIT: u64 = 5_000;

pub(super) const CIPACK: Command = Command {
    syntax: &["AT+CIPACK          single mode", "AT+CIPACK=<link>   multi mode", "AT+CIPACK=?"],
    reference: "manual AT+CIPACK",
    evidence: Evidence::Documented,
    remarks: "Bytes since the connect: accepted, acknowledged, the difference. A closed link keeps its last counts; all are \
              0 before the first connect (assumed). UDP counts what has left as acknowledged (assumed).",
    execute: Some(single),
    set: Some(one),
    examples: &[
        example("AT+CIPACK", "\r\n+CIPACK: 0,0,0\r\n\r\nOK\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPACK=7", "\r\n+CIPACK: 0,0,0\r\n\r\nOK\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPACK", "\r\nERROR\r\n"),
        example("AT+CIPACK=0", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPACK", "Bytes sent and acknowledged")
};

/// A count under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(super) line: LineId,
    pub(super) conn: ConnId,
    number: u8,
}

fn single(x: &mut Exchange<'_>) -> Answer {
    if multi(x.module) {
        return Err(Fault::error("in multi mode the link number has to be given"));
    }
    count(x, 0)
}

fn one(x: &mut Exchange<'_>) -> Answer {
    if !multi(x.module) {
        return Err(Fault::error("a link number is for AT+CIPMUX=1"));
    }
    let number = x.args.small(0..=x.profile().links.saturating_sub(1))?;
    x.args.finish()?;
    count(x, number)
}

fn count(x: &mut Exchange<'_>, number: u8) -> Answer {
    let live = link::get(x.module, number)
        .filter(|link| link.transport == Transport::Tcp && link.state == LinkState::Connected)
        .and_then(|link| link.conn);
    let Some(conn) = live else { return Ok(print(x, number)) };
    x.module.link(conn, LinkRequest::QueryAcked);
    let deadline = x.now() + LIMIT;
    wait(x, SocketOp::Count(Count { line: x.line, conn, number }), deadline)
}

/// The count came, the link died, or the time is over: what is known now is the answer.
pub(super) fn counted(x: &mut Exchange<'_>, count: Count) -> Answer {
    Ok(print(x, count.number))
}

fn print(x: &mut Exchange<'_>, number: u8) -> Outcome {
    let counts = link::get(x.module, number).map(|link| match link.transport {
        Transport::Tcp => (link.accepted, link.acked),
        Transport::Udp => (link.accepted, link.sent),
    });
    let (accepted, acked) = counts.unwrap_or_default();
    x.info(format_args!("+CIPACK: {accepted},{acked},{}", accepted.saturating_sub(acked)));
    Outcome::Ok
}

/// The peer's count for a connection came in: whoever asked for it goes on.
pub(super) fn arrived(module: &mut Module, conn: ConnId) {
    while let Some(line) =
        module.waiting(|op| matches!(op, Op::socket(SocketOp::Count(count)) if count.conn == conn))
    {
        module.resume(line, Resume::Event);
    }
}
