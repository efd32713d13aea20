//! The bench that a module stands on: whatever it waits for can be given, held back or denied.

use std::collections::VecDeque;

use modem::{
    ConnId, Input, LineId, LineKind, LinkEvent, LinkFailure, LinkRequest, Modem, Output, Query, QueryFailure,
    QueryId, QueryReply, Setup, StoreError, StoreReply, StoreRequest, Ticket, Time,
};
use modemtwin_modem as modem;

use super::random::Random;

pub(super) const LINES: u8 = 3;

/// A connection as the network sees it.
struct Conn {
    /// It is to be protected, and that has not been answered.
    securing: bool,
    id: ConnId,
    up: bool,
    granted: usize,
    unsent: usize,
    closing: bool,
}

/// A module, and everything that it waits for.
pub(super) struct Bench {
    pub(super) modem: Modem,
    pub(super) now: u64,
    queries: Vec<(QueryId, Query)>,
    pub(super) stores: VecDeque<(Ticket, StoreRequest)>,
    conns: Vec<Conn>,
    /// What each line has said since it was last asked, and what it has not taken.
    pub(super) said: [Vec<u8>; LINES as usize],
    pub(super) untaken: [usize; LINES as usize],
    pub(super) stalled: [bool; LINES as usize],
    pub(super) off: bool,
    pub(super) trace: Vec<String>,
}

impl Bench {
    pub(super) fn new(seed: u64) -> Self {
        let mut setup = Setup::new(0, seed, 1_600_000_000_000);
        setup.lines = vec![LineKind::Plain, LineKind::Plain, LineKind::AutoBaud];
        Self::with_setup(setup)
    }

