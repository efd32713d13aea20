//! Registration, signal, attach, radio: CREG, CGREG, CEREG, COPS, CSQ, CESQ, CGATT, CFUN, CGEREP, CSCON.
//!
//! Reference: TS 27.007 chapters 7, 8 and 10; the module's manual, chapters "Network" and "Packet domain".

mod operator;
mod registration;
mod report;

pub(crate) use report::event;
pub(crate) use registration::{bearer_dropped, cause, conditions_changed, coverage_changed, registered, signal_changed};

use alloc::vec::Vec;
use at::CmeError;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Family, FamilyTimer, Op, packet, power, sapbr, sim};
use crate::io::{Coverage, LineId, Time};
use crate::module::Module;
use crate::setup::Setup;
use operator::Selection;
use registration::{Access, Loss, Service};

/// The family's state.
#[derive(Debug)]
pub(crate) struct Network {
    /// AT+CFUN: 0, 1 or 4.
    functionality: u8,
    service: Service,
    /// What the network will answer to the registration that is under way.
    pending: Option<Service>,
    /// Packet domain attached.
    attached: bool,
    /// Cleared by AT+CGATT=0.
    attach_wanted: bool,
    /// An attach hangs.
    attach_hangs: bool,
    /// Since when AT+CFUN=4 has kept the radio off.
    flight: Option<Time>,
    /// AT+CREG, +CGREG, +CEREG: what is reported.
    reports: [u8; 3],
    selection: Selection,
    /// AT+CGEREP.
    events: (u8, u8),
}

/// What an open command of this family waits for.
#[derive(Debug)]
pub(crate) enum NetworkOp {
    /// Attached, or its time is over. What the command is really about comes then.
    Attach(AfterAttach),
    /// AT+COPS=?: the search is over.
    Scan,
}

/// What a command goes on with once the packet domain is attached.
#[derive(Debug)]
pub(crate) enum AfterAttach {
    /// AT+CGATT=1: nothing.
    Nothing,
    /// AT+CGACT=1: these contexts come up.
    Contexts(Vec<u8>),
    /// AT+SAPBR=1: this bearer is opened.
    Bearer(u8),
}

/// The family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetworkTimer {
    /// The network answers the registration.
    Register,
    /// The network answers an attach of its own (AT+CGATT=1 while registered).
    Attach,
    /// An attach that a command on this line began has waited long enough.
    AttachLimit(LineId),
    /// An AT+COPS=? on this line is over.
    Scan(LineId),
}

