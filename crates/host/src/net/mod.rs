//! Network links: what a module asks to be connected to, and whatever becomes of it.
//!
//! A link has no task of its own: the instance polls it. It reads only what the module has granted.

mod capture;
mod dns;
mod echo;
mod exchange;
mod explain;
mod failed;
mod link;
mod open;
mod outlook;
mod policy;
mod question;
mod resolve;
mod secure;
mod sntp;
mod stream;
mod unanswered;
mod wire;

pub use capture::{Capture, KeyLog, Recording};
pub(crate) use exchange::{Exchange, Sender};
pub use explain::{EXPLAIN, End, Explanation, Fault, Journal, Observer, Report, Stage, Subject};
pub(crate) use explain::{publish, tell};
pub(crate) use link::{Happened, Link};
pub use outlook::{FileFacts, Holds, Outlook};
use policy::Rules;
pub use policy::{NameCheck, ReadFile};
pub(crate) use question::Question;
pub use resolve::Resolver;
pub use unanswered::Unanswered;

/// What all modules of a process share to reach the network. TLS contexts are shared, too: modules with the same
/// certificates and settings use one.
#[derive(Debug, Default)]
pub struct Network {
    resolver: Resolver,
    connector: tls::Connector,
    rules: Rules,
    pub(crate) exchange: Exchange,
    recording: Recording,
}

impl Network {
    /// A network with these rules for names.
    #[must_use]
    pub fn new(resolver: Resolver) -> Self {
        Self { resolver, ..Self::default() }
    }

    /// When names in certificates are checked; [`NameCheck::Hostname`] unless said.
    #[must_use]
    pub fn name_check(self, name_check: NameCheck) -> Self {
        Self { rules: Rules { name_check, ..self.rules }, ..self }
    }

    /// Whether TLS 1.3 and forward-secret suites, which the module does not have, are offered as well where sslversion is
    /// 4 and ciphersuite 0XFFFF; not unless said.
    #[must_use]
    pub fn modern(self, modern: bool) -> Self {
        Self { rules: Rules { modern, ..self.rules }, ..self }
    }

    /// Records all connections and the secrets of all TLS sessions; off unless said. For debugging only.
    #[must_use]
    pub fn record(self, recording: Recording) -> Self {
        let connector = if recording.wants_secrets() {
            let recording = recording.clone();
            tls::Connector::with_key_log(move |line| recording.secret(line))
        } else {
            tls::Connector::new()
        };
        Self { connector, recording, ..self }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_explain;
#[cfg(test)]
mod tests_options;
#[cfg(test)]
mod tests_outlook;
#[cfg(test)]
mod tests_question;
#[cfg(test)]
mod tests_secure;
#[cfg(test)]
mod tests_tls;
