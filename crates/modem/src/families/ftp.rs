//! FTP: one client, one thing at a time, over connections of its own.
//!
//! Reference: the module's manual, chapter "FTP commands". Nothing reaches the network before a verb (AT+FTPGET=1, AT+FTPMKD …)
//! is executed: each logs in anew and logs out at its end. A verb's OK says that it was accepted; what comes of it follows as a
//! line of its own, on the serial line that gave it.
//!
//! `engine` speaks with the server (RFC 959, 2428, 3659, 4217); `job` is what it does for whom; `settings` is what the host has
//! said before.

mod job;
mod settings;

use crate::command::{Answer, Command, Outcome, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;
use settings::Settings;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Ftp {
    #[allow(dead_code, reason = "the commands that set it follow")]
    settings: Settings,
}

impl Family for Ftp {
    type Op = Never;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[];

    fn new(setup: &Setup) -> Self {
        Self { settings: Settings::new(setup.profile) }
    }

    fn resume(_x: &mut Exchange<'_>, _op: Never, _event: Resume) -> Answer {
        Ok(Outcome::Ok)
    }
}
