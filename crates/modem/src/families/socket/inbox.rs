//! Payload that waits to be fetched.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::io::Transport;

/// What a link has received and the host has not read: a stream, or datagrams in order.
#[derive(Debug)]
pub(super) struct Inbox {
    bytes: VecDeque<u8>,
    /// How long the datagrams in `bytes` are; none for TCP.
    datagrams: VecDeque<usize>,
}

impl Inbox {
    pub(super) const EMPTY: Self = Self { bytes: VecDeque::new(), datagrams: VecDeque::new() };

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn push(&mut self, transport: Transport, bytes: &[u8]) {
        self.bytes.extend(bytes);
        if transport == Transport::Udp && !bytes.is_empty() {
            self.datagrams.push_back(bytes.len());
        }
    }

    /// Takes at most `max` bytes, of one datagram at most.
    pub(super) fn take(&mut self, max: usize) -> Vec<u8> {
        let mut count = max.min(self.bytes.len());
        if let Some(first) = self.datagrams.front_mut() {
            count = count.min(*first);
            *first -= count;
            if *first == 0 {
                self.datagrams.pop_front();
            }
        }
        let taken = self.bytes.drain(..count).collect();
        if self.bytes.is_empty() {
            // An idle link keeps no memory.
            *self = Self::EMPTY;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_in_any_portions() {
        let mut inbox = Inbox::EMPTY;
        inbox.push(Transport::Tcp, b"abc");
        inbox.push(Transport::Tcp, b"def");
        assert_eq!((inbox.take(4), inbox.len()), (b"abcd".to_vec(), 2));
        assert_eq!((inbox.take(4), inbox.len()), (b"ef".to_vec(), 0));
        assert_eq!(inbox.take(4), b"");
    }

    #[test]
    fn a_read_ends_where_a_datagram_ends() {
        let mut inbox = Inbox::EMPTY;
        inbox.push(Transport::Udp, b"abc");
        inbox.push(Transport::Udp, b"");
        inbox.push(Transport::Udp, b"def");
        assert_eq!((inbox.take(2), inbox.len()), (b"ab".to_vec(), 4));
        assert_eq!((inbox.take(9), inbox.len()), (b"c".to_vec(), 3));
        assert_eq!((inbox.take(9), inbox.len()), (b"def".to_vec(), 0));
    }
}
