//! All timers of a module: a short list, earliest first out.

use alloc::vec::Vec;

use crate::families::FamilyTimer;
use crate::io::{LineId, Time};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// A line's data phase has lasted long enough.
    DataPhase(LineId),
    /// A line's RI has been on long enough.
    Ring(LineId),
    /// The module is switched on again after a restart.
    Restart,
    /// The module has booted.
    Boot,
    /// Something that the surroundings keep from the host program happens.
    Air,
    /// A family's own.
    Family(FamilyTimer),
}

/// The armed timers. There are rarely more than five, so a list beats a heap.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    armed: Vec<(Time, Timer)>,
}

impl Timers {
    /// Arms `timer`, replacing it if it is armed already.
    pub(crate) fn arm(&mut self, timer: Timer, at: Time) {
        self.cancel(timer);
        self.armed.push((at, timer));
    }

    /// Disarms `timer`.
    pub(crate) fn cancel(&mut self, timer: Timer) {
        self.armed.retain(|(_, armed)| *armed != timer);
    }

    /// Whether `timer` is armed.
    pub(crate) fn is_armed(&self, timer: Timer) -> bool {
        self.armed.iter().any(|(_, armed)| *armed == timer)
    }

    /// Disarms everything.
    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.armed.iter().map(|(at, _)| *at).min()
    }

    /// Takes the earliest one that is due at `now`; of several at the same time the one armed first.
    pub(crate) fn due(&mut self, now: Time) -> Option<(Time, Timer)> {
        let next = self.next().filter(|at| *at <= now)?;
        let index = self.armed.iter().position(|(at, _)| *at == next)?;
        Some(self.armed.remove(index))
    }
}
