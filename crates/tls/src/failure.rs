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
    /// The server asked for a client certificate.
    pub client_certificate_asked: bool,
    /// A client certificate was sent.
    pub client_certificate_sent: bool,
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
    /// A suite that exists from TLS 1.2 on was asked for with an older version only.
    SuiteNeedsTls12(Suite),
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
    /// OpenSSL refused the settings.
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
    /// The peer answers with a version that was not offered.
    WrongVersion,
    /// The peer closed the connection.
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
            Cause::SuiteNeedsTls12(_)
            | Cause::NoAnchors
            | Cause::Unusable { .. }
            | Cause::KeyMismatch
            | Cause::PremasterVersion { .. }
            | Cause::Refused(_) => Class::Configuration,
            Cause::Broken(_) => Class::Environment,
            _ => Class::Peer,
        }
    }

    fn offered(&self) -> String {
        let (low, high) = self.versions;
        let versions = if low == high { low.to_string() } else { format!("{low} to {high}") };
        let suites: Vec<String> = self.suites.iter().map(|suite| format!("0X{:04X}", suite.0)).collect();
        format!("offered {versions} with {}", suites.join(" "))
    }

    fn alert_received(&self, alert: Alert, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about_certificate = matches!(alert.number, 40..=46 | 48 | 49 | 51 | 116);
        if self.stage == Stage::Hello {
            return match alert.number {
                70 => write!(f, "the server does not speak this version (alert {alert}): {}", self.offered()),
                40 | 71 => write!(
                    f,
                    "no common version or cipher suite (alert {alert}): {}; the server wants something else",
                    self.offered()
                ),
                112 => write!(
                    f,
                    "the server does not know this name (alert {alert}): set hostname to one that it serves"
                ),
                _ => write!(f, "the server refused the ClientHello with alert {alert}: {}", self.offered()),
            };
        }
        if self.client_certificate_asked && about_certificate {
            return if self.client_certificate_sent {
                write!(
                    f,
                    "the server did not accept the client certificate (alert {alert}): it has to be issued by a CA \
                     that the server trusts, be valid now and fit its key"
                )
            } else {
                write!(
                    f,
                    "the server demands a client certificate and none was presented (alert {alert}): set seclevel \
                     to 2 and clientcert and clientkey"
                )
            };
        }
        write!(f, "the server ended the handshake with alert {alert}, {}", self.stage)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::SuiteNeedsTls12(suite) => write!(
                f,
                "this suite needs TLS 1.2: {suite} was asked for with {} at most; nothing was sent",
                self.versions.1
            ),
            Cause::NoAnchors => f.write_str(
                "the server is to be authenticated (seclevel 1 or 2), but no cacert is set; nothing was sent",
            ),
            Cause::Unusable { what, why } => write!(f, "the {what} cannot be used: {why}"),
            Cause::KeyMismatch => f.write_str("clientkey is not the key of clientcert; nothing was sent"),
            Cause::PremasterVersion { expected: [major, minor] } => write!(
                f,
                "a premaster of 96 digits has to begin with the version that the ClientHello offers, {major:02X}{minor:02X}"
            ),
            Cause::Refused(why) => write!(f, "OpenSSL refused the settings: {why}"),
            Cause::CertificateRejected => match &self.verify {
                Some(verify) => verify.fmt(f),
                None => f.write_str("the server's certificate was not accepted"),
            },
            Cause::AlertReceived(alert) => self.alert_received(*alert, f),
            Cause::NotTls { first } => {
                write!(f, "what answers is not TLS: it begins with `{}`", first.escape_ascii())?;
                match first.as_slice() {
                    [b'2', b'2', b'0', ..] | [b'*', b' ', b'O', b'K', ..] | [b'+', b'O', b'K', ..] => f
                        .write_str(
                            " (a greeting in plain text: this port expects STARTTLS, or is the plain port)",
                        ),
                    _ => f.write_str(" (a plain port? set CIPSSL to 0, or use the server's TLS port)"),
                }
            }
            Cause::WrongVersion => {
                write!(f, "the server answers with a version that was not offered: {}", self.offered())
            }
            Cause::Closed { after_data: false } => write!(
                f,
                "the server closed the connection without an answer to the ClientHello ({}): not a TLS port, or it \
                 accepts nothing of that",
                self.offered()
            ),
            Cause::Closed { after_data: true }
                if self.client_certificate_asked && !self.client_certificate_sent =>
            {
                write!(
                    f,
                    "the server closed the connection {}, after it asked for a client certificate and none was \
                     presented: set seclevel to 2 and clientcert and clientkey",
                    self.stage
                )
            }
            Cause::Closed { after_data: true } => {
                write!(f, "the server closed the connection {}", self.stage)
            }
            Cause::Broken(kind) => write!(f, "the connection broke ({kind}), {}", self.stage),
            Cause::Timeout { millis, silent: true } => write!(
                f,
                "the server accepted the connection and said nothing for {} s (negotiatetimeout), {}",
                millis / 1000,
                self.stage
            ),
            Cause::Timeout { millis, silent: false } => {
                write!(
                    f,
                    "the handshake was not done within {} s (negotiatetimeout), {}",
                    millis / 1000,
                    self.stage
                )
            }
            Cause::Protocol(text) => write!(f, "the handshake failed, {}: {text}", self.stage),
        }
    }
}

impl Error for Failure {}

impl fmt::Display for VerifyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, text, depth, subject, issuer, validity: (from, until), names, wanted } = self;
        let what = match (*code, wanted) {
            (9, _) => {
                format!("the certificate of {subject} is not valid before {from} by the module's clock")
            }
            (10, _) => format!("the certificate of {subject} expired on {until} by the module's clock"),
            (18, _) => {
                format!("the server's certificate ({subject}) is self-signed and not itself in cacert")
            }
            (19, _) => format!("the chain ends in {subject}, which is not in cacert"),
            (2 | 20 | 21, _) => format!(
                "no certificate in cacert signed {subject}; it names its issuer as {issuer}: wrong CA, or an \
                 intermediate that the server does not send"
            ),
            (62..=64, Some(wanted)) => format!(
                "the server's certificate ({subject}) is for {}, not for {wanted}",
                if names.is_empty() { "no name".to_owned() } else { names.join(", ") }
            ),
            _ => format!("the certificate of {subject} was not accepted"),
        };
        write!(f, "{what} (verify error {code}: {text}, depth {depth})")
    }
}
