//! Twenty-four simulated hours of mixed traffic with bearer drops, in virtual time: no command stays without a result,
//! nothing gets stuck, the module does not grow.
//!
//! `DAY_HOURS` and `DAY_SEED` ask for another length and another day.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod driver;
mod episode;
mod random;

use driver::Driver;
use random::Random;
use transcript::World;

/// A variable of the environment as a number.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

const HOUR: u64 = 3_600_000;

#[test]
fn a_day_of_mixed_traffic() {
    let (hours, seed) = (number("DAY_HOURS", 24), number("DAY_SEED", 724));
    let mut random = Random::new(seed);
    let mut driver = Driver::new();
    let mut sizes = Vec::new();
    let mut episodes = 0u32;
    for hour in 1..=hours {
        while driver.now() < hour * HOUR {
            episode::play(&mut driver, &mut random);
            episodes += 1;
        }
        sizes.push(rest(&mut driver));
    }
    let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
    // Numbers that count up take a digit more now and then; anything that is kept would take far more.
    assert!(last <= first + 256, "the module has grown: {sizes:?}");
    let outcomes: Vec<String> = driver::OUTCOMES
        .iter()
        .zip(driver.outcomes)
        .map(|(outcome, count)| format!("{count} {}", outcome.trim()))
        .collect();
    assert!(hours < 24 || driver.outcomes.iter().all(|&count| count > 0), "not a mixed day: {outcomes:?}");
    println!(
        "{hours} simulated hours, seed {seed}: {episodes} episodes, {} commands, {} connections, {} bytes to peers, \
         {} bytes from peers ({}); module {first} -> {last} bytes of state",
        driver.commands,
        driver.connections,
        driver.sent,
        driver.received,
        outcomes.join(", ")
    );
}

/// Good weather, and everything works; then nothing is open. How much the module holds.
fn rest(driver: &mut Driver) -> usize {
    driver.world(&World::Coverage(transcript::Coverage::Home));
    driver.world(&World::Bearer(true));
    driver.pass(180_000);
    for line in [0, 1] {
        driver.expect(line, "AT", "OK");
    }
    driver.expect(0, "AT+CIPSHUT", "SHUT OK");
    driver.expect(
        0,
        "AT+CIPMUX=0;+CIPMODE=0;+CIPQSEND=1;+CIPRXGET=0;+CIPRXF=1;+CIPSSL=0;+CIPHEAD=0;+CIPRXGET=0",
        "OK",
    );
    driver.expect(0, "AT+CGATT=1", "OK");
    driver.expect(0, "AT+CREG?", "+CREG: 0,1");
    driver.expect(0, "AT+CSTT;+CIICR", "OK");
    driver.ask(0, "AT+CIFSR");
    driver.expect(0, "AT+CIPSTART=TCP,192.0.2.1,7", "OK");
    driver.accept();
    driver.wait_for(0, "\r\nCONNECT OK\r\n");
    driver.send_data(0, "AT+CIPSEND=5", b"hello");
    driver.peer_sends(b"world");
    driver.wait_for(0, "world");
    driver.expect(0, "AT+CIPCLOSE", "CLOSE OK");
    driver.expect(0, "AT+CIPSHUT", "SHUT OK");
    driver.pass(60_000);
    driver.module_size()
}
