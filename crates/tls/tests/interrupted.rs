//! Handshakes that stop half-way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{LIMIT, demanding_server, server, verifying};
use modemtwin_tls::{Acceptor, Cause, Class, Connector, Failure, Policy, ServerPolicy, Stage, Version};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// A server that can be stopped after its first flight.
struct Relay {
    near: DuplexStream,
    serve: tokio::task::JoinHandle<()>,
}

/// Passes the ClientHello on, and back what the server says to it.
async fn first_flight(mut near: DuplexStream, policy: ServerPolicy) -> Relay {
    let (mut middle, far) = duplex(64 * 1024);
    let acceptor = Acceptor::new(&policy).unwrap();
    let serve = tokio::spawn(async move {
        let _ = acceptor.accept(far, LIMIT).await;
    });
    let mut buffer = vec![0; 64 * 1024];
    let count = near.read(&mut buffer).await.unwrap();
    middle.write_all(&buffer[..count]).await.unwrap();
    // Up to TLS 1.2 it ends in ServerHelloDone, which has no body.
    let mut flight = Vec::new();
    while !flight.ends_with(&[14, 0, 0, 0]) {
        let count = middle.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0, "the server went away");
        flight.extend_from_slice(&buffer[..count]);
    }
    near.write_all(&flight).await.unwrap();
    Relay { near, serve }
}

fn policy() -> Policy {
    Policy { min_version: Version::Tls12, ..verifying() }
}

/// What the client makes of a server that answers its second flight with these bytes and the end.
async fn ended_with(policy: &Policy, server: ServerPolicy, last: &'static [u8]) -> Box<Failure> {
    let (near, far) = duplex(64 * 1024);
    let peer = tokio::spawn(async move {
        let mut relay = first_flight(far, server).await;
        relay.near.read_exact(&mut [0]).await.unwrap();
        relay.near.write_all(last).await.unwrap();
        relay.serve.abort();
    });
    let failure = Connector::new().connect(near, policy, LIMIT).await.unwrap_err();
    peer.await.unwrap();
    failure
}

/// What the client makes of a server that closes instead of saying Finished.
async fn cut(policy: &Policy, server: ServerPolicy) -> Box<Failure> {
    ended_with(policy, server, b"").await
}

#[tokio::test]
async fn servers_have_many_alerts_for_a_missing_certificate() {
    for (number, record) in [
        (40, &[21, 3, 3, 0, 2, 2, 40]),
        // GnuTLS finds an empty Certificate message malformed.
        (50, &[21, 3, 3, 0, 2, 2, 50]),
        (80, &[21, 3, 3, 0, 2, 2, 80]),
        (116, &[21, 3, 3, 0, 2, 2, 116]),
    ] {
        let failure = ended_with(&policy(), demanding_server(), record).await;
        let text = failure.to_string();
        assert!(text.contains("demands a client certificate and none was presented"), "{number}: {text}");
        assert!(text.contains(&format!("({number})")), "{text}");
        assert_eq!(failure.class(), Class::Configuration, "{text}");
    }
    // These say something else, and are believed.
    for record in [&[21, 3, 3, 0, 2, 2, 20], &[21, 3, 3, 0, 2, 2, 70]] {
        let failure = ended_with(&policy(), demanding_server(), record).await;
        let text = failure.to_string();
        assert!(text.contains("ended the handshake with alert") && !text.contains("certificate"), "{text}");
        assert_eq!(failure.class(), Class::Peer, "{text}");
    }
    let unasked = ended_with(&policy(), server(), &[21, 3, 3, 0, 2, 2, 50]).await;
    assert!(!unasked.to_string().contains("certificate"), "{unasked}");
}

#[tokio::test]
async fn closing_after_a_demand_for_a_certificate_is_named() {
    let failure = cut(&policy(), demanding_server()).await;
    let text = failure.to_string();
    assert_eq!((failure.stage, failure.class()), (Stage::Finished, Class::Configuration), "{text}");
    assert_eq!(failure.cause, Cause::Closed { after_data: true });
    assert!(text.contains("asked for a client certificate and none was presented"), "{text}");
}

#[tokio::test]
async fn closing_without_such_a_demand_is_the_servers_affair() {
    let failure = cut(&policy(), server()).await;
    let text = failure.to_string();
    assert_eq!((failure.stage, failure.class()), (Stage::Finished, Class::Peer), "{text}");
    assert!(text.contains("closed the connection waiting for the server's Finished"), "{text}");
    assert!(!text.contains("certificate"), "{text}");
}

// Time stands still while anything can go on, so it is up exactly when both sides wait.
#[tokio::test(start_paused = true)]
async fn falling_silent_names_the_stage() {
    let (near, far) = duplex(64 * 1024);
    let peer = tokio::spawn(first_flight(far, server()));
    let failure = Connector::new().connect(near, &policy(), Duration::from_millis(1500)).await.unwrap_err();
    let text = failure.to_string();
    assert_eq!(failure.cause, Cause::Timeout { millis: 1500, silent: false }, "{text}");
    assert_eq!(failure.stage, Stage::Finished, "{text}");
    assert!(
        text.contains("not done within 1.500 s (negotiatetimeout), waiting for the server's Finished"),
        "{text}"
    );
    drop(peer);
}
