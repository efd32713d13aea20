//! Each way to fail, and the words for it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{LIMIT, attempt, demanding_server, identity, now, pki, server, verify, verifying};
use modemtwin_tls::pki::{Request, Usage};
use modemtwin_tls::{
    Cause, Class, Closure, Connector, Failure, Identity, Policy, Premaster, ServerPolicy, Stage, TimeRule,
    Verify, Version,
};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

fn says(failure: &Failure, words: &[&str]) {
    let text = failure.to_string();
    assert!(!text.contains('\n'), "more than one line: {text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is missing in: {text}");
    }
}

async fn fails(policy: Policy, server: ServerPolicy, words: &[&str]) -> Box<Failure> {
    let failure = attempt(&policy, &server).await.expect_err("the handshake should have failed");
    says(&failure, words);
    failure
}

#[tokio::test]
async fn wrong_ca() {
    let anchors = Some(pki().other_ca.certificate_pem().unwrap());
    let failure = fails(
        Policy { anchors, ..verifying() },
        server(),
        &["no certificate in cacert", "CN=server", "CN=Test CA"],
    )
    .await;
    assert_eq!(failure.verify.as_ref().map(|v| (v.code, v.depth)), Some((20, 0)));
    assert!(failure.alerts.iter().any(|alert| alert.sent && alert.number == 48), "{failure:?}");
    assert_eq!(failure.class(), Class::Peer);
}

// @covers ssl.connect.level.1.none
#[tokio::test]
async fn no_anchors_fails_closed() {
    let failure = fails(Policy { anchors: None, ..verifying() }, server(), &["no cacert is set"]).await;
    assert_eq!((failure.stage, failure.class()), (Stage::Configure, Class::Configuration));
}

// @covers ssl.connect.clock
#[tokio::test]
async fn dates_are_read_on_the_given_clock() {
    let at = |seconds| Policy {
        verify: Verify::Chain { partial: false, name: None, time: TimeRule::At(seconds) },
        ..verifying()
    };
    fails(at(now() + 11 * 365 * 86_400), server(), &["expired on", "module's clock"]).await;
    fails(at(0), server(), &["not valid before"]).await;
    let ignoring = Policy {
        verify: Verify::Chain { partial: false, name: None, time: TimeRule::Ignore },
        ..verifying()
    };
    let report = attempt(&ignoring, &server()).await.unwrap();
    assert!(report.warnings().iter().any(|w| w.contains("dates were NOT checked")));
}

#[tokio::test]
async fn names() {
    for good in ["localhost", "a.example.com", "127.0.0.1"] {
        let report = attempt(&Policy { verify: verify(Some(good)), ..verifying() }, &server()).await;
        assert_eq!(report.unwrap().name_checked.as_deref(), Some(good));
    }
    for bad in ["example.com", "a.b.example.com", "other", "127.0.0.2"] {
        let policy = Policy { verify: verify(Some(bad)), ..verifying() };
        fails(policy, server(), &["is for localhost, *.example.com, 127.0.0.1", bad]).await;
    }
    let report = attempt(&verifying(), &server()).await.unwrap();
    assert!(report.to_string().contains("name was NOT checked"), "{report}");
}

#[tokio::test]
async fn client_certificates() {
    let none = fails(verifying(), demanding_server(), &["demands a client certificate", "seclevel"]).await;
    assert!(none.client_certificate_asked && !none.client_certificate_sent);
    let stranger = Policy { identity: Some(identity(&pki().stranger)), ..verifying() };
    fails(stranger, demanding_server(), &["did not accept the client certificate"]).await;
    let mixed = Identity {
        certificate: pki().client.certificate_pem().unwrap(),
        key: pki().server.key_pem().unwrap(),
    };
    let failure =
        fails(Policy { identity: Some(mixed), ..verifying() }, demanding_server(), &["does not belong"])
            .await;
    assert_eq!(failure.stage, Stage::Configure);
    // Not asked for: never sent.
    let unasked = Policy { identity: Some(identity(&pki().client)), ..verifying() };
    let report = attempt(&unasked, &server()).await.unwrap();
    assert_eq!((report.client_certificate_asked, report.client_certificate), (false, None));
}

#[tokio::test]
async fn files_that_cannot_be_used() {
    let with = |certificate: &[u8], key: &[u8]| Policy {
        identity: Some(Identity { certificate: certificate.to_vec(), key: key.to_vec() }),
        ..verifying()
    };
    let good = identity(&pki().client);
    fails(with(b"", &good.key), server(), &["client certificate cannot be used", "empty"]).await;
    fails(with(b"hello", &good.key), server(), &["neither PEM", "nor a DER"]).await;
    fails(with(&good.key, &good.key), server(), &["no certificate in it"]).await;
    fails(with(&good.certificate, &good.certificate), server(), &["no private key in it"]).await;
    let encrypted = openssl::pkey::PKey::private_key_from_pem(&good.key)
        .unwrap()
        .private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_128_cbc(), b"secret")
        .unwrap();
    fails(with(&good.certificate, &encrypted), server(), &["encrypted", "no command for a password"]).await;
    fails(Policy { anchors: Some(b"junk".to_vec()), ..verifying() }, server(), &["cacert cannot be used"])
        .await;
}

