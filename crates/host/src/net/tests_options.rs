//! Keep-alive and local ports, as the system and the peer see them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use modem::{Connect, KeepAlive, LinkFailure, Transport};
use rustix::io::Errno;
use rustix::net::sockopt;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

use super::tests::{Bench, LONG, failed, listener, next, to};
use super::{Fault, Happened, Link, Stage};

/// A port that nobody has just now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn from(port: u16, connect: Connect) -> Connect {
    Connect { local_port: Some(port), ..connect }
}

async fn up(link: &mut Link) {
    let happened = next(link).await.0;
    assert!(matches!(happened, Happened::Connected(..)), "{happened:?}");
}

#[tokio::test]
async fn keep_alive_is_the_sockets() {
    let (bench, listener) = (Bench::new(), listener().await);
    let connect = to(Transport::Tcp, listener.local_addr().unwrap());
    let mut plain = bench.link(connect.clone());
    up(&mut plain).await;
    assert!(!sockopt::socket_keepalive(plain.socket().unwrap()).unwrap());

    let keep_alive = Some(KeepAlive { idle: 60, interval: 30, count: 3 });
    let mut link = bench.link(Connect { keep_alive, ..connect });
    up(&mut link).await;
    let socket = link.socket().unwrap();
    assert!(sockopt::socket_keepalive(socket).unwrap());
    assert_eq!(sockopt::tcp_keepidle(socket).unwrap(), Duration::from_secs(60));
    assert_eq!(sockopt::tcp_keepintvl(socket).unwrap(), Duration::from_secs(30));
    assert_eq!(sockopt::tcp_keepcnt(socket).unwrap(), 3);
}

#[tokio::test]
async fn tcp_comes_from_its_port_and_comes_again() {
    let bench = Bench::new();
    let (first, second) = (listener().await, listener().await);
    let port = free_port();
    let mut link = bench.link(from(port, to(Transport::Tcp, first.local_addr().unwrap())));
    up(&mut link).await;
    let (mut peer, source) = first.accept().await.unwrap();
    assert_eq!(source.port(), port);
    // The module closes first: this computer remembers the connection (TIME-WAIT), and so its port.
    assert!(!link.close(false));
    assert!(matches!(next(&mut link).await.0, Happened::Closed));
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    drop(peer);
    assert!(matches!(next(&mut link).await.0, Happened::Over));
    let mut link = bench.link(from(port, to(Transport::Tcp, second.local_addr().unwrap())));
    up(&mut link).await;
    assert_eq!(second.accept().await.unwrap().1.port(), port);
}

#[tokio::test]
async fn udp_comes_from_its_port_and_comes_again() {
    let bench = Bench::new();
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = free_port();
    for _ in 0..2 {
        let mut link = bench.link(from(port, to(Transport::Udp, peer.local_addr().unwrap())));
        up(&mut link).await;
        link.send(b"ping".to_vec());
        assert!(matches!(next(&mut link).await.0, Happened::Sent(4)));
        let mut buffer = [0; 10];
        let (_, source) = timeout(LONG, peer.recv_from(&mut buffer)).await.unwrap().unwrap();
        assert_eq!(source, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        peer.send_to(b"pong", source).await.unwrap();
        link.grant(4);
        assert_eq!(next(&mut link).await.1, b"pong");
        assert!(!link.close(false));
        assert!(matches!(next(&mut link).await.0, Happened::Closed));
        assert!(link.is_over(), "the port is free");
    }
}

#[tokio::test]
async fn a_port_that_cannot_be_had_is_explained() {
    let bench = Bench::new();
    let (server, other) = (listener().await, listener().await);
    let taken = other.local_addr().unwrap().port();
    let address = server.local_addr().unwrap();
    let explanation = failed(&mut bench.link(from(taken, to(Transport::Tcp, address)))).await;
    assert_eq!((explanation.class, explanation.stage), (LinkFailure::AddressInUse, Stage::Connect));
    assert_eq!(explanation.fault, Fault::Command);
    assert!(explanation.seen.contains(&format!("has the local port {taken}")), "{explanation}");
    assert!(
        explanation.advice.as_deref().is_some_and(|advice| advice.contains("AT+CLPORT")),
        "{explanation}"
    );

    let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
    let taken = socket.local_addr().unwrap().port();
    let explanation = failed(&mut bench.link(from(taken, to(Transport::Udp, address)))).await;
    assert_eq!(explanation.class, LinkFailure::AddressInUse, "{explanation}");

    // The same connection twice.
    let port = free_port();
    let mut link = bench.link(from(port, to(Transport::Tcp, address)));
    up(&mut link).await;
    let _peer: (_, SocketAddr) = TcpListener::accept(&server).await.unwrap();
    let explanation = failed(&mut bench.link(from(port, to(Transport::Tcp, address)))).await;
    assert_eq!(explanation.class, LinkFailure::AddressUnavailable, "{explanation}");
    assert!(explanation.seen.contains("not forgotten yet"), "{explanation}");
}

#[test]
fn what_the_module_is_told_of_a_sockets_error() {
    use std::io::ErrorKind;
    for (kind, class) in [
        (ErrorKind::ConnectionRefused, LinkFailure::Refused),
        (ErrorKind::ConnectionReset, LinkFailure::Reset),
        (ErrorKind::ConnectionAborted, LinkFailure::Aborted),
        (ErrorKind::BrokenPipe, LinkFailure::ShutDown),
        (ErrorKind::TimedOut, LinkFailure::Timeout),
        (ErrorKind::HostUnreachable, LinkFailure::Unreachable),
        (ErrorKind::NetworkUnreachable, LinkFailure::Network),
        (ErrorKind::NetworkDown, LinkFailure::Network),
        (ErrorKind::AddrInUse, LinkFailure::AddressInUse),
        (ErrorKind::AddrNotAvailable, LinkFailure::AddressUnavailable),
        (ErrorKind::OutOfMemory, LinkFailure::NoBuffer),
        (ErrorKind::PermissionDenied, LinkFailure::Local),
    ] {
        assert_eq!(super::failed::class(&kind.into()), class, "{kind:?}");
    }
    for (errno, class) in
        [(Errno::NOBUFS, LinkFailure::NoBuffer), (Errno::HOSTDOWN, LinkFailure::Unreachable)]
    {
        assert_eq!(super::failed::class(&errno.into()), class, "{errno:?}");
    }
}