    pub(super) fn with_setup(setup: Setup) -> Self {
        let mut bench = Self {
            modem: Modem::new(setup),
            now: 0,
            queries: Vec::new(),
            stores: VecDeque::new(),
            conns: Vec::new(),
            said: Default::default(),
            untaken: Default::default(),
            stalled: Default::default(),
            off: false,
            trace: Vec::new(),
        };
        bench.drain();
        bench
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        self.modem.handle(Time(self.now), input);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            let mut taken = None;
            while let Some(output) = self.modem.poll_output() {
                match output {
                    Output::Write { line, bytes } => {
                        let at = usize::from(line.0);
                        assert!(!self.off, "it is off, and says {:?}", bytes.escape_ascii().to_string());
                        self.untaken[at] += bytes.len();
                        self.said[at].extend(bytes);
                        let over = self.said[at].len().saturating_sub(4096);
                        self.said[at].drain(..over);
                        if !self.stalled[at] {
                            taken = Some(line);
                        }
                    }
                    Output::Link { conn, request } => self.request(conn, request),
                    Output::Query { query, question } => self.queries.push((query, question)),
                    Output::Store { ticket, request } => self.stores.push_back((ticket, request)),
                    Output::Power { restarting } => {
                        self.trace.push(format!("power, restarting {restarting}"));
                        self.off = !restarting;
                    }
                    Output::Note(_) | Output::LineSetting { .. } => {}
                }
            }
            let Some(line) = taken else { return };
            let bytes = std::mem::take(&mut self.untaken[usize::from(line.0)]);
            self.modem.handle(Time(self.now), Input::Written { line, bytes });
        }
    }

    fn request(&mut self, id: ConnId, request: LinkRequest) {
        if let LinkRequest::Connect(_) = request {
            return self.conns.push(Conn {
                id,
                up: false,
                granted: 0,
                unsent: 0,
                closing: false,
                securing: false,
            });
        }
        let Some(at) = self.conns.iter().position(|conn| conn.id == id) else { return };
        let conn = &mut self.conns[at];
        match request {
            LinkRequest::Connect(_) | LinkRequest::QueryAcked | LinkRequest::NotifyAcked => {}
            LinkRequest::Send(bytes) => conn.unsent += bytes.len(),
            LinkRequest::Grant(bytes) => conn.granted += bytes,
            LinkRequest::Secure(_) => conn.securing = true,
            LinkRequest::Close { quick: true } => drop(self.conns.remove(at)),
            LinkRequest::Close { quick: false } => conn.closing = true,
        }
    }

    pub(super) fn type_in(&mut self, line: u8, bytes: &[u8]) {
        let line = LineId(line);
        let room = self.modem.line_room(line).min(bytes.len());
        self.input(Input::Line { line, bytes: &bytes[..room] });
    }

    /// Time passes, and whatever is due happens.
    pub(super) fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(due) = self.modem.deadline().filter(|due| due.0 <= end) {
            self.now = due.0.max(self.now);
            self.input(Input::Tick);
        }
        self.now = end;
        self.input(Input::Tick);
    }

    pub(super) fn link(&mut self, random: &mut Random) {
        if self.conns.is_empty() {
            return;
        }
        let at = usize::try_from(random.below(self.conns.len() as u64)).unwrap();
        let failures = [
            LinkFailure::Dns,
            LinkFailure::Refused,
            LinkFailure::Timeout,
            LinkFailure::Network,
            LinkFailure::Reset,
            LinkFailure::Tls,
            LinkFailure::Certificate,
            LinkFailure::Local,
            LinkFailure::NoBuffer,
        ];
        let conn = &mut self.conns[at];
        let id = conn.id;
        let mut payload = Vec::new();
        let mut over = true;
        let event = match (conn.up, random.below(8)) {
            (false, 0..=4) => {
                (conn.up, over) = (true, false);
                LinkEvent::Connected { peer: "192.0.2.7:80".parse().unwrap() }
            }
            (false, _) => LinkEvent::Failed(random.pick(&failures)),
            (true, 0) => LinkEvent::PeerClosed { truncated: random.percent(30) },
            (true, 1) => LinkEvent::Broken(random.pick(&failures)),
            (true, 2) if conn.closing => LinkEvent::Closed,
            (true, 2) if conn.securing => LinkEvent::Failed(LinkFailure::Tls),
            (true, 3..) if conn.securing => {
                (conn.securing, over) = (false, false);
                LinkEvent::Secured
            }
            (true, 2..=4) => {
                over = false;
                let sent = std::mem::take(&mut conn.unsent);
                LinkEvent::Sent(sent)
            }
            (true, _) => {
                over = false;
                let most = conn.granted.min(70_000) as u64;
                let count = usize::try_from(random.below(most + 1)).unwrap();
                conn.granted -= count;
                payload.resize(count, b'+');
                LinkEvent::Received(&payload)
            }
        };
        if over {
            self.conns.remove(at);
        }
        self.input(Input::Link { conn: id, event });
    }

    pub(super) fn answer(&mut self, random: &mut Random) {
        if self.queries.is_empty() {
            return;
        }
        let at = usize::try_from(random.below(self.queries.len() as u64)).unwrap();
        let (query, question) = self.queries.remove(at);
        let failures = [
            QueryFailure::UnknownName,
            QueryFailure::NoNameServer,
            QueryFailure::Timeout,
            QueryFailure::NotPossible,
            QueryFailure::BadAnswer,
            QueryFailure::Refused,
            QueryFailure::Unreachable,
            QueryFailure::BadNameServer,
        ];
        let from = "192.0.2.7".parse().unwrap();
        let result = match question {
            _ if random.percent(30) => Err(random.pick(&failures)),
            Query::Resolve { .. } => Ok(QueryReply::Address(from)),
            Query::Echo { .. } => Ok(QueryReply::Echo { from, millis: random.below(u64::MAX), ttl: 3 }),
            Query::Time { .. } => Ok(QueryReply::Time(random.below(u64::MAX) as i64)),
            Query::Message { .. } => Ok(QueryReply::Taken),
        };
        self.input(Input::Query { query, result });
    }

    pub(super) fn store(&mut self, good: bool) {
        let Some((ticket, request)) = self.stores.pop_front() else { return };
        let result = match request {
            _ if !good => Err(StoreError::Io),
            StoreRequest::Read { .. } => Ok(StoreReply::Bytes(vec![7; 10])),
            StoreRequest::Size(_) | StoreRequest::Usage => Ok(StoreReply::Size(10)),
            StoreRequest::List(_) => Ok(StoreReply::Entries(Vec::new())),
            _ => Ok(StoreReply::Done),
        };
        self.input(Input::Store { ticket, result });
    }

    /// Everything that is asked is answered at once, for as long as no command may take.
    pub(super) fn settle(&mut self) {
        let end = self.now + 8_000_000;
        while self.now < end {
            while !(self.queries.is_empty() && self.stores.is_empty()) {
                self.store(true);
                if !self.queries.is_empty() {
                    let (query, _) = self.queries.remove(0);
                    self.input(Input::Query { query, result: Err(QueryFailure::Timeout) });
                }
            }
            for conn in std::mem::take(&mut self.conns) {
                let failed = LinkEvent::Failed(LinkFailure::Timeout);
                let event = if conn.closing { LinkEvent::Closed } else { failed };
                self.input(Input::Link { conn: conn.id, event });
            }
            let due = self.modem.deadline().map_or(end, |due| due.0.clamp(self.now, end));
            self.pass(due - self.now);
        }
    }

    pub(super) fn answers(&mut self, line: u8) -> bool {
        let at = usize::from(line);
        for _ in 0..8 {
            self.input(Input::Dtr { line: LineId(line), on: true });
            self.pass(2000);
            self.type_in(line, b"+++");
            self.pass(2000);
            self.type_in(line, b"\x1b");
            self.type_in(line, &[b'\r'; 1500]);
            self.pass(30_000);
            self.type_in(line, b"AT\r");
            self.pass(100);
            self.said[at].clear();
            self.type_in(line, b"ATQ0V1E1+CMEE=1\r");
            self.pass(100);
            if self.said[at].windows(6).any(|seen| seen == b"\r\nOK\r\n") {
                return true;
            }
        }
        false
    }
}
