//! What holds for all messages: CSMS, CMGF, CSCA, CSMP, CSDH, CSCB, CSAS, CRES.

use alloc::format;
use alloc::string::String;
use core::fmt;

use at::{Arg, CmsError};
use pdu::{Address, Stamp, Validity, from_hex, to_hex};

use super::charset::{number_from_host, number_to_host};
use super::{
    CENTER_KEY, Parameters, SAVED_BROADCASTS_KEY, SAVED_PARAMETERS_KEY, Sms, SmsOp, card_required, center,
};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Op, identity};
use crate::io::{Section, StoreRequest};
use crate::module::setting;

/// TP-MTI and TP-VPF in the first octet.
const TYPE: u8 = 0x03;
const SUBMIT: u8 = 0x01;
const VALIDITY: u8 = 0x18;
/// The longest lists of AT+CSCB.
const LIST_LIMIT: usize = 64;

pub(super) const CSMS: Command = Command {
    syntax: &["AT+CSMS=<0,1>", "AT+CSMS?", "AT+CSMS=?"],
    reference: "TS 27.005 3.2.1; short message guide AT+CSMS",
    evidence: Evidence::Documented,
    remarks: "Default 0. With 1, a message that goes to the host (+CMT, +CDS) has to be acknowledged with AT+CNMA. 128, which \
              the guide lists as not supported, is +CMS ERROR: 303 (assumed).",
    read: Some(read_service),
    set: Some(set_service),
    test: Test::Text("+CSMS: (0,1)"),
    examples: &[
        example("AT+CSMS=1", "\r\n+CSMS: 1,1,1\r\n\r\nOK\r\n"),
        example("AT+CSMS?", "\r\n+CSMS: 0,1,1,1\r\n\r\nOK\r\n"),
        example("AT+CSMS=128", "\r\n+CMS ERROR: 303\r\n"),
    ],
    ..Command::new("+CSMS", "Service level of short messages")
};

