//! The control connection: commands, and what their replies lead to.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{
    LinkState, Session, Step, connect_failure, data, fail_now, finish, give_up, succeed,
};
use crate::families::FamilyTimer;
use crate::families::ftp::FtpTimer;
use crate::families::ftp::job::{Action, Failure};
use crate::families::ftp::reply::{Broken, Reply};
use crate::families::ftp::settings::{PutOption, Security, Type};
use crate::io::{LinkEvent, LinkFailure, LinkRequest};
use crate::module::{Module, Session as TlsSession};

/// Bytes of replies that may be granted and not yet received.
const WINDOW: usize = 1024;
/// Preliminary replies in a row that are borne.
const MOST_PRELIMINARY: u8 = 16;

/// Something happened to the control connection.
pub(super) fn event(module: &mut Module, event: LinkEvent<'_>) {
    let Some(session) = &mut module.families.ftp.session else { return };
    let state = session.control.state;
    match event {
        LinkEvent::Connected { peer } if state == LinkState::Connecting => {
            session.control.state = LinkState::Open;
            session.peer = Some(peer);
            if session.step == Step::Connecting {
                session.step = Step::Greeting;
            }
            grant(module);
        }
        LinkEvent::Secured if state == LinkState::Securing => {
            session.control.state = LinkState::Open;
            if session.step == Step::Securing {
                log_in(module);
            }
            grant(module);
        }
        LinkEvent::Received(bytes) => {
            session.control.granted = session.control.granted.saturating_sub(bytes.len());
            received(module, bytes);
            grant(module);
        }
        LinkEvent::Failed(failure) => {
            session.control.state = LinkState::Gone;
            let (failure, why) = match failure {
                LinkFailure::Certificate => (Failure::Certificate, "the server's certificate is not accepted"),
                LinkFailure::Tls => (Failure::ControlTls, "TLS with the server came to nothing"),
                _ if state == LinkState::Connecting => (connect_failure(failure), "the server cannot be reached"),
                _ => (Failure::Network, "the connection to the server broke"),
            };
            lost(module, failure, why);
        }
        LinkEvent::PeerClosed { .. } => {
            let conn = session.control.conn;
            session.control.state = LinkState::Gone;
            module.link(conn, LinkRequest::Close { quick: false });
            lost(module, Failure::Server, "the server closed the control connection");
        }
        LinkEvent::Broken(_) | LinkEvent::Closed => {
            session.control.state = LinkState::Gone;
            lost(module, Failure::Network, "the connection to the server broke");
        }
        LinkEvent::Connected { .. } | LinkEvent::Secured | LinkEvent::Sent(_) | LinkEvent::Acked(_) => {}
    }
}

/// The control connection is gone.
fn lost(module: &mut Module, failure: Failure, why: &'static str) {
    let Some(session) = &module.families.ftp.session else { return };
    match session.step {
        Step::Leaving { .. } => finish(module, false),
        // The timer ends it.
        Step::Quitting => {}
        // Everything has been said; the data are still on their way.
        Step::Transfer if session.transfer.done => {}
        _ => fail_now(module, failure, why),
    }
}

fn grant(module: &mut Module) {
    let Some(session) = &mut module.families.ftp.session else { return };
    let control = &mut session.control;
    if control.state == LinkState::Open && control.granted < WINDOW / 2 {
        let more = WINDOW - control.granted;
        control.granted = WINDOW;
        let conn = control.conn;
        module.link(conn, LinkRequest::Grant(more));
    }
}

/// Bytes from the server.
fn received(module: &mut Module, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let Some(session) = &mut module.families.ftp.session else { return };
        if session.control.state == LinkState::Securing {
            return fail_now(module, Failure::ControlTls, BEHIND);
        }
        match session.replies.next(&mut bytes) {
            None => return,
            Some(Ok(reply)) => {
                let more = !bytes.is_empty();
                replied(module, &reply, more);
            }
            Some(Err(broken)) => {
                let why = match broken {
                    Broken::NoCode => "what the server says is no FTP reply",
                    Broken::TooLong => "the server's reply is too long",
                };
                return lost(module, Failure::Reply, why);
            }
        }
    }
}

const BEHIND: &str = "there was more in plain text behind the server's consent to TLS: somebody on the way may have put it there";

/// Sends a command. Neither part has a control character in it.
fn send(module: &mut Module, step: Step, verb: &str, parameter: &str) {
    let Some(session) = &mut module.families.ftp.session else { return };
    session.step = step;
    let mut line = Vec::from(verb.as_bytes());
    if !parameter.is_empty() {
        line.push(b' ');
        line.extend_from_slice(parameter.as_bytes());
    }
    line.extend_from_slice(b"\r\n");
    let conn = session.control.conn;
    module.link(conn, LinkRequest::Send(line));
}

