//! The few blocks of pcapng that a capture consists of (draft-ietf-opsawg-pcapng), in little-endian.

/// Packets begin with an IP header, without anything of a link below.
const LINKTYPE_RAW: u16 = 101;
/// `TLSK`: a TLS key log is in the block.
const TLS_KEY_LOG: u32 = 0x544C_534B;
/// An option with a comment.
const COMMENT: u16 = 1;

/// One block: type, length, body, and the length again.
fn block(kind: u32, mut body: Vec<u8>) -> Vec<u8> {
    pad(&mut body);
    let length = length(body.len() + 12);
    let mut block = Vec::with_capacity(body.len() + 12);
    block.extend(kind.to_le_bytes());
    block.extend(length);
    block.append(&mut body);
    block.extend(length);
    block
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

/// Bounded by the size of an IP packet, or of a line of the key log.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// The section and the one interface; times are in microseconds.
pub(super) fn beginning() -> Vec<u8> {
    let mut section = Vec::new();
    section.extend(0x1A2B_3C4D_u32.to_le_bytes());
    section.extend(1_u16.to_le_bytes());
    section.extend(0_u16.to_le_bytes());
    // The section's length is not known.
    section.extend((-1_i64).to_le_bytes());
    let mut interface = Vec::new();
    interface.extend(LINKTYPE_RAW.to_le_bytes());
    interface.extend(0_u16.to_le_bytes());
    // No limit to a packet's length.
    interface.extend(0_u32.to_le_bytes());
    [block(0x0A0D_0D0A, section), block(1, interface)].concat()
}

/// A packet on that interface.
pub(super) fn packet(micros: u64, bytes: &[u8], comment: Option<&str>) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(0_u32.to_le_bytes());
    let [high, low] = [micros >> 32, micros & 0xFFFF_FFFF];
    body.extend(&high.to_le_bytes()[..4]);
    body.extend(&low.to_le_bytes()[..4]);
    body.extend(length(bytes.len()));
    body.extend(length(bytes.len()));
    body.extend(bytes);
    if let Some(comment) = comment {
        let comment = comment.as_bytes();
        let comment = &comment[..comment.len().min(usize::from(u16::MAX))];
        pad(&mut body);
        body.extend(COMMENT.to_le_bytes());
        body.extend(&length(comment.len())[..2]);
        body.extend(comment);
        pad(&mut body);
        body.extend([0; 4]);
    }
    block(6, body)
}

/// A line of the key log. It has to stand before the packets that it decrypts.
pub(super) fn secrets(line: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(TLS_KEY_LOG.to_le_bytes());
    body.extend(length(line.len() + 1));
    body.extend(line.as_bytes());
    body.push(b'\n');
    block(10, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_say_their_length_at_both_ends_and_fill_whole_words() {
        let all = [
            beginning(),
            packet(1 << 40 | 5, b"abcde", Some("who")),
            packet(0, b"", None),
            secrets("CLIENT_RANDOM 00 11"),
        ]
        .concat();
        let word = |at: usize| u32::from_le_bytes(all[at..at + 4].try_into().unwrap());
        let (mut at, mut kinds) = (0, Vec::new());
        while at < all.len() {
            let length = usize::try_from(word(at + 4)).unwrap();
            assert_eq!(length % 4, 0);
            assert_eq!(usize::try_from(word(at + length - 4)).unwrap(), length);
            kinds.push(word(at));
            at += length;
        }
        assert_eq!((at, kinds.as_slice()), (all.len(), &[0x0A0D_0D0A, 1, 6, 6, 10][..]));
    }
}
