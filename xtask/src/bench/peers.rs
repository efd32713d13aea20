//! The programs that are measured, and those that they are measured against.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
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
pub(super) struct Running(Child);

impl Running {
    /// Starts it.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().display().to_string();
        Ok(Self(command.spawn().with_context(|| format!("cannot start {name}"))?))
    }

    /// Waits until `ready` gives something.
    ///
    /// # Errors
    /// It ends, or takes too long.
    pub(super) fn wait<T>(&mut self, what: &str, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
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

impl Running {
    /// Its standard input and output, which have to be pipes; once.
    ///
    /// # Errors
    /// They are not, or have been taken.
    pub(super) fn pipes(&mut self) -> Result<(File, File)> {
        let input = self.0.stdin.take().context("no pipe to its standard input")?;
        let output = self.0.stdout.take().context("no pipe from its standard output")?;
        Ok((File::from(OwnedFd::from(input)), File::from(OwnedFd::from(output))))
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

/// The twin, as `modemtwin run`.
pub(super) struct Twin {
    _process: Running,
    /// Its PTYs.
    pub(super) lines: Vec<PathBuf>,
}

impl Twin {
    /// Starts the release build with so many modules on PTYs, with files of its own.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(binary: &Path, directory: &Path, modules: usize) -> Result<Self> {
        let link = directory.join("modem");
        let lines: Vec<PathBuf> = match modules {
            1 => vec![link.clone()],
            _ => (0..modules).map(|number| directory.join(format!("modem{number}"))).collect(),
        };
        let mut command = Command::new(binary);
        command.args(["run", "--modules", &modules.to_string(), "--pty"]).arg(&link);
        let mut process = Self::spawned(&mut command, directory)?;
        process.wait("the twin", || lines.iter().all(|line| line.exists()).then_some(()))?;
        Ok(Self { _process: process, lines })
    }

    /// Starts it with one module on a TCP port, and connects to that.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn on_tcp(binary: &Path, directory: &Path) -> Result<(Self, TcpStream)> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut command = Command::new(binary);
        command.args(["run", "--tcp", &address.to_string()]);
        let mut process = Self::spawned(&mut command, directory)?;
        let line = process.wait("the twin", || TcpStream::connect(address).ok())?;
        Ok((Self { _process: process, lines: Vec::new() }, line))
    }

    fn spawned(command: &mut Command, directory: &Path) -> Result<Running> {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        command.arg("--state").arg(directory.join("state"));
        // The log is written as always, and dropped.
        Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
    }
}

/// `openssl s_server` with an RSA-2048 key and nothing but the one suite.
pub(super) struct Server {
    process: Running,
    /// Its standard input, once it has been taken.
    input: Option<File>,
    /// Where it listens, at 127.0.0.1.
    pub(super) port: u16,
}

impl Server {
    /// Makes a certificate and starts it.
    ///
    /// # Errors
    /// The openssl program is missing, or does not do what it is asked for.
    pub(super) fn start(directory: &Path) -> Result<Self> {
        Self::with(directory, true, Stdio::null())
    }

    /// The same, for data: what comes from the client can be read from [`output`](Self::output), and what is written to
    /// [`input`](Self::input) goes to the client. Without `etm` it never agrees to encrypt-then-MAC.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(super) fn piped(directory: &Path, etm: bool) -> Result<Self> {
        Self::with(directory, etm, Stdio::piped())
    }

    fn with(directory: &Path, etm: bool, output: Stdio) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
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
        if !etm {
            command.arg("-no_etm");
        }
        command.arg("-cert").arg(&certificate).arg("-key").arg(&key);
        // An open pipe on which nothing ever comes: the end of its input would end it.
        let quiet = command.stdin(Stdio::piped()).stdout(output).stderr(Stdio::null());
        let mut process = Running::start(quiet)?;
        process.wait("openssl s_server", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok())?;
        Ok(Self { process, input: None, port })
    }

    /// What the client sent, as a pipe; once, and only if it was started [`piped`](Self::piped).
    ///
    /// # Errors
    /// It was not, or has been taken.
    pub(super) fn output(&mut self) -> Result<File> {
        let (input, output) = self.process.pipes()?;
        self.input = Some(input);
        Ok(output)
    }

    /// What goes to the client, as a pipe. [`output`](Self::output) has to be taken first.
    ///
    /// # Errors
    /// It was not.
    pub(super) fn input(&self) -> Result<File> {
        Ok(self.input.as_ref().context("the server's pipes have not been taken")?.try_clone()?)
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

/// A port of 127.0.0.1 that is free now.
///
/// # Errors
/// There is none.
pub(super) fn free_port() -> Result<u16> {
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
