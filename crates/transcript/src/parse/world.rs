//! What stands behind `@module`, `@world`, `@dns` and `@peer`.

use std::time::Duration;

use super::scan::{Fault, Scan};
use super::{LINE_RANGE, MOST_LINES};
use crate::outside::{
    Account, Apn, Break, Card, ConnectFailure, Coverage, Dns, DnsAnswer, LineKind, MessageService,
    ModuleSetting, Pace, PeerStep, SecureFailure, Transport, World,
};
use crate::step::{Action, Payload};

/// Behind `@module`: what only stands there, and the lasting ones of `@world`.
pub(super) fn setting(scan: &mut Scan<'_>) -> Result<ModuleSetting, Fault> {
    const ALLOWED: &str = "there are @module instance, seed, profile, unix, line, pin and power, and of @world card, account, rssi, \
                           coverage, time (or network-time), boot, card-start, attach, bearer granted and refused, apn, dns, \
                           private-servers and messages";
    let at = scan.next_at();
    Ok(match scan.word() {
        "instance" => ModuleSetting::Instance(scan.number("a number")?),
        "seed" => ModuleSetting::Seed(scan.number("a number")?),
        "profile" => ModuleSetting::Profile(scan.some_word("the profile's name")?.into()),
        "unix" => ModuleSetting::Unix(scan.number("seconds since 1970-01-01 UTC")?),
        "line" => ModuleSetting::Line {
            line: scan.value(LINE_RANGE, |w| w.parse().ok().filter(|&n| n < MOST_LINES))?,
            kind: scan.value("plain or auto-baud", |word| match word {
                "plain" => Some(LineKind::Plain),
                "auto-baud" => Some(LineKind::AutoBaud),
                _ => None,
            })?,
        },
        "power" => ModuleSetting::Power(scan.switch()?),
        "pin" => ModuleSetting::World(World::Card(Some(Card { pin: Some(pin(scan)?), ..Card::default() }))),
        word => match surroundings(word, scan)?.filter(|world| !world.passes()) {
            Some(world) => ModuleSetting::World(world),
            None => return Err(Fault::new(at, ALLOWED)),
        },
    })
}

