//! Power-on messages, CPOWD, RESET, and changes of the surroundings.

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Power {}

impl Family for Power {
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

/// The surroundings change: tells every family that it concerns.
pub(crate) fn world_changed(_module: &mut crate::module::Module, _change: crate::io::WorldChange) {}
