//! What comes in: payload for the host, and how much of it the module takes.

use core::fmt;
use core::net::SocketAddr;

use super::link::{LinkState, get, get_mut, touched};
use super::{SocketSettings, WINDOW, transparent};
use crate::io::{LinkRequest, Transport};
use crate::module::Module;

/// How many line backlogs may wait before datagrams, which come whole and so may be more than was granted, are lost.
const DATAGRAM_BACKLOGS: usize = 4;

/// Payload has come: it is said, or kept until the host fetches it.
pub(super) fn received(module: &mut Module, number: u8, bytes: &[u8]) {
    let pull = module.families.socket.settings.pull;
    match pull {
        0 if overflows(module, number) => {
            let text = "a datagram is lost: the line has not taken those before it";
            module.note(None, &alloc::format!("link {number}"), text);
        }
        0 => deliver(module, number, bytes),
        mode => keep(module, number, bytes, mode == 1),
    }
}

fn overflows(module: &mut Module, number: u8) -> bool {
    let udp = get(module, number).filter(|link| link.transport == Transport::Udp).map(|link| link.line);
    let limit = DATAGRAM_BACKLOGS * module.setup.profile.line_backlog;
    udp.is_some_and(|line| module.backlog(line) >= limit)
}

/// Keeps payload for AT+CIPRXGET and says so: with `once` only if the host has read since it was last told.
fn keep(module: &mut Module, number: u8, bytes: &[u8], once: bool) {
    let Some(link) = get_mut(module, number) else { return };
    link.inbox.push(link.transport, bytes);
    if core::mem::replace(&mut link.announced, true) && once {
        return;
    }
    let (line, peer) = (link.line, link.peer);
    let SocketSettings { multi, show_peer, .. } = module.families.socket.settings;
    let from = fmt::from_fn(|f| match peer.filter(|_| show_peer) {
        Some(peer) => write!(f, ",\"{peer}\""),
        None => Ok(()),
    });
    if multi {
        module.urc(line, format_args!("+CIPRXGET: 1,{number}{from}"));
    } else {
        module.urc(line, format_args!("+CIPRXGET: 1{from}"));
    }
}

/// Payload for the host, in packets of at most one segment.
pub(super) fn deliver(module: &mut Module, number: u8, bytes: &[u8]) {
    let Some((line, transport, peer)) = get(module, number).map(|link| (link.line, link.transport, link.peer))
    else {
        return;
    };
    let SocketSettings { multi, header, show_transport, show_peer, receive_crlf, .. } =
        module.families.socket.settings;
    let peer: Option<SocketAddr> = peer.filter(|_| show_peer);
    for packet in bytes.chunks(module.setup.profile.segment.max(1)) {
        let length = packet.len();
        if let Some(peer) = peer {
            module.urc(line, format_args!("RECV FROM: {peer}"));
        }
        if multi {
            module.urc_with(line, format_args!("+RECEIVE,{number},{length}:"), packet);
        } else if header {
            let header = if show_transport {
                alloc::format!("\r\n+IPD,{length},{transport}:")
            } else {
                alloc::format!("\r\n+IPD,{length}:")
            };
            module.urc_raw(line, header.as_bytes());
            module.urc_raw(line, packet);
        } else {
            module.urc_raw(line, packet);
            if receive_crlf {
                module.urc_raw(line, b"\r\n");
            }
        }
    }
}

/// Lets a link be read, as far as its line keeps up and, while the host fetches data itself, as far as its buffer holds
/// them.
pub(super) fn grant(module: &mut Module, number: u8) {
    if module.families.socket.settings.transparent {
        return transparent::grant(module, number);
    }
    let connected = get(module, number).filter(|link| link.state == LinkState::Connected);
    let Some((line, granted, kept, Some(conn))) =
        connected.map(|link| (link.line, link.granted, link.inbox.len(), link.conn))
    else {
        return;
    };
    let profile = module.setup.profile;
    let window = match module.families.socket.settings.pull {
        0 => WINDOW * profile.segment,
        _ => profile.receive_buffer.saturating_sub(kept),
    };
    if granted + profile.segment > window || module.backlog(line) >= profile.line_backlog {
        return;
    }
    if let Some(link) = get_mut(module, number) {
        link.granted = window;
    }
    module.link(conn, LinkRequest::Grant(window - granted));
}

/// A line took bytes: links whose data goes there may be read again.
pub(super) fn line_drained(module: &mut Module) {
    for number in 0..touched(module) {
        grant(module, number);
    }
}
