//! The module's time: milliseconds since it was made, from a clock that never runs backwards.

use std::time::{Duration, SystemTime};

use modem::Time;
use tokio::time::Instant;

/// Counts from its making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(self) -> Time {
        Time(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// When a module's time comes; `None` when it is too far away to be waited for.
    pub(crate) fn instant(self, time: Time) -> Option<Instant> {
        self.start.checked_add(Duration::from_millis(time.0))
    }
}

/// The computer's time, milliseconds since 1970-01-01 UTC; what [`modem::Setup::unix_millis`] wants.
#[must_use]
pub fn unix_millis() -> i64 {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    }
}
