//! `cargo xtask no-std`: proves that `at` and `modem` do not need std.

use anyhow::{Context, Result, bail};

use crate::run;

/// Builds the probe, a static library with its own panic handler that links both crates. Then checks the probe itself: with
/// std pulled in on purpose it must not build.
///
/// # Errors
/// The probe does not build, or does not notice std.
pub(crate) fn run() -> Result<()> {
    let manifest = run::root().join("tools/no-std-probe/Cargo.toml");
    let mut locked = run::cargo(&["metadata", "--locked", "--format-version", "1", "--manifest-path"]);
    if !run::succeeds(locked.arg(&manifest)) {
        bail!(
            "the probe's lock file does not fit the dependencies of `at` and `modem`; run\n  \
             cargo update --workspace --manifest-path tools/no-std-probe/Cargo.toml\nand commit \
             tools/no-std-probe/Cargo.lock"
        );
    }
    let build = |more: &[&str]| {
        let mut command = run::cargo(&["build", "--quiet", "--locked", "--manifest-path"]);
        command.arg(&manifest).args(more).env("CARGO_TARGET_DIR", run::target().join("no-std-probe"));
        command
    };
    run::run(&mut build(&[])).context("`at`, `modem` or something below them needs std")?;

    let spoilt = build(&["--features", "std-on-purpose"]).output().context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&spoilt.stderr);
    if spoilt.status.success() {
        bail!("the probe builds even with std linked, so it proves nothing");
    }
    if !said.contains("duplicate lang item") {
        bail!("with std linked, the probe fails for another reason:\n{said}");
    }
    println!("no-std probe: ok (`at` and `modem` link without std; with std the probe does not build)");
    Ok(())
}
