//! TLS as a module asks for it: files from its store, a verdict in words.

use std::sync::Arc;
use std::time::Duration;

use modem::{
    ConnId, Input, LineId, LinkFailure, Modem, ModulePath, Output, SecLevel, Setup, SslVersion, StoreRequest,
    Time, TlsRequest, Transport,
};
use tls::pki::{Issued, Request, Usage};
use tls::{Acceptor, ServerPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::tests::{Bench, failed, listener, next, to};
use super::{Happened, Link, Network, Report, Stage};

const LONG: Duration = Duration::from_secs(30);

/// A module's own name for a file; only the module makes such names.
pub(super) fn path(name: &str) -> ModulePath {
    let mut modem = Modem::new(Setup::new(0, 1, 0));
    let command = format!("AT+FSCREATE=\"{name}\"\r");
    modem.handle(Time(60_000), Input::Line { line: LineId(0), bytes: command.as_bytes() });
    while let Some(output) = modem.poll_output() {
        if let Output::Store { request: StoreRequest::Create(path), .. } = output {
            return path;
        }
    }
    panic!("no path came of {name}")
}

pub(super) struct Lab {
    pub(super) bench: Bench,
    pub(super) ca: Issued,
    pub(super) server: Issued,
    client: Issued,
    pub(super) listener: TcpListener,
}

impl Lab {
    pub(super) async fn new() -> Self {
        let ca = Request::new("lab CA", Usage::Ca).self_signed().unwrap();
        let server = Request::new("server", Usage::Server).names(&["localhost", "127.0.0.1"]);
        let server = server.signed_by(&ca).unwrap();
        let client = Request::new("client", Usage::Client).signed_by(&ca).unwrap();
        let lab = Self { bench: Bench::new(), ca, server, client, listener: listener().await };
        lab.put("ca.crt", &lab.ca.certificate_pem().unwrap());
        lab.put("client.crt", &lab.client.certificate_pem().unwrap());
        lab.put("client.key", &lab.client.key_pem().unwrap());
        lab
    }

    pub(super) fn put(&self, name: &str, content: &[u8]) {
        let store = &self.bench.store;
        store.perform(&StoreRequest::Create(path(name))).unwrap();
        let (path, bytes) = (path(name), content.to_vec());
        store.perform(&StoreRequest::Write { path, append: false, bytes, capacity: 1 << 20 }).unwrap();
    }

    pub(super) fn acceptor(&self, mutual: bool) -> Acceptor {
        let (certificate, key) = (self.server.certificate_pem().unwrap(), self.server.key_pem().unwrap());
        let mut policy = ServerPolicy::new(certificate, key);
        policy.client_anchors = mutual.then(|| self.ca.certificate_pem().unwrap());
        Acceptor::new(&policy).unwrap()
    }

    pub(super) fn link(&self, request: TlsRequest) -> Link {
        let mut connect = to(Transport::Tcp, self.listener.local_addr().unwrap());
        connect.tls = Some(Box::new(request));
        self.bench.link(connect)
    }

    /// One client at the server, echoed until it ends.
    async fn serve(&self, mutual: bool) -> Result<Option<String>, String> {
        let (stream, _) = self.listener.accept().await.unwrap();
        let accepted = self.acceptor(mutual).accept(stream, LONG).await.map_err(|e| format!("{e:?}"))?;
        let mut stream = accepted.stream;
        let mut buffer = vec![0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..count]).await.map_err(|e| e.to_string())?;
        }
        drop(stream.shutdown().await);
        Ok(accepted.client)
    }

    async fn failure(&self, request: TlsRequest) -> super::Explanation {
        let mut link = self.link(request);
        let (served, explanation) = tokio::join!(self.serve(true), failed(&mut link));
        assert!(served.is_err(), "the server was content: {served:?}");
        let failed = [LinkFailure::Tls, LinkFailure::Certificate];
        assert!(failed.contains(&explanation.class), "{explanation}");
        explanation
    }
}

