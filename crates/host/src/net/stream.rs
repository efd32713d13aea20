//! The three kinds of open connection, polled alike.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tls::{Closure, TlsStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UdpSocket};

use super::capture::Recorder;
use super::wire::Wire;
use crate::sys;

/// An open connection.
pub(super) enum Stream {
    Tcp(Wire),
    Tls(Box<TlsStream<Wire>>),
    Udp(Datagrams),
}

/// A connected UDP socket.
pub(super) struct Datagrams {
    socket: UdpSocket,
    recorder: Option<Box<Recorder>>,
}

impl Datagrams {
    pub(super) fn new(socket: UdpSocket, recorder: Option<Recorder>) -> Self {
        Self { socket, recorder: recorder.map(Box::new) }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut whole = ReadBuf::new(buffer);
        while whole.filled().is_empty() {
            match ready!(self.socket.poll_recv(cx, &mut whole)) {
                // Nobody listens there (ICMP): UDP does not care.
                Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
                other => other?,
            }
        }
        if let Some(recorder) = &self.recorder {
            recorder.received(whole.filled());
        }
        Poll::Ready(Ok(whole.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match ready!(self.socket.poll_send(cx, bytes)) {
                // An error of an earlier datagram; reported once, this one has not been sent yet.
                Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
                other => {
                    if let (Ok(count), Some(recorder)) = (&other, &self.recorder) {
                        recorder.sent(&bytes[..*count]);
                    }
                    return Poll::Ready(other);
                }
            }
        }
    }
}

impl Stream {
    /// Reads at most `room` bytes to the buffer's beginning, or one whole datagram, whatever the room.
    /// 0 means that the peer sends nothing more (never for UDP, where an empty datagram is left out).
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        room: usize,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => poll_read(stream, cx, &mut buffer[..room]),
            Self::Tls(stream) => poll_read(stream.as_mut(), cx, &mut buffer[..room]),
            Self::Udp(datagrams) => datagrams.poll_read(cx, buffer),
        }
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
            Self::Udp(datagrams) => datagrams.poll_write(cx, bytes),
        }
    }

    /// Says that nothing more will be sent.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            Self::Udp(_) => Poll::Ready(Ok(())),
        }
    }

    /// The TLS session, if it is one.
    pub(super) fn session(&self) -> Option<&tls::Report> {
        match self {
            Self::Tls(stream) => Some(stream.report()),
            Self::Tcp(_) | Self::Udp(_) => None,
        }
    }

    /// At the end of what was read: whether TLS cannot vouch for its being the end.
    pub(super) fn is_truncated(&self) -> bool {
        matches!(self, Self::Tls(stream) if stream.closure() == Closure::Truncated)
    }

    /// The socket, where it has acknowledgements.
    pub(super) fn socket(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(wire) => Some(wire.socket()),
            Self::Tls(stream) => Some(stream.get_ref().socket()),
            Self::Udp(_) => None,
        }
    }
}

fn poll_read(
    stream: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

/// How many of the checkpoints are kept; beyond it, acknowledgements are noticed a little later.
const CHECKPOINTS: usize = 256;

/// Follows what the peer's TCP has acknowledged. TLS hides where its records end in the TCP stream, so a checkpoint is
/// kept after each write: so much of the payload is acknowledged when so much of the TCP stream is.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    sent: u64,
    done: u64,
    /// (bytes of the TCP stream, bytes of the payload), rising.
    checkpoints: VecDeque<(u64, u64)>,
}

impl Acknowledged {
    /// So many more payload bytes have been handed over.
    pub(super) fn sent(&mut self, count: usize, stream: &Stream) {
        self.sent += count as u64;
        if let Stream::Tls(stream) = stream {
            if self.checkpoints.len() >= CHECKPOINTS {
                self.checkpoints.pop_back();
            }
            self.checkpoints.push_back((stream.bytes_written(), self.sent));
        }
    }

    /// How many payload bytes were acknowledged when that was last looked at.
    pub(super) fn known(&self) -> u64 {
        self.done
    }

    /// How many payload bytes have been handed over.
    pub(super) fn total(&self) -> u64 {
        self.sent
    }

    /// How many payload bytes have been acknowledged. When the computer cannot tell, all that were handed over.
    pub(super) fn now(&mut self, stream: &Stream) -> u64 {
        let outstanding = stream.socket().map_or(Ok(0), sys::unacknowledged).unwrap_or_else(|error| {
            tracing::debug!(%error, "acknowledgements are not known");
            0
        });
        match stream {
            _ if outstanding == 0 => {
                self.checkpoints.clear();
                self.done = self.sent;
            }
            Stream::Tls(stream) => {
                let acknowledged = stream.bytes_written().saturating_sub(outstanding as u64);
                while let Some((_, payload)) = self.checkpoints.pop_front_if(|(raw, _)| *raw <= acknowledged)
                {
                    self.done = payload;
                }
            }
            Stream::Tcp(_) | Stream::Udp(_) => {
                self.done = self.done.max(self.sent.saturating_sub(outstanding as u64));
            }
        }
        self.done
    }
}
