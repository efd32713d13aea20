//! The GSM 7 bit default alphabet and its extension table (TS 23.038 6.2.1), and how septets are packed (6.1.2.1).

use alloc::string::String;
use alloc::vec::Vec;

const ESCAPE: u8 = 0x1B;
/// How a septet is shown that stands for nothing.
const UNKNOWN: char = '?';

/// The characters by septet; ESC (0x1B) has none.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// What follows ESC, by septet.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// The septets of a text, one a byte; a character of the extension table takes two. `None` if the alphabet lacks one.
#[must_use]
pub fn encode_septets(text: &str) -> Option<Vec<u8>> {
    let mut septets = Vec::with_capacity(text.len());
    for character in text.chars() {
        if character != '\u{1B}'
            && let Some(at) = DEFAULT.iter().position(|&known| known == character)
        {
            septets.push(u8::try_from(at).ok()?);
        } else {
            let (septet, _) = EXTENSION.iter().find(|(_, known)| *known == character)?;
            septets.extend_from_slice(&[ESCAPE, *septet]);
        }
    }
    Some(septets)
}

/// The text of septets, one a byte. An ESC before a septet that the extension table lacks is a blank and then that
/// septet's ordinary character (as TS 23.038 asks for); what is over seven bits is `?`.
#[must_use]
pub fn decode_septets(septets: &[u8]) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut escaped = false;
    for &septet in septets {
        if escaped {
            escaped = false;
            if let Some((_, character)) = EXTENSION.iter().find(|(known, _)| *known == septet) {
                text.push(*character);
                continue;
            }
            text.push(' ');
        }
        if septet == ESCAPE {
            escaped = true;
        } else {
            text.push(DEFAULT.get(usize::from(septet)).copied().unwrap_or(UNKNOWN));
        }
    }
    text
}

/// Packs septets into bytes, the first one's lowest bit into bit `skip` of the first byte.
#[must_use]
pub fn pack(septets: &[u8], skip: usize) -> Vec<u8> {
    let mut bytes = alloc::vec![0u8; (skip + septets.len() * 7).div_ceil(8)];
    for (index, septet) in septets.iter().enumerate() {
        let bit = skip + index * 7;
        let wide = u16::from(septet & 0x7F) << (bit % 8);
        let [low, high] = wide.to_le_bytes();
        bytes[bit / 8] |= low;
        if high != 0 {
            bytes[bit / 8 + 1] |= high;
        }
    }
    bytes
}

/// Takes up to `count` septets out of bytes, beginning at bit `skip`; fewer when the bytes end before.
#[must_use]
pub fn unpack(bytes: &[u8], count: usize, skip: usize) -> Vec<u8> {
    let room = (bytes.len() * 8).saturating_sub(skip) / 7;
    (0..count.min(room))
        .map(|index| {
            let bit = skip + index * 7;
            let low = bytes.get(bit / 8).copied().unwrap_or(0);
            let high = bytes.get(bit / 8 + 1).copied().unwrap_or(0);
            let [septet, _] = (u16::from_le_bytes([low, high]) >> (bit % 8)).to_le_bytes();
            septet & 0x7F
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The well-known worked example: "hellohello" packs into these nine bytes.
    #[test]
    fn septets_are_packed_as_in_the_books() {
        let septets = encode_septets("hellohello").unwrap();
        let packed = [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37];
        assert_eq!(pack(&septets, 0), packed);
        assert_eq!(unpack(&packed, 10, 0), septets);
    }

    #[test]
    fn the_extension_table_takes_two_septets() {
        let septets = encode_septets("5 €|{}").unwrap();
        assert_eq!(septets, [0x35, 0x20, 0x1B, 0x65, 0x1B, 0x40, 0x1B, 0x28, 0x1B, 0x29]);
        assert_eq!(decode_septets(&septets), "5 €|{}");
    }

    #[test]
    fn what_the_alphabet_lacks_is_not_encoded() {
        for text in ["你好", "ê", "`", "\u{1B}", "\t"] {
            assert_eq!(encode_septets(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_unknown_escape_is_a_blank_and_the_plain_character() {
        assert_eq!(decode_septets(&[0x1B, 0x41, 0x80, 0x1B]), " A?");
    }
}
