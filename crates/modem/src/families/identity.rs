//! Who the module is: CGMI, CGMM, CGMR, VER, CGSN, CIMI, CNUM, CCID, ICCID, ^HVER, *I, WISN, CSCS.
//!
//! Reference: the module's manual, chapter "Identification"; TS 27.007 chapter 5.

mod bare;
mod numbers;

use alloc::format;
use alloc::string::String;
use at::CmeError;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Family, Never, Op, sim};
use crate::io::{Section, StoreRequest};
use crate::module::{Module, setting};
use crate::setup::Setup;

/// Character sets of AT+CSCS, the default first.
const CHARACTER_SETS: [&str; 3] = ["GSM", "IRA", "UCS2"];
/// The longest AT+WISN text in bytes (documented).
const SERIAL_LIMIT: usize = 64;
/// Where stored settings keep the AT+WISN text.
const SERIAL_KEY: &str = "kept.identity.serial";

/// The family's state.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The text of AT+WISN.
    serial: String,
    /// Index into [`CHARACTER_SETS`].
    character_set: usize,
}

/// What an open command of this family waits for.
#[derive(Debug)]
pub(crate) enum IdentityOp {
    /// AT+WISN: until this text is safe.
    Serial(String),
}

impl Family for Identity {
    type Op = IdentityOp;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["AT+CGMI", "AT+CGMI=?"],
            reference: "TS 27.007 5.1; manual AT+CGMI",
            evidence: Evidence::Captured,
            execute: Some(manufacturer),
            examples: &[example("AT+CGMI", "\r\n+CGMI: \"AirM2M\"\r\n\r\nOK\r\n")],
            ..Command::new("+CGMI", "Manufacturer")
        },
        Command {
            syntax: &["AT+CGMM", "AT+CGMM=?"],
            reference: "TS 27.007 5.2; manual AT+CGMM",
            evidence: Evidence::Documented,
            remarks: "Printed by a sibling as its own name in quotes; the name itself is assumed.",
            execute: Some(model),
            examples: &[example("AT+CGMM", "\r\n+CGMM: \"Air724UG\"\r\n\r\nOK\r\n")],
            ..Command::new("+CGMM", "Model")
        },
        Command {
            syntax: &["AT+CGMR", "AT+CGMR=?"],
            reference: "TS 27.007 5.3; manual AT+CGMR",
            evidence: Evidence::Captured,
            execute: Some(revision),
            examples: &[
                example("AT+CGMR", "\r\n+CGMR: \"AirM2M_Air724UG_V401881_LTE_AT\"\r\n\r\nOK\r\n"),
                example("AT+CGMR=?", "\r\nOK\r\n"),
            ],
            ..Command::new("+CGMR", "Firmware revision")
        },
        Command {
            syntax: &["AT+VER", "AT+VER=?"],
            reference: "manual AT+VER",
            evidence: Evidence::Documented,
            execute: Some(|x| bare::text(x, |profile| profile.revision)),
            examples: &[example("AT+VER", "\r\nAirM2M_Air724UG_V401881_LTE_AT\r\n\r\nOK\r\n")],
            ..Command::new("+VER", "Firmware revision, bare")
        },
        bare::GMI,
        bare::GMM,
        bare::GMR,
        bare::GCAP,
        Command {
            syntax: &["AT+CGSN", "AT+CGSN=<0,1>", "AT+CGSN=?"],
            reference: "TS 27.007 5.4; manual AT+CGSN",
            evidence: Evidence::Documented,
            remarks: "The set form is known from a sibling: 1 asks for the IMEI with prefix and quotes; 0 answers \
                      like the bare command (assumed).",
            execute: Some(imei),
            set: Some(serial_number),
            examples: &[
                example("AT+CGSN", "\r\n001724000000004\r\n\r\nOK\r\n"),
                example("AT+CGSN=1", "\r\n+CGSN: \"001724000000004\"\r\n\r\nOK\r\n"),
                example("AT+CGSN=2", "\r\nERROR\r\n"),
            ],
            ..Command::new("+CGSN", "IMEI")
        },
        Command {
            syntax: &["AT+GSN", "AT+GSN=?"],
            reference: "V.250 6.1.7; manual AT+GSN",
            evidence: Evidence::Documented,
            execute: Some(imei),
            examples: &[example("AT+GSN", "\r\n001724000000004\r\n\r\nOK\r\n")],
            ..Command::new("+GSN", "IMEI")
        },
        Command {
            syntax: &["AT+CIMI", "AT+CIMI=?"],
            reference: "TS 27.007 5.6; manual AT+CIMI",
            evidence: Evidence::Documented,
            needs_card: true,
            execute: Some(imsi),
            examples: &[example("AT+CIMI", "\r\n460040000000000\r\n\r\nOK\r\n")],
            ..Command::new("+CIMI", "IMSI")
        },
        Command {
            syntax: &["AT+CNUM", "AT+CNUM=?"],
            reference: "TS 27.007 7.1",
            evidence: Evidence::Standard,
            remarks: "The number follows from the instance: other modules of the same process send messages to it. It is written as \
                      AT+CSCS says.",
            needs_card: true,
            execute: Some(own_number),
            examples: &[example("AT+CNUM", "\r\n+CNUM: \"\",\"+861440000000000\",145\r\n\r\nOK\r\n")],
            ..Command::new("+CNUM", "The card's own telephone number")
        },
        Command {
            syntax: &["AT+CCID", "AT+CCID=?"],
            reference: "manual AT+CCID",
            evidence: Evidence::Documented,
            remarks: "Readable while the card waits for its PIN.",
            execute: Some(ccid),
            examples: &[example("AT+CCID", "\r\n89860400000000000007\r\n\r\nOK\r\n")],
            ..Command::new("+CCID", "The card's number, bare")
        },
        Command {
            syntax: &["AT+ICCID", "AT+ICCID=?"],
            reference: "manual AT+ICCID",
            evidence: Evidence::Documented,
            remarks: "Readable while the card waits for its PIN.",
            execute: Some(iccid),
            examples: &[example("AT+ICCID", "\r\n+ICCID: 89860400000000000007\r\n\r\nOK\r\n")],
            ..Command::new("+ICCID", "The card's number")
        },
        Command {
            syntax: &["AT^HVER", "AT^HVER=?"],
            reference: "manual AT^HVER",
            evidence: Evidence::Documented,
            remarks: "The chip's name is assumed; a sibling prints its own.",
            execute: Some(chip),
            examples: &[example("AT^HVER", "\r\n^HVER: RDA8910\r\n\r\nOK\r\n")],
            ..Command::new("^HVER", "Chip")
        },
        Command {
            syntax: &["AT*I"],
            reference: "manual AT*I",
            evidence: Evidence::Documented,
            remarks: "Without a card that can be read its two lines stay empty (assumed).",
            execute: Some(everything),
            test: Test::None,
            examples: &[example(
                "AT*I",
                "\r\nManufacturer: AirM2M\r\nModel: Air724UG\r\nRevision: AirM2M_Air724UG_V401881_LTE_AT\r\n\
                 HWver: A12\r\nBuildtime: May  6 2024 10:00:00\r\nIMEI: 001724000000004\r\n\
                 ICCID: 89860400000000000007\r\nIMSI: 460040000000000\r\n\r\nOK\r\n",
            )],
            ..Command::new("*I", "Everything about the module")
        },
        Command {
            syntax: &["AT+WISN=\"<text of at most 64 bytes>\"", "AT+WISN?", "AT+WISN=?"],
            reference: "manual AT+WISN",
            evidence: Evidence::Documented,
            remarks: "Kept over restarts, AT&F and AT+RSTSET (assumed). A longer text: +CME ERROR: 53.",
            read: Some(read_serial),
            set: Some(set_serial),
            examples: &[
                example("AT+WISN=\"LINE-3 0042\"", "\r\nOK\r\n"),
                example_after(&["AT+WISN=\"LINE-3 0042\""], "AT+WISN?", "\r\nLINE-3 0042\r\n\r\nOK\r\n"),
            ],
            ..Command::new("+WISN", "The maker's own serial number")
        },
        Command {
            syntax: &["AT+CSCS=\"GSM\"|\"IRA\"|\"UCS2\"", "AT+CSCS?", "AT+CSCS=?"],
            reference: "TS 27.007 5.5; manual AT+CSCS",
            evidence: Evidence::Documented,
            remarks: "Default GSM; kept by AT&W. It holds for the text and the numbers of short messages in text mode, and for \
                      AT+CNUM. GSM is taken literally: the byte 0x24 is not $ but ¤, and @ is the byte 0.",
            read: Some(read_character_set),
            set: Some(set_character_set),
            test: Test::Text("+CSCS:\"GSM\",\"IRA\",\"UCS2\""),
            examples: &[
                example("AT+CSCS?", "\r\n+CSCS: \"GSM\"\r\n\r\nOK\r\n"),
                example("AT+CSCS=?", "\r\n+CSCS:\"GSM\",\"IRA\",\"UCS2\"\r\n\r\nOK\r\n"),
                example_after(&["AT+CSCS=\"UCS2\""], "AT+CSCS?", "\r\n+CSCS: \"UCS2\"\r\n\r\nOK\r\n"),
                example("AT+CSCS=\"KLINGON\"", "\r\nERROR\r\n"),
            ],
            ..Command::new("+CSCS", "Character set of text parameters")
        },
    ];

    fn new(_setup: &Setup) -> Self {
        Self { serial: String::new(), character_set: 0 }
    }

    fn resume(x: &mut Exchange<'_>, op: IdentityOp, event: Resume) -> Answer {
        let IdentityOp::Serial(serial) = op;
        match event {
            Resume::Store(Ok(_)) => {
                x.module.families.identity.serial = serial;
                Ok(Outcome::Ok)
            }
            Resume::Store(Err(error)) => {
                Err(Fault::cme(CmeError::EXE_FAIL, format!("the text could not be stored: {error}")))
            }
            _ => Ok(Outcome::Wait(Op::identity(IdentityOp::Serial(serial)))),
        }
    }

    fn save(module: &Module, _line: crate::io::LineId, settings: &mut String) {
        setting(settings, "identity.character_set", module.families.identity.character_set);
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        match key {
            SERIAL_KEY => module.families.identity.serial = String::from(value),
            "identity.character_set" => {
                let index = value.parse().ok().filter(|&index| index < CHARACTER_SETS.len());
                module.families.identity.character_set = index.unwrap_or(0);
            }
            _ => {}
        }
    }

    fn factory(module: &mut Module) {
        module.families.identity.character_set = 0;
    }
}

