//! Scripted peers: the other ends of a module's connections.

mod connection;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use modem::{ConnId, Connect, KeepAlive, LinkEvent, LinkFailure, LinkRequest, Transport};
use transcript::{Break, ConnectFailure, DnsAnswer, Leftover, PeerStep, Progress, SecureFailure, StageError};

use crate::tls::tls_fields;
use connection::{Connection, State};

/// What the network tells the module, with its payload.
pub(crate) type Told = (ConnId, LinkEvent<'static>, Vec<u8>);

/// All connections that the module has asked for, in order.
#[derive(Debug, Default)]
pub(crate) struct Network {
    connections: Vec<Connection>,
    dns: BTreeMap<String, DnsAnswer>,
    /// What the last peer step was about.
    current: Option<usize>,
    /// For the module, in order.
    told: VecDeque<Told>,
    /// Connects that fail later: when, which, how.
    timeouts: Vec<(u64, usize, LinkFailure)>,
    /// The module asked for something that it may not ask for.
    fault: Option<String>,
}

/// Where a name leads that no `@dns` step has mentioned.
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

impl Network {
    /// The next thing that the module is to be told.
    pub(crate) fn next_told(&mut self) -> Option<Told> {
        self.told.pop_front()
    }

    /// When the next connect times out.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.timeouts.iter().map(|&(at, ..)| at).min()
    }

    /// Lets connects time out.
    pub(crate) fn advance(&mut self, now: u64) {
        let (due, later) = std::mem::take(&mut self.timeouts).into_iter().partition(|&(at, ..)| at <= now);
        self.timeouts = later;
        let due: Vec<(u64, usize, LinkFailure)> = due;
        for (_, index, failure) in due {
            let connection = &self.connections[index];
            if connection.state == State::TimingOut || connection.securing {
                self.fail(index, failure);
            }
        }
    }

    /// What the module did wrong, once.
    pub(crate) fn take_fault(&mut self) -> Option<String> {
        self.fault.take()
    }

    /// The module is gone, and its connections with it.
    pub(crate) fn drop_all(&mut self) {
        for connection in &mut self.connections {
            connection.state = State::Over;
        }
        self.told.clear();
        self.timeouts.clear();
    }

    /// Refuses every connect that waits for an answer.
    pub(crate) fn refuse_all(&mut self) {
        for index in 0..self.connections.len() {
            if self.connections[index].state == State::Pending {
                self.fail(index, LinkFailure::Refused);
            }
        }
    }

    pub(crate) fn set_dns(&mut self, name: &str, answer: DnsAnswer) {
        self.dns.insert(name.into(), answer);
    }

    /// What a `@dns` step has said about a name.
    pub(crate) fn dns(&self, name: &str) -> Option<&DnsAnswer> {
        self.dns.get(name)
    }

    /// The module asks for something.
    pub(crate) fn request(&mut self, id: ConnId, request: LinkRequest) {
        if let LinkRequest::Connect(connect) = request {
            return self.connect(id, *connect);
        }
        let Some(index) = self.connections.iter().position(|c| c.id == id) else {
            self.fault =
                Some(format!("the module speaks of a connection that it never asked for: {request:?}"));
            return;
        };
        let number = index + 1;
        let connection = &mut self.connections[index];
        let told = &mut self.told;
        match request {
            LinkRequest::Connect(_) => {}
            LinkRequest::Close { quick } => {
                connection.close = Some(quick);
                connection.closing = true;
                if quick || !connection.stalled {
                    connection.finish_close(told);
                }
            }
            // The connection may have ended before the module could know.
            _ if connection.state == State::Over && !connection.closing => {}
            _ if connection.state != State::Open || connection.closing => {
                self.fault = Some(format!("the module uses connection {number}, which is not open"));
            }
            LinkRequest::Secure(_) if connection.secure || connection.securing => {
                self.fault = Some(format!("the module wants TLS on connection {number} twice"));
            }
            LinkRequest::Secure(_) if connection.connect.transport == Transport::Udp => {
                self.fault = Some(format!("the module wants TLS on connection {number}, which is UDP"));
            }
            LinkRequest::Secure(wish) => connection.want_secure(wish, told),
            LinkRequest::Send(_) if connection.securing => {
                self.fault = Some(format!("the module sends on connection {number} before it is protected"));
            }
            LinkRequest::Send(bytes) if connection.stalled => connection.stuck.push_back(bytes),
            LinkRequest::Send(bytes) => connection.accept_bytes(&bytes, told),
            LinkRequest::Grant(bytes) => {
                connection.granted += bytes;
                connection.deliver(told);
            }
            LinkRequest::QueryAcked => connection.tell(told, LinkEvent::Acked(connection.acked)),
            LinkRequest::NotifyAcked => {
                connection.notify = true;
                connection.tell_acked(told);
            }
        }
    }

    fn connect(&mut self, id: ConnId, connect: Connect) {
        let unknown = self.dns.get(&connect.host) == Some(&DnsAnswer::Fails);
        if self.connections.iter().any(|c| c.id == id) {
            self.fault = Some(format!("the module uses the connection identity {id:?} twice"));
        }
        self.connections.push(Connection::new(id, connect));
        if unknown {
            self.fail(self.connections.len() - 1, LinkFailure::Dns);
        }
    }

    fn fail(&mut self, index: usize, failure: LinkFailure) {
        let connection = &mut self.connections[index];
        connection.tell(&mut self.told, LinkEvent::Failed(failure));
        connection.state = State::Over;
        connection.securing = false;
    }

    /// Does or checks what a peer step says.
    pub(crate) fn step(
        &mut self,
        now: u64,
        number: Option<u32>,
        step: &PeerStep,
    ) -> Result<Progress, StageError> {
        let index = match self.select(number, step) {
            Ok(index) => index,
            Err(missing) => return Ok(Progress::NotYet(StageError::Failed(missing))),
        };
        self.current = Some(index);
        let number = index + 1;
        let address = self.address(index);
        let connection = &mut self.connections[index];
        let told = &mut self.told;
        let wrong = |what: &str| Err(StageError::Failed(format!("connection {number} {what}")));
        match step {
            PeerStep::Accept(_) | PeerStep::Fail(_) if connection.state != State::Pending => {
                return wrong("does not wait for an answer");
            }
            PeerStep::Accept(peer) => {
                connection.state = State::Open;
                connection.tell(told, LinkEvent::Connected { peer: peer.unwrap_or(address) });
            }
            PeerStep::Fail(failure) => return self.fail_as(now, index, *failure),
            PeerStep::ExpectConnect { transport, host, port } => {
                let wanted = format!("{} {host} {port}", spell(*transport));
                let Connect { transport, host, port, .. } = &connection.connect;
                return Ok(same(
                    number,
                    &wanted,
                    &format!("{} {host} {port}", transport.to_string().to_lowercase()),
                ));
            }
            PeerStep::ExpectTls(wanted) => {
                let asked = self.connections[index].connect.tls.as_deref();
                let (wanted, got) = tls_fields(wanted.as_ref(), asked, |conn| self.number(conn));
                return Ok(same(number, &wanted, &got));
            }
            PeerStep::ExpectSecure(wanted) => {
                let asked = self.connections[index].wish.as_deref();
                let (wanted, got) = tls_fields(Some(wanted), asked, |conn| self.number(conn));
                return Ok(same(number, &wanted, &got));
            }
            PeerStep::Secure | PeerStep::FailSecure(_) if !connection.securing => {
                let missing = format!("connection {number} does not wait for TLS");
                return Ok(Progress::NotYet(StageError::Failed(missing)));
            }
            PeerStep::Secure => connection.secured(told),
            PeerStep::FailSecure(SecureFailure::Handshake) => connection.fail_secure(LinkFailure::Tls, told),
            PeerStep::FailSecure(SecureFailure::Certificate) => {
                connection.fail_secure(LinkFailure::Certificate, told);
            }
            PeerStep::FailSecure(SecureFailure::Timeout) => {
                let limit = connection.wish.as_ref().map_or(0, |wish| wish.timeout);
                self.timeouts.push((now + limit, index, LinkFailure::Tls));
            }
            PeerStep::ExpectFrom(port) => {
                let text = |port: Option<u16>| port.map_or("any".into(), |port| port.to_string());
                return Ok(same(number, &text(*port), &text(connection.connect.local_port)));
            }
            PeerStep::ExpectKeepAlive(times) => {
                let got = connection.connect.keep_alive;
                let got = got.map(|KeepAlive { idle, interval, count }| (idle, interval, count));
                return Ok(same(number, &format!("{times:?}"), &format!("{got:?}")));
            }
            PeerStep::Expect(bytes) => return connection.expect(number, bytes),
            PeerStep::ExpectClose { quick } => return connection.expect_close(number, *quick),
            _ if connection.state != State::Open => return wrong("is not open"),
            PeerStep::Cut if !connection.secure => return wrong("has no TLS that could be cut"),
            // What comes now is no part of a handshake.
            PeerStep::Send(_)
            | PeerStep::HalfClose
            | PeerStep::Close
            | PeerStep::Reset
            | PeerStep::Break(_)
                if connection.securing =>
            {
                connection.fail_secure(LinkFailure::Tls, told);
            }
            PeerStep::Send(_) if connection.ended => return wrong("has been closed by the peer"),
            PeerStep::Send(bytes) => {
                connection.send(bytes, told);
            }
            PeerStep::HalfClose | PeerStep::Close | PeerStep::Cut => {
                connection.ended = true;
                connection.deaf = *step != PeerStep::HalfClose;
                connection.truncated = *step == PeerStep::Cut;
                if connection.outgoing.is_empty() {
                    connection.tell_ended(told);
                }
            }
            PeerStep::Reset => connection.break_off(LinkFailure::Reset, told),
            PeerStep::Break(how) => {
                let failure = match how {
                    Break::Network => LinkFailure::Network,
                    Break::Unreachable => LinkFailure::Unreachable,
                    Break::Timeout => LinkFailure::Timeout,
                    Break::Aborted => LinkFailure::Aborted,
                    Break::ShutDown => LinkFailure::ShutDown,
                    Break::NoBuffer => LinkFailure::NoBuffer,
                    Break::Tls => LinkFailure::Tls,
                    Break::Unknown => LinkFailure::Local,
                };
                connection.break_off(failure, told);
            }
            PeerStep::Stall => connection.stalled = true,
            PeerStep::Resume => connection.resume(told),
            PeerStep::HoldAcks => connection.holds_acks = true,
            PeerStep::Ack => {
                connection.holds_acks = false;
                connection.acked = connection.taken;
                connection.tell_acked(told);
            }
        }
        Ok(Progress::Done)
    }

    /// Which connection a step is about; or what is missing.
    fn select(&self, number: Option<u32>, step: &PeerStep) -> Result<usize, String> {
        if let Some(number) = number {
            let index = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
            return if index < self.connections.len() {
                Ok(index)
            } else {
                Err(format!("the module has not asked for connection {number}"))
            };
        }
        let pending = || self.connections.iter().position(|c| c.state == State::Pending);
        match step {
            PeerStep::Accept(_) | PeerStep::Fail(_) => {
                pending().ok_or("no connect waits for an answer".into())
            }
            PeerStep::ExpectConnect { .. }
            | PeerStep::ExpectTls(_)
            | PeerStep::ExpectFrom(_)
            | PeerStep::ExpectKeepAlive(_) => {
                pending().or(self.current).ok_or("the module has not asked for a connection".into())
            }
            PeerStep::ExpectSecure(_) | PeerStep::Secure | PeerStep::FailSecure(_) => {
                let securing = self.connections.iter().position(|c| c.securing);
                securing.or(self.current).ok_or("the module has not asked for TLS on a connection".into())
            }
            _ => self.current.ok_or("no connection has been accepted yet; give its number".into()),
        }
    }

    /// Which connection this is, counted from 1.
    fn number(&self, id: ConnId) -> Option<usize> {
        self.connections.iter().position(|connection| connection.id == id).map(|index| index + 1)
    }

    fn address(&self, index: usize) -> SocketAddr {
        let Connect { host, port, .. } = &self.connections[index].connect;
        let address = match self.dns.get(host) {
            Some(DnsAnswer::Address(address)) => *address,
            _ => host.parse().unwrap_or(SOMEWHERE),
        };
        SocketAddr::new(address, *port)
    }

    fn fail_as(&mut self, now: u64, index: usize, failure: ConnectFailure) -> Result<Progress, StageError> {
        let connection = &mut self.connections[index];
        let failure = match failure {
            ConnectFailure::Refused => LinkFailure::Refused,
            ConnectFailure::Unreachable => LinkFailure::Unreachable,
            ConnectFailure::NetworkDown => LinkFailure::Network,
            ConnectFailure::PortInUse => LinkFailure::AddressInUse,
            ConnectFailure::PortUnavailable => LinkFailure::AddressUnavailable,
            ConnectFailure::Dns => LinkFailure::Dns,
            ConnectFailure::Timeout => {
                connection.state = State::TimingOut;
                let at = now + connection.connect.connect_timeout;
                self.timeouts.push((at, index, LinkFailure::Timeout));
                return Ok(Progress::Done);
            }
            ConnectFailure::Tls | ConnectFailure::TlsCertificate | ConnectFailure::TlsTimeout => {
                let Some(tls) = &connection.connect.tls else {
                    let what = format!("connection {} does not ask for TLS", index + 1);
                    return Err(StageError::Failed(what));
                };
                if failure == ConnectFailure::TlsTimeout {
                    connection.state = State::TimingOut;
                    self.timeouts.push((now + tls.timeout, index, LinkFailure::Tls));
                    return Ok(Progress::Done);
                }
                if failure == ConnectFailure::TlsCertificate {
                    LinkFailure::Certificate
                } else {
                    LinkFailure::Tls
                }
            }
        };
        self.fail(index, failure);
        Ok(Progress::Done)
    }

    /// What no step has asked about.
    pub(crate) fn leftovers(&self) -> Vec<Leftover> {
        let mut all = Vec::new();
        for (index, connection) in self.connections.iter().enumerate() {
            let number = index + 1;
            if connection.state == State::Pending {
                let what = format!("connection {number} was never answered (@peer accept, refuse, …)");
                all.push(Leftover { what, bytes: Vec::new() });
            }
            if connection.securing && connection.state == State::Open {
                let what =
                    format!("TLS on connection {number} was never answered (@peer secure, secure-fails, …)");
                all.push(Leftover { what, bytes: Vec::new() });
            }
            if !connection.incoming.is_empty() {
                let what = format!("connection {number} received more than any @peer expect asks for");
                all.push(Leftover { what, bytes: connection.incoming.clone() });
            }
        }
        all
    }
}

fn spell(transport: transcript::Transport) -> String {
    match transport {
        transcript::Transport::Tcp => Transport::Tcp,
        transcript::Transport::Udp => Transport::Udp,
    }
    .to_string()
    .to_lowercase()
}

fn same(number: usize, wanted: &str, got: &str) -> Progress {
    if wanted == got {
        return Progress::Done;
    }
    Progress::NotYet(StageError::Differs {
        what: format!("connection {number} was asked for in another way"),
        expected: wanted.as_bytes().to_vec(),
        got: got.as_bytes().to_vec(),
    })
}
