//! The client side: one handshake.

use openssl::ssl::{Ssl, SslContext};
use openssl::x509::verify::X509CheckFlags;
use openssl::x509::verify::X509VerifyFlags;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_openssl::SslStream;

use crate::attempt::Attempt;
use crate::check;
use crate::context::{Cache, Keylog};
use crate::diagnosis::{self, Shared};
use crate::failure::{Cause, Failure, Stage};
use crate::ffi::{self, Overrides};
use crate::policy::{Policy, ServerName, TimeRule, Verify};
use crate::stream::{Tap, TlsStream};

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

    /// Whether a connect with this policy can work as far as this side is concerned: everything that
    /// [`connect`](Self::connect) does before the first byte.
    ///
    /// # Errors
    /// The failure that a connect would end with.
    pub fn check(&self, policy: &Policy) -> Result<(), Box<Failure>> {
        let before = |cause| Attempt::new(policy).failure(cause, Stage::Configure);
        check::policy(policy).map_err(before)?;
        overrides(policy).map_err(before)?;
        self.cache.get(policy, self.keylog.as_ref()).map(drop).map_err(before)
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
        let before = |cause| attempt.failure(cause, Stage::Configure);
        let refused = |error: openssl::error::ErrorStack| before(Cause::Refused(error.to_string()));
        check::policy(policy).map_err(before)?;
        let mut overrides = overrides(policy).map_err(before)?;
        let prepared = self.cache.get(policy, self.keylog.as_ref()).map_err(before)?;
        let ssl = session(&prepared.context, policy, &attempt.shared).map_err(refused)?;
        let mut stream = SslStream::new(ssl, Tap::new(stream)).map_err(refused)?;
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
                Ok(TlsStream::new(stream, report, attempt.shared))
            }
            Ok(Err(error)) => {
                let rest = stream.get_mut().look_further().await;
                Err(attempt.failed(&error, &stream.get_ref().first, &rest))
            }
            Err(_) => Err(attempt.timed_out(timeout, &stream.get_ref().first)),
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
    if let Some(name) = check::server_name(policy) {
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
            Some(ServerName::Dns(name)) => parameters.set_host(check::dns(name))?,
            Some(ServerName::Ip(address)) => parameters.set_ip(*address)?,
            None => {}
        }
    }
    Ok(ssl)
}
