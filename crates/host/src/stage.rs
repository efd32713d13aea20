//! A real line, in real time, as the stage of a transcript.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use transcript::{PowerOn, Stage, StageError};

use crate::client::{Address, open_terminal};

/// How many bytes the other side may leave unread before the stage gives up on it.
const BACKLOG: usize = 4 << 20;

/// Plays a transcript on the serial lines of modules that run somewhere else: in another thread, in another process, or
/// as hardware. It can send, receive and wait; steps that need more say that they are not possible here.
///
/// It does not make the module: what that says while it boots is part of the conversation, unless
/// [`settle`](Self::settle) was called first.
///
/// Its calls block; in an async program it belongs on a thread of its own.
#[derive(Debug)]
pub struct LineStage {
    lines: Vec<Port>,
}

#[derive(Debug)]
struct Port {
    fd: OwnedFd,
    /// What the other side has not taken yet.
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

impl LineStage {
    /// Opens lines; the first is the transcript's line 0.
    ///
    /// # Errors
    /// What the computer says about the first that cannot be opened.
    pub fn open(lines: &[Address]) -> io::Result<Self> {
        Ok(Self { lines: lines.iter().map(Port::open).collect::<io::Result<_>>()? })
    }

    /// Throws away what the module says until it has been quiet for as long as `quiet`. Tells whether there was anything.
    ///
    /// # Errors
    /// A line is gone, or the module is not quiet for so long within `limit`.
    pub fn settle(&mut self, quiet: Duration, limit: Duration) -> Result<bool, StageError> {
        let start = Instant::now();
        let mut said = Vec::new();
        let mut anything = false;
        while start.elapsed() <= limit {
            self.wait(quiet)?;
            for line in 0..self.lines.len() {
                self.receive(u8::try_from(line).unwrap_or(u8::MAX), &mut said)?;
            }
            if said.is_empty() {
                return Ok(anything);
            }
            anything = true;
            said.clear();
        }
        Err(StageError::Failed(format!("the module was never quiet for {quiet:?} within {limit:?}")))
    }

    fn port(&mut self, line: u8) -> Result<&mut Port, StageError> {
        self.lines
            .get_mut(usize::from(line))
            .ok_or_else(|| StageError::Failed(format!("there is no line {line} here")))
    }
}

impl Stage for LineStage {
    fn power_on(&mut self, plan: &PowerOn<'_>) -> Result<(), StageError> {
        if !plan.settings.is_empty() {
            return Err(StageError::NotPossible("to set up the module (it is running already)"));
        }
        if usize::from(plan.lines) > self.lines.len() {
            let text = format!("the transcript uses {} lines, and here are {}", plan.lines, self.lines.len());
            return Err(StageError::Failed(text));
        }
        Ok(())
    }

    fn send(&mut self, line: u8, bytes: &[u8]) -> Result<(), StageError> {
        let port = self.port(line)?;
        if port.outgoing.len() + bytes.len() > BACKLOG {
            return Err(StageError::Failed(format!("line {line} takes nothing any more")));
        }
        port.outgoing.extend_from_slice(bytes);
        port.flush().map_err(|e| failed(line, &e))
    }

    fn receive(&mut self, line: u8, into: &mut Vec<u8>) -> Result<(), StageError> {
        let port = self.port(line)?;
        port.flush().and_then(|()| port.fill()).map_err(|e| failed(line, &e))?;
        into.append(&mut port.incoming);
        Ok(())
    }

    fn wait(&mut self, limit: Duration) -> Result<Duration, StageError> {
        let start = Instant::now();
        loop {
            for (line, port) in (0..).zip(&mut self.lines) {
                port.flush().and_then(|()| port.fill()).map_err(|e| failed(line, &e))?;
            }
            let passed = start.elapsed();
            let left = limit.saturating_sub(passed);
            if left.is_zero() || self.lines.iter().any(|port| !port.incoming.is_empty()) {
                return Ok(passed);
            }
            let mut fds: Vec<_> = self.lines.iter().map(Port::interest).collect();
            let timeout = Timespec::try_from(left).ok();
            match poll(&mut fds, timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => return Err(StageError::Failed(format!("waiting failed: {e}"))),
            }
        }
    }
}

fn failed(line: u8, error: &io::Error) -> StageError {
    StageError::Failed(format!("line {line} is gone: {error}"))
}

impl Port {
    fn open(address: &Address) -> io::Result<Self> {
        let fd = match address {
            Address::Device(path) => open_terminal(path)?.into(),
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                stream.into()
            }
        };
        Ok(Self { fd, outgoing: Vec::new(), incoming: Vec::new() })
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn interest(&self) -> PollFd<'_> {
        let write = if self.outgoing.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
        PollFd::from_borrowed_fd(self.fd(), PollFlags::IN | write)
    }

    /// Writes what can be written now.
    fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match rustix::io::write(&self.fd, &self.outgoing) {
                Ok(count) => drop(self.outgoing.drain(..count)),
                Err(Errno::WOULDBLOCK) => break,
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// Reads what can be read now. The end is an error only when nothing is left to be looked at.
    fn fill(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match rustix::io::read(&self.fd, &mut buffer) {
                Ok(0) if self.incoming.is_empty() => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(0) | Err(Errno::WOULDBLOCK) => return Ok(()),
                Ok(count) => self.incoming.extend_from_slice(&buffer[..count]),
                Err(Errno::INTR) => {}
                Err(e) if self.incoming.is_empty() => return Err(e.into()),
                Err(_) => return Ok(()),
            }
            if self.incoming.len() >= BACKLOG {
                return Ok(());
            }
        }
    }
}
