use std::time::Duration;

use super::*;

fn resolve(host: &str) -> Query {
    Query::Resolve { host: host.into(), name_servers: Vec::new(), timeout: 5_000 }
}

fn echo() -> Query {
    let host = "192.0.2.7".into();
    let name_servers = vec!["192.0.2.53".parse().unwrap(), "192.0.2.54".parse().unwrap()];
    Query::Echo { host, name_servers, sequence: 3, length: 32, ttl: 64, timeout: 1_500 }
}

fn message() -> Query {
    Query::Message { destination: "+8613800000000".into(), tpdu: vec![1, 0xAB] }
}

fn ask(queries: &mut Queries, now: u64, id: u32, question: Query) {
    queries.ask(now, QueryId(id), question, |_| None);
}

fn done(queries: &mut Queries, now: u64, step: &QueryStep) {
    assert_eq!(queries.step(now, None, step), Ok(Progress::Done), "{step:?}");
}

fn expect(kind: QueryKind, target: &str, fields: &[(&str, &str)]) -> QueryStep {
    let fields = fields.iter().map(|&(key, value)| (key.into(), value.into())).collect();
    QueryStep::Expect { kind, target: target.into(), fields }
}

#[test]
fn what_nobody_answers_times_out_when_the_module_says() {
    let mut queries = Queries::default();
    ask(&mut queries, 100, 1, resolve("example.com"));
    assert_eq!(queries.next_told(), None);
    assert_eq!(queries.leftovers().len(), 1);
    assert_eq!(queries.deadline(), Some(5_100));
    queries.advance(5_099);
    assert_eq!(queries.next_told(), None);
    queries.advance(5_100);
    assert_eq!(queries.next_told(), Some((QueryId(1), Err(QueryFailure::Timeout))));
    assert!(queries.leftovers().is_empty());
    assert_eq!(queries.deadline(), None);
}

#[test]
fn an_answer_goes_to_the_oldest_question_or_to_the_one_that_is_named() {
    let mut queries = Queries::default();
    for (id, host) in [(1, "a"), (2, "b"), (3, "c")] {
        ask(&mut queries, 0, id, resolve(host));
    }
    let to = |text: &str| QueryStep::Answer(text.parse().unwrap());
    assert_eq!(queries.step(0, Some(2), &to("192.0.2.2")), Ok(Progress::Done));
    done(&mut queries, 0, &to("192.0.2.1"));
    done(&mut queries, 0, &QueryStep::Fails(QueryProblem::UnknownName));
    let told: Vec<_> = std::iter::from_fn(|| queries.next_told()).collect();
    let address = |text: &str| Ok(QueryReply::Address(text.parse().unwrap()));
    assert_eq!(
        told,
        [
            (QueryId(2), address("192.0.2.2")),
            (QueryId(1), address("192.0.2.1")),
            (QueryId(3), Err(QueryFailure::UnknownName))
        ]
    );
    assert!(queries.step(0, Some(1), &to("192.0.2.1")).is_err());
    assert!(matches!(queries.step(0, Some(4), &to("192.0.2.1")), Ok(Progress::NotYet(_))));
    assert!(matches!(queries.step(0, None, &to("192.0.2.1")), Ok(Progress::NotYet(_))));
}

#[test]
fn an_echo_takes_its_time_but_not_more_than_there_is() {
    let mut queries = Queries::default();
    let step = |millis, from: Option<&str>| QueryStep::Echo {
        after: Duration::from_millis(millis),
        ttl: 54,
        from: from.map(|text| text.parse().unwrap()),
    };
    ask(&mut queries, 0, 1, echo());
    done(&mut queries, 10, &step(35, None));
    assert_eq!(queries.deadline(), Some(45));
    queries.advance(45);
    let back = |from: &str, millis| Ok(QueryReply::Echo { from: from.parse().unwrap(), millis, ttl: 54 });
    assert_eq!(queries.next_told(), Some((QueryId(1), back("192.0.2.7", 45))));

    ask(&mut queries, 100, 2, echo());
    done(&mut queries, 100, &step(0, Some("192.0.2.9")));
    assert_eq!(queries.next_told(), Some((QueryId(2), back("192.0.2.9", 0))));

    ask(&mut queries, 200, 3, echo());
    done(&mut queries, 200, &step(2_000, None));
    assert_eq!(queries.deadline(), Some(1_700));
    queries.advance(1_700);
    assert_eq!(queries.next_told(), Some((QueryId(3), Err(QueryFailure::Timeout))));
}

