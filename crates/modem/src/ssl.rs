//! What a TLS connect is to be like, in the terms of AT+SSLCFG: the module's wish, resolved by the host.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::io::{ConnId, ModulePath};

/// `sslversion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SslVersion {
    /// 0: exactly SSL 3.0.
    Ssl30,
    /// 1: exactly TLS 1.0.
    Tls10,
    /// 2: exactly TLS 1.1.
    Tls11,
    /// 3: exactly TLS 1.2.
    Tls12,
    /// 4: whatever of these the peer prefers.
    All,
}

impl SslVersion {
    /// From the parameter's number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Ssl30, Self::Tls10, Self::Tls11, Self::Tls12, Self::All].get(usize::from(number)).copied()
    }

    /// The parameter's number.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// `seclevel`: authentication, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecLevel {
    /// 0: nobody is authenticated.
    None,
    /// 1: the server is.
    Server,
    /// 2: the server is, and the module presents its certificate if asked.
    Mutual,
}

impl SecLevel {
    /// From the parameter's number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::None, Self::Server, Self::Mutual].get(usize::from(number)).copied()
    }

    /// The parameter's number.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// `premaster`: the fixed part of the RSA pre-master secret. Its `Debug` form hides the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Premaster {
    /// 92 digits: the 46 bytes behind the version.
    Random([u8; 46]),
    /// 96 digits: all 48; the first two have to be the version that the ClientHello offers.
    Whole([u8; 48]),
}

impl fmt::Debug for Premaster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random(_) => "Random(46 bytes)",
            Self::Whole(_) => "Whole(48 bytes)",
        })
    }
}

/// One TLS connect. File names, not contents: files are read when the handshake begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsRequest {
    /// The SSL context it comes from (0–5, 34, 88, 153), for explanations.
    pub context: u8,
    /// `sslversion`.
    pub version: SslVersion,
    /// The suites to offer, by IANA number: one, or all six for 0XFFFF.
    pub suites: Vec<u16>,
    /// `seclevel`.
    pub seclevel: SecLevel,
    /// `cacert`.
    pub cacert: Option<ModulePath>,
    /// `clientcert`.
    pub clientcert: Option<ModulePath>,
    /// `clientkey`.
    pub clientkey: Option<ModulePath>,
    /// `verifymode` 1: any certificate in `cacert` is a trust anchor, not only a root.
    pub partial_chain: bool,
    /// `hostname`, if set: the name that the server's certificate has to bear when the server is authenticated.
    pub hostname: Option<String>,
    /// The CIPSTART host, for SNI when `hostname` is not set and it is a name, and for a name-check policy of the twin.
    pub host: String,
    /// `ignorelocaltime` 1.
    pub ignore_time: bool,
    /// The module's clock at connect, seconds since 1970-01-01 UTC.
    pub now: i64,
    /// Whether that clock was ever set (network time or AT+CCLK).
    pub clock_set: bool,
    /// `clientrandom`, complete: with 56 digits the first four bytes are the module's clock.
    pub client_random: Option<[u8; 32]>,
    /// `premaster`.
    pub premaster: Option<Premaster>,
    /// `negotiatetimeout` in milliseconds: how long the handshake may take.
    pub timeout: u64,
    /// Others may ask for its session ([`resume`](Self::resume)) for as long as it is open: it is kept, and a ticket is accepted.
    pub resumable: bool,
    /// Offer the session of this connection, if it is still open, was [`resumable`](Self::resumable), and everything that decides
    /// about the handshake and its checks is as it was there; otherwise the handshake is a full one.
    pub resume: Option<ConnId>,
}
