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

/// What the client makes of a server that closes instead of saying Finished.
async fn cut(policy: &Policy, server: ServerPolicy) -> Box<Failure> {
    let (near, far) = duplex(64 * 1024);
    let peer = tokio::spawn(async move {
        let mut relay = first_flight(far, server).await;
        // The client's answer has come; no other answer to it than the end.
        relay.near.read_exact(&mut [0]).await.unwrap();
        relay.serve.abort();
    });
    let failure = Connector::new().connect(near, policy, LIMIT).await.unwrap_err();
    peer.await.unwrap();
    failure
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
