//! Transparent mode for any bytes in any portions at any times; and what no transcript can show: circuits, bounds.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use core::net::SocketAddr;
use std::time::Duration;

use modemtwin_modem::{
    ConnId, Input, LineId, LineKind, LineSetting, LinkEvent, LinkRequest, Modem, Output, Setup, Signal, Time,
    WorldChange,
};
use proptest::prelude::*;
use proptest::{collection::vec, sample};
use testkit::VirtualStage;
use transcript::{PeerStep, PowerOn, Progress, Stage};

const LINE: LineId = LineId(0);

fn pass(stage: &mut VirtualStage, millis: u64) {
    let mut left = Duration::from_millis(millis);
    while !left.is_zero() {
        left -= stage.wait(left).unwrap();
    }
}

fn said(stage: &mut VirtualStage) -> Vec<u8> {
    let mut bytes = Vec::new();
    stage.receive(0, &mut bytes).unwrap();
    bytes
}

/// A module in data mode, with these settings.
fn online(packing: &str) -> VirtualStage {
    let mut stage = VirtualStage::new();
    stage.power_on(&PowerOn { settings: &[], lines: 1, cold: false }).unwrap();
    let start = format!("ATE0\rAT+CIPMODE=1;+CIPCCFG={packing}\rAT+CIPSTART=TCP,192.0.2.1,7\r");
    stage.send(0, start.as_bytes()).unwrap();
    pass(&mut stage, 1_000);
    stage.peer(None, &PeerStep::Accept(None)).unwrap();
    assert!(said(&mut stage).ends_with(b"\r\nCONNECT\r\n"));
    stage
}

/// What the host has sent since CONNECT, with times; and the rule of the manual, read off the whole of it.
struct Sent {
    connected: u64,
    bytes: Vec<(u64, u8)>,
}

impl Sent {
    /// Whether the last three bytes are `+++` for the module, if nothing more has come until `now`.
    fn escapes(&self, now: u64) -> bool {
        let [before @ .., (first, b'+'), (_, b'+'), (third, b'+')] = self.bytes.as_slice() else {
            return false;
        };
        let silence_since = before.last().map_or(self.connected, |(time, _)| *time);
        first - silence_since >= 1_000 && third - first <= 500 && now - third >= 500
    }
}

/// Portions with the silence in front of each.
fn typed() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let gap = sample::select(vec![0, 0, 1, 200, 250, 251, 499, 500, 501, 999, 1_000, 1_001, 3_000]);
    let portion = prop_oneof![
        4 => sample::select(vec!["+", "++", "+++", "++++", "+++x", "x+++", "\n", "+++\r"])
            .prop_map(|text| text.as_bytes().to_vec()),
        2 => vec(any::<u8>(), 1..40),
        1 => (1..5_000usize, any::<u8>()).prop_map(|(count, byte)| vec![byte; count]),
    ];
    vec((gap, portion), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_peer_gets_what_the_host_sends_but_for_true_escapes(
        typed in typed(),
        size in 1..=1460u32,
        wait in 2..=10u32,
        paced in 0..=1u32,
        cuts in vec(any::<sample::Index>(), 0..4),
    ) {
        let mut stage = online(&format!("5,{wait},{size},0,{paced}"));
        let mut now = 0;
        let mut sent = Sent { connected: 0, bytes: Vec::new() };
        let mut expected = Vec::new();
        for (gap, portion) in typed.iter().map(|(gap, portion)| (*gap, portion.as_slice())).chain([(2_000, &b"."[..])]) {
            pass(&mut stage, gap);
            now += gap;
            if sent.escapes(now) {
                prop_assert_eq!(said(&mut stage).escape_ascii().to_string(), r"\r\nOK\r\n");
                expected.extend(sent.bytes[..sent.bytes.len() - 3].iter().map(|(_, byte)| *byte));
                stage.send(0, b"ATO\r\n").unwrap();
                prop_assert_eq!(said(&mut stage).escape_ascii().to_string(), r"\r\nCONNECT\r\n");
                sent = Sent { connected: now, bytes: Vec::new() };
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(portion.len() + 1)).collect();
            cuts.sort_unstable();
            let mut start = 0;
            for cut in cuts.into_iter().chain([portion.len()]) {
                stage.send(0, &portion[start..cut]).unwrap();
                start = cut;
            }
            sent.bytes.extend(portion.iter().map(|byte| (now, *byte)));
        }
        expected.extend(sent.bytes.iter().map(|(_, byte)| *byte));
        pass(&mut stage, 2_000);
        prop_assert_eq!(said(&mut stage), b"");
        let got = stage.peer(None, &PeerStep::Expect(expected)).unwrap();
        prop_assert!(matches!(got, Progress::Done), "{:?}", got);
        prop_assert!(stage.leftovers().is_empty());
    }

    #[test]
    fn the_host_gets_what_the_peer_sends(
        portions in vec((0..3_000u64, vec(any::<u8>(), 1..3_000)), 1..10),
        size in 50..=1460u32,
        pause in 20..=1000u32,
        paced in 0..=1u32,
    ) {
        let mut stage = online(&format!("5,2,1024,0,{paced},{size},{pause}"));
        for (gap, portion) in &portions {
            pass(&mut stage, *gap);
            stage.peer(None, &PeerStep::Send(portion.clone())).unwrap();
        }
        pass(&mut stage, 1_000_000);
        let all: Vec<u8> = portions.into_iter().flat_map(|(_, portion)| portion).collect();
        prop_assert_eq!(said(&mut stage), all);
    }
}

