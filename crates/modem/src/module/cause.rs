//! Why there is no data connection: the first cause, in the order in which people check.

use alloc::borrow::Cow;
use alloc::format;

use super::Module;
use crate::families::{network, packet, sim};

impl Module {
    /// What keeps the module from a working bearer: card, PIN, account, signal, registration, attach, bearer, APN; `None`
    /// when nothing does. Says which command shows it, and what to do.
    pub(crate) fn first_cause(&self) -> Option<Cow<'static, str>> {
        sim::cause(self).or_else(|| network::cause(self)).or_else(|| packet::cause(self))
    }

    /// The first cause, or else `otherwise`.
    pub(crate) fn cause_or(&self, otherwise: &'static str) -> Cow<'static, str> {
        self.first_cause().unwrap_or(Cow::Borrowed(otherwise))
    }

    /// `what`, and the first cause if there is one.
    pub(crate) fn with_cause(&self, what: &'static str) -> Cow<'static, str> {
        match self.first_cause() {
            Some(cause) => format!("{what}: {cause}").into(),
            None => Cow::Borrowed(what),
        }
    }
}
