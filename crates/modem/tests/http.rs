//! HTTP against servers that send anything and in any size, and against lines that take nothing.
// @covers http.any-bytes http.limit.buffer http.status.602 http.read.flow http.read.shared http.data.large http.no-secrets
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;

use modemtwin_modem::{
    AIR724UG, ConnId, Input, LineId, LinkEvent, LinkRequest, Modem, Output, Setup, StoreReply, Time,
};
use proptest::prelude::*;

const LINE: LineId = LineId(0);
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n";

/// A module in a session, its server, and what its line has said.
struct Bench {
    modem: Modem,
    now: u64,
    conn: Option<ConnId>,
    connects: usize,
    granted: usize,
    sent: Vec<u8>,
    said: Vec<u8>,
    untaken: usize,
    notes: String,
    /// The module as people see it while the store keeps something.
    shown: String,
    /// Whether the line takes what is said.
    takes: bool,
}

impl Bench {
    fn new() -> Self {
        let modem = Modem::new(Setup::new(0, 1, 1_600_000_000_000));
        let (sent, said) = (Vec::new(), Vec::new());
        let mut bench = Self {
            modem,
            now: 0,
            conn: None,
            connects: 0,
            granted: 0,
            sent,
            said,
            untaken: 0,
            notes: String::new(),
            shown: String::new(),
            takes: true,
        };
        bench.pass(60_000);
        bench.host(b"ATE0\rAT+SAPBR=1,1\rAT+HTTPINIT\rAT+HTTPPARA=URL,http://server.example/path?query\r");
        bench
    }

    /// One whose request is with the server.
    fn asking(command: &[u8]) -> Self {
        let mut bench = Self::new();
        bench.host(command);
        bench.accept();
        bench.said.clear();
        bench
    }

    fn accept(&mut self) {
        let peer = SocketAddr::from(([192, 0, 2, 1], 80));
        self.link(LinkEvent::Connected { peer });
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.modem.handle(Time(self.now), Input::Tick);
        self.drain();
    }

    fn host(&mut self, bytes: &[u8]) {
        self.modem.handle(Time(self.now), Input::Line { line: LINE, bytes });
        self.drain();
    }

    fn link(&mut self, event: LinkEvent<'_>) {
        let Some(conn) = self.conn else { return };
        self.modem.handle(Time(self.now), Input::Link { conn, event });
        self.drain();
    }

    /// Bytes from the server, as far as they are granted and somebody is there to take them.
    fn server(&mut self, mut bytes: &[u8], portion: usize) {
        let conn = self.conn;
        while !bytes.is_empty() && self.conn.is_some() && self.conn == conn {
            let count = bytes.len().min(portion).min(self.granted);
            assert!(count > 0, "held back although nothing waits");
            self.granted -= count;
            let (now, rest) = bytes.split_at(count);
            self.link(LinkEvent::Received(now));
            bytes = rest;
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Write { bytes, .. } => {
                    self.said.extend_from_slice(&bytes);
                    self.untaken += bytes.len();
                    if self.takes {
                        let bytes = std::mem::take(&mut self.untaken);
                        self.modem.handle(Time(self.now), Input::Written { line: LINE, bytes });
                    }
                }
                Output::Link { conn, request: LinkRequest::Connect(_) } => {
                    (self.conn, self.granted) = (Some(conn), 0);
                    self.connects += 1;
                }
                Output::Link { conn, request } if self.conn == Some(conn) => match request {
                    LinkRequest::Grant(bytes) => self.granted += bytes,
                    LinkRequest::Send(bytes) => {
                        let count = bytes.len();
                        self.sent.extend_from_slice(&bytes);
                        self.modem
                            .handle(Time(self.now), Input::Link { conn, event: LinkEvent::Sent(count) });
                    }
                    LinkRequest::Close { .. } => self.conn = None,
                    _ => {}
                },
                Output::Note(note) => self.notes.push_str(&note.text),
                Output::Store { ticket, .. } => {
                    self.shown = format!("{:?}", self.modem);
                    let result = Ok(StoreReply::Done);
                    self.modem.handle(Time(self.now), Input::Store { ticket, result });
                }
                _ => {}
            }
        }
    }

    fn said(&self) -> String {
        self.said.escape_ascii().to_string()
    }
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[test]
fn the_buffer_holds_so_much_and_no_more() {
    let limit = AIR724UG.http.buffer;
    for (length, status, kept) in [(limit, 200, limit), (limit + 1, 602, limit), (limit + 9000, 602, limit)] {
        let mut bench = Bench::asking(b"AT+HTTPACTION=0\r");
        let all = body(length);
        bench.server(HEAD, usize::MAX);
        bench.server(&all, 5000);
        bench.link(LinkEvent::PeerClosed { truncated: false });
        assert_eq!(bench.said(), format!("\\r\\n+HTTPACTION: 0,{status},{kept}\\r\\n"));
        bench.said.clear();
        bench.host(b"AT+HTTPREAD\r");
        let mut wanted = format!("\r\n+HTTPREAD: {kept}\r\n").into_bytes();
        wanted.extend(&all[..kept]);
        wanted.extend(b"\r\nOK\r\n");
        assert!(bench.said == wanted, "{length}: {} bytes", bench.said.len());
    }
}

