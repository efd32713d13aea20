//! What an observer of a run gets to see.

/// Something that happened in a run, as soon as it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened<'a> {
    /// A `@title` was reached.
    Title(&'a str),
    /// The host sent something.
    Host {
        /// On which line.
        line: u8,
        /// What kind of thing.
        kind: HostKind<'a>,
        /// Exactly these bytes.
        bytes: &'a [u8],
    },
    /// The module said something, and it was what the transcript expects.
    Module {
        /// On which line.
        line: u8,
        /// What kind of thing.
        kind: ModuleKind<'a>,
        /// Exactly these bytes.
        bytes: &'a [u8],
    },
    /// Another step was done (`@peer`, `@world`, `@wait`, …), as it is written.
    Step(&'a str),
}

/// What kind of bytes the host sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind<'a> {
    /// A command line with its CR.
    Command,
    /// Raw bytes.
    Raw,
    /// Payload; with the name of the `@file` it comes from, if any.
    Payload(Option<&'a str>),
}

/// What kind of bytes the module said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleKind<'a> {
    /// The echo of a command line.
    Echo,
    /// A line of text with its CR LF.
    Line,
    /// The prompt for data.
    Prompt,
    /// Raw bytes.
    Raw,
    /// Payload; with the name of the `@file` it equals, if any.
    Payload(Option<&'a str>),
}
