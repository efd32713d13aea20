//! `modemtwin play`: a transcript on the lines of a module that runs elsewhere, told while it happens.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use host::LineStage;
use host::client::Address;
use transcript::{Action, Bindings, Failure, Happened, Runner, Transcript};

use crate::args;
use crate::screen::{BAD, STRONG, stdout};
use crate::show::Show;

/// How long it takes to see whether something unread is there, which is about messages of a start.
const GLANCE: Duration = Duration::from_millis(50);
/// Longer than any pause between those messages.
const QUIET: Duration = Duration::from_secs(3);
/// How long a module may go on with them.
const LIMIT: Duration = Duration::from_secs(60);

/// A name of the transcript, and what the command line says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    name: String,
    value: String,
}

/// `NAME=VALUE`.
pub(crate) fn named(text: &str) -> Result<Named, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(Named { name: name.into(), value: value.into() }),
        _ => Err("a name, `=` and its value are needed, such as port=8080".into()),
    }
}

/// Where a module is: a device, or an address with a port.
pub(crate) fn line(text: &str) -> Address {
    text.parse().map_or_else(|_| Address::Device(text.into()), Address::Tcp)
}

/// Plays it and says how many steps there were.
pub(crate) fn play(options: &args::Play) -> anyhow::Result<()> {
    let name = options.file.display();
    let text = fs::read_to_string(&options.file).with_context(|| format!("cannot read {name}"))?;
    let transcript = Transcript::parse(&name.to_string(), &text)?;
    let bindings = bindings(options)?;
    let mut stage = LineStage::open(&options.line).with_context(|| {
        let lines: Vec<String> = options.line.iter().map(shown).collect();
        format!("cannot open {}", lines.join(", "))
    })?;

    if begins_with_the_host(&transcript) && stage.settle(GLANCE, LIMIT)? {
        stage.settle(QUIET, LIMIT)?;
    }

    let mut show = Show::new(stdout());
    let mut observer = |happened: &Happened<'_>| show.happened(happened);
    let played = Runner::new(&bindings).observer(&mut observer).run(&mut stage, &transcript);
    let mut out = show.finish()?;
    let outcome = match played {
        Ok(summary) => {
            let time = summary.waited.as_secs_f64();
            writeln!(
                out,
                "\n{STRONG}All {} steps went as written, in {time:.1} s.{STRONG:#}",
                summary.steps
            )?;
            Ok(())
        }
        Err(failure) => {
            // The conversation has been printed already.
            let failure = Failure { before: Vec::new(), ..*failure };
            Err(anyhow!("a step went otherwise\n{BAD}{failure}{BAD:#}"))
        }
    };
    out.flush()?;
    outcome
}

/// Whether it does not matter what the module has said before: messages of its start that nobody has read, for example.
fn begins_with_the_host(transcript: &Transcript) -> bool {
    let first = transcript.steps.iter().find_map(|step| match step.action {
        Action::Send { .. } => Some(true),
        Action::Expect { .. } | Action::Silence { .. } => Some(false),
        _ => None,
    });
    first.unwrap_or(false)
}

/// The names of the command line; paths in the transcript itself are relative to it.
fn bindings(options: &args::Play) -> anyhow::Result<Bindings> {
    let directory = options.file.parent().unwrap_or(Path::new("")).to_owned();
    let source = move |path: &str| fs::read(directory.join(path)).map_err(|error| error.to_string());
    let mut bindings = Bindings::new().source(source);
    for Named { name, value } in &options.set {
        bindings = bindings.variable(name, value);
    }
    for Named { name, value } in &options.bind {
        let path = PathBuf::from(value);
        let contents = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        bindings = bindings.file(name, contents);
    }
    Ok(bindings)
}

fn shown(address: &Address) -> String {
    match address {
        Address::Device(path) => path.display().to_string(),
        Address::Tcp(address) => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_value() {
        let pair = |name: &str, value: &str| Ok(Named { name: name.into(), value: value.into() });
        assert_eq!(named("port=8080"), pair("port", "8080"));
        assert_eq!(named("url=http://a/?b=c"), pair("url", "http://a/?b=c"));
        assert_eq!(named("empty="), pair("empty", ""));
        assert!(named("port").is_err());
        assert!(named("=8080").is_err());
    }

    #[test]
    fn a_line_is_a_port_or_else_a_device() {
        assert_eq!(line("127.0.0.1:5000"), Address::Tcp(([127, 0, 0, 1], 5000).into()));
        assert_eq!(line("./modem0"), Address::Device("./modem0".into()));
        assert_eq!(line("127.0.0.1"), Address::Device("127.0.0.1".into()));
    }

    #[test]
    fn who_speaks_first() {
        for (text, host) in [
            ("@title a\n@within 1s\n> AT\n< OK\n", true),
            ("# a\n< RDY\n> AT\n< OK\n", false),
            ("@silence 1s\n> AT\n", false),
            ("@title a\n", false),
        ] {
            assert_eq!(begins_with_the_host(&Transcript::parse("a.at", text).unwrap()), host, "{text}");
        }
    }
}
