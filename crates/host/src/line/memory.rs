//! A line inside the process.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// How many bytes are on their way at most, each direction.
const CAPACITY: usize = 64 << 10;

/// The other end of a line inside the process: read and write it like any stream. Dropping it ends the line.
pub type Client = DuplexStream;

#[derive(Debug)]
pub(super) struct Memory(DuplexStream);

pub(super) fn pair() -> (Memory, Client) {
    let (ours, theirs) = tokio::io::duplex(CAPACITY);
    (Memory(ours), theirs)
}

impl Memory {
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
}
