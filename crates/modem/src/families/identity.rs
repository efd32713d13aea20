//! Who the module is: CGMI … ICCID.

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Identity {}

impl Family for Identity {
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
