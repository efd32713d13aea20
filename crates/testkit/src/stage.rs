//! The stage in memory: one module, virtual time, a file store and scripted peers.

mod steps;

use std::collections::VecDeque;

use modem::{Input, LineId, LinkEvent, Modem, Output, Section, Setup, StoreError, StoreReply, Ticket, Time};
use transcript::StageError;

use crate::messages::Messages;
use crate::network::Network;
use crate::queries::Queries;
use crate::store::MemoryStore;
use crate::surroundings;

/// A module in memory. Time passes only when somebody waits, and waiting costs nothing.
///
/// Made by hand it is switched on by [`Stage::power_on`](transcript::Stage::power_on), which a [`Runner`](transcript::Runner) does first of all.
#[derive(Debug)]
pub struct VirtualStage {
    setup: Setup,
    modem: Option<Modem>,
    /// Milliseconds since the stage was made.
    now: u64,
    /// `now` when the module was made.
    epoch: u64,
    lines: Vec<Port>,
    /// The module's files and settings.
    pub store: MemoryStore,
    holds_store: bool,
    held: VecDeque<(Ticket, Result<StoreReply, StoreError>)>,
    network: Network,
    queries: Queries,
    messages: Messages,
    notes: VecDeque<String>,
    power: VecDeque<bool>,
    /// Counts what the module has caused, to see whether anything happened.
    caused: u64,
}

/// One line's two directions.
#[derive(Debug, Default)]
struct Port {
    /// From the host; the module has no room yet.
    waiting: VecDeque<u8>,
    /// From the module, not received yet.
    said: Vec<u8>,
    stalled: bool,
    /// Written by the module while the line was stalled.
    stuck: Vec<u8>,
    /// How many bytes of what the module said were received.
    received: usize,
    /// What the module has set about the line, and behind how many bytes of what it said.
    settings: VecDeque<(usize, String)>,
}

/// For the module, after an output.
enum Reaction {
    Written(LineId, usize),
    Store(Ticket, Result<StoreReply, StoreError>),
}

/// How long a warm start waits for the module to become quiet.
const BOOT_LIMIT: u64 = 120_000;
/// How many inputs may follow from one without time passing.
const CHAIN_LIMIT: u32 = 10_000_000;
/// The most explanations, and settings of a line, that are kept.
const NOTES: usize = 1000;

impl Default for VirtualStage {
    fn default() -> Self {
        Self::new()
    }
}

