//! Plays a transcript on a stage.

mod chunking;
mod happened;
mod play;

pub use chunking::Chunking;
pub use happened::{Happened, HostKind, ModuleKind};

use std::fmt;
use std::time::Duration;

use crate::bindings::Bindings;
use crate::failure::{Failure, Trouble};
use crate::stage::{Clock, PowerOn, Stage};
use crate::step::{Step, Transcript};
use play::Run;

/// Plays transcripts.
///
/// ```
/// use modemtwin_transcript::{Bindings, Runner, Stage, StageError, Transcript};
/// use std::time::Duration;
///
/// /// Answers OK to everything.
/// #[derive(Default)]
/// struct Polite(Vec<u8>);
///
/// impl Stage for Polite {
///     fn send(&mut self, _line: u8, bytes: &[u8]) -> Result<(), StageError> {
///         self.0.extend_from_slice(bytes);
///         if bytes.ends_with(b"\r") {
///             self.0.extend_from_slice(b"\r\nOK\r\n");
///         }
///         Ok(())
///     }
///     fn receive(&mut self, _line: u8, into: &mut Vec<u8>) -> Result<(), StageError> {
///         into.append(&mut self.0);
///         Ok(())
///     }
///     fn wait(&mut self, limit: Duration) -> Result<Duration, StageError> {
///         Ok(limit)
///     }
/// }
///
/// let transcript = Transcript::parse("polite", "> AT\n< OK\n")?;
/// Runner::new(&Bindings::new()).run(&mut Polite::default(), &transcript)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Runner<'a> {
    bindings: &'a Bindings,
    chunking: Chunking,
    limit: Option<Duration>,
    observer: Option<&'a mut dyn FnMut(&Happened<'_>)>,
}

impl fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("bindings", &self.bindings).finish_non_exhaustive()
    }
}

/// What a good run was like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many steps were done.
    pub steps: usize,
    /// How much time passed while waiting.
    pub waited: Duration,
}

/// How long an expectation may take in virtual time unless the transcript says so.
const VIRTUAL_LIMIT: Duration = Duration::from_secs(200);
/// The same in real time.
const REAL_LIMIT: Duration = Duration::from_secs(10);
impl<'a> Runner<'a> {
    /// A runner for transcripts that use these names.
    #[must_use]
    pub fn new(bindings: &'a Bindings) -> Self {
        Self { bindings, chunking: Chunking::Whole, limit: None, observer: None }
    }

    /// In what portions the host's bytes are handed over; [`Chunking::Whole`] unless said.
    #[must_use]
    pub fn chunking(mut self, chunking: Chunking) -> Self {
        self.chunking = chunking;
        self
    }

    /// How long an expectation may take where the transcript does not say; 200 s in virtual, 10 s in real time unless
    /// said.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Is told what happens while it happens.
    #[must_use]
    pub fn observer(mut self, observer: &'a mut dyn FnMut(&Happened<'_>)) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Plays `transcript` on `stage`.
    ///
    /// # Errors
    ///
    /// The first step that did not go as written, or what was left unread at the end.
    pub fn run(self, stage: &mut dyn Stage, transcript: &Transcript) -> Result<Summary, Box<Failure>> {
        let limit = self.limit.unwrap_or(match stage.clock() {
            Clock::Virtual => VIRTUAL_LIMIT,
            Clock::Real => REAL_LIMIT,
        });
        let mut run = Run::new(stage, self.bindings, transcript.lines, limit, self.chunking, self.observer);
        let failure = |run: &Run<'_, '_>, step: Option<&Step>, trouble: Trouble| {
            Box::new(Failure {
                name: transcript.name.clone(),
                position: step.map(|step| step.position),
                step: step.map(|step| step.text.clone()).unwrap_or_default(),
                way: None,
                what: trouble.what,
                expected: trouble.expected,
                got: trouble.got,
                before: run.tail.lines(),
            })
        };
        let plan =
            PowerOn { settings: &transcript.settings, lines: transcript.lines.max(1), cold: transcript.cold };
        if let Err(error) = run.stage.power_on(&plan) {
            return Err(failure(&run, None, Trouble::from(error)));
        }
        for step in &transcript.steps {
            if let Err(trouble) = run.step(step) {
                return Err(failure(&run, Some(step), trouble));
            }
        }
        run.end().map_err(|trouble| failure(&run, None, trouble))?;
        Ok(Summary { steps: transcript.steps.len(), waited: run.waited })
    }
}

/// Plays `transcript` with the host's bytes in whole steps, byte by byte, and in random pieces, each time on a new stage.
///
/// # Errors
///
/// The first failure; [`Failure::way`] tells in which of the ways.
pub fn run_all_ways<S: Stage>(
    mut make: impl FnMut() -> S,
    bindings: &Bindings,
    transcript: &Transcript,
) -> Result<(), Box<Failure>> {
    for chunking in [Chunking::Whole, Chunking::Bytewise, Chunking::Random(1), Chunking::Random(2)] {
        Runner::new(bindings).chunking(chunking).run(&mut make(), transcript).map_err(|mut failure| {
            failure.way = Some(chunking.to_string());
            failure
        })?;
    }
    Ok(())
}
