//! Requests: how they begin, and the connection that they go over.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv4Addr;

use super::request::{Method, Request};
use super::response::Response;
use super::url::Url;
use super::{Buffer, HttpTimer, Session};
use crate::families::{FamilyTimer, names, sapbr, ssl};
use crate::io::{ConnId, LineId, LinkRequest, Transport};
use crate::module::{self, Module, Opening};
use crate::ssl::TlsRequest;

/// Segments that may be granted and not yet received.
const WINDOW: usize = 4;

/// Who asked for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// HTTPACTION, with its number.
    Action(u8),
}

impl Task {
    fn method(self) -> Method {
        match self {
            Self::Action(1) => Method::Post,
            Self::Action(2) => Method::Head,
            Self::Action(_) => Method::Get,
        }
    }
}

/// Where a connection leads. Connections of the same kind are as good as each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) bearer: u8,
    proxy: Option<(Ipv4Addr, u16)>,
    host: String,
    port: u16,
    /// What TLS was to be like.
    tls: Option<Box<TlsRequest>>,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) conn: ConnId,
    pub(super) route: Route,
    pub(super) up: bool,
    /// It has had a reply before.
    pub(super) used: bool,
    /// Payload bytes granted and not yet received.
    pub(super) granted: usize,
    /// Handed to the connection and not yet taken by the network stack.
    pub(super) unsent: usize,
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
pub(super) fn tell(module: &mut Module, line: LineId, task: Task, status: u16, length: usize) {
    match task {
        Task::Action(number) => module.urc(line, format_args!("+HTTPACTION: {number},{status},{length}")),
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
        return Err(refused(604, "a request is under way: +HTTPACTION: says when it is done"));
    }
    if session.parameters.url.is_empty() {
        return Err(refused(601, "there is no URL: AT+HTTPPARA=\"URL\" comes first"));
    }
    let url = Url::parse(&session.parameters.url, tls, longest).map_err(|why| refused(601, why))?;
    let method = task.method();
    let posts = method == Method::Post;
    let (body, replaced) = match (posts, session.buffer.outgoing) {
        (true, true) => (Arc::clone(&session.buffer.bytes), false),
        (true, false) => (Arc::default(), !session.buffer.bytes.is_empty()),
        (false, _) => (Arc::default(), false),
    };
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
    }));
    if let Err(refused) = go(module) {
        if let Some(session) = module.families.http.session.as_deref_mut() {
            session.action = None;
        }
        return Err(refused);
    }
    if let Some(session) = module.families.http.session.as_deref_mut() {
        session.head = Vec::new();
        if !session.buffer.outgoing {
            session.buffer = Buffer::default();
        }
    }
    if replaced {
        let text = "the body of AT+HTTPDATA was sent before, and the reply has taken its place: this request has none";
        module.note(Some(line), "HTTP", text);
    }
    Ok(())
}

/// Takes the action to its server: over the connection that is there, or a new one.
pub(super) fn go(module: &mut Module) -> Result<(), Refused> {
    let Some(session) = module.families.http.session.as_deref() else { return Ok(()) };
    let Some(action) = session.action.as_deref() else { return Ok(()) };
    let bearer = session.parameters.bearer;
    let (url, again, posts) = (&action.url, action.retried, action.method == Method::Post);
    let (host, port) = (url.host.clone(), url.port);
    let proxy = session.parameters.proxy();
    if url.tls && proxy.is_some() {
        return Err(refused(601, "https goes through no proxy"));
    }
    let context = module.setup.profile.http.context;
    let tls = match url.tls {
        true if !module.setup.profile.ssl => {
            return Err(refused(605, "this firmware variant has no SSL function (AT+CGMR shows which it is)"));
        }
        true => match ssl::request(module, context, &host) {
            None => return Err(refused(605, "the module has no SSL context 153")),
            request => request.map(Box::new),
        },
        false => None,
    };
    if !sapbr::is_open(module, bearer) {
        let why = alloc::format!("bearer {bearer} is not open; AT+SAPBR=1,{bearer} comes before");
        return Err(refused(601, why));
    }
    let route = Route { bearer, proxy, host, port, tls };
    let kept = session.link.as_ref().filter(|link| link.up && !again && !posts);
    if kept.is_some_and(|link| same(&link.route, &route)) {
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
        context: route.tls.as_ref().map(|_| context),
        bearer: Some(bearer),
        name_servers: names::application_servers(module, bearer),
        local_port: None,
        session: module::Session::Own,
        link: context,
    };
    let conn = module.open(opening).map_err(|_| refused(605, "the module has no SSL context 153"))?;
    if let Some(session) = module.families.http.session.as_deref_mut() {
        session.link = Some(Link { conn, route, up: false, used: false, granted: 0, unsent: 0 });
    }
    progress(module);
    Ok(())
}

/// Whether a connection that was opened for `old` is one for `new`, too: TLS as it would be asked for now, the clock aside.
fn same(old: &Route, new: &Route) -> bool {
    let mut new = new.clone();
    if let (Some(old), Some(new)) = (&old.tls, &mut new.tls) {
        (new.now, new.clock_set) = (old.now, old.clock_set);
        if let (Some(old), Some(new)) = (&old.client_random, &mut new.client_random) {
            // The first four bytes may be the clock.
            if let (Some(new), Some(old)) = (new.get_mut(..4), old.get(..4)) {
                new.copy_from_slice(old);
            }
        }
    }
    *old == new
}

/// Something has happened: silence begins anew.
pub(super) fn progress(module: &mut Module) {
    let session = module.families.http.session.as_deref().filter(|session| session.action.is_some());
    if let Some(session) = session {
        let millis = u64::from(session.parameters.timeout) * 1000;
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
        absolute: link.route.proxy.is_some() && !action.url.tls,
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
    if !link.up || room == 0 || action.all_sent() {
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

/// Lets the connection be read.
pub(super) fn grant(module: &mut Module) {
    let window = WINDOW * module.setup.profile.segment;
    let segment = module.setup.profile.segment;
    let session = module.families.http.session.as_deref_mut();
    let Some(link) = session.and_then(|session| session.link.as_mut()).filter(|link| link.up) else { return };
    if link.granted + segment > window {
        return;
    }
    let more = window - link.granted;
    link.granted = window;
    let conn = link.conn;
    module.link(conn, LinkRequest::Grant(more));
}

/// Closes the connection, if there is one.
pub(super) fn drop_link(module: &mut Module, quick: bool) {
    if let Some(link) = forget_link(module) {
        module.link(link.conn, LinkRequest::Close { quick });
    }
}

/// The connection, out of the session.
pub(super) fn forget_link(module: &mut Module) -> Option<Link> {
    module.cancel(FamilyTimer::http(HttpTimer::Idle));
    module.families.http.session.as_deref_mut()?.link.take()
}
