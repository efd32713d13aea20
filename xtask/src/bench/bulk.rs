//! Many bytes through one TLS link: the twin over a TCP line in multi mode and in transparent mode, stunnel, and `openssl
//! s_client`; the twin over a PTY in transparent mode, and socat.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::peers::{Running, SUITE, Server, Twin, free_port};
use super::port::Port;
use super::report::{Speeds, Who};

/// What goes through in one measurement; a multiple of [`SEND`], and of what transparent mode packs (AT+CIPCCFG, 1024).
const VOLUME: usize = 1460 << 15;
/// The longest CIPSEND of the module.
const SEND: usize = 1460;
/// How much is written to the others, and to the server, in one go.
const CHUNK: usize = 64 << 10;
/// How long nothing may come.
const PATIENCE: i64 = 20;

/// Everybody.
pub(super) const ALL: &[Who] =
    &[Who::Stunnel, Who::SClient, Who::Multi, Who::Transparent, Who::Socat, Who::TransparentPty];
/// Those that transparent mode is about.
pub(super) const TRANSPARENT: &[Who] = &[Who::Stunnel, Who::Transparent, Who::Socat, Who::TransparentPty];

/// Measures them in turn, up and down, `rounds` times; gives the speeds with servers that do not agree to
/// encrypt-then-MAC (RFC 7366), and with servers that do, which take turns too.
///
/// # Errors
/// Something does not start, or a byte does not arrive.
pub(super) fn measure(binary: &Path, directory: &Path, rounds: u32, who: &[Who]) -> Result<[Speeds; 2]> {
    let start = |directory: &Path, etm| {
        who.iter().map(|who| Tunnel::start(*who, binary, directory, etm)).collect::<Result<Vec<Tunnel>>>()
    };
    let mut sides = [
        ("MAC-then-encrypt", start(&directory.join("bulk"), false)?, Speeds::default()),
        ("encrypt-then-MAC", start(&directory.join("bulk-etm"), true)?, Speeds::default()),
    ];
    for round in 1..=rounds {
        for (name, tunnels, speeds) in &mut sides {
            for tunnel in tunnels {
                let up = tunnel.up().with_context(|| format!("{}, up", tunnel.who.name()))?;
                let down = tunnel.down().with_context(|| format!("{}, down", tunnel.who.name()))?;
                speeds.add(tunnel.who, up, down);
            }
            println!("bulk, {name}, round {round} of {rounds}: {}", speeds.shown());
        }
    }
    Ok(sides.map(|(_, _, speeds)| speeds))
}

/// A TLS client between us and a server of its own.
struct Tunnel {
    who: Who,
    /// Into the client.
    send: File,
    /// Out of the client.
    receive: Receiver,
    /// AT commands around what is sent, headers before what comes.
    at: bool,
    server: Server,
    /// Out of the server.
    arrived: Receiver,
    _client: Client,
}

enum Client {
    Twin { _twin: Twin },
    Program { _program: Running },
}

impl Tunnel {
    fn start(who: Who, binary: &Path, directory: &Path, etm: bool) -> Result<Self> {
        match who {
            Who::Multi => Self::twin(who, binary, &directory.join("multi"), etm),
            Who::Transparent => Self::twin(who, binary, &directory.join("transparent"), etm),
            Who::TransparentPty => Self::twin(who, binary, &directory.join("transparent-pty"), etm),
            Who::Stunnel => Self::stunnel(directory, etm),
            Who::SClient => Self::s_client(directory, etm),
            Who::Socat => Self::socat(&directory.join("socat"), etm),
        }
    }

    fn twin(who: Who, binary: &Path, directory: &Path, etm: bool) -> Result<Self> {
        let (server, arrived) = server(directory, etm)?;
        let (twin, mut modem) = if who == Who::TransparentPty {
            let twin = Twin::start(binary, directory, 1)?;
            let modem = Port::open(twin.lines.first().context("no line")?)?;
            (twin, modem)
        } else {
            let (twin, line) = Twin::on_tcp(binary, directory)?;
            line.set_nodelay(true)?;
            (twin, Port::over(File::from(OwnedFd::from(line))))
        };
        let at = who == Who::Multi;
        modem.ok(&["ATE0"])?;
        super::attach(&mut modem)?;
        modem.ok(&["AT+CIPSSL=1", "AT+SSLCFG=\"sslversion\",0,3", "AT+SSLCFG=\"ciphersuite\",0,0X0035"])?;
        if at {
            modem.ok(&["AT+CIPMUX=1", "AT+CIPQSEND=1", "AT+CSTT", "AT+CIICR"])?;
            modem.ask(b"AT+CIFSR\r", b".")?;
            let connect = format!("AT+CIPSTART=0,\"TCP\",\"127.0.0.1\",{}\r", server.port);
            modem.ask(connect.as_bytes(), b"CONNECT OK\r\n")?;
        } else {
            modem.ok(&["AT+CIPMODE=1"])?;
            let connect = format!("AT+CIPSTART=\"TCP\",\"127.0.0.1\",{}\r", server.port);
            modem.ask(connect.as_bytes(), b"\r\nCONNECT\r\n")?;
        }
        let send = modem.into_file();
        let receive = Receiver::new(send.try_clone()?);
        Ok(Self { who, send, receive, at, server, arrived, _client: Client::Twin { _twin: twin } })
    }

