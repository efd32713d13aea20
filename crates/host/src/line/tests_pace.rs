//! The timing of a UART, in virtual time.

use std::time::Duration;

use modem::{Framing, LineKind, LineSetting, Parity};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::tests::{next, pty, until};
use super::*;

/// What the runtime's clock may be late by, once per direction.
const LATE: Duration = Duration::from_millis(2);

fn time_of(bytes: usize, bits: u32, rate: u32) -> Duration {
    Duration::from_secs_f64(bytes as f64 * f64::from(bits) / f64::from(rate))
}

/// What came, and at which times after `start`.
#[derive(Default)]
struct Arrivals {
    bytes: Vec<u8>,
    times: Vec<(Duration, usize)>,
}

impl Arrivals {
    fn add(&mut self, start: Instant, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.times.push((start.elapsed(), self.bytes.len()));
    }

    /// Nothing was faster than the wire, and the whole not slower.
    fn keep_pace(&self, bits: u32, rate: u32) -> Result<(), TestCaseError> {
        for (time, bytes) in &self.times {
            let least = time_of(*bytes, bits, rate);
            prop_assert!(
                *time + Duration::from_micros(1) >= least,
                "{bytes} bytes after {time:?}, not {least:?}"
            );
        }
        let (time, bytes) = self.times.last().copied().unwrap_or_default();
        let most = time_of(bytes, bits, rate) + LATE;
        prop_assert!(time <= most, "{bytes} bytes took {time:?}, not {most:?}");
        Ok(())
    }
}

async fn outward(rate: u32, framing: Framing, chunks: &[Vec<u8>]) -> Arrivals {
    let (line, mut client) = Line::memory();
    let mut line = line.paced(Baud::Fixed(rate));
    line.set(LineSetting::Framing(framing));
    for chunk in chunks {
        line.write(chunk.clone());
    }
    let start = Instant::now();
    let total = chunks.iter().map(Vec::len).sum();
    let mut arrivals = Arrivals::default();
    let mut buffer = [0; 64];
    let mut scratch = [0; 16];
    while arrivals.bytes.len() < total {
        tokio::select! {
            biased;
            count = client.read(&mut buffer) => arrivals.add(start, &buffer[..count.unwrap()]),
            event = std::future::poll_fn(|cx| line.poll(cx, &mut scratch)) => {
                assert!(matches!(event, LineEvent::Written(_)), "{event:?}");
            }
        }
    }
    arrivals
}

async fn inward(rate: u32, chunks: &[Vec<u8>], room: usize) -> Arrivals {
    let (line, mut client) = Line::memory();
    let mut line = line.paced(Baud::Fixed(rate));
    let start = Instant::now();
    for chunk in chunks {
        client.write_all(chunk).await.unwrap();
    }
    let total = chunks.iter().map(Vec::len).sum();
    let mut arrivals = Arrivals::default();
    let mut buffer = vec![0; room];
    while arrivals.bytes.len() < total {
        let event = std::future::poll_fn(|cx| line.poll(cx, &mut buffer)).await;
        let LineEvent::Received(count) = event else { panic!("{event:?}") };
        arrivals.add(start, &buffer[..count]);
    }
    arrivals
}

fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(future)
}

fn chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let chunk = prop::collection::vec(any::<u8>(), 1..400);
    prop::collection::vec(chunk, 1..8)
}

fn rate() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![600, 1200, 9600, 38_400, 115_200, 460_800, 921_600])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_module_says_comes_at_the_pace_of_the_wire(
        rate in rate(), data_bits in 7_u8..=8, stop_bits in 1_u8..=2, even: bool, chunks in chunks(),
    ) {
        let parity = if even { Parity::Even } else { Parity::None };
        let framing = Framing { data_bits, parity, stop_bits };
        let arrivals = in_virtual_time(outward(rate, framing, &chunks));
        prop_assert_eq!(&arrivals.bytes, &chunks.concat());
        arrivals.keep_pace(1 + u32::from(data_bits) + u32::from(stop_bits) + u32::from(even), rate)?;
    }

    #[test]
    fn what_the_client_says_comes_at_the_pace_of_the_wire(
        rate in rate(), chunks in chunks(), room in 1_usize..600,
    ) {
        let arrivals = in_virtual_time(inward(rate, &chunks, room));
        prop_assert_eq!(&arrivals.bytes, &chunks.concat());
        arrivals.keep_pace(10, rate)?;
    }
}

/// How long it takes until everything written has left.
async fn flush(line: &mut Line) -> Duration {
    let start = Instant::now();
    until(line, |line, _| line.is_flushed()).await;
    start.elapsed()
}

fn assert_near(time: Duration, expected: Duration) {
    assert!(time >= expected && time <= expected + LATE, "{time:?}, not {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn another_rate_counts_behind_the_answer() {
    let (line, _client) = Line::memory();
    let mut line = line.paced(Baud::Fixed(115_200));
    assert_eq!(line.kind(), LineKind::Plain);
    line.write(vec![b'x'; 1152]);
    line.set(LineSetting::Rate(1200));
    line.write(vec![b'x'; 120]);
    assert_near(flush(&mut line).await, Duration::from_millis(1100));
    line.set(LineSetting::Rate(0));
    line.write(vec![b'x'; 1152]);
    assert_near(flush(&mut line).await, Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn an_idle_wire_saves_nothing_up() {
    let (line, mut client) = Line::memory();
    let mut line = line.paced(Baud::Fixed(1200));
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(3)).await;
        line.write(vec![b'x'; 120]);
        assert_near(flush(&mut line).await, Duration::from_secs(1));
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(3)).await;
        // Nobody looks at what is no room for.
        let _ = std::future::poll_fn(|cx| Poll::Ready(line.poll(cx, &mut []))).await;
        client.write_all(&[b'y'; 120]).await.unwrap();
        let start = Instant::now();
        until(&mut line, |_, got| got.len() >= 120).await;
        assert_near(start.elapsed(), Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_paced_line_ends_behind_its_last_byte() {
    let (line, mut client) = Line::memory();
    let mut line = line.paced(Baud::Fixed(600));
    client.write_all(b"AT\r").await.unwrap();
    drop(client);
    assert_eq!(next(&mut line).await, (LineEvent::Received(3), b"AT\r".to_vec()));
    assert_eq!(next(&mut line).await.0, LineEvent::Ended);
}

#[tokio::test]
async fn an_automatic_rate_is_the_clients() {
    let (_dir, address, line) = pty();
    let mut line = line.paced(Baud::Auto);
    assert_eq!(line.kind(), LineKind::AutoBaud);
    let crate::client::Address::Device(path) = &address else { unreachable!() };
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut termios = rustix::termios::tcgetattr(&file).unwrap();
    termios.set_speed(38_400).unwrap();
    rustix::termios::tcsetattr(&file, rustix::termios::OptionalActions::Now, &termios).unwrap();
    io::Write::write_all(&mut file, b"AT\r").unwrap();
    until(&mut line, |_, got| got == b"AT\r").await;
    assert_eq!(line.pace.as_ref().unwrap().rate_for_test(), 38_400);
    line.set(LineSetting::Rate(9600));
    until(&mut line, |line, _| line.is_flushed()).await;
    assert_eq!(line.pace.as_ref().unwrap().rate_for_test(), 9600);
}
