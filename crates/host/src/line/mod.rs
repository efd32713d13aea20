//! Serial lines: what a module's UART is connected to.
//!
//! A [`Line`] is polled by the instance that owns it, in the instance's own task: a round trip costs one read and one
//! write, and no hand-over between tasks. It keeps what the module wrote until the other side takes it; as long as it
//! has not, the module is not told, and stops granting data to its links.

mod memory;
mod pty;
mod stdio;
mod symlink;
mod tcp;
mod watch;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::task::{Context, Poll, ready};

pub use memory::Client;
use memory::Memory;
use pty::Pty;
use stdio::Stdio;
use tcp::TcpPort;

/// How many bytes a line keeps for a side that does not take them. What is over that is lost, as in a UART's FIFO.
pub const OUTPUT_LIMIT: usize = 256 << 10;

/// Which kind of line to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineSpec {
    /// A pseudo-terminal, with a symbolic link to it at this path.
    Pty(PathBuf),
    /// A TCP port; one client at a time.
    Tcp(SocketAddr),
    /// Standard input and output.
    Stdio,
}

/// Why a line could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Something that is not ours is where the link should be.
    #[error("{} exists and is not a link to a pseudo-terminal; remove it or choose another name", .0.display())]
    Occupied(PathBuf),
    /// Another twin serves this link.
    #[error("{} is served by another modemtwin; choose another name", .0.display())]
    InUse(PathBuf),
    /// The computer refused.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// The reason.
        source: io::Error,
    },
}

impl LineError {
    fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

/// What [`Line::poll`] has to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEvent {
    /// So many bytes came; they are at the beginning of the buffer.
    Received(usize),
    /// So many bytes of what was queued have been taken (or were lost, because nobody was there to take them).
    Written(usize),
    /// The line is over (end of input); it reports nothing more.
    Ended,
    /// The user has had enough (Ctrl-]); it reports nothing more.
    Quit,
}

/// A serial line.
#[derive(Debug)]
pub struct Line {
    port: Port,
    queue: VecDeque<Vec<u8>>,
    /// How much of the queue's first chunk is taken already.
    head: usize,
    queued: usize,
    /// Bytes that were refused by the full queue and count as taken.
    lost: usize,
    ended: bool,
    /// Why answers could not be written, the first time.
    failure: Option<io::Error>,
}

#[derive(Debug)]
enum Port {
    Pty(Pty),
    Tcp(TcpPort),
    Stdio(Box<Stdio>),
    Memory(Memory),
}

impl Line {
    /// Opens a line. Has to be called inside a tokio runtime, which then has to drive it.
    ///
    /// # Errors
    /// [`LineError::Occupied`] and [`LineError::InUse`] when the link's name is taken, [`LineError::Io`] when the computer refuses.
    pub fn open(spec: &LineSpec) -> Result<Self, LineError> {
        Ok(Self::over(match spec {
            LineSpec::Pty(link) => Port::Pty(Pty::open(link)?),
            LineSpec::Tcp(address) => Port::Tcp(TcpPort::open(*address)?),
            LineSpec::Stdio => Port::Stdio(Box::new(Stdio::open()?)),
        }))
    }

    /// A line inside the process, and its other end.
    #[must_use]
    pub fn memory() -> (Self, Client) {
        let (port, client) = memory::pair();
        (Self::over(Port::Memory(port)), client)
    }

    fn over(port: Port) -> Self {
        Self { port, queue: VecDeque::new(), head: 0, queued: 0, lost: 0, ended: false, failure: None }
    }

