//! The serial port: IPR, ICF, IFC, and sleep: CSCLK, WAKETIM.
//!
//! Reference: the module's manual, chapter "Serial port"; V.250 6.2.10 to 6.2.12.

mod sleep;

pub(crate) use sleep::{Asleep, hears};

use alloc::string::String;
use at::CmeError;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::io::{Flow, Framing, LineId, Parity};
use crate::line::Serial as Settings;
use crate::module::{Module, setting};
use crate::setup::Setup;

/// Bit rates of AT+IPR; 0 is automatic.
const RATES: [u32; 13] =
    [0, 600, 1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600];

/// The family's state. What each line has for itself is in the line.
#[derive(Debug)]
pub(crate) struct Serial {
    /// AT+CSCLK.
    sleep: u8,
    /// AT+WAKETIM, in seconds.
    wake_time: u8,
    state: sleep::State,
}

impl Family for Serial {
    type Op = Never;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["AT+IPR=<rate>", "AT+IPR?", "AT+IPR=?"],
            reference: "V.250 6.2.10; manual AT+IPR",
            evidence: Evidence::Documented,
            remarks: "Default 0: found out from the first AT or at (not At or aT), and the line is silent until then. The \
                      answer still has the old rate. AT&W stores it, for all lines. A PTY or TCP line carries bytes at any \
                      rate and talks at once. AT+IPR=0 keeps the rate that is there until the next power-on (assumed).",
            read: Some(read_rate),
            set: Some(set_rate),
            test: Test::Text(
                "+IPR:(600,1200,2400,4800,9600,19200,38400,57600,115200,230400),\
                 (0,600,1200,2400,4800,9600,19200,38400,57600,115200,230400,460800,921600)",
            ),
            examples: &[
                example("AT+IPR=115200", "\r\nOK\r\n"),
                example_after(&["AT+IPR=115200"], "AT+IPR?", "\r\n+IPR: 115200\r\n\r\nOK\r\n"),
                example("AT+IPR=115200;&W", "\r\nOK\r\n"),
                example("AT+IPR=14400", "\r\nERROR\r\n"),
            ],
            ..Command::new("+IPR", "Bit rate")
        },
        Command {
            syntax: &["AT+ICF=<format 1-6>[,<parity 0-1>]", "AT+ICF?", "AT+ICF=?"],
            reference: "V.250 6.2.11; manual AT+ICF",
            evidence: Evidence::Documented,
            remarks: "Formats: 1 8N2, 2 8 bits with parity, 3 8N1 (default), 4 7N2, 5 7 bits with parity, 6 7N1. Parity: 0 odd \
                      (default), 1 even. The hardware has no 7 bits: +CME ERROR: 4 (assumed). The manual has no query; it \
                      answers as in V.250. It changes behind its OK, like the rate.",
            read: Some(read_framing),
            set: Some(set_framing),
            test: Test::Text("+ICF: (1-6),(0-1)"),
            examples: &[
                example("AT+ICF?", "\r\n+ICF: 3,0\r\n\r\nOK\r\n"),
                example("AT+ICF=3", "\r\nOK\r\n"),
                example_after(&["AT+ICF=2,1"], "AT+ICF?", "\r\n+ICF: 2,1\r\n\r\nOK\r\n"),
                example("AT+ICF=6", "\r\n+CME ERROR: 4\r\n"),
                example("AT+ICF=?", "\r\n+ICF: (1-6),(0-1)\r\n\r\nOK\r\n"),
            ],
            ..Command::new("+ICF", "Character frame")
        },
        Command {
            syntax: &["AT+IFC=<by_dte 0-2>[,<by_dce 0-2>]", "AT+IFC?", "AT+IFC=?"],
            reference: "V.250 6.2.12; manual AT+IFC",
            evidence: Evidence::Documented,
            remarks: "0 none (default), 1 XON/XOFF, 2 RTS/CTS. An omitted second parameter leaves its side as it is (assumed). \
                      It changes behind its OK.",
            read: Some(read_flow),
            set: Some(set_flow),
            test: Test::Text("+IFC: (0-2),(0-2)"),
            examples: &[
                example("AT+IFC?", "\r\n+IFC: 0,0\r\n\r\nOK\r\n"),
                example_after(&["AT+IFC=2,2"], "AT+IFC?", "\r\n+IFC: 2,2\r\n\r\nOK\r\n"),
                example("AT+IFC=2,2;&W", "\r\nOK\r\n"),
                example("AT+IFC=3,0", "\r\nERROR\r\n"),
            ],
            ..Command::new("+IFC", "Flow control")
        },
        Command {
            syntax: &["AT+CSCLK=<0-2>", "AT+CSCLK?", "AT+CSCLK=?"],
            reference: "manual AT+CSCLK",
            evidence: Evidence::Documented,
            remarks: "0 awake (default), 1 asleep while DTR is off, 2 asleep after 5 s in which no line has said or heard \
                      anything. What comes first to a sleeping module is lost, and the log says so; send AT until it answers. \
                      3 is a sibling's (ERROR here). Only the lines sleep: links and timers go on (assumed).",
            read: Some(sleep::read),
            set: Some(sleep::set),
            test: Test::Handler(sleep::test),
            examples: &[
                example("AT+CSCLK?", "\r\n+CSCLK: 0\r\n\r\nOK\r\n"),
                example_after(&["AT+CSCLK=2"], "AT+CSCLK?", "\r\n+CSCLK: 2\r\n\r\nOK\r\n"),
                example("AT+CSCLK=?", "\r\n+CSCLK: (0-2)\r\n\r\nOK\r\n"),
                example("AT+CSCLK=3", "\r\nERROR\r\n"),
            ],
            ..Command::new("+CSCLK", "Sleep")
        },
        Command {
            syntax: &["AT+WAKETIM=<seconds 0-65>", "AT+WAKETIM?", "AT+WAKETIM=?"],
            reference: "manual AT+WAKETIM",
            evidence: Evidence::Documented,
            remarks: "Default 1. How long the module stays awake after the last byte once something has woken it from \
                      AT+CSCLK=2; before its first sleep it is 5 s, and 0 counts as 1 (assumed: the manual does not say how the two go together).",
            read: Some(sleep::read_wake_time),
            set: Some(sleep::set_wake_time),
            test: Test::Text("+WAKETIM: (0-65)"),
            examples: &[
                example("AT+WAKETIM?", "\r\n+WAKETIM:1\r\n\r\nOK\r\n"),
                example_after(&["AT+WAKETIM=10"], "AT+WAKETIM?", "\r\n+WAKETIM:10\r\n\r\nOK\r\n"),
                example("AT+WAKETIM=66", "\r\nERROR\r\n"),
            ],
            ..Command::new("+WAKETIM", "Time to stay awake")
        },
    ];

    fn new(_setup: &Setup) -> Self {
        Self { sleep: 0, wake_time: 1, state: sleep::State::default() }
    }

    fn resume(_x: &mut Exchange<'_>, op: Never, _event: Resume) -> Answer {
        match op {}
    }

    fn save(module: &Module, line: LineId, settings: &mut String) {
        let serial = &module.families.serial;
        setting(settings, "serial.sleep", serial.sleep);
        setting(settings, "serial.wake_time", serial.wake_time);
        if let Some(line) = module.line(line) {
            let port = &line.port.serial;
            setting(settings, "serial.rate", port.rate);
            setting(settings, "serial.format", port.format);
            setting(settings, "serial.parity", u8::from(port.even));
            setting(settings, "serial.by_dte", flow_number(port.by_dte));
            setting(settings, "serial.by_dce", flow_number(port.by_dce));
        }
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        let Ok(number) = value.parse::<u32>() else { return };
        let small = u8::try_from(number).unwrap_or(u8::MAX);
        let deepest = module.setup.profile.deepest_sleep;
        let serial = &mut module.families.serial;
        match key {
            "serial.sleep" if small <= deepest => {
                serial.sleep = small;
                serial.state = sleep::State::since(module.now);
            }
            "serial.wake_time" if small <= sleep::LONGEST_WAKE => serial.wake_time = small,
            _ => {
                for id in module.line_ids() {
                    let port = &mut module.line_mut(id).port.serial;
                    match key {
                        "serial.rate" if RATES.contains(&number) => port.rate = number,
                        "serial.format" if framing(small, false).is_some() => port.format = small,
                        "serial.parity" => port.even = number != 0,
                        "serial.by_dte" => port.by_dte = flow(small),
                        "serial.by_dce" => port.by_dce = flow(small),
                        _ => {}
                    }
                }
            }
        }
    }

    fn factory(module: &mut Module) {
        module.families.serial.sleep = 0;
        module.families.serial.wake_time = 1;
        for id in module.line_ids() {
            module.line_mut(id).port.serial = Settings::FACTORY;
        }
    }
}

