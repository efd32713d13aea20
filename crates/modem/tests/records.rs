//! What every command's record promises: its examples are true, byte for byte, and it is complete.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modem::{Command, Example, Form, Setup, commands};
use modemtwin_modem as modem;
use std::collections::HashSet;
use std::time::Duration;
use testkit::VirtualStage;
use transcript::{PowerOn, Stage};

/// Lets so much virtual time pass; connects are refused meanwhile.
fn pass(stage: &mut VirtualStage, time: Duration) {
    let mut passed = Duration::ZERO;
    while passed < time {
        stage.refuse_connects().unwrap();
        passed += stage.wait(time - passed).unwrap();
    }
}

fn answer(command: &Command, example: &Example, bytewise: bool) -> Vec<u8> {
    let mut stage = VirtualStage::with_setup(Setup::new(0, 1, 1_600_000_000_000));
    stage.power_on(&PowerOn { settings: &[], lines: 1, cold: false }).unwrap();
    let mut said = Vec::new();
    for line in ["ATE0"].iter().chain(example.before) {
        stage.send(0, format!("{line}\r").as_bytes()).unwrap();
        pass(&mut stage, Duration::from_secs(1));
    }
    stage.receive(0, &mut said).unwrap();
    said.clear();
    let line = format!("{}\r", example.send);
    if bytewise {
        line.bytes().for_each(|byte| stage.send(0, &[byte]).unwrap());
    } else {
        stage.send(0, line.as_bytes()).unwrap();
    }
    pass(&mut stage, Duration::from_millis(u64::from(command.longest.min(200_000))));
    stage.receive(0, &mut said).unwrap();
    said
}

#[test]
fn examples_are_true() {
    let mut wrong = String::new();
    for (family, command) in commands() {
        for example in command.examples {
            for bytewise in [false, true] {
                let got = answer(command, example, bytewise);
                if got != example.answer.as_bytes() {
                    wrong += &format!(
                        "\n{family} {} {:?} after {:?}\n  expected {:?}\n  got      \"{}\"",
                        command.name,
                        example.send,
                        example.before,
                        example.answer,
                        got.escape_ascii()
                    );
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn records_are_complete() {
    let mut names = HashSet::new();
    let mut wrong = Vec::new();
    for (family, command) in commands() {
        let name = command.name;
        let mut check = |ok: bool, what: &str| {
            if !ok {
                wrong.push(format!("{family} {name}: {what}"));
            }
        };
        check(names.insert(name), "its name is taken");
        check(name == name.to_uppercase() && name.is_ascii(), "its name is not upper case");
        check(
            !command.summary.is_empty() && command.summary.len() <= 60,
            "its summary is missing or over 60 characters",
        );
        check(!command.reference.is_empty(), "its reference is missing");
        check(!command.syntax.is_empty(), "its syntax is missing");
        check(!command.examples.is_empty(), "it has no example");
        check(command.forms().iter().any(|form| *form != Form::Test), "it does nothing");
        check(
            command.syntax.iter().all(|syntax| syntax.starts_with(&format!("AT{name}"))),
            "a syntax line is about something else",
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