/// Behind `@world`.
pub(super) fn change(scan: &mut Scan<'_>) -> Result<World, Fault> {
    const ALLOWED: &str = "there are @world card, account, rssi, coverage, time, boot, card-start, attach, bearer, apn, dns, \
                           private-servers, messages, power-key and reset";
    let at = scan.next_at();
    surroundings(scan.word(), scan)?.ok_or_else(|| Fault::new(at, ALLOWED))
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

/// What `word` and what follows it say about the surroundings; `None` if it says nothing about them.
pub(super) fn surroundings(word: &str, scan: &mut Scan<'_>) -> Result<Option<World>, Fault> {
    Ok(Some(match word {
        "card" => World::Card(card(scan)?),
        "account" => World::Account(scan.value("good, arrears or refused", account)?),
        "rssi" => World::Rssi(rssi(scan)?),
        "coverage" => World::Coverage(coverage(scan)?),
        "time" | "network-time" => World::NetworkTime(scan.switch()?),
        "boot" => World::Boot(pace(scan)?),
        "card-start" => World::CardStart(pace(scan)?),
        "attach" => World::Attach(pace(scan)?),
        "bearer" => scan.value("granted, refused or (not at the beginning) lost", |word| match word {
            "granted" => Some(World::Bearer(true)),
            "refused" => Some(World::Bearer(false)),
            "lost" => Some(World::BearerLost),
            _ => None,
        })?,
        "apn" => World::Apn(apn(scan)?),
        "dns" => World::Dns(scan.value("works, dead or failing", |word| match word {
            "works" => Some(Dns::Works),
            "dead" => Some(Dns::Dead),
            "failing" => Some(Dns::Failing),
            _ => None,
        })?),
        "private-servers" => {
            World::PrivateServers(scan.value("reachable or unreachable", |word| match word {
                "reachable" => Some(true),
                "unreachable" => Some(false),
                _ => None,
            })?)
        }
        "messages" => World::Messages(scan.value("carried, refused or no-center", |word| match word {
            "carried" => Some(MessageService::Carried),
            "refused" => Some(MessageService::Refused),
            "no-center" => Some(MessageService::NoCenter),
            _ => None,
        })?),
        "power-key" => World::PowerKey(pulse(scan, Duration::from_secs(2))?),
        "reset" => World::Reset(pulse(scan, Duration::from_millis(150))?),
        _ => return Ok(None),
    }))
}

/// `none`, `out`, or `in` and what is special about the card.
fn card(scan: &mut Scan<'_>) -> Result<Option<Card>, Fault> {
    const SPECIAL: &str =
        "behind in there may be pin DIGITS, puk DIGITS, blocked, and one of arrears and refused";
    let present = scan.value("in, out or none", |word| match word {
        "in" => Some(true),
        "out" | "none" => Some(false),
        _ => None,
    })?;
    if !present {
        return Ok(None);
    }
    let mut card = Card::default();
    loop {
        let at = scan.next_at();
        match scan.word() {
            "" => return Ok(Some(card)),
            "pin" if card.pin.is_none() => card.pin = Some(pin(scan)?),
            "puk" if card.puk.is_none() => {
                card.puk = Some(scan.value("a PUK of 8 digits", |word| digits(word, 8..=8))?);
            }
            "blocked" => card.blocked = true,
            word => match account(word).filter(|_| card.account == Account::Good) {
                Some(account) => card.account = account,
                None => return Err(Fault::new(at, SPECIAL)),
            },
        }
    }
}

fn account(word: &str) -> Option<Account> {
    match word {
        "good" => Some(Account::Good),
        "arrears" => Some(Account::Arrears),
        "refused" => Some(Account::Refused),
        _ => None,
    }
}

fn pin(scan: &mut Scan<'_>) -> Result<String, Fault> {
    scan.value("a PIN of 4 to 8 digits", |word| digits(word, 4..=8))
}

fn digits(word: &str, count: std::ops::RangeInclusive<usize>) -> Option<String> {
    (count.contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())).then(|| word.into())
}

fn rssi(scan: &mut Scan<'_>) -> Result<u8, Fault> {
    scan.value("a signal of 0 to 31, or 99", |word| word.parse().ok().filter(|&n| n <= 31 || n == 99))
}

fn coverage(scan: &mut Scan<'_>) -> Result<Coverage, Fault> {
    scan.value("home, roaming, searching, denied or unusable", |word| match word {
        "home" => Some(Coverage::Home),
        "roaming" => Some(Coverage::Roaming),
        "searching" => Some(Coverage::Searching),
        "denied" => Some(Coverage::Denied),
        "unusable" => Some(Coverage::Unusable),
        _ => None,
    })
}

fn pace(scan: &mut Scan<'_>) -> Result<Pace, Fault> {
    let pace = scan.value("normal, stuck, or slow and a time", |word| match word {
        "normal" => Some(Pace::Normal),
        "stuck" => Some(Pace::Stuck),
        "slow" => Some(Pace::Slow(Duration::ZERO)),
        _ => None,
    })?;
    if let Pace::Slow(_) = pace { Ok(Pace::Slow(scan.duration()?)) } else { Ok(pace) }
}

/// `any`, or `private`, one to three texts in quotes, and perhaps what becomes of others.
fn apn(scan: &mut Scan<'_>) -> Result<Apn, Fault> {
    let private = scan.value("any, or private and the APN", |word| match word {
        "private" => Some(true),
        "any" => Some(false),
        _ => None,
    })?;
    if !private {
        return Ok(Apn::Any);
    }
    let name = text(scan)?;
    if name.is_empty() {
        return Err(Fault::new(scan.at(), "the APN is empty"));
    }
    let mut more = [String::new(), String::new()];
    for part in &mut more {
        scan.blanks();
        if scan.peek() == Some('"') {
            *part = text(scan)?;
        }
    }
    let [user, password] = more;
    let dead_end = scan.value(
        "user name and password in quotes, and dead-end if another APN leads nowhere instead of being refused",
        |word| match word {
            "" => Some(false),
            "dead-end" => Some(true),
            _ => None,
        },
    )?;
    Ok(Apn::Private { name, user, password, dead_end })
}

