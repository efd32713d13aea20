//! Replies as they come in: a head, then a body in one of the three ways that HTTP/1.x has. How the bytes are portioned makes no
//! difference.

use alloc::vec::Vec;
use core::fmt;
use core::mem;

mod framing;
#[cfg(test)]
mod tests;

use framing::{Coding, Framing};

/// Header lines in a head.
const MOST_HEADERS: usize = 100;
/// A chunk's first line, extensions included.
const LONGEST_CHUNK_LINE: usize = 256;
/// 1xx heads in front of the reply.
const MOST_INTERIM: u8 = 16;

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of body are still to come.
    Counted(u64),
    ChunkLine,
    Chunk(u64),
    /// CR LF behind a chunk.
    ChunkEnd(u8),
    Trailer,
    /// The body ends with the connection.
    UntilClose,
    Done,
}

/// Where a reply is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// All bytes are used up, and there is more to come.
    More,
    /// The head is there.
    Head,
    /// This is of the body.
    Body(&'a [u8]),
    /// The reply is over.
    Done,
}

/// Why a reply is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// What came is no HTTP.
    NotHttp(&'static str),
    /// The head or the trailer is too long.
    TooLong,
}

/// One reply. Its `Debug` form hides what the server has said.
pub(super) struct Response {
    /// Whether a body can follow at all: not behind HEAD and CONNECT.
    without_body: bool,
    longest_head: usize,
    state: State,
    /// The head so far; then the line of a chunk or trailer.
    text: Vec<u8>,
    interim: u8,
    trailer: usize,
    began: bool,
    head: Head,
    /// The server keeps the connection, and nothing about the reply was doubtful.
    keeps: bool,
}

/// What a head says.
#[derive(Default)]
pub(super) struct Head {
    pub(super) status: u16,
    /// The header lines as they came, without the last CR LF.
    pub(super) lines: Vec<u8>,
    /// How long the body is going to be, if it is known.
    pub(super) length: Option<u64>,
    pub(super) location: Option<Vec<u8>>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("state", &self.state)
            .field("status", &self.head.status)
            .finish_non_exhaustive()
    }
}

impl Response {
    pub(super) fn new(without_body: bool, longest_head: usize) -> Self {
        Self {
            without_body,
            longest_head,
            state: State::Head,
            text: Vec::new(),
            interim: 0,
            trailer: 0,
            began: false,
            head: Head::default(),
            keeps: false,
        }
    }

    /// Whether anything has come.
    pub(super) fn began(&self) -> bool {
        self.began
    }

    /// The head, once it is there.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// The head's lines, out of the reply.
    pub(super) fn take_lines(&mut self) -> Vec<u8> {
        mem::take(&mut self.head.lines)
    }

    /// Whether the connection can have another request when this reply is over.
    pub(super) fn keeps_connection(&self) -> bool {
        self.keeps && self.state == State::Done
    }