#[test]
fn a_long_read_waits_for_its_line() {
    let length = 307_200;
    let mut bench = Bench::asking(b"AT+HTTPACTION=0\r");
    let all = body(length);
    bench.server(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes(), usize::MAX);
    bench.server(&all, usize::MAX);
    bench.said.clear();
    bench.takes = false;
    bench.host(b"AT+HTTPREAD\r");
    // Whatever becomes of the session meanwhile: what was promised comes.
    bench.pass(60_000);
    let mut portions = 0;
    while bench.untaken > 0 {
        assert!(bench.untaken <= AIR724UG.line_backlog + 100, "{} bytes wait", bench.untaken);
        let bytes = bench.untaken.min(1000);
        bench.untaken -= bytes;
        bench.modem.handle(Time(bench.now), Input::Written { line: LINE, bytes });
        bench.drain();
        portions += 1;
    }
    assert!(portions > 100);
    let mut wanted = format!("\r\n+HTTPREAD: {length}\r\n").into_bytes();
    wanted.extend(&all);
    wanted.extend(b"\r\nOK\r\n");
    assert!(bench.said == wanted);
}

#[test]
fn a_read_goes_on_when_the_session_ends_on_another_line() {
    let mut setup = Setup::new(0, 1, 1_600_000_000_000);
    setup.lines.push(modemtwin_modem::LineKind::Plain);
    let mut bench = Bench::new();
    bench.modem = Modem::new(setup);
    bench.pass(60_000);
    bench.host(b"ATE0\rAT+SAPBR=1,1\rAT+HTTPINIT\rAT+HTTPPARA=URL,http://server.example/\rAT+HTTPACTION=0\r");
    bench.accept();
    let all = body(100_000);
    bench.server(HEAD, usize::MAX);
    bench.server(&all, usize::MAX);
    bench.link(LinkEvent::PeerClosed { truncated: false });
    bench.said.clear();
    bench.takes = false;
    bench.host(b"AT+HTTPREAD\r");
    let first = bench.said.len();
    let bytes = b"ATE0\rAT+HTTPTERM\r";
    bench.modem.handle(Time(bench.now), Input::Line { line: LineId(1), bytes });
    while let Some(output) = bench.modem.poll_output() {
        assert!(!matches!(output, Output::Write { line: LINE, .. }));
    }
    bench.takes = true;
    bench.untaken = 0;
    bench.modem.handle(Time(bench.now), Input::Written { line: LINE, bytes: first });
    bench.drain();
    let mut wanted = b"\r\n+HTTPREAD: 100000\r\n".to_vec();
    wanted.extend(&all);
    wanted.extend(b"\r\nOK\r\n");
    assert!(bench.said == wanted);
}

