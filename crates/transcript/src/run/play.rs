//! One run: the state of a conversation and what each step does to it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::chunking::{Chunking, Cutter};
use super::{Happened, HostKind, ModuleKind};
use crate::bindings::{Bindings, Names};
use crate::failure::{Tail, Trouble, rows};
use crate::pattern::{Matched, Part, matches};
use crate::stage::{Clock, Progress, Stage, StageError};
use crate::step::{Action, Contents, Expect, Send, Step};

/// The most unread bytes of one line.
const UNREAD_LIMIT: usize = 256 << 20;
/// How often a stage may report that something happened without any time passing.
const IDLE_LIMIT: u32 = 1_000_000;

/// One run.
pub(super) struct Run<'r, 'o> {
    pub(super) stage: &'r mut dyn Stage,
    names: Names<'r>,
    /// What has come and has not been expected yet, per line.
    unread: BTreeMap<u8, Vec<u8>>,
    /// How many bytes of what came have been taken, per line.
    taken: BTreeMap<u8, usize>,
    limit: Duration,
    pub(super) waited: Duration,
    cutter: Cutter,
    pub(super) tail: Tail,
    rest_any: bool,
    observer: Option<&'r mut (dyn FnMut(&Happened<'_>) + 'o)>,
}

impl<'r, 'o> Run<'r, 'o> {
    pub(super) fn new(
        stage: &'r mut dyn Stage,
        bindings: &'r Bindings,
        lines: u8,
        limit: Duration,
        chunking: Chunking,
        observer: Option<&'r mut (dyn FnMut(&Happened<'_>) + 'o)>,
    ) -> Self {
        Self {
            stage,
            names: Names::new(bindings),
            unread: (0..lines).map(|line| (line, Vec::new())).collect(),
            taken: BTreeMap::new(),
            limit,
            waited: Duration::ZERO,
            cutter: Cutter::new(chunking),
            tail: Tail::default(),
            rest_any: false,
            observer,
        }
    }

    /// Does one step.
    pub(super) fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        match &step.action {
            Action::Title(title) => self.tell(&Happened::Title(title)),
            Action::Send { line, what } => return self.send(*line, what),
            Action::Expect { line, what } => return self.expect(*line, what),
            Action::Within(limit) => self.limit = *limit,
            Action::File { name, contents } => {
                let contents = match contents {
                    Contents::Path(path) => self.names.read(path),
                    Contents::Here(payload) => self.names.payload(payload, None),
                };
                self.names.bind(name, contents.map_err(Trouble::new)?);
            }
            Action::Set { name, value } => {
                let value = self.names.text(value).map_err(Trouble::new)?;
                self.names.set(name, value);
            }
            Action::RestAny => self.rest_any = true,
            Action::Wait(time) => {
                self.pass(*time, self.stage.clock() == Clock::Real)?;
                self.did(step);
            }
            Action::Silence { line, time } => {
                self.silence(*line, *time)?;
                self.did(step);
            }
            _ => {
                self.outside(&step.action)?;
                self.did(step);
            }
        }
        Ok(())
    }

    /// Steps that are about something other than lines.
    fn outside(&mut self, action: &Action) -> Result<(), Trouble> {
        match action {
            Action::World(change) => self.stage.world(change)?,
            Action::Dns { name, answer } => self.stage.dns(name, *answer)?,
            Action::Stall { line, on } => self.stage.stall(*line, *on)?,
            Action::Dtr { line, on } => self.stage.dtr(*line, *on)?,
            Action::LineSetting { line, setting } => {
                return self.until(|run| {
                    let said = run.taken.get(line).copied().unwrap_or(0);
                    run.stage.line_setting(*line, setting.as_deref(), said)
                });
            }
            Action::Peer { number, step } => {
                let step = step.try_map(|p| self.names.payload(p, None)).map_err(Trouble::new)?;
                return self.until(|run| run.stage.peer(*number, &step));
            }
            Action::Sms(step) => return self.until(|run| run.stage.sms(step)),
            Action::Query { number, step } => return self.until(|run| run.stage.query(*number, step)),
            Action::Note(text) => return self.until(|run| run.stage.note(text)),
            Action::Power { restarting } => return self.until(|run| run.stage.power(*restarting)),
            Action::Store(step) => {
                let step = step.try_map(|p| self.names.payload(p, None)).map_err(Trouble::new)?;
                self.stage.store(&step)?;
            }
            Action::Restart { cold } => {
                // What the killed module still said is nobody's business any more.
                self.receive()?;
                for (line, unread) in &mut self.unread {
                    *self.taken.entry(*line).or_default() += unread.len();
                    unread.clear();
                }
                self.stage.restart(*cold)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn tell(&mut self, happened: &Happened<'_>) {
        if let Some(observer) = self.observer.as_mut() {
            observer(happened);
        }
    }

    fn did(&mut self, step: &Step) {
        self.tail.text(step.text.clone());
        self.tell(&Happened::Step(&step.text));
    }

    fn send(&mut self, line: u8, what: &Send) -> Result<(), Trouble> {
        let (kind, bytes, echo) = match what {
            Send::Command { text, echo } => {
                let mut bytes = self.names.text(text).map_err(Trouble::new)?;
                bytes.push(b'\r');
                (HostKind::Command, bytes, *echo)
            }
            Send::Raw(bytes) => (HostKind::Raw, bytes.clone(), false),
            Send::Payload(payload) => {
                let bytes = self.names.payload(payload, Some(line)).map_err(Trouble::new)?;
                self.names.sent(line, bytes.clone());
                (HostKind::Payload(payload.name()), bytes, false)
            }
        };
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, others) = rest.split_at(self.cutter.next(rest.len()).clamp(1, rest.len()));
            self.stage.send(line, piece)?;
            rest = others;
        }
        self.tail.push(&format!("{}>", prefix(line)), &bytes);
        self.tell(&Happened::Host { line, kind, bytes: &bytes });
        if echo { self.matching(line, &[Part::Bytes(bytes)], ModuleKind::Echo) } else { Ok(()) }
    }

    fn expect(&mut self, line: u8, what: &Expect) -> Result<(), Trouble> {
        match what {
            Expect::Line(template) => {
                let parts = self.names.resolve(template).map_err(Trouble::new)?;
                self.matching(line, &parts, ModuleKind::Line)
            }
            Expect::Prompt => self.matching(line, &[Part::Bytes(b"\r\n> ".to_vec())], ModuleKind::Prompt),
            Expect::Raw(bytes) => self.matching(line, &[Part::Bytes(bytes.clone())], ModuleKind::Raw),
            Expect::Payload(payload) => {
                let bytes = self.names.payload(payload, Some(line)).map_err(Trouble::new)?;
                self.matching(line, &[Part::Bytes(bytes)], ModuleKind::Payload(payload.name()))
            }
            Expect::Any(count) => self.any(line, *count),
        }
    }

    /// Waits until what is unread on `line` begins with `parts`, and takes that.
    fn matching(&mut self, line: u8, parts: &[Part], kind: ModuleKind<'_>) -> Result<(), Trouble> {
        let (length, captures) = self.retry(|run| {
            let unread = run.unread(line);
            match matches(parts, unread) {
                Matched::Yes { length, captures } => Ok(Ok((length, captures))),
                Matched::More if unread.is_empty() => {
                    Ok(Err(Trouble::differs("the module said nothing", parts, unread)))
                }
                Matched::More => {
                    Ok(Err(Trouble::differs("the module said only a part of it", parts, unread)))
                }
                Matched::No { at } => {
                    let what =
                        format!("the module said something else (byte {at} is the first that differs)");
                    Err(Trouble::differs(what, parts, unread))
                }
            }
        })?;
        for (name, value) in captures {
            self.names.set(&name, value);
        }
        self.take(line, length, kind);
        Ok(())
    }

    fn any(&mut self, line: u8, count: usize) -> Result<(), Trouble> {
        self.retry(|run| {
            let unread = run.unread(line);
            if unread.len() >= count {
                return Ok(Ok(()));
            }
            let what = format!("the module said {} of {count} bytes", unread.len());
            Ok(Err(Trouble { what, expected: Vec::new(), got: rows(unread) }))
        })?;
        self.take(line, count, ModuleKind::Raw);
        Ok(())
    }

    fn unread(&self, line: u8) -> &[u8] {
        self.unread.get(&line).map_or(&[], Vec::as_slice)
    }

    fn take(&mut self, line: u8, length: usize, kind: ModuleKind<'_>) {
        let Some(unread) = self.unread.get_mut(&line) else { return };
        let rest = unread.split_off(length.min(unread.len()));
        let bytes = std::mem::replace(unread, rest);
        *self.taken.entry(line).or_default() += bytes.len();
        self.tail.push(&format!("{}<", prefix(line)), &bytes);
        self.tell(&Happened::Module { line, kind, bytes: &bytes });
    }

    fn silence(&mut self, line: u8, time: Duration) -> Result<(), Trouble> {
        let mut left = time;
        loop {
            self.receive()?;
            let unread = self.unread(line);
            if !unread.is_empty() {
                let what = format!("the module said something after {:?} of silence", time - left);
                return Err(Trouble { what, expected: Vec::new(), got: rows(unread) });
            }
            if left.is_zero() {
                return Ok(());
            }
            left = left.saturating_sub(self.pass(left, true)?);
        }
    }

    /// Tries until it is done or the limit is over.
    fn until(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<Progress, StageError>,
    ) -> Result<(), Trouble> {
        self.retry(|run| match attempt(run)? {
            Progress::Done => Ok(Ok(())),
            Progress::NotYet(missing) => Ok(Err(Trouble::from(missing))),
        })
    }

    /// Tries until it yields a value (`Ok(Ok)`); `Ok(Err)` is what to report when the limit is over, `Err` ends it.
    fn retry<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<Result<T, Trouble>, Trouble>,
    ) -> Result<T, Trouble> {
        let mut left = self.limit;
        let mut idle = 0;
        loop {
            self.receive()?;
            let mut missing = match attempt(self)? {
                Ok(value) => return Ok(value),
                Err(missing) => missing,
            };
            if left.is_zero() || idle > IDLE_LIMIT {
                missing.what = format!("{} within {:?}", missing.what, self.limit);
                return Err(missing);
            }
            let passed = self.pass(left, true)?;
            idle = if passed.is_zero() { idle + 1 } else { 0 };
            left = left.saturating_sub(passed);
        }
    }

    /// Lets time pass: all of it, or (`once`) until something happens.
    fn pass(&mut self, time: Duration, once: bool) -> Result<Duration, Trouble> {
        let mut passed = Duration::ZERO;
        let mut idle = 0;
        while passed < time && idle < IDLE_LIMIT {
            let step = self.stage.wait(time - passed)?;
            self.receive()?;
            idle = if step.is_zero() { idle + 1 } else { 0 };
            passed += step;
            if once {
                break;
            }
        }
        self.waited += passed;
        Ok(passed)
    }

    fn receive(&mut self) -> Result<(), Trouble> {
        for (line, unread) in &mut self.unread {
            self.stage.receive(*line, unread)?;
            if unread.len() > UNREAD_LIMIT {
                return Err(Trouble::new(format!("line {line} has more than {UNREAD_LIMIT} unread bytes")));
            }
        }
        Ok(())
    }

    /// After the last step: nothing may be left.
    pub(super) fn end(&mut self) -> Result<(), Trouble> {
        self.receive()?;
        if self.rest_any {
            return Ok(());
        }
        for (line, unread) in &self.unread {
            if !unread.is_empty() {
                let what = format!("the module said more on line {line} than any step expects");
                return Err(Trouble { what, expected: Vec::new(), got: rows(unread) });
            }
        }
        match self.stage.leftovers().into_iter().next() {
            Some(left) => Err(Trouble { what: left.what, expected: Vec::new(), got: rows(&left.bytes) }),
            None => Ok(()),
        }
    }
}

fn prefix(line: u8) -> String {
    if line == 0 { String::new() } else { line.to_string() }
}