/// Text in quotes.
fn text(scan: &mut Scan<'_>) -> Result<String, Fault> {
    let at = scan.next_at();
    String::from_utf8(scan.quoted()?).map_err(|_| Fault::new(at, "this is not UTF-8"))
}

/// How long a pin is low.
fn pulse(scan: &mut Scan<'_>, usual: Duration) -> Result<Duration, Fault> {
    scan.blanks();
    if scan.peek().is_none() { Ok(usual) } else { scan.duration() }
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
    const ALLOWED: &str = "there are @peer accept, refuse, timeout, unreachable, network-down, port-in-use, \
                           port-unavailable, dns-fails, tls-fails, tls-untrusted, tls-timeout, expect-connect, expect-tls, expect-secure, secure, \
                           secure-fails, secure-untrusted, secure-timeout, expect-from, expect-keep-alive, expect, send, send-bytes, \
                           half-close, close, cut, reset, breaks, stall, resume, hold-acks, ack and expect-close";
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
        "network-down" => PeerStep::Fail(ConnectFailure::NetworkDown),
        "port-in-use" => PeerStep::Fail(ConnectFailure::PortInUse),
        "port-unavailable" => PeerStep::Fail(ConnectFailure::PortUnavailable),
        "dns-fails" => PeerStep::Fail(ConnectFailure::Dns),
        "tls-fails" => PeerStep::Fail(ConnectFailure::Tls),
        "tls-untrusted" => PeerStep::Fail(ConnectFailure::TlsCertificate),
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
        "expect-secure" => {
            let at = scan.next_at();
            let none = || Fault::new(at, "here stand properties as in @peer expect-tls, or nothing");
            PeerStep::ExpectSecure(tls_fields(scan)?.ok_or_else(none)?)
        }
        "secure" => PeerStep::Secure,
        "secure-fails" => PeerStep::FailSecure(SecureFailure::Handshake),
        "secure-untrusted" => PeerStep::FailSecure(SecureFailure::Certificate),
        "secure-timeout" => PeerStep::FailSecure(SecureFailure::Timeout),
        "expect-from" => PeerStep::ExpectFrom(scan.value("a local port, or any", |word| match word {
            "any" => Some(None),
            port => port.parse().ok().map(Some),
        })?),
        "expect-keep-alive" => {
            PeerStep::ExpectKeepAlive(scan.value("off, or IDLE,INTERVAL,COUNT", |word| match word {
                "off" => Some(None),
                times => keep_alive(times).map(Some),
            })?)
        }
        "expect" => PeerStep::Expect(scan.payload()?),
        "send" => PeerStep::Send(scan.payload()?),
        "send-bytes" => PeerStep::Send(scan.generated()?),
        "half-close" => PeerStep::HalfClose,
        "close" => PeerStep::Close,
        "cut" => PeerStep::Cut,
        "reset" => PeerStep::Reset,
        "breaks" => PeerStep::Break(scan.value(
            "network, unreachable, timeout, aborted, shut-down, no-buffer, tls or unknown",
            |word| match word {
                "network" => Some(Break::Network),
                "unreachable" => Some(Break::Unreachable),
                "timeout" => Some(Break::Timeout),
                "aborted" => Some(Break::Aborted),
                "shut-down" => Some(Break::ShutDown),
                "no-buffer" => Some(Break::NoBuffer),
                "tls" => Some(Break::Tls),
                "unknown" => Some(Break::Unknown),
                _ => None,
            },
        )?),
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

/// Three numbers with commas between them.
fn keep_alive(word: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = word.split(',').map(str::parse);
    let mut next = || numbers.next()?.ok();
    let times = (next()?, next()?, next()?);
    numbers.next().is_none().then_some(times)
}

/// What can be said about a TLS connect, in `@peer expect-tls`.
const TLS_FIELDS: [&str; 18] = [
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
    "resumable",
    "resume",
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
