//! Short messages: CSMS, CPMS, CMGF, CSCA, CSMP, CSDH, CSCB, CSAS, CRES, CNMI, CMGL, CMGR, CMGS, CMSS, CMGW, CMGD, CNMA.
//!
//! ```text
//! AT+CMGS ─► entry ─► send ─► Query::Message ─► +CMGS: <mr>
//! WorldChange::Message ─► receive ─► Mailbox ─► store ─► +CMTI      (or at once: +CMT, +CDS)
//! AT+CMGL, CMGR ─► read ─► show (text or PDU)
//! ```
//!
//! Reference: TS 27.005; the module's short message guide. Bytes and alphabets are the `pdu` crate's.

mod charset;
mod entry;
mod mailbox;
mod memory;
mod read;
mod receive;
mod send;
mod settings;
mod show;

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use at::{CmeError, CmsError, FinalCode};
use pdu::{Address, Validity};

pub(crate) use mailbox::Mailbox;
pub(crate) use receive::{pump, received};

use crate::command::{Answer, Command, Fault, Outcome, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, Op, sim};
use crate::io::{LineId, MessageService, Section, StoreError, StoreReply, StoreRequest, Ticket};
use crate::module::{Module, setting};
use crate::setup::Setup;
use entry::Collecting;
use mailbox::Memory;
use receive::Arrival;
use send::Sending;

/// AT+CNMI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Indications {
    /// 0: kept in the module; 1 to 3: to the host.
    mode: u8,
    /// 0: nothing, 1: +CMTI, 2: +CMT, 3: +CMT for class 3.
    deliver: u8,
    broadcast: u8,
    /// 0: nothing, 1: +CDS, 2: +CDSI.
    report: u8,
    /// 1: what was kept is dropped when the mode changes from 0.
    clear: u8,
}

/// AT+CSMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parameters {
    /// The first octet of SMS-SUBMIT.
    first: u8,
    validity: Validity,
    protocol: u8,
    scheme: u8,
}

/// The family's state.
#[derive(Debug)]
pub(crate) struct Sms {
    /// AT+CMGF=1.
    text: bool,
    /// AT+CSDH=1.
    headers: bool,
    /// AT+CSMS: 1 means that what goes to the host has to be acknowledged.
    service: u8,
    indications: Indications,
    /// AT+CPMS: for reading, for writing, for what comes in.
    memories: [Memory; 3],
    parameters: Parameters,
    /// AT+CSCB.
    broadcasts: (u8, String, String),
    /// AT+CSCA, if it was used.
    center: Option<Address>,
    /// TP-MR of the next message.
    reference: u8,
    /// Unsolicited lines kept back by AT+CNMI=0.
    kept: VecDeque<Vec<u8>>,
    /// A message went to the host, and AT+CNMA is awaited.
    unacknowledged: bool,
    /// What to say when the store has answered this.
    arriving: Option<(Ticket, Arrival)>,
    /// The store has failed; the network tries again later.
    held: bool,
}

/// What an open command of this family is in the middle of.
#[derive(Debug)]
pub(crate) enum SmsOp {
    /// The text or PDU of AT+CMGS, AT+CMGW, AT+CNMA.
    Collect(Collecting),
    /// Until the network has taken it.
    Send(Sending),
    /// AT+CMGW: until this index is safe.
    Write(usize),
    /// Until a change of the messages is safe; all is said.
    Keep,
    /// AT+CSCA: until this is safe.
    Center(Address),
    /// AT+CSAS: until it is safe.
    Settings,
}

/// The family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SmsTimer {
    /// AT+CNMA has not come in time.
    Acknowledge,
    /// The network tries again after the store has failed.
    Retry,
}

const CENTER_KEY: &str = "kept.sms.center";
const SAVED_PARAMETERS_KEY: &str = "kept.sms.parameters";
const SAVED_BROADCASTS_KEY: &str = "kept.sms.broadcasts";

