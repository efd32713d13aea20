//! The host's bit rate, found by trying: what a UART measures at the first edges cannot be measured here.

/// In the order in which they are tried, most likely first.
const RATES: [u32; 12] =
    [115_200, 9600, 57_600, 38_400, 19_200, 230_400, 460_800, 921_600, 4800, 2400, 1200, 600];
/// So many bytes that nobody types are a host at another rate.
const NOISE: u32 = 4;

/// What has come since the rate was last looked for.
#[derive(Debug)]
pub(super) struct Hunt {
    /// Whether AT+IPR leaves the rate open.
    automatic: bool,
    found: bool,
    noise: u32,
    last: u8,
    next: usize,
}

impl Hunt {
    pub(super) fn new() -> Self {
        Self { automatic: true, found: false, noise: 0, last: 0, next: 0 }
    }

    /// AT+IPR has said this. 0 keeps the rate until the next power-on.
    pub(super) fn set(&mut self, rate: u32) {
        self.automatic = rate == 0;
        self.found = true;
    }

    /// The module is switched on.
    pub(super) fn power_on(&mut self) {
        if self.automatic {
            *self = Self::new();
        }
    }

    /// What bytes that came at `rate` tell about the host's.
    pub(super) fn hear(&mut self, bytes: &[u8], rate: u32) -> Heard {
        if self.found {
            return Heard::Nothing;
        }
        for &byte in bytes {
            let pair = [std::mem::replace(&mut self.last, byte), byte];
            if &pair == b"AT" || &pair == b"at" {
                self.found = true;
                return Heard::Found;
            }
            self.noise += u32::from(!matches!(byte, b'\x08'..=b'\r' | 0x1a | 0x1b | b' '..=b'~'));
        }
        if self.noise < NOISE {
            return Heard::Nothing;
        }
        (self.noise, self.last) = (0, 0);
        // The one that is set has just failed.
        if RATES[self.next] == rate {
            self.next = (self.next + 1) % RATES.len();
        }
        let next = RATES[self.next];
        self.next = (self.next + 1) % RATES.len();
        Heard::Try(next)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    /// The rate is the host's.
    Found,
    /// It is not; this one may be.
    Try(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_leads_through_all_rates_and_back() {
        for start in [115_200, 9600, 14_400] {
            let mut hunt = Hunt::new();
            let mut rate = start;
            let mut tried = vec![];
            for _ in 0..12 {
                assert_eq!(hunt.hear(b"\xff\x00\xf0", rate), Heard::Nothing);
                let Heard::Try(next) = hunt.hear(b"\x80", rate) else { panic!("nothing after {rate}") };
                assert_ne!(next, rate);
                rate = next;
                tried.push(next);
            }
            tried.sort_unstable();
            let mut rates = RATES;
            rates.sort_unstable();
            assert_eq!(tried, rates, "from {start}");
        }
    }

    #[test]
    fn text_is_no_noise_and_at_is_the_end() {
        let mut hunt = Hunt::new();
        let digits = b"0123456789".repeat(10);
        assert_eq!(hunt.hear(&digits, 9600), Heard::Nothing);
        assert_eq!(hunt.hear(b"\x1bAt\raT\r\n", 9600), Heard::Nothing);
        assert_eq!(hunt.hear(b"\xff\x00A", 9600), Heard::Nothing);
        assert_eq!(hunt.hear(b"T\r", 9600), Heard::Found);
        assert_eq!(hunt.hear(&[0xff; 100], 9600), Heard::Nothing);
    }

    #[test]
    fn a_rate_that_is_set_is_not_looked_for() {
        let mut hunt = Hunt::new();
        hunt.set(9600);
        hunt.power_on();
        assert_eq!(hunt.hear(&[0xff; 100], 9600), Heard::Nothing);
        hunt.set(0);
        assert_eq!(hunt.hear(&[0xff; 100], 9600), Heard::Nothing, "not before the next power-on");
        hunt.power_on();
        assert_eq!(hunt.hear(&[0xff; 100], 9600), Heard::Try(115_200));
    }
}
