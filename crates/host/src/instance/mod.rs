//! One running module: the sans-IO [`Modem`] and everything that it is connected to, in one task.
//!
//! The loop hands the module what has happened, drains what it wants, and sleeps until something happens or the module's
//! deadline comes. There is no lock and no hand-over between tasks in it.

mod handle;
mod lines;
mod links;
mod questions;
mod storing;

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use modem::{
    ConnId, Input, LineId, LineKind, LinkEvent, LinkRequest, Modem, Output, Query, QueryId, Section, Setup,
    Time, WorldChange,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Sleep, sleep_until, timeout};

use crate::clock::Clock;
use crate::line::Line;
use crate::net::{self, EXPLAIN, Happened, Link, Network, Observer, Question, Report, Sender};
use crate::store::Store;
use handle::{Command, WAITING};
pub use handle::{Gone, Handle};
use storing::Storing;

/// The scratch buffer: holds any datagram, and what is read from a line in one go.
const SCRATCH: usize = 64 << 10;
/// How many rounds the loop makes before it lets others run.
const ROUNDS: usize = 64;
/// How long the end may take: output that nobody reads, a file system that hangs.
const FINISH_LIMIT: Duration = Duration::from_secs(2);

/// When the last line has ended (piped input), answers that are this near are waited for, in milliseconds.
const SOON: u64 = 2_000;
/// But not for longer than this in all, in milliseconds.
const PATIENCE: u64 = 10_000;

