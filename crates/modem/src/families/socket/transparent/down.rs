//! From the peer to the host: at once, or as Rxmode, RxSize and Rxtimer have it.

use super::super::link::{LinkState, get_mut};
use super::{LINK, StreamTimer, online};
use crate::io::{LineId, LinkRequest};
use crate::module::Module;

/// How many bytes the connection may have granted and not yet received, …
const WINDOW: usize = 64 << 10;
/// … and how many may wait for the line before nothing more is granted.
const BACKLOG: usize = 64 << 10;

// A line of the host program keeps 256 KiB for a client that reads nothing.
const _: () = assert!(BACKLOG + WINDOW <= 128 << 10);

/// The peer sent something.
pub(in super::super) fn received(module: &mut Module, bytes: &[u8]) {
    let online = online(module);
    let socket = &mut module.families.socket;
    match online {
        Some(line) if !socket.settings.packing.paced && socket.transparent.incoming.is_empty() => {
            module.line_mut(line).out.extend_from_slice(bytes);
        }
        _ => {
            socket.transparent.incoming.extend(bytes);
            pass_on(module);
        }
    }
}

/// Gives the line what it may have now of what waits, if it is in data mode.
pub(super) fn pass_on(module: &mut Module) {
    let Some(line) = online(module) else { return };
    let packing = module.families.socket.settings.packing;
    if !packing.paced {
        return flush(module);
    }
    let transparent = &module.families.socket.transparent;
    if transparent.pausing || transparent.incoming.is_empty() {
        return;
    }
    write(module, line, usize::from(packing.receive_size));
    module.families.socket.transparent.pausing = true;
    module.arm(StreamTimer::Pause.timer(), packing.receive_pause.into());
}

/// Rxtimer is over.
pub(super) fn paused(module: &mut Module) {
    module.families.socket.transparent.pausing = false;
    pass_on(module);
    grant(module, LINK);
}

/// Gives the line all that waits, if it is in data mode.
pub(super) fn flush(module: &mut Module) {
    if let Some(line) = online(module) {
        write(module, line, usize::MAX);
    }
}

fn write(module: &mut Module, line: LineId, most: usize) {
    let incoming = &mut module.families.socket.transparent.incoming;
    let count = incoming.len().min(most);
    let mut bytes: alloc::vec::Vec<u8> = incoming.drain(..count).collect();
    if incoming.is_empty() {
        incoming.shrink_to_fit();
    }
    module.line_mut(line).out.append(&mut bytes);
}

/// Lets the connection be read, as far as its line keeps up.
pub(in super::super) fn grant(module: &mut Module, number: u8) {
    let Some(line) = module.families.socket.transparent.line.filter(|_| number == LINK) else { return };
    let waiting = module.backlog(line) + module.families.socket.transparent.incoming.len();
    let Some(link) = get_mut(module, LINK).filter(|link| link.state == LinkState::Connected) else { return };
    let Some(conn) = link.conn else { return };
    if link.granted > WINDOW / 2 || waiting >= BACKLOG {
        return;
    }
    let more = WINDOW - link.granted;
    link.granted = WINDOW;
    module.link(conn, LinkRequest::Grant(more));
}
