//! Transparent mode (AT+CIPMODE=1): the line is the peer's, in both directions, until something ends that.
//!
//! ```text
//!  CIPSTART ─► CONNECT ─► data ── +++ or DTR (&D1): OK ──► commands
//!                         │  ▲                              │  │
//!                         │  └────── ATO: CONNECT ──────────┘  │
//!                         ▼                                    ▼
//!  the peer, the stack, the bearer, DTR (&D2), another line   ATH, CIPCLOSE, CIPSHUT
//!       CLOSED, TCP ERROR:<n>, +PDP: DEACT
//! ```
//!
//! There is one such connection at most: transparent mode is single mode, link 0. While the data flow, its line has an open
//! command ([`SocketOp::Online`](super::SocketOp)), so unsolicited lines wait; what ends the data is said before them.

mod config;
mod down;
mod escape;
mod up;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use super::link::{LinkState, get, get_mut};
use super::{Socket, SocketOp, SocketTimer, go_on};
use crate::command::{Answer, Outcome, Resume};
use crate::exchange::Exchange;
use crate::families::{FamilyTimer, Op, call};
use crate::io::{LineId, LinkRequest, Transport};
use crate::module::Module;
use escape::Escape;

pub(super) use config::CIPCCFG;
pub(crate) use config::Packing;
pub(super) use down::{grant, received};
pub(crate) use up::{host_sent, stream_room};

/// The link of single mode.
const LINK: u8 = 0;

/// What belongs to the transparent connection beyond its link.
#[derive(Debug, Default)]
pub(super) struct Transparent {
    /// The line whose connection it is, while it is up.
    line: Option<LineId>,
    /// It is up, and `CONNECT` waits until the line is between two commands.
    due: bool,
    /// From the host: waits for more, or for CIPCCFG's time. With BufClean 0 it outlasts the connection.
    held: Vec<u8>,
    /// The timer for `held` runs.
    holding: bool,
    escape: Escape,
    /// From the peer: waits for data mode, or for CIPCCFG's Rxtimer.
    incoming: VecDeque<u8>,
    /// The timer for `incoming` runs.
    pausing: bool,
    /// What the line is about to be told as its data end.
    farewell: Option<Farewell>,
}

/// How the data of a line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// The host wants commands; the connection stays.
    Escaped,
    /// The connection is closed.
    Closed,
    /// `TCP ERROR:<n>`
    Error(Transport, u8),
    /// `+PDP: DEACT`
    Deactivated,
}

/// What a timer of transparent mode is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamTimer {
    /// WaitTm: what is held may leave.
    Hold,
    /// What may be `+++` has waited long enough.
    Escape,
    /// Rxtimer: the line may have more.
    Pause,
}

impl StreamTimer {
    fn timer(self) -> FamilyTimer {
        FamilyTimer::socket(SocketTimer::Stream(self))
    }
}

/// A timer of transparent mode is due.
pub(super) fn timer(module: &mut Module, timer: StreamTimer) {
    match timer {
        StreamTimer::Hold => up::waited(module),
        StreamTimer::Escape => up::silence(module),
        StreamTimer::Pause => down::paused(module),
    }
}

/// The connection is up: `CONNECT` follows as soon as its line is free.
pub(super) fn connected(module: &mut Module) {
    let line = get(module, LINK).map(|link| link.line);
    let transparent = &mut module.families.socket.transparent;
    (transparent.line, transparent.due) = (line, true);
}

/// Begins the data of a connection that has come up, if its line is between two commands.
pub(crate) fn connect_due(module: &mut Module) {
    let transparent = &module.families.socket.transparent;
    let Some(line) = transparent.line.filter(|_| transparent.due) else { return };
    let backlog = module.setup.profile.line_backlog;
    if !module.line(line).is_some_and(|line| line.is_idle() && line.reads(backlog)) {
        return;
    }
    // DCD is on before CONNECT is said.
    call::set_carrier(module, line, true);
    module.tell_settings(line);
    module.say(line, format_args!("CONNECT"));
    module.begin_stream(line, Op::socket(SocketOp::Online), String::from("transparent mode"), false);
    in_data_mode(module);
}

/// ATO: the operation that the line's data are, if it has a connection that is up.
pub(crate) fn back_to_data(module: &mut Module, line: LineId) -> Option<Op> {
    (module.families.socket.transparent.line == Some(line)).then_some(Op::socket(SocketOp::Online))
}

