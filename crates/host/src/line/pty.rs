//! A pseudo-terminal that stays: clients open and close it as they like.

use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{ControlModes, OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr};
use tokio::time::{Sleep, sleep};

use super::circuits::Dtr;
use super::pace::DEFAULT_RATE;
use super::symlink::Link;
use super::watch::{Event, Watch};
use super::{LineError, LineSetting};
use crate::net::EXPLAIN;
use crate::sys::Device;

/// How long what a client has written may be on its way after it has closed the terminal: the kernel tells us of both,
/// in any order.
const LEAVING: Duration = Duration::from_millis(20);

/// The twin's side of a pseudo-terminal.
#[derive(Debug)]
pub(super) struct Pty {
    master: Device,
    /// Held open all the time: with no one on the other side, reading would fail, and the raw mode would be lost.
    slave: OwnedFd,
    device: PathBuf,
    link: Link,
    /// Tells when the device is opened and closed.
    watch: Watch,
    presence: Presence,
    /// Runs when all have left.
    leaving: Option<Pin<Box<Sleep>>>,
    /// Whether DTR is dropped then.
    hangs_up: bool,
    dtr: Dtr,
    /// How often all clients have left.
    departures: u64,
    /// What AT+IPR says; 0: nothing.
    rate: u32,
    /// Whether the client's rate has been compared with it.
    compared: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Nobody has been here; what is written waits in the terminal, so that the first client reads the boot messages.
    NotYet,
    /// So many have it open (a lower bound: the kernel merges equal events).
    Here(u32),
    /// Somebody has written; that it was opened has yet to be heard.
    Announced,
    /// Nobody is here any more; what is written is lost, as on a wire without a listener.
    Gone,
}

impl Presence {
    fn after(self, event: Event) -> Self {
        match (self, event) {
            (Self::NotYet | Self::Gone | Self::Announced, Event::Opened) => Self::Here(1),
            (Self::Here(count), Event::Opened) => Self::Here(count.saturating_add(1)),
            (Self::Here(count @ 2..), Event::Closed) => Self::Here(count - 1),
            (_, Event::Closed) => Self::Gone,
        }
    }
}

impl Pty {
    pub(super) fn open(link: &Path) -> Result<Self, LineError> {
        let failed = || LineError::io("make a pseudo-terminal");
        let (master, slave, device) = open_pair().map_err(failed())?;
        let watch = Watch::new(&device).map_err(failed())?;
        Ok(Self {
            master: Device::new(master).map_err(failed())?,
            watch,
            link: Link::make(link, &device)?,
            slave,
            device,
            presence: Presence::NotYet,
            leaving: None,
            hangs_up: false,
            dtr: Dtr::default(),
            departures: 0,
            rate: 0,
            compared: true,
        })
    }

    pub(super) fn name(&self) -> String {
        format!("{} ({})", self.link.path().display(), self.device.display())
    }

    pub(super) fn poll_upkeep(&mut self, cx: &mut Context<'_>) {
        let before = self.presence;
        while let Poll::Ready(events) = self.watch.poll(cx) {
            self.presence = events.into_iter().fold(self.presence, Presence::after);
        }
        // Looked at after the whole batch: a client that left while the next one came leaves nobody behind.
        if before != self.presence {
            match self.presence {
                Presence::Gone => self.departed(),
                Presence::Here(_) => {
                    self.leaving = None;
                    self.dtr.set(true);
                }
                Presence::NotYet | Presence::Announced => {}
            }
        }
        if self.leaving.as_mut().is_some_and(|over| over.as_mut().poll(cx).is_ready()) {
            self.leaving = None;
            if self.hangs_up {
                self.dtr.set(false);
            }
        }
    }

    fn departed(&mut self) {
        // As a serial port's driver does it: DTR is dropped at the last close, unless the client has said otherwise.
        let termios = tcgetattr(&self.slave);
        self.hangs_up = termios.is_ok_and(|termios| termios.control_modes.contains(ControlModes::HUPCL));
        self.leaving = Some(Box::pin(sleep(LEAVING)));
        self.departures += 1;
        self.compared = self.rate == 0;
        self.tidy();
    }

    /// The last client has left: what it did not read is not for the next one, nor are its terminal settings.
    fn tidy(&self) {
        let tidied =
            tcflush(&self.slave, QueueSelector::IFlush).and_then(|()| make_raw(&self.slave, self.rate));
        if let Err(error) = tidied {
            tracing::warn!(device = %self.device.display(), %error, "the terminal could not be reset");
        }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let result = ready!(self.master.poll_read(cx, buffer));
        if matches!(self.presence, Presence::NotYet | Presence::Gone) {
            self.presence = Presence::Announced;
        }
        if !self.compared {
            self.compare();
        }
        Poll::Ready(result)
    }

    /// Says it when the client has set another rate than the module: here nothing is garbled by that.
    fn compare(&mut self) {
        self.compared = true;
        let Some(client) = self.client_rate().filter(|client| *client != self.rate) else { return };
        tracing::warn!(
            target: EXPLAIN,
            line = self.name(),
            "the client's terminal is at {client} bit/s and AT+IPR at {}: a module would not understand it",
            self.rate
        );
    }

    /// What the client has set the terminal to.
    pub(super) fn client_rate(&self) -> Option<u32> {
        tcgetattr(&self.slave).ok().map(|termios| termios.output_speed())
    }

    /// Another client has another number.
    pub(super) fn client_number(&self) -> u64 {
        self.departures
    }

    pub(super) fn dtr(&mut self) -> &mut Dtr {
        &mut self.dtr
    }

    pub(super) fn set(&mut self, setting: LineSetting) {
        let LineSetting::Rate(rate) = setting else { return };
        self.rate = rate;
        self.compared = rate == 0;
        // A client sets its side itself, as it has to with a module; the next one finds the rate set.
        if matches!(self.presence, Presence::NotYet | Presence::Gone)
            && let Err(error) = make_raw(&self.slave, rate)
        {
            tracing::warn!(device = %self.device.display(), %error, "the terminal takes no rate");
        }
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.presence {
            Presence::Here(_) | Presence::Announced => self.master.poll_write(cx, bytes),
            // As much as the terminal holds; nobody would make room for the rest.
            Presence::NotYet => Poll::Ready(self.master.write_now(bytes).map(|_| bytes.len())),
            Presence::Gone => Poll::Ready(Ok(bytes.len())),
        }
    }
}

fn open_pair() -> io::Result<(OwnedFd, OwnedFd, PathBuf)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let device = PathBuf::from(OsStr::from_bytes(name.as_bytes()));
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let slave = rustix::fs::open(&device, flags, Mode::empty())?;
    make_raw(&slave, 0)?;
    rustix::fs::fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)?;
    Ok((master, slave, device))
}

/// As a serial port is before anybody has set it up, but raw.
fn make_raw(slave: &OwnedFd, rate: u32) -> rustix::io::Result<()> {
    let mut termios = tcgetattr(slave)?;
    termios.make_raw();
    termios.control_modes.insert(ControlModes::HUPCL);
    termios.set_speed(if rate == 0 { DEFAULT_RATE } else { rate })?;
    tcsetattr(slave, OptionalActions::Now, &termios)
}

#[cfg(test)]
impl Pty {
    /// Whether nobody is there, for sure.
    pub(super) fn is_deserted_for_test(&self) -> bool {
        self.presence == Presence::Gone && self.leaving.is_none()
    }

    /// Who is there, in words.
    pub(super) fn presence_for_test(&self) -> String {
        format!("{:?}", self.presence)
    }
}
