//! What the surroundings do to connections and questions: those that cannot get through never reach the host program.
//!
//! Everything that a module asks of the network passes here. What the simulated network would lose is answered by this
//! file, as late as the real one would make the module notice; the rest leaves as an output.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Module;
use crate::families::{self, packet};
use crate::io::{
    ConnId, Connect, Dns, LinkEvent, LinkFailure, LinkRequest, Output, Query, QueryFailure, QueryId,
    QueryReply, Time, Transport,
};
use crate::timer::Timer;

/// What is in the air.
#[derive(Debug, Default)]
pub(super) struct Air {
    /// Fails or happens later, without the host program.
    pending: Vec<(Time, Pending)>,
    /// UDP links into nothing.
    holes: Vec<ConnId>,
    /// What waits until the address behind its name has been looked at, and since when.
    looking: Vec<(QueryId, Held, Time)>,
}

/// What waits for the address behind a name.
#[derive(Debug)]
enum Held {
    Link(ConnId, Box<Connect>),
    /// [`Query::Time`].
    Time {
        query: QueryId,
        host: String,
        name_servers: Vec<IpAddr>,
        timeout: u64,
    },
}

#[derive(Debug)]
enum Pending {
    Link(ConnId, Told),
    Query(QueryId, QueryFailure, Obstacle),
}

/// What a link is told.
#[derive(Debug)]
enum Told {
    Failed(LinkFailure, u8, Obstacle),
    Connected(SocketAddr),
    /// There is nobody to speak TLS with.
    Unsecured,
    Sent(usize),
    Acked,
    Closed,
}

/// Why something does not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    /// The bearer (AT+SAPBR's, or that of TCP/IP) leads nowhere.
    DeadEnd(Option<u8>),
    /// No name server answers.
    Silent,
    /// Name servers answer that they cannot.
    Failing,
    /// A private address.
    Private(Ipv4Addr),
}

impl Held {
    fn is(&self, wanted: ConnId) -> bool {
        matches!(self, Self::Link(conn, _) if *conn == wanted)
    }
}

impl Air {
    fn next(&self) -> Option<Time> {
        self.pending.iter().map(|(at, _)| *at).min()
    }

    fn is_pending(&self, wanted: ConnId) -> bool {
        self.pending.iter().any(|(_, pending)| matches!(pending, Pending::Link(conn, _) if *conn == wanted))
            || self.looking.iter().any(|(_, held, _)| held.is(wanted))
    }
}

impl Module {
    /// Asks the network something about a connection.
    pub(crate) fn link(&mut self, conn: ConnId, request: LinkRequest) {
        match request {
            LinkRequest::Connect(connect) => self.connect(conn, None, connect),
            request if self.air.holes.contains(&conn) => self.swallow(conn, &request),
            LinkRequest::Close { .. } if self.air.is_pending(conn) => {
                self.forget(conn);
                self.later(0, Pending::Link(conn, Told::Closed));
            }
            request => self.outputs.push_back(Output::Link { conn, request }),
        }
    }

    /// Asks the network something over the TCP/IP bearer; [`Module::query_result`] takes the answer.
    pub(crate) fn ask(&mut self, question: Query) -> QueryId {
        self.ask_over(None, question)
    }

    /// Asks the network something over an AT+SAPBR bearer (1 to 3), or the TCP/IP bearer.
    pub(crate) fn ask_over(&mut self, bearer: Option<u8>, question: Query) -> QueryId {
        let query = self.new_query();
        let (host, timeout, resolves) = match &question {
            Query::Resolve { host, timeout, .. } => (host, *timeout, true),
            Query::Echo { host, timeout, .. } | Query::Time { host, timeout, .. } => (host, *timeout, false),
            Query::Message { .. } => {
                self.outputs.push_back(Output::Query { query, question });
                return query;
            }
        };
        let timing = &self.setup.profile.timing;
        let literal = host.parse::<Ipv4Addr>().is_ok();
        let (after, failure, obstacle) = match self.obstacle(bearer, host) {
            Some(obstacle) if !(resolves && literal) => match obstacle {
                Obstacle::Failing => (timing.name_refused, QueryFailure::BadNameServer, obstacle),
                Obstacle::Silent => (timeout.min(timing.resolve), QueryFailure::NoNameServer, obstacle),
                Obstacle::DeadEnd(_) if !literal => {
                    (timeout.min(timing.resolve), QueryFailure::NoNameServer, obstacle)
                }
                Obstacle::DeadEnd(_) | Obstacle::Private(_) => (timeout, QueryFailure::Timeout, obstacle),
            },
            _ => {
                self.put(query, question);
                return query;
            }
        };
        self.later(after, Pending::Query(query, failure, obstacle));
        query
    }

