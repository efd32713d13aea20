//! The host's end of an AT line: what both sides of the benchmark are driven with.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

/// How long one read waits, in tenths of a second.
const PATIENCE: u8 = 100;

/// A serial port in raw mode. Every read has a limit, kept by the terminal driver, which costs no call of its own.
pub(super) struct Port {
    tty: File,
    said: Vec<u8>,
}

impl Port {
    /// Opens the terminal at `path`.
    ///
    /// # Errors
    /// It is not there, or is not a terminal.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let open = || -> rustix::io::Result<File> {
            let tty = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
            let mut settings = tcgetattr(&tty)?;
            settings.make_raw();
            settings.special_codes[SpecialCodeIndex::VMIN] = 0;
            settings.special_codes[SpecialCodeIndex::VTIME] = PATIENCE;
            tcsetattr(&tty, OptionalActions::Now, &settings)?;
            Ok(tty.into())
        };
        let tty = open().with_context(|| format!("cannot open the line {}", path.display()))?;
        Ok(Self::over(tty))
    }

    /// Over something that is open already, and has no limit of its own.
    pub(super) fn over(tty: File) -> Self {
        Self { tty, said: Vec::with_capacity(4096) }
    }

    /// The terminal, or what is in its place.
    pub(super) fn into_file(self) -> File {
        self.tty
    }

    /// Sends and reads until the marker comes; gives everything up to where reading stopped.
    ///
    /// # Errors
    /// Nothing comes for ten seconds, or an answer that means failure.
    pub(super) fn ask(&mut self, line: &[u8], marker: &[u8]) -> Result<&[u8]> {
        self.tty.write_all(line).context("cannot write to the line")?;
        self.said.clear();
        let mut portion = [0; 1024];
        while !contains(&self.said, marker) {
            let count = self.tty.read(&mut portion).context("cannot read from the line")?;
            self.said.extend_from_slice(portion.get(..count).unwrap_or_default());
            if count == 0 || contains(&self.said, b"ERROR") || contains(&self.said, b"FAIL\r\n") {
                let [line, marker, said] = [line, marker, &self.said].map(|bytes| bytes.escape_ascii());
                bail!("asked \"{line}\", waited for \"{marker}\", got \"{said}\"");
            }
        }
        Ok(&self.said)
    }

    /// Sends each command line and waits for its OK.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(super) fn ok(&mut self, lines: &[&str]) -> Result<()> {
        for line in lines {
            self.ask(format!("{line}\r").as_bytes(), b"\r\nOK\r\n")?;
        }
        Ok(())
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
