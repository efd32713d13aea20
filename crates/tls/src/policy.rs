//! What a session is to be like: a plain value, decided before the first byte.

use std::fmt;
use std::net::IpAddr;

use crate::version::{SUITES, Suite, Version};

/// What a client session is to be like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Oldest version offered.
    pub min_version: Version,
    /// Newest version offered. TLS 1.3 brings its own suites, whatever `suites` says.
    pub max_version: Version,
    /// Suites offered up to TLS 1.2, best first.
    pub suites: Vec<Suite>,
    /// Offer forward-secret suites (ECDHE, DHE) as well, before `suites`.
    pub modern: bool,
    /// The trusted certificates: a file's content, PEM (any number of them) or DER.
    pub anchors: Option<Vec<u8>>,
    /// The client's own certificate, presented if the server asks.
    pub identity: Option<Identity>,
    /// Whether and how the server is authenticated.
    pub verify: Verify,
    /// The name to send as SNI (RFC 6066). An address or an empty name is not sent.
    pub server_name: Option<String>,
    /// Values that are not to be random.
    pub fixed: FixedRandom,
}

impl Default for Policy {
    /// Everything that the module offers, nobody authenticated.
    fn default() -> Self {
        Self {
            min_version: Version::Ssl30,
            max_version: Version::Tls12,
            suites: SUITES.iter().map(|(suite, ..)| *suite).collect(),
            modern: false,
            anchors: None,
            identity: None,
            verify: Verify::None,
            server_name: None,
            fixed: FixedRandom::default(),
        }
    }
}

/// A client certificate with its key. Its `Debug` form hides the key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The certificate file's content: PEM (further certificates are sent as the chain) or DER.
    pub certificate: Vec<u8>,
    /// The key file's content: PEM or DER, PKCS#1 or PKCS#8, not encrypted.
    pub key: Vec<u8>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate.len()).finish_non_exhaustive()
    }
}

/// How the server is authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verify {
    /// Not at all.
    None,
    /// By its certificate chain.
    Chain {
        /// Any anchor ends the chain, not only a self-signed one.
        partial: bool,
        /// The name that the certificate has to bear, if that is checked.
        name: Option<ServerName>,
        /// How validity dates are treated.
        time: TimeRule,
    },
}

/// The name that a certificate is to bear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerName {
    /// A DNS name, as ASCII; a certificate's wildcard stands for one label.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl ServerName {
    /// Reads a name as people write it: an address if it is one, else a DNS name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Dns(text.to_owned()), Self::Ip)
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// How validity dates are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeRule {
    /// Dates do not matter.
    Ignore,
    /// Dates have to hold at this time, in seconds since 1970-01-01 UTC.
    At(i64),
}

/// Values that are not to be random. A session with any of them is reproducible, hence not secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FixedRandom {
    /// The ClientHello's 32 random bytes.
    pub hello: Option<[u8; 32]>,
    /// The RSA pre-master secret.
    pub premaster: Option<Premaster>,
}

impl FixedRandom {
    /// Whether anything is fixed.
    #[must_use]
    pub fn any(&self) -> bool {
        self.hello.is_some() || self.premaster.is_some()
    }
}

/// A fixed RSA pre-master secret. Its `Debug` form hides the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Premaster {
    /// The 46 bytes behind the version.
    Random([u8; 46]),
    /// All 48; the first two have to be the version that the ClientHello offers.
    Whole([u8; 48]),
}

impl fmt::Debug for Premaster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Premaster(hidden)")
    }
}

impl Premaster {
    /// The 46 random bytes, if this secret can be used with a ClientHello that offers at most `version`.
    pub(crate) fn random_for(&self, version: Version) -> Option<[u8; 46]> {
        match self {
            Self::Random(bytes) => Some(*bytes),
            Self::Whole(bytes) => {
                let (head, tail) = bytes.split_at(2);
                if head == version.client_hello() { tail.try_into().ok() } else { None }
            }
        }
    }
}
