//! AT+CSCLK and AT+WAKETIM: a sleeping module does not hear what comes first.

use crate::command::{Answer, Outcome};
use crate::exchange::Exchange;
use crate::io::{LineId, Time};
use crate::module::Module;

/// The most that AT+WAKETIM takes, in seconds.
pub(super) const LONGEST_WAKE: u8 = 65;

/// Where the module stands with AT+CSCLK=2.
#[derive(Debug, Default)]
pub(super) struct State {
    /// When a line last said or heard something.
    active: Time,
    /// It has been asleep since power-on or AT+CSCLK, so AT+WAKETIM counts.
    woken: bool,
    /// It is waking up, until then.
    waking: Option<Time>,
}

impl State {
    /// Awake and active just now.
    pub(super) fn since(now: Time) -> Self {
        Self { active: now, ..Self::default() }
    }
}

/// Why a line does not hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asleep {
    /// AT+CSCLK=1, and DTR is off.
    Dtr,
    /// AT+CSCLK=2: these bytes wake it.
    Waking {
        /// The first of them.
        first: bool,
    },
}

impl super::Serial {
    /// A line says or hears something.
    pub(crate) fn active(&mut self, now: Time) {
        self.state.active = now;
    }
}

/// Whether what comes on an idle line now is lost. It wakes the module, unless that is for DTR to do.
pub(crate) fn hears(module: &mut Module, line: LineId) -> Result<(), Asleep> {
    let now = module.now;
    let timing = &module.setup.profile.timing;
    let serial = &mut module.families.serial;
    match serial.sleep {
        0 => {}
        1 => {
            // Bytes of one moment are heard together or not at all.
            let idle = serial.state.active < now;
            if idle && !module.line_mut(line).port.dtr {
                return Err(Asleep::Dtr);
            }
        }
        _ => {
            let state = &mut serial.state;
            if let Some(until) = state.waking {
                if now < until {
                    return Err(Asleep::Waking { first: false });
                }
                state.waking = None;
            } else {
                // A module that slept again at once could not be talked to: 0 counts as 1.
                let idle = if state.woken { u64::from(serial.wake_time.max(1)) * 1000 } else { timing.sleep };
                if now >= state.active + idle {
                    state.woken = true;
                    state.active = now;
                    state.waking = Some(now + timing.wake);
                    return Err(Asleep::Waking { first: true });
                }
            }
        }
    }
    Ok(())
}

pub(super) fn read(x: &mut Exchange<'_>) -> Answer {
    let level = x.module.families.serial.sleep;
    x.info(format_args!("+CSCLK: {level}"));
    Ok(Outcome::Ok)
}

pub(super) fn test(x: &mut Exchange<'_>) -> Answer {
    let deepest = x.profile().deepest_sleep;
    x.info(format_args!("+CSCLK: (0-{deepest})"));
    Ok(Outcome::Ok)
}

pub(super) fn set(x: &mut Exchange<'_>) -> Answer {
    let level = x.args.small(0..=x.profile().deepest_sleep)?;
    x.args.finish()?;
    let serial = &mut x.module.families.serial;
    serial.sleep = level;
    serial.state = State::since(x.module.now);
    Ok(Outcome::Ok)
}

pub(super) fn read_wake_time(x: &mut Exchange<'_>) -> Answer {
    let seconds = x.module.families.serial.wake_time;
    x.info(format_args!("+WAKETIM:{seconds}"));
    Ok(Outcome::Ok)
}

pub(super) fn set_wake_time(x: &mut Exchange<'_>) -> Answer {
    let seconds = x.args.small(0..=LONGEST_WAKE)?;
    x.args.finish()?;
    x.module.families.serial.wake_time = seconds;
    Ok(Outcome::Ok)
}
