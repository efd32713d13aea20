//! The calls that the `openssl` crate does not wrap. The only unsafe code of the TLS crate.
//!
//! Fixed randoms work through a documented API of OpenSSL 3.5 and later: a private library context whose random provider
//! is ours. Four layers keep a fixed value from any other session: only contexts made in the private library context
//! reach the provider; it is armed only inside one handshake step of one session, on one thread; it answers only the very
//! draw that fills the ClientHello random or the pre-master secret; each value is used once. Everything else goes to
//! OpenSSL's ordinary generator.
#![allow(unsafe_code, reason = "the one place that talks to OpenSSL's C interface directly")]

use foreign_types_shared::ForeignType;
use foreign_types_shared::ForeignTypeRef;
use libc::{c_char, c_int, c_uchar, c_uint, c_void, size_t};
use openssl::error::ErrorStack;
use openssl::lib_ctx::LibCtx;
use openssl::provider::Provider;
use openssl::ssl::{Ssl, SslContextBuilder, SslContextRef, SslRef, SslSession};
use std::cell::Cell;
use std::ffi::CStr;
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::diagnosis;

type MessageCallback =
    unsafe extern "C" fn(c_int, c_int, c_int, *const c_void, size_t, *mut openssl_sys::SSL, *mut c_void);
type ProviderInit =
    unsafe extern "C" fn(*const c_void, *const Dispatch, *mut *const Dispatch, *mut *mut c_void) -> c_int;

unsafe extern "C" {
    fn SSL_CTX_set_msg_callback(ctx: *mut openssl_sys::SSL_CTX, callback: Option<MessageCallback>);
    fn SSL_SESSION_dup(session: *const openssl_sys::SSL_SESSION) -> *mut openssl_sys::SSL_SESSION;
    fn SSL_CTX_new_ex(
        libctx: *mut openssl_sys::OSSL_LIB_CTX,
        properties: *const c_char,
        method: *const openssl_sys::SSL_METHOD,
    ) -> *mut openssl_sys::SSL_CTX;
    fn OSSL_PROVIDER_add_builtin(
        libctx: *mut openssl_sys::OSSL_LIB_CTX,
        name: *const c_char,
        init: Option<ProviderInit>,
    ) -> c_int;
    fn RAND_set1_random_provider(
        libctx: *mut openssl_sys::OSSL_LIB_CTX,
        provider: *mut openssl_sys::OSSL_PROVIDER,
    ) -> c_int;
    fn RAND_bytes_ex(
        libctx: *mut openssl_sys::OSSL_LIB_CTX,
        buffer: *mut c_uchar,
        length: size_t,
        strength: c_uint,
    ) -> c_int;
    fn RAND_priv_bytes_ex(
        libctx: *mut openssl_sys::OSSL_LIB_CTX,
        buffer: *mut c_uchar,
        length: size_t,
        strength: c_uint,
    ) -> c_int;
}

/// `OPENSSL_INIT_NO_LOAD_CONFIG` of `openssl/crypto.h`.
const NO_LOAD_CONFIG: u64 = 0x80;

/// Prepares OpenSSL, once: no configuration file of the machine, both providers, before any context is made (which
/// suites exist is fixed when a context is made).
///
/// # Errors
/// A provider that is not in the library.
pub(crate) fn init() -> Result<(), ErrorStack> {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if *done {
        return Ok(());
    }
    // SAFETY: a null settings pointer is allowed; the call may be repeated from any thread.
    let ok = unsafe { openssl_sys::OPENSSL_init_ssl(NO_LOAD_CONFIG, ptr::null()) };
    if ok != 1 {
        return Err(ErrorStack::get());
    }
    for name in ["default", "legacy"] {
        // Never unloaded: contexts made later need it.
        std::mem::forget(Provider::load(None, name)?);
    }
    *done = true;
    Ok(())
}

/// Lets the sessions of a context write their messages into their diagnosis.
pub(crate) fn observe(builder: &mut SslContextBuilder) {
    // SAFETY: the builder owns a live SSL_CTX; the callback is a static function that only touches the session's own ex data.
    unsafe { SSL_CTX_set_msg_callback(builder.as_ptr(), Some(message)) }
}

