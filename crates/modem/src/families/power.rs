//! Power-on messages, CPOWD, RESET, RSTSET, CBC, and changes of the surroundings.
//!
//! Reference: the module's manual, chapters "Power" and "Unsolicited result codes".

use alloc::format;
use at::FinalCode;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example};
use crate::exchange::Exchange;
use crate::families::{Family, FamilyTimer, Op, clock, identity, network, sim, sms};
use crate::io::{Section, StoreRequest, WorldChange};
use crate::module::Module;
use crate::setup::Setup;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Power {}

/// What an open command of this family is in the middle of.
#[derive(Debug)]
pub(crate) enum PowerOp {
    /// Everything is said; the line takes nothing more until the module is down.
    GoingDown,
    /// AT+RSTSET: until the settings are gone.
    Forget,
}

/// The family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PowerTimer {
    /// Switch off.
    Off,
    /// Go down and come up again.
    Restart,
    /// The power key has been low for long enough.
    Key,
    /// The reset pin has been low for long enough; it stays low for so many milliseconds more.
    Reset(u64),
}

impl Family for Power {
    type Op = PowerOp;
    type Timer = PowerTimer;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["AT+CPOWD=<0,1>", "AT+CPOWD=?"],
            reference: "manual AT+CPOWD",
            evidence: Evidence::Documented,
            remarks: "1 says NORMAL POWER DOWN instead of OK, 0 says nothing. Only the power key switches on again.",
            set: Some(power_down),
            examples: &[
                example("AT+CPOWD=1", "\r\nNORMAL POWER DOWN\r\n"),
                example("AT+CPOWD=0", ""),
                example("AT+CPOWD=2", "\r\nERROR\r\n"),
            ],
            ..Command::new("+CPOWD", "Switch off")
        },
        Command {
            syntax: &["AT+RESET", "AT+RESET=?"],
            reference: "manual AT+RESET",
            evidence: Evidence::Documented,
            remarks: "OK, then everything from RDY on; on a UART with a fixed bit rate the boot ROM's line comes in front of it, as \
                      on a sibling (assumed).",
            execute: Some(restart),
            examples: &[example(
                "AT+RESET",
                "\r\nOK\r\n\r\nRDY\r\n\r\n^MODE: 17,17\r\n\r\n+E_UTRAN Service\r\n\r\n+CGEV: ME PDN ACT 5\r\n\
                 \r\n+NITZ: 20/09/13,12:26:47+32,0\r\n",
            )],
            ..Command::new("+RESET", "Restart")
        },
        Command {
            syntax: &["AT+RSTSET", "AT+RSTSET=?"],
            reference: "manual AT+RSTSET",
            evidence: Evidence::Documented,
            remarks: "Forgets what AT&W stored, then restarts. Files and the AT+WISN text stay (assumed).",
            execute: Some(forget),
            examples: &[example("AT+RSTSET=?", "\r\nOK\r\n")],
            ..Command::new("+RSTSET", "Factory values and restart")
        },
        Command {
            syntax: &["AT+CBC", "AT+CBC=?"],
            reference: "TS 27.007 8.4; SIM800 manual AT+CBC",
            evidence: Evidence::Assumed,
            remarks: "Full, and the supply voltage in millivolts behind it, as the SIM800 family prints it.",
            execute: Some(battery),
            test: Test::Text("+CBC: (0-3),(0-100)"),
            examples: &[
                example("AT+CBC", "\r\n+CBC: 0,100,3800\r\n\r\nOK\r\n"),
                example("AT+CBC=?", "\r\n+CBC: (0-3),(0-100)\r\n\r\nOK\r\n"),
            ],
            ..Command::new("+CBC", "Battery and supply voltage")
        },
    ];

    fn new(_setup: &Setup) -> Self {
        Self {}
    }

    fn power_on(module: &mut Module) {
        for id in module.line_ids() {
            if module.line_mut(id).port.talks_from_the_start() {
                module.urc_raw(id, module.setup.profile.boot_rom.as_bytes());
            }
        }
        for message in module.setup.profile.boot_messages {
            module.urc_all(format_args!("{message}"));
        }
    }

    fn resume(x: &mut Exchange<'_>, op: PowerOp, event: Resume) -> Answer {
        match (op, event) {
            (PowerOp::Forget, Resume::Store(Ok(_))) => restart(x),
            (PowerOp::Forget, Resume::Store(Err(error))) => {
                Err(Fault::error(format!("the settings could not be erased: {error}")))
            }
            (op, _) => Ok(Outcome::Wait(Op::power(op))),
        }
    }

    fn timer(module: &mut Module, timer: PowerTimer) {
        let reboot = module.setup.profile.timing.reboot;
        match timer {
            PowerTimer::Off => module.halt(None),
            PowerTimer::Restart => module.halt(Some(reboot)),
            PowerTimer::Reset(more) if !module.off() => module.halt(Some(reboot.saturating_add(more))),
            PowerTimer::Key if module.off() => module.switch_on(),
            PowerTimer::Reset(_) | PowerTimer::Key => {}
        }
    }
}

