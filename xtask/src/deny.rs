//! `cargo xtask deny`: licences, bans and sources of all dependencies.

use anyhow::{Result, bail};

use crate::run;

/// Runs cargo-deny by the rules of `deny.toml`.
///
/// # Errors
/// cargo-deny is missing and `install` is not set, cannot be installed, or objects.
pub(crate) fn run(install: bool) -> Result<()> {
    if !run::succeeds(&mut run::cargo(&["deny", "--version"])) {
        if !install {
            bail!("cargo-deny is missing. `cargo xtask deny --install` installs it (a few minutes)");
        }
        run::step("Installing cargo-deny, which is missing (a few minutes)");
        run::run(&mut run::cargo(&["install", "cargo-deny", "--locked"]))?;
    }
    run::step("Dependencies: licences, bans, sources");
    run::run(&mut run::cargo(&["deny", "check", "licenses", "bans", "sources"]))
}
