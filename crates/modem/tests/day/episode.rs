//! A few minutes in the life of a device: it sets everything up, talks, and something goes wrong now and then.

use super::driver::Driver;
use super::random::Random;
use transcript::{ConnectFailure, Coverage, PeerStep, World};

/// Asked in between, on any line, in any state: they always have an answer.
const QUESTIONS: &[&str] = &[
    "AT",
    "AT+CSQ",
    "AT+CREG?",
    "AT+CGATT?",
    "AT+CIPSTATUS",
    "AT+CIPMUX?",
    "AT+CIPACK",
    "AT+CIPACK=0",
    "AT+CCLK?",
    "AT+COPS?",
    "AT+CGACT?",
    "AT+CIPRXGET=4",
    "AT+CIPRXGET=2,100",
    "AT+CIPRXGET=2,0,1460",
    "AT+CIFSR",
    "AT+CIPSTATUS=1",
    "AT+FSLS=\"/\"",
    "AT+CIPCLOSE=3",
    "AT+NONSENSE",
    "AT+SSLCFG=\"seclevel\",0",
];

pub(crate) fn play(driver: &mut Driver, random: &mut Random) {
    driver.pass(random.below(60_000));
    driver.ask(0, "AT+CIPSHUT");
    let several = random.percent(50);
    let transparent = !several && random.percent(30);
    driver.ask(0, &format!("AT+CIPMODE=0;+CIPMUX={}", u8::from(several)));
    driver.ask(0, &format!("AT+CIPMODE={}", u8::from(transparent)));
    driver.ask(0, &format!("AT+CIPQSEND={}", random.below(3)));
    driver.ask(0, &format!("AT+CIPRXGET={}", if transparent { 0 } else { random.pick(&[0, 0, 1, 5]) }));
    driver.ask(0, &format!("AT+CIPHEAD={};+CIPRXF={}", random.below(2), random.below(2)));
    for command in ["AT+CSTT", "AT+CIICR", "AT+CIFSR"] {
        if random.percent(97) {
            driver.ask(0, command);
        }
    }
    if random.percent(5) {
        weather(driver, random);
    }
    let links = if several { 1 + random.below(8) } else { 1 };
    for link in 0..links {
        start(driver, random, several.then_some(link), transparent);
    }
    if transparent {
        stream(driver, random);
    } else {
        for _ in 0..random.below(40) {
            step(driver, random, several.then_some(links));
        }
    }
    clear_up(driver, random);
}

fn start(driver: &mut Driver, random: &mut Random, link: Option<u64>, transparent: bool) {
    let number = link.map(|link| format!("{link},")).unwrap_or_default();
    let kind = random.pick(&["TCP", "TCP", "TCP", "UDP"]);
    let said = driver.ask(0, &format!("AT+CIPSTART={number}{kind},192.0.2.{},7", 1 + random.below(200)));
    if !said.contains("\r\nOK\r\n") || said.contains("CONNECT FAIL") || said.contains("+PDP: DEACT") {
        return;
    }
    // A cold start first brings the bearer up.
    driver.pass(500);
    let fate = match random.below(20) {
        0 | 1 => PeerStep::Fail(ConnectFailure::Refused),
        2 | 3 => PeerStep::Fail(ConnectFailure::Timeout),
        4 => PeerStep::Fail(ConnectFailure::Dns),
        _ => PeerStep::Accept(None),
    };
    if driver.peer(None, &fate) {
        driver.connections += 1;
    }
    if transparent {
        driver.pass(100_000);
    }
}

fn step(driver: &mut Driver, random: &mut Random, links: Option<u64>) {
    driver.pass(random.below(5_000));
    let link = random.below(links.unwrap_or(1));
    let number = links.map(|_| format!("{link},")).unwrap_or_default();
    let connection = driver.connections.saturating_sub(u32::try_from(link).unwrap()).max(1);
    match random.below(100) {
        0..25 => {
            let length = 1 + random.below(1_460);
            let data = vec![b'm'; usize::try_from(length).unwrap()];
            driver.send_data(0, &format!("AT+CIPSEND={number}{length}"), &data);
        }
        25..30 => {
            let bare = if links.is_some() { format!("={link}") } else { String::new() };
            let end = random.pick(&[b"text\x1a" as &[u8], b"text\x1bAT\r"]);
            driver.send_data(0, &format!("AT+CIPSEND{bare}"), end);
        }
        30..55 => {
            let bytes = vec![b'p'; usize::try_from(1 + random.below(8_000)).unwrap()];
            let count = bytes.len() as u64;
            if driver.peer(Some(connection), &PeerStep::Send(bytes)) {
                driver.received += count;
            }
        }
        55..75 => {
            driver.ask(u8::try_from(random.below(2)).unwrap(), random.pick(QUESTIONS));
        }
        75..80 => {
            driver.peer(
                Some(connection),
                &random.pick(&[PeerStep::Close, PeerStep::HalfClose, PeerStep::Reset]),
            );
        }
        80..84 => {
            driver.peer(Some(connection), &random.pick(&[PeerStep::Stall, PeerStep::HoldAcks]));
        }
        84..88 => {
            driver.peer(Some(connection), &random.pick(&[PeerStep::Resume, PeerStep::Ack]));
        }
        88..92 => {
            let how = if links.is_some() { format!("={link},{}", random.below(2)) } else { String::new() };
            driver.ask(0, &format!("AT+CIPCLOSE{how}"));
        }
        92..95 => start(driver, random, links.map(|_| link), false),
        _ => weather(driver, random),
    }
}

/// Transparent mode: raw bytes, the escape, the way back; the peer may end it at any time.
fn stream(driver: &mut Driver, random: &mut Random) {
    for _ in 0..random.below(12) {
        let bytes = vec![b's'; usize::try_from(1 + random.below(4_000)).unwrap()];
        driver.sent += bytes.len() as u64;
        driver.write(0, &bytes);
        driver.pass(random.below(3_000));
        driver.peer_sends(&vec![b'p'; usize::try_from(1 + random.below(9_000)).unwrap()]);
        if random.percent(30) {
            escape(driver);
            driver.ask(0, random.pick(QUESTIONS));
            driver.ask(0, "ATO");
        }
        if random.percent(5) {
            driver.peer(None, &random.pick(&[PeerStep::Close, PeerStep::Reset]));
        }
        if random.percent(5) {
            weather(driver, random);
        }
    }
}

/// `+++` with its guard times; in command mode it is noise in front of the next command.
fn escape(driver: &mut Driver) {
    driver.pass(1_500);
    driver.write(0, b"+++");
    driver.pass(1_500);
}

fn weather(driver: &mut Driver, random: &mut Random) {
    match random.below(6) {
        0 => driver.world(&World::BearerLost),
        1 => driver.world(&World::Coverage(Coverage::Searching)),
        2 => driver.world(&World::Coverage(Coverage::Denied)),
        3 => driver.world(&World::Bearer(false)),
        4 => {
            driver.ask(1, "AT+CGATT=0");
        }
        _ => driver.world(&World::Rssi(u8::try_from(2 + random.below(30)).unwrap())),
    }
    driver.pass(random.below(20_000));
}

/// Whatever the state is, the host can get out of it.
fn clear_up(driver: &mut Driver, random: &mut Random) {
    driver.world(&World::Coverage(random.pick(&[Coverage::Home, Coverage::Roaming])));
    driver.world(&World::Bearer(true));
    escape(driver);
    // Behind `+++` as noise, if the line was not transparent.
    driver.write(0, b"\r");
    driver.pass(1_000);
    driver.ask(0, "AT");
    driver.ask(1, "AT+CGATT=1");
}
