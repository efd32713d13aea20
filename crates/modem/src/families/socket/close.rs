//! CIPCLOSE: one link ends, slowly or quickly.

use super::inbox::Inbox;
use super::link::{self, Link, LinkState};
use super::{SocketOp, go_on, multi, wait};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::io::{ConnId, LineId, LinkRequest, Time};

pub(super) const CIPCLOSE: Command = Command {
    syntax: &[
        "AT+CIPCLOSE[=<0-1>]          single mode; 0 after what was sent has left (default), 1 at once",
        "AT+CIPCLOSE=<link>[,<0-1>]   multi mode",
        "AT+CIPCLOSE=?",
    ],
    reference: "manual AT+CIPCLOSE",
    evidence: Evidence::Documented,
    remarks: "CLOSE OK in the place of OK. Nothing to close: +CME ERROR: 3. Data that come in after the command are \
              dropped, and so are those that AT+CIPRXGET has not read (assumed).",
    longest: 10_000,
    execute: Some(single),
    set: Some(set),
    examples: &[
        example("AT+CIPCLOSE", "\r\n+CME ERROR: 3\r\n"),
        example("AT+CIPCLOSE=1", "\r\n+CME ERROR: 3\r\n"),
        example("AT+CIPCLOSE=2", "\r\nERROR\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPCLOSE", "\r\nERROR\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPCLOSE=0,1", "\r\n+CME ERROR: 3\r\n"),
    ],
    ..Command::new("+CIPCLOSE", "Close a link")
};

/// A slow close under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    pub(super) line: LineId,
    pub(super) conn: ConnId,
    number: u8,
    deadline: Time,
}

fn single(x: &mut Exchange<'_>) -> Answer {
    if multi(x.module) {
        return Err(Fault::error("in multi mode the link number has to be given"));
    }
    close(x, 0, false)
}

fn set(x: &mut Exchange<'_>) -> Answer {
    let several = multi(x.module);
    let number = if several { x.args.small(0..=x.profile().links.saturating_sub(1))? } else { 0 };
    let quick = x.args.opt_number(0..=1)? == Some(1);
    x.args.finish()?;
    close(x, number, quick)
}

fn close(x: &mut Exchange<'_>, number: u8, quick: bool) -> Answer {
    let found = link::get(x.module, number).and_then(|link| Some((link.conn?, link.state)));
    let (conn, quick) = match found {
        Some((conn, LinkState::Connected)) => (conn, quick),
        Some((conn, LinkState::Connecting)) => (conn, true),
        _ => return Err(Fault::not_allowed("there is nothing to close")),
    };
    x.module.link(conn, LinkRequest::Close { quick });
    if let Some(link) = link::get_mut(x.module, number) {
        link.inbox = Inbox::EMPTY;
        if quick {
            link.drop_conn(LinkState::Closed);
        } else {
            link.state = LinkState::Closing;
        }
    }
    // A send of another line on this link has failed.
    go_on(x.module);
    if quick {
        return Ok(done(x, number));
    }
    let deadline = x.now() + x.profile().timing.close;
    wait(x, SocketOp::Close(Closing { line: x.line, conn, number, deadline }), deadline)
}

/// The connection is gone, or the time is over.
pub(super) fn closed(x: &mut Exchange<'_>, closing: Closing) -> Answer {
    let Closing { conn, number, deadline, .. } = closing;
    if x.module.families.socket.find(conn).is_some() {
        if x.now() < deadline {
            return wait(x, SocketOp::Close(closing), deadline);
        }
        x.module.link(conn, LinkRequest::Close { quick: true });
        if let Some(link) = link::get_mut(x.module, number) {
            link.drop_conn(LinkState::Closed);
        }
    }
    Ok(done(x, number))
}

fn done(x: &mut Exchange<'_>, number: u8) -> Outcome {
    let socket = &mut x.module.families.socket;
    if !socket.links.iter().any(Link::busy) {
        socket.processing = false;
    }
    let tag = socket.tag(number);
    x.info(format_args!("{tag}CLOSE OK"));
    Outcome::Said
}
