//! What the parser takes, and what it says about what it does not take.

use std::time::Duration;

use modemtwin_transcript::{
    Account, Action, Apn, Break, Card, ConnectFailure, Contents, Coverage, Dns, Expect, Fill, LineKind,
    ModuleSetting, Pace, Payload, PeerStep, Position, QueryKind, QueryProblem, QueryStep, SecureFailure,
    Send, StoreStep, Template, Transcript, World, WorldFile,
};
use proptest::prelude::*;

fn actions(text: &str) -> Vec<Action> {
    let transcript = Transcript::parse("t", text).unwrap_or_else(|error| panic!("{error}"));
    transcript.steps.into_iter().map(|step| step.action).collect()
}

fn action(text: &str) -> Action {
    let mut all = actions(text);
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

fn error(text: &str) -> String {
    Transcript::parse("t", text).expect_err(text).to_string()
}

#[test]
fn the_host_speaks() {
    let command = |text: &str, echo| Action::Send {
        line: 0,
        what: Send::Command { text: Template::parse(text, false).unwrap(), echo },
    };
    assert_eq!(action("> AT+CPIN?"), command("AT+CPIN?", true));
    assert_eq!(action(">"), command("", true));
    assert_eq!(actions("@echo off\n> AT\n@echo on\n> AT"), [command("AT", false), command("AT", true)]);
    assert_eq!(action(r">> a\r\n\x1b"), Action::Send { line: 0, what: Send::Raw(b"a\r\n\x1b".to_vec()) });
    let payload = |payload| Action::Send { line: 0, what: Send::Payload(payload) };
    assert_eq!(action(r#">raw 3 "a\"{""#), payload(Payload::Bytes(b"a\"{".to_vec())));
    assert_eq!(action(">file ca.crt"), payload(Payload::File("ca.crt".into())));
    assert_eq!(
        action(">bytes 256 count-up"),
        payload(Payload::Generated { count: 256, fill: Fill::CountUp })
    );
}

#[test]
fn the_module_answers() {
    let line = |text: &str| Expect::Line(Template::parse(text, true).unwrap());
    let expects: Vec<Expect> = actions(
        "< OK\n<+ a{*}\n<<\t\n<prompt\n<data x\n<data last\n<any 5".replace("<<\t", r"<< \t").as_str(),
    )
    .into_iter()
    .map(|action| match action {
        Action::Expect { line: 0, what } => what,
        other => panic!("{other:?}"),
    })
    .collect();
    let parts = |expect: &Expect| match expect {
        Expect::Line(template) => format!("{:?}", template.parts.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(parts(&expects[0]), "3");
    assert_eq!(expects[1], line("a{*}\\r\\n"));
    assert_eq!(expects[2], Expect::Raw(b"\t".to_vec()));
    assert_eq!(expects[3], Expect::Prompt);
    assert_eq!(expects[4], Expect::Payload(Payload::File("x".into())));
    assert_eq!(expects[5], Expect::Payload(Payload::Last));
    assert_eq!(expects[6], Expect::Any(5));
}

#[test]
fn lines_are_chosen_by_prefix_or_directive() {
    let transcript = Transcript::parse("t", "1> AT\n1< OK\n@line 2\n> AT\n0< RING").unwrap();
    assert_eq!(transcript.lines, 3);
    let lines: Vec<u8> = transcript
        .steps
        .iter()
        .map(|step| match step.action {
            Action::Send { line, .. } | Action::Expect { line, .. } => line,
            ref other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lines, [1, 1, 2, 0]);
}

#[test]
fn set_up_is_kept_apart() {
    let transcript =
        Transcript::parse("t", "# why\n@title x\n@module seed 7\n@module card none\n@boot cold\n> AT\n")
            .unwrap();
    assert_eq!(transcript.settings, [ModuleSetting::Seed(7), ModuleSetting::World(World::Card(None))]);
    assert!(transcript.cold);
    assert_eq!(transcript.steps.len(), 2);
    assert_eq!(transcript.steps[1].position, Position { line: 6, column: 1 });
    assert!(error("> AT\n@module seed 7").starts_with("t:2:1: this has to stand before"));
}

#[test]
fn what_a_line_is_beyond_its_bytes() {
    let transcript = Transcript::parse("t", "@module line 2 auto-baud\n@line 1\n@dtr off\n").unwrap();
    assert_eq!(transcript.lines, 3);
    assert_eq!(transcript.settings, [ModuleSetting::Line { line: 2, kind: LineKind::AutoBaud }]);
    assert_eq!(transcript.steps[0].action, Action::Dtr { line: 1, on: false });
    let setting = |text: &str| Action::LineSetting { line: 0, setting: Some(text.into()) };
    assert_eq!(action("@line-setting  rate  9600"), setting("rate 9600"));
    assert_eq!(action("@line-setting framing 8E1"), setting("framing 8E1"));
    assert_eq!(action("@line-setting flow hardware  none"), setting("flow hardware none"));
    assert_eq!(action("@line-setting ri on"), setting("ri on"));
    assert_eq!(action("@line-setting none"), Action::LineSetting { line: 0, setting: None });
    for wrong in ["framing 9N1", "framing 8N1x", "flow none", "flow xon none", "rate x", "cts on", "ri"] {
        error(&format!("@line-setting {wrong}"));
    }
}

#[test]
fn the_rest_of_the_world() {
    assert_eq!(action("@within 5s"), Action::Within(Duration::from_secs(5)));
    assert_eq!(action("@wait 200ms"), Action::Wait(Duration::from_millis(200)));
    assert_eq!(action("@world bearer lost"), Action::World(World::BearerLost));
    assert_eq!(action("@world bearer refused"), Action::World(World::Bearer(false)));
    assert_eq!(
        action("@peer 2 accept 192.0.2.1:443"),
        Action::Peer { number: Some(2), step: PeerStep::Accept(Some("192.0.2.1:443".parse().unwrap())) }
    );
    assert_eq!(
        action("@peer expect-close slow"),
        Action::Peer { number: None, step: PeerStep::ExpectClose { quick: Some(false) } }
    );
    assert_eq!(
        action("@peer expect-tls version=4 cacert=ca.crt"),
        Action::Peer {
            number: None,
            step: PeerStep::ExpectTls(Some(vec![
                ("version".into(), "4".into()),
                ("cacert".into(), "ca.crt".into())
            ])),
        }
    );
    for (text, step) in [
        ("@peer expect-from 5000", PeerStep::ExpectFrom(Some(5000))),
        ("@peer expect-from any", PeerStep::ExpectFrom(None)),
        ("@peer expect-keep-alive 60,30,3", PeerStep::ExpectKeepAlive(Some((60, 30, 3)))),
        ("@peer expect-keep-alive off", PeerStep::ExpectKeepAlive(None)),
        ("@peer expect-secure", PeerStep::ExpectSecure(Vec::new())),
        ("@peer expect-secure resume=1", PeerStep::ExpectSecure(vec![("resume".into(), "1".into())])),
        ("@peer secure", PeerStep::Secure),
        ("@peer tls-untrusted", PeerStep::Fail(ConnectFailure::TlsCertificate)),
        ("@peer secure-fails", PeerStep::FailSecure(SecureFailure::Handshake)),
        ("@peer secure-untrusted", PeerStep::FailSecure(SecureFailure::Certificate)),
        ("@peer secure-timeout", PeerStep::FailSecure(SecureFailure::Timeout)),
        ("@peer cut", PeerStep::Cut),
        ("@peer breaks shut-down", PeerStep::Break(Break::ShutDown)),
        ("@peer port-in-use", PeerStep::Fail(ConnectFailure::PortInUse)),
    ] {
        assert_eq!(action(text), Action::Peer { number: None, step });
    }
    assert_eq!(
        action("@store put a.txt \"x\""),
        Action::Store(StoreStep::Put { path: "a.txt".into(), contents: Payload::Bytes(b"x".to_vec()) })
    );
    assert_eq!(
        action("@file ca = certs/ca.pem"),
        Action::File { name: "ca".into(), contents: Contents::Path("certs/ca.pem".into()) }
    );
    assert_eq!(action("@power restart"), Action::Power { restarting: true });
}

#[test]
fn questions_are_expected_and_answered() {
    let step = |text: &str| match action(text) {
        Action::Query { number: None, step } => step,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        step("@query expect resolve example.com servers=192.0.2.53,192.0.2.54 timeout=5s"),
        QueryStep::Expect {
            kind: QueryKind::Resolve,
            target: "example.com".into(),
            fields: vec![("servers".into(), "192.0.2.53,192.0.2.54".into()), ("timeout".into(), "5s".into())],
        }
    );
    assert_eq!(step("@query answer 192.0.2.7"), QueryStep::Answer("192.0.2.7".parse().unwrap()));
    let echo = |ttl, from| QueryStep::Echo { after: Duration::from_millis(35), ttl, from };
    assert_eq!(step("@query echo 35ms"), echo(64, None));
    assert_eq!(step("@query echo 35ms ttl 54"), echo(54, None));
    assert_eq!(step("@query echo 35ms from 192.0.2.9 ttl 0"), echo(0, Some("192.0.2.9".parse().unwrap())));
    assert_eq!(step("@query time -1"), QueryStep::Time(-1));
    assert_eq!(step("@query taken"), QueryStep::Taken);
    assert_eq!(step("@query fails no-name-server"), QueryStep::Fails(QueryProblem::NoNameServer));
    assert_eq!(step("@query hold on"), QueryStep::Hold(true));
    assert_eq!(action("@query 3 taken"), Action::Query { number: Some(3), step: QueryStep::Taken });
}

#[test]
fn surroundings_have_words() {
    for (text, world) in [
        ("card out", World::Card(None)),
        (
            "card in blocked puk 87654321 arrears",
            World::Card(Some(Card {
                puk: Some("87654321".into()),
                blocked: true,
                account: Account::Arrears,
                ..Card::default()
            })),
        ),
        ("account refused", World::Account(Account::Refused)),
        ("rssi 99", World::Rssi(99)),
        ("coverage unusable", World::Coverage(Coverage::Unusable)),
        ("boot stuck", World::Boot(Pace::Stuck)),
        ("card-start normal", World::CardStart(Pace::Normal)),
        ("attach slow 90s", World::Attach(Pace::Slow(Duration::from_secs(90)))),
        ("bearer lost", World::BearerLost),
        ("apn any", World::Apn(Apn::Any)),
        (
            "apn private \"a\" \"me\" dead-end",
            World::Apn(Apn::Private {
                name: "a".into(),
                user: "me".into(),
                password: String::new(),
                dead_end: true,
            }),
        ),
        ("dns failing", World::Dns(Dns::Failing)),
        ("private-servers unreachable", World::PrivateServers(false)),
        ("time off", World::NetworkTime(false)),
        ("power-key", World::PowerKey(Duration::from_secs(2))),
        ("reset 100ms", World::Reset(Duration::from_millis(100))),
    ] {
        assert_eq!(action(&format!("@world {text}")), Action::World(world.clone()));
        let passes = world.passes();
        assert_eq!(Transcript::parse("t", &format!("@module {text}")).is_err(), passes, "{text}");
        assert_eq!(WorldFile::parse("w", text).is_err(), passes, "{text}");
        let file = WorldFile::parse("w", &format!("# why\n\n  after 5s {text}\n")).unwrap();
        assert_eq!(file.changes, [(Duration::from_secs(5), world)]);
        assert!(file.beginning.is_empty());
    }
}

#[test]
fn a_world_file_is_in_order() {
    let file = WorldFile::parse(
        "w",
        "account arrears\nafter 2s rssi 3\npower off\nafter 1s power-key\nafter 2s bearer lost\ncard in\n",
    )
    .unwrap();
    assert_eq!(
        file.beginning,
        [
            ModuleSetting::World(World::Card(Some(Card::default()))),
            ModuleSetting::World(World::Account(Account::Arrears)),
            ModuleSetting::Power(false),
        ]
    );
    let order: Vec<&str> = file.changes.iter().map(|(_, change)| change.key()).collect();
    assert_eq!(order, ["power-key", "rssi", "bearer"]);
}

#[test]
fn faults_in_a_world_file_say_where_and_what_is_allowed() {
    for (text, says) in [
        ("weather bad", "w:1:1: there are power, profile, card"),
        ("weather bad", "apn, dns, private-servers and messages, and after TIME"),
        ("\n  after 5s weather", "w:2:12: there are power, profile, card"),
        ("after soon rssi 3", "w:1:7: here stands a time"),
        ("after 5s", "w:1:9: there are power"),
        ("after 5s power off", "w:1:10: there are power"),
        ("rssi 3\ncard in\nrssi 4", "w:3:1: rssi stands in line 1 already"),
        ("bearer lost", "w:1:1: this only happens: write after and a time in front of it"),
        ("card in in", "w:1:9: behind in there may be pin DIGITS"),
        ("card in pin 12", "w:1:13: here stands a PIN"),
        ("card in arrears refused", "w:1:17: behind in there may be"),
        ("attach slow", "w:1:12: here stands a time"),
        ("attach quick", "w:1:8: here stands normal, stuck, or slow and a time"),
        ("apn private", "w:1:12: bytes in quotes"),
        ("apn private \"\"", "the APN is empty"),
        ("apn private \"a\" \"b\" \"c\" \"d\"", "dead-end"),
        ("apn private \"\\xFF\"", "w:1:13: this is not UTF-8"),
        ("dns slow", "w:1:5: here stands works, dead or failing"),
        ("private-servers off", "here stands reachable or unreachable"),
        ("profile", "the profile's name is missing"),
        ("rssi 3 4", "w:1:8: nothing more belongs here"),
        ("instance 3", "w:1:1: there are power"),
    ] {
        let message = WorldFile::parse("w", text).unwrap_err().to_string();
        assert!(message.contains(says), "{text:?} gives {message:?}, not {says:?}");
    }
}

#[test]
fn faults_say_where_and_what_is_allowed() {
    for (text, says) in [
        ("OK", "t:1:1: a step begins with >"),
        ("\n  <OK", "t:2:4: after < there is a blank"),
        ("> {nope", "t:1:3: { without }"),
        (">raw 3 \"ab\"", "t:1:6: it says 3 bytes, but there are 2"),
        (">raw \"ab", "t:1:6: this quote has no end"),
        (">file", "t:1:6: here stands a name"),
        (">bytes 9999999999 zero", "at most 67108864 bytes"),
        ("< OK ", "t:1:5: a blank at the end"),
        ("@echo maybe", "t:1:7: here stands on or off"),
        ("@wait 5", "t:1:7: here stands a time"),
        ("@wait 99999999999999999999s", "t:1:7: here stands a time"),
        ("@peer dance", "t:1:7: there are @peer accept"),
        ("@peer 0 accept", "a connection's number, from 1"),
        ("@query", "t:1:7: there are @query expect"),
        ("@query 0 taken", "t:1:8: here stands a question's number, from 1"),
        ("@query answer example.com", "t:1:15: here stands an address"),
        ("@query echo soon", "t:1:13: here stands a time"),
        ("@query echo 5ms ttl 256", "t:1:21: here stands a time to live"),
        ("@query echo 5ms to 192.0.2.7", "t:1:17: here stands ttl and a number"),
        ("@query fails badly", "t:1:14: here stands no-such-name"),
        ("@query expect gossip", "t:1:15: here stands resolve"),
        ("@query expect time", "t:1:19: the name, address or number"),
        (
            "@query expect time pool.example ttl=5",
            "t:1:33: here stands KEY=VALUE with one of these keys: servers, timeout",
        ),
        ("@peer expect-tls color=red", "KEY=VALUE"),
        ("@peer expect-secure none", "properties as in @peer expect-tls"),
        ("@peer expect-from 65536", "a local port, or any"),
        ("@peer expect-keep-alive 60,30", "IDLE,INTERVAL,COUNT"),
        ("@peer expect-keep-alive 60,30,3,1", "IDLE,INTERVAL,COUNT"),
        ("@peer breaks down", "network, unreachable"),
        ("@line 16", "0 to 15"),
        ("99> AT", "0 to 15"),
        ("@boot tepid", "cold or warm"),
        ("@within 5s now", "t:1:12: nothing more belongs here"),
        ("@nothing", "there are @title"),
        ("é> AT", "t:1:1: a step begins with"),
        ("> é{", "t:1:4: { without }"),
    ] {
        let message = error(text);
        assert!(message.contains(says), "{text:?} gives {message:?}, not {says:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused(text in "(\\PC|[\\n\"@<>{}\\\\ ])*") {
        let _ = Transcript::parse("t", &text);
    }

    #[test]
    fn any_world_file_is_taken_or_refused(words in proptest::collection::vec(
        prop::sample::select(vec![
            "after", "5s", "card", "in", "pin", "1234", "arrears", "apn", "private", "\"a\"", "\"", "\\x", "dead-end", "slow",
            "attach", "reset", "power", "off", "#", "\n", " ", "99999999999999999999s", "é",
        ]),
        0..12,
    )) {
        let _ = WorldFile::parse("w", &words.concat());
        let _ = WorldFile::parse("w", &words.join(" "));
    }

    #[test]
    fn words_of_the_format_in_any_order(words in proptest::collection::vec(
        prop::sample::select(vec![
            "@peer", "@query", "expect", "echo", "fails", "@file", "@store", "put", "x", "=", "\"", "\\x", "{", "}", "{*}", "{len:x}", ">", "<", ">>", "<<", "raw",
            "bytes", "5", "5s", "\n", " ", "card", "in", "pin", "@world", "@module", "apn", "private", "reset", "99999999999999999999", "é",
        ]),
        0..12,
    )) {
        let _ = Transcript::parse("t", &words.concat());
        let _ = Transcript::parse("t", &words.join(" "));
    }
}

#[test]
fn covers_names_rows_and_does_nothing() {
    let transcript =
        Transcript::parse("t", "@covers tcp.start.ok  tcp.start.fail\n@covers x\n> AT\n").unwrap();
    assert_eq!(transcript.covers, ["tcp.start.ok", "tcp.start.fail", "x"]);
    assert_eq!(transcript.steps.len(), 1);
    assert!(Transcript::parse("t", "@covers\n").is_err());
}
