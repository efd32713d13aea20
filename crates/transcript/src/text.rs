//! Bytes as text: the escapes of the format.

/// Bytes as they are written in a transcript: printable ASCII as it is, everything else escaped, a blank at the end
/// too (editors like to remove it). [`unescape`] is the inverse.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for (index, &byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b' ' if index + 1 == bytes.len() => text.push_str("\\x20"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                text.push_str("\\x");
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    text
}

/// The bytes that `text` stands for. Escapes: `\r` `\n` `\t` `\0` `\\` `\"` `\xHH`; other characters stand for their
/// UTF-8 bytes.
///
/// # Errors
///
/// The index of the faulty escape in `text` (in bytes) and what is wrong with it.
pub fn unescape(text: &str) -> Result<Vec<u8>, (usize, String)> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(index) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..index]);
        let (byte, length) =
            escaped(&rest[index..]).map_err(|what| (text.len() - rest.len() + index, what))?;
        bytes.push(byte);
        rest = &rest[index + length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// The byte that the escape at the start of `text` stands for, and the escape's length.
pub(crate) fn escaped(text: &str) -> Result<(u8, usize), String> {
    let simple = match text.as_bytes().get(1) {
        Some(b'r') => b'\r',
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'0') => 0,
        Some(b'\\') => b'\\',
        Some(b'"') => b'"',
        Some(b'x') => {
            // `from_str_radix` alone would take a sign.
            let digits = text.get(2..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
            return digits
                .and_then(|d| u8::from_str_radix(d, 16).ok())
                .map(|byte| (byte, 4))
                .ok_or_else(|| String::from("\\x needs two hexadecimal digits"));
        }
        _ => return Err(String::from("unknown escape; there are \\r \\n \\t \\0 \\\\ \\\" \\xHH")),
    };
    Ok((simple, 2))
}

/// For reports: escaped, and cut in the middle when it is very long.
pub(crate) fn abridged(bytes: &[u8], limit: usize) -> String {
    if bytes.len() <= limit {
        return escape(bytes);
    }
    let half = limit / 2;
    let cut = bytes.len() - 2 * half;
    format!("{} [… {cut} bytes …] {}", escape(&bytes[..half]), escape(&bytes[bytes.len() - half..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_read() {
        assert_eq!(unescape(r#"a\r\n\t\0\\\"\x1A"#).unwrap(), b"a\r\n\t\0\\\"\x1a");
        assert_eq!(unescape(r"ab\q").unwrap_err().0, 2);
        assert!(unescape(r"\x+1").is_err());
        assert!(unescape(r"\x4").is_err());
        assert!(unescape("\\").is_err());
        assert!(unescape("\\x4é").is_err());
    }

    #[test]
    fn blanks_at_the_end_are_shown() {
        assert_eq!(escape(b"\r\n> "), r"\r\n>\x20");
    }

    proptest! {
        #[test]
        fn unescape_reverses_escape(bytes: Vec<u8>) {
            prop_assert_eq!(unescape(&escape(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn any_text_is_taken_or_refused(text: String) {
            let _ = unescape(&text);
        }
    }
}
