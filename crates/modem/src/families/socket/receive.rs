//! What comes in: payload for the host, and how much of it the module takes.

use super::link::{LinkState, get, get_mut};
use super::{SocketSettings, WINDOW, transparent};
use crate::io::LinkRequest;
use crate::module::Module;

/// Payload for the host, in packets of at most one segment.
pub(super) fn deliver(module: &mut Module, number: u8, bytes: &[u8]) {
    let Some(line) = get(module, number).map(|link| link.line) else { return };
    let SocketSettings { multi, header, receive_crlf, .. } = module.families.socket.settings;
    for packet in bytes.chunks(module.setup.profile.segment.max(1)) {
        let length = packet.len();
        if multi {
            module.urc_with(line, format_args!("+RECEIVE,{number},{length}:"), packet);
        } else if header {
            module.urc_raw(line, alloc::format!("\r\n+IPD,{length}:").as_bytes());
            module.urc_raw(line, packet);
        } else {
            module.urc_raw(line, packet);
            if receive_crlf {
                module.urc_raw(line, b"\r\n");
            }
        }
    }
}

/// Lets a link be read, as far as its line keeps up.
pub(super) fn grant(module: &mut Module, number: u8) {
    if module.families.socket.settings.transparent {
        return transparent::grant(module, number);
    }
    let connected = get(module, number).filter(|link| link.state == LinkState::Connected);
    let Some((line, granted, Some(conn))) = connected.map(|link| (link.line, link.granted, link.conn)) else {
        return;
    };
    let profile = module.setup.profile;
    let window = WINDOW * profile.segment;
    if granted + profile.segment > window || module.backlog(line) >= profile.line_backlog {
        return;
    }
    if let Some(link) = get_mut(module, number) {
        link.granted = window;
    }
    module.link(conn, LinkRequest::Grant(window - granted));
}

/// A line took bytes: links whose data goes there may be read again.
pub(crate) fn line_drained(module: &mut Module) {
    for number in 0..module.setup.profile.links {
        grant(module, number);
    }
}
