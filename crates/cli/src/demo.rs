//! `modemtwin demo`: the SSL guide's session, on a real PTY, against a real server, told while it happens.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow, bail};
use host::client::Address;
use host::lab::{Credentials, Kind, Lab, LabSpec, Ports};
use host::net::Recording;
use host::{Ended, Instance, Journal, Line, LineSpec, LineStage, Network, Parts, Report, Resolver, Store};
use modem::Setup;
use tokio::sync::oneshot;
use transcript::{Bindings, Failure, Happened, Runner, Transcript};

use crate::args;
use crate::record;
use crate::running::{StopSignals, runtime};
use crate::screen::{BAD, STRONG, WIDTH, field, stdout, wrap};
use crate::show::Show;

/// Where the text behind a label begins.
const INDENT: usize = 12;

/// The session.
const GUIDE: &str = include_str!("../demo/guide.at");
/// The guide's server, played by the lab's.
const HOST: &str = "tcplab.openluat.com";
/// More connections than the session makes.
const REPORTS: usize = 64;

/// Plays the session and sums it up.
pub(crate) fn demo(options: &args::Demo) -> anyhow::Result<()> {
    let recording = record::start(&options.record)?;
    let transcript = Transcript::parse("guide.at", GUIDE)?;
    let directory = tempfile::Builder::new()
        .prefix("modemtwin-demo-")
        .tempdir()
        .context("cannot make a directory for the demo's files")?;
    let world = World::start(directory.path(), recording)?;
    let mut out = stdout();
    for line in wrap(&introduction(&world), WIDTH) {
        writeln!(out, "{line}")?;
    }

    let mut show = Show::new(out);
    let bindings = bindings(&world.credentials);
    let mut observer = |happened: &Happened<'_>| show.happened(happened);
    let played = LineStage::open(&[Address::Device(world.link.clone())])
        .with_context(|| format!("cannot open {}", world.link.display()))
        .map(|mut stage| Runner::new(&bindings).observer(&mut observer).run(&mut stage, &transcript));
    let reports = world.end()?;
    let mut out = show.finish()?;

    match played? {
        Ok(summary) => {
            let session = Session::find(&reports)?;
            session.print(&mut out)?;
            let time = summary.waited.as_secs_f64();
            writeln!(
                out,
                "\n{STRONG}All {} steps went as the guide says, in {time:.1} s.{STRONG:#}",
                summary.steps
            )?;
            out.flush()?;
            Ok(())
        }
        Err(failure) => {
            out.flush()?;
            Err(anyhow!(explained(*failure, &reports)))
        }
    }
}

/// Which step failed, and what the twin has to say about it.
fn explained(failure: Failure, reports: &[Report]) -> String {
    // The conversation is on the screen already.
    let failure = Failure { before: Vec::new(), ..failure };
    let mut text = format!("a step of the session failed\n{BAD}{failure}{BAD:#}");
    for report in reports {
        if let Report::Failed(explanation) = report {
            text.push_str("  the twin explains:\n");
            for line in wrap(&explanation.to_string(), WIDTH - 4) {
                text.push_str("    ");
                text.push_str(&line);
                text.push('\n');
            }
        }
    }
    text.push_str("`modemtwin demo -v` tells more.");
    text
}

fn introduction(world: &World) -> String {
    format!(
        "A twin of the Air724UG is at a PTY, a server of the lab plays {HOST}, and both have certificates of an authority \
         made for this one session. What follows is section 3 of the module's SSL guide, typed into {}. The echo of what \
         is typed is left out.",
        world.link.display()
    )
}

/// The certificates under the names that they have in the guide.
fn bindings(credentials: &Credentials) -> Bindings {
    Bindings::new()
        .file("server.crt", credentials.ca().1)
        .file("client.crt", credentials.client_certificate().1)
        .file("client.key", credentials.client_key().1)
}

/// The module and the server, in a thread of their own, as if they were elsewhere.
struct World {
    link: PathBuf,
    credentials: Credentials,
    journal: Arc<Journal>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<anyhow::Result<Over>>,
}

/// Why the module and the server have ended.
enum Over {
    Stopped,
    Interrupted,
}

impl World {
    /// Starts both; everything they write is below `directory`.
    fn start(directory: &Path, recording: Recording) -> anyhow::Result<Self> {
        let link = directory.join("modem0");
        let journal = Arc::new(Journal::new(REPORTS));
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let (directory, its_link, its_journal) = (directory.to_owned(), link.clone(), Arc::clone(&journal));
        let work = move || {
            runtime()?.block_on(async {
                let mut signals = StopSignals::catch()?;
                let lab = Lab::start(&LabSpec {
                    directory: directory.join("lab"),
                    address: [127, 0, 0, 1].into(),
                    ports: Ports::Free,
                })
                .await?;
                let instance = instance(&directory, its_link, &lab, its_journal, recording)?;
                // Nobody waits any more if this cannot be told.
                let _ = ready.send(lab.credentials().clone());
                let mut over = Over::Stopped;
                let ended = instance
                    .run(async {
                        tokio::select! {
                            _ = stopped => {}
                            () = signals.wait() => over = Over::Interrupted,
                        }
                    })
                    .await;
                if ended == Ended::Stopped { Ok(over) } else { bail!("the module has ended by itself") }
            })
        };
        let thread =
            thread::Builder::new().name("modem0".into()).spawn(work).context("cannot start a thread")?;
        let Ok(credentials) = is_ready.recv() else {
            return Err(joined(thread).err().unwrap_or_else(|| anyhow!("the module did not start")));
        };
        Ok(Self { link, credentials, journal, stop, thread })
    }

