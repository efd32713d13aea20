//! A running module and the host that speaks AT to it.

use std::collections::VecDeque;
use std::sync::Arc;

use modem::Setup;
use modemtwin_host::net::{Network, Report};
use modemtwin_host::{Instance, Line, Observer, Parts, Store, unix_millis};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Closer, LONG, Script};

/// What the module says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Line(String),
    Prompt,
    /// Payload of this link.
    Data(u8, Vec<u8>),
}

/// Hands reports on.
#[derive(Debug)]
struct Reports(mpsc::UnboundedSender<Report>);

impl Observer for Reports {
    fn report(&self, report: &Report) {
        // Nobody listens any more: the test is over.
        let _ = self.0.send(report.clone());
    }
}

/// A session as the host heard it.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Every line, in order.
    pub(crate) lines: Vec<String>,
    /// Every byte of payload.
    pub(crate) data: Vec<u8>,
    /// What was reported, up to the end.
    pub(crate) reports: Vec<Report>,
}

impl Heard {
    pub(crate) fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|had| had == line)
    }

    /// The explanation of its failure, if it failed.
    pub(crate) fn explained(&self) -> Option<String> {
        self.reports.iter().find_map(|report| match report {
            Report::Failed(explanation) => Some(explanation.to_string()),
            _ => None,
        })
    }

    /// The explanation of its failure.
    pub(crate) fn explanation(&self) -> String {
        self.explained().unwrap_or_else(|| panic!("no failure was reported: {self:?}"))
    }
}

/// A module, up and with an address.
pub(crate) struct Twin {
    line: DuplexStream,
    unread: VecDeque<u8>,
    reports: mpsc::UnboundedReceiver<Report>,
    several: bool,
    _state: tempfile::TempDir,
}

impl Twin {
    /// In single mode.
    pub(crate) async fn single(number: u32) -> Self {
        Self::boot(number, &["AT+CIPHEAD=1"]).await
    }

    /// In multi mode.
    pub(crate) async fn several(number: u32) -> Self {
        Self { several: true, ..Self::boot(number, &["AT+CIPMUX=1"]).await }
    }

