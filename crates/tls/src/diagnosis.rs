//! What is seen while a handshake runs, for the report and the explanation.

use openssl::ex_data::Index;
use openssl::ssl::Ssl;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::failure::{Alert, Stage, VerifyFailure};
use crate::wanted;

/// Shared between a session and OpenSSL's callbacks.
pub(crate) type Shared = Arc<Mutex<Diagnosis>>;

/// Everything seen so far.
#[derive(Debug, Default)]
pub(crate) struct Diagnosis {
    /// Handshake message types that the peer sent.
    pub(crate) received: Vec<u8>,
    /// Handshake message types that we sent.
    pub(crate) sent: Vec<u8>,
    /// Alerts, in order.
    pub(crate) alerts: Vec<Alert>,
    /// The first thing wrong with the peer's chain.
    pub(crate) verify: Option<VerifyFailure>,
    /// Our Certificate message had no certificate in it.
    pub(crate) sent_empty_certificate: bool,
    /// The authorities that the server named when it asked for a client certificate.
    pub(crate) authorities: Vec<String>,
    /// The ServerHello names TLS 1.2 (which TLS 1.3 does as well).
    tls12: bool,
}

pub(crate) const SERVER_HELLO: u8 = 2;
pub(crate) const CERTIFICATE: u8 = 11;
pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
pub(crate) const SERVER_HELLO_DONE: u8 = 14;
pub(crate) const FINISHED: u8 = 20;

impl Diagnosis {
    /// Which part of the handshake was going on.
    pub(crate) fn stage(&self) -> Stage {
        let seen = |kind| self.received.contains(&kind);
        if !seen(SERVER_HELLO) {
            Stage::Hello
        } else if !seen(CERTIFICATE) {
            Stage::ServerHello
        } else if !seen(SERVER_HELLO_DONE) && !self.sent.contains(&FINISHED) {
            Stage::Certificate
        } else {
            Stage::Finished
        }
    }

    /// Whether the server asked for a client certificate.
    pub(crate) fn asked(&self) -> bool {
        self.received.contains(&CERTIFICATE_REQUEST)
    }

    /// Whether a client certificate went out.
    pub(crate) fn presented(&self) -> bool {
        self.sent.contains(&CERTIFICATE) && !self.sent_empty_certificate
    }

    /// The fatal alert by which the peer ended it.
    pub(crate) fn ended_by(&self) -> Option<Alert> {
        self.alerts.iter().find(|alert| !alert.sent && alert.fatal).copied()
    }

    /// Takes note of one protocol message, as OpenSSL's message callback gives it (without record header).
    pub(crate) fn message(&mut self, sent: bool, content_type: i32, bytes: &[u8]) {
        const LIMIT: usize = 64;
        match (content_type, bytes) {
            (21, [level, description, ..]) if self.alerts.len() < LIMIT => {
                self.alerts.push(Alert { sent, fatal: *level == 2, number: *description });
            }
            (22, [kind, rest @ ..]) => {
                let list = if sent { &mut self.sent } else { &mut self.received };
                if list.len() < LIMIT {
                    list.push(*kind);
                }
                // 3 bytes length, then the version.
                if !sent && *kind == SERVER_HELLO {
                    self.tls12 = rest.get(3..5) == Some(&[3, 3]);
                }
                if !sent
                    && *kind == CERTIFICATE_REQUEST
                    && let Some(body) = rest.get(3..)
                {
                    self.authorities = wanted::authorities(body, self.tls12);
                }
                // Type, 3 bytes length, then 3 bytes length of the (empty) list.
                if sent && *kind == CERTIFICATE && rest.len() <= 7 {
                    self.sent_empty_certificate = true;
                }
            }
            _ => {}
        }
    }
}

/// Locks, also after a panic elsewhere: the data is only for people to read.
pub(crate) fn lock(shared: &Shared) -> MutexGuard<'_, Diagnosis> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a session keeps its diagnosis; `None` if OpenSSL has no room for it, which would be out of memory.
pub(crate) fn index() -> Option<Index<Ssl, Shared>> {
    static INDEX: OnceLock<Option<Index<Ssl, Shared>>> = OnceLock::new();
    *INDEX.get_or_init(|| Ssl::new_ex_index().ok())
}
