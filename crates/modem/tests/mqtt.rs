//! MQTT against brokers that send anything, and against lines that take nothing.
// @covers mqtt.flow mqtt.any-bytes
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;

use modemtwin_modem::{AIR724UG, ConnId, Input, LineId, LinkEvent, LinkRequest, Modem, Output, Setup, Time};
use proptest::prelude::*;

const LINE: LineId = LineId(0);

/// A module with a session, its broker, and what its line has said.
struct Bench {
    modem: Modem,
    now: u64,
    conn: Option<ConnId>,
    granted: usize,
    sent: Vec<u8>,
    said: Vec<u8>,
    /// Whether the line takes what is said.
    takes: bool,
}

impl Bench {
    fn new() -> Self {
        let modem = Modem::new(Setup::new(0, 1, 1_600_000_000_000));
        let (sent, said) = (Vec::new(), Vec::new());
        let mut bench = Self { modem, now: 0, conn: None, granted: 0, sent, said, takes: true };
        bench.pass(60_000);
        bench.host(b"ATE0\rAT+MCONFIG=id\rAT+MIPSTART=broker.example,1883\r");
        let peer = SocketAddr::from(([192, 0, 2, 1], 1883));
        bench.link(LinkEvent::Connected { peer });
        bench
    }

    /// One whose broker has accepted the session.
    fn online() -> Self {
        let mut bench = Self::new();
        bench.host(b"AT+MCONNECT=1,60\r");
        bench.broker(b"\x20\x02\x00\x00");
        bench.said.clear();
        bench
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

    /// Bytes from the broker, as far as they are granted; how many.
    fn broker(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.granted);
        self.granted -= count;
        self.link(LinkEvent::Received(&bytes[..count]));
        count
    }

