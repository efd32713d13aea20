//! The server side, for the lab: takes everything that the module can offer.

use openssl::error::ErrorStack;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode, SslVerifyMode,
};
use openssl::x509::store::X509StoreBuilder;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_openssl::SslStream;

use crate::diagnosis::{self, Shared};
use crate::failure::Cause;
use crate::ffi;
use crate::material;
use crate::report::{self, Side};
use crate::stream::{Tap, TlsStream};
use crate::version::{SUITES, Suite, Version};

/// What a server is to be like.
#[derive(Clone)]
pub struct ServerPolicy {
    /// Its certificate, with further ones as the chain: PEM or DER.
    pub certificate: Vec<u8>,
    /// Its key: PEM or DER.
    pub key: Vec<u8>,
    /// The certificates that client certificates have to be issued by; `Some` demands one.
    pub client_anchors: Option<Vec<u8>>,
    /// Oldest version accepted.
    pub min_version: Version,
    /// Newest version accepted.
    pub max_version: Version,
    /// Suites accepted, of the six; empty: those and every other one with authentication and encryption.
    pub suites: Vec<Suite>,
    /// How sessions are resumed: only with the same [`Acceptor`], or a clone of it.
    pub sessions: Sessions,
}

/// How a server lets sessions be resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sessions {
    /// Not at all.
    #[default]
    Never,
    /// It remembers them: by session ID, or in TLS 1.3 by a ticket that is one. As OpenSSL does it, a session is forgotten when one of its
    /// connections is dropped without the end of TLS (`shutdown`).
    Remembered,
    /// The client keeps them, in tickets (RFC 5077, TLS 1.3).
    Tickets,
}

/// How many sessions a server remembers.
const REMEMBERED: i32 = 256;

impl fmt::Debug for ServerPolicy {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerPolicy")
            .field("client_anchors", &self.client_anchors.is_some())
            .field("versions", &(self.min_version, self.max_version))
            .field("suites", &self.suites)
            .finish_non_exhaustive()
    }
}

impl ServerPolicy {
    /// A server that takes every version and suite, and any client.
    #[must_use]
    pub fn new(certificate: Vec<u8>, key: Vec<u8>) -> Self {
        Self {
            certificate,
            key,
            client_anchors: None,
            min_version: Version::Ssl30,
            max_version: Version::Tls13,
            suites: Vec::new(),
            sessions: Sessions::Never,
        }
    }
}

/// Accepts sessions.
#[derive(Clone)]
pub struct Acceptor {
    context: SslContext,
    /// Whether it demands a client certificate.
    demands: bool,
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}

/// An accepted session.
#[derive(Debug)]
pub struct Accepted<S> {
    /// The stream.
    pub stream: TlsStream<S>,
    /// The subject of the client's certificate.
    pub client: Option<String>,
    /// The name that the client asked for (SNI).
    pub server_name: Option<String>,
    /// It is an earlier session, resumed.
    pub resumed: bool,
}

impl Acceptor {
    /// A server from its policy.
    ///
    /// # Errors
    /// A sentence that says which part cannot be used.
    pub fn new(policy: &ServerPolicy) -> Result<Self, String> {
        let text = |error: ErrorStack| error.to_string();
        let plain = |cause| match cause {
            Cause::Unusable { what, why } => format!("the {what} cannot be used: {why}"),
            other => format!("{other:?}"),
        };
        ffi::init().map_err(text)?;
        let mut chain = material::certificates("server certificate", &policy.certificate).map_err(plain)?;
        let key = material::private_key("server key", &policy.key).map_err(plain)?;
        let anchors = policy
            .client_anchors
            .as_ref()
            .map(|content| material::certificates("client CA", content))
            .transpose()
            .map_err(plain)?;
        let certificate = chain.remove(0);
        if !certificate.public_key().map_err(text)?.public_eq(&key) {
            return Err("the server key does not belong to the server certificate".into());
        }
        let build = || -> Result<SslContext, ErrorStack> {
            let mut b = SslContextBuilder::new(SslMethod::tls_server())?;
            b.set_security_level(0);
            b.set_min_proto_version(Some(policy.min_version.openssl()))?;
            b.set_max_proto_version(Some(policy.max_version.openssl()))?;
            b.set_cipher_list(&cipher_list(&policy.suites))?;
            b.set_mode(
                SslMode::AUTO_RETRY
                    | SslMode::ACCEPT_MOVING_WRITE_BUFFER
                    | SslMode::ENABLE_PARTIAL_WRITE
                    | SslMode::RELEASE_BUFFERS,
            );
            b.set_session_cache_mode(match policy.sessions {
                Sessions::Remembered => SslSessionCacheMode::SERVER,
                Sessions::Never | Sessions::Tickets => SslSessionCacheMode::OFF,
            });
            if policy.sessions != Sessions::Tickets {
                b.set_options(SslOptions::NO_TICKET);
            }
            if policy.sessions == Sessions::Never {
                b.set_num_tickets(0)?;
            } else {
                b.set_session_id_context(b"modemtwin lab")?;
                b.set_session_cache_size(REMEMBERED);
            }
            b.set_certificate(&certificate)?;
            for extra in &chain {
                b.add_extra_chain_cert(extra.clone())?;
            }
            b.set_private_key(&key)?;
            if let Some(anchors) = &anchors {
                let mut store = X509StoreBuilder::new()?;
                for anchor in anchors {
                    b.add_client_ca(anchor)?;
                    store.add_cert(anchor.clone())?;
                }
                b.set_verify_cert_store(store.build())?;
                b.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
            }
            ffi::observe(&mut b);
            Ok(b.build())
        };
        build().map(|context| Self { context, demands: anchors.is_some() }).map_err(text)
    }

