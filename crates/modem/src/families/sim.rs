//! The card: CPIN with PIN and PUK.
//!
//! Reference: TS 27.007 8.3; the module's manual, AT+CPIN. The card itself (its PIN, how many tries are left) is in
//! [`Module::card`](crate::module::Module) and outlives a restart, as a card does; the family's state does not.

use alloc::borrow::Cow;
use alloc::string::String;
use at::CmeError;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example};
use crate::exchange::Exchange;
use crate::families::{Family, FamilyTimer, Never, network};
use crate::io::{Account, Card, LineId};
use crate::module::{Module, setting};
use crate::setup::Setup;

/// Wrong PINs that block a card (TS 102 221).
const PIN_TRIES: u8 = 3;
/// Wrong PUKs that block it for ever.
const PUK_TRIES: u8 = 10;

/// How many tries the card in the slot has left. Belongs to the card: outlives a restart, new with a new card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tries {
    pin: u8,
    puk: u8,
}

impl Tries {
    /// A fresh card's.
    const fn new() -> Self {
        Self { pin: PIN_TRIES, puk: PUK_TRIES }
    }

    /// Those of a card as it comes into the slot.
    pub(crate) fn of(card: Option<&Card>) -> Self {
        match card {
            Some(Card { blocked: true, .. }) => Self { pin: 0, ..Self::new() },
            _ => Self::new(),
        }
    }
}

/// Where the card is with its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// None since power-on.
    Absent,
    /// Taken out while the module ran.
    Removed,
    /// In, not answering yet.
    Starting,
    /// Answers. Whether it waits for something follows from the card and `unlocked`.
    Started,
}

/// The family's state.
#[derive(Debug)]
pub(crate) struct Sim {
    state: State,
    /// The PIN was given since the card started.
    unlocked: bool,
    /// Whether changes of cards are reported (AT+CSDT).
    reports: bool,
}

/// The family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SimTimer {
    /// After power-on: the card has started, or the module has found that there is none.
    Boot,
    /// A card that was put in while the module ran has started.
    Inserted,
}

/// What a card in the slot says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Absent,
    Removed,
    Starting,
    Pin,
    Puk,
    /// Too many wrong PUKs.
    Dead,
    Ready,
}