/// The line has turned to data.
pub(crate) fn in_data_mode(module: &mut Module) {
    let now = module.now;
    let transparent = &mut module.families.socket.transparent;
    transparent.due = false;
    transparent.escape = Escape::since(now);
    if let Some(line) = transparent.line {
        call::set_carrier(module, line, true);
    }
    up::release(module);
    down::pass_on(module);
    grant(module, LINK);
}

/// The line that is in data mode, if one is.
fn online(module: &Module) -> Option<LineId> {
    let line = module.families.socket.transparent.line?;
    module.line(line).is_some_and(|line| line.streams()).then_some(line)
}

/// Whether a line's data flow.
pub(super) fn is_online(module: &Module) -> bool {
    online(module).is_some()
}

/// DTR fell (&D1): commands, and the connection stays.
pub(crate) fn to_command_mode(module: &mut Module, line: LineId) {
    if online(module) == Some(line) {
        up::let_go(module);
        leave(module, Farewell::Escaped);
    }
}

/// Ends the transparent connection of a line, if it has one, after what the host has sent. `say`: the line is told.
pub(crate) fn hang_up(module: &mut Module, line: LineId, say: bool) {
    if module.families.socket.transparent.line != Some(line) {
        return;
    }
    up::let_go(module);
    let told = is_online(module);
    let conn = get_mut(module, LINK).and_then(|link| link.drop_conn(LinkState::Closed));
    if let Some(conn) = conn {
        module.link(conn, LinkRequest::Close { quick: false });
    }
    go_on(module);
    if say && !told {
        module.urc(line, format_args!("CLOSED"));
    }
}

/// The link is about to end with an error; where its data flow, that is said as they end.
pub(super) fn failing(module: &mut Module, transport: Transport, code: u8) {
    module.families.socket.transparent.farewell = Some(Farewell::Error(transport, code));
}

/// `+PDP: DEACT` on every line; data end with it.
pub(crate) fn deactivated(module: &mut Module) {
    let online = online(module);
    for line in module.line_ids() {
        if online == Some(line) {
            module.families.socket.transparent.farewell = Some(Farewell::Deactivated);
        } else {
            module.news(line, format_args!("+PDP: DEACT"), &[]);
        }
    }
}

/// AT+CIPSHUT: nothing is kept for a later connection.
pub(super) fn forget(socket: &mut Socket) {
    socket.transparent.held.clear();
}

/// The links have changed: if the connection is over, so is everything that belongs to it.
pub(super) fn follow(module: &mut Module) {
    let over = get(module, LINK).is_none_or(|link| link.state != LinkState::Connected);
    let Some(line) = module.families.socket.transparent.line.filter(|_| over) else { return };
    let farewell = module.families.socket.transparent.farewell.take().unwrap_or(Farewell::Closed);
    if is_online(module) {
        leave(module, farewell);
    }
    let keeps = !module.families.socket.settings.packing.discards;
    let transparent = &mut module.families.socket.transparent;
    let lost = transparent.incoming.len();
    let kept = if keeps { core::mem::take(&mut transparent.held) } else { Vec::new() };
    *transparent = Transparent { held: kept, ..Transparent::default() };
    for timer in [StreamTimer::Hold, StreamTimer::Escape, StreamTimer::Pause] {
        module.cancel(timer.timer());
    }
    if lost > 0 {
        let text =
            alloc::format!("{lost} bytes that came in command mode are lost: the connection is over before ATO");
        module.note(Some(line), "transparent mode", text);
    }
    call::set_carrier(module, line, false);
}

/// The data of the line end.
fn leave(module: &mut Module, farewell: Farewell) {
    let Some(line) = online(module) else { return };
    module.cancel(StreamTimer::Escape.timer());
    if farewell != Farewell::Escaped {
        up::take_back(module);
        down::flush(module);
    }
    module.families.socket.transparent.farewell = Some(farewell);
    // It is a command line again.
    module.line_mut(line).reader.take_data();
    module.resume(line, Resume::Event);
}

/// The line is told how its data have ended.
pub(super) fn left(x: &mut Exchange<'_>) -> Answer {
    match x.module.families.socket.transparent.farewell.take() {
        Some(Farewell::Escaped) => return Ok(Outcome::Ok),
        Some(Farewell::Error(transport, code)) => x.info(format_args!("{transport} ERROR:{code}")),
        Some(Farewell::Deactivated) => x.info(format_args!("+PDP: DEACT")),
        Some(Farewell::Closed) | None => x.info(format_args!("CLOSED")),
    }
    Ok(Outcome::Said)
}
