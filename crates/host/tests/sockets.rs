//! AT commands about sockets, as peers on real sockets see them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use modem::{LinkFailure, Setup};
use modemtwin_host::net::{Network, Report};
use modemtwin_host::{Instance, Journal, Line, Parts, Store, unix_millis};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);

/// The host's end of a module's line.
struct Host {
    line: DuplexStream,
    heard: Vec<u8>,
}

impl Host {
    /// Everything up to `end`.
    async fn until(&mut self, end: &str) -> Vec<u8> {
        let mut from = 0;
        loop {
            let found = self.heard[from..].windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = found {
                return self.heard.drain(..from + at + end.len()).collect();
            }
            from = self.heard.len().saturating_sub(end.len());
            self.more(end).await;
        }
    }

    /// Exactly so many bytes.
    async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.heard.len() < count {
            self.more("payload").await;
        }
        self.heard.drain(..count).collect()
    }

    async fn more(&mut self, wanted: &str) {
        let read = timeout(LONG, self.line.read_buf(&mut self.heard)).await;
        assert!(matches!(read, Ok(Ok(1..))), "no {wanted:?} in \"{}\"", self.heard.escape_ascii());
    }

    async fn say(&mut self, text: &str, end: &str) -> String {
        self.line.write_all(text.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&self.until(end).await).into_owned()
    }

    async fn ok(&mut self, command: &str) -> String {
        self.say(&format!("{command}\r"), "\r\nOK\r\n").await
    }

    /// Up to an address, in multi mode.
    async fn online(&mut self) {
        self.ok("ATE0").await;
        while !self.ok("AT+CGATT?").await.contains("+CGATT: 1") {}
        for command in ["AT+CIPMUX=1", "AT+CSTT", "AT+CIICR"] {
            self.ok(command).await;
        }
        self.say("AT+CIFSR\r", "\r\n").await;
        self.until("\r\n").await;
    }

    async fn start(&mut self, link: u8, mode: &str, to: SocketAddr, result: &str) {
        let command = format!("AT+CIPSTART={link},{mode},{},{}\r", to.ip(), to.port());
        self.say(&command, &format!("{link}, CONNECT {result}\r\n")).await;
    }

    /// What one AT+CIPRXGET=2 gives, and how much is left.
    async fn fetch(&mut self, link: u8) -> (Vec<u8>, usize) {
        let command = format!("AT+CIPRXGET=2,{link},1460\r");
        self.say(&command, "+CIPRXGET: 2,").await;
        let numbers = String::from_utf8(self.until("\r\n").await).unwrap();
        let numbers: Vec<usize> = numbers.trim_end().split(',').map(|n| n.parse().unwrap()).collect();
        let [_, got, left] = numbers[..] else { panic!("{numbers:?}") };
        let bytes = self.take(got).await;
        assert_eq!(self.take(6).await, b"\r\nOK\r\n");
        (bytes, left)
    }

    async fn left(&mut self, link: u8) -> usize {
        let said = self.ok(&format!("AT+CIPRXGET=4,{link}")).await;
        let at = said.find("+CIPRXGET: 4,").unwrap();
        said[at..].split(['\r', ',']).nth(2).unwrap().parse().unwrap()
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    journal: Arc<Journal>,
    module: Instance,
    host: Host,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::new(10));
        let (line, client) = Line::memory();
        let module = Instance::new(Parts {
            name: "modem0".into(),
            setup: Setup::new(0, 1, unix_millis()),
            lines: vec![line],
            store: Store::open(dir.path()).unwrap(),
            network: Arc::new(Network::default()),
            observer: Some(Arc::clone(&journal) as _),
        });
        Self { _dir: dir, journal, module, host: Host { line: client, heard: Vec::new() } }
    }
}

