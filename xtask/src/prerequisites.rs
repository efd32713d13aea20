//! What the tests need besides Rust: found, or installed, or listed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;
use crate::unpacked::{self, Package};

/// A program that the tests start.
struct Program {
    /// Its file name.
    name: &'static str,
    /// The Debian package that has it.
    package: &'static str,
    /// What the tests do with it.
    purpose: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program { name: "cc", package: "gcc", purpose: "compiles OpenSSL and the benchmark's responder" },
    Program { name: "make", package: "make", purpose: "builds OpenSSL" },
    Program { name: "perl", package: "perl", purpose: "configures OpenSSL" },
    Program {
        name: "openssl",
        package: "openssl",
        purpose: "makes certificates; is the server and the stock TLS client",
    },
    Program {
        name: "gnutls-serv",
        package: "gnutls-bin",
        purpose: "is a TLS server that shares no code with OpenSSL",
    },
    Program {
        name: "javac",
        package: "default-jdk-headless",
        purpose: "runs a TLS server on JSSE, straight from its source",
    },
    Program { name: "stdbuf", package: "coreutils", purpose: "has gnutls-serv report line by line" },
    Program {
        name: "nc",
        package: "netcat-openbsd",
        purpose: "is the stock TCP client that tries the lab's servers",
    },
    Program { name: "curl", package: "curl", purpose: "is the stock HTTP and FTP client" },
    Program {
        name: "tshark",
        package: "tshark",
        purpose: "reads captures of the twin's connections and decrypts them",
    },
    Program { name: "mosquitto_pub", package: "mosquitto-clients", purpose: "is the other MQTT client" },
    Program { name: "mosquitto", package: "mosquitto", purpose: "is the MQTT broker" },
    Program { name: "nginx", package: "nginx", purpose: "is the web server" },
    Program {
        name: "gammu",
        package: "gammu",
        purpose: "is a phone manager: identity, network, short messages",
    },
    Program { name: "chat", package: "ppp", purpose: "plays a dial script as pppd would" },
    Program { name: "picocom", package: "picocom", purpose: "is the terminal that the README names" },
    Program { name: "runscript", package: "minicom", purpose: "plays a script of minicom, another terminal" },
];

/// The packages that start a service of their own name when they are installed. The tests start the programs themselves, so nobody
/// needs it.
const SERVICES: &[&str] = &["mosquitto", "nginx"];

/// What only the benchmark needs.
const FOR_BENCH: &[Program] = &[
    Program { name: "cc", package: "gcc", purpose: "compiles the benchmark's responder" },
    Program { name: "openssl", package: "openssl", purpose: "is the server, and the client to compare with" },
    Program { name: "stunnel", package: "stunnel4", purpose: "is the tunnel to compare with" },
    Program { name: "socat", package: "socat", purpose: "is the terminal over TLS to compare with" },
];

/// Makes sure that the benchmark has what it compares with; installs what is missing.
///
/// # Errors
/// Something is missing and cannot be installed.
pub(crate) fn ensure_for_bench() -> Result<()> {
    let missing: Vec<&Program> = FOR_BENCH.iter().filter(|program| !run::is_on_path(program.name)).collect();
    if missing.is_empty() {
        println!("everything is there");
        return Ok(());
    }
    println!("missing, will be installed now:");
    for program in &missing {
        println!("  {} (apt: {}): {}", program.name, program.package, program.purpose);
    }
    apt_install(&missing.iter().map(|program| program.package).collect::<Vec<_>>())?;
    if let Some(still) = missing.iter().find(|program| !run::is_on_path(program.name)) {
        bail!("package {} was installed, but there is still no program {}", still.package, still.name);
    }
    Ok(())
}

