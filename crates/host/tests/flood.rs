//! Peers that send more than the line takes: commands are answered all the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use modem::Setup;
use modemtwin_host::{Instance, Line, Network, Parts, Store, unix_millis};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);
/// As many links as the module has.
const LINKS: usize = 8;
/// How much of the flood may stand in front of an answer, in bytes. What waits for the line is far less.
const PATIENCE: usize = 4 << 20;

/// Reads, a little at a time, until `wanted` has been said.
async fn until(client: &mut DuplexStream, wanted: &str) {
    let mut tail = Vec::new();
    let mut read = 0;
    let mut buffer = [0; 512];
    while !tail.windows(wanted.len()).any(|window| window == wanted.as_bytes()) {
        let count = timeout(LONG, client.read(&mut buffer)).await.expect("silence").unwrap();
        assert_ne!(count, 0, "the line ended");
        let old = tail.len().saturating_sub(wanted.len());
        tail.drain(..old);
        tail.extend_from_slice(&buffer[..count]);
        read += count;
        assert!(read < PATIENCE, "no {wanted:?}");
    }
}

/// Sends without end to everyone who connects.
async fn flood(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move { while stream.write_all(&[b'y'; 16 << 10]).await.is_ok() {} });
    }
}

#[tokio::test]
async fn a_command_is_answered_between_the_data_of_all_links() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(flood(listener));
    let (line, mut client) = Line::memory();
    let module = Instance::new(Parts {
        name: "modem0".into(),
        setup: Setup::new(0, 1, unix_millis()),
        lines: vec![line],
        store: Store::open(dir.path()).unwrap(),
        network: Arc::new(Network::default()),
        observer: None,
    });
    let handle = module.handle();
    let host = async {
        until(&mut client, "+NITZ").await;
        client.write_all(b"ATE0\rAT+CIPMUX=1;+CSTT;+CIICR;+CIFSR\r").await.unwrap();
        until(&mut client, "\r\n10.").await;
        for link in 0..LINKS {
            client.write_all(format!("AT+CIPSTART={link},TCP,127.0.0.1,{port}\r").as_bytes()).await.unwrap();
            until(&mut client, &format!("{link}, CONNECT OK")).await;
        }
        for _ in 0..20 {
            client.write_all(b"AT+CGMM\r").await.unwrap();
            until(&mut client, "Air724UG").await;
        }
        client.write_all(b"AT+CIPSHUT\r").await.unwrap();
        until(&mut client, "SHUT OK\r\n").await;
        handle.stop().await.unwrap();
    };
    tokio::join!(module.run(std::future::pending()), host);
}
