//! User data: headers and text (TS 23.040 9.2.3.24).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::DATA_LIMIT;
use crate::alphabet::{decode_septets, encode_septets, pack, unpack};
use crate::coding::{Alphabet, Coding};
use crate::error::PduError;
use crate::reader::Reader;

/// The most septets in one message.
const SEPTET_LIMIT: usize = DATA_LIMIT * 8 / 7;
/// The headers of a part of a longer text: their length, then element 0 (8-bit reference).
const PART_HEADER: usize = 6;
/// The most septets behind them.
const PART_SEPTETS: usize = SEPTET_LIMIT - 7;
/// TP-DCS of the two alphabets.
const GSM: u8 = 0;
const UCS2: u8 = 8;
/// The most parts of a longer text.
const PARTS_LIMIT: usize = 255;

/// Why a text does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Too many characters.
    TooLong,
    /// A character that the alphabet lacks.
    BadCharacter,
}

impl core::error::Error for TextError {}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the text is too long for a short message",
            Self::BadCharacter => "the text has characters that its alphabet lacks",
        })
    }
}

/// What a message carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserData {
    /// Septets or octets, as TP-UDL counts, headers included.
    pub length: u8,
    /// The octets, headers included.
    pub octets: Vec<u8>,
}

/// A text cut into messages.
pub struct Parts {
    /// TP-DCS of all of them.
    pub scheme: u8,
    /// Whether each begins with a header.
    pub headers: bool,
    /// Their contents, in order.
    pub data: Vec<UserData>,
}

impl UserData {
    /// Septets, one a byte, behind headers of whole octets (their length octet included; empty: none).
    ///
    /// # Errors
    /// [`TextError::TooLong`].
    pub fn from_septets(header: &[u8], septets: &[u8]) -> Result<Self, TextError> {
        let fill = fill_bits(header.len());
        let total = (header.len() * 8 + fill) / 7 + septets.len();
        if total > SEPTET_LIMIT {
            return Err(TextError::TooLong);
        }
        let mut octets = header.to_vec();
        octets.extend(pack(septets, fill));
        Ok(Self { length: u8::try_from(total).unwrap_or(u8::MAX), octets })
    }

    /// Octets, headers included.
    ///
    /// # Errors
    /// [`TextError::TooLong`].
    pub fn from_octets(octets: Vec<u8>) -> Result<Self, TextError> {
        let length = u8::try_from(octets.len()).ok().filter(|&length| usize::from(length) <= DATA_LIMIT);
        Ok(Self { length: length.ok_or(TextError::TooLong)?, octets })
    }

    /// Cuts a text into as few messages as it takes: in the GSM alphabet if that has all its characters, else in UCS2.
    /// `reference` marks the parts as belonging together.
    ///
    /// # Errors
    /// [`TextError::TooLong`] for more than 255 parts.
    pub fn from_text(text: &str, reference: u8) -> Result<Parts, TextError> {
        let septets = encode_septets(text);
        let ucs2 = if septets.is_none() { to_ucs2(text) } else { Vec::new() };
        let (scheme, pieces) = match &septets {
            Some(septets) => {
                (GSM, split(septets, |before| before.ends_with(&[0x1B]), SEPTET_LIMIT, PART_SEPTETS))
            }
            None => (UCS2, split(&ucs2, inside_character, DATA_LIMIT, DATA_LIMIT - PART_HEADER)),
        };
        let count = pieces.len();
        if count > PARTS_LIMIT {
            return Err(TextError::TooLong);
        }
        let headers = count > 1;
        let mut data = Vec::with_capacity(count);
        for (index, piece) in pieces.iter().enumerate() {
            let number = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
            let header = [5, 0, 3, reference, number(count), number(index + 1)];
            let header = if headers { &header[..PART_HEADER] } else { &[] };
            data.push(match scheme {
                GSM => Self::from_septets(header, piece)?,
                _ => Self::from_octets([header, piece].concat())?,
            });
        }
        Ok(Parts { scheme, headers, data })
    }

    pub(crate) fn read(reader: &mut Reader<'_>, scheme: u8, headers: bool) -> Result<Self, PduError> {
        let length = reader.byte()?;
        let count = usize::from(length);
        let octets = match Coding::of(scheme).alphabet {
            Alphabet::Gsm => (count * 7).div_ceil(8),
            Alphabet::Octets | Alphabet::Ucs2 => count,
        };
        if octets > DATA_LIMIT {
            return Err(PduError::Long);
        }
        let octets = reader.take(octets)?.to_vec();
        // A header that reaches behind the data.
        if headers && octets.first().is_none_or(|length| usize::from(*length) >= octets.len()) {
            return Err(PduError::Header);
        }
        Ok(Self { length, octets })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.length);
        out.extend_from_slice(&self.octets);
    }

    /// How many octets the headers take, their length octet included.
    fn header_length(&self, headers: bool) -> usize {
        let length = self.octets.first().filter(|_| headers).map_or(0, |length| usize::from(*length) + 1);
        length.min(self.octets.len())
    }

    /// The septets behind the headers, one a byte; for the GSM alphabet.
    #[must_use]
    pub fn septets(&self, headers: bool) -> Vec<u8> {
        let header = self.header_length(headers);
        let fill = fill_bits(header);
        let count = usize::from(self.length).saturating_sub((header * 8 + fill) / 7);
        unpack(&self.octets[header..], count, fill)
    }

    /// The octets behind the headers.
    #[must_use]
    pub fn body(&self, headers: bool) -> &[u8] {
        &self.octets[self.header_length(headers)..]
    }

    /// The text, as far as it is one: `None` for octets without an alphabet.
    #[must_use]
    pub fn text(&self, scheme: u8, headers: bool) -> Option<String> {
        match Coding::of(scheme).alphabet {
            Alphabet::Gsm => Some(decode_septets(&self.septets(headers))),
            Alphabet::Octets => None,
            Alphabet::Ucs2 => Some(from_ucs2(self.body(headers))),
        }
    }
}

/// Bits that align septets behind a header.
fn fill_bits(header: usize) -> usize {
    (7 - header * 8 % 7) % 7
}

/// All of it, or pieces of at most `part`, never cut where `joined` says of what stands before that the next belongs to it.
fn split(units: &[u8], joined: impl Fn(&[u8]) -> bool, whole: usize, part: usize) -> Vec<&[u8]> {
    if units.len() <= whole {
        return alloc::vec![units];
    }
    let mut pieces = Vec::new();
    let mut rest = units;
    while rest.len() > part {
        let at = (1..=part).rev().find(|&at| !joined(&rest[..at])).unwrap_or(part);
        let (piece, others) = rest.split_at(at);
        pieces.push(piece);
        rest = others;
    }
    pieces.push(rest);
    pieces
}

/// Whether these octets of UCS2 end inside a unit or behind the first unit of a pair.
fn inside_character(before: &[u8]) -> bool {
    before.len() % 2 == 1 || before.len().checked_sub(2).is_some_and(|at| before[at] & 0xFC == 0xD8)
}

/// A text in UCS2 (UTF-16: characters over U+FFFF take two units), the higher octet first.
#[must_use]
pub fn to_ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The text of UCS2 octets; a half unit at the end is left out, and half a pair is U+FFFD.
#[must_use]
pub fn from_ucs2(octets: &[u8]) -> String {
    let (pairs, _) = octets.as_chunks::<2>();
    char::decode_utf16(pairs.iter().map(|pair| u16::from_be_bytes(*pair)))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
