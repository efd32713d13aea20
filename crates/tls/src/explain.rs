//! Failures in words: one line each, with the cause and, where there is one, the cure.

use std::fmt;

use crate::advice;
use crate::failure::{Alert, Cause, Failure, Stage, VerifyFailure};

impl Failure {
    fn offered(&self) -> String {
        let (low, high) = self.versions;
        let versions = if low == high { low.to_string() } else { format!("{low} to {high}") };
        let suites: Vec<String> = self.suites.iter().map(|suite| format!("0X{:04X}", suite.0)).collect();
        let modern = if self.modern { "forward-secret suites and " } else { "" };
        format!("offered {versions} with {modern}{}", suites.join(" "))
    }

    /// What was seen, in one line without the cure.
    #[must_use]
    pub fn seen(&self) -> String {
        Seen(self).to_string()
    }

    /// What to do about it, where something can be said.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        advice::of(self)
    }

    fn alert_received(&self, alert: Alert, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.stage == Stage::Hello {
            return match alert.number {
                70 => write!(f, "the server does not speak this version (alert {alert}): {}", self.offered()),
                40 | 71 => {
                    write!(f, "no common version or cipher suite (alert {alert}): {}", self.offered())
                }
                112 => write!(f, "the server does not know this name (alert {alert})"),
                _ => write!(f, "the server refused the ClientHello with alert {alert}: {}", self.offered()),
            };
        }
        if self.lacks_client_certificate() {
            demanded(alert, f)?;
            return self.authorities(f);
        }
        if self.client_certificate_refused() {
            not_accepted(alert, f)?;
            return self.authorities(f);
        }
        write!(f, "the server ended the handshake with alert {alert}, {}", self.stage)
    }

    /// Whose client certificates the server wants, where it says so.
    fn authorities(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.accepted_authorities.as_slice() {
            [] => Ok(()),
            names => write!(f, "; it accepts those issued by {}", names.join(", or by ")),
        }
    }

    /// The alert that we sent, in parentheses.
    fn alert_sent(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.alerts.iter().find(|alert| alert.sent && alert.fatal) {
            Some(alert) => write!(f, " (alert {alert} sent)"),
            None => Ok(()),
        }
    }

    /// What was wrong before anything was sent.
    fn configuration(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::VersionsReversed => {
                let (low, high) = self.versions;
                write!(f, "the oldest version, {low}, is newer than the newest, {high}")
            }
            Cause::NoSuites => f.write_str("no cipher suite is allowed, so there is nothing to offer"),
            Cause::UnknownSuite(suite) => {
                write!(f, "{suite} is not one of the suites that can be offered by number")
            }
            Cause::SuiteNeedsTls12(suite) => {
                write!(
                    f,
                    "this suite needs TLS 1.2: {suite} was asked for with {} at most",
                    self.versions.1
                )
            }
            Cause::BadName { name, checked } => {
                let what = if *checked { "checked in a certificate" } else { "sent to a server" };
                let shown: String = name.chars().take(64).collect();
                write!(f, "the name `{}` cannot be {what}", shown.escape_debug())
            }
            Cause::NoAnchors => {
                f.write_str("the server is to be authenticated (seclevel 1 or 2), but no cacert is set")
            }
            Cause::Unusable { what, why } => write!(f, "the {what} cannot be used: {why}"),
            Cause::KeyMismatch => f.write_str(
                "clientkey does not belong to clientcert: the key does not match the certificate's public key",
            ),
            Cause::PremasterVersion { expected: [major, minor] } => write!(
                f,
                "a premaster of 96 digits has to begin with the version that the ClientHello offers, \
                 {major:02X}{minor:02X}"
            ),
            Cause::Refused(why) => write!(f, "OpenSSL refused the settings, which is a bug of ours: {why}"),
            other => write!(f, "{other:?}"),
        }
    }

    fn timeout(&self, millis: u64, silent: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, rest) = (millis / 1000, millis % 1000);
        let limit = if rest == 0 { format!("{seconds} s") } else { format!("{seconds}.{rest:03} s") };
        if silent {
            write!(
                f,
                "the server accepted the connection and said nothing for {limit} (negotiatetimeout), {}",
                self.stage
            )
        } else {
            write!(f, "the handshake was not done within {limit} (negotiatetimeout), {}", self.stage)
        }
    }
}

fn demanded(alert: Alert, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "the server demands a client certificate and none was presented (alert {alert})")
}

