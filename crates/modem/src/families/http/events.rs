//! What happens to a request: the connection's events, the reply, and how it ends.

use alloc::borrow::Cow;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::client::{Task, go, progress, send, tell};
use super::link::{self, Phase, drop_link, forget_link, grant};
use super::request::Method;
use super::response::{Broken, Response, Step};
use super::{Buffer, Content, HttpTimer, Session, download};
use crate::families::FamilyTimer;
use crate::io::{ConnId, LinkEvent, LinkFailure};
use crate::module::Module;

/// Something happened to the connection.
pub(super) fn link_event(module: &mut Module, conn: ConnId, event: LinkEvent<'_>) {
    let Some(link) = module.families.http.session.as_deref_mut().and_then(|session| session.link.as_mut()) else { return };
    let (up, used) = (link.is_up(), link.used);
    let to_proxy = link.route.proxy.is_some() && matches!(link.phase, Phase::Connecting);
    match event {
        LinkEvent::Connected { .. } if matches!(link.phase, Phase::Connecting) => link::connected(module),
        LinkEvent::Secured => link::secured(module),
        LinkEvent::Received(bytes) => {
            link.granted = link.granted.saturating_sub(bytes.len());
            progress(module);
            if up {
                received(module, conn, bytes);
            } else {
                link::asked(module, bytes);
            }
            grant(module);
        }
        LinkEvent::Sent(bytes) => {
            link.unsent = link.unsent.saturating_sub(bytes);
            progress(module);
            send(module);
        }
        LinkEvent::PeerClosed { truncated } => {
            drop_link(module, false);
            let action = module.families.http.session.as_deref_mut().and_then(|session| session.action.as_deref_mut());
            match action.map(|action| !truncated && action.response.closed()) {
                Some(true) => done(module, true),
                _ => lost(module, used, 601, "the server closed the connection before the reply was complete"),
            }
        }
        LinkEvent::Failed(failure) | LinkEvent::Broken(failure) => {
            forget_link(module);
            let status = match failure {
                LinkFailure::Dns => 603,
                LinkFailure::NoBuffer => 602,
                LinkFailure::Tls if up => 606,
                LinkFailure::Tls | LinkFailure::Certificate => 605,
                _ => 601,
            };
            let why = match (up, to_proxy) {
                (true, _) => "the connection to the server broke",
                (false, true) => "there is no connection to the proxy (PROIP)",
                (false, false) => "there is no connection to the server",
            };
            lost(module, used, status, why);
        }
        LinkEvent::Closed => {
            forget_link(module);
            lost(module, used, 601, "the connection to the server is gone");
        }
        LinkEvent::Connected { .. } | LinkEvent::Acked(_) => {}
    }
}

/// Bytes from the server.
fn received(module: &mut Module, conn: ConnId, bytes: &[u8]) {
    let limit = module.setup.profile.http.buffer;
    let mut rest = bytes;
    loop {
        let Some(session) = module.families.http.session.as_deref_mut() else { return };
        if session.link.as_ref().is_none_or(|link| link.conn != conn) {
            return;
        }
        let Some(action) = session.action.as_deref_mut().filter(|action| action.complete.is_none()) else {
            // Nobody has asked for anything, and it cannot be the answer to what will be asked.
            if !rest.is_empty() {
                drop_link(module, false);
            }
            return;
        };
        match action.response.take(&mut rest) {
            Ok(Step::More) => return,
            Ok(Step::Head) => {
                if redirected(module) {
                    return;
                }
                download::head(module);
            }
            Ok(Step::Body(body)) if action.task == Task::Download => download::body(module, body),
            Ok(Step::Body(body)) => {
                if action.received.is_empty() {
                    let length = action.response.head().length.unwrap_or_default();
                    action.received.reserve_exact(usize::try_from(length).unwrap_or(usize::MAX).min(limit));
                }
                let room = limit.saturating_sub(action.received.len()).min(body.len());
                let (kept, surplus) = body.split_at(room);
                action.received.extend_from_slice(kept);
                if !surplus.is_empty() {
                    let received = core::mem::take(&mut action.received);
                    let text = format!("the reply is longer than {limit} bytes, and what is over that is lost; BREAK and BREAKEND ask for a part");
                    note(module, text);
                    return conclude(module, 602, Some(received), false);
                }
            }
            Ok(Step::Done) => return done(module, rest.is_empty()),
            Err(Broken::NotHttp(what)) => return fail(module, 600, format!("the reply is no HTTP: {what}")),
            Err(Broken::TooLong) => return fail(module, 602, "the reply's head or trailer is longer than the module takes"),
        }
    }
}

