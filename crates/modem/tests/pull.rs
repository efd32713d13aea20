//! AT+CIPRXGET: whatever order arrivals, reads, changes of the mode, stalls and closes come in, the host gets each link's
//! bytes exactly once and in order, datagrams are never mixed, and it is always told when there is something to read.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use proptest::sample::select;
use std::collections::VecDeque;
use std::time::Duration;
use testkit::VirtualStage;
use transcript::{PeerStep, PowerOn, Stage};

/// The profile's buffer for each link.
const BUFFER: usize = 8 * 1460;
const SEGMENT: usize = 1460;
/// Link 0 is TCP, link 1 is UDP.
const LINKS: usize = 2;
const UDP: usize = 1;

#[derive(Clone, Debug)]
enum Move {
    /// A peer sends so many bytes.
    Send(usize, usize),
    /// Read at most so many bytes; as digits.
    Read(usize, usize, bool),
    Left(usize),
    Mode(u8),
    Stall(bool),
    /// A peer closes (the TCP one; UDP has no close).
    Close,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let link = || 0..LINKS;
    let one = prop_oneof![
        6 => (link(), prop_oneof![1usize..50, 1000usize..1500, 3000usize..30_000]).prop_map(|(l, n)| Move::Send(l, n)),
        8 => (link(), select(vec![1, 7, 100, 730, 1460]), any::<bool>()).prop_map(|(l, n, d)| Move::Read(l, n, d)),
        2 => link().prop_map(Move::Left),
        1 => select(vec![0u8, 1, 5]).prop_map(Move::Mode),
        1 => any::<bool>().prop_map(Move::Stall),
    ];
    (prop::collection::vec(one, 1..80), any::<bool>()).prop_map(|(mut all, close)| {
        if close {
            all.push(Move::Close);
        }
        all
    })
}

/// One link as its host and its peer see it.
#[derive(Default)]
struct Ends {
    sent: Vec<u8>,
    /// Where UDP's datagrams end in `sent`.
    boundaries: VecDeque<usize>,
    got: Vec<u8>,
    /// URCs since the last read or change of the mode.
    told: usize,
    closed: bool,
}

impl Ends {
    fn take(&mut self, bytes: &[u8], datagrams: bool) {
        let at = self.got.len();
        self.got.extend_from_slice(bytes);
        assert!(self.sent.starts_with(&self.got), "other bytes than were sent, from byte {at} on");
        while datagrams && self.boundaries.front().is_some_and(|end| *end <= at) {
            self.boundaries.pop_front();
        }
        if let Some(end) = self.boundaries.front().filter(|_| datagrams && !bytes.is_empty()) {
            assert!(self.got.len() <= *end, "one packet holds parts of two datagrams");
        }
    }
}

struct World {
    stage: VirtualStage,
    ends: [Ends; LINKS],
    heard: Vec<u8>,
    mode: u8,
    stalled: bool,
    /// What the last AT+CIPRXGET=4 or read said is left.
    left: usize,
}

impl World {
    fn new() -> Self {
        let mut stage = VirtualStage::new();
        stage.power_on(&PowerOn { settings: &[], lines: 1, cold: false }).unwrap();
        let mut world =
            Self { stage, ends: Default::default(), heard: Vec::new(), mode: 1, stalled: false, left: 0 };
        for command in ["ATE0", "AT+CIPMUX=1;+CIPRXGET=1", "AT+CSTT;+CIICR", "AT+CIFSR"] {
            world.stage.send(0, format!("{command}\r").as_bytes()).unwrap();
            world.pass();
        }
        for command in ["AT+CIPSTART=0,TCP,192.0.2.1,7", "AT+CIPSTART=1,UDP,192.0.2.1,7"] {
            world.stage.send(0, format!("{command}\r").as_bytes()).unwrap();
            world.stage.peer(None, &PeerStep::Accept(None)).unwrap();
        }
        world.pass();
        world.stage.receive(0, &mut Vec::new()).unwrap();
        world
    }

    fn pass(&mut self) {
        let mut left = Duration::from_secs(1);
        while !left.is_zero() {
            left -= self.stage.wait(left).unwrap();
        }
    }

    fn ask(&mut self, command: &str) {
        self.stage.send(0, format!("{command}\r").as_bytes()).unwrap();
        self.listen();
    }

    /// Takes in all that the module has said.
    fn listen(&mut self) {
        self.stage.receive(0, &mut self.heard).unwrap();
        let mut rest = std::mem::take(&mut self.heard);
        while let Some(used) = self.hear(&rest) {
            rest.drain(..used);
        }
        assert!(self.stalled || rest.is_empty(), "unfinished: {}", rest.escape_ascii());
        self.heard = rest;
    }

