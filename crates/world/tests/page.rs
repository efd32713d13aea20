//! docs/world.md: every cause there is made again, in virtual time, and what driver and log see is compared. With
//! WRITE_DOCS=1 it is written anew.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fmt::Write as _;
use std::path::Path;

use modem::{Input, LineId, LinkEvent, LinkRequest, Modem, Output, Setup, Time};
use modemtwin_world::{change, set_up};
use transcript::WorldFile;

const BEGIN: &str = "<!-- causes:begin, compared (WRITE_DOCS=1: written) by crates/world/tests/page.rs -->\n";
const END: &str = "<!-- causes:end -->\n";

/// When the driver comes, in milliseconds since power-on.
const SETTLED: u64 = 10_000;

/// The checks of the guide, and a connect from cold.
const CHECKS: &[&str] =
    &["AT+CPIN?", "AT+CSQ", "AT+CREG?", "AT+CGATT?", "AT+CIPSTART=\"TCP\",\"192.0.2.1\",80"];

struct Case {
    title: &'static str,
    world: &'static str,
    /// What the driver types.
    typed: &'static [&'static str],
}

const fn case(title: &'static str, world: &'static str) -> Case {
    Case { title, world, typed: CHECKS }
}

const CASES: &[Case] = &[
    Case {
        title: "The module hangs in its boot",
        world: "boot stuck\nafter 90s reset 150ms",
        typed: &["AT"],
    },
    case("There is no card", "card out"),
    case("The card waits for its PIN", "card in pin 1234"),
    case("The card is blocked", "card in pin 1234 blocked"),
    case("The card does not start", "card-start stuck"),
    case("The card is in arrears", "card in arrears"),
    case("The network refuses the card", "card in refused"),
    case("The signal is too weak", "rssi 1"),
    case("There is no network here", "coverage searching"),
    case("The operator's network is none that the radio can use", "coverage unusable"),
    case("The network denies the registration", "coverage denied"),
    case("The attach hangs", "attach stuck"),
    case("The attach takes too long", "attach slow 200s"),
    case("The network gives no bearer", "bearer refused"),
    case("The card belongs to a private APN", "apn private \"iot.example\" \"user\" \"password\""),
    Case {
        title: "The password is wrong",
        world: "apn private \"iot.example\" \"user\" \"password\"",
        typed: &["AT+CSTT=\"iot.example\",\"user\",\"wrong\"", "AT+CIICR"],
    },
    case("The APN in use leads nowhere", "apn private \"iot.example\" dead-end"),
    Case {
        title: "The name servers do not answer",
        world: "dns dead",
        typed: &["AT+CIPSTART=\"TCP\",\"server.example\",80"],
    },
    Case {
        title: "The server's address is private",
        world: "private-servers unreachable",
        typed: &["AT+CIPSTART=\"TCP\",\"192.168.1.10\",80"],
    },
    Case {
        title: "The network takes the bearer",
        world: "after 60s bearer lost",
        typed: &["AT+CIPSTART=\"TCP\",\"192.0.2.1\",80"],
    },
    Case { title: "The firmware has no SSL", world: "profile air724ug-no-ssl", typed: &["AT+CIPSSL=1"] },
];

/// A module in virtual time whose connects succeed.
struct Twin {
    modem: Modem,
    now: u64,
    changes: Vec<(u64, modem::WorldChange)>,
    said: String,
    log: Vec<String>,
}

impl Twin {
    fn new(world: &str) -> Self {
        let file = WorldFile::parse("world", world).unwrap();
        let mut setup = Setup::new(0, 1, 1_600_000_000_000);
        for setting in &file.beginning {
            set_up(&mut setup, setting).unwrap();
        }
        let changes = file
            .changes
            .iter()
            .map(|(time, world)| (u64::try_from(time.as_millis()).unwrap(), change(world)))
            .collect();
        let mut twin =
            Self { modem: Modem::new(setup), now: 0, changes, said: String::new(), log: Vec::new() };
        twin.drain();
        twin
    }

