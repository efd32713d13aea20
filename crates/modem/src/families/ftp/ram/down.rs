//! FTPEXTGET: a file from the server, and from memory on to the host or into the module's files.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use super::{Stored, check_not_running, ram};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::families::ftp::job::{Action, Done, Failure, Job, Party, Supply};
use crate::families::ftp::local::{self, Step};
use crate::families::ftp::{FtpOp, check_idle, check_not_saving, engine};
use crate::io::{LineId, ModulePath};
use crate::module::Module;

pub(in crate::families::ftp) const FTPEXTGET: Command = Command {
    syntax: &[
        "AT+FTPEXTGET=0   forget the file",
        "AT+FTPEXTGET=1   download a file into memory",
        "AT+FTPEXTGET=2,<name, at most 64>   save it in C:/USER/FTP",
        "AT+FTPEXTGET=3,<position>,<length>   read from it",
        "AT+FTPEXTGET?   mode, and how much has come",
        "AT+FTPEXTGET=?",
    ],
    reference: "manual AT+FTPEXTGET",
    evidence: Evidence::Documented,
    remarks: "A file of at most 302,512 bytes; a longer one ends with error 79 (assumed). =2 replaces a file of the same name; an SIM7000 \
              refuses it (assumed). =3 gives what there is; at the end and behind it that is nothing, without a data line (assumed). \
              =2 and =3 before the file is whole: ERROR; =0 and =1 while it comes, and =1 in AT+FTPEXTPUT's mode 1: +CME ERROR: 3; \
              a failure ends mode 1; =2 while another line saves: +CME ERROR: 3 (all assumed). AT+FTPQUIT ends the download: +FTPEXTGET: 1,86 (assumed). Mode 4 does not exist on this \
              module: ERROR.",
    read: Some(show_got),
    set: Some(extended_get),
    examples: &[
        example("AT+FTPEXTGET=0", "\r\nOK\r\n"),
        example("AT+FTPEXTGET?", "\r\n+FTPEXTGET: 0\r\n\r\nOK\r\n"),
        example("AT+FTPEXTGET=2,hello", "\r\nERROR\r\n"),
        example("AT+FTPEXTGET=3,0,62", "\r\nERROR\r\n"),
        example("AT+FTPEXTGET=4", "\r\nERROR\r\n"),
        example_after(&["AT+FTPEXTPUT=1"], "AT+FTPEXTGET=1", "\r\n+CME ERROR: 3\r\n"),
        example("AT+FTPEXTGET=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPEXTGET", "Download a file into memory")
};

/// What FTPEXTGET has downloaded.
pub(crate) struct Got {
    bytes: Vec<u8>,
    complete: bool,
}

impl fmt::Debug for Got {
    /// Without the file's content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Got").field("bytes", &self.bytes.len()).field("complete", &self.complete).finish()
    }
}

static GET: Party = Party {
    name: "FTPEXTGET",
    opened: |_| {},
    sized: None,
    room: got_room,
    received: got,
    supply: |_, _| Supply::End,
    ended: got_ended,
};

fn extended_get(x: &mut Exchange<'_>) -> Answer {
    match x.args.small(0..=3)? {
        0 => {
            x.args.finish()?;
            check_not_running(x.module, &GET)?;
            ram(x.module).got = None;
            Ok(Outcome::Ok)
        }
        1 => download(x),
        2 => save(x),
        _ => read(x),
    }
}

fn download(x: &mut Exchange<'_>) -> Answer {
    x.args.finish()?;
    if ram(x.module).builds() {
        return Err(Fault::not_allowed("AT+FTPEXTPUT=1 is in force: AT+FTPEXTPUT=0 ends it"));
    }
    check_idle(x.module)?;
    let action = Action::Get { file: x.module.families.ftp.settings.file(), from: 0 };
    engine::start(x.module, Job { action, party: &GET, line: x.line })?;
    ram(x.module).got = Some(Box::new(Got { bytes: Vec::new(), complete: false }));
    Ok(Outcome::Ok)
}

