//! Bearers for applications (HTTP, FTP, NTP): SAPBR.
//!
//! Reference: the module's manual, chapter "IP applications". A bearer of an application rides on the default packet context
//! beside the TCP/IP bearer (CSTT, CIICR): neither needs the other, and an open SAPBR does not leave IP INITIAL.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::packet::{self, Access};
use crate::families::network::{self, AfterAttach};
use crate::families::{Family, FamilyTimer, Op, clock, ftp, http};
use crate::module::Module;
use crate::setup::Setup;
use at::CmeError;

/// Bearers, numbered from 1.
const BEARERS: usize = 3;
/// TS 27.007 9.2.2: "unspecified GPRS error".
const UNSPECIFIED: CmeError = CmeError(148);
/// How long an opening waits to be attached, in milliseconds: the documented 85 s, less what the bearer itself takes.
const ATTACH_LIMIT: u64 = 80_000;
/// Longest APN, user name, password and number.
const LONGEST: usize = 50;

/// The family's state.
#[derive(Debug, Default)]
pub(crate) struct Sapbr {
    bearers: [Bearer; BEARERS],
}

/// One bearer.
#[derive(Debug, Default)]
struct Bearer {
    state: State,
    /// What it was opened with.
    used: Option<Box<Access>>,
    /// What has been set about it, if anything.
    set: Option<Box<Parameters>>,
}

/// What can be set about a bearer.
#[derive(Clone, Debug)]
struct Parameters {
    /// CONTYPE says CSD.
    circuit: bool,
    access: Access,
    number: String,
    rate: u8,
}

impl Default for Parameters {
    /// At power-on: GPRS, 9600 bit/s (assumed).
    fn default() -> Self {
        Self { circuit: false, access: Access::default(), number: String::new(), rate: 2 }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    Connecting,
    Open,
    #[default]
    Closed,
}

impl State {
    /// As `AT+SAPBR=2` prints it; 2, closing, takes no time.
    fn number(self) -> u8 {
        match self {
            Self::Connecting => 0,
            Self::Open => 1,
            Self::Closed => 3,
        }
    }
}

/// What an open command of this family waits for.
#[derive(Debug)]
pub(crate) enum SapbrOp {
    /// Type 1: until this bearer is open, or is not going to be.
    Open(u8),
}

/// This family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SapbrTimer {
    /// The network answers the activation for this bearer.
    Answer(u8),
}

impl Family for Sapbr {
    type Op = SapbrOp;
    type Timer = SapbrTimer;

    const COMMANDS: &'static [Command] = &[Command {
        syntax: &[
            "AT+SAPBR=0,<bearer 1-3>   close",
            "AT+SAPBR=1,<bearer>   open",
            "AT+SAPBR=2,<bearer>   state: 0 connecting, 1 connected, 2 closing, 3 closed",
            "AT+SAPBR=3,<bearer>,<CONTYPE|APN|USER|PWD|PHONENUM|RATE>,<value>   set",
            "AT+SAPBR=4,<bearer>[,<tag>]   show",
            "AT+SAPBR=?",
        ],
        reference: "manual AT+SAPBR",
        evidence: Evidence::Documented,
        remarks: "Tags in any case, quoted or bare; texts of at most 50 bytes; an empty APN is the default context's. What is set counts \
                  from the next opening. Opening one that is open and closing one that is closed: +CME ERROR: 3; opening \
                  while the packet domain is not attached attaches first, which may take 80 s, with AT+CGATT=1's errors; refused by the network: \
                  +CME ERROR: 148 (all assumed). Type 4 without a tag prints all of them (assumed). AT+CIPSHUT leaves these bearers alone \
                  (assumed); a loss of the packet context says +SAPBR <bearer>: DEACT on every line.",
        longest: 85_000,
        needs_card: true,
        set: Some(act),
        test: Test::Text("+SAPBR: (0-4),(1-3),\"ConParamTag\",\"ConParamValue\""),
        examples: &[
            example("AT+SAPBR=3,1,\"CONTYPE\",\"GPRS\"", "\r\nOK\r\n"),
            example("AT+SAPBR=3,1,\"Apn\",\"\"", "\r\nOK\r\n"),
            example("AT+SAPBR=1,1", "\r\nOK\r\n"),
            example_after(&["AT+SAPBR=1,1"], "AT+SAPBR=1,1", "\r\n+CME ERROR: 3\r\n"),
            example("AT+SAPBR=2,1", "\r\n+SAPBR: 1,3,\"0.0.0.0\"\r\n\r\nOK\r\n"),
            example("AT+SAPBR=0,1", "\r\n+CME ERROR: 3\r\n"),
            example_after(&["AT+SAPBR=1,1"], "AT+SAPBR=0,1", "\r\nOK\r\n"),
            example_after(
                &["AT+SAPBR=3,2,APN,cmnet"],
                "AT+SAPBR=4,2,APN",
                "\r\n+SAPBR:APN,cmnet\r\n\r\nOK\r\n",
            ),
            example("AT+SAPBR=5,1", "\r\nERROR\r\n"),
            example(
                "AT+SAPBR=?",
                "\r\n+SAPBR: (0-4),(1-3),\"ConParamTag\",\"ConParamValue\"\r\n\r\nOK\r\n",
            ),
        ],
        ..Command::new("+SAPBR", "Bearers for applications")
    }];

    fn new(_setup: &Setup) -> Self {
        Self::default()
    }

    fn resume(x: &mut Exchange<'_>, SapbrOp::Open(number): SapbrOp, _event: Resume) -> Answer {
        match bearer(x.module, number).map(|bearer| bearer.state) {
            Some(State::Connecting) => Ok(wait(number)),
            Some(State::Open) => Ok(Outcome::Ok),
            Some(State::Closed) | None if !granted(x.module, number) => Err(refused(x.module)),
            Some(State::Closed) | None => {
                Err(Fault::not_allowed("the bearer was closed, or the network lost, while it was being opened"))
            }
        }
    }

    fn timer(module: &mut Module, SapbrTimer::Answer(number): SapbrTimer) {
        let up = network::attached(module) && granted(module, number);
        if up {
            packet::activate_default(module);
        }
        if let Some(bearer) = bearer_mut(module, number) {
            bearer.state = if up { State::Open } else { State::Closed };
        }
        resume_opener(module, number);
    }
}

