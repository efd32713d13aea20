//! Asking name servers that the module has been told of (AT+CDNSCFG): a stub resolver for IPv4 addresses (RFC 1035, 5966).
//!
//! Each server is asked over UDP, in order, and all of them once more; an answer that was cut off is fetched over TCP. What
//! did not come from the server that was asked, or answers another question, is passed over.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::explain::Seconds;
use super::open;

/// How long one server has for one answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often all servers are asked.
const ROUNDS: usize = 2;
/// How many other names a name may stand for, one behind the other.
const ALIASES: usize = 8;
/// The longest answer over UDP that is looked at.
const DATAGRAM: usize = 4096;
/// The most records in an answer that is looked at.
const RECORDS: usize = 512;

/// Why there is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A server says that there is no such name.
    Unknown,
    /// It knows the name, but no IPv4 address of it.
    WithoutAddress,
    /// No server answered.
    Silence,
    /// The last server that answered said that it cannot or will not.
    Failing,
    /// The last answer was no answer to the question.
    Nonsense,
}

/// What became of a question, for people.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    pub(super) detail: String,
}

impl Failure {
    fn new(trouble: Trouble, detail: impl fmt::Display) -> Self {
        Self { trouble, detail: detail.to_string() }
    }
}

/// The IPv4 addresses of a name.
pub(super) async fn lookup(name: &str, servers: &[SocketAddr]) -> Result<Vec<Ipv4Addr>, Failure> {
    let mut wanted = name.trim_end_matches('.').to_owned();
    for _ in 0..ALIASES {
        match ask_all(&wanted, servers).await? {
            Found::Addresses(addresses) => return Ok(addresses),
            Found::Alias(alias) => wanted = alias,
        }
    }
    Err(Failure::new(Trouble::Nonsense, format_args!("{name} stands for more than {ALIASES} names in a row")))
}

/// What an answer leads to.
#[derive(Debug, PartialEq)]
enum Found {
    Addresses(Vec<Ipv4Addr>),
    /// Another name, whose address the answer does not have.
    Alias(String),
}

async fn ask_all(name: &str, servers: &[SocketAddr]) -> Result<Found, Failure> {
    let mut last = Failure::new(Trouble::Silence, "there is no name server");
    for round in 0..ROUNDS {
        for &server in servers {
            match ask(name, server).await {
                Ok(found) => return Ok(found),
                Err(failure) if matches!(failure.trouble, Trouble::Unknown | Trouble::WithoutAddress) => {
                    return Err(failure);
                }
                // That one of them has said something tells more than that another is silent.
                Err(failure)
                    if failure.trouble == Trouble::Silence
                        && (round > 0 || last.trouble != Trouble::Silence) => {}
                Err(failure) => last = failure,
            }
        }
    }
    Err(last)
}

async fn ask(name: &str, server: SocketAddr) -> Result<Found, Failure> {
    let id = arbitrary();
    let question = question(id, name)?;
    let mut odd = None;
    let answered = timeout(PATIENCE, over_udp(id, name, &question, server, &mut odd)).await;
    let result = match answered {
        Ok(Err(error)) => return Err(unreachable(server, &error)),
        Ok(Ok(Reply::Whole(result))) => result,
        Ok(Ok(Reply::CutOff)) => match timeout(PATIENCE, over_tcp(&question, server)).await {
            Ok(Ok(bytes)) => read(id, name, &bytes).map_or_else(
                || Err(Failure::new(Trouble::Nonsense, "its answer over TCP is not to this question")),
                |reply| match reply {
                    Reply::Whole(result) => result,
                    Reply::CutOff => {
                        Err(Failure::new(Trouble::Nonsense, "its answer over TCP is cut off, too"))
                    }
                },
            ),
            Ok(Err(error)) => Err(Failure::new(
                Trouble::Nonsense,
                format_args!("its answer is cut off, and over TCP it gives none: {error}"),
            )),
            Err(_elapsed) => {
                Err(Failure::new(Trouble::Silence, "its answer is cut off, and over TCP it gives none"))
            }
        },
        Err(_elapsed) => Err(match odd {
            Some(what) => Failure::new(Trouble::Nonsense, what),
            None => Failure::new(Trouble::Silence, format_args!("no answer within {}", Seconds(PATIENCE))),
        }),
    };
    result.map_err(|failure| Failure { detail: format!("{server}: {}", failure.detail), ..failure })
}

fn unreachable(server: SocketAddr, error: &io::Error) -> Failure {
    let what = match error.kind() {
        io::ErrorKind::ConnectionRefused => "no name server listens there",
        _ => "it cannot be reached",
    };
    Failure::new(Trouble::Silence, format_args!("{server}: {what} ({error})"))
}

