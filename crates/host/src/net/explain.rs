//! What became of connections, for people: the log, the demo, later a console.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use modem::{ConnId, LinkFailure, Transport};
use tokio::sync::watch;

/// The tracing target of explanations.
pub const EXPLAIN: &str = "explain";

/// Whose connection it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The module's name, such as `modem0`.
    pub module: String,
    /// The connection.
    pub conn: ConnId,
    /// The link's number in AT terms.
    pub link: u8,
    /// TCP or UDP.
    pub transport: Transport,
    /// Where to, as the module asked: `host:port`.
    pub target: String,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} link {} to {}", self.module, self.link, self.target)
    }
}

impl Subject {
    /// The peer's address in parentheses, unless the module has asked for just that.
    fn led_to(&self, peer: SocketAddr) -> String {
        let peer = peer.to_string();
        if peer == self.target { String::new() } else { format!(" ({peer})") }
    }
}

/// How far a connection had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Resolving the name.
    Name,
    /// Connecting.
    Connect,
    /// Getting ready for TLS: reading certificates and keys, checking that what is set can work.
    Files,
    /// The TLS handshake.
    Tls,
    /// It was up.
    Open,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name resolution",
            Self::Connect => "connect",
            Self::Files => "TLS set-up",
            Self::Tls => "TLS handshake",
            Self::Open => "open connection",
        })
    }
}

/// Where the cause of a failure lies: who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The command that the host sent: another name, port or kind of connection is needed.
    Command,
    /// What is set in the module: SSLCFG parameters, files, the clock.
    Configuration,
    /// The other end.
    Peer,
    /// What is between: this computer, its resolver, the network.
    Environment,
    /// The twin itself: a bug.
    Twin,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Command => "host command",
            Self::Configuration => "configuration",
            Self::Peer => "peer",
            Self::Environment => "environment",
            Self::Twin => "twin",
        })
    }
}

/// A duration as people say it.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_millis() == 0 {
            write!(f, "{} s", self.0.as_secs())
        } else {
            write!(f, "{} ms", self.0.as_millis())
        }
    }
}

/// Why a connection failed, in parts and in one readable line ([`Display`](fmt::Display)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whose connection.
    pub subject: Subject,
    /// How far it had come.
    pub stage: Stage,
    /// What the module is told.
    pub class: LinkFailure,
    /// Where the cause lies.
    pub fault: Fault,
    /// What was seen, in one line.
    pub seen: String,
    /// What to do, where something can be said.
    pub advice: Option<String>,
    /// Everything known about a handshake that failed: its stage, alerts, verify error, what was offered.
    pub tls: Option<Box<tls::Failure>>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, stage, fault, seen, .. } = self;
        write!(f, "{subject}: {stage} failed: {seen}")?;
        if let Some(advice) = &self.advice {
            write!(f, "; {advice}")?;
        }
        write!(f, " [cause: {fault}]")
    }
}

/// Who ended a connection, and whether all that was sent can have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The module.
    Module,
    /// The peer, properly: over TLS with close_notify, over TCP with the end of its stream.
    Peer,
    /// The peer's TCP stream ended without the end of TLS (close_notify): something may have been cut off, by the peer or
    /// by somebody on the way. AT says CLOSED all the same.
    Truncated,
    /// It did not come up, or broke: a [`Report::Failed`] says why.
    Failed,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Module => "ended by the module",
            Self::Peer => "ended by the peer",
            Self::Truncated => {
                "ended by the peer without the end of TLS (close_notify), so something may be missing"
            }
            Self::Failed => "ended by the failure",
        })
    }
}

/// What became of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It is up.
    Connected {
        /// Whose.
        subject: Subject,
        /// The peer's address.
        peer: SocketAddr,
        /// The TLS session, if it is one: version, suite, who was verified, which checks were not made.
        session: Option<Box<tls::Report>>,
    },
    /// It was up in plain text, and is protected from here on.
    Secured {
        /// Whose.
        subject: Subject,
        /// The TLS session.
        session: Box<tls::Report>,
    },
    /// It did not come up, or broke, or could not be protected.
    Failed(Explanation),
    /// It is over, however it ended; follows the others.
    Ended {
        /// Whose.
        subject: Subject,
        /// By whom, and how.
        end: End,
        /// Payload bytes handed to the network.
        sent: u64,
        /// Payload bytes that came.
        received: u64,
    },
}

