//! What comes in: from the network's queue into a memory or to the host, as AT+CNMI says.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use at::CmsError;
use pdu::{Coding, Tpdu};

use super::mailbox::{Memory, Status, Stored};
use super::show::{Text, View};
use super::{Indications, Sms, SmsTimer, center};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{FamilyTimer, network, sim};
use crate::io::{Section, StoreError, StoreReply, StoreRequest, Ticket};
use crate::line::Line;
use crate::module::Module;

/// The most unsolicited lines that AT+CNMI=0 keeps back.
const KEPT_LIMIT: usize = 16;
/// How long the network waits after the store has failed, in milliseconds.
const RETRY: u64 = 30_000;
/// Message classes (TS 23.038): for the card; for the host.
const CARD_CLASS: u8 = 2;
const HOST_CLASS: u8 = 3;

/// What to say when a message is safe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    memory: Memory,
    index: usize,
    report: bool,
}

pub(super) const CNMI: Command = Command {
    syntax: &["AT+CNMI=<mode 0-3>[,<mt 0-3>[,<bm 0-3>[,<ds 0-2>[,<bfr 0-1>]]]]", "AT+CNMI?", "AT+CNMI=?"],
    reference: "TS 27.005 3.4.1; short message guide AT+CNMI",
    evidence: Evidence::Standard,
    remarks: "Default 2,1,0,0,0 (assumed); what is left out stays (assumed); kept by AT&W (assumed). mode 0 keeps up to 16 lines \
              back until the mode changes (bfr 1: drops them then); 1 to 3 tell at once; on a line in data mode, 1 tells \
              nothing, 2 and 3 tell afterwards (3 assumed). mt: 1 +CMTI, 2 +CMT, 3 +CMT for class \
              3, else as 1; class 2 is always stored on the card. ds: 1 +CDS, 2 stored and +CDSI, 0 status reports are dropped. \
              The lines go to every serial line.",
    read: Some(read),
    set: Some(set),
    test: Test::Text("+CNMI: (0-3),(0-3),(0-3),(0-2),(0,1)"),
    examples: &[
        example("AT+CNMI?", "\r\n+CNMI: 2,1,0,0,0\r\n\r\nOK\r\n"),
        example_after(&["AT+CNMI=1,2,0,1"], "AT+CNMI?", "\r\n+CNMI: 1,2,0,1,0\r\n\r\nOK\r\n"),
        example("AT+CNMI=4", "\r\n+CMS ERROR: 303\r\n"),
    ],
    ..Command::new("+CNMI", "How new messages are told")
};

fn read(x: &mut Exchange<'_>) -> Answer {
    let Indications { mode, deliver, broadcast, report, clear } = x.module.families.sms.indications;
    x.info(format_args!("+CNMI: {mode},{deliver},{broadcast},{report},{clear}"));
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>) -> Answer {
    let old = x.module.families.sms.indications;
    let new = parse(&mut x.args, old)
        .map_err(|error| Fault::cms(CmsError::NOT_SUPPORTED, format!("{error}")))?;
    x.module.families.sms.indications = new;
    x.module.mailbox.blocked = false;
    if new.mode > 0 {
        let kept = core::mem::take(&mut x.module.families.sms.kept);
        for payload in kept.into_iter().filter(|_| new.clear == 0) {
            tell(x.module, &payload);
        }
    }
    Ok(Outcome::Ok)
}

fn parse(args: &mut at::Args<'_>, old: Indications) -> Result<Indications, at::ArgError> {
    let mut next = |last: u32, old: u8| {
        let number = args.opt_number(0..=last)?;
        Ok(number.and_then(|number| u8::try_from(number).ok()).unwrap_or(old))
    };
    let new = Indications {
        mode: next(3, old.mode)?,
        deliver: next(3, old.deliver)?,
        broadcast: next(3, old.broadcast)?,
        report: next(2, old.report)?,
        clear: next(1, old.clear)?,
    };
    args.finish()?;
    Ok(new)
}

