//! A conversation for people, while it happens.

use std::io::{self, Write};

use anstyle::Style;
use transcript::{Happened, HostKind, ModuleKind, escape};

use crate::screen::{FAINT, HOST, MODULE, STRONG, WIDTH, grouped};

/// Payload that is longer is only counted.
const SHOWN: usize = 60;

/// Prints what happens in a transcript's run, and counts the payload.
pub(crate) struct Show<W> {
    out: W,
    /// What `out` said first, if it refused.
    trouble: Option<io::Error>,
    /// What the host sent last, to tell its echo from the rest.
    sent: Vec<u8>,
}

impl<W: Write> Show<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, trouble: None, sent: Vec::new() }
    }

    /// Prints one thing.
    pub(crate) fn happened(&mut self, happened: &Happened<'_>) {
        let done = match *happened {
            Happened::Title(title) => writeln!(self.out, "\n{STRONG}{title}{STRONG:#}"),
            Happened::Host { kind, bytes, .. } => self.host(kind, bytes),
            Happened::Module { kind, bytes, .. } => self.module(kind, bytes),
            Happened::Step(text) => self.speech("", FAINT, text),
        };
        if let Err(error) = done.and_then(|()| self.out.flush()) {
            self.trouble.get_or_insert(error);
        }
    }

    /// The output again, or what it said.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self.trouble {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    fn host(&mut self, kind: HostKind<'_>, bytes: &[u8]) -> io::Result<()> {
        let text = match kind {
            HostKind::Command => escape(bytes.strip_suffix(b"\r").unwrap_or(bytes)),
            HostKind::Raw => escape(bytes),
            HostKind::Payload(name) => {
                self.sent = bytes.to_vec();
                payload(name, bytes)
            }
        };
        self.speech("host   > ", HOST, &text)
    }

    fn module(&mut self, kind: ModuleKind<'_>, bytes: &[u8]) -> io::Result<()> {
        let text = match kind {
            // What was typed is on the screen already.
            ModuleKind::Echo => return Ok(()),
            ModuleKind::Line | ModuleKind::Prompt => escape(bytes.trim_ascii()),
            ModuleKind::Raw if bytes == b"\r\n" => return Ok(()),
            ModuleKind::Raw => escape(bytes),
            ModuleKind::Payload(_) if bytes == self.sent => {
                self.sent.clear();
                return Ok(());
            }
            ModuleKind::Payload(name) => payload(name, bytes),
        };
        self.speech("module < ", MODULE, &text)
    }

    /// Prints who says what, broken where the screen ends.
    fn speech(&mut self, who: &str, style: Style, text: &str) -> io::Result<()> {
        let width = WIDTH - who.len();
        let mut rest = text;
        let mut who = who.to_owned();
        loop {
            let cut = rest.char_indices().nth(width).map_or(rest.len(), |(index, _)| index);
            let (line, others) = rest.split_at(cut);
            writeln!(self.out, "{FAINT}{who}{FAINT:#}{style}{line}{style:#}")?;
            if others.is_empty() {
                return Ok(());
            }
            rest = others;
            who = " ".repeat(who.len());
        }
    }
}

fn payload(name: Option<&str>, bytes: &[u8]) -> String {
    match name {
        Some(name) => format!("… {} bytes of {name} …", grouped(bytes.len())),
        None if bytes.len() > SHOWN => format!("… {} bytes …", grouped(bytes.len())),
        None => escape(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(happened: &[Happened<'_>]) -> String {
        let mut show = Show::new(Vec::new());
        for happened in happened {
            show.happened(happened);
        }
        let out = show.finish().unwrap();
        String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap()
    }

    fn host<'a>(kind: HostKind<'a>, bytes: &'a [u8]) -> Happened<'a> {
        Happened::Host { line: 0, kind, bytes }
    }

    fn module<'a>(kind: ModuleKind<'a>, bytes: &'a [u8]) -> Happened<'a> {
        Happened::Module { line: 0, kind, bytes }
    }

    #[test]
    fn host_and_module_are_told_apart_and_the_echo_is_left_out() {
        let text = shown(&[
            host(HostKind::Command, b"AT+CPIN?\r"),
            module(ModuleKind::Echo, b"AT+CPIN?\r"),
            module(ModuleKind::Line, b"\r\n+CPIN: READY\r\n"),
            module(ModuleKind::Prompt, b"\r\n> "),
        ]);
        assert_eq!(text, "host   > AT+CPIN?\nmodule < +CPIN: READY\nmodule < >\n");
    }

    #[test]
    fn only_the_first_return_of_a_payload_is_its_echo() {
        let text = shown(&[
            host(HostKind::Payload(None), b"1234567890"),
            module(ModuleKind::Payload(None), b"1234567890"),
            module(ModuleKind::Line, b"\r\nDATA ACCEPT:10\r\n"),
            module(ModuleKind::Payload(None), b"1234567890"),
            module(ModuleKind::Raw, b"\r\n"),
        ]);
        assert_eq!(text, "host   > 1234567890\nmodule < DATA ACCEPT:10\nmodule < 1234567890\n");
    }

    #[test]
    fn files_are_abridged() {
        let text = shown(&[host(HostKind::Payload(Some("client.key")), &[b'x'; 1212])]);
        assert_eq!(text, "host   > … 1,212 bytes of client.key …\n");
        let text = shown(&[host(HostKind::Payload(None), &[b'x'; 61])]);
        assert_eq!(text, "host   > … 61 bytes …\n");
    }

    #[test]
    fn long_lines_are_broken_at_eighty_columns() {
        let line = [b'a'; 200];
        let text = shown(&[host(HostKind::Raw, &line)]);
        assert_eq!(text.lines().count(), 3);
        assert!(text.lines().all(|line| line.len() <= 80));
        assert_eq!(text.matches('a').count(), 200);
    }
}
