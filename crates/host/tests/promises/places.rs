//! Where in a session a byte stands, and where an altered one may go unnoticed.

use tls::Version;

use super::proxy::{Recording, Way};
use super::wire::{Record, records};

/// A byte of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) way: Way,
    /// The number of its record.
    pub(crate) number: usize,
    pub(crate) record: Record,
    /// It is the last one of its direction.
    pub(crate) last: bool,
    /// Its offset in the record; the first five bytes are the header: type, version, length.
    pub(crate) offset: usize,
}

impl Place {
    pub(crate) fn find(recording: &Recording, way: Way, at: usize) -> Self {
        let records = records(recording.way(way));
        let number = records.iter().position(|record| at < record.start + record.length);
        let number = number.unwrap_or_else(|| panic!("byte {at} is in no record"));
        let record = records[number].clone();
        let offset = at - record.start;
        Self { way, number, record, last: number + 1 == records.len(), offset }
    }

    /// Whether it is in a last block of nothing but SSL 3.0 padding, with no record after it.
    pub(crate) fn is_padding(&self, version: Version, block: usize) -> bool {
        let Self { record, .. } = self;
        let whole = record.encrypted && record.kind == 23 && record.length == 5 + PADDED + 20 + block;
        version == Version::Ssl30 && block > 0 && self.last && whole && self.offset >= record.length - block
    }
}

/// So many bytes of payload and their SHA-1 MAC (20 bytes) fill whole blocks of 8: SSL 3.0 then adds a block of padding.
pub(crate) const PADDED: usize = 44;

/// The minor version in the header of each side's first record says nothing: the version is not agreed upon yet, and the
/// one that counts stands in the hello itself, which Finished covers (RFC 5246 E.1). Altering it changes nothing.
pub(crate) const FIRST_VERSION: &str = "the minor version in the header of a side's first record";

/// SSL 3.0 protects the payload, but not the padding behind it (RFC 6101 5.2.3.2), of which only the last byte, the length,
/// has to be right: an altered block of nothing but padding passes once in 256 times (RFC 7568 4.1). The record after it is
/// chained to that block and gives the alteration away, so it has to be the last record. Nobody is handed any of it.
pub(crate) const SSL3_PADDING: &str = "a whole block of SSL 3.0 padding at the end of a direction";

/// Why an altered byte in this place may go unnoticed; `None` where it has to be noticed. `block` is the cipher's block
/// size, 0 for a stream cipher.
pub(crate) fn unauthenticated(place: &Place, version: Version, block: usize) -> Option<&'static str> {
    if (place.number, place.offset) == (0, 2) {
        return Some(FIRST_VERSION);
    }
    place.is_padding(version, block).then_some(SSL3_PADDING)
}
