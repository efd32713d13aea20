//! What can be found wrong before the first byte: in a policy, and in the OpenSSL underneath.

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContextBuilder, SslMethod, SslStream, SslVersion};
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::OnceLock;

use crate::failure::Cause;
use crate::ffi;
use crate::policy::{Policy, ServerName, Verify};
use crate::version::{SUITES, Version};

/// The longest name that fits into DNS (RFC 1035 2.3.4).
const LONGEST_NAME: usize = 253;

/// Checks everything of a policy that needs no parsing of files.
///
/// # Errors
/// The first thing that cannot work.
pub(crate) fn policy(policy: &Policy) -> Result<(), Cause> {
    if policy.min_version > policy.max_version {
        return Err(Cause::VersionsReversed);
    }
    if let Some(unknown) = policy.suites.iter().find(|suite| suite.openssl_name().is_none()) {
        return Err(Cause::UnknownSuite(*unknown));
    }
    if !policy.modern && policy.max_version < Version::Tls13 {
        let Some(first) = policy.suites.first() else { return Err(Cause::NoSuites) };
        if policy.max_version < Version::Tls12 && policy.suites.iter().all(|suite| suite.needs_tls12()) {
            return Err(Cause::SuiteNeedsTls12(*first));
        }
    }
    if let Some(name) = &policy.server_name
        && unfit(name)
    {
        return Err(Cause::BadName { name: name.clone(), checked: false });
    }
    if let Verify::Chain { name, .. } = &policy.verify {
        if policy.anchors.is_none() {
            return Err(Cause::NoAnchors);
        }
        // OpenSSL takes an empty name for "check none" and a leading dot for "anything below": both would fail open.
        if let Some(ServerName::Dns(name)) = name
            && (unfit(name) || dns(name).is_empty() || name.starts_with('.'))
        {
            return Err(Cause::BadName { name: name.clone(), checked: true });
        }
    }
    Ok(())
}

fn unfit(name: &str) -> bool {
    dns(name).len() > LONGEST_NAME || name.contains('\0')
}

/// A name without the final dot, which neither certificates nor SNI have.
pub(crate) fn dns(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// The name to send as SNI, if it is one that may be sent.
pub(crate) fn server_name(policy: &Policy) -> Option<&str> {
    let name = dns(policy.server_name.as_deref()?);
    (!name.is_empty() && name.parse::<IpAddr>().is_err()).then_some(name)
}

/// Checks that the OpenSSL in use can do what the module does: SSL 3.0 and all six suites.
///
/// # Errors
/// A sentence that says what is missing.
pub fn self_check() -> Result<(), String> {
    static CHECKED: OnceLock<Result<(), String>> = OnceLock::new();
    CHECKED.get_or_init(check).clone()
}

fn check() -> Result<(), String> {
    ffi::init().map_err(|error| error.to_string())?;
    for (suite, _, name) in SUITES {
        let version = if suite.needs_tls12() { SslVersion::TLS1_2 } else { SslVersion::SSL3 };
        let hello = hello(version, name).map_err(|error| format!("OpenSSL lacks {suite}: {error}"))?;
        // Record header (5), handshake header (4), then the version. A library without SSL 3.0 accepts it as a setting
        // and then offers nothing, so only what it really sends counts.
        let minor = if version == SslVersion::SSL3 { 0 } else { 3 };
        if hello.get(9..11) != Some(&[3, minor]) {
            return Err(format!("OpenSSL does not offer {suite} with version 3.{minor}"));
        }
    }
    Ok(())
}

/// The first bytes that a client with just this version and suite sends.
fn hello(version: SslVersion, suite: &str) -> Result<Vec<u8>, ErrorStack> {
    let mut b = SslContextBuilder::new(SslMethod::tls_client())?;
    b.set_security_level(0);
    b.set_min_proto_version(Some(version))?;
    b.set_max_proto_version(Some(version))?;
    b.set_cipher_list(&format!("{suite}:@SECLEVEL=0"))?;
    let mut stream = SslStream::new(Ssl::new(&b.build())?, Sink(Vec::new()))?;
    // It cannot succeed, as nobody answers; what was written before is the result.
    let _ = stream.connect();
    Ok(std::mem::take(&mut stream.get_mut().0))
}

/// Keeps what is written and never has anything to read.
struct Sink(Vec<u8>);

impl Read for Sink {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
