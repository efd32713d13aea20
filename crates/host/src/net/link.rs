//! One connection, from the module's wish to its end.

mod close;
mod upgrade;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use modem::{ConnId, Connect, LinkFailure, Transport};
use tokio::time::{Sleep, sleep};

use super::Network;
use super::explain::{End, Explanation, Fault, Report, Stage, Subject};
use super::failed::{self, Failed};
use super::open::{self, Opened};
use super::stream::{Acknowledged, Stream};
use crate::store::Store;
use upgrade::{Handshake, Upgrade};

/// The most that a TLS record carries: small portions of a stream that wait become one.
const RECORD: usize = 16 << 10;
/// How many bytes are sent before the module is told so.
const TURN: usize = 64 << 10;
/// How often to look for acknowledgements that the module waits for: at first, and at most.
const ACK_POLL: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// One connection.
pub(crate) struct Link {
    subject: Subject,
    state: State,
    granted: usize,
    queue: VecDeque<Vec<u8>>,
    /// How much of the queue's first chunk has been sent.
    head: usize,
    queued: u64,
    received: u64,
    /// It has failed behind something that the module had to be told first.
    failed: Option<io::Error>,
    /// How it ended, once it has.
    end: End,
    acknowledged: Acknowledged,
    /// What the module waits to be acknowledged: totals, rising.
    notify: VecDeque<u64>,
    ack_timer: Option<(Pin<Box<Sleep>>, Duration)>,
    /// TLS is to begin when the queue is empty.
    upgrade: Option<Box<Upgrade>>,
    /// What was sent since then, for behind the handshake.
    held: VecDeque<Vec<u8>>,
    /// Where its session is kept for others.
    session: Option<tls::Resumable>,
}

type Opening = Pin<Box<dyn Future<Output = Result<Opened, Failed>> + Send>>;

enum State {
    Opening(Opening),
    Open(Stream),
    /// The handshake goes on, behind plain text.
    Securing(Handshake),
    /// The module has closed it; what it sent is still leaving.
    Closing(Stream, Option<Pin<Box<Sleep>>>),
    /// The module is told that it is closed; the peer has yet to close its side.
    Lingering(Stream, Pin<Box<Sleep>>),
    Over,
}

/// What has happened to a connection.
#[derive(Debug)]
pub(crate) enum Happened {
    Connected(SocketAddr, Box<Report>),
    Failed(Box<Explanation>),
    Secured(Box<Report>),
    /// So many bytes, at the beginning of the buffer.
    Received(usize),
    Sent(usize),
    Acked(u64),
    PeerClosed {
        truncated: bool,
    },
    Broken(Box<Explanation>),
    Closed,
    /// Nothing that concerns the module; the link is over.
    Over,
}

impl Link {
    /// Begins to open a connection.
    pub(crate) fn open(
        module: &str,
        conn: ConnId,
        connect: Connect,
        resumption: tls::Resumption,
        network: Arc<Network>,
        store: Arc<Store>,
    ) -> Self {
        let subject = Subject {
            module: module.into(),
            conn,
            link: connect.link,
            transport: connect.transport,
            target: format!("{}:{}", connect.host, connect.port),
        };
        let session = upgrade::slot(&resumption);
        let opening = open::open(subject.to_string(), connect, resumption, network, store);
        Self {
            subject,
            state: State::Opening(Box::pin(opening)),
            granted: 0,
            queue: VecDeque::new(),
            head: 0,
            queued: 0,
            received: 0,
            failed: None,
            end: End::Module,
            acknowledged: Acknowledged::default(),
            notify: VecDeque::new(),
            ack_timer: None,
            upgrade: None,
            held: VecDeque::new(),
            session,
        }
    }

    pub(crate) fn conn(&self) -> ConnId {
        self.subject.conn
    }

    /// Nothing will happen to it any more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    #[cfg(test)]
    pub(super) fn socket(&self) -> Option<&tokio::net::TcpStream> {
        match &self.state {
            State::Open(stream) => stream.socket(),
            _ => None,
        }
    }