/// A module, driven by hand, whose one TCP connection is in data mode.
struct Driven {
    modem: Modem,
    now: u64,
    conn: ConnId,
}

/// What it caused, as far as these tests ask.
#[derive(Debug, Default, PartialEq, Eq)]
struct Caused {
    written: Vec<u8>,
    dcd: Vec<bool>,
    sent: usize,
    granted: usize,
    closed: bool,
}

impl Driven {
    fn new(settings: &[&str]) -> Self {
        let mut setup = Setup::new(0, 1, 1_600_000_000_000);
        setup.lines = vec![LineKind::Plain; 2];
        let mut driven = Self { modem: Modem::new(setup), now: 60_000, conn: ConnId(0) };
        driven.input(Input::Tick);
        for command in settings.iter().chain(&["ATE0;+CIPMODE=1", "AT+CIPSTART=TCP,192.0.2.1,7"]) {
            driven.input(Input::Line { line: LINE, bytes: format!("{command}\r").as_bytes() });
        }
        driven.wait(1_000);
        driven
    }

    fn connect(&mut self) -> Caused {
        let peer = SocketAddr::from(([192, 0, 2, 1], 7));
        self.event(LinkEvent::Connected { peer })
    }

    fn event(&mut self, event: LinkEvent<'_>) -> Caused {
        self.input(Input::Link { conn: self.conn, event })
    }

    fn host(&mut self, bytes: &[u8]) -> Caused {
        self.input(Input::Line { line: LINE, bytes })
    }

    fn dtr(&mut self, on: bool) -> Caused {
        self.input(Input::Dtr { line: LINE, on })
    }

    fn wait(&mut self, millis: u64) -> Caused {
        self.now += millis;
        self.input(Input::Tick)
    }

    fn input(&mut self, input: Input<'_>) -> Caused {
        self.modem.handle(Time(self.now), input);
        let mut caused = Caused::default();
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Write { line: LINE, bytes } => caused.written.extend(bytes),
                Output::LineSetting { line: LINE, setting: LineSetting::Signal(Signal::Dcd, on) } => {
                    caused.dcd.push(on);
                }
                Output::Link { conn, request } => match request {
                    LinkRequest::Connect(_) => self.conn = conn,
                    LinkRequest::Send(bytes) => caused.sent += bytes.len(),
                    LinkRequest::Grant(bytes) => caused.granted += bytes,
                    LinkRequest::Close { .. } => caused.closed = true,
                    _ => {}
                },
                _ => {}
            }
        }
        caused
    }
}

#[test]
fn a_falling_dtr_hangs_up() {
    let mut driven = Driven::new(&[]);
    assert_eq!(driven.connect().written, b"\r\nCONNECT\r\n");
    driven.host(b"last words");
    assert_eq!(driven.dtr(true), Caused::default());
    let caused = driven.dtr(false);
    assert_eq!((caused.written.as_slice(), caused.sent, caused.closed), (&b"\r\nCLOSED\r\n"[..], 10, true));
    assert_eq!(caused.dcd, [false]);
    assert_eq!(driven.host(b"ATO\r").written, b"\r\nNO CARRIER\r\n");
    assert_eq!(driven.dtr(true), Caused::default());
    assert_eq!(driven.dtr(false), Caused::default());
}

#[test]
fn a_falling_dtr_ends_a_connection_in_command_mode_too() {
    let mut driven = Driven::new(&[]);
    driven.connect();
    driven.wait(1_000);
    driven.host(b"+++");
    assert_eq!(driven.wait(500).written, b"\r\nOK\r\n");
    let caused = driven.dtr(false);
    assert_eq!((caused.written.as_slice(), caused.closed), (&b"\r\nCLOSED\r\n"[..], true));
}

