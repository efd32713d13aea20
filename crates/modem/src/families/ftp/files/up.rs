//! FTPPUTFRMFS: a file of the module to the server, read in blocks.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{BLOCK, Retry, Transfer, Way, check_idle, end, failed, give_up, opened, visit};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::families::ftp::job::{Action, Done, Failure, Job, Party, Supply};
use crate::families::ftp::settings::{PutOption, Type};
use crate::families::ftp::{FtpOp, engine, local};
use crate::io::{LineId, ModulePath, StoreError, StoreReply, StoreRequest};
use crate::module::Module;

pub(crate) const FTPPUTFRMFS: Command = Command {
    syntax: &[
        "AT+FTPPUTFRMFS=<file, at most 128>[,<reconnects 0-255, default 3>[,<seconds before each 0-60, default 5>]]",
        "AT+FTPPUTFRMFS?   0, or 1,<sent>",
        "AT+FTPPUTFRMFS=?",
    ],
    reference: "manual AT+FTPPUTFRMFS",
    evidence: Evidence::Documented,
    remarks: "OK, then +FTPPUTFRMFS: 0,<bytes of the file>, or +FTPPUTFRMFS: <error>. A missing file: ERROR. A connection that breaks is \
              made anew, and the upload resumed behind what the server has: with REST, or by APPE where AT+FTPPUTOPT says APPE; \
              where the server does not tell how much it has, or has what it had before, or with AT+FTPTYPE=A, STOR begins at 0, and APPE ends; STOU is not tried \
              again (all assumed). AT+FTPQUIT ends it with error 86 (assumed).",
    needs_card: true,
    read: Some(show),
    set: Some(upload),
    examples: &[
        example("AT+FTPPUTFRMFS?", "\r\n+FTPPUTFRMFS: 0\r\n\r\nOK\r\n"),
        example("AT+FTPPUTFRMFS=\"C:/USER/FTP/none\"", "\r\nERROR\r\n"),
        example("AT+FTPPUTFRMFS=\"a\",256", "\r\nERROR\r\n"),
        example("AT+FTPPUTFRMFS=\"a\",1,61", "\r\nERROR\r\n"),
        example("AT+FTPPUTFRMFS=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPPUTFRMFS", "Upload a file of the module")
};

/// On its way up.
pub(crate) struct Up {
    /// On the server.
    place: String,
    name: String,
    how: PutOption,
    /// Bytes as they are, so that positions are the same at both ends.
    image: bool,
    size: u64,
    /// What the server had of the file before this session, or with APPE before the first, as far as it tells.
    before: Option<u64>,
    /// The server has begun to take it at least once.
    begun: bool,
    /// The position of what is sent next.
    sent: u64,
    /// The furthest that was ever sent.
    furthest: u64,
    /// Read, and not sent.
    held: Vec<u8>,
}

impl Up {
    pub(super) fn has_begun(&mut self) {
        self.begun = true;
    }

    /// Whether there is a way to go on behind what the server has.
    pub(super) fn may_resume(&self) -> bool {
        match self.how {
            PutOption::Store => true,
            PutOption::Append => self.image || !self.begun,
            PutOption::Unique => !self.begun,
        }
    }

    fn whole_name(&self) -> String {
        format!("{}{}", self.place, self.name)
    }

    fn put(&self, position: u64) -> Action {
        let from = if self.how == PutOption::Store { position } else { 0 };
        Action::Put { path: self.place.clone(), name: self.name.clone(), how: self.how, from }
    }
}

/// An upload that was asked for, while the file's size is.
#[derive(Debug)]
pub(crate) struct Finding {
    path: ModulePath,
    retry: Retry,
}

static PARTY: Party = Party {
    name: "FTPPUTFRMFS",
    opened,
    sized: Some(sized),
    room: |_| 0,
    received: |_, _| {},
    supply,
    ended,
};

/// Asks how much the server has.
static MEASURE: Party = Party::without_data("FTPPUTFRMFS", measured);

fn upload(x: &mut Exchange<'_>) -> Answer {
    let path = local::path(x)?;
    let retry = Retry::typed(x)?;
    check_idle(x.module)?;
    let request = StoreRequest::Size(path.clone());
    Ok(Outcome::Store(request, Op::ftp(FtpOp::Find(Finding { path, retry }))))
}

/// The store has said how long the file is.
pub(in crate::families::ftp) fn found(
    x: &mut Exchange<'_>,
    finding: Finding,
    result: Result<StoreReply, StoreError>,
) -> Answer {
    let Finding { path, retry } = finding;
    let size = match result {
        Ok(StoreReply::Size(size)) => size,
        Ok(_) => return Err(Fault::error("the file store gave no size")),
        Err(error) => return Err(Fault::error(format!("{path}: {error}"))),
    };
    check_idle(x.module)?;
    let settings = x.module.families.ftp.settings.clone();
    let up = Up {
        place: settings.put_path.clone(),
        name: settings.put_name.clone(),
        how: settings.put_option,
        image: settings.type_ == Type::Image,
        size,
        before: None,
        begun: false,
        sent: 0,
        furthest: 0,
        held: Vec::new(),
    };
    let (action, party) = first(&up);
    engine::start(x.module, Job { action, party, line: x.line })?;
    x.module.families.ftp.files = Some(Transfer::new(x.line, path, retry, settings, Way::Up(up)));
    Ok(Outcome::Ok)
}

fn show(x: &mut Exchange<'_>) -> Answer {
    match up(x.module) {
        Some(Up { sent, .. }) => x.reply.info(format_args!("+FTPPUTFRMFS: 1,{sent}")),
        None => x.reply.info(format_args!("+FTPPUTFRMFS: 0")),
    }
    Ok(Outcome::Ok)
}

fn up(module: &Module) -> Option<&Up> {
    match &module.families.ftp.files.as_ref()?.way {
        Way::Up(up) => Some(up),
        Way::Down(_) => None,
    }
}

fn up_mut(module: &mut Module) -> Option<&mut Up> {
    match &mut module.families.ftp.files.as_mut()?.way {
        Way::Up(up) => Some(up),
        Way::Down(_) => None,
    }
}

/// What the first session is for: where it is to be appended, the server is asked what it has, so that the rest can be found
/// when the connection breaks.
fn first(up: &Up) -> (Action, &'static Party) {
    match up.how {
        PutOption::Append if up.image => (Action::Size(up.whole_name()), &MEASURE),
        _ => (up.put(0), &PARTY),
    }
}

/// The pause is over.
pub(super) fn begin_again(module: &mut Module) {
    let Some(up) = up(module) else { return };
    let (action, party) = match up.begun && up.image {
        true => (Action::Size(up.whole_name()), &MEASURE),
        false => first(up),
    };
    if core::ptr::eq(party, &PARTY) {
        send_from(module, 0);
    } else {
        visit(module, action, party);
    }
}

/// The server tells what it has before it is sent anything.
fn sized(module: &mut Module, size: u64) {
    if let Some(up) = up_mut(module) {
        up.before = Some(size);
    }
}

/// Begins a session that sends the file from this position on.
fn send_from(module: &mut Module, position: u64) {
    let Some(transfer) = &mut module.families.ftp.files else { return };
    let Way::Up(up) = &mut transfer.way else { return };
    // What was read for the session before is not needed.
    transfer.asked = None;
    up.held = Vec::new();
    up.sent = position;
    if up.how == PutOption::Store {
        up.before = None;
    }
    let action = up.put(position);
    visit(module, action, &PARTY);
}

/// The server has said how much it has, or has not.
fn measured(module: &mut Module, _line: LineId, result: Result<Done, Failure>) {
    let Some(up) = up_mut(module) else { return };
    let has = match result {
        Ok(Done { bytes }) => Some(bytes),
        // There is no such file, or no SIZE.
        Err(Failure::Operation) => None,
        Err(failure) => return failed(module, failure),
    };
    let position = match (up.how, up.begun) {
        (PutOption::Append, false) => {
            up.before = has;
            Some(0)
        }
        (PutOption::Append, true) => {
            has.and_then(|has| has.checked_sub(up.before.unwrap_or(0))).filter(|sent| *sent <= up.furthest)
        }
        // What was never sent is of an older file, and so is what is as it was: there are servers that put a file in the place of
        // the old one only when it is whole.
        _ => Some(has.filter(|has| *has <= up.furthest && up.before != Some(*has)).unwrap_or(0)),
    };
    match position {
        Some(position) if up.begun && position == up.size => end(module, Ok(position)),
        Some(position) => send_from(module, position),
        None => give_up(module, Failure::Upload, "the server does not tell how much of it was appended before it broke"),
    }
}

fn supply(module: &mut Module, most: usize) -> Supply {
    let Some(transfer) = &mut module.families.ftp.files else { return Supply::End };
    let Way::Up(up) = &mut transfer.way else { return Supply::End };
    if !up.held.is_empty() {
        let part: Vec<u8> = up.held.drain(..most.min(up.held.len())).collect();
        up.sent += part.len() as u64;
        up.furthest = up.furthest.max(up.sent);
        return Supply::Bytes(part);
    }
    if up.sent >= up.size {
        return Supply::End;
    }
    if transfer.asked.is_none() {
        let length = usize::try_from(up.size - up.sent).map_or(BLOCK, |rest| rest.min(BLOCK));
        let request = StoreRequest::Read { path: transfer.path.clone(), offset: up.sent, length };
        let ticket = module.store(request);
        if let Some(transfer) = &mut module.families.ftp.files {
            transfer.asked = Some(ticket);
        }
    }
    Supply::Later
}

/// The store has read a block.
pub(super) fn read(module: &mut Module, reply: StoreReply) {
    let Some(up) = up_mut(module) else { return };
    match reply {
        StoreReply::Bytes(bytes) if !bytes.is_empty() => up.held = bytes,
        _ => return give_up(module, Failure::File, "the file has become shorter while it was uploaded"),
    }
    if module.families.ftp.session.is_some() {
        engine::go_on(module);
    }
}

fn ended(module: &mut Module, _line: LineId, result: Result<Done, Failure>) {
    let Some(transfer) = &module.families.ftp.files else { return };
    let Way::Up(up) = &transfer.way else { return };
    match (transfer.failed, result) {
        (Some(failure), _) => end(module, Err(failure)),
        (None, Ok(_)) => {
            let size = up.size;
            end(module, Ok(size));
        }
        (None, Err(failure)) => failed(module, failure),
    }
}
