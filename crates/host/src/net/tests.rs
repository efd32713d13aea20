use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use modem::{ConnId, Connect, LinkFailure, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::*;
use crate::store::Store;

pub(super) const LONG: Duration = Duration::from_secs(30);

pub(super) struct Bench {
    _dir: tempfile::TempDir,
    pub(super) store: Arc<Store>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        Self { _dir: dir, store }
    }

    pub(super) fn link(&self, connect: Connect) -> Link {
        Link::open(
            "m",
            ConnId(1),
            connect,
            tls::Resumption::None,
            Arc::new(Network::default()),
            Arc::clone(&self.store),
        )
    }

    async fn connected(&self, listener: &TcpListener) -> (Link, TcpStream) {
        let mut link = self.link(to(Transport::Tcp, listener.local_addr().unwrap()));
        let happened = next(&mut link).await.0;
        assert!(matches!(happened, Happened::Connected(..)), "{happened:?}");
        (link, listener.accept().await.unwrap().0)
    }
}

pub(super) fn to(transport: Transport, address: SocketAddr) -> Connect {
    Connect {
        transport,
        host: address.ip().to_string(),
        port: address.port(),
        tls: None,
        connect_timeout: 20_000,
        name_servers: Vec::new(),
        local_port: None,
        keep_alive: None,
        link: 3,
    }
}

pub(super) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

pub(super) async fn next(link: &mut Link) -> (Happened, Vec<u8>) {
    let mut buffer = vec![0; 64 << 10];
    let happened = timeout(LONG, poll_fn(|cx| link.poll(cx, &mut buffer))).await.expect("nothing happened");
    let bytes = if let Happened::Received(count) = happened { buffer[..count].to_vec() } else { vec![] };
    (happened, bytes)
}

/// Whether nothing happens when the link is polled now.
async fn is_still(link: &mut Link) -> bool {
    let mut buffer = vec![0; 64 << 10];
    poll_fn(|cx| std::task::Poll::Ready(link.poll(cx, &mut buffer).is_pending())).await
}