thread_local! {
    /// What is read goes through here; an idle module keeps no buffer of its own.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What an instance is made from.
#[derive(Debug)]
pub struct Parts {
    /// What logs call it, such as `modem0`.
    pub name: String,
    /// The module. The host fills in `lines` and `settings`.
    pub setup: Setup,
    /// Its serial lines, at least one; the first is UART1. At most 255.
    pub lines: Vec<Line>,
    /// Its files.
    pub store: Store,
    /// How it reaches the network.
    pub network: Arc<Network>,
    /// Is told what becomes of its connections.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Why an instance has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// Its last line is over.
    LineEnded,
    /// Answers could not be written to standard output; the log says why.
    OutputLost,
    /// A bug of ours; it is in the log.
    Failed,
}

/// A module at work.
pub struct Instance {
    name: String,
    modem: Modem,
    clock: Clock,
    lines: Vec<Line>,
    links: Vec<Link>,
    questions: Vec<Question>,
    /// As whom it sends short messages.
    sender: Sender,
    storing: Storing,
    network: Arc<Network>,
    observer: Option<Arc<dyn Observer>>,
    commands: mpsc::Receiver<Box<Command>>,
    handle: Handle,
    /// Who waits for a short message to be safe.
    arrived: Vec<oneshot::Sender<bool>>,
    alarm: Option<(Time, Pin<Box<Sleep>>)>,
    open_lines: usize,
    /// When the last line ended.
    lines_over: Option<Time>,
    /// How long answers are waited for then, in milliseconds.
    patience: u64,
    /// How people switch it on again.
    power_key: String,
}

impl Instance {
    /// Makes the module and switches it on. Has to be called inside the runtime that will run it.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { name, mut setup, lines, store, network, observer } = parts;
        // A module without a line would still have UART1.
        let kinds = lines.iter().map(Line::kind).chain([LineKind::Plain]);
        setup.lines = kinds.take(lines.len().clamp(1, usize::from(u8::MAX))).collect();
        let kept = |section, what: &str| {
            store.kept(section).unwrap_or_else(|error| {
                tracing::error!(module = name, %error, "the {what} cannot be read; the module starts without them");
                None
            })
        };
        setup.settings = kept(Section::Settings, "settings");
        setup.messages = kept(Section::Messages, "short messages");
        let (commands, receiver) = mpsc::channel(WAITING);
        let handle = Handle { commands };
        let store = Arc::new(store);
        let sender = network.exchange.join(&name, &setup, &handle, &store);
        Self {
            name,
            clock: Clock::start(),
            modem: Modem::new(setup),
            open_lines: lines.len(),
            lines,
            links: Vec::new(),
            questions: Vec::new(),
            sender,
            storing: Storing::new(store),
            network,
            observer,
            commands: receiver,
            handle,
            arrived: Vec::new(),
            alarm: None,
            lines_over: None,
            patience: PATIENCE,
            power_key: "the power key switches it on".into(),
        }
    }

    /// Says in the log how people press the power key: what follows "the module is off; ". The program that made the
    /// instance knows how it passes [`WorldChange::PowerKey`] on to its [`Handle`].
    #[must_use]
    pub fn power_key(mut self, how: impl Into<String>) -> Self {
        self.power_key = how.into();
        self
    }

    /// What logs call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its serial lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Reaches it while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs until `shutdown` is ready, [`Handle::stop`] is called, or the last line ends; then lets what has been written
    /// leave, and removes the lines. A panic inside ends this instance only.
    pub fn run(self, shutdown: impl Future<Output = ()>) -> impl Future<Output = Ended> {
        // Behind a pointer: a future keeps room for everything that is moved into it once more.
        let instance = Box::new(self);
        async move { instance.run_until(shutdown).await }
    }

    async fn run_until(mut self: Box<Self>, shutdown: impl Future<Output = ()>) -> Ended {
        let mut shutdown = pin!(shutdown);
        let mut ended = poll_fn(|cx| {
            if shutdown.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ended::Stopped);
            }
            // The instance is not used any more after a panic, but for its end.
            catch_unwind(AssertUnwindSafe(|| self.poll(cx))).unwrap_or(Poll::Ready(Ended::Failed))
        })
        .await;
        if ended == Ended::Failed {
            // Nothing of it can be relied on any more; dropping it closes its lines and connections.
            tracing::error!(module = self.name, "a bug of modemtwin has stopped this module");
            return ended;
        }
        if timeout(FINISH_LIMIT, poll_fn(|cx| self.poll_finish(cx))).await.is_err() {
            tracing::warn!(module = self.name, "stopped before everything was written");
        }
        for line in &self.lines {
            if let Some(error) = line.failure() {
                tracing::error!(
                    module = self.name,
                    "answers are lost: cannot write to standard output: {error}"
                );
                ended = Ended::OutputLost;
            }
        }
        for link in self.links.drain(..) {
            if !link.is_lingering() {
                net::publish(self.observer.as_deref(), &link.ended());
            }
        }
        ended
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        BUFFER.with_borrow_mut(|buffer| {
            buffer.resize(SCRATCH, 0);
            for _ in 0..ROUNDS {
                self.drain_outputs();
                match self.poll_commands(cx) {
                    Poll::Ready(true) => return Poll::Ready(Ended::Stopped),
                    Poll::Ready(false) => continue,
                    Poll::Pending => {}
                }
                let lines = self.poll_lines(cx, buffer);
                let links = self.poll_links(cx, buffer) | self.poll_questions(cx);
                let store = self.poll_store(cx);
                let alarm = self.poll_alarm(cx);
                self.acknowledge();
                if self.open_lines == 0 && self.is_done() {
                    return Poll::Ready(Ended::LineEnded);
                }
                if !(lines || links || store || alarm) {
                    return Poll::Pending;
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    fn handle_input(&mut self, input: Input<'_>) {
        self.modem.handle(self.clock.now(), input);
        self.drain_outputs();
    }

    fn drain_outputs(&mut self) {
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Write { line, bytes } => {
                    if let Some(line) = self.lines.get_mut(usize::from(line.0)) {
                        line.write(bytes);
                    }
                }
                Output::LineSetting { line, setting } => {
                    if let Some(line) = self.lines.get_mut(usize::from(line.0)) {
                        line.set(setting);
                    }
                }
                Output::Link { conn, request } => self.link_request(conn, request),
                Output::Query { query, question } => self.ask(query, question),
                Output::Store { ticket, request } => self.storing.request(ticket, request),
                Output::Note(note) => match note.line {
                    Some(line) => {
                        tracing::warn!(target: EXPLAIN, "{} line {}: {}: {}", self.name, line.0, note.subject, note.text);
                    }
                    None => tracing::warn!(target: EXPLAIN, "{}: {}: {}", self.name, note.subject, note.text),
                },
                Output::Power { restarting: false } => {
                    tracing::info!(target: EXPLAIN, "{}: the module is off; {}", self.name, self.power_key);
                }
                Output::Power { restarting: true } => {
                    tracing::info!(target: EXPLAIN, "{}: the module restarts", self.name);
                }
            }
        }
    }

    /// Ready(true): the instance is to stop; Ready(false): something was done.
    fn poll_commands(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        // Never closed: `self.handle` is a sender.
        let Poll::Ready(Some(command)) = self.commands.poll_recv(cx) else { return Poll::Pending };
        match *command {
            Command::World(change) => {
                self.handle_input(Input::World(change));
                Poll::Ready(false)
            }
            Command::Message(_, taken) if self.modem.message_room() == 0 => {
                // Fails when nobody waits for it any more.
                let _ = taken.send(false);
                Poll::Ready(false)
            }
            Command::Message(tpdu, taken) => {
                self.handle_input(Input::World(WorldChange::Message { tpdu }));
                self.arrived.push(taken);
                Poll::Ready(false)
            }
            Command::Stop => Poll::Ready(true),
        }
    }

    /// Once the store has done all that the module has asked, what has arrived is safe.
    fn acknowledge(&mut self) {
        if self.storing.is_idle() {
            for taken in self.arrived.drain(..) {
                let _ = taken.send(true);
            }
        }
    }

    fn poll_store(&mut self, cx: &mut Context<'_>) -> bool {
        let Poll::Ready((ticket, result)) = self.storing.poll(cx) else { return false };
        self.handle_input(Input::Store { ticket, result });
        true
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = self.modem.deadline() else {
            self.alarm = None;
            return false;
        };
        let Some(instant) = self.clock.instant(deadline) else { return false };
        match &mut self.alarm {
            Some((time, _)) if *time == deadline => {}
            Some((time, sleep)) => {
                *time = deadline;
                sleep.as_mut().reset(instant);
            }
            None => self.alarm = Some((deadline, Box::pin(sleep_until(instant)))),
        }
        let Some((_, sleep)) = &mut self.alarm else { return false };
        if sleep.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.alarm = None;
        self.handle_input(Input::Tick);
        true
    }

    /// The last line has ended: whether what was asked for on it has been answered, as far as can be seen from here.
    fn is_done(&mut self) -> bool {
        let now = self.clock.now();
        let since = *self.lines_over.get_or_insert(now);
        let soon = self.modem.deadline().is_some_and(|deadline| deadline <= now + SOON);
        let busy = soon || !self.questions.is_empty() || self.links.iter().any(Link::is_opening);
        let written = self.storing.is_idle() && self.lines.iter().all(Line::is_flushed);
        self.patience == 0 || (written && (!busy || now >= since + self.patience))
    }

    /// Lets what has been written leave, and file operations end.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.drain_outputs();
        while self.poll_store(cx) {}
        let mut finished = self.storing.is_idle();
        for line in &mut self.lines {
            finished &= line.poll_finish(cx).is_ready();
        }
        if finished { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests_links;
