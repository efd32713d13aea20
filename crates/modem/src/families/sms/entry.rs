//! What the host types behind a prompt: CMGS, CMGW, CNMA.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use at::{CmsError, DataEnd, DataKind};
use pdu::{Address, Submit, TPDU_LIMIT, Tpdu, from_hex, split_center};

use super::charset::{data_from_host, number_from_host};
use super::mailbox::{Status, Stored};
use super::settings::typed;
use super::{SmsOp, accessible, card_required, center, finish, invalid, keep, receive, send};
use crate::command::{Answer, Command, DataPhase, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Op, identity};

/// The longest number as typed: 20 digits and `+`, in UCS2.
const NUMBER_LIMIT: usize = 84;
/// The most bytes of a text: 160 characters in UCS2 digits, with room for what is refused with a reason.
const TEXT_LIMIT: usize = 1024;
/// The most digits of a PDU, with room for line ends.
const PDU_LIMIT: usize = 2 * (13 + TPDU_LIMIT) + 64;
/// TP-UDHI in the first octet.
const HEADERS: u8 = 0x40;

/// What is being typed.
#[derive(Debug)]
pub(crate) struct Collecting {
    purpose: Purpose,
    form: Form,
}

#[derive(Debug)]
enum Purpose {
    Send,
    Store(Status),
    Acknowledge { accepts: bool },
}

#[derive(Debug)]
enum Form {
    /// A text for this number.
    Text(Address),
    /// Hexadecimal digits of a PDU whose TPDU has so many bytes.
    Pdu(usize),
}