    fn hand(&mut self, input: Input<'_>) {
        self.modem.handle(Time(self.now), input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Write { line, bytes } => {
                    self.said.push_str(&String::from_utf8(bytes.clone()).unwrap());
                    self.modem.handle(Time(self.now), Input::Written { line, bytes: bytes.len() });
                }
                Output::Link { conn, request: LinkRequest::Connect(_) } => {
                    let peer = "192.0.2.1:80".parse().unwrap();
                    self.modem
                        .handle(Time(self.now), Input::Link { conn, event: LinkEvent::Connected { peer } });
                }
                Output::Note(note) => self.log.push(match note.line {
                    Some(line) => {
                        format!("warning: modem0 line {}: {}: {}", line.0, note.subject, note.text)
                    }
                    None => format!("warning: modem0: {}: {}", note.subject, note.text),
                }),
                _ => {}
            }
        }
    }

    /// Lets time pass until `limit`, or until the module says something.
    fn wait(&mut self, limit: u64) {
        while self.said.is_empty() && self.now < limit {
            let timer = self.modem.deadline().map_or(u64::MAX, |time| time.0);
            let change = self.changes.first().map_or(u64::MAX, |(time, _)| *time);
            self.now = self.now.max(timer.min(change).min(limit));
            if change <= self.now {
                let (_, change) = self.changes.remove(0);
                self.hand(Input::World(change));
            } else {
                self.hand(Input::Tick);
            }
        }
    }
}

/// The conversation. Behind the last command, with what comes within 100 s of silence.
fn conversation(twin: &mut Twin, typed: &[&str]) -> String {
    let mut page = String::new();
    for (index, command) in typed.iter().enumerate() {
        writeln!(page, "> {command}").unwrap();
        twin.hand(Input::Line { line: LineId(0), bytes: format!("{command}\r").as_bytes() });
        let patience = if index + 1 == typed.len() { 100_000 } else { 0 };
        let mut asked = twin.now;
        loop {
            twin.wait(twin.now + patience);
            if twin.said.is_empty() {
                break;
            }
            if twin.now - asked >= 1_000 {
                writeln!(page, "  ({} s later)", (twin.now - asked) / 1000).unwrap();
            }
            asked = twin.now;
            for line in std::mem::take(&mut twin.said).split("\r\n").filter(|line| !line.is_empty()) {
                writeln!(page, "< {line}").unwrap();
            }
        }
    }
    page
}

fn wrapped(line: &str) -> String {
    let mut page = String::new();
    let mut column = 0;
    for word in line.split(' ') {
        if column > 0 && column + 1 + word.len() > 110 {
            page.push_str("\n   ");
            column = 3;
        }
        if column > 0 {
            page.push(' ');
            column += 1;
        }
        page.push_str(word);
        column += word.len();
    }
    page
}

fn part() -> String {
    let mut page = String::new();
    for Case { title, world, typed } in CASES {
        let mut twin = Twin::new(world);
        while twin.now < SETTLED {
            twin.said.clear();
            twin.wait(SETTLED);
        }
        twin.hand(Input::Line { line: LineId(0), bytes: b"ATE0\r" });
        twin.said.clear();
        let said = conversation(&mut twin, typed);
        write!(page, "\n**{title}:**\n\n```text\n{world}\n```\n\n```text\n{said}```\n\n```text\n").unwrap();
        for line in &twin.log {
            writeln!(page, "{}", wrapped(line)).unwrap();
        }
        page.push_str("```\n");
    }
    page
}

#[test]
fn every_cause_on_the_page() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/world.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let part = part();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (now, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{part}\n{END}{tail}")).unwrap();
        return;
    }
    assert!(
        now == format!("{part}\n"),
        "docs/world.md says something else; WRITE_DOCS=1 writes this:\n{part}"
    );
}
