//! From the host to the peer: SendSz and WaitTm decide when bytes leave, `+++` is looked for.

use core::iter::repeat_n;

use super::super::link::{get, get_mut};
use super::{Farewell, LINK, StreamTimer, is_online, leave};
use crate::io::{LinkRequest, Transport};
use crate::module::Module;

/// The most bytes from the host that the network has not taken yet. Beyond it the line is not read.
const WINDOW: usize = 256 << 10;

/// How many bytes the transparent connection takes from the host now.
pub(crate) fn stream_room(module: &Module) -> usize {
    let unsent = get(module, LINK).map_or(0, |link| usize::try_from(link.unsent()).unwrap_or(usize::MAX));
    WINDOW.saturating_sub(unsent).saturating_sub(module.families.socket.transparent.held.len())
}

/// The host sent something on the line that is in data mode.
pub(crate) fn host_sent(module: &mut Module, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let (now, timing) = (module.now, &module.setup.profile.timing);
    let transparent = &mut module.families.socket.transparent;
    let watched = transparent.escape.deadline(timing);
    if let Some(signs) = transparent.escape.heard(now, bytes, timing) {
        transparent.held.extend(repeat_n(b'+', signs));
        transparent.held.extend_from_slice(bytes);
        release(module);
    }
    watch(module, watched.is_some());
}

/// Keeps the timer of `+++` as the signs want it.
fn watch(module: &mut Module, watched: bool) {
    let timer = StreamTimer::Escape.timer();
    match module.families.socket.transparent.escape.deadline(&module.setup.profile.timing) {
        Some(at) => module.arm(timer, at.0.saturating_sub(module.now.0)),
        None if watched => module.cancel(timer),
        None => {}
    }
}

/// The time of the signs is over.
pub(super) fn silence(module: &mut Module) {
    let escape = &mut module.families.socket.transparent.escape;
    let complete = escape.is_complete();
    let signs = escape.take();
    if complete {
        send_held(module);
        return leave(module, Farewell::Escaped);
    }
    module.families.socket.transparent.held.extend(repeat_n(b'+', signs));
    release(module);
}

/// Sends what makes whole packets of SendSz bytes; the rest waits for more, at most WaitTm.
pub(super) fn release(module: &mut Module) {
    if !is_online(module) {
        return;
    }
    let packing = module.families.socket.settings.packing;
    let transparent = &mut module.families.socket.transparent;
    let whole = transparent.held.len() - transparent.held.len() % packing.size();
    if whole > 0 {
        let rest = transparent.held.split_off(whole);
        send(module, rest);
    }
    let transparent = &mut module.families.socket.transparent;
    let waits = !transparent.held.is_empty();
    // What is left of more than a packet has come just now.
    let from_now = whole > 0 || !transparent.holding;
    transparent.holding = waits;
    let timer = StreamTimer::Hold.timer();
    if !waits {
        module.cancel(timer);
    } else if from_now {
        module.arm(timer, packing.wait());
    }
}

/// WaitTm is over.
pub(super) fn waited(module: &mut Module) {
    module.families.socket.transparent.holding = false;
    send_held(module);
}

/// Everything that is held back is data, and leaves.
pub(super) fn let_go(module: &mut Module) {
    take_back(module);
    send_held(module);
}

/// Plus signs that were held back are data.
pub(super) fn take_back(module: &mut Module) {
    let transparent = &mut module.families.socket.transparent;
    let signs = transparent.escape.take();
    transparent.held.extend(repeat_n(b'+', signs));
}

fn send_held(module: &mut Module) {
    if !module.families.socket.transparent.held.is_empty() {
        send(module, alloc::vec::Vec::new());
    }
    module.families.socket.transparent.holding = false;
    module.cancel(StreamTimer::Hold.timer());
}

/// Sends what is held, and keeps `rest` in its place. A stream takes it in one piece, UDP in packets.
fn send(module: &mut Module, rest: alloc::vec::Vec<u8>) {
    let size = module.families.socket.settings.packing.size();
    let bytes = core::mem::replace(&mut module.families.socket.transparent.held, rest);
    let Some(link) = get_mut(module, LINK) else { return };
    let Some(conn) = link.conn else { return };
    link.accepted += bytes.len() as u64;
    if link.transport == Transport::Tcp {
        return module.link(conn, LinkRequest::Send(bytes));
    }
    for packet in bytes.chunks(size) {
        module.link(conn, LinkRequest::Send(packet.to_vec()));
    }
}
