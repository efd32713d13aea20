//! A stage that plays a list of answers in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use modemtwin_transcript::{Clock, Progress, Stage, StageError};

/// What the stage says, and when.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The host has to have sent at least these bytes on the line (all of them are used up).
    pub(crate) after: &'static [u8],
    /// Then so much time passes.
    pub(crate) delay: Duration,
    /// Then this comes.
    pub(crate) bytes: &'static [u8],
}

/// Says `bytes` as soon as `after` was sent.
pub(crate) fn answer(after: &'static [u8], bytes: &'static [u8]) -> Answer {
    Answer { after, delay: Duration::ZERO, bytes }
}

/// Plays answers on line 0, in order.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) answers: VecDeque<Answer>,
    pub(crate) sent: BTreeMap<u8, Vec<u8>>,
    pub(crate) pieces: Vec<usize>,
    out: Vec<u8>,
    now: Duration,
    due: Option<(Duration, &'static [u8])>,
}

impl Scripted {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: answers.into_iter().collect(), ..Self::default() }
    }

    fn work(&mut self) {
        loop {
            if let Some((at, bytes)) = self.due {
                if at > self.now {
                    return;
                }
                self.out.extend_from_slice(bytes);
                self.due = None;
            }
            let Some(next) = self.answers.front() else { return };
            let sent = self.sent.entry(0).or_default();
            if !sent.starts_with(next.after) {
                return;
            }
            sent.drain(..next.after.len());
            self.due = Some((self.now + next.delay, next.bytes));
            self.answers.pop_front();
        }
    }
}

impl Stage for Scripted {
    fn send(&mut self, line: u8, bytes: &[u8]) -> Result<(), StageError> {
        self.pieces.push(bytes.len());
        self.sent.entry(line).or_default().extend_from_slice(bytes);
        self.work();
        Ok(())
    }

    fn receive(&mut self, line: u8, into: &mut Vec<u8>) -> Result<(), StageError> {
        if line == 0 {
            into.append(&mut self.out);
        }
        Ok(())
    }

    fn wait(&mut self, limit: Duration) -> Result<Duration, StageError> {
        let left = self.due.map_or(limit, |(at, _)| (at - self.now).min(limit));
        self.now += left;
        self.work();
        Ok(left)
    }

    fn clock(&self) -> Clock {
        Clock::Virtual
    }

    fn note(&mut self, text: &str) -> Result<Progress, StageError> {
        Ok(if text == "known" {
            Progress::Done
        } else {
            Progress::NotYet(StageError::Failed("no such explanation".into()))
        })
    }
}
