//! Certificates and keys from files as people have them.

use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::X509;

use crate::failure::Cause;
use crate::policy::Identity;

/// A parsed client identity.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) certificate: X509,
    pub(crate) chain: Vec<X509>,
    pub(crate) key: PKey<Private>,
}

/// A PEM file's lines as OpenSSL takes them: ended by LF and beginning at the margin, without the byte order mark that
/// some editors write. `None` if it is not PEM.
fn pem(content: &[u8]) -> Option<Vec<u8>> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    if !contains(content, b"-----BEGIN ") {
        return None;
    }
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    // The inner split is for files whose lines end with CR alone.
    let lines = content.split(|b| *b == b'\n').flat_map(|line| line.trim_ascii().split(|b| *b == b'\r'));
    let mut tidy = Vec::with_capacity(content.len() + 1);
    for line in lines {
        tidy.extend_from_slice(line.trim_ascii());
        tidy.push(b'\n');
    }
    Some(tidy)
}

/// Why an encrypted key is of no use.
const ENCRYPTED: &str =
    "it is encrypted, and the module has no command for a password; store the key unencrypted";

/// What is inside a DER SEQUENCE (and behind it).
fn sequence(content: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    let [SEQUENCE, length, rest @ ..] = content else { return None };
    // The long form of a length says in how many bytes it follows.
    let more = if *length & 0x80 == 0 { 0 } else { usize::from(*length & 0x7f) };
    rest.get(more..)
}

/// Whether this is an EncryptedPrivateKeyInfo (RFC 5958): a SEQUENCE that begins with an AlgorithmIdentifier, where a plain
/// key has its version and a certificate has another SEQUENCE's fields.
fn is_encrypted_der(content: &[u8]) -> bool {
    const OBJECT_IDENTIFIER: u8 = 6;
    let algorithm = sequence(content).and_then(sequence);
    matches!(algorithm, Some([OBJECT_IDENTIFIER, ..]))
}

fn reason(error: &ErrorStack) -> String {
    error.errors().first().and_then(|e| e.reason()).unwrap_or("not readable").to_owned()
}

/// The certificates in a file's content: all of a PEM file, or the one of a DER file.
///
/// # Errors
/// [`Cause::Unusable`], called `what`.
pub(crate) fn certificates(what: &'static str, content: &[u8]) -> Result<Vec<X509>, Cause> {
    let unusable = |why: String| Cause::Unusable { what, why };
    if content.is_empty() {
        return Err(unusable("the file is empty".into()));
    }
    let found = if let Some(pem) = pem(content) {
        X509::stack_from_pem(&pem).map_err(|e| unusable(format!("its PEM is damaged ({})", reason(&e))))?
    } else {
        vec![X509::from_der(content).map_err(|e| {
            unusable(format!("it is neither PEM (no -----BEGIN) nor a DER certificate ({})", reason(&e)))
        })?]
    };
    if found.is_empty() {
        return Err(unusable("it is PEM, but there is no certificate in it".into()));
    }
    Ok(found)
}

/// The private key in a file's content.
///
/// # Errors
/// [`Cause::Unusable`]; never asks anybody for a password.
pub(crate) fn private_key(what: &'static str, content: &[u8]) -> Result<PKey<Private>, Cause> {
    let unusable = |why: String| Cause::Unusable { what, why };
    if content.is_empty() {
        return Err(unusable("the file is empty".into()));
    }
    let Some(pem) = pem(content) else {
        if is_encrypted_der(content) {
            return Err(unusable(ENCRYPTED.into()));
        }
        return PKey::private_key_from_der(content).map_err(|e| {
            unusable(format!("it is neither PEM (no -----BEGIN) nor a DER private key ({})", reason(&e)))
        });
    };
    let mut asked = false;
    // Without a callback OpenSSL would ask for the password on the terminal.
    let key = PKey::private_key_from_pem_callback(&pem, |_| {
        asked = true;
        Ok(0)
    });
    match key {
        Ok(key) => Ok(key),
        Err(_) if asked => Err(unusable(ENCRYPTED.into())),
        Err(_) if !contains(content, b"PRIVATE KEY-----") => {
            Err(unusable("it is PEM, but there is no private key in it".into()))
        }
        Err(e) => Err(unusable(format!("its PEM is damaged ({})", reason(&e)))),
    }
}

/// A client identity that can be used: both parts readable, the key RSA, and belonging together.
///
/// # Errors
/// [`Cause::Unusable`] or [`Cause::KeyMismatch`].
pub(crate) fn identity(identity: &Identity) -> Result<Loaded, Cause> {
    let mut chain = certificates("client certificate", &identity.certificate)?;
    let key = private_key("client key", &identity.key)?;
    if key.id() != Id::RSA {
        return Err(Cause::Unusable {
            what: "client key",
            why: "it is not an RSA key; the module's suites sign with RSA only".into(),
        });
    }
    let certificate = chain.remove(0);
    let public = certificate.public_key().map_err(|e| Cause::Unusable {
        what: "client certificate",
        why: format!("its key is damaged ({})", reason(&e)),
    })?;
    if !key.public_eq(&public) {
        return Err(Cause::KeyMismatch);
    }
    Ok(Loaded { certificate, chain, key })
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}
