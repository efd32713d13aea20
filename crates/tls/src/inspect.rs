//! What is in certificate and key files, and whether a policy can work at all, without a connection.

use openssl::asn1::Asn1Time;
use openssl::pkey::{HasPublic, Id, PKeyRef};
use openssl::x509::X509;
use std::cmp::Ordering;
use std::fmt;

use crate::failure::Cause;
use crate::material;
use crate::report::PeerCertificate;

/// Where a moment lies in a certificate's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Before it.
    NotYet,
    /// Within it.
    Valid,
    /// Behind it.
    Expired,
}

/// What a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyKind {
    /// The algorithm, such as `RSA`.
    pub algorithm: &'static str,
    /// The length in bits.
    pub bits: u32,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.algorithm, self.bits)
    }
}

/// A certificate in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Subject, issuer, dates, names.
    pub about: PeerCertificate,
    /// Its key; `None` if that is damaged.
    pub key: Option<KeyKind>,
    /// Issued by itself: a root, or a server's own.
    pub self_issued: bool,
    /// Where the moment that was asked about lies.
    pub validity: Validity,
}

fn kind<T: HasPublic>(key: &PKeyRef<T>) -> KeyKind {
    let algorithm = match key.id() {
        Id::RSA => "RSA",
        Id::RSA_PSS => "RSA-PSS",
        Id::EC => "EC",
        Id::DSA => "DSA",
        Id::ED25519 => "Ed25519",
        Id::ED448 => "Ed448",
        _ => "another kind",
    };
    KeyKind { algorithm, bits: key.bits() }
}

fn validity(certificate: &X509, at: i64) -> Validity {
    let Ok(at) = Asn1Time::from_unix(at) else { return Validity::Expired };
    let against = |limit: &openssl::asn1::Asn1TimeRef| limit.compare(&at).unwrap_or(Ordering::Equal);
    if against(certificate.not_before()) == Ordering::Greater {
        Validity::NotYet
    } else if against(certificate.not_after()) == Ordering::Less {
        Validity::Expired
    } else {
        Validity::Valid
    }
}

fn why(cause: Cause) -> String {
    match cause {
        Cause::Unusable { why, .. } => why,
        other => format!("{other:?}"),
    }
}

/// The certificates in a file's content, as a handshake would read them; `at` is in seconds since 1970-01-01 UTC.
///
/// # Errors
/// Why it cannot be used.
pub fn certificates(content: &[u8], at: i64) -> Result<Vec<CertificateFacts>, String> {
    let found = material::certificates("file", content).map_err(why)?;
    let facts = found.iter().map(|certificate| CertificateFacts {
        about: PeerCertificate::of(certificate),
        key: certificate.public_key().ok().map(|key| kind(&key)),
        self_issued: certificate.subject_name().try_cmp(certificate.issuer_name()).is_ok_and(Ordering::is_eq),
        validity: validity(certificate, at),
    });
    Ok(facts.collect())
}

/// What the private key in a file's content is. The key itself is not handed out.
///
/// # Errors
/// Why it cannot be used.
pub fn private_key(content: &[u8]) -> Result<KeyKind, String> {
    material::private_key("file", content).map(|key| kind(&key)).map_err(why)
}

/// Whether a private key belongs to the first certificate of a file; no, also if either cannot be read.
#[must_use]
pub fn belong_together(certificate: &[u8], key: &[u8]) -> bool {
    let certificates = material::certificates("file", certificate).ok();
    let public = certificates.and_then(|found| found.first().and_then(|first| first.public_key().ok()));
    let private = material::private_key("file", key).ok();
    public.zip(private).is_some_and(|(public, private)| private.public_eq(&public))
}
