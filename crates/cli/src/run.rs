//! `modemtwin run`: modules on lines.

use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use host::spool::Spool;
use host::{Ended, Instance, Line, LineSpec, Network, OpenError, Parts, Resolver, Store, fleet, net};
use modem::Setup;

use crate::args::{NameCheck, Run, Tls};
use crate::record;
use crate::running::{PowerKey, StopSignals, data_directory, raise_file_limit, runtime};
use crate::screen::{STRONG, stdout};
use crate::surroundings::Surroundings;

/// Runs until a signal comes or every line is over.
pub(crate) fn run(options: &Run) -> anyhow::Result<()> {
    raise_file_limit();
    runtime()?.block_on(async {
        let mut signals = StopSignals::catch()?;
        serve(options, async move { signals.wait().await }).await
    })
}

async fn serve(options: &Run, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let state = match &options.state {
        Some(directory) => directory.clone(),
        None => data_directory()?,
    };
    let surroundings = Surroundings::read(options.world.as_deref())?;
    let recording = record::start(&options.record)?;
    let network = Network::new(resolver(options))
        .name_check(name_check(options.name_check))
        .modern(options.tls == Tls::Modern)
        .record(recording);
    let network = Arc::new(network);
    // All lines are opened before the first module is on: a mistake leaves nothing half started.
    let mut instances = Vec::new();
    for index in 0..options.modules {
        instances.push(instance(options, index, &state, &network, &surroundings)?);
    }
    let spool = spool(options, &state, &instances)?;
    let handles: Vec<_> = instances.iter().map(Instance::handle).collect();
    let power_key = PowerKey::catch()?.serve(handles.clone());
    let surroundings = surroundings.go_on(handles);
    announce(options, &instances).context("cannot write to standard output")?;

    let outcomes = tokio::select! {
        outcomes = fleet::run(instances, stop) => outcomes,
        () = power_key => bail!("the signals have ended"),
        () = surroundings => bail!("the surroundings have ended"),
        () = spool => bail!("short messages are not looked for any more"),
    };
    if outcomes.iter().any(|outcome| outcome.ended == Ended::OutputLost) {
        bail!("answers are lost: standard output could not be written to; the log says why");
    }
    let failed: Vec<&str> =
        outcomes.iter().filter(|o| o.ended == Ended::Failed).map(|o| o.name.as_str()).collect();
    if !failed.is_empty() {
        bail!("{} failed; the log says how", failed.join(", "));
    }
    Ok(())
}

pub(crate) fn name_check(option: NameCheck) -> net::NameCheck {
    match option {
        NameCheck::Hostname => net::NameCheck::Hostname,
        NameCheck::Always => net::NameCheck::Always,
        NameCheck::Never => net::NameCheck::Never,
    }
}

fn instance(
    options: &Run,
    index: u32,
    state: &Path,
    network: &Arc<Network>,
    surroundings: &Surroundings,
) -> anyhow::Result<Instance> {
    let number = number(options, index)?;
    let name = format!("modem{number}");
    let store = Store::open(&state.join(&name)).map_err(|error| {
        let hint = match &error {
            OpenError::Io { .. } => "; --state DIR keeps them elsewhere",
            OpenError::InUse(_) => "",
        };
        anyhow!("{name} has no place for its files: {error}{hint}")
    })?;
    let lines = open_lines(options, index).with_context(|| format!("{name} does not get its lines"))?;
    let mut setup =
        Setup { profile: options.profile, ..Setup::new(number, options.seed, host::unix_millis()) };
    surroundings.begin(&mut setup)?;
    let parts = Parts { name, setup, lines, store, network: Arc::clone(network), observer: None };
    Ok(Instance::new(parts).power_key(PowerKey::hint()))
}

/// Watches for short messages from `modemtwin sms`; never ends. Where the system has no more watches, the modules
/// run without.
fn spool(
    options: &Run,
    state: &Path,
    instances: &[Instance],
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let mut modules = Vec::new();
    for (index, instance) in (0..options.modules).zip(instances) {
        modules.push((state.join(format!("modem{}", number(options, index)?)), instance.handle()));
    }
    let spool = Spool::watch(modules);
    Ok(async move {
        let problem = match spool {
            Ok(spool) => spool.serve().await,
            Err(error) => Err(error),
        };
        if let Err(error) = problem {
            tracing::warn!(%error, "short messages from outside are not looked for");
        }
        std::future::pending::<()>().await;
    })
}

