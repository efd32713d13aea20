//! A real serial device: this computer stands in the place of a module.
//!
//! A device that vanishes (an adapter is pulled out) is looked for until it is back, and then set up as it was.

mod device;
mod hunt;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use modem::{Flow, Framing, LineSetting, Parity, Signal};
use tokio::time::{Instant, Sleep, sleep_until};

use super::LineError;
use super::circuits::{Circuits, Dtr};
use crate::net::EXPLAIN;
use device::Open;
use hunt::{Heard, Hunt};

/// How often a device that is gone is looked for.
const SEARCH: Duration = Duration::from_millis(500);
/// How often the circuits are looked at. Waiting for them in the kernel would take a thread that nothing can end.
const SAMPLE: Duration = Duration::from_millis(50);
/// How often a device that is held is asked whether it has sent everything.
const DRAIN: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// How the device is to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mode {
    rate: u32,
    framing: Framing,
    by_dte: Flow,
    by_dce: Flow,
}

impl Mode {
    fn new(rate: u32) -> Self {
        let framing = Framing { data_bits: 8, parity: Parity::None, stop_bits: 1 };
        Self { rate, framing, by_dte: Flow::None, by_dce: Flow::None }
    }

    /// How long so many characters take.
    fn time_of(self, characters: usize) -> Duration {
        let parity = u64::from(self.framing.parity != Parity::None);
        let bits = 1 + u64::from(self.framing.data_bits) + parity + u64::from(self.framing.stop_bits);
        let micros = (characters as u64).saturating_mul(bits * 1_000_000) / u64::from(self.rate.max(1));
        Duration::from_micros(micros.min(60_000_000))
    }
}

/// The twin's side of a serial device.
#[derive(Debug)]
pub(super) struct Serial {
    path: PathBuf,
    /// `None`: it has vanished.
    open: Option<Open>,
    mode: Mode,
    hunt: Hunt,
    circuits: Circuits,
    dtr: Dtr,
    /// When what has been written will have left at the earliest. The driver does not count what is in the UART itself.
    sent_at: Instant,
    /// For the next look: at the circuits, or for the device.
    look: Pin<Box<Sleep>>,
    drain: Pin<Box<Sleep>>,
    ri_told: bool,
    failure_told: bool,
}

