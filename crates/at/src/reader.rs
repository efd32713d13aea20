//! The line discipline of one serial line: bytes in any portions → command lines and data phases, with echo.

use alloc::vec::Vec;
use core::mem;

const CR: u8 = 0x0D;
const LF: u8 = 0x0A;
const CTRL_Z: u8 = 0x1A;
const ESC: u8 = 0x1B;

/// How a data phase ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// After exactly this many bytes; Ctrl-Z and ESC are data like any other.
    Fixed(usize),
    /// At Ctrl-Z (not part of the data) or ESC (cancels); more than `max` bytes end as [`DataEnd::TooLong`].
    Text {
        /// The most bytes that are kept.
        max: usize,
    },
    /// At Ctrl-Z (not part of the data); ESC is data like any other. More than `max` bytes end as [`DataEnd::TooLong`].
    Raw {
        /// The most bytes that are kept.
        max: usize,
    },
}

/// How a data phase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataEnd {
    /// All bytes are there, or Ctrl-Z came.
    Complete,
    /// ESC came.
    Cancelled,
    /// Ctrl-Z came after more bytes than the phase takes.
    TooLong,
}

/// What the reader found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A command line that is not blank; [`Reader::take_text`] has it, without its CR.
    Line,
    /// `A/`: repeat the last command line; [`Reader::take_text`] has that line (`AT` when there was none).
    Repeat,
    /// A line longer than the limit; all of it is gone.
    Overlong,
    /// The data phase ended; [`Reader::take_data`] has the bytes.
    Data(DataEnd),
    /// Something of a stream has come; [`Reader::take_stream`] has it.
    Stream,
}

#[derive(Debug)]
enum State {
    Line,
    Data { kind: DataKind, echo: bool, overflow: bool },
    Stream,
}

/// One line's reader. Feed it with [`push`](Self::push), then call [`next`](Self::next) whenever the line is ready for
/// another command: bytes that come while a command is being worked on wait in the queue, unechoed.
///
/// How the bytes were portioned never changes what comes out.
#[derive(Debug)]
pub struct Reader {
    queue: Vec<u8>,
    head: usize,
    text: Vec<u8>,
    last: Vec<u8>,
    data: Vec<u8>,
    state: State,
    limit: usize,
    overlong: bool,
    swallow_lf: bool,
    /// A LF stands in this line; it is reported once.
    has_lf: bool,
    lf_to_report: bool,
    backspace: u8,
    echo: bool,
}

