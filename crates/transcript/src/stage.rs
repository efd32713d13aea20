//! What a transcript is played on.

use std::time::Duration;

use crate::outside::{DnsAnswer, ModuleSetting, PeerStep, QueryStep, SmsStep, StoreStep, World};

/// Carries bytes to a module and back, and whatever else of the steps it can do.
///
/// Only [`send`](Self::send), [`receive`](Self::receive) and [`wait`](Self::wait) have to be there: that is what a real
/// line has. Everything else answers "not possible here" unless the stage says otherwise, so that a transcript that
/// needs more fails with a clear reason instead of half working.
pub trait Stage {
    /// Hands bytes of the host to a line. Nothing is waited for.
    ///
    /// # Errors
    ///
    /// The line is gone or does not exist.
    fn send(&mut self, line: u8, bytes: &[u8]) -> Result<(), StageError>;

    /// Appends what the module has said on a line since the last call. Nothing is waited for.
    ///
    /// # Errors
    ///
    /// The line is gone or does not exist.
    fn receive(&mut self, line: u8, into: &mut Vec<u8>) -> Result<(), StageError>;

    /// Lets time pass until something has happened (the module said something, asked for a connection, …) or `limit`
    /// is over, and tells how much time passed.
    ///
    /// # Errors
    ///
    /// A line is gone.
    fn wait(&mut self, limit: Duration) -> Result<Duration, StageError>;

    /// Whose time passes. It decides how long expectations may take unless a transcript says so, and whether `@wait` is
    /// exact.
    fn clock(&self) -> Clock {
        Clock::Real
    }

    /// Called once, before everything else. A stage that does not make its module leaves this as it is.
    ///
    /// # Errors
    ///
    /// The module can't be set up like this.
    fn power_on(&mut self, plan: &PowerOn<'_>) -> Result<(), StageError> {
        if plan.settings.is_empty() && !plan.cold {
            Ok(())
        } else {
            Err(StageError::NotPossible("to set up and boot the module"))
        }
    }

    /// Changes the module's surroundings.
    ///
    /// # Errors
    ///
    /// Not possible here.
    fn world(&mut self, change: &World) -> Result<(), StageError> {
        let _ = change;
        Err(StageError::NotPossible("to change the module's surroundings"))
    }

    /// Decides how a name resolves from now on.
    ///
    /// # Errors
    ///
    /// Not possible here.
    fn dns(&mut self, name: &str, answer: DnsAnswer) -> Result<(), StageError> {
        let _ = (name, answer);
        Err(StageError::NotPossible("to script name resolution"))
    }

    /// Does or checks something at the other end of connection `number` (see [`PeerStep`] for `None`). When the answer is
    /// [`Progress::NotYet`], the runner waits and calls again.
    ///
    /// # Errors
    ///
    /// Not possible here, or what was expected can't come true any more.
    fn peer(&mut self, number: Option<u32>, step: &PeerStep) -> Result<Progress, StageError> {
        let _ = (number, step);
        Err(StageError::NotPossible("to script peers"))
    }

    /// Answers or checks question `number` (see [`QueryStep`] for `None`). When the answer is [`Progress::NotYet`], the
    /// runner waits and calls again.
    ///
    /// # Errors
    ///
    /// Not possible here, or what was expected can't come true any more.
    fn query(&mut self, number: Option<u32>, step: &QueryStep) -> Result<Progress, StageError> {
        let _ = (number, step);
        Err(StageError::NotPossible("to answer what the module asks the network"))
    }

    /// Brings the module a short message, or checks one that it has sent.
    ///
    /// # Errors
    ///
    /// Not possible here, or the message is another one.
    fn sms(&mut self, step: &SmsStep) -> Result<Progress, StageError> {
        let _ = step;
        Err(StageError::NotPossible("to reach the network's short messages"))
    }

