use std::future::poll_fn;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use modem::Flow;
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::client::{Address, Client as Serial};

pub(super) const LONG: Duration = Duration::from_secs(20);

pub(super) async fn next(line: &mut Line) -> (LineEvent, Vec<u8>) {
    let mut buffer = [0; 1024];
    let event = timeout(LONG, poll_fn(|cx| line.poll(cx, &mut buffer))).await.expect("nothing happened");
    let bytes = if let LineEvent::Received(count) = event { buffer[..count].to_vec() } else { vec![] };
    (event, bytes)
}

/// Polls until `done`; bytes that come are collected.
pub(super) async fn until(line: &mut Line, mut done: impl FnMut(&Line, &[u8]) -> bool) -> Vec<u8> {
    let mut got = Vec::new();
    let mut buffer = [0; 1024];
    let all = poll_fn(|cx| {
        while let Poll::Ready(event) = line.poll(cx, &mut buffer) {
            if let LineEvent::Received(count) = event {
                got.extend_from_slice(&buffer[..count]);
            }
        }
        if done(line, &got) { Poll::Ready(()) } else { Poll::Pending }
    });
    timeout(LONG, all).await.expect("it did not come to that");
    got
}

pub(super) async fn write(line: &mut Line, bytes: &[u8]) {
    line.write(bytes.to_vec());
    until(line, |line, _| line.is_flushed()).await;
}

pub(super) fn presence(line: &Line) -> String {
    match &line.port {
        Port::Pty(pty) => pty.presence_for_test(),
        _ => String::new(),
    }
}

pub(super) async fn read_exactly(client: &mut Serial, count: usize) -> Vec<u8> {
    let mut got = Vec::new();
    let mut buffer = [0; 1024];
    while got.len() < count {
        let read = timeout(LONG, client.read(&mut buffer)).await.expect("nothing came").unwrap();
        assert_ne!(read, 0, "the line closed");
        got.extend_from_slice(&buffer[..read]);
    }
    got
}

pub(super) fn pty() -> (TempDir, Address, Line) {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("modem0");
    let line = Line::open(&LineSpec::Pty(link.clone())).unwrap();
    (dir, Address::Device(link), line)
}

pub(super) fn every_byte() -> Vec<u8> {
    (0..=255).collect()
}

#[tokio::test]
async fn a_terminal_carries_every_byte_both_ways() {
    let (_dir, address, mut line) = pty();
    let mut client = Serial::open(&address).await.unwrap();
    client.write_all(&every_byte()).await.unwrap();
    let got = until(&mut line, |_, got| got.len() >= 256).await;
    assert_eq!(got, every_byte());
    write(&mut line, &every_byte()).await;
    assert_eq!(read_exactly(&mut client, 256).await, every_byte());
}

#[tokio::test]
async fn the_first_client_reads_what_was_written_before_it_came() {
    let (_dir, address, mut line) = pty();
    write(&mut line, b"\r\nRDY\r\n").await;
    let mut client = Serial::open(&address).await.unwrap();
    assert_eq!(read_exactly(&mut client, 7).await, b"\r\nRDY\r\n");
}

#[tokio::test]
async fn what_is_written_without_bound_before_the_first_client_blocks_nothing() {
    let (_dir, address, mut line) = pty();
    for _ in 0..40 {
        write(&mut line, &[b'x'; 8192]).await;
    }
    let mut client = Serial::open(&address).await.unwrap();
    assert_eq!(read_exactly(&mut client, 4000).await[..4000], [b'x'; 4000]);
}

#[tokio::test]
async fn what_nobody_listens_to_is_lost_and_the_next_client_starts_clean() {
    let (_dir, address, mut line) = pty();
    let client = Serial::open(&address).await.unwrap();
    until(&mut line, |line, _| presence(line) == "Here(1)").await;
    write(&mut line, b"not read").await;
    drop(client);
    until(&mut line, |line, _| presence(line) == "Gone").await;
    write(&mut line, b"lost").await;
    let mut client = Serial::open(&address).await.unwrap();
    until(&mut line, |line, _| presence(line) == "Here(1)").await;
    write(&mut line, b"fresh").await;
    assert_eq!(read_exactly(&mut client, 5).await, b"fresh");
}