/// A reply.
fn replied(module: &mut Module, reply: &Reply, more: bool) {
    let Some(session) = &mut module.families.ftp.session else { return };
    let step = session.step;
    if reply.class() == 1 {
        session.preliminary = session.preliminary.saturating_add(1);
        if session.preliminary > MOST_PRELIMINARY {
            return lost(module, Failure::Reply, "the server says again and again that it has begun");
        }
        if step == Step::Transfer {
            note_name(module, reply);
            data::begun(module);
        }
        return;
    }
    session.preliminary = 0;
    let good = reply.class() == 2;
    match step {
        Step::Leaving { owed: true } => session.step = Step::Leaving { owed: false },
        Step::Leaving { owed: false } => finish(module, false),
        Step::Quitting | Step::Connecting | Step::Securing => {}
        // Everything has been said, the data are still on their way: a server may lose patience meanwhile.
        Step::Transfer if session.transfer.done => {}
        _ if reply.code == 421 => fail_now(module, Failure::Server, says(reply)),
        Step::Greeting if !good => fail_now(module, Failure::Server, says(reply)),
        Step::Greeting if session.settings.security == Security::Explicit => send(module, Step::Auth, "AUTH", "TLS"),
        Step::Greeting => log_in(module),
        Step::Auth if good && more => fail_now(module, Failure::ControlTls, BEHIND),
        Step::Auth if good => secure(module),
        Step::Auth => give_up(module, Failure::Auth, says(reply)),
        Step::User if good => logged_in(module),
        Step::User if reply.code == 331 => {
            let password = session.settings.password.clone();
            send(module, Step::Password, "PASS", &password);
        }
        Step::User => give_up(module, Failure::User, says(reply)),
        Step::Password if good => logged_in(module),
        Step::Password => {
            let code = reply.code;
            give_up(module, Failure::Password, format!("the server refuses the password, or the user ({code})"));
        }
        Step::BufferSize if good => send(module, Step::Protection, "PROT", "P"),
        Step::Protection if good => prepare(module),
        Step::BufferSize | Step::Protection => give_up(module, Failure::Protection, says(reply)),
        Step::Type if good => typed(module),
        Step::Type => give_up(module, Failure::Type, says(reply)),
        Step::Measure => measured(module, reply.size().filter(|_| good)),
        Step::Directory if good => connect_data(module),
        Step::Directory => give_up(module, Failure::Upload, says(reply)),
        Step::Extended => match reply.extended_port().filter(|_| reply.code == 229) {
            Some(port) => data::connect(module, port, None),
            None => ask_passive(module),
        },
        Step::Passive => match reply.passive_address().filter(|_| reply.code == 227) {
            Some((address, port)) => data::connect(module, port, Some(address)),
            None => give_up(module, Failure::Passive, says(reply)),
        },
        Step::DataConnecting => lost(module, Failure::Reply, "the server replies to what nobody has asked"),
        // 350; whatever else is no refusal is as good.
        Step::Restart if reply.class() <= 3 => transfer(module),
        Step::Restart => give_up(module, Failure::Rest, says(reply)),
        Step::Transfer => {
            let says = refusal(session, reply);
            note_name(module, reply);
            data::replied(module, good, says);
        }
        Step::Operation => operated(module, reply, good),
    }
}

/// The server's own words about what was to be done with a file, and what may be wrong with its name.
fn refusal(session: &Session, reply: &Reply) -> String {
    let Session { settings, job, .. } = session;
    let (path, name) = match &job.action {
        Action::Get { file, .. } | Action::Delete(file) | Action::Size(file) if *file == settings.file() => {
            (&settings.get_path, &settings.get_name)
        }
        Action::Put { path, name, .. } => (path, name),
        _ => return says(reply),
    };
    let mut text = says(reply);
    let apart = path.is_empty() || name.is_empty() || path.ends_with('/') || name.starts_with('/');
    if !apart && matches!(reply.code, 550 | 553) {
        text += "; the directory does not end with /, so that its last part and the name are one word";
    }
    text
}

/// The server's own words, for explanations.
fn says(reply: &Reply) -> String {
    format!("the server says {}", reply.shown())
}

/// STOU: the name that the server has made up is in one of its replies.
fn note_name(module: &mut Module, reply: &Reply) {
    let Some(session) = &module.families.ftp.session else { return };
    if matches!(session.job.action, Action::Put { how: PutOption::Unique, .. }) {
        let (line, name) = (session.job.line, session.job.party.name);
        module.note(Some(line), name, says(reply));
    }
}

/// TLS on the control connection, after AUTH.
fn secure(module: &mut Module) {
    let Some(session) = &mut module.families.ftp.session else { return };
    session.step = Step::Securing;
    session.control.state = LinkState::Securing;
    let (conn, host) = (session.control.conn, session.settings.server.clone());
    let context = module.setup.profile.ftp.context;
    if module.secure(conn, context, &host, TlsSession::Kept).is_err() {
        fail_now(module, Failure::ControlTls, "the module has no SSL context for FTP");
    }
}

fn log_in(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    let user = match session.settings.user.as_str() {
        "" => String::from("anonymous"),
        user => String::from(user),
    };
    send(module, Step::User, "USER", &user);
}

fn logged_in(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    match session.settings.security {
        Security::Plain => prepare(module),
        // RFC 4217 9: also where the control connection was secured without being asked.
        Security::Implicit | Security::Explicit => send(module, Step::BufferSize, "PBSZ", "0"),
    }
}

