//! Connections: what can be asked of them, and what happens to them.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use crate::ssl::TlsRequest;

/// One connection attempt and what comes of it. Never used twice, so that a late event of an old connection cannot
/// be taken for one of a new connection on the same link number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u32);

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
    /// The answer to [`LinkRequest::Secure`]: what is sent and received from here on is protected. When it comes to nothing, the answer is
    /// [`LinkEvent::Failed`] with [`LinkFailure::Tls`] or [`LinkFailure::Certificate`], and the connection is over.
    Secured,
    /// Payload from the peer (plaintext), never more than was granted; of UDP one datagram, which comes whole as soon as
    /// anything is granted.
    Received(&'a [u8]),
    /// This many payload bytes were handed to the network stack.
    Sent(usize),
    /// Answer to [`LinkRequest::QueryAcked`] and [`LinkRequest::NotifyAcked`]: so many payload bytes in all since the connection began have
    /// been acknowledged by the peer's TCP.
    Acked(u64),
    /// The peer closed; everything it sent before has been delivered.
    PeerClosed {
        /// Over TLS: its stream ended without the end of TLS (close_notify), so that nobody can tell whether that was all.
        truncated: bool,
    },
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
    /// It failed because the peer's certificate was not accepted.
    Certificate,
    /// The connection was given up on the way.
    Aborted,
    /// The peer reset an open connection.
    Reset,
    /// The peer takes nothing any more.
    ShutDown,
    /// The twin's own side failed in another way (no descriptors, not allowed).
    Local,
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
    /// Protect a TCP connection that is up and in plain text, with the handshake as a client: what was sent before leaves first, in plain
    /// text; nothing is to be sent until [`LinkEvent::Secured`]. Whatever has come in plain text and was not delivered yet ends the
    /// connection: somebody on the way could have put it there, to be taken for protected data. What was delivered
    /// behind the answer that led to this is for the module to refuse.
    Secure(Box<TlsRequest>),
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
