//! The data connection.

use alloc::format;
use alloc::string::{String, ToString};
use core::net::{IpAddr, Ipv4Addr};

use super::{Link, LinkState, Session, Step, close_data, connect_failure, control, give_up, succeed};
use crate::families::ftp::job::{Action, Failure, Supply};
use crate::families::ftp::settings::Security;
use crate::families::names;
use crate::io::{LinkEvent, LinkFailure, LinkRequest, Transport};
use crate::module::{Module, Opening, Session as TlsSession};

/// Opens it, to the server's address whatever PASV says: behind a NAT that is often a private one, and a bad server's
/// may be anybody's.
pub(super) fn connect(module: &mut Module, port: u16, said: Option<[u8; 4]>) {
    let Some(session) = &mut module.families.ftp.session else { return };
    let Some(peer) = session.peer else { return };
    session.step = Step::DataConnecting;
    session.extended = said.is_none();
    let (line, name, bearer) = (session.job.line, session.job.party.name, session.settings.cid);
    if let Some(said) = said.map(Ipv4Addr::from).filter(|said| IpAddr::V4(*said) != peer.ip()) {
        let server = peer.ip();
        let text = format!("PASV names {said}, which is not the server's address: the data connection goes to {server}");
        module.note(Some(line), name, text);
    }
    let opening = Opening {
        transport: Transport::Tcp,
        host: peer.ip().to_string(),
        port,
        context: None,
        bearer: Some(bearer),
        name_servers: names::servers(module),
        local_port: None,
        session: TlsSession::Own,
        link: module.setup.profile.ftp.links.1,
    };
    let Ok(conn) = module.open(opening) else { return };
    if let Some(session) = &mut module.families.ftp.session {
        session.data = Some(Link::new(conn));
    }
}

/// Something happened to it.
pub(super) fn event(module: &mut Module, event: LinkEvent<'_>) {
    let Some(session) = &mut module.families.ftp.session else { return };
    let upload = is_upload(session);
    let failure = if upload { Failure::Upload } else { Failure::Download };
    let (step, quits) = (session.step, session.outcome.is_some());
    let Some(data) = &mut session.data else { return };
    let (conn, state) = (data.conn, data.state);
    match event {
        LinkEvent::Connected { .. } if state == LinkState::Connecting => {
            data.state = LinkState::Open;
            if step == Step::DataConnecting {
                control::data_connected(module);
            }
        }
        LinkEvent::Secured if state == LinkState::Securing => {
            data.state = LinkState::Open;
            go_on(module);
        }
        LinkEvent::Received(bytes) => {
            data.granted = data.granted.saturating_sub(bytes.len());
            if step == Step::Transfer && !upload {
                session.transfer.bytes += bytes.len() as u64;
                let party = session.job.party;
                open_phase(module);
                (party.received)(module, bytes);
                go_on(module);
            }
        }
        LinkEvent::Sent(bytes) => {
            data.unsent = data.unsent.saturating_sub(bytes);
            go_on(module);
        }
        LinkEvent::Failed(why) if step == Step::DataConnecting && session.extended && why != LinkFailure::Network => {
            session.data = None;
            let (line, name) = (session.job.line, session.job.party.name);
            let text = "nothing answers at the port that EPSV names (a NAT on the way may know PASV only): PASV is tried";
            module.note(Some(line), name, text);
            control::ask_passive(module);
        }
        LinkEvent::Failed(why) => {
            data.state = LinkState::Gone;
            let (failure, text) = match why {
                LinkFailure::Certificate => (Failure::Certificate, "the certificate on the data connection is not accepted"),
                LinkFailure::Tls => (Failure::DataTls, "TLS on the data connection came to nothing"),
                _ if state == LinkState::Connecting => (connect_failure(why), "the data connection came to nothing"),
                _ => (failure, "the data connection broke"),
            };
            give_up(module, failure, text);
        }
        LinkEvent::PeerClosed { truncated } => {
            data.state = LinkState::Gone;
            if state != LinkState::Closing {
                module.link(conn, LinkRequest::Close { quick: false });
            }
            // What becomes of an upload says the server's reply.
            if !quits && !upload {
                download_ended(module, truncated);
            }
        }
        LinkEvent::Broken(_) => {
            data.state = LinkState::Gone;
            if !upload {
                give_up(module, failure, "the data connection broke");
            }
        }
        LinkEvent::Closed => data.state = LinkState::Gone,
        LinkEvent::Connected { .. } | LinkEvent::Secured | LinkEvent::Acked(_) => {}
    }
}

/// The server has closed the connection of a download.
fn download_ended(module: &mut Module, truncated: bool) {
    let Some(session) = &mut module.families.ftp.session else { return };
    let why = match session.step {
        _ if truncated => {
            "the data connection's TLS ended without close_notify: nobody can tell whether that was all"
        }
        Step::Transfer => {
            session.transfer.complete = true;
            return check_download(module);
        }
        _ => "the server closed the data connection too early",
    };
    give_up(module, Failure::Download, why);
}

