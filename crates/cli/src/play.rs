//! `modemtwin play`: a transcript on the lines of a module that runs elsewhere, told while it happens.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use host::LineStage;
use host::client::Address;
use transcript::{Action, Bindings, Failure, Happened, Runner, Transcript};

use crate::args::{self, Named};
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
