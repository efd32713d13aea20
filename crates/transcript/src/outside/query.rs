//! Questions to the network beside connections.

use std::net::IpAddr;
use std::time::Duration;

/// What a question to the network is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryKind {
    /// The address of a name.
    Resolve,
    /// An ICMP echo.
    Echo,
    /// The time, by SNTP.
    Time,
    /// A short message that is to be sent.
    Message,
}

impl QueryKind {
    /// As it is written in `@query expect`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Echo => "echo",
            Self::Time => "time",
            Self::Message => "message",
        }
    }
}

/// Why a question has no good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryProblem {
    /// `no-such-name`
    UnknownName,
    /// `bad-name-server`
    BadNameServer,
    /// `no-name-server`
    NoNameServer,
    /// `timeout`: after the time that the module allows for it.
    Timeout,
    /// `unreachable`
    Unreachable,
    /// `bad-answer`
    BadAnswer,
    /// `refused`: the network does not take it.
    Refused,
    /// `not-possible`
    NotPossible,
}

/// `@query …`: what the network is asked, and answers, beside connections.
///
/// Without a number, answers are about the oldest question that has had none, and `Expect` about the same one or, when there
/// is none, about the last question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryStep {
    /// The module asked this.
    Expect {
        /// What it is about.
        kind: QueryKind,
        /// The name, the address, or the number of who is to have the message; as the module spells it.
        target: String,
        /// Further properties, by name, such as `servers` and `timeout`.
        fields: Vec<(String, String)>,
    },
    /// The name has this address.
    Answer(IpAddr),
    /// An echo comes back.
    Echo {
        /// After so long.
        after: Duration,
        /// The time to live that was left.
        ttl: u8,
        /// Who answers; whoever was asked, if it does not matter.
        from: Option<IpAddr>,
    },
    /// It is so many seconds since 1970-01-01 UTC.
    Time(i64),
    /// The network has taken the message.
    Taken,
    /// It fails.
    Fails(QueryProblem),
    /// From now on (or no more) every question waits for a step, also those that would be answered by themselves.
    Hold(bool),
}
