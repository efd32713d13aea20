//! Names to addresses: the user's own rules first, then the name servers that the module was told of, or the system's
//! resolver when it was told of none.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use modem::QueryFailure;
use tokio::sync::{Semaphore, oneshot};

use super::dns;
use super::explain::Fault;

/// How many questions the system's resolver is asked at a time.
const QUESTIONS: usize = 64;
/// The port of name servers.
const NAME_SERVER: u16 = 53;

/// Where names lead: rules given by the user, and the system for the rest.
#[derive(Clone, Debug)]
pub struct Resolver {
    rules: HashMap<String, (IpAddr, Option<u16>)>,
    questions: Arc<Semaphore>,
}

impl Default for Resolver {
    /// No rules.
    fn default() -> Self {
        Self { rules: HashMap::new(), questions: Arc::new(Semaphore::new(QUESTIONS)) }
    }
}

impl Resolver {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leads `host` (a name or an address, in any case) to `address`, and to `port` if given, else to the port that was
    /// asked for. A later rule for the same host replaces an earlier one.
    pub fn add(&mut self, host: &str, address: IpAddr, port: Option<u16>) {
        self.rules.insert(key(host), (address, port));
    }

    /// The addresses to try, in order: IPv4 first, as the module is an IPv4 device. `servers` are the name servers to ask;
    /// without any, the system is asked.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn resolve(
        &self,
        host: &str,
        port: u16,
        servers: &[IpAddr],
    ) -> Result<Vec<SocketAddr>, Failure> {
        if let Some(address) = self.known(host, port) {
            return Ok(vec![address]);
        }
        if !servers.is_empty() {
            // A rule for a name server's address leads to another one, or to another port.
            let address = |server: &IpAddr| {
                let rule = self.known(&server.to_string(), NAME_SERVER);
                rule.unwrap_or(SocketAddr::new(*server, NAME_SERVER))
            };
            let servers: Vec<SocketAddr> = servers.iter().map(address).collect();
            let found = dns::lookup(host, &servers).await?;
            return Ok(found.into_iter().map(|address| SocketAddr::new(address.into(), port)).collect());
        }
        let mut addresses = self.ask_system(host, port).await?;
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
        }
        Ok(addresses)
    }

    /// What needs no question: where a rule leads, and what is an address.
    fn known(&self, host: &str, port: u16) -> Option<SocketAddr> {
        if let Some((address, own_port)) = self.rules.get(&key(host)) {
            return Some(SocketAddr::new(*address, own_port.unwrap_or(port)));
        }
        host.parse().ok().map(|address| SocketAddr::new(address, port))
    }
}

impl Resolver {
    /// Asks the system's resolver, on a thread that nobody waits for: it may think for a minute, and the runtime's own
    /// threads would keep the process from ending meanwhile.
    async fn ask_system(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let permit = Arc::clone(&self.questions).acquire_owned().await.map_err(io::Error::other)?;
        let (sender, receiver) = oneshot::channel();
        let host = host.to_owned();
        thread::Builder::new().name("resolver".into()).spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            drop(permit);
            // Fails when the question is no longer of interest.
            let _ = sender.send(found);
        })?;
        receiver.await.map_err(io::Error::other)?
    }
}

/// Why a name has no address, and how it was said.
#[derive(Debug)]
pub(super) struct Failure {
    why: Unresolved,
    detail: String,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { why: Unresolved::of(&error), detail: error.to_string() }
    }
}

impl From<dns::Failure> for Failure {
    fn from(failure: dns::Failure) -> Self {
        let why = match failure.trouble {
            dns::Trouble::Unknown => Unresolved::Unknown,
            dns::Trouble::WithoutAddress => Unresolved::WithoutAddress,
            dns::Trouble::Silence => Unresolved::Silence,
            dns::Trouble::Failing => Unresolved::Failing,
            dns::Trouble::Nonsense => Unresolved::Nonsense,
        };
        Self { why, detail: failure.detail }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.why, self.detail)
    }
}

/// Why a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unresolved {
    /// The name service says that there is no such name.
    Unknown,
    /// The name service knows it, but no address of it.
    WithoutAddress,
    /// No name service of the system answers, or none can answer at the moment.
    NoResolver,
    /// The system does not say.
    Other,
    /// None of the module's name servers answers.
    Silence,
    /// One of them says that it cannot, and the others do no better.
    Failing,
    /// One of them does not answer what was asked, and the others do no better.
    Nonsense,
}

