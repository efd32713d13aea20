//! `clientrandom` and `premaster`: on the wire where they were asked for, and nowhere else.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use modemtwin_host::{Report, unix_millis};
use tls::{Suite, Version};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::proxy::{Recording, Tamper};
use super::server::{Kind, Server, pki, unhex};
use super::twin::Twin;
use super::wire::Hello;
use super::{Closer, Script, VERSIONS, listener, payload, relayed, session};

/// How many modules have nothing fixed, and how many connections each of them opens at a time.
const OTHERS: (u32, usize) = (20, 5);

fn server() -> Server {
    let versions = (Version::Ssl30, Version::Tls12);
    Server::new(&Kind { who: &pki().server, versions, suite: Suite(0x0035), mutual: false })
}

/// The server greets; the module closes.
fn greeting() -> Script {
    Script { request: Vec::new(), response: vec![payload(31, 16)], closer: Closer::Module }
}

/// So many digits, all bytes different.
fn digits(count: usize, first: u8) -> String {
    (0..count / 2).map(|i| format!("{:02X}", first.wrapping_add(u8::try_from(i).unwrap()))).collect()
}

/// One session, and what the log says of it.
async fn recorded(twin: &mut Twin, server: &Server) -> (Recording, tls::Report) {
    let mut session = session(twin, &listener().await, server, &greeting(), Tamper::Nothing).await;
    assert_eq!(session.heard.data, greeting().response(), "{:?}", session.heard);
    match session.heard.reports.swap_remove(0) {
        Report::Connected { session: Some(report), .. } => (session.recording, *report),
        other => panic!("{other:?}"),
    }
}

// @covers ssl.connect.random ssl.connect.premaster
#[tokio::test]
async fn both_are_on_the_wire_in_every_length_and_version() {
    let mut twin = Twin::single(0).await;
    let server = server();
    for (_, number) in VERSIONS {
        for (short, whole) in [(true, false), (false, true)] {
            let random = digits(if short { 56 } else { 64 }, 1);
            let version = format!("03{number:02X}");
            let secret = digits(92, 100);
            let premaster = if whole { format!("{version}{secret}") } else { secret.clone() };
            let sslversion = number.to_string();
            twin.configure(
                0,
                &[("sslversion", &sslversion), ("clientrandom", &random), ("premaster", &premaster)],
            )
            .await;
            let (recording, report) = recorded(&mut twin, &server).await;
            assert_eq!((report.hello_fixed, report.premaster_fixed), (true, Some(true)));
            assert!(report.to_string().contains("reproducible, hence not secret"), "{report}");
            let hello = Hello::parse(&recording.up);
            let name = format!("version {number}, {} and {} digits", random.len(), premaster.len());
            if short {
                let (time, rest) = hello.random.split_at(4);
                assert_eq!(rest, unhex(&random), "{name}");
                // The module's clock, which the network has set.
                let time = i64::from(u32::from_be_bytes(time.try_into().unwrap()));
                let now = unix_millis() / 1000;
                assert!((now - 3600..=now + 3600).contains(&time), "{name}: {time} is not {now}");
            } else {
                assert_eq!(hello.random[..], unhex(&random), "{name}");
            }
            assert_eq!(hello.premaster(&pki().server), unhex(&format!("{version}{secret}")), "{name}");
        }
    }
    // Unset, they are random again.
    twin.configure(0, &[("clientrandom", ""), ("premaster", "")]).await;
    let (recording, report) = recorded(&mut twin, &server).await;
    assert_eq!((report.hello_fixed, report.premaster_fixed), (false, None));
    let hello = Hello::parse(&recording.up);
    assert!(!shares(&hello.random, &unhex(&digits(64, 1))));
    assert!(!shares(&hello.premaster(&pki().server), &unhex(&digits(92, 100))));
}

/// Whether six bytes in a row of one are in the other.
fn shares(one: &[u8], other: &[u8]) -> bool {
    let windows: HashSet<&[u8]> = one.windows(6).collect();
    other.windows(6).any(|window| windows.contains(window))
}

/// Accepts so many connections and records each.
async fn record(listener: TcpListener, server: Server, count: usize) -> Vec<Recording> {
    let mut sessions = JoinSet::new();
    for _ in 0..count {
        let accepted = tokio::time::timeout(Duration::from_secs(60), listener.accept()).await;
        let (stream, _) = accepted.expect("no connection").unwrap();
        let server = server.clone();
        sessions.spawn(async move { relayed(stream, &server, &greeting(), Tamper::Nothing).await.0 });
    }
    sessions.join_all().await
}

/// A module without anything fixed, with five connections at a time.
async fn ordinary(number: u32, server: Server) -> Vec<Recording> {
    let mut twin = Twin::several(number).await;
    let listener = listener().await;
    let ports = vec![listener.local_addr().unwrap().port(); OTHERS.1];
    let script = greeting().response();
    let (recordings, ()) =
        tokio::join!(record(listener, server, OTHERS.1), twin.connect_all(&ports, &script));
    recordings
}

/// A module with values of its own, which it uses again and again until the others are done.
async fn fixed(number: u32, server: Server, random: String, premaster: String, done: Arc<AtomicBool>) {
    let mut twin = Twin::single(number).await;
    twin.configure(0, &[("clientrandom", &random), ("premaster", &premaster)]).await;
    loop {
        let hello = Hello::parse(&recorded(&mut twin, &server).await.0.up);
        assert_eq!(hello.random[..], unhex(&random));
        assert_eq!(hello.premaster(&pki().server)[2..], unhex(&premaster));
        if done.load(Ordering::Relaxed) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_connections_of_other_modules_never_have_a_fixed_byte() {
    let server = server();
    let values: Vec<_> = [1, 65, 129, 193].map(|first| (digits(64, first), digits(92, first + 7))).into();
    let mut special = JoinSet::new();
    let done = Arc::new(AtomicBool::new(false));
    for (number, (random, premaster)) in (100..).zip(values.clone()) {
        special.spawn(fixed(number, server.clone(), random, premaster, Arc::clone(&done)));
    }
    let mut others = JoinSet::new();
    for number in 0..OTHERS.0 {
        others.spawn(ordinary(number, server.clone()));
    }
    let recordings: Vec<_> = others.join_all().await.into_iter().flatten().collect();
    done.store(true, Ordering::Relaxed);
    special.join_all().await;
    assert_eq!(recordings.len(), 100);
    let (mut randoms, mut secrets) = (HashSet::new(), HashSet::new());
    for recording in &recordings {
        let hello = Hello::parse(&recording.up);
        let premaster = hello.premaster(&pki().server);
        for (random, secret) in &values {
            for fixed in [unhex(random), unhex(secret)] {
                assert!(!shares(&recording.up, &fixed) && !shares(&premaster, &fixed));
            }
        }
        assert!(randoms.insert(hello.random), "a random came twice");
        assert!(secrets.insert(premaster), "a pre-master secret came twice");
    }
}
