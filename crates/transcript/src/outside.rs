//! What steps can say about the module's surroundings: set-up, world, peers, files.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// `@module KEY VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleSetting {
    /// Which of many modules.
    Instance(u32),
    /// Decides what is arbitrary.
    Seed(u64),
    /// The module type, by name.
    Profile(String),
    /// The surroundings at power-on.
    World(World),
    /// Whether the module is on from the beginning.
    Power(bool),
    /// The network's time at power-on, seconds since 1970-01-01 UTC.
    Unix(i64),
    /// What one of its lines is; `plain` unless said otherwise.
    Line {
        /// The line's number.
        line: u8,
        /// Its kind.
        kind: LineKind,
    },
}

/// What a serial line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// Bytes arrive whatever the bit rate.
    Plain,
    /// The module finds out the bit rate from what comes.
    AutoBaud,
}

/// A SIM card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The PIN that it asks for, if any.
    pub pin: Option<String>,
    /// The PUK, if the transcript cares.
    pub puk: Option<String>,
    /// Wrong PINs have blocked it: it asks for its PUK.
    pub blocked: bool,
    /// What its operator lets it do.
    pub account: Account,
}

/// What the operator lets a card do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Account {
    /// Everything.
    #[default]
    Good,
    /// GSM only, without data.
    Arrears,
    /// Nothing: the network refuses the card.
    Refused,
}

/// How the network answers the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Home network.
    Home,
    /// Roaming.
    Roaming,
    /// No network.
    Searching,
    /// Registration denied.
    Denied,
    /// A network that the radio cannot use.
    Unusable,
}

/// How long something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As long as usual.
    Normal,
    /// So long.
    Slow(Duration),
    /// It hangs, the next time.
    Stuck,
}

/// Which APN the network takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Apn {
    /// Any.
    Any,
    /// Only this one.
    Private {
        /// The APN.
        name: String,
        /// The user name, perhaps empty.
        user: String,
        /// The password, perhaps empty.
        password: String,
        /// Another one leads nowhere, instead of being refused.
        dead_end: bool,
    },
}

/// What the network's name servers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dns {
    /// They answer.
    Works,
    /// They never answer.
    Dead,
    /// They answer that they cannot.
    Failing,
}

/// `@world …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum World {
    /// The card is put in, or taken out.
    Card(Option<Card>),
    /// What the operator lets the card do.
    Account(Account),
    /// Signal changes.
    Rssi(u8),
    /// Registration changes.
    Coverage(Coverage),
    /// How long boots take.
    Boot(Pace),
    /// How long a card takes to start.
    CardStart(Pace),
    /// How long an attach takes.
    Attach(Pace),
    /// The network grants or refuses bearers from now on.
    Bearer(bool),
    /// The network drops the bearer that is up.
    BearerLost,
    /// Which APN it takes.
    Apn(Apn),
    /// What its name servers do.
    Dns(Dns),
    /// Whether private addresses can be reached.
    PrivateServers(bool),
    /// How short messages fare.
    Messages(MessageService),
    /// The network begins or stops to tell the time.
    NetworkTime(bool),
    /// The power key is low for so long.
    PowerKey(Duration),
    /// The reset pin is low for so long.
    Reset(Duration),
}

impl World {
    /// The word that it begins with.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Card(_) => "card",
            Self::Account(_) => "account",
            Self::Rssi(_) => "rssi",
            Self::Coverage(_) => "coverage",
            Self::Boot(_) => "boot",
            Self::CardStart(_) => "card-start",
            Self::Attach(_) => "attach",
            Self::Bearer(_) | Self::BearerLost => "bearer",
            Self::Messages(_) => "messages",
            Self::Apn(_) => "apn",
            Self::Dns(_) => "dns",
            Self::PrivateServers(_) => "private-servers",
            Self::NetworkTime(_) => "time",
            Self::PowerKey(_) => "power-key",
            Self::Reset(_) => "reset",
        }
    }

    /// Whether it only happens, instead of lasting: it makes no sense before the module is on.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::BearerLost | Self::PowerKey(_) | Self::Reset(_))
    }
}

/// `@dns NAME …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// It resolves to this.
    Address(IpAddr),
    /// It does not resolve.
    Fails,
}

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