/// Whether the head only says where else to ask; then the request goes there.
fn redirected(module: &mut Module) -> bool {
    let (limit, longest) = (module.setup.profile.http.redirects, module.setup.profile.name_limits.host);
    let longest_head = module.setup.profile.http.head;
    let Some(session) = module.families.http.session.as_deref_mut() else { return false };
    let Session { parameters, action: Some(action), .. } = session else { return false };
    let head = action.response.head();
    let (status, location) = (head.status, head.location.as_deref());
    let (true, 301 | 302 | 303 | 307 | 308, Some(location)) = (parameters.redirects, status, location) else { return false };
    let to = match action.url.join(location, longest) {
        None => Err(Cow::Borrowed("the server's redirect leads nowhere that the module can go, and is not followed")),
        Some(to) if action.url.tls && !to.tls => {
            Err(Cow::Borrowed("the server's redirect leads from https to http, and is not followed"))
        }
        Some(_) if action.redirects >= limit => {
            Err(Cow::Owned(format!("more than {limit} redirects in a row are not followed")))
        }
        Some(to) => Ok(to),
    };
    let to = match to {
        Ok(to) => to,
        Err(why) => {
            note(module, why);
            return false;
        }
    };
    action.trusted &= action.url.same_origin(&to);
    action.redirects += 1;
    action.retried = false;
    if action.method == Method::Post && matches!(status, 301..=303) {
        action.method = Method::Get;
        action.body = Arc::default();
    }
    action.response = Response::new(action.method == Method::Head, longest_head);
    action.received = Vec::new();
    let text = format!("the server says {status}: the module asks {}://{} instead", to.scheme(), to.authority());
    action.url = to;
    note(module, text);
    drop_link(module, false);
    if let Err(refused) = go(module) {
        fail(module, refused.status, refused.why);
    }
    true
}

/// The reply is complete; `clean`: nothing came behind it.
fn done(module: &mut Module, clean: bool) {
    let session = module.families.http.session.as_deref_mut();
    let Some(action) = session.and_then(|session| session.action.as_deref_mut()) else { return };
    if action.complete.is_some() {
        return;
    }
    let keep = clean && action.response.keeps_connection() && action.all_sent();
    if action.task == Task::Download {
        action.complete = Some(keep);
        module.cancel(FamilyTimer::http(HttpTimer::Silence));
        return download::complete(module);
    }
    let (status, body) = (action.response.head().status, core::mem::take(&mut action.received));
    conclude(module, status, Some(body), keep);
}

/// The connection is gone in the middle of a request, if there is one: over with it, or once more from the beginning.
fn lost(module: &mut Module, used: bool, status: u16, why: &'static str) {
    let session = module.families.http.session.as_deref_mut();
    let Some(action) = session.and_then(|session| session.action.as_deref_mut()) else { return };
    if action.complete.is_some() {
        return;
    }
    // A server may give up a connection that it has kept at the moment when the next request is on its way.
    if used && !action.retried && !action.response.began() {
        action.retried = true;
        return match go(module) {
            Ok(()) => {}
            Err(refused) => fail(module, refused.status, refused.why),
        };
    }
    fail(module, status, why);
}

/// Nothing has happened for TIMEOUT.
pub(super) fn silence(module: &mut Module) {
    fail(module, 408, "nothing came from the server for as long as TIMEOUT says (AT+HTTPPARA)");
}

/// A bearer is gone.
pub(super) fn bearer_lost(module: &mut Module, bearer: u8) {
    let session = module.families.http.session.as_deref();
    if session.and_then(|session| session.link.as_ref()).is_none_or(|link| link.route.bearer != bearer) {
        return;
    }
    drop_link(module, true);
    let action = module.families.http.session.as_deref().and_then(|session| session.action.as_deref());
    if action.is_some_and(|action| action.complete.is_none()) {
        let why = module.with_cause("the bearer of the request is gone (AT+SAPBR)");
        fail(module, 601, why);
    }
}

/// The request has come to nothing.
pub(super) fn fail(module: &mut Module, status: u16, why: impl Into<Cow<'static, str>>) {
    note(module, why);
    conclude(module, status, None, false);
}

/// The request is over: with a body, or without a reply that counts. `keep`: the connection is good for another one.
pub(super) fn conclude(module: &mut Module, status: u16, body: Option<Vec<u8>>, keep: bool) {
    module.cancel(FamilyTimer::http(HttpTimer::Silence));
    let idle = module.setup.profile.timing.http_idle;
    let Some(session) = module.families.http.session.as_deref_mut() else { return };
    let Some(mut action) = session.action.take() else { return };
    let mut length = body.as_ref().map_or(0, |body| body.len() as u64);
    if let Some(bytes) = body {
        session.head = action.response.take_lines();
        session.buffer = Buffer { bytes: Arc::new(bytes), content: Content::Reply };
    }
    if action.task == Task::Download {
        length = download::over(module, status);
    }
    let Some(session) = module.families.http.session.as_deref_mut() else { return };
    match session.link.as_mut().filter(|_| keep) {
        Some(link) => {
            link.used = true;
            module.arm(FamilyTimer::http(HttpTimer::Idle), idle);
        }
        None => drop_link(module, status == 408),
    }
    tell(module, action.line, action.task, status, length);
}

/// Explains something about the request that is under way.
fn note(module: &mut Module, text: impl Into<Cow<'static, str>>) {
    let action = module.families.http.session.as_deref().and_then(|session| session.action.as_deref());
    let line = action.map(|action| action.line);
    module.note(line, "HTTP", text);
}
