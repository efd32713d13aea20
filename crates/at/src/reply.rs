//! Answers → bytes. The only place that knows V, Q and CMEE.

use crate::cme::{CmeError, cme_text};
use crate::cms::CmsError;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// ATV: how result codes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultForm {
    /// ATV0: digits, `0\r`.
    Numeric,
    /// ATV1: words, `\r\nOK\r\n`.
    Verbose,
}

/// How one line wants its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// ATV.
    pub result_form: ResultForm,
    /// ATQ1: no result codes.
    pub quiet: bool,
    /// AT+CMEE: 0 plain `ERROR`, 1 numbers, 2 texts.
    pub cmee: u8,
}

/// A final result code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalCode {
    /// `OK`, 0.
    Ok,
    /// `CONNECT`, 1.
    Connect,
    /// `NO CARRIER`, 3.
    NoCarrier,
    /// `ERROR`, 4.
    Error,
    /// `+CME ERROR: …`, or `ERROR` with CMEE=0.
    Cme(CmeError),
    /// `+CMS ERROR: …`, whatever CMEE says.
    Cms(CmsError),
}

/// Writes one answer into a buffer, framed as the line's format asks.
///
/// Verbose framing (captured on the module): the first line of information text begins with CR LF, each line ends
/// with CR LF, and so does a result code: between text and code stands one empty line.
#[derive(Debug)]
pub struct Reply {
    out: Vec<u8>,
    format: Format,
    in_block: bool,
}

impl Reply {
    /// A writer at the start of an answer, appending to `out`.
    #[must_use]
    pub fn new(out: Vec<u8>, format: Format) -> Self {
        Self { out, format, in_block: false }
    }

    /// Goes on in another format (ATV and ATQ hold for their own result code already).
    pub fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    /// How many bytes that is by now.
    #[must_use]
    pub fn written(&self) -> usize {
        self.out.len()
    }

    /// Everything written, and what `out` held before.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// One line of information text. Lines that follow each other form a block.
    pub fn info(&mut self, text: fmt::Arguments<'_>) {
        if !self.in_block && self.format.result_form == ResultForm::Verbose {
            self.out.extend_from_slice(b"\r\n");
        }
        self.in_block = true;
        // Writing into a Vec cannot fail.
        let _ = Bytes(&mut self.out).write_fmt(text);
        self.out.extend_from_slice(b"\r\n");
    }

    /// One line of information text that ends in bytes as they are.
    pub fn info_with(&mut self, text: fmt::Arguments<'_>, bytes: &[u8]) {
        self.info(text);
        // Their place is in front of the line's end.
        self.out.truncate(self.out.len().saturating_sub(2));
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Ends a block: the next line of text has an empty line in front.
    pub fn end_block(&mut self) {
        self.in_block = false;
    }

    /// Goes on with a block that an earlier answer of the same command began.
    pub fn resume_block(&mut self) {
        self.in_block = true;
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A result code. ATQ1 silences it.
    pub fn final_code(&mut self, code: FinalCode) {
        self.in_block = false;
        if self.format.quiet {
            return;
        }
        let (digit, word) = match code {
            FinalCode::Ok => (b'0', "OK"),
            FinalCode::Connect => (b'1', "CONNECT"),
            FinalCode::NoCarrier => (b'3', "NO CARRIER"),
            FinalCode::Cme(error) if self.format.cmee > 0 => return self.cme(error),
            FinalCode::Cms(error) => {
                self.info(format_args!("+CMS ERROR: {}", error.0));
                self.in_block = false;
                return;
            }
            FinalCode::Error | FinalCode::Cme(_) => (b'4', "ERROR"),
        };
        match self.format.result_form {
            ResultForm::Numeric => self.out.extend_from_slice(&[digit, b'\r']),
            ResultForm::Verbose => {
                self.out.extend_from_slice(b"\r\n");
                self.out.extend_from_slice(word.as_bytes());
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    fn cme(&mut self, error: CmeError) {
        match cme_text(error) {
            Some(text) if self.format.cmee == 2 => self.info(format_args!("+CME ERROR: {text}")),
            _ => self.info(format_args!("+CME ERROR: {}", error.0)),
        }
        self.in_block = false;
    }
}

struct Bytes<'a>(&'a mut Vec<u8>);

impl Write for Bytes<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
