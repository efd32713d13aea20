//! Texts between the module and its host (AT+CSCS), in messages and in numbers.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use pdu::{
    Address, Alphabet, Coding, UserData, decode_septets, encode_septets, from_hex, from_ucs2, to_hex, to_ucs2,
};

use crate::families::identity::CharacterSet;

/// How a character is shown that the host's set lacks.
const LACKING: u8 = b'?';

/// A text as the host sees it.
pub(super) fn to_host(set: CharacterSet, text: &str) -> Vec<u8> {
    match set {
        CharacterSet::Gsm => text
            .chars()
            .flat_map(|character| {
                encode_septets(character.encode_utf8(&mut [0; 4])).unwrap_or_else(|| alloc::vec![LACKING])
            })
            .collect(),
        CharacterSet::Ira => {
            text.chars().map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(LACKING)).collect()
        }
        CharacterSet::Ucs2 => to_hex(&to_ucs2(text)).into_bytes(),
    }
}

/// A text from the host; `None` if it is none in its set.
fn from_host(set: CharacterSet, bytes: &[u8]) -> Option<String> {
    match set {
        CharacterSet::Gsm => bytes.iter().all(u8::is_ascii).then(|| decode_septets(bytes)),
        CharacterSet::Ira => {
            core::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).map(|text| text.to_string())
        }
        CharacterSet::Ucs2 => from_hex(bytes).filter(|octets| octets.len() % 2 == 0).map(|o| from_ucs2(&o)),
    }
}

/// A number in quotes' content.
pub(super) fn number_to_host(set: CharacterSet, address: &Address) -> String {
    // Digits are digits in every set but UCS2; a name may have anything.
    String::from_utf8_lossy(&to_host(set, &address.to_string())).into_owned()
}

/// A number from the host: in its set, or in plain digits, which need no set.
pub(super) fn number_from_host(set: CharacterSet, text: &str) -> String {
    let plain = |text: &String| text.bytes().all(|b| b.is_ascii_digit() || b"+*#".contains(&b));
    match set {
        CharacterSet::Ucs2 if !text.is_empty() => {
            from_host(set, text.as_bytes()).filter(plain).unwrap_or_else(|| text.to_string())
        }
        _ => text.to_string(),
    }
}

/// A message's content as text mode shows it: text in the host's set, or hexadecimal digits where it is no text or has
/// headers (TS 27.005 3.1, `<data>`).
pub(super) fn data_to_host(set: CharacterSet, scheme: u8, headers: bool, data: &UserData) -> Vec<u8> {
    match (Coding::of(scheme).alphabet, set) {
        // Escapes that no table has stay what they are.
        (Alphabet::Gsm, CharacterSet::Gsm) if !headers => data.septets(false),
        (Alphabet::Gsm, _) if !headers => to_host(set, &decode_septets(&data.septets(false))),
        _ => to_hex(&data.octets).into_bytes(),
    }
}

/// How many characters (of octets: how many octets) that is: `<length>` in text mode.
pub(super) fn data_length(scheme: u8, headers: bool, data: &UserData) -> usize {
    match Coding::of(scheme).alphabet {
        Alphabet::Gsm if !headers => data.septets(false).len(),
        _ => data.octets.len(),
    }
}

/// The way back; why it is no such content.
pub(super) fn data_from_host(
    set: CharacterSet,
    scheme: u8,
    headers: bool,
    bytes: &[u8],
) -> Result<UserData, &'static str> {
    const TOO_LONG: &str = "the text is too long for a short message";
    let alphabet = Coding::of(scheme).alphabet;
    if alphabet == Alphabet::Gsm && !headers {
        let septets = if set == CharacterSet::Gsm {
            bytes.iter().all(u8::is_ascii).then(|| bytes.to_vec())
        } else {
            from_host(set, bytes).and_then(|text| encode_septets(&text))
        };
        let septets =
            septets.ok_or("the text has characters that AT+CSCS or the GSM alphabet lacks; AT+CSMP can choose UCS2")?;
        return UserData::from_septets(&[], &septets).map_err(|_| TOO_LONG);
    }
    let octets = from_hex(bytes).ok_or("with this data coding scheme or headers (AT+CSMP) the content is hexadecimal digits")?;
    if headers && octets.first().is_none_or(|length| usize::from(*length) >= octets.len()) {
        return Err("the headers are longer than the content");
    }
    let count = octets.len();
    let mut data = UserData::from_octets(octets).map_err(|_| TOO_LONG)?;
    if alphabet == Alphabet::Gsm {
        data.length = u8::try_from(count * 8 / 7).unwrap_or(u8::MAX);
    }
    Ok(data)
}
