//! `cargo xtask tls-matrix`: every version, suite and level of TLS against three servers, as a table.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{prerequisites, run, test};

const BEGIN: &str = "<!-- matrix:begin, written by `cargo xtask tls-matrix --write` -->\n```text\n";
const END: &str = "```\n<!-- matrix:end -->";
const PAGE: &str = "docs/tls.md";

/// Gets what is missing, runs, prints the table. With `write` it goes into docs/tls.md; without, it has to be there already.
///
/// # Errors
/// Something is missing and cannot be installed, a server does not start, a cell does not do what it should, or the page has
/// another table.
pub(crate) fn run(write: bool) -> Result<()> {
    run::step("What the matrix needs");
    let python = prerequisites::ensure(true)?;

    run::step("Building the program");
    run::run(&mut run::cargo(&["build", "--package", "modemtwin"]))?;
    let binary = test::binary()?;

    run::step("Every version, suite and level against every server (two minutes)");
    let mut matrix = Command::new(python);
    matrix.current_dir(run::root().join("e2e")).args(["-m", "matrix"]);
    matrix.env("MODEMTWIN", binary).env("PYTHONDONTWRITEBYTECODE", "1").stderr(Stdio::inherit());
    let output = matrix.output().context("cannot start Python")?;
    let table = String::from_utf8(output.stdout).context("the table is not text")?;
    println!("\n{table}");
    if !output.status.success() {
        bail!("the matrix has failed ({}); what is wrong stands above", output.status);
    }

    let path = run::root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let fresh = replaced(&page, &table)?;
    if write {
        fs::write(&path, fresh).with_context(|| format!("cannot write {PAGE}"))?;
    } else if fresh != page {
        bail!("{PAGE} has another table; `cargo xtask tls-matrix --write` puts this one there");
    }
    Ok(())
}

fn replaced(page: &str, table: &str) -> Result<String> {
    let (before, rest) =
        page.split_once(BEGIN).with_context(|| format!("{PAGE} has no place for the table to begin"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{PAGE} has no end of the table"))?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let page = format!("before\n{BEGIN}old\n{END}\nafter\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), format!("before\n{BEGIN}new\n{END}\nafter\n"));
        assert!(replaced("nothing", "new").is_err());
        assert!(replaced(BEGIN, "new").is_err());
    }

    #[test]
    fn the_page_has_a_place_for_the_table() {
        let page = fs::read_to_string(run::root().join(PAGE)).unwrap();
        assert!(replaced(&page, "").is_ok());
    }
}