/// What the host reads in pull mode is all that leaves the peer, apart from what the computer's own buffers hold.
#[tokio::test]
async fn in_pull_mode_the_peer_waits_for_the_host() {
    const ALL: usize = 4 << 20;
    let Bench { module, mut host, .. } = Bench::new();
    let handle = module.handle();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(64 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let all: Vec<u8> = (0..ALL).map(|n| (n % 251) as u8).collect();
    let done = AtomicBool::new(false);
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&all).await.unwrap();
        done.store(true, Ordering::Relaxed);
    };
    let client = async {
        host.online().await;
        host.ok("AT+CIPRXGET=1").await;
        host.start(3, "TCP", address, "OK").await;
        host.until("+CIPRXGET: 1,3\r\n").await;
        while host.left(3).await < 8 * 1460 {}
        assert!(!done.load(Ordering::Relaxed), "the module has taken everything");
        let mut got = Vec::new();
        while got.len() < ALL {
            got.extend(host.fetch(3).await.0);
        }
        assert!(got == all);
        while !host.ok("AT+CIPSTATUS=3").await.contains("\"CLOSED\"") {}
        handle.stop().await.unwrap();
    };
    tokio::join!(module.run(std::future::pending()), server, client);
    assert!(done.load(Ordering::Relaxed));
}

#[tokio::test]
async fn datagrams_stay_datagrams_from_a_port_of_their_own() {
    let Bench { module, mut host, .. } = Bench::new();
    let handle = module.handle();
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = peer.local_addr().unwrap();
    let port = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let client = async {
        host.online().await;
        host.ok(&format!("AT+CLPORT=1,UDP,{port}")).await;
        host.start(1, "UDP", address, "OK").await;
        host.say("AT+CIPSEND=1,4\r", "> ").await;
        host.say("ping", "1, SEND OK\r\n").await;
        let mut buffer = [0; 10];
        let (count, from) = timeout(LONG, peer.recv_from(&mut buffer)).await.unwrap().unwrap();
        assert_eq!((&buffer[..count], from.port()), (&b"ping"[..], port));
        for length in [3, 2000, 5] {
            peer.send_to(&vec![b'd'; length], from).await.unwrap();
        }
        for length in [3, 1460, 540, 5] {
            host.until(&format!("+RECEIVE,1,{length}:\r\n")).await;
            assert_eq!(host.take(length).await, vec![b'd'; length]);
        }
        // Fetched: each read is one datagram.
        host.ok("AT+CIPRXGET=1").await;
        for length in [3, 5] {
            peer.send_to(&vec![b'e'; length], from).await.unwrap();
        }
        host.until("+CIPRXGET: 1,1\r\n").await;
        while host.left(1).await < 8 {}
        assert_eq!(host.fetch(1).await, (vec![b'e'; 3], 5));
        assert_eq!(host.fetch(1).await, (vec![b'e'; 5], 0));
        // The port can be used again at once.
        host.say("AT+CIPCLOSE=1\r", "1, CLOSE OK\r\n").await;
        host.start(1, "UDP", address, "OK").await;
        handle.stop().await.unwrap();
    };
    tokio::join!(module.run(std::future::pending()), client);
}

#[tokio::test]
async fn the_local_port_is_the_one_asked_for_or_the_failure_says_why() {
    let Bench { module, mut host, journal, .. } = Bench::new();
    let handle = module.handle();
    let (server, other) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = server.local_addr().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let taken = other.local_addr().unwrap().port();
    let client = async {
        host.online().await;
        host.ok(&format!("AT+CLPORT=2,TCP,{port};+CLPORT=5,TCP,{taken}")).await;
        host.start(2, "TCP", address, "OK").await;
        let (_stream, from) = server.accept().await.unwrap();
        assert_eq!(from.port(), port);
        host.start(5, "TCP", address, "FAIL").await;
        handle.stop().await.unwrap();
    };
    tokio::join!(module.run(std::future::pending()), client);
    let reports = journal.reports();
    let failed = reports.iter().find_map(|report| match report {
        Report::Failed(explanation) => Some(explanation),
        _ => None,
    });
    let explanation = failed.unwrap();
    assert_eq!(explanation.class, LinkFailure::AddressInUse);
    assert!(explanation.seen.contains(&format!("the local port {taken}")), "{explanation}");
}
