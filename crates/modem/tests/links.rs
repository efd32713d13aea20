//! Whatever hosts, peers, the network and the lines do to the links, in whatever order: the module keeps the rules of
//! its boundary (the stage checks them), and AT+CIPSHUT makes it whole again.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use proptest::sample::select;
use std::time::Duration;
use testkit::VirtualStage;
use transcript::{
    Account, Apn, ConnectFailure, Coverage, Dns, Pace, PeerStep, PowerOn, Stage, StageError, World,
};

const COMMANDS: &[&str] = &[
    "AT+CIPMUX=0\r",
    "AT+CIPMUX=1\r",
    "AT+CIPSHUT;+CIPMUX=0;+CIPMODE=1\r",
    "AT+CIPSHUT;+CIPMODE=0\r",
    "AT+CIPCCFG=5,2,7,0,1,50,1000,0\r",
    "AT+CIPCCFG=5,10,1460,0,0,50,1000,1\r",
    "+++",
    "ATO\r",
    "ATH\r",
    "AT+CIPQSEND=0\r",
    "AT+CIPQSEND=1\r",
    "AT+CIPQSEND=2\r",
    "AT+CIPHEAD=1\r",
    "AT+CIPRXF=1\r",
    "AT+CIPRXGET=1\r",
    "AT+CIPRXGET=5\r",
    "AT+CIPRXGET=0\r",
    "AT+CIPRXGET=2,1460\r",
    "AT+CIPRXGET=2,0,100\r",
    "AT+CIPRXGET=3,1,730\r",
    "AT+CIPRXGET=4\r",
    "AT+CIPSRIP=1;+CIPSHOWTP=1\r",
    "AT+CIPATS=1,2\r",
    "AT+CIPATS=0\r",
    "AT+CIPSPRT=2\r",
    "AT+CIPTKA=1,60\r",
    "AT+CLPORT=TCP,5000\r",
    "AT+CLPORT=1,TCP,5000\r",
    "AT^HEARTCONFIG=1,0,5\r",
    "AT^HEARTCONFIG=1,1,60\r",
    "AT^HEARTCONFIG=0,0,60\r",
    "AT+CSTT\r",
    "AT+CIICR\r",
    "AT+CIFSR\r",
    "AT+CSTT;+CIICR;+CIFSR\r",
    "AT+CIPMUX=1;+CIPQSEND=1;+CSTT;+CIICR;+CIFSR\r",
    "AT+CIPSTART=TCP,192.0.2.1,7\r",
    "AT+CIPSTART=UDP,192.0.2.1,7\r",
    "AT+CIPSTART=0,TCP,192.0.2.1,7\r",
    "AT+CIPSTART=1,TCP,192.0.2.1,7\r",
    "AT+CIPSTART=7,UDP,192.0.2.1,7\r",
    "AT+CIPSTART=UDP,10.0.0.1,7\r",
    "AT+CIPSTART=0,TCP,10.0.0.1,7\r",
    "AT+CIPSTART=1,TCP,example.com,7\r",
    "AT+CDNSGIP=example.com\r",
    "AT+MIPSTART=192.0.2.1,1883\r",
    "AT+SSLMIPSTART=example.com,8883\r",
    "AT+MCONNECT=0,60\r",
    "AT+MPUB=t,1,0,\"m\"\r",
    "AT+MPUBEX=t,0,0,4\rabcd",
    "AT+MPUBEX=t,0,0\r",
    "AT+MDISCONNECT\r",
    "AT+MIPCLOSE\r",
    "AT+CIPSEND=4\rabcd",
    "AT+CIPSEND\rabcd\x1a",
    "AT+CIPSEND=0,4\rabcd",
    "AT+CIPSEND=1,4\rab",
    "cd",
    "AT+CIPSEND=7\rabcd\x1b",
    "AT+CIPSEND=0\rabcd\x1a",
    "AT+CIPACK\r",
    "AT+CIPACK=0\r",
    "AT+CIPCLOSE\r",
    "AT+CIPCLOSE=0\r",
    "AT+CIPCLOSE=1\r",
    "AT+CIPCLOSE=1,1\r",
    "AT+CIPSTATUS\r",
    "AT+CIPSHUT\r",
    "AT+CGACT=0,5\r",
    "AT+CGATT=0\r",
    "AT+CGATT=1\r",
    "AT+CIPSSL=1\r",
    "AT+CFUN=1,1\r",
    "AT&F\r",
];

