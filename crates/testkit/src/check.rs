//! Runs transcripts as tests.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use transcript::{Bindings, Transcript, run_all_ways};

use crate::stage::VirtualStage;

/// Transcripts that did not go as written. `Debug` prints the same reports as `Display`, so that `unwrap` in a test
/// shows them readably.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failures {
    /// One report for each.
    pub reports: Vec<String>,
    /// How many transcripts there were.
    pub of: usize,
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in &self.reports {
            writeln!(f, "\n{}", report.trim_end())?;
        }
        write!(f, "\n{} of {} transcripts failed", self.reports.len(), self.of)
    }
}

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Failures {
    fn one(report: String) -> Self {
        Self { reports: vec![report], of: 1 }
    }
}

/// Plays a transcript's text on a module in memory: with the host's bytes whole, singly, and in random pieces.
///
/// ```
/// modemtwin_testkit::check_str("> AT\n< OK\n").unwrap();
/// ```
///
/// # Errors
///
/// The report of what is wrong in the text, or of the step that did not go as written.
pub fn check_str(text: &str) -> Result<(), Failures> {
    check_text("transcript", text, &Bindings::new()).map_err(Failures::one)
}

/// The same for a file. Paths in its `@file` lines are relative to its directory.
///
/// # Errors
///
/// As [`check_str`]; or the file can't be read.
pub fn check(path: impl AsRef<Path>) -> Result<(), Failures> {
    check_file(path.as_ref()).map_err(Failures::one)
}

/// The same for every `*.at` file in a directory and below it. Tells how many there were.
///
/// # Errors
///
/// The reports of all that failed; or there is none, or the directory can't be read.
pub fn check_dir(directory: impl AsRef<Path>) -> Result<usize, Failures> {
    let directory = directory.as_ref();
    let mut paths = Vec::new();
    find(directory, &mut paths, DEPTH)
        .map_err(|error| Failures::one(format!("{}: {error}", directory.display())))?;
    paths.sort();
    if paths.is_empty() {
        return Err(Failures::one(format!("{}: there is no *.at file", directory.display())));
    }
    let reports: Vec<String> = paths.iter().filter_map(|path| check_file(path).err()).collect();
    if reports.is_empty() { Ok(paths.len()) } else { Err(Failures { reports, of: paths.len() }) }
}

/// How deep directories may nest.
const DEPTH: usize = 16;

fn find(directory: &Path, paths: &mut Vec<PathBuf>, depth: usize) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            if depth > 0 {
                find(&path, paths, depth - 1)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "at") {
            paths.push(path);
        }
    }
    Ok(())
}

fn check_file(path: &Path) -> Result<(), String> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let directory = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let bindings =
        Bindings::new().source(move |file| fs::read(directory.join(file)).map_err(|error| error.to_string()));
    check_text(&name, &text, &bindings)
}

fn check_text(name: &str, text: &str, bindings: &Bindings) -> Result<(), String> {
    let transcript = Transcript::parse(name, text).map_err(|error| error.to_string())?;
    run_all_ways(VirtualStage::new, bindings, &transcript).map_err(|failure| failure.to_string())
}
