//! One serial line of the module: everything that belongs to it alone.

use alloc::vec::Vec;
use at::{Format, Reader, ResultForm};
use core::mem;

mod port;

pub(crate) use port::{Circuits, Port, Serial};

use crate::families::Op;
use crate::io::{LineKind, QueryId, Ticket};
use crate::profile::Profile;

/// What a line is doing.
#[derive(Debug)]
pub(crate) enum LineState {
    /// Waiting for a command.
    Idle,
    /// A command is open.
    Open(OpenCommand),
    /// Between two commands of a line: what they have said has to be taken first.
    Paused(PausedLine),
}

/// A command line that goes on when its client has read enough.
#[derive(Debug)]
pub(crate) struct PausedLine {
    /// The command line, and how far it has been worked off.
    pub(crate) text: Vec<u8>,
    pub(crate) position: usize,
    /// The last command before had a result of its own instead of OK.
    pub(crate) said: bool,
}

/// A command that has not had its final result code yet.
#[derive(Debug)]
pub(crate) struct OpenCommand {
    /// Who goes on with it.
    pub(crate) op: Op,
    /// The command line, and how far it has been worked off.
    pub(crate) text: Vec<u8>,
    pub(crate) position: usize,
    /// What it waits for.
    pub(crate) awaits: Awaits,
    /// For explanations.
    pub(crate) subject: alloc::string::String,
}

/// What an open command waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaits {
    /// Payload from the host.
    Data,
    /// Nothing: what comes goes to its family as it comes, until that ends it.
    Stream,
    /// The file store.
    Store(Ticket),
    /// The network's answer.
    Query(QueryId),
    /// Something that its family watches.
    Event,
}

/// One line's state.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) reader: Reader,
    pub(crate) format: Format,
    pub(crate) port: Port,
    pub(crate) state: LineState,
    /// Written at the end of this input, in one piece.
    pub(crate) out: Vec<u8>,
    /// Unsolicited lines that wait for the open command's result code.
    pub(crate) urcs: Vec<u8>,
    /// Bytes given to the host program that the line has not taken yet.
    pub(crate) unconfirmed: usize,
    /// How long a data phase waits for its next byte, in milliseconds.
    pub(crate) data_gap: Option<u64>,
}

impl Line {
    pub(crate) fn new(profile: &Profile, kind: LineKind) -> Self {
        Self {
            reader: Reader::new(profile.line_limit),
            format: Format { result_form: ResultForm::Verbose, quiet: false, cmee: profile.cmee },
            port: Port::new(kind),
            state: LineState::Idle,
            out: Vec::new(),
            urcs: Vec::new(),
            unconfirmed: 0,
            data_gap: None,
        }
    }

    /// The line of a module that has just been switched on again.
    pub(crate) fn restarted(&self, profile: &Profile) -> Self {
        Self {
            port: self.port.restarted(),
            unconfirmed: self.unconfirmed,
            ..Self::new(profile, self.port.kind)
        }
    }

    /// Whether an unsolicited line is lost. A stream may last for days, and nobody may ever find out the bit rate.
    pub(crate) fn drops_unsolicited(&self, limit: usize) -> bool {
        let waiting = self.urcs.len();
        self.port.refuses(waiting, limit) || (self.streams() && waiting > limit)
    }

    /// Bytes that wait for the line, whoever holds them.
    pub(crate) fn backlog(&self) -> usize {
        self.unwritten() + self.urcs.len()
    }

    /// Bytes that the line could take now.
    pub(crate) fn unwritten(&self) -> usize {
        self.unconfirmed + self.out.len()
    }

    /// Whether the line can take another command or more data now. A client that takes no answers gets no more of them.
    pub(crate) fn reads(&self, backlog: usize) -> bool {
        match &self.state {
            LineState::Idle => self.unwritten() <= backlog,
            LineState::Open(open) => matches!(open.awaits, Awaits::Data | Awaits::Stream),
            LineState::Paused(_) => false,
        }
    }

    /// Whether no command is open.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, LineState::Idle)
    }

    /// Whether what comes is not for the module, but for its peer.
    pub(crate) fn streams(&self) -> bool {
        matches!(&self.state, LineState::Open(open) if open.awaits == Awaits::Stream)
    }

    /// The command line that can go on now because enough of what it has said is taken.
    pub(crate) fn take_paused(&mut self, backlog: usize) -> Option<PausedLine> {
        if self.unwritten() > backlog || !matches!(self.state, LineState::Paused(_)) {
            return None;
        }
        match mem::replace(&mut self.state, LineState::Idle) {
            LineState::Paused(paused) => Some(paused),
            LineState::Idle | LineState::Open(_) => None,
        }
    }
}
