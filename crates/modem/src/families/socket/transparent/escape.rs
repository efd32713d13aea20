//! `+++`: when three plus signs mean the host, and when they are data.

use crate::io::Time;
use crate::profile::Timing;

/// How many plus signs it takes.
const SIGNS: u8 = 3;

/// Follows what the host sends in data mode. Plus signs that may become `+++` are held back here.
#[derive(Debug, Default)]
pub(super) struct Escape {
    /// When the last byte came; at first, when data mode began.
    last: Time,
    /// When the first of the signs came.
    first: Time,
    signs: u8,
}

impl Escape {
    /// Data mode begins.
    pub(super) fn since(now: Time) -> Self {
        Self { last: now, first: now, signs: 0 }
    }

    /// Bytes have come. `None`: they are held back, for they may be `+++`; else so many signs stand in front of them.
    pub(super) fn heard(&mut self, now: Time, bytes: &[u8], timing: &Timing) -> Option<usize> {
        let quiet = now.0.saturating_sub(self.last.0) >= timing.escape_before;
        self.last = now;
        if self.signs == 0 && !quiet {
            return Some(0);
        }
        let room = usize::from(SIGNS - self.signs);
        if bytes.len() > room || bytes.iter().any(|byte| *byte != b'+') {
            return Some(self.take());
        }
        if self.signs == 0 {
            self.first = now;
        }
        self.signs += u8::try_from(bytes.len()).unwrap_or(0);
        None
    }

    /// When it is decided what the signs are, if there are any.
    pub(super) fn deadline(&self, timing: &Timing) -> Option<Time> {
        match self.signs {
            0 => None,
            SIGNS => Some(self.last + timing.escape_after),
            // The third sign may still come at the end of its time.
            _ => Some(self.first + (timing.escape_within + 1)),
        }
    }

    /// At the deadline: whether the signs are the host's wish for commands; else they are data.
    pub(super) fn is_complete(&self) -> bool {
        self.signs == SIGNS
    }

    /// Takes the signs out.
    pub(super) fn take(&mut self) -> usize {
        usize::from(core::mem::take(&mut self.signs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::AIR724UG;

    #[test]
    fn signs_are_held_back_only_after_silence() {
        let timing = &AIR724UG.timing;
        let mut escape = Escape::since(Time(0));
        assert_eq!(escape.heard(Time(999), b"+++", timing), Some(0));
        assert_eq!(escape.heard(Time(1_999), b"+", timing), None);
        assert_eq!(escape.deadline(timing), Some(Time(2_500)));
        assert_eq!(escape.heard(Time(2_499), b"++", timing), None);
        assert!(escape.is_complete());
        assert_eq!(escape.deadline(timing), Some(Time(2_999)));
        assert_eq!(escape.heard(Time(2_500), b"+", timing), Some(3));
        assert_eq!(escape.deadline(timing), None);
    }
}
