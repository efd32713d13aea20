//! Throw-away certificates, and a server made with OpenSSL directly.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, OnceLock};

use openssl::pkey::PKey;
use openssl::ssl::{
    ShutdownState, Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode,
    SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use tls::pki::{Issued, Request, Usage};
use tls::{Suite, Version};

use super::{Closer, Script};

/// OpenSSL's option against encrypt-then-MAC (RFC 7366).
const NO_ENCRYPT_THEN_MAC: SslOptions = SslOptions::from_bits_retain(1 << 19);

/// Two authorities and whom they vouch for. Small keys: what matters here is how many sessions there are.
#[derive(Debug)]
pub(crate) struct Pki {
    pub(crate) ca: Issued,
    /// `localhost`.
    pub(crate) server: Issued,
    /// `elsewhere.example`, of the same authority.
    pub(crate) elsewhere: Issued,
    /// `localhost`, says another authority.
    pub(crate) impostor: Issued,
    pub(crate) client: Issued,
}

/// Made once.
pub(crate) fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        let small = |name: &str, usage| Request { bits: 1024, ..Request::new(name, usage) };
        let ca = small("CA", Usage::Ca).self_signed().unwrap();
        let other = small("CA", Usage::Ca).self_signed().unwrap();
        let server =
            |name: &str, ca: &Issued| small(name, Usage::Server).names(&[name]).signed_by(ca).unwrap();
        Pki {
            server: server("localhost", &ca),
            elsewhere: server("elsewhere.example", &ca),
            impostor: server("localhost", &other),
            client: small("client", Usage::Client).signed_by(&ca).unwrap(),
            ca,
        }
    })
}

/// What a server is like.
pub(crate) struct Kind<'a> {
    pub(crate) who: &'a Issued,
    pub(crate) versions: (Version, Version),
    pub(crate) suite: Suite,
    /// Demands a client certificate.
    pub(crate) mutual: bool,
}

/// A server; it knows its sessions' secrets.
#[derive(Clone)]
pub(crate) struct Server {
    /// None: it speaks without TLS.
    context: Option<SslContext>,
    key_log: Arc<Mutex<Vec<String>>>,
}

/// How the client's side ended, as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerEnd {
    /// The handshake came to nothing.
    Refused,
    /// With close_notify.
    Proper,
    /// Without.
    Cut,
    /// TLS found something wrong.
    Error,
}

/// What the server's application saw.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) got: Vec<u8>,
    pub(crate) end: ServerEnd,
}

fn number(version: Version) -> SslVersion {
    match version {
        Version::Ssl30 => SslVersion::SSL3,
        Version::Tls10 => SslVersion::TLS1,
        Version::Tls11 => SslVersion::TLS1_1,
        Version::Tls12 => SslVersion::TLS1_2,
        Version::Tls13 => SslVersion::TLS1_3,
    }
}

impl Server {
    pub(crate) fn new(kind: &Kind<'_>) -> Self {
        // Making certificates has loaded the legacy algorithms; a context made before would lack them.
        let ca = X509::from_pem(&pki().ca.certificate_pem().unwrap()).unwrap();
        let key_log = Arc::new(Mutex::new(Vec::new()));
        let mut b = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
        b.set_security_level(0);
        b.set_min_proto_version(Some(number(kind.versions.0))).unwrap();
        b.set_max_proto_version(Some(number(kind.versions.1))).unwrap();
        b.set_cipher_list(&format!("{}:@SECLEVEL=0", kind.suite.openssl_name().unwrap())).unwrap();
        b.set_mode(SslMode::AUTO_RETRY | SslMode::ACCEPT_MOVING_WRITE_BUFFER | SslMode::ENABLE_PARTIAL_WRITE);
        b.set_options(SslOptions::NO_TICKET);
        if kind.versions.1 < Version::Tls12 {
            // Like servers of that age: the MAC is made before encryption, and the padding is outside of it.
            b.set_options(NO_ENCRYPT_THEN_MAC);
        }
        b.set_session_cache_mode(SslSessionCacheMode::OFF);
        b.set_certificate(&X509::from_pem(&kind.who.certificate_pem().unwrap()).unwrap()).unwrap();
        b.set_private_key(&PKey::private_key_from_pem(&kind.who.key_pem().unwrap()).unwrap()).unwrap();
        if kind.mutual {
            let mut store = X509StoreBuilder::new().unwrap();
            b.add_client_ca(&ca).unwrap();
            store.add_cert(ca).unwrap();
            b.set_verify_cert_store(store.build()).unwrap();
            b.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        let log = Arc::clone(&key_log);
        b.set_keylog_callback(move |_, line| log.lock().unwrap().push(line.to_owned()));
        Self { context: Some(b.build()), key_log }
    }

    pub(crate) fn without_tls() -> Self {
        Self { context: None, key_log: Arc::default() }
    }

    /// The master secrets of its sessions so far, in order.
    pub(crate) fn master_secrets(&self) -> Vec<Vec<u8>> {
        let log = self.key_log.lock().unwrap();
        let of_sessions = log.iter().filter_map(|line| line.strip_prefix("CLIENT_RANDOM "));
        of_sessions.map(|line| unhex(line.split_once(' ').unwrap().1)).collect()
    }

    /// One client: reads the request, sends the response, and goes on reading: nothing may come twice. Blocks.
    pub(crate) fn serve(&self, stream: UnixStream, script: &Script) -> Served {
        let Some(context) = &self.context else { return plain(stream, script) };
        let mut got = Vec::new();
        let Ok(mut stream) = Ssl::new(context).unwrap().accept(stream) else {
            return Served { got, end: ServerEnd::Refused };
        };
        let mut answered = false;
        let mut buffer = [0; 4096];
        let end = loop {
            // A client that has gone meanwhile is noticed by the next read.
            if !answered && got.len() >= script.request().len() {
                answered = true;
                for piece in &script.response {
                    let _ = stream.write_all(piece);
                }
                if script.closer == Closer::Server {
                    let _ = stream.shutdown();
                    let _ = stream.get_ref().shutdown(Shutdown::Write);
                }
            }
            match stream.read(&mut buffer) {
                Ok(0) if stream.get_shutdown().contains(ShutdownState::RECEIVED) => break ServerEnd::Proper,
                Ok(0) => break ServerEnd::Cut,
                Ok(count) => got.extend_from_slice(&buffer[..count]),
                Err(_) => break ServerEnd::Error,
            }
        };
        Served { got, end }
    }
}

/// The same without TLS; it always closes first.
fn plain(mut stream: UnixStream, script: &Script) -> Served {
    let mut got = vec![0; script.request().len()];
    stream.read_exact(&mut got).unwrap();
    stream.write_all(&script.response()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_to_end(&mut got).unwrap();
    Served { got, end: ServerEnd::Cut }
}

/// Bytes from hexadecimal digits.
pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}
