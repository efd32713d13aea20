//! What V.250 has about dialling and answering: S0, S6, S7, S8, S10, L, M, X. Host programs set these first, whatever the
//! modem is. The module keeps them; with neither an exchange nor a loudspeaker behind it, they decide nothing.
//!
//! Reference: ITU-T V.250 6.3; the module's manual does not list them.

use alloc::string::String;

use crate::command::{Answer, Command, Evidence, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::io::LineId;
use crate::module::{Module, setting};
use crate::setup::Setup;

/// What is kept: where stored settings keep it, the highest value, and the value at first.
const KEPT: [(&str, u8, u8); 8] = [
    ("registers.s0", 255, 0),
    ("registers.s6", 10, 2),
    ("registers.s7", 255, 50),
    ("registers.s8", 255, 2),
    ("registers.s10", 254, 15),
    ("registers.loudness", 3, 0),
    ("registers.speaker", 2, 0),
    ("registers.results", 4, 4),
];
const S0: usize = 0;
const S6: usize = 1;
const S7: usize = 2;
const S8: usize = 3;
const S10: usize = 4;
const LOUDNESS: usize = 5;
const SPEAKER: usize = 6;
const RESULTS: usize = 7;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Registers {
    values: [u8; KEPT.len()],
}

/// An S-parameter's record but its name: kept, three digits when asked for.
const fn register(name: &'static str, summary: &'static str) -> Command {
    Command {
        evidence: Evidence::Standard,
        remarks: "Kept, three digits when read; it decides nothing here. Whether the module has it is not known.",
        test: Test::None,
        ..Command::new(name, summary)
    }
}

impl Family for Registers {
    type Op = Never;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["ATS0=<0-255>", "ATS0?"],
            reference: "V.250 6.3.8",
            read: Some(|x| read(x, S0)),
            set: Some(|x| set(x, S0)),
            examples: &[example("ATS0?", "\r\n000\r\n\r\nOK\r\n"), example("ATS0=0", "\r\nOK\r\n")],
            ..register("S0", "Rings before answering by itself")
        },
        Command {
            syntax: &["ATS6=<2-10>", "ATS6?"],
            reference: "V.250 6.3.9",
            read: Some(|x| read(x, S6)),
            set: Some(|x| set(x, S6)),
            examples: &[example("ATS6?", "\r\n002\r\n\r\nOK\r\n")],
            ..register("S6", "Seconds before blind dialling")
        },
        Command {
            syntax: &["ATS7=<1-255>", "ATS7?"],
            reference: "V.250 6.3.10",
            read: Some(|x| read(x, S7)),
            set: Some(|x| set(x, S7)),
            examples: &[
                example("ATS7?", "\r\n050\r\n\r\nOK\r\n"),
                example_after(&["ATS7=45 S0=0 L1 V1 X4 &C1 E0 Q0"], "ATS7?", "\r\n045\r\n\r\nOK\r\n"),
            ],
            ..register("S7", "Seconds to wait for a connection")
        },
        Command {
            syntax: &["ATS8=<0-255>", "ATS8?"],
            reference: "V.250 6.3.11",
            read: Some(|x| read(x, S8)),
            set: Some(|x| set(x, S8)),
            examples: &[example("ATS8?", "\r\n002\r\n\r\nOK\r\n")],
            ..register("S8", "Seconds that a comma in a number waits")
        },
        Command {
            syntax: &["ATS10=<1-254>", "ATS10?"],
            reference: "V.250 6.3.12",
            read: Some(|x| read(x, S10)),
            set: Some(|x| set(x, S10)),
            examples: &[example("ATS10?", "\r\n015\r\n\r\nOK\r\n")],
            ..register("S10", "Tenths of a second without a carrier")
        },
        Command {
            syntax: &["ATL0", "ATL1", "ATL2", "ATL3"],
            reference: "V.250 6.3.13",
            execute: Some(|x| choose(x, LOUDNESS)),
            examples: &[example("ATL1", "\r\nOK\r\n"), example("ATL4", "\r\nERROR\r\n")],
            ..register("L", "Loudness of the loudspeaker")
        },
        Command {
            syntax: &["ATM0", "ATM1", "ATM2"],
            reference: "V.250 6.3.14",
            execute: Some(|x| choose(x, SPEAKER)),
            examples: &[example("ATM0", "\r\nOK\r\n"), example("ATL0M0", "\r\nOK\r\n")],
            ..register("M", "When the loudspeaker is on")
        },
        Command {
            syntax: &["ATX0", "ATX1", "ATX2", "ATX3", "ATX4"],
            reference: "V.250 6.2.7",
            remarks: "Kept, default 4. A connection is reported as CONNECT whatever this is: the module has no bit rate to add.",
            execute: Some(|x| choose(x, RESULTS)),
            examples: &[example("ATX4", "\r\nOK\r\n"), example("ATX5", "\r\nERROR\r\n")],
            ..register("X", "Which results a call may have")
        },
    ];

    fn new(_setup: &Setup) -> Self {
        Self { values: KEPT.map(|(_, _, first)| first) }
    }

    fn resume(_x: &mut Exchange<'_>, op: Never, _event: Resume) -> Answer {
        match op {}
    }

    fn save(module: &Module, _line: LineId, settings: &mut String) {
        for ((key, ..), value) in KEPT.iter().zip(module.families.registers.values) {
            setting(settings, key, value);
        }
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        let known = KEPT.iter().position(|(known, ..)| *known == key);
        let Some((index, value)) = known.zip(value.parse().ok()) else { return };
        if value <= KEPT[index].1 {
            module.families.registers.values[index] = value;
        }
    }

    fn factory(module: &mut Module) {
        module.families.registers = Self::new(&module.setup);
    }
}

fn read(x: &mut Exchange<'_>, index: usize) -> Answer {
    let value = x.module.families.registers.values[index];
    x.info(format_args!("{value:03}"));
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>, index: usize) -> Answer {
    let least = match index {
        S6 => 2,
        S7 | S10 => 1,
        _ => 0,
    };
    x.module.families.registers.values[index] = x.args.small(least..=KEPT[index].1)?;
    Ok(Outcome::Ok)
}

/// A basic command's number; omitted means 0.
fn choose(x: &mut Exchange<'_>, index: usize) -> Answer {
    let number = x.args.opt_number(0..=u32::from(KEPT[index].1))?.unwrap_or(0);
    x.module.families.registers.values[index] = u8::try_from(number).unwrap_or(0);
    Ok(Outcome::Ok)
}
