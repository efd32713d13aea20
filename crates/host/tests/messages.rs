//! Short messages between the modules of a process, into the outbox, and out of the spool.
// @covers sms.cmgs.text sms.cnmi.direct sms.cds sms.restart
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use modem::Setup;
use modemtwin_host::spool::{self, Spool};
use modemtwin_host::{Ended, Handle, Instance, Line, Network, Parts, Store, unix_millis};
use pdu::{Address, Deliver, Stamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);
const FINAL: [&str; 3] = ["\r\nOK\r\n", "ERROR\r\n", "ERROR: 38\r\n"];

struct Module {
    client: DuplexStream,
    handle: Handle,
    running: JoinHandle<Ended>,
}

impl Module {
    /// A module that is registered, in text mode, with its echo off.
    async fn start(number: u32, state: &Path, network: &Arc<Network>) -> Self {
        let (line, client) = Line::memory();
        let instance = Instance::new(Parts {
            name: format!("modem{number}"),
            setup: Setup::new(number, 1, unix_millis()),
            lines: vec![line],
            store: Store::open(state).unwrap(),
            network: Arc::clone(network),
            observer: None,
        });
        let handle = instance.handle();
        let running = tokio::spawn(instance.run(std::future::pending()));
        let mut module = Self { client, handle, running };
        module.until(&["+CGEV: ME PDN ACT 5\r\n"]).await;
        module.until(&["+NITZ: "]).await;
        module.until(&["\r\n"]).await;
        module.ask("ATE0").await;
        module.ask("AT+CMGF=1").await;
        module
    }

    /// Reads until one of `ends` has come; everything that was read.
    async fn until(&mut self, ends: &[&str]) -> String {
        let mut got = String::new();
        while !ends.iter().any(|end| got.ends_with(end)) {
            let mut byte = [0];
            let read = timeout(LONG, self.client.read(&mut byte)).await;
            assert!(matches!(read, Ok(Ok(1))), "no {ends:?} in {got:?}");
            got.push(char::from(byte[0]));
        }
        got
    }

    async fn ask(&mut self, command: &str) -> String {
        self.client.write_all(format!("{command}\r").as_bytes()).await.unwrap();
        self.until(&FINAL).await
    }

    async fn send(&mut self, to: &str, text: &str) -> String {
        self.client.write_all(format!("AT+CMGS=\"{to}\"\r").as_bytes()).await.unwrap();
        self.until(&["> "]).await;
        self.client.write_all(format!("{text}\x1A").as_bytes()).await.unwrap();
        self.until(&FINAL).await
    }

    async fn stop(self) {
        self.handle.stop().await.unwrap();
        assert_eq!(timeout(LONG, self.running).await.unwrap().unwrap(), Ended::Stopped);
    }
}

#[tokio::test]
async fn one_module_sends_to_another_and_to_itself_and_outside() {
    let network = Arc::new(Network::default());
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut first = Module::start(1, a.path(), &network).await;
    let mut second = Module::start(2, b.path(), &network).await;
    second.ask("AT+CNMI=2,2").await;

    // Internationally, and as dialled at home.
    for number in ["+861440000000002", "1440000000002"] {
        let answer = first.send(number, "Hello").await;
        assert!(answer.contains("+CMGS: "), "{answer}");
        let told = second.until(&["Hello\r\n"]).await;
        assert!(told.contains("+CMT: \"+861440000000001\",,\""), "{told}");
    }

    // To itself, with a status report.
    first.ask("AT+CSMP=49;+CNMI=2,1,0,1").await;
    let answer = first.send("+861440000000001", "note").await;
    assert!(answer.ends_with("+CMGS: 2\r\n\r\nOK\r\n"), "{answer}");
    let mut told = first.until(&["+CMTI: \"SM\",1\r\n", ",0\r\n"]).await;
    told += &first.until(&["+CMTI: \"SM\",1\r\n", ",0\r\n"]).await;
    assert!(told.contains("+CDS: 6,2,\"+861440000000001\",145,"), "{told}");
    assert!(first.ask("AT+CMGR=1").await.contains("\r\nnote\r\n"));

    // To nobody here.
    assert!(first.send("+8613800138000", "out").await.contains("+CMGS: 3"));
    let outbox = a.path().join("outbox");
    let lines = fs::read_to_string(&outbox).unwrap();
    let lines: Vec<Vec<&str>> = lines.lines().map(|line| line.splitn(5, ' ').collect()).collect();
    let went: Vec<_> = lines.iter().map(|line| (line[1], line[2], line[4])).collect();
    let expected = [
        ("+861440000000002", "modem2", "\"Hello\""),
        ("1440000000002", "modem2", "\"Hello\""),
        ("+861440000000001", "modem1", "\"note\""),
        ("+8613800138000", "outside", "\"out\""),
    ];
    assert_eq!(went, expected);
    assert_eq!(fs::metadata(&outbox).unwrap().permissions().mode() & 0o777, 0o600);

    // Who has ended cannot be reached any more.
    second.stop().await;
    assert!(first.send("+861440000000002", "late").await.contains("+CMGS: 4"));
    assert!(fs::read_to_string(&outbox).unwrap().contains(" +861440000000002 outside "));
    first.stop().await;
}

