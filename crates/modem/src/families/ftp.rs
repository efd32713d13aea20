//! FTP: one client, one thing at a time, over connections of its own.
//!
//! Reference: the module's manual, chapter "FTP commands". Nothing reaches the network before a verb (AT+FTPGET=1, AT+FTPMKD …)
//! is executed: each logs in anew and logs out at its end. A verb's OK says that it was accepted; what comes of it follows as a
//! line of its own, on the serial line that gave it.
//!
//! `engine` speaks with the server (RFC 959, 2428, 3659, 4217), which says `reply`; `job` is what it does for whom; `host` (the
//! serial line), `ram` (a file in memory) and `files` (the module's own) are those who have the data; `settings` is what the host has said before.

mod engine;
mod files;
mod get;
mod host;
mod job;
mod kept;
mod local;
mod put;
mod ram;
mod reply;
mod session;
mod set;
mod settings;
mod single;

use alloc::boxed::Box;

use crate::command::{Answer, Command, Fault, Outcome, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Op, sapbr};
use crate::io::{ConnId, LinkEvent, ModulePath, StoreError, StoreReply, Ticket};
use crate::module::Module;
use crate::setup::Setup;
use settings::Settings;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Ftp {
    settings: Settings,
    /// A visit to a server.
    session: Option<Box<engine::Session>>,
    /// A transfer by way of the serial line, until the host has read everything, or as long as something is left that it can read.
    host: Option<Box<host::Transfer>>,
    /// Files in memory.
    ram: ram::Ram,
    /// A transfer by way of the module's files.
    files: Option<Box<files::Transfer>>,
}

/// What an open command of this family is in the middle of.
#[derive(Debug)]
pub(crate) enum FtpOp {
    /// FTPSCONT: the settings are being kept.
    Keep,
    /// FTPPUT=2: the block comes.
    Block,
    /// FTPEXTGET=2: what is in memory becomes a file.
    Save(ModulePath, local::Step),
    /// FTPEXTPUT=2: the block comes.
    Gather(ram::Block),
    /// FTPFILEPUT=1: the file is read.
    Load(ram::Loading),
    /// FTPGETTOFS: the store is asked whether there is room.
    Prepare(files::Preparing),
    /// FTPPUTFRMFS: the store is asked for the file.
    Find(files::Finding),
}

/// This family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FtpTimer {
    /// The server has not said anything.
    Server,
    /// It has not answered QUIT, or AT+FTPQUIT has had its time.
    Leave,
    /// The host has not brought the next block, or fetched the rest.
    Idle,
    /// A session that broke is begun anew.
    Reconnect,
}

impl Family for Ftp {
    type Op = FtpOp;
    type Timer = FtpTimer;

    const COMMANDS: &'static [Command] = &[
        set::FTPCID,
        set::FTPSERV,
        set::FTPPORT,
        set::FTPUN,
        set::FTPPW,
        set::FTPMODE,
        set::FTPTYPE,
        set::FTPPUTOPT,
        set::FTPREST,
        set::FTPGETNAME,
        set::FTPGETPATH,
        set::FTPPUTNAME,
        set::FTPPUTPATH,
        kept::FTPSCONT,
        session::FTPSSL,
        get::FTPGET,
        put::FTPPUT,
        get::FTPLIST,
        single::FTPMKD,
        single::FTPRMD,
        single::FTPDELE,
        single::FTPSIZE,
        ram::FTPEXTGET,
        ram::FTPEXTPUT,
        ram::FTPFILEPUT,
        files::FTPGETTOFS,
        files::FTPPUTFRMFS,
        session::FTPSTATE,
        session::FTPQUIT,
    ];

    fn new(setup: &Setup) -> Self {
        Self { settings: Settings::new(setup.profile), session: None, host: None, ram: ram::Ram::default(), files: None }
    }

    fn resume(x: &mut Exchange<'_>, op: FtpOp, event: Resume) -> Answer {
        match (op, event) {
            (FtpOp::Keep, Resume::Store(result)) => match result {
                Ok(_) => Ok(Outcome::Ok),
                Err(error) => Err(Fault::error(alloc::format!("{error}"))),
            },
            (FtpOp::Block, Resume::Data(end, bytes)) => put::collected(x, Some(end), bytes),
            (FtpOp::Block, Resume::DataTimeout(bytes)) => put::collected(x, None, bytes),
            (FtpOp::Gather(block), Resume::Data(end, bytes)) => ram::collected(x, block, Some(end), &bytes),
            (FtpOp::Gather(block), Resume::DataTimeout(bytes)) => ram::collected(x, block, None, &bytes),
            (FtpOp::Save(path, step), Resume::Store(result)) => ram::saved(x, path, step, result),
            (FtpOp::Load(loading), Resume::Store(result)) => ram::loaded(x, loading, result),
            (FtpOp::Prepare(preparing), Resume::Store(result)) => files::prepared(x, preparing, result),
            (FtpOp::Find(finding), Resume::Store(result)) => files::found(x, finding, result),
            (op, _) => Ok(Outcome::Wait(Op::ftp(op))),
        }
    }

    fn timer(module: &mut Module, timer: FtpTimer) {
        match timer {
            FtpTimer::Reconnect => files::reconnect(module),
            FtpTimer::Idle => host::idle(module),
            FtpTimer::Leave if module.families.ftp.session.is_none() => {
                host::ended(module, Err(job::Failure::Quit));
            }
            FtpTimer::Server | FtpTimer::Leave => engine::timer(module, timer),
        }
    }

    fn stored(module: &mut Module, ticket: Ticket, result: Result<StoreReply, StoreError>) {
        files::stored(module, ticket, result);
    }

    fn linked(module: &mut Module, conn: ConnId, event: LinkEvent<'_>) {
        engine::linked(module, conn, event);
    }

    fn connections(&self) -> usize {
        self.session.as_ref().map_or(0, |session| session.connections())
    }

    fn halt(module: &mut Module) {
        engine::halt(module);
        files::halt(module);
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        kept::load(module, key, value);
    }
}

/// An application's bearer (1 to 3) is closed, or lost.
pub(crate) fn bearer_lost(module: &mut Module, number: u8) {
    if module.families.ftp.session.as_ref().is_some_and(|session| session.bearer() == number) {
        engine::bearer_lost(module);
    }
    files::bearer_lost(module);
}

/// Whether a verb is at work.
fn is_busy(module: &Module) -> bool {
    let ftp = &module.families.ftp;
    ftp.session.is_some() || host::is_busy(module) || ftp.files.is_some()
}

/// Refuses a verb while another is at work.
fn check_idle(module: &Module) -> Result<(), Fault> {
    if is_busy(module) {
        return Err(Fault::not_allowed("an FTP session is open: wait for its last line, or AT+FTPQUIT"));
    }
    Ok(())
}

/// Refuses what gathers a file where another line's AT+FTPEXTGET=2 does.
fn check_not_saving(module: &Module) -> Result<(), Fault> {
    if module.is_open(|op| matches!(op, Op::ftp(FtpOp::Save(..)))) {
        return Err(Fault::not_allowed("another line saves a file with AT+FTPEXTGET=2: wait for its end"));
    }
    Ok(())
}
