//! `cargo xtask bench`: how near the twin comes to what the machine can do.
//!
//! Ratios of things measured in turn in one run, so that a slow or busy machine slows both sides.

mod bulk;
mod peers;
mod port;
mod report;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{prerequisites, run};
use peers::{Responder, Scratch, Server, Twin};
use port::Port;
use report::{Figures, Memory};

/// How often TLS is measured; odd, so that the median is one of the figures.
const ROUNDS: u32 = 7;
/// AT round trips in one measurement, and how many measurements there are of each side: short turns, because what else the
/// machine does changes from moment to moment.
const ROUND_TRIPS: u32 = 500;
const TURNS: u32 = 501;
/// Seconds per measurement of TLS.
const SECONDS: u32 = 2;
/// Modules that connect at the same time, and how often that is measured.
const MODULES: usize = 32;
const MANY_ROUNDS: u32 = 5;
/// How often bulk is measured.
const BULK_ROUNDS: u32 = 7;
/// How many modules share a process when memory is measured.
const RESIDENT: [u32; 2] = [1000, 2000];
/// What a connect–send–close cycle takes on the line: CIPSTART to OK, CIPSEND to the prompt, data to DATA ACCEPT, CIPCLOSE
/// to CLOSE OK.
const ROUND_TRIPS_PER_CYCLE: u32 = 4;

/// Measures, prints, and with `write` puts the table into docs/performance.md.
///
/// # Errors
/// Something cannot be built, started or understood. A ratio below its budget is no error: it is printed.
pub(crate) fn run(write: bool) -> Result<()> {
    let twin = build()?;
    let resident = ["build", "--release", "--package", "modemtwin-host", "--example", "resident"];
    run::run(&mut run::cargo(&resident))?;
    let programs = Programs { twin, resident: run::target().join("release/examples/resident") };

    run::step("Measuring");
    let table = measure(&programs)?.table();
    println!("\n{table}");
    if write {
        report::write(&table)?;
    }
    Ok(())
}

/// Measures and prints transparent mode alone.
///
/// # Errors
/// As [`run()`].
pub(crate) fn transparent() -> Result<()> {
    let twin = build()?;
    run::step("Measuring transparent mode");
    let directory = Scratch::new()?;
    let speeds = bulk::measure(&twin, &directory, BULK_ROUNDS, bulk::TRANSPARENT)?;
    println!("\n{}", report::bulk_table(&speeds));
    Ok(())
}

/// Looks for what is needed, and builds the program; gives where it is.
fn build() -> Result<PathBuf> {
    run::step("Looking for what the benchmark compares with");
    prerequisites::ensure_for_bench()?;
    run::step("Building the program for the benchmark (release)");
    run::run(&mut run::cargo(&["build", "--release", "--package", "modemtwin"]))?;
    Ok(run::target().join("release/modemtwin"))
}

/// What is measured.
struct Programs {
    twin: PathBuf,
    resident: PathBuf,
}

fn measure(programs: &Programs) -> Result<Figures> {
    let directory = Scratch::new()?;
    let binary = &programs.twin;
    let mut figures = Figures::default();
    thread::scope(|scope| {
        // A thread of its own, because it is tied to one core, and what it starts is too.
        let at = scope.spawn(|| measure_at(binary, &directory, &mut figures));
        at.join().unwrap_or_else(|_| bail!("the measurement of AT has ended early"))
    })?;
    measure_tls(binary, &directory, &mut figures)?;
    measure_many(binary, &directory, &mut figures)?;
    [figures.bulk, figures.bulk_etm] = bulk::measure(binary, &directory, BULK_ROUNDS, bulk::ALL)?;
    for modules in RESIDENT {
        let said = run::output(Command::new(&programs.resident).arg(modules.to_string()))?;
        print!("memory: {said}");
        figures.memory.push(memory(modules, &said)?);
    }
    Ok(figures)
}

/// What the example `resident` says: the modules, the KiB of each without a link, and with one.
fn memory(modules: u32, said: &str) -> Result<Memory> {
    let words =
        |text: &str| text.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<f64>>();
    match words(said).as_slice() {
        [_, idle, linked] => Ok(Memory { modules, idle: *idle, linked: *linked }),
        _ => bail!("cannot read what resident said: {said}"),
    }
}