    /// Does the handshake over `stream`, for at most `timeout`.
    ///
    /// # Errors
    /// One sentence: OpenSSL's reason, or that time was up.
    pub async fn accept<S>(&self, stream: S, timeout: Duration) -> Result<Accepted<S>, String>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut ssl = Ssl::new(&self.context).map_err(|error| error.to_string())?;
        let shared = Shared::default();
        if let Some(index) = diagnosis::index() {
            ssl.set_ex_data(index, Arc::clone(&shared));
        }
        let mut stream = SslStream::new(ssl, Tap::new(stream)).map_err(|error| error.to_string())?;
        match tokio::time::timeout(timeout, Pin::new(&mut stream).accept()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(reason(&error, &shared)),
            Err(_) => return Err(format!("the client did not finish its handshake within {timeout:?}")),
        }
        let ssl = stream.ssl();
        let peer = ssl.peer_certificate();
        let client = peer.as_ref().map(|certificate| report::name(certificate.subject_name()));
        let server_name = ssl.servername(openssl::ssl::NameType::HOST_NAME).map(str::to_owned);
        let cipher = ssl.current_cipher();
        let report = report::Report {
            side: Side::Server,
            version: Version::from_openssl(ssl.version_str()),
            suite: Suite(cipher.map_or(0, |cipher| u16::from_be_bytes(cipher.protocol_id()))),
            suite_name: cipher.map_or(String::new(), |cipher| cipher.name().to_owned()),
            peer: peer.as_ref().map(|certificate| report::PeerCertificate::of(certificate)),
            chain_checked: peer.is_some(),
            name_checked: None,
            time_checked: peer.is_some(),
            client_certificate_asked: self.demands,
            client_certificate: client.clone(),
            hello_fixed: false,
            premaster_fixed: None,
            resumed: ssl.session_reused().then_some(true),
        };
        let resumed = report.resumed.is_some();
        Ok(Accepted { stream: TlsStream::new(stream, report, shared), client, server_name, resumed })
    }
}

fn cipher_list(suites: &[Suite]) -> String {
    if suites.is_empty() {
        let six: Vec<&str> = SUITES.iter().map(|(.., name)| *name).collect();
        return format!("ALL:{}:!aNULL:!eNULL:@SECLEVEL=0", six.join(":"));
    }
    let names: Vec<&str> = suites.iter().filter_map(|suite| suite.openssl_name()).collect();
    format!("{}:@SECLEVEL=0", names.join(":"))
}

fn reason(error: &openssl::ssl::Error, shared: &Shared) -> String {
    if let Some(alert) = diagnosis::lock(shared).ended_by() {
        return format!("the client refused with alert {alert}");
    }
    if let Some(io) = error.io_error() {
        return match io.kind() {
            io::ErrorKind::UnexpectedEof => "the client closed the connection".into(),
            kind => kind.to_string(),
        };
    }
    let reason = error.ssl_error().and_then(|stack| stack.errors().first()).and_then(|e| e.reason());
    reason.map_or_else(|| "the client closed the connection".to_owned(), str::to_owned)
}