impl Family for Sms {
    type Op = SmsOp;
    type Timer = SmsTimer;

    const COMMANDS: &'static [Command] = &[
        settings::CSMS,
        memory::CPMS,
        settings::CMGF,
        settings::CSCA,
        settings::CSMP,
        settings::CSDH,
        settings::CSCB,
        settings::CSAS,
        settings::CRES,
        receive::CNMI,
        read::CMGL,
        read::CMGR,
        entry::CMGS,
        send::CMSS,
        entry::CMGW,
        memory::CMGD,
        entry::CNMA,
    ];

    fn new(setup: &Setup) -> Self {
        let profile = setup.profile;
        let [mode, deliver, broadcast, report, clear] = profile.message_indications;
        Self {
            text: profile.message_text,
            headers: false,
            service: 0,
            indications: Indications { mode, deliver, broadcast, report, clear },
            memories: [Memory::Card; 3],
            parameters: Parameters::DEFAULT,
            broadcasts: (0, String::new(), String::new()),
            center: None,
            reference: 0,
            kept: VecDeque::new(),
            unacknowledged: false,
            arriving: None,
            held: false,
        }
    }

    fn power_on(module: &mut Module) {
        let damaged = mem::take(&mut module.mailbox.damaged);
        if damaged > 0 {
            let text = format!("what was kept is damaged: {damaged} short messages of it cannot be read and are left out");
            module.note(None, "messages", text);
        }
    }

    fn resume(x: &mut Exchange<'_>, op: SmsOp, event: Resume) -> Answer {
        match (op, event) {
            (SmsOp::Collect(collecting), Resume::Data(end, bytes)) => entry::entered(x, collecting, end, &bytes),
            (SmsOp::Send(sending), Resume::Query(result)) => send::answered(x, &sending, result),
            (SmsOp::Write(index), Resume::Store(result)) => {
                result.map_err(memory_failure)?;
                x.info(format_args!("+CMGW: {index}"));
                Ok(Outcome::Ok)
            }
            (SmsOp::Keep, Resume::Store(result)) => {
                result.map_err(memory_failure)?;
                Ok(Outcome::Ok)
            }
            (SmsOp::Settings, Resume::Store(result)) => {
                result.map_err(memory_failure)?;
                Ok(Outcome::Ok)
            }
            (SmsOp::Center(center), Resume::Store(result)) => {
                result.map_err(memory_failure)?;
                x.module.families.sms.center = Some(center);
                Ok(Outcome::Ok)
            }
            (op, _) => Ok(Outcome::Wait(Op::sms(op))),
        }
    }

    fn timer(module: &mut Module, timer: SmsTimer) {
        match timer {
            SmsTimer::Acknowledge => receive::not_acknowledged(module),
            SmsTimer::Retry => module.families.sms.held = false,
        }
    }

    fn stored(module: &mut Module, ticket: Ticket, result: Result<StoreReply, StoreError>) {
        receive::stored(module, ticket, result);
    }

    fn save(module: &Module, _line: LineId, settings: &mut String) {
        let sms = &module.families.sms;
        let Indications { mode, deliver, broadcast, report, clear } = sms.indications;
        let [read, write, receive] = sms.memories.map(Memory::name);
        setting(settings, "sms.text", u8::from(sms.text));
        setting(settings, "sms.headers", u8::from(sms.headers));
        setting(settings, "sms.service", sms.service);
        setting(settings, "sms.indications", format_args!("{mode},{deliver},{broadcast},{report},{clear}"));
        setting(settings, "sms.memories", format_args!("{read},{write},{receive}"));
        setting(settings, "sms.parameters", sms.parameters);
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        let sms = &mut module.families.sms;
        match key {
            "sms.text" => sms.text = value == "1",
            "sms.headers" => sms.headers = value == "1",
            "sms.service" => sms.service = u8::from(value == "1"),
            "sms.indications" => receive::load(sms, value),
            "sms.memories" => memory::load(sms, value),
            "sms.parameters" => settings::load_parameters(sms, value),
            CENTER_KEY => sms.center = settings::load_center(value),
            _ => {}
        }
    }

    fn factory(module: &mut Module) {
        let fresh = Self::new(&module.setup);
        let sms = &mut module.families.sms;
        sms.text = fresh.text;
        sms.headers = fresh.headers;
        sms.service = fresh.service;
        sms.indications = fresh.indications;
        sms.memories = fresh.memories;
        sms.parameters = fresh.parameters;
        sms.broadcasts = fresh.broadcasts;
        module.mailbox.blocked = false;
    }
}