    /// A question in whose way nothing stands as far as its host tells. An echo tells later where it comes from.
    fn put(&mut self, query: QueryId, question: Query) {
        match question {
            Query::Time { host, name_servers, timeout } if self.may_hide(&host) => {
                let (name, servers) = (host.clone(), name_servers.clone());
                self.look(name, servers, timeout, Held::Time { query, host, name_servers, timeout });
            }
            question => self.outputs.push_back(Output::Query { query, question }),
        }
    }

    /// Whether a private address may be behind this, which is not reached.
    fn may_hide(&self, host: &str) -> bool {
        !self.world.private_servers && host.parse::<Ipv4Addr>().is_err()
    }

    /// Looks at the address behind a name first.
    fn look(&mut self, host: String, name_servers: Vec<IpAddr>, timeout: u64, held: Held) {
        let query = self.new_query();
        let question = Query::Resolve { host, name_servers, timeout };
        self.outputs.push_back(Output::Query { query, question });
        self.air.looking.push((query, held, self.now));
    }

    /// The answer to a question of this file's own, or what has become of it on the way: `None` when no family asked.
    pub(super) fn looked(
        &mut self,
        query: QueryId,
        result: Result<QueryReply, QueryFailure>,
    ) -> Option<Result<QueryReply, QueryFailure>> {
        let Some(index) = self.air.looking.iter().position(|(asked, ..)| *asked == query) else {
            return Some(match result {
                Ok(QueryReply::Echo { from: IpAddr::V4(from), .. }) if self.hidden(from) => {
                    Err(QueryFailure::Timeout)
                }
                result => result,
            });
        };
        let (_, held, since) = self.air.looking.remove(index);
        let passed = self.now.0.saturating_sub(since.0);
        let left = |timeout: u64| timeout.saturating_sub(passed).max(1);
        let private = match result {
            Ok(QueryReply::Address(IpAddr::V4(address))) => {
                Some(address).filter(|address| self.hidden(*address))
            }
            // Whatever is wrong with the name, the host program explains it better.
            _ => None,
        };
        match held {
            Held::Link(conn, mut connect) => {
                connect.connect_timeout = left(connect.connect_timeout);
                match private {
                    Some(address) => self.lose(conn, &connect, Some(address), Obstacle::Private(address)),
                    None => {
                        self.outputs.push_back(Output::Link { conn, request: LinkRequest::Connect(connect) });
                    }
                }
            }
            Held::Time { query, host, name_servers, timeout } => {
                let timeout = left(timeout);
                match private {
                    Some(address) => {
                        let obstacle = Obstacle::Private(address);
                        self.later(timeout, Pending::Query(query, QueryFailure::Timeout, obstacle));
                    }
                    None => {
                        let question = Query::Time { host, name_servers, timeout };
                        self.outputs.push_back(Output::Query { query, question });
                    }
                }
            }
        }
        None
    }

    /// Lets happen what is due.
    pub(super) fn air_due(&mut self) {
        while let Some(index) = self.air.pending.iter().position(|(at, _)| *at <= self.now) {
            let (_, pending) = self.air.pending.remove(index);
            match pending {
                Pending::Link(conn, told) => self.tell_link(conn, told),
                Pending::Query(query, failure, obstacle) => {
                    let text = self.words(obstacle);
                    self.note(None, "network", text);
                    self.query_result(query, Err(failure));
                }
            }
        }
        self.arm_air();
    }

    /// The module goes down: nothing is in the air any more.
    pub(super) fn clear_air(&mut self) {
        self.air = Air::default();
        self.timers.cancel(Timer::Air);
    }

    /// Asks for a connection over an AT+SAPBR bearer (1 to 3), or the TCP/IP bearer.
    pub(super) fn connect(&mut self, conn: ConnId, bearer: Option<u8>, connect: Box<Connect>) {
        if let Some(obstacle) = self.obstacle(bearer, &connect.host) {
            let address = connect.host.parse().ok();
            return self.lose(conn, &connect, address, obstacle);
        }
        if self.may_hide(&connect.host) {
            let (name, servers) = (connect.host.clone(), connect.name_servers.clone());
            return self.look(name, servers, connect.connect_timeout, Held::Link(conn, connect));
        }
        self.outputs.push_back(Output::Link { conn, request: LinkRequest::Connect(connect) });
    }

