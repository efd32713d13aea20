//! How much memory a module takes: `resident <modules>` runs so many in this process, on lines in memory, first without a
//! link, then each with one idle TLS link, and prints what of the resident memory falls on each of them.
//!
//! The server is a process of its own (this program with the word `serve`), so that its memory does not count.
#![allow(clippy::print_stdout, reason = "what it measures goes to whoever started it")]

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use modem::Setup;
use modemtwin_host::{Instance, Line, Network, Parts, Resolver, Store, line, unix_millis};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslOptions, SslSessionCacheMode};
use openssl::x509::{X509, X509NameBuilder};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// How many modules connect at the same time.
const AT_ONCE: usize = 50;
/// The memory has settled when it is the same so often in a row, …
const SAME: u32 = 5;
/// … looked at so often.
const LOOK: Duration = Duration::from_millis(200);

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    raise_file_limit()?;
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve"] => serve(),
        [modules] => {
            let modules: u32 = modules.parse()?;
            let mut server = Server::start()?;
            let state = tempfile::tempdir()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(measure(modules, &mut server, state.path()))
        }
        _ => Err("usage: resident <modules>".into()),
    }
}

fn raise_file_limit() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

async fn measure(modules: u32, server: &mut Server, state: &Path) -> Result<()> {
    let network = Arc::new(Network::new(Resolver::new()));
    // What the first one needs is needed once in a process: a TLS context, buffers, threads for files.
    let mut first = Host::start(0, state, &network)?;
    first.attach().await?;
    first.connect(server.port).await?;
    let before = settled().await?;

    let mut hosts = Vec::new();
    for number in 1..=modules {
        hosts.push(Host::start(number, state, &network)?);
    }
    for host in &mut hosts {
        host.attach().await?;
    }
    let idle = settled().await?;

    // Connecting takes the module's own time, so that one after the other would take minutes.
    let mut connected = Vec::new();
    while !hosts.is_empty() {
        let mut connecting = JoinSet::new();
        for mut host in hosts.split_off(hosts.len().saturating_sub(AT_ONCE)) {
            let port = server.port;
            connecting.spawn(async move { host.connect(port).await.map(|()| host) });
        }
        while let Some(host) = connecting.join_next().await {
            connected.push(host??);
        }
    }
    let linked = settled().await?;

    let each = |kib: u64| kib.saturating_sub(before) as f64 / f64::from(modules);
    println!(
        "{modules} modules, KiB each: {:.2} without a link, {:.2} with one idle TLS link",
        each(idle),
        each(linked)
    );
    Ok(())
}

/// The host's end of a module's line.
struct Host(line::Client);

impl Host {
    /// Switches a module on.
    fn start(number: u32, state: &Path, network: &Arc<Network>) -> Result<Self> {
        let name = format!("modem{number}");
        let store = Store::open(&state.join(&name))?;
        let (line, client) = Line::memory();
        let setup = Setup::new(number, 1, unix_millis());
        let network = Arc::clone(network);
        let parts = Parts { name, setup, lines: vec![line], store, network, observer: None };
        // It runs until the process ends.
        drop(tokio::spawn(Instance::new(parts).run(std::future::pending())));
        Ok(Self(client))
    }

    /// Waits until it is on its network.
    async fn attach(&mut self) -> Result<()> {
        let since = Instant::now();
        while !self.ask(b"AT+CGATT?\r", "\r\nOK\r\n").await?.contains("+CGATT: 1") {
            if since.elapsed() > ANSWER {
                return Err("the module does not attach to its network".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// A TLS link as the SSL guide has it, ten bytes to the server, and then nothing more.
    async fn connect(&mut self, port: u16) -> Result<()> {
        for command in ["AT+CIPMUX=0", "AT+CIPQSEND=1", "AT+CSTT", "AT+CIICR"] {
            self.ask(format!("{command}\r").as_bytes(), "\r\nOK\r\n").await?;
        }
        self.ask(b"AT+CIFSR\r", ".").await?;
        for command in ["AT+CIPSSL=1", "AT+SSLCFG=\"sslversion\",0,3", "AT+SSLCFG=\"ciphersuite\",0,0X0035"] {
            self.ask(format!("{command}\r").as_bytes(), "\r\nOK\r\n").await?;
        }
        let connect = format!("AT+CIPSTART=\"TCP\",\"127.0.0.1\",{port}\r");
        self.ask(connect.as_bytes(), "CONNECT OK\r\n").await?;
        self.ask(b"AT+CIPSEND=10\r", "> ").await?;
        self.ask(b"1234567890", "DATA ACCEPT:10\r\n").await?;
        Ok(())
    }

    /// Sends, and reads until the marker comes.
    async fn ask(&mut self, bytes: &[u8], marker: &str) -> Result<String> {
        self.0.write_all(bytes).await?;
        let mut said = String::new();
        let mut portion = [0; 256];
        while !said.contains(marker) {
            let count = timeout(ANSWER, self.0.read(&mut portion)).await??;
            said.push_str(&String::from_utf8_lossy(portion.get(..count).unwrap_or_default()));
            if count == 0 || said.contains("ERROR") || said.contains("FAIL") {
                return Err(format!("asked {:?}, got {said:?}", bytes.escape_ascii().to_string()).into());
            }
        }
        Ok(said)
    }
}

/// The resident memory in KiB, once it no longer changes; after half a minute, whatever it is then.
async fn settled() -> Result<u64> {
    let mut last = resident()?;
    let mut same = 0;
    for _ in 0..150 {
        tokio::time::sleep(LOOK).await;
        let now = resident()?;
        same = if now == last { same + 1 } else { 0 };
        last = now;
        if same == SAME {
            break;
        }
    }
    Ok(last)
}

fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// The server's process; ends when this is dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start() -> Result<Self> {
        let mut process =
            Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
        let mut said = String::new();
        BufReader::new(process.stdout.take().ok_or("no standard output")?).read_line(&mut said)?;
        Ok(Self { process, port: said.trim().parse()? })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// TLS 1.2 with an RSA-2048 key at a free port, which is printed; what comes is dropped.
fn serve() -> Result<()> {
    let context = context()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    for stream in listener.incoming() {
        let (stream, ssl) = (stream?, Ssl::new(&context)?);
        std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
            // Whoever does not get through hears so from the client, which tells what is wrong.
            let Ok(mut stream) = ssl.accept(stream) else { return };
            while stream.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
        })?;
    }
    Ok(())
}

fn context() -> Result<SslContext> {
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "localhost")?;
    let name = name.build();
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    let (from, to) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(2)?);
    certificate.set_not_before(&from)?;
    certificate.set_not_after(&to)?;
    certificate.set_pubkey(&key)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    let mut b = SslContext::builder(SslMethod::tls_server())?;
    b.set_certificate(&certificate.build())?;
    b.set_private_key(&key)?;
    b.set_options(SslOptions::NO_TICKET);
    b.set_session_cache_mode(SslSessionCacheMode::OFF);
    Ok(b.build())
}