/// What an answer is.
enum Reply {
    Whole(Result<Found, Failure>),
    /// It did not fit; TCP has all of it.
    CutOff,
}

async fn over_udp(
    id: u16,
    name: &str,
    question: &[u8],
    server: SocketAddr,
    odd: &mut Option<&'static str>,
) -> io::Result<Reply> {
    let socket = open::udp(server, None).await?;
    socket.send(question).await?;
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let count = socket.recv(&mut buffer).await?;
        match read(id, name, &buffer[..count]) {
            Some(reply) => return Ok(reply),
            // Perhaps somebody else's, who guesses; the right one may still come.
            None => *odd = Some("what it answers is not to this question"),
        }
    }
}

/// Messages over TCP have their length in front (RFC 1035 4.2.2).
async fn over_tcp(question: &[u8], server: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

fn question(id: u16, name: &str) -> Result<Vec<u8>, Failure> {
    let bad = |error: simple_dns::SimpleDnsError| {
        Failure::new(Trouble::Unknown, format_args!("no name server can know it ({error})"))
    };
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).map_err(bad)?;
    packet.questions.push(Question::new(name, QTYPE::TYPE(TYPE::A), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().map_err(bad)
}

/// An answer to this question; `None`: it is not.
fn read(id: u16, name: &str, bytes: &[u8]) -> Option<Reply> {
    let counts = bytes.get(4..12)?.chunks_exact(2).map(|c| usize::from(c[0]) << 8 | usize::from(c[1]));
    if counts.sum::<usize>() > RECORDS {
        return None;
    }
    let packet = Packet::parse(bytes).ok()?;
    let asked = Name::new(name).ok()?;
    let [question] = &packet.questions[..] else { return None };
    let ours = packet.has_flags(PacketFlag::RESPONSE)
        && packet.id() == id
        && question.qtype == QTYPE::TYPE(TYPE::A)
        && question.qname == asked;
    if !ours {
        return None;
    }
    if packet.has_flags(PacketFlag::TRUNCATION) {
        return Some(Reply::CutOff);
    }
    Some(Reply::Whole(match packet.rcode() {
        RCODE::NoError => found(&packet, asked),
        RCODE::NameError => Err(Failure::new(Trouble::Unknown, "there is no such name")),
        code => Err(Failure::new(Trouble::Failing, format_args!("it answers {code:?}"))),
    }))
}

fn found<'a>(packet: &Packet<'a>, mut name: Name<'a>) -> Result<Found, Failure> {
    let mut alias = None;
    for _ in 0..=ALIASES {
        let of_name = || packet.answers.iter().filter(|record| record.name == name);
        let addresses: Vec<Ipv4Addr> = of_name()
            .filter_map(|record| match &record.rdata {
                RData::A(a) => Some(Ipv4Addr::from(a.address)),
                _ => None,
            })
            .collect();
        if !addresses.is_empty() {
            return Ok(Found::Addresses(addresses));
        }
        let next = of_name().find_map(|record| match &record.rdata {
            RData::CNAME(target) => Some(target.0.clone()),
            _ => None,
        });
        match next {
            Some(next) => {
                alias = Some(next.to_string());
                name = next;
            }
            None => break,
        }
    }
    match alias {
        Some(alias) => Ok(Found::Alias(alias)),
        None => Err(Failure::new(Trouble::WithoutAddress, "the name has no IPv4 address")),
    }
}

/// Sixteen bits that nobody can guess.
fn arbitrary() -> u16 {
    // The hasher's keys are random; nothing needs to be hashed.
    (RandomState::new().build_hasher().finish() >> 24) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_datagram_is_looked_at_without_harm() {
        let asked = question(7, "www.example.com").ok().unwrap();
        let mut good = asked.clone();
        good[2..4].copy_from_slice(&[0x81, 0x80]);
        good[7] = 2;
        // An alias, and an address of it; both names point into the message.
        good.extend([0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'a', 0xC0, 16]);
        good.extend([0xC0, 45, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
        assert!(matches!(read(7, "www.example.com", &good), Some(Reply::Whole(Ok(Found::Addresses(_))))));
        let mut state = 1_u64;
        let mut next = move |end: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % end
        };
        let mut replies = 0;
        for _ in 0..100_000 {
            let mut bytes = good.clone();
            for _ in 0..=next(4) {
                // Pointers, lengths and counts among them more often.
                let value = if next(2) == 0 { [0xC0, 0xFF, 0, 12, 45, 64][next(6)] } else { next(256) as u8 };
                let at = next(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(bytes.len() - next(2) * next(20));
            replies += usize::from(read(7, "www.example.com", &bytes).is_some());
        }
        assert!(replies > 1_000, "{replies}");
    }
}
