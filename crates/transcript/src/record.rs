//! Turns a conversation into a transcript.

use std::fmt::Write as _;
use std::time::Duration;

use crate::text::escape;

/// Writes down what a host and a module said to each other on one line, as a transcript that plays the same
/// conversation again, byte for byte.
///
/// ```
/// use modemtwin_transcript::Recorder;
///
/// let mut recorder = Recorder::new("a first word");
/// recorder.host(b"AT\r");
/// recorder.module(b"AT\r\r\nOK\r\n");
/// assert_eq!(recorder.finish(), "@title a first word\n> AT\n< OK\n");
/// ```
#[derive(Debug)]
pub struct Recorder {
    text: String,
    /// What the host said since it last began to speak.
    host: Vec<u8>,
    /// What the module said since then.
    module: Vec<u8>,
    echo: bool,
}

/// Longer pauses of the host than this are written down.
const PAUSE: Duration = Duration::from_secs(1);

impl Recorder {
    /// Begins a transcript; an empty `title` is left out. What a module says before the host does is taken for boot
    /// messages that belong to the conversation only if the caller writes `@boot cold` before it.
    #[must_use]
    pub fn new(title: &str) -> Self {
        let mut text = String::new();
        let title = title.lines().next().unwrap_or_default().trim();
        if !title.is_empty() {
            let _ = writeln!(text, "@title {title}");
        }
        Self { text, host: Vec::new(), module: Vec::new(), echo: true }
    }

    /// The host said this.
    pub fn host(&mut self, bytes: &[u8]) {
        // Somebody types, or a driver writes in pieces: as long as nothing but echo came back, it is still one command.
        let typing = !self.host.contains(&b'\r') && (self.module.is_empty() || self.module == self.host);
        if !typing {
            self.flush();
        }
        // One write may hold several command lines; each is a step of its own, and its answers follow the last.
        self.host.extend_from_slice(bytes);
    }

    /// The module said this.
    pub fn module(&mut self, bytes: &[u8]) {
        self.module.extend_from_slice(bytes);
    }

    /// Nobody said anything for so long. Short pauses are not written down.
    pub fn pause(&mut self, time: Duration) {
        if time >= PAUSE {
            self.flush();
            let _ = writeln!(self.text, "@wait {}s", time.as_secs());
        }
    }

    /// A comment.
    pub fn comment(&mut self, text: &str) {
        self.flush();
        for line in text.lines() {
            let _ = writeln!(self.text, "# {line}");
        }
    }

    /// The transcript.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.flush();
        self.text
    }

    fn flush(&mut self) {
        let host = std::mem::take(&mut self.host);
        let module = std::mem::take(&mut self.module);
        let mut rest = &module[..];
        if !host.is_empty() {
            let command = host.strip_suffix(b"\r").filter(|text| is_plain(text));
            match command {
                Some(text) => {
                    let echoed = rest.strip_prefix(&host[..]);
                    if echoed.is_some() != self.echo {
                        self.echo = echoed.is_some();
                        self.text.push_str(if self.echo { "@echo on\n" } else { "@echo off\n" });
                    }
                    rest = echoed.unwrap_or(rest);
                    self.step("> ", text, true);
                }
                None => self.step(">> ", &host, false),
            }
        }
        self.answers(rest);
    }

    fn answers(&mut self, mut rest: &[u8]) {
        // Whether a line without a leading CR LF reads as part of the same block.
        let mut block = false;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix(b"\r\n> ") {
                self.text.push_str("<prompt\n");
                rest = after;
                block = false;
                continue;
            }
            let framed = rest.strip_prefix(b"\r\n");
            let text = framed.unwrap_or(rest);
            let line = find(text, b"\r\n").map(|end| (&text[..end], &text[end + 2..]));
            match line {
                Some((line, after)) if is_plain(line) && (framed.is_some() || block) => {
                    self.step(if framed.is_some() { "< " } else { "<+ " }, line, true);
                    rest = after;
                    block = true;
                }
                _ => {
                    // Up to where the next frame may begin, at least one byte.
                    let end = rest.get(1..).and_then(|r| find(r, b"\r\n")).map_or(rest.len(), |end| end + 1);
                    self.step("<< ", &rest[..end], false);
                    rest = &rest[end..];
                    block = false;
                }
            }
        }
    }

    fn step(&mut self, who: &str, bytes: &[u8], template: bool) {
        let mut text = escape(bytes);
        if template {
            text = text.replace('{', "{{").replace('}', "}}");
        }
        self.text.push_str(who);
        self.text.push_str(&text);
        // An empty line of text has nothing behind its mark, not even the blank.
        while self.text.ends_with(' ') {
            self.text.pop();
        }
        self.text.push('\n');
    }
}

/// Whether a line of text can stand in a transcript without escapes for control characters.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|b| matches!(b, b' '..=b'~'))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
