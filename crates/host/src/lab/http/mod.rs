//! A small HTTP/1.1 server: made-up resources for what a client has to cope with, and an echo of requests. `/` lists them.

mod content;
mod resources;

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Kind;
use super::guest::{Guest, LAB};

/// The longest head of a request, and the most header lines in it.
const HEAD: usize = 16 << 10;
const HEADERS: usize = 64;
/// How long a head may take; also how long a connection may wait for the next request.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long nothing may move in either direction.
const STALL: Duration = Duration::from_secs(60);

/// Serves a client until it leaves, breaks the protocol or does nothing for too long. Tells how many bytes came.
///
/// # Errors
/// What the connection says, or what is wrong with the requests.
pub(super) async fn serve<S>(stream: S, kind: Kind, guest: Guest) -> io::Result<u64>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let moved = Arc::new(Moved::default());
    let counted = Counted { stream, moved: Arc::clone(&moved) };
    let guest = &guest;
    let service = service_fn(move |request: Request<Incoming>| async move {
        let line = format!("{} {}", request.method(), request.uri().path());
        let response = resources::answer(request, guest).await;
        tracing::debug!(target: LAB, "{kind}: {} asked: {line}: {}", guest.peer, response.status());
        Ok::<_, Infallible>(response)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(counted), service);
    tokio::select! {
        served = serving => served.map_err(io::Error::other)?,
        () = moved.stalled() => return Err(io::ErrorKind::TimedOut.into()),
    }
    Ok(moved.came.load(Ordering::Relaxed))
}

/// How many bytes have come, and how many have moved at all.
#[derive(Debug, Default)]
struct Moved {
    came: AtomicU64,
    either_way: AtomicU64,
}

impl Moved {
    /// Ends when nothing has moved for [`STALL`], or a little later.
    async fn stalled(&self) {
        loop {
            let before = self.either_way.load(Ordering::Relaxed);
            tokio::time::sleep(STALL).await;
            if self.either_way.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

/// A stream whose bytes are counted.
struct Counted<S> {
    stream: S,
    moved: Arc<Moved>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let count = (buffer.filled().len() - before) as u64;
        self.moved.came.fetch_add(count, Ordering::Relaxed);
        self.moved.either_way.fetch_add(count, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.moved.either_way.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
