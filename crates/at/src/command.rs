//! One command line → its commands (V.250 §5.2, TS 27.007 §4).

use core::fmt;

/// Which of a command's four forms was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `AT+X`, and every basic command such as `ATE0`.
    Execute,
    /// `AT+X?`
    Read,
    /// `AT+X=?`
    Test,
    /// `AT+X=…`
    Set,
}

/// One command of a line, borrowed from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// `+`, `^`, `*`, `&` or, for a basic command, a NUL.
    pub prefix: u8,
    /// The name without prefix, as typed: `CSQ`, `e`, `S3`.
    pub word: &'a [u8],
    /// The form.
    pub form: Form,
    /// The parameters of a set form, or a basic command's number; empty otherwise.
    pub args: &'a [u8],
    /// Where the command stands in the line, for explanations (offset of its first byte).
    pub at: usize,
}

impl Command<'_> {
    /// Whether this is the command called `name` (`"+CSQ"`, `"E"`, `"&F"`, `"S3"`), in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let (prefix, word) = match name {
            [p @ (b'+' | b'^' | b'*' | b'&'), rest @ ..] => (*p, rest),
            _ => (0, name),
        };
        // Only an S-parameter's word can have blanks in it (`S 3`), and blanks mean nothing (V.250 5.2.2).
        let typed = self.word.iter().filter(|&&b| b != b' ').map(u8::to_ascii_uppercase);
        prefix == self.prefix && typed.eq(word.iter().map(u8::to_ascii_uppercase))
    }
}

/// What is wrong with a line's syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// There is no `AT` in the line.
    NotACommand,
    /// A character that cannot stand there.
    Unexpected(u8),
    /// A typographic quotation mark in the place of an ASCII one.
    TypographicQuote(char),
    /// A byte over 0x7F outside quotes.
    NotAscii(u8),
    /// A quote that is not closed.
    OpenQuote,
}

/// A syntax error and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// Column in the line, in bytes, from 1.
    pub column: usize,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SyntaxErrorKind::NotACommand => return f.write_str("the line has no AT in it"),
            SyntaxErrorKind::Unexpected(b'\r') => f.write_str("the line ends too early")?,
            SyntaxErrorKind::Unexpected(b) if b.is_ascii_graphic() => {
                write!(f, "unexpected `{}`", b as char)?;
            }
            SyntaxErrorKind::Unexpected(b) => write!(f, "unexpected byte 0x{b:02X}")?,
            SyntaxErrorKind::TypographicQuote(c) => write!(
                f,
                "typographic quotation mark {c} (U+{:04X}) where an ASCII \" (U+0022) belongs",
                c as u32
            )?,
            SyntaxErrorKind::NotAscii(b) => write!(f, "byte 0x{b:02X} outside quotes is not ASCII")?,
            SyntaxErrorKind::OpenQuote => f.write_str("a quote that is not closed")?,
        }
        write!(f, " at column {}", self.column)
    }
}

