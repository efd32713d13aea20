//! The client side: one handshake.

use openssl::ssl::{Ssl, SslContext};
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
use crate::policy::Policy;
use crate::resume::{self, Keeper, Resumption};
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
        self.cache.get(policy, false, self.keylog.as_ref()).map(drop).map_err(before)
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
        self.connect_as(stream, policy, timeout, &Resumption::None).await
    }

    /// Likewise, with a session that is kept for others, or that another connection has kept.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect). A session that may not be offered, or that the server does not take, is no failure.
    pub async fn connect_as<S>(
        &self,
        stream: S,
        policy: &Policy,
        timeout: Duration,
        resumption: &Resumption,
    ) -> Result<TlsStream<S>, Box<Failure>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let attempt = Attempt::new(policy);
        let before = |cause| attempt.failure(cause, Stage::Configure);
        let refused = |error: openssl::error::ErrorStack| before(Cause::Refused(error.to_string()));
        check::policy(policy).map_err(before)?;
        let mut overrides = overrides(policy).map_err(before)?;
        let (offered, prepared) = match resumption {
            Resumption::Offer(slot) => slot.offer(policy),
            Resumption::None | Resumption::Keep(_) => None,
        }
        .unzip();
        let resumable = !matches!(resumption, Resumption::None);
        let prepared = match prepared {
            Some(prepared) => prepared,
            None => self.cache.get(policy, resumable, self.keylog.as_ref()).map_err(before)?,
        };
        let mut ssl = session(&prepared.context, policy, &attempt.shared).map_err(refused)?;
        if let Some(session) = &offered {
            ffi::offer(&mut ssl, &prepared.context, session).map_err(refused)?;
        }
        if let (Some(index), Some(keeper)) = (resume::index(), Keeper::new(resumption, policy, &prepared)) {
            ssl.set_ex_data(index, keeper);
        }
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
                let mut report = attempt.report(&stream, &prepared, &overrides);
                report.resumed = offered.map(|_| stream.ssl().session_reused());
                match resumption {
                    Resumption::Keep(slot) => slot.set_premaster_fixed(report.premaster_fixed),
                    Resumption::Offer(slot) if report.resumed == Some(true) => {
                        report.premaster_fixed = slot.premaster_fixed();
                    }
                    Resumption::Offer(_) | Resumption::None => {}
                }
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
    resume::demand(ssl.param_mut(), &policy.verify)?;
    Ok(ssl)
}