#[test]
fn a_falling_dtr_leads_to_command_mode() {
    let mut driven = Driven::new(&["AT&D1"]);
    driven.connect();
    driven.wait(1_000);
    assert_eq!(driven.host(b"+").sent, 0);
    let caused = driven.dtr(false);
    assert_eq!((caused.written.as_slice(), caused.sent, caused.closed), (&b"\r\nOK\r\n"[..], 1, false));
    assert_eq!(caused.dcd, [false; 0]);
    // It is off already.
    assert_eq!(driven.host(b"ATO\r").written, b"\r\nCONNECT\r\n");
    assert_eq!(driven.dtr(false), Caused::default());
}

#[test]
fn a_falling_dtr_may_mean_nothing() {
    let mut driven = Driven::new(&["AT&D0"]);
    driven.connect();
    assert_eq!(driven.dtr(false), Caused::default());
    assert_eq!(driven.event(LinkEvent::Received(b"data")).written, b"data");
    assert_eq!(driven.modem.line_room(LineId(9)), 0);
    driven.input(Input::Dtr { line: LineId(9), on: false });
}

#[test]
fn dcd_follows_the_carrier() {
    let mut driven = Driven::new(&[]);
    assert_eq!(driven.connect().dcd, [true]);
    driven.wait(1_000);
    driven.host(b"+++");
    assert_eq!(driven.wait(500), Caused { written: b"\r\nOK\r\n".to_vec(), ..Caused::default() });
    assert_eq!(driven.host(b"AT&C0\r").dcd, [false; 0]);
    assert_eq!(driven.event(LinkEvent::PeerClosed { truncated: false }).dcd, [false; 0]);
    assert_eq!(driven.host(b"AT&C1\r").dcd, [false]);
    assert_eq!(driven.host(b"AT&C0\r").dcd, [true]);
    assert_eq!(driven.host(b"AT&F\r").dcd, [false]);
}

#[test]
fn dcd_falls_when_the_module_restarts() {
    let mut driven = Driven::new(&[]);
    assert_eq!(driven.connect().dcd, [true]);
    driven.input(Input::Line { line: LineId(1), bytes: b"AT+CFUN=1,1\r" });
    let caused = driven.wait(10);
    assert_eq!((caused.dcd.as_slice(), caused.closed), (&[false][..], true));
    driven.wait(60_000);
    assert_eq!(driven.host(b"ATE0\r").written, b"ATE0\r\r\nOK\r\n");
}

#[test]
fn a_network_that_takes_nothing_stops_the_host() {
    let mut driven = Driven::new(&[]);
    driven.connect();
    let mut sent = 0;
    let mut given = 0;
    loop {
        let room = driven.modem.line_room(LINE).min(10_000);
        if room == 0 {
            break;
        }
        sent += driven.host(&vec![b'x'; room]).sent;
        given += room;
        assert!(given < 1 << 20, "it never ends");
    }
    assert!(given - sent < 1024, "{given} {sent}");
    driven.event(LinkEvent::Sent(5_000));
    assert_eq!(driven.modem.line_room(LINE), 5_000);
}

#[test]
fn a_line_that_takes_nothing_stops_the_peer() {
    let mut driven = Driven::new(&[]);
    let mut granted = driven.connect().granted;
    let (mut received, mut written) = (0, 0);
    while granted > 0 {
        let portion = granted.min(7_000);
        let caused = driven.event(LinkEvent::Received(&vec![b'x'; portion]));
        granted = granted - portion + caused.granted;
        received += portion;
        written += caused.written.len();
        assert!(received < 1 << 20, "it never ends");
    }
    assert_eq!(received, written);
    assert!(driven.input(Input::Written { line: LINE, bytes: written }).granted > 0);
}

#[test]
fn unsolicited_lines_do_not_pile_up_behind_the_data_for_ever() {
    let mut driven = Driven::new(&[]);
    driven.connect();
    for _ in 0..2_000 {
        driven.input(Input::World(WorldChange::NetworkTime(true)));
        assert_eq!(driven.wait(1_000).written, b"");
    }
    driven.host(b"+++");
    let said = driven.wait(1_000).written;
    assert!(said.starts_with(b"\r\nOK\r\n\r\n+"), "{}", said.escape_ascii());
    assert!((16 << 10..17 << 10).contains(&said.len()), "{}", said.len());
}
