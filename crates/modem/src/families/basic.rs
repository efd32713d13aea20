//! V.250 commands and CMEE: how the line talks.
//!
//! Reference: the module's manual, chapter "V.25TER commands"; ITU-T V.250 where the manual is silent.
//! `A/` and the bare `AT` are the reader's and the dispatcher's business and have no record.

use alloc::string::String;
use at::{ArgError, ArgErrorKind, ResultForm};

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{self, Family, Never, Op};
use crate::io::{LineId, Section, StoreRequest};
use crate::line::Port;
use crate::module::{Module, setting};
use crate::setup::Setup;

/// The family keeps nothing: everything that it sets belongs to a line.
#[derive(Debug)]
pub(crate) struct Basic;

/// What an open command of this family waits for.
#[derive(Debug)]
pub(crate) enum BasicOp {
    /// AT&W: until the settings are safe.
    Store,
}

impl Family for Basic {
    type Op = BasicOp;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["ATE0", "ATE1"],
            reference: "V.250 6.2.4; manual ATE",
            evidence: Evidence::Captured,
            remarks: "Default 1. Also governs the echo of CIPSEND payload.",
            execute: Some(echo),
            test: Test::None,
            examples: &[example("ATE0", "\r\nOK\r\n")],
            ..Command::new("E", "Command echo")
        },
        Command {
            syntax: &["ATV0", "ATV1"],
            reference: "V.250 6.2.6",
            evidence: Evidence::Standard,
            remarks: "Default 1. The manual does not list it.",
            execute: Some(result_form),
            test: Test::None,
            examples: &[example("ATV0", "0\r"), example_after(&["ATV0"], "ATE9", "4\r")],
            ..Command::new("V", "Result codes as words or digits")
        },
        Command {
            syntax: &["ATQ0", "ATQ1"],
            reference: "V.250 6.2.5; manual ATQ",
            evidence: Evidence::Documented,
            remarks: "Default 0. The TCP/IP family's own result texts (SHUT OK …) stay: assumed.",
            execute: Some(quiet),
            test: Test::None,
            examples: &[
                example("ATQ1", ""),
                example_after(&["ATQ1"], "AT+CMEE?", "\r\n+CMEE: 1\r\n"),
                example_after(&["ATQ1"], "ATQ0", "\r\nOK\r\n"),
            ],
            ..Command::new("Q", "Suppress result codes")
        },
        Command {
            syntax: &["ATI"],
            reference: "V.250 6.1.3; manual ATI",
            evidence: Evidence::Documented,
            execute: Some(information),
            test: Test::None,
            examples: &[example("ATI", "\r\nAirM2M_Air724UG_V401881_LTE_AT\r\n\r\nOK\r\n")],
            ..Command::new("I", "Product information")
        },
        Command {
            syntax: &["ATZ", "ATZ0"],
            reference: "V.250 6.1.1",
            evidence: Evidence::Standard,
            remarks: "Loads what AT&W stored, factory values where nothing is stored. Links stay up.",
            execute: Some(reset_to_stored),
            test: Test::None,
            examples: &[example("ATZ", "\r\nOK\r\n")],
            ..Command::new("Z", "Load the stored profile")
        },
        Command {
            syntax: &["AT&F", "AT&F0"],
            reference: "V.250 6.1.2; manual AT&F",
            evidence: Evidence::Documented,
            remarks: "In memory only; AT&W makes it last.",
            execute: Some(factory),
            test: Test::None,
            examples: &[example_after(&["AT+CMEE=2"], "AT&F", "\r\nOK\r\n")],
            ..Command::new("&F", "Factory values")
        },
        Command {
            syntax: &["AT&W", "AT&W0"],
            reference: "manual AT&W",
            evidence: Evidence::Documented,
            remarks: "OK comes when the settings are safe on disk.",
            execute: Some(store),
            test: Test::None,
            examples: &[example("AT&W", "\r\nOK\r\n"), example("AT+CMEE=0;&W", "\r\nOK\r\n")],
            ..Command::new("&W", "Store the profile")
        },
        Command {
            syntax: &["AT&C0", "AT&C1"],
            reference: "V.250 6.2.8; manual AT&C",
            evidence: Evidence::Documented,
            remarks: "Default 1. The carrier is a transparent connection, in data and in command mode.",
            execute: Some(dcd),
            test: Test::None,
            examples: &[example("AT&C1", "\r\nOK\r\n"), example("AT&C2", "\r\nERROR\r\n")],
            ..Command::new("&C", "DCD on, or following the carrier")
        },
        Command {
            syntax: &["AT&D0", "AT&D1", "AT&D2"],
            reference: "V.250 6.2.9; manual AT&D",
            evidence: Evidence::Documented,
            remarks: "Default 2 (assumed). 0 nothing; 1 to command mode, OK, the connection stays (ATO); 2 the transparent \
                      connection ends, CLOSED (assumed).",
            execute: Some(dtr),
            test: Test::None,
            examples: &[example("AT&D2", "\r\nOK\r\n"), example("AT&D3", "\r\nERROR\r\n")],
            ..Command::new("&D", "What a falling DTR does")
        },
        Command {
            syntax: &["ATS3=13", "ATS3?"],
            reference: "V.250 6.2.1; manual ATS3",
            evidence: Evidence::Documented,
            remarks: "Only 13 is accepted.",
            read: Some(|x| fixed_register(x, 13)),
            set: Some(|x| set_fixed_register(x, 13)),
            test: Test::None,
            examples: &[example("ATS3?", "\r\n13\r\n\r\nOK\r\n"), example("ATS3=10", "\r\nERROR\r\n")],
            ..Command::new("S3", "Command line termination character")
        },
        Command {
            syntax: &["ATS4=10", "ATS4?"],
            reference: "V.250 6.2.2; manual ATS4",
            evidence: Evidence::Documented,
            remarks: "Only 10 is accepted.",
            read: Some(|x| fixed_register(x, 10)),
            set: Some(|x| set_fixed_register(x, 10)),
            test: Test::None,
            examples: &[example("ATS4?", "\r\n10\r\n\r\nOK\r\n"), example("ATS4=13", "\r\nERROR\r\n")],
            ..Command::new("S4", "Response formatting character")
        },
        Command {
            syntax: &["ATS5=<0-127>", "ATS5?"],
            reference: "V.250 6.2.3; manual ATS5",
            evidence: Evidence::Documented,
            remarks: "Default 8, each line its own. Answers are plain numbers without leading zeros, as the manual prints them.",
            read: Some(read_backspace),
            set: Some(set_backspace),
            test: Test::None,
            examples: &[example("ATS5?", "\r\n8\r\n\r\nOK\r\n"), example("ATS5=127", "\r\nOK\r\n")],
            ..Command::new("S5", "Command line editing character")
        },
        Command {
            syntax: &["AT+CLAC", "AT+CLAC=?"],
            reference: "TS 27.007 8.37",
            evidence: Evidence::Standard,
            remarks: "The manual does not list it. A firmware variant without SSL does not name CIPSSL and SSLCFG.",
            execute: Some(list),
            examples: &[example("AT+CLAC=?", "\r\nOK\r\n")],
            ..Command::new("+CLAC", "All commands, a line each")
        },
        Command {
            syntax: &["AT+CMEE=<0-2>", "AT+CMEE?", "AT+CMEE=?"],
            reference: "TS 27.007 9.1; manual AT+CMEE",
            evidence: Evidence::Documented,
            remarks: "Default 1: every capture from a fresh module shows numbers.",
            read: Some(read_cmee),
            set: Some(set_cmee),
            test: Test::Text("+CMEE: (0,1,2)"),
            examples: &[
                example("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n"),
                example("AT+CMEE=?", "\r\n+CMEE: (0,1,2)\r\n\r\nOK\r\n"),
                example("AT+CMEE=3", "\r\nERROR\r\n"),
            ],
            ..Command::new("+CMEE", "How errors are reported")
        },
    ];

    fn new(_setup: &Setup) -> Self {
        Self
    }

    fn resume(_x: &mut Exchange<'_>, op: BasicOp, event: Resume) -> Answer {
        match (op, event) {
            (BasicOp::Store, Resume::Store(Ok(_))) => Ok(Outcome::Ok),
            (BasicOp::Store, Resume::Store(Err(error))) => {
                Err(Fault::error(alloc::format!("the settings could not be stored: {error}")))
            }
            (op, _) => Ok(Outcome::Wait(Op::basic(op))),
        }
    }

    fn save(module: &Module, line: LineId, settings: &mut String) {
        if let Some(line) = module.line(line) {
            setting(settings, "basic.dcd", line.port.dcd);
            setting(settings, "basic.dtr", line.port.dtr_action);
            setting(settings, "basic.backspace", line.reader.backspace());
            setting(settings, "basic.echo", u8::from(line.reader.echo()));
            setting(settings, "basic.quiet", u8::from(line.format.quiet));
            setting(settings, "basic.verbose", u8::from(line.format.result_form == ResultForm::Verbose));
            setting(settings, "basic.cmee", line.format.cmee);
        }
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        let Ok(number) = value.parse::<u8>() else { return };
        for id in module.line_ids() {
            let line = module.line_mut(id);
            match key {
                "basic.dcd" if number <= 1 => line.port.dcd = number,
                "basic.dtr" if number <= 2 => line.port.dtr_action = number,
                "basic.backspace" if number <= 127 => line.reader.set_backspace(number),
                "basic.echo" => line.reader.set_echo(number != 0),
                "basic.quiet" => line.format.quiet = number != 0,
                "basic.verbose" => line.format.result_form = form(number),
                "basic.cmee" if number <= 2 => line.format.cmee = number,
                _ => {}
            }
        }
    }

    fn factory(module: &mut Module) {
        let cmee = module.setup.profile.cmee;
        for id in module.line_ids() {
            let line = module.line_mut(id);
            line.reader.set_echo(true);
            line.reader.set_backspace(8);
            (line.port.dcd, line.port.dtr_action) = (Port::DCD, Port::DTR_ACTION);
            line.format = at::Format { result_form: ResultForm::Verbose, quiet: false, cmee };
        }
    }
}

