//! IP, TCP and UDP headers around payload: the twin sees only that, and the computer's own headers are nobody's business.

use std::net::{IpAddr, SocketAddr};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// What a segment says besides its payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const SYN: Self = Self(0x02);
    pub(super) const SYN_ACK: Self = Self(0x12);
    pub(super) const ACK: Self = Self(0x10);
    pub(super) const PUSH: Self = Self(0x18);
    pub(super) const END: Self = Self(0x11);
    pub(super) const RESET: Self = Self(0x14);
}

/// From where to where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
}

/// A TCP segment in an IP packet. The payload has to leave room for the headers in 65,535 bytes.
pub(super) fn tcp(way: Way, sequence: u32, acknowledged: u32, flags: Flags, payload: &[u8]) -> Vec<u8> {
    const WORDS: u8 = 5;
    let mut segment = ports(way);
    segment.extend(sequence.to_be_bytes());
    segment.extend(acknowledged.to_be_bytes());
    segment.extend([WORDS << 4, flags.0]);
    segment.extend(u16::MAX.to_be_bytes());
    segment.extend([0; 4]);
    segment.extend(payload);
    packet(way, TCP, 16, segment)
}

/// A UDP datagram in an IP packet.
pub(super) fn udp(way: Way, payload: &[u8]) -> Vec<u8> {
    let mut datagram = ports(way);
    datagram.extend(short(payload.len() + 8));
    datagram.extend([0; 2]);
    datagram.extend(payload);
    packet(way, UDP, 6, datagram)
}

fn ports(way: Way) -> Vec<u8> {
    [way.from.port().to_be_bytes(), way.to.port().to_be_bytes()].concat()
}

fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

/// Puts an IP header before a segment, and into the segment, at `at`, its check sum.
fn packet(way: Way, protocol: u8, at: usize, mut segment: Vec<u8>) -> Vec<u8> {
    const HOPS: u8 = 64;
    let addresses = match (way.from.ip(), way.to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => [from.octets(), to.octets()].concat(),
        (from, to) => [v6(from), v6(to)].concat(),
    };
    let length = short(segment.len());
    let sum = checksum(&[&addresses, &[0, protocol], &length, &segment]);
    segment[at..at + 2].copy_from_slice(&sum);
    let mut packet = Vec::with_capacity(addresses.len() + segment.len() + 12);
    if addresses.len() == 8 {
        packet.extend([0x45, 0]);
        packet.extend(short(segment.len() + 20));
        // No identification, and not to be fragmented.
        packet.extend([0, 0, 0x40, 0, HOPS, protocol]);
        let sum = checksum(&[&packet, &addresses]);
        packet.extend(sum);
    } else {
        packet.extend([0x60, 0, 0, 0]);
        packet.extend(length);
        packet.extend([protocol, HOPS]);
    }
    packet.extend(addresses);
    packet.append(&mut segment);
    packet
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// RFC 1071; only the last part may have an odd length.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let mut sum: u32 = 0;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        sum += u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from);
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    short(usize::from(!u16::try_from(sum).unwrap_or(u16::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_add_up_over_both_kinds_of_address() {
        for (from, to, header) in
            [("192.0.2.1:1025", "198.51.100.2:443", 20), ("[2001:db8::1]:1", "[::1]:2", 40)]
        {
            let way = Way { from: from.parse().unwrap(), to: to.parse().unwrap() };
            for packet in [tcp(way, 7, 9, Flags::PUSH, b"odd"), udp(way, b"even")] {
                let (ip, segment) = packet.split_at(header);
                let addresses = if header == 20 { &ip[12..] } else { &ip[8..] };
                let protocol = if header == 20 { ip[9] } else { ip[6] };
                let length = short(segment.len());
                let sum = checksum(&[addresses, &[0, protocol], &length, segment]);
                assert_eq!(sum, [0, 0], "{packet:?}");
                if header == 20 {
                    assert_eq!(checksum(&[ip]), [0, 0]);
                    assert_eq!(short(packet.len()), ip[2..4]);
                }
            }
        }
    }
}
