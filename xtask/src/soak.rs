//! `cargo xtask soak`: the long runs at their full size, on the release build. CI takes a slice of each.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{prerequisites, run};

/// How many simulated days, each with a seed of its own.
const DAYS: u64 = 5;
/// How long the run over real sockets takes, in seconds.
const SECONDS: &str = "600";
/// How many MQTT messages go each way, for each quality.
const MESSAGES: &str = "10000";
/// How long the file is that comes over HTTP in parts, in bytes.
const HTTP_BYTES: &str = "8388608";
/// How long the file is that goes each way over FTP, in bytes.
const FTP_BYTES: &str = "1048576";
/// How much goes each way in transparent mode over TLS, in MiB.
const MEBIBYTES: &str = "1024";

/// Runs everything long, one after the other.
///
/// # Errors
/// Something is missing, does not build, or a run fails.
pub(crate) fn run() -> Result<()> {
    run::step("What the runs need");
    let python = prerequisites::ensure(true)?;

    run::step("The release build");
    run::run(&mut run::cargo(&["build", "--release", "--package", "modemtwin"]))?;
    let binary = run::target().join("release").join("modemtwin");
    if !binary.is_file() {
        bail!("cargo built no {}", binary.display());
    }

    for seed in 1..=DAYS {
        run::step(&format!("24 simulated hours of mixed traffic, day {seed} of {DAYS}"));
        let day = ["test", "--release", "--package", "modemtwin-modem", "--test", "day", "--", "--nocapture"];
        run::run(run::cargo(&day).env("DAY_SEED", seed.to_string()))?;
    }

    run::step(
        "Ten minutes over real sockets, 1 GiB each way in transparent mode over TLS, 10,000 MQTT messages each way, \
         8 MiB over HTTP, 1 MiB each way over FTP",
    );
    let mut pytest = Command::new(python);
    pytest.current_dir(run::root());
    pytest.args([
        "-m",
        "pytest",
        "e2e/test_soak.py",
        "e2e/test_transparent.py",
        "e2e/test_mqtt.py",
        "e2e/test_http.py",
        "e2e/test_ftp.py",
        "e2e/test_ftp_tls.py",
        "-p",
        "no:cacheprovider",
    ]);
    pytest.env("MODEMTWIN", binary).env("PYTHONDONTWRITEBYTECODE", "1");
    pytest.env("SOAK_SECONDS", SECONDS).env("MODEMTWIN_TRANSPARENT_MIB", MEBIBYTES);
    pytest.env("MQTT_MESSAGES", MESSAGES).env("HTTP_BYTES", HTTP_BYTES);
    pytest.env("FTP_BYTES", FTP_BYTES);
    run::run(&mut pytest)
}
