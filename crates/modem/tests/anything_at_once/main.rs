//! Whatever happens, in whatever order, on however many lines: nothing panics, nothing grows, and every command ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod bench;
mod commands;
mod kept;
#[path = "../day/random.rs"]
mod random;
mod surroundings;

use modem::{Apn, Coverage, Dns, Input, LineId, Pace, WorldChange};
use modemtwin_modem as modem;

use bench::{Bench, LINES};
use commands::COMMANDS;
use random::Random;
use surroundings::world;

/// What a module may be in all, as text for people: it holds whatever it keeps.
const LARGEST: usize = 24 << 20;

fn good_again(bench: &mut Bench) {
    for change in [
        WorldChange::Boot(Pace::Normal),
        WorldChange::CardStart(Pace::Normal),
        WorldChange::Attach(Pace::Normal),
        WorldChange::Dns(Dns::Works),
        WorldChange::Bearer(true),
        WorldChange::Apn(Apn::Any),
        WorldChange::Coverage(Coverage::Home),
        WorldChange::Rssi(24),
    ] {
        bench.input(Input::World(change));
    }
}

fn run(seed: u64, steps: usize) {
    let mut random = Random::new(seed);
    let mut bench = Bench::new(seed);
    for _ in 0..steps {
        let line = u8::try_from(random.below(LINES.into())).unwrap();
        match random.below(20) {
            0..=6 => {
                let command = random.pick(COMMANDS);
                bench.trace.push(format!("{} line {line}: {command}", bench.now));
                bench.type_in(line, format!("{command}\r").as_bytes());
            }
            7 => {
                let bytes: &[u8] = random.pick(&[
                    &b"hello"[..],
                    b"\x1a",
                    b"\x1b",
                    b"+++",
                    b"++",
                    b"AT",
                    &[b'x'; 1500],
                    b"\r",
                ]);
                bench.trace.push(format!(
                    "{} line {line}: {}",
                    bench.now,
                    bytes[..bytes.len().min(9)].escape_ascii()
                ));
                bench.type_in(line, bytes);
            }
            8..=10 => {
                let millis = random.pick(&[0, 1, 50, 200, 1200, 1200, 10_000, 100_000]);
                bench.pass(millis);
            }
            11 | 12 => bench.link(&mut random),
            13 => bench.answer(&mut random),
            14 | 15 => {
                let good = random.percent(85);
                bench.store(good);
            }
            16 => {
                let change = world(&mut random);
                bench.trace.push(format!("{} world {change:?}", bench.now));
                if matches!(change, WorldChange::PowerKey(_)) {
                    bench.off = false;
                }
                bench.input(Input::World(change));
            }
            17 => {
                let on = random.percent(50);
                bench.input(Input::Dtr { line: LineId(line), on });
            }
            _ => {
                let at = usize::from(line);
                bench.stalled[at] = random.percent(20);
                if !bench.stalled[at] {
                    let bytes = std::mem::take(&mut bench.untaken[at]);
                    bench.input(Input::Written { line: LineId(line), bytes });
                }
            }
        }
    }
    let size = format!("{:?}", bench.modem).len();
    assert!(size < LARGEST, "seed {seed}: {size} bytes after {steps} steps");
    good_again(&mut bench);
    for line in 0..LINES {
        let at = usize::from(line);
        bench.stalled[at] = false;
        let bytes = std::mem::take(&mut bench.untaken[at]);
        bench.input(Input::Written { line: LineId(line), bytes });
    }
    bench.settle();
    if bench.off {
        bench.off = false;
        bench.input(Input::World(WorldChange::PowerKey(2000)));
        bench.settle();
    }
    for line in 0..LINES {
        let answers = bench.answers(line);
        let last = bench.trace.len().saturating_sub(60);
        assert!(answers, "seed {seed}: line {line} is stuck; before:\n{}", bench.trace[last..].join("\n"));
    }
}

#[test]
fn every_command_ends() {
    let cases = std::env::var("CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let first: u64 = std::env::var("FIRST").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    for seed in first..first + cases {
        run(seed, 400);
    }
}
