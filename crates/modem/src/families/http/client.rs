//! Requests: how they begin and are sent.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::link::{Link, Route, drop_link, grant};
use super::request::{Method, Request};
use super::response::Response;
use super::url::Url;
use super::{Buffer, Content, HttpTimer, Session};
use crate::families::{FamilyTimer, names, sapbr, ssl};
use crate::io::{LineId, LinkRequest, Transport};
use crate::module::{self, Module, Opening};

/// Who asked for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// HTTPACTION, with its number.
    Action(u8),
    /// HTTPGETTOFS.
    Download,
}

impl Task {
    fn method(self) -> Method {
        match self {
            Self::Action(1) => Method::Post,
            Self::Action(2) => Method::Head,
            Self::Action(_) | Self::Download => Method::Get,
        }
    }
}

/// A request under way. Its `Debug` form hides what is sent and received.
pub(super) struct Action {
    pub(super) task: Task,
    pub(super) line: LineId,
    pub(super) method: Method,
    pub(super) url: Url,
    /// Every server up to now is the one that the host has named.
    pub(super) trusted: bool,
    pub(super) redirects: u8,
    /// It has been sent again already, because the first connection had gone.
    pub(super) retried: bool,
    /// The body that goes with it.
    pub(super) body: Arc<Vec<u8>>,
    /// The request's head, and how far head and body have been sent.
    pub(super) head: Vec<u8>,
    pub(super) sent: usize,
    pub(super) response: Response,
    pub(super) received: Vec<u8>,
    /// The reply is complete, and the file that it goes to is not; whether the connection is good for another request.
    pub(super) complete: Option<bool>,
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action")
            .field("task", &self.task)
            .field("url", &self.url)
            .field("response", &self.response)
            .finish_non_exhaustive()
    }
}

impl Action {
    pub(super) fn all_sent(&self) -> bool {
        self.sent >= self.head.len() + self.body.len()
    }
}

/// Why a request cannot begin, or not go on.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) why: Cow<'static, str>,
}

fn refused(status: u16, why: impl Into<Cow<'static, str>>) -> Refused {
    Refused { status, why: why.into() }
}

/// The line that says how a request has ended.
pub(super) fn tell(module: &mut Module, line: LineId, task: Task, status: u16, length: u64) {
    match task {
        Task::Action(number) => module.urc(line, format_args!("+HTTPACTION: {number},{status},{length}")),
        Task::Download => module.urc(line, format_args!("+HTTPGETTOFS: {status},{length}")),
    }
}

/// Begins a request. There is a session.
///
/// # Errors
/// It cannot begin.
pub(super) fn start(module: &mut Module, line: LineId, task: Task) -> Result<(), Refused> {
    let (tls, longest) = (module.families.http.tls, module.setup.profile.name_limits.host);
    let limit = module.setup.profile.http.head;
    let Some(session) = module.families.http.session.as_deref_mut() else {
        return Err(refused(601, "there is no HTTP session"));
    };
    if session.action.is_some() {
        return Err(refused(604, "a request is under way: its result line says when it is done"));
    }
    if session.parameters.url.is_empty() {
        return Err(refused(601, "there is no URL: AT+HTTPPARA=\"URL\" comes first"));
    }
    let url = Url::parse(&session.parameters.url, tls, longest).map_err(|why| refused(601, why))?;
    let method = task.method();
    let buffer = &session.buffer;
    let body = match (method, buffer.content) {
        (Method::Post, Content::Outgoing) => Arc::clone(&buffer.bytes),
        _ => Arc::default(),
    };
    let replaced = method == Method::Post && buffer.content == Content::Reply && !buffer.bytes.is_empty();
    session.action = Some(Box::new(Action {
        task,
        line,
        method,
        url,
        trusted: true,
        redirects: 0,
        retried: false,
        body,
        head: Vec::new(),
        sent: 0,
        response: Response::new(method == Method::Head, limit),
        received: Vec::new(),
        complete: None,
    }));
    let gone = go(module);
    let Some(session) = module.families.http.session.as_deref_mut() else { return Ok(()) };
    if gone.is_err() {
        session.action = None;
        return gone;
    }
    session.head = Vec::new();
    if session.buffer.content == Content::Reply {
        session.buffer = Buffer::default();
    }
    if replaced {
        let text = "the body of AT+HTTPDATA was sent before, and the reply has taken its place: this request has none";
        module.note(Some(line), "HTTP", text);
    }
    Ok(())
}