/// Whether an application's bearer (1 to 3) is open.
pub(crate) fn is_open(module: &Module, number: u8) -> bool {
    bearer(module, number).is_some_and(|bearer| bearer.state == State::Open)
}

/// The APN, user name and password that an application's bearer was opened with.
pub(crate) fn access(module: &Module, number: u8) -> Access {
    bearer(module, number).and_then(|bearer| bearer.used.as_deref()).cloned().unwrap_or_default()
}

/// The packet context under all of them is gone.
pub(crate) fn context_lost(module: &mut Module) {
    for number in 1..=BEARERS as u8 {
        let Some(bearer) = bearer_mut(module, number) else { continue };
        match core::mem::take(&mut bearer.state) {
            State::Closed => {}
            State::Connecting => stop(module, number),
            State::Open => {
                module.urc_all(format_args!("+SAPBR {number}: DEACT"));
                closed(module, number);
            }
        }
    }
}

fn bearer(module: &Module, number: u8) -> Option<&Bearer> {
    module.families.sapbr.bearers.get(usize::from(number).checked_sub(1)?)
}

fn bearer_mut(module: &mut Module, number: u8) -> Option<&mut Bearer> {
    module.families.sapbr.bearers.get_mut(usize::from(number).checked_sub(1)?)
}

/// Whether the network grants this bearer, with its APN.
fn granted(module: &Module, number: u8) -> bool {
    packet::grants_context(module, &access(module, number).apn)
}

fn refused(module: &Module) -> Fault {
    Fault::cme(UNSPECIFIED, module.with_cause("the network refuses the bearer"))
}

fn wait(number: u8) -> Outcome {
    Outcome::Wait(Op::sapbr(SapbrOp::Open(number)))
}

fn resume_opener(module: &mut Module, number: u8) {
    let opens = |op: &Op| matches!(op, Op::sapbr(SapbrOp::Open(opening)) if *opening == number);
    if let Some(line) = module.waiting(opens) {
        module.resume(line, Resume::Event);
    }
}

/// An opening comes to nothing.
fn stop(module: &mut Module, number: u8) {
    module.cancel(FamilyTimer::sapbr(SapbrTimer::Answer(number)));
    resume_opener(module, number);
}

/// Tells who runs on a bearer that it is closed.
fn closed(module: &mut Module, number: u8) {
    clock::application_bearer_closed(module, number);
    http::bearer_lost(module, number);
    ftp::bearer_lost(module, number);
}

fn act(x: &mut Exchange<'_>) -> Answer {
    let kind = x.args.small(0..=4)?;
    let number = x.args.small(1..=BEARERS as u8)?;
    match kind {
        3 => return set(x, number),
        4 => return show(x, number),
        _ => x.args.finish()?,
    }
    let state = bearer(x.module, number).map_or(State::Closed, |bearer| bearer.state);
    match kind {
        0 if state == State::Closed => Err(Fault::not_allowed(format!("bearer {number} is not open"))),
        0 => {
            if let Some(bearer) = bearer_mut(x.module, number) {
                bearer.state = State::Closed;
            }
            if state == State::Connecting {
                stop(x.module, number);
            } else {
                closed(x.module, number);
            }
            Ok(Outcome::Ok)
        }
        1 => open(x, number),
        _ => {
            let address = packet::default_address(x.module).filter(|_| state == State::Open);
            match address {
                Some(address) => x.info(format_args!("+SAPBR: {number},1,\"{address}\"")),
                None => x.info(format_args!("+SAPBR: {number},{},\"0.0.0.0\"", state.number())),
            }
            Ok(Outcome::Ok)
        }
    }
}

