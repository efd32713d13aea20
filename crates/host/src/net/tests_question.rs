//! Questions asked of real servers on loopback: name servers and time servers that answer well, badly, and not at all.

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use modem::{Query, QueryFailure, QueryId, QueryReply};
use simple_dns::rdata::{A, CNAME, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, RCODE, ResourceRecord};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

const LONG: Duration = Duration::from_secs(30);
/// What the module calls its name servers; rules lead to ours.
const FIRST: &str = "192.0.2.53";
const SECOND: &str = "192.0.2.54";

async fn answer(network: Network, query: Query) -> Result<QueryReply, Unanswered> {
    let mut question = Question::ask("m", QueryId(1), query, Arc::new(network));
    let answer = timeout(LONG, poll_fn(|cx| question.poll(cx))).await.expect("no answer");
    question.log(&answer);
    answer.map_err(|unanswered| *unanswered)
}

/// A server on loopback that ends with the test.
struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers datagrams: with whatever `reply` makes of each.
async fn udp(mut reply: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Server {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok((count, from)) = socket.recv_from(&mut buffer).await {
            for bytes in reply(&buffer[..count]) {
                socket.send_to(&bytes, from).await.unwrap();
            }
        }
    });
    Server { address, task }
}

/// An address where nothing listens.
async fn nobody() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn network(rules: &[(&str, SocketAddr)]) -> Network {
    let mut resolver = Resolver::new();
    for (host, address) in rules {
        resolver.add(host, address.ip(), Some(address.port()));
    }
    Network::new(resolver)
}

fn resolve(host: &str, servers: &[&str]) -> Query {
    let name_servers = servers.iter().map(|text| text.parse().unwrap()).collect();
    Query::Resolve { host: host.into(), name_servers, timeout: 20_000 }
}

/// A name server's answer: who has which address or stands for whom.
fn zone(question: &[u8], code: RCODE, records: &[(&str, &str)]) -> Vec<u8> {
    let asked = Packet::parse(question).unwrap();
    assert!(asked.has_flags(PacketFlag::RECURSION_DESIRED));
    let mut reply = Packet::new_reply(asked.id());
    reply.questions = asked.questions;
    *reply.rcode_mut() = code;
    for (name, leads) in records {
        let data = match leads.parse::<Ipv4Addr>() {
            Ok(address) => RData::A(A::from(address)),
            Err(_) => RData::CNAME(CNAME(Name::new_unchecked(leads))),
        };
        reply.answers.push(ResourceRecord::new(Name::new_unchecked(name), CLASS::IN, 60, data));
    }
    reply.build_bytes_vec_compressed().unwrap()
}

fn address(text: &str) -> Result<QueryReply, Unanswered> {
    Ok(QueryReply::Address(text.parse().unwrap()))
}

#[tokio::test]
async fn the_module_s_name_servers_are_asked_and_rules_come_first() {
    let server = udp(|question| {
        vec![zone(
            question,
            RCODE::NoError,
            &[("www.example.com", "198.51.100.7"), ("www.example.com", "198.51.100.8")],
        )]
    })
    .await;
    let rules = [(FIRST, server.address)];
    assert_eq!(answer(network(&rules), resolve("www.example.com", &[FIRST])).await, address("198.51.100.7"));
    assert_eq!(answer(network(&rules), resolve("WWW.Example.COM.", &[FIRST])).await, address("198.51.100.7"));
    let mut own = Resolver::new();
    own.add("www.example.com", "127.0.0.9".parse().unwrap(), None);
    assert_eq!(answer(Network::new(own), resolve("www.example.com", &[FIRST])).await, address("127.0.0.9"));
    assert_eq!(answer(network(&[]), resolve("203.0.113.9", &[FIRST])).await, address("203.0.113.9"));
    // Without name servers the system is asked, and only IPv4 counts.
    assert!(
        matches!(answer(network(&[]), resolve("localhost", &[])).await, Ok(QueryReply::Address(IpAddr::V4(a))) if a.is_loopback())
    );
    let six = network(&[("six.example", "[::1]:1".parse().unwrap())]);
    let without = answer(six, resolve("six.example", &[])).await.unwrap_err();
    assert_eq!((without.class, without.fault), (QueryFailure::UnknownName, Fault::Command));
}