pub(super) async fn failed(link: &mut Link) -> Explanation {
    match next(link).await.0 {
        Happened::Failed(explanation) => *explanation,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reads_only_what_was_granted_and_reports_the_end_behind_it() {
    let (bench, listener) = (Bench::new(), listener().await);
    let (mut link, mut peer) = bench.connected(&listener).await;
    peer.write_all(b"0123456789").await.unwrap();
    drop(peer);
    assert!(is_still(&mut link).await);
    link.grant(4);
    assert_eq!(next(&mut link).await.1, b"0123");
    assert!(is_still(&mut link).await);
    link.grant(100);
    assert_eq!(next(&mut link).await.1, b"456789");
    assert!(matches!(next(&mut link).await.0, Happened::PeerClosed { .. }));
    assert!(link.is_over());
    assert!(matches!(link.ended(), Report::Ended { end: End::Peer, sent: 0, received: 10, .. }));
}

#[tokio::test]
async fn tells_refusal_from_silence_and_both_from_a_bad_name() {
    let bench = Bench::new();
    let unused = listener().await.local_addr().unwrap();
    let refused = failed(&mut bench.link(to(Transport::Tcp, unused))).await;
    assert_eq!((refused.class, refused.stage), (LinkFailure::Refused, Stage::Connect));
    assert_eq!(
        refused.to_string().split(" (").next().unwrap(),
        format!(
            "m link 3 to {unused}: connect failed: {unused} refused the connection: nothing listens there"
        )
    );

    let mut connect = to(Transport::Tcp, unused);
    connect.host = "no-such-host.invalid".into();
    let unknown = failed(&mut bench.link(connect)).await;
    assert_eq!((unknown.class, unknown.stage), (LinkFailure::Dns, Stage::Name));
    assert!(unknown.seen.contains("no-such-host.invalid could not be resolved"), "{unknown}");

    let (address, _full) = unanswering().await;
    let mut connect = to(Transport::Tcp, address);
    connect.connect_timeout = 200;
    let silent = failed(&mut bench.link(connect)).await;
    assert_eq!((silent.class, silent.stage), (LinkFailure::Timeout, Stage::Connect));
    assert!(silent.seen.contains("within 200 ms"), "{silent}");
}

#[tokio::test]
async fn rules_lead_elsewhere() {
    let (bench, listener) = (Bench::new(), listener().await);
    let mut resolver = Resolver::new();
    let address = listener.local_addr().unwrap();
    resolver.add("tcplab.openluat.com", address.ip(), Some(address.port()));
    let mut connect = to(Transport::Tcp, address);
    (connect.host, connect.port) = ("tcplab.openluat.com".into(), 57513);
    let network = Arc::new(Network::new(resolver));
    let mut link =
        Link::open("m", ConnId(1), connect, tls::Resumption::None, network, Arc::clone(&bench.store));
    let Happened::Connected(peer, report) = next(&mut link).await.0 else { panic!("not connected") };
    assert_eq!(peer, address);
    let Report::Connected { subject, session, .. } = *report else { panic!("{report:?}") };
    assert_eq!((subject.target.as_str(), session), ("tcplab.openluat.com:57513", None));
}

#[tokio::test]
async fn a_slow_close_delivers_everything_and_a_quick_one_is_done_at_once() {
    let (bench, listener) = (Bench::new(), listener().await);
    let all: Vec<u8> = (0..2_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut link, mut peer) = bench.connected(&listener).await;
    link.send(all.clone());
    assert!(!link.close(false));
    let reader = async {
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.unwrap();
        got
    };
    let closed = async {
        let mut sent = 0;
        loop {
            match next(&mut link).await.0 {
                Happened::Sent(count) => sent += count,
                Happened::Closed => return sent,
                other => panic!("{other:?}"),
            }
        }
    };
    let (got, sent) = tokio::join!(reader, closed);
    assert_eq!((got == all, sent), (true, all.len()));
    assert!(link.is_lingering());
    drop(peer);
    assert!(matches!(next(&mut link).await.0, Happened::Over));

    let (mut link, mut peer) = bench.connected(&listener).await;
    assert!(link.close(true));
    assert!(link.is_over());
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    assert!(bench.link(to(Transport::Tcp, listener.local_addr().unwrap())).close(false), "was not even open");
}

#[tokio::test]
async fn a_slow_close_gets_through_to_a_peer_that_echoes() {
    let (bench, listener) = (Bench::new(), listener().await);
    let (mut link, mut peer) = bench.connected(&listener).await;
    let size = 16 << 20;
    link.send(vec![1; size]);
    assert!(!link.close(false));
    let echo = async {
        let mut buffer = vec![0; 64 << 10];
        let mut echoed = 0;
        while let Ok(count @ 1..) = peer.read(&mut buffer).await {
            peer.write_all(&buffer[..count]).await.unwrap();
            echoed += count;
        }
        echoed
    };
    let closed = async {
        while !matches!(next(&mut link).await.0, Happened::Closed) {}
        // It lingers while the peer still writes.
        while !link.is_over() {
            next(&mut link).await;
        }
    };
    let (echoed, ()) = tokio::join!(echo, closed);
    assert_eq!(echoed, size);
}

#[tokio::test]
async fn a_reset_is_a_break() {
    let (bench, listener) = (Bench::new(), listener().await);
    let (mut link, peer) = bench.connected(&listener).await;
    peer.set_zero_linger().unwrap();
    drop(peer);
    link.grant(10);
    let Happened::Broken(explanation) = next(&mut link).await.0 else { panic!("not broken") };
    assert_eq!((explanation.class, explanation.stage), (LinkFailure::Reset, Stage::Open));
    assert!(link.is_over());
    assert!(matches!(link.ended(), Report::Ended { end: End::Failed, .. }));
}

#[tokio::test]
async fn knows_what_has_been_acknowledged() {
    let (bench, listener) = (Bench::new(), listener().await);
    let (mut link, mut peer) = bench.connected(&listener).await;
    link.notify_acked();
    assert!(matches!(next(&mut link).await.0, Happened::Acked(0)));
    link.send(vec![7; 1000]);
    link.notify_acked();
    assert!(matches!(next(&mut link).await.0, Happened::Sent(1000)));
    assert!(matches!(next(&mut link).await.0, Happened::Acked(1000)));
    peer.read_exact(&mut [0; 1000]).await.unwrap();
    assert_eq!(link.acked(), 1000);

    // A peer that does not read stops acknowledging when its buffer is full.
    link.send(vec![8; 32 << 20]);
    while !is_still(&mut link).await {}
    let Report::Ended { sent, .. } = link.ended() else { panic!("not an account") };
    assert!(link.acked() < sent && sent < 32 << 20, "{} of {sent}", link.acked());
    link.notify_acked();
    let reading = async {
        let mut left = 32 << 20;
        let mut buffer = vec![0; 1 << 20];
        while left > 0 {
            left -= peer.read(&mut buffer).await.unwrap();
        }
        peer
    };
    let acked = async {
        loop {
            if let Happened::Acked(count) = next(&mut link).await.0 {
                return count;
            }
        }
    };
    let (_peer, acked) = tokio::join!(reading, acked);
    assert_eq!(acked, 1000 + (32 << 20));
}

#[tokio::test]
async fn datagrams_are_delivered_whole_once_anything_is_granted() {
    let bench = Bench::new();
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut link = bench.link(to(Transport::Udp, peer.local_addr().unwrap()));
    assert!(matches!(next(&mut link).await.0, Happened::Connected(..)));
    link.send(b"ping".to_vec());
    assert!(matches!(next(&mut link).await.0, Happened::Sent(4)));
    let mut buffer = [0; 100];
    let (count, from) = timeout(LONG, peer.recv_from(&mut buffer)).await.unwrap().unwrap();
    assert_eq!(&buffer[..count], b"ping");
    peer.send_to(b"", from).await.unwrap();
    peer.send_to(b"0123456789", from).await.unwrap();
    peer.send_to(&[7; 60_000], from).await.unwrap();
    assert!(is_still(&mut link).await);
    link.grant(4);
    assert_eq!(next(&mut link).await.1, b"0123456789");
    assert!(is_still(&mut link).await);
    link.grant(1);
    assert_eq!(next(&mut link).await.1, [7; 60_000]);
    link.notify_acked();
    assert!(matches!(next(&mut link).await.0, Happened::Acked(4)));
}

#[tokio::test]
async fn a_datagram_to_nobody_breaks_nothing() {
    let bench = Bench::new();
    let address = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut link = bench.link(to(Transport::Udp, address));
    assert!(matches!(next(&mut link).await.0, Happened::Connected(..)));
    link.grant(100);
    for _ in 0..10 {
        link.send(b"anyone?".to_vec());
        assert!(matches!(next(&mut link).await.0, Happened::Sent(7)));
        assert!(is_still(&mut link).await);
    }
}

/// An address that answers no SYN while what is returned with it lives: the queue of a listener that accepts nobody is
/// full after one.
pub(super) async fn unanswering() -> (SocketAddr, (std::net::TcpListener, TcpStream)) {
    let full = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&full, 0).unwrap();
    let address = full.local_addr().unwrap();
    let first = TcpStream::connect(address).await.unwrap();
    (address, (full, first))
}

#[tokio::test]
async fn what_was_sent_before_the_peer_closed_its_side_still_leaves() {
    let (bench, listener) = (Bench::new(), listener().await);
    let (mut link, mut peer) = bench.connected(&listener).await;
    // More than the kernels' buffers take, and the peer reads later.
    let payload: Vec<u8> = (0..=255).cycle().take(16 << 20).collect();
    link.send(payload.clone());
    peer.shutdown().await.unwrap();
    link.grant(100);
    loop {
        match next(&mut link).await.0 {
            Happened::Sent(_) => {}
            Happened::PeerClosed { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    // The module closes its side then.
    link.close(false);
    let reading = async {
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.map(|_| got)
    };
    let leaving = async {
        while !link.is_over() {
            next(&mut link).await;
        }
        link.ended()
    };
    let (got, ended) = tokio::join!(reading, leaving);
    assert!(got.unwrap() == payload, "not all has come");
    let size = payload.len() as u64;
    assert!(matches!(ended, Report::Ended { end: End::Peer, sent, .. } if sent == size), "{ended:?}");
}

#[tokio::test]
async fn a_peer_that_never_stops_does_not_keep_a_closed_connection() {
    let (bench, listener) = (Bench::new(), listener().await);
    let (mut link, mut peer) = bench.connected(&listener).await;
    assert!(!link.close(false));
    assert!(matches!(next(&mut link).await.0, Happened::Closed));
    assert!(link.is_lingering());
    // More than can be read in one turn.
    peer.write_all(&[0; 64 << 10]).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3)).await;
    let over = poll_fn(|cx| std::task::Poll::Ready(link.poll(cx, &mut [0; 16]).is_ready())).await;
    assert!(over && link.is_over());
}
