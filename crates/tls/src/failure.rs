//! Why a session did not come about: what was seen, whose fault it is, what to do.

use std::error::Error;
use std::fmt;

use crate::version::{Suite, Version};

/// A failed handshake. Its `Display` form is one line that names the cause and, where there is one, the cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How far it came.
    pub stage: Stage,
    /// Why it ended.
    pub cause: Cause,
    /// Alerts in both directions, in order.
    pub alerts: Vec<Alert>,
    /// What is wrong with the peer's certificate, if that was found out.
    pub verify: Option<VerifyFailure>,
    /// Oldest and newest version offered.
    pub versions: (Version, Version),
    /// Suites offered.
    pub suites: Vec<Suite>,
    /// Forward-secret suites were offered as well.
    pub modern: bool,
    /// The server asked for a client certificate.
    pub client_certificate_asked: bool,
    /// A client certificate was sent.
    pub client_certificate_sent: bool,
    /// The authorities whose client certificates the server says that it accepts; the first few, none if it does not say.
    pub accepted_authorities: Vec<String>,
}

/// How far a handshake came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before the first byte.
    Configure,
    /// ClientHello sent, nothing understood yet.
    Hello,
    /// ServerHello there.
    ServerHello,
    /// The server's certificate there.
    Certificate,
    /// Keys exchanged; waiting for the server's Finished.
    Finished,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configure => "before the first byte",
            Self::Hello => "waiting for ServerHello",
            Self::ServerHello => "waiting for the server's certificate",
            Self::Certificate => "during certificate and key exchange",
            Self::Finished => "waiting for the server's Finished",
        })
    }
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// What was asked for cannot be done.
    Configuration,
    /// The server.
    Peer,
    /// The network between.
    Environment,
    /// Ours.
    Bug,
}

/// Why a handshake ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The oldest version is newer than the newest.
    VersionsReversed,
    /// There is nothing to offer.
    NoSuites,
    /// Not one of the suites that can be named one by one.
    UnknownSuite(Suite),
    /// A suite that exists from TLS 1.2 on was asked for with an older version only.
    SuiteNeedsTls12(Suite),
    /// A name that cannot be sent as SNI, or that no certificate can be checked against.
    BadName {
        /// The name.
        name: String,
        /// It was to be checked (else: sent).
        checked: bool,
    },
    /// The server is to be authenticated, but no trusted certificate is given.
    NoAnchors,
    /// A certificate or key cannot be used.
    Unusable {
        /// Which.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// Client certificate and key do not belong together.
    KeyMismatch,
    /// A whole pre-master secret begins with another version than the ClientHello offers.
    PremasterVersion {
        /// What it would have to begin with.
        expected: [u8; 2],
    },
    /// OpenSSL refused settings that we had found good, or could not be made ready.
    Refused(String),
    /// The server's certificate was not accepted; see [`Failure::verify`].
    CertificateRejected,
    /// The peer sent a fatal alert.
    AlertReceived(Alert),
    /// What the peer sends is not TLS.
    NotTls {
        /// The first bytes.
        first: Vec<u8>,
    },
    /// The peer sends back what we send: a plain echo.
    Echo,
    /// The peer answers with a version that was not offered.
    WrongVersion {
        /// Which, where that could be seen.
        answered: Option<Version>,
    },
    /// The peer closed or reset the connection.
    Closed {
        /// It had sent something before.
        after_data: bool,
    },
    /// The connection broke.
    Broken(std::io::ErrorKind),
    /// Time was up.
    Timeout {
        /// After so many milliseconds.
        millis: u64,
        /// The peer had sent nothing at all.
        silent: bool,
    },
    /// Anything else, in OpenSSL's words.
    Protocol(String),
}

/// What is wrong with the peer's certificate chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyFailure {
    /// OpenSSL's `X509_V_ERR_…` number.
    pub code: i32,
    /// Its text.
    pub text: String,
    /// 0 is the server's own certificate, 1 its issuer, and so on.
    pub depth: u32,
    /// The subject of the certificate in question.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// From when to when it is valid.
    pub validity: (String, String),
    /// The names that the certificate bears (DNS and IP, or the common name where there are none).
    pub names: Vec<String>,
    /// The name that was wanted, if a name was checked.
    pub wanted: Option<String>,
}

/// A TLS alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// We sent it (else: received).
    pub sent: bool,
    /// Fatal (else: warning).
    pub fatal: bool,
    /// Its number (RFC 8446 B.2 and its predecessors).
    pub number: u8,
}

impl Alert {
    /// Its name; `None` for an unassigned number.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.number {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => return None,
        })
    }
}

impl Alert {
    /// Whether servers send it when they do not like the client certificate that they got.
    pub(crate) fn can_mean_wrong_certificate(self) -> bool {
        matches!(self.number, 40..=46 | 48 | 49 | 51 | 116)
    }

    /// Whether servers send it when the certificate that they asked for is missing. Servers disagree (GnuTLS takes an empty
    /// list for malformed: `decode_error`), so all are believed to but those that plainly say something else.
    pub(crate) fn can_mean_no_certificate(self) -> bool {
        !matches!(self.number, 0 | 20..=30 | 70 | 71 | 86 | 90 | 100 | 112 | 120)
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name().unwrap_or("alert"), self.number)
    }
}

impl Failure {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match &self.cause {
            Cause::VersionsReversed
            | Cause::NoSuites
            | Cause::UnknownSuite(_)
            | Cause::SuiteNeedsTls12(_)
            | Cause::BadName { .. }
            | Cause::NoAnchors
            | Cause::Unusable { .. }
            | Cause::KeyMismatch
            | Cause::PremasterVersion { .. } => Class::Configuration,
            Cause::AlertReceived(_) | Cause::Closed { .. }
                if self.lacks_client_certificate() || self.client_certificate_refused() =>
            {
                Class::Configuration
            }
            Cause::Refused(_) => Class::Bug,
            Cause::Broken(_) => Class::Environment,
            Cause::CertificateRejected
            | Cause::AlertReceived(_)
            | Cause::NotTls { .. }
            | Cause::Echo
            | Cause::WrongVersion { .. }
            | Cause::Closed { .. }
            | Cause::Timeout { .. }
            | Cause::Protocol(_) => Class::Peer,
        }
    }

    /// The server asked for a client certificate, got none, and then ended it (with an alert that can mean that, if with
    /// one).
    pub(crate) fn lacks_client_certificate(&self) -> bool {
        let fits = match self.cause {
            Cause::AlertReceived(alert) => alert.can_mean_no_certificate(),
            Cause::Closed { after_data } => after_data,
            _ => false,
        };
        fits && self.client_certificate_asked && !self.client_certificate_sent
    }

    /// The server asked for a client certificate, got one, and then sent an alert that can mean that it did not like it.
    pub(crate) fn client_certificate_refused(&self) -> bool {
        let fits = matches!(self.cause, Cause::AlertReceived(alert) if alert.can_mean_wrong_certificate());
        // Before the ServerHello no certificate was asked for, and then the alert is about the ClientHello.
        fits && self.client_certificate_asked && self.client_certificate_sent
    }
}

impl Error for Failure {}
