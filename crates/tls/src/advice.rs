//! What to do about a failure: one sentence for each that somebody can do something about.

use crate::failure::{Cause, Failure, Stage};

/// The server wants a client certificate and none was presented.
pub(crate) const PRESENT: &str = "it takes all of seclevel 2, clientcert and clientkey";

/// The server did not like the client certificate.
pub(crate) const ACCEPTABLE: &str =
    "the certificate has to be issued by a CA that the server trusts, be valid now and fit its key";

/// OpenSSL's numbers of what can be wrong with a certificate.
mod verify {
    pub(super) const DATES: [i32; 2] = [9, 10];
    pub(super) const NAMES: [i32; 3] = [62, 63, 64];
    pub(super) const UNKNOWN: [i32; 5] = [2, 18, 19, 20, 21];
}

/// Whether this is how servers begin to speak that expect STARTTLS: SMTP and FTP (220), IMAP (* OK), POP3 (+OK).
pub(crate) fn greets(first: &[u8]) -> bool {
    matches!(
        first,
        [b'2', b'2', b'0', b' ' | b'-', ..] | [b'*', b' ', b'O', b'K', ..] | [b'+', b'O', b'K', ..]
    )
}

/// What to do, where something can be said.
pub(crate) fn of(failure: &Failure) -> Option<&'static str> {
    if failure.lacks_client_certificate() {
        return Some(PRESENT);
    }
    if failure.client_certificate_refused() {
        return Some(ACCEPTABLE);
    }
    Some(match &failure.cause {
        Cause::VersionsReversed | Cause::NoSuites | Cause::UnknownSuite(_) | Cause::Refused(_) => {
            return None;
        }
        Cause::SuiteNeedsTls12(_) => "set sslversion to 3 or 4, or another ciphersuite",
        Cause::BadName { .. } => "set another hostname",
        Cause::NoAnchors => "write the CA's certificate to a file and set cacert to it, or set seclevel to 0",
        Cause::Unusable { .. } => "write the file again",
        Cause::KeyMismatch => "set clientcert and clientkey to files that were made together",
        Cause::PremasterVersion { .. } => {
            "begin premaster with this version, or give only the 92 digits behind it"
        }
        Cause::CertificateRejected => return rejected(failure),
        Cause::AlertReceived(alert) => match (failure.stage, alert.number) {
            (Stage::Hello, 112) => "set hostname to one that the server serves",
            (Stage::Hello, 40 | 70 | 71) => return Some(wanted(failure)),
            _ => return None,
        },
        Cause::NotTls { first } if greets(first) => {
            "this port expects STARTTLS (SMTP, IMAP, POP3), which the module does not have, or AUTH TLS (FTP: FTPSSL 2), \
             or is the plain port: use the port where TLS begins at once"
        }
        Cause::NotTls { .. } => {
            "is it a plain port? Connect without TLS (CIPSSL 0, MIPSTART, http://, FTPSSL 0), or use the server's TLS port"
        }
        Cause::Echo => {
            "is it a plain echo? Connect without TLS (CIPSSL 0, MIPSTART, http://, FTPSSL 0), or use the server's TLS port"
        }
        Cause::WrongVersion { .. } => "set sslversion to the version that the server answers with, or to 4",
        Cause::Closed { after_data: false } => "it is not a TLS port, or it accepts nothing of that",
        Cause::Timeout { silent: true, .. } => {
            "is it a TLS port? A server that waits to be spoken to in plain says nothing"
        }
        Cause::Timeout { silent: false, .. } => "set negotiatetimeout higher, if the server is slow",
        Cause::Closed { after_data: true } | Cause::Broken(_) | Cause::Protocol(_) => return None,
    })
}

/// The server wants something that was not offered.
fn wanted(failure: &Failure) -> &'static str {
    if failure.modern {
        "the server wants something else"
    } else {
        "the server wants something else, such as TLS 1.3 or forward-secret suites, which the module does not have \
         (with sslversion 4 and ciphersuite 0XFFFF, `--tls modern` offers them)"
    }
}

fn rejected(failure: &Failure) -> Option<&'static str> {
    let code = failure.verify.as_ref()?.code;
    Some(if verify::DATES.contains(&code) {
        "is the module's clock right (AT+CCLK?)? Get a certificate that is valid, or set ignorelocaltime to 1"
    } else if verify::NAMES.contains(&code) {
        "set hostname to a name that the certificate bears, or get a certificate for this one"
    } else if verify::UNKNOWN.contains(&code) {
        "set cacert to the certificate of the CA that signed it (verifymode 1 also takes an intermediate, or the \
         server's own certificate)"
    } else {
        "the server needs another certificate"
    })
}
