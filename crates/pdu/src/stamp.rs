//! Time stamps: seven octets of swapped digits (TS 23.040 9.2.3.11).

use core::fmt;

use time::{OffsetDateTime, UtcOffset};

/// A moment as it is sent: year, month, day, hour, minute, second, then the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(pub [u8; 7]);

const QUARTER: i32 = 15 * 60;
/// The sign of the zone: the highest bit of its tens.
const WEST: u8 = 0x08;

impl Stamp {
    /// A moment in seconds since 1970-01-01 UTC, told in a zone of so many quarters of an hour east of Greenwich.
    #[must_use]
    pub fn new(seconds: i64, zone: i8) -> Self {
        let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let offset = UtcOffset::from_whole_seconds(i32::from(zone) * QUARTER).unwrap_or(UtcOffset::UTC);
        let moment = moment.checked_to_offset(offset).unwrap_or(moment);
        let year = u8::try_from(moment.year().rem_euclid(100)).unwrap_or(0);
        let west = if zone < 0 { WEST } else { 0 };
        Self([
            swapped(year),
            swapped(u8::from(moment.month())),
            swapped(moment.day()),
            swapped(moment.hour()),
            swapped(moment.minute()),
            swapped(moment.second()),
            swapped(zone.unsigned_abs()) | west,
        ])
    }

    /// Reads `yy/MM/dd,hh:mm:ss±zz`; `None` for another form. The calendar is not looked at.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
        let mut octets = [0; 7];
        for (index, octet) in octets.iter_mut().enumerate() {
            let [tens, ones] = [bytes[index * 3], bytes[index * 3 + 1]];
            if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
                return None;
            }
            *octet = (ones - b'0') << 4 | (tens - b'0');
        }
        let separators = [bytes[2], bytes[5], bytes[8], bytes[11], bytes[14]];
        let west = match (separators, bytes[17]) {
            ([b'/', b'/', b',', b':', b':'], b'+') => 0,
            ([b'/', b'/', b',', b':', b':'], b'-') => WEST,
            _ => return None,
        };
        // Tens of the zone take three bits.
        if octets[6] & WEST != 0 {
            return None;
        }
        octets[6] |= west;
        Some(Self(octets))
    }
}

fn swapped(value: u8) -> u8 {
    ((value % 10) << 4) | ((value / 10) % 10)
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |octet: u8| (octet & 15, octet >> 4);
        let separators = ["/", "/", ",", ":", ":", ""];
        for (octet, separator) in self.0.iter().zip(separators) {
            let (tens, ones) = digits(*octet);
            write!(f, "{tens:X}{ones:X}{separator}")?;
        }
        let zone = self.0[6];
        let sign = if zone & WEST != 0 { '-' } else { '+' };
        let (tens, ones) = digits(zone & !WEST);
        write!(f, "{sign}{tens:X}{ones:X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn stamps_read_as_they_are_written() {
        let stamp = Stamp::new(1_600_000_000, 32);
        assert_eq!(stamp, Stamp([0x02, 0x90, 0x31, 0x02, 0x62, 0x04, 0x23]));
        assert_eq!(stamp.to_string(), "20/09/13,20:26:40+32");
        assert_eq!(Stamp::new(1_600_000_000, -14).to_string(), "20/09/13,08:56:40-14");
        for text in ["20/09/13,20:26:40+32", "99/12/31,23:59:59-47"] {
            assert_eq!(Stamp::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_no_stamps() {
        for text in
            ["", "20/09/13,20:26:40", "20-09-13,20:26:40+32", "20/09/13,20:26:4x+32", "20/09/13,20:26:40+92"]
        {
            assert_eq!(Stamp::parse(text), None, "{text}");
        }
    }
}
