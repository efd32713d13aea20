//! The connection: where it leads, and how far it is.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::net::Ipv4Addr;

use super::client::transmit;
use super::events::fail;
use super::response::{Broken, Response, Step};
use super::{HttpTimer, Session, request};
use crate::families::{FamilyTimer, ssl};
use crate::io::{ConnId, LinkRequest, ModulePath};
use crate::module::{self, Module};
use crate::ssl::TlsRequest;

/// Segments that may be granted and not yet received.
const WINDOW: usize = 4;

/// Where a connection leads. Those of one route are as good as each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) bearer: u8,
    pub(super) proxy: Option<(Ipv4Addr, u16)>,
    pub(super) host: String,
    pub(super) port: u16,
    /// What TLS is to be like.
    pub(super) tls: Option<Box<TlsRequest>>,
}

impl Route {
    /// Whether a connection that was opened for this one is one for `new`, too: TLS as it would be asked for now, the clock aside.
    pub(super) fn serves(&self, new: &Self) -> bool {
        let mut new = new.clone();
        if let (Some(old), Some(new)) = (&self.tls, &mut new.tls) {
            (new.now, new.clock_set) = (old.now, old.clock_set);
            if let (Some(old), Some(new)) = (&old.client_random, &mut new.client_random) {
                // The first four bytes may be the clock.
                new.iter_mut().zip(old).take(4).for_each(|(new, old)| *new = *old);
            }
        }
        *self == new
    }
}

/// How far a connection is.
#[derive(Debug)]
pub(super) enum Phase {
    Connecting,
    /// A proxy has been asked for a way through.
    Asked(Box<Response>),
    /// The way is there; TLS begins.
    Securing,
    Up,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) conn: ConnId,
    pub(super) route: Route,
    pub(super) phase: Phase,
    /// It has had a reply before.
    pub(super) used: bool,
    /// A file that its TLS was made with is another one now.
    stale: bool,
    /// Payload bytes granted and not yet received.
    pub(super) granted: usize,
    /// Handed to the connection and not yet taken by the network stack.
    pub(super) unsent: usize,
}

impl Link {
    pub(super) fn new(conn: ConnId, route: Route) -> Self {
        Self { conn, route, phase: Phase::Connecting, used: false, stale: false, granted: 0, unsent: 0 }
    }

    /// Whether requests can be sent.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Up)
    }

    /// Whether the next request can go over it.
    pub(super) fn serves(&self, route: &Route) -> bool {
        self.is_up() && !self.stale && self.route.serves(route)
    }
}

/// It is up.
pub(super) fn connected(module: &mut Module) {
    let longest = module.setup.profile.http.head;
    let Some(session) = module.families.http.session.as_deref_mut() else { return };
    let Session { parameters, link: Some(link), action: Some(action), .. } = session else { return };
    if link.route.proxy.is_none() || link.route.tls.is_none() {
        link.phase = Phase::Up;
        return transmit(module);
    }
    link.phase = Phase::Asked(Box::new(Response::new(true, longest)));
    let (conn, bytes) = (link.conn, request::connect(&action.url, parameters));
    link.unsent = bytes.len();
    module.link(conn, LinkRequest::Send(bytes));
    grant(module);
}

/// The proxy says whether there is a way through.
pub(super) fn asked(module: &mut Module, bytes: &[u8]) {
    let context = module.setup.profile.http.context;
    let mut rest = bytes;
    loop {
        let link = module.families.http.session.as_deref_mut().and_then(|session| session.link.as_mut());
        let Some(link) = link else { return };
        let Phase::Asked(response) = &mut link.phase else { return };
        match response.take(&mut rest) {
            Ok(Step::More) => return,
            Ok(Step::Head) if !(200..300).contains(&response.head().status) => {
                let text = format!("the proxy (PROIP) gives no way through: it says {}", response.head().status);
                return fail(module, 601, text);
            }
            Ok(Step::Head | Step::Body(_)) => {}
            // Somebody could have put it there, to be taken for what the server says.
            Ok(Step::Done) if !rest.is_empty() => return fail(module, 601, "the proxy goes on to speak before TLS has begun"),
            Ok(Step::Done) => {
                link.phase = Phase::Securing;
                let (conn, host) = (link.conn, link.route.host.clone());
                // The context counts as it is now, for later requests too.
                let tls = ssl::request(module, context, &host).map(Box::new);
                if let Some(link) = module.families.http.session.as_deref_mut().and_then(|session| session.link.as_mut()) {
                    link.route.tls = tls;
                }
                if module.secure(conn, context, &host, module::Session::Own).is_err() {
                    fail(module, 605, "the module has no SSL context 153");
                }
                return;
            }
            Err(Broken::NotHttp(_) | Broken::TooLong) => return fail(module, 601, "the proxy's answer is no HTTP"),
        }
    }
}

/// TLS through a proxy has begun.
pub(super) fn secured(module: &mut Module) {
    let link = module.families.http.session.as_deref_mut().and_then(|session| session.link.as_mut());
    if let Some(link) = link.filter(|link| matches!(link.phase, Phase::Securing)) {
        link.phase = Phase::Up;
        transmit(module);
    }
}

/// Lets the connection be read, as far as what comes can be put away.
pub(super) fn grant(module: &mut Module) {
    let segment = module.setup.profile.segment;
    let Some(session) = module.families.http.session.as_deref_mut() else { return };
    let waiting = session.download.as_ref().map_or(0, |download| download.waiting());
    let Some(link) = session.link.as_mut() else { return };
    let window = (WINDOW * segment).saturating_sub(waiting);
    if link.granted + segment > window || matches!(link.phase, Phase::Connecting | Phase::Securing) {
        return;
    }
    let (conn, more) = (link.conn, window - link.granted);
    link.granted = window;
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

/// A file is about to have other contents: TLS that was made with it does not count for later requests.
pub(super) fn file_changes(module: &mut Module, path: &ModulePath) {
    let link = module.families.http.session.as_deref_mut().and_then(|session| session.link.as_mut());
    let Some(link) = link else { return };
    if let Some(tls) = &link.route.tls {
        link.stale |= [&tls.cacert, &tls.clientcert, &tls.clientkey].into_iter().flatten().any(|file| file == path);
    }
}
