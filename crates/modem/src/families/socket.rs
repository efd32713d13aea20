//! Links: CIPMUX, CIPSTART, CIPSEND, CIPCLOSE and what comes in.
//!
//! Reference: the module's manual, chapter "TCP/IP commands", with its state diagrams and error codes.
//!
//! A link's life: `INITIAL` → CIPSTART → `CONNECTING` → `CONNECTED` → CIPCLOSE → `CLOSING` → `CLOSED` → CIPSTART …; the peer
//! or the stack may close it too. Only CIPSHUT makes it `INITIAL` again. Single mode is link 0 alone, printed without
//! its number. What a link has to say goes to the line that opened it.
//!
//! Flow: a link may have [`WINDOW`] segments granted and not yet received (while the host fetches data itself: as many
//! bytes as its buffer holds), and is granted more only while its line's backlog is small; so a line that takes nothing
//! holds at most the backlog and one window per link.

mod ack;
mod close;
mod events;
mod heart;
mod inbox;
mod kept;
mod layout;
mod link;
mod options;
mod pull;
mod receive;
mod send;
mod settings;
mod start;
mod transparent;
mod typing;

use alloc::vec::Vec;
use at::DataEnd;

use crate::command::{Answer, Command, Fault, Outcome, Resume};
use crate::exchange::Exchange;
use crate::families::packet::{self, Bearer};
use crate::families::{Family, FamilyTimer, Op};
use crate::io::{ConnId, LineId, LinkEvent, LinkRequest, Time};
use crate::module::Module;
use crate::setup::Setup;
use link::{Link, LinkState};

pub(crate) use link::{state_text, status_fields};
pub(crate) use options::keep_alive;
pub(crate) use settings::SocketSettings;
pub(crate) use transparent::{
    back_to_data, connect_due, deactivated, hang_up, host_sent, in_data_mode, stream_room, to_command_mode,
};

/// Segments that a link may have granted and not yet received.
const WINDOW: usize = 4;

/// The family's state.
#[derive(Debug)]
pub(crate) struct Socket {
    /// What the AT+CIP… settings say.
    pub(crate) settings: SocketSettings,
    /// `IP PROCESSING`: multi mode, from the first CIPSTART until the last open link is closed by CIPCLOSE.
    processing: bool,
    heart: heart::Heart,
    /// By number; those that something has been done with, and those below them.
    links: Vec<Link>,
    /// CIPMODE 1.
    transparent: transparent::Transparent,
}

impl Socket {
    /// The link that has this connection, if any still has it.
    fn find(&self, conn: ConnId) -> Option<(u8, &Link)> {
        let index = self.links.iter().position(|link| link.conn == Some(conn))?;
        Some((u8::try_from(index).ok()?, self.links.get(index)?))
    }

    /// How a link's number stands in front of what it says: not at all in single mode.
    fn tag(&self, number: u8) -> link::Tag {
        link::Tag(self.settings.multi.then_some(number))
    }
}

/// What an open command of this family is in the middle of.
#[derive(Debug)]
pub(crate) enum SocketOp {
    /// CIPSEND: the data come.
    Collect(send::Target),
    /// CIPSEND: until the data are where CIPQSEND wants them.
    Send(send::Sending),
    /// CIPACK: until the count is there.
    Count(ack::Count),
    /// CIPCLOSE: until the close is done.
    Close(close::Closing),
    /// Transparent mode: the line is in data mode.
    Online,
    /// CIPSCONT: until the store has it.
    Keep,
}

/// This family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketTimer {
    /// A line's open command has waited long enough.
    Limit(LineId),
    /// One of transparent mode.
    Stream(transparent::StreamTimer),
    /// The next heartbeat is due.
    Heart,
}

impl Family for Socket {
    type Op = SocketOp;
    type Timer = SocketTimer;

