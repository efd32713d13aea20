//! Contexts are shared by what they are, the key log is off unless asked for, and the server's side is told apart.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{LIMIT, demanding_server, identity, pki, server, verify, verifying};
use modemtwin_tls::{
    Acceptor, Connector, FixedRandom, Policy, ServerPolicy, Suite, TimeRule, Verify, Version,
};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

async fn connect(connector: &Connector, policy: &Policy, server: &ServerPolicy) {
    let (near, far) = duplex(64 * 1024);
    let acceptor = Acceptor::new(server).unwrap();
    let serve = tokio::spawn(async move { acceptor.accept(far, LIMIT).await });
    let mut stream = connector.connect(near, policy, LIMIT).await.unwrap();
    stream.write_all(b"x").await.unwrap();
    let mut accepted = serve.await.unwrap().unwrap();
    accepted.stream.read_exact(&mut [0]).await.unwrap();
}

#[tokio::test]
async fn what_is_set_per_session_shares_a_context() {
    let connector = Connector::new();
    let time = |time| Verify::Chain { partial: true, name: None, time };
    for policy in [
        verifying(),
        verifying(),
        Policy { server_name: Some("localhost".into()), ..verifying() },
        Policy { verify: verify(Some("localhost")), ..verifying() },
        Policy { verify: time(TimeRule::Ignore), ..verifying() },
        Policy { verify: time(TimeRule::At(common::now() + 86_400)), ..verifying() },
    ] {
        connect(&connector, &policy, &server()).await;
    }
    assert_eq!(connector.cached_contexts(), 1);
    connect(
        &connector,
        &Policy { identity: Some(identity(&pki().client)), ..verifying() },
        &demanding_server(),
    )
    .await;
    connect(&connector, &Policy { suites: vec![Suite(0x0035)], ..verifying() }, &server()).await;
    connect(&connector, &Policy { max_version: Version::Tls11, ..verifying() }, &server()).await;
    connect(&connector, &Policy { verify: Verify::None, ..verifying() }, &server()).await;
    assert_eq!(connector.cached_contexts(), 5);
    // Without verification the anchors do not matter.
    connect(&connector, &Policy { anchors: None, verify: Verify::None, ..verifying() }, &server()).await;
    assert_eq!(connector.cached_contexts(), 5);
    // Fixed values live in a library context of their own; which values does not matter.
    for byte in [1, 2] {
        let fixed = FixedRandom { hello: Some([byte; 32]), premaster: None };
        connect(&connector, &Policy { fixed, ..verifying() }, &server()).await;
    }
    assert_eq!(connector.cached_contexts(), 6);
}

#[tokio::test]
async fn a_time_of_one_session_does_not_stay_for_the_next() {
    let connector = Connector::new();
    let at = |seconds| Policy {
        verify: Verify::Chain { partial: false, name: None, time: TimeRule::At(seconds) },
        ..verifying()
    };
    for (seconds, good) in [(common::now(), true), (0, false), (common::now(), true)] {
        let (near, far) = duplex(64 * 1024);
        let acceptor = Acceptor::new(&server()).unwrap();
        let serve = tokio::spawn(async move { acceptor.accept(far, LIMIT).await.map(|_| ()) });
        assert_eq!(connector.connect(near, &at(seconds), LIMIT).await.is_ok(), good);
        let _ = serve.await.unwrap();
    }
    assert_eq!(connector.cached_contexts(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cache_is_bounded_and_has_no_doubles() {
    let connector = Arc::new(Connector::new());
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let connector = Arc::clone(&connector);
            tokio::spawn(async move { connect(&connector, &verifying(), &server()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(connector.cached_contexts(), 1);
    // A different order of suites is a different ClientHello, so a different context: 120 of them.
    let five = [0x0035, 0x002F, 0x0005, 0x0004, 0x000A].map(Suite);
    for i in 0..120 {
        let mut rest = five.to_vec();
        let mut order = i;
        let suites = (1..=5).rev().map(|n| (rest.remove(order % n), order /= n).0).collect();
        connect(&connector, &Policy { suites, ..verifying() }, &server()).await;
    }
    assert_eq!(connector.cached_contexts(), 64);
}

#[tokio::test]
async fn the_key_log_is_written_when_asked_for() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let connector = Connector::with_key_log(move |line| sink.lock().unwrap().push(line.to_owned()));
    connect(&connector, &Policy { suites: vec![Suite(0x0035)], ..verifying() }, &server()).await;
    let lines = lines.lock().unwrap();
    assert!(lines.iter().any(|line| line.starts_with("CLIENT_RANDOM ")), "{} lines", lines.len());
}

#[tokio::test]
async fn the_servers_report_speaks_of_the_client() {
    let (near, far) = duplex(64 * 1024);
    let acceptor = Acceptor::new(&demanding_server()).unwrap();
    let serve = tokio::spawn(async move { acceptor.accept(far, LIMIT).await.unwrap() });
    let policy = Policy { identity: Some(identity(&pki().client)), ..verifying() };
    let stream = Connector::new().connect(near, &policy, LIMIT).await.unwrap();
    let accepted = serve.await.unwrap();
    assert!(accepted.client.as_deref().is_some_and(|subject| subject.contains("CN=client")));
    let text = accepted.stream.report().to_string();
    assert!(text.contains("client O=") && text.contains("CN=client"), "{text}");
    assert!(!text.contains("NOT authenticated"), "{text}");
    let text = stream.report().to_string();
    assert!(text.contains("server O=") && text.contains("CN=server"), "{text}");
}
