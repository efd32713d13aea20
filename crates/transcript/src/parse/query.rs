//! What stands behind `@query`.

use super::scan::{Fault, Scan};
use crate::outside::{QueryKind, QueryProblem, QueryStep};
use crate::step::Action;

/// Behind `@query`.
pub(super) fn query(scan: &mut Scan<'_>) -> Result<Action, Fault> {
    scan.blanks();
    let number = match scan.peek() {
        Some('0'..='9') => {
            Some(scan.value("a question's number, from 1", |w| w.parse().ok().filter(|&n| n > 0))?)
        }
        _ => None,
    };
    Ok(Action::Query { number, step: step(scan)? })
}

fn step(scan: &mut Scan<'_>) -> Result<QueryStep, Fault> {
    const ALLOWED: &str = "there are @query expect, answer, echo, time, taken, fails and hold";
    let at = scan.next_at();
    Ok(match scan.word() {
        "expect" => expect(scan)?,
        "answer" => QueryStep::Answer(scan.number("an address")?),
        "echo" => echo(scan)?,
        "time" => QueryStep::Time(scan.number("seconds since 1970-01-01 UTC")?),
        "taken" => QueryStep::Taken,
        "fails" => QueryStep::Fails(scan.value(PROBLEMS, problem)?),
        "hold" => QueryStep::Hold(scan.switch()?),
        _ => return Err(Fault::new(at, ALLOWED)),
    })
}

/// `TIME`, and perhaps `ttl N` and `from ADDRESS`.
fn echo(scan: &mut Scan<'_>) -> Result<QueryStep, Fault> {
    let after = scan.duration()?;
    let (mut ttl, mut from) = (64, None);
    loop {
        let at = scan.next_at();
        match scan.word() {
            "" => return Ok(QueryStep::Echo { after, ttl, from }),
            "ttl" => ttl = scan.number("a time to live of 0 to 255")?,
            "from" => from = Some(scan.number("an address")?),
            _ => return Err(Fault::new(at, "here stands ttl and a number, from and an address, or nothing")),
        }
    }
}

const PROBLEMS: &str = "no-such-name, bad-name-server, no-name-server, timeout, unreachable, bad-answer, refused or not-possible";

fn problem(word: &str) -> Option<QueryProblem> {
    Some(match word {
        "no-such-name" => QueryProblem::UnknownName,
        "bad-name-server" => QueryProblem::BadNameServer,
        "no-name-server" => QueryProblem::NoNameServer,
        "timeout" => QueryProblem::Timeout,
        "unreachable" => QueryProblem::Unreachable,
        "bad-answer" => QueryProblem::BadAnswer,
        "refused" => QueryProblem::Refused,
        "not-possible" => QueryProblem::NotPossible,
        _ => return None,
    })
}

fn expect(scan: &mut Scan<'_>) -> Result<QueryStep, Fault> {
    let kinds = [QueryKind::Resolve, QueryKind::Echo, QueryKind::Time, QueryKind::Message];
    let kind = scan
        .value("resolve, echo, time or message", |word| kinds.into_iter().find(|kind| kind.word() == word))?;
    let target = scan.some_word("the name, address or number that is asked about")?.into();
    let known = fields(kind);
    let mut fields = Vec::new();
    loop {
        let at = scan.next_at();
        let word = scan.word();
        if word.is_empty() {
            return Ok(QueryStep::Expect { kind, target, fields });
        }
        let (key, value) = word.split_once('=').filter(|(key, _)| known.contains(key)).ok_or_else(|| {
            let known = known.join(", ");
            Fault::new(at, format!("here stands KEY=VALUE with one of these keys: {known}"))
        })?;
        fields.push((key.into(), value.into()));
    }
}

/// What can be said about a question, in `@query expect`.
fn fields(kind: QueryKind) -> &'static [&'static str] {
    match kind {
        QueryKind::Resolve | QueryKind::Time => &["servers", "timeout"],
        QueryKind::Echo => &["sequence", "length", "ttl", "servers", "timeout"],
        QueryKind::Message => &["tpdu"],
    }
}
