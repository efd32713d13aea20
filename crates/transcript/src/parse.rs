//! Text to steps.

mod directive;
mod file;
mod query;
mod scan;
mod sms;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::outside::ModuleSetting;
use crate::pattern::Template;
use crate::step::{Action, Expect, Payload, Position, Send, Step, Transcript};
use crate::text::unescape;
pub use file::WorldFile;
use scan::{Fault, Scan};

/// What is wrong in a transcript's text, where, and what is allowed there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{position}: {message}")]
pub struct ParseError {
    /// What the text is called.
    pub name: String,
    /// Where.
    pub position: Position,
    /// One or two sentences.
    pub message: String,
}

/// The longest text that is read, in bytes.
const TEXT_LIMIT: usize = 4 << 20;

impl Transcript {
    /// Reads `text`; `name` is what reports call it, such as its path.
    ///
    /// # Errors
    ///
    /// The first fault in it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser::default();
        lines(name, text, |number, line| parser.line(number, line))?;
        let Parser { settings, cold, lines, steps, covers, .. } = parser;
        Ok(Self { name: name.into(), settings, cold, lines: lines.max(1), covers, steps })
    }
}

/// Hands each line to `read`, with its number, and says where a fault is.
fn lines(
    name: &str,
    text: &str,
    mut read: impl FnMut(usize, &str) -> Result<(), Fault>,
) -> Result<(), ParseError> {
    let fault = |line, column, message| ParseError {
        name: name.into(),
        position: Position { line, column },
        message,
    };
    if text.len() > TEXT_LIMIT {
        return Err(fault(1, 1, format!("the text is longer than {TEXT_LIMIT} bytes")));
    }
    for (index, line) in text.lines().enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        read(index + 1, line).map_err(|Fault { at, message }| {
            let column = line.char_indices().take_while(|&(index, _)| index < at).count() + 1;
            fault(index + 1, column, message)
        })?;
    }
    Ok(())
}

#[derive(Default)]
struct Parser {
    settings: Vec<ModuleSetting>,
    covers: Vec<String>,
    cold: bool,
    lines: u8,
    steps: Vec<Step>,
    /// The line that steps without a prefix are on.
    line: u8,
    /// The lines whose echo is off.
    silent: BTreeSet<u8>,
    /// Something has happened: the module is on.
    begun: bool,
}

impl Parser {
    fn line(&mut self, number: usize, text: &str) -> Result<(), Fault> {
        let mut scan = Scan::new(text);
        scan.blanks();
        let start = scan.at();
        let Some(first) = scan.peek() else { return Ok(()) };
        if first == '#' {
            return Ok(());
        }
        let action = if first == '@' { self.directive(&mut scan)? } else { Some(self.speech(&mut scan)?) };
        if let Some(action) = action {
            self.begun |= !matches!(
                action,
                Action::Title(_)
                    | Action::Within(_)
                    | Action::File { .. }
                    | Action::Set { .. }
                    | Action::RestAny
            );
            let column = text[..start].chars().count() + 1;
            self.steps.push(Step {
                position: Position { line: number, column },
                text: text[start..].trim_end().into(),
                action,
            });
        }
        Ok(())
    }

    fn uses(&mut self, line: u8) -> u8 {
        self.lines = self.lines.max(line.saturating_add(1));
        line
    }

    /// `> …` and `< …`, with or without a line number before it.
    fn speech(&mut self, scan: &mut Scan<'_>) -> Result<Action, Fault> {
        const ALLOWED: &str = "a step begins with > (the host), < (the module), @ (anything else) or # (a comment); \
                               a line number may stand before > and <";
        let start = scan.at();
        let digits = scan.take_while(|c| c.is_ascii_digit());
        let line = if digits.is_empty() {
            self.line
        } else {
            digits
                .parse()
                .ok()
                .filter(|&n: &u8| n < MOST_LINES)
                .ok_or_else(|| Fault::new(start, LINE_RANGE))?
        };
        let line = self.uses(line);
        if scan.skip(">") {
            Ok(Action::Send { line, what: self.sends(scan, line)? })
        } else if scan.skip("<") {
            Ok(Action::Expect { line, what: expects(scan)? })
        } else {
            Err(Fault::new(start, ALLOWED))
        }
    }

