//! The module's own way through a whole connection: AT in, real sockets behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use modem::{LinkFailure, Setup};
use modemtwin_host::net::{Network, Report};
use modemtwin_host::{Ended, Instance, Journal, Line, Observer, Parts, Resolver, Store, fleet, unix_millis};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);

struct Host {
    line: DuplexStream,
}

impl Host {
    async fn until(&mut self, end: &str) -> String {
        let mut got = Vec::new();
        while !got.ends_with(end.as_bytes()) {
            let mut byte = [0];
            let read = timeout(LONG, self.line.read(&mut byte)).await;
            let so_far = String::from_utf8_lossy(&got);
            assert!(matches!(read, Ok(Ok(1))), "no {end:?} in {so_far:?}");
            got.push(byte[0]);
        }
        String::from_utf8_lossy(&got).into_owned()
    }

    async fn say(&mut self, text: &str, end: &str) -> String {
        self.line.write_all(text.as_bytes()).await.unwrap();
        self.until(end).await
    }

    async fn ok(&mut self, command: &str) -> String {
        self.say(&format!("{command}\r"), "\r\nOK\r\n").await
    }
}

/// Up to an address; the network is there some seconds after power-on.
async fn online(host: &mut Host) {
    host.ok("ATE0").await;
    while !host.ok("AT+CGATT?").await.contains("+CGATT: 1") {}
    for command in ["AT+CSTT", "AT+CIICR"] {
        host.ok(command).await;
    }
    host.say("AT+CIFSR\r", "\r\n").await;
    host.until("\r\n").await;
}

#[tokio::test]
async fn connects_sends_receives_and_fails_as_real_sockets_do() {
    let dir = tempfile::tempdir().unwrap();
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let address = echo.local_addr().unwrap();
    let mut resolver = Resolver::new();
    resolver.add("tcplab.openluat.com", address.ip(), Some(address.port()));
    let journal = Arc::new(Journal::new(10));
    let (line, client) = Line::memory();
    let module = Instance::new(Parts {
        name: "modem0".into(),
        setup: Setup::new(0, 1, unix_millis()),
        lines: vec![line],
        store: Store::open(dir.path()).unwrap(),
        network: Arc::new(Network::new(resolver)),
        observer: Some(Arc::clone(&journal) as _),
    });
    let handle = module.handle();
    let server = async {
        let (mut stream, _) = echo.accept().await.unwrap();
        let mut buffer = [0; 2048];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..count]).await.unwrap();
        }
    };
    let host = async {
        let mut host = Host { line: client };
        online(&mut host).await;
        host.say("AT+CIPSTART=\"TCP\",\"tcplab.openluat.com\",57513\r", "CONNECT OK\r\n").await;
        host.say("AT+CIPSEND=10\r", "> ").await;
        host.say("0123456789", "0123456789").await;
        host.say("AT+CIPCLOSE\r", "CLOSE OK\r\n").await;
        host.say(&format!("AT+CIPSTART=\"TCP\",\"127.0.0.1\",{}\r", closed.port()), "CONNECT FAIL\r\n").await;
        host.ok("AT").await;
        handle.stop().await.unwrap();
    };
    let (ended, (), ()) = tokio::join!(module.run(std::future::pending()), server, host);
    assert_eq!(ended, Ended::Stopped);
    let reports = journal.reports();
    assert!(
        matches!(reports[0], Report::Connected { peer, session: None, .. } if peer == address),
        "{reports:?}"
    );
    assert!(matches!(reports[1], Report::Ended { sent: 10, received: 10, .. }), "{reports:?}");
    let Report::Failed(explanation) = &reports[2] else { panic!("{reports:?}") };
    assert_eq!(explanation.class, LinkFailure::Refused);
    assert!(explanation.seen.contains("nothing listens there"), "{explanation}");
}

/// Stands for any bug of ours inside one module.
#[derive(Debug)]
struct Broken;

impl Observer for Broken {
    fn report(&self, _report: &Report) {
        panic!("a bug, on purpose");
    }
}

#[tokio::test]
async fn a_bug_in_one_module_leaves_the_others_alive() {
    let dir = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (mut modules, mut hosts) = (Vec::new(), Vec::new());
    for (name, observer) in [("good", None), ("bad", Some(Arc::new(Broken) as Arc<dyn Observer>))] {
        let (line, client) = Line::memory();
        modules.push(Instance::new(Parts {
            name: name.into(),
            setup: Setup::new(0, 1, unix_millis()),
            lines: vec![line],
            store: Store::open(&dir.path().join(name)).unwrap(),
            network: Arc::new(Network::default()),
            observer,
        }));
        hosts.push(Host { line: client });
    }
    let [good, bad] = &mut hosts[..] else { panic!("two hosts") };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let host = async {
        online(bad).await;
        let command = format!("AT+CIPSTART=\"TCP\",\"127.0.0.1\",{}\r", closed.port());
        bad.line.write_all(command.as_bytes()).await.unwrap();
        // The module ends: nobody has the other side of its line any more.
        let mut rest = Vec::new();
        timeout(LONG, bad.line.read_to_end(&mut rest)).await.expect("the broken module goes on").unwrap();
        good.ok("AT").await;
        drop(stop);
    };
    let (outcomes, ()) = tokio::join!(fleet::run(modules, async { drop(stopped.await) }), host);
    let outcomes: Vec<_> = outcomes.iter().map(|o| (o.name.as_str(), o.ended)).collect();
    assert_eq!(outcomes, [("bad", Ended::Failed), ("good", Ended::Stopped)]);
}
