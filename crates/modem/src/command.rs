//! The command record: one value per command drives the dispatcher, the lists for people and the tests.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use at::{ArgError, CmeError, CmsError, DataEnd, DataKind, FinalCode, Form};

use crate::exchange::Exchange;
use crate::families::Op;
use crate::io::{Query, QueryFailure, QueryReply, StoreError, StoreReply, StoreRequest};

/// How we know that the module behaves so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// Seen on a real Air724UG.
    Captured,
    /// Said by the vendor's documents, or by drivers written against the real module.
    Documented,
    /// By a standard (V.250, TS 27.007) that the module claims to follow.
    Standard,
    /// Our choice where nothing is known.
    Assumed,
}

impl Evidence {
    /// One lower-case word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::Documented => "documented",
            Self::Standard => "standard",
            Self::Assumed => "assumed",
        }
    }
}

/// An example that the documentation shows and the tests run, on a registered module with echo off.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Lines sent before, whose answers do not matter.
    pub before: &'static [&'static str],
    /// What the host sends, without its CR.
    pub send: &'static str,
    /// Every byte that comes back until the module is quiet.
    pub answer: &'static str,
}

/// Shorthand for an [`Example`] without preparation.
pub(crate) const fn example(send: &'static str, answer: &'static str) -> Example {
    Example { before: &[], send, answer }
}

/// Shorthand for an [`Example`] with preparation.
pub(crate) const fn example_after(
    before: &'static [&'static str],
    send: &'static str,
    answer: &'static str,
) -> Example {
    Example { before, send, answer }
}

/// What a form's `=?` answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Test {
    /// `ERROR`: a basic command, or one without a test form.
    None,
    /// `OK` alone.
    Ok,
    /// One line in front of OK.
    Text(&'static str),
    /// Depends on the module's state.
    Handler(Handler),
}

/// The code behind one form.
pub(crate) type Handler = fn(&mut Exchange<'_>) -> Answer;

/// What a handler returns: an outcome, or why the command is refused (the rest of the line is discarded then).
pub(crate) type Answer = Result<Outcome, Fault>;

/// One AT command.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// `+CSQ`, `&F`, `E`, `S3`; upper case.
    pub name: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// The forms as people type them, with ranges and defaults.
    pub syntax: &'static [&'static str],
    /// Chapter of the manual or standard.
    pub reference: &'static str,
    /// How we know.
    pub evidence: Evidence,
    /// Where the twin leaves its reference, or what was assumed; empty if nowhere.
    pub remarks: &'static str,
    /// The longest that the answer may take, in milliseconds.
    pub longest: u32,
    /// Works only with a card that is ready.
    pub needs_card: bool,
    /// Examples; they run as tests.
    pub examples: &'static [Example],
    pub(crate) execute: Option<Handler>,
    pub(crate) read: Option<Handler>,
    pub(crate) set: Option<Handler>,
    pub(crate) test: Test,
}

impl Command {
    /// A record to be completed with `..Command::new(…)`: no forms, test form OK, 9 s.
    pub(crate) const fn new(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            syntax: &[],
            reference: "",
            evidence: Evidence::Assumed,
            remarks: "",
            longest: 9_000,
            needs_card: false,
            examples: &[],
            execute: None,
            read: None,
            set: None,
            test: Test::Ok,
        }
    }

    /// The forms that exist.
    #[must_use]
    pub fn forms(&self) -> Vec<Form> {
        let mut forms = Vec::new();
        let test = !matches!(self.test, Test::None);
        for (there, form) in [
            (self.execute.is_some(), Form::Execute),
            (self.read.is_some(), Form::Read),
            (self.set.is_some(), Form::Set),
            (test, Form::Test),
        ] {
            if there {
                forms.push(form);
            }
        }
        forms
    }
}

/// Why a command is refused: what the host is told, and what people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: FinalCode,
    pub(crate) why: Cow<'static, str>,
}

impl Fault {
    /// Plain `ERROR`, whatever CMEE says.
    pub(crate) fn error(why: impl Into<Cow<'static, str>>) -> Self {
        Self { code: FinalCode::Error, why: why.into() }
    }

    /// `+CME ERROR: n`.
    pub(crate) fn cme(error: CmeError, why: impl Into<Cow<'static, str>>) -> Self {
        Self { code: FinalCode::Cme(error), why: why.into() }
    }

    /// `+CMS ERROR: n`.
    pub(crate) fn cms(error: CmsError, why: impl Into<Cow<'static, str>>) -> Self {
        Self { code: FinalCode::Cms(error), why: why.into() }
    }

    /// `+CME ERROR: 3`: a good command in the wrong state.
    pub(crate) fn not_allowed(why: impl Into<Cow<'static, str>>) -> Self {
        Self::cme(CmeError::NOT_ALLOWED, why)
    }
}

impl From<ArgError> for Fault {
    /// A bad parameter is plain `ERROR`; a family that knows better maps it itself.
    fn from(error: ArgError) -> Self {
        Self::error(alloc::format!("{error}"))
    }
}

/// A data phase to enter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataPhase {
    pub(crate) kind: DataKind,
    /// Whether to print the prompt.
    pub(crate) prompt: bool,
    /// Whether the payload is echoed (if ATE1).
    pub(crate) echo: bool,
    /// Milliseconds from the prompt; then the op is resumed with [`Resume::DataTimeout`].
    pub(crate) timeout: Option<u64>,
    /// Whether these begin anew with every byte that comes.
    pub(crate) anew: bool,
}

/// What a handler came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Done; `OK` at the end of the line.
    Ok,
    /// Done, and what was written is the whole answer: no `OK` if this is the line's last command.
    Said,
    /// The line turns to data; `op` is resumed with [`Resume::Data`] or [`Resume::DataTimeout`].
    Data(DataPhase, Op),
    /// The line is the peer's from here on, as an answer that is written already (`CONNECT`) says; the rest of the command
    /// line is dropped, and `op` is resumed when its family ends the stream.
    Stream(Op),
    /// Ask the file store; `op` is resumed with [`Resume::Store`].
    Store(StoreRequest, Op),
    /// Ask the network; `op` is resumed with [`Resume::Query`].
    #[allow(dead_code, reason = "a question that only its answer ends; the first follows")]
    Query(Query, Op),
    /// The command stays open until its family resumes it ([`Module::resume`](crate::module::Module::resume)).
    Wait(Op),
}

/// Why an open command goes on.
#[derive(Debug)]
pub(crate) enum Resume {
    /// The data phase ended, with these bytes.
    Data(DataEnd, Vec<u8>),
    /// The data phase's time is over; these bytes had come.
    DataTimeout(Vec<u8>),
    /// The file store answered.
    Store(Result<StoreReply, StoreError>),
    /// The network answered.
    Query(Result<QueryReply, QueryFailure>),
    /// What the family waited for has happened (or failed): its own state says.
    Event,
}

/// A note's subject for a command that was typed: its name only, never its parameters (they may be secret).
pub(crate) fn subject(command: &at::Command<'_>) -> String {
    let mut text = String::from("AT");
    if command.prefix != 0 {
        text.push(command.prefix as char);
    }
    text.extend(command.word.iter().map(|b| b.to_ascii_uppercase() as char));
    text.push_str(match command.form {
        Form::Execute => "",
        Form::Read => "?",
        Form::Test => "=?",
        Form::Set => "=",
    });
    text
}
