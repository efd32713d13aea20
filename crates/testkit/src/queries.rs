//! What the module asks the network beside its connections, and the scripted answers.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};

use modem::{Query, QueryFailure, QueryId, QueryReply};
use transcript::{DnsAnswer, Leftover, Progress, QueryKind, QueryProblem, QueryStep, StageError};

/// An answer.
pub(crate) type Answer = Result<QueryReply, QueryFailure>;

/// All questions that the module has asked, in order.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    asked: Vec<Asked>,
    /// Everything before this one is over.
    first: usize,
    /// For the module, in order.
    told: VecDeque<(QueryId, Answer)>,
    /// Nothing is answered without a step.
    hold: bool,
}

#[derive(Debug)]
struct Asked {
    id: QueryId,
    question: Query,
    at: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No step has answered.
    Waiting,
    /// Answered: the answer arrives then.
    Answered(u64, Answer),
    Over,
}

impl Asked {
    /// When the module has to have an answer.
    fn limit(&self) -> Option<u64> {
        match &self.question {
            Query::Resolve { timeout, .. } | Query::Echo { timeout, .. } | Query::Time { timeout, .. } => {
                Some(self.at + timeout)
            }
            Query::Message { .. } => None,
        }
    }

    /// When something is due, and what.
    fn due(&self) -> Option<(u64, Answer)> {
        match self.state {
            // Nobody is there to answer.
            State::Waiting => Some((self.limit()?, Err(QueryFailure::Timeout))),
            State::Answered(at, answer) => Some((at, answer)),
            State::Over => None,
        }
    }

    /// Decides the answer and when it arrives; one that would be too late never does.
    fn answer(&mut self, at: u64, answer: Answer) {
        self.state = match self.limit() {
            Some(limit) if at > limit => State::Answered(limit, Err(QueryFailure::Timeout)),
            _ => State::Answered(at, answer),
        };
    }
}

impl Queries {
    /// The module asks something. `dns` is what the transcript has said about names.
    pub(crate) fn ask<'d>(
        &mut self,
        now: u64,
        id: QueryId,
        question: Query,
        dns: impl Fn(&str) -> Option<&'d DnsAnswer>,
    ) {
        let by_itself = if self.hold { None } else { by_itself(&question, dns) };
        let mut asked = Asked { id, question, at: now, state: State::Waiting };
        if let Some(answer) = by_itself {
            asked.answer(now, answer);
        }
        self.asked.push(asked);
        self.advance(now);
    }

    /// The next answer that the module is to be told.
    pub(crate) fn next_told(&mut self) -> Option<(QueryId, Answer)> {
        self.told.pop_front()
    }

    /// When the next answer arrives.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.asked[self.first..].iter().filter_map(|asked| Some(asked.due()?.0)).min()
    }

    /// Lets answers arrive that are due.
    pub(crate) fn advance(&mut self, now: u64) {
        for asked in &mut self.asked[self.first..] {
            if let Some((_, answer)) = asked.due().filter(|&(at, _)| at <= now) {
                asked.state = State::Over;
                self.told.push_back((asked.id, answer));
            }
        }
        self.first += self.asked[self.first..].iter().take_while(|asked| asked.state == State::Over).count();
    }

    /// The module is gone; nobody waits for answers any more.
    pub(crate) fn drop_all(&mut self) {
        self.asked.iter_mut().for_each(|asked| asked.state = State::Over);
        self.told.clear();
    }

    /// Answers or checks what a step says.
    pub(crate) fn step(
        &mut self,
        now: u64,
        number: Option<u32>,
        step: &QueryStep,
    ) -> Result<Progress, StageError> {
        if let QueryStep::Hold(on) = step {
            self.hold = *on;
            return Ok(Progress::Done);
        }
        let Some(index) = self.select(number, step) else {
            let missing = match (number, step) {
                (Some(number), _) => format!("the module has not asked question {number}"),
                (None, QueryStep::Expect { .. }) => "the module has not asked anything".into(),
                (None, _) => "no question waits for an answer".into(),
            };
            return Ok(Progress::NotYet(StageError::Failed(missing)));
        };
        let number = index + 1;
        let asked = &mut self.asked[index];
        let wrong = |what: &str| Err(StageError::Failed(format!("question {number} {what}")));
        let answer = match step {
            QueryStep::Expect { kind, target, fields } => {
                let wanted = words(*kind, target, fields.iter().cloned());
                let (kind, target) = subject(&asked.question);
                let got = fields.iter().map(|(key, _)| (key.clone(), field(&asked.question, key)));
                let got = words(kind, target, got);
                return Ok(same(number, &wanted, &got));
            }
            _ if asked.state != State::Waiting => return wrong("does not wait for an answer"),
            QueryStep::Fails(QueryProblem::Timeout) => {
                asked.answer(asked.limit().unwrap_or(now), Err(QueryFailure::Timeout));
                self.advance(now);
                return Ok(Progress::Done);
            }
            QueryStep::Fails(problem) => Err(failure(*problem)),
            QueryStep::Answer(address) if matches!(asked.question, Query::Resolve { .. }) => {
                Ok(QueryReply::Address(*address))
            }
            QueryStep::Time(seconds) if matches!(asked.question, Query::Time { .. }) => {
                Ok(QueryReply::Time(seconds.saturating_mul(1000)))
            }
            QueryStep::Taken if matches!(asked.question, Query::Message { .. }) => Ok(QueryReply::Taken),
            QueryStep::Echo { after, ttl, from } => {
                let Query::Echo { host, .. } = &asked.question else {
                    return wrong("is not about an echo");
                };
                let at = now + u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                let from = from.or_else(|| host.parse().ok()).unwrap_or(SOMEWHERE);
                let reply = QueryReply::Echo { from, millis: at - asked.at, ttl: *ttl };
                asked.answer(at, Ok(reply));
                self.advance(now);
                return Ok(Progress::Done);
            }
            _ => return wrong("is about something else"),
        };
        asked.answer(now, answer);
        self.advance(now);
        Ok(Progress::Done)
    }

    fn select(&self, number: Option<u32>, step: &QueryStep) -> Option<usize> {
        if let Some(number) = number {
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            return (index < self.asked.len()).then_some(index);
        }
        let waiting = self.asked.iter().position(|asked| asked.state == State::Waiting);
        match step {
            QueryStep::Expect { .. } => waiting.or_else(|| self.asked.len().checked_sub(1)),
            _ => waiting,
        }
    }

    /// What no step has answered.
    pub(crate) fn leftovers(&self) -> Vec<Leftover> {
        let waits = |(index, asked): (usize, &Asked)| {
            let (kind, target) = subject(&asked.question);
            (asked.state == State::Waiting).then(|| Leftover {
                what: format!(
                    "question {} ({} {target}) was never answered (@query answer, fails, …)",
                    index + 1,
                    kind.word()
                ),
                bytes: Vec::new(),
            })
        };
        self.asked.iter().enumerate().filter_map(waits).collect()
    }
}

