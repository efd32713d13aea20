//! Sending: CMSS, and what CMGS ends in.

use alloc::format;
use alloc::string::ToString as _;

use at::CmsError;
use pdu::{Address, Submit, Tpdu, split_center};

use super::charset::number_from_host;
use super::mailbox::{Memory, Status};
use super::settings::typed;
use super::{SmsOp, accessible, card_required, center, finish, index, invalid, keep};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Op, identity, network};
use crate::io::{MessageService, Query, QueryFailure, QueryReply};

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Sending {
    command: &'static str,
    reference: u8,
    /// Where it is stored.
    stored: Option<(Memory, usize)>,
}

pub(super) const CMSS: Command = Command {
    syntax: &["AT+CMSS=<index>[,\"<number>\"[,<type>]]", "AT+CMSS=?"],
    reference: "TS 27.005 3.5.2 and 4.7",
    evidence: Evidence::Standard,
    remarks: "From the second memory of AT+CPMS. A received message is +CMS ERROR: 302 (assumed). What was unsent is sent then, and \
              OK comes when that is safe.",
    longest: 60_000,
    set: Some(send_stored),
    examples: &[
        example("AT+CMSS=1", "\r\n+CMS ERROR: 321\r\n"),
        example_after(
            &["AT+CMGF=1", "AT+CMGW=\"10086\"", "yue\x1A"],
            "AT+CMSS=1",
            "\r\n+CMSS: 0\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+CMSS", "Send a stored message")
};

fn send_stored(x: &mut Exchange<'_>) -> Answer {
    let [_, memory, _] = x.module.families.sms.memories;
    let index = index(x, memory)?;
    let number = x.args.opt_text(84).map_err(|error| invalid(x, format!("{error}")))?;
    let number = number.map(|number| number_from_host(identity::character_set(x.module), number));
    let kind = x.args.opt_number(128..=255).map_err(|error| invalid(x, format!("{error}")))?;
    finish(x)?;
    let other = match number {
        Some(number) => Some(typed(&number, kind).map_err(|error| invalid(x, format!("{error}")))?),
        None => None,
    };
    accessible(x.module, memory)?;
    let Some(stored) = x.module.mailbox.get(memory, index) else {
        return Err(Fault::cms(CmsError::INVALID_INDEX, format!("there is no message at {index}")));
    };
    let mut pdu = stored.pdu.clone();
    if let Some(other) = other
        && let Ok((_, tpdu)) = split_center(&pdu)
        && let Ok(Tpdu::Submit(submit)) = Tpdu::parse(tpdu)
    {
        let start = pdu.len() - tpdu.len();
        pdu.truncate(start);
        pdu.extend(Submit { destination: other, ..submit }.bytes());
    }
    send(x, &pdu, "+CMSS", Some((memory, index)))
}

/// Sends a PDU; `command` is what announces its reference.
pub(super) fn send(
    x: &mut Exchange<'_>,
    pdu: &[u8],
    command: &'static str,
    stored: Option<(Memory, usize)>,
) -> Answer {
    let (given, tpdu) = split_center(pdu).map_err(bad)?;
    let submit = match Tpdu::parse(tpdu).map_err(bad)? {
        Tpdu::Submit(submit) => submit,
        Tpdu::Deliver(_) | Tpdu::Report(_) if stored.is_some() => {
            return Err(Fault::cms(CmsError::NOT_ALLOWED, "it is a received message, which cannot be sent"));
        }
        Tpdu::Deliver(_) | Tpdu::Report(_) => {
            return Err(Fault::cms(CmsError::INVALID_PDU, "only an SMS-SUBMIT can be sent"));
        }
    };
    if submit.destination.text.is_empty() || submit.destination.kind == Address::ALPHANUMERIC {
        return Err(invalid(x, "the message has no number to go to"));
    }
    card_required(x.module)?;
    if !network::registered(x.module) {
        return Err(Fault::cms(CmsError::NO_NETWORK, "the module is not registered"));
    }
    if given.or_else(|| center(x.module)).is_none() {
        return Err(Fault::cms(
            CmsError::CENTER_UNKNOWN,
            "the card has no service centre's number; AT+CSCA can give it one",
        ));
    }
    if x.module.world.messages == MessageService::Refused {
        return Err(Fault::cms(CmsError::REJECTED, "the network refuses short messages of this card"));
    }
    let reference = x.module.families.sms.reference;
    x.module.families.sms.reference = reference.wrapping_add(1);
    let destination = submit.destination.to_string();
    let mut tpdu = tpdu.to_vec();
    if let Some(octet) = tpdu.get_mut(1) {
        *octet = reference;
    }
    let op = Op::sms(SmsOp::Send(Sending { command, reference, stored }));
    Ok(Outcome::Query(Query::Message { destination, tpdu }, op))
}

fn bad(error: pdu::PduError) -> Fault {
    Fault::cms(CmsError::INVALID_PDU, format!("{error}"))
}

/// The network has answered.
pub(super) fn answered(
    x: &mut Exchange<'_>,
    sending: &Sending,
    result: Result<QueryReply, QueryFailure>,
) -> Answer {
    match result {
        Ok(QueryReply::Taken) => {}
        Ok(_) => return Err(Fault::cms(CmsError::UNKNOWN, "the network has answered something else")),
        Err(failure) => return Err(refused(failure)),
    }
    x.info(format_args!("{}: {}", sending.command, sending.reference));
    let Some((memory, index)) = sending.stored else { return Ok(Outcome::Ok) };
    match x.module.mailbox.get(memory, index) {
        Some(stored) if stored.status == Status::Unsent => {
            x.module.mailbox.set_status(memory, index, Status::Sent);
            keep(x, SmsOp::Keep)
        }
        _ => Ok(Outcome::Ok),
    }
}

fn refused(failure: QueryFailure) -> Fault {
    match failure {
        QueryFailure::Refused => Fault::cms(CmsError::REJECTED, "the network does not take the message"),
        QueryFailure::Timeout => Fault::cms(CmsError::NETWORK_TIMEOUT, "the network does not answer"),
        _ => Fault::cms(CmsError::NETWORK_OUT_OF_ORDER, "the network cannot carry the message"),
    }
}
