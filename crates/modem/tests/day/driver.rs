//! The host of the day: sends commands and insists on their results.

use std::collections::VecDeque;
use std::time::Duration;

use modemtwin_modem::Setup;
use testkit::VirtualStage;
use transcript::{PeerStep, PowerOn, Progress, Stage, StageError, World};

/// No command may take longer, in milliseconds: AT+COPS=? has 300 s, a CIPSEND that waits for acknowledgements 645 s.
const LIMIT: u64 = 700_000;

/// What ends an answer.
const FINALS: &[&str] = &[
    "OK",
    "ERROR",
    "SHUT OK",
    "CLOSE OK",
    "SEND OK",
    "SEND FAIL",
    "ALREADY CONNECT",
    "NO CARRIER",
    "CONNECT",
];

/// What a day has to bring, so that it is known to have been a mixed one.
pub(crate) const OUTCOMES: [&str; 14] = [
    "\r\nCONNECT\r\n",
    "CONNECT OK\r\n",
    "CONNECT FAIL\r\n",
    "ALREADY CONNECT\r\n",
    "CLOSED\r\n",
    "CLOSE OK\r\n",
    "SEND OK\r\n",
    "SEND FAIL\r\n",
    "DATA ACCEPT:",
    "TCP ERROR:",
    "+PDP: DEACT\r\n",
    "+RECEIVE,",
    "+CIPRXGET: 1",
    "NO CARRIER\r\n",
];

