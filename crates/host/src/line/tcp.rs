//! A TCP port as a serial line: one client at a time.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

use super::LineError;

/// How many bytes are kept for the first client.
const KEPT_LIMIT: usize = 16 << 10;
/// How long no client is taken in after the computer refused (when it has no file handles left, for example).
const PAUSE: Duration = Duration::from_millis(200);
/// How long a client may be silent before the kernel asks whether it is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct TcpPort {
    listener: TcpListener,
    address: SocketAddr,
    /// Runs after the computer has refused to take a client in.
    pause: Option<Pin<Box<Sleep>>>,
    client: Option<TcpClient>,
    /// How many have been taken in.
    clients: u64,
    /// Takes over when what the client has sent before it left has been read.
    next: Option<(TcpStream, SocketAddr)>,
    /// What was written before the first client came; `None` afterwards.
    kept: Option<VecDeque<u8>>,
    /// What of `kept` the first client has yet to be sent.
    greeting: VecDeque<u8>,
}

#[derive(Debug)]
struct TcpClient {
    stream: TcpStream,
    peer: SocketAddr,
    /// It sends nothing more, but may still read.
    half_closed: bool,
}

impl TcpPort {
    pub(super) fn open(address: SocketAddr) -> Result<Self, LineError> {
        let listen = || {
            let listener = StdListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = listen().map_err(LineError::io(format!("listen on {address}")))?;
        let kept = Some(VecDeque::new());
        Ok(Self {
            listener,
            address,
            pause: None,
            client: None,
            clients: 0,
            next: None,
            kept,
            greeting: VecDeque::new(),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Another client has another number.
    pub(super) fn client_number(&self) -> u64 {
        self.clients
    }

    /// Takes a client in, or turns it away while another is on.
    pub(super) fn poll_upkeep(&mut self, cx: &mut Context<'_>) {
        self.hand_over();
        self.accept(cx);
        // Pending: the next poll goes on, or the next write.
        let _ = self.poll_greet(cx);
    }

    fn accept(&mut self, cx: &mut Context<'_>) {
        loop {
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(cx).is_pending() {
                    return;
                }
                self.pause = None;
            }
            match self.listener.poll_accept(cx) {
                Poll::Ready(Ok((stream, peer))) => self.arrive(stream, peer),
                Poll::Ready(Err(error)) => {
                    tracing::warn!(line = %self.address, %error, "a client could not be taken in");
                    // Errors such as too few descriptors come again at once, and nobody tells when they are over.
                    self.pause = Some(Box::pin(sleep(PAUSE)));
                }
                Poll::Pending => return,
            }
        }
    }

    fn arrive(&mut self, stream: TcpStream, peer: SocketAddr) {
        if let Some(client) = self.client.as_ref().filter(|client| !client.half_closed) {
            match presence(&client.stream) {
                Presence::Here => return self.refuse(peer, client.peer),
                Presence::Leaving => {
                    match &self.next {
                        Some((next, on)) if presence(next) == Presence::Here => self.refuse(peer, *on),
                        _ => self.next = Some((stream, peer)),
                    }
                    return;
                }
                Presence::Gone => {}
            }
        }
        self.take_in(stream, peer);
    }

    fn refuse(&self, peer: SocketAddr, on: SocketAddr) {
        tracing::warn!(line = %self.address, %peer, %on, "refused: the line has a client");
    }

    fn take_in(&mut self, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = prepare(&stream) {
            tracing::warn!(line = %self.address, %peer, %error, "the client's socket takes no options");
        }
        tracing::info!(line = %self.address, %peer, "client connected");
        self.greeting = self.kept.take().unwrap_or_default();
        self.client = Some(TcpClient { stream, peer, half_closed: false });
        self.clients += 1;
    }

    /// The client that waits takes over, if the one before has nothing more to say.
    fn hand_over(&mut self) {
        if self.client.as_ref().is_none_or(|client| client.half_closed)
            && let Some((stream, peer)) = self.next.take()
        {
            self.take_in(stream, peer);
        }
    }

    fn leave(&mut self, why: &str) {
        if let Some(client) = self.client.take() {
            tracing::info!(line = %self.address, peer = %client.peer, why, "client gone");
        }
        self.greeting.clear();
    }

    /// Reads; the end of a client is not the end of the line.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        loop {
            self.hand_over();
            let Some(client) = self.client.as_mut().filter(|client| !client.half_closed) else {
                return Poll::Pending;
            };
            let mut buffer = ReadBuf::new(buffer);
            match ready!(Pin::new(&mut client.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => client.half_closed = true,
                Ok(()) => return Poll::Ready(buffer.filled().len()),
                Err(e) => self.leave(&e.to_string()),
            }
        }
    }

    /// Writes, keeps it for the first client, or throws it away.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<usize> {
        ready!(self.poll_greet(cx));
        let Some(client) = &mut self.client else {
            if let Some(kept) = &mut self.kept {
                let room = KEPT_LIMIT.saturating_sub(kept.len());
                kept.extend(bytes.iter().take(room));
            }
            return Poll::Ready(bytes.len());
        };
        match ready!(Pin::new(&mut client.stream).poll_write(cx, bytes)) {
            Ok(count) => Poll::Ready(count),
            Err(e) => {
                self.leave(&e.to_string());
                Poll::Ready(bytes.len())
            }
        }
    }

    /// Sends the first client what was kept for it.
    fn poll_greet(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(client) = self.client.as_mut().filter(|_| !self.greeting.is_empty()) {
            match ready!(Pin::new(&mut client.stream).poll_write(cx, self.greeting.as_slices().0)) {
                Ok(count) => drop(self.greeting.drain(..count)),
                Err(e) => self.leave(&e.to_string()),
            }
        }
        Poll::Ready(())
    }
}

/// What has become of a client, which may be known to the kernel only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Here,
    /// It sends nothing more, but what it sent has not been read yet.
    Leaving,
    Gone,
}

fn presence(stream: &TcpStream) -> Presence {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    match rustix::net::recv(stream, &mut [0][..], flags) {
        Ok((_, 0)) => Presence::Gone,
        Ok(_) if sends_nothing_more(stream) => Presence::Leaving,
        Ok(_) | Err(Errno::WOULDBLOCK | Errno::INTR) => Presence::Here,
        Err(_) => Presence::Gone,
    }
}

fn sends_nothing_more(stream: &TcpStream) -> bool {
    let mut sockets = [PollFd::new(stream, PollFlags::RDHUP)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let end = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    poll(&mut sockets, Some(&at_once)).is_ok() && sockets[0].revents().intersects(end)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    rustix::net::sockopt::set_socket_keepalive(stream, true)?;
    rustix::net::sockopt::set_tcp_keepidle(stream, KEEPALIVE_IDLE)?;
    Ok(())
}