    /// The first thing in `heard`, once it is whole; how long it is.
    fn hear(&mut self, heard: &[u8]) -> Option<usize> {
        let text = heard.strip_prefix(b"\r\n")?;
        let end = text.windows(2).position(|two| two == b"\r\n")?;
        let line = std::str::from_utf8(&text[..end]).unwrap();
        let payload = &text[end + 2..];
        let behind = heard.len() - payload.len();
        let numbers = |text: &str| text.split(',').map(|n| n.parse::<usize>().unwrap()).collect::<Vec<_>>();
        if let Some(rest) = line.strip_prefix("+RECEIVE,") {
            let [link, length] = numbers(rest.trim_end_matches(':'))[..] else { panic!("{line}") };
            let bytes = payload.get(..length)?;
            assert!(length <= SEGMENT);
            self.ends[link].take(bytes, link == UDP);
            return Some(behind + length);
        }
        let Some(rest) = line.strip_prefix("+CIPRXGET: ") else {
            match line {
                "OK" | "+CME ERROR: 3" => {}
                "0, CLOSED" => self.ends[0].closed = true,
                _ => panic!("unexpected: {line}"),
            }
            return Some(behind);
        };
        match numbers(rest)[..] {
            [1, link] => {
                let told = &mut self.ends[link].told;
                *told += 1;
                assert!(self.mode != 1 || *told == 1, "told again without a read between");
                Some(behind)
            }
            [4, link, left] => {
                self.bounded(link, left);
                Some(behind)
            }
            [kind, link, got, left] => {
                let length = if kind == 3 { 2 * got } else { got };
                let data = payload.get(..length)?;
                let bytes = if kind == 3 { undigits(data) } else { data.to_vec() };
                self.ends[link].take(&bytes, link == UDP);
                self.ends[link].told = 0;
                self.bounded(link, left);
                Some(behind + length)
            }
            _ => panic!("unexpected: {line}"),
        }
    }

    fn bounded(&mut self, link: usize, left: usize) {
        let beyond = if link == UDP { 1 << 16 } else { 4 * SEGMENT };
        assert!(left <= BUFFER + beyond, "{left} bytes kept");
        let Ends { sent, got, .. } = &self.ends[link];
        assert!(got.len() + left <= sent.len());
        self.left = left;
    }

    fn play(&mut self, step: &Move) {
        match *step {
            Move::Send(link, count) => {
                let ends = &mut self.ends[link];
                let from = ends.sent.len();
                let bytes: Vec<u8> = (from..from + count).map(|n| (n % 251) as u8).collect();
                ends.sent.extend_from_slice(&bytes);
                ends.boundaries.push_back(ends.sent.len());
                let number = u32::try_from(link + 1).unwrap();
                self.stage.peer(Some(number), &PeerStep::Send(bytes)).unwrap();
                self.listen();
            }
            Move::Read(link, length, as_digits) => {
                let (kind, length) = if as_digits { (3, length.min(730)) } else { (2, length) };
                self.ask(&format!("AT+CIPRXGET={kind},{link},{length}"));
            }
            Move::Left(link) => self.ask(&format!("AT+CIPRXGET=4,{link}")),
            Move::Mode(mode) => {
                // What is said from here on is said in the new mode, unless the line holds it back.
                if !self.stalled {
                    self.mode = mode;
                    if mode == 0 {
                        self.ends.iter_mut().for_each(|ends| ends.told = 0);
                    }
                    self.ask(&format!("AT+CIPRXGET={mode}"));
                }
            }
            Move::Stall(on) => {
                self.stalled = on;
                self.stage.stall(0, on).unwrap();
                self.pass();
                self.listen();
            }
            Move::Close => {
                self.stage.peer(Some(1), &PeerStep::Close).unwrap();
                self.listen();
            }
        }
    }

    /// Reads a link until nothing is left, as a host that believes what it is told.
    fn read_out(&mut self, link: usize) {
        for _ in 0..2_000 {
            self.ask(&format!("AT+CIPRXGET=4,{link}"));
            if self.left == 0 {
                return;
            }
            self.ask(&format!("AT+CIPRXGET=2,{link},1460"));
        }
        panic!("there is no end to it");
    }
}

fn undigits(digits: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(digits).unwrap();
    assert!(text.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_byte_comes_once_and_in_order(moves in moves()) {
        let mut world = World::new();
        for step in &moves {
            world.play(step);
        }
        world.play(&Move::Stall(false));
        if world.mode == 0 {
            world.play(&Move::Mode(1));
        }
        for link in 0..LINKS {
            world.read_out(link);
            prop_assert_eq!(world.ends[link].got.len(), world.ends[link].sent.len(), "link {}", link);
        }
        prop_assert_eq!(world.ends[0].closed, matches!(moves.last(), Some(Move::Close)));
    }

    /// A host that reads only when it is told, and then once until nothing is left, misses nothing.
    #[test]
    fn who_waits_for_the_urc_is_told(arrivals in prop::collection::vec(1usize..5000, 1..20), mode in select(vec![1u8, 5])) {
        let mut world = World::new();
        world.play(&Move::Mode(mode));
        for count in arrivals {
            world.play(&Move::Send(0, count));
            prop_assert!(world.ends[0].told > 0, "nobody said so");
            while world.ends[0].told > 0 {
                world.ask("AT+CIPRXGET=2,0,1460");
                while world.left > 0 {
                    world.ask("AT+CIPRXGET=2,0,1460");
                }
            }
            prop_assert_eq!(world.ends[0].got.len(), world.ends[0].sent.len());
        }
    }
}
