//! Why a question has no good answer; on it stand all kinds of questions.

use std::fmt;

use modem::QueryFailure;

use super::explain::Fault;

/// What went wrong, before it is said whose question it was.
#[derive(Debug)]
pub(super) struct Refused {
    class: QueryFailure,
    fault: Fault,
    seen: String,
    advice: Option<String>,
}

impl Refused {
    pub(super) fn new(class: QueryFailure, fault: Fault, seen: impl Into<String>) -> Self {
        Self { class, fault, seen: seen.into(), advice: None }
    }

    /// With what to do.
    pub(super) fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// Whether the time was over.
    pub(super) fn is_late(&self) -> bool {
        self.class == QueryFailure::Timeout
    }

    /// Whose question it was.
    pub(super) fn explain(self, subject: String) -> Box<Unanswered> {
        let Self { class, fault, seen, advice } = self;
        Box::new(Unanswered { subject, class, fault, seen, advice })
    }
}

/// Why a question has no good answer, in parts and in one readable line ([`Display`](fmt::Display)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// Whose question, and about what, such as `modem0 name example.com`.
    pub subject: String,
    /// What the module is told.
    pub class: QueryFailure,
    /// Where the cause lies.
    pub fault: Fault,
    /// What was seen, in one line.
    pub seen: String,
    /// What to do, where something can be said.
    pub advice: Option<String>,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, fault, seen, .. } = self;
        write!(f, "{subject}: {seen}")?;
        if let Some(advice) = &self.advice {
            write!(f, "; {advice}")?;
        }
        write!(f, " [cause: {fault}]")
    }
}
