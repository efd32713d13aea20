//! Registration, signal, attach, radio: CREG, COPS, CSQ, CGATT, CFUN.

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Network {}

impl Family for Network {
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

/// Whether the module is registered (home or roaming).
pub(crate) fn registered(_module: &crate::module::Module) -> bool {
    true
}

/// Whether the packet domain is attached (CGATT: 1): what CIICR waits for.
pub(crate) fn attached(_module: &crate::module::Module) -> bool {
    true
}
