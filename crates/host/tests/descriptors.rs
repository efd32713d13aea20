//! A process without a free file handle. It is a test program of its own, because the limit concerns all of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::fs::File;
use std::future::poll_fn;
use std::time::Duration;

use modemtwin_host::line::LineEvent;
use modemtwin_host::{Line, LineSpec};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpSocket;
use tokio::time::sleep;

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_client_that_could_not_be_taken_in_is_taken_in_later() {
    let mut line = Line::open(&LineSpec::Tcp("127.0.0.1:0".parse().unwrap())).unwrap();
    let client = TcpSocket::new_v4().unwrap();
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(64);
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    let client = client.connect(line.address().unwrap()).await.unwrap();
    client.writable().await.unwrap();
    client.try_write(b"AT\r").unwrap();

    // It waits in the listener's queue. Once the line has been polled, nothing new happens there any more.
    let mut buffer = [0; 16];
    let event = poll_fn(|cx| {
        let polled = line.poll(cx, &mut buffer);
        if polled.is_pending() {
            hoard.clear();
        }
        polled
    });
    // Not `timeout`, which would look after the line once more at the end of the time.
    let event = tokio::select! {
        biased;
        () = sleep(LONG) => panic!("the client was forgotten"),
        event = event => event,
    };
    assert_eq!(event, LineEvent::Received(3));
    assert_eq!(&buffer[..3], b"AT\r");
}