/// A basic command's number; omitted means 0 (V.250 5.3.1).
fn number(x: &mut Exchange<'_>, max: u8) -> Result<u8, ArgError> {
    let number = x.args.opt_number(0..=u32::from(max))?.unwrap_or(0);
    u8::try_from(number).map_err(|_| x.args.error(ArgErrorKind::NotANumber))
}

fn form(number: u8) -> ResultForm {
    if number == 0 { ResultForm::Numeric } else { ResultForm::Verbose }
}

fn echo(x: &mut Exchange<'_>) -> Answer {
    let on = number(x, 1)? == 1;
    x.line_state().reader.set_echo(on);
    Ok(Outcome::Ok)
}

fn result_form(x: &mut Exchange<'_>) -> Answer {
    x.line_state().format.result_form = form(number(x, 1)?);
    Ok(Outcome::Ok)
}

fn quiet(x: &mut Exchange<'_>) -> Answer {
    x.line_state().format.quiet = number(x, 1)? == 1;
    Ok(Outcome::Ok)
}

fn information(x: &mut Exchange<'_>) -> Answer {
    number(x, 0)?;
    let revision = x.profile().revision;
    x.info(format_args!("{revision}"));
    Ok(Outcome::Ok)
}

fn reset_to_stored(x: &mut Exchange<'_>) -> Answer {
    number(x, 0)?;
    families::factory(x.module);
    x.module.load_settings();
    Ok(Outcome::Ok)
}