/// Takes the request to its server: over the connection that is there, or a new one.
///
/// # Errors
/// There is no way there.
pub(super) fn go(module: &mut Module) -> Result<(), Refused> {
    let Some(session) = module.families.http.session.as_deref() else { return Ok(()) };
    let Some(action) = session.action.as_deref() else { return Ok(()) };
    let bearer = session.parameters.bearer;
    let (url, anew) = (&action.url, action.retried || action.method == Method::Post);
    let (host, port, proxy) = (url.host.clone(), url.port, session.parameters.proxy());
    let context = module.setup.profile.http.context;
    let tls = match url.tls {
        true if !module.setup.profile.ssl => {
            return Err(refused(605, "this firmware variant has no SSL function (AT+CGMR shows which it is)"));
        }
        true => Some(Box::new(ssl::request(module, context, &host).ok_or_else(no_context)?)),
        false => None,
    };
    if !sapbr::is_open(module, bearer) {
        return Err(refused(601, format!("bearer {bearer} is not open; AT+SAPBR=1,{bearer} comes before")));
    }
    let route = Route { bearer, proxy, host, port, tls };
    if session.link.as_ref().is_some_and(|link| !anew && link.serves(&route)) {
        module.cancel(FamilyTimer::http(HttpTimer::Idle));
        transmit(module);
        return Ok(());
    }
    drop_link(module, false);
    module.check_connections().map_err(|fault| refused(601, fault.why))?;
    let (host, port) = match route.proxy {
        Some((address, port)) => (address.to_string(), port),
        None => (route.host.clone(), route.port),
    };
    let opening = Opening {
        transport: Transport::Tcp,
        host,
        port,
        // Through a proxy TLS comes afterwards.
        context: route.tls.as_ref().filter(|_| route.proxy.is_none()).map(|_| context),
        bearer: Some(bearer),
        name_servers: names::application_servers(module, bearer),
        local_port: None,
        session: module::Session::Own,
        link: context,
    };
    let conn = module.open(opening).map_err(|_| no_context())?;
    if let Some(session) = module.families.http.session.as_deref_mut() {
        session.link = Some(Link::new(conn, route));
    }
    progress(module);
    Ok(())
}

fn no_context() -> Refused {
    refused(605, "the module has no SSL context 153")
}

/// Something has happened: silence begins anew.
pub(super) fn progress(module: &mut Module) {
    let session = module.families.http.session.as_deref();
    let Some(Session { parameters, action: Some(action), .. }) = session else { return };
    if action.complete.is_none() {
        let millis = u64::from(parameters.timeout) * 1000;
        module.arm(FamilyTimer::http(HttpTimer::Silence), millis);
    }
}

/// Begins to send the request on a connection that is up.
pub(super) fn transmit(module: &mut Module) {
    let Some(session) = module.families.http.session.as_deref_mut() else { return };
    let Session { parameters, link: Some(link), action: Some(action), .. } = session else { return };
    let request = Request {
        method: action.method,
        url: &action.url,
        parameters,
        body: action.body.len(),
        proxied: link.route.proxy.is_some(),
        trusted: action.trusted,
    };
    action.head = request.head();
    action.sent = 0;
    progress(module);
    send(module);
    grant(module);
}

/// Sends on, as far as the network keeps up.
pub(super) fn send(module: &mut Module) {
    let limit = module.setup.profile.send_buffer;
    let Some(session) = module.families.http.session.as_deref_mut() else { return };
    let Session { link: Some(link), action: Some(action), .. } = session else { return };
    let room = limit.saturating_sub(link.unsent);
    if !link.is_up() || room == 0 || action.all_sent() {
        return;
    }
    let head = action.head.get(action.sent..).unwrap_or_default();
    let body = action.body.get(action.sent.saturating_sub(action.head.len())..).unwrap_or_default();
    let bytes: Vec<u8> = head.iter().chain(body).copied().take(room).collect();
    action.sent += bytes.len();
    link.unsent += bytes.len();
    let conn = link.conn;
    module.link(conn, LinkRequest::Send(bytes));
}
