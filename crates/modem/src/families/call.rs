//! Call commands: ATD, ATA, ATH, ATO, CPAS, and what a falling DTR does to a call.
//!
//! Reference: ITU-T V.250 6.3; the module's manual, ATO, ATH, AT&C, AT&D and `+++`.
//!
//! The only calls that this module has are transparent connections (AT+CIPMODE=1): nobody answers a dialled number, and there is
//! no PPP server behind `*99#`.

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Family, Never, socket};
use crate::io::LineId;
use crate::module::Module;
use crate::setup::Setup;

/// The family keeps nothing: a line's circuits belong to the line.
#[derive(Debug)]
pub(crate) struct Call;

impl Family for Call {
    type Op = Never;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["ATD*99#", "ATD*99***<cid>#", "ATD[T|P]<number>[;]"],
            reference: "V.250 6.3.1; TS 27.007 10.2.1.1",
            evidence: Evidence::Assumed,
            remarks: "Always NO CARRIER: there is no PPP server behind *99#, and nobody to call. The rest of the line is the \
                      dial string.",
            execute: Some(dial),
            test: Test::None,
            examples: &[
                example("ATD*99#", "\r\nNO CARRIER\r\n"),
                example("ATD*99***1#", "\r\nNO CARRIER\r\n"),
                example("ATDT10086;", "\r\nNO CARRIER\r\n"),
                example_after(&["ATV0"], "ATD*99#", "3\r"),
            ],
            ..Command::new("D", "Dial")
        },
        Command {
            syntax: &["ATA"],
            reference: "V.250 6.3.5",
            evidence: Evidence::Assumed,
            remarks: "Always ERROR: nobody calls. Not NO CARRIER, which few hosts look for when an AT of theirs got lost in \
                      ATAT (assumed).",
            execute: Some(answer),
            test: Test::None,
            examples: &[example("ATA", "\r\nERROR\r\n")],
            ..Command::new("A", "Answer a call")
        },
        Command {
            syntax: &["ATH", "ATH0"],
            reference: "V.250 6.3.6; manual ATH, +++",
            evidence: Evidence::Documented,
            remarks: "Ends this line's transparent connection, with OK and no CLOSED (assumed). Without one: OK.",
            execute: Some(hang_up),
            test: Test::None,
            examples: &[example("ATH", "\r\nOK\r\n"), example("ATH1", "\r\nERROR\r\n")],
            ..Command::new("H", "Hang up")
        },
        Command {
            syntax: &["ATO", "ATO0"],
            reference: "V.250 6.3.7; manual ATO, +++",
            evidence: Evidence::Documented,
            remarks: "Back to the data of this line's transparent connection, after +++ or a DTR that fell with AT&D1: CONNECT. \
                      Without one, also when it is another line's (assumed): NO CARRIER. What the peer sent meanwhile, up to \
                      the module's window, comes next (assumed). Commands behind it on the line are dropped (assumed).",
            execute: Some(online),
            test: Test::None,
            examples: &[
                example("ATO", "\r\nNO CARRIER\r\n"),
                example("ATO1", "\r\nERROR\r\n"),
                example_after(&["AT+CIPMODE=1"], "ATO", "\r\nNO CARRIER\r\n"),
            ],
            ..Command::new("O", "Back to data mode")
        },
        Command {
            syntax: &["AT+CPAS", "AT+CPAS=?"],
            reference: "TS 27.007 8.1",
            evidence: Evidence::Standard,
            remarks: "Always 0, ready: there are no calls.",
            execute: Some(activity),
            test: Test::Text("+CPAS: (0)"),
            examples: &[
                example("AT+CPAS", "\r\n+CPAS: 0\r\n\r\nOK\r\n"),
                example("AT+CPAS=?", "\r\n+CPAS: (0)\r\n\r\nOK\r\n"),
            ],
            ..Command::new("+CPAS", "What the module is doing")
        },
    ];

    fn new(_setup: &Setup) -> Self {
        Self
    }

    fn resume(_x: &mut Exchange<'_>, op: Never, _event: Resume) -> Answer {
        match op {}
    }
}

/// There is a call on a line, or there is none any more: what DCD follows.
pub(crate) fn set_carrier(module: &mut Module, line: LineId, on: bool) {
    module.line_mut(line).port.carrier = on;
}

/// The host's DTR has fallen.
pub(crate) fn dtr_fell(module: &mut Module, line: LineId) {
    match module.line_mut(line).port.dtr_action {
        1 => socket::to_command_mode(module, line),
        2 => socket::hang_up(module, line, true),
        _ => {}
    }
}

fn no_carrier(why: &'static str) -> Answer {
    Err(Fault { code: at::FinalCode::NoCarrier, why: why.into() })
}

fn activity(x: &mut Exchange<'_>) -> Answer {
    x.info(format_args!("+CPAS: 0"));
    Ok(Outcome::Ok)
}

fn dial(x: &mut Exchange<'_>) -> Answer {
    let number = x.args.opt_bytes().ok().flatten().unwrap_or_default();
    if number.trim_ascii_start().starts_with(b"*99") {
        return no_carrier(
            "the twin has no PPP server, so a host cannot dial into the network; use AT+CIPSTART (AT+CIPMODE=1 for plain data)",
        );
    }
    no_carrier("nobody can be called; the twin has no voice or data calls")
}

fn answer(x: &mut Exchange<'_>) -> Answer {
    x.args.opt_number(0..=0)?;
    Err(Fault::error("there is no call to answer; nobody calls the twin"))
}

fn hang_up(x: &mut Exchange<'_>) -> Answer {
    x.args.opt_number(0..=0)?;
    socket::hang_up(x.module, x.line, false);
    Ok(Outcome::Ok)
}

fn online(x: &mut Exchange<'_>) -> Answer {
    x.args.opt_number(0..=0)?;
    let Some(op) = socket::back_to_data(x.module, x.line) else {
        return no_carrier("this line has no transparent connection to go back to");
    };
    let format = x.line_state().format;
    x.reply.set_format(format);
    x.reply.final_code(at::FinalCode::Connect);
    Ok(Outcome::Stream(op))
}
