//! Throw-away certificates: for the lab and for tests, never for anything that matters.

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509NameBuilder};
use std::fmt;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ffi;

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// To sign others.
    Ca,
    /// By a TLS server.
    Server,
    /// By a TLS client.
    Client,
}

/// The hash under a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-1.
    Sha1,
    /// MD5.
    Md5,
}

/// What to make.
#[derive(Clone, Debug)]
pub struct Request {
    /// The subject's common name.
    pub common_name: String,
    /// DNS names and addresses that it bears.
    pub names: Vec<String>,
    /// What for.
    pub usage: Usage,
    /// RSA key length.
    pub bits: u32,
    /// Signature hash.
    pub digest: Digest,
    /// First second of validity, since 1970-01-01 UTC.
    pub not_before: i64,
    /// Last second of validity.
    pub not_after: i64,
}

impl Request {
    /// RSA-2048, SHA-256, valid from yesterday for ten years.
    #[must_use]
    pub fn new(common_name: &str, usage: Usage) -> Self {
        const DAY: i64 = 86_400;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed());
        Self {
            common_name: common_name.into(),
            names: Vec::new(),
            usage,
            bits: 2048,
            digest: Digest::Sha256,
            not_before: now - DAY,
            not_after: now + 3650 * DAY,
        }
    }

    /// With these DNS names and addresses.
    #[must_use]
    pub fn names(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Made and signed by itself.
    ///
    /// # Errors
    /// OpenSSL's words.
    pub fn self_signed(&self) -> Result<Issued, String> {
        self.make(None).map_err(|error| error.to_string())
    }

    /// Made and signed by `issuer`.
    ///
    /// # Errors
    /// OpenSSL's words.
    pub fn signed_by(&self, issuer: &Issued) -> Result<Issued, String> {
        self.make(Some(issuer)).map_err(|error| error.to_string())
    }

    fn make(&self, issuer: Option<&Issued>) -> Result<Issued, ErrorStack> {
        ffi::init()?;
        let key = PKey::from_rsa(Rsa::generate(self.bits)?)?;
        let mut name = X509NameBuilder::new()?;
        name.append_entry_by_text("O", "Modemtwin lab, not for production")?;
        name.append_entry_by_text("CN", &self.common_name)?;
        let name = name.build();
        let mut b = X509::builder()?;
        b.set_version(2)?;
        let mut serial = BigNum::new()?;
        serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
        b.set_serial_number(&*Asn1Integer::from_bn(&serial)?)?;
        b.set_subject_name(&name)?;
        b.set_issuer_name(issuer.map_or(&*name, |issuer| issuer.certificate.subject_name()))?;
        b.set_not_before(&*Asn1Time::from_unix(self.not_before)?)?;
        b.set_not_after(&*Asn1Time::from_unix(self.not_after)?)?;
        b.set_pubkey(&key)?;
        match self.usage {
            Usage::Ca => {
                b.append_extension(BasicConstraints::new().critical().ca().build()?)?;
                b.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
            }
            Usage::Server | Usage::Client => {
                b.append_extension(BasicConstraints::new().critical().build()?)?;
                b.append_extension(
                    KeyUsage::new().critical().digital_signature().key_encipherment().build()?,
                )?;
                let mut usage = ExtendedKeyUsage::new();
                let usage =
                    if self.usage == Usage::Server { usage.server_auth() } else { usage.client_auth() };
                b.append_extension(usage.build()?)?;
            }
        }
        let issuer_certificate = issuer.map(|issuer| &*issuer.certificate);
        let context = b.x509v3_context(issuer_certificate, None);
        let subject_key = SubjectKeyIdentifier::new().build(&context)?;
        b.append_extension(subject_key)?;
        if issuer.is_some() {
            let context = b.x509v3_context(issuer_certificate, None);
            let authority = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
            b.append_extension(authority)?;
        }
        if !self.names.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for name in &self.names {
                if name.parse::<IpAddr>().is_ok() {
                    names.ip(name)
                } else {
                    names.dns(name)
                };
            }
            let context = b.x509v3_context(issuer_certificate, None);
            let names = names.build(&context)?;
            b.append_extension(names)?;
        }
        let digest = match self.digest {
            Digest::Sha256 => MessageDigest::sha256(),
            Digest::Sha1 => MessageDigest::sha1(),
            Digest::Md5 => MessageDigest::md5(),
        };
        b.sign(issuer.map_or(&key, |issuer| &issuer.key), digest)?;
        Ok(Issued { certificate: b.build(), key })
    }
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Issued {
    certificate: X509,
    key: PKey<Private>,
}

impl fmt::Debug for Issued {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Issued").field(&report_name(&self.certificate)).finish()
    }
}

fn report_name(certificate: &X509) -> String {
    crate::report::name(certificate.subject_name())
}

impl Issued {
    /// From files written before.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, String> {
        ffi::init().map_err(|error| error.to_string())?;
        let certificate = X509::from_pem(certificate).map_err(|error| error.to_string())?;
        let key = crate::material::private_key("key", key).map_err(|cause| format!("{cause:?}"))?;
        Ok(Self { certificate, key })
    }

    /// The certificate in PEM.
    ///
    /// # Errors
    /// OpenSSL's words.
    pub fn certificate_pem(&self) -> Result<Vec<u8>, String> {
        self.certificate.to_pem().map_err(|error| error.to_string())
    }

    /// The certificate in DER.
    ///
    /// # Errors
    /// OpenSSL's words.
    pub fn certificate_der(&self) -> Result<Vec<u8>, String> {
        self.certificate.to_der().map_err(|error| error.to_string())
    }

    /// The key in PEM, PKCS#1 (`RSA PRIVATE KEY`), as embedded tools like it.
    ///
    /// # Errors
    /// OpenSSL's words.
    pub fn key_pem(&self) -> Result<Vec<u8>, String> {
        self.key.rsa().and_then(|rsa| rsa.private_key_to_pem()).map_err(|error| error.to_string())
    }

    /// The key in DER, PKCS#1.
    ///
    /// # Errors
    /// OpenSSL's words.
    pub fn key_der(&self) -> Result<Vec<u8>, String> {
        self.key.rsa().and_then(|rsa| rsa.private_key_to_der()).map_err(|error| error.to_string())
    }

    /// Who it is.
    #[must_use]
    pub fn subject(&self) -> String {
        report_name(&self.certificate)
    }

    /// Whether it is still valid at this time, in seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn valid_at(&self, seconds: i64) -> bool {
        Asn1Time::from_unix(seconds)
            .is_ok_and(|at| self.certificate.not_before() <= &*at && self.certificate.not_after() >= &*at)
    }
}
