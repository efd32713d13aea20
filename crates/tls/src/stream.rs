//! An established session as a stream.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use crate::diagnosis::{self, Shared};
use crate::explain::Late;
use crate::ffi;
use crate::report::Report;

/// How the peer ended its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closure {
    /// With close_notify: everything that it sent has arrived.
    Proper,
    /// By closing TCP only, or with a fatal alert: something may have been cut off.
    Truncated,
}

/// A TLS stream. Reading zero bytes is the end; ask [`closure`](Self::closure) then.
///
/// An error of TLS itself, such as an alert of the peer, has the kind [`io::ErrorKind::Other`] and a text for people; an
/// error of the stream below is passed on as it is.
#[derive(Debug)]
pub struct TlsStream<S> {
    inner: SslStream<Tap<S>>,
    report: Report,
    shared: Shared,
}

impl<S> TlsStream<S> {
    pub(crate) fn new(inner: SslStream<Tap<S>>, report: Report, shared: Shared) -> Self {
        Self { inner, report, shared }
    }

    /// What the session is.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// How the peer ended its side; meaningful once the end was read.
    #[must_use]
    pub fn closure(&self) -> Closure {
        // OpenSSL counts a fatal alert as an end as well.
        let alert = diagnosis::lock(&self.shared).ended_by();
        if alert.is_none() && ffi::close_notify_received(self.inner.ssl()) {
            Closure::Proper
        } else {
            Closure::Truncated
        }
    }

    /// An error in words.
    fn explain(&self, error: io::Error) -> io::Error {
        let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<openssl::ssl::Error>())
        else {
            return error;
        };
        let seen = diagnosis::lock(&self.shared);
        if let Some(alert) = seen.ended_by() {
            return io::Error::other(Late { alert, asked: seen.asked(), sent: seen.presented() }.to_string());
        }
        let reason = inner.ssl_error().and_then(|stack| stack.errors().first()).and_then(|e| e.reason());
        reason.map_or(error, |reason| io::Error::other(format!("TLS failed: {reason}")))
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        &self.inner.get_ref().stream
    }

    /// How many bytes went out below, records and handshake included.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.inner.get_ref().written
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf).map_err(|error| self.explain(error))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf).map_err(|error| self.explain(error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The stream below TLS, with the first bytes that came in kept for the explanation.
#[derive(Debug)]
pub(crate) struct Tap<S> {
    pub(crate) stream: S,
    pub(crate) first: Vec<u8>,
    pub(crate) written: u64,
}

/// How many of the first bytes are kept.
const KEPT: usize = 24;

impl<S> Tap<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, first: Vec::new(), written: 0 }
    }
}

impl<S: AsyncRead + Unpin> Tap<S> {
    /// Takes what else is there already: OpenSSL reads only five bytes before it gives up on what is not TLS, and nothing
    /// more once it could not send.
    pub(crate) async fn look_further(&mut self) -> Vec<u8> {
        let mut rest = [0; KEPT];
        let mut rest = ReadBuf::new(&mut rest);
        poll_fn(|cx| {
            let _ = Pin::new(&mut *self).poll_read(cx, &mut rest);
            Poll::Ready(())
        })
        .await;
        rest.filled().to_vec()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let kept = self.first.len();
        if kept < KEPT {
            self.first.extend(buf.filled()[before..].iter().take(KEPT - kept));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.written += count as u64;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