    /// A connect that does not get through. UDP notices only that a name has no address.
    fn lose(&mut self, conn: ConnId, connect: &Connect, address: Option<Ipv4Addr>, obstacle: Obstacle) {
        let timing = &self.setup.profile.timing;
        let limit = connect.connect_timeout;
        let (after, failure) = match (obstacle, address) {
            (Obstacle::Failing, _) => (timing.name_refused, LinkFailure::Dns),
            (Obstacle::Silent, _) | (Obstacle::DeadEnd(_), None) => {
                (timing.resolve.min(limit), LinkFailure::Dns)
            }
            (Obstacle::DeadEnd(_) | Obstacle::Private(_), Some(address))
                if connect.transport == Transport::Udp =>
            {
                let peer = SocketAddr::new(address.into(), connect.port);
                self.air.holes.push(conn);
                let text = self.words(obstacle);
                self.note(None, &format!("link {}", connect.link), text);
                return self.later(0, Pending::Link(conn, Told::Connected(peer)));
            }
            (Obstacle::DeadEnd(_) | Obstacle::Private(_), _) => (limit, LinkFailure::Timeout),
        };
        self.later(after, Pending::Link(conn, Told::Failed(failure, connect.link, obstacle)));
    }

    /// What a link into nothing makes of a request.
    fn swallow(&mut self, conn: ConnId, request: &LinkRequest) {
        let told = match request {
            LinkRequest::Send(bytes) => Told::Sent(bytes.len()),
            LinkRequest::QueryAcked => Told::Acked,
            LinkRequest::Secure(_) => {
                self.forget(conn);
                Told::Unsecured
            }
            LinkRequest::Close { .. } => {
                self.forget(conn);
                Told::Closed
            }
            LinkRequest::Connect(_) | LinkRequest::Grant(_) | LinkRequest::NotifyAcked => return,
        };
        self.later(0, Pending::Link(conn, told));
    }

    fn tell_link(&mut self, conn: ConnId, told: Told) {
        let event = match told {
            Told::Failed(failure, link, obstacle) => {
                let text = self.words(obstacle);
                self.note(None, &format!("link {link}"), text);
                LinkEvent::Failed(failure)
            }
            Told::Connected(peer) => LinkEvent::Connected { peer },
            Told::Unsecured => {
                self.note(None, "network", "TLS needs a TCP connection to somebody who answers");
                LinkEvent::Failed(LinkFailure::Tls)
            }
            Told::Sent(bytes) => LinkEvent::Sent(bytes),
            Told::Acked => LinkEvent::Acked(0),
            Told::Closed => LinkEvent::Closed,
        };
        families::linked(self, conn, event);
    }

    fn forget(&mut self, wanted: ConnId) {
        self.air.holes.retain(|conn| *conn != wanted);
        self.air.looking.retain(|(_, held, _)| !held.is(wanted));
        self.air.pending.retain(|(_, pending)| !matches!(pending, Pending::Link(conn, _) if *conn == wanted));
    }

    fn later(&mut self, millis: u64, pending: Pending) {
        self.air.pending.push((self.now + millis, pending));
        self.arm_air();
    }

    fn arm_air(&mut self) {
        match self.air.next() {
            Some(at) => self.timers.arm(Timer::Air, at),
            None => self.timers.cancel(Timer::Air),
        }
    }

    /// What stands between the module and a host.
    fn obstacle(&self, bearer: Option<u8>, host: &str) -> Option<Obstacle> {
        let literal: Option<Ipv4Addr> = host.parse().ok();
        match (literal, self.world.dns) {
            _ if packet::dead_end(self, bearer) => Some(Obstacle::DeadEnd(bearer)),
            (Some(address), _) => self.hidden(address).then_some(Obstacle::Private(address)),
            (None, Dns::Dead) => Some(Obstacle::Silent),
            (None, Dns::Failing) => Some(Obstacle::Failing),
            (None, Dns::Works) => None,
        }
    }

    fn hidden(&self, address: Ipv4Addr) -> bool {
        !self.world.private_servers && address.is_private()
    }

    fn words(&self, obstacle: Obstacle) -> alloc::borrow::Cow<'static, str> {
        if let Some(cause) = self.first_cause() {
            return cause;
        }
        match obstacle {
            Obstacle::DeadEnd(bearer) => packet::dead_end_words(self, bearer),
            Obstacle::Silent => "no name server answers (AT+CDNSGIP shows it for any name): AT+CDNSCFG sets other name \
                                 servers, and an address instead of the name needs none"
                .into(),
            Obstacle::Failing => "the name servers answer that they cannot (AT+CDNSGIP shows it for any name): \
                                  AT+CDNSCFG sets others, and an address instead of the name needs none"
                .into(),
            Obstacle::Private(address) => format!(
                "{address} is a private address, which cannot be reached through a mobile network (AT+CIFSR shows the \
                 module's own side): the server needs a public address"
            )
            .into(),
        }
    }
}
