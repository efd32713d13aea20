//! The whole boundary of a module: everything that can reach it and everything that it can cause.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Add;

mod link;
mod query;
mod serial;
mod store;
mod world;

pub use link::{ConnId, Connect, KeepAlive, LinkEvent, LinkFailure, LinkRequest, Transport};
pub use query::{Query, QueryFailure, QueryId, QueryReply};
pub use serial::{Flow, Framing, LineKind, LineSetting, Parity, Signal};
pub use store::{Area, Entry, ModulePath, Section, StoreError, StoreReply, StoreRequest, Ticket};
pub use world::{Account, Apn, Card, Coverage, Dns, MessageService, Pace, World, WorldChange};

/// Milliseconds since the module was made. The host hands in the time; it never runs backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Add<u64> for Time {
    type Output = Self;

    /// Later by so many milliseconds.
    fn add(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// A serial line of the module (UART1 is 0, further UARTs and USB follow).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u8);

/// What reaches the module.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Bytes from the host on a line, in any portions. At most [`Modem::line_room`](crate::Modem::line_room) of them
    /// are kept; what is over that is lost, as on a UART without flow control.
    Line {
        /// Which line.
        line: LineId,
        /// What came.
        bytes: &'a [u8],
    },
    /// The line took this many bytes of [`Output::Write`]. Until then they count as the module's.
    Written {
        /// Which line.
        line: LineId,
        /// How many.
        bytes: usize,
    },
    /// Something happened to a connection.
    Link {
        /// Which connection.
        conn: ConnId,
        /// What happened.
        event: LinkEvent<'a>,
    },
    /// The file store's answer.
    Store {
        /// The request's ticket.
        ticket: Ticket,
        /// The outcome.
        result: Result<StoreReply, StoreError>,
    },
    /// The answer to a question that is no connection.
    Query {
        /// Which question.
        query: QueryId,
        /// The outcome.
        result: Result<QueryReply, QueryFailure>,
    },
    /// The host's DTR on a line changes (circuit 108/2; true: on). Lines that have no such circuit never say so.
    Dtr {
        /// Which line.
        line: LineId,
        /// On or off.
        on: bool,
    },
    /// The simulated surroundings change.
    World(WorldChange),
    /// Only time has passed.
    Tick,
}

/// What the module causes. Drain [`Modem::poll_output`](crate::Modem::poll_output) after every input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes to the host on a line. Report them with [`Input::Written`] when the line has taken them.
    Write {
        /// Which line.
        line: LineId,
        /// What to write.
        bytes: Vec<u8>,
    },
    /// How the line works from here on, once everything written before it has left: bit rate, framing, flow control,
    /// circuits. A line that has no such thing takes no notice.
    LineSetting {
        /// Which line.
        line: LineId,
        /// What changes.
        setting: LineSetting,
    },
    /// A request about a connection.
    Link {
        /// Which connection.
        conn: ConnId,
        /// What to do.
        request: LinkRequest,
    },
    /// A question to the network that is no connection; exactly one [`Input::Query`] answers it.
    Query {
        /// Comes back with the answer.
        query: QueryId,
        /// What to ask.
        question: Query,
    },
    /// A request to the file store; exactly one [`Input::Store`] answers it.
    Store {
        /// Comes back with the answer.
        ticket: Ticket,
        /// What to do.
        request: StoreRequest,
    },
    /// An explanation for people; goes to the log, never to a line.
    Note(Note),
    /// The module switched itself off (AT+CPOWD) or restarted (false: off; true: restarts by itself).
    Power {
        /// Whether it comes up again by itself.
        restarting: bool,
    },
}

/// An explanation: why an answer was what it was. Never holds secrets or payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The line it is about, if any.
    pub line: Option<LineId>,
    /// The command it is about (name only), or what else (`link 3`, `boot`).
    pub subject: String,
    /// One sentence for people.
    pub text: String,
}
