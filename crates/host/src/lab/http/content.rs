//! Bodies of responses: given ones, and ones that are made while they are sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use transcript::Fill;

use crate::lab::pattern;

/// As many bytes as are made at a time.
const PORTION: u64 = 16 << 10;
/// Slow bodies: one byte after each pause.
const PAUSE: Duration = Duration::from_millis(100);

/// A body.
pub(super) enum Content {
    /// These bytes.
    Whole(Bytes),
    /// Bytes by a rule.
    Made {
        /// The rule.
        fill: Fill,
        /// The next byte's number.
        at: u64,
        /// The number behind the last.
        end: u64,
        /// Whether the length is told in the head.
        told: bool,
    },
    /// Letters and digits, one after each pause.
    Slow {
        /// The next one's number.
        at: u64,
        /// The number behind the last.
        end: u64,
        /// The pause before it.
        pause: Pin<Box<Sleep>>,
    },
}

impl Content {
    /// Nothing.
    pub(super) fn none() -> Self {
        Self::Whole(Bytes::new())
    }

    /// So many characters, slowly.
    pub(super) fn slow(count: u64) -> Self {
        Self::Slow { at: 0, end: count, pause: Box::pin(sleep_until(Instant::now() + PAUSE)) }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Self::Whole(bytes) => std::mem::take(bytes),
            Self::Made { fill, at, end, .. } => {
                let from = *at;
                *at = (*end).min(from + PORTION);
                pattern::bytes(*fill, from, *at).into()
            }
            Self::Slow { at, end, .. } if *at >= *end => Bytes::new(),
            Self::Slow { at, pause, .. } => {
                ready!(pause.as_mut().poll(cx));
                pause.as_mut().reset(Instant::now() + PAUSE);
                *at += 1;
                pattern::bytes(Fill::Text, *at - 1, *at).into()
            }
        };
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        // A body whose length is not told has an end of its own to send.
        matches!(self.size_hint().exact(), Some(0))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Made { at, end, told: true, .. } | Self::Slow { at, end, .. } => {
                SizeHint::with_exact(end - at)
            }
            Self::Made { told: false, .. } => SizeHint::default(),
        }
    }
}
