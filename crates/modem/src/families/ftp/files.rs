//! FTPGETTOFS, FTPPUTFRMFS: between the server and the module's files, past the host. A session that breaks is begun anew,
//! from where it broke.
//!
//! ```text
//!           OK             ended well                    the store has it
//! (idle) ───────► visit ──────────────► (down: Commit) ──────────────────► +FTPGETTOFS: 0,n
//!                 ▲   │ broke
//!                 │   ▼
//!               a pause, as often as was asked for; then, or after another failure ► +FTPGETTOFS: error
//! ```
//!
//! Nothing of a file is in memory but the block that is on its way.

mod down;
mod up;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use core::fmt;

use super::engine;
use super::job::{Action, Failure, Job, Party};
use super::settings::Settings;
use super::{FtpTimer, check_idle};
use crate::command::Fault;
use crate::exchange::Exchange;
use crate::families::{FamilyTimer, sapbr};
use crate::io::{Area, LineId, ModulePath, StoreError, StoreReply, StoreRequest, Ticket};
use crate::module::Module;

pub(super) use down::{FTPGETTOFS, Preparing, prepared};
pub(super) use up::{FTPPUTFRMFS, Finding, found};

/// The most bytes on their way between the session and the store.
const BLOCK: usize = 16 * 1024;

/// A file on its way.
pub(super) struct Transfer {
    line: LineId,
    /// In the module.
    path: ModulePath,
    retry: Retry,
    /// As they were when it began: its sessions are all alike.
    settings: Settings,
    /// The session's data phase has begun.
    opened: bool,
    /// It waits for its next session.
    pauses: bool,
    /// It ends like this, as soon as its session is over.
    failed: Option<Failure>,
    /// The answer of the store that it waits for.
    asked: Option<Ticket>,
    way: Way,
}

enum Way {
    Down(down::Down),
    Up(up::Up),
}

/// What is done about a session that breaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    /// How often it may still be begun anew.
    left: u32,
    /// Seconds before that.
    pause: u32,
}

impl Retry {
    /// The last two parameters.
    fn typed(x: &mut Exchange<'_>) -> Result<Self, Fault> {
        let limits = &x.profile().ftp;
        let left = x.args.opt_number(0..=255)?.unwrap_or(limits.reconnects);
        let pause = x.args.opt_number(0..=60)?.unwrap_or(limits.reconnect_pause);
        x.args.finish()?;
        Ok(Self { left, pause })
    }
}

impl fmt::Debug for Transfer {
    /// Without the file's content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").field("line", &self.line).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Transfer {
    fn new(line: LineId, path: ModulePath, retry: Retry, settings: Settings, way: Way) -> Box<Self> {
        Box::new(Self { line, path, retry, settings, opened: false, pauses: false, failed: None, asked: None, way })
    }

    /// Whether there is a way to go on where it broke.
    fn may_resume(&self) -> bool {
        match &self.way {
            Way::Down(_) => true,
            Way::Up(up) => up.may_resume(),
        }
    }

    /// Its command, for lines and explanations.
    fn name(&self) -> &'static str {
        match self.way {
            Way::Down(_) => "FTPGETTOFS",
            Way::Up(_) => "FTPPUTFRMFS",
        }
    }
}

/// Whether the bearer of its sessions is open.
fn has_bearer(module: &Module) -> bool {
    module.families.ftp.files.as_ref().is_some_and(|transfer| sapbr::is_open(module, transfer.settings.cid))
}

/// Whether a file waits for its next session.
fn pauses(module: &Module) -> bool {
    module.families.ftp.files.as_ref().is_some_and(|transfer| transfer.pauses)
}

/// AT+FTPQUIT between two sessions. Whether there was something to end.
pub(super) fn quit(module: &mut Module) -> bool {
    let pauses = pauses(module);
    if pauses {
        end(module, Err(Failure::Quit));
    }
    pauses
}

/// The bearer that sessions use is gone. Those that are there have been ended already.
pub(super) fn bearer_lost(module: &mut Module) {
    if pauses(module) && !has_bearer(module) {
        give_up(module, Failure::Network, "the bearer is lost, and with it the way to begin anew");
    }
}