pub(super) fn load(sms: &mut Sms, value: &str) {
    if let Ok(indications) = parse(&mut at::Args::new(value.as_bytes()), sms.indications) {
        sms.indications = indications;
    }
}

/// The network has a message for the module. It may be off, or out of reach: then it waits.
pub(crate) fn received(module: &mut Module, tpdu: Vec<u8>) {
    const SUBJECT: &str = "short message";
    match Tpdu::parse(&tpdu) {
        Ok(Tpdu::Deliver(_) | Tpdu::Report(_)) => {
            if !module.mailbox.wait(tpdu) {
                module.note(None, SUBJECT, "the network keeps no more messages for this module; one is lost");
            }
        }
        Ok(Tpdu::Submit(_)) => {
            module.note(None, SUBJECT, "an SMS-SUBMIT goes to the network, not to a module; it is dropped");
        }
        Err(error) => module.note(None, SUBJECT, format!("{error}; it is dropped")),
    }
}

/// Where a message goes.
enum Route {
    Host { report: bool },
    Store { memory: Memory, report: bool },
    Nowhere,
}

/// Lets the network deliver what it has, as far as the module can take it now. Called after every input.
pub(crate) fn pump(module: &mut Module) {
    while !module.mailbox.is_busy() && !module.families.sms.held {
        if !deliver(module) {
            break;
        }
    }
    if module.mailbox.is_unsaved() && !module.mailbox.is_busy() && !module.families.sms.held {
        let bytes = module.mailbox.text();
        ask(module, bytes, false);
    }
}

/// Delivers the first message that waits; false when there is none, or it has to wait on.
fn deliver(module: &mut Module) -> bool {
    let Some(tpdu) = module.mailbox.next() else { return false };
    if module.mailbox.blocked || module.families.sms.unacknowledged {
        return false;
    }
    if !module.running || !sim::ready(module) || !network::registered(module) {
        return false;
    }
    let tpdu = tpdu.to_vec();
    match route(module, &tpdu) {
        Route::Nowhere => {
            module.mailbox.pass();
            module.note(None, "short message", "a status report came, and AT+CNMI asks for none; it is dropped");
            true
        }
        Route::Host { report } => {
            hand_over(module, &tpdu, report);
            true
        }
        Route::Store { memory, report } => store(module, tpdu, memory, report),
    }
}

fn route(module: &Module, tpdu: &[u8]) -> Route {
    let sms = &module.families.sms;
    let Indications { deliver, report, .. } = sms.indications;
    let [_, _, memory] = sms.memories;
    match Tpdu::parse(tpdu) {
        Ok(Tpdu::Report(_)) => match report {
            1 => Route::Host { report: true },
            2 => Route::Store { memory, report: true },
            _ => Route::Nowhere,
        },
        Ok(Tpdu::Deliver(message)) => match (Coding::of(message.scheme).class, deliver) {
            (Some(CARD_CLASS), _) => Route::Store { memory: Memory::Card, report: false },
            (_, 2) | (Some(HOST_CLASS), 3) => Route::Host { report: false },
            _ => Route::Store { memory, report: false },
        },
        // Nothing else is let in.
        _ => Route::Nowhere,
    }
}

fn with_center(module: &Module, tpdu: &[u8]) -> Vec<u8> {
    let mut pdu = center(module).map_or(alloc::vec![0], |center| center.center_bytes());
    pdu.extend_from_slice(tpdu);
    pdu
}

fn hand_over(module: &mut Module, tpdu: &[u8], report: bool) {
    let pdu = with_center(module, tpdu);
    let Text { header, data } = View::of(module).arriving(&pdu);
    let mut payload = format!("{}: {header}\r\n", if report { "+CDS" } else { "+CMT" }).into_bytes();
    if let Some(data) = data {
        payload.extend_from_slice(&data);
        payload.extend_from_slice(b"\r\n");
    }
    indicate(module, payload);
    if module.families.sms.service == 0 || module.families.sms.indications.mode == 0 {
        module.mailbox.pass();
        return;
    }
    module.families.sms.unacknowledged = true;
    let limit = module.setup.profile.timing.message_acknowledge;
    module.arm(FamilyTimer::sms(SmsTimer::Acknowledge), limit);
}

