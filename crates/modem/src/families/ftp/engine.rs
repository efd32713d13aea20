//! The client: one visit to a server, from the connect to the goodbye.
//!
//! ```text
//! connect ─ (TLS) ─ 220 ─ (AUTH TLS ─ TLS) ─ USER, PASS ─ (PBSZ 0, PROT P) ─┬─ MKD, RMD, DELE, TYPE I + SIZE ────────────┬─ QUIT
//!                                                                           └─ TYPE, EPSV or PASV, data connection,      │
//!                                                                              (REST), RETR, LIST, STOR, APPE, STOU ─────┘
//! ```
//!
//! The data connection is made before the command that wants it; its TLS handshake follows the command, since servers
//! begin it then. `control` is what replies lead to, `data` the data connection.

mod control;
mod data;

use alloc::borrow::Cow;
use alloc::string::String;
use core::net::SocketAddr;

use super::job::{Action, Done, Failure, Job, Party};
use super::reply::Replies;
use super::settings::{PutOption, Security, Settings, Type};
use super::{FtpTimer, sapbr};
use crate::command::Fault;
use crate::families::{FamilyTimer, names};
use crate::io::{ConnId, LinkEvent, LinkFailure, LinkRequest, Transport};
use crate::module::{Module, Opening, Session as TlsSession};

/// A visit.
#[derive(Debug)]
pub(super) struct Session {
    job: Job,
    /// As they were when it began.
    settings: Settings,
    control: Link,
    /// The server's address.
    peer: Option<SocketAddr>,
    replies: Replies,
    /// Preliminary replies since the last other one.
    preliminary: u8,
    step: Step,
    data: Option<Link>,
    /// Its port is EPSV's.
    extended: bool,
    transfer: Transfer,
    /// The server has been asked for the size of what it has.
    measured: bool,
    /// What came of it, once that is known.
    outcome: Option<Result<Done, Failure>>,
}

/// One of its connections.
#[derive(Debug)]
struct Link {
    conn: ConnId,
    state: LinkState,
    /// Bytes granted and not yet received.
    granted: usize,
    /// Bytes handed over and not yet taken by the network stack.
    unsent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkState {
    Connecting,
    /// The TLS handshake is on its way.
    Securing,
    Open,
    /// The module has closed it; what was sent is still leaving.
    Closing,
    Gone,
}

/// What the session waits for: mostly the reply to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The control connection.
    Connecting,
    Greeting,
    /// AUTH TLS.
    Auth,
    /// TLS on the control connection.
    Securing,
    User,
    Password,
    /// PBSZ.
    BufferSize,
    /// PROT.
    Protection,
    Type,
    /// SIZE, before a transfer.
    Measure,
    /// CWD.
    Directory,
    /// EPSV.
    Extended,
    /// PASV.
    Passive,
    /// The data connection.
    DataConnecting,
    /// REST.
    Restart,
    /// RETR, LIST, STOR, APPE, STOU.
    Transfer,
    /// MKD, RMD, DELE, SIZE.
    Operation,
    /// QUIT; a reply to a transfer may still be owed before.
    Leaving { owed: bool },
    /// AT+FTPQUIT was accepted.
    Quitting,
}

/// How far a transfer is.
#[derive(Debug, Default)]
struct Transfer {
    /// The server has said that it begins.
    begun: bool,
    /// The party knows that.
    opened: bool,
    /// The server has said that it has done its part.
    done: bool,
    /// Download: everything has come. Upload: everything was given.
    complete: bool,
    /// Bytes over the data connection.
    bytes: u64,
}

impl Link {
    fn new(conn: ConnId) -> Self {
        Self { conn, state: LinkState::Connecting, granted: 0, unsent: 0 }
    }
}

impl Session {
    /// How many connections it has, or is going to need.
    pub(super) fn connections(&self) -> usize {
        let data = self.job.action.has_data() && self.data.as_ref().is_none_or(|data| data.state != LinkState::Gone);
        usize::from(self.control.state != LinkState::Gone) + usize::from(data)
    }

    /// The application's bearer that it runs on.
    pub(super) fn bearer(&self) -> u8 {
        self.settings.cid
    }

    /// Whether this is who asked for it.
    pub(super) fn is_for(&self, party: &'static Party) -> bool {
        core::ptr::eq(self.job.party, party)
    }

    /// Whether the server has to be asked for the size first, and of what.
    fn measures(&self) -> Option<String> {
        self.job.party.sized.filter(|_| !self.measured)?;
        match &self.job.action {
            Action::Get { file, .. } => Some(file.clone()),
            Action::Put { path, name, how: PutOption::Store, from: 0 } if self.settings.type_ == Type::Image => {
                Some(alloc::format!("{path}{name}"))
            }
            _ => None,
        }
    }

