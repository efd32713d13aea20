//! Addresses: numbers and names of up to ten octets (TS 23.040 9.1.2.5).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::alphabet::{decode_septets, encode_septets, pack, unpack};
use crate::error::PduError;
use crate::reader::Reader;

/// The digits of an address, by semi-octet; the last but one is never used, the last one fills up.
const DIGITS: &[u8; 15] = b"0123456789*#ABC";
const FILLER: u8 = 15;
/// The most digits of a TP address, and the most octets of digits.
const DIGIT_LIMIT: usize = 20;
const OCTET_LIMIT: usize = 10;
/// Type of number, in the type octet.
const NUMBER_TYPE: u8 = 0x70;
const INTERNATIONAL: u8 = 0x10;
const ALPHANUMERIC: u8 = 0x50;

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Nothing there.
    Empty,
    /// More than 20 digits, or a name of more than 11 characters.
    TooLong,
    /// A character that no address has.
    BadCharacter,
}

impl core::error::Error for AddressError {}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a number is missing",
            Self::TooLong => "a number has at most 20 digits, a name 11 characters",
            Self::BadCharacter => "a number has digits, *, #, and perhaps + in front",
        })
    }
}

/// The number or name of a sender or receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The type octet: 145 international, 129 unknown, 208 alphanumeric.
    pub kind: u8,
    /// Digits without `+`, or the name.
    pub text: String,
}

impl Address {
    /// The type of an international number.
    pub const INTERNATIONAL: u8 = 145;
    /// The type of a number about which nothing is known.
    pub const UNKNOWN: u8 = 129;
    /// The type of a name.
    pub const ALPHANUMERIC: u8 = 208;

    /// A number as dialled: digits, `*`, `#`, `A` to `C`, perhaps behind `+`, which makes it international.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn dialled(number: &str) -> Result<Self, AddressError> {
        let (kind, digits) = match number.strip_prefix('+') {
            Some(digits) => (Self::INTERNATIONAL, digits),
            None => (Self::UNKNOWN, number),
        };
        Self::typed(digits, kind)
    }

    /// Digits with a type octet of their own.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn typed(digits: &str, kind: u8) -> Result<Self, AddressError> {
        let text = digits.to_ascii_uppercase();
        match text.len() {
            0 => Err(AddressError::Empty),
            _ if text.bytes().any(|b| !DIGITS.contains(&b)) => Err(AddressError::BadCharacter),
            length if length > DIGIT_LIMIT => Err(AddressError::TooLong),
            _ if kind & NUMBER_TYPE == ALPHANUMERIC => Err(AddressError::BadCharacter),
            _ => Ok(Self { kind: kind | 0x80, text }),
        }
    }

    /// A name, such as that of a bank.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn name(name: &str) -> Result<Self, AddressError> {
        let septets = encode_septets(name).ok_or(AddressError::BadCharacter)?;
        match septets.len() {
            0 => Err(AddressError::Empty),
            length if length * 7 > OCTET_LIMIT * 8 => Err(AddressError::TooLong),
            _ => Ok(Self { kind: Self::ALPHANUMERIC, text: name.into() }),
        }
    }

    /// A number as dialled, or else a name.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let number = text.bytes().all(|b| b.is_ascii_digit() || b"+*#".contains(&b));
        if number { Self::dialled(text) } else { Self::name(text) }
    }

    /// Whether it begins with a country code.
    #[must_use]
    pub fn is_international(&self) -> bool {
        self.kind & NUMBER_TYPE == INTERNATIONAL
    }

    fn is_name(&self) -> bool {
        self.kind & NUMBER_TYPE == ALPHANUMERIC
    }

    /// As in a TPDU: digits (of a name: semi-octets), type, value.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let (length, value) = if self.is_name() {
            let septets = encode_septets(&self.text).unwrap_or_default();
            ((septets.len() * 7).div_ceil(4), pack(&septets, 0))
        } else {
            (self.text.len(), semi_octets(&self.text))
        };
        out.push(u8::try_from(length).unwrap_or(u8::MAX));
        out.push(self.kind);
        out.extend_from_slice(&value);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, PduError> {
        let length = usize::from(reader.byte()?);
        let kind = reader.byte()?;
        if length > DIGIT_LIMIT {
            return Err(PduError::Address);
        }
        Ok(Self::value(kind, reader.take(length.div_ceil(2))?, length))
    }

    fn value(kind: u8, octets: &[u8], length: usize) -> Self {
        let text = if kind & NUMBER_TYPE == ALPHANUMERIC {
            decode_septets(&unpack(octets, length * 4 / 7, 0))
        } else {
            octets
                .iter()
                .flat_map(|octet| [octet & 15, octet >> 4])
                .take(length)
                .take_while(|&digit| digit != FILLER)
                .map(|digit| char::from(DIGITS[usize::from(digit)]))
                .collect()
        };
        Self { kind, text }
    }

    /// As a service centre's address in front of a TPDU: octets that follow, type, digits.
    #[must_use]
    pub fn center_bytes(&self) -> Vec<u8> {
        let digits = semi_octets(&self.text);
        let mut bytes = alloc::vec![u8::try_from(digits.len() + 1).unwrap_or(u8::MAX), self.kind];
        bytes.extend_from_slice(&digits);
        bytes
    }

    /// Reads such octets without their length.
    pub(crate) fn center(octets: &[u8]) -> Option<Self> {
        let (kind, digits) = octets.split_first()?;
        Some(Self::value(*kind, digits, digits.len() * 2)).filter(|address| !address.text.is_empty())
    }
}

fn semi_octets(digits: &str) -> Vec<u8> {
    let value = |digit: &u8| DIGITS.iter().position(|known| known == digit).map_or(FILLER, |at| at as u8);
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| pair.get(1).map_or(FILLER, value) << 4 | pair.first().map_or(FILLER, value))
        .collect()
}

/// As people write it: an international number with `+` in front.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_international() {
            f.write_str("+")?;
        }
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn bytes(address: &Address) -> Vec<u8> {
        let mut out = Vec::new();
        address.write(&mut out);
        out
    }

    #[test]
    fn numbers_and_names_are_written_as_in_the_standard() {
        for (text, octets) in [
            ("+8613800138000", &[13, 0x91, 0x68, 0x31, 0x08, 0x10, 0x83, 0x00, 0xF0][..]),
            ("10086", &[5, 0x81, 0x01, 0x80, 0xF6]),
            ("*100#", &[5, 0x81, 0x1A, 0x00, 0xFB]),
            ("Design@Home", &[20, 0xD0, 0xC4, 0xF2, 0x3C, 0x7D, 0x76, 0x03, 0x90, 0xEF, 0x76, 0x19]),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(bytes(&address), octets, "{text}");
            let back = Address::read(&mut Reader::new(octets)).unwrap();
            assert_eq!(back.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, error) in [
            ("", AddressError::Empty),
            ("+", AddressError::Empty),
            ("123456789012345678901", AddressError::TooLong),
            ("much too long a name", AddressError::TooLong),
            ("名", AddressError::BadCharacter),
        ] {
            assert_eq!(Address::parse(text), Err(error), "{text}");
        }
        assert_eq!(Address::dialled("12-34"), Err(AddressError::BadCharacter));
    }

    #[test]
    fn a_service_centre_counts_octets() {
        let center = Address::dialled("+8613800100500").unwrap();
        let octets = center.center_bytes();
        assert_eq!(octets, [8, 0x91, 0x68, 0x31, 0x08, 0x10, 0x00, 0x05, 0xF0]);
        assert_eq!(Address::center(&octets[1..]), Some(center));
    }
}
