//! Replies as they come in: a head, then a body in one of the three ways that HTTP/1.x has. How the bytes are portioned makes no
//! difference.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

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

#[derive(Debug, PartialEq, Eq)]
enum Coding {
    None,
    Chunked,
    /// Something else that is not decoded.
    Other,
}

/// What a head says about the body's length, and about what comes behind it.
struct Framing {
    length: Option<u64>,
    coding: Coding,
    /// Connection: `close` (true), `keep-alive` (false), or neither.
    close: Option<bool>,
    location: Option<Vec<u8>>,
}

impl Framing {
    fn read(lines: &[httparse::Header<'_>]) -> Result<Self, Broken> {
        let mut framing = Self { length: None, coding: Coding::None, close: None, location: None };
        let mut locations = 0;
        for line in lines {
            let is = |name: &str| line.name.eq_ignore_ascii_case(name);
            if is("Content-Length") {
                let values = list(line.value)?;
                if values.is_empty() {
                    return Err(Broken::NotHttp("its Content-Length is not a number"));
                }
                for value in values {
                    let length = decimal(value).ok_or(Broken::NotHttp("its Content-Length is not a number"))?;
                    if framing.length.is_some_and(|other| other != length) {
                        return Err(Broken::NotHttp("it has two lengths that differ"));
                    }
                    framing.length = Some(length);
                }
            } else if is("Transfer-Encoding") {
                for value in list(line.value)? {
                    framing.coding = match framing.coding {
                        Coding::Chunked => return Err(Broken::NotHttp("something is encoded around its chunks")),
                        _ if value.eq_ignore_ascii_case("chunked") => Coding::Chunked,
                        _ => Coding::Other,
                    };
                }
            } else if is("Connection") {
                for value in list(line.value)? {
                    if value.eq_ignore_ascii_case("close") {
                        framing.close = Some(true);
                    } else if value.eq_ignore_ascii_case("keep-alive") && framing.close.is_none() {
                        framing.close = Some(false);
                    }
                }
            } else if is("Location") {
                locations += u8::from(framing.location.as_deref() != Some(line.value));
                framing.location = Some(line.value.into());
            }
        }
        // Two that differ lead nowhere.
        framing.location = framing.location.filter(|_| locations == 1);
        Ok(framing)
    }
}

/// The elements of a comma-separated value, lower-case words and numbers only.
fn list(value: &[u8]) -> Result<Vec<String>, Broken> {
    let text = core::str::from_utf8(value).ok().filter(|text| !text.contains(['\r', '\n']));
    let text = text.ok_or(Broken::NotHttp("a header that says where the reply ends is malformed"))?;
    Ok(text.split(',').map(|part| part.trim_matches([' ', '\t'])).filter(|part| !part.is_empty()).map(String::from).collect())
}

fn decimal(text: impl AsRef<str>) -> Option<u64> {
    let text = text.as_ref();
    (text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use proptest::prelude::*;

    /// What a reply came to: status, body, whether the connection is kept, what was left over.
    type Outcome = Result<(u16, Vec<u8>, bool, usize), Broken>;

    /// Reads a reply in these portions, and then the connection's end. `None`: it is not complete.
    fn read(without_body: bool, portions: &[&[u8]]) -> Option<Outcome> {
        let mut response = Response::new(without_body, 512);
        let mut body = Vec::new();
        let mut left: usize = portions.iter().map(|portion| portion.len()).sum();
        for portion in portions {
            let mut rest = *portion;
            left -= portion.len();
            loop {
                match response.take(&mut rest) {
                    Ok(Step::More) => break,
                    Ok(Step::Head) => {}
                    Ok(Step::Body(bytes)) => body.extend_from_slice(bytes),
                    Ok(Step::Done) => {
                        let status = response.head().status;
                        return Some(Ok((status, body, response.keeps_connection(), rest.len() + left)));
                    }
                    Err(broken) => return Some(Err(broken)),
                }
            }
        }
        response.closed().then(|| Ok((response.head().status, body, response.keeps_connection(), 0)))
    }

    fn whole(text: &str) -> Option<Outcome> {
        read(false, &[text.as_bytes()])
    }

    fn good(status: u16, body: &str, keeps: bool) -> Option<Outcome> {
        Some(Ok((status, body.into(), keeps, 0)))
    }

    fn is_broken(text: &str) -> bool {
        matches!(whole(text), Some(Err(Broken::NotHttp(_))))
    }

    #[test]
    fn bodies_of_every_kind() {
        for (reply, status, body, keeps) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true),
            ("HTTP/1.1 200 OK\r\ncontent-length:3\r\nConnection: Close\r\n\r\nabc", 200, "abc", false),
            ("HTTP/1.1 200\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true),
            ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", false),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true),
            ("HTTP/1.0 200 OK\r\n\r\nabc", 200, "abc", false),
            ("HTTP/1.1 200 OK\r\n\r\n", 200, "", false),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", 204, "", true),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 304, "", true),
            ("\r\nHTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, "", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n02 \r\nde\r\n0\r\nA: b\r\nC: d\r\n\r\n", 200, "abcde", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "", true),
            // Doubtful: read as the standard says, and not trusted any further.
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, "abc", false),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, "abc", false),
            ("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", 200, "abc", false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\n", 200, "", false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", 200, "abc", false),
            ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 1\r\n\r\nc", 200, "c", false),
        ] {
            assert_eq!(whole(reply), good(status, body, keeps), "{reply:?}");
        }
        assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc"), Some(Ok((200, b"a".to_vec(), true, 2))));
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(read(true, &[head]), good(200, "", true));
    }

    #[test]
    fn what_is_no_reply() {
        for reply in [
            "SSH-2.0-OpenSSH_9.6",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: 3 3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
        ] {
            assert!(is_broken(reply), "{reply:?}: {:?}", whole(reply));
        }
        assert!(is_broken(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(17)));
        let long_line = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;{}\r\n", "x".repeat(300));
        assert!(is_broken(&long_line));
    }

    #[test]
    fn bounds() {
        let too_long = |text: &str| whole(text) == Some(Err(Broken::TooLong));
        assert!(too_long(&format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(512))));
        assert!(too_long(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "a:\r\n".repeat(101))));
        assert!(too_long(&"\r\n".repeat(300)));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
        assert!(too_long(&format!("{chunked}{}", "x".repeat(600))));
        assert!(too_long(&format!("{chunked}{}", "X: y\r\n".repeat(100))));
    }

    #[test]
    fn what_is_cut_off_is_not_complete() {
        for reply in [
            "",
            "HTTP/1.1 200 OK\r\nContent-Le",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
        ] {
            assert_eq!(whole(reply), None, "{reply:?}");
        }
    }

    #[test]
    fn header_lines_are_the_servers_own() {
        let mut response = Response::new(false, 512);
        let mut text: &[u8] = b"HTTP/1.1 200 OK\r\neTaG:   x\r\nB:y\r\n\r\n";
        assert_eq!(response.take(&mut text), Ok(Step::Head));
        assert_eq!(response.take_lines(), b"eTaG:   x\r\nB:y");
        assert_eq!(header_lines(b"HTTP/1.1 200 OK\r\n\r\n"), b"");
        assert_eq!(header_lines(b"HTTP/1.1 200 OK\nA: b\n\n"), b"A: b");
    }

    #[test]
    fn two_locations_lead_nowhere() {
        for (lines, wanted) in [
            ("Location: /a\r\n", Some(b"/a".to_vec())),
            ("Location: /a\r\nLocation: /a\r\n", Some(b"/a".to_vec())),
            ("Location: /a\r\nLocation: /b\r\n", None),
            ("", None),
        ] {
            let text = format!("HTTP/1.1 302 Found\r\n{lines}\r\n");
            let mut response = Response::new(false, 512);
            assert_eq!(response.take(&mut text.as_bytes()), Ok(Step::Head));
            assert_eq!(response.head().location, wanted);
        }
    }

    /// Pieces of replies, right and wrong.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            2 => Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
            1 => Just(b"HTTP/1.0 404 \r\n".to_vec()),
            1 => Just(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
            1 => Just(b"HTTP/1.1 204 X\n".to_vec()),
            2 => (0u8..12).prop_map(|n| format!("Content-Length: {n}\r\n").into_bytes()),
            2 => Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
            1 => Just(b"Connection: close\r\n".to_vec()),
            3 => Just(b"\r\n".to_vec()),
            1 => Just(b"\n".to_vec()),
            2 => (0u8..20).prop_map(|n| format!("{n:x};e\r\n{}\r\n", "z".repeat(n.into())).into_bytes()),
            1 => Just(b"0\r\n\r\n".to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn portions_make_no_difference(
            pieces in prop::collection::vec(piece(), 0..12),
            cuts in prop::collection::vec(1usize..9, 1..9),
            without_body in any::<bool>(),
        ) {
            let all = pieces.concat();
            let mut portions: Vec<&[u8]> = vec![];
            let mut rest = all.as_slice();
            for cut in cuts.iter().copied().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (portion, more) = rest.split_at(cut.min(rest.len()));
                portions.push(portion);
                rest = more;
            }
            prop_assert_eq!(read(without_body, &portions), read(without_body, &[&all]));
        }
    }
}
