//! What stands behind `@module`, `@world`, `@dns` and `@peer`.

use super::scan::{Fault, Scan};
use super::{LINE_RANGE, MOST_LINES};
use crate::outside::{
    Card, ConnectFailure, Coverage, DnsAnswer, LineKind, ModuleSetting, PeerStep, Transport, World,
};
use crate::step::{Action, Payload};

/// Behind `@module`.
pub(super) fn setting(scan: &mut Scan<'_>) -> Result<ModuleSetting, Fault> {
    const ALLOWED: &str = "there are @module instance, seed, profile, pin, card, network-time, coverage, bearer, rssi, unix and line";
    let at = scan.next_at();
    Ok(match scan.word() {
        "instance" => ModuleSetting::Instance(scan.number("a number")?),
        "seed" => ModuleSetting::Seed(scan.number("a number")?),
        "profile" => ModuleSetting::Profile(scan.some_word("the profile's name")?.into()),
        "pin" => ModuleSetting::Card(Some(Card { pin: Some(pin(scan)?), puk: puk(scan)? })),
        "card" => ModuleSetting::Card(card(scan)?),
        "network-time" => ModuleSetting::NetworkTime(scan.switch()?),
        "coverage" => ModuleSetting::Coverage(coverage(scan)?),
        "bearer" => ModuleSetting::Bearer(bearer(scan)?),
        "rssi" => ModuleSetting::Rssi(rssi(scan)?),
        "unix" => ModuleSetting::Unix(scan.number("seconds since 1970-01-01 UTC")?),
        "line" => ModuleSetting::Line {
            line: scan.value(LINE_RANGE, |w| w.parse().ok().filter(|&n| n < MOST_LINES))?,
            kind: scan.value("plain or auto-baud", |word| match word {
                "plain" => Some(LineKind::Plain),
                "auto-baud" => Some(LineKind::AutoBaud),
                _ => None,
            })?,
        },
        _ => return Err(Fault::new(at, ALLOWED)),
    })
}

/// Behind `@world`.
pub(super) fn change(scan: &mut Scan<'_>) -> Result<World, Fault> {
    const ALLOWED: &str = "there are @world card, rssi, coverage, bearer, time and power-key";
    let at = scan.next_at();
    Ok(match scan.word() {
        "card" => World::Card(card(scan)?),
        "rssi" => World::Rssi(rssi(scan)?),
        "coverage" => World::Coverage(coverage(scan)?),
        "time" => World::NetworkTime(scan.switch()?),
        "power-key" => World::PowerKey,
        "bearer" => {
            scan.blanks();
            if scan.skip("lost") { World::BearerLost } else { World::Bearer(bearer(scan)?) }
        }
        _ => return Err(Fault::new(at, ALLOWED)),
    })
}

/// Behind `@line-setting`: the same words with single blanks; `None` is `none`.
pub(super) fn line_setting(scan: &mut Scan<'_>) -> Result<Option<String>, Fault> {
    const ALLOWED: &str = "there are @line-setting rate, framing, flow, dcd, ri, dsr and none";
    let at = scan.next_at();
    Ok(Some(match scan.word() {
        "none" => return Ok(None),
        "rate" => format!("rate {}", scan.number::<u32>("bits per second")?),
        "framing" => scan.value("a frame such as 8N1", |word| {
            let [bits, parity, stop] = word.as_bytes() else { return None };
            let good = b"78".contains(bits) && b"NOE".contains(parity) && b"12".contains(stop);
            good.then(|| format!("framing {word}"))
        })?,
        "flow" => {
            let mut flow = || {
                scan.value("none, software or hardware", |word| {
                    ["none", "software", "hardware"].contains(&word).then(|| word.to_owned())
                })
            };
            format!("flow {} {}", flow()?, flow()?)
        }
        signal @ ("dcd" | "ri" | "dsr") => format!("{signal} {}", if scan.switch()? { "on" } else { "off" }),
        _ => return Err(Fault::new(at, ALLOWED)),
    }))
}

/// `none`, `out`, or `in` and perhaps `pin DIGITS` and `puk DIGITS`.
fn card(scan: &mut Scan<'_>) -> Result<Option<Card>, Fault> {
    let present = scan.value("in, out or none", |word| match word {
        "in" => Some(true),
        "out" | "none" => Some(false),
        _ => None,
    })?;
    if !present {
        return Ok(None);
    }
    scan.blanks();
    let code = if scan.skip("pin ") { Some(pin(scan)?) } else { None };
    Ok(Some(Card { pin: code, puk: puk(scan)? }))
}

fn pin(scan: &mut Scan<'_>) -> Result<String, Fault> {
    scan.value("a PIN of 4 to 8 digits", |word| digits(word, 4..=8))
}

fn puk(scan: &mut Scan<'_>) -> Result<Option<String>, Fault> {
    scan.blanks();
    if scan.skip("puk ") {
        return scan.value("a PUK of 8 digits", |word| digits(word, 8..=8)).map(Some);
    }
    Ok(None)
}

fn digits(word: &str, count: std::ops::RangeInclusive<usize>) -> Option<String> {
    (count.contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())).then(|| word.into())
}

