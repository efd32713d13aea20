//! What a server says: replies (RFC 959 4.2), and what some of them have in them.

use alloc::string::String;
use alloc::vec::Vec;

/// The longest line of a reply.
const LONGEST_LINE: usize = 2048;
/// The longest reply, all its lines together.
const LONGEST_REPLY: usize = 32 * 1024;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// 100 to 599.
    pub(super) code: u16,
    /// Its last line, without the code.
    pub(super) text: String,
}

/// What comes is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A line that does not begin with a code.
    NoCode,
    TooLong,
}

/// Gathers replies out of a stream.
#[derive(Debug, Default)]
pub(super) struct Replies {
    line: Vec<u8>,
    /// A reply of several lines is being read: its code.
    open: Option<u16>,
    /// Bytes of it before this line.
    before: usize,
}

impl Reply {
    /// The first digit of the code.
    pub(super) fn class(&self) -> u16 {
        self.code / 100
    }

    /// As people read it: no control characters, not too long.
    pub(super) fn shown(&self) -> String {
        let text = self.text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(120);
        alloc::format!("{} {}", self.code, text.collect::<String>())
    }

    /// 229: the port (RFC 2428).
    pub(super) fn extended_port(&self) -> Option<u16> {
        let (_, inner) = self.text.split_once('(')?;
        let (inner, _) = inner.split_once(')')?;
        let delimiter = inner.chars().next().filter(char::is_ascii_graphic)?;
        let mut fields = inner.split(delimiter);
        let port = fields.nth(3)?;
        let last = fields.next()?;
        (last.is_empty() && fields.next().is_none()).then_some(port)?.parse().ok().filter(|port| *port != 0)
    }

    /// 227: the address and the port. With or without parentheses: RFC 1123 4.1.2.6 wants a client to look for digits.
    pub(super) fn passive_address(&self) -> Option<([u8; 4], u16)> {
        let start = self.text.find(|c: char| c.is_ascii_digit())?;
        let numbers = self.text[start..].split(|c: char| !c.is_ascii_digit() && c != ',' && c != ' ').next()?;
        let mut numbers = numbers.split(',').map(|number| number.trim().parse::<u8>().ok());
        let mut next = || numbers.next().flatten();
        let address = [next()?, next()?, next()?, next()?];
        let port = u16::from_be_bytes([next()?, next()?]);
        (port != 0).then_some((address, port))
    }

    /// 213 in answer to SIZE (RFC 3659 4).
    pub(super) fn size(&self) -> Option<u64> {
        self.text.trim().parse().ok()
    }
}