impl VirtualStage {
    /// An Air724UG that is off: instance 0, seed 1, at 2020-09-13 12:26:40 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::with_setup(Setup::new(0, 1, 1_600_000_000_000))
    }

    /// A module that is off, made from `setup`; its `lines` and `settings` are decided at power-on.
    #[must_use]
    pub fn with_setup(setup: Setup) -> Self {
        Self {
            setup,
            modem: None,
            now: 0,
            epoch: 0,
            lines: Vec::new(),
            store: MemoryStore::default(),
            holds_store: false,
            held: VecDeque::new(),
            network: Network::default(),
            queries: Queries::default(),
            messages: Messages::default(),
            notes: VecDeque::new(),
            power: VecDeque::new(),
            caused: 0,
        }
    }

    /// Refuses every connect that waits for an answer.
    ///
    /// # Errors
    ///
    /// The module broke a rule of its boundary.
    pub fn refuse_connects(&mut self) -> Result<(), StageError> {
        self.network.refuse_all();
        self.settle()
    }

    /// How much the module holds: the length of its whole state in words. To see whether it grows.
    #[must_use]
    pub fn module_size(&self) -> usize {
        format!("{:?}", self.modem).len()
    }

    fn make(&mut self, cold: bool) -> Result<(), StageError> {
        self.epoch = self.now;
        let mut setup = self.setup.clone();
        setup.unix_millis = setup.unix_millis.saturating_add(i64::try_from(self.now).unwrap_or(i64::MAX));
        setup.settings = self.store.kept(Section::Settings).map(<[u8]>::to_vec);
        setup.messages = self.store.kept(Section::Messages).map(<[u8]>::to_vec);
        // What hangs there hangs once.
        self.setup.world.unstick();
        self.modem = Some(Modem::new(setup));
        for port in &mut self.lines {
            *port = Port { stalled: port.stalled, received: port.received, ..Port::default() };
        }
        self.held.clear();
        self.settle()?;
        if cold {
            return Ok(());
        }
        let limit = self.now + BOOT_LIMIT;
        while let Some(next) = self.deadline().filter(|&at| at <= limit) {
            self.tick(next)?;
        }
        for port in &mut self.lines {
            port.said.clear();
            port.settings.clear();
        }
        self.notes.clear();
        self.power.clear();
        Ok(())
    }

    fn module(&mut self) -> Result<&mut Modem, StageError> {
        self.modem.as_mut().ok_or_else(|| StageError::Failed("the module has not been made yet".into()))
    }

    fn port(&mut self, line: u8) -> Result<&mut Port, StageError> {
        let missing = || StageError::Failed(format!("the module has no line {line}"));
        self.lines.get_mut(usize::from(line)).ok_or_else(missing)
    }

    /// When something happens by itself.
    fn deadline(&self) -> Option<u64> {
        let module = self.modem.as_ref().and_then(Modem::deadline).map(|at| at.0.saturating_add(self.epoch));
        module.into_iter().chain(self.network.deadline()).chain(self.queries.deadline()).min()
    }

    /// Lets time pass up to `at` and whatever is due happen.
    fn tick(&mut self, at: u64) -> Result<(), StageError> {
        let due = self.deadline();
        self.now = self.now.max(at);
        self.network.advance(self.now);
        self.queries.advance(self.now);
        self.hand(Input::Tick)?;
        self.settle()?;
        if due.is_some_and(|due| due <= self.now) && self.deadline() == due {
            return Err(StageError::Failed(format!("the module's deadline of {due:?} ms does not pass")));
        }
        Ok(())
    }

    fn hand(&mut self, input: Input<'_>) -> Result<(), StageError> {
        let now = Time(self.now - self.epoch);
        self.module()?.handle(now, input);
        Ok(())
    }

    /// Carries out what the module wants and hands it what follows, until nothing more follows without time passing.
    fn settle(&mut self) -> Result<(), StageError> {
        let mut reactions = VecDeque::new();
        for _ in 0..CHAIN_LIMIT {
            while let Some(output) = self.module()?.poll_output() {
                self.caused += 1;
                self.act(output, &mut reactions);
            }
            if let Some(fault) = self.network.take_fault() {
                return Err(StageError::Failed(fault));
            }
            if let Some(reaction) = reactions.pop_front() {
                self.hand(match reaction {
                    Reaction::Written(line, bytes) => Input::Written { line, bytes },
                    Reaction::Store(ticket, result) => Input::Store { ticket, result },
                })?;
            } else if let Some((conn, event, bytes)) = self.network.next_told() {
                let event = match event {
                    LinkEvent::Received(_) => LinkEvent::Received(&bytes),
                    other => other,
                };
                self.hand(Input::Link { conn, event })?;
            } else if let Some((query, result)) = self.queries.next_told() {
                self.hand(Input::Query { query, result })?;
            } else if !self.feed()? {
                return Ok(());
            }
        }
        Err(StageError::Failed("the module never comes to rest".into()))
    }

    fn act(&mut self, output: Output, reactions: &mut VecDeque<Reaction>) {
        match output {
            Output::Write { line, bytes } => {
                let Some(port) = self.lines.get_mut(usize::from(line.0)) else { return };
                if port.stalled {
                    port.stuck.extend_from_slice(&bytes);
                } else {
                    reactions.push_back(Reaction::Written(line, bytes.len()));
                    port.said.extend_from_slice(&bytes);
                }
            }
            Output::LineSetting { line, setting } => {
                let Some(port) = self.lines.get_mut(usize::from(line.0)) else { return };
                if port.settings.len() == NOTES {
                    port.settings.pop_front();
                }
                let said = port.received + port.said.len() + port.stuck.len();
                port.settings.push_back((said, surroundings::line_setting(setting)));
            }
            Output::Link { conn, request } => self.network.request(conn, request),
            Output::Query { query, question } => {
                self.messages.sent(&question);
                self.queries.ask(self.now, query, question, |name| self.network.dns(name));
            }
            Output::Store { ticket, request } => {
                let result = self.store.handle(&request);
                if self.holds_store {
                    self.held.push_back((ticket, result));
                } else {
                    reactions.push_back(Reaction::Store(ticket, result));
                }
            }
            Output::Note(note) => {
                if self.notes.len() == NOTES {
                    self.notes.pop_front();
                }
                self.notes.push_back(format!("{}: {}", note.subject, note.text));
            }
            Output::Power { restarting } => {
                self.network.drop_all();
                self.queries.drop_all();
                self.power.push_back(restarting);
            }
        }
    }

    /// Hands over waiting host bytes as far as the module has room; whether any were.
    fn feed(&mut self) -> Result<bool, StageError> {
        for index in 0..self.lines.len() {
            let line = LineId(u8::try_from(index).unwrap_or(u8::MAX));
            let room = self.module()?.line_room(line);
            let port = &mut self.lines[index];
            let count = room.min(port.waiting.len());
            if count > 0 {
                let bytes: Vec<u8> = port.waiting.drain(..count).collect();
                self.hand(Input::Line { line, bytes: &bytes })?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