impl Family for Network {
    type Op = NetworkOp;
    type Timer = NetworkTimer;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["AT+CFUN=<0,1,4>[,<0,1>]", "AT+CFUN?", "AT+CFUN=?"],
            reference: "TS 27.007 8.2; manual AT+CFUN",
            evidence: Evidence::Documented,
            remarks: "Default 1. 0 and 4 both switch the radio off; the card stays readable (assumed). CFUN=1,1 answers \
                      OK and restarts; a restart into 0 or 4 is +CME ERROR: 4 (assumed).",
            longest: 45_000,
            read: Some(read_functionality),
            set: Some(set_functionality),
            test: Test::Text("+CFUN: (0,1,4),(0,1)"),
            examples: &[
                example("AT+CFUN?", "\r\n+CFUN: 1\r\n\r\nOK\r\n"),
                example("AT+CFUN=?", "\r\n+CFUN: (0,1,4),(0,1)\r\n\r\nOK\r\n"),
                example("AT+CFUN=2", "\r\nERROR\r\n"),
                example("AT+CFUN=4", "\r\nOK\r\n\r\n+CGEV: ME DETACH\r\n"),
            ],
            ..Command::new("+CFUN", "Radio on or off; restart")
        },
        report::CREG,
        report::CGREG,
        report::CEREG,
        operator::COPS,
        Command {
            syntax: &["AT+CSQ", "AT+CSQ=?"],
            reference: "TS 27.007 8.5; manual AT+CSQ",
            evidence: Evidence::Captured,
            remarks: "99,99 while the radio is off or no network is found. Below 2 the module does not register (assumed).",
            execute: Some(signal),
            test: Test::Text("+CSQ: (0-31,99),(0-7,99)"),
            examples: &[
                example("AT+CSQ", "\r\n+CSQ: 24,99\r\n\r\nOK\r\n"),
                example("AT+CSQ=?", "\r\n+CSQ: (0-31,99),(0-7,99)\r\n\r\nOK\r\n"),
            ],
            ..Command::new("+CSQ", "Signal strength")
        },
        Command {
            syntax: &["AT+CESQ", "AT+CESQ=?"],
            reference: "TS 27.007 8.69; vendor's TCP guide",
            evidence: Evidence::Documented,
            remarks: "RSRP and RSRQ follow from the strength that AT+CSQ shows, as for a 10 MHz carrier (assumed); on GSM, RXLEV does.",
            execute: Some(extended_signal),
            examples: &[example("AT+CESQ", "\r\n+CESQ: 99,99,255,255,34,49\r\n\r\nOK\r\n")],
            ..Command::new("+CESQ", "Signal strength and quality, LTE")
        },
        Command {
            syntax: &["AT+CGATT=<0,1>", "AT+CGATT?", "AT+CGATT=?"],
            reference: "TS 27.007 10.1.9; manual AT+CGATT",
            evidence: Evidence::Documented,
            remarks: "1 waits until the network has answered, at most 108 s, then +CME ERROR: 30; with the radio off \
                      or deregistered +CME ERROR: 3; where a card in arrears gets no data +CME ERROR: 107; without a \
                      card that is ready its error (all assumed). 0 takes the TCP/IP bearer down: +PDP: DEACT. It \
                      reads 0 while the default bearer is down, as firmware does since V1066; 1 brings that back \
                      (assumed).",
            longest: 108_000,
            read: Some(read_attach),
            set: Some(set_attach),
            test: Test::Text("+CGATT: (0-1)"),
            examples: &[
                example("AT+CGATT?", "\r\n+CGATT: 1\r\n\r\nOK\r\n"),
                example("AT+CGATT=1", "\r\nOK\r\n"),
                example("AT+CGATT=0", "\r\nOK\r\n\r\n+CGEV: ME DETACH\r\n"),
                example_after(&["AT+CGATT=0"], "AT+CGATT=1", "\r\nOK\r\n\r\n+CGEV: ME PDN ACT 5\r\n"),
                example("AT+CGATT=2", "\r\nERROR\r\n"),
            ],
            ..Command::new("+CGATT", "Attach to the packet domain")
        },
        Command {
            syntax: &["AT+CGEREP=<0-2>[,<0,1>]", "AT+CGEREP?", "AT+CGEREP=?"],
            reference: "TS 27.007 10.1.19; manual AT+CGEREP",
            evidence: Evidence::Documented,
            remarks: "Default 2,0: the events are on by default. 0 silences +CGEV; nothing is ever buffered longer than \
                      a command is open.",
            read: Some(read_events),
            set: Some(set_events),
            examples: &[
                example("AT+CGEREP?", "\r\n+CGEREP: 2,0\r\n\r\nOK\r\n"),
                example_after(&["AT+CGEREP=0"], "AT+CGATT=0", "\r\nOK\r\n"),
            ],
            ..Command::new("+CGEREP", "Packet domain events (+CGEV)")
        },
        Command {
            syntax: &["AT+CSCON=0", "AT+CSCON=?"],
            reference: "TS 27.007 7.30",
            evidence: Evidence::Documented,
            remarks: "Hosts send only 0: no reports about the signalling connection. Others are refused.",
            set: Some(set_connection_reports),
            examples: &[example("AT+CSCON=0", "\r\nOK\r\n"), example("AT+CSCON=1", "\r\nERROR\r\n")],
            ..Command::new("+CSCON", "Signalling connection reports")
        },
    ];

    fn new(setup: &Setup) -> Self {
        Self {
            functionality: 1,
            service: Service::NONE,
            pending: None,
            attached: false,
            attach_wanted: true,
            attach_hangs: false,
            flight: None,
            reports: [0; 3],
            selection: Selection::new(setup.profile),
            events: (2, 0),
        }
    }

    fn power_on(module: &mut Module) {
        conditions_changed(module);
    }

    fn resume(x: &mut Exchange<'_>, op: NetworkOp, _event: Resume) -> Answer {
        match op {
            NetworkOp::Attach(then) => {
                x.module.cancel(FamilyTimer::network(NetworkTimer::AttachLimit(x.line)));
                if attached(x.module) {
                    return match then {
                        AfterAttach::Nothing => Ok(Outcome::Ok),
                        AfterAttach::Contexts(contexts) => packet::activate(x, &contexts),
                        AfterAttach::Bearer(number) => sapbr::open(x, number),
                    };
                }
                let error = match x.module.families.network.service.access {
                    Access::Gsm => NO_DATA,
                    Access::Lte => CmeError::NO_NETWORK,
                };
                let why = x.module.with_cause("the network did not let the module attach");
                Err(Fault::cme(error, why))
            }
            NetworkOp::Scan => operator::scanned(x),
        }
    }

    fn timer(module: &mut Module, timer: NetworkTimer) {
        match timer {
            NetworkTimer::Register => registration::answered(module),
            NetworkTimer::Attach => registration::attach(module),
            NetworkTimer::AttachLimit(line) | NetworkTimer::Scan(line) => module.resume(line, Resume::Event),
        }
    }

    fn save(module: &Module, _line: LineId, settings: &mut alloc::string::String) {
        report::save(module, settings);
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        report::load(module, key, value);
    }

    fn factory(module: &mut Module) {
        let network = &mut module.families.network;
        network.reports = [0; 3];
        network.events = (2, 0);
        network.selection.format = module.setup.profile.operator_format;
    }
}

