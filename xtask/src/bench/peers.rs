//! The programs that are measured, and those that they are measured against.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::run;

/// The suite of the SSL guide in OpenSSL's words.
pub(super) const SUITE: &str = "AES256-SHA";

/// How long a program may take until it can be used.
const START: Duration = Duration::from_secs(20);

/// A program in the background; ends when this is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().display().to_string();
        Ok(Self(command.spawn().with_context(|| format!("cannot start {name}"))?))
    }

    /// Waits until `ready` gives something.
    fn wait<T>(&mut self, what: &str, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
        let since = Instant::now();
        loop {
            if let Some(done) = ready() {
                return Ok(done);
            }
            if let Some(status) = self.0.try_wait()? {
                bail!("{what} ended at once ({status})");
            }
            if since.elapsed() > START {
                bail!("{what} is not ready after {} s", START.as_secs());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The bare PTY responder in C.
pub(super) struct Responder {
    _process: Running,
    /// Its PTY.
    pub(super) line: PathBuf,
}

impl Responder {
    /// Compiles and starts it.
    ///
    /// # Errors
    /// No C compiler, or no PTY.
    pub(super) fn start(directory: &Path) -> Result<Self> {
        let binary = directory.join("pty_responder");
        let source = run::root().join("tools/bench/pty_responder.c");
        let options = ["-O2", "-Wall", "-Wextra", "-Werror", "-o"];
        run::run(Command::new("cc").args(options).arg(&binary).arg(source))?;
        let mut process = Running::start(Command::new(&binary).stdout(Stdio::piped()))?;
        let mut name = String::new();
        let stdout = process.0.stdout.take().context("the responder has no standard output")?;
        BufReader::new(stdout).read_line(&mut name).context("the responder said nothing")?;
        if name.trim().is_empty() {
            bail!("the responder has no PTY");
        }
        Ok(Self { _process: process, line: name.trim().into() })
    }
}

/// The twin, as `modemtwin run` with one module.
pub(super) struct Twin {
    _process: Running,
    /// Its PTY.
    pub(super) line: PathBuf,
}

impl Twin {
    /// Starts the release build, with files of its own.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(binary: &Path, directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let line = directory.join("modem");
        let state = directory.join("state");
        let mut command = Command::new(binary);
        command.arg("run").arg("--pty").arg(&line).arg("--state").arg(state);
        // The log is written as always, and dropped.
        let mut process =
            Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
        process.wait("the twin", || line.exists().then_some(()))?;
        Ok(Self { _process: process, line })
    }
}

/// `openssl s_server` with an RSA-2048 key and nothing but the one suite.
pub(super) struct Server {
    _process: Running,
    /// Where it listens, at 127.0.0.1.
    pub(super) port: u16,
}

impl Server {
    /// Makes a certificate and starts it.
    ///
    /// # Errors
    /// The openssl program is missing, or does not do what it is asked for.
    pub(super) fn start(directory: &Path) -> Result<Self> {
        let certificate = directory.join("server.crt");
        let key = directory.join("server.key");
        let mut request = Command::new("openssl");
        request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "2"]);
        request.args(["-subj", "/CN=localhost"]).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
        run::output(&mut request)?;

        let port = free_port()?;
        let mut command = Command::new("openssl");
        // Neither tickets nor a cache: every connection is a full handshake, whoever makes it.
        command.args(["s_server", "-quiet", "-no_ticket", "-no_cache", "-tls1_2", "-cipher", SUITE]);
        command.args(["-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(&certificate).arg("-key").arg(&key);
        // An open pipe on which nothing ever comes: the end of its input would end it.
        let quiet = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Running::start(quiet)?;
        process.wait("openssl s_server", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok())?;
        Ok(Self { _process: process, port })
    }

    /// Connects as often as `openssl s_time` can in about this time; gives connections per second of wall-clock time.
    ///
    /// # Errors
    /// It fails, or says something else than expected.
    pub(super) fn time(&self, seconds: u32) -> Result<f64> {
        let mut command = Command::new("openssl");
        command.args(["s_time", "-new", "-tls1_2", "-cipher", SUITE, "-time", &seconds.to_string()]);
        command.args(["-connect", &format!("127.0.0.1:{}", self.port)]);
        let since = Instant::now();
        let said = run::output(&mut command)?;
        let took = since.elapsed();
        // "1234 connections in 2.01s; …" is user time, of no use here; the count is what we want.
        let count =
            said.lines().find_map(|line| line.split_once(" connections in ")?.0.trim().parse::<u32>().ok());
        let count = count.with_context(|| format!("cannot read what openssl s_time said: {said}"))?;
        if count == 0 {
            bail!("openssl s_time made no connection: {said}");
        }
        Ok(f64::from(count) / took.as_secs_f64())
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?.local_addr()?.port())
}

/// A directory that is gone when this is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it, below the target directory.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn new() -> Result<Self> {
        let path = run::target().join(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl std::ops::Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left over lies in the target directory and hurts nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
