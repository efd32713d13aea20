//! Bytes at the pace of a UART, on lines that have none: a client sees the timing that a bit rate gives.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use modem::{Framing, LineSetting, Parity};
use tokio::time::{Instant, Sleep, sleep_until};

/// The rate while nobody has said one.
pub const DEFAULT_RATE: u32 = 115_200;
/// How many bytes are on the wire together: a small FIFO's worth, so that a fast line is not woken for each of them.
const FIFO: usize = 16;
/// How many received bytes wait for their time. The rest waits where it came from, so that the client is held back.
pub(super) const HELD: usize = 256;
const NANOS: u128 = 1_000_000_000;

/// How fast a line that is no UART pretends to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baud {
    /// So many bits per second, until AT+IPR sets another rate.
    Fixed(u32),
    /// What AT+IPR says; until it says something, what the client has set its terminal to, or else
    /// [`DEFAULT_RATE`]. The module finds the rate out, as on its UART: it is silent until `AT` has come.
    Auto,
}

/// A UART's timing.
#[derive(Debug)]
pub(super) struct Pace {
    baud: Baud,
    /// What AT+IPR says; 0: nothing.
    set: u32,
    /// What the client's terminal says.
    client: Option<u32>,
    /// Bits per character, with start and stop.
    bits: u32,
    output: Wire,
    input: Wire,
    /// Received, not through yet.
    held: Vec<u8>,
}

impl Pace {
    pub(super) fn new(baud: Baud) -> Self {
        let (output, input) = (Wire::default(), Wire::default());
        Self { baud, set: 0, client: None, bits: 10, output, input, held: Vec::new() }
    }

    pub(super) fn set(&mut self, setting: LineSetting) {
        match setting {
            LineSetting::Rate(rate) => self.set = rate,
            LineSetting::Framing(framing) => self.bits = bits(framing),
            LineSetting::Flow { .. } | LineSetting::Signal(..) => return,
        }
        // What is on its way counts from here on.
        self.output.rest();
        self.input.rest();
    }

    fn speed(&self) -> Speed {
        let rate = match (self.set, self.baud) {
            (0, Baud::Fixed(rate)) => rate,
            (0, Baud::Auto) => self.client.unwrap_or(DEFAULT_RATE),
            (rate, _) => rate,
        };
        Speed { rate: rate.max(1), bits: self.bits }
    }

    /// How many of `wanted` bytes have gone over the wire; at least one.
    pub(super) fn poll_output(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        let speed = self.speed();
        self.output.poll(cx, wanted, speed)
    }

    /// So many bytes were taken.
    pub(super) fn sent(&mut self, count: usize) {
        self.output.passed += count as u64;
    }

    /// There is nothing to send, or the other side takes nothing: time that passes now does not count.
    pub(super) fn output_rests(&mut self) {
        self.output.rest();
    }

    /// As [`output_rests`](Self::output_rests), for what comes in.
    pub(super) fn input_rests(&mut self) {
        self.input.rest();
    }

    /// Whether something that was received is still on its way.
    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// What has come, at most [`HELD`] bytes, from a client that has set this rate, if it has one.
    pub(super) fn received(&mut self, bytes: &[u8], client: Option<u32>) {
        self.client = client.filter(|rate| *rate > 0);
        self.held.extend_from_slice(bytes);
    }

    /// What has come through.
    pub(super) fn poll_input(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        let wanted = self.held.len().min(buffer.len());
        let speed = self.speed();
        let Poll::Ready(count) = self.input.poll(cx, wanted, speed) else { return Poll::Pending };
        buffer[..count].copy_from_slice(&self.held[..count]);
        self.held.drain(..count);
        self.input.passed += count as u64;
        Poll::Ready(count)
    }
}

fn bits(framing: Framing) -> u32 {
    let parity = u32::from(framing.parity != Parity::None);
    1 + u32::from(framing.data_bits) + parity + u32::from(framing.stop_bits)
}

#[derive(Clone, Copy)]
struct Speed {
    rate: u32,
    bits: u32,
}

impl Speed {
    /// How many bytes are over after this time.
    fn bytes_in(self, time: Duration) -> u64 {
        let bytes = time.as_nanos() * u128::from(self.rate) / (u128::from(self.bits) * NANOS);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// How long this many bytes take.
    fn time_of(self, bytes: u64) -> Duration {
        let nanos = (u128::from(bytes) * u128::from(self.bits) * NANOS).div_ceil(u128::from(self.rate));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Wire {
    /// When it became busy; `None`: it is idle.
    busy: Option<Instant>,
    /// How many bytes have been given on since then.
    passed: u64,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    /// How many of `wanted` bytes are over; at least one, if any are wanted.
    fn poll(&mut self, cx: &mut Context<'_>, wanted: usize, speed: Speed) -> Poll<usize> {
        let batch = wanted.min(FIFO) as u64;
        loop {
            let now = Instant::now();
            let busy = *self.busy.get_or_insert(now);
            let over = speed.bytes_in(now.saturating_duration_since(busy)).saturating_sub(self.passed);
            if over >= batch {
                return Poll::Ready(usize::try_from(over).unwrap_or(usize::MAX).min(wanted));
            }
            let due = busy + speed.time_of(self.passed + batch);
            let alarm = match &mut self.alarm {
                Some(alarm) => {
                    if alarm.deadline() != due {
                        alarm.as_mut().reset(due);
                    }
                    alarm
                }
                None => self.alarm.insert(Box::pin(sleep_until(due))),
            };
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn rest(&mut self) {
        self.busy = None;
        self.passed = 0;
    }
}

#[cfg(test)]
impl Pace {
    /// Bits per second.
    pub(super) fn rate_for_test(&self) -> u32 {
        self.speed().rate
    }
}