/// The commands of one line, one after the other. Stop at the first error: V.250 discards the rest of the line then.
#[derive(Clone, Debug)]
pub struct Commands<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Commands<'a> {
    /// Finds the `AT` (in any case; noise in front of it is passed over) and stands behind it.
    ///
    /// # Errors
    /// [`SyntaxErrorKind::NotACommand`] when there is none.
    pub fn new(text: &'a [u8]) -> Result<Self, SyntaxError> {
        match text.windows(2).position(|w| w.eq_ignore_ascii_case(b"AT")) {
            Some(at) => Ok(Self { text, at: at + 2 }),
            None => Err(SyntaxError { kind: SyntaxErrorKind::NotACommand, column: 1 }),
        }
    }

    /// Goes on in `text` at the offset that [`position`](Self::position) gave before.
    #[must_use]
    pub fn resume(text: &'a [u8], position: usize) -> Self {
        Self { text, at: position.min(text.len()) }
    }

    /// The offset behind the last command returned.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next command; `None` at the end of the line.
    ///
    /// # Errors
    /// [`SyntaxError`] with the column of the character that cannot be there.
    pub fn next_command(&mut self) -> Option<Result<Command<'a>, SyntaxError>> {
        while matches!(self.peek(), Some(b' ' | b';')) {
            self.at += 1;
        }
        let start = self.at;
        let command = match self.peek()? {
            prefix @ (b'+' | b'^' | b'*') => {
                self.at += 1;
                self.extended(prefix, start)
            }
            b'&' => {
                self.at += 1;
                self.skip_blanks();
                self.basic(b'&', start)
            }
            _ => self.basic(0, start),
        };
        Some(command)
    }

    fn extended(&mut self, prefix: u8, start: usize) -> Result<Command<'a>, SyntaxError> {
        self.skip_blanks();
        let word = self.take_while(|b| b.is_ascii_alphanumeric());
        if word.is_empty() {
            return Err(self.unexpected());
        }
        let mut command = Command { prefix, word, form: Form::Execute, args: &[], at: start };
        self.skip_blanks();
        match self.peek() {
            None | Some(b';') => {}
            Some(b'?') => {
                self.at += 1;
                command.form = Form::Read;
                self.end_of_command()?;
            }
            Some(b'=') => {
                self.at += 1;
                self.skip_blanks();
                command.form = Form::Set;
                if self.peek() == Some(b'?') {
                    let mark = self.at;
                    self.at += 1;
                    if self.end_of_command().is_ok() {
                        command.form = Form::Test;
                        return Ok(command);
                    }
                    self.at = mark;
                }
                command.args = self.parameters()?;
            }
            Some(_) => return Err(self.unexpected()),
        }
        Ok(command)
    }

    fn basic(&mut self, prefix: u8, start: usize) -> Result<Command<'a>, SyntaxError> {
        let word_at = self.at;
        let Some(letter) = self.peek().filter(u8::is_ascii_alphabetic) else {
            return Err(self.unexpected());
        };
        self.at += 1;
        let mut command = Command { prefix, word: &[], form: Form::Execute, args: &[], at: start };
        match letter.to_ascii_uppercase() {
            // V.250 5.3.2: an S-parameter's number belongs to its name, `=` and `?` follow.
            b'S' if prefix == 0 => {
                self.skip_blanks();
                self.take_while(|b| b.is_ascii_digit());
                command.word = &self.text[word_at..self.at];
                self.skip_blanks();
                match self.peek() {
                    Some(b'?') => {
                        self.at += 1;
                        command.form = Form::Read;
                    }
                    Some(b'=') => {
                        self.at += 1;
                        self.skip_blanks();
                        command.form = Form::Set;
                        command.args = self.take_while(|b| b.is_ascii_digit());
                    }
                    _ => {}
                }
            }
            // V.250 6.3.1: a dial string takes the rest of the line.
            b'D' if prefix == 0 => {
                command.word = &self.text[word_at..self.at];
                command.args = &self.text[self.at..];
                self.at = self.text.len();
            }
            _ => {
                command.word = &self.text[word_at..self.at];
                self.skip_blanks();
                command.args = self.take_while(|b| b.is_ascii_digit());
            }
        }
        Ok(command)
    }

    /// Everything up to a `;` outside quotes, blanks at both ends cut off.
    fn parameters(&mut self) -> Result<&'a [u8], SyntaxError> {
        let start = self.at;
        let mut quote = None;
        while let Some(byte) = self.peek() {
            match (byte, quote) {
                (b'"', None) => quote = Some(self.at),
                (b'"', Some(_)) => quote = None,
                (b';', None) => break,
                (0x7F.., None) => return Err(self.unexpected()),
                _ => {}
            }
            self.at += 1;
        }
        if let Some(at) = quote {
            return Err(SyntaxError { kind: SyntaxErrorKind::OpenQuote, column: at + 1 });
        }
        Ok(self.text[start..self.at].trim_ascii())
    }

    fn end_of_command(&mut self) -> Result<(), SyntaxError> {
        self.skip_blanks();
        match self.peek() {
            None | Some(b';') => Ok(()),
            Some(_) => Err(self.unexpected()),
        }
    }

    fn unexpected(&self) -> SyntaxError {
        let rest = &self.text[self.at.min(self.text.len())..];
        let kind = match rest {
            [] => SyntaxErrorKind::Unexpected(b'\r'),
            [b, ..] if b.is_ascii() => SyntaxErrorKind::Unexpected(*b),
            [b, ..] => match typographic_quote(rest) {
                Some(c) => SyntaxErrorKind::TypographicQuote(c),
                None => SyntaxErrorKind::NotAscii(*b),
            },
        };
        SyntaxError { kind, column: self.at + 1 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        self.take_while(|b| b == b' ');
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|&b| !keep(b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}

/// The typographic quote that `bytes` begin with, in UTF-8 or in GBK (0xA1B0, 0xA1B1: what a Chinese editor sends).
fn typographic_quote(bytes: &[u8]) -> Option<char> {
    match bytes {
        [0xE2, 0x80, 0x98, ..] | [0xA1, 0xAE, ..] => Some('\u{2018}'),
        [0xE2, 0x80, 0x99, ..] | [0xA1, 0xAF, ..] => Some('\u{2019}'),
        [0xE2, 0x80, 0x9C, ..] | [0xA1, 0xB0, ..] => Some('\u{201C}'),
        [0xE2, 0x80, 0x9D, ..] | [0xA1, 0xB1, ..] => Some('\u{201D}'),
        [0xE2, 0x80, 0x9E, ..] => Some('\u{201E}'),
        [0xEF, 0xBC, 0x82, ..] | [0xA3, 0xA2, ..] => Some('\u{FF02}'),
        _ => None,
    }
}