#[test]
fn some_questions_answer_themselves_unless_they_are_held() {
    let fails = DnsAnswer::Fails;
    let there = DnsAnswer::Address("192.0.2.80".parse().unwrap());
    let dns = |name: &str| match name {
        "no" => Some(&fails),
        "yes" => Some(&there),
        _ => None,
    };
    let mut queries = Queries::default();
    let time = Query::Time { host: "no".into(), name_servers: Vec::new(), timeout: 1 };
    for (id, question) in
        [(1, resolve("no")), (2, resolve("yes")), (3, resolve("192.0.2.1")), (4, time), (5, message())]
    {
        queries.ask(0, QueryId(id), question, dns);
    }
    let told: Vec<_> = std::iter::from_fn(|| queries.next_told()).map(|(_, answer)| answer).collect();
    let address = |text: &str| Ok(QueryReply::Address(text.parse().unwrap()));
    assert_eq!(
        told,
        [
            Err(QueryFailure::UnknownName),
            address("192.0.2.80"),
            address("192.0.2.1"),
            Err(QueryFailure::UnknownName),
            Ok(QueryReply::Taken)
        ]
    );
    done(&mut queries, 0, &QueryStep::Hold(true));
    queries.ask(0, QueryId(6), message(), dns);
    assert_eq!((queries.next_told(), queries.deadline()), (None, None));
    done(&mut queries, 0, &QueryStep::Fails(QueryProblem::Unreachable));
    assert_eq!(queries.next_told(), Some((QueryId(6), Err(QueryFailure::Unreachable))));
}

#[test]
fn expectations_compare_what_they_name() {
    let mut queries = Queries::default();
    let asked = expect(QueryKind::Resolve, "a", &[]);
    assert!(matches!(queries.step(0, None, &asked), Ok(Progress::NotYet(_))));
    ask(&mut queries, 0, 1, echo());
    done(&mut queries, 0, &expect(QueryKind::Echo, "192.0.2.7", &[]));
    let all = [
        ("sequence", "3"),
        ("length", "32"),
        ("ttl", "64"),
        ("servers", "192.0.2.53,192.0.2.54"),
        ("timeout", "1500ms"),
    ];
    done(&mut queries, 0, &expect(QueryKind::Echo, "192.0.2.7", &all));
    for wrong in [
        expect(QueryKind::Resolve, "192.0.2.7", &[]),
        expect(QueryKind::Echo, "192.0.2.8", &[]),
        expect(QueryKind::Echo, "192.0.2.7", &[("ttl", "63")]),
    ] {
        assert!(matches!(queries.step(0, None, &wrong), Ok(Progress::NotYet(_))), "{wrong:?}");
    }
    // What has been answered can still be looked at when nothing waits.
    queries.drop_all();
    ask(&mut queries, 0, 2, message());
    done(&mut queries, 0, &expect(QueryKind::Message, "+8613800000000", &[("tpdu", "01AB")]));
    done(&mut queries, 0, &QueryStep::Hold(false));
    ask(&mut queries, 0, 3, resolve("a"));
    done(&mut queries, 0, &expect(QueryKind::Resolve, "a", &[("servers", "none"), ("timeout", "5s")]));
}

#[test]
fn an_answer_has_to_fit_its_question() {
    let mut queries = Queries::default();
    ask(&mut queries, 0, 1, echo());
    for step in [QueryStep::Answer("192.0.2.1".parse().unwrap()), QueryStep::Time(0), QueryStep::Taken] {
        assert!(queries.step(0, None, &step).is_err(), "{step:?}");
    }
    ask(&mut queries, 0, 2, resolve("a"));
    let back = QueryStep::Echo { after: Duration::ZERO, ttl: 1, from: None };
    assert!(queries.step(0, Some(2), &back).is_err());
}