unsafe extern "C" fn message(
    sent: c_int,
    _version: c_int,
    content_type: c_int,
    buffer: *const c_void,
    length: size_t,
    ssl: *mut openssl_sys::SSL,
    _argument: *mut c_void,
) {
    if ssl.is_null() || buffer.is_null() || length == 0 {
        return;
    }
    // SAFETY: OpenSSL calls this with a live session and `length` readable bytes, for the time of the call.
    let (ssl, bytes) = unsafe { (SslRef::from_ptr(ssl), std::slice::from_raw_parts(buffer.cast(), length)) };
    if let Some(shared) = diagnosis::index().and_then(|index| ssl.ex_data(index)) {
        diagnosis::lock(shared).message(sent != 0, content_type, bytes);
    }
}

/// Whether the peer's close_notify has come.
pub(crate) fn close_notify_received(ssl: &SslRef) -> bool {
    const SSL_RECEIVED_SHUTDOWN: c_int = 2;
    // SAFETY: the reference is a live session; the call only reads a flag.
    unsafe { openssl_sys::SSL_get_shutdown(ssl.as_ptr()) & SSL_RECEIVED_SHUTDOWN != 0 }
}

/// A copy of a session, with an own mark of whether it may be resumed; `None` without memory.
pub(crate) fn copy(session: &SslSession) -> Option<SslSession> {
    // SAFETY: the session is live; the copy belongs to the caller.
    let copy = unsafe { SSL_SESSION_dup(session.as_ptr()) };
    if copy.is_null() {
        return None;
    }
    // SAFETY: `copy` is a fresh session that nobody else owns.
    Some(unsafe { SslSession::from_ptr(copy) })
}

/// Offers a session of this context in the handshake to come; does nothing when `ssl` is of another context.
///
/// # Errors
/// OpenSSL's, when the session does not fit.
pub(crate) fn offer(ssl: &mut Ssl, context: &SslContextRef, session: &SslSession) -> Result<(), ErrorStack> {
    if ssl.ssl_context().as_ptr() != context.as_ptr() {
        return Ok(());
    }
    // SAFETY: the session comes from the context that `ssl` is of.
    unsafe { ssl.set_session(session) }
}

/// A builder in the private library context, where randoms can be fixed.
///
/// # Errors
/// OpenSSL's, when the context or the provider cannot be made.
pub(crate) fn fixable_builder() -> Result<SslContextBuilder, ErrorStack> {
    let library = private_library()?;
    // SAFETY: the library context lives for ever; a null property query means none; the method is a static of OpenSSL.
    let ctx = unsafe { SSL_CTX_new_ex(library.as_ptr(), ptr::null(), openssl_sys::TLS_client_method()) };
    if ctx.is_null() {
        return Err(ErrorStack::get());
    }
    // SAFETY: `ctx` is a fresh SSL_CTX that nobody else owns.
    Ok(unsafe { SslContextBuilder::from_ptr(ctx) })
}

fn private_library() -> Result<&'static LibCtx, ErrorStack> {
    static LIBRARY: OnceLock<LibCtx> = OnceLock::new();
    static MAKING: Mutex<()> = Mutex::new(());
    let _guard = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = LIBRARY.get() {
        return Ok(library);
    }
    let library = LibCtx::new()?;
    // SAFETY: the library context is live, the name is a C string, the init function has the documented signature.
    if unsafe { OSSL_PROVIDER_add_builtin(library.as_ptr(), c"fixrand".as_ptr(), Some(provider_init)) } != 1 {
        return Err(ErrorStack::get());
    }
    for name in ["default", "legacy"] {
        std::mem::forget(Provider::load(Some(&library), name)?);
    }
    let provider = Provider::load(Some(&library), "fixrand")?;
    // SAFETY: both pointers are live; OpenSSL takes a reference of its own to the provider.
    let ok = unsafe { RAND_set1_random_provider(library.as_ptr(), provider.as_ptr()) };
    std::mem::forget(provider);
    if ok != 1 {
        return Err(ErrorStack::get());
    }
    Ok(LIBRARY.get_or_init(|| library))
}

/// Values still to be used by one session.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) hello: Option<[u8; 32]>,
    pub(crate) premaster: Option<[u8; 46]>,
}