    const COMMANDS: &'static [Command] = &[
        settings::CIPMUX,
        settings::CIPMODE,
        transparent::CIPCCFG,
        start::CIPSTART,
        send::CIPSEND,
        settings::CIPQSEND,
        ack::CIPACK,
        close::CIPCLOSE,
        options::CLPORT,
        layout::CIPHEAD,
        layout::CIPSHOWTP,
        layout::CIPSRIP,
        layout::CIPRXF,
        typing::CIPATS,
        typing::CIPSPRT,
        pull::CIPRXGET,
        options::CIPTKA,
        options::CIPSERVER,
        kept::CIPSCONT,
        heart::HEARTCONFIG,
        heart::HEARTBEAT,
        heart::HEARTBEATHEX,
        heart::HEARTINQUIRE,
    ];

    fn new(_setup: &Setup) -> Self {
        Self {
            settings: SocketSettings::default(),
            processing: false,
            heart: heart::Heart::default(),
            links: Vec::new(),
            transparent: Default::default(),
        }
    }

    fn resume(x: &mut Exchange<'_>, op: SocketOp, event: Resume) -> Answer {
        x.module.cancel(FamilyTimer::socket(SocketTimer::Limit(x.line)));
        match (op, event) {
            (SocketOp::Collect(target), Resume::Data(end, bytes)) => send::collected(x, target, end, bytes),
            // CIPATS: the time is over, and what was typed goes as it is.
            (SocketOp::Collect(target), Resume::DataTimeout(bytes)) => {
                send::collected(x, target, DataEnd::Complete, bytes)
            }
            (SocketOp::Send(sending), _) => send::went_on(x, sending),
            (SocketOp::Count(count), _) => ack::counted(x, count),
            (SocketOp::Close(closing), _) => close::closed(x, closing),
            (SocketOp::Keep, Resume::Store(Ok(_))) => Ok(Outcome::Ok),
            (SocketOp::Keep, Resume::Store(Err(error))) => {
                Err(Fault::error(alloc::format!("the settings could not be stored: {error}")))
            }
            (SocketOp::Keep, _) => Ok(Outcome::Wait(Op::socket(SocketOp::Keep))),
            (SocketOp::Online, _) => transparent::left(x),
            // A data phase without a timeout ends with data only.
            (SocketOp::Collect(_), _) => Ok(Outcome::Said),
        }
    }

    fn timer(module: &mut Module, timer: SocketTimer) {
        let line = match timer {
            SocketTimer::Limit(line) => line,
            SocketTimer::Stream(timer) => return transparent::timer(module, timer),
            SocketTimer::Heart => return heart::beat(module),
        };
        let waits = module.waiting(|op| match op {
            Op::socket(SocketOp::Send(sending)) => sending.line == line,
            Op::socket(SocketOp::Count(count)) => count.line == line,
            Op::socket(SocketOp::Close(closing)) => closing.line == line,
            _ => false,
        });
        if waits.is_some() {
            module.resume(line, Resume::Event);
        }
    }

    fn linked(module: &mut Module, conn: ConnId, event: LinkEvent<'_>) {
        events::link_event(module, conn, event);
    }

    fn connections(&self) -> usize {
        self.links.iter().filter(|link| link.busy()).count()
    }

    fn drained(module: &mut Module) {
        receive::line_drained(module);
    }

    fn halt(module: &mut Module) {
        abandon_all(module);
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        kept::load(module, key, value);
    }

    fn factory(module: &mut Module) {
        let idle = packet::bearer(module) == Bearer::Initial;
        let settings = &mut module.families.socket.settings;
        // Outside IP INITIAL these cannot be set.
        let locked = (settings.multi, settings.transparent, settings.quick_send);
        *settings = SocketSettings::default();
        if !idle {
            (settings.multi, settings.transparent, settings.quick_send) = locked;
        }
        for link in &mut module.families.socket.links {
            link.ports = options::LocalPorts::NONE;
        }
        pull::change(module, 0);
        heart::factory(module);
    }
}

/// Whether several links are on (CIPMUX 1).
pub(crate) fn multi(module: &Module) -> bool {
    module.families.socket.settings.multi
}

/// Whether a link holds a connection, or is about to.
pub(crate) fn is_busy(module: &Module, number: u8) -> bool {
    link::get(module, number).is_some_and(Link::busy)
}

/// The bearer that a CIPSTART from IP INITIAL asked for is up.
pub(crate) fn bearer_up(module: &mut Module) {
    for number in 0..link::touched(module) {
        let waits = link::get(module, number)
            .is_some_and(|link| link.state == LinkState::Connecting && link.conn.is_none());
        if waits {
            start::connect(module, number);
        }
    }
}

/// The bearer is gone, or did not come: every link is dead. `+PDP: DEACT` has said so already; only a CIPSTART that
/// waited for the bearer has a failure of its own.
pub(crate) fn bearer_lost(module: &mut Module) {
    let single = !multi(module);
    for number in 0..link::touched(module) {
        let Some(link) = link::get_mut(module, number).filter(|link| link.busy()) else { continue };
        let cold = link.state == LinkState::Connecting && link.conn.is_none();
        let conn = link.drop_conn(if single { LinkState::Initial } else { LinkState::Closed });
        if let Some(conn) = conn {
            module.link(conn, LinkRequest::Close { quick: true });
        }
        if cold {
            start::tell_failure(module, number);
        }
    }
    go_on(module);
}

/// AT+CIPSHUT: every link is `INITIAL` again.
pub(crate) fn shut(module: &mut Module) {
    abandon_all(module);
    transparent::forget(&mut module.families.socket);
    go_on(module);
}

/// Drops every connection without a word (power-off, restart).
fn abandon_all(module: &mut Module) {
    for number in 0..link::touched(module) {
        let Some(link) = link::get_mut(module, number) else { continue };
        let conn = link.conn;
        *link = Link { ports: link.ports, ..Link::INITIAL };
        if let Some(conn) = conn {
            module.link(conn, LinkRequest::Close { quick: true });
        }
    }
    module.families.socket.processing = false;
}

/// Resumes every open command whose wait a change of the links has ended.
fn go_on(module: &mut Module) {
    transparent::follow(module);
    while let Some(line) = module.waiting(|op| match op {
        Op::socket(SocketOp::Send(sending)) => sending.is_over(&module.families.socket),
        Op::socket(SocketOp::Count(count)) => module.families.socket.find(count.conn).is_none(),
        Op::socket(SocketOp::Close(closing)) => module.families.socket.find(closing.conn).is_none(),
        _ => false,
    }) {
        module.resume(line, Resume::Event);
    }
}

/// Leaves a command open on its line, at the latest until `deadline`.
fn wait(x: &mut Exchange<'_>, op: SocketOp, deadline: Time) -> Answer {
    let left = deadline.0.saturating_sub(x.now().0);
    x.module.arm(FamilyTimer::socket(SocketTimer::Limit(x.line)), left);
    Ok(Outcome::Wait(Op::socket(op)))
}
