//! Standard input and output as a serial line.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use tokio::io::{AsyncWrite, Stdout};
use tokio::sync::mpsc;

use super::LineError;

/// Ends the session on a terminal: Ctrl-].
const ESCAPE: u8 = 0x1d;
/// How many reads may wait.
const AHEAD: usize = 4;

#[derive(Debug)]
pub(super) struct Stdio {
    input: mpsc::Receiver<Vec<u8>>,
    /// What came last, and how much of it has been taken.
    chunk: Vec<u8>,
    taken: usize,
    output: Stdout,
    terminal: Option<RawTerminal>,
    over: bool,
    quit: bool,
}

impl Stdio {
    pub(super) fn open() -> Result<Self, LineError> {
        let terminal = RawTerminal::enter().map_err(LineError::io("put the terminal into raw mode"))?;
        let (sender, input) = mpsc::channel(AHEAD);
        // A thread of its own: making standard input non-blocking would do so for the shell as well, and one of the
        // runtime's threads in a blocking read would keep the process from ending.
        thread::Builder::new()
            .name("stdin".into())
            .spawn(move || read_stdin(&sender))
            .map_err(LineError::io("start the thread that reads standard input"))?;
        Ok(Self {
            input,
            chunk: Vec::new(),
            taken: 0,
            output: tokio::io::stdout(),
            terminal,
            over: false,
            quit: false,
        })
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        while self.taken == self.chunk.len() {
            if self.over {
                return Poll::Ready(0);
            }
            let next = ready!(self.input.poll_recv(cx));
            self.over = next.is_none();
            self.chunk = next.unwrap_or_default();
            self.taken = 0;
            if self.terminal.is_some()
                && let Some(at) = self.chunk.iter().position(|&byte| byte == ESCAPE)
            {
                self.chunk.truncate(at);
                self.over = true;
                self.quit = true;
            }
        }
        let rest = &self.chunk[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Poll::Ready(count)
    }

    /// Whether Ctrl-] has ended it.
    pub(super) fn was_quit(&self) -> bool {
        self.quit
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.output).poll_write(cx, bytes)
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_flush(cx)
    }
}

fn read_stdin(sender: &mpsc::Sender<Vec<u8>>) {
    let mut stdin = io::stdin().lock();
    let mut buffer = [0; 4096];
    loop {
        match stdin.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                if sender.blocking_send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::error!(%error, "standard input failed");
                return;
            }
        }
    }
}

/// The user's terminal without line editing, echo and signals, until dropped.
#[derive(Debug)]
struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// `None` when standard input is not a terminal.
    fn enter() -> io::Result<Option<Self>> {
        let stdin = rustix::stdio::stdin();
        if !isatty(stdin) {
            return Ok(None);
        }
        let before = tcgetattr(stdin)?;
        let mut raw = before.clone();
        raw.make_raw();
        // The log goes to the same screen: its line ends still need their carriage returns.
        raw.output_modes = before.output_modes;
        tcsetattr(stdin, OptionalActions::Now, &raw)?;
        Ok(Some(Self { before }))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before) {
            tracing::warn!(%error, "the terminal could not be set back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_not_read_again() {
        let (sender, input) = mpsc::channel(AHEAD);
        let output = tokio::io::stdout();
        let mut stdio =
            Stdio { input, chunk: Vec::new(), taken: 0, output, terminal: None, over: false, quit: false };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut buffer = [0; 8];
        sender.try_send(b"ATI\r".to_vec()).unwrap();
        assert_eq!(stdio.poll_read(&mut cx, &mut buffer), Poll::Ready(4));
        for _ in 0..3 {
            assert_eq!(stdio.poll_read(&mut cx, &mut buffer), Poll::Pending);
        }
        drop(sender);
        assert_eq!(stdio.poll_read(&mut cx, &mut buffer), Poll::Ready(0));
    }
}