    /// A handshake, or something before it, goes on.
    pub(crate) fn is_opening(&self) -> bool {
        self.is_securing() || matches!(self.state, State::Opening(_))
    }

    pub(crate) fn is_lingering(&self) -> bool {
        matches!(self.state, State::Lingering(..))
    }

    /// The account at its end.
    pub(crate) fn ended(&self) -> Report {
        let sent = self.acknowledged.total();
        Report::Ended { subject: self.subject.clone(), end: self.end, sent, received: self.received }
    }

    pub(crate) fn grant(&mut self, bytes: usize) {
        self.granted = self.granted.saturating_add(bytes);
    }

    pub(crate) fn send(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.queued += bytes.len() as u64;
        let stream = self.subject.transport == Transport::Tcp;
        let queue = if self.is_securing() { &mut self.held } else { &mut self.queue };
        match queue.back_mut() {
            Some(last) if stream && last.len() + bytes.len() <= RECORD => last.extend_from_slice(&bytes),
            _ => queue.push_back(bytes),
        }
    }

    /// How many payload bytes have been acknowledged by now.
    pub(crate) fn acked(&mut self) -> u64 {
        match &self.state {
            State::Open(stream) | State::Closing(stream, _) => self.acknowledged.now(stream),
            State::Securing(_) => self.acknowledged.known(),
            State::Opening(_) | State::Lingering(..) | State::Over => self.acknowledged.total(),
        }
    }

    /// [`Happened::Acked`] follows when everything sent so far has been acknowledged.
    pub(crate) fn notify_acked(&mut self) {
        self.notify.push_back(self.queued);
        self.ack_timer = None;
    }

