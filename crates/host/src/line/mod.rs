//! Serial lines: what a module's UART is connected to.
//!
//! A [`Line`] is polled by the instance that owns it, in the instance's own task: a round trip costs one read and one
//! write, and no hand-over between tasks. It keeps what the module wrote until the other side takes it; as long as it
//! has not, the module is not told, and stops granting data to its links.

mod circuits;
mod inband;
mod memory;
mod pace;
mod port;
mod pty;
mod queue;
mod serial;
mod stdio;
mod symlink;
mod tcp;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::task::{Context, Poll, ready};

use modem::{LineKind, LineSetting};

use circuits::Dtr;
use inband::InBand;
pub use memory::Client;
use memory::Memory;
use pace::Pace;
pub use pace::{Baud, DEFAULT_RATE};
use port::Port;
use pty::Pty;
use queue::{Front, Queue};
use serial::Serial;
use stdio::Stdio;
use tcp::TcpPort;

/// How many bytes a line keeps for a side that does not take them. What is over that is lost, as in a UART's FIFO.
pub const OUTPUT_LIMIT: usize = 256 << 10;

/// Which kind of line to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineSpec {
    /// A pseudo-terminal, with a symbolic link to it at this path.
    Pty(PathBuf),
    /// A serial device, such as `/dev/ttyUSB0`: this computer stands in the place of a module.
    Serial {
        /// The device, or a link to it.
        device: PathBuf,
        /// Bits per second, until AT+IPR sets another rate.
        baud: u32,
        /// Which of the module's circuits our DTR stands for, which is all that a null-modem cable has: DCD (true) or
        /// DSR.
        carrier: bool,
    },
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
    /// Another twin, or another line of this one, serves this link.
    #[error("{} is a line of a running modemtwin already; choose another name", .0.display())]
    InUse(PathBuf),
    /// There is no such serial device.
    #[error("there is no {}; is the adapter plugged in?", .0.display())]
    Missing(PathBuf),
    /// This user may not open the serial device.
    #[error(
        "no permission to use {}; its group may (often `dialout`): sudo usermod -aG dialout $USER, then log in again",
        .0.display()
    )]
    Denied(PathBuf),
    /// Another program has the serial device.
    #[error("{} is in use by another program", .0.display())]
    Busy(PathBuf),
    /// It is something else.
    #[error("{} is not a serial device", .0.display())]
    NotSerial(PathBuf),
    /// The serial device has no such rate.
    #[error("{} cannot do {rate} bit/s", .device.display())]
    Rate {
        /// Which device.
        device: PathBuf,
        /// What was wanted, in bits per second.
        rate: u32,
    },
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
    /// The host's DTR changed; on a pseudo-terminal: a client has opened it, or all have closed it.
    Dtr(bool),
    /// The line is over (end of input); it reports nothing more.
    Ended,
    /// The user has had enough (Ctrl-]); it reports nothing more.
    Quit,
}

/// A serial line.
#[derive(Debug)]
pub struct Line {
    port: Port,
    kind: LineKind,
    queue: Queue,
    /// The timing of a UART, if it was asked for.
    pace: Option<Box<Pace>>,
    in_band: InBand,
    /// For whom `in_band` holds.
    client: u64,
    /// Bytes that were refused by the full queue and count as taken.
    lost: usize,
    ended: bool,
    /// Why answers could not be written, the first time.
    failure: Option<io::Error>,
}

impl Line {
    /// Opens a line. Has to be called inside a tokio runtime, which then has to drive it.
    ///
    /// # Errors
    /// [`LineError::Occupied`] and [`LineError::InUse`] when the link's name is taken; [`LineError::Missing`],
    /// [`LineError::Denied`], [`LineError::Busy`], [`LineError::NotSerial`] and [`LineError::Rate`] for serial devices;
    /// [`LineError::Io`] when the computer refuses.
    pub fn open(spec: &LineSpec) -> Result<Self, LineError> {
        Ok(Self::over(Port::open(spec)?))
    }

    /// A line inside the process, and its other end.
    #[must_use]
    pub fn memory() -> (Self, Client) {
        let (port, client) = memory::pair();
        (Self::over(Port::Memory(port)), client)
    }

    fn over(port: Port) -> Self {
        let kind = if matches!(port, Port::Serial(_)) { LineKind::AutoBaud } else { LineKind::Plain };
        Self {
            port,
            kind,
            queue: Queue::default(),
            pace: None,
            in_band: InBand::default(),
            client: 0,
            lost: 0,
            ended: false,
            failure: None,
        }
    }

    /// Gives the line the timing of a UART, both ways. A serial device has its own; nothing changes there.
    #[must_use]
    pub fn paced(mut self, baud: Baud) -> Self {
        if !matches!(self.port, Port::Serial(_)) {
            self.pace = Some(Box::new(Pace::new(baud)));
            if baud == Baud::Auto {
                self.kind = LineKind::AutoBaud;
            }
        }
        self
    }

