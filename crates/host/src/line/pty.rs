//! A pseudo-terminal that stays: clients open and close it as they like.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr};

use super::LineError;
use super::symlink::Link;
use super::watch::{Event, Watch};
use crate::sys::Device;

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
        if before != Presence::Gone && self.presence == Presence::Gone {
            self.tidy();
        }
    }

    /// The last client has left: what it did not read is not for the next one, nor are its terminal settings.
    fn tidy(&self) {
        let tidied = tcflush(&self.slave, QueueSelector::IFlush).and_then(|()| make_raw(&self.slave));
        if let Err(error) = tidied {
            tracing::warn!(device = %self.device.display(), %error, "the terminal could not be reset");
        }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let result = ready!(self.master.poll_read(cx, buffer));
        if matches!(self.presence, Presence::NotYet | Presence::Gone) {
            self.presence = Presence::Announced;
        }
        Poll::Ready(result)
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
    make_raw(&slave)?;
    rustix::fs::fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)?;
    Ok((master, slave, device))
}

fn make_raw(slave: &OwnedFd) -> rustix::io::Result<()> {
    let mut termios = tcgetattr(slave)?;
    termios.make_raw();
    tcsetattr(slave, OptionalActions::Now, &termios)
}

#[cfg(test)]
impl Pty {
    /// Who is there, in words.
    pub(super) fn presence_for_test(&self) -> String {
        format!("{:?}", self.presence)
    }
}
