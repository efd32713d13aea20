//! What a head says about the body's length, and about what comes behind it.

use alloc::string::String;
use alloc::vec::Vec;

use super::Broken;

/// How a body is encoded for its way.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Coding {
    None,
    Chunked,
    /// Something else that is not decoded.
    Other,
}

/// What a head says about the body's length, and about what comes behind it.
pub(super) struct Framing {
    pub(super) length: Option<u64>,
    pub(super) coding: Coding,
    /// Connection: `close` (true), `keep-alive` (false), or neither.
    pub(super) close: Option<bool>,
    pub(super) location: Option<Vec<u8>>,
}

impl Framing {
    pub(super) fn read(lines: &[httparse::Header<'_>]) -> Result<Self, Broken> {
        let mut framing = Self { length: None, coding: Coding::None, close: None, location: None };
        let mut locations = 0;
        for line in lines {
            let is = |name: &str| line.name.eq_ignore_ascii_case(name);
            if is("Content-Length") {
                let values = list(line.value)?;
                if values.is_empty() {
                    return Err(Broken::NotHttp("its Content-Length is not a number"));
                }
                for value in values {
                    let length = decimal(value).ok_or(Broken::NotHttp("its Content-Length is not a number"))?;
                    if framing.length.is_some_and(|other| other != length) {
                        return Err(Broken::NotHttp("it has two lengths that differ"));
                    }
                    framing.length = Some(length);
                }
            } else if is("Transfer-Encoding") {
                for value in list(line.value)? {
                    framing.coding = match framing.coding {
                        Coding::Chunked => return Err(Broken::NotHttp("something is encoded around its chunks")),
                        _ if value.eq_ignore_ascii_case("chunked") => Coding::Chunked,
                        _ => Coding::Other,
                    };
                }
            } else if is("Connection") {
                for value in list(line.value)? {
                    if value.eq_ignore_ascii_case("close") {
                        framing.close = Some(true);
                    } else if value.eq_ignore_ascii_case("keep-alive") && framing.close.is_none() {
                        framing.close = Some(false);
                    }
                }
            } else if is("Location") {
                locations += u8::from(framing.location.as_deref() != Some(line.value));
                framing.location = Some(line.value.into());
            }
        }
        // Two that differ lead nowhere.
        framing.location = framing.location.filter(|_| locations == 1);
        Ok(framing)
    }
}

/// The elements of a comma-separated value, lower-case words and numbers only.
fn list(value: &[u8]) -> Result<Vec<String>, Broken> {
    let text = core::str::from_utf8(value).ok().filter(|text| !text.contains(['\r', '\n']));
    let text = text.ok_or(Broken::NotHttp("a header that says where the reply ends is malformed"))?;
    Ok(text.split(',').map(|part| part.trim_matches([' ', '\t'])).filter(|part| !part.is_empty()).map(String::from).collect())
}

fn decimal(text: impl AsRef<str>) -> Option<u64> {
    let text = text.as_ref();
    (text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