    /// The line takes what has been said up to now, and everything from here on.
    fn take(&mut self) {
        self.takes = true;
        let bytes = self.said.len();
        self.modem.handle(Time(self.now), Input::Written { line: LINE, bytes });
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Write { bytes, .. } => {
                    self.said.extend_from_slice(&bytes);
                    if self.takes {
                        let bytes = bytes.len();
                        self.modem.handle(Time(self.now), Input::Written { line: LINE, bytes });
                    }
                }
                Output::Link { conn, request: LinkRequest::Connect(_) } => {
                    (self.conn, self.granted) = (Some(conn), 0);
                }
                Output::Link { conn, request } if self.conn == Some(conn) => match request {
                    LinkRequest::Grant(bytes) => self.granted += bytes,
                    LinkRequest::Send(bytes) => {
                        let count = bytes.len();
                        self.sent.extend_from_slice(&bytes);
                        let event = LinkEvent::Sent(count);
                        self.modem.handle(Time(self.now), Input::Link { conn, event });
                    }
                    LinkRequest::Close { .. } => self.conn = None,
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

fn publish(payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x30, 0x83, 0x08, 0, 1, b't'];
    packet.extend_from_slice(payload);
    packet
}

#[test]
fn a_line_that_takes_nothing_holds_the_broker_back() {
    let mut bench = Bench::online();
    bench.takes = false;
    let packet = publish(&[b'x'; 1024]);
    let all: Vec<u8> = packet.iter().copied().cycle().take(packet.len() * 200).collect();
    let mut rest = all.as_slice();
    while bench.granted > 0 {
        let taken = bench.broker(&rest[..rest.len().min(700)]);
        rest = &rest[taken..];
    }
    assert!(
        bench.said.len() <= AIR724UG.line_backlog + 8 * AIR724UG.segment,
        "{} bytes wait",
        bench.said.len()
    );
    assert!(!rest.is_empty());
    bench.take();
    while !rest.is_empty() {
        let taken = bench.broker(&rest[..rest.len().min(700)]);
        assert!(taken > 0, "the line takes everything, and the broker is still held back");
        rest = &rest[taken..];
    }
    let said = String::from_utf8_lossy(&bench.said).into_owned();
    assert_eq!(said.matches("\r\n+MSUB: \"t\",1024 byte,").count(), 200);
}

#[test]
fn a_network_that_takes_nothing_is_no_bottomless_pit() {
    let mut bench = Bench::online();
    let conn = bench.conn;
    let mut refused = false;
    for _ in 0..200 {
        let bytes = format!("AT+MPUB=\"t\",0,0,\"{}\"\r", "x".repeat(2000));
        bench.modem.handle(Time(bench.now), Input::Line { line: LINE, bytes: bytes.as_bytes() });
        while let Some(output) = bench.modem.poll_output() {
            if let Output::Write { line, bytes } = output {
                refused |= bytes.windows(3).any(|window| window == b"767");
                bench.modem.handle(Time(bench.now), Input::Written { line, bytes: bytes.len() });
            }
        }
    }
    assert!(refused && bench.conn == conn);
}

/// A packet that a broker may send, right or wrong.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let id = 0u8..4;
    prop_oneof![
        4 => (0u8..3, any::<bool>(), id.clone(), prop::collection::vec(any::<u8>(), 0..60)).prop_map(
            |(qos, retain, id, payload)| {
                let mut body = vec![0, 1, b't'];
                if qos > 0 {
                    body.extend([0, id]);
                }
                body.extend(payload);
                let mut packet = vec![0x30 | qos << 1 | u8::from(retain), u8::try_from(body.len()).unwrap()];
                packet.extend(body);
                packet
            }
        ),
        4 => (prop::sample::select(vec![0x40u8, 0x50, 0x62, 0x70, 0xB0]), id.clone())
            .prop_map(|(kind, id)| vec![kind, 2, 0, id]),
        1 => (id, any::<u8>()).prop_map(|(id, code)| vec![0x90, 3, 0, id, code]),
        1 => (0u8..2, 0u8..7).prop_map(|(present, code)| vec![0x20, 2, present, code]),
        1 => Just(vec![0xD0, 0]),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(kind, length)| vec![kind, length]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_broker_sends(
        clean in 0u8..2,
        publishes in prop::collection::vec((0u8..3, any::<bool>()), 0..5),
        packets in prop::collection::vec(packet(), 0..20),
        cuts in prop::collection::vec(1usize..20, 1..20),
        cached in 0u8..2,
    ) {
        let run = |cuts: &[usize]| {
            let mut bench = Bench::new();
            bench.host(format!("AT+MQTTMSGSET={cached}\rAT+MCONNECT={clean},60\r").as_bytes());
            bench.broker(b"\x20\x02\x00\x00");
            for (qos, subscribes) in &publishes {
                let command = if *subscribes { format!("AT+MSUB=t,{qos}\r") } else { format!("AT+MPUB=t,{qos},0,\"m\"\r") };
                bench.host(command.as_bytes());
            }
            let all = packets.concat();
            let mut rest = all.as_slice();
            let mut cuts = cuts.iter().copied().cycle();
            while !rest.is_empty() && bench.conn.is_some() {
                let count = cuts.next().unwrap_or(usize::MAX).min(rest.len());
                let taken = bench.broker(&rest[..count]);
                prop_assert!(taken > 0, "held back although the line takes everything");
                rest = &rest[taken..];
            }
            bench.link(LinkEvent::PeerClosed { truncated: false });
            bench.pass(200_000);
            bench.host(b"AT+MQTTMSGGET\r");
            Ok((bench.said.clone(), bench.sent.clone(), bench))
        };
        let (said, sent, mut bench) = run(&cuts)?;
        let (whole_said, whole_sent, _) = run(&[usize::MAX])?;
        prop_assert_eq!(said.escape_ascii().to_string(), whole_said.escape_ascii().to_string());
        prop_assert_eq!(sent, whole_sent);
        // Whatever it was: it can begin again.
        bench.said.clear();
        bench.host(b"AT+MQTTSTATU\rAT+MIPSTART=broker.example,1883\r");
        let said = String::from_utf8_lossy(&bench.said).into_owned();
        prop_assert_eq!(said, "\r\n+MQTTSTATU :0\r\n\r\nOK\r\n\r\nOK\r\n");
    }
}
