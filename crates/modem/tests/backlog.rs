//! A line whose client asks for much and reads nothing: what waits for it stays within bounds, and nothing is lost.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modemtwin_modem::{
    AIR724UG, Input, LineId, Modem, Output, Setup, StoreReply, StoreRequest, Ticket, Time, WorldChange,
};

const LINE: LineId = LineId(0);
/// The longest that a single command answers here.
const ANSWER: usize = 11 << 10;

/// A module that has booted, with echo off.
fn modem() -> Modem {
    let mut modem = Modem::new(Setup::new(0, 1, 1_600_000_000_000));
    modem.handle(Time(60_000), Input::Tick);
    let said = said(&mut modem);
    modem.handle(Time(60_000), Input::Written { line: LINE, bytes: said.len() });
    hand(&mut modem, b"ATE0\r");
    let said = self::said(&mut modem);
    modem.handle(Time(60_000), Input::Written { line: LINE, bytes: said.len() });
    modem
}

fn hand(modem: &mut Modem, bytes: &[u8]) {
    modem.handle(Time(60_000), Input::Line { line: LINE, bytes });
}

/// What the module writes until it has nothing more to say by itself; every file has 10240 bytes.
fn said(modem: &mut Modem) -> Vec<u8> {
    let mut said = Vec::new();
    let mut asked: Vec<(Ticket, StoreRequest)> = Vec::new();
    loop {
        while let Some(output) = modem.poll_output() {
            match output {
                Output::Write { bytes, .. } => said.extend(bytes),
                Output::Store { ticket, request } => asked.push((ticket, request)),
                _ => {}
            }
        }
        let Some((ticket, request)) = asked.pop() else { return said };
        let StoreRequest::Read { length, .. } = request else { panic!("{request:?}") };
        let result = Ok(StoreReply::Bytes(vec![b'x'; length]));
        modem.handle(Time(60_000), Input::Store { ticket, result });
    }
}

/// Takes all that there is to take, in the portions that the module offers it in.
fn take_all(modem: &mut Modem) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let said = said(modem);
        if said.is_empty() {
            return all;
        }
        assert!(said.len() <= AIR724UG.line_backlog + ANSWER, "{} bytes at once", said.len());
        modem.handle(Time(60_000), Input::Written { line: LINE, bytes: said.len() });
        all.extend(said);
    }
}

fn count(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).filter(|window| *window == needle).count()
}

#[test]
fn a_chain_waits_for_its_reader() {
    let mut modem = modem();
    let chain = format!("AT+CIPSTART=?{}\r", ";+CIPSTART=?".repeat(1300));
    hand(&mut modem, chain.as_bytes());
    let all = take_all(&mut modem);
    assert_eq!(count(&all, b"DOMAIN NAME"), 1301);
    assert_eq!(count(&all, b"\r\nOK\r\n"), 1);
    assert!(all.ends_with(b"\r\nOK\r\n"));
    hand(&mut modem, b"AT\r");
    assert_eq!(said(&mut modem), b"\r\nOK\r\n");
}

#[test]
fn a_chain_of_file_reads_waits_for_its_reader() {
    let mut modem = modem();
    let chain = format!("AT+FSREAD=a,0,10240{}\r", ";+FSREAD=a,0,10240".repeat(800));
    hand(&mut modem, chain.as_bytes());
    let all = take_all(&mut modem);
    assert_eq!(count(&all, b"x"), 801 * 10_240);
    assert_eq!(count(&all, b"\r\nOK\r\n"), 1);
    assert!(all.ends_with(b"\r\nOK\r\n"));
}

#[test]
fn lines_sent_ahead_wait_for_their_reader() {
    let mut modem = modem();
    let lines = "AT+FSREAD=a,0,10240\r".repeat(200);
    hand(&mut modem, lines.as_bytes());
    let all = take_all(&mut modem);
    assert_eq!(count(&all, b"x"), 200 * 10_240);
    assert_eq!(count(&all, b"\r\nOK\r\n"), 200);
}

#[test]
fn a_failure_behind_the_wait_ends_the_chain() {
    let mut modem = modem();
    let chain =
        format!("AT+FSREAD=a,0,10240{};+NONSENSE;+FSREAD=a,0,10240\r", ";+FSREAD=a,0,10240".repeat(9));
    hand(&mut modem, chain.as_bytes());
    let all = take_all(&mut modem);
    assert_eq!(count(&all, b"x"), 10 * 10_240);
    assert!(all.ends_with(b"\r\nERROR\r\n"));
}

#[test]
fn news_behind_a_prompt_that_is_never_answered_stay_within_bounds() {
    let mut modem = modem();
    hand(&mut modem, b"AT+CMGF=1;+CNMI=2,2;+CMGS=\"10086\"\r");
    assert!(said(&mut modem).ends_with(b"> "));
    // A text of five characters from a number.
    let tpdu =
        b"\x04\x0b\x91\x68\x31\x08\x10\x00\xf0\x00\x00\x02\x90\x31\x21\x00\x00\x23\x05\xe8\x32\x9b\xfd\x06";
    for _ in 0..5000 {
        modem.handle(Time(60_000), Input::World(WorldChange::Message { tpdu: tpdu.to_vec() }));
        assert_eq!(said(&mut modem), b"");
    }
    hand(&mut modem, b"\x1b");
    let said = said(&mut modem);
    let lines = said.windows(5).filter(|seen| seen == b"+CMT:").count();
    assert!(said.len() <= 5 * AIR724UG.line_backlog, "{} bytes", said.len());
    assert!(lines > 100, "{lines} messages");
}
