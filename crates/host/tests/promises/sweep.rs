//! The same session many times over, shared among many modules, with another attack each time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use modemtwin_host::Report;
use modemtwin_host::net::End;
use tls::{Suite, Version};
use tokio::task::JoinSet;

use super::places::PADDED;
use super::proxy::{Recording, Tamper};
use super::server::{Kind, Server, ServerEnd, pki};
use super::twin::Twin;
use super::{Closer, Script, Session, hex, listener, payload, put_files, session};

/// How many modules share the work.
const MODULES: u32 = 16;

/// A kind of session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) version: (Version, u8),
    pub(crate) suite: Suite,
    /// The cipher's block size; 0 for a stream cipher.
    pub(crate) block: usize,
    pub(crate) mutual: bool,
    pub(crate) closer: Closer,
}

/// Every version, with block and stream ciphers.
pub(crate) const SHAPES: [Shape; 6] = [
    Shape {
        version: (Version::Tls12, 3),
        suite: Suite(0x003D),
        block: 16,
        mutual: true,
        closer: Closer::Server,
    },
    Shape {
        version: (Version::Tls12, 3),
        suite: Suite(0x0005),
        block: 0,
        mutual: false,
        closer: Closer::Module,
    },
    Shape {
        version: (Version::Ssl30, 0),
        suite: Suite(0x000A),
        block: 8,
        mutual: true,
        closer: Closer::Module,
    },
    Shape {
        version: (Version::Ssl30, 0),
        suite: Suite(0x0004),
        block: 0,
        mutual: false,
        closer: Closer::Server,
    },
    Shape {
        version: (Version::Tls10, 1),
        suite: Suite(0x002F),
        block: 16,
        mutual: false,
        closer: Closer::Server,
    },
    Shape {
        version: (Version::Tls11, 2),
        suite: Suite(0x0035),
        block: 16,
        mutual: false,
        closer: Closer::Module,
    },
];

impl Shape {
    fn server(&self) -> Server {
        let version = self.version.0;
        let (suite, mutual) = (self.suite, self.mutual);
        Server::new(&Kind { who: &pki().server, versions: (version, version), suite, mutual })
    }

    /// The server's last piece is padded by a whole block; of each other record the last block holds enough of the MAC to
    /// give an altered one away.
    pub(crate) fn script(&self) -> Script {
        let request = vec![payload(1, 19), payload(2, 10)];
        Script { request, response: vec![payload(3, 19), payload(4, PADDED)], closer: self.closer }
    }

    async fn configure(&self, twin: &mut Twin) {
        let level = if self.mutual { "2" } else { "1" };
        let (version, suite) = (self.version.1.to_string(), hex(self.suite));
        twin.configure(0, &[("sslversion", &version), ("ciphersuite", &suite), ("seclevel", level)]).await;
    }
}

/// All that both applications can tell of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) lines: Vec<String>,
    pub(crate) data: Vec<u8>,
    pub(crate) end: Option<End>,
    got: Vec<u8>,
    server_end: ServerEnd,
}

impl Verdict {
    pub(crate) fn of(session: &Session) -> Self {
        let end = match session.heard.reports.last() {
            Some(Report::Ended { end, .. }) => Some(*end),
            _ => None,
        };
        let (heard, served) = (&session.heard, &session.served);
        Self {
            lines: heard.lines.clone(),
            data: heard.data.clone(),
            end,
            got: served.got.clone(),
            server_end: served.end.clone(),
        }
    }

    /// Only what was sent, in order, has been delivered; the module has said only what it says when a link ends; and nobody
    /// vouches for a session that is not whole.
    pub(crate) fn check(&self, script: &Script) -> Result<(), String> {
        if !script.response().starts_with(&self.data) {
            return Err("the host got altered payload".into());
        }
        if !script.request().starts_with(&self.got) {
            return Err("the server got altered payload".into());
        }
        if self.data != script.response() && !matches!(self.end, Some(End::Failed | End::Truncated)) {
            return Err("the report vouches for a part".into());
        }
        if self.got != script.request() && self.server_end == ServerEnd::Proper {
            return Err("the server takes a part for the whole".into());
        }
        let usual = [
            "OK",
            "CONNECT OK",
            "SEND OK",
            "SEND FAIL",
            "STATE: IP STATUS",
            "STATE: TCP CLOSED",
            "TCP ERROR:14",
            "TCP ERROR:18",
            "+CME ERROR: 3",
        ];
        if let Some(line) = self.lines.iter().find(|line| !usual.contains(&line.as_str()) && !is_last(line)) {
            return Err(format!("the module said `{line}`"));
        }
        if self.lines.iter().any(|line| is_last(line)) { Ok(()) } else { Err("the link did not end".into()) }
    }
}

