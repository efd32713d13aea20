//! Every kind of failure, on real sockets: where the cause lies, how far it came, what was seen, what to do.

use std::io;
use std::time::Duration;

use modem::{LinkFailure, SecLevel, SslVersion, TlsRequest, Transport};
use tls::pki::{Request, Usage};
use tls::{Acceptor, ServerPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;

use super::open::refused;
use super::tests::{Bench, failed, listener, next, to, unanswering};
use super::tests_tls::{Lab, mutual, path};
use super::{End, Explanation, Fault, Happened, Report, Stage};

const LONG: Duration = Duration::from_secs(30);

/// What an explanation has to say.
struct Expected {
    stage: Stage,
    fault: Fault,
    seen: &'static [&'static str],
    advice: &'static str,
}

fn expect(stage: Stage, fault: Fault, seen: &'static [&'static str], advice: &'static str) -> Expected {
    Expected { stage, fault, seen, advice }
}

impl Expected {
    fn check(&self, explanation: &Explanation) {
        let line = explanation.to_string();
        assert_eq!((explanation.stage, explanation.fault), (self.stage, self.fault), "{line}");
        for words in self.seen {
            assert!(explanation.seen.contains(words), "{words:?} was not seen: {line}");
        }
        let advice = explanation.advice.as_deref().unwrap_or_default();
        assert!(advice.contains(self.advice), "{:?} is not advised: {line}", self.advice);
        assert!(!line.contains(char::is_control) && line.ends_with(']'), "not one clean line: {line:?}");
        assert_eq!(explanation.tls.is_some(), explanation.stage == Stage::Tls, "{line}");
    }
}

/// A connect with this wish, to a server that does this with its client.
async fn against<F>(lab: &Lab, request: TlsRequest, server: impl FnOnce(TcpStream) -> F) -> Explanation
where
    F: Future<Output = ()>,
{
    let mut link = lab.link(request);
    let serve = async {
        let (stream, _) = lab.listener.accept().await.unwrap();
        server(stream).await;
    };
    tokio::join!(failed(&mut link), serve).0
}

/// A connect against a TLS server with this policy.
async fn with(lab: &Lab, request: TlsRequest, policy: &ServerPolicy) -> Explanation {
    let acceptor = Acceptor::new(policy).unwrap();
    against(lab, request, async move |stream| drop(acceptor.accept(stream, LONG).await)).await
}

fn policy(lab: &Lab) -> ServerPolicy {
    ServerPolicy::new(lab.server.certificate_pem().unwrap(), lab.server.key_pem().unwrap())
}

/// Whose verification stops at nothing that the case is not about.
fn plain() -> TlsRequest {
    TlsRequest { seclevel: SecLevel::Server, ..mutual() }
}

#[tokio::test]
async fn names() {
    let mut connect = to(Transport::Tcp, listener().await.local_addr().unwrap());
    connect.host = "no-such-host.invalid".into();
    let explanation = failed(&mut Bench::new().link(connect)).await;
    // A computer without a name server cannot know.
    let (fault, why) = if explanation.seen.contains("there is no such name") {
        (Fault::Command, "is the name spelt right?")
    } else {
        (Fault::Environment, "is this computer online")
    };
    expect(Stage::Name, fault, &["no-such-host.invalid could not be resolved"], why).check(&explanation);
    assert_eq!(explanation.class, LinkFailure::Dns);
}

#[tokio::test]
async fn tcp() {
    let bench = Bench::new();
    let unused = listener().await.local_addr().unwrap();
    let explanation = failed(&mut bench.link(to(Transport::Tcp, unused))).await;
    expect(Stage::Connect, Fault::Peer, &["nothing listens there"], "is the server running")
        .check(&explanation);

    let (address, _full) = unanswering().await;
    let mut connect = to(Transport::Tcp, address);
    connect.connect_timeout = 200;
    let explanation = failed(&mut bench.link(connect)).await;
    let expected = expect(Stage::Connect, Fault::Environment, &["no answer from", "200 ms"], "firewall");
    expected.check(&explanation);
}

#[test]
fn what_the_system_says_of_a_connect() {
    let address = "192.0.2.1:443".parse().unwrap();
    for (kind, class, fault, seen) in [
        (io::ErrorKind::HostUnreachable, LinkFailure::Unreachable, Fault::Environment, "cannot be reached"),
        (io::ErrorKind::NetworkUnreachable, LinkFailure::Network, Fault::Environment, "cannot be reached"),
        (io::ErrorKind::TimedOut, LinkFailure::Timeout, Fault::Environment, "no answer"),
        (io::ErrorKind::ConnectionReset, LinkFailure::Refused, Fault::Peer, "reset the connection"),
        (io::ErrorKind::PermissionDenied, LinkFailure::Local, Fault::Environment, "this computer could not"),
    ] {
        let subject = super::Subject {
            module: "m".into(),
            conn: modem::ConnId(1),
            link: 0,
            transport: Transport::Tcp,
            target: "192.0.2.1:443".into(),
        };
        let explanation = refused(address, &kind.into()).explain(subject);
        assert_eq!((explanation.class, explanation.fault), (class, fault), "{explanation}");
        assert!(explanation.seen.contains(seen) && explanation.advice.is_some(), "{explanation}");
    }
}