pub(super) fn mutual() -> TlsRequest {
    TlsRequest {
        context: 0,
        version: SslVersion::Tls12,
        suites: vec![0x0035],
        seclevel: SecLevel::Mutual,
        cacert: Some(path("ca.crt")),
        clientcert: Some(path("client.crt")),
        clientkey: Some(path("client.key")),
        partial_chain: false,
        hostname: Some("localhost".into()),
        host: "127.0.0.1".into(),
        ignore_time: false,
        now: crate::unix_millis() / 1000,
        clock_set: true,
        client_random: None,
        premaster: None,
        timeout: 20_000,
        resumable: false,
        resume: None,
    }
}

#[tokio::test]
async fn a_mutual_session_carries_data_and_says_who_was_verified() {
    let lab = Lab::new().await;
    let mut link = lab.link(mutual());
    let talk = async {
        let Happened::Connected(_, report) = next(&mut link).await.0 else { panic!("not connected") };
        let Report::Connected { session: Some(session), .. } = *report else { panic!("{report:?}") };
        assert_eq!(session.version, Some(tls::Version::Tls12));
        assert!(session.chain_checked && session.name_checked.as_deref() == Some("localhost"));
        assert!(session.client_certificate.is_some());
        let brief = super::explain::brief(&session);
        assert!(brief.starts_with("TLS 1.2, 0X0035 TLS_RSA_WITH_AES_256_CBC_SHA, server CN="), "{brief}");
        assert!(brief.ends_with(" sent; revocation is never checked") && brief.len() < 200, "{brief}");
        let unnamed = super::explain::brief(&tls::Report { name_checked: None, ..*session });
        assert!(unnamed.contains("the name was NOT checked"), "{unnamed}");
        link.send(b"0123456789".to_vec());
        link.notify_acked();
        link.grant(4);
        let mut got = Vec::new();
        let mut acked = None;
        while got.len() < 4 || acked.is_none() {
            match next(&mut link).await {
                (Happened::Acked(count), _) => acked = Some(count),
                (Happened::Received(_), bytes) => got.extend(bytes),
                (Happened::Sent(10), _) => {}
                (other, _) => panic!("{other:?}"),
            }
        }
        assert_eq!((got.as_slice(), acked), (&b"0123"[..], Some(10)));
        link.grant(100);
        assert_eq!(next(&mut link).await.1, b"456789");
        assert!(!link.close(false));
        assert!(matches!(next(&mut link).await.0, Happened::Closed));
        assert!(matches!(next(&mut link).await.0, Happened::Over));
    };
    let (served, ()) = tokio::join!(lab.serve(true), talk);
    assert!(served.unwrap().unwrap().contains("client"));
}

#[tokio::test]
async fn without_authentication_no_file_is_needed() {
    let lab = Lab::new().await;
    let (cacert, clientcert, clientkey) = (Some(path("no.crt")), Some(path("no.crt")), Some(path("no.key")));
    let request = TlsRequest { seclevel: SecLevel::None, cacert, clientcert, clientkey, ..mutual() };
    let mut link = lab.link(request);
    let talk = async {
        let Happened::Connected(_, report) = next(&mut link).await.0 else { panic!("not connected") };
        assert!(matches!(*report, Report::Connected { session: Some(session), .. }
                if !session.chain_checked && super::explain::brief(&session).contains("NOT authenticated")));
        assert!(link.close(true));
        drop(link);
    };
    let (served, ()) = tokio::join!(lab.serve(false), talk);
    assert_eq!(served, Ok(None));
}

