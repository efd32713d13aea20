//! What is on its way to the other side of a line: bytes, and settings that count from behind the bytes before them.

use std::collections::VecDeque;
use std::mem::discriminant;

use modem::LineSetting;

/// In the order in which it was queued.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<Item>,
    /// How much of the first chunk of bytes is taken already.
    head: usize,
    /// Bytes in all.
    bytes: usize,
}

#[derive(Debug)]
enum Item {
    Bytes(Vec<u8>),
    Setting(LineSetting),
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front<'a> {
    /// So much of a chunk; never empty.
    Bytes(&'a [u8]),
    Setting(LineSetting),
}

impl Queue {
    pub(super) fn write(&mut self, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.items.push_back(Item::Bytes(bytes));
    }

    /// Settings with no bytes between them count at once, so that of each kind only the last is kept: however many there
    /// are while the line is held, the queue does not grow.
    pub(super) fn set(&mut self, setting: LineSetting) {
        let settings = self.items.iter_mut().rev().map_while(|item| match item {
            Item::Setting(setting) => Some(setting),
            Item::Bytes(_) => None,
        });
        match settings.into_iter().find(|queued| same_kind(queued, &setting)) {
            Some(queued) => *queued = setting,
            None => self.items.push_back(Item::Setting(setting)),
        }
    }

    pub(super) fn front(&self) -> Option<Front<'_>> {
        Some(match self.items.front()? {
            Item::Bytes(bytes) => Front::Bytes(&bytes[self.head..]),
            Item::Setting(setting) => Front::Setting(*setting),
        })
    }

    /// So many bytes of the front have been taken, or its setting has.
    pub(super) fn took(&mut self, count: usize) {
        self.bytes -= count;
        self.head += count;
        if self.items.front().is_some_and(|item| match item {
            Item::Bytes(bytes) => self.head < bytes.len(),
            Item::Setting(_) => false,
        }) {
            return;
        }
        self.items.pop_front();
        self.head = 0;
    }

    /// How many bytes are in it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

fn same_kind(one: &LineSetting, other: &LineSetting) -> bool {
    match (one, other) {
        (LineSetting::Signal(one, _), LineSetting::Signal(other, _)) => one == other,
        _ => discriminant(one) == discriminant(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modem::Signal;

    #[test]
    fn settings_stand_between_the_bytes_and_do_not_pile_up() {
        let mut queue = Queue::default();
        queue.write(b"OK".to_vec());
        for rate in 1..1000 {
            queue.set(LineSetting::Rate(rate));
            queue.set(LineSetting::Signal(Signal::Dcd, rate % 2 == 0));
            queue.set(LineSetting::Signal(Signal::Dsr, true));
        }
        queue.write(b"x".to_vec());
        queue.set(LineSetting::Rate(9600));
        assert_eq!((queue.bytes(), queue.items.len()), (3, 6));
        assert_eq!(queue.front(), Some(Front::Bytes(b"OK")));
        queue.took(1);
        assert_eq!(queue.front(), Some(Front::Bytes(b"K")));
        queue.took(1);
        for setting in [
            LineSetting::Rate(999),
            LineSetting::Signal(Signal::Dcd, false),
            LineSetting::Signal(Signal::Dsr, true),
        ] {
            assert_eq!(queue.front(), Some(Front::Setting(setting)));
            queue.took(0);
        }
        assert_eq!(queue.front(), Some(Front::Bytes(b"x")));
        queue.took(1);
        assert_eq!(queue.front(), Some(Front::Setting(LineSetting::Rate(9600))));
        queue.took(0);
        assert!(queue.is_empty() && queue.front().is_none() && queue.bytes() == 0);
    }
}
