//! Data by way of the serial line: what the host fetches with AT+FTPGET=2 and AT+FTPLIST=2, and brings with AT+FTPPUT=2.
//!
//! `1,1` of a download says that bytes wait which the host has not been told of since it last read: when the first come, when
//! more come after all were read, and behind a read that leaves some. `1,1,<max>` of an upload says that the next block may
//! follow. `1,0` comes when the visit is over and, of a download, everything was read, or the host has begun to read and does
//! not go on: what it leaves then can be fetched until the next verb.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use super::job::{Action, Done, Failure, Job, Party, Supply};
use super::{FtpTimer, engine};
use crate::command::Fault;
use crate::families::FamilyTimer;
use crate::io::LineId;
use crate::module::Module;

/// A transfer that goes by way of the line.
pub(super) struct Transfer {
    verb: Verb,
    line: LineId,
    /// Came from the server, and waits for the host.
    inbox: VecDeque<u8>,
    /// The host was told that data wait.
    announced: bool,
    /// It was told since it last read.
    told: bool,
    /// The host has fetched something.
    read: bool,
    /// The visit is over.
    over: bool,
    /// `1,0` was said; what is unread stays for a while.
    left: bool,
    /// AT+FTPQUIT was accepted.
    pub(super) quitting: bool,
    /// Upload: the host may bring a block.
    ready: bool,
    /// Which line is bringing it.
    typing: Option<LineId>,
    /// A block that the engine has not taken yet.
    block: Option<Vec<u8>>,
    /// There are no more.
    closing: bool,
}

impl fmt::Debug for Transfer {
    /// Without the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").field("verb", &self.verb).field("line", &self.line).finish_non_exhaustive()
    }
}

/// Which command the transfer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    List,
    Put,
}

impl Verb {
    /// As it stands in front of the colon.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "FTPGET",
            Self::List => "FTPLIST",
            Self::Put => "FTPPUT",
        }
    }

    fn party(self) -> &'static Party {
        match self {
            Self::Get => &GET,
            Self::List => &LIST,
            Self::Put => &PUT,
        }
    }
}

const GET: Party = download("FTPGET");
const LIST: Party = download("FTPLIST");
const PUT: Party =
    Party { name: "FTPPUT", opened: |_| {}, sized: None, room: |_| 0, received: |_, _| {}, supply, ended: |m, _, r| ended(m, r) };

const fn download(name: &'static str) -> Party {
    Party { name, opened: |_| {}, sized: None, room, received, supply: |_, _| Supply::End, ended: |m, _, r| ended(m, r) }
}

/// Whether a transfer goes on, or waits for the host to read it.
pub(super) fn is_busy(module: &Module) -> bool {
    module.families.ftp.host.as_ref().is_some_and(|transfer| !transfer.left)
}

/// AT+FTPQUIT for a transfer that goes on.
pub(super) fn quit(module: &mut Module) {
    if let Some(transfer) = module.families.ftp.host.as_mut().filter(|transfer| !transfer.left) {
        transfer.quitting = true;
    }
}

/// Begins a transfer for a line.
pub(super) fn start(module: &mut Module, line: LineId, verb: Verb, action: Action) -> Result<(), Fault> {
    engine::start(module, Job { action, party: verb.party(), line })?;
    module.families.ftp.host = Some(Box::new(Transfer {
        verb,
        line,
        inbox: VecDeque::new(),
        announced: false,
        told: false,
        read: false,
        over: false,
        left: false,
        quitting: false,
        ready: false,
        typing: None,
        block: None,
        closing: false,
    }));
    Ok(())
}

/// `+FTPxxx: 1,…` on the transfer's line.
fn tell(module: &mut Module, words: fmt::Arguments<'_>) {
    let Some(transfer) = &module.families.ftp.host else { return };
    let (line, name) = (transfer.line, transfer.verb.name());
    module.urc(line, format_args!("+{name}: 1,{words}"));
}

// --- downloads ---------------------------------------------------------------------------------------------------

fn room(module: &Module) -> usize {
    let waits = module.families.ftp.host.as_ref().map_or(usize::MAX, |transfer| transfer.inbox.len());
    module.setup.profile.receive_buffer.saturating_sub(waits)
}

fn received(module: &mut Module, bytes: &[u8]) {
    if let Some(transfer) = &mut module.families.ftp.host {
        transfer.inbox.extend(bytes);
        announce(module);
    }
}

fn announce(module: &mut Module) {
    let Some(transfer) = &mut module.families.ftp.host else { return };
    if !transfer.told && !transfer.inbox.is_empty() {
        (transfer.told, transfer.announced) = (true, true);
        tell(module, format_args!("1"));
    }
}

/// At most so many bytes for the host; `None`: there is no such transfer, or `1,1` has not been said.
pub(super) fn take(module: &mut Module, verb: Verb, most: usize) -> Option<Vec<u8>> {
    let transfer = module.families.ftp.host.as_mut()?;
    if transfer.verb != verb || !transfer.announced || transfer.quitting {
        return None;
    }
    let count = most.min(transfer.inbox.len());
    let bytes = transfer.inbox.drain(..count).collect();
    (transfer.told, transfer.read) = (false, true);
    let empty = transfer.inbox.is_empty();
    if transfer.left {
        if empty {
            module.families.ftp.host = None;
        }
    } else if transfer.over && empty {
        end(module, 0);
    } else {
        await_read(module);
        announce(module);
        engine::go_on(module);
    }
    Some(bytes)
}

