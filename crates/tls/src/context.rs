//! From a policy to an OpenSSL context, and a cache of them.

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef, SslSessionCacheMode, SslVerifyMode,
};
use openssl::x509::X509StoreContext;
use openssl::x509::store::X509StoreBuilder;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::diagnosis;
use crate::failure::{Cause, VerifyFailure};
use crate::ffi;
use crate::material;
use crate::policy::{Identity, Policy, Verify};
use crate::report;
use crate::resume;
use crate::version::{Suite, Version};

/// How many distinct contexts are kept.
const CACHED: usize = 64;
/// `SSL_OP_LEGACY_SERVER_CONNECT` of `openssl/ssl.h`: also talk to servers without RFC 5746.
const LEGACY_SERVER_CONNECT: u64 = 1 << 2;

/// What of a policy makes a context; the rest is set per session.
#[derive(Debug)]
struct Key {
    versions: (Version, Version),
    suites: Vec<Suite>,
    modern: bool,
    anchors: Option<Vec<u8>>,
    identity: Option<Identity>,
    verify: bool,
    fixable: bool,
    /// Its sessions are for others to resume: tickets are asked for.
    resumable: bool,
}

impl Key {
    fn of(policy: &Policy, resumable: bool) -> Self {
        Self {
            versions: (policy.min_version, policy.max_version),
            suites: policy.suites.clone(),
            modern: policy.modern,
            anchors: anchors(policy).map(<[u8]>::to_vec),
            identity: policy.identity.clone(),
            verify: policy.verify != Verify::None,
            fixable: policy.fixed.any(),
            resumable,
        }
    }

    /// Whether it is that key; copies nothing, as this is asked at every connect.
    fn is_of(&self, policy: &Policy, resumable: bool) -> bool {
        self.resumable == resumable
            && self.versions == (policy.min_version, policy.max_version)
            && self.modern == policy.modern
            && self.verify == (policy.verify != Verify::None)
            && self.fixable == policy.fixed.any()
            && self.suites == policy.suites
            && self.identity == policy.identity
            && self.anchors.as_deref() == anchors(policy)
    }
}

/// The anchors, where they matter.
fn anchors(policy: &Policy) -> Option<&[u8]> {
    policy.anchors.as_deref().filter(|_| policy.verify != Verify::None)
}

/// A context and what people want to know of it.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) context: SslContext,
    /// The subject of the client certificate.
    pub(crate) client: Option<Arc<str>>,
}

/// Contexts by policy, the last used last. One for all modules: most of a fleet shares one policy.
#[derive(Default)]
pub(crate) struct Cache {
    contexts: Mutex<Vec<(Key, Prepared)>>,
}

impl Cache {
    /// The context for `policy`.
    ///
    /// # Errors
    /// Why there cannot be one.
    pub(crate) fn get(
        &self,
        policy: &Policy,
        resumable: bool,
        keylog: Option<&Keylog>,
    ) -> Result<Prepared, Cause> {
        if let Some(found) = recent(&mut self.lock(), policy, resumable) {
            return Ok(found);
        }
        // Built outside the lock: parsing must not hold up other connects.
        let key = Key::of(policy, resumable);
        let prepared = build(&key, keylog)?;
        Ok(self.keep(policy, key, prepared))
    }

