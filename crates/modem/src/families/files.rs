//! The file system: FSCREATE … FSDRIVE.

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Files {}

impl Family for Files {
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

/// Normalises a name as typed: `x`, `/x` and `C:/x` are the same file. `Ok(None)` is the root.
///
/// # Errors
/// A sentence that says why the name cannot be.
pub(crate) fn path(
    _profile: &crate::profile::Profile,
    _typed: &str,
) -> Result<Option<crate::io::ModulePath>, alloc::string::String> {
    Ok(None)
}
