//! Sessions that later connections may resume.
//!
//! A resumed handshake shows no certificate, so OpenSSL makes none of the checks again: it takes over the verdict of the first
//! handshake. A session is therefore offered only when everything that decides about checks is as it was then, and when its chain
//! would still be accepted now. Whatever speaks against it leads to a full handshake, which says what is wrong.

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslRef, SslSession};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509CheckFlags, X509VerifyFlags, X509VerifyParam, X509VerifyParamRef};
use openssl::x509::{X509, X509PurposeId, X509StoreContext};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::check;
use crate::context::Prepared;
use crate::ffi;
use crate::material;
use crate::policy::{Policy, ServerName, TimeRule, Verify};

/// The last session of a connection, for others to resume; nothing as long as there is none. Clones share it.
#[derive(Clone, Default)]
pub struct Resumable(Arc<Mutex<Slot>>);

#[derive(Default)]
struct Slot {
    kept: Option<Kept>,
    /// Whether its first handshake used a fixed pre-master secret, as in a report.
    premaster_fixed: Option<bool>,
}

struct Kept {
    session: SslSession,
    /// What the server has shown, its own certificate first.
    chain: Vec<X509>,
    policy: Arc<Policy>,
    prepared: Prepared,
}

impl fmt::Debug for Resumable {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resumable").field(&self.is_known()).finish()
    }
}

impl Resumable {
    /// Whether there is a session.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.lock().kept.is_some()
    }

    /// The session and the context that it belongs to, if it may be offered under this policy.
    pub(crate) fn offer(&self, policy: &Policy) -> Option<(SslSession, Prepared)> {
        let slot = self.lock();
        let kept = slot.kept.as_ref()?;
        if !alike(&kept.policy, policy) || !accepted_now(&kept.chain, policy).unwrap_or(false) {
            return None;
        }
        // A copy: what becomes of the connection that resumes it must not spoil it for the next one.
        Some((ffi::copy(&kept.session)?, kept.prepared.clone()))
    }

    pub(crate) fn premaster_fixed(&self) -> Option<bool> {
        self.lock().premaster_fixed
    }

    pub(crate) fn set_premaster_fixed(&self, fixed: Option<bool>) {
        self.lock().premaster_fixed = fixed;
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connect has to do with sessions that outlive it.
#[derive(Clone, Debug, Default)]
pub enum Resumption {
    /// Nothing: no ticket is asked for.
    #[default]
    None,
    /// The session is kept here.
    Keep(Resumable),
    /// The session that is kept here is offered, if it may be; where the server renews it, the new one is kept instead.
    Offer(Resumable),
}

/// Hangs on a session under way whose results are to be kept.
pub(crate) struct Keeper {
    slot: Resumable,
    /// Only what continues the session that was kept.
    renewing: bool,
    policy: Arc<Policy>,
    prepared: Prepared,
}

impl Keeper {
    pub(crate) fn new(resumption: &Resumption, policy: &Policy, prepared: &Prepared) -> Option<Self> {
        let (slot, renewing) = match resumption {
            Resumption::None => return None,
            Resumption::Keep(slot) => (slot.clone(), false),
            Resumption::Offer(slot) => (slot.clone(), true),
        };
        Some(Self { slot, renewing, policy: Arc::new(policy.clone()), prepared: prepared.clone() })
    }
}

/// Where a session keeps its keeper.
pub(crate) fn index() -> Option<Index<Ssl, Keeper>> {
    static INDEX: OnceLock<Option<Index<Ssl, Keeper>>> = OnceLock::new();
    *INDEX.get_or_init(|| Ssl::new_ex_index().ok())
}

/// A session was made, or renewed.
pub(crate) fn made(ssl: &SslRef, session: &SslSession) {
    let Some(keeper) = index().and_then(|index| ssl.ex_data(index)) else { return };
    if keeper.renewing && !ssl.session_reused() {
        return;
    }
    // A copy, too: a connection that ends badly marks its own as not to be resumed.
    let Some(session) = ffi::copy(session) else { return };
    let chain = ssl.peer_cert_chain().into_iter().flatten().map(ToOwned::to_owned).collect();
    let kept = Kept { session, chain, policy: Arc::clone(&keeper.policy), prepared: keeper.prepared.clone() };
    keeper.slot.lock().kept = Some(kept);
}

/// Whether two policies lead to the same handshake with the same checks, if not at the same time.
fn alike(one: &Policy, other: &Policy) -> bool {
    let Policy { min_version, max_version, suites, modern, anchors, identity, verify, server_name, fixed } =
        one;
    (min_version, max_version, suites, modern)
        == (&other.min_version, &other.max_version, &other.suites, &other.modern)
        && (anchors, identity, server_name) == (&other.anchors, &other.identity, &other.server_name)
        && timeless(verify) == timeless(&other.verify)
        // A ClientHello's random may begin with the time.
        && (fixed.hello.is_some(), fixed.premaster) == (other.fixed.hello.is_some(), other.fixed.premaster)
}

fn timeless(verify: &Verify) -> Option<(bool, Option<&ServerName>, bool)> {
    match verify {
        Verify::None => None,
        Verify::Chain { partial, name, time } => Some((*partial, name.as_ref(), *time == TimeRule::Ignore)),
    }
}

/// Whether a server that shows this chain now would be accepted.
fn accepted_now(chain: &[X509], policy: &Policy) -> Result<bool, ErrorStack> {
    if policy.verify == Verify::None {
        return Ok(true);
    }
    let (Some(certificate), Some(anchors)) = (chain.first(), &policy.anchors) else { return Ok(false) };
    let Ok(anchors) = material::certificates("cacert", anchors) else { return Ok(false) };
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_purpose(X509PurposeId::SSL_SERVER)?;
    demand(&mut parameters, &policy.verify)?;
    let mut store = X509StoreBuilder::new()?;
    for anchor in anchors {
        store.add_cert(anchor)?;
    }
    store.set_param(&parameters)?;
    let mut others = Stack::new()?;
    for certificate in &chain[1..] {
        others.push(certificate.clone())?;
    }
    X509StoreContext::new()?.init(&store.build(), certificate, &others, |context| context.verify_cert())
}

/// What a chain has to fulfil, beside leading to an anchor.
pub(crate) fn demand(parameters: &mut X509VerifyParamRef, verify: &Verify) -> Result<(), ErrorStack> {
    let Verify::Chain { partial, name, time } = verify else { return Ok(()) };
    if *partial {
        parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    }
    match time {
        TimeRule::Ignore => parameters.set_flags(X509VerifyFlags::NO_CHECK_TIME)?,
        TimeRule::At(seconds) => parameters.set_time(*seconds),
    }
    parameters.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
    match name {
        Some(ServerName::Dns(name)) => parameters.set_host(check::dns(name)),
        Some(ServerName::Ip(address)) => parameters.set_ip(*address),
        None => Ok(()),
    }
}
