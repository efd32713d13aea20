//! Echoes: ICMP (RFC 792) over the kernel's ping socket where the system lets this program's group have one, else over a raw
//! socket where the program may open that.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket as Socket};
use std::time::Instant;

use modem::{QueryFailure, QueryReply};
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, socket_with};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::explain::Fault;
use super::unanswered::Refused;
use crate::sys;

/// An ICMP header.
const HEADER: usize = 8;
/// An IP header, at least.
const IP_HEADER: usize = 20;
const ECHO: u8 = 8;
const ECHO_REPLY: u8 = 0;
const DESTINATION_UNREACHABLE: u8 = 3;
const TIME_EXCEEDED: u8 = 11;

/// One echo.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) to: Ipv4Addr,
    pub(super) sequence: u16,
    pub(super) length: u16,
    pub(super) ttl: u8,
}

/// Sends an echo and waits for its reply. The caller limits the time.
pub(super) async fn send(request: Request) -> Result<QueryReply, Refused> {
    let cannot = |error: io::Error| {
        let seen = format!("this computer does not let the program send echoes: {error}");
        Refused::new(QueryFailure::NotPossible, Fault::Environment, seen).advise(
            "`sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"` lets everybody, the capability CAP_NET_RAW this program",
        )
    };
    let unreachable = |error: io::Error| {
        let seen = format!("{} cannot be reached from this computer: {error}", request.to);
        Refused::new(QueryFailure::Unreachable, Fault::Environment, seen)
            .advise("has this computer a route to it?")
    };
    let (socket, raw) = open().map_err(cannot)?;
    socket.set_ttl(request.ttl.into()).map_err(cannot)?;
    if !raw {
        sys::want_ttl(&socket).map_err(cannot)?;
    }
    socket.set_nonblocking(true).map_err(cannot)?;
    let socket = UdpSocket::from_std(socket).map_err(cannot)?;
    // From here on only that host's messages, and errors about it, arrive on a ping socket.
    socket.connect(SocketAddr::new(request.to.into(), 0)).await.map_err(unreachable)?;
    let identity = RandomState::new().build_hasher().finish() as u16;
    let since = Instant::now();
    socket.send(&message(identity, request)).await.map_err(unreachable)?;
    let mut buffer = vec![0; 2048];
    loop {
        let read = || sys::receive_with_ttl(&socket, &mut buffer);
        let (count, ttl) = socket.async_io(Interest::READABLE, read).await.map_err(unreachable)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let seen = if raw { look_raw(bytes, identity, request) } else { look(bytes, request, ttl) };
        match seen {
            Seen::Reply(ttl) => {
                return Ok(QueryReply::Echo { from: IpAddr::V4(request.to), millis, ttl });
            }
            Seen::Obstacle(from, what) => {
                let seen = format!("{from} says that {} {what}", request.to);
                return Err(Refused::new(QueryFailure::Unreachable, Fault::Environment, seen));
            }
            Seen::Another => {}
        }
    }
}

/// A socket for ICMP, and whether it is a raw one.
fn open() -> io::Result<(Socket, bool)> {
    let make = |kind| socket_with(AddressFamily::INET, kind, SocketFlags::CLOEXEC, Some(ipproto::ICMP));
    match make(SocketType::DGRAM) {
        Ok(fd) => Ok((fd.into(), false)),
        Err(refused) => match make(SocketType::RAW) {
            Ok(fd) => Ok((fd.into(), true)),
            Err(_) => Err(refused.into()),
        },
    }
}

fn message(identity: u16, request: Request) -> Vec<u8> {
    let mut bytes = vec![ECHO, 0, 0, 0];
    bytes.extend(identity.to_be_bytes());
    bytes.extend(request.sequence.to_be_bytes());
    bytes.extend((b'a'..=b'w').cycle().take(request.length.into()));
    let sum = checksum(&bytes);
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

/// What has come.
#[derive(Debug, PartialEq)]
enum Seen {
    /// The reply, with what was left of its time to live.
    Reply(u8),
    /// Somebody on the way says why there is none.
    Obstacle(Ipv4Addr, &'static str),
    /// Somebody else's.
    Another,
}

/// On a ping socket: ICMP without the IP header, ours only (the kernel chooses and checks the identity).
fn look(bytes: &[u8], request: Request, ttl: Option<u8>) -> Seen {
    let Some((header, payload)) = bytes.split_first_chunk::<HEADER>() else { return Seen::Another };
    let ours = header[0] == ECHO_REPLY && header[6..] == request.sequence.to_be_bytes();
    if ours && payload.len() == usize::from(request.length) {
        // The kernel has always said it; 0 is what nobody else can have.
        return Seen::Reply(ttl.unwrap_or(0));
    }
    Seen::Another
}

/// On a raw socket: everybody's, with the IP header.
fn look_raw(bytes: &[u8], identity: u16, request: Request) -> Seen {
    let Some((from, ttl, icmp)) = datagram(bytes) else { return Seen::Another };
    let Some((header, rest)) = icmp.split_first_chunk::<HEADER>() else { return Seen::Another };
    let is_ours = |header: &[u8]| {
        header.get(4..6) == Some(&identity.to_be_bytes())
            && header.get(6..8) == Some(&request.sequence.to_be_bytes())
    };
    match header[0] {
        ECHO_REPLY if is_ours(header) && from == request.to && rest.len() == usize::from(request.length) => {
            Seen::Reply(ttl)
        }
        // Behind the header stand the IP header and the first eight bytes of what did not get through.
        kind @ (DESTINATION_UNREACHABLE | TIME_EXCEEDED) => match datagram(rest) {
            Some((_, _, echo)) if echo.first() == Some(&ECHO) && is_ours(echo) => Seen::Obstacle(
                from,
                if kind == TIME_EXCEEDED {
                    "is farther than the time to live reaches"
                } else {
                    "cannot be reached"
                },
            ),
            _ => Seen::Another,
        },
        _ => Seen::Another,
    }
}

/// An IPv4 datagram's source, time to live and contents.
fn datagram(bytes: &[u8]) -> Option<(Ipv4Addr, u8, &[u8])> {
    let header: &[u8; IP_HEADER] = bytes.first_chunk()?;
    let length = usize::from(header[0] & 0xF) * 4;
    if header[0] >> 4 != 4 || length < IP_HEADER {
        return None;
    }
    let from = Ipv4Addr::new(header[12], header[13], header[14], header[15]);
    Some((from, header[8], bytes.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Request = Request { to: Ipv4Addr::new(192, 0, 2, 7), sequence: 3, length: 2, ttl: 64 };

    fn ip(from: Ipv4Addr, ttl: u8, contents: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 0, 0, 0, 0, 0, ttl, 1, 0, 0];
        bytes.extend(from.octets());
        bytes.extend([127, 0, 0, 1]);
        bytes.extend(contents);
        bytes
    }

    #[test]
    fn messages_check() {
        let bytes = message(0x1234, REQUEST);
        assert_eq!(bytes.len(), 10);
        assert_eq!(checksum(&bytes), 0);
        let odd = message(1, Request { length: 1023, ..REQUEST });
        assert_eq!((odd.len(), checksum(&odd)), (1031, 0));
    }

    #[test]
    fn replies_are_told_from_everything_else() {
        let mut reply = message(9, REQUEST);
        reply[0] = ECHO_REPLY;
        assert_eq!(look_raw(&ip(REQUEST.to, 54, &reply), 9, REQUEST), Seen::Reply(54));
        assert_eq!(look(&reply, REQUEST, Some(54)), Seen::Reply(54));
        let elsewhere = Ipv4Addr::new(192, 0, 2, 1);
        for other in [
            ip(elsewhere, 54, &reply),
            ip(REQUEST.to, 54, &message(9, REQUEST)),
            ip(REQUEST.to, 54, &reply[..7]),
            ip(REQUEST.to, 54, &reply[..9]),
            ip(REQUEST.to, 54, &[])[..19].to_vec(),
            vec![0x6F; 60],
            vec![0x40; 60],
        ] {
            assert_eq!(look_raw(&other, 9, REQUEST), Seen::Another, "{other:?}");
        }
        assert_eq!(look_raw(&ip(REQUEST.to, 54, &reply), 8, REQUEST), Seen::Another);
        assert_eq!(look(&reply, Request { sequence: 4, ..REQUEST }, None), Seen::Another);
    }

    #[test]
    fn who_cannot_pass_it_on_says_so() {
        let router = Ipv4Addr::new(192, 0, 2, 1);
        let inner = ip(Ipv4Addr::LOCALHOST, 1, &message(9, REQUEST)[..8]);
        for kind in [DESTINATION_UNREACHABLE, TIME_EXCEEDED] {
            let icmp = [&[kind, 0, 0, 0, 0, 0, 0, 0], &inner[..]].concat();
            let seen = look_raw(&ip(router, 64, &icmp), 9, REQUEST);
            assert!(matches!(seen, Seen::Obstacle(from, _) if from == router), "{seen:?}");
            assert_eq!(look_raw(&ip(router, 64, &icmp), 10, REQUEST), Seen::Another);
            assert_eq!(look_raw(&ip(router, 64, &icmp[..30]), 9, REQUEST), Seen::Another);
        }
    }
}
