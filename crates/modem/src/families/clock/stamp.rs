//! `yy/MM/dd,hh:mm:ss±zz` and seconds since 1970.

use core::fmt;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// The longest text: `18/08/07,13:28:31+32`.
pub(super) const LENGTH: usize = 20;
const QUARTER: i32 = 15 * 60;

/// A moment to print as `yy/MM/dd,hh:mm:ss` in a zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    /// Since 1970-01-01 UTC.
    pub(super) seconds: i64,
    /// Quarters of an hour east of Greenwich.
    pub(super) zone: i8,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = OffsetDateTime::from_unix_timestamp(self.seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let offset = UtcOffset::from_whole_seconds(i32::from(self.zone) * QUARTER).unwrap_or(UtcOffset::UTC);
        let moment = moment.checked_to_offset(offset).unwrap_or(moment);
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second) = moment.to_hms();
        write!(
            f,
            "{:02}/{:02}/{day:02},{hour:02}:{minute:02}:{second:02}",
            year.rem_euclid(100),
            u8::from(month)
        )
    }
}

/// What is wrong with a date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StampError {
    /// Not of the form.
    Form,
    /// A day or a time that does not exist.
    Calendar,
    /// A zone outside −47 to +48.
    Zone,
}

impl fmt::Display for StampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "date and time are written yy/MM/dd,hh:mm:ss, then the zone as in +32",
            Self::Calendar => "there is no such day or time",
            Self::Zone => "the zone is -47 to +48, in quarters of an hour",
        })
    }
}

/// Reads `yy/MM/dd,hh:mm:ss` with or without a zone: the moment in seconds since 1970-01-01 UTC, and the zone (`zone`
/// when the text has none).
pub(super) fn parse(text: &str, zone: i8) -> Result<(i64, i8), StampError> {
    let bytes = text.as_bytes();
    let (local, rest) = bytes.split_at_checked(17).ok_or(StampError::Form)?;
    let mut numbers = [0u8; 6];
    for (index, number) in numbers.iter_mut().enumerate() {
        let field = local.get(index * 3..index * 3 + 2).ok_or(StampError::Form)?;
        *number = two_digits(field)?;
    }
    let separators = [(2, b'/'), (5, b'/'), (8, b','), (11, b':'), (14, b':')];
    if separators.iter().any(|&(at, byte)| local.get(at) != Some(&byte)) {
        return Err(StampError::Form);
    }
    let zone = match rest {
        [] => zone,
        [sign @ (b'+' | b'-'), digits @ ..] => {
            let quarters = i8::try_from(two_digits(digits)?).map_err(|_| StampError::Zone)?;
            if *sign == b'+' { quarters } else { -quarters }
        }
        _ => return Err(StampError::Form),
    };
    if !(-47..=48).contains(&zone) {
        return Err(StampError::Zone);
    }
    let [year, month, day, hour, minute, second] = numbers;
    let moment = Month::try_from(month)
        .and_then(|month| Date::from_calendar_date(2000 + i32::from(year), month, day))
        .and_then(|date| Ok(PrimitiveDateTime::new(date, Time::from_hms(hour, minute, second)?)))
        .map_err(|_| StampError::Calendar)?;
    Ok((moment.assume_utc().unix_timestamp() - i64::from(i32::from(zone) * QUARTER), zone))
}

fn two_digits(digits: &[u8]) -> Result<u8, StampError> {
    match digits {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Ok((tens - b'0') * 10 + (ones - b'0')),
        _ => Err(StampError::Form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (text, seconds) in [
            ("00/01/01,00:00:00+00", 946_684_800),
            ("20/09/13,20:26:40+32", 1_600_000_000),
            ("00/02/29,23:59:59+00", 951_868_799),
            ("99/12/31,23:59:59-47", 4_102_444_799 + 47 * 900),
        ] {
            let (moment, zone) = parse(text, 0).unwrap();
            assert_eq!(moment, seconds, "{text}");
            assert_eq!(format!("{}{zone:+03}", Stamp { seconds, zone }), text);
        }
    }

    #[test]
    fn a_missing_zone_stays() {
        assert_eq!(parse("20/09/13,20:26:40", 32), Ok((1_600_000_000, 32)));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for (text, error) in [
            ("", StampError::Form),
            ("20/09/13", StampError::Form),
            ("2020/09/13,20:26:40", StampError::Form),
            ("20-09-13,20:26:40", StampError::Form),
            ("20/09/13,20:26:40+8", StampError::Form),
            ("20/09/13,20:26:40+32,0", StampError::Form),
            ("20/09/13,20:26:4\u{661}", StampError::Form),
            ("20/09/31,20:26:40+32", StampError::Calendar),
            ("20/00/10,20:26:40+32", StampError::Calendar),
            ("20/13/10,20:26:40+32", StampError::Calendar),
            ("21/02/29,20:26:40+32", StampError::Calendar),
            ("20/09/13,24:00:00+32", StampError::Calendar),
            ("20/09/13,20:60:40+32", StampError::Calendar),
            ("20/09/13,20:26:60+32", StampError::Calendar),
            ("20/09/13,20:26:40+49", StampError::Zone),
            ("20/09/13,20:26:40-48", StampError::Zone),
        ] {
            assert_eq!(parse(text, 32), Err(error), "{text}");
        }
    }

    #[test]
    fn a_moment_outside_every_calendar_prints_something() {
        for seconds in [i64::MIN, i64::MAX, -1] {
            assert_eq!(format!("{}", Stamp { seconds, zone: 48 }).len(), 17);
        }
    }
}