#[tokio::test]
async fn a_terminal_survives_many_clients_and_stays_raw() {
    let (_dir, address, mut line) = pty();
    for round in 0..20_u8 {
        let Address::Device(path) = &address else { unreachable!() };
        // A client that sets nothing, as a shell's redirection does.
        let mut file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        io::Write::write_all(&mut file, &[b'\r', b'\n', 3, round]).unwrap();
        let got = until(&mut line, |_, got| got.len() >= 4).await;
        assert_eq!(got, [b'\r', b'\n', 3, round]);
        write(&mut line, b"\r\nOK\r\n").await;
        let mut answer = [0; 6];
        io::Read::read_exact(&mut file, &mut answer).unwrap();
        assert_eq!(&answer, b"\r\nOK\r\n");
        drop(file);
        until(&mut line, |line, _| presence(line) == "Gone").await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_output_back() {
    let (_dir, address, mut line) = pty();
    let mut client = Serial::open(&address).await.unwrap();
    until(&mut line, |line, _| presence(line) == "Here(1)").await;
    let all: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    line.write(all.clone());
    let mut written = 0;
    let mut buffer = [0; 16];
    poll_fn(|cx| {
        while let Poll::Ready(event) = line.poll(cx, &mut buffer) {
            let LineEvent::Written(count) = event else { panic!("{event:?}") };
            written += count;
        }
        Poll::Ready(())
    })
    .await;
    assert!(written < all.len(), "the terminal took it all");
    let reader = read_exactly(&mut client, all.len());
    let ((), got) = tokio::join!(
        async {
            until(&mut line, |line, _| line.is_flushed()).await;
        },
        reader
    );
    assert_eq!(got, all);
}

#[tokio::test]
async fn a_client_that_leaves_without_reading_blocks_nothing() {
    let (_dir, address, mut line) = pty();
    let client = Serial::open(&address).await.unwrap();
    until(&mut line, |line, _| presence(line) == "Here(1)").await;
    line.write(vec![b'x'; 200_000]);
    drop(client);
    until(&mut line, |line, _| line.is_flushed()).await;
}

#[tokio::test]
async fn more_than_the_bound_is_lost_not_kept() {
    let (_dir, address, mut line) = pty();
    let _client = Serial::open(&address).await.unwrap();
    until(&mut line, |line, _| presence(line) == "Here(1)").await;
    line.write(vec![b'x'; OUTPUT_LIMIT]);
    line.write(vec![b'y'; 10]);
    let (event, _) = next(&mut line).await;
    assert!(matches!(event, LineEvent::Written(count) if count >= 10), "{event:?}");
    assert!(line.queue.bytes() < OUTPUT_LIMIT);
}

#[tokio::test]
async fn the_link_is_removed_at_the_end_and_only_if_it_is_ours() {
    let (dir, address, line) = pty();
    let Address::Device(path) = &address else { unreachable!() };
    assert!(std::fs::read_link(path).unwrap().starts_with("/dev/pts"));
    drop(line);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    let line = Line::open(&LineSpec::Pty(path.clone())).unwrap();
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, b"mine").unwrap();
    drop(line);
    assert_eq!(std::fs::read(path).unwrap(), b"mine");
}

#[tokio::test]
async fn the_link_replaces_stale_links_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &Path| Line::open(&LineSpec::Pty(path.into()));
    let file = dir.path().join("file");
    std::fs::write(&file, b"precious").unwrap();
    let error = open(&file).unwrap_err();
    assert!(matches!(error, LineError::Occupied(_)), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");

    let to_file = dir.path().join("to-file");
    symlink(&file, &to_file).unwrap();
    assert!(matches!(open(&to_file), Err(LineError::Occupied(_))));

    let dangling = dir.path().join("dangling");
    symlink("/nowhere/at/all", &dangling).unwrap();
    assert!(matches!(open(&dangling), Err(LineError::Occupied(_))));
    assert_eq!(std::fs::read_link(&dangling).unwrap(), Path::new("/nowhere/at/all"));

    for (name, target) in [("gone", "/dev/pts/999999"), ("old", "/dev/pts/ptmx")] {
        let path = dir.path().join(name);
        symlink(target, &path).unwrap();
        let line = open(&path).unwrap();
        assert_ne!(std::fs::read_link(&path).unwrap(), Path::new(target));
        assert!(line.name().contains(name), "{}", line.name());
    }
    assert!(matches!(open(&dir.path().join("missing/dir")), Err(LineError::Io { .. })));
}

#[tokio::test]
async fn many_lines_need_no_more_than_one_watch_and_hear_each_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = |number: usize| dir.path().join(number.to_string());
    // More than a user may have inotify instances.
    let mut lines: Vec<_> = (0..150).map(|n| Line::open(&LineSpec::Pty(path(n))).unwrap()).collect();
    let client = Serial::open(&Address::Device(path(7))).await.unwrap();
    // Whoever looks first gives the event out.
    for line in lines.iter_mut().rev() {
        until(line, |_, _| true).await;
    }
    until(&mut lines[7], |line, _| presence(line) == "Here(1)").await;
    assert_eq!(lines.iter().filter(|line| presence(line) == "NotYet").count(), 149);
    drop(client);
    until(&mut lines[7], |line, _| presence(line) == "Gone").await;
}

