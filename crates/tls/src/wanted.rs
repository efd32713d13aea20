//! What a server says that it wants: the authorities in its CertificateRequest.

use openssl::x509::X509Name;

use crate::report;

/// How many authorities are kept; some servers list hundreds.
const KEPT: usize = 8;
/// The extension `certificate_authorities` (RFC 8446 4.2.4).
const CERTIFICATE_AUTHORITIES: [u8; 2] = [0, 47];

/// Takes `count` bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(front)
}

/// Takes a vector with a length of one byte off the front.
fn short<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(bytes, 1)?;
    take(bytes, usize::from(*length.first()?))
}

/// Takes a vector with a length of two bytes off the front.
fn long<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(bytes, 2)?.try_into().ok()?;
    take(bytes, usize::from(u16::from_be_bytes(length)))
}

/// The authorities in the body of a CertificateRequest (without its header); `tls12`: the version is TLS 1.2, where the
/// signature algorithms stand before them. What does not fit the format, or names nobody, gives none.
pub(crate) fn authorities(body: &[u8], tls12: bool) -> Vec<String> {
    let list = list(body, tls12).unwrap_or_default();
    let mut rest = list;
    let mut found = Vec::new();
    while found.len() < KEPT
        && let Some(name) = long(&mut rest)
    {
        if let Ok(name) = X509Name::from_der(name) {
            found.push(report::name(&name));
        }
    }
    found
}

fn list(mut body: &[u8], tls12: bool) -> Option<&[u8]> {
    // In TLS 1.3 a context stands first, which is empty during the handshake; before, the types of certificates, at least one.
    if !short(&mut body)?.is_empty() {
        if tls12 {
            long(&mut body)?;
        }
        return long(&mut body);
    }
    let mut extensions = long(&mut body)?;
    loop {
        let kind = take(&mut extensions, 2)?;
        let mut content = long(&mut extensions)?;
        if kind == CERTIFICATE_AUTHORITIES {
            return long(&mut content);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{Request, Usage};

    #[test]
    fn all_three_forms_are_read_and_nothing_else_panics() {
        let ca = Request { bits: 1024, ..Request::new("Wanted CA", Usage::Ca) }.self_signed().unwrap();
        let certificate = openssl::x509::X509::from_pem(&ca.certificate_pem().unwrap()).unwrap();
        let name = certificate.subject_name().to_der().unwrap();
        let sized = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
        let list = sized(&sized(&name));
        let old = [&[1, 1][..], &list].concat();
        let tls12 = [&[1, 1][..], &sized(&[4, 1]), &list].concat();
        let tls13 =
            [&[0][..], &sized(&[&[0, 13][..], &sized(&[4, 1]), &[0, 47], &sized(&list)].concat())].concat();
        for (body, is_tls12) in [(old, false), (tls12, true), (tls13, true)] {
            let found = authorities(&body, is_tls12);
            assert!(found.len() == 1 && found[0].contains("CN=Wanted CA"), "{found:?}");
            for cut in 0..body.len() {
                assert!(authorities(&body[..cut], is_tls12).len() <= 1);
            }
        }
    }
}