/// Answers OK, then restarts the module. The rest of the command line is lost.
pub(crate) fn restart(x: &mut Exchange<'_>) -> Answer {
    let format = x.line_state().format;
    x.reply.set_format(format);
    x.reply.final_code(FinalCode::Ok);
    Ok(going_down(x, PowerTimer::Restart))
}

/// The surroundings change: tells every family that it concerns.
pub(crate) fn world_changed(module: &mut Module, change: WorldChange) {
    match change {
        WorldChange::Card(card) => sim::card_changed(module, card),
        WorldChange::Coverage(coverage) => network::coverage_changed(module, coverage),
        WorldChange::Account(account) => sim::account_changed(module, account),
        WorldChange::Rssi(rssi) => network::signal_changed(module, rssi),
        WorldChange::NetworkTime(on) => {
            module.world.network_time = on;
            if on && module.running && network::registered(module) {
                clock::registered(module);
            }
        }
        WorldChange::BearerLost => {
            if module.running {
                network::bearer_dropped(module);
            }
        }
        WorldChange::Message { tpdu } => sms::received(module, tpdu),
        WorldChange::PowerKey(millis) => power_key(module, millis),
        WorldChange::Reset(millis) => reset_pin(module, millis),
        change => module.world.apply(&change),
    }
}

/// The key is pressed. A module that is on, or on its way, takes no notice.
fn power_key(module: &mut Module, millis: u64) {
    let needed = module.setup.profile.timing.power_key;
    if !module.off() {
        return;
    }
    if millis < needed {
        let text = format!("{millis} ms low are too short to switch the module on; it takes {needed} ms");
        return module.note(None, "power key", text);
    }
    module.arm(FamilyTimer::power(PowerTimer::Key), needed);
}

/// The pin is pulled low. A module that is off stays off.
fn reset_pin(module: &mut Module, millis: u64) {
    let needed = module.setup.profile.timing.reset_pin;
    if millis < needed {
        let text = format!("{millis} ms low are too short for a reset; it takes {needed} ms");
        return module.note(None, "reset pin", text);
    }
    module.arm(FamilyTimer::power(PowerTimer::Reset(millis - needed)), needed);
}

/// The module goes down once what was said has left it; until then the line takes no further command.
fn going_down(x: &mut Exchange<'_>, timer: PowerTimer) -> Outcome {
    let delay = x.profile().timing.shutdown;
    x.module.arm(FamilyTimer::power(timer), delay);
    Outcome::Wait(Op::power(PowerOp::GoingDown))
}

fn battery(x: &mut Exchange<'_>) -> Answer {
    let millivolts = x.profile().supply_millivolts;
    x.info(format_args!("+CBC: 0,100,{millivolts}"));
    Ok(Outcome::Ok)
}

fn power_down(x: &mut Exchange<'_>) -> Answer {
    let normal = x.args.flag()?;
    x.args.finish()?;
    if normal {
        x.info(format_args!("NORMAL POWER DOWN"));
    }
    Ok(going_down(x, PowerTimer::Off))
}

fn forget(x: &mut Exchange<'_>) -> Answer {
    let bytes = identity::settings_for_life(x.module).into_bytes();
    let request = StoreRequest::Persist { section: Section::Settings, bytes };
    Ok(Outcome::Store(request, Op::power(PowerOp::Forget)))
}