impl Replies {
    /// The next reply; takes of `bytes` what belongs to it. `None`: all of them are taken, and it is not complete.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Result<Reply, Broken>> {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            *bytes = rest;
            if let Err(broken) = self.keep(line) {
                return Some(Err(broken));
            }
            let line = core::mem::take(&mut self.line);
            match self.line_read(line.strip_suffix(b"\r").unwrap_or(&line)) {
                Ok(None) => {}
                Ok(Some(reply)) => return Some(Ok(reply)),
                Err(broken) => return Some(Err(broken)),
            }
        }
        let rest = core::mem::take(bytes);
        self.keep(rest).err().map(Err)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.line.len() + bytes.len() > LONGEST_LINE {
            return Err(Broken::TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line_read(&mut self, line: &[u8]) -> Result<Option<Reply>, Broken> {
        let code = code(line);
        let last = code.is_some() && line.get(3).is_none_or(|b| *b == b' ');
        match self.open {
            None if last => {}
            None => {
                let more = line.get(3) == Some(&b'-');
                self.open = Some(code.filter(|_| more).ok_or(Broken::NoCode)?);
                self.before = line.len();
                return Ok(None);
            }
            Some(open) if last && code == Some(open) => {}
            Some(_) => {
                self.before += line.len() + 1;
                return if self.before > LONGEST_REPLY { Err(Broken::TooLong) } else { Ok(None) };
            }
        }
        self.open = None;
        let text = String::from_utf8_lossy(line.get(4..).unwrap_or_default()).into_owned();
        Ok(code.map(|code| Reply { code, text }))
    }
}

/// The code that a line begins with.
fn code(line: &[u8]) -> Option<u16> {
    let digits = line.get(..3)?;
    let number = digits.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u16::from(b - b'0')))?;
    (100..600).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn all(text: &[u8], cut: usize) -> Vec<Result<Reply, Broken>> {
        let mut replies = Replies::default();
        let mut read = Vec::new();
        for mut bytes in text.chunks(cut.max(1)) {
            while let Some(reply) = replies.next(&mut bytes) {
                let broken = reply.is_err();
                read.push(reply);
                if broken {
                    return read;
                }
            }
        }
        read
    }

    fn reply(code: u16, text: &str) -> Reply {
        Reply { code, text: text.into() }
    }

    #[test]
    fn one_line_and_several() {
        let text = b"220-hello\r\n230 not yet\r\n 220 nor here\r\n220-\r\n\r\n220 ready\r\n331\r\n200 ok\n";
        for cut in 1..text.len() {
            let read = all(text, cut);
            assert_eq!(read, [Ok(reply(220, "ready")), Ok(reply(331, "")), Ok(reply(200, "ok"))]);
        }
    }

    #[test]
    fn what_is_no_reply() {
        for text in [&b"SSH-2.0-x\r\n"[..], b"\r\n", b"99 x\r\n", b"600 x\r\n", b"220x\r\n", b"22\r\n", b"\xFF\xFB\x01\r\n"] {
            assert_eq!(all(text, 1), [Err(Broken::NoCode)]);
        }
        assert_eq!(all(&vec![b'2'; LONGEST_LINE + 1], 100), [Err(Broken::TooLong)]);
        let mut long = b"220-x\r\n".to_vec();
        long.extend(b"more\r\n".repeat(LONGEST_REPLY / 5));
        assert_eq!(all(&long, 1000), [Err(Broken::TooLong)]);
    }

    #[test]
    fn ports_of_passive_mode() {
        assert_eq!(reply(229, "Entering Extended Passive Mode (|||6446|)").extended_port(), Some(6446));
        assert_eq!(reply(229, "(!1!192.0.2.1!21!)").extended_port(), Some(21));
        for text in ["(|||0|)", "(|||65536|)", "(|||1)", "(|||1|2|)", "|||1|", "()", "( )", "(é)"] {
            assert_eq!(reply(229, text).extended_port(), None, "{text}");
        }
        let local = ([127, 0, 0, 1], 256 + 2);
        for text in ["Entering Passive Mode (127,0,0,1,1,2).", "=127,0,0,1,1,2", "ok 127, 0, 0, 1, 1, 2"] {
            assert_eq!(reply(227, text).passive_address(), Some(local), "{text}");
        }
        for text in ["", "(1,2,3,4,5)", "(1,2,3,4,0,0)", "(256,0,0,1,1,2)", "(a,2)"] {
            assert_eq!(reply(227, text).passive_address(), None, "{text}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(reply(213, "1048576").size(), Some(1_048_576));
        assert_eq!(reply(213, "-1").size(), None);
        assert_eq!(reply(213, "99999999999999999999").size(), None);
    }

    proptest! {
        /// Whatever comes, in whatever pieces: the same replies, and bounded memory.
        #[test]
        fn any_bytes_in_any_pieces(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"220- \r\n".to_vec())], 0..400),
            cut in 1..50usize,
        ) {
            prop_assert_eq!(all(&bytes, bytes.len()), all(&bytes, cut));
            for read in all(&bytes, cut).into_iter().flatten() {
                let _ = (read.shown(), read.extended_port(), read.passive_address(), read.size());
            }
        }

        #[test]
        fn any_text_of_passive_mode(text in ".{0,60}") {
            let reply = reply(227, &text);
            let _ = (reply.extended_port(), reply.passive_address(), reply.size());
        }
    }
}