/// AT round trips, everybody on one core: what the scheduler does with two would drown what is to be measured.
fn measure_at(binary: &Path, directory: &Path, figures: &mut Figures) -> Result<()> {
    stay_on_one_core()?;
    let responder = Responder::start(directory)?;
    let twin = Twin::start(binary, &directory.join("at"), 1)?;
    let mut bare = Port::open(&responder.line)?;
    let mut modem = Port::open(twin.lines.first().context("no line")?)?;
    attach(&mut modem)?;
    for _ in 0..TURNS {
        figures.bare.push(round_trips(&mut bare)?);
        figures.twin.push(round_trips(&mut modem)?);
    }
    println!("AT: {}", figures.at());
    Ok(())
}

/// TLS cycles, on all cores.
fn measure_tls(binary: &Path, directory: &Path, figures: &mut Figures) -> Result<()> {
    let server = Server::start(directory)?;
    let twin = Twin::start(binary, &directory.join("tls"), 1)?;
    let mut modem = ready(twin.lines.first().context("no line")?)?;
    for round in 1..=ROUNDS {
        figures.s_time.push(server.time(SECONDS)?);
        figures.cycles.push(cycles(&mut modem, server.port)?);
        println!("TLS, round {round} of {ROUNDS}: {}", figures.tls());
    }
    Ok(())
}

/// TLS cycles of many modules in one twin at the same time, against as many `s_time`. Each has a server of its own (the
/// same for both), because `s_server` serves one connection at a time.
fn measure_many(binary: &Path, directory: &Path, figures: &mut Figures) -> Result<()> {
    let twin = Twin::start(binary, &directory.join("many"), MODULES)?;
    let mut servers = Vec::new();
    let mut modems = Vec::new();
    for line in &twin.lines {
        servers.push(Server::start(&directory.join(format!("server{}", servers.len())))?);
        modems.push(ready(line)?);
    }
    for round in 1..=MANY_ROUNDS {
        figures.many_s_time.push(together(servers.iter().map(|server| || server.time(SECONDS)))?);
        let pairs = modems.iter_mut().zip(&servers);
        figures.many_cycles.push(together(pairs.map(|(modem, server)| || cycles(modem, server.port)))?);
        println!("TLS, {MODULES} at once, round {round} of {MANY_ROUNDS}: {}", figures.many());
    }
    Ok(())
}

/// Does it all at the same time, each in a thread; gives the sum.
fn together<F: FnOnce() -> Result<f64> + Send>(work: impl Iterator<Item = F>) -> Result<f64> {
    thread::scope(|scope| {
        let threads: Vec<_> = work.map(|one| scope.spawn(one)).collect();
        let mut sum = 0.0;
        for thread in threads {
            sum += thread.join().unwrap_or_else(|_| bail!("a thread of the benchmark has ended early"))?;
        }
        Ok(sum)
    })
}

/// A module that can connect with TLS.
fn ready(line: &Path) -> Result<Port> {
    let mut modem = Port::open(line)?;
    attach(&mut modem)?;
    modem.ok(&["AT+CIPMUX=0", "AT+CIPQSEND=1", "AT+CSTT", "AT+CIICR"])?;
    modem.ask(b"AT+CIFSR\r", b".")?;
    modem.ok(&["AT+CIPSSL=1", "AT+SSLCFG=\"sslversion\",0,3", "AT+SSLCFG=\"ciphersuite\",0,0X0035"])?;
    Ok(modem)
}

fn stay_on_one_core() -> Result<()> {
    let failed = "cannot choose a core";
    let allowed = sched_getaffinity(None).context(failed)?;
    let core = (0..CpuSet::MAX_CPU).rev().find(|core| allowed.is_set(*core)).context(failed)?;
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(None, &one).context(failed)
}

/// Waits until the twin is on its network, so that nothing comes unasked any more.
fn attach(modem: &mut Port) -> Result<()> {
    let since = Instant::now();
    while !modem.ask(b"AT+CGATT?\r", b"\r\nOK\r\n")?.windows(9).any(|said| said == b"+CGATT: 1") {
        if since.elapsed() > Duration::from_secs(60) {
            bail!("the twin does not attach to its network");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Round trips of `AT` per second.
fn round_trips(port: &mut Port) -> Result<f64> {
    let since = Instant::now();
    for _ in 0..ROUND_TRIPS {
        port.ask(b"AT\r", b"OK\r\n")?;
    }
    Ok(f64::from(ROUND_TRIPS) / since.elapsed().as_secs_f64())
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
