//! `cargo xtask bench`: how near the twin comes to what the machine can do.
//!
//! Ratios of things measured in turn in one run, so that a slow or busy machine slows both sides.

mod peers;
mod port;
mod report;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::run;
use peers::{Responder, Scratch, Server, Twin};
use port::Port;
use report::Figures;

/// How often everything is measured; odd, so that the median is one of the figures.
const ROUNDS: u32 = 7;
/// AT round trips in one go, and how often the two sides take turns in each measurement: what else the machine does changes
/// faster than a whole measurement takes.
const ROUND_TRIPS: u32 = 1_000;
const TURNS: u32 = 20;
/// Seconds per measurement of TLS.
const SECONDS: u32 = 2;
/// What a connect–send–close cycle takes on the line: CIPSTART to OK, CIPSEND to the prompt, data to DATA ACCEPT, CIPCLOSE
/// to CLOSE OK.
const ROUND_TRIPS_PER_CYCLE: u32 = 4;

/// Measures, prints, and with `write` puts the table into docs/performance.md.
///
/// # Errors
/// Something cannot be built, started or understood. A ratio below its budget is no error: it is printed.
pub(crate) fn run(write: bool) -> Result<()> {
    run::step("Building the program for the benchmark (release)");
    run::run(&mut run::cargo(&["build", "--release", "--package", "modemtwin"]))?;
    let binary = run::target().join("release/modemtwin");

    run::step("Measuring");
    let table = measure(&binary)?.table();
    println!("\n{table}");
    if write {
        report::write(&table)?;
    }
    Ok(())
}

fn measure(binary: &Path) -> Result<Figures> {
    let directory = Scratch::new()?;
    let responder = Responder::start(&directory)?;
    let server = Server::start(&directory)?;
    let twin = Twin::start(binary, &directory)?;
    let mut bare = Port::open(&responder.line)?;
    let mut modem = Port::open(&twin.line)?;
    prepare(&mut modem)?;

    let mut figures = Figures::default();
    for round in 1..=ROUNDS {
        let (mut bare_took, mut twin_took) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..TURNS {
            bare_took += round_trips(&mut bare)?;
            twin_took += round_trips(&mut modem)?;
        }
        let per_second = |took: Duration| f64::from(TURNS * ROUND_TRIPS) / took.as_secs_f64();
        figures.bare.push(per_second(bare_took));
        figures.twin.push(per_second(twin_took));
        figures.s_time.push(server.time(SECONDS)?);
        figures.cycles.push(cycles(&mut modem, server.port)?);
        let last = |figures: &[f64]| figures.last().copied().unwrap_or_default();
        println!(
            "round {round} of {ROUNDS}: AT {:.0} bare, {:.0} twin; TLS {:.0} s_time, {:.0} twin",
            last(&figures.bare),
            last(&figures.twin),
            last(&figures.s_time),
            last(&figures.cycles)
        );
    }
    Ok(figures)
}

/// From power-on to a bearer and a TLS context.
fn prepare(modem: &mut Port) -> Result<()> {
    let since = Instant::now();
    while !modem.ask(b"AT+CGATT?\r", b"\r\nOK\r\n")?.windows(9).any(|said| said == b"+CGATT: 1") {
        if since.elapsed() > Duration::from_secs(60) {
            bail!("the twin does not attach to its network");
        }
        thread::sleep(Duration::from_millis(20));
    }
    modem.ok(&["AT+CIPMUX=0", "AT+CIPQSEND=1", "AT+CSTT", "AT+CIICR"])?;
    modem.ask(b"AT+CIFSR\r", b".")?;
    modem.ok(&["AT+CIPSSL=1", "AT+SSLCFG=\"sslversion\",0,3", "AT+SSLCFG=\"ciphersuite\",0,0X0035"])
}

/// How long [`ROUND_TRIPS`] of `AT` take.
fn round_trips(port: &mut Port) -> Result<Duration> {
    let since = Instant::now();
    for _ in 0..ROUND_TRIPS {
        port.ask(b"AT\r", b"OK\r\n")?;
    }
    Ok(since.elapsed())
}

/// TLS connect–send–close cycles per second.
fn cycles(modem: &mut Port, server: u16) -> Result<f64> {
    let connect = format!("AT+CIPSTART=\"TCP\",\"127.0.0.1\",{server}\r");
    let since = Instant::now();
    let mut count = 0;
    while since.elapsed() < Duration::from_secs(SECONDS.into()) {
        modem.ask(connect.as_bytes(), b"CONNECT OK\r\n")?;
        modem.ask(b"AT+CIPSEND=10\r", b"> ")?;
        modem.ask(b"1234567890", b"DATA ACCEPT:10\r\n")?;
        modem.ask(b"AT+CIPCLOSE\r", b"CLOSE OK\r\n")?;
        count += 1;
    }
    Ok(f64::from(count) / since.elapsed().as_secs_f64())
}
