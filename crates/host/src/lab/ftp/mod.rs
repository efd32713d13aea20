//! A small FTP server: files in memory, passive mode only, TLS from the start or by AUTH TLS. Whoever comes may do everything.
//!
//! `USER nobody` and `PASS wrong` are refused, so that a client can meet that. Transfers are binary, whatever TYPE says. PORT and
//! EPRT do not exist: a server that connects to where a client says can be made to attack others.

mod control;
mod data;
mod files;
mod verbs;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

pub(super) use control::Duplex;
use control::{Control, Line};
use data::{Failure, Transfer};
pub(super) use files::Files;
use files::Refusal;

use super::Kind;
use super::guest::{Guest, HANDSHAKE, LAB};

/// A client that is refused more often is sent away.
const REFUSED: u32 = 10;

/// How TLS comes about.
#[derive(Clone)]
pub(super) struct Tls {
    /// The control connection has it already.
    pub(super) implicit: bool,
    /// What accepts it, on data connections too.
    pub(super) acceptor: Option<Arc<tls::Acceptor>>,
}

/// Serves a client until it leaves or is silent for too long. Tells how many bytes of commands came.
///
/// # Errors
/// What the connection says.
pub(super) async fn serve(
    stream: Box<dyn Duplex>,
    kind: Kind,
    guest: Guest,
    files: Arc<Files>,
    tls: Tls,
) -> io::Result<u64> {
    let mut session = Session {
        control: Control::new(stream),
        kind,
        guest,
        files,
        secured: tls.implicit,
        acceptor: tls.acceptor,
        user: None,
        logged_in: false,
        refused: 0,
        directory: "/".to_owned(),
        rest: 0,
        passive: None,
        measured: false,
        protected: false,
        over: false,
    };
    let result = session.run().await;
    let came = session.control.came;
    session.control.end().await;
    result.map(|()| came)
}

/// One client.
struct Session {
    control: Control,
    kind: Kind,
    guest: Guest,
    files: Arc<Files>,
    /// Whether the control connection has TLS.
    secured: bool,
    acceptor: Option<Arc<tls::Acceptor>>,
    user: Option<String>,
    logged_in: bool,
    refused: u32,
    directory: String,
    /// Where the next transfer begins.
    rest: u64,
    /// Where the next data connection comes to.
    passive: Option<TcpListener>,
    /// Whether PBSZ has come.
    measured: bool,
    /// Whether data connections get TLS.
    protected: bool,
    over: bool,
}

impl Session {
    async fn run(&mut self) -> io::Result<()> {
        self.control
            .say("220 The lab of modemtwin: any user, any password, but not nobody and wrong")
            .await?;
        while !self.over {
            let Some(line) = self.control.line().await? else { return Ok(()) };
            let (kind, peer, word) = (self.kind, self.guest.peer, &line.word);
            // Behind PASS is what nobody else has to see.
            let rest = if word == "PASS" { "***" } else { &line.rest };
            tracing::debug!(target: LAB, "{kind}: {peer} said: {} {}", word.escape_debug(), rest.escape_debug());
            self.obey(line).await?;
        }
        Ok(())
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.control.say(reply).await
    }

    /// AUTH TLS: the handshake follows the reply.
    async fn authenticate(&mut self, mechanism: &str) -> io::Result<()> {
        let known = ["TLS", "TLS-C", "SSL"].iter().any(|name| mechanism.eq_ignore_ascii_case(name));
        let Some(acceptor) = self.acceptor.clone() else { return self.say("431 There is no TLS").await };
        if self.secured || !known {
            return self.say(if known { "503 There is TLS already" } else { "504 TLS only" }).await;
        }
        // What came behind the command in plain text must not be taken for a part of the session (CVE-2011-0411).
        if self.control.has_unread() {
            self.over = true;
            return self.say("421 There were commands behind AUTH, unprotected").await;
        }
        self.say("234 Go ahead").await?;
        let control = std::mem::replace(&mut self.control, Control::new(Box::new(tokio::io::empty())));
        let (kind, peer) = (self.kind, self.guest.peer);
        match control.secure(&acceptor, HANDSHAKE).await {
            Ok((control, session)) => {
                tracing::info!(target: LAB, "{kind}: {peer} went on with TLS: {session}");
                self.control = control;
                (self.secured, self.user, self.logged_in) = (true, None, false);
                Ok(())
            }
            Err(failure) => {
                tracing::warn!(target: LAB, "{kind}: {peer} failed: {failure}");
                Err(io::Error::other(failure))
            }
        }
    }