#[tokio::test]
async fn settings_and_files() {
    let lab = Lab::new().await;
    lab.put("junk.crt", b"not a certificate");
    let alone = |request| against(&lab, request, async |stream| drop(stream));
    let files = |seen, advice| expect(Stage::Files, Fault::Configuration, seen, advice);
    for (request, expected) in [
        (
            TlsRequest { cacert: Some(path("gone.crt")), ..mutual() },
            files(&["cacert is gone.crt, but the module has no such file"], "write it first"),
        ),
        (TlsRequest { clientkey: None, ..mutual() }, files(&["clientkey is not"], "set both or none")),
    ] {
        expected.check(&alone(request).await);
    }
    for (request, seen, advice) in [
        (TlsRequest { cacert: None, ..mutual() }, "no cacert is set", "set cacert"),
        (TlsRequest { cacert: Some(path("junk.crt")), ..mutual() }, "the cacert cannot be used", "again"),
        (TlsRequest { clientkey: Some(path("other.key")), ..mutual() }, "does not belong", "made together"),
        (
            TlsRequest { version: SslVersion::Tls11, suites: vec![0x003D], ..mutual() },
            "this suite needs TLS 1.2",
            "set sslversion to 3 or 4",
        ),
    ] {
        lab.put("other.key", &lab.server.key_pem().unwrap());
        let explanation = alone(request).await;
        let line = explanation.to_string();
        assert_eq!((explanation.stage, explanation.fault), (Stage::Files, Fault::Configuration), "{line}");
        assert!(explanation.seen.contains(seen) && explanation.seen.contains("nothing was sent"), "{line}");
        assert!(explanation.advice.is_some_and(|said| said.contains(advice)), "{line}");
        assert_eq!(explanation.tls.map(|failure| failure.stage), Some(tls::Stage::Configure), "{line}");
    }
}

#[tokio::test]
async fn versions_and_suites() {
    let lab = Lab::new().await;
    let newest = ServerPolicy { min_version: tls::Version::Tls12, ..policy(&lab) };
    let request = TlsRequest { version: SslVersion::Tls10, ..plain() };
    let explanation = with(&lab, request, &newest).await;
    expect(Stage::Tls, Fault::Peer, &["protocol_version(70)", "offered TLS 1.0 with 0X0035"], "--tls modern")
        .check(&explanation);
    let other =
        ServerPolicy { suites: vec![tls::Suite(0x002F)], max_version: tls::Version::Tls12, ..policy(&lab) };
    let explanation = with(&lab, plain(), &other).await;
    expect(
        Stage::Tls,
        Fault::Peer,
        &["handshake_failure(40)", "offered TLS 1.2 with 0X0035"],
        "something else",
    )
    .check(&explanation);
    // A ServerHello of SSL 3.0, whatever was offered.
    let explanation = against(&lab, plain(), async |mut stream| {
        let mut hello = vec![22, 3, 0, 0, 42, 2, 0, 0, 38, 3, 0];
        hello.extend([7; 32]);
        hello.extend([0, 0, 0x35, 0]);
        stream.write_all(&hello).await.unwrap();
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await;
    expect(Stage::Tls, Fault::Peer, &["answers with SSL 3.0, which was not offered"], "set sslversion")
        .check(&explanation);
}

#[tokio::test]
async fn certificates() {
    let lab = Lab::new().await;
    let other = Request::new("other CA", Usage::Ca).self_signed().unwrap();
    lab.put("other.crt", &other.certificate_pem().unwrap());
    let stranger = Request::new("stranger", Usage::Client).signed_by(&other).unwrap();
    lab.put("stranger.crt", &stranger.certificate_pem().unwrap());
    lab.put("stranger.key", &stranger.key_pem().unwrap());
    let demanding = ServerPolicy { client_anchors: Some(lab.ca.certificate_pem().unwrap()), ..policy(&lab) };
    let tls = |fault, seen, advice| expect(Stage::Tls, fault, seen, advice);
    for (request, expected) in [
        (
            TlsRequest { cacert: Some(path("other.crt")), ..plain() },
            tls(
                Fault::Peer,
                &["CN=server", "CN=lab CA", "verify error 20", "depth 0", "unknown_ca(48) sent"],
                "cacert",
            ),
        ),
        (
            TlsRequest { hostname: Some("elsewhere.example".into()), ..plain() },
            tls(Fault::Peer, &["is for localhost, 127.0.0.1, not for elsewhere.example"], "set hostname"),
        ),
        (
            TlsRequest { now: 1_000_000_000, ..plain() },
            tls(Fault::Peer, &["is not valid before", "by the module's clock"], "AT+CCLK?"),
        ),
        (
            TlsRequest { now: 0, clock_set: false, ..plain() },
            tls(Fault::Configuration, &["is not valid before"], "the module's clock was never set"),
        ),
        (
            plain(),
            tls(
                Fault::Configuration,
                &[
                    "demands a client certificate",
                    "none was presented",
                    "issued by O=Modemtwin lab, not for production, CN=lab CA",
                ],
                "clientcert",
            ),
        ),
        (
            TlsRequest {
                clientcert: Some(path("stranger.crt")),
                clientkey: Some(path("stranger.key")),
                ..mutual()
            },
            tls(
                Fault::Configuration,
                &[
                    "did not accept the client certificate",
                    "issued by O=Modemtwin lab, not for production, CN=lab CA",
                ],
                "a CA that the server trusts",
            ),
        ),
    ] {
        expected.check(&with(&lab, request, &demanding).await);
    }
}

#[tokio::test]
async fn what_is_not_tls() {
    let lab = Lab::new().await;
    for (greeting, advice) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "Connect without TLS (CIPSSL 0"),
        ("220 mail.example ESMTP\r\n", "STARTTLS"),
        ("220-ftp.example\r\n", "STARTTLS"),
        ("* OK IMAP4rev1 ready\r\n", "STARTTLS"),
        ("+OK POP3 ready\r\n", "STARTTLS"),
    ] {
        let explanation = against(&lab, plain(), async |mut stream| {
            stream.write_all(greeting.as_bytes()).await.unwrap();
            drop(stream.read_to_end(&mut Vec::new()).await);
        })
        .await;
        expect(Stage::Tls, Fault::Command, &["what answers is not TLS"], advice).check(&explanation);
        assert!(explanation.seen.contains(&greeting[..8]), "{explanation}");
    }
    let explanation = against(&lab, plain(), async |mut stream| {
        let (mut from, mut into) = stream.split();
        drop(tokio::io::copy(&mut from, &mut into).await);
    })
    .await;
    expect(Stage::Tls, Fault::Command, &["our own ClientHello came back"], "Connect without TLS (CIPSSL 0")
        .check(&explanation);
    let explanation = against(&lab, plain(), async |mut stream| {
        stream.read_exact(&mut [0; 5]).await.unwrap();
    })
    .await;
    expect(Stage::Tls, Fault::Peer, &["closed the connection without an answer"], "not a TLS port")
        .check(&explanation);
}

