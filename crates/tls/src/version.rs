//! Protocol versions and cipher suites.

use openssl::ssl::SslVersion;
use std::fmt;

/// A protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// SSL 3.0.
    Ssl30,
    /// TLS 1.0.
    Tls10,
    /// TLS 1.1.
    Tls11,
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Version {
    pub(crate) fn openssl(self) -> SslVersion {
        match self {
            Self::Ssl30 => SslVersion::SSL3,
            Self::Tls10 => SslVersion::TLS1,
            Self::Tls11 => SslVersion::TLS1_1,
            Self::Tls12 => SslVersion::TLS1_2,
            Self::Tls13 => SslVersion::TLS1_3,
        }
    }

    /// From OpenSSL's name of it.
    pub(crate) fn from_openssl(name: &str) -> Option<Self> {
        Some(match name {
            "SSLv3" => Self::Ssl30,
            "TLSv1" => Self::Tls10,
            "TLSv1.1" => Self::Tls11,
            "TLSv1.2" => Self::Tls12,
            "TLSv1.3" => Self::Tls13,
            _ => return None,
        })
    }

    /// The version as a ClientHello that offers at most this one writes it (RFC 8446 4.1.2: 1.3 writes 1.2).
    pub(crate) fn client_hello(self) -> [u8; 2] {
        match self {
            Self::Ssl30 => [3, 0],
            Self::Tls10 => [3, 1],
            Self::Tls11 => [3, 2],
            Self::Tls12 | Self::Tls13 => [3, 3],
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ssl30 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

/// A cipher suite by its IANA number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suite(pub u16);

/// The six suites with RSA key exchange: number, IANA name, OpenSSL name.
pub const SUITES: [(Suite, &str, &str); 6] = [
    (Suite(0x0035), "TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"),
    (Suite(0x002F), "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
    (Suite(0x0005), "TLS_RSA_WITH_RC4_128_SHA", "RC4-SHA"),
    (Suite(0x0004), "TLS_RSA_WITH_RC4_128_MD5", "RC4-MD5"),
    (Suite(0x000A), "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
    (Suite(0x003D), "TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256"),
];

impl Suite {
    /// The IANA name, for the six.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        SUITES.iter().find(|(suite, ..)| *suite == self).map(|(_, name, _)| *name)
    }

    /// The name that OpenSSL's cipher lists use, for the six.
    #[must_use]
    pub fn openssl_name(self) -> Option<&'static str> {
        SUITES.iter().find(|(suite, ..)| *suite == self).map(|(.., name)| *name)
    }

    /// Whether it exists only from TLS 1.2 on.
    #[must_use]
    pub fn needs_tls12(self) -> bool {
        self == Self(0x003D)
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "0X{:04X} {name}", self.0),
            None => write!(f, "0X{:04X}", self.0),
        }
    }
}
