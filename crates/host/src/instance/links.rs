//! The instance's connections.

use modem::TlsRequest;
use tls::{Resumable, Resumption};

use super::*;

/// How many closed connections may wait for their peers at a time.
const LINGERING: usize = 16;

impl Instance {
    pub(super) fn link_request(&mut self, conn: ConnId, request: LinkRequest) {
        if let LinkRequest::Connect(connect) = request {
            let store = Arc::clone(self.storing.store());
            let resumption = connect.tls.as_deref().map_or(Resumption::None, |tls| self.resumption(tls));
            let link = Link::open(&self.name, conn, *connect, resumption, Arc::clone(&self.network), store);
            self.links.push(link);
            return;
        }
        let Some(index) = self.links.iter().position(|link| link.conn() == conn && !link.is_lingering())
        else {
            // It ended while the request was on its way; only a close has to be answered.
            if matches!(request, LinkRequest::Close { .. }) {
                self.link_event(conn, LinkEvent::Closed);
            }
            return;
        };
        let link = &mut self.links[index];
        match request {
            LinkRequest::Connect(_) => {}
            LinkRequest::Send(bytes) => link.send(bytes),
            LinkRequest::Grant(bytes) => link.grant(bytes),
            LinkRequest::QueryAcked => {
                let acked = link.acked();
                self.link_event(conn, LinkEvent::Acked(acked));
            }
            LinkRequest::Secure(request) => {
                let resumption = self.resumption(&request);
                let (network, store) = (Arc::clone(&self.network), Arc::clone(self.storing.store()));
                self.links[index].secure(*request, resumption, network, store);
            }
            LinkRequest::NotifyAcked => link.notify_acked(),
            LinkRequest::Close { quick } => {
                if link.close(quick) {
                    self.end_link(index);
                    self.link_event(conn, LinkEvent::Closed);
                }
            }
        }
    }

    /// What a handshake has to do with the sessions of other connections.
    fn resumption(&self, request: &TlsRequest) -> Resumption {
        let of = |conn| self.links.iter().find(|link| link.conn() == conn).and_then(Link::session);
        match request.resume.and_then(of) {
            Some(slot) => Resumption::Offer(slot),
            None if request.resumable => Resumption::Keep(Resumable::default()),
            None => Resumption::None,
        }
    }

    pub(super) fn poll_links(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> bool {
        let mut progress = false;
        let mut index = 0;
        while index < self.links.len() {
            let link = &mut self.links[index];
            let conn = link.conn();
            match link.poll(cx, buffer) {
                Poll::Ready(happened) => {
                    progress = true;
                    self.link_happened(index, conn, happened, buffer);
                    // The list may have changed; what is left is polled in the next round.
                    if self.links.get(index).is_none_or(|link| link.conn() != conn) {
                        continue;
                    }
                }
                Poll::Pending => {}
            }
            index += 1;
        }
        progress
    }

    fn link_happened(&mut self, index: usize, conn: ConnId, happened: Happened, buffer: &[u8]) {
        match happened {
            Happened::Connected(peer, report) => {
                self.publish(&report);
                self.link_event(conn, LinkEvent::Connected { peer });
            }
            Happened::Secured(report) => {
                self.publish(&report);
                self.link_event(conn, LinkEvent::Secured);
            }
            Happened::Received(count) => self.link_event(conn, LinkEvent::Received(&buffer[..count])),
            Happened::Sent(count) => self.link_event(conn, LinkEvent::Sent(count)),
            Happened::Acked(count) => self.link_event(conn, LinkEvent::Acked(count)),
            Happened::Failed(explanation) => {
                let class = explanation.class;
                self.publish(&Report::Failed(*explanation));
                // That it has carried nothing needs no line in the log.
                net::tell(self.observer.as_deref(), &self.links[index].ended());
                self.remove_link(index);
                self.link_event(conn, LinkEvent::Failed(class));
            }
            Happened::Broken(explanation) => {
                let class = explanation.class;
                self.publish(&Report::Failed(*explanation));
                self.end_link(index);
                self.link_event(conn, LinkEvent::Broken(class));
            }
            Happened::PeerClosed { truncated } => {
                // Otherwise its account is not closed before what was sent has left.
                if self.links[index].is_over() {
                    self.end_link(index);
                }
                self.link_event(conn, LinkEvent::PeerClosed { truncated });
            }
            Happened::Closed => {
                self.end_link(index);
                self.link_event(conn, LinkEvent::Closed);
            }
            Happened::Over => drop(self.links.remove(index)),
        }
    }

    /// The module has nothing to do with it any more. Its account is published; it may linger for its peer's sake.
    fn end_link(&mut self, index: usize) {
        self.publish(&self.links[index].ended());
        self.remove_link(index);
    }

    fn remove_link(&mut self, index: usize) {
        if self.links[index].is_over() {
            self.links.remove(index);
        }
        if self.links.iter().filter(|link| link.is_lingering()).count() > LINGERING
            && let Some(oldest) = self.links.iter().position(Link::is_lingering)
        {
            self.links.remove(oldest);
        }
    }

    fn publish(&self, report: &Report) {
        net::publish(self.observer.as_deref(), report);
    }

    fn link_event(&mut self, conn: ConnId, event: LinkEvent<'_>) {
        self.handle_input(Input::Link { conn, event });
    }
}