/// The module's number: its identity, its name, the directory of its state.
fn number(options: &Run, index: u32) -> anyhow::Result<u32> {
    const LAST: u32 = 999_999;
    options.first_instance.checked_add(index).filter(|number| *number <= LAST).with_context(|| {
        format!("--first-instance {} is too much: the last module is {LAST}", options.first_instance)
    })
}

/// The lines that a module serves: those that were asked for, or a PTY.
fn line_specs(options: &Run, index: u32) -> anyhow::Result<Vec<LineSpec>> {
    let number = number(options, index)?;
    if options.lines.specs.is_empty() {
        return Ok(vec![LineSpec::Pty(PathBuf::from(format!("./modem{number}")))]);
    }
    let own = |spec: &LineSpec| {
        Ok(match spec {
            LineSpec::Pty(link) if options.modules > 1 => {
                let mut numbered = link.clone().into_os_string();
                numbered.push(number.to_string());
                LineSpec::Pty(numbered.into())
            }
            LineSpec::Tcp(address) => LineSpec::Tcp(counted(*address, index)?),
            other => other.clone(),
        })
    };
    options.lines.specs.iter().map(own).collect()
}

/// Opens a module's lines.
fn open_lines(options: &Run, index: u32) -> anyhow::Result<Vec<Line>> {
    let specs = line_specs(options, index)?;
    if specs.len() > LINES {
        bail!("{} lines are too many for one module; it has {LINES} at most", specs.len());
    }
    let paced = |line: Line| match options.lines.baud {
        Some(baud) => line.paced(baud),
        None => line,
    };
    let lines = specs.iter().map(|spec| Line::open(spec).map(paced)).collect::<Result<_, _>>()?;
    Ok(lines)
}

/// The most lines of a module.
const LINES: usize = 16;

/// The address for the module at `index`: the port counts up, unless the system is to choose it.
fn counted(address: SocketAddr, index: u32) -> anyhow::Result<SocketAddr> {
    if address.port() == 0 {
        return Ok(address);
    }
    let port = u32::from(address.port()).checked_add(index).and_then(|port| u16::try_from(port).ok());
    let port =
        port.with_context(|| format!("there are not enough ports behind {address} for all modules"))?;
    Ok(SocketAddr::new(address.ip(), port))
}

fn resolver(options: &Run) -> Resolver {
    let mut resolver = Resolver::new();
    for rule in &options.resolve {
        resolver.add(&rule.host, rule.address, rule.port);
    }
    resolver
}

