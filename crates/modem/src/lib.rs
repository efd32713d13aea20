//! One openLuat Air724UG as plain data: bytes and time in, bytes and requests out.
//!
//! ```text
//!            Input                       Output
//! lines  ──► Line, Written ─┐        ┌─► Write            ──► lines
//! net    ──► Link ──────────┤ Modem  ├─► Link (Connect …) ──► net
//! store  ──► Store ─────────┤        ├─► Store            ──► store
//! net    ──► Query ─────────┤        ├─► Query            ──► net
//! lines  ──► Dtr ───────────┤        ├─► LineSetting      ──► lines
//! world  ──► World ─────────┤        ├─► Note             ──► log
//! clock  ──► now, Tick ─────┘        └─► Power
//! ```
//!
//! [`Input`] and [`Output`] are the whole boundary: nothing else reaches a module, and it causes nothing else. It never
//! opens a socket or a file, never sleeps, never reads a clock. Same [`Setup`], same inputs at the same times: same
//! outputs.
//!
//! **The driving rule.** After every [`Modem::handle`], drain [`Modem::poll_output`] until it is `None`; then wait for
//! the next input, or until [`Modem::deadline`], whichever comes first, and hand that in (a deadline as
//! [`Input::Tick`]). Outputs left undrained are not lost, only late.
//!
//! ```
//! use modemtwin_modem::{Input, LineId, Modem, Output, Setup, Time};
//!
//! let mut modem = Modem::new(Setup::new(0, 1, 1_600_000_000_000));
//! while modem.poll_output().is_some() {} // boot messages
//! modem.handle(Time(10), Input::Line { line: LineId(0), bytes: b"ATE0\r" });
//! while modem.poll_output().is_some() {}
//! modem.handle(Time(20), Input::Line { line: LineId(0), bytes: b"AT\r" });
//! assert_eq!(modem.poll_output(), Some(Output::Write { line: LineId(0), bytes: b"\r\nOK\r\n".to_vec() }));
//! ```
#![no_std]
extern crate alloc;

mod command;
mod exchange;
mod families;
mod io;
mod line;
mod module;
mod profile;
mod setup;
mod ssl;
mod timer;

use alloc::vec::Vec;

pub use at::Form;
pub use command::{Command, Evidence, Example};
pub use families::commands;
pub use io::{
    Account, Apn, Area, Card, ConnId, Connect, Coverage, Dns, Entry, Flow, Framing, Input, KeepAlive, LineId,
    LineKind, LineSetting, LinkEvent, LinkFailure, LinkRequest, MessageService, ModulePath, Note, Output,
    Pace, Parity, Query, QueryFailure, QueryId, QueryReply, Section, Signal, StoreError, StoreReply,
    StoreRequest, Ticket, Time, Transport, World, WorldChange,
};
pub use profile::{
    AIR724UG, AIR724UG_NO_SSL, MessageCapacity, NameLimits, PROFILES, Profile, Timing, profile,
};
pub use setup::Setup;
pub use ssl::{Premaster, SecLevel, SslVersion, TlsRequest};

use module::Module;

/// One module. See the crate's page for how to drive it.
#[derive(Debug)]
pub struct Modem {
    module: Module,
}

impl Modem {
    /// Makes a module and switches it on at [`Time(0)`](Time), unless its [`World`] says that it is off.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mut module = Module::new(setup);
        if module.world.power {
            module.switch_on();
        } else {
            module.halt(None);
        }
        module.flush();
        Self { module }
    }

    /// Takes one input. Timers that are due before `now` fire first, each at its own time.
    pub fn handle(&mut self, now: Time, input: Input<'_>) {
        let module = &mut self.module;
        module.advance(now);
        match input {
            Input::Line { line, bytes } => module.line_input(line, bytes),
            Input::Written { line, bytes } => module.written(line, bytes),
            Input::Link { conn, event } => families::linked(module, conn, event),
            Input::Store { ticket, result } => module.store_result(ticket, result),
            Input::Query { query, result } => module.query_result(query, result),
            Input::Dtr { line, on } => module.dtr_changed(line, on),
            Input::World(change) => families::power::world_changed(module, change),
            Input::Tick => {}
        }
        families::sms::pump(module);
        module.flush();
    }

    /// The next effect, in order; `None` when there is none left.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.module.poll_output()
    }

    /// When the module next wants [`Input::Tick`] if nothing else happens; `None`: not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.module.deadline()
    }

    /// The SSL contexts in which something is set, rising.
    #[must_use]
    pub fn tls_contexts(&self) -> Vec<u8> {
        families::ssl::in_use(&self.module)
    }

    /// The TLS connect that this SSL context asks for now, if it is to `host`; `None` if the module has no such context.
    /// For explanations: a real one comes as [`LinkRequest::Connect`].
    #[must_use]
    pub fn tls_request(&self, context: u8, host: &str) -> Option<TlsRequest> {
        families::ssl::request(&self.module, context, host)
    }

    /// How many more short messages ([`WorldChange::Message`]) the network keeps for the module now.
    #[must_use]
    pub fn message_room(&self) -> usize {
        self.module.mailbox.room()
    }

    /// How many bytes of [`Input::Line`] the module takes on `line` now. Zero while the line does not take what the
    /// module has written, or while too much waits behind an open command.
    #[must_use]
    pub fn line_room(&self, line: LineId) -> usize {
        self.module.line_room(line)
    }
}
