//! What a transcript is made of.

use std::fmt;
use std::time::Duration;

use crate::outside::{DnsAnswer, ModuleSetting, PeerStep, QueryStep, SmsStep, StoreStep, World};
use crate::pattern::Template;

/// Where something stands in a transcript's text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A whole transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// What its text is called in reports, such as a path.
    pub name: String,
    /// `@module`: how the module is set up.
    pub settings: Vec<ModuleSetting>,
    /// `@boot cold`: the boot messages are part of the conversation.
    pub cold: bool,
    /// How many lines of the module it uses, at least 1.
    pub lines: u8,
    /// `@covers`: the rows of `docs/behaviour` that it shows.
    pub covers: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where it stands.
    pub position: Position,
    /// How it is written.
    pub text: String,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `@title`: only shown.
    Title(String),
    /// The host sends.
    Send {
        /// On which line.
        line: u8,
        /// What.
        what: Send,
    },
    /// The module has to answer.
    Expect {
        /// On which line.
        line: u8,
        /// What.
        what: Expect,
    },
    /// `@within`: how long expectations may take from here on.
    Within(Duration),
    /// `@wait`: time passes.
    Wait(Duration),
    /// `@silence`: time passes and the module says nothing.
    Silence {
        /// On this line.
        line: u8,
        /// For so long.
        time: Duration,
    },
    /// `@file`: binds contents to a name.
    File {
        /// The name.
        name: String,
        /// The contents.
        contents: Contents,
    },
    /// `@set`: gives a variable its value.
    Set {
        /// The name.
        name: String,
        /// The value.
        value: Template,
    },
    /// `@world`: the module's surroundings change.
    World(World),
    /// `@dns`: how a name resolves from here on.
    Dns {
        /// The name.
        name: String,
        /// What the resolver says.
        answer: DnsAnswer,
    },
    /// `@peer`: the other end of a connection does something, or has to have seen something.
    Peer {
        /// Which connection, counted from 1 in the order of their connects; `None`: see [`PeerStep`].
        number: Option<u32>,
        /// What.
        step: PeerStep<Payload>,
    },
    /// `@query`: the network is asked something that is no connection, or answers.
    Query {
        /// Which question, counted from 1 in the order in which they were asked; `None`: see [`QueryStep`].
        number: Option<u32>,
        /// What.
        step: QueryStep,
    },
    /// `@sms`: short messages.
    Sms(SmsStep),
    /// `@store`: the module's files.
    Store(StoreStep<Payload>),
    /// `@stall on|off`: the line takes no more output of the module.
    Stall {
        /// Which line.
        line: u8,
        /// Begins or ends.
        on: bool,
    },
    /// `@dtr on|off`: the host's DTR changes.
    Dtr {
        /// On which line.
        line: u8,
        /// On or off.
        on: bool,
    },
    /// `@line-setting`: the module has changed how the line works, right behind the bytes expected so far.
    LineSetting {
        /// Which line.
        line: u8,
        /// What has changed, in the transcript's words with single blanks (`rate 9600`); `None`: nothing has.
        setting: Option<String>,
    },
    /// `@note`: the module has explained something with these words.
    Note(String),
    /// `@power off|restart`: the module has switched itself off, or begun to restart.
    Power {
        /// Whether it restarts by itself.
        restarting: bool,
    },
    /// `@restart`: the module is killed and made again with the same files and settings.
    Restart {
        /// Its boot messages are part of the conversation.
        cold: bool,
    },
    /// `@rest any`: what is left unread at the end does not matter.
    RestAny,
}

/// What the host sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Send {
    /// `> TEXT`: a command line; CR is appended.
    Command {
        /// The text, without CR.
        text: Template,
        /// Whether the same bytes have to come back.
        echo: bool,
    },
    /// `>> BYTES`: just these.
    Raw(Vec<u8>),
    /// `>raw`, `>file`, `>bytes`: payload.
    Payload(Payload),
}

/// What the module has to answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// `< TEXT`: CR LF, the text, CR LF; `<+ TEXT`: without the leading CR LF. The template has them in it.
    Line(Template),
    /// `<prompt`: CR LF, `>`, blank.
    Prompt,
    /// `<< BYTES`: just these.
    Raw(Vec<u8>),
    /// `<data`: this payload.
    Payload(Payload),
    /// `<any N`: so many bytes, whatever they are.
    Any(usize),
}

/// Payload as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Spelt out.
    Bytes(Vec<u8>),
    /// What is bound to a name.
    File(String),
    /// Made by a rule.
    Generated {
        /// How many bytes.
        count: usize,
        /// The rule.
        fill: Fill,
    },
    /// The payload that was sent last on the same line.
    Last,
}

impl Payload {
    /// The name it is bound to, if it is.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        if let Self::File(name) = self { Some(name) } else { None }
    }
}

/// A rule for many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// `count-up`: 0x00, 0x01, … 0xFF, 0x00, …
    CountUp,
    /// `text`: letters and digits, no control characters.
    Text,
    /// `random SEED`: arbitrary, the same for the same seed.
    Random(u64),
    /// `zero`: 0x00.
    Zero,
}

impl Fill {
    /// The most bytes that a step may ask for.
    pub const LIMIT: usize = 64 << 20;

    /// So many bytes of it.
    #[must_use]
    pub fn bytes(self, count: usize) -> Vec<u8> {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        match self {
            Self::CountUp => (0..=u8::MAX).cycle().take(count).collect(),
            Self::Text => LETTERS.iter().copied().cycle().take(count).collect(),
            Self::Zero => vec![0; count],
            Self::Random(seed) => {
                let mut random = Random::new(seed);
                (0..count).map(|_| random.next().to_le_bytes()[7]).collect()
            }
        }
    }
}

/// Contents that `@file` binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Of this file, found by the caller.
    Path(String),
    /// These.
    Here(Payload),
}

/// Arbitrary numbers that depend on a seed only (SplitMix64; not for secrets).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 1 to `most`.
    pub(crate) fn up_to(&mut self, most: usize) -> usize {
        let most = u64::try_from(most.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % most).unwrap_or(0) + 1
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
