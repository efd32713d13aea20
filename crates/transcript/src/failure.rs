//! Reports of what went wrong, for people.

use std::collections::VecDeque;
use std::fmt;

use crate::pattern::{Kind, Part};
use crate::stage::StageError;
use crate::step::Position;
use crate::text::{abridged, escape};

/// A run that did not go as its transcript says. Its `Display` form has several lines: the step, what was expected
/// beside what came, and the conversation before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the transcript is called.
    pub name: String,
    /// Where the step stands; `None`: behind the last step.
    pub position: Option<Position>,
    /// How the step is written.
    pub step: String,
    /// In which of several ways it was run, if in several.
    pub way: Option<String>,
    /// One sentence.
    pub what: String,
    /// What was expected, with control characters visible; one entry per line of text.
    pub expected: Vec<String>,
    /// What came, in the same form.
    pub got: Vec<String>,
    /// The end of the conversation before the step.
    pub before: Vec<String>,
}

impl std::error::Error for Failure {}

/// The widest left column of a report.
const COLUMN: usize = 56;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => writeln!(f, "{}:{position}: {}", self.name, self.what)?,
            None => writeln!(f, "{}: at the end: {}", self.name, self.what)?,
        }
        if !self.step.is_empty() {
            writeln!(f, "  the step:  {}", self.step)?;
        }
        if let Some(way) = &self.way {
            writeln!(f, "  run with the host's bytes {way}")?;
        }
        if !self.expected.is_empty() || !self.got.is_empty() {
            self.columns(f)?;
        }
        if !self.before.is_empty() {
            writeln!(f, "  the conversation before:")?;
            for line in &self.before {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}

impl Failure {
    fn columns(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: &String| text.chars().count();
        let left = self.expected.iter().map(width).max().unwrap_or(0).clamp(8, COLUMN);
        writeln!(f, "    {:left$}   got", "expected")?;
        for row in 0..self.expected.len().max(self.got.len()) {
            let expected = self.expected.get(row).map_or("", String::as_str);
            let got = self.got.get(row).map_or("", String::as_str);
            // Placeholders are no difference by themselves, but the mark is only a hint.
            let mark = if expected == got || expected.contains('{') { '|' } else { '#' };
            writeln!(f, "    {expected:left$} {mark} {got}")?;
        }
        Ok(())
    }
}

/// What a step says when it fails; the runner adds where.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) what: String,
    pub(crate) expected: Vec<String>,
    pub(crate) got: Vec<String>,
}

impl Trouble {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), expected: Vec::new(), got: Vec::new() }
    }

    /// `got` does not begin with `expected`, or not yet.
    pub(crate) fn differs(what: impl Into<String>, expected: &[Part], got: &[u8]) -> Self {
        let what = what.into();
        let only_bytes = matches!(expected, [Part::Bytes(bytes)] if bytes.len() > WINDOW);
        match expected {
            [Part::Bytes(bytes)] if only_bytes => Self::long(what, bytes, got),
            _ => Self { what, expected: pattern_rows(expected), got: rows(&got[..got.len().min(MOST)]) },
        }
    }

    /// Long payload: only the surroundings of the first difference are shown.
    fn long(what: String, expected: &[u8], got: &[u8]) -> Self {
        let at = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
        let from = at.saturating_sub(16);
        let cut = |bytes: &[u8]| {
            let end = bytes.len().min(at + 32);
            vec![format!("[byte {from}] {}", escape(bytes.get(from..end).unwrap_or_default()))]
        };
        let what = format!("{what}; {at} of {} bytes fit", expected.len());
        Self { what, expected: cut(expected), got: cut(got) }
    }
}

const WINDOW: usize = 400;
const MOST: usize = 2000;

impl From<StageError> for Trouble {
    fn from(error: StageError) -> Self {
        let what = error.to_string();
        match error {
            StageError::Differs { expected, got, .. } => Self::differs(what, &[Part::Bytes(expected)], &got),
            StageError::NotPossible(_) | StageError::Failed(_) => Self::new(what),
        }
    }
}

/// Escaped, one entry per line of text.
pub(crate) fn rows(bytes: &[u8]) -> Vec<String> {
    bytes.split_inclusive(|&b| b == b'\n').map(|row| abridged(row, WINDOW)).collect()
}

fn pattern_rows(parts: &[Part]) -> Vec<String> {
    let mut rows = vec![String::new()];
    for part in parts {
        let Part::Bytes(bytes) = part else {
            if let Some(row) = rows.last_mut() {
                row.push_str(placeholder(part));
            }
            continue;
        };
        for piece in bytes.split_inclusive(|&b| b == b'\n') {
            if let Some(row) = rows.last_mut() {
                row.push_str(&abridged(piece, WINDOW));
            }
            if piece.ends_with(b"\n") {
                rows.push(String::new());
            }
        }
    }
    rows.retain(|row| !row.is_empty());
    rows
}

fn placeholder(part: &Part) -> &'static str {
    match part {
        Part::Any(Kind::Text, _) => "{*}",
        Part::Any(Kind::Digits(_), _) => "{d}",
        Part::Any(Kind::Hex(_), _) => "{hex}",
        Part::Any(Kind::Ip, _) => "{ip}",
        Part::Bytes(_) | Part::Variable(_) | Part::Length(_) => "{…}",
    }
}

/// The end of a conversation, for reports.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
}

impl Tail {
    const LINES: usize = 24;
    const WIDTH: usize = 160;

    pub(crate) fn push(&mut self, who: &str, bytes: &[u8]) {
        self.text(format!("{who} {}", abridged(bytes, Self::WIDTH)));
    }

    pub(crate) fn text(&mut self, line: String) {
        if self.lines.len() == Self::LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}
