//! HTTP: one session, one request at a time, over a connection of its own.
//!
//! Reference: the module's manual, chapter "HTTP commands". HTTP/1.1; heads and chunk sizes are read by `httparse`.
//!
//! ```text
//!       HTTPINIT          HTTPACTION            a reply, or none
//! None ─────────► Ready ───────────► Action ────────────────────► Ready
//!   ▲               │                  │
//!   └── HTTPTERM ───┴──────────────────┘
//! ```
//!
//! One buffer holds what HTTPDATA has taken, and then the body of the reply. A connection is kept for the next request to the same
//! server for a while, if the server does so, too. Its bearer is one of AT+SAPBR's.

mod action;
mod client;
mod data;
mod download;
mod events;
mod headers;
mod kept;
mod link;
mod parameters;
mod read;
mod request;
mod response;
mod save;
mod session;
mod url;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::command::{Answer, Command, Fault, Outcome, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, FamilyTimer, Op};
use crate::io::{Area, ConnId, LinkEvent, ModulePath, StoreError, StoreReply, StoreRequest, Ticket};
use crate::module::Module;
use crate::setup::Setup;
use client::Action;
use download::Download;
use link::Link;
use parameters::Parameters;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Http {
    /// HTTPSSL.
    tls: bool,
    session: Option<Box<Session>>,
    /// How many sessions there have been.
    sessions: u32,
    /// HTTPGET is writing a file.
    saving: bool,
}

/// What is between HTTPINIT and HTTPTERM. Its `Debug` form hides what the server has said.
struct Session {
    /// Which of them it is.
    number: u32,
    parameters: Parameters,
    buffer: Buffer,
    /// The last reply's header lines.
    head: Vec<u8>,
    link: Option<Link>,
    action: Option<Box<Action>>,
    /// The last HTTPGETTOFS.
    download: Option<Box<Download>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("number", &self.number)
            .field("parameters", &self.parameters)
            .field("buffer", &self.buffer)
            .field("link", &self.link)
            .field("action", &self.action)
            .field("download", &self.download)
            .finish_non_exhaustive()
    }
}

/// What HTTPDATA has taken, or the last reply's body. Shared with whoever is in the middle of reading it.
#[derive(Default)]
struct Buffer {
    bytes: Arc<Vec<u8>>,
    content: Content,
}

/// What the buffer holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Content {
    #[default]
    Nothing,
    /// What HTTPDATA has taken.
    Outgoing,
    /// The body of a reply.
    Reply,
}

impl fmt::Debug for Buffer {
    /// Without the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("bytes", &self.bytes.len()).field("content", &self.content).finish()
    }
}

/// What an open command of this family is in the middle of.
#[derive(Debug)]
pub(crate) enum HttpOp {
    /// HTTPDATA: the body comes, for this session.
    Collect { session: u32 },
    /// HTTPREAD: the rest is to be said.
    Read(read::Reading),
    /// HTTPGET: the body is being written.
    Save(save::Saving),
    /// HTTPSCONT: the parameters are being kept.
    Keep,
}

/// This family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpTimer {
    /// Nothing has happened for too long.
    Silence,
    /// The connection is not needed any more.
    Idle,
}

impl Family for Http {
    type Op = HttpOp;
    type Timer = HttpTimer;

    const COMMANDS: &'static [Command] = &[
        session::HTTPINIT,
        session::HTTPTERM,
        session::HTTPSSL,
        parameters::HTTPPARA,
        data::HTTPDATA,
        action::HTTPACTION,
        read::HTTPREAD,
        read::HTTPHEAD,
        save::HTTPGET,
        download::HTTPGETTOFS,
        kept::HTTPSCONT,
    ];

    fn new(_setup: &Setup) -> Self {
        Self { tls: false, session: None, sessions: 0, saving: false }
    }

    fn resume(x: &mut Exchange<'_>, op: HttpOp, event: Resume) -> Answer {
        match (op, event) {
            (HttpOp::Collect { session }, Resume::Data(_, bytes)) => data::collected(x, session, bytes, true),
            (HttpOp::Collect { session }, Resume::DataTimeout(bytes)) => data::collected(x, session, bytes, false),
            (HttpOp::Read(reading), _) => read::go_on(x, reading),
            (HttpOp::Save(saving), Resume::Store(result)) => save::go_on(x, saving, result),
            (HttpOp::Keep, Resume::Store(result)) => kept::done(result),
            (op @ (HttpOp::Save(_) | HttpOp::Keep), _) => Ok(Outcome::Wait(Op::http(op))),
            // A data phase ends with data, or without.
            (HttpOp::Collect { .. }, _) => Ok(Outcome::Said),
        }
    }

    fn timer(module: &mut Module, timer: HttpTimer) {
        match timer {
            HttpTimer::Silence => events::silence(module),
            HttpTimer::Idle => link::drop_link(module, false),
        }
    }

    fn linked(module: &mut Module, conn: ConnId, event: LinkEvent<'_>) {
        let link = module.families.http.session.as_ref().and_then(|session| session.link.as_ref());
        if link.is_some_and(|link| link.conn == conn) {
            events::link_event(module, conn, event);
        }
    }

    fn stored(module: &mut Module, ticket: Ticket, result: Result<StoreReply, StoreError>) {
        download::stored(module, ticket, result);
    }

    fn connections(&self) -> usize {
        usize::from(self.session.as_ref().is_some_and(|session| session.link.is_some()))
    }

    fn drained(module: &mut Module) {
        read::drained(module);
    }

    fn halt(module: &mut Module) {
        if module.families.http.saving {
            // Nobody is there any more to commit it.
            module.store(StoreRequest::Discard(Area::Http));
        }
        end_session(module, true);
    }

    fn factory(module: &mut Module) {
        module.families.http.tls = false;
    }
}

/// An application's bearer (AT+SAPBR) is closed, and what runs on it ends.
pub(crate) fn bearer_lost(module: &mut Module, bearer: u8) {
    events::bearer_lost(module, bearer);
}

/// A file is about to have other contents.
pub(crate) fn file_changes(module: &mut Module, path: &ModulePath) {
    link::file_changes(module, path);
}

/// The session is over, whatever it was doing. `quick`: its connection with it, at once.
fn end_session(module: &mut Module, quick: bool) {
    link::drop_link(module, quick);
    module.cancel(FamilyTimer::http(HttpTimer::Silence));
    download::give_up(module);
    module.families.http.session = None;
}

/// The session; without one +CME ERROR: 3.
fn session(module: &mut Module) -> Result<&mut Session, Fault> {
    let session = module.families.http.session.as_deref_mut();
    session.ok_or(Fault::not_allowed("there is no HTTP session: AT+HTTPINIT comes first"))
}

/// The session, if no request is under way.
fn idle_session(module: &mut Module) -> Result<&mut Session, Fault> {
    let session = session(module)?;
    if session.action.is_some() {
        return Err(Fault::not_allowed("a request is under way: +HTTPACTION: says when it is done"));
    }
    Ok(session)
}