    /// Does or checks something with the module's files.
    ///
    /// # Errors
    ///
    /// Not possible here, or what was expected is not so.
    fn store(&mut self, step: &StoreStep) -> Result<(), StageError> {
        let _ = step;
        Err(StageError::NotPossible("to reach the module's files"))
    }

    /// From now on (or no more) the line takes no output of the module.
    ///
    /// # Errors
    ///
    /// Not possible here.
    fn stall(&mut self, line: u8, on: bool) -> Result<(), StageError> {
        let _ = (line, on);
        Err(StageError::NotPossible("to stall a line"))
    }

    /// Switches the host's DTR on a line.
    ///
    /// # Errors
    ///
    /// Not possible here.
    fn dtr(&mut self, line: u8, on: bool) -> Result<(), StageError> {
        let _ = (line, on);
        Err(StageError::NotPossible("to switch DTR"))
    }

    /// Whether the module has made this setting of a line (in the words of [`Action::LineSetting`]) when it had said
    /// exactly `said` bytes there; settings up to that one are used up. `None`: whether there is no setting left.
    ///
    /// # Errors
    ///
    /// Not possible here, or it was made elsewhere in what the module has said.
    ///
    /// [`Action::LineSetting`]: crate::Action::LineSetting
    fn line_setting(&mut self, line: u8, setting: Option<&str>, said: usize) -> Result<Progress, StageError> {
        let _ = (line, setting, said);
        Err(StageError::NotPossible("to see a line's settings"))
    }

    /// Whether the module has explained something that has `text` in it; explanations up to that one are used up.
    ///
    /// # Errors
    ///
    /// Not possible here.
    fn note(&mut self, text: &str) -> Result<Progress, StageError> {
        let _ = text;
        Err(StageError::NotPossible("to see explanations"))
    }

    /// Whether the module has switched itself off (or begun to restart) since the last call.
    ///
    /// # Errors
    ///
    /// Not possible here, or it did the other thing.
    fn power(&mut self, restarting: bool) -> Result<Progress, StageError> {
        let _ = restarting;
        Err(StageError::NotPossible("to see the module's power state"))
    }

    /// Kills the module and makes it again with the same files and settings. With `cold` its boot messages are kept.
    ///
    /// # Errors
    ///
    /// Not possible here.
    fn restart(&mut self, cold: bool) -> Result<(), StageError> {
        let _ = cold;
        Err(StageError::NotPossible("to kill the module"))
    }

    /// What nobody has asked about, other than output on lines; called after the last step.
    fn leftovers(&mut self) -> Vec<Leftover> {
        Vec::new()
    }
}

/// Whose time passes on a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// A number that the stage counts up: waiting costs nothing and is exact.
    Virtual,
    /// Everybody's.
    Real,
}

/// How the module comes up.
#[derive(Clone, Copy, Debug)]
pub struct PowerOn<'a> {
    /// `@module` lines, in order.
    pub settings: &'a [ModuleSetting],
    /// How many lines the transcript uses.
    pub lines: u8,
    /// Boot messages are part of the conversation. Otherwise the module is up and, where its surroundings allow,
    /// registered before the first step, and what it said on the way is dropped.
    pub cold: bool,
}

/// Why a stage can't go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// This stage can't do that kind of step at all.
    #[error("this step is not possible here: there is no way {0}")]
    NotPossible(&'static str),
    /// The bytes are wrong.
    #[error("{what}")]
    Differs {
        /// What is compared, such as "what connection 1 received".
        what: String,
        /// What should be there.
        expected: Vec<u8>,
        /// What is there.
        got: Vec<u8>,
    },
    /// Anything else; one sentence.
    #[error("{0}")]
    Failed(String),
}

/// Whether an expectation has come true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has.
    Done,
    /// It still may; what is missing, for the report when time is over.
    NotYet(StageError),
}

/// Something that no step asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What it is, such as "connection 1 received".
    pub what: String,
    /// Its bytes, where it has any.
    pub bytes: Vec<u8>,
}