    /// Whether AT+FTPQUIT was accepted.
    pub(super) fn is_quitting(&self) -> bool {
        self.step == Step::Quitting
    }
}

/// Begins a visit by the settings as they are.
pub(super) fn start(module: &mut Module, job: Job) -> Result<(), Fault> {
    let settings = module.families.ftp.settings.clone();
    start_with(module, settings, job)
}

/// Begins a visit.
pub(super) fn start_with(module: &mut Module, settings: Settings, job: Job) -> Result<(), Fault> {
    if module.families.ftp.session.is_some() {
        return Err(Fault::not_allowed("a session is open: wait for its end, or AT+FTPQUIT"));
    }
    check(module, &settings, &job.action)?;
    let limits = &module.setup.profile.ftp;
    let opening = Opening {
        transport: Transport::Tcp,
        host: settings.server.clone(),
        port: settings.port,
        context: (settings.security == Security::Implicit).then_some(limits.context),
        bearer: Some(settings.cid),
        session: TlsSession::Kept,
        name_servers: names::servers(module),
        local_port: None,
        link: limits.links.0,
    };
    let Ok(conn) = module.open(opening) else { return Err(Fault::error("the module has no SSL context for FTP")) };
    // What the host has left unread of an earlier one.
    module.families.ftp.host = None;
    module.families.ftp.session = Some(alloc::boxed::Box::new(Session {
        job,
        settings,
        control: Link::new(conn),
        peer: None,
        replies: Replies::default(),
        preliminary: 0,
        step: Step::Connecting,
        data: None,
        extended: false,
        transfer: Transfer::default(),
        measured: false,
        outcome: None,
    }));
    Ok(())
}

/// Refuses what cannot begin.
pub(super) fn check(module: &Module, settings: &Settings, action: &Action) -> Result<(), Fault> {
    if settings.server.is_empty() {
        return Err(Fault::not_allowed("AT+FTPSERV has to say which server"));
    }
    if settings.security != Security::Plain && !module.setup.profile.ssl {
        return Err(Fault::error("this firmware variant has no SSL function (AT+CGMR shows which it is)"));
    }
    let (name, more, needed) = match action {
        Action::Get { file, .. } | Action::Delete(file) | Action::Size(file) => (file, "", true),
        Action::Put { path, name, how, .. } => (name, path.as_str(), *how != PutOption::Unique),
        Action::MakeDirectory(path) | Action::RemoveDirectory(path) => (path, "", true),
        Action::List(path) => (path, "", false),
    };
    if needed && name.is_empty() && more.is_empty() {
        return Err(Fault::not_allowed("the settings for its name are empty (AT+FTPGETNAME, AT+FTPGETPATH, AT+FTPPUTNAME)"));
    }
    let said = [settings.server.as_str(), &settings.user, &settings.password, name, more];
    if said.iter().any(|text| text.chars().any(char::is_control)) {
        return Err(Fault::error("a name, a path or the credentials have a control character, which FTP cannot carry"));
    }
    if !sapbr::is_open(module, settings.cid) {
        let why = "AT+SAPBR=1,<cid> has to open the bearer that AT+FTPCID names";
        return Err(Fault::not_allowed(module.with_cause(why)));
    }
    module.check_room_for(1 + usize::from(action.has_data()))
}

/// The party takes more, or has more.
pub(super) fn go_on(module: &mut Module) {
    data::go_on(module);
    watch(module);
}

/// AT+FTPQUIT: what was given for an upload still leaves, and so does QUIT.
pub(super) fn quit(module: &mut Module) {
    let Some(session) = &mut module.families.ftp.session else { return };
    let upload = matches!(session.job.action, Action::Put { .. });
    session.step = Step::Quitting;
    session.outcome = Some(Err(Failure::Quit));
    close_data(module, !upload);
    if !control::say_goodbye(module) {
        control::drop_quickly(module);
    }
    watch(module);
}

/// The bearer is gone, and the connections with it.
pub(super) fn bearer_lost(module: &mut Module) {
    let Some(session) = &mut module.families.ftp.session else { return };
    session.outcome = Some(Err(Failure::Network));
    let (line, name) = (session.job.line, session.job.party.name);
    let why = module.with_cause("the bearer is lost or closed, and the FTP session with it");
    module.note(Some(line), name, why);
    finish(module, true);
}

