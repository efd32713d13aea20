//! FTP: one client, one thing at a time, over connections of its own.
//!
//! Reference: the module's manual, chapter "FTP commands". Nothing reaches the network before a verb (AT+FTPGET=1, AT+FTPMKD …)
//! is executed: each logs in anew and logs out at its end. A verb's OK says that it was accepted; what comes of it follows as a
//! line of its own, on the serial line that gave it.
//!
//! `engine` speaks with the server (RFC 959, 2428, 3659, 4217); `job` is what it does for whom; `settings` is what the host has
//! said before.

mod job;
mod kept;
mod set;
mod settings;

use crate::command::{Answer, Command, Fault, Outcome, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never, Op};
use crate::module::Module;
use crate::setup::Setup;
use settings::Settings;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Ftp {
    settings: Settings,
}

/// What an open command of this family is in the middle of.
#[derive(Debug)]
pub(crate) enum FtpOp {
    /// FTPSCONT: the settings are being kept.
    Keep,
}

impl Family for Ftp {
    type Op = FtpOp;
    type Timer = Never;

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
    ];

    fn new(setup: &Setup) -> Self {
        Self { settings: Settings::new(setup.profile) }
    }

    fn resume(_x: &mut Exchange<'_>, op: FtpOp, event: Resume) -> Answer {
        match (op, event) {
            (FtpOp::Keep, Resume::Store(result)) => match result {
                Ok(_) => Ok(Outcome::Ok),
                Err(error) => Err(Fault::error(alloc::format!("{error}"))),
            },
            (op, _) => Ok(Outcome::Wait(Op::ftp(op))),
        }
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        kept::load(module, key, value);
    }
}
