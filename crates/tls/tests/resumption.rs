//! Sessions that are resumed, and the checks that must not be lost by it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{LIMIT, demanding_server, identity, now, pki, server, verify, verifying};
use modemtwin_tls::pki::{Request, Usage};
use modemtwin_tls::{
    Acceptor, Cause, Closure, Connector, Failure, FixedRandom, Identity, Policy, Premaster, Report,
    Resumable, Resumption, ServerName, ServerPolicy, Sessions, Suite, TimeRule, Verify, Version,
};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// One server and one client of it.
struct Bench {
    connector: Connector,
    acceptor: Acceptor,
}

/// A handshake's outcome on both sides.
#[derive(Debug)]
struct Met {
    client: Report,
    /// The server says so, too.
    resumed: bool,
    subject: Option<String>,
}

impl Bench {
    fn new(policy: &ServerPolicy) -> Self {
        Self { connector: Connector::new(), acceptor: Acceptor::new(policy).unwrap() }
    }

    /// Connects, exchanges a byte each way, and ends properly, or (`rudely`) not.
    async fn meet(
        &self,
        policy: &Policy,
        resumption: &Resumption,
        rudely: bool,
    ) -> Result<Met, Box<Failure>> {
        let (near, far) = duplex(64 * 1024);
        let acceptor = self.acceptor.clone();
        let serve = tokio::spawn(async move {
            let mut accepted = acceptor.accept(far, LIMIT).await.ok()?;
            accepted.stream.read_exact(&mut [0]).await.unwrap();
            accepted.stream.write_all(b"y").await.unwrap();
            accepted.stream.shutdown().await.unwrap();
            // Until the client has ended, too, in whatever way.
            let _ = accepted.stream.read(&mut [0]).await;
            Some((accepted.resumed, accepted.client))
        });
        let mut stream = self.connector.connect_as(near, policy, LIMIT, resumption).await?;
        stream.write_all(b"x").await.unwrap();
        stream.read_exact(&mut [0]).await.unwrap();
        if !rudely {
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
            assert_eq!(stream.closure(), Closure::Proper);
            stream.shutdown().await.unwrap();
        }
        let client = stream.report().clone();
        drop(stream);
        let (resumed, subject) = serve.await.unwrap().unwrap();
        Ok(Met { client, resumed, subject })
    }

    /// What a second connect makes of the session that was kept under `first`.
    async fn again(&self, first: &Policy, second: &Policy) -> Result<Met, Box<Failure>> {
        let slot = Resumable::default();
        let met = self.meet(first, &Resumption::Keep(slot.clone()), false).await.unwrap();
        assert_eq!((met.client.resumed, met.resumed), (None, false));
        assert!(slot.is_known());
        self.meet(second, &Resumption::Offer(slot), false).await
    }
}

fn remembering() -> ServerPolicy {
    ServerPolicy { sessions: Sessions::Remembered, ..server() }
}

fn at(seconds: i64) -> Policy {
    Policy {
        verify: Verify::Chain { partial: false, name: None, time: TimeRule::At(seconds) },
        ..verifying()
    }
}

#[tokio::test]
async fn sessions_are_resumed_by_id_and_by_ticket_in_every_version() {
    let versions = [Version::Ssl30, Version::Tls10, Version::Tls11, Version::Tls12, Version::Tls13];
    for version in versions {
        for sessions in [Sessions::Remembered, Sessions::Tickets] {
            // SSL 3.0 has no extensions, hence no tickets.
            if version == Version::Ssl30 && sessions == Sessions::Tickets {
                continue;
            }
            let bench = Bench::new(&ServerPolicy { sessions, ..server() });
            let policy = Policy {
                min_version: version,
                max_version: version,
                modern: version == Version::Tls13,
                ..verifying()
            };
            let met = bench.again(&policy, &policy).await.unwrap();
            assert_eq!((met.client.resumed, met.resumed), (Some(true), true), "{version} {sessions:?}");
            assert_eq!(met.client.version, Some(version));
            assert!(met.client.chain_checked);
            let peer = met.client.peer.as_ref().unwrap();
            assert!(peer.subject.contains("CN=server"), "{peer:?}");
            let text = met.client.to_string();
            assert!(text.contains("an earlier session resumed: the certificates are those"), "{text}");
        }
    }
}

