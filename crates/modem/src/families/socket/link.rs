//! One link: its state, its counts, and how CIPSTATUS shows it.

use alloc::string::String;
use core::fmt;
use core::net::SocketAddr;

use super::inbox::Inbox;
use super::options::LocalPorts;
use crate::families::packet::{self, Bearer};
use crate::io::{ConnId, LineId, Transport};
use crate::module::Module;

/// A link's client state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LinkState {
    /// Never used since CIPSHUT (single mode: also after a failed connect).
    #[default]
    Initial,
    /// CIPSTART was accepted; without a connection yet while the bearer comes up.
    Connecting,
    /// Up.
    Connected,
    /// A slow CIPCLOSE is under way.
    Closing,
    /// Closed by either side, or never came up.
    Closed,
}

impl LinkState {
    /// As in a `C:` line.
    fn text(self) -> &'static str {
        match self {
            Self::Initial => "INITIAL",
            Self::Connecting => "CONNECTING",
            Self::Connected => "CONNECTED",
            Self::Closing => "CLOSING",
            Self::Closed => "CLOSED",
        }
    }
}

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) state: LinkState,
    /// The connection, while there is one.
    pub(super) conn: Option<ConnId>,
    /// Who opened it; what it says and receives goes there.
    pub(super) line: LineId,
    pub(super) transport: Transport,
    pub(super) host: String,
    pub(super) port: u16,
    /// The peer's address, once resolved.
    pub(super) peer: Option<SocketAddr>,
    /// The local port that this connection was told to come from.
    pub(super) local_port: Option<u16>,
    /// CLPORT; outlives connections.
    pub(super) ports: LocalPorts,
    /// Payload bytes since the connect: accepted from the host, …
    pub(super) accepted: u64,
    /// … handed to the network stack, …
    pub(super) sent: u64,
    /// … acknowledged by the peer, as far as known.
    pub(super) acked: u64,
    /// Granted and not yet received.
    pub(super) granted: usize,
    /// What waits for AT+CIPRXGET; also when the connection is gone.
    pub(super) inbox: Inbox,
    /// The peer has closed this connection.
    pub(super) peer_closed: bool,
    /// AT+CIPRXGET=1: something has come, the host has been told, and has not read since.
    pub(super) announced: bool,
}

impl Link {
    /// As after CIPSHUT, with nothing set about it.
    pub(super) const INITIAL: Self = Self {
        state: LinkState::Initial,
        conn: None,
        line: LineId(0),
        transport: Transport::Tcp,
        host: String::new(),
        port: 0,
        peer: None,
        local_port: None,
        ports: LocalPorts::NONE,
        accepted: 0,
        sent: 0,
        acked: 0,
        granted: 0,
        inbox: Inbox::EMPTY,
        peer_closed: false,
        announced: false,
    };

    /// Whether it holds a connection, or is about to.
    pub(super) fn busy(&self) -> bool {
        matches!(self.state, LinkState::Connecting | LinkState::Connected | LinkState::Closing)
    }

    /// Goes to `state` without a connection; late events of the old one find no link any more.
    pub(super) fn drop_conn(&mut self, state: LinkState) -> Option<ConnId> {
        self.state = state;
        self.granted = 0;
        self.local_port = None;
        self.conn.take()
    }

    /// As in a `C:` line.
    fn state_text(&self) -> &'static str {
        match self.state {
            // The peer has finished, the host has not.
            LinkState::Closed if self.peer_closed && self.inbox.len() > 0 => "REMOTE CLOSING",
            state => state.text(),
        }
    }

    /// Payload that the network stack has not taken yet.
    pub(super) fn unsent(&self) -> u64 {
        self.accepted.saturating_sub(self.sent)
    }
}

/// A link's number in front of what it says: `3, ` in multi mode, nothing in single mode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag(pub(super) Option<u8>);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(f, "{number}, "),
            None => Ok(()),
        }
    }
}

/// What every link is like that nothing has been done with.
static UNTOUCHED: Link = Link::INITIAL;

pub(super) fn get(module: &Module, number: u8) -> Option<&Link> {
    let untouched = || (number < module.setup.profile.links).then_some(&UNTOUCHED);
    module.families.socket.links.get(usize::from(number)).or_else(untouched)
}

/// How many links something has been done with, or with one of a higher number.
pub(super) fn touched(module: &Module) -> u8 {
    u8::try_from(module.families.socket.links.len()).unwrap_or(u8::MAX)
}

/// There are as many links as have been needed: most modules need one.
pub(super) fn get_mut(module: &mut Module, number: u8) -> Option<&mut Link> {
    if number >= module.setup.profile.links {
        return None;
    }
    let links = &mut module.families.socket.links;
    let needed = usize::from(number) + 1;
    if links.len() < needed {
        links.reserve_exact(needed - links.len());
        links.resize_with(needed, || Link::INITIAL);
    }
    links.get_mut(usize::from(number))
}

/// An unsolicited text of a link, on its line, with its number in multi mode.
pub(super) fn tell(module: &mut Module, number: u8, text: fmt::Arguments<'_>) {
    let Some(line) = get(module, number).map(|link| link.line) else { return };
    let tag = module.families.socket.tag(number);
    module.urc(line, format_args!("{tag}{text}"));
}

/// The text behind `STATE: ` in CIPSTATUS.
pub(crate) fn state_text(module: &Module) -> &'static str {
    let socket = &module.families.socket;
    match packet::bearer(module) {
        Bearer::Initial => "IP INITIAL",
        Bearer::Start => "IP START",
        Bearer::Config { .. } => "IP CONFIG",
        Bearer::Active => "IP GPRSACT",
        Bearer::Deactivated => "PDP DEACT",
        Bearer::Status if socket.settings.multi && socket.processing => "IP PROCESSING",
        Bearer::Status if socket.settings.multi => "IP STATUS",
        Bearer::Status => {
            let link = get(module, 0).map(|link| (link.state, link.transport));
            match link.unwrap_or((LinkState::Initial, Transport::Tcp)) {
                (LinkState::Initial, _) => "IP STATUS",
                (LinkState::Connecting, Transport::Tcp) => "TCP CONNECTING",
                (LinkState::Connecting, Transport::Udp) => "UDP CONNECTING",
                (LinkState::Connected, _) => "CONNECT OK",
                (LinkState::Closing, Transport::Tcp) => "TCP CLOSING",
                (LinkState::Closing, Transport::Udp) => "UDP CLOSING",
                (LinkState::Closed, Transport::Tcp) => "TCP CLOSED",
                (LinkState::Closed, Transport::Udp) => "UDP CLOSED",
            }
        }
    }
}

/// A link as CIPSTATUS prints it: number, bearer (empty when never used), protocol, address, port, state.
pub(crate) fn status_fields(module: &Module, number: u8) -> impl fmt::Display {
    fmt::from_fn(move |f| match get(module, number).filter(|link| link.state != LinkState::Initial) {
        None => write!(f, "{number},,\"\",\"\",\"\",\"INITIAL\""),
        Some(link) => {
            write!(f, "{number},0,\"{}\",\"", link.transport)?;
            match link.peer {
                Some(peer) => write!(f, "{}", peer.ip())?,
                None => f.write_str(&link.host)?,
            }
            write!(f, "\",\"{}\",\"{}\"", link.port, link.state_text())
        }
    })
}