/// What a question to the network is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryKind {
    /// The address of a name.
    Resolve,
    /// An ICMP echo.
    Echo,
    /// The time, by SNTP.
    Time,
    /// A short message that is to be sent.
    Message,
}

impl QueryKind {
    /// As it is written in `@query expect`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Echo => "echo",
            Self::Time => "time",
            Self::Message => "message",
        }
    }
}

/// Why a question has no good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryProblem {
    /// `no-such-name`
    UnknownName,
    /// `bad-name-server`
    BadNameServer,
    /// `no-name-server`
    NoNameServer,
    /// `timeout`: after the time that the module allows for it.
    Timeout,
    /// `unreachable`
    Unreachable,
    /// `bad-answer`
    BadAnswer,
    /// `refused`: the network does not take it.
    Refused,
    /// `not-possible`
    NotPossible,
}

/// How the network and the card do with short messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageService {
    /// They are carried.
    Carried,
    /// The network refuses those that the module sends.
    Refused,
    /// The card has no service centre's number.
    NoCenter,
}

/// `@sms …`: short messages in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsStep {
    /// Somebody's text comes in; in several messages if it is long.
    Deliver {
        /// The number or name of who it is from.
        from: String,
        /// The text.
        text: String,
    },
    /// These TPDUs' bytes come in.
    Pdu(Vec<u8>),
    /// A status report comes in.
    Report {
        /// The message's reference.
        reference: u8,
        /// Who the message was for.
        to: String,
        /// TP-ST: 0 delivered.
        status: u8,
    },
    /// The next message that the module has sent.
    Expect {
        /// The number, as the module spells it.
        to: String,
        /// The text.
        text: String,
    },
}

/// `@query …`: what the network is asked, and answers, beside connections.
///
/// Without a number, answers are about the oldest question that has had none, and `Expect` about the same one or, when there
/// is none, about the last question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryStep {
    /// The module asked this.
    Expect {
        /// What it is about.
        kind: QueryKind,
        /// The name, the address, or the number of who is to have the message; as the module spells it.
        target: String,
        /// Further properties, by name, such as `servers` and `timeout`.
        fields: Vec<(String, String)>,
    },
    /// The name has this address.
    Answer(IpAddr),
    /// An echo comes back.
    Echo {
        /// After so long.
        after: Duration,
        /// The time to live that was left.
        ttl: u8,
        /// Who answers; whoever was asked, if it does not matter.
        from: Option<IpAddr>,
    },
    /// It is so many seconds since 1970-01-01 UTC.
    Time(i64),
    /// The network has taken the message.
    Taken,
    /// It fails.
    Fails(QueryProblem),
    /// From now on (or no more) every question waits for a step, also those that would be answered by themselves.
    Hold(bool),
}

/// `@store …`: the module's files.
#[derive(Clone, Debug, PartialEq)]
pub enum StoreStep<P = Vec<u8>> {
    /// A file is there, whatever the module did.
    Put {
        /// Its path inside the module.
        path: String,
        /// Its contents.
        contents: P,
    },
    /// A file has exactly these contents.
    Has {
        /// Its path inside the module.
        path: String,
        /// Its contents.
        contents: P,
    },
    /// A file is not there.
    Lacks {
        /// Its path inside the module.
        path: String,
    },
    /// The computer's file system fails from now on (or works again).
    Fails(bool),
    /// Answers of the store are held back from now on (or given, with all that were held back).
    Hold(bool),
}

impl<P> StoreStep<P> {
    /// The same step with its payload in another form.
    ///
    /// # Errors
    ///
    /// Whatever `change` says.
    pub fn try_map<Q, E>(&self, change: impl FnOnce(&P) -> Result<Q, E>) -> Result<StoreStep<Q>, E> {
        Ok(match self {
            Self::Put { path, contents } => {
                StoreStep::Put { path: path.clone(), contents: change(contents)? }
            }
            Self::Has { path, contents } => {
                StoreStep::Has { path: path.clone(), contents: change(contents)? }
            }
            Self::Lacks { path } => StoreStep::Lacks { path: path.clone() },
            Self::Fails(on) => StoreStep::Fails(*on),
            Self::Hold(on) => StoreStep::Hold(*on),
        })
    }
}
