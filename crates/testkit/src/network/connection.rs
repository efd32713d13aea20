//! One connection and its scripted peer.

use std::collections::VecDeque;

use modem::{ConnId, Connect, LinkEvent, LinkFailure, TlsRequest, Transport};
use transcript::{Progress, StageError};

use super::Told;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Asked for, not answered.
    Pending,
    /// Answered: it will time out.
    TimingOut,
    Open,
    Over,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnId,
    pub(super) connect: Connect,
    pub(super) state: State,
    /// How many bytes the module still takes.
    pub(super) granted: usize,
    /// From the peer, not delivered yet: datagrams, or whatever a stream was sent as.
    pub(super) outgoing: VecDeque<Vec<u8>>,
    /// TLS that the module asked for once it was open, the last time.
    pub(super) wish: Option<Box<TlsRequest>>,
    /// That wish has no answer yet.
    pub(super) securing: bool,
    /// It is protected.
    pub(super) secure: bool,
    /// The peer has sent its last byte.
    pub(super) ended: bool,
    /// It did not say that TLS ends.
    pub(super) truncated: bool,
    /// The peer does not listen any more either.
    pub(super) deaf: bool,
    /// From the module, not looked at yet.
    pub(super) incoming: Vec<u8>,
    /// Sends that the network has not taken.
    pub(super) stuck: VecDeque<Vec<u8>>,
    pub(super) stalled: bool,
    pub(super) taken: u64,
    pub(super) acked: u64,
    pub(super) holds_acks: bool,
    pub(super) notify: bool,
    /// The module's close, until a step has asked about it.
    pub(super) close: Option<bool>,
    pub(super) closing: bool,
}

impl Connection {
    pub(super) fn new(id: ConnId, connect: Connect) -> Self {
        Self {
            id,
            secure: connect.tls.is_some(),
            connect,
            state: State::Pending,
            granted: 0,
            outgoing: VecDeque::new(),
            wish: None,
            securing: false,
            ended: false,
            truncated: false,
            deaf: false,
            incoming: Vec::new(),
            stuck: VecDeque::new(),
            stalled: false,
            taken: 0,
            acked: 0,
            holds_acks: false,
            notify: false,
            close: None,
            closing: false,
        }
    }

    pub(super) fn tell(&self, told: &mut VecDeque<Told>, event: LinkEvent<'static>) {
        told.push_back((self.id, event, Vec::new()));
    }

    /// The module wants it protected. What the peer has sent in plain text and nobody has read yet ends it.
    pub(super) fn want_secure(&mut self, wish: Box<TlsRequest>, told: &mut VecDeque<Told>) {
        self.wish = Some(wish);
        self.securing = true;
        if !self.outgoing.is_empty() || self.ended {
            self.fail_secure(LinkFailure::Tls, told);
        }
    }

    pub(super) fn secured(&mut self, told: &mut VecDeque<Told>) {
        self.securing = false;
        self.secure = true;
        self.tell(told, LinkEvent::Secured);
    }

    pub(super) fn fail_secure(&mut self, failure: LinkFailure, told: &mut VecDeque<Told>) {
        self.securing = false;
        self.outgoing.clear();
        self.state = State::Over;
        self.tell(told, LinkEvent::Failed(failure));
    }

    /// The peer sends. An empty datagram is left out, as the host program does.
    pub(super) fn send(&mut self, bytes: &[u8], told: &mut VecDeque<Told>) {
        match self.outgoing.back_mut() {
            Some(last) if self.connect.transport == Transport::Tcp => last.extend_from_slice(bytes),
            _ if bytes.is_empty() => {}
            _ => self.outgoing.push_back(bytes.to_vec()),
        }
        self.deliver(told);
    }

    /// Never more than what was granted; the rest stays. A datagram comes whole.
    pub(super) fn deliver(&mut self, told: &mut VecDeque<Told>) {
        while self.state == State::Open && !self.securing && self.granted > 0 {
            let Some(mut bytes) = self.outgoing.pop_front() else { break };
            if self.connect.transport == Transport::Tcp && bytes.len() > self.granted {
                self.outgoing.push_front(bytes.split_off(self.granted));
            }
            self.granted = self.granted.saturating_sub(bytes.len());
            told.push_back((self.id, LinkEvent::Received(&[]), bytes));
            if self.ended && self.outgoing.is_empty() {
                self.tell_ended(told);
            }
        }
    }

    pub(super) fn tell_ended(&self, told: &mut VecDeque<Told>) {
        self.tell(told, LinkEvent::PeerClosed { truncated: self.truncated });
    }

    pub(super) fn accept_bytes(&mut self, bytes: &[u8], told: &mut VecDeque<Told>) {
        if self.deaf {
            return self.break_off(LinkFailure::Reset, told);
        }
        self.incoming.extend_from_slice(bytes);
        self.taken += bytes.len() as u64;
        self.tell(told, LinkEvent::Sent(bytes.len()));
        if !self.holds_acks {
            self.acked = self.taken;
            self.tell_acked(told);
        }
    }

    pub(super) fn tell_acked(&mut self, told: &mut VecDeque<Told>) {
        if self.notify && self.acked == self.taken && self.stuck.is_empty() {
            self.notify = false;
            self.tell(told, LinkEvent::Acked(self.acked));
        }
    }

    pub(super) fn break_off(&mut self, failure: LinkFailure, told: &mut VecDeque<Told>) {
        self.outgoing.clear();
        self.state = State::Over;
        self.tell(told, LinkEvent::Broken(failure));
    }

    pub(super) fn resume(&mut self, told: &mut VecDeque<Told>) {
        self.stalled = false;
        while let Some(bytes) = self.stuck.pop_front() {
            self.accept_bytes(&bytes, told);
        }
        if self.closing {
            self.finish_close(told);
        }
    }

    pub(super) fn finish_close(&mut self, told: &mut VecDeque<Told>) {
        self.outgoing.clear();
        self.stuck.clear();
        self.state = State::Over;
        self.tell(told, LinkEvent::Closed);
    }

    pub(super) fn expect(&mut self, number: usize, bytes: &[u8]) -> Result<Progress, StageError> {
        if self.incoming.starts_with(bytes) {
            self.incoming.drain(..bytes.len());
            return Ok(Progress::Done);
        }
        let differs = |what: &str| StageError::Differs {
            what: format!("connection {number} received {what}"),
            expected: bytes.to_vec(),
            got: self.incoming.clone(),
        };
        if bytes.starts_with(&self.incoming) {
            Ok(Progress::NotYet(differs("too little")))
        } else {
            Err(differs("something else"))
        }
    }

    pub(super) fn expect_close(
        &mut self,
        number: usize,
        wanted: Option<bool>,
    ) -> Result<Progress, StageError> {
        let spell = |quick: bool| if quick { "quickly" } else { "slowly" };
        match self.close.take() {
            None => Ok(Progress::NotYet(StageError::Failed(format!(
                "the module has not closed connection {number}"
            )))),
            Some(quick) if wanted.is_some_and(|wanted| wanted != quick) => {
                Err(StageError::Failed(format!("the module closed connection {number} {}", spell(quick))))
            }
            Some(_) => Ok(Progress::Done),
        }
    }
}