fn read_rate(x: &mut Exchange<'_>) -> Answer {
    let rate = x.line_state().port.serial.rate;
    x.info(format_args!("+IPR: {rate}"));
    Ok(Outcome::Ok)
}

fn set_rate(x: &mut Exchange<'_>) -> Answer {
    let rate = x.args.number(0..=921_600)?;
    x.args.finish()?;
    if !RATES.contains(&rate) {
        return Err(Fault::error(alloc::format!("the module has no {rate} bit/s")));
    }
    x.line_state().port.set_rate(rate);
    Ok(Outcome::Ok)
}

/// The frame that AT+ICF calls `format`; `None` if the hardware does not have it.
pub(crate) fn framing(format: u8, even: bool) -> Option<Framing> {
    let frame = |parity, stop_bits| Some(Framing { data_bits: 8, parity, stop_bits });
    match format {
        1 => frame(Parity::None, 2),
        2 => frame(if even { Parity::Even } else { Parity::Odd }, 1),
        3 => frame(Parity::None, 1),
        _ => None,
    }
}

fn read_framing(x: &mut Exchange<'_>) -> Answer {
    let Settings { format, even, .. } = x.line_state().port.serial;
    x.info(format_args!("+ICF: {format},{}", u8::from(even)));
    Ok(Outcome::Ok)
}