/// False when there is no room.
fn store(module: &mut Module, tpdu: Vec<u8>, memory: Memory, report: bool) -> bool {
    let pdu = with_center(module, &tpdu);
    let Some(index) = module.mailbox.put(memory, Stored { status: Status::Unread, pdu }) else {
        module.mailbox.blocked = true;
        let why = format!("{} is full: a message waits in the network until AT+CMGD makes room", memory.name());
        module.note(None, "short message", why);
        return false;
    };
    let bytes = module.mailbox.text_delivered();
    let ticket = ask(module, bytes, true);
    module.families.sms.arriving = Some((ticket, Arrival { memory, index, report }));
    true
}

fn ask(module: &mut Module, bytes: Vec<u8>, delivers: bool) -> Ticket {
    let ticket = module.store(StoreRequest::Persist { section: Section::Messages, bytes });
    module.mailbox.asked(ticket, delivers);
    ticket
}

/// The store has answered a request of [`ask`], or another one.
pub(super) fn stored(module: &mut Module, ticket: Ticket, result: Result<StoreReply, StoreError>) {
    let arrival = module.families.sms.arriving.take_if(|(asked, _)| *asked == ticket);
    if let Err(error) = result {
        if arrival.is_some() || module.mailbox.is_unsaved() {
            module.families.sms.held = true;
            module.arm(FamilyTimer::sms(SmsTimer::Retry), RETRY);
            let why = format!("a message could not be stored ({error}); the network tries again later");
            module.note(None, "short message", why);
        }
        return;
    }
    let Some((_, Arrival { memory, index, report })) = arrival else { return };
    if report || module.families.sms.indications.deliver > 0 {
        let name = if report { "+CDSI" } else { "+CMTI" };
        indicate(module, format!("{name}: \"{}\",{index}\r\n", memory.name()).into_bytes());
    }
}

/// Tells the host, or keeps it back.
fn indicate(module: &mut Module, payload: Vec<u8>) {
    let sms = &mut module.families.sms;
    if sms.indications.mode > 0 {
        return tell(module, &payload);
    }
    if sms.kept.len() == KEPT_LIMIT {
        sms.kept.pop_front();
    }
    sms.kept.push_back(payload);
}

/// An unsolicited line, and perhaps one of data, on every serial line.
fn tell(module: &mut Module, payload: &[u8]) {
    let header = payload.iter().position(|&b| b == b'\r').unwrap_or(payload.len());
    let (header, data) = payload.split_at(header);
    let header = String::from_utf8_lossy(header).into_owned();
    let data = data.strip_prefix(b"\r\n").unwrap_or(data);
    let discards = module.families.sms.indications.mode == 1;
    for line in module.line_ids() {
        if discards && module.line(line).is_some_and(Line::streams) {
            continue;
        }
        module.news(line, format_args!("{header}"), data);
    }
}

/// AT+CNMA: the host has it, or refuses it.
pub(super) fn acknowledged(x: &mut Exchange<'_>, accepts: bool) -> Answer {
    let sms = &mut x.module.families.sms;
    if !core::mem::take(&mut sms.unacknowledged) {
        return Err(Fault::cms(CmsError::NOTHING_TO_ACKNOWLEDGE, "no message waits for AT+CNMA"));
    }
    x.module.cancel(FamilyTimer::sms(SmsTimer::Acknowledge));
    x.module.mailbox.pass();
    if !accepts {
        x.module.note(Some(x.line), "AT+CNMA=", "the message was refused; the network drops it");
    }
    Ok(Outcome::Ok)
}

/// AT+CNMA has not come: nothing goes to the host any more (TS 27.005 3.4.4), and the network delivers again.
pub(super) fn not_acknowledged(module: &mut Module) {
    let sms = &mut module.families.sms;
    sms.unacknowledged = false;
    sms.indications.deliver = 0;
    sms.indications.report = 0;
    module.note(None, "short message", "AT+CNMA did not come in time: AT+CNMI's mt and ds are 0 now, and the message is stored");
}