#[tokio::test]
async fn a_connect_asks_the_module_s_name_servers_too() {
    let listener = tests::listener().await;
    let port = listener.local_addr().unwrap().port();
    let server = udp(|question| vec![zone(question, RCODE::NoError, &[("here.example", "127.0.0.1")])]).await;
    let bench = tests::Bench::new();
    let mut connect = tests::to(modem::Transport::Tcp, SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    connect.host = "here.example".into();
    connect.name_servers = vec![FIRST.parse().unwrap()];
    let network = Arc::new(network(&[(FIRST, server.address)]));
    let mut link =
        Link::open("m", modem::ConnId(1), connect, tls::Resumption::None, network, Arc::clone(&bench.store));
    let happened = tests::next(&mut link).await.0;
    assert!(matches!(happened, Happened::Connected(..)), "{happened:?}");
}

#[tokio::test]
async fn names_that_stand_for_others_are_followed() {
    let server = udp(|question| {
        let name = Packet::parse(question).unwrap().questions[0].qname.to_string();
        vec![match &name[..] {
            "within.example" => zone(
                question,
                RCODE::NoError,
                &[("within.example", "b.example"), ("b.example", "c.example"), ("c.example", "198.51.100.3")],
            ),
            "loop.example" => zone(question, RCODE::NoError, &[("loop.example", "loop.example")]),
            "outside.example" => zone(question, RCODE::NoError, &[("outside.example", "d.example")]),
            "d.example" => zone(question, RCODE::NoError, &[("d.example", "198.51.100.4")]),
            _ => zone(question, RCODE::NoError, &[]),
        }]
    })
    .await;
    let ask = |host: &'static str| answer(network(&[(FIRST, server.address)]), resolve(host, &[FIRST]));
    assert_eq!(ask("within.example").await, address("198.51.100.3"));
    assert_eq!(ask("outside.example").await, address("198.51.100.4"));
    let endless = ask("loop.example").await.unwrap_err();
    assert_eq!(endless.class, QueryFailure::BadNameServer, "{endless}");
    let without = ask("empty.example").await.unwrap_err();
    assert_eq!((without.class, without.fault), (QueryFailure::UnknownName, Fault::Command));
    assert!(without.to_string().contains("the name exists, but has no address"), "{without}");
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_is_of_no_use() {
    let good = udp(|question| vec![zone(question, RCODE::NoError, &[("a.example", "198.51.100.7")])]).await;
    let failing = udp(|question| vec![zone(question, RCODE::ServerFailure, &[])]).await;
    for first in [failing.address, nobody().await] {
        let rules = [(FIRST, first), (SECOND, good.address)];
        assert_eq!(
            answer(network(&rules), resolve("a.example", &[FIRST, SECOND])).await,
            address("198.51.100.7")
        );
    }
    // But "no such name" is an answer.
    let unknown = udp(|question| vec![zone(question, RCODE::NameError, &[])]).await;
    let rules = [(FIRST, unknown.address), (SECOND, good.address)];
    let refused = answer(network(&rules), resolve("a.example", &[FIRST, SECOND])).await.unwrap_err();
    assert_eq!((refused.class, refused.fault), (QueryFailure::UnknownName, Fault::Command));
    assert_eq!(
        refused.to_string(),
        format!(
            "m name a.example: the name a.example could not be resolved: there is no such name ({}: there is no such name); \
             is the name spelt right? `--resolve` gives a name an address of your own [cause: host command]",
            unknown.address
        )
    );
}

#[tokio::test]
async fn each_failure_of_name_servers_has_its_class_and_cause() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let failing = udp(|question| vec![zone(question, RCODE::ServerFailure, &[])]).await;
    let refusing = udp(|question| vec![zone(question, RCODE::Refused, &[])]).await;
    let other_id = udp(|question| {
        let mut reply = zone(question, RCODE::NoError, &[("a.example", "198.51.100.66")]);
        reply[0] ^= 0xFF;
        vec![reply]
    })
    .await;
    let other_name = udp(|question| {
        let mut asked = Packet::parse(question).unwrap();
        asked.questions[0].qname = Name::new_unchecked("b.example");
        let other = asked.build_bytes_vec().unwrap();
        let mut question = question.to_vec();
        question.splice(12.., other[12..].iter().copied());
        vec![zone(&question, RCODE::NoError, &[("b.example", "198.51.100.66")])]
    })
    .await;
    let garbage = udp(|_| vec![vec![0xFF; 300], vec![], vec![0; 5]]).await;
    let cases = [
        (
            silent.local_addr().unwrap(),
            QueryFailure::NoNameServer,
            Fault::Configuration,
            "no answer within 2 s",
        ),
        (nobody().await, QueryFailure::NoNameServer, Fault::Configuration, "no name server listens there"),
        (failing.address, QueryFailure::BadNameServer, Fault::Peer, "it answers ServerFailure"),
        (refusing.address, QueryFailure::BadNameServer, Fault::Peer, "it answers Refused"),
        (other_id.address, QueryFailure::BadNameServer, Fault::Peer, "is not to this question"),
        (other_name.address, QueryFailure::BadNameServer, Fault::Peer, "is not to this question"),
        (garbage.address, QueryFailure::BadNameServer, Fault::Peer, "is not to this question"),
    ];
    let asked = cases.map(|(server, class, fault, words)| async move {
        let refused = answer(network(&[(FIRST, server)]), resolve("a.example", &[FIRST])).await.unwrap_err();
        assert_eq!((refused.class, refused.fault), (class, fault), "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
    });
    let mut running: Vec<_> = asked.into_iter().map(tokio::spawn).collect();
    for case in &mut running {
        case.await.unwrap();
    }
    drop(silent);
    let too_long = format!("{}.example", "x".repeat(64));
    let refused = answer(network(&[]), resolve(&too_long, &[FIRST])).await.unwrap_err();
    assert_eq!(refused.class, QueryFailure::UnknownName, "{refused}");
}

#[tokio::test]
async fn a_guessed_answer_does_not_keep_the_right_one_out() {
    let server = udp(|question| {
        let right = zone(question, RCODE::NoError, &[("a.example", "198.51.100.7")]);
        let mut guessed = zone(question, RCODE::NoError, &[("a.example", "198.51.100.66")]);
        guessed[1] ^= 1;
        vec![guessed, question.to_vec(), right]
    })
    .await;
    let asked = answer(network(&[(FIRST, server.address)]), resolve("a.example", &[FIRST])).await;
    assert_eq!(asked, address("198.51.100.7"));
}

/// A name server whose answers do not fit a datagram, and what it says over TCP on the same port.
async fn cut_off(over_tcp: fn(&[u8]) -> Vec<u8>) -> (Server, JoinHandle<()>) {
    loop {
        let server = udp(|question| {
            let mut reply = zone(question, RCODE::NoError, &[]);
            reply[2] |= 2;
            vec![reply]
        })
        .await;
        // Somebody else may have that port.
        let Ok(listener) = TcpListener::bind(server.address).await else { continue };
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
                stream.read_exact(&mut question).await.unwrap();
                stream.write_all(&over_tcp(&question)).await.unwrap();
            }
        });
        return (server, task);
    }
}

