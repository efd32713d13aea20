//! The data coding scheme (TS 23.038 4): which alphabet, which class.

/// How the octets of a message are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// GSM 7 bit default alphabet.
    Gsm,
    /// Octets that mean what sender and receiver have agreed on.
    Octets,
    /// UCS2: two octets a character, the higher first.
    Ucs2,
}

/// A data coding scheme, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Coding {
    /// The alphabet.
    pub alphabet: Alphabet,
    /// The class: 0 to be shown at once, 1 for the module, 2 for the card, 3 for the host; `None`: no class.
    pub class: Option<u8>,
}

impl Coding {
    /// What TP-DCS says. Reserved values mean the GSM alphabet; compressed text, which nobody
    /// sends, is kept as octets.
    #[must_use]
    pub fn of(scheme: u8) -> Self {
        let class = scheme & 3;
        match scheme >> 4 {
            group @ 0..=7 => {
                let compressed = group & 2 != 0;
                let alphabet = match (scheme >> 2) & 3 {
                    1 => Alphabet::Octets,
                    2 => Alphabet::Ucs2,
                    _ => Alphabet::Gsm,
                };
                let alphabet = if compressed { Alphabet::Octets } else { alphabet };
                Self { alphabet, class: (group & 1 != 0).then_some(class) }
            }
            14 => Self { alphabet: Alphabet::Ucs2, class: None },
            15 => {
                let octets = scheme & 4 != 0;
                Self { alphabet: if octets { Alphabet::Octets } else { Alphabet::Gsm }, class: Some(class) }
            }
            _ => Self { alphabet: Alphabet::Gsm, class: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_those_of_the_standard() {
        for (scheme, alphabet, class) in [
            (0x00, Alphabet::Gsm, None),
            (0x04, Alphabet::Octets, None),
            (0x08, Alphabet::Ucs2, None),
            (0x0C, Alphabet::Gsm, None),
            (0x10, Alphabet::Gsm, Some(0)),
            (0x12, Alphabet::Gsm, Some(2)),
            (0x18, Alphabet::Ucs2, Some(0)),
            (0x20, Alphabet::Octets, None),
            (0xC8, Alphabet::Gsm, None),
            (0xD0, Alphabet::Gsm, None),
            (0xE0, Alphabet::Ucs2, None),
            (0xF1, Alphabet::Gsm, Some(1)),
            (0xF6, Alphabet::Octets, Some(2)),
            (0x90, Alphabet::Gsm, None),
        ] {
            assert_eq!(Coding::of(scheme), Coding { alphabet, class }, "{scheme:#04X}");
        }
    }
}