impl Report {
    /// Logs it in one line.
    fn log(&self) {
        match self {
            Self::Connected { subject, peer, session } => {
                let address = subject.led_to(*peer);
                match session {
                    Some(session) => {
                        tracing::info!(target: EXPLAIN, "{subject}{address}: {}", brief(session));
                    }
                    None => {
                        tracing::info!(target: EXPLAIN, "{subject}{address}: connected, {}", subject.transport);
                    }
                }
            }
            Self::Secured { subject, session } => {
                tracing::info!(target: EXPLAIN, "{subject}: protected from here on: {}", brief(session));
            }
            Self::Failed(explanation) => tracing::warn!(target: EXPLAIN, "{explanation}"),
            Self::Ended { subject, end, sent, received } => {
                tracing::info!(target: EXPLAIN, "{subject}: {end}, {sent} bytes sent, {received} received");
            }
        }
    }
}

/// A TLS session in a line of the log: what it is, with whom, and what nobody has checked. [`tls::Report`] itself says
/// it at length.
pub(super) fn brief(session: &tls::Report) -> String {
    let version = session.version.map_or_else(|| "unknown version".into(), |version| version.to_string());
    let common_name = |subject: &str| {
        let name = subject.split(", ").find(|part| part.starts_with("CN=")).unwrap_or(subject);
        let shown: String = name.chars().take(LONGEST_NAME).collect();
        if shown.len() < name.len() { shown + "…" } else { shown }
    };
    let server =
        session.peer.as_ref().map_or_else(|| "without certificate".into(), |c| common_name(&c.subject));
    let mut text = format!("{version}, {}, server {server}", session.suite);
    match (session.client_certificate_asked, &session.client_certificate) {
        _ if session.resumed == Some(true) => text += ", an earlier session resumed",
        (true, Some(subject)) => text += &format!(", client certificate {} sent", common_name(subject)),
        (true, None) => text += ", client certificate asked for, none sent",
        (false, _) => text += ", no client certificate asked for",
    }
    if session.resumed == Some(false) {
        text += ", the earlier session was not resumed";
    }
    if session.chain_checked {
        if session.name_checked.is_none() {
            text += "; the name was NOT checked";
        }
        if !session.time_checked {
            text += "; the dates were NOT checked";
        }
        text += "; revocation is never checked";
    } else {
        text += "; the server was NOT authenticated (seclevel 0)";
    }
    if session.hello_fixed || session.premaster_fixed == Some(true) {
        text += "; NOT secret: clientrandom or premaster is fixed";
    }
    if session.premaster_fixed == Some(false) {
        text += "; premaster was not used";
    }
    text
}

/// How many characters of a certificate's name the log shows.
const LONGEST_NAME: usize = 64;

/// Is told what becomes of connections. Called in the instance's task: it must not block.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Something has become of one.
    fn report(&self, report: &Report);
}

/// Logs, then tells the observer.
pub(crate) fn publish(observer: Option<&dyn Observer>, report: &Report) {
    report.log();
    tell(observer, report);
}

/// Tells the observer only: the log has said it already.
pub(crate) fn tell(observer: Option<&dyn Observer>, report: &Report) {
    if let Some(observer) = observer {
        observer.report(report);
    }
}

/// An observer that keeps the last reports.
#[derive(Debug)]
pub struct Journal {
    reports: Mutex<VecDeque<Report>>,
    limit: usize,
    count: watch::Sender<u64>,
}

impl Journal {
    /// Keeps the last `limit` reports.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { reports: Mutex::new(VecDeque::new()), limit, count: watch::Sender::new(0) }
    }

    /// What it has kept, oldest first.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// How many reports there have been in all; changes with each.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }
}

impl Observer for Journal {
    fn report(&self, report: &Report) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        if reports.len() >= self.limit {
            reports.pop_front();
        }
        reports.push_back(report.clone());
        drop(reports);
        self.count.send_modify(|count| *count += 1);
    }
}