    fn stunnel(directory: &Path, etm: bool) -> Result<Self> {
        let directory = &directory.join("stunnel");
        let (server, arrived) = server(directory, etm)?;
        let port = free_port()?;
        let settings = directory.join("stunnel.conf");
        let text = format!(
            "foreground = yes\npid =\ndebug = 3\n[bench]\nclient = yes\nsslVersion = TLSv1.2\nciphers = {SUITE}\n\
             accept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{}\n",
            server.port
        );
        fs::write(&settings, text).context("cannot write the settings of stunnel")?;
        let mut command = Command::new("stunnel");
        let quiet = command.arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut program = Running::start(quiet)?;
        let line = program.wait("stunnel", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok())?;
        line.set_nodelay(true)?;
        let line = File::from(OwnedFd::from(line));
        let receive = Receiver::new(line.try_clone()?);
        let client = Client::Program { _program: program };
        Ok(Self { who: Who::Stunnel, send: line, receive, at: false, server, arrived, _client: client })
    }

    fn socat(directory: &Path, etm: bool) -> Result<Self> {
        let (server, arrived) = server(directory, etm)?;
        let link = directory.join("line");
        let mut command = Command::new("socat");
        command.arg(format!("PTY,link={},raw,echo=0", link.display()));
        command.arg(format!("OPENSSL:127.0.0.1:{},verify=0,cipher={SUITE}", server.port));
        let mut program =
            Running::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
        program.wait("socat", || link.exists().then_some(()))?;
        let send = Port::open(&link)?.into_file();
        let receive = Receiver::new(send.try_clone()?);
        let client = Client::Program { _program: program };
        Ok(Self { who: Who::Socat, send, receive, at: false, server, arrived, _client: client })
    }

    fn s_client(directory: &Path, etm: bool) -> Result<Self> {
        let (server, arrived) = server(&directory.join("s_client"), etm)?;
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-tls1_2", "-cipher", SUITE]);
        command.args(["-connect", &format!("127.0.0.1:{}", server.port)]);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = Running::start(piped)?;
        let (send, receive) = program.pipes()?;
        let receive = Receiver::new(receive);
        let client = Client::Program { _program: program };
        Ok(Self { who: Who::SClient, send, receive, at: false, server, arrived, _client: client })
    }

    /// MiB per second from us to the server.
    fn up(&mut self) -> Result<f64> {
        // A small piece first: the handshake is over when it has come.
        let writing = self.write(SEND)?;
        self.arrived.skip(SEND)?;
        self.finish(writing, SEND)?;
        let since = Instant::now();
        let writing = self.write(VOLUME)?;
        let answers = self.at.then(|| self.receive.answers(VOLUME / SEND)).transpose()?;
        self.arrived.skip(VOLUME)?;
        let speed = mebibytes() / since.elapsed().as_secs_f64();
        joined(writing)?;
        answers.map_or(Ok(()), joined)?;
        Ok(speed)
    }

    /// MiB per second from the server to us.
    fn down(&mut self) -> Result<f64> {
        let since = Instant::now();
        let writing = spawned(self.server.input()?, vec![0x55; CHUNK], VOLUME);
        if self.at {
            self.receive.skip_received(VOLUME)?;
        } else {
            self.receive.skip(VOLUME)?;
        }
        let speed = mebibytes() / since.elapsed().as_secs_f64();
        joined(writing)?;
        Ok(speed)
    }

