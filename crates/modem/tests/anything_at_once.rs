//! Whatever happens, in whatever order, on however many lines: nothing panics, nothing grows, and every command ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

#[path = "day/random.rs"]
mod random;

use std::collections::VecDeque;

use modem::{
    Account, Apn, Card, ConnId, Coverage, Dns, Input, LineId, LineKind, LinkEvent, LinkFailure, LinkRequest,
    MessageService, Modem, Output, Pace, Query, QueryFailure, QueryId, QueryReply, Setup, StoreError,
    StoreReply, StoreRequest, Ticket, Time, WorldChange,
};
use modemtwin_modem as modem;
use random::Random;

const LINES: u8 = 3;
/// What a module may be in all, as text for people: it holds whatever it keeps.
const LARGEST: usize = 24 << 20;

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
struct Bench {
    modem: Modem,
    now: u64,
    queries: Vec<(QueryId, Query)>,
    stores: VecDeque<(Ticket, StoreRequest)>,
    conns: Vec<Conn>,
    /// What each line has said since it was last asked, and what it has not taken.
    said: [Vec<u8>; LINES as usize],
    untaken: [usize; LINES as usize],
    stalled: [bool; LINES as usize],
    off: bool,
    trace: Vec<String>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut setup = Setup::new(0, seed, 1_600_000_000_000);
        setup.lines = vec![LineKind::Plain, LineKind::Plain, LineKind::AutoBaud];
        Self::with_setup(setup)
    }

    fn with_setup(setup: Setup) -> Self {
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

    fn input(&mut self, input: Input<'_>) {
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

    fn type_in(&mut self, line: u8, bytes: &[u8]) {
        let line = LineId(line);
        let room = self.modem.line_room(line).min(bytes.len());
        self.input(Input::Line { line, bytes: &bytes[..room] });
    }

    /// Time passes, and whatever is due happens.
    fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(due) = self.modem.deadline().filter(|due| due.0 <= end) {
            self.now = due.0.max(self.now);
            self.input(Input::Tick);
        }
        self.now = end;
        self.input(Input::Tick);
    }

    fn link(&mut self, random: &mut Random) {
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

    fn answer(&mut self, random: &mut Random) {
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

    fn store(&mut self, good: bool) {
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
    fn settle(&mut self) {
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

    fn answers(&mut self, line: u8) -> bool {
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

const COMMANDS: &[&str] = &[
    "AT+CIPSHUT",
    "AT+CSTT",
    "AT+CIICR",
    "AT+CIFSR",
    "AT+CIPSTART=TCP,192.0.2.7,80",
    "AT+CIPSTART=UDP,example.com,80",
    "AT+CIPSTART=1,TCP,192.0.2.7,80",
    "AT+CIPSTART=2,\"UDP\",\"10.0.0.1\",80",
    "AT+CIPMUX=1",
    "AT+CIPMUX=0",
    "AT+CIPMODE=1",
    "AT+CIPMODE=0",
    "AT+CIPSEND",
    "AT+CIPSEND=5",
    "AT+CIPSEND=1,700",
    "AT+CIPSEND=1",
    "AT+CIPQSEND=0",
    "AT+CIPQSEND=1",
    "AT+CIPQSEND=2",
    "AT+CIPACK",
    "AT+CIPACK=1",
    "AT+CIPCLOSE",
    "AT+CIPCLOSE=1",
    "AT+CIPCLOSE=1,0",
    "AT+CIPRXGET=1",
    "AT+CIPRXGET=5",
    "AT+CIPRXGET=0",
    "AT+CIPRXGET=2,1460",
    "AT+CIPRXGET=2,1,1460",
    "AT+CIPATS=1,1",
    "AT+CIPATS=0",
    "AT+CIPSPRT=2",
    "AT+CIPSPRT=1",
    "AT+CIPCCFG=5,2,1460,0,1,50,1000,0",
    "ATO",
    "ATH",
    "AT+CIPPING=192.0.2.7,3",
    "AT+CIPPING=example.com,100,1,600",
    "AT+CDNSGIP=example.com",
    "AT+CDNSCFG=192.0.2.53",
    "AT+SAPBR=1,1",
    "AT+SAPBR=0,1",
    "AT+CNTP=example.com",
    "AT+CNTP",
    "AT+COPS=?",
    "AT+COPS=0",
    "AT+COPS=2",
    "AT+CFUN=0",
    "AT+CFUN=1",
    "AT+CFUN=4",
    "AT+CFUN=1,1",
    "AT+RESET",
    "AT+CPOWD=1",
    "AT+CGATT=0",
    "AT+CGATT=1",
    "AT+CGACT=1,5",
    "AT+CGACT=0,5",
    "AT+CREG=2",
    "AT+CGEREP=2",
    "AT+CMGF=1",
    "AT+CMGF=0",
    "AT+CMGS=\"10086\"",
    "AT+CMGS=20",
    "AT+CMGW=\"10086\"",
    "AT+CMGD=1,4",
    "AT+CMGL=4",
    "AT+CMGL=\"ALL\"",
    "AT+CMGR=1",
    "AT+CMSS=1",
    "AT+CSMS=1",
    "AT+CNMI=2,2,0,1",
    "AT+CNMI=0,2",
    "AT+CNMI=2,1",
    "AT+CNMA",
    "AT+CSCA=\"+123\"",
    "AT+CSAS",
    "AT+CPIN=1234",
    "AT+CPIN=12345678,1234",
    "AT+CLCK=\"SC\",1,\"1234\"",
    "AT&W",
    "ATZ",
    "AT&F",
    "AT+CIPSCONT",
    "AT+RSTSET",
    "AT+IPR=9600",
    "AT+IPR=0",
    "AT+CSCLK=1",
    "AT+CSCLK=2",
    "AT+CSCLK=0",
    "AT&D0",
    "AT&D1",
    "AT&D2",
    "ATE0",
    "ATE1",
    "ATQ1",
    "ATQ0",
    "AT+CPNETAPN=1,\"a\",\"b\",\"c\",1",
    "AT^HEARTCONFIG=1,0,5",
    "AT^HEARTCONFIG=1,1,5",
    "AT^HEARTBEAT=0,beat",
    "AT+FSCREATE=\"f\"",
    "AT+FSWRITE=\"f\",0,5,10",
    "AT+FSREAD=\"f\",0,10,0",
    "AT+FTPSERV=192.0.2.7;+FTPGETNAME=f;+FTPPUTNAME=f",
    "AT+FTPGET=1",
    "AT+FTPGET=2,10",
    "AT+FTPPUT=1",
    "AT+FTPPUT=2,5",
    "AT+FTPSIZE",
    "AT+FTPEXTGET=1",
    "AT+FTPEXTGET=2,f",
    "AT+FTPEXTGET=0",
    "AT+FTPEXTPUT=1",
    "AT+FTPEXTPUT=2,0,5,1000",
    "AT+FTPEXTPUT=0",
    "AT+FTPFILEPUT=1,f",
    "AT+FTPFILEPUT=0",
    "AT+FTPGETTOFS=0,f",
    "AT+FTPPUTFRMFS=f,255,0",
    "AT+FTPQUIT",
    "AT+FTPSCONT",
    "AT+HTTPINIT",
    "AT+HTTPINIT;+HTTPPARA=URL,example.com/a",
    "AT+HTTPTERM",
    "AT+HTTPPARA=URL,https://192.0.2.7/a",
    "AT+HTTPPARA=REDIR,1",
    "AT+HTTPPARA=PROIP,192.0.2.9;+HTTPPARA=PROPORT,8080",
    "AT+HTTPDATA=5,1000",
    "AT+HTTPACTION=0",
    "AT+HTTPACTION=1",
    "AT+HTTPACTION=2",
    "AT+HTTPREAD",
    "AT+HTTPHEAD",
    "AT+HTTPGET=f",
    "AT+HTTPGETTOFS=0,f",
    "AT+HTTPSCONT",
    "AT+CIPDPDP=1,5,3",
    "AT+CIPSTATUS",
    "AT+CSTT;+CIICR;+CIFSR",
    "AT+CIPPING=192.0.2.7,2;+CIPSHUT;+COPS=?",
    "AT+CIPSTATUS;+CMGL=4;+CIPSTATUS;+CMGL=4",
];

fn world(random: &mut Random) -> WorldChange {
    let paces = [Pace::Normal, Pace::Slow(3000), Pace::Stuck];
    let card = Card { pin: random.percent(30).then(|| "1234".into()), ..Card::default() };
    match random.below(18) {
        0 => WorldChange::Card(None),
        1 | 2 => WorldChange::Card(Some(card)),
        3 => WorldChange::Account(random.pick(&[Account::Good, Account::Arrears, Account::Refused])),
        4 => WorldChange::Coverage(Coverage::Searching),
        5 => WorldChange::Coverage(random.pick(&[
            Coverage::Home,
            Coverage::Roaming,
            Coverage::Denied,
            Coverage::Unusable,
        ])),
        6 => WorldChange::Rssi(random.pick(&[0, 24, 99])),
        7 => WorldChange::Boot(random.pick(&paces[..2])),
        8 => WorldChange::CardStart(random.pick(&paces)),
        9 => WorldChange::Attach(random.pick(&paces)),
        10 => WorldChange::Bearer(random.percent(50)),
        11 => WorldChange::BearerLost,
        12 => WorldChange::Apn(Apn::Private {
            name: "a".into(),
            user: String::new(),
            password: String::new(),
            dead_end: random.percent(50),
        }),
        13 => WorldChange::Dns(random.pick(&[Dns::Works, Dns::Dead, Dns::Failing])),
        14 => WorldChange::PrivateServers(random.percent(50)),
        15 => WorldChange::Messages(random.pick(&[MessageService::Carried, MessageService::Refused])),
        16 => WorldChange::PowerKey(2000),
        _ => message(random),
    }
}

/// Mostly short messages that are some.
fn message(random: &mut Random) -> WorldChange {
    let mut tpdu =
        b"\x04\x0b\x91\x68\x31\x08\x10\x00\xf0\x00\x00\x02\x90\x31\x21\x00\x00\x23\x05\xe8\x32\x9b\xfd\x06"
            .to_vec();
    if random.percent(30) {
        for _ in 0..=random.below(4) {
            let at = usize::try_from(random.below(tpdu.len() as u64)).unwrap();
            tpdu[at] = u8::try_from(random.below(256)).unwrap();
        }
        tpdu.truncate(usize::try_from(random.below(30)).unwrap());
    }
    WorldChange::Message { tpdu }
}

fn good_again(bench: &mut Bench) {
    for change in [
        WorldChange::Boot(Pace::Normal),
        WorldChange::CardStart(Pace::Normal),
        WorldChange::Attach(Pace::Normal),
        WorldChange::Dns(Dns::Works),
        WorldChange::Bearer(true),
        WorldChange::Apn(Apn::Any),
        WorldChange::Coverage(Coverage::Home),
        WorldChange::Rssi(24),
    ] {
        bench.input(Input::World(change));
    }
}

fn run(seed: u64, steps: usize) {
    let mut random = Random::new(seed);
    let mut bench = Bench::new(seed);
    for _ in 0..steps {
        let line = u8::try_from(random.below(LINES.into())).unwrap();
        match random.below(20) {
            0..=6 => {
                let command = random.pick(COMMANDS);
                bench.trace.push(format!("{} line {line}: {command}", bench.now));
                bench.type_in(line, format!("{command}\r").as_bytes());
            }
            7 => {
                let bytes: &[u8] = random.pick(&[
                    &b"hello"[..],
                    b"\x1a",
                    b"\x1b",
                    b"+++",
                    b"++",
                    b"AT",
                    &[b'x'; 1500],
                    b"\r",
                ]);
                bench.trace.push(format!(
                    "{} line {line}: {}",
                    bench.now,
                    bytes[..bytes.len().min(9)].escape_ascii()
                ));
                bench.type_in(line, bytes);
            }
            8..=10 => {
                let millis = random.pick(&[0, 1, 50, 200, 1200, 1200, 10_000, 100_000]);
                bench.pass(millis);
            }
            11 | 12 => bench.link(&mut random),
            13 => bench.answer(&mut random),
            14 | 15 => {
                let good = random.percent(85);
                bench.store(good);
            }
            16 => {
                let change = world(&mut random);
                bench.trace.push(format!("{} world {change:?}", bench.now));
                if matches!(change, WorldChange::PowerKey(_)) {
                    bench.off = false;
                }
                bench.input(Input::World(change));
            }
            17 => {
                let on = random.percent(50);
                bench.input(Input::Dtr { line: LineId(line), on });
            }
            _ => {
                let at = usize::from(line);
                bench.stalled[at] = random.percent(20);
                if !bench.stalled[at] {
                    let bytes = std::mem::take(&mut bench.untaken[at]);
                    bench.input(Input::Written { line: LineId(line), bytes });
                }
            }
        }
    }
    let size = format!("{:?}", bench.modem).len();
    assert!(size < LARGEST, "seed {seed}: {size} bytes after {steps} steps");
    good_again(&mut bench);
    for line in 0..LINES {
        let at = usize::from(line);
        bench.stalled[at] = false;
        let bytes = std::mem::take(&mut bench.untaken[at]);
        bench.input(Input::Written { line: LineId(line), bytes });
    }
    bench.settle();
    if bench.off {
        bench.off = false;
        bench.input(Input::World(WorldChange::PowerKey(2000)));
        bench.settle();
    }
    for line in 0..LINES {
        let answers = bench.answers(line);
        let last = bench.trace.len().saturating_sub(60);
        assert!(answers, "seed {seed}: line {line} is stuck; before:\n{}", bench.trace[last..].join("\n"));
    }
}

#[test]
fn every_command_ends() {
    let cases = std::env::var("CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let first: u64 = std::env::var("FIRST").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    for seed in first..first + cases {
        run(seed, 400);
    }
}

/// What a module keeps that has something to keep of everything.
fn kept() -> [Vec<u8>; 2] {
    let mut bench = Bench::new(1);
    bench.pass(10_000);
    let mut kept = [Vec::new(), Vec::new()];
    let commands = [
        "AT+CMGF=1;+CIPMODE=1;+CSCLK=1;+CREG=2;+CNMI=1,2;+CPMS=\"ME\",\"ME\",\"ME\"",
        "AT+IPR=9600",
        "AT+ICF=2,1",
        "AT+IFC=2,2",
        "AT&W",
        "AT+CIPCSGP=1,\"a\",\"b\",\"c\"",
        "AT+CIPSCONT",
        "AT+CSCA=\"+123\"",
        "AT+CSAS",
        "AT+FTPSERV=192.0.2.7;+FTPGETNAME=f;+FTPPUTNAME=f;+FTPSCONT",
        "AT+HTTPINIT;+HTTPPARA=URL,\"example.com/a\";+HTTPPARA=USERDATA,\"A: b\\r\\nC: d\";+HTTPPARA=USER_DEFINED,\"E: f\"",
        "AT+HTTPSCONT;+HTTPTERM",
        "AT+CPNETAPN=2,\"a\",\"b\",\"c\",1",
        "AT+WISN=\"1\"",
        "AT+CMGW=\"10086\"\rtext\x1a",
        "AT+CNMI=2,1",
    ];
    for command in commands {
        bench.type_in(0, format!("{command}\r").as_bytes());
        let tpdu = b"\x04\x0b\x91\x68\x31\x08\x10\x00\xf0\x00\x00\x02\x90\x31\x21\x00\x00\x23\x05\xe8\x32\x9b\xfd\x06";
        bench.input(Input::World(WorldChange::Message { tpdu: tpdu.to_vec() }));
        while let Some((_, request)) = bench.stores.front().cloned() {
            if let StoreRequest::Persist { section, bytes } = request {
                kept[usize::from(section == modem::Section::Messages)] = bytes;
            }
            bench.store(true);
        }
    }
    kept
}

/// Bytes changed, lost, doubled, and in another order.
fn spoil(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(12) {
        let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
        let end = (at + usize::try_from(random.below(40)).unwrap()).min(bytes.len());
        match random.below(5) {
            0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            1 => bytes[at] = random.pick(b"0123456789,=\n\"- "),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.extend_from_within(at..end),
            _ => bytes[at..end].reverse(),
        }
        if bytes.is_empty() {
            bytes.push(b'=');
        }
    }
}

#[test]
fn whatever_is_on_the_disk_a_module_comes_up() {
    let [settings, messages] = kept();
    assert!(settings.len() > 500 && messages.len() > 100, "{}, {}", settings.len(), messages.len());
    let text = String::from_utf8_lossy(&settings);
    for line in ["kept.http.userdata=A: b\\r\\nC: d", "kept.http.user_defined=E: f", "kept.ftp."] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    for seed in 0..1500 {
        let mut random = Random::new(seed);
        let mut setup = Setup::new(0, seed, 1_600_000_000_000);
        setup.lines = vec![LineKind::Plain, LineKind::Plain, LineKind::AutoBaud];
        let (mut settings, mut messages) = (settings.clone(), messages.clone());
        spoil(&mut random, &mut settings);
        spoil(&mut random, &mut messages);
        (setup.settings, setup.messages) = (Some(settings), Some(messages));
        let mut bench = Bench::with_setup(setup);
        bench.pass(10_000);
        for command in [
            "AT+CMGL=4",
            "AT+CMGL=\"ALL\"",
            "AT+CMGR=1",
            "AT+CMSS=1",
            "AT+CSCA?;+CSMP?;+CIPSCONT?;+CSTT?",
            "AT&V",
            "AT+HTTPSCONT?;+HTTPINIT;+HTTPPARA?;+FTPSCONT?",
            "AT+SAPBR=1,1;+HTTPACTION=1",
            "AT+HTTPACTION=0",
        ] {
            bench.type_in(0, format!("{command}\r").as_bytes());
            bench.store(true);
            bench.answer(&mut random);
        }
        bench.settle();
        assert!(bench.answers(0), "seed {seed}");
    }
}
