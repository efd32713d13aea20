//! The module's clock: CCLK, CTZU, CTZR, CLTS, the network's time (NITZ), and a server's (CNTP).
//!
//! Reference: TS 27.007 8.15, 8.40, 8.41; the module's manual, chapter "Clock". The clock dates certificates in TLS.

mod ntp;
mod stamp;

use alloc::format;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Family, FamilyTimer, Never};
use crate::io::{QueryFailure, QueryId, QueryReply, Time};
use crate::module::{Module, setting};
use crate::setup::Setup;
use stamp::{LENGTH, Stamp};

/// The family's state.
#[derive(Debug)]
pub(crate) struct Clock {
    /// What the clock showed at `since`, milliseconds since 1970-01-01 UTC.
    millis: i64,
    since: Time,
    /// Quarters of an hour east of Greenwich.
    zone: i8,
    /// By the network or by AT+CCLK.
    set: bool,
    /// AT+CTZU: the network sets the clock.
    follows_network: bool,
    /// AT+CLTS: the network's time is printed.
    reports: bool,
    ntp: ntp::Ntp,
}

/// The family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockTimer {
    /// The network tells its time.
    NetworkTime,
}

impl Family for Clock {
    type Op = Never;
    type Timer = ClockTimer;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["AT+CCLK=\"<yy/MM/dd,hh:mm:ss>[<-47…+48>]\"", "AT+CCLK?", "AT+CCLK=?"],
            reference: "TS 27.007 8.15; manual AT+CCLK",
            evidence: Evidence::Documented,
            remarks: "Local time, and its distance from UTC in quarters of an hour; years are 2000 to 2099. Without the \
                      distance the zone stays as it is; an impossible date is ERROR; quotes may be left out. A clock \
                      that nobody has set starts at 2000-01-01 with each power-on (all assumed).",
            read: Some(read),
            set: Some(set),
            examples: &[
                example(
                    "AT+CCLK=\"18/08/07,13:28:31+32\";+CCLK?",
                    "\r\n+CCLK: \"18/08/07,13:28:31+32\"\r\n\r\nOK\r\n",
                ),
                example("AT+CCLK=\"19/02/29,00:00:00+32\"", "\r\nERROR\r\n"),
                example("AT+CCLK=?", "\r\nOK\r\n"),
            ],
            ..Command::new("+CCLK", "The clock")
        },
        Command {
            syntax: &["AT+CTZU=<0,1>", "AT+CTZU?", "AT+CTZU=?"],
            reference: "TS 27.007 8.40; manual AT+CTZU",
            evidence: Evidence::Documented,
            remarks: "Default 1. 0 keeps network time out of the clock; it is still printed. Kept by AT&W (assumed).",
            read: Some(read_update),
            set: Some(set_update),
            examples: &[
                example("AT+CTZU?", "\r\n+CTZU: 1\r\n\r\nOK\r\n"),
                example_after(&["AT+CTZU=0"], "AT+CTZU?", "\r\n+CTZU: 0\r\n\r\nOK\r\n"),
                example("AT+CTZU=2", "\r\nERROR\r\n"),
            ],
            ..Command::new("+CTZU", "Whether network time sets the clock")
        },
        Command {
            syntax: &["AT+CTZR?", "AT+CTZR=?"],
            reference: "TS 27.007 8.41; manual AT+CTZR",
            evidence: Evidence::Documented,
            remarks: "+NITZ at each registration. The manual knows no set form, it is ERROR; AT+CLTS=0 switches it off \
                      (assumed).",
            read: Some(read_report),
            examples: &[
                example("AT+CTZR?", "\r\n+CTZR: 1\r\n\r\nOK\r\n"),
                example("AT+CTZR=0", "\r\nERROR\r\n"),
            ],
            ..Command::new("+CTZR", "Whether network time is printed")
        },
        Command {
            syntax: &["AT+CLTS=<0,1>", "AT+CLTS?", "AT+CLTS=?"],
            reference: "SIM800 manual AT+CLTS",
            evidence: Evidence::Assumed,
            remarks: "For drivers of the SIM800 family, which insist on it. Here it switches +NITZ, which is on at first. Kept \
                      by AT&W.",
            read: Some(read_stamps),
            set: Some(set_stamps),
            test: Test::Text("+CLTS: (0,1)"),
            examples: &[
                example("AT+CLTS?", "\r\n+CLTS: 1\r\n\r\nOK\r\n"),
                example("AT+CLTS=1", "\r\nOK\r\n"),
                example_after(&["AT+CLTS=0"], "AT+CTZR?", "\r\n+CTZR: 0\r\n\r\nOK\r\n"),
                example("AT+CLTS=2", "\r\nERROR\r\n"),
                example("AT+CLTS=?", "\r\n+CLTS: (0,1)\r\n\r\nOK\r\n"),
            ],
            ..Command::new("+CLTS", "Network time is printed, in SIM800 terms")
        },
        ntp::CNTPCID,
        ntp::CNTP,
    ];

    fn new(setup: &Setup) -> Self {
        Self {
            millis: setup.profile.clock_at_boot.saturating_mul(1000),
            since: Time(0),
            zone: setup.profile.time_zone_quarters,
            set: false,
            follows_network: true,
            reports: true,
            ntp: ntp::Ntp::new(setup.profile),
        }
    }

    fn power_on(module: &mut Module) {
        module.families.clock.since = module.now;
    }

    fn resume(_x: &mut Exchange<'_>, op: Never, _event: Resume) -> Answer {
        match op {}
    }

    fn timer(module: &mut Module, _timer: ClockTimer) {
        if module.world.network_time {
            network_time(module);
        }
    }

    fn answered(module: &mut Module, query: QueryId, result: Result<QueryReply, QueryFailure>) {
        ntp::answered(module, query, result);
    }

    fn save(module: &Module, _line: crate::io::LineId, settings: &mut alloc::string::String) {
        setting(settings, "clock.follows_network", u8::from(module.families.clock.follows_network));
        setting(settings, "clock.reports", u8::from(module.families.clock.reports));
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        let clock = &mut module.families.clock;
        match key {
            "clock.follows_network" => clock.follows_network = value != "0",
            "clock.reports" => clock.reports = value != "0",
            _ => {}
        }
    }

    fn factory(module: &mut Module) {
        let clock = &mut module.families.clock;
        (clock.follows_network, clock.reports) = (true, true);
    }
}

