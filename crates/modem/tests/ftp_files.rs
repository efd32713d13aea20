//! Files of any size between a server and the module's files, over connections that break anywhere.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use modemtwin_modem::{
    ConnId, Input, LineId, LinkEvent, LinkFailure, LinkRequest, Modem, Output, Setup, Ticket, Time,
};
use proptest::prelude::*;
use testkit::MemoryStore;

const LINE: LineId = LineId(0);
/// The most that may be on its way between the connection and the store.
const BLOCK: usize = 16 * 1024;

/// What breaks after so many bytes of a data connection.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Data,
    Control,
    Both,
}

/// What happens next.
enum Next {
    Link(ConnId, LinkEvent<'static>),
    Bytes(ConnId, Vec<u8>),
    Store(Ticket, Result<modemtwin_modem::StoreReply, modemtwin_modem::StoreError>),
}

/// A module, a server with files, and the network between them.
struct Bench {
    modem: Modem,
    now: u64,
    store: MemoryStore,
    said: Vec<u8>,
    next: VecDeque<Next>,
    /// On the server.
    files: BTreeMap<String, Vec<u8>>,
    /// In this order, one for each transfer that breaks.
    cuts: VecDeque<(usize, Cut)>,
    /// How much the server sends at once.
    chunk: usize,
    control: Option<ConnId>,
    data: Option<ConnId>,
    granted: usize,
    widest: usize,
    rest: usize,
    verb: String,
    file: String,
    /// Bytes of this transfer.
    moved: usize,
    transfers: usize,
}

impl Bench {
    fn new(cuts: Vec<(usize, Cut)>, chunk: usize) -> Self {
        let mut bench = Self {
            modem: Modem::new(Setup::new(0, 1, 1_600_000_000_000)),
            now: 60_000,
            store: MemoryStore::default(),
            said: Vec::new(),
            next: VecDeque::new(),
            files: BTreeMap::new(),
            cuts: cuts.into(),
            chunk,
            control: None,
            data: None,
            granted: 0,
            widest: 0,
            rest: 0,
            verb: String::new(),
            file: String::new(),
            moved: 0,
            transfers: 0,
        };
        bench.modem.handle(Time(bench.now), Input::Tick);
        bench.go_on();
        for line in [
            "ATE0",
            "AT+SAPBR=1,1",
            "AT+FTPSERV=ftp.example;+FTPTYPE=I",
            "AT+FTPGETPATH=/;+FTPGETNAME=f;+FTPPUTPATH=/;+FTPPUTNAME=f",
        ] {
            bench.types(line);
        }
        bench
    }

    fn types(&mut self, line: &str) {
        let text = format!("{line}\r");
        self.modem.handle(Time(self.now), Input::Line { line: LINE, bytes: text.as_bytes() });
        self.go_on();
    }

    /// What the command's last line says, however long it takes.
    fn outcome(&mut self, command: &str, line: &str) -> String {
        self.said.clear();
        self.types(command);
        let found = |said: &[u8]| {
            let said = String::from_utf8_lossy(said).into_owned();
            said.lines().find_map(|said| said.strip_prefix(line).map(String::from))
        };
        for _ in 0..1_000 {
            if let Some(found) = found(&self.said) {
                return found;
            }
            let Some(deadline) = self.modem.deadline() else { break };
            self.now = self.now.max(deadline.0);
            self.modem.handle(Time(self.now), Input::Tick);
            self.go_on();
        }
        panic!("{command} said nothing but {}", self.said.escape_ascii());
    }

    fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(due) = self.modem.deadline().filter(|due| due.0 <= end) {
            self.now = due.0.max(self.now);
            self.modem.handle(Time(self.now), Input::Tick);
            self.go_on();
        }
        self.now = end;
    }