/// Whether the packet domain is attached (CGATT: 1): what CIICR waits for.
pub(crate) fn attached(module: &Module) -> bool {
    module.families.network.attached
}

/// TS 27.007 9.2.2: "GPRS services not allowed".
const NO_DATA: CmeError = CmeError(107);

fn read_functionality(x: &mut Exchange<'_>) -> Answer {
    let functionality = x.module.families.network.functionality;
    x.info(format_args!("+CFUN: {functionality}"));
    Ok(Outcome::Ok)
}

fn set_functionality(x: &mut Exchange<'_>) -> Answer {
    let functionality = x.args.small(0..=4)?;
    let restart = x.args.opt_number(0..=1)? == Some(1);
    x.args.finish()?;
    if !matches!(functionality, 0 | 1 | 4) {
        return Err(Fault::error("the functionality is 0, 1 or 4"));
    }
    if restart && functionality != 1 {
        return Err(Fault::cme(CmeError::NOT_SUPPORTED, "the module restarts into full functionality only"));
    }
    if restart {
        return power::restart(x);
    }
    radio_switched(x.module, functionality);
    registration::reconsider(x.module, Loss::Host);
    Ok(Outcome::Ok)
}

/// AT+CFUN has another value. Long enough in flight mode, and an attach that hangs hangs no more.
fn radio_switched(module: &mut Module, functionality: u8) {
    let (now, needed) = (module.now, module.setup.profile.timing.flight);
    let network = &mut module.families.network;
    network.functionality = functionality;
    match (functionality, network.flight) {
        (4, None) => network.flight = Some(now),
        (4, Some(_)) => {}
        (1, Some(since)) if now.0.saturating_sub(since.0) >= needed => {
            network.flight = None;
            network.attach_hangs = false;
        }
        _ => network.flight = None,
    }
}

/// The signal as AT+CSQ counts it; `None` when nothing can be measured.
fn strength(module: &Module) -> Option<u8> {
    let rssi = module.world.rssi;
    let hears = module.families.network.functionality == 1 && there(module);
    (hears && rssi <= 31).then_some(rssi)
}