    fn write(&self, count: usize) -> Result<JoinHandle<Result<()>>> {
        let send = self.send.try_clone()?;
        if !self.at {
            return Ok(spawned(send, vec![0x55; CHUNK], count));
        }
        let mut portion = format!("AT+CIPSEND=0,{SEND}\r").into_bytes();
        portion.extend([0x55; SEND]);
        let bytes = count / SEND * portion.len();
        // Several commands in one go, as the others get several records in one go.
        Ok(spawned(send, portion.repeat(CHUNK / SEND), bytes))
    }

    fn finish(&mut self, writing: JoinHandle<Result<()>>, count: usize) -> Result<()> {
        joined(writing)?;
        if self.at { joined(self.receive.answers(count / SEND)?) } else { Ok(()) }
    }
}

fn mebibytes() -> f64 {
    VOLUME as f64 / f64::from(1 << 20)
}

/// A server of its own for each, which shows what comes and sends what it is given.
fn server(directory: &Path, etm: bool) -> Result<(Server, Receiver)> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let mut server = Server::piped(directory, etm)?;
    let output = Receiver::new(server.output()?);
    Ok((server, output))
}

/// Writes `count` bytes, `chunk` over and over. It ends early when the other side is gone.
fn spawned(mut to: File, chunk: Vec<u8>, count: usize) -> JoinHandle<Result<()>> {
    thread::spawn(move || {
        let mut left = count;
        while left > 0 {
            let portion = chunk.get(..left).unwrap_or(&chunk);
            to.write_all(portion).context("cannot write")?;
            left -= portion.len();
        }
        Ok(())
    })
}

fn joined(thread: JoinHandle<Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|_| bail!("a thread of the benchmark has ended early"))
}

/// Reads with a limit in time.
struct Receiver {
    from: File,
    buffer: Vec<u8>,
    /// What of the buffer is not used yet.
    left: std::ops::Range<usize>,
}

impl Receiver {
    fn new(from: File) -> Self {
        Self { from, buffer: vec![0; 2 * CHUNK], left: 0..0 }
    }

    /// What is there, read if need be.
    fn some(&mut self) -> Result<&[u8]> {
        if self.left.is_empty() {
            let limit = Timespec { tv_sec: PATIENCE, tv_nsec: 0 };
            if poll(&mut [PollFd::new(&self.from, PollFlags::IN)], Some(&limit))? == 0 {
                bail!("nothing comes for {PATIENCE} s");
            }
            let count = self.from.read(&mut self.buffer).context("cannot read")?;
            if count == 0 {
                bail!("the other side has ended");
            }
            self.left = 0..count;
        }
        Ok(self.buffer.get(self.left.clone()).unwrap_or_default())
    }

    /// Drops so many bytes.
    fn skip(&mut self, mut count: usize) -> Result<()> {
        while count > 0 {
            let portion = self.some()?.len().min(count);
            self.left.start += portion;
            count -= portion;
        }
        Ok(())
    }

    /// Up to and including the next `end`, without CR and LF.
    fn until(&mut self, end: u8) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            let byte = *self.some()?.first().context("an empty read")?;
            self.left.start += 1;
            if byte != b'\r' && byte != b'\n' {
                line.push(byte);
            }
            if byte == end {
                return Ok(line);
            }
            if line.len() > CHUNK {
                bail!("a line without an end");
            }
        }
    }

    /// Drops `+RECEIVE` headers and the data behind them until there were so many bytes of data.
    fn skip_received(&mut self, mut count: usize) -> Result<()> {
        while count > 0 {
            let line = String::from_utf8_lossy(&self.until(b'\n')?).into_owned();
            if line.is_empty() {
                continue;
            }
            let length = line.strip_prefix("+RECEIVE,0,").and_then(|rest| rest.strip_suffix(':'));
            let length = length.and_then(|digits| digits.parse::<usize>().ok());
            let length = length.with_context(|| format!("the twin said {line:?}"))?;
            self.skip(length)?;
            count = count.saturating_sub(length);
        }
        Ok(())
    }

    /// Reads the answers to so many CIPSENDs, in a thread of its own.
    fn answers(&mut self, mut count: usize) -> Result<JoinHandle<Result<()>>> {
        let mut from = Self::new(self.from.try_clone()?);
        Ok(thread::spawn(move || {
            while count > 0 {
                let line = String::from_utf8_lossy(&from.until(b'\n')?).into_owned();
                match line.trim_start_matches("> ") {
                    "" => {}
                    line if line.starts_with("DATA ACCEPT:0,") => count -= 1,
                    other => bail!("the twin said {other:?}"),
                }
            }
            Ok(())
        }))
    }
}