    /// Keeps a context, unless somebody else has built the same meanwhile: twice the same would push others out.
    fn keep(&self, policy: &Policy, key: Key, prepared: Prepared) -> Prepared {
        let mut contexts = self.lock();
        if let Some(found) = recent(&mut contexts, policy, key.resumable) {
            return found;
        }
        if contexts.len() >= CACHED {
            contexts.remove(0);
        }
        contexts.push((key, prepared.clone()));
        prepared
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Key, Prepared)>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many contexts are kept.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

/// The context for `policy`, which becomes the last used.
fn recent(contexts: &mut [(Key, Prepared)], policy: &Policy, resumable: bool) -> Option<Prepared> {
    let index = contexts.iter().position(|(key, _)| key.is_of(policy, resumable))?;
    contexts[index..].rotate_left(1);
    contexts.last().map(|(_, prepared)| prepared.clone())
}

/// Called with each line of the key log (NSS format).
pub(crate) type Keylog = Arc<dyn Fn(&str) + Send + Sync>;

fn refused(error: ErrorStack) -> Cause {
    Cause::Refused(error.to_string())
}

fn build(key: &Key, keylog: Option<&Keylog>) -> Result<Prepared, Cause> {
    ffi::init().map_err(refused)?;
    let anchors = match (&key.anchors, key.verify) {
        (_, false) => Vec::new(),
        (None, true) => return Err(Cause::NoAnchors),
        (Some(content), true) => material::certificates("cacert", content)?,
    };
    let identity = key.identity.as_ref().map(material::identity).transpose()?;
    let client = identity.as_ref().map(|loaded| Arc::from(report::name(loaded.certificate.subject_name())));
    let context = builder(key, keylog, anchors, identity).map_err(refused)?.build();
    Ok(Prepared { context, client })
}

fn builder(
    key: &Key,
    keylog: Option<&Keylog>,
    anchors: Vec<openssl::x509::X509>,
    identity: Option<material::Loaded>,
) -> Result<SslContextBuilder, ErrorStack> {
    let mut b =
        if key.fixable { ffi::fixable_builder()? } else { SslContextBuilder::new(SslMethod::tls_client())? };
    // AT contexts choose authentication, not strength: level 0 always (and again in the cipher list, which could raise it).
    b.set_security_level(0);
    b.set_min_proto_version(Some(key.versions.0.openssl()))?;
    b.set_max_proto_version(Some(key.versions.1.openssl()))?;
    b.set_cipher_list(&cipher_list(&key.suites, key.modern))?;
    if key.modern || key.versions.1 == Version::Tls13 {
        // Without the post-quantum share, which makes the ClientHello too long for some middleboxes.
        b.set_groups_list("X25519:P-256:P-384")?;
    }
    // tokio-openssl moves its buffers and writes in parts; buffers are released while a link is idle.
    b.set_mode(
        SslMode::AUTO_RETRY
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::RELEASE_BUFFERS,
    );
    b.set_options(SslOptions::from_bits_retain(LEGACY_SERVER_CONNECT));
    if key.resumable {
        // Nothing is kept in the context itself, where every session of the policy would find it.
        b.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
        b.set_new_session_callback(|ssl, session| resume::made(ssl, &session));
    } else {
        b.set_options(SslOptions::NO_TICKET);
        b.set_session_cache_mode(SslSessionCacheMode::OFF);
    }
    if key.verify {
        let mut store = X509StoreBuilder::new()?;
        for anchor in anchors {
            store.add_cert(anchor)?;
        }
        b.set_verify_cert_store(store.build())?;
        b.set_verify_callback(SslVerifyMode::PEER, |ok, chain| {
            if !ok {
                note_rejection(chain);
            }
            ok
        });
    } else {
        b.set_verify(SslVerifyMode::NONE);
    }
    if let Some(loaded) = identity {
        b.set_certificate(&loaded.certificate)?;
        for certificate in loaded.chain {
            b.add_extra_chain_cert(certificate)?;
        }
        b.set_private_key(&loaded.key)?;
    }
    if let Some(keylog) = keylog.cloned() {
        b.set_keylog_callback(move |_, line| keylog(line));
    }
    ffi::observe(&mut b);
    Ok(b)
}

fn cipher_list(suites: &[Suite], modern: bool) -> String {
    let mut names: Vec<&str> = Vec::new();
    if modern {
        names.extend(["ECDHE+AESGCM", "ECDHE+CHACHA20", "ECDHE+AES", "DHE+AESGCM"]);
    }
    names.extend(suites.iter().filter_map(|suite| suite.openssl_name()));
    format!("{}:!aNULL:!eNULL:@SECLEVEL=0", names.join(":"))
}

fn note_rejection(chain: &mut openssl::x509::X509StoreContextRef) {
    let verify = {
        let error = chain.error();
        let certificate = chain.current_cert();
        let text = |f: fn(&openssl::x509::X509Ref) -> String| certificate.map(f).unwrap_or_default();
        VerifyFailure {
            code: error.as_raw(),
            text: error.error_string().to_owned(),
            depth: chain.error_depth(),
            subject: text(|c| report::name(c.subject_name())),
            issuer: text(|c| report::name(c.issuer_name())),
            validity: (text(|c| c.not_before().to_string()), text(|c| c.not_after().to_string())),
            names: certificate.map(report::names).unwrap_or_default(),
            wanted: None,
        }
    };
    let session: Option<Index<X509StoreContext, SslRef>> = X509StoreContext::ssl_idx().ok();
    let shared = session
        .and_then(|index| chain.ex_data(index))
        .and_then(|ssl| diagnosis::index().and_then(|index| ssl.ex_data(index)));
    if let Some(shared) = shared {
        // The first fault is the cause; what follows comes of it.
        diagnosis::lock(shared).verify.get_or_insert(verify);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let cache = Cache::default();
        let suites = |n: usize| Policy {
            // So many copies of one suite: distinct policies that are quick to build.
            suites: vec![Suite(0x0035); n + 1],
            ..Policy::default()
        };
        let has = |n| cache.lock().iter().any(|(key, _)| key.is_of(&suites(n), false));
        for n in 0..CACHED {
            assert!(cache.get(&suites(n), false, None).is_ok());
        }
        assert!(cache.get(&suites(0), false, None).is_ok());
        assert!(cache.get(&suites(CACHED), false, None).is_ok());
        assert!(has(0) && !has(1) && has(2) && has(CACHED));
        assert_eq!(cache.len(), CACHED);
    }
    #[test]
    fn two_that_build_the_same_at_once_keep_it_once() {
        let cache = Cache::default();
        let policy = Policy::default();
        for _ in 0..2 {
            let key = Key::of(&policy, false);
            let Ok(prepared) = build(&key, None) else { panic!("a default policy works") };
            cache.keep(&policy, key, prepared);
        }
        assert_eq!(cache.len(), 1);
    }
}
