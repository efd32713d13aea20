//! The three promises of TLS, attacked: no reading, no altering, no posing.
//!
//! Each session here is a whole one: AT commands on a line of a running module, a real socket, an attacker on the way, and a
//! server made with OpenSSL directly, so that what is tested does not test itself.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is a failed test")]

mod fixed;
mod flips;
mod order;
mod places;
mod posing;
mod proxy;
mod secrecy;
mod server;
mod sweep;
mod twin;
mod wire;

use std::time::Duration;

use tls::{Suite, Version};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use proxy::{Recording, Tamper};
use server::{Served, Server};
use twin::{Heard, Twin};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
/// The four versions, oldest first, with their AT numbers.
const VERSIONS: [(Version, u8); 4] =
    [(Version::Ssl30, 0), (Version::Tls10, 1), (Version::Tls11, 2), (Version::Tls12, 3)];

/// Who ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closer {
    Server,
    Module,
}

/// What both sides say in a session: first the module everything, then the server everything, each piece a write of its own.
#[derive(Clone, Debug)]
struct Script {
    request: Vec<Vec<u8>>,
    response: Vec<Vec<u8>>,
    closer: Closer,
}

impl Script {
    fn request(&self) -> Vec<u8> {
        self.request.concat()
    }

    fn response(&self) -> Vec<u8> {
        self.response.concat()
    }
}

/// Payload that is easily recognised: no eight bytes of it come twice, nor elsewhere but by a chance of 2^-64.
fn payload(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// What each of the three saw of a session.
#[derive(Debug)]
struct Session {
    heard: Heard,
    served: Served,
    recording: Recording,
}

/// One connection of the module's single mode to the server, with the attacker between.
async fn session(
    twin: &mut Twin,
    listener: &TcpListener,
    server: &Server,
    script: &Script,
    tamper: Tamper,
) -> Session {
    let port = listener.local_addr().unwrap().port();
    let far_end = async {
        let (stream, _) =
            tokio::time::timeout(LONG, listener.accept()).await.expect("no connection").unwrap();
        stream.set_nodelay(true).unwrap();
        relayed(stream, server, script, tamper).await
    };
    let (heard, (recording, served)) = tokio::join!(twin.session(port, script), far_end);
    Session { heard, served, recording }
}

/// The attacker and the server behind it, for a client that has connected.
async fn relayed(stream: TcpStream, server: &Server, script: &Script, tamper: Tamper) -> (Recording, Served) {
    let (near, far) = UnixStream::pair().unwrap();
    let far = far.into_std().unwrap();
    far.set_nonblocking(false).unwrap();
    let (server, script) = (server.clone(), script.clone());
    let serve = tokio::task::spawn_blocking(move || server.serve(far, &script));
    let recording = proxy::relay(stream, near, tamper).await;
    assert!(recording.altered || !recording.stalled, "undisturbed, and still neither side ended it");
    (recording, serve.await.unwrap())
}

/// A listener on a port of its own.
async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// `0X0035` and the like.
fn hex(suite: Suite) -> String {
    format!("0X{:04X}", suite.0)
}

/// The files that the contexts name.
async fn put_files(twin: &mut Twin) {
    let pki = server::pki();
    twin.put("ca.crt", &pki.ca.certificate_pem().unwrap()).await;
    twin.put("client.crt", &pki.client.certificate_pem().unwrap()).await;
    twin.put("client.key", &pki.client.key_pem().unwrap()).await;
    for (keyword, file) in [("cacert", "ca.crt"), ("clientcert", "client.crt"), ("clientkey", "client.key")] {
        twin.configure(0, &[(keyword, &format!("\"{file}\""))]).await;
    }
}
