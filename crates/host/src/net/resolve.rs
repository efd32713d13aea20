//! Names to addresses: the user's own rules first, then the system's resolver.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use super::explain::Fault;

/// How many questions the system's resolver is asked at a time.
const QUESTIONS: usize = 64;

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

    /// The addresses to try, in order: IPv4 first, as the module is an IPv4 device.
    ///
    /// # Errors
    /// What the system's resolver says; also when it knows the name but no address.
    pub(super) async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Some((address, own_port)) = self.rules.get(&key(host)) {
            return Ok(vec![SocketAddr::new(*address, own_port.unwrap_or(port))]);
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let mut addresses = self.ask_system(host, port).await?;
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addresses)
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

/// Why a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    /// The name service says that there is no such name.
    Unknown,
    /// The name service knows it, but no address of it.
    WithoutAddress,
    /// No name service answers, or none can answer at the moment.
    NoResolver,
    /// The system does not say.
    Other,
}

impl Unresolved {
    /// From the system's words: the number behind them does not come through the standard library. It prints them
    /// untranslated (glibc's words first, then musl's).
    pub(super) fn of(error: &io::Error) -> Self {
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

    /// Where the cause lies.
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Unknown | Self::WithoutAddress => Fault::Command,
            Self::NoResolver | Self::Other => Fault::Environment,
        }
    }

    /// What to do.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Unknown | Self::WithoutAddress => {
                "is the name spelt right? `--resolve` gives a name an address of your own"
            }
            Self::NoResolver | Self::Other => {
                "is this computer online, and its resolver reachable? `--resolve` needs none"
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
        assert_eq!(resolver.resolve("tcplab.OPENLUAT.com", 1).await.unwrap(), one("127.0.0.9:57513"));
        assert_eq!(resolver.resolve("tcplab.openluat.com.", 1).await.unwrap(), one("127.0.0.9:57513"));
        assert_eq!(resolver.resolve("10.0.0.1", 7).await.unwrap(), one("127.0.0.8:7"));
        assert_eq!(resolver.resolve("192.0.2.1", 7).await.unwrap(), one("192.0.2.1:7"));
        let local = resolver.resolve("localhost", 7).await.unwrap();
        assert!(local.iter().all(|address| address.ip().is_loopback()), "{local:?}");
        assert!(local[0].is_ipv4(), "{local:?}");
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_is_an_error() {
        // RFC 6761: never resolves.
        assert!(Resolver::new().resolve("no-such-host.invalid", 7).await.is_err());
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
        assert_eq!(Unresolved::Unknown.fault(), Fault::Command);
        assert_eq!(Unresolved::NoResolver.fault(), Fault::Environment);
    }
}