pub(super) const CMGS: Command = Command {
    syntax: &["AT+CMGS=\"<number>\"[,<type>]", "AT+CMGS=<length 1-164>", "AT+CMGS=?"],
    reference: "TS 27.005 3.5.1 and 4.3; short message guide AT+CMGS",
    evidence: Evidence::Documented,
    remarks: "The number in text mode, the length of the TPDU in PDU mode; then, behind the prompt, the text or the PDU, ended by \
              Ctrl-Z; ESC cancels with OK (assumed). What is typed is echoed, and may take any time (assumed). The reference \
              counts from 0 at power-on (assumed). +CMGS comes when the network has the message. No card: 310 and the like, at \
              once; not registered: 331; no service centre: 330; refused: 21; the network does not answer: 332, all behind \
              Ctrl-Z (assumed).",
    longest: 60_000,
    set: Some(send_message),
    examples: &[
        example_after(&["AT+CMGF=1", "AT+CMGS=\"10086\""], "yue\x1A", "\r\n+CMGS: 0\r\n\r\nOK\r\n"),
        example("AT+CMGS=165", "\r\n+CMS ERROR: 304\r\n"),
        example_after(&["AT+CMGF=1"], "AT+CMGS=\"home\"", "\r\n+CMS ERROR: 305\r\n"),
        example("AT+CMGS=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+CMGS", "Send a message")
};

pub(super) const CMGW: Command = Command {
    syntax: &["AT+CMGW[=\"<number>\"[,<type>[,\"STO UNSENT\"|\"STO SENT\"]]]", "AT+CMGW=<length 1-164>[,<0-3>]", "AT+CMGW=?"],
    reference: "TS 27.005 3.5.3 and 4.4",
    evidence: Evidence::Standard,
    remarks: "As AT+CMGS, but into the second memory of AT+CPMS. Statuses 0 and 1 belong to received messages (PDU mode only). No \
              room: +CMS ERROR: 322. +CMGW comes when the message is safe.",
    longest: 20_000,
    execute: Some(write_bare),
    set: Some(write_message),
    examples: &[
        example_after(&["AT+CMGF=1", "AT+CMGW=\"10086\""], "yue\x1A", "\r\n+CMGW: 1\r\n\r\nOK\r\n"),
        example("AT+CMGW=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+CMGW", "Write a message into the memory")
};

pub(super) const CNMA: Command = Command {
    syntax: &["AT+CNMA", "AT+CNMA=<0-2>[,<length>]", "AT+CNMA=?"],
    reference: "TS 27.005 3.4.4 and 4.6",
    evidence: Evidence::Standard,
    remarks: "Only with AT+CSMS=1 and within 15 s (assumed) of +CMT or +CDS; else +CMS ERROR: 340. Without it, AT+CNMI's mt and ds \
              become 0 and the network delivers the message again. 2 refuses the message: the network drops it. The set form is \
              for PDU mode; the PDU that may follow is looked at and changes nothing.",
    execute: Some(acknowledge_bare),
    set: Some(acknowledge),
    test: Test::Handler(acknowledgements),
    examples: &[
        example("AT+CNMA", "\r\n+CMS ERROR: 340\r\n"),
        example("AT+CNMA=?", "\r\n+CNMA: (0-2)\r\n\r\nOK\r\n"),
        example_after(&["AT+CMGF=1"], "AT+CNMA=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+CNMA", "Acknowledge a message that came in")
};

fn send_message(x: &mut Exchange<'_>) -> Answer {
    let form = if x.module.families.sms.text {
        let address = number(x)?;
        Form::Text(address)
    } else {
        Form::Pdu(length(x)?)
    };
    finish(x)?;
    card_required(x.module)?;
    Ok(collect(Purpose::Send, form))
}

fn write_bare(x: &mut Exchange<'_>) -> Answer {
    if !x.module.families.sms.text {
        return Err(invalid(x, "in PDU mode (AT+CMGF=0) the length is needed"));
    }
    let nobody = Address { kind: Address::UNKNOWN, text: String::new() };
    store(x, Status::Unsent, Form::Text(nobody))
}

fn write_message(x: &mut Exchange<'_>) -> Answer {
    if x.module.families.sms.text {
        let address = number(x)?;
        let word = x.args.opt_text(16).map_err(|error| invalid(x, format!("{error}")))?.unwrap_or("STO UNSENT");
        finish(x)?;
        let status = [Status::Unsent, Status::Sent].into_iter().find(|s| s.name().eq_ignore_ascii_case(word));
        let status = status.ok_or_else(|| invalid(x, "in text mode the status is \"STO UNSENT\" or \"STO SENT\""))?;
        return store(x, status, Form::Text(address));
    }
    let length = length(x)?;
    let number = x.args.opt_number(0..=3).map_err(|error| invalid(x, format!("{error}")))?.unwrap_or(2);
    finish(x)?;
    let status = Status::ALL.into_iter().find(|s| u32::from(s.number()) == number).unwrap_or(Status::Unsent);
    store(x, status, Form::Pdu(length))
}

fn store(x: &mut Exchange<'_>, status: Status, form: Form) -> Answer {
    let [_, memory, _] = x.module.families.sms.memories;
    accessible(x.module, memory)?;
    Ok(collect(Purpose::Store(status), form))
}

fn number(x: &mut Exchange<'_>) -> Result<Address, Fault> {
    let number = x.args.text(NUMBER_LIMIT).map_err(|error| invalid(x, format!("{error}")))?;
    let number = number_from_host(identity::character_set(x.module), number);
    let kind = x.args.opt_number(128..=255).map_err(|error| invalid(x, format!("{error}")))?;
    typed(&number, kind).map_err(|error| invalid(x, format!("{error}")))
}

fn length(x: &mut Exchange<'_>) -> Result<usize, Fault> {
    let last = u32::try_from(TPDU_LIMIT).unwrap_or(u32::MAX);
    let length = x.args.number(1..=last).map_err(|error| invalid(x, format!("in PDU mode (AT+CMGF=0): {error}")))?;
    Ok(usize::try_from(length).unwrap_or(usize::MAX))
}

fn collect(purpose: Purpose, form: Form) -> Outcome {
    let max = if matches!(form, Form::Text(_)) { TEXT_LIMIT } else { PDU_LIMIT };
    let phase = DataPhase { kind: DataKind::Text { max }, prompt: true, echo: true, timeout: None, anew: false };
    Outcome::Data(phase, Op::sms(SmsOp::Collect(Collecting { purpose, form })))
}

/// The host has typed it.
pub(super) fn entered(x: &mut Exchange<'_>, collecting: Collecting, end: DataEnd, bytes: &[u8]) -> Answer {
    let Collecting { purpose, form } = collecting;
    match end {
        DataEnd::Cancelled => return Ok(Outcome::Ok),
        DataEnd::TooLong => return Err(invalid(x, "what was typed is longer than any message")),
        DataEnd::Complete => {}
    }
    let pdu = match form {
        Form::Text(address) => compose(x, address, bytes)?,
        Form::Pdu(length) => pdu(bytes, length).map_err(|why| Fault::cms(CmsError::INVALID_PDU, why))?,
    };
    match purpose {
        Purpose::Send => send::send(x, &pdu, "+CMGS", None),
        Purpose::Store(status) => write(x, status, pdu),
        Purpose::Acknowledge { accepts } => receive::acknowledged(x, accepts),
    }
}

/// An SMS-SUBMIT with the parameters of AT+CSMP, behind the service centre's address.
fn compose(x: &mut Exchange<'_>, destination: Address, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let parameters = x.module.families.sms.parameters;
    let headers = parameters.first & HEADERS != 0;
    let set = identity::character_set(x.module);
    let data = data_from_host(set, parameters.scheme, headers, bytes)
        .map_err(|why| Fault::cms(CmsError::INVALID_TEXT, why))?;
    let submit = Submit {
        flags: parameters.first & !0x1B,
        protocol: parameters.protocol,
        validity: parameters.validity,
        ..Submit::new(destination, parameters.scheme, headers, data)
    };
    let mut pdu = center(x.module).map_or(alloc::vec![0], |center| center.center_bytes());
    pdu.extend(submit.bytes());
    Ok(pdu)
}

/// The bytes of a PDU whose TPDU has `length` of them.
fn pdu(digits: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = digits.iter().copied().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let pdu = from_hex(&digits).ok_or("a PDU is an even count of hexadecimal digits")?;
    let (_, tpdu) = split_center(&pdu).map_err(|error| format!("{error}"))?;
    if tpdu.len() != length {
        return Err(format!("the TPDU behind the service centre has {} bytes, not {length}", tpdu.len()));
    }
    Ok(pdu)
}

fn write(x: &mut Exchange<'_>, status: Status, pdu: Vec<u8>) -> Answer {
    let tpdu = split_center(&pdu).and_then(|(_, tpdu)| Tpdu::parse(tpdu));
    let outgoing = match tpdu.map_err(|error| Fault::cms(CmsError::INVALID_PDU, format!("{error}")))? {
        Tpdu::Submit(_) => true,
        Tpdu::Deliver(_) | Tpdu::Report(_) => false,
    };
    if outgoing != matches!(status, Status::Unsent | Status::Sent) {
        return Err(Fault::cms(CmsError::INVALID_PDU, "the status does not go with this type of PDU"));
    }
    let [_, memory, _] = x.module.families.sms.memories;
    accessible(x.module, memory)?;
    match x.module.mailbox.put(memory, Stored { status, pdu }) {
        Some(index) => keep(x, SmsOp::Write(index)),
        None => Err(Fault::cms(CmsError::MEMORY_FULL, format!("{} is full; AT+CMGD makes room", memory.name()))),
    }
}

fn acknowledgements(x: &mut Exchange<'_>) -> Answer {
    if !x.module.families.sms.text {
        x.info(format_args!("+CNMA: (0-2)"));
    }
    Ok(Outcome::Ok)
}

fn acknowledge_bare(x: &mut Exchange<'_>) -> Answer {
    receive::acknowledged(x, true)
}

fn acknowledge(x: &mut Exchange<'_>) -> Answer {
    if x.module.families.sms.text {
        return Err(invalid(x, "in text mode (AT+CMGF=1) there is AT+CNMA without parameters only"));
    }
    let answer = x.args.number(0..=2).map_err(|error| invalid(x, format!("{error}")))?;
    let length = if x.args.left() > 0 { Some(length(x)?) } else { None };
    finish(x)?;
    let accepts = answer < 2;
    match length {
        Some(length) if x.module.families.sms.unacknowledged => {
            Ok(collect(Purpose::Acknowledge { accepts }, Form::Pdu(length)))
        }
        _ => receive::acknowledged(x, accepts),
    }
}
