//! The end of a connection that the module closes: what it sent still leaves, and the peer may finish.

use std::future::Future;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::sleep;

use super::super::EXPLAIN;
use super::super::stream::Stream;
use super::{Happened, Link, State};

/// How long a slow close may take to get rid of what was sent.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// How long the peer may take to close its side afterwards. Closing before it does would make the computer answer data
/// that is still on its way with a reset, which can cost the peer what it has not read yet.
const LINGER_LIMIT: Duration = Duration::from_secs(2);

impl Link {
    /// Closes it. True: that is all; false: [`Happened::Closed`] follows.
    pub(crate) fn close(&mut self, quick: bool) -> bool {
        self.upgrade = None;
        match std::mem::replace(&mut self.state, State::Over) {
            State::Open(stream) if !quick => {
                self.state = State::Closing(stream, None);
                false
            }
            // Asked for a second time: a quick close overtakes a slow one.
            State::Closing(stream, limit) if !quick => {
                self.state = State::Closing(stream, limit);
                false
            }
            _ => true,
        }
    }

    pub(super) fn poll_closing(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Happened> {
        // Before anything is read: a peer that never stops would use up the turn every time.
        if let State::Closing(_, Some(limit)) = &mut self.state
            && limit.as_mut().poll(cx).is_ready()
        {
            let text = "the peer took nothing more; what was left is lost";
            tracing::warn!(target: EXPLAIN, "{}: closed: {text}", self.subject);
            self.state = State::Over;
            return Poll::Ready(Happened::Closed);
        }
        loop {
            match self.poll_send(cx) {
                Poll::Ready(Ok(sent)) => return Poll::Ready(Happened::Sent(sent)),
                // Nobody is left to send to: closed, then.
                Poll::Ready(Err(_)) => self.queue.clear(),
                Poll::Pending => break,
            }
        }
        let flushed = self.queue.is_empty();
        let State::Closing(stream, limit) = &mut self.state else { return Poll::Pending };
        // What still comes is dropped: a peer that cannot get rid of its answers would not read either.
        while let Poll::Ready(Ok(1..)) = stream.poll_read(cx, buffer, buffer.len()) {}
        let finished = flushed.then(|| stream.poll_shutdown(cx));
        match finished {
            Some(Poll::Ready(Ok(()))) => {
                // A datagram socket has nothing to wait for, and its port may be wanted again at once.
                if let State::Closing(stream @ (Stream::Tcp(_) | Stream::Tls(_)), _) =
                    std::mem::replace(&mut self.state, State::Over)
                {
                    self.state = State::Lingering(stream, Box::pin(sleep(LINGER_LIMIT)));
                }
            }
            Some(Poll::Ready(Err(_))) => self.state = State::Over,
            Some(Poll::Pending) | None => {
                if limit.is_none() {
                    let limit = limit.insert(Box::pin(sleep(CLOSE_LIMIT)));
                    // To be woken when it is over.
                    let _ = limit.as_mut().poll(cx);
                }
                return Poll::Pending;
            }
        }
        Poll::Ready(Happened::Closed)
    }

    pub(super) fn poll_lingering(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Happened> {
        let State::Lingering(stream, limit) = &mut self.state else { return Poll::Pending };
        if limit.as_mut().poll(cx).is_ready() {
            self.state = State::Over;
            return Poll::Ready(Happened::Over);
        }
        let silent = loop {
            match stream.poll_read(cx, buffer, buffer.len()) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(_) => break false,
                Poll::Pending => break true,
            }
        };
        if silent {
            return Poll::Pending;
        }
        self.state = State::Over;
        Poll::Ready(Happened::Over)
    }
}