#[tokio::test]
async fn what_was_cut_off_is_fetched_over_tcp() {
    fn framed(bytes: Vec<u8>) -> Vec<u8> {
        [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], &bytes].concat()
    }
    let (server, task) =
        cut_off(|question| framed(zone(question, RCODE::NoError, &[("big.example", "198.51.100.9")]))).await;
    let asked = answer(network(&[(FIRST, server.address)]), resolve("big.example", &[FIRST])).await;
    assert_eq!(asked, address("198.51.100.9"));
    task.abort();

    let (server, task) = cut_off(|_| vec![0, 40, 1, 2, 3]).await;
    let asked =
        answer(network(&[(FIRST, server.address)]), resolve("big.example", &[FIRST])).await.unwrap_err();
    assert_eq!(asked.class, QueryFailure::BadNameServer, "{asked}");
    assert!(asked.to_string().contains("over TCP it gives none"), "{asked}");
    task.abort();
}

/// A time server's answer: stratum 2, at 2020-09-13 12:26:40 UTC.
fn time(question: &[u8]) -> [u8; 48] {
    assert_eq!((question.len(), question[0]), (48, 4 << 3 | 3));
    let mut reply = [0; 48];
    reply[0] = 4 << 3 | 4;
    reply[1] = 2;
    reply[24..32].copy_from_slice(&question[40..48]);
    let now = ((1_600_000_000_u64 + 2_208_988_800) << 32).to_be_bytes();
    reply[32..40].copy_from_slice(&now);
    reply[40..48].copy_from_slice(&now);
    reply
}

fn ask_time(timeout: u64) -> Query {
    Query::Time { host: "ntp.example".into(), name_servers: Vec::new(), timeout }
}

#[tokio::test]
async fn the_time_comes_from_a_server() {
    let server = udp(|question| vec![time(question).to_vec()]).await;
    let asked = answer(network(&[("ntp.example", server.address)]), ask_time(20_000)).await;
    let Ok(QueryReply::Time(millis)) = asked else { panic!("{asked:?}") };
    // Half of the way there and back, which is less than the time-out.
    assert!((1_600_000_000_000..1_600_000_010_000).contains(&millis), "{millis}");
}

