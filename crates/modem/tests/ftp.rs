//! FTP against servers that do anything, at any time.
// @covers ftp.any ftp.set.control
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use modemtwin_modem::{
    AIR724UG, ConnId, Input, LineId, LinkEvent, LinkFailure, LinkRequest, Modem, Output, Setup, Time,
};
use proptest::prelude::*;

const LINE: LineId = LineId(0);

/// A connection as the other end sees it.
#[derive(Debug, Default)]
struct Peer {
    connected: bool,
    granted: usize,
    sent: Vec<u8>,
    /// How much of `sent` was in plain text.
    plain: Option<usize>,
    closed: bool,
    /// It failed, broke, or was closed at once.
    over: bool,
}

struct Bench {
    modem: Modem,
    now: u64,
    peers: BTreeMap<ConnId, Peer>,
    said: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let modem = Modem::new(Setup::new(0, 1, 1_600_000_000_000));
        let mut bench = Self { modem, now: 0, peers: BTreeMap::new(), said: Vec::new() };
        bench.pass(60_000);
        bench.host(b"ATE0\rAT+SAPBR=1,1\rAT+FTPSERV=ftp.example.com;+FTPUN=me;+FTPPW=pw;+FTPGETPATH=/;+FTPGETNAME=a\r");
        bench.host(b"AT+FTPPUTPATH=/;+FTPPUTNAME=b\r");
        bench
    }

    fn pass(&mut self, millis: u64) {
        let until = self.now + millis;
        while let Some(at) = self.modem.deadline().filter(|at| at.0 <= until) {
            self.now = at.0.max(self.now);
            self.modem.handle(at, Input::Tick);
            self.drain();
        }
        self.now = until;
        self.modem.handle(Time(until), Input::Tick);
        self.drain();
    }

    fn host(&mut self, bytes: &[u8]) {
        self.modem.handle(Time(self.now), Input::Line { line: LINE, bytes });
        self.drain();
    }

    /// Something happens to the connection that was opened first (or second) of those that are open.
    fn link(&mut self, second: bool, event: &Happening) {
        let mut open = self.peers.iter_mut().filter(|(_, peer)| !peer.closed);
        let Some((conn, peer)) = open.nth(usize::from(second)) else { return };
        let conn = *conn;
        let address = SocketAddr::from(([192, 0, 2, 1], 21));
        let event = match event {
            Happening::Connected if !peer.connected => {
                peer.connected = true;
                LinkEvent::Connected { peer: address }
            }
            Happening::Fails if !peer.connected => {
                (peer.closed, peer.over) = (true, true);
                LinkEvent::Failed(LinkFailure::Refused)
            }
            Happening::Secured if peer.plain == Some(peer.sent.len()) => LinkEvent::Secured,
            Happening::Says(bytes) if peer.connected && peer.granted > 0 => {
                let count = bytes.len().min(peer.granted);
                peer.granted -= count;
                LinkEvent::Received(&bytes[..count])
            }
            Happening::Closes(truncated) if peer.connected => LinkEvent::PeerClosed { truncated: *truncated },
            Happening::Breaks if peer.connected => {
                (peer.closed, peer.over) = (true, true);
                LinkEvent::Broken(LinkFailure::Reset)
            }
            _ => return,
        };
        self.modem.handle(Time(self.now), Input::Link { conn, event });
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Write { bytes, .. } => {
                    self.said.extend_from_slice(&bytes);
                    self.modem.handle(Time(self.now), Input::Written { line: LINE, bytes: bytes.len() });
                }
                Output::Link { conn, request: LinkRequest::Connect(_) } => {
                    self.peers.insert(conn, Peer::default());
                }
                Output::Link { conn, request } => {
                    let peer = self.peers.get_mut(&conn).unwrap();
                    assert!(!peer.over, "{request:?} to a connection that is over");
                    match request {
                        LinkRequest::Grant(bytes) => peer.granted += bytes,
                        LinkRequest::Send(bytes) => {
                            peer.sent.extend_from_slice(&bytes);
                            let event = LinkEvent::Sent(bytes.len());
                            self.modem.handle(Time(self.now), Input::Link { conn, event });
                        }
                        LinkRequest::Secure(_) => peer.plain = Some(peer.sent.len()),
                        LinkRequest::Close { quick } => (peer.closed, peer.over) = (true, quick),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        for peer in self.peers.values() {
            assert!(peer.granted <= AIR724UG.receive_buffer, "{} bytes granted", peer.granted);
        }
    }
}

#[derive(Clone, Debug)]
enum Happening {
    Connected,
    Fails,
    Secured,
    Says(Vec<u8>),
    Closes(bool),
    Breaks,
}

#[derive(Clone, Debug)]
enum Step {
    Link(bool, Happening),
    Host(Vec<u8>),
    Pass(u64),
}

fn reply() -> impl Strategy<Value = Vec<u8>> {
    let replies = [
        "220 a",
        "120 a",
        "331 a",
        "230 a",
        "200 a",
        "234 a",
        "229 (|||30001|)",
        "227 (10,0,0,1,1,2)",
        "350 a",
        "150 a",
        "125 a",
        "226 a",
        "250 a",
        "257 a",
        "213 12",
        "221 a",
        "421 a",
        "425 a",
        "450 a",
        "500 a",
        "530 a",
        "550 a",
        "552 a",
        "220-a",
    ];
    prop_oneof![
        8 => prop::sample::select(replies.to_vec()).prop_map(|text| format!("{text}\r\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 1..40),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let host = [
        "AT+FTPGET=1",
        "AT+FTPGET=2,10",
        "AT+FTPLIST=1",
        "AT+FTPLIST=2,1460",
        "AT+FTPPUT=1",
        "AT+FTPPUT=2,3",
        "abc",
        "AT+FTPPUT=2,0",
        "AT+FTPMKD",
        "AT+FTPSIZE",
        "AT+FTPQUIT",
        "AT+FTPSSL=0",
        "AT+FTPSSL=1",
        "AT+FTPSSL=2",
        "AT+FTPREST=5",
        "AT+FTPREST=0",
        "AT+FTPPUTOPT=STOU",
        "AT+SAPBR=0,1",
        "AT+SAPBR=1,1",
        "AT+FTPMODE=0",
        "AT+FTPMODE=1",
        "AT+RESET",
    ];
    prop_oneof![
        6 => reply().prop_map(|bytes| Step::Link(false, Happening::Says(bytes))),
        2 => reply().prop_map(|bytes| Step::Link(true, Happening::Says(bytes))),
        6 => any::<bool>().prop_map(|second| Step::Link(second, Happening::Connected)),
        2 => any::<bool>().prop_map(|second| Step::Link(second, Happening::Secured)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(second, cut)| Step::Link(second, Happening::Closes(cut))),
        1 => any::<bool>().prop_map(|second| Step::Link(second, Happening::Breaks)),
        1 => any::<bool>().prop_map(|second| Step::Link(second, Happening::Fails)),
        5 => prop::sample::select(host.to_vec()).prop_map(|text| Step::Host(format!("{text}\r").into_bytes())),
        1 => prop::sample::select(vec![1u64, 100, 5_000, 32_000, 76_000]).prop_map(Step::Pass),
    ]
}

/// What a good server says to a verb, up to its data.
fn good_start(put: bool) -> Vec<Step> {
    let verb: &[u8] = if put { b"AT+FTPPUT=1\r" } else { b"AT+FTPGET=1\r" };
    let mut steps = vec![Step::Host(verb.to_vec()), Step::Link(false, Happening::Connected)];
    for text in ["220 a", "331 a", "230 a", "200 a", "229 (|||30001|)"] {
        steps.push(Step::Link(false, Happening::Says(format!("{text}\r\n").into_bytes())));
    }
    steps.push(Step::Link(true, Happening::Connected));
    steps
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens: bounded, no command that was not meant, and always a way back to a new session.
    #[test]
    fn whatever_happens(start in prop::option::of(any::<bool>()), steps in prop::collection::vec(step(), 0..40)) {
        let mut bench = Bench::new();
        for step in start.map(good_start).into_iter().flatten().chain(steps) {
            match step {
                Step::Link(second, event) => bench.link(second, &event),
                Step::Host(bytes) => bench.host(&bytes),
                Step::Pass(millis) => bench.pass(millis),
            }
        }
        // A block that is still expected, and whatever else is open.
        bench.host(b"xxx\r");
        bench.pass(60_000);
        bench.host(b"ATE0\rAT+FTPQUIT\r");
        bench.pass(200);
        bench.host(b"AT+SAPBR=1,1\r");
        bench.pass(1_000);
        bench.said.clear();
        bench.host(b"AT+FTPSTATE\r");
        let said = String::from_utf8_lossy(&bench.said).into_owned();
        prop_assert_eq!(said, "\r\n+FTPSTATE: 0\r\n\r\nOK\r\n");
        for peer in bench.peers.values() {
            prop_assert!(peer.closed, "a connection was left behind: {:?}", peer);
        }
        bench.said.clear();
        bench.host(b"AT+FTPSERV=ftp.example.com;+FTPGETPATH=/;+FTPMKD\r");
        let said = String::from_utf8_lossy(&bench.said).into_owned();
        prop_assert_eq!(said, "\r\nOK\r\n");
    }

    /// Nothing that a host can set becomes a command of its own.
    #[test]
    fn no_command_inside_a_name(text in "[\\x00-\\x0C\\x0E-\\x7F]{0,30}", verb in 0usize..6) {
        let mut bench = Bench::new();
        for setting in ["FTPUN", "FTPPW", "FTPGETNAME", "FTPGETPATH", "FTPPUTNAME", "FTPPUTPATH"] {
            bench.host(format!("AT+{setting}=\"{text}\"\r").as_bytes());
            // In case a quote in the text has left the line open.
            bench.host(b"\r");
        }
        let verb = ["AT+FTPGET=1", "AT+FTPPUT=1", "AT+FTPLIST=1", "AT+FTPDELE", "AT+FTPMKD", "AT+FTPSIZE"][verb];
        bench.host(format!("{verb}\r").as_bytes());
        bench.link(false, &Happening::Connected);
        for text in ["220 a", "331 a", "230 a", "200 a", "229 (|||30001|)", "150 a"] {
            bench.link(false, &Happening::Says(format!("{text}\r\n").into_bytes()));
            bench.link(true, &Happening::Connected);
        }
        bench.pass(400_000);
        let verbs = ["USER", "PASS", "TYPE", "EPSV", "RETR", "STOR", "LIST", "DELE", "MKD", "SIZE", "PASV", "QUIT"];
        let sent = bench.peers.values().next().map(|peer| peer.sent.clone()).unwrap_or_default();
        let sent = String::from_utf8(sent).unwrap();
        let mut lines: Vec<&str> = sent.split("\r\n").collect();
        prop_assert_eq!(lines.pop(), Some(""));
        let mut seen = Vec::new();
        for line in lines {
            let verb = line.split(' ').next().unwrap();
            prop_assert!(verbs.contains(&verb) && !seen.contains(&verb), "{line:?}");
            prop_assert!(!line.contains(char::is_control), "{line:?}");
            seen.push(verb);
        }
    }
}
