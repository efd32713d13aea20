//! A throw-away PKI and a server for the tests.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(dead_code, reason = "each test file uses its own part")]

use modemtwin_tls::pki::{Issued, Request, Usage};
use modemtwin_tls::{
    Acceptor, Connector, Failure, Identity, Policy, Report, ServerPolicy, TimeRule, TlsStream, Verify,
};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Pki {
    pub(crate) ca: Issued,
    pub(crate) other_ca: Issued,
    pub(crate) server: Issued,
    pub(crate) client: Issued,
    pub(crate) stranger: Issued,
}

/// Made once per test program: RSA keys take their time.
pub(crate) fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        let ca = Request::new("Test CA", Usage::Ca).self_signed().unwrap();
        let other_ca = Request::new("Other CA", Usage::Ca).self_signed().unwrap();
        let server = Request::new("server", Usage::Server)
            .names(&["localhost", "*.example.com", "127.0.0.1"])
            .signed_by(&ca)
            .unwrap();
        let client = Request::new("client", Usage::Client).signed_by(&ca).unwrap();
        let stranger = Request::new("stranger", Usage::Client).signed_by(&other_ca).unwrap();
        Pki { ca, other_ca, server, client, stranger }
    })
}

pub(crate) fn identity(of: &Issued) -> Identity {
    Identity { certificate: of.certificate_pem().unwrap(), key: of.key_pem().unwrap() }
}

pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

pub(crate) fn verify(name: Option<&str>) -> Verify {
    Verify::Chain {
        partial: false,
        name: name.map(modemtwin_tls::ServerName::parse),
        time: TimeRule::At(now()),
    }
}

/// Trusts the test CA.
pub(crate) fn verifying() -> Policy {
    Policy { anchors: Some(pki().ca.certificate_pem().unwrap()), verify: verify(None), ..Policy::default() }
}

pub(crate) fn server() -> ServerPolicy {
    ServerPolicy::new(pki().server.certificate_pem().unwrap(), pki().server.key_pem().unwrap())
}

pub(crate) fn demanding_server() -> ServerPolicy {
    ServerPolicy { client_anchors: Some(pki().ca.certificate_pem().unwrap()), ..server() }
}

/// Client and server talk over memory; the server echoes until the client is done.
pub(crate) async fn attempt(policy: &Policy, server: &ServerPolicy) -> Result<Report, Box<Failure>> {
    let (near, far) = duplex(64 * 1024);
    let acceptor = Acceptor::new(server).unwrap();
    let serve = tokio::spawn(async move {
        if let Ok(accepted) = acceptor.accept(far, LIMIT).await {
            echo(accepted.stream).await;
        }
    });
    let result = Connector::new().connect(near, policy, LIMIT).await;
    let result = match result {
        Ok(mut stream) => {
            let sent: Vec<u8> = (0..20_001u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
            stream.write_all(&sent).await.unwrap();
            let mut got = vec![0; sent.len()];
            stream.read_exact(&mut got).await.unwrap();
            assert_eq!(got, sent);
            Ok(stream.report().clone())
        }
        Err(failure) => Err(failure),
    };
    serve.await.unwrap();
    result
}

async fn echo(mut stream: TlsStream<DuplexStream>) {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => {
                if stream.write_all(&buffer[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}