/// Says which lines there are and what to type. Standard output is the module's own with --stdio, so nothing is said.
fn announce(options: &Run, instances: &[Instance]) -> anyhow::Result<()> {
    let stdio = options.lines.has_stdio();
    let mut out: Box<dyn Write> = match stdio {
        false => Box::new(stdout()),
        // Standard output is the module's.
        true if io::stdin().is_terminal() && io::stderr().is_terminal() => Box::new(anstream::stderr()),
        true => return Ok(()),
    };
    for instance in instances {
        let several = instance.lines().len() > 1;
        let specs = options.lines.specs.iter().map(Some).chain(std::iter::repeat(None));
        for ((number, line), spec) in instance.lines().iter().enumerate().zip(specs) {
            // As the log calls it; a module with one line needs no more than its name.
            let which = match number {
                _ if !several => String::new(),
                0 => " line 0 (UART1)".into(),
                number => format!(" line {number}"),
            };
            write!(out, "{}{which} at {}", instance.name(), line.name())?;
            let what = match (spec, line.address()) {
                (Some(LineSpec::Serial { .. } | LineSpec::Stdio), _) => None,
                // Without -C, nc ends lines with LF alone, which ends no AT command.
                (_, Some(address)) => Some(format!("nc -C {} {}", address.ip(), address.port())),
                // The name of a PTY is its link and, in parentheses, its device.
                _ => Some(format!("picocom {}", line.name().split(" (").next().unwrap_or_default())),
            };
            match what {
                Some(what) => writeln!(out, "; try: {STRONG}{what}{STRONG:#}")?,
                None => writeln!(out)?,
            }
        }
    }
    // On a terminal that is a line, Ctrl-C is the module's.
    writeln!(out, "{} ends it.", if stdio { "Ctrl-]" } else { "Ctrl-C" })?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    use crate::args::{Action, Cli};

    fn options(line: &str) -> Run {
        match Cli::try_parse_from(line.split_whitespace()).unwrap().action {
            Action::Run(run) => run,
            other => panic!("{other:?}"),
        }
    }

    fn specs(line: &str, index: u32) -> Vec<LineSpec> {
        line_specs(&options(line), index).unwrap()
    }

    fn pty(path: &str) -> LineSpec {
        LineSpec::Pty(path.into())
    }

    #[test]
    fn a_module_is_on_a_pty_unless_something_else_is_asked_for() {
        assert_eq!(specs("modemtwin run", 0), [pty("./modem0")]);
        assert_eq!(specs("modemtwin run --first-instance 7", 0), [pty("./modem7")]);
        assert_eq!(specs("modemtwin run --pty /tmp/tty", 0), [pty("/tmp/tty")]);
        assert_eq!(specs("modemtwin run --stdio", 0), [LineSpec::Stdio]);
        let tcp = LineSpec::Tcp("127.0.0.1:5000".parse().unwrap());
        assert_eq!(specs("modemtwin run --tcp 127.0.0.1:5000", 0), std::slice::from_ref(&tcp));
        assert_eq!(specs("modemtwin run --tcp 127.0.0.1:5000 --pty x", 0), [tcp, pty("x")]);
        assert_eq!(specs("modemtwin run --pty x --pty y", 0), [pty("x"), pty("y")]);
    }

    #[test]
    fn several_modules_have_lines_of_their_own() {
        assert_eq!(specs("modemtwin run --modules 3", 2), [pty("./modem2")]);
        assert_eq!(specs("modemtwin run --modules 3 --pty tty", 2), [pty("tty2")]);
        assert_eq!(specs("modemtwin run --modules 3 --pty a --pty b", 1), [pty("a1"), pty("b1")]);
        let tcp = |port| [LineSpec::Tcp(SocketAddr::from(([127, 0, 0, 1], port)))];
        assert_eq!(specs("modemtwin run --modules 3 --tcp 127.0.0.1:5000", 2), tcp(5002));
        assert_eq!(specs("modemtwin run --modules 3 --tcp 127.0.0.1:0", 2), tcp(0));
    }

    #[test]
    fn numbers_and_ports_that_do_not_exist_are_refused() {
        assert!(line_specs(&options("modemtwin run --modules 2 --tcp 127.0.0.1:65535"), 1).is_err());
        let last = options("modemtwin run --modules 2 --first-instance 999999");
        assert_eq!(number(&last, 0).unwrap(), 999_999);
        assert!(number(&last, 1).is_err());
    }

    #[tokio::test]
    async fn a_module_is_served_until_it_is_told_to_stop() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("tty");
        let options =
            options(&format!("modemtwin run --pty {0}/tty --state {0}/state", directory.path().display()));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(async move { serve(&options, async move { drop(stopped.await) }).await });
        let mut client = loop {
            let address = host::client::Address::Device(link.clone());
            if let Ok(client) = host::client::Client::open(&address).await {
                break client;
            }
            tokio::task::yield_now().await;
        };
        client.write_all(b"AT\r").await.unwrap();
        let mut said = Vec::new();
        while !said.windows(4).any(|window| window == b"OK\r\n") {
            let mut buffer = [0; 256];
            let count = client.read(&mut buffer).await.unwrap();
            said.extend_from_slice(&buffer[..count]);
        }
        drop(stop);
        running.await.unwrap().unwrap();
        assert!(!link.exists(), "the link has to be gone");
        assert!(directory.path().join("state/modem0").is_dir());
    }
}
