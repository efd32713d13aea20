//! One command being worked on: its parameters, its answer so far, and the module around it.

use at::{Args, Reply};
use core::fmt;

use crate::command::Command;
use crate::io::{LineId, Time};
use crate::line::Line;
use crate::module::Module;
use crate::profile::Profile;

/// What a handler gets. It reads `args`, changes `module`, writes its answer with [`info`](Self::info).
pub(crate) struct Exchange<'a> {
    /// The module: every family's state is in `module.families`.
    pub(crate) module: &'a mut Module,
    /// The line that the command came in on.
    pub(crate) line: LineId,
    /// The parameters; empty when an open command is resumed.
    pub(crate) args: Args<'a>,
    /// The command's record; `None` when an open command is resumed.
    pub(crate) command: Option<&'static Command>,
    /// The answer.
    pub(crate) reply: Reply,
}

impl Exchange<'_> {
    /// One line of information text.
    pub(crate) fn info(&mut self, text: fmt::Arguments<'_>) {
        self.reply.info(text);
    }

    /// The module's profile.
    pub(crate) fn profile(&self) -> &'static Profile {
        self.module.setup.profile
    }

    /// The time.
    pub(crate) fn now(&self) -> Time {
        self.module.now
    }

    /// The line's own state. The line exists: the command came in on it.
    pub(crate) fn line_state(&mut self) -> &mut Line {
        self.module.line_mut(self.line)
    }
}