    /// Goes on in `bytes`, and takes what it uses off their front.
    ///
    /// # Errors
    /// The reply is none; nothing more can be made of this connection.
    pub(super) fn take<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Step<'a>, Broken> {
        self.began |= !bytes.is_empty();
        loop {
            match self.state {
                State::Head => {
                    if !self.collect_head(bytes)? {
                        return Ok(Step::More);
                    }
                    if self.read_head()? {
                        return Ok(Step::Head);
                    }
                }
                State::Counted(0) | State::Done => {
                    self.state = State::Done;
                    return Ok(Step::Done);
                }
                State::Counted(_) | State::Chunk(_) | State::UntilClose if bytes.is_empty() => return Ok(Step::More),
                State::Counted(left) => {
                    let body = split(bytes, left);
                    self.state = State::Counted(left - body.len() as u64);
                    return Ok(Step::Body(body));
                }
                State::UntilClose => return Ok(Step::Body(mem::take(bytes))),
                State::Chunk(left) => {
                    let body = split(bytes, left);
                    let left = left - body.len() as u64;
                    self.state = if left == 0 { State::ChunkEnd(b'\r') } else { State::Chunk(left) };
                    return Ok(Step::Body(body));
                }
                State::ChunkEnd(wanted) => match bytes.split_first() {
                    None => return Ok(Step::More),
                    Some((byte, rest)) if *byte == wanted => {
                        *bytes = rest;
                        self.state = if wanted == b'\r' { State::ChunkEnd(b'\n') } else { State::ChunkLine };
                    }
                    Some(_) => return Err(Broken::NotHttp("a chunk is longer than it says")),
                },
                State::ChunkLine => {
                    if !self.collect_line(bytes, LONGEST_CHUNK_LINE).ok_or(BAD_CHUNK)? {
                        return Ok(Step::More);
                    }
                    self.state = match chunk_size(&mem::take(&mut self.text))? {
                        0 => State::Trailer,
                        size => State::Chunk(size),
                    };
                }
                State::Trailer => {
                    let room = self.longest_head.saturating_sub(self.trailer);
                    if !self.collect_line(bytes, room).ok_or(Broken::TooLong)? {
                        return Ok(Step::More);
                    }
                    let line = mem::take(&mut self.text);
                    self.trailer += line.len();
                    match line.as_slice() {
                        b"\r\n" => self.state = State::Done,
                        [.., b'\r', b'\n'] => {}
                        bare => {
                            self.keeps = false;
                            if bare == b"\n" {
                                self.state = State::Done;
                            }
                        }
                    }
                }
            }
        }
    }

    /// The server sends no more. Whether the reply is over with that.
    pub(super) fn closed(&mut self) -> bool {
        if self.state == State::UntilClose {
            self.state = State::Done;
        }
        matches!(self.state, State::Done | State::Counted(0))
    }

    /// Adds to the head; whether it is complete.
    fn collect_head(&mut self, bytes: &mut &[u8]) -> Result<bool, Broken> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.text.len() >= self.longest_head {
                return Err(Broken::TooLong);
            }
            // Empty lines in front of a head are passed over.
            if self.text.is_empty() && matches!(byte, b'\r' | b'\n') {
                self.trailer += 1;
                if self.trailer > self.longest_head {
                    return Err(Broken::TooLong);
                }
                *bytes = rest;
                continue;
            }
            self.text.push(byte);
            *bytes = rest;
            let start = b"HTTP/1.";
            let index = self.text.len() - 1;
            if start.get(index).is_some_and(|&wanted| wanted != byte) {
                return Err(Broken::NotHttp("it does not begin with HTTP/1."));
            }
            if self.text.ends_with(b"\n\r\n") || self.text.ends_with(b"\n\n") {
                self.trailer = 0;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds to a line; whether it is complete. `None`: it is too long.
    fn collect_line(&mut self, bytes: &mut &[u8], longest: usize) -> Option<bool> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.text.len() >= longest {
                return None;
            }
            self.text.push(byte);
            *bytes = rest;
            if byte == b'\n' {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Reads a head that is complete; whether it is the reply's, and not one in front of it.
    fn read_head(&mut self) -> Result<bool, Broken> {
        let text = mem::take(&mut self.text);
        let mut lines = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut lines);
        let mut config = httparse::ParserConfig::default();
        config.allow_obsolete_multiline_headers_in_responses(true);
        match config.parse_response(&mut parsed, &text) {
            Ok(httparse::Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(Broken::TooLong),
            Ok(httparse::Status::Partial) | Err(_) => {
                return Err(Broken::NotHttp("its status line or a header line is malformed"));
            }
        }
        let status = parsed.code.unwrap_or_default();
        let version = parsed.version.unwrap_or_default();
        if (100..200).contains(&status) && status != 101 {
            self.interim += 1;
            return match self.interim {
                0..=MOST_INTERIM => Ok(false),
                _ => Err(Broken::NotHttp("one interim reply follows the other")),
            };
        }
        let framing = Framing::read(parsed.headers)?;
        let odd = text.windows(2).any(|pair| match pair {
            [before, b'\n'] => *before != b'\r',
            // A line that goes on in the next one.
            [before, after] => *before == b'\n' && matches!(after, b' ' | b'\t'),
            _ => false,
        });
        self.state = match (&framing.coding, framing.length) {
            _ if self.without_body || matches!(status, 101 | 204 | 304) => State::Done,
            (Coding::Chunked, _) => State::ChunkLine,
            (Coding::None, Some(length)) => State::Counted(length),
            (Coding::None, None) | (Coding::Other, _) => State::UntilClose,
        };
        // Two lengths, or one that HTTP/1.0 does not have: the coding counts, and the connection is not trusted any further.
        let doubtful = framing.coding != Coding::None && (framing.length.is_some() || version == 0);
        let keeps = framing.close != Some(true) && (version == 1 || framing.close == Some(false));
        self.keeps = keeps && !doubtful && !odd && status != 101 && self.state != State::UntilClose;
        self.head = Head {
            status,
            lines: header_lines(&text),
            length: framing.length.filter(|_| matches!(self.state, State::Counted(_))),
            location: framing.location,
        };
        Ok(true)
    }
}

const BAD_CHUNK: Broken = Broken::NotHttp("a chunk's first line is malformed");

/// Takes at most `most` bytes off the front.
fn split<'a>(bytes: &mut &'a [u8], most: u64) -> &'a [u8] {
    let count = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
    let (body, rest) = bytes.split_at(count);
    *bytes = rest;
    body
}

fn chunk_size(line: &[u8]) -> Result<u64, Broken> {
    match httparse::parse_chunk_size(line) {
        // No digit at all would be 0.
        Ok(httparse::Status::Complete((_, size))) if line.first().is_some_and(u8::is_ascii_hexdigit) => Ok(size),
        _ => Err(BAD_CHUNK),
    }
}

/// What stands between the status line and the empty line, without the last line's end.
fn header_lines(text: &[u8]) -> Vec<u8> {
    let start = text.iter().position(|&b| b == b'\n').map_or(text.len(), |at| at + 1);
    let rest = text.get(start..).unwrap_or_default();
    let cut = |text: &[u8]| match text {
        [front @ .., b'\r', b'\n'] | [front @ .., b'\n'] => front.len(),
        all => all.len(),
    };
    // The empty line, then the end of the line before it.
    let rest = rest.get(..cut(rest)).unwrap_or_default();
    rest.get(..cut(rest)).unwrap_or_default().into()
}