/// The service centre's number: AT+CSCA's, or what the card brings.
fn center(module: &Module) -> Option<Address> {
    let brought = module.setup.profile.service_center;
    let brings = module.world.messages != MessageService::NoCenter;
    module.families.sms.center.clone().or_else(|| Address::dialled(brought).ok().filter(|_| brings))
}

/// Whether there is a card that can be used.
///
/// # Errors
/// `+CMS ERROR: 310` and others, as [`sim::required`].
fn card_required(module: &Module) -> Result<(), Fault> {
    sim::required(module).map_err(|fault| {
        let code = match fault.code {
            FinalCode::Cme(CmeError::SIM_NOT_INSERTED) => CmsError::SIM_NOT_INSERTED,
            FinalCode::Cme(CmeError::SIM_PIN_REQUIRED) => CmsError::SIM_PIN_REQUIRED,
            FinalCode::Cme(CmeError::SIM_PUK_REQUIRED) => CmsError::SIM_PUK_REQUIRED,
            FinalCode::Cme(CmeError::SIM_BUSY) => CmsError::SIM_BUSY,
            _ => CmsError::SIM_FAILURE,
        };
        Fault::cms(code, fault.why)
    })
}

/// Whether a memory can be reached.
fn accessible(module: &Module, memory: Memory) -> Result<(), Fault> {
    match memory {
        Memory::Card => card_required(module),
        Memory::Module => Ok(()),
    }
}

/// `+CMS ERROR: 304` in PDU mode, 305 in text mode.
fn invalid(x: &Exchange<'_>, why: impl Into<alloc::borrow::Cow<'static, str>>) -> Fault {
    let text = x.module.families.sms.text;
    Fault::cms(if text { CmsError::INVALID_TEXT } else { CmsError::INVALID_PDU }, why)
}

fn memory_failure(error: StoreError) -> Fault {
    Fault::cms(CmsError::MEMORY_FAILURE, format!("the messages could not be stored: {error}"))
}

/// Asks the store to keep the messages as they are now; `op` goes on with its answer.
fn keep(x: &mut Exchange<'_>, op: SmsOp) -> Answer {
    let bytes = x.module.mailbox.text();
    Ok(Outcome::Store(StoreRequest::Persist { section: Section::Messages, bytes }, Op::sms(op)))
}

/// The place of a message that the host names.
fn index(x: &mut Exchange<'_>, memory: Memory) -> Result<usize, Fault> {
    let number = x.args.number(0..=u32::MAX).map_err(|error| invalid(x, format!("{error}")))?;
    checked(x, memory, number)
}

fn checked(x: &Exchange<'_>, memory: Memory, number: u32) -> Result<usize, Fault> {
    let last = x.module.mailbox.capacity(memory);
    let index = usize::try_from(number).ok().filter(|index| (1..=last).contains(index));
    index.ok_or_else(|| {
        let why = format!("the indices of {} are 1 to {last}", memory.name());
        Fault::cms(CmsError::INVALID_INDEX, why)
    })
}

/// Nothing may follow.
fn finish(x: &mut Exchange<'_>) -> Result<(), Fault> {
    x.args.finish().map_err(|error| invalid(x, format!("{error}")))
}
