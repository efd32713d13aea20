//! Policies and peers that nobody would make on purpose.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{LIMIT, attempt, demanding_server, identity, pki, server, verify, verifying};
use modemtwin_tls::pki::{Request, Usage};
use modemtwin_tls::{
    Acceptor, Cause, Class, Closure, Connector, Failure, Identity, Policy, ServerName, ServerPolicy, Stage,
    Suite, Version,
};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::symm::Cipher;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

fn says(failure: &Failure, words: &[&str]) {
    let text = failure.to_string();
    assert!(!text.contains('\n'), "more than one line: {text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is missing in: {text}");
    }
}

/// Fails before anything goes out: the other end is not even there.
async fn refused(policy: Policy, words: &[&str]) -> Box<Failure> {
    let (near, mut far) = duplex(64 * 1024);
    let failure = Connector::new().connect(near, &policy, LIMIT).await.expect_err("should have been refused");
    assert_eq!((failure.stage, failure.class()), (Stage::Configure, Class::Configuration), "{failure}");
    says(&failure, words);
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    assert!(sent.is_empty(), "bytes went out: {sent:?}");
    failure
}

#[tokio::test]
async fn names_that_cannot_be_sent_or_checked() {
    for bad in ["a\0b", "\0", &"a".repeat(300)] {
        refused(Policy { server_name: Some(bad.into()), ..Policy::default() }, &["name", "cannot be"]).await;
    }
    // OpenSSL takes an empty name for "check none", and a leading dot for "any name below".
    for bad in ["", "a\0b", ".example.com", "."] {
        let verify = match verify(None) {
            modemtwin_tls::Verify::Chain { partial, time, .. } => {
                let name = Some(ServerName::Dns(bad.into()));
                modemtwin_tls::Verify::Chain { partial, name, time }
            }
            none => none,
        };
        refused(Policy { verify, ..verifying() }, &["name", "cannot be"]).await;
    }
}

#[tokio::test]
async fn a_final_dot_means_the_same_name() {
    let policy =
        Policy { server_name: Some("localhost.".into()), verify: verify(Some("localhost.")), ..verifying() };
    let (near, far) = duplex(64 * 1024);
    let acceptor = Acceptor::new(&server()).unwrap();
    let serve = tokio::spawn(async move { acceptor.accept(far, LIMIT).await.unwrap().server_name });
    Connector::new().connect(near, &policy, LIMIT).await.unwrap();
    assert_eq!(serve.await.unwrap().as_deref(), Some("localhost"));
}

// @covers ssl.connect.names
#[tokio::test]
async fn an_address_is_not_sent_as_a_name() {
    for address in ["127.0.0.1", "::1"] {
        let policy = Policy { server_name: Some(address.into()), ..verifying() };
        let (near, far) = duplex(64 * 1024);
        let acceptor = Acceptor::new(&server()).unwrap();
        let serve = tokio::spawn(async move { acceptor.accept(far, LIMIT).await.unwrap().server_name });
        Connector::new().connect(near, &policy, LIMIT).await.unwrap();
        assert_eq!(serve.await.unwrap(), None);
    }
}

#[tokio::test]
async fn combinations_that_cannot_be() {
    let suites =
        |suites: &[u16]| Policy { suites: suites.iter().copied().map(Suite).collect(), ..verifying() };
    refused(suites(&[]), &["no cipher suite"]).await;
    refused(suites(&[0x0035, 0x1301]), &["0X1301", "not one of"]).await;
    let backwards = Policy { min_version: Version::Tls12, max_version: Version::Tls10, ..verifying() };
    refused(backwards, &["TLS 1.2", "TLS 1.0", "oldest"]).await;
    let old = Policy { max_version: Version::Tls11, ..suites(&[0x003D, 0x003D]) };
    refused(old, &["this suite needs TLS 1.2"]).await;
    // Next to a suite that works, one that does not is simply never chosen.
    let mixed = Policy { max_version: Version::Tls11, ..suites(&[0x003D, 0x002F]) };
    assert_eq!(attempt(&mixed, &server()).await.unwrap().suite, Suite(0x002F));
}