/// The module's clock, seconds since 1970-01-01 UTC. Runs from its reset value when it was never set.
pub(crate) fn unix_now(module: &Module) -> i64 {
    let clock = &module.families.clock;
    let passed = i64::try_from(module.now.0.saturating_sub(clock.since.0)).unwrap_or(i64::MAX);
    clock.millis.saturating_add(passed).div_euclid(1000)
}

/// Whether the clock was ever set, by the network or by AT+CCLK.
pub(crate) fn is_set(module: &Module) -> bool {
    module.families.clock.set
}

/// A bearer of an application (AT+SAPBR) is closed.
pub(crate) fn application_bearer_closed(module: &mut Module, bearer: u8) {
    ntp::bearer_closed(module, bearer);
}

/// The module has registered: the network will tell its time.
pub(crate) fn registered(module: &mut Module) {
    let delay = module.setup.profile.timing.network_time;
    module.arm(FamilyTimer::clock(ClockTimer::NetworkTime), delay);
}

/// The module is not registered any more.
pub(crate) fn deregistered(module: &mut Module) {
    module.cancel(FamilyTimer::clock(ClockTimer::NetworkTime));
}

fn network_time(module: &mut Module) {
    let passed = i64::try_from(module.now.0).unwrap_or(i64::MAX);
    let millis = module.setup.unix_millis.saturating_add(passed);
    let profile = module.setup.profile;
    let zone = profile.time_zone_quarters;
    if module.families.clock.follows_network {
        adjust(module, millis, zone);
    }
    let shown =
        Stamp { seconds: millis.div_euclid(1000), zone: if profile.nitz_is_local { zone } else { 0 } };
    // China has no summer time: the field behind the zone is 0.
    if module.families.clock.reports {
        module.urc_all(format_args!("+NITZ: {shown}{zone:+03},0"));
    }
}

fn adjust(module: &mut Module, millis: i64, zone: i8) {
    let now = module.now;
    let clock = &mut module.families.clock;
    (clock.millis, clock.since, clock.zone, clock.set) = (millis, now, zone, true);
}

fn read(x: &mut Exchange<'_>) -> Answer {
    let zone = x.module.families.clock.zone;
    let stamp = Stamp { seconds: unix_now(x.module), zone };
    x.info(format_args!("+CCLK: \"{stamp}{zone:+03}\""));
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>) -> Answer {
    let date = x.args.text(LENGTH)?;
    // Without quotes the comma between date and time has cut the parameter in two.
    let text = match x.args.opt_text(LENGTH)? {
        Some(time) => format!("{date},{time}"),
        None => date.into(),
    };
    x.args.finish()?;
    let (seconds, zone) = stamp::parse(&text, x.module.families.clock.zone)
        .map_err(|error| Fault::error(format!("{error}")))?;
    adjust(x.module, seconds.saturating_mul(1000), zone);
    Ok(Outcome::Ok)
}

fn read_update(x: &mut Exchange<'_>) -> Answer {
    let on = u8::from(x.module.families.clock.follows_network);
    x.info(format_args!("+CTZU: {on}"));
    Ok(Outcome::Ok)
}

fn set_update(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    x.args.finish()?;
    x.module.families.clock.follows_network = on;
    Ok(Outcome::Ok)
}

fn read_report(x: &mut Exchange<'_>) -> Answer {
    let on = u8::from(x.module.families.clock.reports);
    x.info(format_args!("+CTZR: {on}"));
    Ok(Outcome::Ok)
}

fn read_stamps(x: &mut Exchange<'_>) -> Answer {
    let on = u8::from(x.module.families.clock.reports);
    x.info(format_args!("+CLTS: {on}"));
    Ok(Outcome::Ok)
}

fn set_stamps(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    x.args.finish()?;
    x.module.families.clock.reports = on;
    Ok(Outcome::Ok)
}
