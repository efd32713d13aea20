//! What the runner accepts, and what it reports.

mod common;

use std::time::Duration;

use common::{Answer, Scripted, answer};
use modemtwin_transcript::{
    Bindings, Chunking, Failure, Happened, HostKind, ModuleKind, Runner, Summary, Transcript, run_all_ways,
};

fn play_with(
    bindings: &Bindings,
    answers: impl IntoIterator<Item = Answer>,
    text: &str,
) -> Result<Summary, Box<Failure>> {
    let transcript = Transcript::parse("t", text).unwrap_or_else(|error| panic!("{error}"));
    Runner::new(bindings).run(&mut Scripted::new(answers), &transcript)
}

fn play(answers: impl IntoIterator<Item = Answer>, text: &str) -> Result<Summary, Box<Failure>> {
    play_with(&Bindings::new(), answers, text)
}

#[test]
fn frames_and_blocks_are_exact() {
    let says = [answer(b"AT+X\r", b"AT+X\r\r\na\r\nb\r\n\r\nOK\r\n")];
    play(says.clone(), "> AT+X\n< a\n<+ b\n< OK").unwrap();
    let failure = play(says.clone(), "> AT+X\n< a\n< b\n< OK").unwrap_err();
    assert_eq!(failure.position.unwrap().line, 3);
    let failure = play(says, "> AT+X\n< a\n<+ b\n").unwrap_err();
    assert_eq!(failure.position, None);
    assert_eq!(failure.got, [r"\r\n", r"OK\r\n"]);
}

#[test]
fn echo_is_expected_unless_it_is_off() {
    play([answer(b"AT\r", b"\r\nOK\r\n")], "@echo off\n> AT\n< OK").unwrap();
    let failure = play([answer(b"AT\r", b"\r\nOK\r\n")], "> AT\n< OK").unwrap_err();
    assert_eq!(failure.expected, [r"AT\r"]);
    assert_eq!(failure.got, [r"\r\n", r"OK\r\n"]);
}

#[test]
fn limits_are_limits() {
    let late = |seconds| Answer { after: b"A\r", delay: Duration::from_secs(seconds), bytes: b"\r\nOK\r\n" };
    let text = "@echo off\n> A\n@within 5s\n< OK";
    assert_eq!(play([late(5)], text).unwrap().waited, Duration::from_secs(5));
    let failure = play([late(6)], text).unwrap_err();
    assert!(failure.what.contains("said nothing within 5s"), "{}", failure.what);
    play([late(200)], "@echo off\n> A\n< OK").unwrap();
    play([late(201)], "@echo off\n> A\n< OK").unwrap_err();
}

#[test]
fn a_wrong_answer_fails_without_waiting() {
    let failure = play([answer(b"A\r", b"\r\nERROR\r\n")], "@echo off\n> A\n< OK").unwrap_err();
    assert!(!failure.what.contains("within"), "{}", failure.what);
    assert_eq!(
        (failure.expected, failure.got),
        (vec![r"\r\n".into(), r"OK\r\n".into()], vec![r"\r\n".into(), r"ERROR\r\n".into()])
    );
}

#[test]
fn silence_and_waiting() {
    let late = Answer { after: b"A\r", delay: Duration::from_secs(5), bytes: b"\r\nOK\r\n" };
    play([late.clone()], "@echo off\n> A\n@silence 4s\n< OK").unwrap();
    let failure = play([late.clone()], "@echo off\n> A\n@silence 5s\n< OK").unwrap_err();
    assert!(failure.what.contains("after 5s of silence"), "{}", failure.what);
    play([late.clone()], "@echo off\n> A\n@wait 9s\n@within 0s\n< OK").unwrap();
    play([late], "@echo off\n> A\n@wait 4s\n@within 0s\n< OK").unwrap_err();
}