const CPIN: Command = Command {
    syntax: &["AT+CPIN=<pin>", "AT+CPIN=<puk>,<new pin>", "AT+CPIN?", "AT+CPIN=?"],
    reference: "TS 27.007 8.3; manual AT+CPIN",
    evidence: Evidence::Documented,
    remarks: "PIN: 4 to 8 digits, PUK: 8. Three wrong PINs lead to SIM PUK, ten wrong PUKs to +CME ERROR: 13 for \
              good; a restart gives no new tries. Wrong PIN or PUK: +CME ERROR: 16. A PIN while the card waits for \
              its PUK: 12. Nothing to unlock: 3 (the last three by TS 27.007 or assumed).",
    longest: 180_000,
    read: Some(read),
    set: Some(enter),
    examples: &[
        example("AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n"),
        example("AT+CPIN=1234", "\r\n+CME ERROR: 3\r\n"),
        example("AT+CPIN=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+CPIN", "The card's state; enter its PIN")
};

const CSDT: Command = Command {
    syntax: &["AT+CSDT=<0,1>", "AT+CSDT?", "AT+CSDT=?"],
    reference: "manual AT+CSDT",
    evidence: Evidence::Documented,
    remarks: "Default 1; kept by AT&W. With 0 a change of cards is noticed and not reported (both assumed).",
    read: Some(read_detection),
    set: Some(set_detection),
    test: Test::Text("+CSDT: (0,1)"),
    examples: &[
        example("AT+CSDT?", "\r\n+CSDT: 1\r\n\r\nOK\r\n"),
        example("AT+CSDT=1;&W", "\r\nOK\r\n"),
    ],
    ..Command::new("+CSDT", "Whether a change of cards is reported")
};

impl Family for Sim {
    type Op = Never;
    type Timer = SimTimer;

    const COMMANDS: &'static [Command] = &[CPIN, CSDT];

    fn new(_setup: &Setup) -> Self {
        Self { state: State::Absent, unlocked: false, reports: true }
    }

    fn power_on(module: &mut Module) {
        module.families.sim.state = if module.world.card.is_some() { State::Starting } else { State::Absent };
        start_card(module, SimTimer::Boot);
    }

    fn resume(_x: &mut Exchange<'_>, op: Never, _event: Resume) -> Answer {
        match op {}
    }

    fn save(module: &Module, _line: LineId, settings: &mut String) {
        setting(settings, "sim.reports", u8::from(module.families.sim.reports));
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        if key == "sim.reports" {
            module.families.sim.reports = value != "0";
        }
    }

    fn factory(module: &mut Module) {
        module.families.sim.reports = true;
    }

    fn timer(module: &mut Module, timer: SimTimer) {
        let sim = &mut module.families.sim;
        if sim.state == State::Starting {
            sim.state = State::Started;
        }
        let quiet = timer == SimTimer::Boot && !module.setup.profile.card_ready_at_boot;
        let unasked = timer == SimTimer::Inserted && !module.families.sim.reports;
        match status(module) {
            Status::Dead => module.note(None, "card", words(Status::Dead)),
            Status::Starting => {}
            Status::Ready if quiet => {}
            _ if unasked => {}
            Status::Ready => announce(module, "READY"),
            Status::Pin => announce(module, "SIM PIN"),
            Status::Puk => announce(module, "SIM PUK"),
            Status::Absent | Status::Removed => announce(module, "SIM REMOVED"),
        }
        network::conditions_changed(module);
    }
}

/// Refuses a command that needs a card while there is none that is ready, as [`required`].
pub(crate) fn check_card(x: &mut Exchange<'_>, command: &Command) -> Result<(), Fault> {
    if command.needs_card { required(x.module) } else { Ok(()) }
}

/// Whether the card can be used.
///
/// # Errors
/// `+CME ERROR: 10` (none), 14 (starting), 11 (waits for its PIN), 12 (PUK), 13 (blocked for good).
pub(crate) fn required(module: &Module) -> Result<(), Fault> {
    match status(module) {
        Status::Pin => Err(Fault::cme(CmeError::SIM_PIN_REQUIRED, words(Status::Pin))),
        Status::Puk => Err(puk_required()),
        _ => readable(module),
    }
}

/// Whether the card is in, started and unlocked.
pub(crate) fn ready(module: &Module) -> bool {
    status(module) == Status::Ready
}

/// Whether what a card tells without its PIN can be read.
///
/// # Errors
/// `+CME ERROR: 10`, 14 or 13.
pub(crate) fn readable(module: &Module) -> Result<(), Fault> {
    match status(module) {
        Status::Absent | Status::Removed => {
            Err(Fault::cme(CmeError::SIM_NOT_INSERTED, words(Status::Absent)))
        }
        Status::Starting => {
            Err(Fault::cme(CmeError::SIM_BUSY, words(Status::Starting)))
        }
        Status::Dead => Err(dead()),
        Status::Pin | Status::Puk | Status::Ready => Ok(()),
    }
}

/// The card was taken out or another one put in, while the module runs or not.
pub(crate) fn card_changed(module: &mut Module, card: Option<Card>) {
    module.tries = Tries::of(card.as_ref());
    module.world.card = card;
    if !module.running {
        return;
    }
    module.cancel(FamilyTimer::sim(SimTimer::Boot));
    module.cancel(FamilyTimer::sim(SimTimer::Inserted));
    let sim = &mut module.families.sim;
    sim.unlocked = false;
    sim.state = if module.world.card.is_some() { State::Starting } else { State::Removed };
    network::conditions_changed(module);
    if module.world.card.is_some() {
        start_card(module, SimTimer::Inserted);
    } else if module.families.sim.reports {
        announce(module, "SIM REMOVED");
    }
}

/// The operator lets the card do more, or less.
pub(crate) fn account_changed(module: &mut Module, account: Account) {
    if let Some(card) = &mut module.world.card {
        card.account = account;
    }
    if module.running {
        network::conditions_changed(module);
    }
}

/// What its operator lets the card do.
pub(crate) fn account(module: &Module) -> Account {
    module.world.card.as_ref().map_or(Account::Good, |card| card.account)
}

/// What is wrong with the card, for people: which command shows it, and what to do.
pub(crate) fn cause(module: &Module) -> Option<Cow<'static, str>> {
    let status = status(module);
    let text = match account(module) {
        _ if status != Status::Ready => words(status),
        Account::Good => return None,
        Account::Arrears => {
            "the card is in arrears, so it gets GSM only, without data (AT+COPS? ends in 0 instead of 7, AT+CGATT? shows \
             0): pay the operator"
        }
        Account::Refused => {
            "the network refuses this card (AT+CREG? shows 3): it is for another network or kind of device; put in another \
             one"
        }
    };
    Some(Cow::Borrowed(text))
}

fn words(status: Status) -> &'static str {
    match status {
        Status::Absent | Status::Removed => "there is no card in the slot (AT+CPIN? shows it): put one in",
        Status::Starting => {
            "the card is still starting (AT+CPIN? shows +CME ERROR: 14): wait up to 10 s, then restart the module"
        }
        Status::Pin => "the card waits for its PIN (AT+CPIN? shows SIM PIN): enter it with AT+CPIN=<pin>",
        Status::Puk => {
            "the card is blocked by wrong PINs (AT+CPIN? shows SIM PUK): AT+CPIN=<puk>,<new pin> unblocks it"
        }
        Status::Dead => {
            "the card is blocked for good, by too many wrong PUKs (AT+CPIN? shows +CME ERROR: 13): put in another one"
        }
        Status::Ready => "the card is ready",
    }
}