    /// What it is to the module.
    #[must_use]
    pub fn kind(&self) -> LineKind {
        self.kind
    }

    /// Where to connect to, for people: `./modem0 (/dev/pts/4)`, `127.0.0.1:7000`, `/dev/ttyUSB0`, `standard input`.
    #[must_use]
    pub fn name(&self) -> String {
        self.port.name()
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
        if self.queue.bytes() + bytes.len() > OUTPUT_LIMIT {
            tracing::warn!(
                line = self.name(),
                lost = bytes.len(),
                "output lost: nobody takes it from the line"
            );
            self.lost += bytes.len();
            return;
        }
        self.queue.write(bytes);
    }

    /// Changes how the line works, once everything written before has left.
    pub fn set(&mut self, setting: LineSetting) {
        self.queue.set(setting);
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
        if self.ended {
            return Poll::Pending;
        }
        // On before what the client sends, off behind it.
        if self.port.dtr().is_some_and(|dtr| dtr.take(true)) {
            return Poll::Ready(LineEvent::Dtr(true));
        }
        let polled = self.poll_input(cx, buffer);
        if polled.is_pending()
            && !self.pace.as_ref().is_some_and(|pace| pace.holds())
            && self.port.dtr().is_some_and(|dtr| dtr.take(false))
        {
            return Poll::Ready(LineEvent::Dtr(false));
        }
        match ready!(polled) {
            Ok(0) => {}
            Ok(count) => return Poll::Ready(LineEvent::Received(count)),
            Err(error) => tracing::error!(line = self.name(), %error, "the line failed"),
        }
        self.ended = true;
        let quit = matches!(&self.port, Port::Stdio(stdio) if stdio.was_quit());
        Poll::Ready(if quit { LineEvent::Quit } else { LineEvent::Ended })
    }

    /// Waits until what was written has left the process, or the serial device; for the end of a run.
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.port.poll_upkeep(cx);
        self.flush(cx);
        if !self.queue.is_empty() {
            return Poll::Pending;
        }
        if let Err(error) = ready!(self.port.poll_drained(cx)) {
            self.failed(error);
        }
        Poll::Ready(())
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
        let client = self.port.client_number();
        if std::mem::replace(&mut self.client, client) != client {
            self.in_band.release();
        }
        let mut taken = std::mem::take(&mut self.lost);
        loop {
            match self.queue.front() {
                Some(_) if self.in_band.holds() => break,
                Some(Front::Bytes(bytes)) => {
                    let ready = match &mut self.pace {
                        Some(pace) => pace.poll_output(cx, bytes.len()),
                        None => Poll::Ready(bytes.len()),
                    };
                    let Poll::Ready(ready) = ready else { return taken };
                    let count = match self.port.poll_write(cx, &bytes[..ready]) {
                        Poll::Ready(Ok(count)) => count,
                        Poll::Ready(Err(error)) => {
                            self.failed(error);
                            ready
                        }
                        Poll::Pending => break,
                    };
                    taken += count;
                    self.queue.took(count);
                    if let Some(pace) = &mut self.pace {
                        pace.sent(count);
                    }
                }
                Some(Front::Setting(setting)) => {
                    if self.port.poll_set(cx, setting).is_pending() {
                        break;
                    }
                    self.queue.took(0);
                    self.in_band.set(setting);
                    if let Some(pace) = &mut self.pace {
                        pace.set(setting);
                    }
                }
                None => break,
            }
        }
        // Nothing to send, or nobody who takes it: a wire's time is not saved up.
        if let Some(pace) = &mut self.pace {
            pace.output_rests();
        }
        taken
    }

    /// Reads; 0 means that the line has ended. Pending when there is no room.
    fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let count = match ready!(self.poll_read(cx, buffer)) {
                Ok(count) if count > 0 => count,
                end => return Poll::Ready(end),
            };
            if self.port.does_xon() {
                return Poll::Ready(Ok(count));
            }
            let held = self.in_band.holds();
            let kept = self.in_band.take(&mut buffer[..count]);
            if held && !self.in_band.holds() {
                // What has waited for this is sent in the next round.
                cx.waker().wake_by_ref();
            }
            if kept > 0 {
                return Poll::Ready(Ok(kept));
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            if let Some(pace) = &mut self.pace {
                pace.input_rests();
            }
            return Poll::Pending;
        }
        let Some(pace) = &mut self.pace else { return self.port.poll_read(cx, buffer) };
        if !pace.holds() {
            let mut intake = [0; pace::HELD];
            let Poll::Ready(result) = self.port.poll_read(cx, &mut intake) else {
                pace.input_rests();
                return Poll::Pending;
            };
            match result {
                Ok(count) if count > 0 => pace.received(&intake[..count], self.port.client_rate()),
                end => return Poll::Ready(end),
            }
        }
        pace.poll_input(cx, buffer).map(Ok)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_pace;
#[cfg(test)]
mod tests_serial;
