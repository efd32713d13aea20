//! FTPEXTPUT, FTPFILEPUT: a file from the host or from the module's files, and from memory on to the server.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use at::{DataEnd, DataKind};
use core::fmt;

use super::{Stored, check_not_running, ram};
use crate::command::{Answer, Command, DataPhase, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::families::ftp::job::{Done, Failure, Job, Party, Supply};
use crate::families::ftp::{FtpOp, engine, local, put};
use crate::io::{LineId, ModulePath, StoreReply, StoreRequest};
use crate::module::Module;

pub(in crate::families::ftp) const FTPEXTPUT: Command = Command {
    syntax: &[
        "AT+FTPEXTPUT=0   forget the file",
        "AT+FTPEXTPUT=1   build a file in memory",
        "AT+FTPEXTPUT=2,<position>,<length>,<milliseconds 1000-1000000>   so many bytes of it",
        "AT+FTPEXTPUT=?",
    ],
    reference: "manual AT+FTPEXTPUT",
    evidence: Evidence::Documented,
    remarks: "+FTPEXTPUT: <position>,<length>, then the bytes as they are, not echoed. A block begins where the file ends, or earlier, and \
              the file ends with it (assumed). Position and length together at most 307,200. When not all bytes come in time: ERROR, \
              and the file stays as it was (assumed). AT+FTPPUT=1 uploads it, as often as it is typed, until =0; =1 forgets what AT+FTPFILEPUT has loaded (both assumed). =1 in \
              AT+FTPEXTGET's mode 1, =2 outside mode 1, and =0, =1 and =2 while it is uploaded: +CME ERROR: 3 (assumed).",
    longest: 1_000_000,
    set: Some(extended_put),
    examples: &[
        example("AT+FTPEXTPUT=1", "\r\nOK\r\n"),
        example("AT+FTPEXTPUT=0", "\r\nOK\r\n"),
        example("AT+FTPEXTPUT=2,0,5,10000", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+FTPEXTPUT=1"], "AT+FTPEXTPUT=2,5,5,10000", "\r\nERROR\r\n"),
        example_after(&["AT+FTPEXTPUT=1"], "AT+FTPEXTPUT=2,0,307201,10000", "\r\nERROR\r\n"),
        example_after(&["AT+FTPEXTPUT=1"], "AT+FTPEXTPUT=2,0,5,999", "\r\nERROR\r\n"),
        example_after(
            &["AT+FTPEXTPUT=1"],
            "AT+FTPEXTPUT=2,0,5,1000",
            "\r\n+FTPEXTPUT: 0,5\r\n\r\nERROR\r\n",
        ),
        example("AT+FTPEXTPUT=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPEXTPUT", "Build a file in memory for an upload")
};

pub(in crate::families::ftp) const FTPFILEPUT: Command = Command {
    syntax: &[
        "AT+FTPFILEPUT=1,<file, at most 128>   load a file into memory",
        "AT+FTPFILEPUT=0   forget it",
        "AT+FTPFILEPUT=?",
    ],
    reference: "manual AT+FTPFILEPUT",
    evidence: Evidence::Documented,
    remarks: "OK when the file is in memory; AT+FTPPUT=1 uploads it then. At most 307,200 bytes (assumed). A missing or longer file: ERROR. \
              In AT+FTPEXTPUT's mode 1, and while a file is uploaded: +CME ERROR: 3.",
    set: Some(file_put),
    examples: &[
        example("AT+FTPFILEPUT=1,\"C:/USER/FTP/none\"", "\r\nERROR\r\n"),
        example_after(&["AT+FSCREATE=f"], "AT+FTPFILEPUT=1,\"C:/f\"", "\r\nOK\r\n"),
        example_after(&["AT+FTPEXTPUT=1"], "AT+FTPFILEPUT=0", "\r\n+CME ERROR: 3\r\n"),
        example("AT+FTPFILEPUT=0", "\r\nOK\r\n"),
        example("AT+FTPFILEPUT=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPFILEPUT", "Load a file into memory for an upload")
};

/// What FTPPUT=1 is to upload.
pub(crate) struct Put {
    bytes: Vec<u8>,
    /// How much of it the session has taken.
    taken: usize,
    /// FTPFILEPUT has loaded it; otherwise FTPEXTPUT builds it.
    pub(super) file: bool,
}

impl fmt::Debug for Put {
    /// Without the file's content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put").field("bytes", &self.bytes.len()).field("file", &self.file).finish_non_exhaustive()
    }
}

/// A block of FTPEXTPUT that was asked for.
#[derive(Debug)]
pub(crate) struct Block {
    position: usize,
    length: usize,
}

/// A file on its way into memory.
pub(crate) struct Loading {
    path: ModulePath,
    bytes: Vec<u8>,
    /// `None`: the size is asked for.
    size: Option<u64>,
}

impl fmt::Debug for Loading {
    /// Without the file's content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading").field("path", &self.path).field("size", &self.size).finish_non_exhaustive()
    }
}

static PUT: Party = Party {
    name: "FTPPUT",
    opened: |_| {},
    sized: None,
    room: |_| 0,
    received: |_, _| {},
    supply: put_supply,
    ended: put_ended,
};

/// AT+FTPPUT=1 where a file is in memory: uploads it. `None`: there is none.
pub(in crate::families::ftp) fn upload(x: &mut Exchange<'_>) -> Option<Answer> {
    let put = ram(x.module).put.as_mut()?;
    put.taken = 0;
    if put.bytes.is_empty() && !put.file {
        return Some(Err(Fault::not_allowed("there is nothing to upload: AT+FTPEXTPUT=2 takes it")));
    }
    let action = put::action(x);
    let begun = engine::start(x.module, Job { action, party: &PUT, line: x.line });
    Some(begun.map(|()| Outcome::Ok))
}

fn put_supply(module: &mut Module, most: usize) -> Supply {
    let Some(put) = &mut ram(module).put else { return Supply::End };
    let rest = put.bytes.get(put.taken..).unwrap_or_default();
    if rest.is_empty() {
        return Supply::End;
    }
    let part = rest[..most.min(rest.len())].to_vec();
    put.taken += part.len();
    Supply::Bytes(part)
}

fn put_ended(module: &mut Module, line: LineId, result: Result<Done, Failure>) {
    let code = result.map_or_else(Failure::code, |_| 0);
    module.urc(line, format_args!("+FTPPUT: 1,{code}"));
}

fn extended_put(x: &mut Exchange<'_>) -> Answer {
    let mode = x.args.small(0..=2)?;
    if mode == 2 {
        return block(x);
    }
    x.args.finish()?;
    check_not_running(x.module, &PUT)?;
    if mode == 0 {
        // What FTPFILEPUT has loaded is not this command's.
        ram(x.module).put.take_if(|put| !put.file);
        return Ok(Outcome::Ok);
    }
    if ram(x.module).got.is_some() {
        return Err(Fault::not_allowed("AT+FTPEXTGET=1 is in force: AT+FTPEXTGET=0 ends it"));
    }
    if !ram(x.module).builds() {
        ram(x.module).put = Some(Box::new(Put { bytes: Vec::new(), taken: 0, file: false }));
    }
    Ok(Outcome::Ok)
}

fn block(x: &mut Exchange<'_>) -> Answer {
    let max = x.profile().ftp.upload;
    let limit = u32::try_from(max).unwrap_or(u32::MAX);
    let position = x.args.number(0..=limit)? as usize;
    let length = x.args.number(0..=limit)? as usize;
    let millis = x.args.number(1_000..=1_000_000)?;
    x.args.finish()?;
    check_not_running(x.module, &PUT)?;
    let Some(put) = ram(x.module).put.as_ref().filter(|put| !put.file) else {
        return Err(Fault::not_allowed("AT+FTPEXTPUT=1 comes first"));
    };
    if position + length > max {
        return Err(Fault::error(format!("position and length together are more than {max}")));
    }
    if position > put.bytes.len() {
        let there = put.bytes.len();
        return Err(Fault::error(format!("there are {there} bytes, and a block begins where they end, or earlier")));
    }
    x.info(format_args!("+FTPEXTPUT: {position},{length}"));
    if length == 0 {
        return Ok(Outcome::Ok);
    }
    let timeout = Some(u64::from(millis));
    let phase = DataPhase { kind: DataKind::Fixed(length), prompt: false, echo: false, timeout, anew: false };
    Ok(Outcome::Data(phase, Op::ftp(FtpOp::Gather(Block { position, length }))))
}

/// The bytes of a block, or those that came in time.
pub(in crate::families::ftp) fn collected(x: &mut Exchange<'_>, block: Block, end: Option<DataEnd>, bytes: &[u8]) -> Answer {
    let Block { position, length } = block;
    if end != Some(DataEnd::Complete) {
        let came = bytes.len();
        return Err(Fault::error(format!("{came} of {length} bytes came in time; the file is as it was before")));
    }
    // Another line may have ended the mode, or begun an upload, meanwhile.
    check_not_running(x.module, &PUT)?;
    match &mut ram(x.module).put {
        Some(put) if !put.file && position <= put.bytes.len() => {
            put.bytes.truncate(position);
            put.bytes.extend_from_slice(bytes);
            Ok(Outcome::Ok)
        }
        _ => Err(Fault::not_allowed("another line has changed the file in memory meanwhile")),
    }
}

fn file_put(x: &mut Exchange<'_>) -> Answer {
    let load = x.args.flag()?;
    let path = if load { Some(local::path(x)?) } else { None };
    x.args.finish()?;
    check_not_running(x.module, &PUT)?;
    check_file_put(x.module)?;
    ram(x.module).put = None;
    let Some(path) = path else { return Ok(Outcome::Ok) };
    let request = StoreRequest::Size(path.clone());
    Ok(Outcome::Store(request, Op::ftp(FtpOp::Load(Loading { path, bytes: Vec::new(), size: None }))))
}

/// AT+FTPFILEPUT=1 goes on.
pub(in crate::families::ftp) fn loaded(x: &mut Exchange<'_>, mut loading: Loading, result: Stored) -> Answer {
    let reply = result.map_err(|error| Fault::error(format!("{}: {error}", loading.path)))?;
    let limit = x.profile().ftp.upload;
    match reply {
        StoreReply::Size(size) if size > limit as u64 => {
            return Err(Fault::error(format!("the file has more than {limit} bytes; AT+FTPPUTFRMFS uploads longer ones")));
        }
        StoreReply::Size(size) => loading.size = Some(size),
        StoreReply::Bytes(bytes) if bytes.is_empty() => loading.size = Some(loading.bytes.len() as u64),
        StoreReply::Bytes(bytes) => {
            // The file may have grown meanwhile.
            let room = limit - loading.bytes.len().min(limit);
            loading.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        _ => return Err(Fault::error("the file store gave no bytes")),
    }
    let offset = loading.bytes.len() as u64;
    if loading.size.is_some_and(|size| offset < size) {
        let length = x.profile().file_chunk as usize;
        let request = StoreRequest::Read { path: loading.path.clone(), offset, length };
        return Ok(Outcome::Store(request, Op::ftp(FtpOp::Load(loading))));
    }
    check_not_running(x.module, &PUT)?;
    check_file_put(x.module)?;
    ram(x.module).put = Some(Box::new(Put { bytes: loading.bytes, taken: 0, file: true }));
    Ok(Outcome::Ok)
}

fn check_file_put(module: &Module) -> Result<(), Fault> {
    match module.families.ftp.ram.builds() {
        true => Err(Fault::not_allowed("AT+FTPEXTPUT=1 is in force: AT+FTPEXTPUT=0 ends it")),
        false => Ok(()),
    }
}