pub(super) const CMGF: Command = Command {
    syntax: &["AT+CMGF=<0,1>", "AT+CMGF?", "AT+CMGF=?"],
    reference: "TS 27.005 3.2.3",
    evidence: Evidence::Standard,
    remarks: "0 PDU, 1 text. Default 0; kept by AT&W (assumed).",
    read: Some(read_format),
    set: Some(set_format),
    test: Test::Text("+CMGF: (0,1)"),
    examples: &[
        example("AT+CMGF?", "\r\n+CMGF: 0\r\n\r\nOK\r\n"),
        example("AT+CMGF=?", "\r\n+CMGF: (0,1)\r\n\r\nOK\r\n"),
        example_after(&["AT+CMGF=1"], "AT+CMGF?", "\r\n+CMGF: 1\r\n\r\nOK\r\n"),
        example("AT+CMGF=2", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CMGF", "Messages as text or as PDU")
};

pub(super) const CSCA: Command = Command {
    syntax: &["AT+CSCA=\"<number>\"[,<type>]", "AT+CSCA?", "AT+CSCA=?"],
    reference: "TS 27.005 3.3.1; short message guide AT+CSCA",
    evidence: Evidence::Documented,
    remarks: "The number stands on the card, so it is kept at once, and a card that is not ready is +CMS ERROR: 310 and the \
              like (assumed). Without a number: +CSCA: \"\",129 (assumed). AT+RSTSET goes back to the card's own (assumed).",
    read: Some(read_center),
    set: Some(set_center),
    examples: &[
        example("AT+CSCA?", "\r\n+CSCA: \"+8613800100500\",145\r\n\r\nOK\r\n"),
        example_after(&["AT+CSCA=\"13800210500\""], "AT+CSCA?", "\r\n+CSCA: \"13800210500\",129\r\n\r\nOK\r\n"),
        example("AT+CSCA=\"home\"", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CSCA", "The service centre's number")
};

pub(super) const CSMP: Command = Command {
    syntax: &["AT+CSMP=[<first octet>][,[<validity>][,[<protocol>][,<coding>]]]", "AT+CSMP?", "AT+CSMP=?"],
    reference: "TS 27.005 3.3.2",
    evidence: Evidence::Standard,
    remarks: "Default 17,167,0,0; kept by AT&W (assumed). What is left out stays. The first octet is that of an SMS-SUBMIT (its \
              lowest bits are 01); its validity format decides whether <validity> is a number, a time in quotes, or 14 \
              hexadecimal digits in quotes. 32 in it asks for a status report.",
    read: Some(read_parameters),
    set: Some(set_parameters),
    examples: &[
        example("AT+CSMP?", "\r\n+CSMP: 17,167,0,0\r\n\r\nOK\r\n"),
        example_after(&["AT+CSMP=49,,,8"], "AT+CSMP?", "\r\n+CSMP: 49,167,0,8\r\n\r\nOK\r\n"),
        example_after(
            &["AT+CSMP=25,\"20/12/31,23:59:59+32\""],
            "AT+CSMP?",
            "\r\n+CSMP: 25,\"20/12/31,23:59:59+32\",0,0\r\n\r\nOK\r\n",
        ),
        example("AT+CSMP=25,167", "\r\nERROR\r\n"),
        example("AT+CSMP=16", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CSMP", "Parameters of messages in text mode")
};

pub(super) const CSDH: Command = Command {
    syntax: &["AT+CSDH=<0,1>", "AT+CSDH?", "AT+CSDH=?"],
    reference: "TS 27.005 3.3.3",
    evidence: Evidence::Standard,
    remarks: "Default 0. 1 shows the values in brackets of +CMT, +CMGL and +CMGR in text mode. Kept by AT&W (assumed).",
    read: Some(read_headers),
    set: Some(set_headers),
    test: Test::Text("+CSDH: (0,1)"),
    examples: &[
        example("AT+CSDH?", "\r\n+CSDH: 0\r\n\r\nOK\r\n"),
        example_after(&["AT+CSDH=1"], "AT+CSDH?", "\r\n+CSDH: 1\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CSDH", "How much text mode shows")
};

pub(super) const CSCB: Command = Command {
    syntax: &["AT+CSCB=<0,1>[,\"<identifiers>\"[,\"<codings>\"]]", "AT+CSCB?", "AT+CSCB=?"],
    reference: "TS 27.005 3.3.4",
    evidence: Evidence::Standard,
    remarks: "Kept in mind and shown; the simulated network broadcasts nothing.",
    read: Some(read_broadcasts),
    set: Some(set_broadcasts),
    test: Test::Text("+CSCB: (0,1)"),
    examples: &[
        example("AT+CSCB?", "\r\n+CSCB: 0,\"\",\"\"\r\n\r\nOK\r\n"),
        example_after(&["AT+CSCB=1,\"0-5\""], "AT+CSCB?", "\r\n+CSCB: 1,\"0-5\",\"\"\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CSCB", "Which cell broadcasts are wanted")
};

pub(super) const CSAS: Command = Command {
    syntax: &["AT+CSAS[=0]", "AT+CSAS=?"],
    reference: "TS 27.005 3.3.5",
    evidence: Evidence::Standard,
    remarks: "Stores AT+CSMP and AT+CSCB for AT+CRES; AT+CSCA is kept anyway. One profile, 0 (assumed).",
    execute: Some(save),
    set: Some(save_numbered),
    test: Test::Text("+CSAS: (0)"),
    examples: &[example("AT+CSAS", "\r\nOK\r\n"), example("AT+CSAS=1", "\r\n+CMS ERROR: 303\r\n")],
    ..Command::new("+CSAS", "Store message settings")
};

pub(super) const CRES: Command = Command {
    syntax: &["AT+CRES[=0]", "AT+CRES=?"],
    reference: "TS 27.005 3.3.6",
    evidence: Evidence::Standard,
    remarks: "Takes back what AT+CSAS stored; nothing stored: the default values (assumed).",
    execute: Some(restore),
    set: Some(restore_numbered),
    test: Test::Text("+CRES: (0)"),
    examples: &[
        example_after(
            &["AT+CSMP=17,11,0,0", "AT+CSAS", "AT+CSMP=17,22,0,0", "AT+CRES"],
            "AT+CSMP?",
            "\r\n+CSMP: 17,11,0,0\r\n\r\nOK\r\n",
        ),
        example_after(&["AT+CSMP=17,22,0,0", "AT+CRES"], "AT+CSMP?", "\r\n+CSMP: 17,167,0,0\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CRES", "Take back message settings")
};

impl Parameters {
    /// TS 27.005: SMS-SUBMIT, one day, GSM alphabet.
    pub(super) const DEFAULT: Self =
        Self { first: 17, validity: Validity::Relative(167), protocol: 0, scheme: 0 };
}

/// As AT+CSMP? prints them.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.first, Shown(self.validity), self.protocol, self.scheme)
    }
}

/// `<vp>`.
pub(super) struct Shown(pub(super) Validity);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Validity::Unsaid => Ok(()),
            Validity::Relative(steps) => write!(f, "{steps}"),
            Validity::Absolute(stamp) => write!(f, "\"{stamp}\""),
            Validity::Enhanced(octets) => write!(f, "\"{}\"", to_hex(&octets)),
        }
    }
}

fn read_service(x: &mut Exchange<'_>) -> Answer {
    let service = x.module.families.sms.service;
    x.info(format_args!("+CSMS: {service},1,1,1"));
    Ok(Outcome::Ok)
}

fn set_service(x: &mut Exchange<'_>) -> Answer {
    let service = x.args.small(0..=255)?;
    x.args.finish()?;
    if service > 1 {
        return Err(Fault::cms(CmsError::NOT_SUPPORTED, "the service level is 0 or 1"));
    }
    x.module.families.sms.service = service;
    x.info(format_args!("+CSMS: 1,1,1"));
    Ok(Outcome::Ok)
}

fn read_format(x: &mut Exchange<'_>) -> Answer {
    let text = u8::from(x.module.families.sms.text);
    x.info(format_args!("+CMGF: {text}"));
    Ok(Outcome::Ok)
}

fn set_format(x: &mut Exchange<'_>) -> Answer {
    let text = x.args.flag()?;
    x.args.finish()?;
    x.module.families.sms.text = text;
    Ok(Outcome::Ok)
}

fn read_headers(x: &mut Exchange<'_>) -> Answer {
    let headers = u8::from(x.module.families.sms.headers);
    x.info(format_args!("+CSDH: {headers}"));
    Ok(Outcome::Ok)
}

fn set_headers(x: &mut Exchange<'_>) -> Answer {
    let headers = x.args.flag()?;
    x.args.finish()?;
    x.module.families.sms.headers = headers;
    Ok(Outcome::Ok)
}

fn read_center(x: &mut Exchange<'_>) -> Answer {
    card_required(x.module)?;
    match center(x.module) {
        Some(address) => {
            let number = number_to_host(identity::character_set(x.module), &address);
            x.info(format_args!("+CSCA: \"{number}\",{}", address.kind));
        }
        None => x.info(format_args!("+CSCA: \"\",{}", Address::UNKNOWN)),
    }
    Ok(Outcome::Ok)
}

fn set_center(x: &mut Exchange<'_>) -> Answer {
    let number = number_from_host(identity::character_set(x.module), x.args.text(84)?);
    let kind = x.args.opt_number(128..=255)?;
    x.args.finish()?;
    card_required(x.module)?;
    let address = typed(&number, kind).map_err(|error| Fault::error(format!("{error}")))?;
    let mut line = String::new();
    setting(&mut line, CENTER_KEY, format_args!("{},{}", address.kind, address.text));
    let bytes = x.module.settings_with(|key| key == CENTER_KEY, &line);
    let request = StoreRequest::Persist { section: Section::Settings, bytes };
    Ok(Outcome::Store(request, Op::sms(SmsOp::Center(address))))
}

/// A number with the type that the host gives, or that `+` gives.
pub(super) fn typed(number: &str, kind: Option<u32>) -> Result<Address, pdu::AddressError> {
    match kind.and_then(|kind| u8::try_from(kind).ok()) {
        Some(kind) => Address::typed(number.strip_prefix('+').unwrap_or(number), kind),
        None => Address::dialled(number),
    }
}

pub(super) fn load_center(value: &str) -> Option<Address> {
    let (kind, digits) = value.split_once(',')?;
    Address::typed(digits, kind.parse().ok()?).ok()
}

fn read_parameters(x: &mut Exchange<'_>) -> Answer {
    let parameters = x.module.families.sms.parameters;
    x.info(format_args!("+CSMP: {parameters}"));
    Ok(Outcome::Ok)
}

fn set_parameters(x: &mut Exchange<'_>) -> Answer {
    let old = x.module.families.sms.parameters;
    x.module.families.sms.parameters = parameters(&mut x.args, old)?;
    Ok(Outcome::Ok)
}

fn parameters(args: &mut at::Args<'_>, old: Parameters) -> Result<Parameters, Fault> {
    let octet = |number: Option<u32>, old: u8| number.and_then(|n| u8::try_from(n).ok()).unwrap_or(old);
    let first = octet(args.opt_number(0..=255)?, old.first);
    if first & TYPE != SUBMIT {
        return Err(Fault::error("the first octet is that of an SMS-SUBMIT: its lowest bits are 01"));
    }
    let validity = validity(args.arg()?, first, old.validity)?;
    let protocol = octet(args.opt_number(0..=255)?, old.protocol);
    let scheme = octet(args.opt_number(0..=255)?, old.scheme);
    args.finish()?;
    Ok(Parameters { first, validity, protocol, scheme })
}

/// `<vp>`, in the format that the first octet says.
fn validity(arg: Arg<'_>, first: u8, old: Validity) -> Result<Validity, Fault> {
    let bytes = match arg {
        Arg::Omitted => None,
        Arg::Quoted(bytes) | Arg::Bare(bytes) => Some(core::str::from_utf8(bytes).unwrap_or_default()),
    };
    let validity = match (first & VALIDITY, bytes) {
        (0x00, _) => Some(Validity::Unsaid),
        (0x10, Some(number)) => number.parse().ok().map(Validity::Relative),
        (0x10, None) => Some(match old {
            Validity::Relative(_) => old,
            _ => Parameters::DEFAULT.validity,
        }),
        (0x18, Some(text)) => Stamp::parse(text).map(Validity::Absolute),
        (0x18, None) => matches!(old, Validity::Absolute(_)).then_some(old),
        (_, Some(hex)) => {
            from_hex(hex.as_bytes()).and_then(|octets| octets.try_into().ok()).map(Validity::Enhanced)
        }
        (_, None) => matches!(old, Validity::Enhanced(_)).then_some(old),
    };
    validity.ok_or_else(|| {
        Fault::error("the validity is a number, a time such as \"20/12/31,23:59:59+32\", or 14 digits, as the first octet says")
    })
}

pub(super) fn load_parameters(sms: &mut Sms, value: &str) {
    if let Ok(parameters) = parameters(&mut at::Args::new(value.as_bytes()), Parameters::DEFAULT) {
        sms.parameters = parameters;
    }
}

fn read_broadcasts(x: &mut Exchange<'_>) -> Answer {
    let (mode, identifiers, codings) = &x.module.families.sms.broadcasts;
    let text = format!("+CSCB: {mode},\"{identifiers}\",\"{codings}\"");
    x.info(format_args!("{text}"));
    Ok(Outcome::Ok)
}

fn set_broadcasts(x: &mut Exchange<'_>) -> Answer {
    let broadcasts = broadcasts(&mut x.args)?;
    x.module.families.sms.broadcasts = broadcasts;
    Ok(Outcome::Ok)
}

fn broadcasts(args: &mut at::Args<'_>) -> Result<(u8, String, String), Fault> {
    let mode = args.small(0..=1)?;
    let identifiers = args.opt_text(LIST_LIMIT)?.unwrap_or_default();
    let codings = args.opt_text(LIST_LIMIT)?.unwrap_or_default();
    args.finish()?;
    let list = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'-');
    if !list(identifiers) || !list(codings) {
        return Err(Fault::error("a list is numbers and ranges, such as \"0,3-5\""));
    }
    Ok((mode, identifiers.into(), codings.into()))
}

/// One profile, 0.
fn profile_number(x: &mut Exchange<'_>) -> Result<(), Fault> {
    let number = x.args.number(0..=255)?;
    x.args.finish()?;
    if number == 0 { Ok(()) } else { Err(Fault::cms(CmsError::NOT_SUPPORTED, "there is profile 0 only")) }
}

fn save_numbered(x: &mut Exchange<'_>) -> Answer {
    profile_number(x)?;
    save(x)
}

fn save(x: &mut Exchange<'_>) -> Answer {
    let sms = &x.module.families.sms;
    let (mode, identifiers, codings) = &sms.broadcasts;
    let mut lines = String::new();
    setting(&mut lines, SAVED_PARAMETERS_KEY, sms.parameters);
    setting(&mut lines, SAVED_BROADCASTS_KEY, format_args!("{mode},\"{identifiers}\",\"{codings}\""));
    let ours = |key: &str| key == SAVED_PARAMETERS_KEY || key == SAVED_BROADCASTS_KEY;
    let bytes = x.module.settings_with(ours, &lines);
    let request = StoreRequest::Persist { section: Section::Settings, bytes };
    Ok(Outcome::Store(request, Op::sms(SmsOp::Settings)))
}

fn restore_numbered(x: &mut Exchange<'_>) -> Answer {
    profile_number(x)?;
    restore(x)
}

fn restore(x: &mut Exchange<'_>) -> Answer {
    let kept = x.module.setup.settings.clone().unwrap_or_default();
    let kept = String::from_utf8_lossy(&kept);
    let value = |wanted: &str| kept.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| *key == wanted);
    let sms = &mut x.module.families.sms;
    sms.parameters = Parameters::DEFAULT;
    sms.broadcasts = (0, String::new(), String::new());
    if let Some((_, value)) = value(SAVED_PARAMETERS_KEY) {
        load_parameters(sms, value);
    }
    if let Some(Ok(kept)) = value(SAVED_BROADCASTS_KEY).map(|(_, v)| broadcasts(&mut at::Args::new(v.as_bytes()))) {
        sms.broadcasts = kept;
    }
    Ok(Outcome::Ok)
}