/// The command that wants it has been sent.
pub(super) fn begin(module: &mut Module) {
    let Some(session) = &mut module.families.ftp.session else { return };
    let of = TlsSession::Of(session.control.conn, session.settings.server.clone());
    let plain = session.settings.security == Security::Plain;
    let Some(data) = &mut session.data else { return };
    let conn = data.conn;
    if data.state != LinkState::Open {
        return;
    }
    if plain {
        return go_on(module);
    }
    data.state = LinkState::Securing;
    let context = module.setup.profile.ftp.context;
    if module.secure(conn, context, "", of).is_err() {
        give_up(module, Failure::DataTls, "the module has no SSL context for FTP");
    }
}

/// The server begins with it.
pub(super) fn begun(module: &mut Module) {
    if let Some(session) = &mut module.families.ftp.session {
        session.transfer.begun = true;
        go_on(module);
    }
}

/// The server has done its part, or does not do it.
pub(super) fn replied(module: &mut Module, good: bool, says: String) {
    let Some(session) = &mut module.families.ftp.session else { return };
    session.transfer.done = true;
    let upload = is_upload(session);
    match (good, upload) {
        (false, false) => give_up(module, Failure::Download, says),
        (false, true) => give_up(module, Failure::Upload, says),
        (true, false) => check_download(module),
        (true, true) if session.transfer.complete => {
            let bytes = session.transfer.bytes;
            succeed(module, bytes);
        }
        (true, true) => give_up(module, Failure::Upload, "the server says that it has the file before all of it was sent"),
    }
}

/// A download is done when the server has said so, and its connection has ended, in whatever order.
fn check_download(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    if session.transfer.done && session.transfer.complete {
        let bytes = session.transfer.bytes;
        open_phase(module);
        succeed(module, bytes);
    }
}

/// Tells the party that the data phase has begun, once.
fn open_phase(module: &mut Module) {
    let Some(session) = &mut module.families.ftp.session else { return };
    if !core::mem::replace(&mut session.transfer.opened, true) {
        (session.job.party.opened)(module);
    }
}

/// Lets come, or sends, as much as the party and the network take.
pub(super) fn go_on(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    let ready = session.data.as_ref().is_some_and(|data| data.state == LinkState::Open);
    if session.step != Step::Transfer || !ready {
        return;
    }
    if session.transfer.begun {
        open_phase(module);
    }
    match module.families.ftp.session.as_deref() {
        Some(session) if is_upload(session) => feed(module),
        Some(_) => grant(module),
        None => {}
    }
}

fn grant(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    let room = (session.job.party.room)(module);
    let Some(data) = module.families.ftp.session.as_mut().and_then(|session| session.data.as_mut()) else { return };
    if room > data.granted {
        let more = room - data.granted;
        data.granted = room;
        let conn = data.conn;
        module.link(conn, LinkRequest::Grant(more));
    }
}

fn feed(module: &mut Module) {
    let (segment, limit) = (module.setup.profile.segment, module.setup.profile.send_buffer);
    loop {
        let Some(session) = &module.families.ftp.session else { return };
        let room = session.data.as_ref().is_some_and(|data| data.state == LinkState::Open && data.unsent + segment <= limit);
        if !session.transfer.opened || !room {
            return;
        }
        let supply = (session.job.party.supply)(module, segment);
        let Some(session) = &mut module.families.ftp.session else { return };
        let Some(data) = &mut session.data else { return };
        match supply {
            Supply::Bytes(bytes) if !bytes.is_empty() => {
                data.unsent += bytes.len();
                session.transfer.bytes += bytes.len() as u64;
                let conn = data.conn;
                module.link(conn, LinkRequest::Send(bytes));
            }
            Supply::Bytes(_) | Supply::Later => return,
            // A slow close has a limit, behind which what was left is lost, and the server would take that for the end.
            Supply::End if data.unsent > 0 => return,
            Supply::End => {
                session.transfer.complete = true;
                return close_data(module, false);
            }
        }
    }
}

/// Whether a transfer waits for the server, not for the party.
pub(super) fn waits(session: &Session) -> bool {
    let Some(data) = &session.data else { return true };
    match data.state {
        // The handshake has a limit of its own.
        LinkState::Securing => false,
        LinkState::Open if is_upload(session) => !session.transfer.opened || data.unsent > 0,
        LinkState::Open => data.granted > 0,
        LinkState::Connecting | LinkState::Closing | LinkState::Gone => true,
    }
}

fn is_upload(session: &Session) -> bool {
    matches!(session.job.action, Action::Put { .. })
}
