//! Why a connection failed, while it is not known yet whose it was; on it stands everything that opens and secures connections.

use std::io;

use modem::LinkFailure;
use rustix::io::Errno;

use super::explain::{Explanation, Fault, Stage, Subject};

/// What went wrong, before it is said whose connection it was.
pub(super) struct Failed {
    stage: Stage,
    class: LinkFailure,
    fault: Fault,
    seen: String,
    advice: Option<String>,
    tls: Option<Box<tls::Failure>>,
}

impl Failed {
    pub(super) fn new(stage: Stage, class: LinkFailure, fault: Fault, seen: impl Into<String>) -> Self {
        Self { stage, class, fault, seen: seen.into(), advice: None, tls: None }
    }

    /// With what to do.
    pub(super) fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// With the account of the handshake.
    pub(super) fn handshake(self, failure: Box<tls::Failure>) -> Self {
        Self { tls: Some(failure), ..self }
    }

    /// What was seen and what to do.
    pub(super) fn sentence(self) -> String {
        let Self { seen, advice, .. } = self;
        match advice {
            Some(advice) => format!("{seen}; {advice}"),
            None => seen,
        }
    }

    /// Whose connection it was.
    pub(super) fn explain(self, subject: Subject) -> Box<Explanation> {
        let Self { stage, class, fault, seen, advice, tls } = self;
        Box::new(Explanation { subject, stage, class, fault, seen, advice, tls })
    }
}

/// What the module is told of a socket's error.
pub(super) fn class(error: &io::Error) -> LinkFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => LinkFailure::Refused,
        io::ErrorKind::ConnectionReset => LinkFailure::Reset,
        io::ErrorKind::ConnectionAborted => LinkFailure::Aborted,
        io::ErrorKind::BrokenPipe => LinkFailure::ShutDown,
        io::ErrorKind::TimedOut => LinkFailure::Timeout,
        io::ErrorKind::HostUnreachable => LinkFailure::Unreachable,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => LinkFailure::Network,
        io::ErrorKind::AddrInUse => LinkFailure::AddressInUse,
        io::ErrorKind::AddrNotAvailable => LinkFailure::AddressUnavailable,
        io::ErrorKind::OutOfMemory => LinkFailure::NoBuffer,
        _ => match Errno::from_io_error(error) {
            Some(Errno::NOBUFS) => LinkFailure::NoBuffer,
            Some(Errno::HOSTDOWN) => LinkFailure::Unreachable,
            _ => LinkFailure::Local,
        },
    }
}
