//! What was recorded plays again, byte for byte.

use std::collections::VecDeque;
use std::time::Duration;

use modemtwin_transcript::{Bindings, Recorder, Runner, Stage, StageError, Transcript};
use proptest::prelude::*;

/// Says the module's part of a conversation whenever the host has said its own.
struct Tape {
    turns: VecDeque<(Vec<u8>, Vec<u8>)>,
    sent: Vec<u8>,
    out: Vec<u8>,
}

impl Tape {
    fn new(turns: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let mut tape = Self { turns: turns.iter().cloned().collect(), sent: Vec::new(), out: Vec::new() };
        tape.work();
        tape
    }

    fn work(&mut self) {
        while let Some((host, _)) = self.turns.front() {
            if !self.sent.starts_with(host) {
                return;
            }
            self.sent.drain(..host.len());
            if let Some((_, module)) = self.turns.pop_front() {
                self.out.extend_from_slice(&module);
            }
        }
    }
}

impl Stage for Tape {
    fn send(&mut self, _line: u8, bytes: &[u8]) -> Result<(), StageError> {
        self.sent.extend_from_slice(bytes);
        self.work();
        Ok(())
    }

    fn receive(&mut self, _line: u8, into: &mut Vec<u8>) -> Result<(), StageError> {
        into.append(&mut self.out);
        Ok(())
    }

    fn wait(&mut self, limit: Duration) -> Result<Duration, StageError> {
        Ok(limit)
    }
}

fn record(turns: &[(Vec<u8>, Vec<u8>)]) -> String {
    let mut recorder = Recorder::new("");
    for (host, module) in turns {
        recorder.host(host);
        recorder.module(module);
    }
    recorder.finish()
}

#[track_caller]
fn plays_again(turns: &[(Vec<u8>, Vec<u8>)]) {
    let text = record(turns);
    let transcript = Transcript::parse("recorded", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let bindings = Bindings::new();
    let mut tape = Tape::new(turns);
    if let Err(failure) = Runner::new(&bindings).limit(Duration::from_millis(1)).run(&mut tape, &transcript) {
        panic!("{failure}\n{text}");
    }
    assert!(tape.turns.is_empty() && tape.sent.is_empty(), "{text}");
}

fn turn(host: &[u8], module: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (host.to_vec(), module.to_vec())
}

#[test]
fn a_session_reads_well() {
    let turns = [
        turn(b"ATE0\r", b"ATE0\r\r\nOK\r\n"),
        turn(b"AT+CIPSEND=3\r", b"\r\n> "),
        turn(b"a{\x1a", b"\r\nSEND OK\r\n\r\n+X: {1}\r\n+X: 2\r\n"),
        turn(b"AT\r\n", b"\r\nOK\r\n\r\nodd"),
    ];
    assert_eq!(
        record(&turns),
        r"> ATE0
< OK
@echo off
> AT+CIPSEND=3
<prompt
>> a{\x1a
< SEND OK
< +X: {{1}}
<+ +X: 2
>> AT\r\n
< OK
<< \r\nodd
"
    );
    plays_again(&turns);
}

#[test]
fn typing_becomes_one_command() {
    let mut recorder = Recorder::new("typed");
    for byte in b"AT+CSQ" {
        recorder.host(&[*byte]);
        recorder.module(&[*byte]);
    }
    recorder.host(b"\r");
    recorder.module(b"\r\r\n+CSQ: 24,99\r\n\r\nOK\r\n");
    recorder.pause(Duration::from_secs(3));
    recorder.comment("done");
    assert_eq!(recorder.finish(), "@title typed\n> AT+CSQ\n< +CSQ: 24,99\n< OK\n@wait 3s\n# done\n");
}

fn host_says() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "AT[+A-Z=0-9\",{}\\\\ ]{0,12}\r".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 1..12),
        Just(b"\r".to_vec()),
        Just(b"AT\r\n".to_vec()),
    ]
}

fn module_says() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop_oneof![
            Just(b"\r\nOK\r\n".to_vec()),
            Just(b"\r\n> ".to_vec()),
            Just(b"\r\n".to_vec()),
            "\r\n[+A-Z{}<>\\\\ ]{0,8}\r\n".prop_map(String::into_bytes),
            "[+A-Z{} ]{0,8}\r\n".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..8),
        ],
        0..5,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_conversation_plays_again(turns in prop::collection::vec(
        (host_says(), module_says(), any::<bool>()).prop_map(|(host, module, echo)| {
            let said = if echo { [host.clone(), module].concat() } else { module };
            (host, said)
        }),
        0..8,
    )) {
        plays_again(&turns);
    }
}
