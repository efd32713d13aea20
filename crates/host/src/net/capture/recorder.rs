//! One connection in a capture.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::headers::{self, Flags, Way};
use super::{Capture, Packet, micros};

/// The most payload in one packet: with headers it has to fit into 65,535 bytes.
const LARGEST: usize = 32 << 10;
/// The most bytes that are held back until a handshake is over. Secrets have to stand before what they decrypt, and some of
/// them are known only after the packet was seen.
const HELD: usize = 256 << 10;

/// Records one connection. Dropping it ends the connection in the capture as well.
pub(in crate::net) struct Recorder {
    capture: Arc<Capture>,
    local: SocketAddr,
    peer: SocketAddr,
    tcp: bool,
    flow: Mutex<Flow>,
}

#[derive(Default)]
struct Flow {
    /// What is held back, while a handshake goes on.
    held: Option<Vec<Packet>>,
    held_bytes: usize,
    /// Sequence numbers: the next that we send, the next that the peer sends.
    sent: u32,
    received: u32,
    /// Which side has said that it ends.
    we_ended: bool,
    peer_ended: bool,
}

impl Recorder {
    /// A TCP connection that has just come up; `held`: a handshake follows. `comment` says whose it is.
    pub(in crate::net) fn tcp(
        capture: Arc<Capture>,
        local: SocketAddr,
        peer: SocketAddr,
        comment: String,
        held: bool,
    ) -> Self {
        let flow = Flow { held: held.then(Vec::new), sent: 1, received: 1, ..Flow::default() };
        let recorder = Self { capture, local, peer, tcp: true, flow: Mutex::new(flow) };
        let (there, back) = (recorder.there(), recorder.back());
        let mut flow = recorder.lock();
        recorder.put(&mut flow, headers::tcp(there, 0, 0, Flags::SYN, &[]), Some(comment));
        recorder.put(&mut flow, headers::tcp(back, 0, 1, Flags::SYN_ACK, &[]), None);
        recorder.put(&mut flow, headers::tcp(there, 1, 1, Flags::ACK, &[]), None);
        drop(flow);
        recorder
    }

    /// Datagrams to and from one peer.
    pub(in crate::net) fn udp(capture: Arc<Capture>, local: SocketAddr, peer: SocketAddr) -> Self {
        Self { capture, local, peer, tcp: false, flow: Mutex::default() }
    }

    /// A handshake begins on what was in plain text so far: packets are held back again.
    pub(in crate::net) fn handshake_begins(&self) {
        let mut flow = self.lock();
        flow.held.get_or_insert_default();
        flow.held_bytes = 0;
    }

    /// The secrets are known: what was held back may follow them.
    pub(in crate::net) fn handshake_over(&self) {
        self.release(&mut self.lock());
    }

    /// These bytes went out.
    pub(in crate::net) fn sent(&self, bytes: &[u8]) {
        if !self.tcp {
            self.put(&mut self.lock(), headers::udp(self.there(), bytes), None);
            return;
        }
        let mut flow = self.lock();
        for part in bytes.chunks(LARGEST) {
            let packet = headers::tcp(self.there(), flow.sent, flow.received, Flags::PUSH, part);
            flow.sent = flow.sent.wrapping_add(count(part));
            self.put(&mut flow, packet, None);
        }
    }

    /// These bytes came in.
    pub(in crate::net) fn received(&self, bytes: &[u8]) {
        if !self.tcp {
            self.put(&mut self.lock(), headers::udp(self.back(), bytes), None);
            return;
        }
        let mut flow = self.lock();
        for part in bytes.chunks(LARGEST) {
            let packet = headers::tcp(self.back(), flow.received, flow.sent, Flags::PUSH, part);
            flow.received = flow.received.wrapping_add(count(part));
            self.put(&mut flow, packet, None);
        }
    }

    /// The peer sends nothing more: it said so, or (`reset`) it broke off.
    pub(in crate::net) fn peer_ended(&self, reset: bool) {
        let mut flow = self.lock();
        if std::mem::replace(&mut flow.peer_ended, true) {
            return;
        }
        let flags = if reset { Flags::RESET } else { Flags::END };
        let packet = headers::tcp(self.back(), flow.received, flow.sent, flags, &[]);
        flow.received = flow.received.wrapping_add(1);
        flow.we_ended |= reset;
        self.put(&mut flow, packet, None);
    }

    /// We send nothing more.
    pub(in crate::net) fn we_ended(&self) {
        let mut flow = self.lock();
        if std::mem::replace(&mut flow.we_ended, true) {
            return;
        }
        let packet = headers::tcp(self.there(), flow.sent, flow.received, Flags::END, &[]);
        flow.sent = flow.sent.wrapping_add(1);
        self.put(&mut flow, packet, None);
    }

    fn there(&self) -> Way {
        Way { from: self.local, to: self.peer }
    }

    fn back(&self) -> Way {
        Way { from: self.peer, to: self.local }
    }

    fn lock(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, flow: &mut Flow, bytes: Vec<u8>, comment: Option<String>) {
        flow.held_bytes += bytes.len();
        let packet = Packet { micros: micros(), bytes, comment };
        match &mut flow.held {
            Some(held) => held.push(packet),
            None => self.capture.packet(&packet),
        }
        if flow.held_bytes > HELD {
            self.release(flow);
        }
    }

    fn release(&self, flow: &mut Flow) {
        for packet in flow.held.take().into_iter().flatten() {
            self.capture.packet(&packet);
        }
    }
}

/// How far a sequence number moves on; a part is never longer than [`LARGEST`].
fn count(part: &[u8]) -> u32 {
    u32::try_from(part.len()).unwrap_or(0)
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.tcp {
            self.we_ended();
        }
        self.handshake_over();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("local", &self.local)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