#[tokio::test]
async fn without_an_outbox_nothing_is_taken() {
    let network = Arc::new(Network::default());
    let state = tempfile::tempdir().unwrap();
    let mut module = Module::start(1, state.path(), &network).await;
    fs::create_dir(state.path().join("outbox")).unwrap();
    assert!(module.send("10086", "lost").await.ends_with("+CMS ERROR: 38\r\n"));
    module.stop().await;
}

#[tokio::test]
async fn what_is_in_the_spool_is_delivered_before_and_while_the_module_runs() {
    let network = Arc::new(Network::default());
    let state = tempfile::tempdir().unwrap();
    let from = Address::parse("+8613800138000").unwrap();
    let put = |text: &str| {
        let parts = Deliver::texts(&from, text, Stamp::new(0, 0), 1).unwrap();
        let tpdus: Vec<_> = parts.iter().map(Deliver::bytes).collect();
        spool::put(state.path(), &tpdus).unwrap();
    };
    put("early");
    let mut module = Module::start(1, state.path(), &network).await;
    let spool = Spool::watch([(state.path().to_owned(), module.handle.clone())]).unwrap();
    let serving = tokio::spawn(spool.serve());
    module.until(&["+CMTI: \"SM\",1\r\n"]).await;
    assert!(module.ask("AT+CMGR=1").await.contains("\r\nearly\r\n"));
    put("now");
    module.until(&["+CMTI: \"SM\",2\r\n"]).await;
    assert!(module.ask("AT+CMGR=2").await.contains("\r\nnow\r\n"));
    // Nonsense is removed, and what comes after it is delivered.
    fs::write(state.path().join("spool/.x"), "nonsense").unwrap();
    fs::rename(state.path().join("spool/.x"), state.path().join("spool/000.sms")).unwrap();
    put("then");
    module.until(&["+CMTI: \"SM\",3\r\n"]).await;
    assert_eq!(fs::read_dir(state.path().join("spool")).unwrap().count(), 0);
    serving.abort();
    // The announced ones outlive it.
    module.stop().await;
    let mut module = Module::start(1, state.path(), &network).await;
    let list = module.ask("AT+CMGL=\"ALL\"").await;
    assert!(list.contains("early") && list.contains("now") && list.contains("then"), "{list}");
    module.stop().await;
}

#[tokio::test]
async fn a_module_that_is_full_leaves_the_rest_in_the_spool() {
    const MESSAGES: usize = 200;
    let network = Arc::new(Network::default());
    let state = tempfile::tempdir().unwrap();
    let from = Address::parse("+8613800138000").unwrap();
    let mut module = Module::start(1, state.path(), &network).await;
    for number in 0..MESSAGES / 2 {
        let texts = [format!("number {number}a"), format!("number {number}b")];
        let tpdus = texts.map(|text| Deliver::texts(&from, &text, Stamp::new(0, 0), 1).unwrap()[0].bytes());
        spool::put(state.path(), &tpdus).unwrap();
    }
    let spool = Spool::watch([(state.path().to_owned(), module.handle.clone())]).unwrap();
    let serving = tokio::spawn(spool.serve());
    let mut got = Vec::new();
    let reading = async {
        while got.len() < MESSAGES {
            let list = module.ask("AT+CMGL=\"ALL\"").await;
            got.extend(list.lines().filter(|line| line.starts_with("number ")).map(str::to_owned));
            for line in list.lines().filter_map(|line| line.strip_prefix("+CMGL: ")) {
                let (index, _) = line.split_once(',').unwrap();
                module.ask(&format!("AT+CMGD={index}")).await;
            }
        }
    };
    let all = timeout(LONG, reading).await;
    assert!(all.is_ok(), "{} of {MESSAGES}", got.len());
    // Which place a message gets depends on which ones are free.
    let parts = |number| ["a", "b"].map(|part| format!("number {number}{part}"));
    let mut sent: Vec<String> = (0..MESSAGES / 2).flat_map(parts).collect();
    got.sort();
    sent.sort();
    assert_eq!(got, sent);
    serving.abort();
    module.stop().await;
}