#[tokio::test]
async fn answers_that_are_not_to_the_question_do_not_keep_the_right_one_out() {
    let mut first = true;
    let server = udp(move |question| {
        // The first question is lost.
        if std::mem::take(&mut first) {
            return Vec::new();
        }
        let mut guessed = time(question);
        guessed[31] ^= 1;
        vec![guessed.to_vec(), vec![0; 10], question.to_vec(), time(question).to_vec()]
    })
    .await;
    let asked = answer(network(&[("ntp.example", server.address)]), ask_time(20_000)).await;
    assert!(matches!(asked, Ok(QueryReply::Time(_))), "{asked:?}");
}

#[tokio::test]
async fn each_failure_of_time_servers_has_its_class_and_cause() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let changed = |change: fn(&mut [u8; 48])| {
        udp(move |question| {
            let mut reply = time(question);
            change(&mut reply);
            vec![reply.to_vec()]
        })
    };
    let unset = changed(|reply| reply[0] |= 3 << 6).await;
    let kiss = changed(|reply| {
        reply[1] = 0;
        reply[12..16].copy_from_slice(b"DENY");
    })
    .await;
    let guess = changed(|reply| reply[24] ^= 1).await;
    let short = udp(|question| vec![time(question)[..47].to_vec()]).await;
    let cases = [
        (silent.local_addr().unwrap(), QueryFailure::Timeout, Fault::Environment, "within 300 ms"),
        (nobody().await, QueryFailure::Unreachable, Fault::Peer, "no time server listens"),
        (unset.address, QueryFailure::BadAnswer, Fault::Peer, "its own clock is not set"),
        (kiss.address, QueryFailure::BadAnswer, Fault::Peer, "it refuses to serve (kiss of death, DENY)"),
        (guess.address, QueryFailure::BadAnswer, Fault::Peer, "a question that nobody asked"),
        (short.address, QueryFailure::BadAnswer, Fault::Peer, "something shorter than an answer"),
    ];
    for (server, class, fault, words) in cases {
        let refused = answer(network(&[("ntp.example", server)]), ask_time(300)).await.unwrap_err();
        assert_eq!((refused.class, refused.fault), (class, fault), "{refused}");
        assert!(refused.to_string().starts_with("m time from ntp.example: "), "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
    }
    let unknown =
        Query::Time { host: "a.example".into(), name_servers: vec![FIRST.parse().unwrap()], timeout: 20_000 };
    let refused = answer(network(&[(FIRST, nobody().await)]), unknown).await.unwrap_err();
    assert_eq!(refused.class, QueryFailure::NoNameServer, "{refused}");
}

fn ask_echo(host: &str, sequence: u16, length: u16) -> Query {
    Query::Echo { host: host.into(), name_servers: Vec::new(), sequence, length, ttl: 64, timeout: 20_000 }
}

#[tokio::test]
async fn echoes_come_back_where_the_system_lets_them_out() {
    for (sequence, length) in [(1, 32), (2, 0), (65_535, 1024)] {
        match answer(network(&[]), ask_echo("127.0.0.1", sequence, length)).await {
            Ok(QueryReply::Echo { from, ttl, .. }) => {
                assert_eq!(from, IpAddr::V4(Ipv4Addr::LOCALHOST));
                assert!(ttl > 0);
            }
            Ok(other) => panic!("{other:?}"),
            Err(refused) => {
                assert_eq!((refused.class, refused.fault), (QueryFailure::NotPossible, Fault::Environment));
                assert!(refused.to_string().contains("ping_group_range"), "{refused}");
                return;
            }
        }
    }
    // Rules hold for echoes, too.
    let mut resolver = Resolver::new();
    resolver.add("far.example", "127.0.0.8".parse().unwrap(), Some(80));
    let asked = answer(Network::new(resolver), ask_echo("far.example", 1, 32)).await;
    assert!(
        matches!(asked, Ok(QueryReply::Echo { from, .. }) if from == IpAddr::V4(Ipv4Addr::new(127, 0, 0, 8))),
        "{asked:?}"
    );
    let six =
        answer(network(&[("six.example", "[::1]:1".parse().unwrap())]), ask_echo("six.example", 1, 32)).await;
    assert_eq!(six.unwrap_err().class, QueryFailure::UnknownName);
}

#[tokio::test]
async fn nobody_carries_messages_here() {
    let message = Query::Message { destination: "10086".into(), tpdu: vec![1] };
    assert_eq!(answer(network(&[]), message).await.unwrap_err().class, QueryFailure::NotPossible);
}
