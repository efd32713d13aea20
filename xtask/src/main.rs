//! The project's chores: `cargo xtask <task>`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task runner talks to the person who runs it"
)]

mod bench;
mod coverage;
mod deny;
mod no_std;
mod prerequisites;
mod run;
mod soak;
mod test;
mod tls_matrix;
mod unpacked;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <task>

Tasks:
  test [--no-install]   Everything: unit, transcript, documentation and
                        end-to-end tests, and the no_std probe. First installs
                        what is missing (apt-get, pip) and says why; with
                        --no-install, lists what is missing and fails.
  coverage              Counts the rows of docs/behaviour that some test shows,
                        lists the others with their reasons; fails on a row
                        without a test or a reason, and on a test that names no
                        row.
  no-std                Proves that `at` and `modem` do not need std.
  deny [--install]      Checks licences, bans and sources of all dependencies
                        with cargo-deny; with --install, first installs
                        cargo-deny if it is missing.
  bench [--write]       Measures AT round trips, TLS cycles, bulk and memory
                        against the least that they could cost, and against
                        stunnel, socat and openssl, installing what is missing
                        (six minutes); with --write, puts the figures into
                        docs/performance.md.
  bench transparent     Measures bulk in transparent mode only, against stunnel
                        and socat, and prints it (one minute).
  tls-matrix [--write]  Runs every version, suite and level of TLS against three
                        servers (two minutes), prints the table and compares it
                        with docs/tls.md; with --write, puts it there.
  soak                  The long runs at full size, of which the tests take a
                        slice: simulated days, ten minutes over real sockets,
                        1 GiB each way in transparent mode over TLS (about a
                        quarter of an hour).

Exit codes: 0 passed, 1 failed, 2 usage.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["test"] => test::run(true),
        ["test", "--no-install"] => test::run(false),
        ["coverage"] => coverage::run(),
        ["no-std"] => no_std::run(),
        ["deny"] => deny::run(false),
        ["deny", "--install"] => deny::run(true),
        ["bench"] => bench::run(false),
        ["bench", "--write"] => bench::run(true),
        ["bench", "transparent"] => bench::transparent(),
        ["soak"] => soak::run(),
        ["tls-matrix"] => tls_matrix::run(false),
        ["tls-matrix", "--write"] => tls_matrix::run(true),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