    fn go_on(&mut self) {
        loop {
            while let Some(output) = self.modem.poll_output() {
                self.output(output);
            }
            let input = match self.next.pop_front() {
                None => return,
                Some(Next::Link(conn, event)) => {
                    self.modem.handle(Time(self.now), Input::Link { conn, event });
                    continue;
                }
                Some(Next::Bytes(conn, bytes)) => {
                    let event = LinkEvent::Received(&bytes);
                    self.modem.handle(Time(self.now), Input::Link { conn, event });
                    continue;
                }
                Some(Next::Store(ticket, result)) => Input::Store { ticket, result },
            };
            self.modem.handle(Time(self.now), input);
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Write { bytes, .. } => {
                self.said.extend_from_slice(&bytes);
                let bytes = bytes.len();
                self.modem.handle(Time(self.now), Input::Written { line: LINE, bytes });
            }
            Output::Store { ticket, request } => {
                let result = self.store.handle(&request);
                self.next.push_back(Next::Store(ticket, result));
            }
            Output::Link { conn, request } => self.request(conn, request),
            _ => {}
        }
    }

    fn request(&mut self, conn: ConnId, request: LinkRequest) {
        match request {
            LinkRequest::Connect(connect) => {
                let peer = SocketAddr::from(([192, 0, 2, 7], connect.port));
                self.next.push_back(Next::Link(conn, LinkEvent::Connected { peer }));
                if connect.port == 21 {
                    self.control = Some(conn);
                    self.reply("220 ready");
                } else {
                    (self.data, self.granted, self.moved) = (Some(conn), 0, 0);
                }
            }
            LinkRequest::Send(bytes) => {
                self.next.push_back(Next::Link(conn, LinkEvent::Sent(bytes.len())));
                if self.control == Some(conn) {
                    let line = String::from_utf8(bytes).unwrap();
                    self.command(line.trim_end());
                } else if self.data == Some(conn) {
                    self.takes(&bytes);
                }
            }
            LinkRequest::Grant(bytes) if self.data == Some(conn) => {
                self.granted += bytes;
                self.widest = self.widest.max(self.granted);
                self.gives();
            }
            LinkRequest::Close { .. } => {
                self.next.push_back(Next::Link(conn, LinkEvent::Closed));
                if self.data == Some(conn) {
                    self.data = None;
                    self.rest = 0;
                    match std::mem::take(&mut self.verb).as_str() {
                        "STOR" | "APPE" => self.reply("226 done"),
                        "RETR" => self.reply("426 broken"),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn reply(&mut self, line: &str) {
        if let Some(conn) = self.control {
            self.next.push_back(Next::Bytes(conn, format!("{line}\r\n").into_bytes()));
        }
    }

    fn command(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "USER" => self.reply("230 in"),
            "TYPE" => self.reply("200 ok"),
            "SIZE" => match self.files.get(rest) {
                Some(file) => self.reply(&format!("213 {}", file.len())),
                None => self.reply("550 none"),
            },
            "EPSV" => self.reply("229 here (|||5000|)"),
            "REST" => {
                self.rest = rest.parse().unwrap();
                self.reply("350 from there");
            }
            "RETR" | "STOR" | "APPE" => {
                (self.verb, self.file) = (verb.into(), rest.into());
                let from = std::mem::take(&mut self.rest);
                let file = self.files.entry(rest.into()).or_default();
                match verb {
                    "RETR" => self.moved = 0,
                    "STOR" => file.truncate(from),
                    _ => {}
                }
                self.rest = from;
                self.transfers += 1;
                self.reply("150 go on");
                self.gives();
            }
            "QUIT" => self.reply("221 bye"),
            _ => self.reply("502 what"),
        }
    }

    /// How much of this transfer gets through before it breaks.
    fn until_cut(&self) -> usize {
        self.cuts.front().map_or(usize::MAX, |(bytes, _)| bytes.saturating_sub(self.moved))
    }

    /// Sends what of the file is granted.
    fn gives(&mut self) {
        while let Some(conn) = self.data.filter(|_| self.verb == "RETR") {
            let begin = self.rest + self.moved;
            let file = &self.files[&self.file];
            let part = self.granted.min(self.chunk).min(file.len() - begin).min(self.until_cut());
            if part > 0 {
                let bytes = file[begin..begin + part].to_vec();
                (self.granted, self.moved) = (self.granted - part, self.moved + part);
                self.next.push_back(Next::Bytes(conn, bytes));
            } else if self.until_cut() == 0 {
                return self.cut();
            } else if begin == file.len() {
                self.next.push_back(Next::Link(conn, LinkEvent::PeerClosed { truncated: false }));
                self.data = None;
                self.rest = 0;
                return self.reply("226 done");
            } else {
                return;
            }
        }
    }

    /// Takes what gets through.
    fn takes(&mut self, bytes: &[u8]) {
        let part = bytes.len().min(self.until_cut());
        self.moved += part;
        self.files.get_mut(&self.file).unwrap().extend_from_slice(&bytes[..part]);
        if self.until_cut() == 0 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let Some((_, cut)) = self.cuts.pop_front() else { return };
        self.rest = 0;
        self.verb.clear();
        let broken = || LinkEvent::Broken(LinkFailure::Reset);
        if let Some(conn) = self.data.take().filter(|_| !matches!(cut, Cut::Control)) {
            self.next.push_back(Next::Link(conn, broken()));
        }
        match cut {
            Cut::Data => self.reply("426 broken"),
            Cut::Control | Cut::Both => {
                if let Some(conn) = self.control.take() {
                    self.next.push_back(Next::Link(conn, broken()));
                }
            }
        }
    }
}

fn content(length: usize) -> Vec<u8> {
    (0u32..).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).take(length).collect()
}

fn download(size: usize, cuts: Vec<(usize, Cut)>, chunk: usize) -> (Bench, String) {
    let mut bench = Bench::new(cuts, chunk);
    bench.files.insert("/f".into(), content(size));
    let outcome = bench.outcome("AT+FTPGETTOFS=0,f", "+FTPGETTOFS: ");
    (bench, outcome)
}

fn upload(size: usize, before: Option<&[u8]>, option: &str, cuts: Vec<(usize, Cut)>) -> (Bench, String) {
    let mut bench = Bench::new(cuts, 1460);
    bench.store.put("f", content(size));
    bench.files.extend(before.map(|before| ("/f".into(), before.to_vec())));
    bench.types(&format!("AT+FTPPUTOPT={option}"));
    let outcome = bench.outcome("AT+FTPPUTFRMFS=f", "+FTPPUTFRMFS: ");
    (bench, outcome)
}

#[test]
fn a_mebibyte_each_way_with_a_cut_in_the_middle() {
    let size = 1024 * 1024;
    let (bench, outcome) = download(size, vec![(500_000, Cut::Both)], 1460);
    assert_eq!((outcome, bench.transfers), (format!("0,{size}"), 2));
    assert!(bench.store.file("USER/FTP/f") == Some(&content(size)[..]), "it is not what the server has");
    assert!(bench.widest <= BLOCK, "{} bytes were granted at once", bench.widest);

    let (bench, outcome) = upload(size, None, "STOR", vec![(500_000, Cut::Both)]);
    assert_eq!((outcome, bench.transfers), (format!("0,{size}"), 2));
    assert!(bench.files["/f"] == content(size), "it is not what was sent");
}

#[test]
fn five_mebibytes_do_not_fit() {
    let (bench, outcome) = download(5 * 1024 * 1024, Vec::new(), 1460);
    assert_eq!((outcome.as_str(), bench.transfers), ("85", 0));
    assert_eq!(bench.store.file("USER/FTP/f"), None);
    assert_eq!(bench.store.staged().count(), 0);
}

#[test]
fn what_breaks_once_too_often_leaves_nothing() {
    let (bench, outcome) = download(100_000, vec![(10_000, Cut::Data); 4], 1460);
    assert_eq!((outcome.as_str(), bench.transfers), ("79", 4));
    assert_eq!(bench.store.file("USER/FTP/f"), None);
    assert_eq!(bench.store.staged().count(), 0);
}

fn cuts() -> impl Strategy<Value = Vec<(usize, Cut)>> {
    let cut = prop::sample::select(vec![Cut::Data, Cut::Control, Cut::Both]);
    prop::collection::vec((0usize..60_000, cut), 0..=3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_download_is_whole(size in 0usize..100_000, cuts in cuts(), chunk in 1usize..20_000) {
        let (bench, outcome) = download(size, cuts, chunk.max(size / 200));
        prop_assert_eq!(outcome, format!("0,{size}"));
        prop_assert!(bench.store.file("USER/FTP/f") == Some(&content(size)[..]), "it is not what the server has");
        prop_assert!(bench.widest <= BLOCK);
        prop_assert_eq!(bench.store.staged().count(), 0);
    }

    #[test]
    fn an_upload_is_whole(
        size in 0usize..100_000,
        cuts in cuts(),
        before in prop::option::of(prop::collection::vec(any::<u8>(), 0..50_000)),
        option in prop::sample::select(vec!["STOR", "APPE"]),
    ) {
        let (bench, outcome) = upload(size, before.as_deref(), option, cuts);
        let mut there = before.filter(|_| option == "APPE").unwrap_or_default();
        there.extend(content(size));
        prop_assert_eq!(outcome, format!("0,{size}"));
        prop_assert!(bench.files["/f"] == there, "it is not what was sent");
    }

    /// Whatever is typed, breaks or fails, in whatever order: it ends, nothing is left behind, and it can begin again.
    #[test]
    fn everything_ends(
        steps in prop::collection::vec((prop::sample::select(STEPS), 0u64..4_000), 1..40),
        cuts in prop::collection::vec((0usize..40_000, prop::sample::select(vec![Cut::Data, Cut::Control, Cut::Both])), 0..6),
    ) {
        let mut bench = Bench::new(cuts, 1460);
        bench.files.insert("/f".into(), content(30_000));
        bench.store.put("f", content(20_000));
        for (step, millis) in steps {
            match step {
                "fails" => bench.store.failing = true,
                "works" => bench.store.failing = false,
                command => bench.types(command),
            }
            bench.pass(millis);
        }
        bench.store.failing = false;
        bench.cuts.clear();
        // Longer than the host may let an upload wait, and than all reconnects take.
        bench.pass(400_000);
        bench.types("AT+FTPEXTGET=0;+FTPEXTPUT=0;+FTPFILEPUT=0");
        bench.said.clear();
        bench.types("AT+FTPQUIT");
        bench.pass(10_000);
        bench.said.clear();
        bench.types("AT+FTPSTATE");
        prop_assert_eq!(String::from_utf8_lossy(&bench.said), "\r\n+FTPSTATE: 0\r\n\r\nOK\r\n");
        bench.types("AT+SAPBR=1,1");
        let on_server = bench.files["/f"].clone();
        let outcome = bench.outcome("AT+FTPGETTOFS=0,f", "+FTPGETTOFS: ");
        prop_assert_eq!(outcome, format!("0,{}", on_server.len()));
        prop_assert!(bench.store.file("USER/FTP/f") == Some(&on_server[..]), "it is not what the server has");
        prop_assert_eq!(bench.store.staged().count(), 0);
    }
}

const STEPS: &[&str] = &[
    "AT+FTPGETTOFS=0,f",
    "AT+FTPGETTOFS=0,f,255,0",
    "AT+FTPGETTOFS=0,g,1,60",
    "AT+FTPGETTOFS?",
    "AT+FTPPUTFRMFS=f",
    "AT+FTPPUTFRMFS=USER/FTP/f,255,0",
    "AT+FTPPUTFRMFS?",
    "AT+FTPPUTOPT=STOR",
    "AT+FTPPUTOPT=APPE",
    "AT+FTPEXTGET=1",
    "AT+FTPEXTGET=2,h",
    "AT+FTPEXTGET=3,0,100",
    "AT+FTPEXTGET=0",
    "AT+FTPEXTPUT=1",
    "AT+FTPEXTPUT=2,0,5,1000\rhello",
    "AT+FTPEXTPUT=0",
    "AT+FTPFILEPUT=1,f",
    "AT+FTPFILEPUT=0",
    "AT+FTPPUT=1",
    "AT+FTPGET=1",
    "AT+FTPGET=2,1000",
    "AT+FTPSIZE",
    "AT+FTPQUIT",
    "AT+SAPBR=0,1",
    "AT+SAPBR=1,1",
    "AT+FTPTYPE=A",
    "AT+FTPTYPE=I",
    "fails",
    "works",
];
