//! A module that is off says nothing, whatever happens around it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modemtwin_modem::{Coverage, Input, LineId, Modem, Output, Setup, StoreReply, Time, WorldChange};

fn outputs(modem: &mut Modem) -> Vec<Output> {
    core::iter::from_fn(|| modem.poll_output()).collect()
}

#[test]
fn what_comes_when_it_is_off_is_not_answered() {
    let mut setup = Setup::new(0, 1, 1_600_000_000_000);
    setup.lines = vec![modemtwin_modem::LineKind::Plain; 2];
    let card = setup.world.card.clone();
    let mut modem = Modem::new(setup);
    modem.handle(Time(60_000), Input::Line { line: LineId(1), bytes: b"AT+FSCREATE=a;+CGMM\rAT\r" });
    let ticket = outputs(&mut modem)
        .into_iter()
        .find_map(|output| if let Output::Store { ticket, .. } = output { Some(ticket) } else { None })
        .unwrap();
    modem.handle(Time(60_000), Input::Line { line: LineId(0), bytes: b"AT+CPOWD=1\r" });
    modem.handle(Time(120_000), Input::Tick);
    let said = outputs(&mut modem);
    assert_eq!(said.last(), Some(&Output::Power { restarting: false }));

    modem.handle(Time(120_001), Input::Store { ticket, result: Ok(StoreReply::Done) });
    modem.handle(Time(120_002), Input::Line { line: LineId(1), bytes: b"AT\r" });
    for change in [
        WorldChange::Coverage(Coverage::Searching),
        WorldChange::Coverage(Coverage::Home),
        WorldChange::Card(None),
        WorldChange::Card(card),
        WorldChange::NetworkTime(false),
        WorldChange::NetworkTime(true),
        WorldChange::BearerLost,
    ] {
        modem.handle(Time(180_000), Input::World(change));
    }
    modem.handle(Time(1_000_000), Input::Tick);
    let said = outputs(&mut modem);
    assert!(!said.iter().any(|output| matches!(output, Output::Write { .. })), "{said:?}");

    // The power key makes it whole again, on both lines.
    modem.handle(Time(1_000_000), Input::World(WorldChange::PowerKey(2_000)));
    modem.handle(Time(1_100_000), Input::Tick);
    outputs(&mut modem);
    for line in [LineId(0), LineId(1)] {
        modem.handle(Time(1_100_000), Input::Line { line, bytes: b"ATE0\r" });
        let answer = Output::Write { line, bytes: b"ATE0\r\r\nOK\r\n".to_vec() };
        assert_eq!(outputs(&mut modem), [answer]);
    }
}

#[test]
fn settings_that_become_safe_while_it_restarts_are_in_force_afterwards() {
    let mut setup = Setup::new(0, 1, 1_600_000_000_000);
    setup.lines = vec![modemtwin_modem::LineKind::Plain; 2];
    let mut modem = Modem::new(setup);
    modem.handle(Time(60_000), Input::Line { line: LineId(0), bytes: b"AT+CMEE=2;&W\r" });
    let ticket = outputs(&mut modem)
        .into_iter()
        .find_map(|output| if let Output::Store { ticket, .. } = output { Some(ticket) } else { None })
        .unwrap();
    modem.handle(Time(60_000), Input::Line { line: LineId(1), bytes: b"AT+RESET\r" });
    modem.handle(Time(60_100), Input::Tick);
    assert!(outputs(&mut modem).contains(&Output::Power { restarting: true }));

    modem.handle(Time(60_200), Input::Store { ticket, result: Ok(StoreReply::Done) });
    modem.handle(Time(120_000), Input::Tick);
    outputs(&mut modem);
    modem.handle(Time(120_000), Input::Line { line: LineId(0), bytes: b"ATE0\r" });
    outputs(&mut modem);
    modem.handle(Time(120_000), Input::Line { line: LineId(0), bytes: b"AT+CMEE?\r" });
    let answer = Output::Write { line: LineId(0), bytes: b"\r\n+CMEE: 2\r\n\r\nOK\r\n".to_vec() };
    assert_eq!(outputs(&mut modem), [answer]);
}