/// Whether there is a network that the radio can hear at all, however weak.
fn there(module: &Module) -> bool {
    !matches!(module.world.coverage, Coverage::Searching | Coverage::Unusable)
}

fn signal(x: &mut Exchange<'_>) -> Answer {
    let rate = x.profile().bit_error_rate;
    match strength(x.module) {
        Some(strength) => x.info(format_args!("+CSQ: {strength},{rate}")),
        None => x.info(format_args!("+CSQ: 99,99")),
    }
    Ok(Outcome::Ok)
}

fn extended_signal(x: &mut Exchange<'_>) -> Answer {
    match strength(x.module) {
        // On GSM, RXLEV counts decibels from -111 dBm.
        Some(strength) if x.module.families.network.service.access == Access::Gsm => {
            let level = (2 * strength).saturating_sub(2);
            x.info(format_args!("+CESQ: {level},99,255,255,255,255"));
        }
        // RSSI is -113 dBm + 2·n; RSRP is 28 dB (600 subcarriers) below it and counts from -141 dBm, rounded up.
        Some(strength) => {
            let (quality, power) = ((11 + strength).min(34), 1 + 2 * strength);
            x.info(format_args!("+CESQ: 99,99,255,255,{quality},{power}"));
        }
        None => x.info(format_args!("+CESQ: 99,99,255,255,255,255")),
    }
    Ok(Outcome::Ok)
}

fn read_attach(x: &mut Exchange<'_>) -> Answer {
    let attached = u8::from(packet::default_address(x.module).is_some());
    x.info(format_args!("+CGATT: {attached}"));
    Ok(Outcome::Ok)
}

fn set_attach(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    x.args.finish()?;
    let network = &mut x.module.families.network;
    if !on {
        network.attach_wanted = false;
        registration::detach(x.module, Loss::Host);
        return Ok(Outcome::Ok);
    }
    if network.attached {
        packet::restore_default(x.module);
        return Ok(Outcome::Ok);
    }
    let limit = x.profile().timing.attach_limit;
    attach_for(x, AfterAttach::Nothing, limit)
}

/// Attaches the packet domain for a command, which fails when that has taken `limit` milliseconds.
pub(crate) fn attach_for(x: &mut Exchange<'_>, then: AfterAttach, limit: u64) -> Answer {
    sim::required(x.module)?;
    let network = &mut x.module.families.network;
    if network.functionality != 1 || network.selection.deregistered() {
        return Err(Fault::not_allowed(
            "the radio is off or the module is deregistered; AT+CFUN=1 and AT+COPS=0",
        ));
    }
    network.attach_wanted = true;
    if registered(x.module) {
        let normal = x.profile().timing.reattach;
        registration::begin_attach(x.module, normal);
    }
    x.module.arm(FamilyTimer::network(NetworkTimer::AttachLimit(x.line)), limit);
    Ok(Outcome::Wait(Op::network(NetworkOp::Attach(then))))
}

fn read_events(x: &mut Exchange<'_>) -> Answer {
    let (mode, buffer) = x.module.families.network.events;
    x.info(format_args!("+CGEREP: {mode},{buffer}"));
    Ok(Outcome::Ok)
}

fn set_events(x: &mut Exchange<'_>) -> Answer {
    let mode = x.args.small(0..=2)?;
    let buffer = x.args.opt_number(0..=1)?.unwrap_or(0);
    x.args.finish()?;
    x.module.families.network.events = (mode, u8::from(buffer == 1));
    Ok(Outcome::Ok)
}

fn set_connection_reports(x: &mut Exchange<'_>) -> Answer {
    x.args.number(0..=0)?;
    x.args.finish()?;
    Ok(Outcome::Ok)
}

fn resume_attach_waiters(module: &mut Module) {
    while let Some(line) = module.waiting(|op| matches!(op, Op::network(NetworkOp::Attach(_)))) {
        module.resume(line, Resume::Event);
    }
}