    fn sends(&self, scan: &mut Scan<'_>, line: u8) -> Result<Send, Fault> {
        if scan.skip(">") {
            return Ok(Send::Raw(raw(scan)?));
        }
        if scan.peek().is_none_or(|c| c == ' ') {
            let text = template(scan, false)?;
            return Ok(Send::Command { text, echo: !self.silent.contains(&line) });
        }
        const ALLOWED: &str =
            "after > there is a blank and a command line, another > and bytes, or one of raw, file, bytes";
        let start = scan.at();
        match scan.word() {
            "raw" => {
                let count_at = scan.next_at();
                let count = if scan.peek() == Some('"') {
                    None
                } else {
                    Some(scan.number::<usize>("a count or \"")?)
                };
                let bytes = scan.quoted()?;
                if let Some(count) = count.filter(|&c| c != bytes.len()) {
                    let message = format!("it says {count} bytes, but there are {}", bytes.len());
                    return Err(Fault::new(count_at, message));
                }
                scan.end()?;
                Ok(Send::Payload(Payload::Bytes(bytes)))
            }
            "file" => {
                let name = scan.name()?;
                scan.end()?;
                Ok(Send::Payload(Payload::File(name)))
            }
            "bytes" => {
                let payload = scan.generated()?;
                scan.end()?;
                Ok(Send::Payload(payload))
            }
            _ => Err(Fault::new(start, ALLOWED)),
        }
    }
}

/// How many lines a module may have in a transcript.
const MOST_LINES: u8 = 16;
const LINE_RANGE: &str = "a line's number is 0 to 15";

fn expects(scan: &mut Scan<'_>) -> Result<Expect, Fault> {
    const ALLOWED: &str = "after < there is a blank and a line of text, + and a further line, another < and bytes, or \
                           one of prompt, data, any";
    if scan.skip("<") {
        return Ok(Expect::Raw(raw(scan)?));
    }
    let further = scan.skip("+");
    if further || scan.peek().is_none_or(|c| c == ' ') {
        let mut text = template(scan, true)?;
        if !further {
            text.parts.splice(0..0, Template::literal(b"\r\n").parts);
        }
        text.parts.extend(Template::literal(b"\r\n").parts);
        return Ok(Expect::Line(text));
    }
    let start = scan.at();
    let what = match scan.word() {
        "prompt" => Expect::Prompt,
        "data" => Expect::Payload(scan.payload()?),
        "any" => Expect::Any(scan.number("a count of bytes")?),
        _ => return Err(Fault::new(start, ALLOWED)),
    };
    scan.end()?;
    Ok(what)
}

/// The rest of a line after one blank. A blank at its end is refused: nobody sees it, and editors remove it.
fn tail<'a>(scan: &mut Scan<'a>) -> Result<(usize, &'a str), Fault> {
    if !scan.skip(" ") && scan.peek().is_some() {
        return Err(Fault::new(scan.at(), "a blank belongs here"));
    }
    let start = scan.at();
    let text = scan.rest();
    if text.ends_with([' ', '\t']) {
        return Err(Fault::new(start + text.trim_end().len(), "a blank at the end is written \\x20"));
    }
    Ok((start, text))
}

fn template(scan: &mut Scan<'_>, patterns: bool) -> Result<Template, Fault> {
    let (start, text) = tail(scan)?;
    Template::parse(text, patterns).map_err(|(at, message)| Fault::new(start + at, message))
}

fn raw(scan: &mut Scan<'_>) -> Result<Vec<u8>, Fault> {
    let (start, text) = tail(scan)?;
    if text.is_empty() {
        return Err(Fault::new(start, "bytes are missing; escapes are \\r \\n \\t \\0 \\\\ \\xHH"));
    }
    unescape(text).map_err(|(at, message)| Fault::new(start + at, message))
}

/// `5s`, `200ms`, `2m`.
fn duration(word: &str) -> Option<Duration> {
    let split = word.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = word[..split].parse().ok()?;
    match &word[split..] {
        "ms" => Some(Duration::from_millis(count)),
        "s" => Some(Duration::from_secs(count)),
        "m" => count.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
    .filter(|d| *d <= Duration::from_secs(366 * 86_400))
}