/// Opens a bearer, after an attach where it takes one.
pub(crate) fn open(x: &mut Exchange<'_>, number: u8) -> Answer {
    if bearer(x.module, number).is_some_and(|bearer| bearer.state != State::Closed) {
        return Err(Fault::not_allowed(format!("bearer {number} is open, or being opened")));
    }
    if !network::attached(x.module) {
        return network::attach_for(x, AfterAttach::Bearer(number), ATTACH_LIMIT);
    }
    if let Some(bearer) = bearer_mut(x.module, number) {
        bearer.used = bearer.set.as_ref().map(|set| Box::new(set.access.clone()));
    }
    let up = packet::default_address(x.module).is_some();
    if up && !granted(x.module, number) {
        return Err(refused(x.module));
    }
    let delay = x.profile().timing.bearer_up;
    let Some(bearer) = bearer_mut(x.module, number) else { return Ok(Outcome::Ok) };
    if up {
        bearer.state = State::Open;
        return Ok(Outcome::Ok);
    }
    bearer.state = State::Connecting;
    x.module.arm(FamilyTimer::sapbr(SapbrTimer::Answer(number)), delay);
    Ok(wait(number))
}

/// The names of what can be set about a bearer.
#[derive(Clone, Copy)]
enum Tag {
    ConnectionType,
    Apn,
    User,
    Password,
    Number,
    Rate,
}

const TAGS: [(Tag, &str); 6] = [
    (Tag::ConnectionType, "CONTYPE"),
    (Tag::Apn, "APN"),
    (Tag::User, "USER"),
    (Tag::Password, "PWD"),
    (Tag::Number, "PHONENUM"),
    (Tag::Rate, "RATE"),
];

fn tag(typed: &str) -> Result<Tag, Fault> {
    let known = TAGS.into_iter().find(|(_, name)| name.eq_ignore_ascii_case(typed));
    known.map(|(tag, _)| tag).ok_or_else(|| {
        Fault::error("the tags are CONTYPE, APN, USER, PWD, PHONENUM and RATE")
    })
}

fn set(x: &mut Exchange<'_>, number: u8) -> Answer {
    let tag = tag(x.args.text(LONGEST)?)?;
    if x.args.left() == 0 {
        return Err(Fault::error("the value is missing; an empty one is written \"\""));
    }
    if matches!(tag, Tag::Rate) {
        let rate = x.args.small(0..=3)?;
        x.args.finish()?;
        if let Some(bearer) = bearer_mut(x.module, number) {
            bearer.set.get_or_insert_default().rate = rate;
        }
        return Ok(Outcome::Ok);
    }
    let value = x.args.opt_text(LONGEST)?.unwrap_or_default();
    x.args.finish()?;
    let Some(bearer) = bearer_mut(x.module, number) else { return Ok(Outcome::Ok) };
    let set = bearer.set.get_or_insert_default();
    match tag {
        Tag::ConnectionType if value.eq_ignore_ascii_case("GPRS") => set.circuit = false,
        Tag::ConnectionType if value.eq_ignore_ascii_case("CSD") => set.circuit = true,
        Tag::ConnectionType => return Err(Fault::error("the connection type is GPRS or CSD")),
        Tag::Apn => set.access.apn = value.into(),
        Tag::User => set.access.user = value.into(),
        Tag::Password => set.access.password = value.into(),
        Tag::Number => set.number = value.into(),
        Tag::Rate => {}
    }
    Ok(Outcome::Ok)
}

fn show(x: &mut Exchange<'_>, number: u8) -> Answer {
    let wanted = x.args.opt_text(LONGEST)?.map(tag).transpose()?;
    x.args.finish()?;
    let set = bearer(x.module, number).and_then(|bearer| bearer.set.as_deref()).cloned().unwrap_or_default();
    for (tag, name) in TAGS {
        if wanted.is_some_and(|wanted| wanted as u8 != tag as u8) {
            continue;
        }
        match tag {
            Tag::ConnectionType => {
                let kind = if set.circuit { "CSD" } else { "GPRS" };
                x.reply.info(format_args!("+SAPBR:{name},{kind}"));
            }
            Tag::Apn => x.reply.info(format_args!("+SAPBR:{name},{}", set.access.apn)),
            Tag::User => x.reply.info(format_args!("+SAPBR:{name},{}", set.access.user)),
            Tag::Password => x.reply.info(format_args!("+SAPBR:{name},{}", set.access.password)),
            Tag::Number => x.reply.info(format_args!("+SAPBR:{name},{}", set.number)),
            Tag::Rate => x.reply.info(format_args!("+SAPBR:{name},{}", set.rate)),
        }
    }
    Ok(Outcome::Ok)
}