pub(crate) struct Driver {
    stage: VirtualStage,
    now: u64,
    /// What each line has said and nobody has looked at.
    said: [Vec<u8>; 2],
    /// What went back and forth lately, for reports.
    history: VecDeque<String>,
    /// How often each of [`OUTCOMES`] has come.
    pub(crate) outcomes: [u64; OUTCOMES.len()],
    pub(crate) commands: u64,
    pub(crate) connections: u32,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Driver {
    pub(crate) fn new() -> Self {
        let mut stage = VirtualStage::with_setup(Setup::new(0, 1, 1_600_000_000_000));
        stage.power_on(&PowerOn { settings: &[], lines: 2, cold: false }).unwrap();
        let mut driver = Self {
            stage,
            now: 0,
            said: [Vec::new(), Vec::new()],
            history: VecDeque::new(),
            outcomes: [0; OUTCOMES.len()],
            commands: 0,
            connections: 0,
            sent: 0,
            received: 0,
        };
        for line in [0, 1] {
            driver.ask(line, "ATE0");
        }
        driver
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// The length of the module's whole state in words.
    pub(crate) fn module_size(&self) -> usize {
        self.stage.module_size()
    }

    fn note(&mut self, what: String) {
        if self.history.len() == 60 {
            self.history.pop_front();
        }
        self.history.push_back(format!("{:>10} ms {what}", self.now));
    }

    #[track_caller]
    fn fail(&self, why: &str) -> ! {
        let history: Vec<&str> = self.history.iter().map(String::as_str).collect();
        panic!("{why}\nlately:\n  {}", history.join("\n  "));
    }

    fn receive(&mut self) {
        for line in [0u8, 1] {
            let mut fresh = Vec::new();
            self.stage.receive(line, &mut fresh).unwrap();
            if !fresh.is_empty() {
                let text = String::from_utf8_lossy(&fresh);
                for (count, outcome) in self.outcomes.iter_mut().zip(OUTCOMES) {
                    *count += text.matches(outcome).count() as u64;
                }
                let shown = &fresh[..fresh.len().min(160)];
                self.note(format!("{line} < {} ({} bytes)", shown.escape_ascii(), fresh.len()));
                self.said[usize::from(line)].extend_from_slice(&fresh);
            }
        }
    }

    /// Lets time pass.
    #[track_caller]
    pub(crate) fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        while self.now < end {
            let waited = self.stage.wait(Duration::from_millis(end - self.now));
            let waited = waited.unwrap_or_else(|error| self.fail(&error.to_string()));
            self.now += u64::try_from(waited.as_millis()).unwrap();
            self.receive();
        }
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub(crate) fn write(&mut self, line: u8, bytes: &[u8]) {
        let shown = &bytes[..bytes.len().min(80)];
        self.note(format!("{line} > {} ({} bytes)", shown.escape_ascii(), bytes.len()));
        if let Err(error) = self.stage.send(line, bytes) {
            self.fail(&error.to_string());
        }
        self.receive();
    }

    /// Sends a command and waits for its result, which is returned with all that came before it.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: u8, command: &str) -> String {
        self.commands += 1;
        self.said[usize::from(line)].clear();
        self.write(line, format!("{command}\r").as_bytes());
        self.wait_until(line, &format!("no result for {command}"), is_final)
    }

    /// Sends a command whose answer has to have `wanted` in it.
    #[track_caller]
    pub(crate) fn expect(&mut self, line: u8, command: &str, wanted: &str) {
        let answer = self.ask(line, command);
        if !answer.contains(wanted) {
            self.fail(&format!("{command} has to be answered with {wanted}, not {answer:?}"));
        }
    }

    /// A command that may ask for data. Gives them if it does; gives what came at last.
    #[track_caller]
    pub(crate) fn send_data(&mut self, line: u8, command: &str, data: &[u8]) -> String {
        let answer = self.ask(line, command);
        if !answer.ends_with("\r\n> ") {
            return answer;
        }
        self.sent += data.len() as u64;
        self.said[usize::from(line)].clear();
        self.write(line, data);
        self.wait_until(line, &format!("no result after the data of {command}"), is_final)
    }

    #[track_caller]
    pub(crate) fn wait_for(&mut self, line: u8, text: &str) -> String {
        self.wait_until(line, &format!("no {text:?}"), |said| said.contains(text))
    }

    #[track_caller]
    fn wait_until(&mut self, line: u8, what: &str, good: impl Fn(&str) -> bool) -> String {
        let end = self.now + LIMIT;
        loop {
            let said = String::from_utf8_lossy(&self.said[usize::from(line)]).into_owned();
            if good(&said) {
                self.said[usize::from(line)].clear();
                return said;
            }
            if self.now >= end {
                self.fail(&format!("{what} within {LIMIT} ms; line {line} said {said:?}"));
            }
            let waited = self.stage.wait(Duration::from_millis(end - self.now));
            let waited = waited.unwrap_or_else(|error| self.fail(&error.to_string()));
            self.now += u64::try_from(waited.as_millis()).unwrap();
            self.receive();
        }
    }

    pub(crate) fn world(&mut self, change: &World) {
        self.note(format!("world {change:?}"));
        self.stage.world(change).unwrap();
        self.receive();
    }

    /// The end of a connection does something; what it cannot do just then does not matter.
    #[track_caller]
    pub(crate) fn peer(&mut self, number: Option<u32>, step: &PeerStep) -> bool {
        let done = match self.stage.peer(number, step) {
            Ok(Progress::Done) => true,
            Ok(Progress::NotYet(_)) => false,
            Err(StageError::Failed(text)) if text.starts_with("connection ") => false,
            Err(error) => self.fail(&error.to_string()),
        };
        if done {
            let shown = format!("{step:?}");
            self.note(format!("peer {number:?} {}", &shown[..shown.len().min(60)]));
        }
        self.receive();
        done
    }

    /// Accepts the connect that waits, as soon as there is one.
    #[track_caller]
    pub(crate) fn accept(&mut self) {
        for _ in 0..1_000 {
            if self.peer(None, &PeerStep::Accept(None)) {
                self.connections += 1;
                return;
            }
            self.pass(100);
        }
        self.fail("the module asks for no connection");
    }

    #[track_caller]
    pub(crate) fn peer_sends(&mut self, bytes: &[u8]) {
        if self.peer(None, &PeerStep::Send(bytes.to_vec())) {
            self.received += bytes.len() as u64;
        }
    }
}

/// Whether a final code stands at the end, or a prompt, or (AT+CIFSR) an address alone.
fn is_final(said: &str) -> bool {
    if said.ends_with("\r\n> ") {
        return true;
    }
    said.split("\r\n").any(|line| {
        let line = line.split_once(", ").map_or(line, |(_, rest)| rest);
        FINALS.contains(&line)
            || line.starts_with("+CME ERROR: ")
            || line.starts_with("DATA ACCEPT:")
            || line.parse::<std::net::Ipv4Addr>().is_ok()
    })
}