/// AT+CSCS: how texts are written between module and host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CharacterSet {
    /// The GSM 7 bit default alphabet, one septet a byte.
    Gsm,
    /// ASCII.
    Ira,
    /// UCS2 in hexadecimal digits.
    Ucs2,
}

/// The character set that holds now.
pub(crate) fn character_set(module: &Module) -> CharacterSet {
    match module.families.identity.character_set {
        1 => CharacterSet::Ira,
        2 => CharacterSet::Ucs2,
        _ => CharacterSet::Gsm,
    }
}

/// What of the stored settings outlives AT+RSTSET: the maker's serial number.
pub(crate) fn settings_for_life(module: &Module) -> String {
    let mut settings = String::new();
    if !module.families.identity.serial.is_empty() {
        setting(&mut settings, SERIAL_KEY, &module.families.identity.serial);
    }
    settings
}

fn manufacturer(x: &mut Exchange<'_>) -> Answer {
    let name = x.profile().manufacturer;
    x.info(format_args!("+CGMI: \"{name}\""));
    Ok(Outcome::Ok)
}

fn model(x: &mut Exchange<'_>) -> Answer {
    let name = x.profile().model;
    x.info(format_args!("+CGMM: \"{name}\""));
    Ok(Outcome::Ok)
}

fn revision(x: &mut Exchange<'_>) -> Answer {
    let name = x.profile().revision;
    x.info(format_args!("+CGMR: \"{name}\""));
    Ok(Outcome::Ok)
}