#[derive(Clone, Debug)]
enum Move {
    Host(u8, &'static str),
    Peer(Option<u32>, PeerStep),
    /// A peer sends so many bytes.
    Data(Option<u32>, usize),
    World(World),
    Stall(u8, bool),
    Wait(u64),
}

fn peer() -> impl Strategy<Value = PeerStep> {
    prop_oneof![
        4 => Just(PeerStep::Accept(None)),
        1 => Just(PeerStep::Fail(ConnectFailure::Refused)),
        1 => Just(PeerStep::Fail(ConnectFailure::Timeout)),
        1 => Just(PeerStep::Close),
        1 => Just(PeerStep::HalfClose),
        1 => Just(PeerStep::Reset),
        2 => Just(PeerStep::Stall),
        2 => Just(PeerStep::Resume),
        1 => Just(PeerStep::HoldAcks),
        1 => Just(PeerStep::Ack),
    ]
}

fn world() -> impl Strategy<Value = World> {
    prop_oneof![
        Just(World::BearerLost),
        any::<bool>().prop_map(World::Bearer),
        select(vec![Coverage::Home, Coverage::Searching, Coverage::Unusable]).prop_map(World::Coverage),
        select(vec![Account::Good, Account::Arrears, Account::Refused]).prop_map(World::Account),
        select(vec![0, 24, 99]).prop_map(World::Rssi),
        select(vec![Pace::Normal, Pace::Stuck, Pace::Slow(Duration::from_secs(90))]).prop_map(World::Attach),
        select(vec![Apn::Any, private(true), private(false)]).prop_map(World::Apn),
        select(vec![Dns::Works, Dns::Dead, Dns::Failing]).prop_map(World::Dns),
        any::<bool>().prop_map(World::PrivateServers),
        select(vec![100, 150, 5_000]).prop_map(|time| World::Reset(Duration::from_millis(time))),
        Just(World::PowerKey(Duration::from_secs(2))),
    ]
}

fn private(dead_end: bool) -> Apn {
    Apn::Private { name: "iot".into(), user: String::new(), password: String::new(), dead_end }
}

/// Where it begins: nothing yet, one link up, two links up.
fn beginning() -> impl Strategy<Value = Vec<Move>> {
    let accept = || Move::Peer(None, PeerStep::Accept(None));
    select(vec![
        Vec::new(),
        vec![Move::Host(0, "AT+CIPSTART=TCP,192.0.2.1,7\r"), Move::Wait(1_000), accept()],
        vec![
            Move::Host(0, "AT+CIPMODE=1\r"),
            Move::Host(0, "AT+CIPSTART=TCP,192.0.2.1,7\r"),
            Move::Wait(1_000),
            accept(),
        ],
        vec![
            Move::Host(0, "AT+CIPMUX=1;+CIPQSEND=1;+CSTT;+CIICR;+CIFSR\r"),
            Move::Wait(1_000),
            Move::Host(0, "AT+CIPSTART=0,TCP,192.0.2.1,7\r"),
            accept(),
            Move::Host(1, "AT+CIPSTART=1,TCP,192.0.2.1,7\r"),
            accept(),
        ],
    ])
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        8 => (0u8..2, select(COMMANDS)).prop_map(|(line, text)| Move::Host(line, text)),
        4 => (prop::option::of(1u32..6), peer()).prop_map(|(number, step)| Move::Peer(number, step)),
        3 => (prop::option::of(1u32..6), 1usize..20_000).prop_map(|(number, count)| Move::Data(number, count)),
        1 => world().prop_map(Move::World),
        1 => (0u8..2, any::<bool>()).prop_map(|(line, on)| Move::Stall(line, on)),
        3 => select(vec![1u64, 100, 200, 5_000, 100_000]).prop_map(Move::Wait),
    ];
    (beginning(), prop::collection::vec(one, 1..60)).prop_map(|(mut all, rest)| {
        all.extend(rest);
        all
    })
}

fn play(stage: &mut VirtualStage, step: &Move) -> Result<(), StageError> {
    match step {
        Move::Host(line, text) => stage.send(*line, text.as_bytes()),
        Move::Peer(number, step) => peer_step(stage, *number, step),
        Move::Data(number, count) => peer_step(stage, *number, &PeerStep::Send(vec![b'p'; *count])),
        Move::World(change) => stage.world(change),
        Move::Stall(line, on) => stage.stall(*line, *on),
        Move::Wait(millis) => pass(stage, *millis),
    }
}

