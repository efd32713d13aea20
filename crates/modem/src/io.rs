//! The whole boundary of a module: everything that can reach it and everything that it can cause.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::ops::Add;

use crate::ssl::TlsRequest;

mod query;
mod serial;
mod world;

pub use query::{Query, QueryFailure, QueryId, QueryReply};
pub use serial::{Flow, Framing, LineKind, LineSetting, Parity, Signal};
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

/// One connection attempt and what comes of it. Never used twice, so that a late event of an old connection cannot
/// be taken for one of a new connection on the same link number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u32);

/// Ties a store's answer to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u32);

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

/// What happens to a connection, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent<'a> {
    /// Up: TCP connected and, if asked for, the TLS handshake done.
    Connected {
        /// The peer's address, after name resolution.
        peer: SocketAddr,
    },
    /// It did not come up. The host keeps the full report; this is its class.
    Failed(LinkFailure),
    /// Payload from the peer (plaintext), never more than was granted; of UDP one datagram, which comes whole as soon as
    /// anything is granted.
    Received(&'a [u8]),
    /// This many payload bytes were handed to the network stack.
    Sent(usize),
    /// Answer to [`LinkRequest::QueryAcked`] and [`LinkRequest::NotifyAcked`]: so many payload bytes in all since the connection began have
    /// been acknowledged by the peer's TCP.
    Acked(u64),
    /// The peer closed; everything it sent before has been delivered.
    PeerClosed,
    /// The connection broke.
    Broken(LinkFailure),
    /// The close that the module asked for is done.
    Closed,
}

/// Why a connection failed, as coarse as the module needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkFailure {
    /// The name could not be resolved.
    Dns,
    /// The peer refused (RST to SYN).
    Refused,
    /// No answer in time.
    Timeout,
    /// There is no way to the peer.
    Unreachable,
    /// The network itself is down, or nothing leads into it.
    Network,
    /// The local port that was asked for is taken.
    AddressInUse,
    /// The local port that was asked for cannot be had, or not for this peer (an earlier connection still has it).
    AddressUnavailable,
    /// No memory for what has to be sent or received.
    NoBuffer,
    /// The TLS handshake failed.
    Tls,
    /// The connection was given up on the way.
    Aborted,
    /// The peer reset an open connection.
    Reset,
    /// The peer takes nothing any more.
    ShutDown,
    /// The twin's own side failed in another way (no descriptors, not allowed).
    Local,
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

/// What to do with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkRequest {
    /// Open it.
    Connect(Box<Connect>),
    /// Send payload; [`LinkEvent::Sent`] reports it.
    Send(Vec<u8>),
    /// The module takes this many more payload bytes.
    Grant(usize),
    /// Report [`LinkEvent::Acked`] now.
    QueryAcked,
    /// Report [`LinkEvent::Acked`] when everything sent so far has been acknowledged.
    NotifyAcked,
    /// Close it; [`LinkEvent::Closed`] follows.
    Close {
        /// At once (AT+CIPCLOSE=…,1) instead of after what was sent has left.
        quick: bool,
    },
}

/// TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

/// A connection to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// TCP or UDP.
    pub transport: Transport,
    /// A dotted IPv4 address or a name.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
    /// What to do after the TCP connect, if anything.
    pub tls: Option<Box<TlsRequest>>,
    /// How long name resolution and TCP connect may take together, in milliseconds.
    pub connect_timeout: u64,
    /// The name servers to ask (AT+CDNSCFG), in order; empty: whatever the computer uses.
    pub name_servers: Vec<IpAddr>,
    /// The local port to come from (AT+CLPORT); `None`: any.
    pub local_port: Option<u16>,
    /// TCP keep-alive (AT+CIPTKA); `None`: off.
    pub keep_alive: Option<KeepAlive>,
    /// The link number in AT terms, for logs.
    pub link: u8,
}

/// TCP keep-alive, in the kernel's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeepAlive {
    /// Silence before the first probe, in seconds.
    pub idle: u32,
    /// Between probes, in seconds.
    pub interval: u32,
    /// Probes without an answer that end the connection.
    pub count: u32,
}

/// A file name inside the module: normalised, relative to the root, `/` between its parts, never empty, never with
/// `.` or `..` in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModulePath(pub(crate) String);

impl ModulePath {
    /// The name, such as `client.crt` or `USER/HTTP/ca.crt`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request to the file store. The store answers only when the effect would survive the program being killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreRequest {
    /// Make an empty file; an existing one stays as it is.
    Create(ModulePath),
    /// Replace the whole content in one step, or append in one step. The file has to exist.
    Write {
        /// Which file.
        path: ModulePath,
        /// Append instead of replace.
        append: bool,
        /// The bytes.
        bytes: Vec<u8>,
        /// How many bytes all files together may have afterwards.
        capacity: u64,
    },
    /// Read; shorter when the file ends earlier. [`StoreError::BadOffset`] when `offset` is at or behind the end of a file that is not empty, or behind 0 of an empty one.
    Read {
        /// Which file.
        path: ModulePath,
        /// Where to begin.
        offset: u64,
        /// The most bytes.
        length: usize,
    },
    /// Delete a file.
    Delete(ModulePath),
    /// The size of a file in bytes.
    Size(ModulePath),
    /// The entries of a directory; `None` is the root.
    List(Option<ModulePath>),
    /// Make a directory (one level).
    MakeDirectory(ModulePath),
    /// Remove an empty directory.
    RemoveDirectory(ModulePath),
    /// How many bytes all files have together.
    Usage,
    /// Keep something outside the files that AT can see; handed back in [`Setup`](crate::Setup).
    Persist {
        /// What it is; each section is replaced for itself.
        section: Section,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// What [`StoreRequest::Persist`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// Settings: [`Setup::settings`](crate::Setup::settings).
    Settings,
    /// Short messages: [`Setup::messages`](crate::Setup::messages).
    Messages,
}

/// The store's good answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreReply {
    /// Done.
    Done,
    /// A file's bytes.
    Bytes(Vec<u8>),
    /// A size or usage in bytes.
    Size(u64),
    /// A directory's entries, sorted by name.
    Entries(Vec<Entry>),
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without path.
    pub name: String,
    /// Whether it is a directory.
    pub directory: bool,
}

/// The store's bad answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreError {
    /// No such file or directory (or its directory is missing).
    NotFound,
    /// It exists already.
    Exists,
    /// A file where a directory is needed, a directory where a file is needed, or something that is neither.
    WrongKind,
    /// The directory has entries.
    NotEmpty,
    /// The capacity would be exceeded.
    Full,
    /// The offset is behind the end.
    BadOffset,
    /// The computer's own file system failed.
    Io,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "there is no such file or directory",
            Self::Exists => "it exists already",
            Self::WrongKind => "it is not of the right kind (file or directory)",
            Self::NotEmpty => "the directory is not empty",
            Self::Full => "the file system is full",
            Self::BadOffset => "the position is not inside the file",
            Self::Io => "the computer's file system failed",
        })
    }
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