#[tokio::test]
async fn timeouts_by_stage() {
    let lab = Lab::new().await;
    let hasty = || TlsRequest { timeout: 300, ..plain() };
    let silent = async |mut stream: TcpStream| drop(stream.read_to_end(&mut Vec::new()).await);
    expect(Stage::Tls, Fault::Peer, &["said nothing for 0.300 s", "waiting for ServerHello"], "TLS port")
        .check(&against(&lab, hasty(), silent).await);

    // Only the server's first record passes, its ServerHello.
    let acceptor = Acceptor::new(&policy(&lab)).unwrap();
    let stalling = async |mut stream: TcpStream| {
        let (near, far) = duplex(1 << 16);
        let (mut from_server, mut to_server) = tokio::io::split(near);
        let (mut from_client, mut to_client) = stream.split();
        let first = async {
            let mut header = [0; 5];
            from_server.read_exact(&mut header).await.unwrap();
            let mut record = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
            from_server.read_exact(&mut record).await.unwrap();
            to_client.write_all(&header).await.unwrap();
            to_client.write_all(&record).await.unwrap();
        };
        let forward = async {
            drop(tokio::io::copy(&mut from_client, &mut to_server).await);
            drop(to_server.shutdown().await);
        };
        let ((), (), accepted) = tokio::join!(first, forward, acceptor.accept(far, LONG));
        assert!(accepted.is_err());
    };
    let explanation = against(&lab, hasty(), stalling).await;
    expect(
        Stage::Tls,
        Fault::Peer,
        &["not done within 0.300 s", "waiting for the server's certificate"],
        "higher",
    )
    .check(&explanation);
}

#[tokio::test]
async fn when_it_was_up() {
    let lab = Lab::new().await;
    let acceptor = lab.acceptor(false);
    let mut link = lab.link(plain());
    let cut = async {
        let (stream, _) = lab.listener.accept().await.unwrap();
        drop(acceptor.accept(stream, LONG).await.unwrap());
    };
    let talk = async {
        assert!(matches!(next(&mut link).await.0, Happened::Connected(..)));
        link.grant(100);
        assert!(matches!(next(&mut link).await.0, Happened::PeerClosed { truncated: true }));
    };
    tokio::join!(cut, talk);
    let ended = link.ended();
    assert!(matches!(ended, Report::Ended { end: End::Truncated, .. }), "{ended:?}");

    let bench = Bench::new();
    let listener = listener().await;
    let mut link = bench.link(to(Transport::Tcp, listener.local_addr().unwrap()));
    assert!(matches!(next(&mut link).await.0, Happened::Connected(..)));
    let (peer, _) = listener.accept().await.unwrap();
    peer.set_zero_linger().unwrap();
    drop(peer);
    link.grant(100);
    let Happened::Broken(explanation) = next(&mut link).await.0 else { panic!("not broken") };
    expect(Stage::Open, Fault::Peer, &["the connection broke", "reset"], "the peer has gone")
        .check(&explanation);
}
