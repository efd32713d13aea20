//! The module's inside: state of all families, its lines, timers and what it wants to cause.

mod air;
mod cause;
mod connect;
mod life;
mod ports;
mod run;

use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use at::{Args, DataEnd, Reply};
use core::fmt::{self, Write as _};
use core::mem;

use crate::command::Resume;
use crate::exchange::Exchange;
use crate::families::{self, Families, FamilyTimer, Op};
use crate::io::{
    ConnId, LineId, LineKind, Note, Output, QueryId, Section, StoreRequest, Ticket, Time, World,
};
use crate::line::{Awaits, Line, LineState};
use crate::setup::Setup;
use crate::timer::{Timer, Timers};
pub(crate) use connect::{Opening, Session, peer};

/// Everything inside one module. Families reach each other's state through it; the outside sees only
/// [`Modem`](crate::Modem).
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) setup: Setup,
    pub(crate) now: Time,
    pub(crate) world: World,
    /// What the card in the slot remembers over a restart.
    pub(crate) tries: families::sim::Tries,
    /// Whether the module runs. Off, or between a restart and its boot, it takes nothing and says nothing.
    pub(crate) running: bool,
    /// Whether it hangs in its boot: only the reset pin helps.
    hangs: bool,
    /// When it last came up.
    pub(crate) booted: Time,
    pub(crate) families: Families,
    lines: Vec<Line>,
    timers: Timers,
    air: air::Air,
    outputs: VecDeque<Output>,
    next_ticket: u32,
    next_conn: u32,
    next_query: u32,
    /// What is on its way to the store to be kept. It counts from the store's answer on, whatever has become of the
    /// command by then.
    persisting: Vec<(Ticket, Section, Kept)>,
    /// The short messages on the card and in the module's flash, and those that the network has for it. Outlives a restart.
    pub(crate) mailbox: families::sms::Mailbox,
}

