//! Connections, as the other end and the network see them.

use std::net::SocketAddr;

/// TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// Why a connect fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFailure {
    /// `refuse`: at once.
    Refused,
    /// `timeout`: after the time that the module allows for it.
    Timeout,
    /// `unreachable`: at once.
    Unreachable,
    /// `network-down`: at once.
    NetworkDown,
    /// `port-in-use`: at once; the local port is taken.
    PortInUse,
    /// `port-unavailable`: at once; the local port cannot be had for this peer.
    PortUnavailable,
    /// `dns-fails`: at once.
    Dns,
    /// `tls-fails`: at once.
    Tls,
    /// `tls-untrusted`: at once; the module does not accept the certificate.
    TlsCertificate,
    /// `tls-timeout`: after the time that the module allows for the handshake.
    TlsTimeout,
}

/// How a TLS handshake on an open connection fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureFailure {
    /// `secure-fails`: at once.
    Handshake,
    /// `secure-untrusted`: at once; the module does not accept the certificate.
    Certificate,
    /// `secure-timeout`: after the time that the module allows for it.
    Timeout,
}

/// How an open connection breaks, other than by the peer's reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// `network`: it is down.
    Network,
    /// `unreachable`: the peer is not reached any more.
    Unreachable,
    /// `timeout`: the peer acknowledges nothing.
    Timeout,
    /// `aborted`: given up on the way.
    Aborted,
    /// `shut-down`: the peer takes nothing any more.
    ShutDown,
    /// `no-buffer`: no memory.
    NoBuffer,
    /// `tls`: what came is not the TLS that was agreed.
    Tls,
    /// `unknown`: for a reason that the module has no word for.
    Unknown,
}

/// Names and values of what a TLS connect asks for, as in `@peer expect-tls`.
pub type TlsFields = Vec<(String, String)>;

/// `@peer …`, with payload as bytes (or, in a parsed transcript, as [`Payload`](crate::Payload)).
///
/// Without a number, answers to a connect and expectations about it (`Accept`, `Fail`, `ExpectConnect`, `ExpectTls`,
/// `ExpectFrom`, `ExpectKeepAlive`) are about the oldest connect that has had no answer yet; TLS on an open connection (`ExpectSecure`,
/// `Secure`, `FailSecure`) is about the first that waits for it; everything else (and those expectations when there is no such connection)
/// is about the connection that the last peer step was about.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerStep<P = Vec<u8>> {
    /// The connect succeeds; with the peer's address, if it matters.
    Accept(Option<SocketAddr>),
    /// The connect fails.
    Fail(ConnectFailure),
    /// The module asked for this host and port.
    ExpectConnect {
        /// TCP or UDP.
        transport: Transport,
        /// As the module spells it.
        host: String,
        /// The port.
        port: u16,
    },
    /// The module asked for TLS with (at least) these properties; `None`: for no TLS.
    ExpectTls(Option<TlsFields>),
    /// The module asked for TLS on the open connection, with (at least) these properties.
    ExpectSecure(TlsFields),
    /// The TLS handshake on the open connection succeeds.
    Secure,
    /// It fails.
    FailSecure(SecureFailure),
    /// The module asked to come from this local port; `None`: from any.
    ExpectFrom(Option<u16>),
    /// The module asked for keep-alive with this idle time, this interval (seconds) and this count; `None`: for none.
    ExpectKeepAlive(Option<(u32, u32, u32)>),
    /// These bytes are the next that arrive from the module.
    Expect(P),
    /// The peer sends these bytes.
    Send(P),
    /// The peer sends nothing more but still listens.
    HalfClose,
    /// The peer closes.
    Close,
    /// The peer closes TCP without the end of TLS (close_notify).
    Cut,
    /// The peer resets the connection.
    Reset,
    /// The connection breaks.
    Break(Break),
    /// The network takes nothing more from the module, and a slow close does not get done.
    Stall,
    /// It does again.
    Resume,
    /// The peer's TCP acknowledges nothing more.
    HoldAcks,
    /// It acknowledges all that it has, and goes on doing so.
    Ack,
    /// The module closes the connection: quickly, slowly, or either.
    ExpectClose {
        /// `quick` or `slow`, if it matters.
        quick: Option<bool>,
    },
}

impl<P> PeerStep<P> {
    /// The same step with its payload in another form.
    ///
    /// # Errors
    ///
    /// Whatever `change` says.
    pub fn try_map<Q, E>(&self, change: impl FnOnce(&P) -> Result<Q, E>) -> Result<PeerStep<Q>, E> {
        Ok(match self {
            Self::Accept(address) => PeerStep::Accept(*address),
            Self::Fail(failure) => PeerStep::Fail(*failure),
            Self::ExpectConnect { transport, host, port } => {
                PeerStep::ExpectConnect { transport: *transport, host: host.clone(), port: *port }
            }
            Self::ExpectTls(fields) => PeerStep::ExpectTls(fields.clone()),
            Self::ExpectSecure(fields) => PeerStep::ExpectSecure(fields.clone()),
            Self::Secure => PeerStep::Secure,
            Self::FailSecure(failure) => PeerStep::FailSecure(*failure),
            Self::ExpectFrom(port) => PeerStep::ExpectFrom(*port),
            Self::ExpectKeepAlive(times) => PeerStep::ExpectKeepAlive(*times),
            Self::Expect(payload) => PeerStep::Expect(change(payload)?),
            Self::Send(payload) => PeerStep::Send(change(payload)?),
            Self::HalfClose => PeerStep::HalfClose,
            Self::Close => PeerStep::Close,
            Self::Cut => PeerStep::Cut,
            Self::Reset => PeerStep::Reset,
            Self::Break(how) => PeerStep::Break(*how),
            Self::Stall => PeerStep::Stall,
            Self::Resume => PeerStep::Resume,
            Self::HoldAcks => PeerStep::HoldAcks,
            Self::Ack => PeerStep::Ack,
            Self::ExpectClose { quick } => PeerStep::ExpectClose { quick: *quick },
        })
    }
}
