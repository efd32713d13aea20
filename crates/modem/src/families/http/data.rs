//! HTTPDATA: the body of the next request.

use alloc::sync::Arc;
use alloc::vec::Vec;
use at::DataKind;

use super::{Buffer, Content, HttpOp, idle_session};
use crate::command::{Answer, Command, DataPhase, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;

pub(super) const HTTPDATA: Command = Command {
    syntax: &["AT+HTTPDATA=<size 0-319488>,<time 1000-120000 ms>", "AT+HTTPDATA=0", "AT+HTTPDATA=?"],
    reference: "manual AT+HTTPDATA; HTTP FAQ (size)",
    evidence: Evidence::Documented,
    remarks: "DOWNLOAD, the bytes as they are and without an echo, OK when the last has come. When the time is over, what has come is \
              kept, and the answer is OK (assumed). CR LF behind the last byte is an empty command line. Size 0 clears the body. The \
              reply of AT+HTTPACTION takes its place. Without AT+HTTPINIT, and while a request is under way: +CME ERROR: 3 (assumed).",
    longest: 120_000,
    set: Some(collect),
    test: Test::Handler(test),
    examples: &[
        example("AT+HTTPDATA=10,1000", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPDATA=0,1000", "\r\nOK\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPDATA=319489,1000", "\r\nERROR\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPDATA=10,999", "\r\nERROR\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPDATA=10,1000", "\r\nDOWNLOAD\r\n\r\nOK\r\n"),
        example("AT+HTTPDATA=?", "\r\n+HTTPDATA: (0-319488),(1000-120000)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPDATA", "Body of the next HTTP request")
};

fn test(x: &mut Exchange<'_>) -> Answer {
    let limit = x.profile().http.buffer;
    x.info(format_args!("+HTTPDATA: (0-{limit}),(1000-120000)"));
    Ok(Outcome::Ok)
}

fn collect(x: &mut Exchange<'_>) -> Answer {
    let limit = x.profile().http.buffer;
    let size = x.args.number(0..=u32::try_from(limit).unwrap_or(u32::MAX))?;
    if size == 0 {
        x.args.opt_bytes()?;
        x.args.finish()?;
        idle_session(x.module)?.buffer = Buffer::default();
        return Ok(Outcome::Ok);
    }
    let time = x.args.number(1000..=120_000)?;
    x.args.finish()?;
    let session = idle_session(x.module)?.number;
    x.info(format_args!("DOWNLOAD"));
    let phase = DataPhase {
        kind: DataKind::Fixed(usize::try_from(size).unwrap_or(limit)),
        prompt: false,
        echo: false,
        timeout: Some(u64::from(time)),
        anew: false,
    };
    Ok(Outcome::Data(phase, Op::http(HttpOp::Collect { session })))
}

/// The data phase is over.
pub(super) fn collected(x: &mut Exchange<'_>, number: u32, bytes: Vec<u8>, whole: bool) -> Answer {
    let session = idle_session(x.module)?;
    if session.number != number {
        return Err(Fault::not_allowed("the HTTP session ended while the body came"));
    }
    let came = bytes.len();
    session.buffer = Buffer { bytes: Arc::new(bytes), content: Content::Outgoing };
    if !whole {
        let text = alloc::format!("the time is over and {came} bytes have come: they are the body");
        x.module.note(Some(x.line), "AT+HTTPDATA=", text);
    }
    Ok(Outcome::Ok)
}
