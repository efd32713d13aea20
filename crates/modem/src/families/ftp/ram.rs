//! FTPEXTGET, FTPEXTPUT, FTPFILEPUT: files that are whole in the module's memory, on their way down or up.

mod down;
mod up;

use alloc::boxed::Box;

use super::job::Party;
use crate::command::Fault;
use crate::io::{StoreError, StoreReply};
use crate::module::Module;

pub(super) use down::{FTPEXTGET, saved};
pub(super) use up::{Block, FTPEXTPUT, FTPFILEPUT, Loading, collected, loaded, upload};

/// What is in memory. Nothing, most of the time.
#[derive(Debug, Default)]
pub(super) struct Ram {
    /// FTPEXTGET's mode 1.
    got: Option<Box<down::Got>>,
    /// FTPEXTPUT's mode 1, or what FTPFILEPUT has loaded.
    put: Option<Box<up::Put>>,
}

impl Ram {
    /// Whether FTPEXTPUT's mode is 1.
    fn builds(&self) -> bool {
        self.put.as_ref().is_some_and(|put| !put.file)
    }
}

/// The store's answer.
type Stored = Result<StoreReply, StoreError>;

fn ram(module: &mut Module) -> &mut Ram {
    &mut module.families.ftp.ram
}

/// Refuses what would pull the file from under a session.
fn check_not_running(module: &Module, party: &'static Party) -> Result<(), Fault> {
    match module.families.ftp.session.as_ref().is_some_and(|session| session.is_for(party)) {
        true => Err(Fault::not_allowed("the file is on its way: wait for its end, or AT+FTPQUIT")),
        false => Ok(()),
    }
}