/// What a scripted peer could not do just then does not matter; what the module may not do does.
fn peer_step(stage: &mut VirtualStage, number: Option<u32>, step: &PeerStep) -> Result<(), StageError> {
    match stage.peer(number, step) {
        Err(StageError::Failed(text)) if text.starts_with("connection ") => Ok(()),
        other => other.map(|_| ()),
    }
}

/// There are not that many connections.
fn nothing_there(error: StageError) -> Result<(), StageError> {
    match error {
        StageError::Failed(_) => Ok(()),
        other => Err(other),
    }
}

fn pass(stage: &mut VirtualStage, millis: u64) -> Result<(), StageError> {
    let mut left = Duration::from_millis(millis);
    while !left.is_zero() {
        left -= stage.wait(left)?;
    }
    Ok(())
}

/// Ends what may be open on a line: a data phase of either kind, data mode, a wait for the network.
fn come_to_rest(stage: &mut VirtualStage) -> Result<(), StageError> {
    for good in [
        World::Coverage(Coverage::Home),
        World::Account(Account::Good),
        World::Rssi(24),
        World::Attach(Pace::Normal),
        World::Bearer(true),
        World::Apn(Apn::Any),
        World::Dns(Dns::Works),
        World::PrivateServers(true),
    ] {
        stage.world(&good)?;
    }
    for line in [0, 1] {
        stage.stall(line, false)?;
        stage.send(line, &[b'x'; 1500])?;
        stage.send(line, b"\x1a\r")?;
    }
    stage.refuse_connects()?;
    pass(stage, 1_000)?;
    for number in 1..20 {
        peer_step(stage, Some(number), &PeerStep::Resume).or_else(nothing_there)?;
    }
    pass(stage, 1_000)?;
    for line in [0, 1] {
        stage.send(line, b"+++")?;
    }
    pass(stage, 1_000)?;
    for line in [0, 1] {
        stage.send(line, b"\r")?;
    }
    pass(stage, 800_000)?;
    // What the guide says of an attach that hangs.
    said(stage, 0, "AT+CFUN=4\r")?;
    pass(stage, 5_000)?;
    said(stage, 0, "AT+CFUN=1\r")?;
    pass(stage, 10_000)
}

fn said(stage: &mut VirtualStage, line: u8, command: &str) -> Result<String, StageError> {
    stage.receive(line, &mut Vec::new())?;
    stage.send(line, command.as_bytes())?;
    pass(stage, 1_000)?;
    let mut bytes = Vec::new();
    stage.receive(line, &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_order_of_events_wedges_the_links(moves in moves()) {
        let mut stage = VirtualStage::new();
        stage.power_on(&PowerOn { settings: &[], lines: 2, cold: false }).unwrap();
        for step in &moves {
            play(&mut stage, step).map_err(|error| TestCaseError::fail(format!("{step:?}: {error}")))?;
        }
        come_to_rest(&mut stage).unwrap();
        said(&mut stage, 1, "ATE0\r").unwrap();
        said(&mut stage, 0, "ATE0\r").unwrap();
        prop_assert_eq!(said(&mut stage, 0, "AT+CIPSHUT\r").unwrap(), "\r\nSHUT OK\r\n");
        prop_assert_eq!(said(&mut stage, 1, "AT+CIPSHUT;+CIPMODE=0;+CIPMUX=0;+CIPRXF=1;+CIPQSEND=1;+CIPSSL=0;+CIPRXGET=0;+CIPATS=0;+CIPSPRT=1;^HEARTCONFIG=0,0,60\r").unwrap(),
            "\r\nSHUT OK\r\n\r\nOK\r\n");
        said(&mut stage, 0, "AT+CGATT=1\r").unwrap();
        prop_assert_eq!(said(&mut stage, 0, "AT+CIPSTART=TCP,192.0.2.1,7\r").unwrap(), "\r\nOK\r\n");
        stage.peer(None, &PeerStep::Accept(None)).unwrap();
        prop_assert_eq!(said(&mut stage, 0, "AT+CIPSEND=2\rhi").unwrap(), "\r\n> \r\nDATA ACCEPT:2\r\n");
        prop_assert_eq!(said(&mut stage, 0, "AT+CIPACK\r").unwrap(), "\r\n+CIPACK: 2,2,0\r\n\r\nOK\r\n");
        prop_assert_eq!(said(&mut stage, 0, "AT+CIPCLOSE\r").unwrap(), "\r\nCLOSE OK\r\n");
    }
}