#[tokio::test]
async fn each_mistake_is_named() {
    let lab = Lab::new().await;
    let other = Request::new("other CA", Usage::Ca).self_signed().unwrap();
    lab.put("other.crt", &other.certificate_pem().unwrap());
    lab.put("other.key", &other.key_pem().unwrap());
    let cases = [
        (
            TlsRequest { cacert: Some(path("gone.crt")), ..mutual() },
            Stage::Files,
            "gone.crt, but the module has no such file",
        ),
        (TlsRequest { clientkey: Some(path("gone.key")), ..mutual() }, Stage::Files, "clientkey is gone.key"),
        (TlsRequest { clientkey: None, ..mutual() }, Stage::Files, "clientcert is set, but clientkey is not"),
        (
            TlsRequest { clientcert: None, ..mutual() },
            Stage::Files,
            "clientkey is set, but clientcert is not",
        ),
        (TlsRequest { clientkey: Some(path("other.key")), ..mutual() }, Stage::Files, "clientkey"),
        (TlsRequest { cacert: None, ..mutual() }, Stage::Files, "no cacert"),
        (TlsRequest { cacert: Some(path("other.crt")), ..mutual() }, Stage::Tls, "wrong CA"),
        (TlsRequest { clientcert: None, clientkey: None, ..mutual() }, Stage::Tls, "client certificate"),
        (
            TlsRequest { hostname: Some("elsewhere.example".into()), ..mutual() },
            Stage::Tls,
            "not for elsewhere.example",
        ),
        (TlsRequest { now: 1_000_000_000, ..mutual() }, Stage::Tls, "not valid before"),
        (TlsRequest { now: 0, clock_set: false, ..mutual() }, Stage::Tls, "clock was never set"),
    ];
    let about_the_certificate =
        ["wrong CA", "not for elsewhere.example", "not valid before", "clock was never set"];
    for (request, stage, words) in cases {
        let explanation = lab.failure(request).await;
        let line = explanation.to_string();
        let certificate = about_the_certificate.contains(&words);
        let class = if certificate { LinkFailure::Certificate } else { LinkFailure::Tls };
        assert_eq!(explanation.class, class, "{line}");
        assert_eq!(explanation.stage, stage, "{line}");
        assert!(line.contains(words), "{words:?} is not in: {line}");
        assert!(!line.contains('\n'), "{line}");
    }
}

#[tokio::test]
async fn a_plain_port_and_a_silent_one_are_told_apart() {
    let lab = Lab::new().await;
    let plain = async {
        let (mut stream, _) = lab.listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let mut link = lab.link(mutual());
    let (_stream, explanation) = tokio::join!(plain, failed(&mut link));
    assert!(explanation.seen.contains("not TLS"), "{explanation}");

    let mut link = lab.link(TlsRequest { timeout: 100, ..mutual() });
    let (stream, explanation) = tokio::join!(lab.listener.accept(), failed(&mut link));
    assert!(explanation.seen.contains("said nothing"), "{explanation}");
    assert_eq!(explanation.class, LinkFailure::Tls);
    drop(stream);
}

#[tokio::test]
async fn a_module_that_connects_again_uses_the_same_context() {
    let lab = Lab::new().await;
    let network = Arc::new(Network::default());
    for _ in 0..3 {
        let mut connect = to(Transport::Tcp, lab.listener.local_addr().unwrap());
        connect.tls = Some(Box::new(mutual()));
        let store = Arc::clone(&lab.bench.store);
        let mut link =
            Link::open("m", ConnId(9), connect, tls::Resumption::None, Arc::clone(&network), store);
        let talk = async {
            assert!(matches!(next(&mut link).await.0, Happened::Connected(..)));
            drop(link);
        };
        let (served, ()) = tokio::join!(lab.serve(true), talk);
        served.unwrap();
    }
    assert_eq!(network.connector.cached_contexts(), 1);
}

#[tokio::test]
async fn a_peer_that_ends_tls_first_is_answered_likewise() {
    let lab = Lab::new().await;
    let request = TlsRequest { seclevel: SecLevel::None, ..mutual() };
    let mut link = lab.link(request);
    let serving = async {
        let (stream, _) = lab.listener.accept().await.unwrap();
        let mut stream = lab.acceptor(false).accept(stream, LONG).await.unwrap().stream;
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        stream.closure()
    };
    let talk = async {
        link.grant(100);
        while !matches!(next(&mut link).await.0, Happened::PeerClosed { .. }) {}
        link.close(false);
        while !link.is_over() {
            next(&mut link).await;
        }
    };
    let (closure, ()) = tokio::join!(serving, talk);
    assert_eq!(closure, tls::Closure::Proper);
    assert!(matches!(link.ended(), Report::Ended { end: super::End::Peer, .. }));
}