#[tokio::test]
async fn the_server_knows_the_client_of_a_resumed_session() {
    let policy = Policy { identity: Some(identity(&pki().client)), ..verifying() };
    let bench = Bench::new(&ServerPolicy { sessions: Sessions::Tickets, ..demanding_server() });
    let met = bench.again(&policy, &policy).await.unwrap();
    assert!(met.resumed && met.subject.unwrap().contains("CN=client"));
}

#[tokio::test]
async fn nothing_is_offered_under_other_demands() {
    let bench = Bench::new(&remembering());
    let chain = |partial, name: Option<&str>, time| Verify::Chain {
        partial,
        name: name.map(ServerName::parse),
        time,
    };
    let time = TimeRule::At(now());
    let base = || Policy { verify: chain(false, None, time), ..verifying() };
    let both = [pki().ca.certificate_pem().unwrap(), pki().other_ca.certificate_pem().unwrap()].concat();
    let others = [
        Policy { verify: Verify::None, ..base() },
        Policy { verify: chain(true, None, time), ..base() },
        Policy { verify: chain(false, Some("localhost"), time), ..base() },
        Policy { verify: chain(false, Some("127.0.0.1"), time), ..base() },
        Policy { verify: chain(false, None, TimeRule::Ignore), ..base() },
        Policy { anchors: Some(both), ..base() },
        Policy { identity: Some(identity(&pki().client)), ..base() },
        Policy { server_name: Some("localhost".into()), ..base() },
        Policy { suites: vec![Suite(0x0035)], ..base() },
        Policy { min_version: Version::Tls12, ..base() },
        Policy { max_version: Version::Tls11, ..base() },
        Policy { fixed: FixedRandom { hello: Some([1; 32]), premaster: None }, ..base() },
    ];
    for other in others {
        for (first, second) in [(&base(), &other), (&other, &base())] {
            let met = bench.again(first, second).await.unwrap();
            assert_eq!((met.client.resumed, met.resumed), (None, false), "{first:?} {second:?}");
        }
    }
    let met = bench.again(&base(), &base()).await.unwrap();
    assert!(met.resumed);
}

#[tokio::test]
async fn no_check_is_lost_by_resuming() {
    let bench = Bench::new(&remembering());
    let rejected = |met: Result<Met, Box<Failure>>, code: i32| {
        let failure = met.unwrap_err();
        assert_eq!(failure.cause, Cause::CertificateRejected, "{failure}");
        assert_eq!(failure.verify.unwrap().code, code);
    };
    // Authenticated by nobody at first.
    let open = Policy { verify: Verify::None, ..verifying() };
    let other_ca = Some(pki().other_ca.certificate_pem().unwrap());
    rejected(bench.again(&open, &Policy { anchors: other_ca, ..verifying() }).await, 20);
    // Another name.
    let named = |name| Policy { verify: verify(Some(name)), ..verifying() };
    rejected(bench.again(&named("localhost"), &named("elsewhere.example")).await, 62);
    // The clock has moved on, or back, since.
    rejected(bench.again(&at(now()), &at(now() + 20 * 365 * 86_400)).await, 10);
    rejected(bench.again(&at(now()), &at(0)).await, 9);
    assert!(bench.again(&at(now()), &at(now() + 3_600)).await.unwrap().resumed);
}

#[tokio::test]
async fn an_intermediate_that_expires_meanwhile_ends_resumption() {
    let middle = Request { not_after: now() + 1_000, ..Request::new("middle", Usage::Ca) };
    let middle = middle.signed_by(&pki().ca).unwrap();
    let issued = Request::new("server", Usage::Server).signed_by(&middle).unwrap();
    let mut certificate = issued.certificate_pem().unwrap();
    certificate.extend(middle.certificate_pem().unwrap());
    let policy = ServerPolicy {
        sessions: Sessions::Tickets,
        ..ServerPolicy::new(certificate, issued.key_pem().unwrap())
    };
    let bench = Bench::new(&policy);
    assert!(bench.again(&at(now()), &at(now() + 500)).await.unwrap().resumed);
    let failure = bench.again(&at(now()), &at(now() + 2_000)).await.unwrap_err();
    let verify = failure.verify.unwrap();
    assert_eq!((verify.code, verify.depth), (10, 1));
}