    /// Where to connect to, for people: `./modem0 (/dev/pts/4)`, `127.0.0.1:7000`, `standard input`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.port {
            Port::Pty(pty) => pty.name(),
            Port::Tcp(tcp) => tcp.address().to_string(),
            Port::Stdio(_) => "standard input".into(),
            Port::Memory(_) => "memory".into(),
        }
    }

    /// The TCP address that it listens on, if it does (port 0 in the [`LineSpec`] has become a real one).
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.port {
            Port::Tcp(tcp) => Some(tcp.address()),
            _ => None,
        }
    }

    /// Queues bytes to the other side. [`LineEvent::Written`] reports them later.
    pub fn write(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        if self.queued + bytes.len() > OUTPUT_LIMIT {
            tracing::warn!(
                line = self.name(),
                lost = bytes.len(),
                "output lost: nobody takes it from the line"
            );
            self.lost += bytes.len();
            return;
        }
        self.queued += bytes.len();
        self.queue.push_back(bytes);
    }

    /// Whether everything written has been taken.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next thing that happened. Reads at most `buffer.len()` bytes, and none when the buffer is empty.
    pub fn poll(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<LineEvent> {
        self.port.poll_upkeep(cx);
        let taken = self.flush(cx);
        if taken > 0 {
            return Poll::Ready(LineEvent::Written(taken));
        }
        if buffer.is_empty() || self.ended {
            return Poll::Pending;
        }
        match ready!(self.port.poll_read(cx, buffer)) {
            Ok(0) => {}
            Ok(count) => return Poll::Ready(LineEvent::Received(count)),
            Err(error) => tracing::error!(line = self.name(), %error, "the line failed"),
        }
        self.ended = true;
        let quit = matches!(&self.port, Port::Stdio(stdio) if stdio.was_quit());
        Poll::Ready(if quit { LineEvent::Quit } else { LineEvent::Ended })
    }

    /// Waits until what was written has left the process; for the end of a run.
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.port.poll_upkeep(cx);
        self.flush(cx);
        if !self.queue.is_empty() {
            return Poll::Pending;
        }
        match &mut self.port {
            Port::Stdio(stdio) => {
                let flushed = ready!(stdio.poll_flush(cx));
                if let Err(error) = flushed {
                    self.failed(error);
                }
                Poll::Ready(())
            }
            _ => Poll::Ready(()),
        }
    }

    /// What was written is lost. Somebody who reads no more (a closed pipe) has had enough: no failure.
    fn failed(&mut self, error: io::Error) {
        tracing::debug!(line = self.name(), %error, "output lost");
        if matches!(self.port, Port::Stdio(_)) && error.kind() != io::ErrorKind::BrokenPipe {
            self.failure.get_or_insert(error);
        }
    }

    /// Why answers could not be written, if so.
    pub(crate) fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Hands over as much as the other side takes.
    fn flush(&mut self, cx: &mut Context<'_>) -> usize {
        let mut taken = std::mem::take(&mut self.lost);
        while let Some(chunk) = self.queue.front() {
            let (length, rest) = (chunk.len(), &chunk[self.head..]);
            let left = rest.len();
            let count = match self.port.poll_write(cx, rest) {
                Poll::Ready(Ok(count)) => count,
                Poll::Ready(Err(error)) => {
                    self.failed(error);
                    left
                }
                Poll::Pending => break,
            };
            taken += count;
            self.queued -= count;
            self.head += count;
            if self.head == length {
                self.queue.pop_front();
                self.head = 0;
            }
        }
        taken
    }
}

impl Port {
    /// Notices clients that come and go.
    fn poll_upkeep(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Pty(pty) => pty.poll_upkeep(cx),
            Self::Tcp(tcp) => tcp.poll_upkeep(cx),
            Self::Stdio(_) | Self::Memory(_) => {}
        }
    }

    /// Reads; 0 means that the line has ended.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Pty(pty) => pty.poll_read(cx, buffer),
            Self::Tcp(tcp) => tcp.poll_read(cx, buffer).map(Ok),
            Self::Stdio(stdio) => stdio.poll_read(cx, buffer).map(Ok),
            Self::Memory(memory) => memory.poll_read(cx, buffer),
        }
    }

    /// Writes, or throws away what nobody is there to read.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Pty(pty) => pty.poll_write(cx, bytes),
            Self::Tcp(tcp) => tcp.poll_write(cx, bytes).map(Ok),
            Self::Stdio(stdio) => stdio.poll_write(cx, bytes),
            Self::Memory(memory) => memory.poll_write(cx, bytes),
        }
    }
}

#[cfg(test)]
mod tests;