#[tokio::test]
async fn keys_in_every_form() {
    let client = identity(&pki().client);
    let key = PKey::private_key_from_pem(&client.key).unwrap();
    let rsa = key.rsa().unwrap();
    let with = |key: Vec<u8>| {
        let identity = Some(Identity { certificate: client.certificate.clone(), key });
        Policy { identity, ..verifying() }
    };
    for good in [
        key.private_key_to_pem_pkcs8().unwrap(),
        key.private_key_to_pkcs8().unwrap(),
        rsa.private_key_to_pem().unwrap(),
        rsa.private_key_to_der().unwrap(),
    ] {
        attempt(&with(good), &demanding_server()).await.unwrap();
    }
    let aes = Cipher::aes_128_cbc;
    for encrypted in [
        key.private_key_to_pem_pkcs8_passphrase(aes(), b"secret").unwrap(),
        rsa.private_key_to_pem_passphrase(aes(), b"secret").unwrap(),
        key.private_key_to_pkcs8_passphrase(aes(), b"secret").unwrap(),
    ] {
        refused(with(encrypted), &["client key cannot be used", "encrypted"]).await;
    }
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let ec = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
    refused(with(ec.private_key_to_pem_pkcs8().unwrap()), &["client key", "not an RSA key"]).await;
    refused(with(b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n".to_vec()), &["damaged"]).await;
    refused(with(client.certificate.clone()), &["no private key"]).await;
    let other = refused(with(pki().server.key_pem().unwrap()), &["does not belong"]).await;
    assert_eq!(other.cause, Cause::KeyMismatch);
}

// @covers ssl.connect.anchor
#[tokio::test]
async fn anchors_below_the_root() {
    let middle = Request::new("Middle CA", Usage::Ca).signed_by(&pki().ca).unwrap();
    let leaf = Request::new("leaf", Usage::Server).names(&["localhost"]).signed_by(&middle).unwrap();
    let (leaf_pem, middle_pem) = (leaf.certificate_pem().unwrap(), middle.certificate_pem().unwrap());
    let alone = ServerPolicy::new(leaf_pem.clone(), leaf.key_pem().unwrap());
    let whole =
        ServerPolicy { certificate: [leaf_pem.clone(), middle_pem.clone()].concat(), ..alone.clone() };
    let trusting = |anchors: &[u8], partial: bool| Policy {
        anchors: Some(anchors.to_vec()),
        verify: match verify(Some("localhost")) {
            modemtwin_tls::Verify::Chain { name, time, .. } => {
                modemtwin_tls::Verify::Chain { partial, name, time }
            }
            none => none,
        },
        ..verifying()
    };
    let root = pki().ca.certificate_pem().unwrap();
    attempt(&trusting(&root, false), &whole).await.unwrap();
    attempt(&trusting(&[root.clone(), middle_pem.clone()].concat(), false), &alone).await.unwrap();
    for pin in [&middle_pem, &leaf_pem] {
        attempt(&trusting(pin, true), &alone).await.unwrap();
        attempt(&trusting(pin, false), &alone).await.unwrap_err();
    }
    let failure = attempt(&trusting(&root, true), &alone).await.unwrap_err();
    says(&failure, &["an intermediate that the server does not send", "CN=Middle CA"]);
    let failure =
        attempt(&trusting(&pki().other_ca.certificate_pem().unwrap(), false), &whole).await.unwrap_err();
    assert_eq!(failure.verify.as_ref().map(|v| (v.code, v.depth)), Some((20, 1)), "{failure}");
}

#[tokio::test]
async fn an_echo_is_not_a_tls_server() {
    let (near, far) = duplex(64 * 1024);
    let echo = tokio::spawn(async move {
        let (mut read, mut write) = tokio::io::split(far);
        tokio::io::copy(&mut read, &mut write).await
    });
    let failure = Connector::new().connect(near, &verifying(), LIMIT).await.unwrap_err();
    says(&failure, &["not TLS", "came back"]);
    let _ = echo.await;
}

#[tokio::test(start_paused = true)]
async fn a_short_banner_is_named_when_time_is_up() {
    let (near, mut far) = duplex(4096);
    far.write_all(b"ok\n").await.unwrap();
    let failure = Connector::new().connect(near, &verifying(), Duration::from_millis(50)).await.unwrap_err();
    says(&failure, &["not TLS", "ok\\n"]);
}

#[tokio::test]
async fn a_version_that_was_not_offered_is_named() {
    let (near, mut far) = duplex(4096);
    // A ServerHello of TLS 1.0.
    let mut hello = vec![2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2F, 0]);
    far.write_all(&[22, 3, 1, 0, 42]).await.unwrap();
    far.write_all(&hello).await.unwrap();
    let policy = Policy { min_version: Version::Tls12, ..verifying() };
    let failure = Connector::new().connect(near, &policy, LIMIT).await.unwrap_err();
    says(&failure, &["answers with TLS 1.0", "not offered"]);
}

#[tokio::test]
async fn a_late_demand_for_a_certificate_is_named() {
    let policy =
        Policy { min_version: Version::Tls13, max_version: Version::Tls13, modern: true, ..verifying() };
    let (near, far) = duplex(64 * 1024);
    let acceptor = Acceptor::new(&demanding_server()).unwrap();
    let serve = tokio::spawn(async move { acceptor.accept(far, LIMIT).await.map(|_| ()) });
    // In TLS 1.3 the client is done before the server has looked at its certificate.
    let mut stream = Connector::new().connect(near, &policy, LIMIT).await.unwrap();
    let error = stream.read(&mut [0; 16]).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("demands a client certificate"), "{text}");
    assert!(text.contains("certificate_required(116)"), "{text}");
    assert_eq!(stream.closure(), Closure::Truncated);
    assert!(serve.await.unwrap().is_err());
}