fn not_accepted(alert: Alert, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("the server did not accept the client certificate")?;
    // These two also end a handshake in which a byte was changed.
    if matches!(alert.number, 40 | 51) {
        f.write_str(", or the handshake was altered on the way")?;
    }
    write!(f, " (alert {alert})")
}

/// A fatal alert that ended an established session.
pub(crate) struct Late {
    pub(crate) alert: Alert,
    /// The peer had asked for a client certificate.
    pub(crate) asked: bool,
    /// One had been sent.
    pub(crate) sent: bool,
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In the middle of a session an alert can mean much else, so only those that speak of certificates count.
        match (self.asked && self.alert.can_mean_wrong_certificate(), self.sent) {
            (true, false) => {
                demanded(self.alert, f)?;
                write!(f, "; {}", advice::PRESENT)
            }
            (true, true) => {
                not_accepted(self.alert, f)?;
                write!(f, "; {}", advice::ACCEPTABLE)
            }
            (false, _) => write!(f, "the peer ended the session with alert {}", self.alert),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Seen(self).fmt(f)?;
        match self.advice() {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

/// What was seen of a failure.
struct Seen<'a>(&'a Failure);

impl fmt::Display for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(failure) = self;
        match &failure.cause {
            _ if failure.stage == Stage::Configure => {
                failure.configuration(f)?;
                f.write_str("; nothing was sent")
            }
            Cause::CertificateRejected => {
                match &failure.verify {
                    Some(verify) => verify.fmt(f)?,
                    None => f.write_str("the server's certificate was not accepted")?,
                }
                failure.alert_sent(f)
            }
            Cause::AlertReceived(alert) => failure.alert_received(*alert, f),
            Cause::NotTls { first } => {
                write!(f, "what answers is not TLS: it begins with `{}`", first.escape_ascii())?;
                if advice::greets(first) { f.write_str(" (a greeting in plain text)") } else { Ok(()) }
            }
            Cause::Echo => f.write_str("what answers is not TLS: our own ClientHello came back"),
            Cause::WrongVersion { answered: Some(version) } => {
                write!(f, "the server answers with {version}, which was not offered: {}", failure.offered())
            }
            Cause::WrongVersion { answered: None } => {
                write!(f, "the server answers with a version that was not offered: {}", failure.offered())
            }
            Cause::Closed { after_data: false } => write!(
                f,
                "the server closed the connection without an answer to the ClientHello ({})",
                failure.offered()
            ),
            Cause::Closed { .. } if failure.lacks_client_certificate() => {
                write!(
                    f,
                    "the server closed the connection {}, after it asked for a client certificate and none was presented",
                    failure.stage
                )?;
                failure.authorities(f)
            }
            Cause::Closed { after_data: true } => {
                write!(f, "the server closed the connection {}", failure.stage)
            }
            Cause::Broken(kind) => write!(f, "the connection broke ({kind}), {}", failure.stage),
            Cause::Timeout { millis, silent } => failure.timeout(*millis, *silent, f),
            Cause::Protocol(text) => {
                write!(f, "the handshake failed, {}: {text}", failure.stage)?;
                failure.alert_sent(f)
            }
            _ => failure.configuration(f),
        }
    }
}

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
            (19, _) => format!("the chain ends in {subject}, which is not in cacert: wrong CA"),
            (2 | 20 | 21, _) => format!(
                "no certificate in cacert signed {subject}; it names its issuer as {issuer}: wrong CA, or an \
                 intermediate that the server does not send"
            ),
            (7, _) => format!("the signature on the certificate of {subject} is not that of {issuer}"),
            (26, _) => format!("the certificate of {subject} is not meant for a server and was not accepted"),
            (24 | 79, _) => format!("{subject} signed a certificate but is not a CA, and was not accepted"),
            (62..=64, Some(wanted)) => format!(
                "the server's certificate ({subject}) is for {}, not for {wanted}{}",
                if names.is_empty() { "no name".to_owned() } else { names.join(", ") },
                // It is there as text, in a DNS name or in the common name.
                if *code == 64 && names.contains(wanted) {
                    ": an address counts only as an IP address in the alternative names"
                } else {
                    ""
                }
            ),
            _ => format!("the certificate of {subject} was not accepted"),
        };
        write!(f, "{what} (verify error {code}: {text}, depth {depth})")
    }
}