impl Reader {
    /// A reader for lines of at most `limit` bytes (without the CR), echo on, backspace 8.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            queue: Vec::new(),
            head: 0,
            text: Vec::new(),
            last: Vec::new(),
            data: Vec::new(),
            state: State::Line,
            limit,
            overlong: false,
            swallow_lf: false,
            has_lf: false,
            lf_to_report: false,
            backspace: 8,
            echo: true,
        }
    }

    /// Switches echo of command bytes (ATE).
    pub fn set_echo(&mut self, on: bool) {
        self.echo = on;
    }

    /// Whether command bytes are echoed.
    #[must_use]
    pub fn echo(&self) -> bool {
        self.echo
    }

    /// Sets the line editing character (S5).
    pub fn set_backspace(&mut self, character: u8) {
        self.backspace = character;
    }

    /// The line editing character.
    #[must_use]
    pub fn backspace(&self) -> u8 {
        self.backspace
    }

    /// Adds bytes from the host. The caller bounds them by [`queued`](Self::queued).
    pub fn push(&mut self, bytes: &[u8]) {
        self.queue.extend_from_slice(bytes);
    }

    /// How many bytes wait unread.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len() - self.head
    }

    /// Reads on until something is complete; `None` when the queue is used up. Echo is appended to `echo`.
    pub fn next(&mut self, echo: &mut Vec<u8>) -> Option<Event> {
        loop {
            if let State::Data { kind: DataKind::Fixed(0), .. } = self.state {
                return Some(Event::Data(DataEnd::Complete));
            }
            if self.head == self.queue.len() {
                self.queue.clear();
                self.head = 0;
                // A burst must not keep its memory for ever.
                self.queue.shrink_to(4096);
                return None;
            }
            if mem::take(&mut self.swallow_lf) && self.queue[self.head] == LF {
                self.head += 1;
                continue;
            }
            let event = match self.state {
                State::Line => self.line_byte(echo),
                State::Data { kind, echo: on, overflow } => self.data_bytes(kind, on, overflow, echo),
                State::Stream => Some(Event::Stream),
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// Whether a LF has come, since this was asked last, where a command would have needed its CR: behind text that begins
    /// with `AT`. True once for each line. For explanations; it changes nothing about what is read.
    pub fn take_line_feed(&mut self) -> bool {
        mem::take(&mut self.lf_to_report)
    }

    /// The text of the line last reported, out of the reader; hand it back with [`recycle`](Self::recycle).
    pub fn take_text(&mut self) -> Vec<u8> {
        mem::take(&mut self.text)
    }

    /// Returns a line's buffer for reuse and remembers its content for `A/` (what is empty was no line).
    pub fn recycle(&mut self, mut text: Vec<u8>) {
        if text.is_empty() {
            return;
        }
        mem::swap(&mut self.last, &mut text);
        if self.text.capacity() == 0 && text.capacity() <= 1024 {
            text.clear();
            self.text = text;
        }
    }

    /// Turns to data: what follows (after a LF that still belongs to the command's CR) is collected, not parsed.
    pub fn begin_data(&mut self, kind: DataKind, echo: bool) {
        self.data.clear();
        self.state = State::Data { kind, echo, overflow: false };
    }

    /// Turns to a stream: what follows has no end of its own, is not echoed and is handed over as it comes
    /// ([`Event::Stream`]), until [`take_data`](Self::take_data). A line typed half is forgotten. `after_command`: a LF that
    /// comes first still belongs to the command's CR.
    pub fn begin_stream(&mut self, after_command: bool) {
        self.text.clear();
        (self.overlong, self.has_lf) = (false, false);
        self.swallow_lf &= after_command;
        self.state = State::Stream;
    }

    /// What has come of the stream and is still in the reader, which stays in it.
    pub fn take_stream(&mut self) -> Vec<u8> {
        let bytes = self.queue.split_off(self.head);
        self.queue.clear();
        self.head = 0;
        bytes
    }

    /// The short way of a stream, around the queue: gives `bytes` back if they are its next, without the LF that belongs to a
    /// command before; `None` if they have to be [`push`](Self::push)ed, because no stream is on or something waits before them.
    pub fn pass<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        if !matches!(self.state, State::Stream) || self.queued() > 0 || bytes.is_empty() {
            return None;
        }
        let swallow = mem::take(&mut self.swallow_lf);
        Some(bytes.strip_prefix(&[LF]).filter(|_| swallow).unwrap_or(bytes))
    }

    /// How many bytes the data phase has so far.
    #[must_use]
    pub fn data_len(&self) -> usize {
        self.data.len()
    }

    /// Whether the data phase has had more bytes than it takes by now.
    #[must_use]
    pub fn data_overflowed(&self) -> bool {
        matches!(self.state, State::Data { overflow: true, .. })
    }

    /// The collected bytes; the line is a command line again, also when the phase was not complete (a timeout).
    pub fn take_data(&mut self) -> Vec<u8> {
        self.state = State::Line;
        mem::take(&mut self.data)
    }

    /// Forgets everything received but not yet read, and any half line or data phase (a reset of the module).
    pub fn reset(&mut self) {
        let (limit, echo) = (self.limit, self.echo);
        *self = Self::new(limit);
        self.echo = echo;
    }

    fn line_byte(&mut self, echo: &mut Vec<u8>) -> Option<Event> {
        let byte = self.queue[self.head];
        self.head += 1;
        if byte == self.backspace && byte != CR {
            if self.text.pop().is_some() && self.echo {
                echo.extend_from_slice(&[byte, b' ', byte]);
            }
            return None;
        }
        if self.echo {
            echo.push(byte);
        }
        match byte {
            CR => {
                self.swallow_lf = true;
                self.has_lf = false;
                if mem::take(&mut self.overlong) {
                    self.text.clear();
                    return Some(Event::Overlong);
                }
                if self.text.iter().all(|&b| b == b' ') {
                    self.text.clear();
                    return None;
                }
                Some(Event::Line)
            }
            LF => {
                if !self.has_lf && self.begins_with_at() {
                    self.has_lf = true;
                    self.lf_to_report = true;
                }
                None
            }
            // V.250 5.2.2: control characters other than S3 and S5 are not part of the command line.
            0..=0x1F => None,
            b'/' if self.at_line_start_a() => {
                self.text.clear();
                let last = mem::take(&mut self.last);
                self.text = if last.is_empty() { b"AT".to_vec() } else { last };
                Some(Event::Repeat)
            }
            _ if self.text.len() >= self.limit => {
                self.overlong = true;
                None
            }
            _ => {
                self.text.push(byte);
                None
            }
        }
    }

    fn begins_with_at(&self) -> bool {
        self.text.trim_ascii_start().get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"AT"))
    }

    fn at_line_start_a(&self) -> bool {
        let mut rest = self.text.iter().skip_while(|&&b| b == b' ');
        !self.overlong && matches!((rest.next(), rest.next()), (Some(b'A' | b'a'), None))
    }

    fn data_bytes(&mut self, kind: DataKind, on: bool, overflow: bool, echo: &mut Vec<u8>) -> Option<Event> {
        let fresh = &self.queue[self.head..];
        let (taken, end) = match kind {
            DataKind::Fixed(length) => {
                let take = fresh.len().min(length.saturating_sub(self.data.len()));
                self.data.extend_from_slice(&fresh[..take]);
                (take, (self.data.len() >= length).then_some(DataEnd::Complete))
            }
            DataKind::Text { max } | DataKind::Raw { max } => {
                let escapes = matches!(kind, DataKind::Text { .. });
                let stop = fresh.iter().position(|&b| b == CTRL_Z || (escapes && b == ESC));
                let take = stop.unwrap_or(fresh.len());
                let room = take.min(max.saturating_sub(self.data.len()));
                self.data.extend_from_slice(&fresh[..room]);
                let overflow = overflow || room < take;
                self.state = State::Data { kind, echo: on, overflow };
                let end = stop.map(|i| match (fresh[i], overflow) {
                    (ESC, _) => DataEnd::Cancelled,
                    (_, true) => DataEnd::TooLong,
                    _ => DataEnd::Complete,
                });
                (take, end)
            }
        };
        if on {
            echo.extend_from_slice(&fresh[..taken]);
        }
        self.head += taken;
        if end.is_some() && !matches!(kind, DataKind::Fixed(_)) {
            self.head += 1;
        }
        end.map(Event::Data)
    }
}
