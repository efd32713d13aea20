//! One line of text, read from left to right.

use std::str::FromStr;

use crate::parse::duration;
use crate::pattern::is_name;
use crate::step::{Fill, Payload};
use crate::text::unescape;
use std::time::Duration;

/// What is wrong, and where in the line (in bytes).
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// A place in one line.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    pub(super) fn blanks(&mut self) {
        self.take_while(|c| c == ' ' || c == '\t');
    }

    /// Skips blanks; where the next word begins.
    pub(super) fn next_at(&mut self) -> usize {
        self.blanks();
        self.at
    }

    pub(super) fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    pub(super) fn skip(&mut self, token: &str) -> bool {
        let found = self.text[self.at..].starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Everything up to the end of the line.
    pub(super) fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        self.at = self.text.len();
        rest
    }

    /// The next word; empty at the end of the line.
    pub(super) fn word(&mut self) -> &'a str {
        self.blanks();
        self.take_while(|c| c != ' ' && c != '\t')
    }

    /// The next word, which has to be there.
    pub(super) fn some_word(&mut self, what: &str) -> Result<&'a str, Fault> {
        let at = self.next_at();
        let word = self.word();
        if word.is_empty() { Err(Fault::new(at, format!("{what} is missing"))) } else { Ok(word) }
    }

    /// The next word as a value; `what` says in words what is allowed.
    pub(super) fn value<T>(&mut self, what: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Fault> {
        let at = self.next_at();
        let word = self.word();
        parse(word).ok_or_else(|| Fault::new(at, format!("here stands {what}")))
    }

    pub(super) fn number<T: FromStr>(&mut self, what: &str) -> Result<T, Fault> {
        self.value(what, |word| word.parse().ok())
    }

    pub(super) fn duration(&mut self) -> Result<Duration, Fault> {
        self.value("a time such as 200ms, 5s or 2m, at most a year", duration)
    }

    pub(super) fn switch(&mut self) -> Result<bool, Fault> {
        self.value("on or off", |word| match word {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        })
    }

    /// The name of a variable or file.
    pub(super) fn name(&mut self) -> Result<String, Fault> {
        self.value("a name: a letter, then letters, digits, _ - .; not d, hex, ip, last, len", |word| {
            is_name(word).then(|| word.into())
        })
    }

    /// Bytes in quotes.
    pub(super) fn quoted(&mut self) -> Result<Vec<u8>, Fault> {
        let start = self.next_at();
        if !self.skip("\"") {
            return Err(Fault::new(start, "bytes in quotes belong here, such as \"abc\\r\\n\""));
        }
        let begin = self.at;
        let mut escaped = false;
        let inside = self.take_while_mut(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            !ends
        });
        if !self.skip("\"") {
            return Err(Fault::new(start, "this quote has no end; a quote inside is written \\\""));
        }
        unescape(inside).map_err(|(at, message)| Fault::new(begin + at, message))
    }

    fn take_while_mut(&mut self, mut fits: impl FnMut(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// `N FILL`.
    pub(super) fn generated(&mut self) -> Result<Payload, Fault> {
        const RULES: &str = "count-up, text, zero or random and a seed";
        let at = self.next_at();
        let count = self.number("a count of bytes")?;
        if count > Fill::LIMIT {
            return Err(Fault::new(at, format!("at most {} bytes", Fill::LIMIT)));
        }
        let at = self.next_at();
        let fill = match self.word() {
            "" | "count-up" => Fill::CountUp,
            "text" => Fill::Text,
            "zero" => Fill::Zero,
            "random" => Fill::Random(self.number("a seed")?),
            _ => return Err(Fault::new(at, format!("here stands {RULES}"))),
        };
        Ok(Payload::Generated { count, fill })
    }

    /// Payload in any form: `"bytes"`, `last`, `bytes N FILL`, or a name.
    pub(super) fn payload(&mut self) -> Result<Payload, Fault> {
        self.blanks();
        if self.peek() == Some('"') {
            return Ok(Payload::Bytes(self.quoted()?));
        }
        let before = self.at;
        match self.word() {
            "last" => Ok(Payload::Last),
            "bytes" => self.generated(),
            _ => {
                self.at = before;
                let what = "payload: \"bytes\" in quotes, the name of a @file, bytes N count-up, or last";
                self.value(what, |word| is_name(word).then(|| Payload::File(word.into())))
            }
        }
    }

    /// Nothing more may follow.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        let at = self.next_at();
        if self.at == self.text.len() { Ok(()) } else { Err(Fault::new(at, "nothing more belongs here")) }
    }
}