/// The module goes down.
pub(super) fn halt(module: &mut Module) {
    if let Some(session) = module.families.ftp.session.take() {
        close_all(module, &session, true);
    }
}

/// A timer of the session is due.
pub(super) fn timer(module: &mut Module, timer: FtpTimer) {
    let Some(session) = &module.families.ftp.session else { return };
    match (timer, session.step) {
        (FtpTimer::Server, _) => {
            let (seconds, security) = (session.settings.timeout, session.settings.security);
            let advice = match (session.step, security) {
                (Step::Greeting, Security::Plain | Security::Explicit) => {
                    "; where TLS begins at once, AT+FTPSSL=1 is needed"
                }
                _ => "",
            };
            fail_now(module, Failure::Timeout, alloc::format!("the server did not answer for {seconds} s{advice}"));
        }
        _ => finish(module, false),
    }
}

/// Something happened to a connection.
pub(super) fn linked(module: &mut Module, conn: ConnId, event: LinkEvent<'_>) {
    let Some(session) = &module.families.ftp.session else { return };
    if session.control.conn == conn {
        control::event(module, event);
    } else if session.data.as_ref().is_some_and(|data| data.conn == conn) {
        data::event(module, event);
    } else {
        return;
    }
    watch(module);
}

/// Limits the wait, if it is the server that is waited for.
fn watch(module: &mut Module) {
    let server = FamilyTimer::ftp(FtpTimer::Server);
    let Some(session) = &module.families.ftp.session else { return module.cancel(server) };
    let waits = match session.step {
        // These have limits of their own.
        Step::Connecting | Step::Securing | Step::DataConnecting | Step::Leaving { .. } | Step::Quitting => false,
        Step::Transfer => data::waits(session),
        _ => true,
    };
    if waits {
        let millis = u64::from(session.settings.timeout) * 1000;
        module.arm(server, millis);
    } else {
        module.cancel(server);
    }
}

/// It has failed, and the server is told QUIT.
pub(super) fn give_up(module: &mut Module, failure: Failure, why: impl Into<Cow<'static, str>>) {
    if fail(module, failure, why) {
        close_data(module, true);
        control::log_out(module);
    }
}

/// It has failed, and nothing can be said to the server.
fn fail_now(module: &mut Module, failure: Failure, why: impl Into<Cow<'static, str>>) {
    if fail(module, failure, why) {
        finish(module, true);
    }
}

/// Notes a failure. Whether it is the first.
fn fail(module: &mut Module, failure: Failure, why: impl Into<Cow<'static, str>>) -> bool {
    let Some(session) = &mut module.families.ftp.session else { return false };
    if session.outcome.is_some() {
        return false;
    }
    session.outcome = Some(Err(failure));
    let (line, name) = (session.job.line, session.job.party.name);
    module.note(Some(line), name, why);
    true
}

/// It has worked.
fn succeed(module: &mut Module, bytes: u64) {
    let Some(session) = &mut module.families.ftp.session else { return };
    session.outcome.get_or_insert(Ok(Done { bytes }));
    control::log_out(module);
}

/// Ends the session and tells the party.
fn finish(module: &mut Module, quick: bool) {
    let Some(session) = module.families.ftp.session.take() else { return };
    for timer in [FtpTimer::Server, FtpTimer::Leave] {
        module.cancel(FamilyTimer::ftp(timer));
    }
    close_all(module, &session, quick);
    let outcome = session.outcome.unwrap_or(Err(Failure::Network));
    (session.job.party.ended)(module, session.job.line, outcome);
}

fn close_all(module: &mut Module, session: &Session, quick: bool) {
    for link in [Some(&session.control), session.data.as_ref()].into_iter().flatten() {
        match link.state {
            LinkState::Gone => {}
            LinkState::Closing if !quick => {}
            _ => module.link(link.conn, LinkRequest::Close { quick }),
        }
    }
}

fn close_data(module: &mut Module, quick: bool) {
    let Some(data) = module.families.ftp.session.as_mut().and_then(|session| session.data.as_mut()) else { return };
    let conn = data.conn;
    if matches!(data.state, LinkState::Gone | LinkState::Closing) {
        return;
    }
    data.state = if quick { LinkState::Gone } else { LinkState::Closing };
    module.link(conn, LinkRequest::Close { quick });
}

/// What a connect that fails is called.
fn connect_failure(failure: LinkFailure) -> Failure {
    match failure {
        LinkFailure::Dns => Failure::Dns,
        LinkFailure::Timeout => Failure::Timeout,
        LinkFailure::Network => Failure::Network,
        _ => Failure::Connect,
    }
}
