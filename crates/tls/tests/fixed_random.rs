//! Fixed values are on the wire where they were asked for, and nowhere else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{LIMIT, pki, server, verifying};
use modemtwin_tls::{Acceptor, Connector, FixedRandom, Policy, Premaster, ServerPolicy, Suite, Version};
use openssl::pkey::PKey;
use openssl::rsa::Padding;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// What the client sent in its handshake.
struct Captured {
    random: [u8; 32],
    premaster: Vec<u8>,
}

/// One handshake through a relay that keeps what the client sends; the pre-master secret is decrypted with the server's
/// key.
async fn captured(connector: &Connector, policy: &Policy) -> Captured {
    let (near, relay_near) = duplex(64 * 1024);
    let (relay_far, far) = duplex(64 * 1024);
    let acceptor = Acceptor::new(&ServerPolicy { max_version: Version::Tls12, ..server() }).unwrap();
    let serve = tokio::spawn(async move {
        let mut accepted = acceptor.accept(far, LIMIT).await.unwrap();
        accepted.stream.write_all(b"hi").await.unwrap();
        accepted.stream.shutdown().await.unwrap();
    });
    let relay = tokio::spawn(relay(relay_near, relay_far));
    let mut stream = connector.connect(near, policy, LIMIT).await.unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    assert_eq!(text, b"hi");
    drop(stream);
    serve.await.unwrap();
    parse(&relay.await.unwrap())
}

async fn relay(near: DuplexStream, far: DuplexStream) -> Vec<u8> {
    let (mut near_read, mut near_write) = tokio::io::split(near);
    let (mut far_read, mut far_write) = tokio::io::split(far);
    let back = tokio::spawn(async move { tokio::io::copy(&mut far_read, &mut near_write).await });
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = near_read.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..n]);
        if far_write.write_all(&buffer[..n]).await.is_err() {
            break;
        }
    }
    drop(far_write);
    let _ = back.await;
    kept
}

fn parse(mut bytes: &[u8]) -> Captured {
    let mut random = [0; 32];
    let mut premaster = Vec::new();
    let key = PKey::private_key_from_pem(&pki().server.key_pem().unwrap()).unwrap().rsa().unwrap();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (body, next) = rest.split_at(length.min(rest.len()));
        match (kind, body) {
            // ChangeCipherSpec: what follows is encrypted.
            (20, _) => break,
            (22, [1, _, _, _, _, _, hello @ ..]) => random.copy_from_slice(&hello[..32]),
            (22, [16, _, _, _, exchange @ ..]) => {
                // SSL 3.0 has no length in front of the secret.
                let secret = &exchange[exchange.len() - 256..];
                let mut plain = vec![0; 256];
                let n = key.private_decrypt(secret, &mut plain, Padding::PKCS1).unwrap();
                premaster = plain[..n].to_vec();
            }
            _ => {}
        }
        bytes = next;
    }
    Captured { random, premaster }
}

fn count_up<const N: usize>(start: u8) -> [u8; N] {
    std::array::from_fn(|i| start.wrapping_add(u8::try_from(i).unwrap()))
}

#[tokio::test]
async fn both_values_are_on_the_wire_in_every_version() {
    let connector = Connector::new();
    for version in [Version::Ssl30, Version::Tls10, Version::Tls11, Version::Tls12] {
        let policy = Policy {
            min_version: version,
            max_version: version,
            suites: vec![Suite(0x0035)],
            fixed: FixedRandom {
                hello: Some(count_up(1)),
                premaster: Some(Premaster::Random(count_up(100))),
            },
            ..verifying()
        };
        let seen = captured(&connector, &policy).await;
        assert_eq!(seen.random, count_up::<32>(1), "{version}");
        assert_eq!(seen.premaster[2..], count_up::<46>(100), "{version}");
    }
    assert_eq!(connector.cached_contexts(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaks_into_other_sessions() {
    let connector = Arc::new(Connector::new());
    let fixed = FixedRandom { hello: Some([0xA5; 32]), premaster: Some(Premaster::Random([0x5A; 46])) };
    let only_hello = FixedRandom { hello: Some([0xC3; 32]), premaster: None };
    let tasks: Vec<_> = (0..240u8)
        .map(|i| {
            let connector = Arc::clone(&connector);
            let fixed = [fixed, only_hello, FixedRandom::default()][usize::from(i % 3)];
            tokio::spawn(async move { (i % 3, captured(&connector, &Policy { fixed, ..verifying() }).await) })
        })
        .collect();
    let mut randoms = HashSet::new();
    let mut secrets = HashSet::new();
    for task in tasks {
        let (kind, seen) = task.await.unwrap();
        match kind {
            0 => assert_eq!((seen.random, &seen.premaster[2..]), ([0xA5; 32], &[0x5A; 46][..])),
            1 => {
                assert_eq!(seen.random, [0xC3; 32]);
                assert!(secrets.insert(seen.premaster), "a pre-master secret came twice");
            }
            _ => {
                assert!(randoms.insert(seen.random), "a random came twice");
                assert!(secrets.insert(seen.premaster), "a pre-master secret came twice");
            }
        }
    }
    assert_eq!((randoms.len(), secrets.len()), (80, 160));
    assert!(!randoms.contains(&[0xA5; 32]) && !randoms.contains(&[0xC3; 32]));
    assert!(!secrets.iter().any(|secret| secret[2..] == [0x5A; 46]));
}

#[tokio::test]
async fn the_report_says_what_was_fixed() {
    let mut policy = verifying();
    policy.fixed.premaster = Some(Premaster::Random([1; 46]));
    let report = common::attempt(
        &policy,
        &ServerPolicy { max_version: Version::Tls12, suites: vec![Suite(0x0035)], ..server() },
    )
    .await
    .unwrap();
    assert_eq!(report.premaster_fixed, Some(true));
    assert!(report.to_string().contains("not secret"), "{report}");
    policy.modern = true;
    let report = common::attempt(&policy, &server()).await.unwrap();
    assert_eq!(report.premaster_fixed, Some(false), "{report}");
    assert!(report.to_string().contains("not used"), "{report}");
}
