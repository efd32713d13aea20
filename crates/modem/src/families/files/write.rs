//! FSWRITE: check, prompt, collect, write in one step.

use alloc::format;
use alloc::vec::Vec;
use at::DataKind;

use super::{Fault, FilesOp, name, refused};
use crate::command::{Answer, Command, DataPhase, Evidence, Outcome, Resume, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::io::{ModulePath, StoreReply, StoreRequest};

/// A write that was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    path: ModulePath,
    append: bool,
    size: u32,
    seconds: u32,
}

/// How far it is.
#[derive(Debug)]
pub(crate) enum Write {
    /// Waits for the file's size (it has to exist).
    Exists(Request),
    /// Waits for the bytes in use, `freed` of which the write gives back.
    Fits { request: Request, freed: u64 },
    /// Collects the payload.
    Collecting(Request),
    /// Waits until the new content is safe.
    Storing,
}

pub(super) const COMMAND: Command = Command {
    syntax: &["AT+FSWRITE=<file>,<mode 0-1>,<size 1-10240>,<seconds 1-4294967295>"],
    reference: "manual AT+FSWRITE; SSL guide 3.2",
    evidence: Evidence::Documented,
    remarks: "Mode 0 replaces the whole content, in one step, when the last byte has come; on `TimeOut` the old content \
              stays (both assumed). A missing file, or too little space, is ERROR before the prompt (assumed). The \
              payload is not echoed. OK comes when the content is safe on disk.",
    longest: u32::MAX,
    set: Some(write),
    examples: &[
        example("AT+FSWRITE=\"none\",0,10,10", "\r\nERROR\r\n"),
        example_after(&["AT+FSCREATE=\"f\""], "AT+FSWRITE=\"f\",0,10241,10", "\r\nERROR\r\n"),
        example_after(&["AT+FSCREATE=\"f\""], "AT+FSWRITE=\"f\",0,3,10", "\r\n> \r\nTimeOut\r\n"),
    ],
    ..Command::new("+FSWRITE", "Write to a file")
};

fn write(x: &mut Exchange<'_>) -> Answer {
    let path = name(x)?;
    let append = x.args.flag()?;
    let size = x.args.number(1..=x.profile().file_chunk)?;
    let seconds = x.args.number(1..=u32::MAX)?;
    x.args.finish()?;
    let ask = StoreRequest::Size(path.clone());
    Ok(Outcome::Store(ask, Op::files(FilesOp::Write(Write::Exists(Request { path, append, size, seconds })))))
}

pub(super) fn resume(x: &mut Exchange<'_>, step: Write, event: Resume) -> Answer {
    match (step, event) {
        (Write::Exists(request), Resume::Store(result)) => {
            let StoreReply::Size(size) = result.map_err(|error| {
                Fault::error(format!("{error}: {} has to be made with AT+FSCREATE first", request.path))
            })?
            else {
                return Err(Fault::error("the file store gave no size"));
            };
            let freed = if request.append { 0 } else { size };
            let next = Write::Fits { request, freed };
            Ok(Outcome::Store(StoreRequest::Usage, Op::files(FilesOp::Write(next))))
        }
        (Write::Fits { request, freed }, Resume::Store(result)) => {
            let StoreReply::Size(used) = result.map_err(refused)? else {
                return Err(Fault::error("the file store gave no size"));
            };
            let capacity = x.profile().file_capacity;
            if used.saturating_sub(freed).saturating_add(u64::from(request.size)) > capacity {
                return Err(Fault::error(format!(
                    "the file system is full: {} bytes do not fit into {} free ones",
                    request.size,
                    capacity.saturating_sub(used)
                )));
            }
            let phase = DataPhase {
                kind: DataKind::Fixed(usize::try_from(request.size).unwrap_or(usize::MAX)),
                prompt: true,
                echo: false,
                timeout: Some(u64::from(request.seconds) * 1000),
                anew: false,
            };
            Ok(Outcome::Data(phase, Op::files(FilesOp::Write(Write::Collecting(request)))))
        }
        (Write::Collecting(request), Resume::Data(_, bytes)) => store(x, request, bytes),
        (Write::Collecting(request), Resume::DataTimeout(bytes)) => {
            x.info(format_args!("TimeOut"));
            let why = format!(
                "{} of {} bytes came within {} s; {} keeps its old content",
                bytes.len(),
                request.size,
                request.seconds,
                request.path
            );
            x.module.note(Some(x.line), "AT+FSWRITE=", why);
            Ok(Outcome::Said)
        }
        (Write::Storing, Resume::Store(result)) => {
            result.map_err(refused)?;
            Ok(Outcome::Ok)
        }
        (step, _) => Ok(Outcome::Wait(Op::files(FilesOp::Write(step)))),
    }
}

fn store(x: &mut Exchange<'_>, request: Request, bytes: Vec<u8>) -> Answer {
    let capacity = x.profile().file_capacity;
    let ask = StoreRequest::Write { path: request.path, append: request.append, bytes, capacity };
    Ok(Outcome::Store(ask, Op::files(FilesOp::Write(Write::Storing))))
}