fn imei(x: &mut Exchange<'_>) -> Answer {
    let imei = x.module.setup.imei();
    x.info(format_args!("{imei}"));
    Ok(Outcome::Ok)
}

fn serial_number(x: &mut Exchange<'_>) -> Answer {
    let quoted = x.args.flag()?;
    x.args.finish()?;
    if !quoted {
        return imei(x);
    }
    let imei = x.module.setup.imei();
    x.info(format_args!("+CGSN: \"{imei}\""));
    Ok(Outcome::Ok)
}

fn imsi(x: &mut Exchange<'_>) -> Answer {
    let imsi = x.module.setup.imsi();
    x.info(format_args!("{imsi}"));
    Ok(Outcome::Ok)
}

fn own_number(x: &mut Exchange<'_>) -> Answer {
    let number = x.module.setup.msisdn();
    let number = match character_set(x.module) {
        CharacterSet::Ucs2 => pdu::to_hex(&pdu::to_ucs2(&number)),
        CharacterSet::Gsm | CharacterSet::Ira => number,
    };
    x.info(format_args!("+CNUM: \"\",\"{number}\",145"));
    Ok(Outcome::Ok)
}

fn ccid(x: &mut Exchange<'_>) -> Answer {
    sim::readable(x.module)?;
    let iccid = x.module.setup.iccid();
    x.info(format_args!("{iccid}"));
    Ok(Outcome::Ok)
}