    /// The next thing that happens. At most `buffer.len()` bytes are read.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Happened> {
        match &mut self.state {
            State::Opening(opening) => match opening.as_mut().poll(cx) {
                Poll::Ready(Ok(opened)) => Poll::Ready(self.opened(opened)),
                Poll::Ready(Err(failed)) => Poll::Ready(self.fail(failed)),
                Poll::Pending => Poll::Pending,
            },
            State::Open(_) => self.poll_open(cx, buffer),
            State::Securing(_) => self.poll_handshake(cx),
            State::Closing(..) => self.poll_closing(cx, buffer),
            State::Lingering(..) => self.poll_lingering(cx, buffer),
            State::Over => Poll::Pending,
        }
    }

    fn opened(&mut self, opened: Opened) -> Happened {
        let Opened { stream, peer } = opened;
        let session = stream.session().cloned().map(Box::new);
        self.state = State::Open(stream);
        let report = Report::Connected { subject: self.subject.clone(), peer, session };
        Happened::Connected(peer, Box::new(report))
    }

    fn poll_open(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Happened> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(self.broken(&error));
        }
        if let Poll::Ready(sent) = self.poll_send_turn(cx) {
            return Poll::Ready(sent.map_or_else(|e| self.broken(&e), Happened::Sent));
        }
        if let Poll::Ready(acked) = self.poll_acked(cx) {
            return Poll::Ready(Happened::Acked(acked));
        }
        if self.upgrade.is_some() {
            return self.poll_upgrade(cx);
        }
        let room = self.granted.min(buffer.len());
        if room == 0 {
            return Poll::Pending;
        }
        match self.poll_receive(cx, buffer, room) {
            Poll::Ready(Ok(0)) => {
                let State::Open(stream) = &self.state else { return Poll::Pending };
                let truncated = stream.is_truncated();
                self.end = if truncated { End::Truncated } else { End::Peer };
                // The peer may still read: what was sent before it closed its side still leaves, and TLS ends on both sides.
                if let State::Open(stream) = std::mem::replace(&mut self.state, State::Over)
                    && (!self.queue.is_empty() || matches!(stream, Stream::Tls(_)))
                {
                    self.state = State::Closing(stream, None);
                }
                Poll::Ready(Happened::PeerClosed { truncated })
            }
            Poll::Ready(Ok(count)) => {
                self.granted = self.granted.saturating_sub(count);
                self.received += count as u64;
                Poll::Ready(Happened::Received(count))
            }
            Poll::Ready(Err(e)) => Poll::Ready(self.broken(&e)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Reads what is there, several records at once; a datagram alone.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        room: usize,
    ) -> Poll<io::Result<usize>> {
        let State::Open(stream) = &mut self.state else { return Poll::Pending };
        if matches!(stream, Stream::Udp(_)) {
            return stream.poll_read(cx, buffer, room);
        }
        let mut total = 0;
        while total < room {
            match stream.poll_read(cx, &mut buffer[total..], room - total) {
                Poll::Ready(Ok(count)) if count > 0 => total += count,
                Poll::Ready(Err(error)) if total > 0 => {
                    self.failed = Some(error);
                    break;
                }
                // An end is read once more, when there is nothing before it.
                _ if total > 0 => break,
                other => return other,
            }
        }
        Poll::Ready(Ok(total))
    }

    /// Sends what the network takes now of the queue, up to a turn; pending when it takes nothing, or there is nothing.
    fn poll_send_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut total = 0;
        while total < TURN {
            match self.poll_send(cx) {
                Poll::Ready(Ok(sent)) => total += sent,
                Poll::Ready(Err(error)) if total > 0 => {
                    self.failed = Some(error);
                    break;
                }
                _ if total > 0 => break,
                other => return other,
            }
        }
        Poll::Ready(Ok(total))
    }

    /// Sends the next portion of the queue; pending when there is none or the network takes none.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let (State::Open(stream) | State::Closing(stream, _)) = &mut self.state else { return Poll::Pending };
        let Some(chunk) = self.queue.front() else { return Poll::Pending };
        let sent = std::task::ready!(stream.poll_write(cx, &chunk[self.head..]))?;
        if sent == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.acknowledged.sent(sent, stream);
        self.head += sent;
        if self.head >= chunk.len() {
            self.queue.pop_front();
            self.head = 0;
        }
        Poll::Ready(Ok(sent))
    }

    /// Ready when the next total that the module waits for has been acknowledged.
    fn poll_acked(&mut self, cx: &mut Context<'_>) -> Poll<u64> {
        while let Some(&target) = self.notify.front() {
            let acked = self.acked();
            if acked >= target {
                self.notify.pop_front();
                self.ack_timer = None;
                return Poll::Ready(acked);
            }
            let (timer, pause) =
                self.ack_timer.get_or_insert_with(|| (Box::pin(sleep(ACK_POLL.0)), ACK_POLL.0));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let pause = (*pause * 2).min(ACK_POLL.1);
            self.ack_timer = Some((Box::pin(sleep(pause)), pause));
        }
        Poll::Pending
    }

    fn broken(&mut self, error: &io::Error) -> Happened {
        let secure = matches!(&self.state, State::Open(Stream::Tls(_)));
        self.state = State::Over;
        self.end = End::Failed;
        let class = match error.kind() {
            // What is not the socket's own error is OpenSSL's.
            io::ErrorKind::Other if secure => LinkFailure::Tls,
            io::ErrorKind::UnexpectedEof => LinkFailure::Reset,
            _ => failed::class(error),
        };
        let (fault, advice) = match class {
            LinkFailure::Timeout | LinkFailure::Unreachable | LinkFailure::Network => {
                (Fault::Environment, "something between the module and the peer has gone")
            }
            LinkFailure::NoBuffer | LinkFailure::Local => {
                (Fault::Environment, "the cause is on this computer")
            }
            LinkFailure::Tls => {
                (Fault::Peer, "the peer, or somebody on the way, does not speak TLS as agreed")
            }
            _ => (Fault::Peer, "the peer has gone, or did not want what was sent"),
        };
        let seen = format!("the connection broke: {error}");
        let failed = Failed::new(Stage::Open, class, fault, seen).advise(advice);
        Happened::Broken(failed.explain(self.subject.clone()))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("subject", &self.subject).finish_non_exhaustive()
    }
}
