//! The card: CPIN.

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Sim {}

impl Family for Sim {
    type Op = Never;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[];

    fn new(_setup: &Setup) -> Self {
        Self {}
    }

    fn resume(_x: &mut Exchange<'_>, op: Never, _event: Resume) -> Answer {
        match op {}
    }
}

/// Refuses a command that needs a card while there is none that is ready: `+CME ERROR: 10` (none), 14 (starting), 11 (waits for its PIN), 12 (PUK).
pub(crate) fn check_card(_x: &mut Exchange<'_>, _command: &Command) -> Result<(), crate::command::Fault> {
    Ok(())
}

/// Whether the card is in, started and unlocked.
pub(crate) fn ready(_module: &crate::module::Module) -> bool {
    true
}