fn iccid(x: &mut Exchange<'_>) -> Answer {
    sim::readable(x.module)?;
    let iccid = x.module.setup.iccid();
    x.info(format_args!("+ICCID: {iccid}"));
    Ok(Outcome::Ok)
}

fn chip(x: &mut Exchange<'_>) -> Answer {
    let chip = x.profile().chip;
    x.info(format_args!("^HVER: {chip}"));
    Ok(Outcome::Ok)
}

fn everything(x: &mut Exchange<'_>) -> Answer {
    let profile = x.profile();
    let imei = x.module.setup.imei();
    let iccid = if sim::readable(x.module).is_ok() { x.module.setup.iccid() } else { String::new() };
    let imsi = if sim::ready(x.module) { x.module.setup.imsi() } else { String::new() };
    x.info(format_args!("Manufacturer: {}", profile.manufacturer));
    x.info(format_args!("Model: {}", profile.model));
    x.info(format_args!("Revision: {}", profile.revision));
    x.info(format_args!("HWver: {}", profile.hardware));
    x.info(format_args!("Buildtime: {}", profile.build_time));
    x.info(format_args!("IMEI: {imei}"));
    x.info(format_args!("ICCID: {iccid}"));
    x.info(format_args!("IMSI: {imsi}"));
    Ok(Outcome::Ok)
}

fn read_serial(x: &mut Exchange<'_>) -> Answer {
    let serial = x.module.families.identity.serial.clone();
    if !serial.is_empty() {
        x.info(format_args!("{serial}"));
    }
    Ok(Outcome::Ok)
}

fn set_serial(x: &mut Exchange<'_>) -> Answer {
    let serial = x.args.text(SERIAL_LIMIT).and_then(|text| x.args.finish().map(|()| text));
    let serial = serial.map_err(|error| Fault::cme(CmeError::INVALID_PARAMETERS, format!("{error}")))?;
    // The text is stored at once, but only the text: the other settings stay as AT&W left them.
    let mut line = String::new();
    setting(&mut line, SERIAL_KEY, serial);
    let bytes = x.module.settings_with(|key| key == SERIAL_KEY, &line);
    let request = StoreRequest::Persist { section: Section::Settings, bytes };
    Ok(Outcome::Store(request, Op::identity(IdentityOp::Serial(serial.into()))))
}

fn read_character_set(x: &mut Exchange<'_>) -> Answer {
    let name = CHARACTER_SETS.get(x.module.families.identity.character_set).unwrap_or(&CHARACTER_SETS[0]);
    x.info(format_args!("+CSCS: \"{name}\""));
    Ok(Outcome::Ok)
}

fn set_character_set(x: &mut Exchange<'_>) -> Answer {
    let name = x.args.text(8)?;
    x.args.finish()?;
    let index = CHARACTER_SETS.iter().position(|known| known.eq_ignore_ascii_case(name));
    let index = index.ok_or_else(|| Fault::error("the character set is GSM, IRA or UCS2"))?;
    x.module.families.identity.character_set = index;
    Ok(Outcome::Ok)
}
