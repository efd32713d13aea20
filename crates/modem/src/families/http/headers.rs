//! Header lines that the host adds: USER_DEFINED, USERDATA.

use alloc::string::String;
use alloc::vec::Vec;

/// What separates headers in USERDATA: these four characters, not CR and LF themselves.
const SEPARATOR: &str = "\\r\\n";

/// One header line as it leaves, without its end.
///
/// # Errors
/// A sentence that says what is wrong, without the header.
pub(super) fn one(typed: &str) -> Result<String, &'static str> {
    if typed.contains(SEPARATOR) {
        return Err("one header has no \\r\\n in it; USERDATA takes several");
    }
    let line = typed.replace("\\22", "\"");
    let (name, value) = line.split_once(':').ok_or("a header is written <name>: <value>")?;
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err("the header's name has characters that it cannot have");
    }
    check_value(value)?;
    Ok(line)
}

/// The header lines of a USERDATA.
///
/// # Errors
/// As [`one`].
pub(super) fn several(typed: &str) -> Result<Vec<String>, &'static str> {
    let mut typed = typed;
    while let Some(shorter) = typed.strip_suffix(SEPARATOR) {
        typed = shorter;
    }
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    typed.split(SEPARATOR).map(one).collect()
}

/// Refuses what cannot stand in a header's value.
///
/// # Errors
/// A sentence.
pub(super) fn check_value(value: &str) -> Result<(), &'static str> {
    if value.chars().any(char::is_control) { Err("a header cannot have control characters in it") } else { Ok(()) }
}

/// A header line's name.
pub(super) fn name(line: &str) -> &str {
    line.split(':').next().unwrap_or_default()
}

/// Whether a header that the host has added may go to another server than the one that it was meant for: not what may
/// tell who the host is, and so nothing that is not known to be harmless.
pub(super) fn travels(line: &str) -> bool {
    let name = name(line).to_ascii_lowercase();
    name.starts_with("accept") || name.starts_with("content-") || matches!(name.as_str(), "user-agent" | "range")
}

/// Whether a header is for the proxy and nobody behind it.
pub(super) fn is_for_proxy(line: &str) -> bool {
    name(line).eq_ignore_ascii_case("Proxy-Authorization")
}

/// Whether a header says how long the body is. That is the module's business: two opinions about it would be a hole.
pub(super) fn frames(line: &str) -> bool {
    let name = name(line);
    name.eq_ignore_ascii_case("Content-Length") || name.eq_ignore_ascii_case("Transfer-Encoding")
}

/// RFC 9110 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_quotes_are_spelled_out() {
        let typed = r"ETag: W/\22x\22\r\nX-A:1\r\n";
        assert_eq!(several(typed), Ok(alloc::vec!["ETag: W/\"x\"".into(), "X-A:1".into()]));
        assert_eq!(one(r"Path: C:\new\readme"), Ok(r"Path: C:\new\readme".into()));
        assert_eq!(several(""), Ok(Vec::new()));
    }

    #[test]
    fn nothing_ends_a_header_early() {
        for typed in ["A: b\r\nC: d", "A: b\nC: d", "A: b\0", r"A: b\r\nC: d", "A", ": b", "A b: c", "A : b", "\u{e4}: b"] {
            assert!(one(typed).is_err(), "{typed:?}");
        }
        for typed in [r"A: b\r\n\r\nGET / HTTP/1.1", "A: b\r\nC: d", r"A: b\r\nC", r"\r\nA: b"] {
            assert!(several(typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn what_travels() {
        let travels: Vec<bool> =
            ["Authorization: x", "accept: x", "Cookie: x", "Content-Type: x", "X-Key: x", "Host: x"].map(travels).into();
        assert_eq!(travels, [false, true, false, true, false, false]);
    }
}
