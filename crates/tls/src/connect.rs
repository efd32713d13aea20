//! The client side: one handshake.

use openssl::ssl::{ErrorCode, Ssl, SslContext};
use openssl::x509::verify::X509CheckFlags;
use openssl::x509::verify::X509VerifyFlags;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_openssl::SslStream;

use crate::context::{Cache, Keylog, Prepared};
use crate::diagnosis::{self, Diagnosis, Shared};
use crate::failure::{Cause, Failure, Stage};
use crate::ffi::{self, Overrides};
use crate::policy::{Policy, ServerName, TimeRule, Verify};
use crate::report::{PeerCertificate, Report};
use crate::stream::{Tap, TlsStream};
use crate::version::{Suite, Version};

/// Makes client sessions. Keeps one OpenSSL context per distinct policy; share one connector among all that connect.
#[derive(Default)]
pub struct Connector {
    cache: Cache,
    keylog: Option<Keylog>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("contexts", &self.cache.len()).finish_non_exhaustive()
    }
}

impl Connector {
    /// A connector with an empty cache. OpenSSL is prepared at the first connect, not here.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A connector that hands the secrets of every session to `log`, one line each, in NSS key log format. For debugging
    /// only: whoever has them reads the traffic.
    #[must_use]
    pub fn with_key_log(log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { cache: Cache::default(), keylog: Some(Arc::new(log)) }
    }

    /// How many contexts are cached.
    #[must_use]
    pub fn cached_contexts(&self) -> usize {
        self.cache.len()
    }

    /// Does the handshake over `stream`, for at most `timeout`.
    ///
    /// # Errors
    /// A [`Failure`] that says why. A policy that cannot work fails at [`Stage::Configure`], before the first byte.
    pub async fn connect<S>(
        &self,
        stream: S,
        policy: &Policy,
        timeout: Duration,
    ) -> Result<TlsStream<S>, Box<Failure>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let attempt = Attempt::new(policy);
        let prepared = self
            .cache
            .get(policy, self.keylog.as_ref())
            .map_err(|cause| attempt.failure(cause, Stage::Configure))?;
        let mut overrides = overrides(policy).map_err(|cause| attempt.failure(cause, Stage::Configure))?;
        let ssl = session(&prepared.context, policy, &attempt.shared)
            .map_err(|error| attempt.failure(Cause::Refused(error.to_string()), Stage::Configure))?;
        let mut stream = SslStream::new(ssl, Tap::new(stream))
            .map_err(|error| attempt.failure(Cause::Refused(error.to_string()), Stage::Configure))?;
        let armed = policy.fixed.any();
        let handshake = poll_fn(|cx| {
            if !armed {
                return Pin::new(&mut stream).poll_connect(cx);
            }
            let pointer = ffi::pointer(stream.ssl());
            ffi::with_overrides(pointer, &mut overrides, || Pin::new(&mut stream).poll_connect(cx))
        });
        match tokio::time::timeout(timeout, handshake).await {
            Ok(Ok(())) => {
                let report = attempt.report(&stream, &prepared, &overrides);
                Ok(TlsStream::new(stream, report))
            }
            Ok(Err(error)) => {
                stream.get_mut().look_further().await;
                let cause = attempt.cause(&error, &stream.get_ref().first);
                let stage = diagnosis::lock(&attempt.shared).stage();
                Err(attempt.failure(cause, stage))
            }
            Err(_) => {
                let silent = stream.get_ref().first.is_empty();
                let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                let stage = diagnosis::lock(&attempt.shared).stage();
                Err(attempt.failure(Cause::Timeout { millis, silent }, stage))
            }
        }
    }
}

/// The fixed values of a policy, checked.
fn overrides(policy: &Policy) -> Result<Overrides, Cause> {
    let premaster = match &policy.fixed.premaster {
        None => None,
        Some(premaster) => {
            let random = premaster.random_for(policy.max_version);
            Some(random.ok_or(Cause::PremasterVersion { expected: policy.max_version.client_hello() })?)
        }
    };
    Ok(Overrides { hello: policy.fixed.hello, premaster })
}

/// A session with everything that is not in its (shared) context: name, time, anchors' rule.
fn session(
    context: &SslContext,
    policy: &Policy,
    shared: &Shared,
) -> Result<Ssl, openssl::error::ErrorStack> {
    let mut ssl = Ssl::new(context)?;
    if let Some(index) = diagnosis::index() {
        ssl.set_ex_data(index, Arc::clone(shared));
    }
    if let Some(name) = policy.server_name.as_deref()
        && name.parse::<std::net::IpAddr>().is_err()
    {
        ssl.set_hostname(name)?;
    }
    if let Verify::Chain { partial, name, time } = &policy.verify {
        let parameters = ssl.param_mut();
        if *partial {
            parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
        }
        match time {
            TimeRule::Ignore => parameters.set_flags(X509VerifyFlags::NO_CHECK_TIME)?,
            TimeRule::At(seconds) => parameters.set_time(*seconds),
        }
        parameters.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
        match name {
            Some(ServerName::Dns(name)) => parameters.set_host(name)?,
            Some(ServerName::Ip(address)) => parameters.set_ip(*address)?,
            None => {}
        }
    }
    Ok(ssl)
}

/// One attempt: what was asked for, and what was seen.
struct Attempt<'a> {
    policy: &'a Policy,
    shared: Shared,
}

impl<'a> Attempt<'a> {
    fn new(policy: &'a Policy) -> Self {
        Self { policy, shared: Arc::new(Mutex::new(Diagnosis::default())) }
    }

    fn failure(&self, cause: Cause, stage: Stage) -> Box<Failure> {
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
            client_certificate_asked: seen.asked(),
            client_certificate_sent: seen.presented(),
        })
    }

    fn cause(&self, error: &openssl::ssl::Error, first: &[u8]) -> Cause {
        let seen = diagnosis::lock(&self.shared);
        if let Some(alert) = seen.alerts.iter().find(|alert| !alert.sent && alert.fatal) {
            return Cause::AlertReceived(*alert);
        }
        if seen.verify.is_some() {
            return Cause::CertificateRejected;
        }
        let looks_like_tls = matches!(first, [20..=23, 3, 0..=4, ..] | [20..=23, 3] | [20..=23] | []);
        if !looks_like_tls {
            return Cause::NotTls { first: first.to_vec() };
        }
        if let Some(io) = error.io_error() {
            return match io.kind() {
                io::ErrorKind::UnexpectedEof => Cause::Closed { after_data: !first.is_empty() },
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe if first.is_empty() => {
                    Cause::Closed { after_data: false }
                }
                kind => Cause::Broken(kind),
            };
        }
        let reason = error.ssl_error().and_then(|stack| stack.errors().first()).and_then(|e| e.reason());
        match reason {
            Some("unexpected eof while reading") => Cause::Closed { after_data: !first.is_empty() },
            Some("unsupported protocol" | "wrong version number" | "wrong ssl version") => {
                Cause::WrongVersion
            }
            Some(reason) => Cause::Protocol(reason.to_owned()),
            None if error.code() == ErrorCode::SYSCALL || error.code() == ErrorCode::ZERO_RETURN => {
                Cause::Closed { after_data: !first.is_empty() }
            }
            None => Cause::Protocol(error.to_string()),
        }
    }

    fn report<S>(&self, stream: &SslStream<Tap<S>>, prepared: &Prepared, left: &Overrides) -> Report {
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
            hello_fixed: self.policy.fixed.hello.is_some(),
            premaster_fixed: self.policy.fixed.premaster.map(|_| left.premaster.is_none()),
        }
    }
}