fn rssi(scan: &mut Scan<'_>) -> Result<u8, Fault> {
    scan.value("a signal of 0 to 31, or 99", |word| word.parse().ok().filter(|&n| n <= 31 || n == 99))
}

fn coverage(scan: &mut Scan<'_>) -> Result<Coverage, Fault> {
    scan.value("home, roaming, searching or denied", |word| match word {
        "home" => Some(Coverage::Home),
        "roaming" => Some(Coverage::Roaming),
        "searching" => Some(Coverage::Searching),
        "denied" => Some(Coverage::Denied),
        _ => None,
    })
}

fn bearer(scan: &mut Scan<'_>) -> Result<bool, Fault> {
    scan.value("granted or refused (in @world also lost)", |word| match word {
        "granted" => Some(true),
        "refused" => Some(false),
        _ => None,
    })
}

/// Behind `@dns NAME`.
pub(super) fn dns_answer(scan: &mut Scan<'_>) -> Result<DnsAnswer, Fault> {
    scan.value("an address, or fails", |word| match word {
        "fails" => Some(DnsAnswer::Fails),
        address => address.parse().ok().map(DnsAnswer::Address),
    })
}

/// Behind `@peer`.
pub(super) fn peer(scan: &mut Scan<'_>) -> Result<Action, Fault> {
    scan.blanks();
    let number = match scan.peek() {
        Some('0'..='9') => {
            Some(scan.value("a connection's number, from 1", |w| w.parse().ok().filter(|&n| n > 0))?)
        }
        _ => None,
    };
    Ok(Action::Peer { number, step: peer_step(scan)? })
}

fn peer_step(scan: &mut Scan<'_>) -> Result<PeerStep<Payload>, Fault> {
    const ALLOWED: &str = "there are @peer accept, refuse, timeout, unreachable, dns-fails, tls-fails, tls-timeout, \
                           expect-connect, expect-tls, expect, send, send-bytes, half-close, close, reset, stall, resume, \
                           hold-acks, ack and expect-close";
    let at = scan.next_at();
    Ok(match scan.word() {
        "accept" => {
            PeerStep::Accept(scan.value("an address and port such as 192.0.2.7:443, or nothing", |word| {
                if word.is_empty() { Some(None) } else { word.parse().ok().map(Some) }
            })?)
        }
        "refuse" => PeerStep::Fail(ConnectFailure::Refused),
        "timeout" => PeerStep::Fail(ConnectFailure::Timeout),
        "unreachable" => PeerStep::Fail(ConnectFailure::Unreachable),
        "dns-fails" => PeerStep::Fail(ConnectFailure::Dns),
        "tls-fails" => PeerStep::Fail(ConnectFailure::Tls),
        "tls-timeout" => PeerStep::Fail(ConnectFailure::TlsTimeout),
        "expect-connect" => PeerStep::ExpectConnect {
            transport: scan.value("tcp or udp", |word| match word {
                "tcp" => Some(Transport::Tcp),
                "udp" => Some(Transport::Udp),
                _ => None,
            })?,
            host: scan.some_word("the host")?.into(),
            port: scan.number("a port")?,
        },
        "expect-tls" => PeerStep::ExpectTls(tls_fields(scan)?),
        "expect" => PeerStep::Expect(scan.payload()?),
        "send" => PeerStep::Send(scan.payload()?),
        "send-bytes" => PeerStep::Send(scan.generated()?),
        "half-close" => PeerStep::HalfClose,
        "close" => PeerStep::Close,
        "reset" => PeerStep::Reset,
        "stall" => PeerStep::Stall,
        "resume" => PeerStep::Resume,
        "hold-acks" => PeerStep::HoldAcks,
        "ack" => PeerStep::Ack,
        "expect-close" => PeerStep::ExpectClose {
            quick: scan.value("quick, slow or nothing", |word| match word {
                "" => Some(None),
                "quick" => Some(Some(true)),
                "slow" => Some(Some(false)),
                _ => None,
            })?,
        },
        _ => return Err(Fault::new(at, ALLOWED)),
    })
}

/// What can be said about a TLS connect, in `@peer expect-tls`.
const TLS_FIELDS: [&str; 16] = [
    "context",
    "version",
    "suites",
    "seclevel",
    "cacert",
    "clientcert",
    "clientkey",
    "verifymode",
    "hostname",
    "host",
    "ignorelocaltime",
    "now",
    "clock-set",
    "clientrandom",
    "premaster",
    "negotiatetimeout",
];

fn tls_fields(scan: &mut Scan<'_>) -> Result<Option<Vec<(String, String)>>, Fault> {
    let mut fields = Vec::new();
    loop {
        let at = scan.next_at();
        let word = scan.word();
        if word.is_empty() {
            return Ok(Some(fields));
        }
        if word == "none" && fields.is_empty() {
            return Ok(None);
        }
        let (key, value) =
            word.split_once('=').filter(|(key, _)| TLS_FIELDS.contains(key)).ok_or_else(|| {
                let known = TLS_FIELDS.join(", ");
                Fault::new(at, format!("here stands none, or KEY=VALUE with one of these keys: {known}"))
            })?;
        fields.push((key.into(), value.into()));
    }
}