#[tokio::test]
async fn der_and_odd_pem_work() {
    let client = &pki().client;
    let der = Identity { certificate: client.certificate_der().unwrap(), key: client.key_der().unwrap() };
    let policy =
        Policy { anchors: Some(pki().ca.certificate_der().unwrap()), identity: Some(der), ..verifying() };
    attempt(&policy, &demanding_server()).await.unwrap();
    let pem = String::from_utf8(pki().ca.certificate_pem().unwrap()).unwrap();
    let crlf = format!("subject=/CN=x\r\n{}", pem.trim_end().replace('\n', "\r\n"));
    attempt(&Policy { anchors: Some(crlf.into_bytes()), ..verifying() }, &server()).await.unwrap();
}

// @covers ssl.connect.suite ssl.connect.version
#[tokio::test]
async fn no_common_version_or_suite() {
    let only12 = ServerPolicy { min_version: Version::Tls12, ..server() };
    let old = Policy { min_version: Version::Tls10, max_version: Version::Tls10, ..verifying() };
    fails(old, only12, &["offered TLS 1.0 with", "protocol_version(70)"]).await;
    let one =
        ServerPolicy { suites: vec![modemtwin_tls::Suite(0x0035)], max_version: Version::Tls12, ..server() };
    let other = Policy { suites: vec![modemtwin_tls::Suite(0x0004)], ..verifying() };
    fails(other, one, &["no common version or cipher suite", "offered SSL 3.0 to TLS 1.2 with 0X0004"]).await;
}

#[tokio::test]
async fn a_key_for_servers_only_is_refused() {
    let wrong =
        Request::new("wrong usage", Usage::Client).names(&["localhost"]).signed_by(&pki().ca).unwrap();
    let impostor = ServerPolicy::new(wrong.certificate_pem().unwrap(), wrong.key_pem().unwrap());
    let failure = fails(verifying(), impostor, &["CN=wrong usage", "was not accepted"]).await;
    assert_eq!(failure.verify.as_ref().map(|v| v.code), Some(26));
}

#[tokio::test]
async fn what_is_not_tls() {
    for (greeting, words) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", ["not TLS", "HTTP/1.1 400", "CIPSSL"]),
        ("220 mail ESMTP\r\n", ["not TLS", "220 mail", "STARTTLS"]),
    ] {
        let (near, mut far) = duplex(4096);
        far.write_all(greeting.as_bytes()).await.unwrap();
        let failure = Connector::new().connect(near, &verifying(), LIMIT).await.unwrap_err();
        says(&failure, &words);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_and_hanging_up() {
    let (near, _far) = duplex(4096);
    let failure = Connector::new().connect(near, &verifying(), Duration::from_millis(50)).await.unwrap_err();
    says(&failure, &["said nothing", "negotiatetimeout", "ServerHello"]);
    assert!(matches!(failure.cause, Cause::Timeout { silent: true, .. }));
    let (near, mut far) = duplex(4096);
    let hang_up = tokio::spawn(async move {
        let mut hello = [0; 5];
        far.read_exact(&mut hello).await.unwrap();
    });
    let failure = Connector::new().connect(near, &verifying(), LIMIT).await.unwrap_err();
    hang_up.await.unwrap();
    says(&failure, &["closed the connection"]);
}

#[tokio::test]
async fn a_whole_premaster_has_to_fit_the_version() {
    let mut policy = verifying();
    policy.fixed.premaster = Some(Premaster::Whole([7; 48]));
    fails(policy, server(), &["96 digits", "0303"]).await;
}

#[tokio::test]
async fn truncation_is_told_from_a_proper_close() {
    for (proper, expected) in [(true, Closure::Proper), (false, Closure::Truncated)] {
        let (near, far) = duplex(64 * 1024);
        let acceptor = modemtwin_tls::Acceptor::new(&server()).unwrap();
        let serve = tokio::spawn(async move {
            let mut accepted = acceptor.accept(far, LIMIT).await.unwrap();
            accepted.stream.write_all(b"bye").await.unwrap();
            accepted.stream.flush().await.unwrap();
            if proper {
                accepted.stream.shutdown().await.unwrap();
            }
        });
        let mut stream = Connector::new().connect(near, &verifying(), LIMIT).await.unwrap();
        let mut text = Vec::new();
        // A cut may be reported as the end or as an error; either way it is not a proper close.
        let _ = stream.read_to_end(&mut text).await;
        assert_eq!(text, b"bye");
        assert_eq!(stream.closure(), expected);
        serve.await.unwrap();
    }
}
