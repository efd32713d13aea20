//! Operators: COPS.

use alloc::format;
use alloc::string::String;
use at::CmeError;

use super::registration::{self, Loss, Status, registered};
use super::{NetworkOp, NetworkTimer};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{FamilyTimer, Op};
use crate::io::Coverage;
use crate::module::Module;
use crate::profile::Profile;

/// The longest operator name that is looked at, in bytes.
const NAME_LIMIT: usize = 64;

/// What AT+COPS= has set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection {
    mode: Mode,
    /// 0 long name, 1 short name, 2 numbers.
    pub(super) format: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Automatic = 0,
    Manual = 1,
    Deregistered = 2,
}

impl Selection {
    pub(super) fn new(profile: &Profile) -> Self {
        Self { mode: Mode::Automatic, format: profile.operator_format }
    }

    /// Whether the host has taken the module off the network (AT+COPS=2).
    pub(super) fn deregistered(self) -> bool {
        self.mode == Mode::Deregistered
    }
}

/// An operator's long name, short name and numbers: in the order of the formats.
type Names = [&'static str; 3];

pub(super) const COPS: Command = Command {
    syntax: &["AT+COPS=<0-4>[,<0-2>[,\"<operator>\"]]", "AT+COPS?", "AT+COPS=?"],
    reference: "TS 27.007 7.3; manual AT+COPS",
    evidence: Evidence::Documented,
    remarks: "Default mode 0, format 2. Modes 0 and 2 answer at once, registration follows; modes 1 and 4 take the \
              network that is there, mode 4 falls back to mode 0, mode 1 with another operator is +CME ERROR: 30 \
              (assumed).",
    longest: 300_000,
    read: Some(read),
    set: Some(set),
    test: Test::Handler(scan),
    examples: &[
        example("AT+COPS?", "\r\n+COPS: 0,2,\"46004\",7\r\n\r\nOK\r\n"),
        example_after(&["AT+COPS=3,0"], "AT+COPS?", "\r\n+COPS: 0,0,\"CHINA MOBILE\",7\r\n\r\nOK\r\n"),
        example(
            "AT+COPS=?",
            "\r\n+COPS: (2,\"CHINA MOBILE\",\"CMCC\",\"46004\",7),,(0-4),(0-2)\r\n\r\nOK\r\n",
        ),
        example("AT+COPS=1,2,\"46004\"", "\r\nOK\r\n"),
        example("AT+COPS=1,2,\"20801\"", "\r\n+CME ERROR: 30\r\n"),
    ],
    ..Command::new("+COPS", "Operator selection")
};

/// The operator whose network is there, if any.
fn present(module: &Module) -> Option<Names> {
    let profile = module.setup.profile;
    match module.world.coverage {
        Coverage::Home | Coverage::Denied => Some([profile.operator.0, profile.operator.1, profile.plmn]),
        Coverage::Roaming => {
            Some([profile.visited_operator.0, profile.visited_operator.1, profile.visited_plmn])
        }
        Coverage::Searching | Coverage::Unusable => None,
    }
}

fn read(x: &mut Exchange<'_>) -> Answer {
    let Selection { mode, format } = x.module.families.network.selection;
    let mode = mode as u8;
    match present(x.module).filter(|_| registered(x.module)) {
        Some(names) => {
            let name = names.get(usize::from(format)).copied().unwrap_or_default();
            let access = x.module.families.network.service.access as u8;
            x.info(format_args!("+COPS: {mode},{format},\"{name}\",{access}"));
        }
        None => x.info(format_args!("+COPS: {mode}")),
    }
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>) -> Answer {
    let mode = x.args.small(0..=4)?;
    let selection = x.module.families.network.selection;
    let format = x.args.opt_number(0..=2)?;
    let format = format.and_then(|format| u8::try_from(format).ok()).unwrap_or(selection.format);
    let wanted = x.args.opt_text(NAME_LIMIT)?.map(String::from);
    x.args.finish()?;
    let mode = match mode {
        0 => Mode::Automatic,
        1 | 4 => {
            let wanted =
                wanted.ok_or_else(|| Fault::error("which operator? it goes into the third parameter"))?;
            let there = present(x.module).filter(|_| x.module.families.network.functionality == 1);
            let name = there.and_then(|names| names.get(usize::from(format)).copied());
            match name.is_some_and(|name| name.eq_ignore_ascii_case(&wanted)) {
                true => Mode::Manual,
                false if mode == 4 => Mode::Automatic,
                false => {
                    let why = "there is no such network here; AT+COPS=? lists what there is";
                    return Err(Fault::cme(CmeError::NO_NETWORK, why));
                }
            }
        }
        2 => Mode::Deregistered,
        // Mode 3 sets the format and nothing else.
        _ => selection.mode,
    };
    x.module.families.network.selection = Selection { mode, format };
    registration::reconsider(x.module, Loss::Host);
    Ok(Outcome::Ok)
}

fn scan(x: &mut Exchange<'_>) -> Answer {
    if x.module.families.network.functionality != 1 {
        return Err(Fault::not_allowed("the radio is off; AT+CFUN=1 first"));
    }
    let delay = x.profile().timing.scan;
    x.module.arm(FamilyTimer::network(NetworkTimer::Scan(x.line)), delay);
    Ok(Outcome::Wait(Op::network(NetworkOp::Scan)))
}

/// The search is over: the list.
pub(super) fn scanned(x: &mut Exchange<'_>) -> Answer {
    let heard = present(x.module).filter(|_| x.module.families.network.functionality == 1);
    let list = heard.map_or_else(String::new, |[long, short, numbers]| {
        let service = x.module.families.network.service;
        let status = match x.module.world.coverage {
            Coverage::Denied => 3,
            _ if service.status == Status::Denied => 3,
            _ if registered(x.module) => 2,
            _ => 1,
        };
        let access = service.access as u8;
        format!("({status},\"{long}\",\"{short}\",\"{numbers}\",{access})")
    });
    x.info(format_args!("+COPS: {list},,(0-4),(0-2)"));
    Ok(Outcome::Ok)
}