/// A byte more than there may be, so that a longer file shows.
fn got_room(module: &Module) -> usize {
    let limit = module.setup.profile.ftp.download + 1;
    module.families.ftp.ram.got.as_ref().map_or(0, |got| limit.saturating_sub(got.bytes.len()))
}

fn got(module: &mut Module, bytes: &[u8]) {
    let limit = module.setup.profile.ftp.download;
    let Some(got) = &mut ram(module).got else { return };
    got.bytes.extend_from_slice(bytes);
    if got.bytes.len() > limit {
        let why = format!("the file has more than {limit} bytes; AT+FTPGET and AT+FTPGETTOFS take longer ones");
        engine::give_up(module, Failure::Download, why);
    }
}

fn got_ended(module: &mut Module, line: LineId, result: Result<Done, Failure>) {
    match result {
        Ok(_) => {
            if let Some(got) = &mut ram(module).got {
                got.complete = true;
                got.bytes.shrink_to_fit();
            }
            module.urc(line, format_args!("+FTPEXTGET: 1,0"));
        }
        Err(failure) => {
            ram(module).got = None;
            module.urc(line, format_args!("+FTPEXTGET: 1,{}", failure.code()));
        }
    }
}

/// The file that is whole.
fn whole(module: &Module) -> Result<&[u8], Fault> {
    match &module.families.ftp.ram.got {
        Some(got) if got.complete => Ok(&got.bytes),
        Some(_) => Err(Fault::error("the file has not come yet: wait for +FTPEXTGET: 1,0")),
        None => Err(Fault::error("there is no file in memory: AT+FTPEXTGET=1 downloads one")),
    }
}

fn save(x: &mut Exchange<'_>) -> Answer {
    let path = local::name(x)?;
    x.args.finish()?;
    whole(x.module)?;
    // They gather their files in the same place.
    if x.module.families.ftp.files.is_some() {
        return Err(Fault::not_allowed("AT+FTPGETTOFS is at work: wait for its end"));
    }
    check_not_saving(x.module)?;
    save_step(x, path, Step::FIRST)
}

fn save_step(x: &mut Exchange<'_>, path: ModulePath, step: Step) -> Answer {
    let bytes = if step == Step::Stage { whole(x.module)?.to_vec() } else { Vec::new() };
    let request = step.request(&path, 0, bytes, x.profile().file_capacity);
    Ok(Outcome::Store(request, Op::ftp(FtpOp::Save(path, step))))
}

/// AT+FTPEXTGET=2 goes on.
pub(in crate::families::ftp) fn saved(x: &mut Exchange<'_>, path: ModulePath, step: Step, result: Stored) -> Answer {
    step.check(result).map_err(|error| Fault::error(format!("{path}: {error}")))?;
    match step.next() {
        Some(next) => save_step(x, path, next),
        None => {
            let length = whole(x.module)?.len();
            x.info(format_args!("+FTPEXTGET: 2,{length}"));
            Ok(Outcome::Ok)
        }
    }
}

fn read(x: &mut Exchange<'_>) -> Answer {
    let limit = u32::try_from(x.profile().ftp.download).unwrap_or(u32::MAX);
    let position = x.args.number(0..=limit)? as usize;
    let length = x.args.number(1..=limit)? as usize;
    x.args.finish()?;
    let bytes = whole(x.module)?;
    let rest = bytes.get(position..).unwrap_or_default();
    let part = &rest[..length.min(rest.len())];
    x.reply.info(format_args!("+FTPEXTGET: 3,{}", part.len()));
    if !part.is_empty() {
        x.reply.raw(part);
    }
    Ok(Outcome::Ok)
}

fn show_got(x: &mut Exchange<'_>) -> Answer {
    match &x.module.families.ftp.ram.got {
        Some(got) => x.reply.info(format_args!("+FTPEXTGET: 1,{}", got.bytes.len())),
        None => x.reply.info(format_args!("+FTPEXTGET: 0")),
    }
    Ok(Outcome::Ok)
}

