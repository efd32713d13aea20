//! A whole module that asks real servers on loopback: names, echoes, the time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use modem::Setup;
use modemtwin_host::{Ended, Instance, Line, Network, Parts, Resolver, Store, unix_millis};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::UdpSocket;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);

/// Reads until one of `ends` has come; everything that was read.
async fn until(client: &mut DuplexStream, ends: &[&str]) -> String {
    let mut got = String::new();
    while !ends.iter().any(|end| got.ends_with(end)) {
        let mut byte = [0];
        let read = timeout(LONG, client.read(&mut byte)).await;
        assert!(matches!(read, Ok(Ok(1))), "no {ends:?} in {got:?}");
        got.push(char::from(byte[0]));
    }
    got
}

async fn ask(client: &mut DuplexStream, command: &str, ends: &[&str]) -> String {
    client.write_all(format!("{command}\r").as_bytes()).await.unwrap();
    until(client, ends).await
}

const FINAL: [&str; 2] = ["\r\nOK\r\n", "ERROR\r\n"];

/// A name server that knows one address, whatever the name, and says who asked for what.
async fn name_server() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

async fn answer_names(socket: UdpSocket) {
    let mut buffer = [0; 512];
    while let Ok((count, from)) = socket.recv_from(&mut buffer).await {
        let mut reply = buffer[..count].to_vec();
        reply[2..4].copy_from_slice(&[0x81, 0x80]);
        reply[6..8].copy_from_slice(&[0, 1]);
        // The name of the question, an IPv4 address for a minute: this computer.
        reply.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        socket.send_to(&reply, from).await.unwrap();
    }
}

/// A time server in 2018.
async fn answer_time(socket: UdpSocket) {
    let mut buffer = [0; 512];
    while let Ok((_, from)) = socket.recv_from(&mut buffer).await {
        let mut reply = [0; 48];
        reply[..2].copy_from_slice(&[4 << 3 | 4, 1]);
        reply[24..32].copy_from_slice(&buffer[40..48]);
        let now = ((1_526_456_969_u64 + 2_208_988_800) << 32).to_be_bytes();
        reply[32..40].copy_from_slice(&now);
        reply[40..].copy_from_slice(&now);
        socket.send_to(&reply, from).await.unwrap();
    }
}

#[tokio::test]
async fn names_echoes_and_the_time_over_real_sockets() {
    let (names, names_port) = name_server().await;
    let (time, time_port) = name_server().await;
    let servers = [tokio::spawn(answer_names(names)), tokio::spawn(answer_time(time))];
    let mut resolver = Resolver::new();
    resolver.add("192.0.2.53", "127.0.0.1".parse().unwrap(), Some(names_port));
    resolver.add("ntp.example", "127.0.0.1".parse().unwrap(), Some(time_port));
    let state = tempfile::tempdir().unwrap();
    let mut setup = Setup::new(0, 1, unix_millis());
    setup.world.network_time = false;
    let (line, mut client) = Line::memory();
    let module = Instance::new(Parts {
        name: "modem0".into(),
        setup,
        lines: vec![line],
        store: Store::open(state.path()).unwrap(),
        network: Arc::new(Network::new(resolver)),
        observer: None,
    });
    let handle = module.handle();
    let host = async {
        ask(&mut client, "ATE0", &FINAL).await;
        while !ask(&mut client, "AT+CGATT?", &FINAL).await.contains("+CGATT: 1") {}
        ask(&mut client, "AT+CDNSCFG=192.0.2.53", &FINAL).await;
        ask(&mut client, "AT+CSTT;+CIICR;+CIFSR;E0", &FINAL).await;
        let answer = ask(&mut client, "AT+CDNSGIP=a.example", &["\"\r\n", ",14\r\n", "ERROR\r\n"]).await;
        assert!(answer.ends_with("\r\nOK\r\n\r\n+CDNSGIP: 1,\"a.example\",\"127.0.0.1\"\r\n"), "{answer:?}");

        let answer = ask(&mut client, "AT+CIPPING=a.example,2", &FINAL).await;
        let lines: Vec<&str> = answer.split("\r\n").collect();
        match lines[..] {
            ["", first, second, "", "OK", ""] => {
                assert!(first.starts_with("+CIPPING: 1,\"127.0.0.1\","), "{answer:?}");
                assert!(second.starts_with("+CIPPING: 2,\"127.0.0.1\","), "{answer:?}");
                assert!(!answer.contains(",600,255"), "{answer:?}");
            }
            // Where the system lets nobody send echoes.
            _ => assert_eq!(answer, "\r\nERROR\r\n"),
        }

        ask(&mut client, "AT+SAPBR=1,1", &FINAL).await;
        ask(&mut client, "AT+CNTP=ntp.example,32", &FINAL).await;
        let answer = ask(&mut client, "AT+CNTP", &["+CNTP: 1\r\n", "ERROR\r\n", "5\r\n"]).await;
        assert_eq!(answer, "\r\nOK\r\n\r\n+CNTP: 1\r\n");
        let answer = ask(&mut client, "AT+CCLK?", &FINAL).await;
        assert!(answer.contains("+CCLK: \"18/05/16,15:49:"), "{answer:?}");

        // Nobody is left behind by a question that is never answered.
        for server in &servers {
            server.abort();
        }
        ask(&mut client, "AT+CDNSGIP=b.example", &FINAL).await;
        handle.stop().await.unwrap();
    };
    let (ended, ()) = tokio::join!(module.run(std::future::pending()), host);
    assert_eq!(ended, Ended::Stopped);
}

#[tokio::test]
async fn questions_that_the_module_has_given_up_do_not_pile_up() {
    // A name server that never answers.
    let (silent, port) = name_server().await;
    let mut resolver = Resolver::new();
    resolver.add("192.0.2.53", "127.0.0.1".parse().unwrap(), Some(port));
    let state = tempfile::tempdir().unwrap();
    let (line, mut client) = Line::memory();
    let module = Instance::new(Parts {
        name: "modem0".into(),
        setup: Setup::new(0, 1, unix_millis()),
        lines: vec![line],
        store: Store::open(state.path()).unwrap(),
        network: Arc::new(Network::new(resolver)),
        observer: None,
    });
    let handle = module.handle();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    let host = async {
        ask(&mut client, "ATE0", &FINAL).await;
        while !ask(&mut client, "AT+CGATT?", &FINAL).await.contains("+CGATT: 1") {}
        ask(&mut client, "AT+CDNSCFG=192.0.2.53", &FINAL).await;
        for round in 0..30 {
            ask(&mut client, "AT+CSTT", &FINAL).await;
            ask(&mut client, "AT+CIICR", &FINAL).await;
            for name in 0..8 {
                ask(&mut client, &format!("AT+CDNSGIP=n{name}.r{round}.example"), &FINAL).await;
            }
            // The eight are told that the bearer is gone.
            ask(&mut client, "AT+CIPSHUT", &["SHUT OK\r\n"]).await;
        }
        let more = descriptors().saturating_sub(before);
        handle.stop().await.unwrap();
        more
    };
    let (ended, more) = tokio::join!(module.run(std::future::pending()), host);
    assert_eq!(ended, Ended::Stopped);
    assert!(more < 100, "{more} descriptors more than before");
    drop(silent);
}