/// The module goes down.
pub(super) fn halt(module: &mut Module) {
    if module.families.ftp.files.take().is_some_and(|transfer| matches!(transfer.way, Way::Down(_))) {
        module.store(StoreRequest::Discard(Area::Ftp));
    }
}

/// The store has answered, perhaps to this.
pub(super) fn stored(module: &mut Module, ticket: Ticket, result: Result<StoreReply, StoreError>) {
    let Some(transfer) = &mut module.families.ftp.files else { return };
    if transfer.asked != Some(ticket) {
        return;
    }
    transfer.asked = None;
    let done = match &transfer.way {
        Way::Down(down) => down.check(result).map(|()| None),
        Way::Up(_) => result.map(Some),
    };
    match done {
        Ok(None) => down::stored(module),
        Ok(Some(reply)) => up::read(module, reply),
        Err(error) => {
            let why = format!("{}: {error}", transfer.path);
            give_up(module, Failure::File, why);
        }
    }
}

/// The pause is over.
pub(super) fn reconnect(module: &mut Module) {
    match module.families.ftp.files.as_ref().map(|transfer| &transfer.way) {
        Some(Way::Down(_)) => down::begin(module),
        Some(Way::Up(_)) => up::begin_again(module),
        None => {}
    }
}

/// Begins another session for the file on its way.
fn visit(module: &mut Module, action: Action, party: &'static Party) {
    let Some(transfer) = &mut module.families.ftp.files else { return };
    (transfer.opened, transfer.pauses) = (false, false);
    let (line, settings) = (transfer.line, transfer.settings.clone());
    if let Err(fault) = engine::start_with(module, settings, Job { action, party, line }) {
        give_up(module, Failure::Network, fault.why);
    }
}

/// The data phase of its session has begun.
fn opened(module: &mut Module) {
    if let Some(transfer) = &mut module.families.ftp.files {
        transfer.opened = true;
        if let Way::Up(up) = &mut transfer.way {
            up.has_begun();
        }
    }
}

/// Its session has failed: another follows, or that was it.
fn failed(module: &mut Module, failure: Failure) {
    let bearer = has_bearer(module);
    let Some(transfer) = &mut module.families.ftp.files else { return };
    let broke = match failure {
        Failure::Network | Failure::Dns | Failure::Connect | Failure::Timeout | Failure::Server => true,
        // Before the data phase the server has refused it.
        Failure::Download | Failure::Upload => transfer.opened,
        _ => false,
    };
    let Retry { left, pause } = transfer.retry;
    let again = broke && bearer && left > 0 && transfer.failed.is_none();
    if !again || !transfer.may_resume() {
        return end(module, Err(failure));
    }
    transfer.retry.left -= 1;
    transfer.pauses = true;
    let (line, name) = (transfer.line, transfer.name());
    let text = format!("it broke and is begun anew in {pause} s, from where it broke ({left} times at most)");
    module.note(Some(line), name, text);
    module.arm(FamilyTimer::ftp(FtpTimer::Reconnect), u64::from(pause) * 1000);
}

/// It has failed for good. A session that is there ends first.
fn give_up(module: &mut Module, failure: Failure, why: impl Into<Cow<'static, str>>) {
    let Some(transfer) = &mut module.families.ftp.files else { return };
    transfer.failed = Some(failure);
    if module.families.ftp.session.is_some() {
        return engine::give_up(module, failure, why);
    }
    let (line, name) = (transfer.line, transfer.name());
    module.note(Some(line), name, why);
    end(module, Err(failure));
}

/// Says what came of it.
fn end(module: &mut Module, result: Result<u64, Failure>) {
    module.cancel(FamilyTimer::ftp(FtpTimer::Reconnect));
    let Some(transfer) = module.families.ftp.files.take() else { return };
    let (line, name) = (transfer.line, transfer.name());
    match result {
        Ok(total) => module.urc(line, format_args!("+{name}: 0,{total}")),
        Err(failure) => {
            if matches!(transfer.way, Way::Down(_)) {
                module.store(StoreRequest::Discard(Area::Ftp));
            }
            module.urc(line, format_args!("+{name}: {}", failure.code()));
        }
    }
}