fn is_last(line: &str) -> bool {
    ["CONNECT FAIL", "CLOSED", "CLOSE OK"].contains(&line)
}

/// A kind of session as it is when nobody interferes.
pub(crate) struct Plain {
    pub(crate) shape: Shape,
    pub(crate) server: Server,
    pub(crate) script: Script,
    pub(crate) recording: Recording,
    pub(crate) verdict: Verdict,
}

pub(crate) async fn plain(twin: &mut Twin, shape: Shape) -> Plain {
    let (server, script, listener) = (shape.server(), shape.script(), listener().await);
    shape.configure(twin).await;
    let first = session(twin, &listener, &server, &script, Tamper::Nothing).await;
    let verdict = Verdict::of(&first);
    assert_eq!((&verdict.data, &verdict.got), (&script.response(), &script.request()), "{verdict:?}");
    assert_eq!(verdict.end, Some(if shape.closer == Closer::Server { End::Peer } else { End::Module }));
    // Positions mean something only if each session is as long as the other.
    let second = session(twin, &listener, &server, &script, Tamper::Nothing).await;
    assert_eq!(first.recording.up.len(), second.recording.up.len(), "{shape:?}");
    assert_eq!(first.recording.down.len(), second.recording.down.len(), "{shape:?}");
    assert_eq!(Verdict::of(&second), verdict);
    Plain { shape, server, script, recording: first.recording, verdict }
}

/// A module with its files.
pub(crate) async fn module(number: u32) -> Twin {
    let mut twin = Twin::single(number).await;
    put_files(&mut twin).await;
    twin
}

/// An attack: on which of the kinds of session, and how.
pub(crate) type Job = (usize, Tamper);

/// What became of one.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) job: Job,
    /// At least one side saw another session than when nobody interferes.
    pub(crate) noticed: bool,
    /// What must not have happened.
    pub(crate) wrong: Option<String>,
}

/// Plays every kind of session once, asks `attacks` what to do to it, and does all of that.
pub(crate) async fn sweep(
    shapes: &[Shape],
    attacks: impl Fn(&Plain) -> Vec<Tamper>,
) -> (Arc<Vec<Plain>>, Vec<Outcome>) {
    let mut booting = JoinSet::new();
    for number in 0..MODULES {
        booting.spawn(module(number));
    }
    let mut twins = booting.join_all().await;
    let mut plains = Vec::new();
    let mut jobs = VecDeque::new();
    for (index, shape) in shapes.iter().enumerate() {
        let plain = plain(&mut twins[0], *shape).await;
        jobs.extend(attacks(&plain).into_iter().map(|tamper| (index, tamper)));
        plains.push(plain);
    }
    let (plains, jobs) = (Arc::new(plains), Arc::new(Mutex::new(jobs)));
    let mut working = JoinSet::new();
    for twin in twins {
        working.spawn(work(twin, Arc::clone(&plains), Arc::clone(&jobs)));
    }
    let outcomes = working.join_all().await.into_iter().flatten().collect();
    (plains, outcomes)
}

/// Takes jobs until there are none.
async fn work(mut twin: Twin, plains: Arc<Vec<Plain>>, jobs: Arc<Mutex<VecDeque<Job>>>) -> Vec<Outcome> {
    let listener = listener().await;
    let mut outcomes = Vec::new();
    let mut configured = None;
    loop {
        let Some((shape, tamper)) = jobs.lock().unwrap().pop_front() else { return outcomes };
        let plain = &plains[shape];
        if configured.replace(shape) != Some(shape) {
            plain.shape.configure(&mut twin).await;
        }
        let session = session(&mut twin, &listener, &plain.server, &plain.script, tamper).await;
        let verdict = Verdict::of(&session);
        let wrong = if session.recording.altered {
            verdict.check(&plain.script).err()
        } else {
            Some("the session never came so far".into())
        };
        let wrong = wrong.or_else(|| contradiction(&session, &plain.shape));
        let wrong = wrong.map(|what| format!("{tamper:?} on {:?}: {what}: {verdict:?}", plain.shape));
        outcomes.push(Outcome { job: (shape, tamper), noticed: verdict != plain.verdict, wrong });
    }
}

/// An explanation that the reader of the log could not believe.
fn contradiction(session: &Session, shape: &Shape) -> Option<String> {
    let offered = format!("answers with {}, which was not offered", shape.version.0);
    let explanation = session.heard.explained()?;
    (explanation.contains(&offered) || explanation.is_empty()).then_some(explanation)
}