impl Serial {
    pub(super) fn open(path: &Path, rate: u32, carrier: bool) -> Result<Self, LineError> {
        let mode = Mode::new(rate);
        let open = Open::new(path)?;
        match open.apply(mode) {
            Ok(differences) if differences.rate.is_none() => {}
            Ok(_) => return Err(LineError::Rate { device: path.into(), rate }),
            Err(error) => return Err(LineError::io(format!("set up {}", path.display()))(error)),
        }
        let now = Instant::now();
        let mut serial = Self {
            path: path.into(),
            open: Some(open),
            mode,
            hunt: Hunt::new(),
            circuits: Circuits::new(carrier),
            dtr: Dtr::default(),
            sent_at: now,
            look: Box::pin(sleep_until(now)),
            drain: Box::pin(sleep_until(now)),
            ri_told: false,
            failure_told: false,
        };
        serial.drive();
        Ok(serial)
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn dtr(&mut self) -> &mut Dtr {
        &mut self.dtr
    }

    pub(super) fn poll_upkeep(&mut self, cx: &mut Context<'_>) {
        loop {
            let pause = match &self.open {
                Some(open) if !open.has_circuits() => return,
                Some(_) => SAMPLE,
                None => SEARCH,
            };
            if self.look.as_mut().poll(cx).is_pending() {
                return;
            }
            self.look.as_mut().reset(Instant::now() + pause);
            match &self.open {
                Some(open) => match open.circuits() {
                    Ok(bits) => self.dtr.sample(bits),
                    Err(error) => self.lose(&error.to_string()),
                },
                None => self.search(),
            }
        }
    }

    fn search(&mut self) {
        let open = match Open::new(&self.path) {
            Ok(open) => open,
            Err(LineError::Missing(_)) => return,
            Err(error) => {
                if !std::mem::replace(&mut self.failure_told, true) {
                    tracing::warn!(line = self.name(), "the device is back, but: {error}; it is tried again");
                }
                return;
            }
        };
        self.failure_told = false;
        tracing::info!(target: EXPLAIN, line = self.name(), "the device is back");
        self.open = Some(open);
        self.sent_at = Instant::now();
        self.apply();
        self.drive();
    }

    fn lose(&mut self, why: &str) {
        tracing::warn!(
            line = self.name(),
            why,
            "the device is gone; what is written is lost until it is back"
        );
        self.open = None;
        self.look.as_mut().reset(Instant::now() + SEARCH);
    }

    /// Reads; the end of the device is not the end of the line.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        if let Some(open) = &self.open {
            match ready!(open.device().poll_read(cx, buffer)) {
                Ok(0) => self.lose("it was hung up"),
                Ok(count) => {
                    self.hear(&buffer[..count]);
                    return Poll::Ready(count);
                }
                Err(error) => self.lose(&error.to_string()),
            }
            // Nobody else would look at the clock.
            self.poll_upkeep(cx);
        }
        Poll::Pending
    }

    fn hear(&mut self, bytes: &[u8]) {
        match self.hunt.hear(bytes, self.mode.rate) {
            Heard::Nothing => {}
            Heard::Found => {
                tracing::info!(
                    target: EXPLAIN, line = self.name(), "the host talks at {} bit/s", self.mode.rate
                );
            }
            Heard::Try(rate) => {
                tracing::debug!(
                    line = self.name(),
                    "the host does not talk at {} bit/s; now {rate}",
                    self.mode.rate
                );
                self.mode.rate = rate;
                self.apply();
            }
        }
    }

    /// Writes, or throws away what no device is there to send.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<usize> {
        let Some(open) = &mut self.open else { return Poll::Ready(bytes.len()) };
        match ready!(open.device_mut().poll_write(cx, bytes)) {
            Ok(count) => {
                self.sent_at = self.sent_at.max(Instant::now()) + self.mode.time_of(count);
                Poll::Ready(count)
            }
            Err(error) => {
                self.lose(&error.to_string());
                self.poll_upkeep(cx);
                Poll::Ready(bytes.len())
            }
        }
    }

    /// Waits until everything written has really left.
    pub(super) fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = Instant::now();
            let waiting = self.open.as_ref().map_or(0, Open::unsent);
            if waiting > 0 {
                self.sent_at = self.sent_at.max(now + self.mode.time_of(waiting));
            } else if self.open.is_none() || now >= self.sent_at {
                return Poll::Ready(());
            }
            let left = self.sent_at.saturating_duration_since(now).clamp(DRAIN.0, DRAIN.1);
            self.drain.as_mut().reset(now + left);
            ready!(self.drain.as_mut().poll(cx));
        }
    }

    /// Does a setting, once everything written before has left.
    pub(super) fn poll_set(&mut self, cx: &mut Context<'_>, setting: LineSetting) -> Poll<()> {
        ready!(self.poll_drained(cx));
        match setting {
            LineSetting::Signal(signal, on) => {
                if (signal, on) == (Signal::Dsr, true) {
                    self.hunt.power_on();
                }
                if self.circuits.set(signal, on) {
                    self.drive();
                } else if !std::mem::replace(&mut self.ri_told, true) {
                    let text = "a PC's port cannot drive the ring indicator; the host does not see it";
                    tracing::info!(target: EXPLAIN, line = self.name(), "{text}");
                }
                return Poll::Ready(());
            }
            LineSetting::Rate(rate) => {
                self.hunt.set(rate);
                if rate == 0 {
                    return Poll::Ready(());
                }
                self.mode.rate = rate;
            }
            LineSetting::Framing(framing) => self.mode.framing = framing,
            LineSetting::Flow { by_dte, by_dce } => (self.mode.by_dte, self.mode.by_dce) = (by_dte, by_dce),
        }
        self.apply();
        Poll::Ready(())
    }

    fn apply(&mut self) {
        let Some(open) = &self.open else { return };
        match open.apply(self.mode) {
            Ok(differences) => {
                for text in differences.texts() {
                    tracing::warn!(target: EXPLAIN, line = self.name(), "{text}");
                }
            }
            Err(error) => tracing::warn!(line = self.name(), %error, "the device takes no settings"),
        }
    }

    fn drive(&mut self) {
        let Some(open) = self.open.as_ref().filter(|open| open.has_circuits()) else { return };
        if let Err(error) = open.drive_dtr(self.circuits.dtr()) {
            tracing::warn!(line = self.name(), %error, "DTR cannot be driven");
        }
    }
}

/// What a device does otherwise than it was told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differences {
    /// The rate that it has set instead.
    rate: Option<(u32, u32)>,
    framing: bool,
    flow: bool,
}

impl Differences {
    fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some((wanted, real)) = self.rate {
            texts.push(format!("the device cannot do {wanted} bit/s; it does {real}"));
        }
        if self.framing {
            texts.push("the device cannot do this framing (AT+ICF); it keeps its own".into());
        }
        if self.flow {
            texts.push("the device cannot do this flow control (AT+IFC)".into());
        }
        texts
    }
}

type Applied = io::Result<Differences>;
