//! A TLS server that shows whatever certificates it is told to, right or wrong. Its own code on OpenSSL, one connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use openssl::pkey::{PKey, Private};
use openssl::ssl::{NameType, Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509;

/// What the server says first.
pub(crate) const GREETING: &str = "the server is here";
const LIMIT: Duration = Duration::from_secs(30);

/// What the server saw of its client.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The name that the client asked for (SNI).
    pub(crate) sni: Option<String>,
    /// The certificates that it presented, its own first; known when the handshake was done.
    pub(crate) client: Vec<X509>,
    /// The handshake was done.
    pub(crate) done: bool,
    /// Why it was not.
    pub(crate) error: String,
}

/// A server for one connection.
pub(crate) struct Server {
    address: SocketAddr,
    thread: JoinHandle<Seen>,
}

impl Server {
    /// Shows `chain`, the first of which `key` claims to belong to; asks for a client certificate and takes any.
    pub(crate) fn start(chain: &[X509], key: &PKey<Private>) -> Self {
        let sni = Arc::new(Mutex::new(None));
        let context = context(chain, key, Arc::clone(&sni));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let mut seen = serve(&listener, &context);
            seen.sni = sni.lock().unwrap().take();
            seen
        });
        Self { address, thread }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits until the connection is over.
    pub(crate) async fn seen(self) -> Seen {
        tokio::task::spawn_blocking(move || self.thread.join().unwrap()).await.unwrap()
    }
}

fn context(chain: &[X509], key: &PKey<Private>, sni: Arc<Mutex<Option<String>>>) -> SslContext {
    let mut b = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    b.set_security_level(0);
    b.set_min_proto_version(Some(SslVersion::SSL3)).unwrap();
    b.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    b.set_cipher_list("ALL:!aNULL:!eNULL:@SECLEVEL=0").unwrap();
    b.set_certificate(&chain[0]).unwrap();
    for certificate in &chain[1..] {
        b.add_extra_chain_cert(certificate.clone()).unwrap();
    }
    b.set_private_key(key).unwrap();
    b.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    b.set_servername_callback(move |ssl, _| {
        *sni.lock().unwrap() = ssl.servername(NameType::HOST_NAME).map(str::to_owned);
        Ok(())
    });
    b.build()
}

fn serve(listener: &TcpListener, context: &SslContext) -> Seen {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut stream = match Ssl::new(context).unwrap().accept(stream) {
        Ok(stream) => stream,
        Err(error) => return Seen { error: error.to_string(), ..Seen::default() },
    };
    let mut client: Vec<X509> = stream.ssl().peer_certificate().into_iter().collect();
    if let Some(chain) = stream.ssl().peer_cert_chain() {
        client.extend(chain.iter().map(ToOwned::to_owned));
    }
    let said = stream.write_all(GREETING.as_bytes());
    // Until the client closes.
    while said.is_ok() && stream.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
    drop(stream.shutdown());
    Seen { client, done: true, ..Seen::default() }
}