#[tokio::test]
async fn a_server_that_does_not_know_the_session_is_checked_in_full() {
    let slot = Resumable::default();
    let mut bench = Bench::new(&remembering());
    bench.meet(&verifying(), &Resumption::Keep(slot.clone()), false).await.unwrap();

    bench.acceptor = Acceptor::new(&remembering()).unwrap();
    let met = bench.meet(&verifying(), &Resumption::Offer(slot.clone()), false).await.unwrap();
    assert_eq!((met.client.resumed, met.resumed), (Some(false), false));
    assert!(met.client.to_string().contains("was not resumed"), "{}", met.client);

    // Somebody else in its place.
    let Identity { certificate, key } =
        identity(&Request::new("server", Usage::Server).signed_by(&pki().other_ca).unwrap());
    let impostor = ServerPolicy { sessions: Sessions::Remembered, ..ServerPolicy::new(certificate, key) };
    bench.acceptor = Acceptor::new(&impostor).unwrap();
    let failure = bench.meet(&verifying(), &Resumption::Offer(slot), false).await.unwrap_err();
    assert_eq!(failure.cause, Cause::CertificateRejected);
}

#[tokio::test]
async fn one_session_serves_many_connections_whatever_becomes_of_them() {
    for (version, sessions) in [
        (Version::Tls12, Sessions::Tickets),
        (Version::Tls12, Sessions::Remembered),
        (Version::Tls13, Sessions::Tickets),
    ] {
        let bench = Bench::new(&ServerPolicy { sessions, ..server() });
        let policy = Policy { max_version: version, modern: version == Version::Tls13, ..verifying() };
        let slot = Resumable::default();
        bench.meet(&policy, &Resumption::Keep(slot.clone()), true).await.unwrap();
        for rudely in [true, false, true, false] {
            let met = bench.meet(&policy, &Resumption::Offer(slot.clone()), rudely).await.unwrap();
            assert!(met.resumed, "{version} {sessions:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_not_resumed_leaves_the_session_as_it_is() {
    let first = Bench::new(&remembering());
    let slot = Resumable::default();
    first.meet(&verifying(), &Resumption::Keep(slot.clone()), false).await.unwrap();
    let second = Bench::new(&remembering());
    second.meet(&verifying(), &Resumption::Offer(slot.clone()), false).await.unwrap();
    let met = first.meet(&verifying(), &Resumption::Offer(slot), false).await.unwrap();
    assert!(met.resumed);
}

#[tokio::test]
async fn without_a_session_there_is_a_full_handshake() {
    let bench = Bench::new(&server());
    let slot = Resumable::default();
    let met = bench.meet(&verifying(), &Resumption::Offer(slot.clone()), false).await.unwrap();
    assert_eq!(met.client.resumed, None);
    // A server that lets nothing be resumed.
    bench.meet(&verifying(), &Resumption::Keep(slot.clone()), false).await.unwrap();
    assert!(!slot.is_known());
}

#[tokio::test]
async fn a_ticket_is_asked_for_only_where_it_may_be_used() {
    for (resumption, asks) in [(Resumption::None, false), (Resumption::Keep(Resumable::default()), true)] {
        let (near, mut far) = duplex(64 * 1024);
        let client = tokio::spawn(async move {
            let _ = Connector::new().connect_as(near, &verifying(), LIMIT, &resumption).await;
        });
        let mut hello = vec![0; 4096];
        let count = far.read(&mut hello).await.unwrap();
        // Extension 35, empty, and then another one or the end.
        let asked = hello[..count].windows(4).any(|four| four == [0, 35, 0, 0]);
        assert_eq!(asked, asks);
        drop(far);
        client.await.unwrap();
    }
}

#[tokio::test]
async fn a_resumed_session_of_a_fixed_secret_is_called_so() {
    let fixed = FixedRandom { hello: None, premaster: Some(Premaster::Random([7; 46])) };
    let policy = Policy { fixed, ..verifying() };
    let met = Bench::new(&remembering()).again(&policy, &policy).await.unwrap();
    assert!(met.resumed);
    assert_eq!(met.client.premaster_fixed, Some(true));
    assert!(met.client.warnings().iter().any(|warning| warning.contains("not secret")));
}

#[tokio::test]
async fn resumed_sessions_are_in_the_key_log() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let mut bench = Bench::new(&remembering());
    bench.connector = Connector::with_key_log(move |line| sink.lock().unwrap().push(line.to_owned()));
    let met = bench.again(&verifying(), &verifying()).await.unwrap();
    assert!(met.resumed);
    let lines = lines.lock().unwrap();
    let mut randoms: Vec<_> =
        lines.iter().filter_map(|line| line.strip_prefix("CLIENT_RANDOM ")?.split(' ').next()).collect();
    randoms.dedup();
    assert_eq!(randoms.len(), 2, "one line for each handshake");
}