fn factory(x: &mut Exchange<'_>) -> Answer {
    number(x, 0)?;
    families::factory(x.module);
    Ok(Outcome::Ok)
}

fn store(x: &mut Exchange<'_>) -> Answer {
    number(x, 0)?;
    let bytes = x.module.profile_settings(x.line);
    let request = StoreRequest::Persist { section: Section::Settings, bytes };
    Ok(Outcome::Store(request, Op::basic(BasicOp::Store)))
}

fn dcd(x: &mut Exchange<'_>) -> Answer {
    x.line_state().port.dcd = number(x, 1)?;
    Ok(Outcome::Ok)
}

fn dtr(x: &mut Exchange<'_>) -> Answer {
    x.line_state().port.dtr_action = number(x, 2)?;
    Ok(Outcome::Ok)
}

fn fixed_register(x: &mut Exchange<'_>, value: u32) -> Answer {
    x.info(format_args!("{value}"));
    Ok(Outcome::Ok)
}

fn set_fixed_register(x: &mut Exchange<'_>, value: u32) -> Answer {
    x.args.number(value..=value)?;
    Ok(Outcome::Ok)
}

fn read_backspace(x: &mut Exchange<'_>) -> Answer {
    let character = x.line_state().reader.backspace();
    fixed_register(x, u32::from(character))
}

fn set_backspace(x: &mut Exchange<'_>) -> Answer {
    let character = x.args.small(0..=127)?;
    x.line_state().reader.set_backspace(character);
    Ok(Outcome::Ok)
}

fn list(x: &mut Exchange<'_>) -> Answer {
    let ssl = x.profile().ssl;
    for (_, command) in families::commands().filter(|(family, _)| ssl || *family != "ssl") {
        x.info(format_args!("AT{}", command.name));
    }
    Ok(Outcome::Ok)
}

fn read_cmee(x: &mut Exchange<'_>) -> Answer {
    let level = x.line_state().format.cmee;
    x.info(format_args!("+CMEE: {level}"));
    Ok(Outcome::Ok)
}

fn set_cmee(x: &mut Exchange<'_>) -> Answer {
    let level = x.args.small(0..=2)?;
    x.args.finish()?;
    x.line_state().format.cmee = level;
    Ok(Outcome::Ok)
}
