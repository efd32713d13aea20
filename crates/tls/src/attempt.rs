//! One handshake: what was asked for, what was seen, and what that adds up to.

use openssl::ssl::ErrorCode;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_openssl::SslStream;

use crate::context::Prepared;
use crate::diagnosis::{self, Diagnosis, Shared};
use crate::failure::{Cause, Failure, Stage};
use crate::ffi::Overrides;
use crate::policy::{Policy, TimeRule, Verify};
use crate::report::{PeerCertificate, Report, Side};
use crate::stream::Tap;
use crate::version::{Suite, Version};

/// One attempt.
pub(crate) struct Attempt<'a> {
    policy: &'a Policy,
    pub(crate) shared: Shared,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(policy: &'a Policy) -> Self {
        Self { policy, shared: Arc::new(Mutex::new(Diagnosis::default())) }
    }

    pub(crate) fn failure(&self, cause: Cause, stage: Stage) -> Box<Failure> {
        let seen = diagnosis::lock(&self.shared);
        let wanted = match &self.policy.verify {
            Verify::Chain { name: Some(name), .. } => Some(name.to_string()),
            _ => None,
        };
        let verify = seen.verify.clone().map(|mut verify| {
            verify.wanted = wanted;
            verify
        });
        Box::new(Failure {
            stage,
            cause,
            alerts: seen.alerts.clone(),
            verify,
            versions: (self.policy.min_version, self.policy.max_version),
            suites: self.policy.suites.clone(),
            modern: self.policy.modern,
            client_certificate_asked: seen.asked(),
            client_certificate_sent: seen.presented(),
            accepted_authorities: seen.authorities.clone(),
        })
    }

    /// The failure when time was up, with the first bytes that came in.
    pub(crate) fn timed_out(&self, timeout: Duration, first: &[u8]) -> Box<Failure> {
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let cause = foreign(first).unwrap_or(Cause::Timeout { millis, silent: first.is_empty() });
        let stage = diagnosis::lock(&self.shared).stage();
        self.failure(cause, stage)
    }

    /// The failure when OpenSSL gave up, with the first bytes that came in and with those that it had not read.
    pub(crate) fn failed(&self, error: &openssl::ssl::Error, first: &[u8], rest: &[u8]) -> Box<Failure> {
        let (cause, stage) = {
            let mut seen = diagnosis::lock(&self.shared);
            // When sending fails, the alert that says why is often there already, unread.
            if error.io_error().is_some()
                && let [21, 3, _, 0, 2, level, number, ..] = rest
            {
                seen.message(false, 21, &[*level, *number]);
            }
            (self.cause(&seen, error, first), seen.stage())
        };
        self.failure(cause, stage)
    }

    fn cause(&self, seen: &Diagnosis, error: &openssl::ssl::Error, first: &[u8]) -> Cause {
        if let Some(alert) = seen.ended_by() {
            return Cause::AlertReceived(alert);
        }
        if seen.verify.is_some() {
            return Cause::CertificateRejected;
        }
        if let Some(foreign) = foreign(first) {
            return foreign;
        }
        let closed = Cause::Closed { after_data: !first.is_empty() };
        if let Some(io) = error.io_error() {
            return match io.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => closed,
                kind => Cause::Broken(kind),
            };
        }
        let reason = error.ssl_error().and_then(|stack| stack.errors().first()).and_then(|e| e.reason());
        match reason {
            Some("unexpected eof while reading") => closed,
            Some(reason @ ("unsupported protocol" | "wrong version number" | "wrong ssl version")) => {
                let offered = self.policy.min_version..=self.policy.max_version;
                match answered(first) {
                    // The hello is as it should be; a later record was not.
                    Some(version) if offered.contains(&version) => Cause::Protocol(reason.to_owned()),
                    answered => Cause::WrongVersion { answered },
                }
            }
            Some(reason) => Cause::Protocol(reason.to_owned()),
            None if error.code() == ErrorCode::SYSCALL || error.code() == ErrorCode::ZERO_RETURN => closed,
            None => Cause::Protocol(error.to_string()),
        }
    }

    pub(crate) fn report<S>(
        &self,
        stream: &SslStream<Tap<S>>,
        prepared: &Prepared,
        left: &Overrides,
    ) -> Report {
        let seen = diagnosis::lock(&self.shared);
        let ssl = stream.ssl();
        let cipher = ssl.current_cipher();
        let (chain_checked, name_checked, time_checked) = match &self.policy.verify {
            Verify::None => (false, None, false),
            Verify::Chain { name, time, .. } => {
                (true, name.as_ref().map(ToString::to_string), *time != TimeRule::Ignore)
            }
        };
        Report {
            side: Side::Client,
            version: Version::from_openssl(ssl.version_str()),
            suite: Suite(cipher.map_or(0, |cipher| u16::from_be_bytes(cipher.protocol_id()))),
            suite_name: cipher.map_or(String::new(), |cipher| cipher.name().to_owned()),
            peer: ssl.peer_certificate().map(|certificate| PeerCertificate::of(&certificate)),
            chain_checked,
            name_checked,
            time_checked,
            client_certificate_asked: seen.asked(),
            client_certificate: if seen.presented() {
                prepared.client.as_deref().map(str::to_owned)
            } else {
                None
            },
            hello_fixed: self.policy.fixed.hello.is_some() && left.hello.is_none(),
            premaster_fixed: self.policy.fixed.premaster.map(|_| left.premaster.is_none()),
            resumed: None,
        }
    }
}

/// The cause, if what came first is not from a TLS server at all.
fn foreign(first: &[u8]) -> Option<Cause> {
    const CLIENT_HELLO: u8 = 1;
    match first {
        [22, 3, _, _, _, CLIENT_HELLO, ..] => Some(Cause::Echo),
        // Record types, then a version.
        [20..=23, 3, 0..=4, ..] | [20..=23, 3] | [20..=23] | [] => None,
        _ => Some(Cause::NotTls { first: first.to_vec() }),
    }
}

/// The version in the ServerHello that the first bytes are.
fn answered(first: &[u8]) -> Option<Version> {
    match first {
        [22, 3, _, _, _, diagnosis::SERVER_HELLO, _, _, _, 3, minor, ..] => Some(match minor {
            0 => Version::Ssl30,
            1 => Version::Tls10,
            2 => Version::Tls11,
            3 => Version::Tls12,
            _ => return None,
        }),
        _ => None,
    }
}
