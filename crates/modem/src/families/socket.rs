//! Links: CIPMUX, CIPSTART, CIPSEND, CIPCLOSE and what comes in.

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Socket {}

impl Family for Socket {
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

/// Something happened to a connection.
pub(crate) fn link_event(
    _module: &mut crate::module::Module,
    _conn: crate::io::ConnId,
    _event: crate::io::LinkEvent<'_>,
) {
}

/// A line took bytes: links whose data goes there may be read again.
pub(crate) fn line_drained(_module: &mut crate::module::Module) {}

/// Drops every connection without a word (power-off, restart).
pub(crate) fn abandon_all(_module: &mut crate::module::Module) {}

/// Whether several links are on (CIPMUX 1).
pub(crate) fn multi(_module: &crate::module::Module) -> bool {
    false
}
