//! The packet bearer: CGDCONT, CGACT, CSTT, CIICR, CIFSR, CIPSHUT, CIPSTATUS.

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Packet {}

impl Family for Packet {
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

/// The packet domain became attached: a CIICR that waits goes on.
pub(crate) fn attached(_module: &mut crate::module::Module) {}

/// The bearer is gone (network loss, CGATT=0): state PDP DEACT, `+PDP: DEACT`, all links dead.
pub(crate) fn bearer_lost(_module: &mut crate::module::Module) {}
