//! HTTPREAD, HTTPHEAD: what the server has answered.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use super::{HttpOp, idle_session};
use crate::command::{Answer, Command, Evidence, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::io::LineId;
use crate::module::Module;

pub(super) const HTTPREAD: Command = Command {
    syntax: &["AT+HTTPREAD", "AT+HTTPREAD=<start 0-319488>,<size 1-319488>", "AT+HTTPREAD=?"],
    reference: "manual AT+HTTPREAD; HTTP FAQ (size)",
    evidence: Evidence::Documented,
    remarks: "The body of the last reply; before any AT+HTTPACTION what AT+HTTPDATA has taken. Can be read again and again until the \
              next AT+HTTPACTION, AT+HTTPDATA or AT+HTTPTERM (assumed). What is behind the end is cut off; nothing at all is \
              +HTTPREAD: 0 (both assumed). Without AT+HTTPINIT, and while a request is under way: +CME ERROR: 3 (assumed). A long body \
              comes as fast as the line takes it.",
    longest: 300_000,
    execute: Some(read_all),
    set: Some(read_part),
    test: Test::Handler(test),
    examples: &[
        example("AT+HTTPREAD", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPREAD", "\r\n+HTTPREAD: 0\r\n\r\nOK\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPREAD=0,0", "\r\nERROR\r\n"),
        example("AT+HTTPREAD=?", "\r\n+HTTPREAD: (0-319488),(1-319488)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPREAD", "Read the body of the HTTP reply")
};

pub(super) const HTTPHEAD: Command = Command {
    syntax: &["AT+HTTPHEAD", "AT+HTTPHEAD=?"],
    reference: "manual AT+HTTPHEAD; captures (count)",
    evidence: Evidence::Captured,
    remarks: "The header lines of the last reply as the server has sent them, without the status line; the count is without the last \
              line's end, which comes all the same. Without a reply: +HTTPHEAD: 0 and no line (assumed). Without AT+HTTPINIT, and while \
              a request is under way: +CME ERROR: 3 (assumed).",
    execute: Some(head),
    examples: &[
        example("AT+HTTPHEAD", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPHEAD", "\r\n+HTTPHEAD: 0\r\n\r\n\r\nOK\r\n"),
        example("AT+HTTPHEAD=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPHEAD", "Header lines of the HTTP reply")
};

/// What of the body a line has still to say.
pub(crate) struct Reading {
    line: LineId,
    bytes: Arc<Vec<u8>>,
    left: Range<usize>,
}

impl fmt::Debug for Reading {
    /// Without the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("line", &self.line).field("left", &self.left).finish_non_exhaustive()
    }
}

fn test(x: &mut Exchange<'_>) -> Answer {
    let limit = x.profile().http.buffer;
    x.info(format_args!("+HTTPREAD: (0-{limit}),(1-{limit})"));
    Ok(Outcome::Ok)
}

fn read_all(x: &mut Exchange<'_>) -> Answer {
    read(x, 0, usize::MAX)
}

fn read_part(x: &mut Exchange<'_>) -> Answer {
    let limit = u32::try_from(x.profile().http.buffer).unwrap_or(u32::MAX);
    let start = x.args.number(0..=limit)?;
    let size = x.args.number(1..=limit)?;
    x.args.finish()?;
    read(x, usize::try_from(start).unwrap_or(usize::MAX), usize::try_from(size).unwrap_or(usize::MAX))
}

fn read(x: &mut Exchange<'_>, start: usize, size: usize) -> Answer {
    let bytes = Arc::clone(&idle_session(x.module)?.buffer.bytes);
    let start = start.min(bytes.len());
    let left = start..start.saturating_add(size).min(bytes.len());
    x.info(format_args!("+HTTPREAD: {}", left.len()));
    let line = x.line;
    go_on(x, Reading { line, bytes, left })
}

/// Says as much as the line takes.
pub(super) fn go_on(x: &mut Exchange<'_>, mut reading: Reading) -> Answer {
    let unwritten = x.line_state().unwritten() + x.reply.written();
    let room = x.profile().line_backlog.saturating_sub(unwritten).min(reading.left.len());
    let end = reading.left.start + room;
    x.reply.raw(reading.bytes.get(reading.left.start..end).unwrap_or_default());
    reading.left.start = end;
    if reading.left.is_empty() { Ok(Outcome::Ok) } else { Ok(Outcome::Wait(Op::http(HttpOp::Read(reading)))) }
}

/// A line took bytes.
pub(super) fn drained(module: &mut Module) {
    let low = module.setup.profile.line_backlog / 2;
    for line in module.line_ids() {
        let reads = |op: &Op| matches!(op, Op::http(HttpOp::Read(reading)) if reading.line == line);
        if module.line_mut(line).unwritten() <= low && module.waiting(reads).is_some() {
            module.resume(line, Resume::Event);
        }
    }
}

fn head(x: &mut Exchange<'_>) -> Answer {
    let lines = idle_session(x.module)?.head.clone();
    x.info(format_args!("+HTTPHEAD: {}", lines.len()));
    x.reply.raw(&lines);
    x.reply.raw(b"\r\n");
    Ok(Outcome::Ok)
}