fn set_framing(x: &mut Exchange<'_>) -> Answer {
    let format = x.args.small(1..=6)?;
    let parity = x.args.opt_number(0..=1)?;
    x.args.finish()?;
    if framing(format, false).is_none() {
        return Err(Fault::cme(CmeError::NOT_SUPPORTED, "the module's UART has 8 data bits only"));
    }
    let serial = &mut x.line_state().port.serial;
    serial.format = format;
    if let Some(parity) = parity {
        serial.even = parity == 1;
    }
    Ok(Outcome::Ok)
}

fn flow(number: u8) -> Flow {
    match number {
        1 => Flow::Software,
        2 => Flow::Hardware,
        _ => Flow::None,
    }
}

fn flow_number(flow: Flow) -> u8 {
    match flow {
        Flow::None => 0,
        Flow::Software => 1,
        Flow::Hardware => 2,
    }
}

fn read_flow(x: &mut Exchange<'_>) -> Answer {
    let Settings { by_dte, by_dce, .. } = x.line_state().port.serial;
    x.info(format_args!("+IFC: {},{}", flow_number(by_dte), flow_number(by_dce)));
    Ok(Outcome::Ok)
}

fn set_flow(x: &mut Exchange<'_>) -> Answer {
    let by_dte = x.args.small(0..=2)?;
    let by_dce = x.args.opt_number(0..=2)?;
    x.args.finish()?;
    let serial = &mut x.line_state().port.serial;
    serial.by_dte = flow(by_dte);
    if let Some(by_dce) = by_dce {
        serial.by_dce = flow(u8::try_from(by_dce).unwrap_or(0));
    }
    Ok(Outcome::Ok)
}