#[tokio::test]
async fn the_link_of_a_running_twin_is_not_taken_away() {
    let (dir, _, line) = pty();
    let path = dir.path().join("modem0");
    let target = std::fs::read_link(&path).unwrap();
    let error = Line::open(&LineSpec::Pty(path.clone())).unwrap_err();
    assert!(matches!(error, LineError::InUse(_)), "{error}");
    assert_eq!(std::fs::read_link(&path).unwrap(), target);
    drop(line);
    Line::open(&LineSpec::Pty(path)).unwrap();
}

async fn tcp() -> (SocketAddr, Line) {
    let line = Line::open(&LineSpec::Tcp("127.0.0.1:0".parse().unwrap())).unwrap();
    (line.address().unwrap(), line)
}

#[tokio::test]
async fn a_port_keeps_the_boot_messages_and_takes_one_client_at_a_time() {
    let (address, mut line) = tcp().await;
    write(&mut line, b"\r\nRDY\r\n").await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"AT\r").await.unwrap();
    assert_eq!(until(&mut line, |_, got| got.len() >= 3).await, b"AT\r");
    let mut answer = [0; 7];
    timeout(LONG, first.read_exact(&mut answer)).await.expect("no greeting").unwrap();
    assert_eq!(&answer, b"\r\nRDY\r\n");
    write(&mut line, b"OK").await;
    first.read_exact(&mut answer[..2]).await.unwrap();
    assert_eq!(&answer[..2], b"OK");

    let mut second = TcpStream::connect(address).await.unwrap();
    let mut byte = [0];
    let closed = async { matches!(second.read(&mut byte).await, Ok(0) | Err(_)) };
    let turned_away = tokio::select! {
        closed = closed => closed,
        _ = until(&mut line, |_, _| false) => false,
    };
    assert!(turned_away);

    drop(first);
    // What is written to nobody is lost; whether the port has noticed yet or not, nothing blocks.
    write(&mut line, b"lost").await;
    let mut third = loop {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"3").await.unwrap();
        let taken = tokio::select! {
            got = until(&mut line, |_, got| !got.is_empty()) => got == b"3",
            _ = stream.read(&mut byte) => false,
        };
        if taken {
            break stream;
        }
    };
    write(&mut line, b"!").await;
    third.read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"!");
}

#[tokio::test]
async fn a_client_that_only_listens_from_now_on_still_gets_its_answer() {
    let (address, mut line) = tcp().await;
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"AT\r").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(until(&mut line, |_, got| got.len() >= 3).await, b"AT\r");
    write(&mut line, b"OK").await;
    let mut answer = [0; 2];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"OK");
    // It does not keep the next one out.
    let mut next = TcpStream::connect(address).await.unwrap();
    next.write_all(b"x").await.unwrap();
    assert_eq!(until(&mut line, |_, got| !got.is_empty()).await, b"x");
}

#[tokio::test]
async fn a_client_that_comes_back_at_once_is_not_kept_out_by_what_it_sent_before() {
    let (address, mut line) = tcp().await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"A").await.unwrap();
    assert_eq!(until(&mut line, |_, got| !got.is_empty()).await, b"A");
    // Nobody looks at the line meanwhile.
    first.write_all(b"B").await.unwrap();
    drop(first);
    drop(TcpStream::connect(address).await.unwrap());
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(b"C").await.unwrap();
    assert_eq!(until(&mut line, |_, got| got.len() >= 2).await, b"BC");
    write(&mut line, b"!").await;
    let mut byte = [0];
    timeout(LONG, second.read_exact(&mut byte)).await.expect("no answer").unwrap();
    assert_eq!(&byte, b"!");
}

#[tokio::test]
async fn a_line_in_memory_ends_with_its_client() {
    let (mut line, mut client) = Line::memory();
    client.write_all(b"AT\r").await.unwrap();
    assert_eq!(next(&mut line).await, (LineEvent::Received(3), b"AT\r".to_vec()));
    write(&mut line, b"OK").await;
    let mut answer = [0; 2];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"OK");
    drop(client);
    assert_eq!(next(&mut line).await.0, LineEvent::Ended);
    write(&mut line, b"lost").await;
}