impl Unresolved {
    /// From the system's words: the number behind them does not come through the standard library. It prints them
    /// untranslated (glibc's words first, then musl's).
    fn of(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            return Self::WithoutAddress;
        }
        let text = error.to_string();
        let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
        if says(&["Name or service not known", "Name does not resolve"]) {
            Self::Unknown
        } else if says(&["No address associated with", "Name has no usable address"]) {
            Self::WithoutAddress
        } else if says(&["Temporary failure in name resolution", "Non-recoverable failure", "Try again"]) {
            Self::NoResolver
        } else {
            Self::Other
        }
    }
}

impl Failure {
    /// Where the cause lies.
    pub(super) fn fault(&self) -> Fault {
        match self.why {
            Unresolved::Unknown | Unresolved::WithoutAddress => Fault::Command,
            Unresolved::NoResolver | Unresolved::Other => Fault::Environment,
            Unresolved::Silence => Fault::Configuration,
            Unresolved::Failing | Unresolved::Nonsense => Fault::Peer,
        }
    }

    /// What the module is told of a question.
    pub(super) fn class(&self) -> QueryFailure {
        match self.why {
            Unresolved::Unknown | Unresolved::WithoutAddress => QueryFailure::UnknownName,
            Unresolved::NoResolver | Unresolved::Silence => QueryFailure::NoNameServer,
            Unresolved::Failing | Unresolved::Nonsense | Unresolved::Other => QueryFailure::BadNameServer,
        }
    }

    /// What to do.
    pub(super) fn advice(&self) -> &'static str {
        match self.why {
            Unresolved::Unknown | Unresolved::WithoutAddress => {
                "is the name spelt right? `--resolve` gives a name an address of your own"
            }
            Unresolved::NoResolver | Unresolved::Other => {
                "is this computer online, and its resolver reachable? `--resolve` needs none"
            }
            Unresolved::Silence | Unresolved::Failing | Unresolved::Nonsense => {
                "these name servers were set in the module; 0.0.0.0 leads back to this computer's own"
            }
        }
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such name",
            Self::WithoutAddress => "the name exists, but has no address",
            Self::NoResolver => "no name server answers",
            Self::Other => "the system's resolver failed",
            Self::Silence => "none of the module's name servers answers",
            Self::Failing => "the module's name servers cannot say",
            Self::Nonsense => "the module's name servers do not answer what was asked",
        })
    }
}

fn key(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rules_come_first_and_addresses_need_nobody() {
        let mut resolver = Resolver::new();
        resolver.add("TcpLab.openluat.com", "127.0.0.9".parse().unwrap(), Some(57513));
        resolver.add("10.0.0.1", "127.0.0.8".parse().unwrap(), None);
        let one = |text: &str| vec![text.parse::<SocketAddr>().unwrap()];
        assert_eq!(resolver.resolve("tcplab.OPENLUAT.com", 1, &[]).await.unwrap(), one("127.0.0.9:57513"));
        assert_eq!(resolver.resolve("tcplab.openluat.com.", 1, &[]).await.unwrap(), one("127.0.0.9:57513"));
        assert_eq!(resolver.resolve("10.0.0.1", 7, &[]).await.unwrap(), one("127.0.0.8:7"));
        assert_eq!(resolver.resolve("192.0.2.1", 7, &[]).await.unwrap(), one("192.0.2.1:7"));
        let local = resolver.resolve("localhost", 7, &[]).await.unwrap();
        assert!(local.iter().all(|address| address.ip().is_loopback()), "{local:?}");
        assert!(local[0].is_ipv4(), "{local:?}");
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_is_an_error() {
        // RFC 6761: never resolves.
        assert!(Resolver::new().resolve("no-such-host.invalid", 7, &[]).await.is_err());
    }

    #[test]
    fn the_system_s_words_are_understood() {
        let of = |text: &str| {
            Unresolved::of(&io::Error::other(format!("failed to lookup address information: {text}")))
        };
        assert_eq!(of("Name or service not known"), Unresolved::Unknown);
        assert_eq!(of("Name does not resolve"), Unresolved::Unknown);
        assert_eq!(of("No address associated with hostname"), Unresolved::WithoutAddress);
        assert_eq!(of("Temporary failure in name resolution"), Unresolved::NoResolver);
        assert_eq!(of("Try again"), Unresolved::NoResolver);
        assert_eq!(of("System error"), Unresolved::Other);
        let failure = |why| Failure { why, detail: String::new() };
        assert_eq!(failure(Unresolved::Unknown).fault(), Fault::Command);
        assert_eq!(failure(Unresolved::NoResolver).fault(), Fault::Environment);
    }
}