#[test]
fn names_lengths_and_captures() {
    let bindings = Bindings::new().file("ca", "12345").variable("host", "example");
    let says = [
        answer(b"AT+W=5,example\r", b"\r\n> "),
        answer(b"12345", b"\r\n+ID: \"77\"\r\n"),
        answer(b"AT+ID=77\r", b"\r\n12345\r\n"),
    ];
    let text = "@echo off\n> AT+W={len:ca},{host}\n<prompt\n>file ca\n< +ID: \"{id=d}\"\n> AT+ID={id}\n<< \\r\\n\n<data last\n<< \\r\\n";
    play_with(&bindings, says.clone(), text).unwrap();
    let failure = play(says, text).unwrap_err();
    assert!(failure.what.contains("no file is bound to the name ca"), "{}", failure.what);
}

#[test]
fn files_come_from_the_caller() {
    let text = "@file x = a/b\n@echo off\n>file x\n";
    let transcript = Transcript::parse("t", text).unwrap();
    let mut stage = Scripted::new([]);
    let bindings = Bindings::new().source(|path| Ok(format!("<{path}>").into_bytes()));
    Runner::new(&bindings).run(&mut stage, &transcript).unwrap();
    assert_eq!(stage.sent[&0], b"<a/b>");
    let missing = Bindings::new().source(|_| Err("it is not there".into()));
    let failure = Runner::new(&missing).run(&mut Scripted::new([]), &transcript).unwrap_err();
    assert_eq!(failure.what, "a/b: it is not there");
}

#[test]
fn chunks_carry_the_same_bytes() {
    let transcript =
        Transcript::parse("t", "@echo off\n> AT+ABCDEFGHIJKLMNOP\n>bytes 300 random 4\n").unwrap();
    let bindings = Bindings::new();
    let mut sent = Vec::new();
    for chunking in [Chunking::Whole, Chunking::Bytewise, Chunking::Random(3)] {
        let mut stage = Scripted::new([]);
        Runner::new(&bindings).chunking(chunking).run(&mut stage, &transcript).unwrap();
        sent.push((stage.pieces.len(), stage.sent[&0].clone()));
    }
    assert_eq!(sent[0].0, 2);
    assert_eq!(sent[1].0, 320);
    assert!(sent[2].0 > 4 && sent[2].0 < 320, "{}", sent[2].0);
    assert!(sent[0].1 == sent[1].1 && sent[1].1 == sent[2].1);
}

#[test]
fn all_ways_name_the_way_that_failed() {
    // Answers only when everything comes in one piece.
    struct Brittle(Scripted);
    impl modemtwin_transcript::Stage for Brittle {
        fn send(&mut self, line: u8, bytes: &[u8]) -> Result<(), modemtwin_transcript::StageError> {
            if bytes.len() == 3 { self.0.send(line, bytes) } else { Ok(()) }
        }
        fn receive(&mut self, line: u8, into: &mut Vec<u8>) -> Result<(), modemtwin_transcript::StageError> {
            self.0.receive(line, into)
        }
        fn wait(&mut self, limit: Duration) -> Result<Duration, modemtwin_transcript::StageError> {
            self.0.wait(limit)
        }
    }
    let transcript = Transcript::parse("t", "@echo off\n> AT\n< OK").unwrap();
    let failure = run_all_ways(
        || Brittle(Scripted::new([answer(b"AT\r", b"\r\nOK\r\n")])),
        &Bindings::new(),
        &transcript,
    )
    .unwrap_err();
    assert_eq!(failure.way.as_deref(), Some("one by one"));
}

#[test]
fn steps_that_a_stage_cannot_do_fail_clearly() {
    let failure = play([], "@world rssi 3").unwrap_err();
    assert!(failure.to_string().starts_with(
        "t:1:1: this step is not possible here: there is no way to change the module's surroundings\n"
    ));
    let transcript = Transcript::parse("t", "@module seed 1\n> AT").unwrap();
    let bindings = Bindings::new();
    let failure = Runner::new(&bindings).run(&mut Scripted::new([]), &transcript).unwrap_err();
    assert!(failure.what.contains("set up and boot"));
}