/// The card starts, or the module finds out that there is none.
fn start_card(module: &mut Module, timer: SimTimer) {
    let normal = module.setup.profile.timing.card_ready;
    let delay = if module.world.card.is_some() { module.world.card_start.take(normal) } else { Some(normal) };
    match delay {
        Some(delay) => module.arm(FamilyTimer::sim(timer), delay),
        None => module.note(
            None,
            "card",
            "the card does not answer (no +CPIN: READY within 10 s, AT+CPIN? shows +CME ERROR: 14): restart the module",
        ),
    }
}

fn announce(module: &mut Module, state: &str) {
    module.urc_all(format_args!("+CPIN: {state}"));
}

fn status(module: &Module) -> Status {
    let sim = &module.families.sim;
    match (sim.state, &module.world.card) {
        (State::Removed, _) => Status::Removed,
        (State::Absent, _) | (_, None) => Status::Absent,
        (State::Starting, Some(_)) => Status::Starting,
        (State::Started, Some(_)) if module.tries.puk == 0 => Status::Dead,
        (State::Started, Some(_)) if module.tries.pin == 0 => Status::Puk,
        (State::Started, Some(card)) if card.pin.is_some() && !sim.unlocked => Status::Pin,
        (State::Started, Some(_)) => Status::Ready,
    }
}

fn puk_required() -> Fault {
    Fault::cme(CmeError::SIM_PUK_REQUIRED, words(Status::Puk))
}

fn dead() -> Fault {
    Fault::cme(CmeError::SIM_FAILURE, words(Status::Dead))
}

fn read(x: &mut Exchange<'_>) -> Answer {
    let state = match status(x.module) {
        Status::Ready => "READY",
        Status::Pin => "SIM PIN",
        Status::Puk => "SIM PUK",
        Status::Removed => "SIM REMOVED",
        Status::Absent | Status::Starting | Status::Dead => {
            readable(x.module)?;
            return Ok(Outcome::Ok);
        }
    };
    x.info(format_args!("+CPIN: {state}"));
    Ok(Outcome::Ok)
}

fn read_detection(x: &mut Exchange<'_>) -> Answer {
    let reports = u8::from(x.module.families.sim.reports);
    x.info(format_args!("+CSDT: {reports}"));
    Ok(Outcome::Ok)
}

fn set_detection(x: &mut Exchange<'_>) -> Answer {
    let reports = x.args.flag()?;
    x.args.finish()?;
    x.module.families.sim.reports = reports;
    Ok(Outcome::Ok)
}

fn enter(x: &mut Exchange<'_>) -> Answer {
    let code = String::from(x.args.text(8)?);
    let new = x.args.opt_text(8)?.map(String::from);
    x.args.finish()?;
    if !code_is_valid(&code) || new.as_deref().is_some_and(|new| !code_is_valid(new)) {
        return Err(Fault::error("a PIN has 4 to 8 digits, a PUK 8; no try was used up"));
    }
    readable(x.module)?;
    match (status(x.module), new) {
        (Status::Pin, None) => enter_pin(x, &code),
        (Status::Pin, Some(_)) => Err(Fault::error(
            "a new PIN goes with the PUK only; the card waits for its PIN, no try was used up",
        )),
        (Status::Puk, Some(new)) => enter_puk(x, &code, new),
        (Status::Puk, None) => Err(puk_required()),
        _ => Err(Fault::not_allowed("the card waits for no PIN")),
    }
}

fn code_is_valid(code: &str) -> bool {
    (4..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit())
}

fn enter_pin(x: &mut Exchange<'_>, pin: &str) -> Answer {
    let right = x.module.world.card.as_ref().is_some_and(|card| card.pin.as_deref() == Some(pin));
    if !right {
        let left = &mut x.module.tries.pin;
        *left = left.saturating_sub(1);
        return Err(wrong("PIN", *left));
    }
    unlock(x.module);
    Ok(Outcome::Ok)
}

fn enter_puk(x: &mut Exchange<'_>, puk: &str, new: String) -> Answer {
    match x.module.world.card.as_mut().filter(|card| card.puk == puk) {
        Some(card) => card.pin = Some(new),
        None => {
            let left = &mut x.module.tries.puk;
            *left = left.saturating_sub(1);
            return Err(wrong("PUK", *left));
        }
    }
    unlock(x.module);
    Ok(Outcome::Ok)
}

fn wrong(what: &str, left: u8) -> Fault {
    Fault::cme(CmeError::INCORRECT_PASSWORD, alloc::format!("wrong {what}; the card takes {left} more"))
}

fn unlock(module: &mut Module) {
    module.tries = Tries::new();
    module.families.sim.unlocked = true;
    announce(module, "READY");
    network::conditions_changed(module);
}
