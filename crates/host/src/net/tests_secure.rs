//! TLS that begins on an open connection, and sessions that go over to another connection.

use std::sync::Arc;

use modem::{ConnId, LinkFailure, TlsRequest, Transport};
use tls::{Acceptor, Resumable, Resumption, ServerPolicy, Sessions, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tests::{LONG, failed, next, to};
use super::tests_tls::{Lab, mutual};
use super::{Capture, End, Explanation, Fault, Happened, Link, Network, Recording, Report, Stage};

/// A connection in plain text.
async fn plain(lab: &Lab) -> (Link, TcpStream) {
    let mut link = lab.bench.link(to(Transport::Tcp, lab.listener.local_addr().unwrap()));
    assert!(matches!(next(&mut link).await.0, Happened::Connected(..)));
    (link, lab.listener.accept().await.unwrap().0)
}

fn secure(lab: &Lab, link: &mut Link, request: TlsRequest) {
    link.secure(request, Resumption::None, Arc::default(), Arc::clone(&lab.bench.store));
}

async fn secured(link: &mut Link) -> Box<tls::Report> {
    match next(link).await.0 {
        Happened::Secured(report) => match *report {
            Report::Secured { session, .. } => session,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

async fn received(link: &mut Link, count: usize) -> Vec<u8> {
    let mut got = Vec::new();
    while got.len() < count {
        match next(link).await {
            (Happened::Received(_), bytes) => got.extend(bytes),
            (Happened::Sent(_), _) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
    got
}

async fn exactly(peer: &mut TcpStream, expected: &[u8]) {
    let mut got = vec![0; expected.len()];
    peer.read_exact(&mut got).await.unwrap();
    assert_eq!(got, expected);
}

/// A handshake record has come.
async fn hello(peer: &TcpStream) {
    let mut first = [0];
    peer.peek(&mut first).await.unwrap();
    assert_eq!(first, [22]);
}

async fn accept(acceptor: &Acceptor, peer: TcpStream) -> TlsStream<TcpStream> {
    acceptor.accept(peer, LONG).await.unwrap().stream
}

#[tokio::test]
async fn plain_text_goes_before_and_nothing_but_tls_behind() {
    let lab = Lab::new().await;
    let (mut link, mut peer) = plain(&lab).await;
    link.grant(1_000);
    link.send(b"AUTH TLS\r\n".to_vec());
    secure(&lab, &mut link, mutual());
    // It would be a mistake of the module's; not one to be paid for with a password.
    link.send(b"PASS secret\r\n".to_vec());
    let acceptor = lab.acceptor(true);
    let serve = async {
        exactly(&mut peer, b"AUTH TLS\r\n").await;
        hello(&peer).await;
        let mut stream = accept(&acceptor, peer).await;
        let mut got = [0; 13];
        stream.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"PASS secret\r\n");
        stream.write_all(b"230 in\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    };
    let talk = async {
        assert!(matches!(next(&mut link).await.0, Happened::Sent(10)));
        let session = secured(&mut link).await;
        assert!(session.chain_checked && session.name_checked.as_deref() == Some("localhost"));
        assert_eq!(session.resumed, None);
        assert!(link.session().is_none());
        assert_eq!(received(&mut link, 8).await, b"230 in\r\n");
        link.notify_acked();
        assert!(matches!(next(&mut link).await.0, Happened::Acked(23)));
        assert!(matches!(next(&mut link).await.0, Happened::PeerClosed { truncated: false }));
        while !link.is_over() {
            next(&mut link).await;
        }
    };
    tokio::join!(serve, talk);
    let ended = link.ended();
    assert!(matches!(ended, Report::Ended { end: End::Peer, sent: 23, received: 8, .. }), "{ended:?}");
}

fn injected(explanation: &Explanation) {
    assert_eq!((explanation.class, explanation.stage), (LinkFailure::Tls, Stage::Tls), "{explanation}");
    assert_eq!(explanation.fault, Fault::Peer);
    let text = explanation.to_string();
    assert!(text.contains("had come in plain text behind the answer"), "{text}");
    assert!(!text.contains("evil"), "no payload: {text}");
}

#[tokio::test]
async fn what_somebody_puts_behind_the_answer_ends_it() {
    let lab = Lab::new().await;
    let (mut link, mut peer) = plain(&lab).await;
    // The answer and what was put behind it, in one segment; the module reads the answer only.
    peer.write_all(b"234 go on\r\n230 evil\r\n").await.unwrap();
    link.grant(11);
    assert_eq!(received(&mut link, 11).await, b"234 go on\r\n");
    link.grant(1_000);
    secure(&lab, &mut link, mutual());
    injected(&failed(&mut link).await);
    assert!(link.is_over());
    // It is not even asked for TLS.
    let mut rest = Vec::new();
    let _ = peer.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn what_somebody_puts_before_the_handshakes_answer_is_no_answer() {
    let lab = Lab::new().await;
    let (mut link, mut peer) = plain(&lab).await;
    link.grant(1_000);
    secure(&lab, &mut link, mutual());
    let attack = async {
        hello(&peer).await;
        peer.write_all(b"230 evil\r\n").await.unwrap();
        let acceptor = lab.acceptor(true);
        assert!(acceptor.accept(peer, LONG).await.is_err());
    };
    let ((), explanation) = tokio::join!(attack, failed(&mut link));
    assert_eq!(explanation.class, LinkFailure::Tls);
    assert!(explanation.to_string().contains("what answers is not TLS"), "{explanation}");
}

#[tokio::test]
async fn an_answer_that_is_late_or_never_comes_is_waited_for_as_long_as_is_set() {
    let lab = Lab::new().await;
    let (mut link, peer) = plain(&lab).await;
    secure(&lab, &mut link, TlsRequest { timeout: 100, ..mutual() });
    let explanation = failed(&mut link).await;
    assert!(explanation.seen.contains("said nothing"), "{explanation}");
    assert_eq!((explanation.class, explanation.stage), (LinkFailure::Tls, Stage::Tls));
    drop(peer);

    // Nor does it wait for ever until what was sent before has left.
    let (mut link, peer) = plain(&lab).await;
    link.send(vec![1; 32 << 20]);
    secure(&lab, &mut link, TlsRequest { timeout: 100, ..mutual() });
    let explanation = loop {
        match next(&mut link).await.0 {
            Happened::Sent(_) => {}
            Happened::Failed(explanation) => break explanation,
            other => panic!("{other:?}"),
        }
    };
    assert!(explanation.seen.contains("has not taken within 100 ms"), "{explanation}");
    drop(peer);
}

#[tokio::test]
async fn each_mistake_is_named_as_for_any_handshake() {
    let lab = Lab::new().await;
    let cases = [
        (TlsRequest { cacert: None, ..mutual() }, LinkFailure::Tls, Stage::Files, "no cacert"),
        (TlsRequest { clientkey: None, ..mutual() }, LinkFailure::Tls, Stage::Files, "set both or none"),
        (
            TlsRequest { now: 1_000_000_000, ..mutual() },
            LinkFailure::Certificate,
            Stage::Tls,
            "not valid before",
        ),
        (
            TlsRequest { hostname: Some("elsewhere.example".into()), ..mutual() },
            LinkFailure::Certificate,
            Stage::Tls,
            "not for elsewhere",
        ),
    ];
    for (request, class, stage, words) in cases {
        let (mut link, peer) = plain(&lab).await;
        secure(&lab, &mut link, request);
        let acceptor = lab.acceptor(true);
        let (accepted, explanation) = tokio::join!(acceptor.accept(peer, LONG), failed(&mut link));
        assert!(accepted.is_err());
        assert_eq!((explanation.class, explanation.stage), (class, stage), "{explanation}");
        assert!(explanation.to_string().contains(words), "{explanation}");
    }
    let mut link = lab.bench.link(to(Transport::Udp, "127.0.0.1:9".parse().unwrap()));
    assert!(matches!(next(&mut link).await.0, Happened::Connected(..)));
    secure(&lab, &mut link, mutual());
    assert_eq!(failed(&mut link).await.fault, Fault::Twin);
}

#[tokio::test]
async fn it_can_be_closed_in_the_middle() {
    let lab = Lab::new().await;
    for quick in [true, false] {
        let (mut link, mut peer) = plain(&lab).await;
        secure(&lab, &mut link, mutual());
        let mut buffer = [0; 16];
        let polled =
            std::future::poll_fn(|cx| std::task::Poll::Ready(link.poll(cx, &mut buffer).is_pending()));
        assert!(polled.await);
        assert!(link.is_opening());
        hello(&peer).await;
        assert!(link.close(quick) && link.is_over());
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
    }
}

#[tokio::test]
async fn the_capture_has_the_secrets_before_what_they_decrypt() {
    let lab = Lab::new().await;
    let path = lab.bench.store.path().join("capture.pcapng");
    let capture = Some(Arc::new(Capture::open(&path, false).unwrap()));
    let network = Arc::new(Network::default().record(Recording { key_log: None, capture }));
    let connect = to(Transport::Tcp, lab.listener.local_addr().unwrap());
    let store = Arc::clone(&lab.bench.store);
    let mut link =
        Link::open("m", ConnId(1), connect, Resumption::None, Arc::clone(&network), Arc::clone(&store));
    assert!(matches!(next(&mut link).await.0, Happened::Connected(..)));
    let (mut peer, _) = lab.listener.accept().await.unwrap();
    link.send(b"AUTH TLS\r\n".to_vec());
    link.secure(mutual(), Resumption::None, network, store);
    let acceptor = lab.acceptor(true);
    let serve = async {
        exactly(&mut peer, b"AUTH TLS\r\n").await;
        accept(&acceptor, peer).await
    };
    let talk = async {
        assert!(matches!(next(&mut link).await.0, Happened::Sent(10)));
        secured(&mut link).await;
    };
    let (_stream, ()) = tokio::join!(serve, talk);
    let file = std::fs::read(path).unwrap();
    let at = |part: &[u8]| file.windows(part.len()).position(|window| window == part).unwrap();
    let (plain, secret, hello) = (at(b"AUTH TLS\r\n"), at(b"CLIENT_RANDOM "), at(&[22, 3, 1]));
    assert!(plain < secret && secret < hello, "{plain} {secret} {hello}");
}

/// A server that lets sessions be resumed.
fn resuming(lab: &Lab, sessions: Sessions) -> Acceptor {
    let (certificate, key) = (lab.server.certificate_pem().unwrap(), lab.server.key_pem().unwrap());
    let client_anchors = Some(lab.ca.certificate_pem().unwrap());
    Acceptor::new(&ServerPolicy { client_anchors, sessions, ..ServerPolicy::new(certificate, key) }).unwrap()
}

#[tokio::test]
async fn a_session_goes_over_to_another_connection_while_the_first_is_open() {
    let lab = Lab::new().await;
    for sessions in [Sessions::Remembered, Sessions::Tickets] {
        let acceptor = resuming(&lab, sessions);
        let network: Arc<Network> = Arc::default();
        // The control connection, protected in the middle.
        let (mut control, peer) = plain(&lab).await;
        let keep = Resumption::Keep(Resumable::default());
        control.secure(mutual(), keep, Arc::clone(&network), Arc::clone(&lab.bench.store));
        let (mut far_control, first) = tokio::join!(accept(&acceptor, peer), secured(&mut control));
        assert_eq!(first.resumed, None);
        // Data connections, protected from the beginning.
        for request in [mutual(), TlsRequest { now: mutual().now + 60, ..mutual() }] {
            let mut connect = to(Transport::Tcp, lab.listener.local_addr().unwrap());
            connect.tls = Some(Box::new(request));
            let offer = Resumption::Offer(control.session().unwrap());
            let store = Arc::clone(&lab.bench.store);
            let mut data = Link::open("m", ConnId(2), connect, offer, Arc::clone(&network), store);
            let serve = async {
                let (peer, _) = lab.listener.accept().await.unwrap();
                let mut accepted = acceptor.accept(peer, LONG).await.unwrap();
                assert!(accepted.resumed && accepted.client.is_some(), "{sessions:?}");
                accepted.stream.write_all(b"listing").await.unwrap();
                accepted.stream.shutdown().await.unwrap();
                accepted
            };
            let talk = async {
                let Happened::Connected(_, report) = next(&mut data).await.0 else { panic!("not connected") };
                let Report::Connected { session: Some(session), .. } = *report else { panic!("{report:?}") };
                assert_eq!(session.resumed, Some(true));
                let brief = super::explain::brief(&session);
                assert!(brief.contains(", an earlier session resumed; revocation"), "{brief}");
                data.grant(100);
                assert_eq!(received(&mut data, 7).await, b"listing");
                assert!(matches!(next(&mut data).await.0, Happened::PeerClosed { truncated: false }));
            };
            tokio::join!(serve, talk);
            // Whatever becomes of a data connection.
            data.close(true);
        }
        far_control.write_all(b"226 done").await.unwrap();
        control.grant(100);
        assert_eq!(received(&mut control, 8).await, b"226 done");
        control.close(false);
        assert!(control.session().is_none(), "gone with its connection");
    }
}
