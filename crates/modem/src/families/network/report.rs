//! +CREG, +CGREG, +CEREG and the events of the packet domain.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::registration::{Access, Service, Status, registered};
use crate::command::{Answer, Command, Evidence, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::module::{Module, setting};

const SALT_AREA: u64 = 0x2_0001;
const SALT_CELL: u64 = 0x2_0002;
const SALT_GSM_CELL: u64 = 0x2_0003;

/// Which registration a command is about. On LTE all three say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// Circuit switched.
    Circuit,
    /// Packet switched.
    Packet,
    /// Evolved packet system.
    Evolved,
}

impl Domain {
    const ALL: [Self; 3] = [Self::Circuit, Self::Packet, Self::Evolved];

    fn prefix(self) -> &'static str {
        match self {
            Self::Circuit => "+CREG",
            Self::Packet => "+CGREG",
            Self::Evolved => "+CEREG",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Circuit => "network.creg",
            Self::Packet => "network.cgreg",
            Self::Evolved => "network.cereg",
        }
    }

    fn level(self, module: &Module) -> u8 {
        module.families.network.reports[self as usize]
    }
}

const REMARKS: &str = "Default 0, kept by AT&W (assumed). 1: an unsolicited line at each change; 2: with area and cell \
                       too. LTE has one registration: CREG, CGREG and CEREG agree. On GSM, where \
                       a card in arrears gets no data, CGREG and CEREG are 3 (assumed).";

pub(super) const CREG: Command = Command {
    syntax: &["AT+CREG=<0-2>", "AT+CREG?", "AT+CREG=?"],
    reference: "TS 27.007 7.2; manual AT+CREG",
    evidence: Evidence::Documented,
    remarks: REMARKS,
    read: Some(|x| read(x, Domain::Circuit)),
    set: Some(|x| set(x, Domain::Circuit)),
    test: Test::Text("+CREG: (0-2)"),
    examples: &[
        example("AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n"),
        example("AT+CREG=?", "\r\n+CREG: (0-2)\r\n\r\nOK\r\n"),
        example_after(&["AT+CREG=1"], "AT+CREG?", "\r\n+CREG: 1,1\r\n\r\nOK\r\n"),
        example("AT+CREG=3", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CREG", "Network registration")
};

pub(super) const CGREG: Command = Command {
    syntax: &["AT+CGREG=<0-2>", "AT+CGREG?", "AT+CGREG=?"],
    reference: "TS 27.007 10.1.20; manual AT+CGREG",
    evidence: Evidence::Documented,
    remarks: REMARKS,
    read: Some(|x| read(x, Domain::Packet)),
    set: Some(|x| set(x, Domain::Packet)),
    test: Test::Text("+CGREG: (0-2)"),
    examples: &[example("AT+CGREG?", "\r\n+CGREG: 0,1\r\n\r\nOK\r\n")],
    ..Command::new("+CGREG", "Packet domain registration")
};

pub(super) const CEREG: Command = Command {
    syntax: &["AT+CEREG=<0-2>", "AT+CEREG?", "AT+CEREG=?"],
    reference: "TS 27.007 10.1.22; manual AT+CEREG",
    evidence: Evidence::Documented,
    remarks: REMARKS,
    read: Some(|x| read(x, Domain::Evolved)),
    set: Some(|x| set(x, Domain::Evolved)),
    test: Test::Text("+CEREG: (0-2)"),
    examples: &[example("AT+CEREG?", "\r\n+CEREG: 0,1\r\n\r\nOK\r\n")],
    ..Command::new("+CEREG", "EPS registration")
};

pub(super) fn save(module: &Module, settings: &mut String) {
    for domain in Domain::ALL {
        setting(settings, domain.key(), domain.level(module));
    }
}

pub(super) fn load(module: &mut Module, key: &str, value: &str) {
    for domain in Domain::ALL.into_iter().filter(|domain| domain.key() == key) {
        let level = value.parse().ok().filter(|level| *level <= 2);
        module.families.network.reports[domain as usize] = level.unwrap_or(0);
    }
}

/// Tells the lines that the registration has changed, as far as they want to know.
pub(super) fn registration(module: &mut Module) {
    for domain in Domain::ALL {
        let level = domain.level(module);
        if level > 0 {
            let prefix = domain.prefix();
            let text = state(module, domain);
            module.urc_all(format_args!("{prefix}: {text}"));
        }
    }
}

/// A `+CGEV` line, unless AT+CGEREP=0.
pub(crate) fn event(module: &mut Module, text: fmt::Arguments<'_>) {
    if module.families.network.events.0 > 0 {
        module.urc_all(format_args!("+CGEV: {text}"));
    }
}

/// `<stat>`, with place and technology where they are asked for and known.
fn state(module: &Module, domain: Domain) -> String {
    let Service { status, access } = module.families.network.service;
    if access == Access::Gsm && domain != Domain::Circuit {
        return format!("{}", Status::Denied as u8);
    }
    let status = status as u8;
    if domain.level(module) < 2 || !registered(module) {
        return format!("{status}");
    }
    // Zero and the last value are reserved (TS 23.003): stay between them.
    let area = 1 + module.setup.arbitrary(SALT_AREA) % 0xFFFD;
    match access {
        Access::Lte => {
            let cell = 1 + module.setup.arbitrary(SALT_CELL) % 0x0FFF_FFFE;
            format!("{status},\"{area:04x}\",\"{cell:08x}\",{}", access as u8)
        }
        Access::Gsm => {
            let cell = 1 + module.setup.arbitrary(SALT_GSM_CELL) % 0xFFFD;
            format!("{status},\"{area:04x}\",\"{cell:04x}\",{}", access as u8)
        }
    }
}

fn read(x: &mut Exchange<'_>, domain: Domain) -> Answer {
    let (prefix, level) = (domain.prefix(), domain.level(x.module));
    let state = state(x.module, domain);
    x.info(format_args!("{prefix}: {level},{state}"));
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>, domain: Domain) -> Answer {
    let level = x.args.small(0..=2)?;
    x.args.finish()?;
    x.module.families.network.reports[domain as usize] = level;
    Ok(Outcome::Ok)
}
