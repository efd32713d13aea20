//! The time from a server: SNTP (RFC 4330, and the checks of RFC 5905).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use modem::QueryFailure;
use tokio::time::timeout;

use super::explain::Fault;
use super::open;
use super::unanswered::Refused;

/// The port of time servers.
pub(super) const PORT: u16 = 123;
/// A message without extensions.
const LENGTH: usize = 48;
/// When a question that was perhaps lost is asked again.
const AGAIN: Duration = Duration::from_millis(1500);
/// 1900-01-01 to 1970-01-01.
const ERA: i64 = 2_208_988_800;

/// Milliseconds since 1970-01-01 UTC, as of now. The caller limits the time.
pub(super) async fn ask(server: SocketAddr, odd: &mut Option<String>) -> Result<i64, Refused> {
    let unreachable = |error: io::Error| {
        let (seen, advice) = match error.kind() {
            io::ErrorKind::ConnectionRefused => {
                (format!("no time server listens at {server} ({error})"), "is the server's name right?")
            }
            _ => (format!("{server} cannot be reached from this computer: {error}"), "has it a route there?"),
        };
        Refused::new(QueryFailure::Unreachable, Fault::Peer, seen).advise(advice)
    };
    let socket = open::udp(server, None).await.map_err(unreachable)?;
    let cookie = arbitrary();
    let asked = question(cookie);
    let mut buffer = [0; 512];
    loop {
        let sent = Instant::now();
        socket.send(&asked).await.map_err(unreachable)?;
        let Ok(received) = timeout(AGAIN, async {
            loop {
                let count = socket.recv(&mut buffer).await?;
                let bytes = buffer.get(..count).unwrap_or_default();
                match read(bytes, cookie) {
                    Answer::Time { received, transmitted } => return Ok(Ok((received, transmitted))),
                    Answer::Bad(what) => return Ok(Err(what)),
                    // Perhaps somebody else's, or to an earlier question; the right one may still come.
                    Answer::NotOurs(what) => *odd = Some(format!("{server} sent {what}")),
                }
            }
        })
        .await
        else {
            continue;
        };
        return match received.map_err(unreachable)? {
            Ok((received, transmitted)) => {
                // Half of what the way took, there and back, without what the server took.
                let round = i64::try_from(sent.elapsed().as_millis()).unwrap_or(0);
                let inside = transmitted.saturating_sub(received).clamp(0, round);
                Ok(transmitted + (round - inside) / 2)
            }
            Err(what) => {
                let seen = format!("{server} answered, but {what}");
                Err(Refused::new(QueryFailure::BadAnswer, Fault::Peer, seen)
                    .advise("another server may do better"))
            }
        };
    }
}

/// Version 4, mode 3 (client). The transmit timestamp is a number that only the server learns; the clock stays private.
fn question(cookie: u64) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[0] = 4 << 3 | 3;
    bytes[40..].copy_from_slice(&cookie.to_be_bytes());
    bytes
}

/// What a datagram is.
#[derive(Debug, PartialEq)]
enum Answer {
    /// When the server had the question, and when it answered; milliseconds since 1970.
    Time { received: i64, transmitted: i64 },
    /// To our question, and of no use; why.
    Bad(String),
    /// Not to our question; what it is.
    NotOurs(&'static str),
}

fn read(bytes: &[u8], cookie: u64) -> Answer {
    let Some(bytes) = bytes.first_chunk::<LENGTH>() else {
        return Answer::NotOurs("something shorter than an answer");
    };
    let number = |at: usize| bytes[at..at + 8].iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    let (leap, version, mode, stratum) = (bytes[0] >> 6, bytes[0] >> 3 & 7, bytes[0] & 7, bytes[1]);
    if mode != 4 {
        return Answer::NotOurs("something that is no server's answer");
    }
    if number(24) != cookie {
        return Answer::NotOurs("an answer to a question that nobody asked");
    }
    if !(1..=4).contains(&version) {
        return Answer::Bad(format!("in version {version} of the protocol"));
    }
    if stratum == 0 {
        let code: String =
            bytes[12..16].iter().filter(|b| b.is_ascii_graphic()).map(|b| *b as char).collect();
        return Answer::Bad(format!("it refuses to serve (kiss of death, {code})"));
    }
    if leap == 3 || stratum > 15 {
        return Answer::Bad("its own clock is not set".into());
    }
    let (received, transmitted) = (number(32), number(40));
    if transmitted == 0 {
        return Answer::Bad("without the time".into());
    }
    Answer::Time { received: millis(received), transmitted: millis(transmitted) }
}

/// A timestamp in milliseconds since 1970. Those whose first bit is not set are of 2036 and later (RFC 4330 3).
fn millis(timestamp: u64) -> i64 {
    let seconds = (timestamp >> 32) as i64;
    let seconds = if timestamp >> 63 == 1 { seconds } else { seconds + (1 << 32) };
    let fraction = ((timestamp & 0xFFFF_FFFF) * 1000) >> 32;
    (seconds - ERA) * 1000 + fraction as i64
}

/// A number that nobody can guess, and not 0.
fn arbitrary() -> u64 {
    RandomState::new().build_hasher().finish() | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(cookie: u64) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[0] = 4 << 3 | 4;
        bytes[1] = 2;
        bytes[24..32].copy_from_slice(&cookie.to_be_bytes());
        bytes[32..40].copy_from_slice(&0xE2A8_5F10_8000_0000_u64.to_be_bytes());
        bytes[40..48].copy_from_slice(&0xE2A8_5F10_C000_0000_u64.to_be_bytes());
        bytes
    }

    #[test]
    fn timestamps_are_moments_in_both_eras() {
        assert_eq!(millis(0x83AA_7E80_0000_0000), 0);
        assert_eq!(millis(0x83AA_7E80_8000_0000), 500);
        assert_eq!(millis(0xFFFF_FFFF_0000_0000), 2_085_978_495_000);
        // 2036-02-07 06:28:16.
        assert_eq!(millis(0), 2_085_978_496_000);
        assert_eq!(millis(1 << 32), 2_085_978_497_000);
    }

    #[test]
    fn an_answer_has_to_be_to_the_question_and_of_use() {
        let good = answer(7);
        assert!(matches!(
            read(&good, 7),
            Answer::Time { received, transmitted } if transmitted - received == 250
        ));
        assert!(matches!(read(&good, 8), Answer::NotOurs(_)));
        assert!(matches!(read(&good[..47], 7), Answer::NotOurs(_)));
        let changed = |at: usize, value: u8| {
            let mut bytes = answer(7);
            bytes[at] = value;
            read(&bytes, 7)
        };
        for mode in [0, 1, 2, 3, 5, 6, 7] {
            assert!(matches!(changed(0, 4 << 3 | mode), Answer::NotOurs(_)), "mode {mode}");
        }
        for (at, value) in [(0, 3 << 6 | 4 << 3 | 4), (0, 4), (0, 5 << 3 | 4), (1, 0), (1, 16)] {
            assert!(matches!(changed(at, value), Answer::Bad(_)), "{at} {value}");
        }
        let mut without = answer(7);
        without[40..].fill(0);
        assert!(matches!(read(&without, 7), Answer::Bad(_)));
        let mut kiss = answer(7);
        kiss[1] = 0;
        kiss[12..16].copy_from_slice(b"RATE");
        assert_eq!(read(&kiss, 7), Answer::Bad("it refuses to serve (kiss of death, RATE)".into()));
        assert!(matches!(read(&[0xFF; 600], 7), Answer::NotOurs(_)));
    }
}
