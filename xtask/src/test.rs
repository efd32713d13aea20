//! `cargo xtask test`: every test that there is.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{coverage, no_std, prerequisites, run};

/// Gets what is missing (or, without `install`, fails with the list), then runs everything. The runners' own summary lines
/// come last.
///
/// # Errors
/// Something is missing, does not build, or a test fails.
pub(crate) fn run(install: bool) -> Result<()> {
    run::step("What the tests need");
    let python = prerequisites::ensure(install)?;

    run::step("Behaviour: every row of docs/behaviour has a test, or says why not");
    coverage::run()?;

    run::step("The probe: `at` and `modem` without std");
    no_std::run()?;

    run::step("Building the program for the end-to-end tests");
    run::run(&mut run::cargo(&["build", "--package", "modemtwin"]))?;
    let binary = binary()?;

    run::step("Unit, transcript and documentation tests: cargo test");
    run::run(&mut run::cargo(&["test", "--workspace"]))?;

    run::step("End-to-end tests over real PTYs: pytest");
    let mut pytest = Command::new(python);
    // Four at a time, whatever the machine: they mostly wait for a module to boot.
    pytest.current_dir(run::root()).args([
        "-m",
        "pytest",
        "e2e",
        "-p",
        "no:cacheprovider",
        "--numprocesses",
        "4",
    ]);
    pytest.env("MODEMTWIN", binary).env("PYTHONDONTWRITEBYTECODE", "1");
    run::run(&mut pytest)
}

/// The program as built in the dev profile.
pub(crate) fn binary() -> Result<PathBuf> {
    let binary = run::target().join("debug").join("modemtwin");
    if !binary.is_file() {
        bail!("cargo built no {}", binary.display());
    }
    binary.canonicalize().with_context(|| format!("cannot find {}", binary.display()))
}