#[test]
fn a_body_of_the_largest_size_leaves_as_the_network_takes_it() {
    let limit = AIR724UG.http.buffer;
    let mut bench = Bench::new();
    let all = body(limit);
    bench.host(format!("AT+HTTPDATA={limit},120000\r").as_bytes());
    for portion in all.chunks(10_000) {
        bench.host(portion);
    }
    bench.host(b"\r\nAT+HTTPACTION=1\r");
    bench.sent.clear();
    bench.accept();
    let head = format!(
        "POST /path?query HTTP/1.1\r\nHost: server.example\r\nUser-Agent: AM_MODULE\r\nAccept: */*\r\nContent-Length: {limit}\r\n\r\n"
    );
    assert!(bench.sent.starts_with(head.as_bytes()));
    assert!(bench.sent[head.len()..] == all);
}

#[test]
fn explanations_keep_secrets() {
    let mut bench = Bench::new();
    bench.host(b"AT+HTTPPARA=REDIR,1;+HTTPPARA=\"USERDATA\",\"Authorization: Bearer s3cret\"\r");
    bench.host(b"AT+HTTPPARA=URL,http://me:s3cret@server.example/\r");
    bench.host(b"AT+HTTPPARA=URL,http://server.example/s3cret?s3cret\rAT+HTTPACTION=0\r");
    bench.accept();
    bench.server(b"HTTP/1.1 302 s3cret\r\nLocation: https://a.example/s3cret?s3cret\r\n\r\n", usize::MAX);
    bench.accept();
    bench.server(
        b"HTTP/1.1 302 s3cret\r\nLocation: http://a.example/s3cret?s3cret\r\nContent-Length: 9\r\n\r\ns3cre",
        usize::MAX,
    );
    bench.host(b"AT+HTTPSCONT\r");
    assert!(bench.said().ends_with("OK\\r\\n"));
    let shown = format!("{}{:?}", bench.shown, bench.modem);
    bench.link(LinkEvent::PeerClosed { truncated: true });
    assert!(bench.notes.contains("from https to http"), "{}", bench.notes);
    assert!(!bench.notes.contains("s3cret"), "{}", bench.notes);
    let spelled = format!("{:?}", b"s3cret");
    assert!(!shown.contains("s3cret") && !shown.contains(spelled.trim_matches(['[', ']'])), "{shown}");
}

/// What a server may send, right or wrong.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
        1 => Just(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n".to_vec()),
        1 => Just(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        2 => (0u8..12).prop_map(|n| format!("Content-Length: {n}\r\n").into_bytes()),
        2 => Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        3 => Just(b"\r\n".to_vec()),
        2 => (1u8..20).prop_map(|n| format!("{n:x}\r\n{}\r\n", "z".repeat(n.into())).into_bytes()),
        1 => Just(b"0\r\n\r\n".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_server_sends(
        method in 0u8..3,
        follows in 0u8..2,
        pieces in prop::collection::vec(piece(), 0..12),
        portion in 1usize..20,
    ) {
        let run = |portion: usize| {
            let mut bench = Bench::new();
            bench.host(format!("AT+HTTPPARA=REDIR,{follows}\rAT+HTTPACTION={method}\r").as_bytes());
            bench.accept();
            bench.said.clear();
            bench.server(&pieces.concat(), portion);
            bench.link(LinkEvent::PeerClosed { truncated: false });
            bench.pass(200_000);
            bench.pass(200_000);
            let results = bench.said().matches("+HTTPACTION: ").count();
            bench.host(b"AT+HTTPHEAD\rAT+HTTPREAD\r");
            (bench.said(), bench.sent.clone(), results)
        };
        let (said, sent, results) = run(portion);
        prop_assert_eq!(results, 1);
        let (whole_said, whole_sent, _) = run(usize::MAX);
        prop_assert_eq!(said, whole_said);
        prop_assert_eq!(sent, whole_sent);
    }
}