    async fn boot(number: u32, mode: &[&str]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (line, client) = Line::memory();
        let (sender, reports) = mpsc::unbounded_channel();
        let instance = Instance::new(Parts {
            name: format!("modem{number}"),
            setup: Setup::new(number, 1, unix_millis()),
            lines: vec![line],
            store: Store::open(state.path()).unwrap(),
            network: Arc::new(Network::default()),
            observer: Some(Arc::new(Reports(sender))),
        });
        // Ends with its line, when the twin is dropped.
        tokio::spawn(instance.run(std::future::pending()));
        let mut twin = Self { line: client, unread: VecDeque::new(), reports, several: false, _state: state };
        // The module's first words depend on how long it has been up; echo ends with this.
        twin.write(b"ATE0\r").await;
        while twin.hear().await != Said::Line("OK".into()) {}
        while !twin.ask("AT+CGATT?").await.contains(&"+CGATT: 1".to_owned()) {}
        for command in mode.iter().chain(&["AT+CSTT", "AT+CIICR"]) {
            twin.ok(command).await;
        }
        twin.write(b"AT+CIFSR\r").await;
        twin.hear().await;
        twin.ok("AT+CIPSSL=1").await;
        twin
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).await.unwrap();
    }

    async fn more(&mut self) {
        let mut buffer = [0; 4096];
        let read = timeout(LONG, self.line.read(&mut buffer)).await;
        let count = read.unwrap_or_else(|_| panic!("silence after {:?}", self.unread)).unwrap();
        assert_ne!(count, 0, "the module has ended");
        self.unread.extend(&buffer[..count]);
    }

    async fn byte(&mut self) -> u8 {
        while self.unread.is_empty() {
            self.more().await;
        }
        self.unread.pop_front().unwrap()
    }

    async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            self.more().await;
        }
        self.unread.drain(..count).collect()
    }

    /// The next thing that the module says.
    async fn hear(&mut self) -> Said {
        let mut text = Vec::new();
        loop {
            match self.byte().await {
                b'\r' | b'\n' if text.is_empty() => {}
                b'\r' => return Said::Line(String::from_utf8_lossy(&text).into_owned()),
                b' ' if text == b">" => return Said::Prompt,
                b':' if text.starts_with(b"+IPD,") || text.starts_with(b"+RECEIVE,") => {
                    let text = String::from_utf8(text).unwrap();
                    let mut numbers = text.split(',').skip(1).map(|number| number.parse::<usize>().unwrap());
                    let link = if self.several { numbers.next().unwrap() } else { 0 };
                    let count = numbers.next().unwrap();
                    if self.several {
                        assert_eq!(self.bytes(2).await, b"\r\n");
                    }
                    return Said::Data(u8::try_from(link).unwrap(), self.bytes(count).await);
                }
                other => text.push(other),
            }
        }
    }

    /// A command's lines, up to its end.
    async fn ask(&mut self, command: &str) -> Vec<String> {
        self.write(format!("{command}\r").as_bytes()).await;
        let mut lines = Vec::new();
        loop {
            let Said::Line(line) = self.hear().await else { panic!("{command}: unexpected data") };
            let over = line == "OK" || line == "ERROR" || line.starts_with("+CME ERROR");
            lines.push(line);
            if over {
                return lines;
            }
        }
    }

    pub(crate) async fn ok(&mut self, command: &str) {
        let lines = self.ask(command).await;
        assert_eq!(lines.last().map(String::as_str), Some("OK"), "{command}: {lines:?}");
    }

    /// Sets parameters of a TLS context.
    pub(crate) async fn configure(&mut self, context: u8, values: &[(&str, &str)]) {
        for (keyword, value) in values {
            self.ok(&format!("AT+SSLCFG=\"{keyword}\",{context},{value}")).await;
        }
    }

    /// Writes a file.
    pub(crate) async fn put(&mut self, name: &str, content: &[u8]) {
        self.ok(&format!("AT+FSCREATE=\"{name}\"")).await;
        self.write(format!("AT+FSWRITE=\"{name}\",0,{},10\r", content.len()).as_bytes()).await;
        assert_eq!(self.hear().await, Said::Prompt);
        self.write(content).await;
        assert_eq!(self.hear().await, Said::Line("OK".into()));
    }

    /// Hears on until `stop` says so; lines and data are kept.
    async fn until(&mut self, heard: &mut Heard, mut stop: impl FnMut(&Said, &Heard) -> bool) {
        loop {
            let said = self.hear().await;
            match &said {
                Said::Line(line) => heard.lines.push(line.clone()),
                Said::Data(_, bytes) => heard.data.extend_from_slice(bytes),
                Said::Prompt => {}
            }
            if stop(&said, heard) {
                return;
            }
        }
    }

    /// A whole session in single mode, whatever becomes of it.
    pub(crate) async fn session(&mut self, port: u16, script: &Script) -> Heard {
        let mut heard = Heard::default();
        self.write(format!("AT+CIPSTART=\"TCP\",\"127.0.0.1\",{port}\r").as_bytes()).await;
        self.until(&mut heard, |_, heard| heard.has("CONNECT OK") || heard.has("CONNECT FAIL")).await;
        if heard.has("CONNECT OK") {
            self.talk(&mut heard, script).await;
        }
        while !matches!(heard.reports.last(), Some(Report::Ended { .. })) {
            let report = timeout(LONG, self.reports.recv()).await.expect("no account of the session");
            heard.reports.push(report.unwrap());
        }
        heard
    }

    async fn talk(&mut self, heard: &mut Heard, script: &Script) {
        let failed = |line: &str| line.starts_with("+CME ERROR") || line == "SEND FAIL";
        for piece in &script.request {
            self.write(format!("AT+CIPSEND={}\r", piece.len()).as_bytes()).await;
            let mut open = false;
            self.until(heard, |said, _| match said {
                Said::Prompt => {
                    open = true;
                    true
                }
                Said::Line(line) => failed(line),
                Said::Data(..) => false,
            })
            .await;
            if !open {
                break;
            }
            self.write(piece).await;
            self.until(
                heard,
                |said, _| matches!(said, Said::Line(line) if line == "SEND OK" || failed(line)),
            )
            .await;
        }
        let all = script.response().len();
        let over = |heard: &Heard| {
            heard.has("CLOSED") || (script.closer == Closer::Module && heard.data.len() >= all)
        };
        if !over(heard) {
            self.until(heard, |_, heard| over(heard)).await;
        }
        if !heard.has("CLOSED") {
            self.write(b"AT+CIPCLOSE\r").await;
            self.until(heard, |said, _| {
                matches!(said, Said::Line(line) if line == "CLOSE OK" || line.starts_with("+CME ERROR"))
            })
            .await;
        }
    }

    /// In multi mode: opens these links at the same time, hears the greeting of each, and closes them.
    pub(crate) async fn connect_all(&mut self, ports: &[u16], greeting: &[u8]) {
        for (link, port) in ports.iter().enumerate() {
            self.ok(&format!("AT+CIPSTART={link},\"TCP\",\"127.0.0.1\",{port}")).await;
        }
        let mut got = vec![Vec::new(); ports.len()];
        while got.iter().any(|got| got.len() < greeting.len()) {
            match self.hear().await {
                Said::Line(line) => assert!(line.ends_with("CONNECT OK"), "{line}"),
                Said::Data(link, bytes) => got[usize::from(link)].extend(bytes),
                Said::Prompt => panic!("a prompt"),
            }
        }
        assert!(got.iter().all(|got| got == greeting));
        for link in 0..ports.len() {
            self.write(format!("AT+CIPCLOSE={link}\r").as_bytes()).await;
            assert_eq!(self.hear().await, Said::Line(format!("{link}, CLOSE OK")));
        }
    }
}
