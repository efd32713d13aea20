//! Bytes by a rule, from anywhere in an endless row.

use transcript::Fill;

/// Both rules repeat themselves after this many bytes: 256 byte values, 62 letters and digits.
const PERIOD: u64 = 256 * 31;

/// The bytes with the numbers from `from` up to `to`, `to` not included; [`Fill::CountUp`] or [`Fill::Text`].
pub(super) fn bytes(fill: Fill, from: u64, to: u64) -> Vec<u8> {
    let count = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    // Below the period, which is small.
    let skipped = (from % PERIOD) as usize;
    let mut bytes = fill.bytes(skipped.saturating_add(count));
    bytes.drain(..skipped);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_is_a_part_of_the_whole() {
        for fill in [Fill::CountUp, Fill::Text] {
            let whole = fill.bytes(40_000);
            for (from, to) in [(0, 10), (7_900, 8_000), (7_936, 7_937), (20_000, 40_000), (5, 5), (6, 5)] {
                let part = whole.get(from..to).unwrap_or_default();
                assert_eq!(bytes(fill, from as u64, to as u64), part, "{from} {to}");
            }
        }
    }
}
