//! TLS: CIPSSL and SSLCFG.

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Ssl {}

impl Family for Ssl {
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

/// Whether the next TCP connect does a handshake (CIPSSL).
pub(crate) fn enabled(_module: &crate::module::Module) -> bool {
    false
}

/// The TLS connect that context `context` asks for now, to `host`; `None` if there is no such context.
pub(crate) fn request(
    _module: &crate::module::Module,
    _context: u8,
    _host: &str,
) -> Option<crate::ssl::TlsRequest> {
    None
}