    /// Stops both and tells what became of the module's connections.
    fn end(self) -> anyhow::Result<Vec<Report>> {
        // An error means that it has ended already; then `joined` tells why.
        let _ = self.stop.send(());
        match joined(self.thread)? {
            Over::Stopped => Ok(self.journal.reports()),
            Over::Interrupted => bail!("interrupted"),
        }
    }
}

fn joined(thread: JoinHandle<anyhow::Result<Over>>) -> anyhow::Result<Over> {
    thread.join().unwrap_or_else(|_| Err(anyhow!("a bug of modemtwin has stopped the module")))
}

fn instance(
    directory: &Path,
    link: PathBuf,
    lab: &Lab,
    journal: Arc<Journal>,
    recording: Recording,
) -> anyhow::Result<Instance> {
    let server = lab.address(Kind::Mutual);
    let mut resolver = Resolver::new();
    resolver.add(HOST, server.ip(), Some(server.port()));
    Ok(Instance::new(Parts {
        name: "modem0".into(),
        setup: Setup::new(0, 1, host::unix_millis()),
        lines: vec![Line::open(&LineSpec::Pty(link))?],
        store: Store::open(&directory.join("state"))?,
        network: Arc::new(Network::new(resolver).record(recording)),
        observer: Some(journal),
    }))
}

/// What the session was, from the module's own reports.
struct Session<'a> {
    target: &'a str,
    peer: std::net::SocketAddr,
    tls: &'a tls::Report,
    sent: u64,
    received: u64,
}

impl<'a> Session<'a> {
    /// The one TLS session; it has to be what the guide promises.
    fn find(reports: &'a [Report]) -> anyhow::Result<Self> {
        let connected = reports.iter().find_map(|report| match report {
            Report::Connected { subject, peer, session: Some(tls) } => Some((subject, *peer, &**tls)),
            _ => None,
        });
        let (subject, peer, tls) =
            connected.context("the conversation went well, but there was no TLS session")?;
        let ended = reports.iter().find_map(|report| match report {
            Report::Ended { subject: other, sent, received, .. } if other == subject => {
                Some((*sent, *received))
            }
            _ => None,
        });
        let (sent, received) = ended.context("the TLS session has not ended")?;
        if !tls.chain_checked || tls.client_certificate.is_none() {
            bail!("the conversation went well, but not both sides were verified: {tls}");
        }
        Ok(Self { target: &subject.target, peer, tls, sent, received })
    }

    fn print(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let Self { target, peer, tls, sent, received } = self;
        let version = tls.version.map_or_else(|| "unknown version".to_owned(), |version| version.to_string());
        let server = tls.peer.as_ref().map_or_else(
            || "no certificate".to_owned(),
            |peer| format!("{}, issued by {}", peer.subject, peer.issuer),
        );
        let client = tls.client_certificate.as_deref().unwrap_or("no certificate");
        writeln!(out, "\n{STRONG}What it was{STRONG:#}")?;
        field(out, INDENT, "server", &format!("{target}, played by {peer}"))?;
        field(out, INDENT, "session", &format!("{version}, {}", tls.suite))?;
        field(out, INDENT, "verified", &format!("the server, by the module: {server}"))?;
        field(out, INDENT, "", &format!("the module, by the server: {client}"))?;
        for (index, warning) in tls.warnings().iter().enumerate() {
            field(out, INDENT, if index == 0 { "beware" } else { "" }, &format!("{}. {warning}", index + 1))?;
        }
        field(out, INDENT, "payload", &format!("{sent} bytes sent, {received} bytes received"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_well_formed_and_says_what_it_must() {
        let transcript = Transcript::parse("guide.at", GUIDE).unwrap();
        assert!(transcript.steps.len() > 60);
        for promised in ["< CONNECT OK", "< DATA ACCEPT:10", "< SHUT OK"] {
            assert!(GUIDE.lines().any(|line| line == promised), "{promised}");
        }
    }

    #[test]
    fn a_failure_names_its_step_and_repeats_no_payload() {
        let failure = Failure {
            name: "guide.at".into(),
            position: None,
            step: "< CONNECT OK".into(),
            way: None,
            what: "the module said something else".into(),
            expected: vec!["CONNECT OK".into()],
            got: vec!["CONNECT FAIL".into()],
            before: vec!["-----BEGIN RSA PRIVATE KEY-----".into()],
        };
        let text = explained(failure, &[]);
        for part in ["< CONNECT OK", "CONNECT FAIL", "guide.at"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("PRIVATE KEY"), "{text}");
    }

    #[test]
    fn a_conversation_without_tls_is_no_success() {
        assert!(Session::find(&[]).is_err());
    }
}
