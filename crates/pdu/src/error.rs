//! What keeps bytes from being a TPDU.

use core::fmt;

/// What is wrong with a TPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PduError {
    /// It ends too early.
    Short,
    /// It has more bytes than belong to it, or more than a message takes.
    Long,
    /// It is of another type than belongs here.
    Type,
    /// An address of more than 20 digits.
    Address,
    /// The headers' length does not fit.
    Header,
}

impl core::error::Error for PduError {}

impl fmt::Display for PduError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "the PDU ends too early",
            Self::Long => "the PDU is longer than what it says of itself",
            Self::Type => "the PDU is of a type that does not belong here",
            Self::Address => "an address in the PDU is longer than 20 digits",
            Self::Header => "the headers in the PDU are longer than its data",
        })
    }
}
