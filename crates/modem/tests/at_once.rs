//! Answers that need nobody else are there at the same instant: drivers give a simple command 300 ms, and `AT` 20 ms while
//! they probe bit rates. Virtual time makes that exact: no time passes at all.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modemtwin_modem::{Setup, commands};
use std::time::Duration;
use testkit::VirtualStage;
use transcript::{PowerOn, Stage};

/// Commands, as they are typed, whose whole answer takes time: who is waited for.
const WAITING: &[(&str, &str)] = &[
    ("AT+CIICR", "the network"),
    ("AT+CGATT=", "the network"),
    ("AT+COPS=?", "a search for networks"),
    ("AT+CIPPING=", "the replies"),
    ("AT+CFUN=", "the restart, or the network, behind OK"),
    ("AT+RESET", "the restart behind OK"),
];

fn pass(stage: &mut VirtualStage, time: Duration) {
    let mut passed = Duration::ZERO;
    while passed < time {
        stage.refuse_connects().unwrap();
        passed += stage.wait(time - passed).unwrap();
    }
}

// @covers gen.queue.at-once
#[test]
fn examples_are_answered_without_time_passing() {
    let mut wrong = String::new();
    for (family, command) in commands() {
        for example in command.examples {
            if WAITING.iter().any(|(text, _)| example.send.starts_with(text)) {
                continue;
            }
            let mut stage = VirtualStage::with_setup(Setup::new(0, 1, 1_600_000_000_000));
            stage.power_on(&PowerOn { settings: &[], lines: 1, cold: false }).unwrap();
            for line in ["ATE0"].iter().chain(example.before) {
                stage.send(0, format!("{line}\r").as_bytes()).unwrap();
                pass(&mut stage, Duration::from_secs(1));
            }
            let mut said = Vec::new();
            stage.receive(0, &mut said).unwrap();
            said.clear();
            stage.send(0, format!("{}\r", example.send).as_bytes()).unwrap();
            stage.receive(0, &mut said).unwrap();
            // What comes later is unsolicited; the answer itself has to be whole.
            if !example.answer.as_bytes().starts_with(&said)
                || (said.is_empty() && !example.answer.is_empty())
            {
                wrong += &format!(
                    "\n{family} {:?}: at once \"{}\", in the end {:?}",
                    example.send,
                    said.escape_ascii(),
                    example.answer
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