fn prepare(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    let kind = match session.job.action {
        // Servers refuse to count what a text would become.
        Action::Get { .. } if session.measures().is_some() => Type::Image,
        Action::Size(_) => Type::Image,
        Action::Get { .. } | Action::Put { .. } => session.settings.type_,
        // RFC 959 3.1.1.1.
        Action::List(_) => Type::Ascii,
        _ => return operate(module),
    };
    send(module, Step::Type, "TYPE", if kind == Type::Ascii { "A" } else { "I" });
}

fn typed(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    if let Some(file) = session.measures() {
        return send(module, Step::Measure, "SIZE", &file);
    }
    match &session.job.action {
        Action::Size(_) => operate(module),
        // STOU has no parameter: the file comes into being where one is (RFC 959 4.1.3).
        Action::Put { path, how: PutOption::Unique, .. } if !path.is_empty() => {
            let path = path.clone();
            send(module, Step::Directory, "CWD", &path);
        }
        _ => connect_data(module),
    }
}

/// The server has told the size, or has not.
fn measured(module: &mut Module, size: Option<u64>) {
    let Some(session) = &mut module.families.ftp.session else { return };
    session.measured = true;
    if let (Some(size), Some(sized)) = (size, session.job.party.sized) {
        sized(module, size);
    }
    match &module.families.ftp.session {
        Some(session) if session.outcome.is_some() => {}
        Some(session) if session.settings.type_ == Type::Image => connect_data(module),
        Some(_) => prepare(module),
        None => {}
    }
}

fn connect_data(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    if session.settings.passive {
        send(module, Step::Extended, "EPSV", "");
    } else {
        give_up(module, Failure::Active, "active mode (AT+FTPMODE=0) does not work: the network lets nobody connect to the module");
    }
}

/// PASV, where EPSV has led to nothing.
pub(super) fn ask_passive(module: &mut Module) {
    send(module, Step::Passive, "PASV", "");
}

/// The data connection is there.
pub(super) fn data_connected(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    match session.job.action {
        Action::Get { from, .. } | Action::Put { from, .. } if from > 0 => {
            send(module, Step::Restart, "REST", &format!("{from}"));
        }
        _ => transfer(module),
    }
}

fn transfer(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    let (verb, parameter) = match &session.job.action {
        Action::Get { file, .. } => ("RETR", file.clone()),
        Action::List(path) => ("LIST", path.clone()),
        Action::Put { path, name, how, .. } => match how {
            PutOption::Store => ("STOR", format!("{path}{name}")),
            PutOption::Append => ("APPE", format!("{path}{name}")),
            PutOption::Unique => ("STOU", String::new()),
        },
        _ => return,
    };
    send(module, Step::Transfer, verb, &parameter);
    data::begin(module);
}

/// MKD, RMD, DELE, SIZE.
fn operate(module: &mut Module) {
    let Some(session) = &module.families.ftp.session else { return };
    let (verb, parameter) = match &session.job.action {
        Action::MakeDirectory(path) => ("MKD", path),
        Action::RemoveDirectory(path) => ("RMD", path),
        Action::Delete(file) => ("DELE", file),
        Action::Size(file) => ("SIZE", file),
        Action::Get { .. } | Action::Put { .. } | Action::List(_) => return,
    };
    let parameter = parameter.clone();
    send(module, Step::Operation, verb, &parameter);
}

fn operated(module: &mut Module, reply: &Reply, good: bool) {
    let Some(session) = &module.families.ftp.session else { return };
    match session.job.action {
        _ if !good => {
            let why = refusal(session, reply);
            give_up(module, Failure::Operation, why);
        }
        Action::Size(_) => match reply.size() {
            Some(bytes) => succeed(module, bytes),
            None => give_up(module, Failure::Reply, says(reply)),
        },
        _ => succeed(module, 0),
    }
}

/// QUIT, and a while for the answer.
pub(super) fn log_out(module: &mut Module) {
    let Some(session) = &mut module.families.ftp.session else { return };
    let owed = session.step == Step::Transfer && !session.transfer.done;
    session.step = Step::Leaving { owed };
    if !say_goodbye(module) {
        return finish(module, false);
    }
    let limit = module.setup.profile.ftp.goodbye;
    module.arm(FamilyTimer::ftp(FtpTimer::Leave), limit);
}

/// QUIT, if the server can hear it.
pub(super) fn say_goodbye(module: &mut Module) -> bool {
    let Some(session) = &module.families.ftp.session else { return false };
    let step = session.step;
    let hears = session.control.state == LinkState::Open;
    if hears {
        send(module, step, "QUIT", "");
    }
    hears
}

/// Gives up a connect or a handshake.
pub(super) fn drop_quickly(module: &mut Module) {
    let Some(session) = &mut module.families.ftp.session else { return };
    if session.control.state != LinkState::Gone {
        session.control.state = LinkState::Gone;
        let conn = session.control.conn;
        module.link(conn, LinkRequest::Close { quick: true });
    }
}