#[tokio::test]
async fn a_reset_does_not_hide_the_alert() {
    // Real TCP: the server goes away with bytes unread, so its alert is followed by a reset.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let acceptor = Acceptor::new(&demanding_server()).unwrap();
    let serve = tokio::spawn(async move { acceptor.accept(far, LIMIT).await.map(|_| ()) });
    let failure = Connector::new().connect(near, &verifying(), LIMIT).await.unwrap_err();
    says(&failure, &["client certificate", "none was presented"]);
    let refused = serve.await.unwrap().unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
}

#[tokio::test]
async fn the_server_says_why_the_client_left() {
    let (near, far) = duplex(64 * 1024);
    let acceptor = Acceptor::new(&server()).unwrap();
    let serve = tokio::spawn(async move { acceptor.accept(far, LIMIT).await.map(|_| ()) });
    let policy = Policy { anchors: Some(pki().other_ca.certificate_pem().unwrap()), ..verifying() };
    Connector::new().connect(near, &policy, LIMIT).await.unwrap_err();
    let refused = serve.await.unwrap().unwrap_err();
    assert!(refused.contains("unknown_ca(48)"), "{refused}");
}

#[tokio::test]
async fn what_a_peer_writes_into_its_certificate_cannot_break_a_line() {
    let name = "evil\r\n\u{1b}[31m\u{202e}";
    let odd = Request::new(name, Usage::Server).self_signed().unwrap();
    let impostor = ServerPolicy::new(odd.certificate_pem().unwrap(), odd.key_pem().unwrap());
    let failure = attempt(&verifying(), &impostor).await.unwrap_err();
    let text = failure.to_string();
    assert!(text.contains("evil") && text.contains("self-signed"), "{text}");
    assert!(!text.contains(['\r', '\n', '\u{1b}', '\u{202e}']), "{text:?}");
}

#[tokio::test]
async fn any_first_bytes_end_in_an_explanation() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    let connector = Connector::new();
    for round in 0..300u32 {
        let mut bytes: Vec<u8> = (0..8).flat_map(|_| random()).collect();
        // Half of it looks like the beginning of a handshake record.
        if round % 2 == 0 {
            let kind = [2, 11, 13, 14, 20, 0][usize::from(bytes[6]) % 6];
            let minor = bytes[1] % 5;
            bytes[..9].copy_from_slice(&[22, 3, minor, 0, 32, kind, 0, 0, 28]);
        }
        let (near, mut far) = duplex(4096);
        far.write_all(&bytes).await.unwrap();
        far.shutdown().await.unwrap();
        let failure = connector.connect(near, &verifying(), LIMIT).await.unwrap_err();
        says(&failure, &[]);
        assert!(!failure.to_string().chars().any(char::is_control), "{failure}");
    }
}

#[tokio::test]
async fn any_file_content_ends_in_an_explanation() {
    let client = &pki().client;
    let certificates = [client.certificate_pem().unwrap(), client.certificate_der().unwrap()];
    let keys = [client.key_pem().unwrap(), client.key_der().unwrap()];
    let connector = Connector::new();
    // The other end is gone, so that even what is still readable cannot connect.
    let mut tried = 0;
    for (good_certificate, good_key) in certificates.iter().zip(&keys) {
        for step in 0..40 {
            let cut = |file: &[u8]| file[..file.len() * step / 40].to_vec();
            let spoilt = |file: &[u8]| {
                let mut file = file.to_vec();
                let at = file.len() * step / 40;
                file[at] ^= 0x55;
                file
            };
            for (certificate, key) in [
                (cut(good_certificate), good_key.clone()),
                (spoilt(good_certificate), good_key.clone()),
                (good_certificate.clone(), cut(good_key)),
                (good_certificate.clone(), spoilt(good_key)),
            ] {
                let policy = Policy {
                    anchors: Some(certificate.clone()),
                    identity: Some(Identity { certificate, key }),
                    ..verifying()
                };
                let (near, _) = duplex(64 * 1024);
                let failure = connector.connect(near, &policy, LIMIT).await.unwrap_err();
                says(&failure, &[]);
                assert_ne!(failure.class(), Class::Bug, "{failure}");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 320);
}