/// Where an echo comes from when nobody has said so.
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// What needs no step: names that `@dns` knows, addresses in dots, messages.
fn by_itself<'d>(question: &Query, dns: impl Fn(&str) -> Option<&'d DnsAnswer>) -> Option<Answer> {
    match question {
        Query::Resolve { host, .. } => match dns(host) {
            Some(DnsAnswer::Address(address)) => Some(Ok(QueryReply::Address(*address))),
            Some(DnsAnswer::Fails) => Some(Err(QueryFailure::UnknownName)),
            None => host.parse().ok().map(|address| Ok(QueryReply::Address(address))),
        },
        Query::Echo { host, .. } | Query::Time { host, .. } => match dns(host) {
            Some(DnsAnswer::Fails) => Some(Err(QueryFailure::UnknownName)),
            Some(DnsAnswer::Address(_)) | None => None,
        },
        Query::Message { .. } => Some(Ok(QueryReply::Taken)),
    }
}

fn failure(problem: QueryProblem) -> QueryFailure {
    match problem {
        QueryProblem::UnknownName => QueryFailure::UnknownName,
        QueryProblem::BadNameServer => QueryFailure::BadNameServer,
        QueryProblem::NoNameServer => QueryFailure::NoNameServer,
        QueryProblem::Timeout => QueryFailure::Timeout,
        QueryProblem::Unreachable => QueryFailure::Unreachable,
        QueryProblem::BadAnswer => QueryFailure::BadAnswer,
        QueryProblem::Refused => QueryFailure::Refused,
        QueryProblem::NotPossible => QueryFailure::NotPossible,
    }
}

fn subject(question: &Query) -> (QueryKind, &str) {
    match question {
        Query::Resolve { host, .. } => (QueryKind::Resolve, host),
        Query::Echo { host, .. } => (QueryKind::Echo, host),
        Query::Time { host, .. } => (QueryKind::Time, host),
        Query::Message { destination, .. } => (QueryKind::Message, destination),
    }
}

/// A property of a question, as `@query expect` writes it.
fn field(question: &Query, key: &str) -> String {
    let (servers, limit): (&[IpAddr], u64) = match question {
        Query::Resolve { name_servers, timeout, .. }
        | Query::Time { name_servers, timeout, .. }
        | Query::Echo { name_servers, timeout, .. } => (name_servers, *timeout),
        Query::Message { .. } => (&[], 0),
    };
    match (key, question) {
        ("servers", _) if servers.is_empty() => "none".into(),
        ("servers", _) => servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        ("timeout", _) if limit % 1000 == 0 => format!("{}s", limit / 1000),
        ("timeout", _) => format!("{limit}ms"),
        ("sequence", Query::Echo { sequence, .. }) => sequence.to_string(),
        ("length", Query::Echo { length, .. }) => length.to_string(),
        ("ttl", Query::Echo { ttl, .. }) => ttl.to_string(),
        ("tpdu", Query::Message { tpdu, .. }) => tpdu.iter().map(|byte| format!("{byte:02X}")).collect(),
        _ => "unknown".into(),
    }
}

fn words(kind: QueryKind, target: &str, fields: impl Iterator<Item = (String, String)>) -> String {
    fields.fold(format!("{} {target}", kind.word()), |text, (key, value)| format!("{text} {key}={value}"))
}

fn same(number: usize, wanted: &str, got: &str) -> Progress {
    if wanted == got {
        return Progress::Done;
    }
    Progress::NotYet(StageError::Differs {
        what: format!("question {number} is another one"),
        expected: wanted.as_bytes().to_vec(),
        got: got.as_bytes().to_vec(),
    })
}
