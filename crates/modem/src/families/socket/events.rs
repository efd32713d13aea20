//! What happens to connections: results of connects, payload, acknowledgements, the end.

use super::link::{LinkState, get, get_mut, tell};
use super::receive::{grant, received};
use super::{ack, go_on, heart, start, transparent};
use crate::io::{ConnId, LinkEvent, LinkFailure, LinkRequest, Transport};
use crate::module::Module;

/// Something happened to a connection. A connection that no link has any more concerns nobody.
pub(super) fn link_event(module: &mut Module, conn: ConnId, event: LinkEvent<'_>) {
    let Some((number, link)) = module.families.socket.find(conn) else { return };
    let state = link.state;
    match (event, state) {
        (LinkEvent::Connected { peer }, LinkState::Connecting) => {
            if let Some(link) = get_mut(module, number) {
                link.state = LinkState::Connected;
                link.peer = Some(peer);
            }
            heart::connected(module, number);
            if module.families.socket.settings.transparent {
                transparent::connected(module);
                grant(module, number);
                return;
            }
            grant(module, number);
            tell(module, number, format_args!("CONNECT OK"));
        }
        (LinkEvent::Connected { .. } | LinkEvent::Secured, _) => {}
        (
            LinkEvent::Failed(_) | LinkEvent::Broken(_) | LinkEvent::PeerClosed { .. } | LinkEvent::Closed,
            LinkState::Connecting,
        ) => start::failed(module, number),
        (LinkEvent::Received(bytes), _) => {
            if let Some(link) = get_mut(module, number) {
                link.granted = link.granted.saturating_sub(bytes.len());
            }
            if state == LinkState::Connected {
                if module.families.socket.settings.transparent {
                    transparent::received(module, bytes);
                } else {
                    received(module, number, bytes);
                }
                grant(module, number);
            }
        }
        (LinkEvent::Sent(bytes), _) => {
            if let Some(link) = get_mut(module, number) {
                link.sent = link.sent.saturating_add(bytes as u64).min(link.accepted);
            }
            go_on(module);
        }
        (LinkEvent::Acked(total), _) => {
            if let Some(link) = get_mut(module, number) {
                link.acked = link.acked.max(total.min(link.accepted));
            }
            go_on(module);
            ack::arrived(module, conn);
        }
        // The close that CIPCLOSE asked for goes on; its own end is still to come.
        (LinkEvent::PeerClosed { .. }, LinkState::Closing) => {}
        (LinkEvent::PeerClosed { .. }, _) => {
            module.link(conn, LinkRequest::Close { quick: false });
            if let Some(link) = get_mut(module, number) {
                link.peer_closed = true;
            }
            ended(module, number, true);
        }
        (LinkEvent::Broken(failure) | LinkEvent::Failed(failure), LinkState::Connected) => {
            stack_error(module, number, failure);
            // Transparent mode names the error only.
            let closed = !module.families.socket.settings.transparent;
            ended(module, number, closed);
        }
        (LinkEvent::Broken(_) | LinkEvent::Failed(_) | LinkEvent::Closed, _) => {
            ended(module, number, state == LinkState::Connected);
        }
    }
}

fn ended(module: &mut Module, number: u8, say: bool) {
    // Where the data flow, they end with it.
    let say = say && !transparent::is_online(module);
    if let Some(link) = get_mut(module, number) {
        link.drop_conn(LinkState::Closed);
    }
    if say {
        tell(module, number, format_args!("CLOSED"));
    }
    go_on(module);
}

/// `TCP ERROR:<code>`, with the codes of the manual.
fn stack_error(module: &mut Module, number: u8, failure: LinkFailure) {
    let Some(transport) = get(module, number).map(|link| link.transport) else { return };
    let code = match (transport, failure) {
        (Transport::Tcp, LinkFailure::NoBuffer) => 4,
        (Transport::Tcp, LinkFailure::Network) => 5,
        (Transport::Tcp, LinkFailure::Unreachable) => 6,
        (Transport::Tcp, LinkFailure::AddressInUse) => 7,
        (Transport::Tcp, LinkFailure::AddressUnavailable) => 8,
        (Transport::Tcp, LinkFailure::Refused) => 11,
        (Transport::Tcp, LinkFailure::Timeout) => 12,
        (Transport::Tcp, LinkFailure::Aborted) => 13,
        (Transport::Tcp, LinkFailure::Reset) => 14,
        (Transport::Tcp, LinkFailure::ShutDown) => 17,
        (Transport::Tcp, LinkFailure::Dns | LinkFailure::Tls | LinkFailure::Certificate | LinkFailure::Local) => 18,
        (Transport::Udp, LinkFailure::NoBuffer) => 5,
        (Transport::Udp, LinkFailure::Network) => 6,
        (Transport::Udp, LinkFailure::Refused) => 7,
        (Transport::Udp, LinkFailure::Unreachable) => 8,
        (Transport::Udp, LinkFailure::AddressInUse) => 9,
        (Transport::Udp, LinkFailure::AddressUnavailable) => 10,
        (Transport::Udp, _) => 14,
    };
    if transparent::is_online(module) {
        return transparent::failing(module, transport, code);
    }
    tell(module, number, format_args!("{transport} ERROR:{code}"));
}
