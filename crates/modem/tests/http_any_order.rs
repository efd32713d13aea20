//! HTTP while everything around it comes and goes in any order: no reply is taken for another one, none is whole that was cut,
//! every request that was accepted has one result, and nothing is left behind.
// @covers http.term.busy http.bearer.closed http.restart http.save.restart http.tofs.given-up
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![allow(clippy::print_stderr, reason = "what led to a failure")]

mod http_server;
#[path = "day/random.rs"]
mod random;

use std::collections::{BTreeMap, VecDeque};

use http_server::{body, is_whole};
use modem::{
    ConnId, Input, LineId, LineKind, LinkEvent, LinkFailure, LinkRequest, Modem, Output, Setup, StoreError,
    StoreReply, StoreRequest, Ticket, Time,
};
use modemtwin_modem as modem;
use random::Random;

/// A connection as the network sees it.
struct Conn {
    id: ConnId,
    up: bool,
    /// A handshake goes on, through a proxy.
    securing: bool,
    /// The module has closed it.
    closed: bool,
    granted: usize,
    unsent: usize,
    asked: Vec<u8>,
    reply: VecDeque<u8>,
    /// The server closes behind the reply.
    last: bool,
}

struct Bench {
    modem: Modem,
    random: Random,
    now: u64,
    conns: Vec<Conn>,
    gone: Vec<ConnId>,
    stores: VecDeque<(Ticket, StoreRequest)>,
    staged: Option<Vec<u8>>,
    files: BTreeMap<String, Vec<u8>>,
    said: [String; 3],
    /// The number that is asked for, and whether the result is owed.
    number: usize,
    owed: bool,
    whole: usize,
    trace: Vec<String>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last = self.trace.len().saturating_sub(60);
            eprintln!("before:\n{}", self.trace[last..].join("\n"));
        }
    }
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut setup = Setup::new(0, seed, 1_600_000_000_000);
        setup.lines = vec![LineKind::Plain; 3];
        let mut bench = Self {
            modem: Modem::new(setup),
            random: Random::new(seed),
            now: 0,
            conns: Vec::new(),
            gone: Vec::new(),
            stores: VecDeque::new(),
            staged: None,
            files: BTreeMap::new(),
            said: Default::default(),
            number: 0,
            owed: false,
            whole: 0,
            trace: Vec::new(),
        };
        bench.pass(60_000);
        bench.command(0, "ATE0");
        bench.command(1, "ATE0");
        bench
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.below(limit as u64)).unwrap()
    }

    fn input(&mut self, input: Input<'_>) {
        self.modem.handle(Time(self.now), input);
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Write { line, bytes } => {
                    self.said[usize::from(line.0)].push_str(&String::from_utf8_lossy(&bytes));
                    self.modem.handle(Time(self.now), Input::Written { line, bytes: bytes.len() });
                }
                Output::Link { conn, request } => self.request(conn, request),
                Output::Store { ticket, request } => self.stores.push_back((ticket, request)),
                Output::Power { .. } => {
                    assert!(self.conns.iter().all(|conn| conn.closed), "a connection survives");
                    self.owed = false;
                }
                _ => {}
            }
        }
    }

    fn request(&mut self, id: ConnId, request: LinkRequest) {
        if let LinkRequest::Connect(_) = request {
            assert!(self.conns.iter().all(|conn| conn.closed), "two connections at a time");
            let (asked, reply) = (Vec::new(), VecDeque::new());
            self.conns.push(Conn {
                id,
                up: false,
                securing: false,
                closed: false,
                granted: 0,
                unsent: 0,
                asked,
                reply,
                last: false,
            });
            return;
        }
        let Some(at) = self.conns.iter().position(|conn| conn.id == id) else { return };
        match request {
            LinkRequest::Grant(bytes) => self.conns[at].granted += bytes,
            LinkRequest::Send(bytes) => {
                self.conns[at].unsent += bytes.len();
                self.conns[at].asked.extend(bytes);
                self.answer(at);
            }
            LinkRequest::Secure(_) => self.conns[at].securing = true,
            LinkRequest::Close { .. } => self.conns[at].closed = true,
            _ => {}
        }
    }

    /// The server answers what it was asked, more or less.
    fn answer(&mut self, at: usize) {
        let conn = &mut self.conns[at];
        if let Some((reply, last)) = http_server::reply(&mut conn.asked, &mut self.random) {
            conn.reply.extend(reply);
            conn.last |= last;
        }
    }

    /// Something happens to a connection that is there.
    fn happen(&mut self) {
        if self.conns.is_empty() {
            return;
        }
        let at = self.below(self.conns.len());
        let (choice, part) = (self.below(12), 1 + self.below(4000));
        let conn = &mut self.conns[at];
        let id = conn.id;
        let mut payload = Vec::new();
        let event = match choice {
            _ if conn.closed && choice > 6 => LinkEvent::Closed,
            0 if !conn.up => LinkEvent::Failed(LinkFailure::Refused),
            _ if !conn.up => {
                conn.up = true;
                LinkEvent::Connected { peer: "192.0.2.7:80".parse().unwrap() }
            }
            0 => LinkEvent::Broken(LinkFailure::Reset),
            1 | 2 if conn.securing => LinkEvent::Failed(LinkFailure::Tls),
            _ if conn.securing => {
                conn.securing = false;
                LinkEvent::Secured
            }
            1..=3 => LinkEvent::Sent(std::mem::take(&mut conn.unsent)),
            _ if conn.reply.is_empty() && conn.last => LinkEvent::PeerClosed { truncated: false },
            _ => {
                let count = conn.reply.len().min(conn.granted).min(part);
                if count == 0 {
                    return;
                }
                conn.granted -= count;
                payload.extend(conn.reply.drain(..count));
                LinkEvent::Received(&payload)
            }
        };
        let over = !matches!(
            event,
            LinkEvent::Connected { .. } | LinkEvent::Secured | LinkEvent::Sent(_) | LinkEvent::Received(_)
        );
        if over {
            self.conns.remove(at);
            self.gone.push(id);
        }
        self.trace.push(format!("{} {id:?} {}", self.now, format!("{event:?}").get(..12).unwrap_or("")));
        self.input(Input::Link { conn: id, event });
    }

    /// Something that was on its way is late.
    fn late(&mut self) {
        if self.gone.is_empty() {
            return;
        }
        let at = self.below(self.gone.len());
        let conn = self.gone[at];
        let event = match self.below(6) {
            0 => LinkEvent::Connected { peer: "192.0.2.7:80".parse().unwrap() },
            1 => LinkEvent::PeerClosed { truncated: false },
            2 => LinkEvent::Closed,
            3 => LinkEvent::Sent(7),
            4 => LinkEvent::Secured,
            _ => LinkEvent::Received(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
        };
        self.input(Input::Link { conn, event });
    }

    fn store(&mut self) {
        let good = !self.random.percent(5);
        let Some((ticket, request)) = self.stores.pop_front() else { return };
        let mut result = Ok(StoreReply::Done);
        match request {
            StoreRequest::Stage { offset, bytes, .. } => {
                let staged =
                    if offset == 0 { self.staged.insert(Vec::new()) } else { self.staged.as_mut().unwrap() };
                assert_eq!(staged.len() as u64, offset);
                staged.extend(bytes);
            }
            StoreRequest::Commit { path, .. } if good => match self.staged.take() {
                Some(bytes) => drop(self.files.insert(path.as_str().into(), bytes)),
                None => result = Err(StoreError::NotFound),
            },
            StoreRequest::Discard(_) => self.staged = None,
            _ => {}
        }
        if !good {
            self.staged = None;
            result = Err(StoreError::Full);
        }
        self.input(Input::Store { ticket, result });
        assert!(self.files.values().all(|bytes| is_whole(bytes)), "a file is not whole");
    }

    fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(due) = self.modem.deadline().filter(|due| due.0 <= end) {
            self.now = due.0.max(self.now);
            self.input(Input::Tick);
        }
        self.now = end;
        self.input(Input::Tick);
    }

    fn command(&mut self, line: u8, command: &str) -> String {
        self.results();
        self.said[usize::from(line)].clear();
        self.input(Input::Line { line: LineId(line), bytes: format!("{command}\r").as_bytes() });
        let answer = self.said[usize::from(line)].clone();
        self.trace.push(format!(
            "{} line {line}: {command} {}",
            self.now,
            answer.get(..60).unwrap_or(&answer).escape_debug()
        ));
        answer
    }

    /// A request, or the download of a file.
    fn ask(&mut self, number: usize, action: &str) {
        let redirects = self.below(2);
        let (scheme, port) = self.random.pick(&[("http", 0), ("https", 0), ("https", 3128), ("http", 3128)]);
        let set = format!(
            "AT+HTTPPARA=URL,{scheme}://192.0.2.7/{number};+HTTPPARA=PROPORT,{port};+HTTPPARA=REDIR,{redirects};{action}"
        );
        let answer = self.command(0, &set);
        if answer.contains("OK") {
            assert!(!self.owed, "a second request beside the first");
            (self.number, self.owed) = (number, true);
            self.said[0] = answer.split_once("OK\r\n").unwrap().1.into();
        } else {
            self.said[0].clear();
        }
    }

    /// Looks at the result that has been said, if one was.
    fn results(&mut self) {
        let said = std::mem::take(&mut self.said[0]);
        for line in said.lines() {
            let (file, result) =
                match (line.strip_prefix("+HTTPACTION: "), line.strip_prefix("+HTTPGETTOFS: ")) {
                    (Some(result), _) => (false, result.split_once(',').unwrap().1),
                    (_, Some(result)) if result.split(',').count() == 2 => (true, result),
                    _ => continue,
                };
            assert!(std::mem::take(&mut self.owed), "a result that nobody waits for: {line}");
            let wanted = body(self.number);
            let head = line.starts_with("+HTTPACTION: 2");
            let Some(length) = result.strip_prefix("200,").map(|length| length.parse::<usize>().unwrap())
            else {
                assert!(result.ends_with(",0"), "{line}");
                continue;
            };
            assert_eq!(length, if head { 0 } else { wanted.len() });
            self.whole += 1;
            if file {
                assert!(self.files["USER/HTTP/f"] == wanted, "the file is another one");
            } else if !head {
                let read = self.command(1, "AT+HTTPREAD");
                let expected = String::from_utf8(wanted).unwrap();
                let said = format!("\r\n+HTTPREAD: {length}\r\n{expected}\r\nOK\r\n");
                assert!(read.ends_with(&said), "another body than that of {}: {read}", self.number);
            }
        }
    }

    fn step(&mut self, number: usize) {
        match self.below(40) {
            0 => {
                if self.command(1, "AT+HTTPTERM").contains("OK") {
                    self.owed = false;
                }
            }
            1..=3 => drop(self.command(1, "AT+HTTPINIT;+HTTPPARA=PROIP,192.0.2.9")),
            4 => drop(self.command(1, "AT+SAPBR=0,1")),
            5..=7 => {
                if self.command(1, "AT+SAPBR=1,1").is_empty() {
                    self.pass(1000);
                }
            }
            8 => self.ask(number, "+HTTPACTION=2"),
            9 => self.ask(number, "+HTTPACTION=1"),
            10..=12 => self.ask(number, "+HTTPACTION=0"),
            13 | 14 => self.ask(number, "+HTTPGETTOFS=0,f"),
            15 => drop(self.command(2, "AT+HTTPGET=g")),
            16 if self.below(20) == 0 => {
                self.command(1, "AT+RESET");
                self.pass(60_000);
                self.command(0, "ATE0");
                self.command(1, "ATE0");
            }
            16 => {
                let millis = self.random.pick(&[1, 100, 5000, 40_000, 130_000]);
                self.pass(millis);
            }
            17 | 18 => self.late(),
            19..=26 => self.store(),
            _ => self.happen(),
        }
        self.results();
    }

    /// Nobody does anything any more.
    fn end(&mut self) {
        while !self.stores.is_empty() {
            self.store();
        }
        self.pass(400_000);
        while !self.stores.is_empty() {
            self.store();
        }
        self.results();
        assert!(!self.owed, "a request without a result");
        self.command(1, "AT+HTTPTERM");
        while !self.stores.is_empty() {
            self.store();
        }
        assert!(self.conns.iter().all(|conn| conn.closed), "a connection is left");
        assert_eq!(self.staged, None, "something is left on the disk");
        assert_eq!(self.modem.deadline(), None, "a timer is left");
    }
}

#[test]
fn no_order_of_events_mixes_anything_up() {
    let cases = std::env::var("CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let mut whole = 0;
    for seed in 0..cases {
        let mut bench = Bench::new(seed);
        for number in 1..=600 {
            bench.step(number);
        }
        bench.end();
        whole += bench.whole;
    }
    assert!(whole as u64 > 2 * cases, "{whole} replies");
}
