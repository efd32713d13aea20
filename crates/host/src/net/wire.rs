//! A TCP connection whose bytes can be recorded.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::capture::Recorder;

/// A TCP stream, and who listens in.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    recorder: Option<Box<Recorder>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, recorder: Option<Recorder>) -> Self {
        Self { stream, recorder: recorder.map(Box::new) }
    }

    /// The socket.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// How many bytes lie there unread: they are read now, and lost.
    pub(super) fn take_unread(&self) -> usize {
        let mut lost = [0; 4096];
        let Ok((count, _)) = rustix::net::recv(&self.stream, &mut lost, RecvFlags::DONTWAIT) else {
            return 0;
        };
        if let (Some(recorder), 1..) = (&self.recorder, count) {
            recorder.received(&lost[..count]);
        }
        count
    }

    /// Secrets are to come.
    pub(super) fn handshake_begins(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.handshake_begins();
        }
    }

    /// The secrets of the session on it are known.
    pub(super) fn handshake_over(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.handshake_over();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let room = buf.remaining() > 0;
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        if let Some(recorder) = &self.recorder {
            match (&result, &buf.filled()[before..]) {
                (Ok(()), []) if room => recorder.peer_ended(false),
                (Ok(()), bytes) => recorder.received(bytes),
                (Err(_), _) => recorder.peer_ended(true),
            }
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        if let Some(recorder) = &self.recorder {
            recorder.sent(&bytes[..count]);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if let Some(recorder) = &self.recorder {
            recorder.we_ended();
        }
        Poll::Ready(Ok(()))
    }
}
