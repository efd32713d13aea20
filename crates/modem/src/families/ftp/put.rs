//! FTPPUT: uploads that the host brings.

use alloc::format;
use alloc::vec::Vec;
use at::{DataEnd, DataKind};

use super::host::{self, Verb};
use super::job::Action;
use super::{FtpOp, check_idle, ram};
use crate::command::{Answer, Command, DataPhase, Evidence, Fault, Outcome, example};
use crate::exchange::Exchange;
use crate::families::Op;

pub(super) const FTPPUT: Command = Command {
    syntax: &[
        "AT+FTPPUT=1               begin",
        "AT+FTPPUT=2,<length 1-1360>   a block follows",
        "AT+FTPPUT=2,0             that was all",
        "AT+FTPPUT=?",
    ],
    reference: "manual AT+FTPPUT",
    evidence: Evidence::Captured,
    remarks: "OK first, then +FTPPUT: 1,1,1360 when a block may follow; a block before that is ERROR. Its bytes are not echoed (one \
              capture has them, perhaps from the terminal). Nothing for 31.8 s: the file is closed, +FTPPUT: 1,0. A block whose bytes \
              do not come for 75 s is ERROR, nothing of it is sent, and 1,1,1360 follows (assumed). 1,0 comes when the server has \
              confirmed the file. STOU goes to AT+FTPPUTPATH (CWD), its name is the server's (assumed). What cannot begin is \
              +CME ERROR: 3 (assumed). With a file in memory (AT+FTPEXTPUT, AT+FTPFILEPUT) =1 uploads that, and 1,0 or an error is all.",
    longest: 75_000,
    needs_card: true,
    set: Some(put),
    examples: &[
        example("AT+FTPPUT=1", "\r\n+CME ERROR: 3\r\n"),
        example("AT+FTPPUT=2,10", "\r\nERROR\r\n"),
        example("AT+FTPPUT=2,0", "\r\nERROR\r\n"),
        example("AT+FTPPUT=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPPUT", "Upload a file")
};

fn put(x: &mut Exchange<'_>) -> Answer {
    if x.args.small(1..=2)? == 1 {
        x.args.finish()?;
        check_idle(x.module)?;
        if let Some(answer) = ram::upload(x) {
            return answer;
        }
        let action = action(x);
        host::start(x.module, x.line, Verb::Put, action)?;
        return Ok(Outcome::Ok);
    }
    let length = x.args.number(0..=u32::from(x.profile().ftp.put))?;
    x.args.finish()?;
    if length == 0 {
        host::close(x.module)?;
        return Ok(Outcome::Ok);
    }
    host::begin_block(x.module, x.line)?;
    x.info(format_args!("+FTPPUT: 2,{length}"));
    let kind = DataKind::Fixed(usize::try_from(length).unwrap_or(usize::MAX));
    let timeout = Some(x.profile().ftp.put_gap);
    let phase = DataPhase { kind, prompt: false, echo: false, timeout, anew: true };
    Ok(Outcome::Data(phase, Op::ftp(FtpOp::Block)))
}

/// What the settings say of an upload.
pub(super) fn action(x: &Exchange<'_>) -> Action {
    let settings = &x.module.families.ftp.settings;
    Action::Put { path: settings.put_path.clone(), name: settings.put_name.clone(), how: settings.put_option, from: 0 }
}

/// The data phase of a block is over; `None`: because no byte came for too long.
pub(super) fn collected(x: &mut Exchange<'_>, end: Option<DataEnd>, bytes: Vec<u8>) -> Answer {
    let came = bytes.len();
    let whole = matches!(end, Some(DataEnd::Complete));
    let there = host::end_block(x.module, x.line, whole.then_some(bytes));
    if !there {
        return Err(Fault::error("the session ended while the block came"));
    }
    if !whole {
        return Err(Fault::error(format!("only {came} bytes came, then none for too long; nothing of the block is sent")));
    }
    Ok(Outcome::Ok)
}
