//! The numbers that tell one instance from another.

use alloc::format;
use alloc::string::String;

use crate::profile::Profile;
use crate::setup::Setup;

impl Profile {
    /// Whether who dials `number` reaches the subscriber whose number in international form is `own`: with the country code
    /// behind `+` or `00`, or without it.
    #[must_use]
    pub fn reaches(&self, own: &str, number: &str) -> bool {
        let own = own.trim_start_matches('+');
        let (country, _) = self.subscriber_prefix;
        match number.strip_prefix('+').or_else(|| number.strip_prefix("00")) {
            Some(international) => international == own,
            None => number == own || own.strip_prefix(country) == Some(number),
        }
    }
}

impl Setup {
    /// The instance's IMEI: the profile's TAC, six digits of the instance number, the Luhn digit (TS 23.003 6.2.1).
    #[must_use]
    pub fn imei(&self) -> String {
        with_luhn(format!("{}{:06}", self.profile.tac, self.instance))
    }

    /// The IMSI of the instance's card: MCC, MNC, and the instance number in the remaining of 15 digits (TS 23.003 2.2).
    #[must_use]
    pub fn imsi(&self) -> String {
        padded(self.profile.plmn, self.instance, 15)
    }

    /// The subscriber's number in international form, such as `+861440000000042`: the profile's prefix and the instance
    /// number.
    #[must_use]
    pub fn msisdn(&self) -> String {
        let (country, prefix) = self.profile.subscriber_prefix;
        format!("+{country}{}", padded(prefix, self.instance, self.profile.subscriber_digits))
    }

    /// The number of the instance's card: 19 digits and the Luhn digit (ITU-T E.118).
    #[must_use]
    pub fn iccid(&self) -> String {
        with_luhn(padded(self.profile.iccid_prefix, self.instance, 19))
    }
}

/// `prefix` and `number`, with zeros between them up to `digits`.
fn padded(prefix: &str, number: u32, digits: usize) -> String {
    format!("{prefix}{number:0width$}", width = digits.saturating_sub(prefix.len()))
}

/// Appends the check digit of ISO/IEC 7812-1 annex B.
fn with_luhn(mut digits: String) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit.saturating_sub(b'0'));
            let weighed = if place % 2 == 0 { value * 2 } else { value };
            weighed / 10 + weighed % 10
        })
        .sum();
    digits.extend(char::from_digit((10 - sum % 10) % 10, 10));
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers with known check digits: the IMEI of TS 23.003's usual example, an ICCID, a payment card test number.
    #[test]
    fn check_digits_are_those_of_the_books() {
        for whole in ["490154203237518", "89860318640220133897", "4111111111111111", "79927398713"] {
            let (number, _) = whole.split_at(whole.len() - 1);
            assert_eq!(with_luhn(String::from(number)), whole);
        }
    }

    #[test]
    fn a_subscriber_is_dialled_in_several_ways() {
        let setup = Setup::new(42, 1, 0);
        for number in ["+861440000000042", "00861440000000042", "861440000000042", "1440000000042"] {
            assert!(setup.profile.reaches(&setup.msisdn(), number), "{number}");
        }
        for number in ["+1440000000042", "440000000042", "1440000000043", "", "+"] {
            assert!(!setup.profile.reaches(&setup.msisdn(), number), "{number}");
        }
    }

    #[test]
    fn numbers_follow_the_instance() {
        let setup = Setup::new(42, 1, 0);
        assert_eq!(setup.imei(), "001724000000426");
        assert_eq!(setup.imsi(), "460040000000042");
        assert_eq!(setup.iccid().len(), 20);
        assert_eq!(setup.msisdn(), "+861440000000042");
    }
}