/// What is to be kept. Its `Debug` form hides it.
struct Kept(Vec<u8>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Module {
    pub(crate) fn new(setup: Setup) -> Self {
        let kinds = if setup.lines.is_empty() { &[LineKind::Plain] } else { setup.lines.as_slice() };
        let lines = kinds.iter().map(|&kind| Line::new(setup.profile, kind)).collect();
        Self {
            now: Time(0),
            world: setup.world.clone(),
            tries: families::sim::Tries::of(setup.world.card.as_ref()),
            running: false,
            hangs: false,
            booted: Time(0),
            families: Families::new(&setup),
            lines,
            timers: Timers::default(),
            air: air::Air::default(),
            outputs: VecDeque::new(),
            next_ticket: 0,
            next_conn: 0,
            next_query: 0,
            persisting: Vec::new(),
            mailbox: families::sms::Mailbox::new(setup.profile, setup.messages.as_deref()),
            setup,
        }
    }

    /// Applies the settings that AT&W stored, as at power-on (also ATZ).
    pub(crate) fn load_settings(&mut self) {
        let settings = self.setup.settings.clone().unwrap_or_default();
        let mut damaged = 0;
        for line in String::from_utf8_lossy(&settings).lines() {
            match line.split_once('=') {
                Some((key, value)) => families::load(self, key, value),
                None => damaged += 1,
            }
        }
        if damaged > 0 {
            let text = format!(
                "what AT&W stored is damaged ({damaged} lines of it are no settings); what is missing is as from the factory"
            );
            self.note(None, "settings", text);
        }
        // What comes in may go to another memory now.
        self.mailbox.blocked = false;
    }

    // --- what families use -------------------------------------------------------------------------------------

    /// A line's state.
    pub(crate) fn line_mut(&mut self, line: LineId) -> &mut Line {
        let last = self.lines.len() - 1;
        &mut self.lines[usize::from(line.0).min(last)]
    }

    /// A line's state, to look at; `None` if there is no such line.
    pub(crate) fn line(&self, line: LineId) -> Option<&Line> {
        self.lines.get(usize::from(line.0))
    }

    /// All lines.
    pub(crate) fn line_ids(&self) -> impl Iterator<Item = LineId> + use<> {
        (0..self.lines.len()).map(|i| LineId(u8::try_from(i).unwrap_or(u8::MAX)))
    }

    /// Bytes that wait for a line to take them.
    pub(crate) fn backlog(&mut self, line: LineId) -> usize {
        self.line_mut(line).backlog()
    }

    /// An unsolicited line on one line, framed; held back while a command is open there.
    pub(crate) fn urc(&mut self, line: LineId, text: fmt::Arguments<'_>) {
        self.urc_with(line, text, &[]);
    }

    /// An unsolicited line followed by payload, as one piece.
    pub(crate) fn urc_with(&mut self, line: LineId, text: fmt::Arguments<'_>, payload: &[u8]) {
        let limit = self.setup.profile.line_backlog;
        let line = self.line_mut(line);
        if line.drops_unsolicited(limit) {
            return;
        }
        let mut reply = Reply::new(mem::take(&mut line.urcs), line.format);
        reply.info(text);
        reply.raw(payload);
        line.urcs = reply.into_bytes();
    }

    /// An unsolicited line that ends in bytes as they are.
    pub(crate) fn urc_ending(&mut self, line: LineId, text: fmt::Arguments<'_>, bytes: &[u8]) {
        let limit = self.setup.profile.line_backlog;
        let line = self.line_mut(line);
        if line.drops_unsolicited(limit) {
            return;
        }
        let mut reply = Reply::new(mem::take(&mut line.urcs), line.format);
        reply.info_with(text, bytes);
        line.urcs = reply.into_bytes();
    }

    /// Says something on a line at once, behind the unsolicited lines that wait. No command may be open there.
    pub(crate) fn say(&mut self, line: LineId, text: fmt::Arguments<'_>) {
        let line = self.line_mut(line);
        line.out.append(&mut line.urcs);
        let mut reply = Reply::new(mem::take(&mut line.out), line.format);
        reply.info(text);
        line.out = reply.into_bytes();
    }

    /// Payload on a line without any header, in order with the unsolicited lines.
    pub(crate) fn urc_raw(&mut self, line: LineId, payload: &[u8]) {
        self.line_mut(line).urcs.extend_from_slice(payload);
    }

    /// An unsolicited line on every line.
    pub(crate) fn urc_all(&mut self, text: fmt::Arguments<'_>) {
        for line in self.line_ids() {
            self.news(line, text, &[]);
        }
    }

    /// An unsolicited line about the module, perhaps with payload. Unlike those about a line's links, nothing that the line
    /// itself does bounds how many come while its command is open (a prompt may wait for ever): what is over is lost.
    pub(crate) fn news(&mut self, id: LineId, text: fmt::Arguments<'_>, payload: &[u8]) {
        let limit = NEWS_BACKLOGS * self.setup.profile.line_backlog;
        let line = self.line_mut(id);
        if !line.is_idle() && line.urcs.len() > limit {
            return;
        }
        self.urc_with(id, text, payload);
    }

    /// Arms a family's timer, `millis` from now.
    pub(crate) fn arm(&mut self, timer: FamilyTimer, millis: u64) {
        self.timers.arm(Timer::Family(timer), self.now + millis);
    }

    /// Disarms a family's timer.
    pub(crate) fn cancel(&mut self, timer: FamilyTimer) {
        self.timers.cancel(Timer::Family(timer));
    }

    /// A number for a new connection.
    fn new_conn(&mut self) -> ConnId {
        self.next_conn = self.next_conn.wrapping_add(1);
        ConnId(self.next_conn)
    }

    /// A number for a new question.
    fn new_query(&mut self) -> QueryId {
        self.next_query = self.next_query.wrapping_add(1);
        QueryId(self.next_query)
    }

    /// Asks the store something that no open command waits for; [`Family::stored`](families::Family::stored) takes the answer.
    pub(crate) fn store(&mut self, request: StoreRequest) -> Ticket {
        self.next_ticket = self.next_ticket.wrapping_add(1);
        let ticket = Ticket(self.next_ticket);
        if let StoreRequest::Persist { section, bytes } = &request {
            self.persisting.push((ticket, *section, Kept(bytes.clone())));
        }
        if let StoreRequest::Write { path, .. }
        | StoreRequest::Delete(path)
        | StoreRequest::Commit { path, .. } = &request
        {
            families::http::file_changes(self, path);
        }
        self.outputs.push_back(Output::Store { ticket, request });
        ticket
    }

    /// An explanation for people. No secrets, no payload.
    pub(crate) fn note(&mut self, line: Option<LineId>, subject: &str, text: impl Into<Cow<'static, str>>) {
        let text = text.into().into_owned();
        self.outputs.push_back(Output::Note(Note { line, subject: String::from(subject), text }));
    }

    /// The line whose open command `matches`, if any.
    pub(crate) fn waiting(&self, matches: impl Fn(&Op) -> bool) -> Option<LineId> {
        let index = self.lines.iter().position(|line| match &line.state {
            LineState::Open(open) => open.awaits == Awaits::Event && matches(&open.op),
            LineState::Idle | LineState::Paused(_) => false,
        })?;
        u8::try_from(index).ok().map(LineId)
    }

    /// Whether a line's open command `matches`.
    pub(crate) fn is_open(&self, matches: impl Fn(&Op) -> bool) -> bool {
        self.lines.iter().any(|line| matches!(&line.state, LineState::Open(open) if matches(&open.op)))
    }

    /// Goes on with a line's open command.
    pub(crate) fn resume(&mut self, line: LineId, event: Resume) {
        if !matches!(self.line_mut(line).state, LineState::Open(_)) {
            return;
        }
        let state = mem::replace(&mut self.line_mut(line).state, LineState::Idle);
        let LineState::Open(open) = state else { return };
        self.timers.cancel(Timer::DataPhase(line));
        let reply = self.begin_reply(line);
        let mut x = Exchange { module: self, line, args: Args::new(b""), command: None, reply };
        let answer = families::resume(&mut x, open.op, event);
        let reply = x.reply;
        self.settle(line, open.text, open.position, open.subject, answer, reply);
    }

    // --- time and outputs --------------------------------------------------------------------------------------

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Lets time pass: every timer fires at its own time, in order.
    pub(crate) fn advance(&mut self, now: Time) {
        let target = now.max(self.now);
        while let Some((at, timer)) = self.timers.due(target) {
            self.now = at.max(self.now);
            match timer {
                Timer::DataPhase(line) => {
                    let reader = &mut self.line_mut(line).reader;
                    let too_long = reader.data_overflowed();
                    let bytes = reader.take_data();
                    let event = match too_long {
                        true => Resume::Data(DataEnd::TooLong, bytes),
                        false => Resume::DataTimeout(bytes),
                    };
                    self.resume(line, event);
                    self.pump(line);
                }
                Timer::Restart => self.switch_on(),
                Timer::Boot => self.boot(),
                Timer::Ring(line) => self.line_mut(line).port.ringing = false,
                Timer::Air => self.air_due(),
                Timer::Family(timer) => families::timer(self, timer),
            }
            self.flush();
        }
        self.now = target;
    }

    /// Moves what the lines have to say into outputs, unsolicited lines only where no command is open.
    pub(crate) fn flush(&mut self) {
        // A command that was resumed by an event may have left more commands queued behind it.
        for id in self.line_ids() {
            self.pump(id);
        }
        families::socket::connect_due(self);
        for id in self.line_ids() {
            self.tell_settings(id);
            self.release(id);
            self.write(id);
        }
    }

    /// Says the unsolicited lines that wait, unless a command is open.
    fn release(&mut self, id: LineId) {
        let line = self.line_mut(id);
        if matches!(line.state, LineState::Idle) && !line.urcs.is_empty() && !line.port.deaf() {
            self.ring(id);
            let line = self.line_mut(id);
            if line.out.is_empty() {
                line.out = mem::take(&mut line.urcs);
            } else {
                line.out.append(&mut line.urcs);
            }
        }
    }

    /// Lets what a line has to say leave.
    fn write(&mut self, id: LineId) {
        let line = self.line_mut(id);
        if !line.out.is_empty() {
            let bytes = mem::take(&mut line.out);
            line.unconfirmed += bytes.len();
            self.families.serial.active(self.now);
            self.outputs.push_back(Output::Write { line: id, bytes });
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What AT&W on `line` keeps: every family's profile, and whatever else is kept already.
    pub(crate) fn profile_settings(&self, line: LineId) -> Vec<u8> {
        let mut text = String::new();
        families::save(self, line, &mut text);
        self.settings_with(|key| !key.starts_with(KEPT), &text)
    }

    /// The kept settings with new lines in the place of those whose key is one of `ours`. What is still on its way to the
    /// store counts as kept: the store does one request after the other.
    pub(crate) fn settings_with(&self, ours: impl Fn(&str) -> bool, lines: &str) -> Vec<u8> {
        let on_its_way = self.persisting.iter().rev().find(|(_, section, _)| *section == Section::Settings);
        let kept = on_its_way.map(|(_, _, Kept(bytes))| bytes).or(self.setup.settings.as_ref());
        let mut text = String::new();
        for line in String::from_utf8_lossy(kept.map_or(&[], Vec::as_slice)).lines() {
            if line.split_once('=').is_some_and(|(key, _)| !ours(key)) {
                text.push_str(line);
                text.push('\n');
            }
        }
        text.push_str(lines);
        text.into_bytes()
    }

    /// Whether settings whose keys begin like this are safe in the store.
    pub(crate) fn keeps(&self, prefix: &str) -> bool {
        let settings = self.setup.settings.as_deref().unwrap_or_default();
        String::from_utf8_lossy(settings).lines().any(|line| line.starts_with(prefix))
    }
}

/// How many line backlogs may wait behind an open command before news are lost.
const NEWS_BACKLOGS: usize = 4;

/// Keys of settings that are kept by a command of their own (AT+WISN, AT+CIPSCONT …) begin like this: AT&W leaves them alone.
pub(crate) const KEPT: &str = "kept.";

/// Appends one `key=value` line; for [`Family::save`](families::Family::save).
pub(crate) fn setting(settings: &mut String, key: &str, value: impl fmt::Display) {
    // Writing into a String cannot fail.
    let _ = writeln!(settings, "{key}={value}");
}
