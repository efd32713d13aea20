//! The module's clock: CCLK, CTZU, CTZR, NITZ.

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Clock {}

impl Family for Clock {
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

/// The module's clock, seconds since 1970-01-01 UTC. Runs from its reset value when it was never set.
pub(crate) fn unix_now(module: &crate::module::Module) -> i64 {
    module.setup.unix_millis / 1000
}

/// Whether the clock was ever set, by the network or by AT+CCLK.
pub(crate) fn is_set(_module: &crate::module::Module) -> bool {
    true
}
