//! `modemtwin play`: a transcript on the lines of a module that runs elsewhere, told while it happens.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use host::LineStage;
use host::client::Address;
use transcript::{
    Action, Bindings, Contents, Expect, Failure, Happened, Part, Runner, Send, Template, Transcript,
};

use crate::args::{self, Named, Usage};
use crate::screen::{BAD, STRONG, stdout};
use crate::show::Show;

/// How long it takes to see whether something unread is there, which is about messages of a start.
const GLANCE: Duration = Duration::from_millis(50);
/// Longer than any pause between those messages.
const QUIET: Duration = Duration::from_secs(3);
/// How long a module may go on with them.
const LIMIT: Duration = Duration::from_secs(60);

/// Plays it and says how many steps there were.
pub(crate) fn play(options: &args::Play) -> anyhow::Result<()> {
    let name = options.file.display();
    let text = fs::read_to_string(&options.file).with_context(|| format!("cannot read {name}"))?;
    let transcript = Transcript::parse(&name.to_string(), &text)?;
    let bindings = bindings(options)?;
    let wanting = wanting(&transcript, options);
    if !wanting.is_empty() {
        bail!(Usage(format!("{name} has names in it that are not given: {}", wanting.join(" "))));
    }
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

/// The options that give the transcript's names what neither it nor the command line gives them: said before anything is
/// sent, for a session that ends half-way leaves the module as nobody wants it.
fn wanting(transcript: &Transcript, options: &args::Play) -> Vec<String> {
    let mut files: BTreeSet<&str> = options.bind.iter().map(|named| named.name.as_str()).collect();
    let mut variables: BTreeSet<&str> = options.set.iter().map(|named| named.name.as_str()).collect();
    for step in &transcript.steps {
        match &step.action {
            Action::File { name, .. } => drop(files.insert(name)),
            Action::Set { name, .. } => drop(variables.insert(name)),
            Action::Expect { what: Expect::Line(Template { parts }), .. } => {
                variables.extend(parts.iter().filter_map(|part| match part {
                    Part::Any(_, name) => name.as_deref(),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    let mut wanting = Vec::new();
    let mut want = |option: String| {
        if !wanting.contains(&option) {
            wanting.push(option);
        }
    };
    for step in &transcript.steps {
        let (template, payload) = match &step.action {
            Action::Send { what: Send::Command { text, .. }, .. } => (Some(text), None),
            Action::Send { what: Send::Payload(payload), .. }
            | Action::Expect { what: Expect::Payload(payload), .. }
            | Action::File { contents: Contents::Here(payload), .. } => (None, payload.name()),
            Action::Expect { what: Expect::Line(template), .. } | Action::Set { value: template, .. } => {
                (Some(template), None)
            }
            _ => continue,
        };
        for part in template.iter().flat_map(|template| &template.parts) {
            match part {
                Part::Length(name) if !files.contains(name.as_str()) => want(format!("--bind {name}=PATH")),
                Part::Variable(name) if !variables.contains(name.as_str()) => {
                    want(format!("--set {name}=TEXT"));
                }
                _ => {}
            }
        }
        if let Some(name) = payload.filter(|name| !files.contains(name)) {
            want(format!("--bind {name}=PATH"));
        }
    }
    wanting
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
    use clap::Parser;

    #[test]
    fn names_that_nobody_gives() {
        let text = "@file own \"x\"\n> AT+A={len:own},{len:ca.crt},{port}\n>file ca.crt\n<data other\n< +A: {id=d}\n> AT+B={id}\n";
        let transcript = Transcript::parse("a.at", text).unwrap();
        let options = |more: &[&str]| {
            let line = ["modemtwin", "play", "a.at"].iter().chain(more);
            let Ok(args::Cli { action: args::Action::Play(options) }) = args::Cli::try_parse_from(line)
            else {
                panic!("{more:?}");
            };
            wanting(&transcript, &options)
        };
        assert_eq!(options(&[]), ["--bind ca.crt=PATH", "--set port=TEXT", "--bind other=PATH"]);
        assert_eq!(options(&["--bind", "ca.crt=x", "--set", "port=1"]), ["--bind other=PATH"]);
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