/// Limits how long a host that has begun to read may leave what is there, once nothing more is to come.
fn await_read(module: &mut Module) {
    if module.families.ftp.host.as_ref().is_some_and(|transfer| transfer.over && transfer.read) {
        let limit = module.setup.profile.ftp.get_idle;
        module.arm(FamilyTimer::ftp(FtpTimer::Idle), limit);
    }
}

// --- uploads -----------------------------------------------------------------------------------------------------

fn supply(module: &mut Module, most: usize) -> Supply {
    let Some(transfer) = &mut module.families.ftp.host else { return Supply::End };
    if let Some(mut block) = transfer.block.take() {
        let rest = block.split_off(most.min(block.len()));
        transfer.block = Some(rest).filter(|rest| !rest.is_empty());
        return Supply::Bytes(block);
    }
    if transfer.closing {
        return Supply::End;
    }
    if !transfer.ready && transfer.typing.is_none() {
        (transfer.ready, transfer.announced) = (true, true);
        let limits = &module.setup.profile.ftp;
        module.arm(FamilyTimer::ftp(FtpTimer::Idle), limits.put_idle);
        tell(module, format_args!("1,{}", limits.put));
    }
    Supply::Later
}

/// The host is about to bring a block on this line.
pub(super) fn begin_block(module: &mut Module, line: LineId) -> Result<(), Fault> {
    let transfer = module.families.ftp.host.as_mut().filter(|transfer| transfer.ready && !transfer.quitting);
    let Some(transfer) = transfer else {
        return Err(Fault::error("there is no AT+FTPPUT=1 session, or +FTPPUT: 1,1,<max> has not been said since the last block"));
    };
    (transfer.ready, transfer.typing) = (false, Some(line));
    module.cancel(FamilyTimer::ftp(FtpTimer::Idle));
    Ok(())
}

/// The line's block is there; `None`: it did not come. Whether the session is there still: another line may have begun one.
pub(super) fn end_block(module: &mut Module, line: LineId, block: Option<Vec<u8>>) -> bool {
    let transfer = module.families.ftp.host.as_mut().filter(|transfer| transfer.typing == Some(line));
    let Some(transfer) = transfer else { return false };
    transfer.typing = None;
    transfer.block = block;
    let there = !transfer.quitting;
    engine::go_on(module);
    there
}

/// There are no more blocks: by AT+FTPPUT=2,0, or because none came for too long.
pub(super) fn close(module: &mut Module) -> Result<(), Fault> {
    let transfer = module.families.ftp.host.as_mut();
    let fit = |transfer: &&mut Box<Transfer>| {
        transfer.verb == Verb::Put
            && transfer.announced
            && transfer.typing.is_none()
            && !transfer.closing
            && !transfer.quitting
    };
    let Some(transfer) = transfer.filter(fit) else {
        return Err(Fault::error("there is no AT+FTPPUT=1 session to end, or +FTPPUT: 1,1,<max> has not been said"));
    };
    (transfer.ready, transfer.closing) = (false, true);
    module.cancel(FamilyTimer::ftp(FtpTimer::Idle));
    engine::go_on(module);
    Ok(())
}

/// The host has brought, or fetched, nothing for too long.
pub(super) fn idle(module: &mut Module) {
    let Some(transfer) = &module.families.ftp.host else { return };
    let (line, verb) = (transfer.line, transfer.verb);
    let why = match verb {
        Verb::Put if close(module).is_ok() => "the host brought nothing for too long: the file is closed as it is",
        Verb::Get | Verb::List if leave(module) => {
            "the host leaves what has come: the session is over, and the rest can be fetched until the next verb"
        }
        _ => return,
    };
    module.note(Some(line), verb.name(), why);
}

/// `1,0`, though not everything was fetched.
fn leave(module: &mut Module) -> bool {
    let transfer = module.families.ftp.host.as_mut().filter(|transfer| transfer.over && !transfer.quitting);
    let Some(transfer) = transfer else { return false };
    transfer.left = true;
    tell(module, format_args!("0"));
    true
}

// --- the end -----------------------------------------------------------------------------------------------------

/// The visit is over.
pub(super) fn ended(module: &mut Module, result: Result<Done, Failure>) {
    let Some(transfer) = &mut module.families.ftp.host else { return };
    match result {
        Ok(_) if transfer.inbox.is_empty() => end(module, 0),
        Ok(_) => {
            transfer.over = true;
            await_read(module);
        }
        Err(failure) => end(module, failure.code()),
    }
}

fn end(module: &mut Module, code: u8) {
    module.cancel(FamilyTimer::ftp(FtpTimer::Idle));
    tell(module, format_args!("{code}"));
    module.families.ftp.host = None;
}