/// The session whose step runs on this thread, and its values.
#[derive(Clone, Copy)]
struct Armed {
    ssl: *mut openssl_sys::SSL,
    overrides: *mut Overrides,
}

thread_local! {
    static ARMED: Cell<Option<Armed>> = const { Cell::new(None) };
}

/// Runs one handshake step of the session `ssl` with `overrides` at hand.
pub(crate) fn with_overrides<R>(
    ssl: *mut openssl_sys::SSL,
    overrides: &mut Overrides,
    step: impl FnOnce() -> R,
) -> R {
    struct Disarm(Option<Armed>);
    impl Drop for Disarm {
        fn drop(&mut self) {
            ARMED.set(self.0);
        }
    }
    let _disarm = Disarm(ARMED.replace(Some(Armed { ssl, overrides })));
    step()
}

/// The raw pointer of a session, to arm it.
pub(crate) fn pointer(ssl: &SslRef) -> *mut openssl_sys::SSL {
    ssl.as_ptr()
}

unsafe extern "C" fn random_bytes(
    _provider: *mut c_void,
    which: c_int,
    buffer: *mut c_void,
    length: size_t,
    strength: c_uint,
) -> c_int {
    const PUBLIC: c_int = 0;
    let out: *mut c_uchar = buffer.cast();
    if which != PUBLIC {
        // SAFETY: OpenSSL gives `length` writable bytes; null means the default library context.
        return unsafe { RAND_priv_bytes_ex(ptr::null_mut(), out, length, strength) };
    }
    if let Some(armed) = ARMED.get() {
        // SAFETY: armed only inside `with_overrides`, whose session and values outlive the step that draws here.
        let (state, overrides) = unsafe {
            (CStr::from_ptr(openssl_sys::SSL_state_string(armed.ssl)).to_bytes(), &mut *armed.overrides)
        };
        let fixed = match (state, length) {
            (b"TWCH", 32) => overrides.hello.take().map(|bytes| bytes.to_vec()),
            (b"TWCKE", 46) => overrides.premaster.take().map(|bytes| bytes.to_vec()),
            _ => None,
        };
        if let Some(bytes) = fixed {
            // SAFETY: `bytes` has exactly `length` bytes, and OpenSSL gives that many writable ones.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), out, length) };
            return 1;
        }
    }
    // SAFETY: as above.
    unsafe { RAND_bytes_ex(ptr::null_mut(), out, length, strength) }
}

#[repr(C)]
struct Dispatch {
    id: c_int,
    function: *const c_void,
}

// SAFETY: the table is constant and its pointers are to functions.
unsafe impl Sync for Dispatch {}

/// `OSSL_FUNC_PROVIDER_RANDOM_BYTES` of `openssl/core_dispatch.h`.
const RANDOM_BYTES: c_int = 1032;

static TABLE: [Dispatch; 2] = [
    Dispatch { id: RANDOM_BYTES, function: random_bytes as *const c_void },
    Dispatch { id: 0, function: ptr::null() },
];

unsafe extern "C" fn provider_init(
    _handle: *const c_void,
    _core: *const Dispatch,
    out: *mut *const Dispatch,
    provider: *mut *mut c_void,
) -> c_int {
    // SAFETY: OpenSSL gives two writable pointers.
    unsafe {
        *out = TABLE.as_ptr();
        *provider = ptr::null_mut();
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn nothing_stays_armed_after_a_step_even_if_it_panics() {
        let mut outer = Overrides { hello: Some([1; 32]), premaster: None };
        let mut inner = Overrides::default();
        let session = ptr::dangling_mut();
        with_overrides(session, &mut outer, || {
            let before = ARMED.get().map(|armed| armed.overrides);
            with_overrides(session, &mut inner, || {
                assert_ne!(ARMED.get().map(|armed| armed.overrides), before);
            });
            assert_eq!(ARMED.get().map(|armed| armed.overrides), before);
            assert!(std::thread::spawn(|| ARMED.get().is_none()).join().is_ok_and(|none| none));
        });
        assert!(ARMED.get().is_none());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            with_overrides(session, &mut inner, || std::panic::resume_unwind(Box::new(())));
        }));
        assert!(panicked.is_err() && ARMED.get().is_none());
    }
}