/// Makes sure that everything is there and gives the Python to run the end-to-end tests with. Without `install`, nothing is
/// installed.
///
/// # Errors
/// Something is missing and may not, or cannot, be installed. Then all of it is named, each with its reason.
pub(crate) fn ensure(install: bool) -> Result<PathBuf> {
    let missing: Vec<&Program> = PROGRAMS.iter().filter(|program| !run::is_on_path(program.name)).collect();
    let packages: Vec<&Package> = unpacked::PACKAGES.iter().filter(|package| !package.is_ready()).collect();
    let base_python = python();
    let environment = Environment::new();
    let packages_ready = environment.is_ready();

    let mut list = String::new();
    for program in &missing {
        let _ = writeln!(list, "  {} (apt: {}): {}", program.name, program.package, program.purpose);
    }
    for package in &packages {
        let _ = writeln!(list, "  {} (apt, unpacked only): {}", package.name, package.purpose);
    }
    if base_python.is_none() && !packages_ready {
        list.push_str("  python3 with venv (apt: python3 python3-venv): runs the end-to-end tests\n");
    }
    if !packages_ready {
        let _ = writeln!(
            list,
            "  pyserial, pytest, tlslite-ng, pyftpdlib and pyOpenSSL (pip, into {}):",
            environment.directory.display()
        );
        list.push_str(
            "    a serial client in another language, the runner of its tests, a TLS server and an FTP server in Python\n",
        );
    }
    if list.is_empty() {
        println!("everything is there");
        return Ok(environment.python());
    }
    if !install {
        bail!("missing:\n{list}`cargo xtask test` without --no-install would install all of this");
    }
    print!("missing, will be installed now:\n{list}");

    let mut debian: Vec<&str> = missing.iter().map(|program| program.package).collect();
    debian.extend(packages.iter().flat_map(|package| package.libraries));
    if base_python.is_none() && !packages_ready {
        debian.extend(["python3", "python3-venv"]);
    }
    if !debian.is_empty() {
        apt_install(&debian)?;
        for package in debian.iter().filter(|package| SERVICES.contains(package)) {
            stop_service(package)?;
        }
    }
    if let Some(still) = missing.iter().find(|program| !run::is_on_path(program.name)) {
        bail!("package {} was installed, but there is still no program {}", still.package, still.name);
    }
    for package in packages {
        package.unpack()?;
    }
    if !packages_ready {
        let python = python().context("there is still no python3 that can make a virtual environment")?;
        environment.make(python)?;
    }
    Ok(environment.python())
}

/// A Python 3 that can make virtual environments.
fn python() -> Option<&'static str> {
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(|python| run::succeeds(Command::new(python).args(["-c", "import ensurepip, venv"])))
}

fn apt_install(packages: &[&str]) -> Result<()> {
    if !run::is_on_path("apt-get") {
        bail!("there is no apt-get here; please install: {}", packages.join(" "));
    }
    let root = is_root();
    if !root && !run::is_on_path("sudo") {
        bail!("neither root nor sudo; please run: apt-get install {}", packages.join(" "));
    }
    let apt = |arguments: &[&str]| {
        let mut command = as_root(root);
        // In front of apt-get rather than in our own environment, because sudo would drop it.
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments);
        command
    };
    run::run(&mut apt(&["update", "-qq"]))?;
    run::run(apt(&["install", "-y", "-qq", "--no-install-recommends"]).args(packages))
}

/// The beginning of a command that needs root's rights, for root or for somebody who has sudo.
fn as_root(root: bool) -> Command {
    Command::new(if root { "env" } else { "sudo" })
}

fn is_root() -> bool {
    run::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Ends the service that a package has just started, and keeps systemd from starting it again.
fn stop_service(name: &str) -> Result<()> {
    let mut command = as_root(is_root());
    if Path::new("/run/systemd/system").is_dir() {
        return run::run(command.args(["systemctl", "disable", "--quiet", "--now", name]));
    }
    // A script of the package's; it complains when a policy has kept the service from starting.
    run::succeeds(command.args(["service", name, "stop"]));
    Ok(())
}

/// The virtual environment with the packages of `e2e/requirements.txt`.
struct Environment {
    directory: PathBuf,
    requirements: PathBuf,
}

impl Environment {
    fn new() -> Self {
        Self {
            directory: run::target().join("e2e-venv"),
            requirements: run::root().join("e2e/requirements.txt"),
        }
    }

    fn python(&self) -> PathBuf {
        self.directory.join("bin/python3")
    }

    /// A copy of the requirements as they were when the last installation succeeded.
    fn stamp(&self) -> PathBuf {
        self.directory.join("installed-requirements.txt")
    }

    fn is_ready(&self) -> bool {
        let same = match (fs::read(self.stamp()), fs::read(&self.requirements)) {
            (Ok(installed), Ok(wanted)) => installed == wanted,
            _ => false,
        };
        same && run::succeeds(
            Command::new(self.python())
                .args(["-c", "import serial, pytest, xdist, tlslite, pyftpdlib, OpenSSL"]),
        )
    }

    fn make(&self, python: impl AsRef<Path>) -> Result<()> {
        run::run(Command::new(python.as_ref()).args(["-m", "venv", "--clear"]).arg(&self.directory))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run::run(Command::new(self.python()).args(pip).arg(&self.requirements))?;
        fs::copy(&self.requirements, self.stamp()).context("cannot note what was installed")?;
        Ok(())
    }
}
