//! A whole module on a line in memory, with real sockets behind, and servers to connect to.
#![allow(dead_code, reason = "each test program uses its part")]

pub(crate) mod pki;
pub(crate) mod server;

use std::sync::Arc;
use std::time::Duration;

use modem::Setup;
use modemtwin_host::net::{NameCheck, Network, Report};
use modemtwin_host::{Ended, Handle, Instance, Journal, Line, Parts, Resolver, Store};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);
/// The time in the module's world: noon of 15 June 2030.
const NOW: i64 = 1_907_755_200;

/// How a connect ended.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// `CONNECT OK`, the server's greeting came, and the session was closed again.
    Accepted(Box<tls::Report>),
    /// `CONNECT FAIL`, and why.
    Refused(String),
}

/// A module with an address.
pub(crate) struct Twin {
    line: DuplexStream,
    journal: Arc<Journal>,
    seen: usize,
    /// What is being tried, for the message if it fails.
    pub(crate) doing: String,
    handle: Handle,
    running: JoinHandle<Ended>,
    _state: TempDir,
}

impl Twin {
    /// Switches one on; all `names` lead to this computer. Without network time the clock stays unset.
    pub(crate) async fn start(names: &[&str], name_check: NameCheck, network_time: bool) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut resolver = Resolver::new();
        for name in names {
            resolver.add(name, "127.0.0.1".parse().unwrap(), None);
        }
        let mut setup = Setup::new(0, 1, NOW * 1000);
        setup.world.network_time = network_time;
        let journal = Arc::new(Journal::new(usize::MAX));
        let (line, client) = Line::memory();
        let module = Instance::new(Parts {
            name: "modem0".into(),
            setup,
            lines: vec![line],
            store: Store::open(state.path()).unwrap(),
            network: Arc::new(Network::new(resolver).name_check(name_check)),
            observer: Some(Arc::clone(&journal) as _),
        });
        let handle = module.handle();
        let running = tokio::spawn(module.run(std::future::pending()));
        let mut twin =
            Self { line: client, journal, seen: 0, doing: "start".into(), handle, running, _state: state };
        twin.ok("ATE0").await;
        while !twin.ok("AT+CGATT?").await.contains("+CGATT: 1") {}
        // Network time comes a moment after registration.
        while network_time && !twin.ok("AT+CCLK?").await.contains("\"30/06/15") {}
        for command in ["AT+CMEE=0", "AT+CSTT", "AT+CIICR", "AT+CIPSSL=1"] {
            twin.ok(command).await;
        }
        // An address, without OK behind it.
        twin.say(b"AT+CIFSR\r", &["\r\n"]).await;
        twin.until(&["\r\n"]).await;
        twin
    }

    /// Switches it off.
    pub(crate) async fn stop(self) {
        self.handle.stop().await.unwrap();
        assert_eq!(self.running.await.unwrap(), Ended::Stopped);
    }

    /// Reads until what was read ends with one of `ends`; which one, and everything that was read.
    async fn until(&mut self, ends: &[&str]) -> (usize, String) {
        let mut got = Vec::new();
        loop {
            if let Some(end) = ends.iter().position(|end| got.ends_with(end.as_bytes())) {
                return (end, String::from_utf8_lossy(&got).into_owned());
            }
            let mut byte = [0];
            let read = timeout(LONG, self.line.read(&mut byte)).await;
            let so_far = String::from_utf8_lossy(&got);
            assert!(matches!(read, Ok(Ok(1))), "{}: no {ends:?} in {so_far:?}", self.doing);
            got.push(byte[0]);
        }
    }

    async fn say(&mut self, bytes: &[u8], ends: &[&str]) -> (usize, String) {
        self.line.write_all(bytes).await.unwrap();
        self.until(ends).await
    }

    /// A command that has to be answered with OK.
    pub(crate) async fn ok(&mut self, command: &str) -> String {
        let (end, answer) = self.say(format!("{command}\r").as_bytes(), &["\r\nOK\r\n", "ERROR\r\n"]).await;
        assert_eq!(end, 0, "{}: {command} was answered with {answer:?}", self.doing);
        answer
    }

    /// Sets a parameter of SSL context 0, or erases it.
    pub(crate) async fn set(&mut self, keyword: &str, value: &str) {
        self.ok(&format!("AT+SSLCFG=\"{keyword}\",0,{value}")).await;
    }

    /// Writes a file, in as many pieces as it takes.
    pub(crate) async fn put(&mut self, name: &str, content: &[u8]) {
        self.ok(&format!("AT+FSCREATE=\"{name}\"")).await;
        for (index, chunk) in content.chunks(10_240).enumerate() {
            let mode = u8::from(index > 0);
            let command = format!("AT+FSWRITE=\"{name}\",{mode},{},30\r", chunk.len());
            self.say(command.as_bytes(), &["> "]).await;
            let (end, _) = self.say(chunk, &["\r\nOK\r\n", "ERROR\r\n", "TimeOut\r\n"]).await;
            assert_eq!(end, 0, "{name} could not be written");
        }
    }

    /// Connects, reads the server's greeting, and closes.
    pub(crate) async fn connect(&mut self, host: &str, port: u16) -> Verdict {
        let command = format!("AT+CIPSTART=\"TCP\",\"{host}\",{port}\r");
        let (end, _) =
            self.say(command.as_bytes(), &["CONNECT OK\r\n", "CONNECT FAIL\r\n", "ERROR\r\n"]).await;
        assert_ne!(end, 2, "{}: {command:?} was answered with ERROR", self.doing);
        let report = self.report();
        match (end, report) {
            (0, Report::Connected { session: Some(session), .. }) => {
                self.until(&[server::GREETING]).await;
                self.say(b"AT+CIPCLOSE\r", &["CLOSE OK\r\n"]).await;
                Verdict::Accepted(session)
            }
            (1, Report::Failed(explanation)) => {
                let failed = [modem::LinkFailure::Tls, modem::LinkFailure::Certificate];
                assert!(failed.contains(&explanation.class), "{explanation}");
                let line = explanation.to_string();
                assert!(!line.contains(char::is_control), "not one clean line: {line:?}");
                Verdict::Refused(line)
            }
            (end, report) => panic!("the module's word {end} does not fit {report:?}"),
        }
    }

    /// What became of the last connect.
    fn report(&mut self) -> Report {
        let reports = self.journal.reports();
        let new = &reports[self.seen..];
        let found = new.iter().find(|report| !matches!(report, Report::Ended { .. })).cloned();
        self.seen = reports.len();
        found.unwrap_or_else(|| panic!("no report of the connect in {new:?}"))
    }
}