#[tokio::test]
async fn a_client_that_comes_and_goes_is_dtr_on_and_off() {
    let (_dir, address, mut line) = pty();
    let mut client = Serial::open(&address).await.unwrap();
    client.write_all(b"AT\r").await.unwrap();
    assert_eq!(next(&mut line).await.0, LineEvent::Dtr(true));
    assert_eq!(next(&mut line).await, (LineEvent::Received(3), b"AT\r".to_vec()));
    client.write_all(b"ATH\r").await.unwrap();
    drop(client);
    // What it has sent comes first.
    assert_eq!(next(&mut line).await, (LineEvent::Received(4), b"ATH\r".to_vec()));
    assert_eq!(next(&mut line).await.0, LineEvent::Dtr(false));

    // A client that does not want DTR to be dropped, as `stty -hupcl` has it.
    let Address::Device(path) = &address else { unreachable!() };
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut termios = tcgetattr(&file).unwrap();
    assert!(termios.control_modes.contains(ControlModes::HUPCL), "not as a serial port's");
    termios.control_modes.remove(ControlModes::HUPCL);
    tcsetattr(&file, OptionalActions::Now, &termios).unwrap();
    assert_eq!(next(&mut line).await.0, LineEvent::Dtr(true));
    drop(file);
    let mut buffer = [0; 16];
    let gone = poll_fn(|cx| {
        let polled = line.poll(cx, &mut buffer);
        assert!(polled.is_pending(), "{polled:?}");
        let Port::Pty(pty) = &line.port else { unreachable!() };
        if pty.is_deserted_for_test() { Poll::Ready(()) } else { Poll::Pending }
    });
    timeout(LONG, gone).await.expect("it is still there");
}

#[tokio::test]
async fn a_terminal_shows_the_rate_to_whoever_sets_none() {
    let (_dir, address, mut line) = pty();
    let Address::Device(path) = &address else { unreachable!() };
    let rate = || tcgetattr(std::fs::File::open(path).unwrap()).unwrap().output_speed();
    assert_eq!(rate(), 115_200);
    until(&mut line, |line, _| presence(line) == "Gone").await;
    line.set(LineSetting::Rate(9600));
    until(&mut line, |line, _| line.is_flushed()).await;
    assert_eq!(rate(), 9600);
    until(&mut line, |line, _| presence(line) == "Gone").await;
    // A client's own choice is not touched.
    let mut client = Serial::open(&address).await.unwrap();
    client.write_all(b"x").await.unwrap();
    until(&mut line, |_, got| !got.is_empty()).await;
    line.set(LineSetting::Rate(1200));
    until(&mut line, |line, _| line.is_flushed()).await;
    assert_eq!(rate(), 9600);
    assert_eq!(line.port.client_rate(), Some(9600));
}

#[tokio::test]
async fn characters_hold_the_output_if_they_are_to() {
    let (mut line, mut client) = Line::memory();
    client.write_all(b"a\x13b\x11").await.unwrap();
    assert_eq!(next(&mut line).await.1, b"a\x13b\x11");

    let flow = |by_dte| LineSetting::Flow { by_dte, by_dce: Flow::None };
    line.set(flow(Flow::Software));
    client.write_all(b"c\x13d").await.unwrap();
    assert_eq!(next(&mut line).await.1, b"cd");
    line.write(b"held".to_vec());
    let mut buffer = [0; 16];
    assert!(poll_fn(|cx| Poll::Ready(line.poll(cx, &mut buffer))).await.is_pending());
    client.write_all(b"\x11").await.unwrap();
    assert_eq!(next(&mut line).await.0, LineEvent::Written(4));
    line.set(flow(Flow::None));
    client.write_all(b"\x13").await.unwrap();
    assert_eq!(next(&mut line).await.1, b"\x13");
    write(&mut line, b"not held").await;
}

#[tokio::test]
async fn who_left_holds_nothing() {
    let (address, mut line) = tcp().await;
    line.set(LineSetting::Flow { by_dte: Flow::Software, by_dce: Flow::None });
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"a\x13").await.unwrap();
    until(&mut line, |line, _| line.in_band.holds()).await;
    line.write(b"for the next".to_vec());
    drop(first);
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(b"x").await.unwrap();
    until(&mut line, |line, _| line.is_flushed()).await;
    let mut answer = [0; 12];
    timeout(LONG, second.read_exact(&mut answer)).await.expect("no answer").unwrap();
    assert_eq!(&answer, b"for the next");
}
