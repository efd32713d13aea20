//! What a session turned out to be: who was authenticated and which checks were not made.

use openssl::nid::Nid;
use openssl::x509::{X509NameRef, X509Ref};
use std::fmt;

use crate::version::{Suite, Version};

/// Which end of a session a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// We are the client; the peer is a server.
    Client,
    /// We are the server; the peer is a client.
    Server,
}

/// An established session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which end we are.
    pub side: Side,
    /// The version in use; `None` if OpenSSL names one that we do not know.
    pub version: Option<Version>,
    /// The suite in use.
    pub suite: Suite,
    /// OpenSSL's name of it.
    pub suite_name: String,
    /// The peer's own certificate, if it sent one.
    pub peer: Option<PeerCertificate>,
    /// The chain was verified.
    pub chain_checked: bool,
    /// The name that was verified.
    pub name_checked: Option<String>,
    /// The dates were verified.
    pub time_checked: bool,
    /// The server asked for a client certificate.
    pub client_certificate_asked: bool,
    /// The subject of the client certificate that was sent.
    pub client_certificate: Option<String>,
    /// The ClientHello's random was fixed.
    pub hello_fixed: bool,
    /// A pre-master secret was fixed, and whether it was used (only RSA key exchange has one).
    pub premaster_fixed: Option<bool>,
    /// An earlier connection's session was offered, and whether it was resumed: then the certificates and the checks are those of its first
    /// handshake, and the checks would come out the same now. On a server: `Some(true)` when it was.
    pub resumed: Option<bool>,
}

impl Report {
    /// Every check that was not made, and every other risk, one sentence each; for a client's session.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.side == Side::Server {
            return warnings;
        }
        if !self.chain_checked {
            warnings.push(
                "the server was NOT authenticated (seclevel 0): anybody could have answered".to_owned(),
            );
        } else {
            if self.name_checked.is_none() {
                warnings.push(
                    "the certificate's name was NOT checked (hostname is not set, or the check is switched off): any \
                     server of the same CA could have answered; set hostname to have it checked"
                        .to_owned(),
                );
            }
            if !self.time_checked {
                warnings.push("the certificates' dates were NOT checked (ignorelocaltime 1)".to_owned());
            }
            warnings.push("revocation is never checked".to_owned());
        }
        if self.hello_fixed || self.premaster_fixed == Some(true) {
            warnings.push(
                "a fixed clientrandom or premaster is in use: the session is reproducible, hence not secret"
                    .to_owned(),
            );
        }
        if self.premaster_fixed == Some(false) {
            warnings.push("premaster was set but not used: there was no RSA key exchange".to_owned());
        }
        warnings
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => version.fmt(f)?,
            None => f.write_str("unknown version")?,
        }
        write!(f, ", {}, ", self.suite)?;
        let peer = if self.side == Side::Client { "server" } else { "client" };
        match &self.peer {
            Some(certificate) => write!(
                f,
                "{peer} {} (issued by {}, valid until {})",
                certificate.subject, certificate.issuer, certificate.not_after
            )?,
            None => write!(f, "{peer} without certificate")?,
        }
        if self.side == Side::Server {
            return Ok(());
        }
        match (self.client_certificate_asked, &self.client_certificate) {
            _ if self.resumed == Some(true) => {
                f.write_str(
                    ", an earlier session resumed: the certificates are those of its first handshake",
                )?;
            }
            (true, Some(subject)) => write!(f, ", client certificate {subject} sent")?,
            (true, None) => f.write_str(", client certificate asked for, none sent")?,
            (false, _) => f.write_str(", no client certificate asked for")?,
        }
        if self.resumed == Some(false) {
            f.write_str(", the earlier session that was offered was not resumed")?;
        }
        for warning in self.warnings() {
            write!(f, "; {warning}")?;
        }
        Ok(())
    }
}

/// What a peer's certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Who it is, such as `CN=localhost, O=Lab`.
    pub subject: String,
    /// Who says so.
    pub issuer: String,
    /// From when, in OpenSSL's form.
    pub not_before: String,
    /// Until when.
    pub not_after: String,
    /// The names that it bears.
    pub names: Vec<String>,
}

impl PeerCertificate {
    pub(crate) fn of(certificate: &X509Ref) -> Self {
        Self {
            subject: name(certificate.subject_name()),
            issuer: name(certificate.issuer_name()),
            not_before: certificate.not_before().to_string(),
            not_after: certificate.not_after().to_string(),
            names: names(certificate),
        }
    }
}

/// How many characters of a name are shown, and how many names.
const LONGEST: (usize, usize) = (256, 32);

/// A distinguished name as people read it.
pub(crate) fn name(name: &X509NameRef) -> String {
    let parts: Vec<String> = name
        .entries()
        .take(LONGEST.1)
        .map(|entry| {
            let key = entry.object().nid().short_name().unwrap_or("?");
            let value = entry.data().to_string().unwrap_or_default();
            format!("{key}={}", harmless(&value))
        })
        .collect();
    if parts.is_empty() { "(no subject)".to_owned() } else { parts.join(", ") }
}

/// Names come from the peer: nothing in them may break, colour or turn around a log line, or fill it.
fn harmless(text: &str) -> String {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut shown = String::new();
    for c in text.chars().take(LONGEST.0) {
        if invisible(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// DNS names and addresses; where there are none, the common name.
pub(crate) fn names(certificate: &X509Ref) -> Vec<String> {
    let mut names = Vec::new();
    for alternative in certificate.subject_alt_names().into_iter().flatten().take(LONGEST.1) {
        if let Some(dns) = alternative.dnsname() {
            names.push(harmless(dns));
        } else if let Some(bytes) = alternative.ipaddress() {
            if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
                names.push(std::net::Ipv4Addr::from(v4).to_string());
            } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
                names.push(std::net::Ipv6Addr::from(v6).to_string());
            }
        }
    }
    if names.is_empty() {
        for entry in certificate.subject_name().entries_by_nid(Nid::COMMONNAME).take(LONGEST.1) {
            if let Ok(text) = entry.data().to_string() {
                names.push(harmless(&text));
            }
        }
    }
    names
}
