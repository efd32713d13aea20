//! A whole module over real lines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use modem::{Coverage, Setup, WorldChange};
use modemtwin_host::client::{Address, Client};
use modemtwin_host::fleet;
use modemtwin_host::{Ended, Instance, Line, LineSpec, LineStage, Network, Parts, Store, unix_millis};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;
use transcript::{Bindings, Runner, Transcript};

const LONG: Duration = Duration::from_secs(30);

/// A module that finds no network: after a moment it has nothing to say by itself.
fn instance(state: &Path, lines: Vec<Line>) -> Instance {
    let mut setup = Setup::new(0, 1, unix_millis());
    setup.world.coverage = Coverage::Searching;
    Instance::new(Parts {
        name: "modem0".into(),
        setup,
        lines,
        store: Store::open(state).unwrap(),
        network: Arc::new(Network::default()),
        observer: None,
    })
}

async fn until(client: &mut DuplexStream, end: &str) -> String {
    let mut got = Vec::new();
    while !got.ends_with(end.as_bytes()) {
        let mut byte = [0];
        let read = timeout(LONG, client.read(&mut byte)).await;
        let read =
            read.unwrap_or_else(|_| panic!("no {end:?} in {:?}", String::from_utf8_lossy(&got))).unwrap();
        assert_ne!(read, 0, "the line ended: {:?}", String::from_utf8_lossy(&got));
        got.push(byte[0]);
    }
    String::from_utf8_lossy(&got).into_owned()
}

async fn ask(client: &mut DuplexStream, command: &str) -> String {
    client.write_all(command.as_bytes()).await.unwrap();
    client.write_all(b"\r").await.unwrap();
    until(client, "\r\nOK\r\n").await
}

#[tokio::test]
async fn answers_on_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("modem0");
    let module = instance(&dir.path().join("state"), vec![Line::open(&LineSpec::Pty(link.clone())).unwrap()]);
    let handle = module.handle();
    let host = async {
        let mut client = Client::open(&Address::Device(link.clone())).await.unwrap();
        client.write_all(b"AT\r").await.unwrap();
        let mut got = Vec::new();
        let mut buffer = [0; 256];
        while !got.ends_with(b"AT\r\r\nOK\r\n") {
            let count = timeout(LONG, client.read(&mut buffer)).await.expect("no answer").unwrap();
            got.extend_from_slice(&buffer[..count]);
        }
        handle.stop().await.unwrap();
    };
    let (ended, ()) = tokio::join!(module.run(std::future::pending()), host);
    assert_eq!(ended, Ended::Stopped);
    assert!(!link.exists() && link.symlink_metadata().is_err(), "the link is still there");
}

#[tokio::test]
async fn ends_with_its_line_after_the_last_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (line, mut client) = Line::memory();
    let module = instance(dir.path(), vec![line]);
    let host = async {
        let answer = ask(&mut client, "ATE0").await;
        client.shutdown().await.unwrap();
        answer
    };
    let (ended, answer) = tokio::join!(module.run(std::future::pending()), host);
    assert_eq!(ended, Ended::LineEnded);
    assert!(answer.ends_with("\r\nOK\r\n"));
    // The directory is free again.
    Store::open(dir.path()).unwrap();
}

#[tokio::test]
async fn lines_are_independent_and_the_world_can_be_reached() {
    let dir = tempfile::tempdir().unwrap();
    let ((first, mut one), (second, mut two)) = (Line::memory(), Line::memory());
    let module = instance(dir.path(), vec![first, second]);
    let handle = module.handle();
    let host = async {
        ask(&mut one, "ATE0").await;
        assert!(ask(&mut two, "AT").await.contains("AT\r"), "the second line lost its echo");
        handle.world(WorldChange::Rssi(7)).await.unwrap();
        handle.stop().await.unwrap();
    };
    let (ended, ()) = tokio::join!(module.run(std::future::pending()), host);
    assert_eq!(ended, Ended::Stopped);
    assert!(handle.stop().await.is_err());
}

#[tokio::test]
async fn ends_when_told_from_outside() {
    let dir = tempfile::tempdir().unwrap();
    let (line, _client) = Line::memory();
    assert_eq!(instance(dir.path(), vec![line]).run(std::future::ready(())).await, Ended::Stopped);
}

#[tokio::test]
async fn a_transcript_plays_on_a_real_line_in_real_time() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("modem0");
    let specs = [LineSpec::Pty(link.clone()), LineSpec::Tcp("127.0.0.1:0".parse().unwrap())];
    let lines: Vec<_> = specs.iter().map(|spec| Line::open(spec).unwrap()).collect();
    let address = lines[1].address().unwrap();
    let module = instance(&dir.path().join("state"), lines);
    let handle = module.handle();
    let play = move || {
        let mut stage = LineStage::open(&[Address::Device(link), Address::Tcp(address)])?;
        let bindings = Bindings::new();
        let too_much = Transcript::parse("set-up", "@module instance 7\n> AT\n< OK\n")?;
        let failure = Runner::new(&bindings).run(&mut stage, &too_much).unwrap_err();
        assert!(failure.to_string().contains("not possible"), "{failure}");

        stage.settle(Duration::from_millis(600), LONG).unwrap();
        let right = "> AT\n< OK\n> AT+FSCREATE=\"a\"\n< OK\n@line 1\n> AT\n< OK\n";
        Runner::new(&bindings).run(&mut stage, &Transcript::parse("right", right)?)?;
        let wrong = Transcript::parse("wrong", "> AT\n< OK\n> AT+FSDEL=\"a\"\n< ERROR\n")?;
        let failure =
            Runner::new(&bindings).limit(Duration::from_millis(500)).run(&mut stage, &wrong).unwrap_err();
        assert!(failure.to_string().contains("wrong:4"), "{failure}");
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(stage)
    };
    let host = async {
        let stage = tokio::task::spawn_blocking(play).await.unwrap().unwrap();
        drop(stage);
        handle.stop().await.unwrap();
    };
    tokio::join!(module.run(std::future::pending()), host);
}

#[tokio::test]
async fn modules_of_a_fleet_end_each_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (mut modules, mut clients) = (Vec::new(), Vec::new());
    for number in 0..3 {
        let (line, client) = Line::memory();
        modules.push(instance(&dir.path().join(number.to_string()), vec![line]));
        clients.push(client);
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let host = async {
        clients[0].shutdown().await.unwrap();
        for client in &mut clients[1..] {
            ask(client, "AT").await;
        }
        // The first one's state is free when it has ended; the others run on.
        while Store::open(&dir.path().join("0")).is_err() {
            tokio::task::yield_now().await;
        }
        ask(&mut clients[2], "AT").await;
        drop(stop);
    };
    let (outcomes, ()) = tokio::join!(fleet::run(modules, async { drop(stopped.await) }), host);
    let ended: Vec<_> = outcomes.iter().map(|outcome| outcome.ended).collect();
    assert_eq!(ended, [Ended::LineEnded, Ended::Stopped, Ended::Stopped]);
}