#[test]
fn expectations_of_the_stage_are_waited_for() {
    play([], "@note known").unwrap();
    let failure = play([], "@within 3s\n@note unknown").unwrap_err();
    assert_eq!(failure.what, "no such explanation within 3s");
}

#[test]
fn reports_show_both_sides() {
    let failure = play(
        [answer(b"AT\r", b"AT\r\r\nOK\r\n"), answer(b"AT+CPIN?\r", b"AT+CPIN?\r\r\n+CPIN: SIM PIN\r\n")],
        "> AT\n< OK\n> AT+CPIN?\n< +CPIN: READY\n",
    )
    .unwrap_err();
    assert_eq!(
        failure.to_string(),
        r"t:4:1: the module said something else (byte 9 is the first that differs)
  the step:  < +CPIN: READY
    expected           got
    \r\n             | \r\n
    +CPIN: READY\r\n # +CPIN: SIM PIN\r\n
  the conversation before:
    > AT\r
    < AT\r
    < \r\nOK\r\n
    > AT+CPIN?\r
    < AT+CPIN?\r
"
    );
}

#[test]
fn long_payload_is_shown_where_it_differs() {
    let mut wrong: Vec<u8> = (0..=255).cycle().take(1000).collect();
    wrong[700] = 0;
    let bytes: &'static [u8] = Box::leak(wrong.into_boxed_slice());
    let failure = play([answer(b"", bytes)], "@file x bytes 1000 count-up\n<data x").unwrap_err();
    assert!(failure.what.ends_with("700 of 1000 bytes fit"), "{}", failure.what);
    assert!(failure.got[0].starts_with("[byte 684] "), "{:?}", failure.got);
}

#[test]
fn observers_see_the_conversation() {
    let transcript = Transcript::parse("t", "@title T\n> AT\n< OK\n@echo off\n>file ca\n<data ca").unwrap();
    let bindings = Bindings::new().file("ca", "xyz");
    let mut seen = Vec::new();
    let mut observer = |happened: &Happened<'_>| {
        seen.push(match *happened {
            Happened::Title(title) => format!("title {title}"),
            Happened::Host { kind: HostKind::Payload(name), bytes, .. } => {
                format!("host {name:?} {}", bytes.len())
            }
            Happened::Host { bytes, .. } => format!("host {:?}", String::from_utf8_lossy(bytes)),
            Happened::Module { kind: ModuleKind::Echo, .. } => "echo".into(),
            Happened::Module { kind: ModuleKind::Payload(name), .. } => format!("module {name:?}"),
            Happened::Module { bytes, .. } => format!("module {:?}", String::from_utf8_lossy(bytes)),
            Happened::Step(text) => text.into(),
        });
    };
    let mut stage = Scripted::new([answer(b"AT\r", b"AT\r\r\nOK\r\n"), answer(b"xyz", b"xyz")]);
    Runner::new(&bindings).observer(&mut observer).run(&mut stage, &transcript).unwrap();
    assert_eq!(
        seen,
        [
            "title T",
            "host \"AT\\r\"",
            "echo",
            "module \"\\r\\nOK\\r\\n\"",
            "host Some(\"ca\") 3",
            "module Some(\"ca\")"
        ]
    );
}

#[test]
fn the_last_payload_is_that_of_its_line() {
    let says = [answer(b"one", b"one")];
    play(says.clone(), "@echo off\n>raw \"one\"\n1>raw \"two\"\n<data last\n").unwrap();
    let failure = play(says, "@echo off\n>raw \"one\"\n1>raw \"two\"\n@file x last\n<data x\n").unwrap_err();
    assert_eq!(failure.expected, ["two"]);
    assert!(play([], "<data last").unwrap_err().what.contains("no payload has been sent"));
}