    /// EPSV (RFC 2428) and PASV.
    async fn listen(&mut self, extended: bool, wanted: &str) -> io::Result<()> {
        let ip = self.guest.local.ip().to_canonical();
        match (extended, wanted, ip) {
            (true, "ALL" | "all", _) => return self.say("200 So be it").await,
            (true, "1", IpAddr::V6(_)) => return self.say("522 Try another one (2)").await,
            (true, "2", IpAddr::V4(_)) => return self.say("522 Try another one (1)").await,
            (true, "" | "1" | "2", _) | (false, _, IpAddr::V4(_)) => {}
            (true, ..) => return self.say("522 Try another one (1,2)").await,
            (false, _, IpAddr::V6(_)) => return self.say("425 Not over IPv6; EPSV is").await,
        }
        let (listener, address) = match data::listen(self.guest.local).await {
            Ok(listening) => listening,
            Err(error) => return self.say(&format!("425 Cannot listen: {}", error.kind())).await,
        };
        self.passive = Some(listener);
        let port = address.port();
        let reply = match ip {
            IpAddr::V4(ip) if !extended => {
                let [a, b, c, d] = ip.octets();
                format!("227 Entering passive mode ({a},{b},{c},{d},{},{})", port >> 8, port & 0xFF)
            }
            _ => format!("229 Entering extended passive mode (|||{port}|)"),
        };
        self.say(&reply).await
    }

    /// A transfer with its data connection, from `150` to `226`. ABOR ends it; other commands wait.
    async fn transfer(&mut self, what: Transfer, announcement: &str) -> io::Result<()> {
        let Some(listener) = self.passive.take() else { return self.say("425 EPSV or PASV first").await };
        let stream = match data::arrival(listener, self.guest.peer).await {
            Ok(stream) => stream,
            Err(failure) => return self.failed(&failure).await,
        };
        self.say(&format!("150 {announcement}")).await?;
        let acceptor = self.acceptor.clone().filter(|_| self.protected);
        let files = Arc::clone(&self.files);
        let mut moving = Box::pin(async move {
            let stream = data::protected(stream, acceptor).await?;
            what.run(stream, &files).await
        });
        let mut next: Option<Line> = None;
        let moved = loop {
            tokio::select! {
                moved = &mut moving => break Some(moved),
                line = self.control.any_line(), if next.is_none() => match line? {
                    // The client has left.
                    None => {
                        self.over = true;
                        return Ok(());
                    }
                    Some(line) if line.word == "ABOR" => break None,
                    Some(line) => next = Some(line),
                },
            }
        };
        drop(moving);
        match moved {
            Some(Ok(bytes)) => self.say(&format!("226 Done: {bytes} bytes")).await?,
            Some(Err(failure)) => self.failed(&failure).await?,
            None => {
                self.say("426 Aborted").await?;
                self.say("226 As you like").await?;
            }
        }
        match next {
            Some(line) => Box::pin(self.obey(line)).await,
            None => Ok(()),
        }
    }

    async fn failed(&mut self, failure: &Failure) -> io::Result<()> {
        let (kind, peer) = (self.kind, self.guest.peer);
        match failure {
            Failure::Absent => self.say("425 No data connection came").await,
            Failure::Tls(why) => {
                tracing::warn!(target: LAB, "{kind}: {peer} failed on a data connection: {why}");
                self.say("522 No TLS on the data connection").await
            }
            Failure::Broken(error) => {
                tracing::debug!(target: LAB, "{kind}: {peer} broke off a data connection: {error}");
                self.say("426 The data connection broke").await
            }
            Failure::Refused(refusal) => self.refuse(*refusal).await,
        }
    }

    async fn refuse(&mut self, refusal: Refusal) -> io::Result<()> {
        self.say(match refusal {
            Refusal::Missing => "550 No such file",
            Refusal::NoDirectory => "550 No such directory",
            Refusal::Exists => "550 It exists",
            Refusal::Directory => "550 It is a directory",
            Refusal::InUse => "550 It is not empty",
            Refusal::Full => "552 No room",
            Refusal::Short => "554 The file is shorter",
            Refusal::Fixed => "553 This file can only be replaced",
            Refusal::Replaced => "451 It has been replaced meanwhile",
        })
        .await
    }
}

#[cfg(test)]
mod tests;
