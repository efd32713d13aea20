//! Serial devices. A pseudo-terminal is one that has no circuits.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use modem::{Flow, Framing, Parity, Signal};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{ControlModes, InputModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use super::tests::{LONG, every_byte, next, until, write};
use super::*;
use crate::sys::Device;

/// An adapter with a host at the other end of its cable.
struct Adapter {
    host: Device,
    /// Keeps the settings while nobody else has it open.
    _open: File,
}

impl Adapter {
    /// Plugs one in, to be found at `path`.
    fn plug(path: &Path) -> Self {
        let host = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&host).unwrap();
        unlockpt(&host).unwrap();
        let name = ptsname(&host, Vec::new()).unwrap();
        let name = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())).to_owned();
        let open = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, rustix::fs::Mode::empty()).unwrap();
        rustix::fs::fcntl_setfl(&host, OFlags::RDWR | OFlags::NONBLOCK).unwrap();
        symlink(&name, path).unwrap();
        Self { host: Device::new(host).unwrap(), _open: File::from(open) }
    }

    fn unplug(self, path: &Path) {
        // First the name: the device's number may be used again at once.
        std::fs::remove_file(path).unwrap();
        drop(self);
    }

    fn termios(&self) -> Termios {
        tcgetattr(self.host.fd()).unwrap()
    }

    fn rate(&self) -> u32 {
        self.termios().output_speed()
    }

    async fn send(&mut self, bytes: &[u8]) {
        let sent = std::future::poll_fn(|cx| self.host.poll_write(cx, bytes)).await.unwrap();
        assert_eq!(sent, bytes.len());
    }

    /// Reads while the line is looked after.
    async fn receive(&mut self, line: &mut Line, count: usize) -> Vec<u8> {
        let mut got = Vec::new();
        let mut buffer = [0; 1024];
        let mut scratch = [0; 16];
        let all = std::future::poll_fn(|cx| {
            loop {
                let event = line.poll(cx, &mut scratch);
                assert!(!matches!(event, Poll::Ready(LineEvent::Received(_))), "{event:?}");
                match self.host.poll_read(cx, &mut buffer) {
                    Poll::Ready(read) => got.extend_from_slice(&buffer[..read.unwrap()]),
                    Poll::Pending if event.is_pending() => break,
                    Poll::Pending => {}
                }
            }
            if got.len() >= count { Poll::Ready(()) } else { Poll::Pending }
        });
        timeout(LONG, all).await.expect("nothing came");
        got
    }
}

fn spec(path: &Path, baud: u32) -> LineSpec {
    LineSpec::Serial { device: path.into(), baud, carrier: false }
}

fn serial(baud: u32) -> (TempDir, PathBuf, Adapter, Line) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ttyUSB0");
    let adapter = Adapter::plug(&path);
    let line = Line::open(&spec(&path, baud)).unwrap();
    (dir, path, adapter, line)
}

#[tokio::test]
async fn a_device_carries_every_byte_both_ways() {
    let (_dir, path, mut adapter, mut line) = serial(921_600);
    assert_eq!((line.kind(), line.name()), (LineKind::AutoBaud, path.display().to_string()));
    assert_eq!(adapter.rate(), 921_600);
    adapter.send(&every_byte()).await;
    assert_eq!(until(&mut line, |_, got| got.len() >= 256).await, every_byte());
    line.write(every_byte());
    assert_eq!(adapter.receive(&mut line, 256).await, every_byte());
}

#[tokio::test(start_paused = true)]
async fn a_rate_counts_when_everything_before_it_has_left() {
    let (_dir, _, mut adapter, mut line) = serial(600);
    let start = Instant::now();
    line.write(b"\r\nOK\r\n".to_vec());
    line.set(LineSetting::Rate(9600));
    assert_eq!(next(&mut line).await.0, LineEvent::Written(6));
    assert_eq!(adapter.rate(), 600, "the answer was still on the wire");
    assert!(!line.is_flushed());
    until(&mut line, |line, _| line.is_flushed()).await;
    assert_eq!(adapter.rate(), 9600);
    assert!(start.elapsed() >= Duration::from_millis(100));
    // The kernel takes real time.
    tokio::time::resume();
    assert_eq!(adapter.receive(&mut line, 6).await, b"\r\nOK\r\n");
    // It stays until the next power-on.
    line.set(LineSetting::Rate(0));
    until(&mut line, |line, _| line.is_flushed()).await;
    assert_eq!(adapter.rate(), 9600);
}

#[tokio::test]
async fn the_hosts_rate_is_found_by_trying() {
    let (_dir, _, mut adapter, mut line) = serial(115_200);
    // What AT at 9600 bit/s may look like to somebody who listens much faster.
    for rate in [9600, 57_600] {
        adapter.send(b"\x00\xfe\x80\x00").await;
        until(&mut line, |_, got| got.len() >= 4).await;
        assert_eq!(adapter.rate(), rate);
    }
    adapter.send(b"AT\r").await;
    until(&mut line, |_, got| got.len() >= 3).await;
    adapter.send(&every_byte()).await;
    until(&mut line, |_, got| got.len() >= 256).await;
    assert_eq!(adapter.rate(), 57_600);
    // Switched off and on, the module looks anew.
    line.set(LineSetting::Signal(Signal::Dsr, true));
    until(&mut line, |line, _| line.is_flushed()).await;
    adapter.send(b"\x00\xfe\x80\x00").await;
    until(&mut line, |_, got| got.len() >= 4).await;
    assert_ne!(adapter.rate(), 57_600);
}

#[tokio::test]
async fn flow_control_and_framing_are_the_devices() {
    let (_dir, _, adapter, mut line) = serial(115_200);
    assert!(!adapter.termios().control_modes.contains(ControlModes::CRTSCTS));
    let flow = |by_dte, by_dce| LineSetting::Flow { by_dte, by_dce };
    for (setting, hardware, xon, xoff) in [
        (flow(Flow::Hardware, Flow::Hardware), true, false, false),
        (flow(Flow::Software, Flow::None), false, true, false),
        (flow(Flow::None, Flow::Software), false, false, true),
        (flow(Flow::None, Flow::None), false, false, false),
    ] {
        line.set(setting);
        until(&mut line, |line, _| line.is_flushed()).await;
        let termios = adapter.termios();
        assert_eq!(termios.control_modes.contains(ControlModes::CRTSCTS), hardware, "{setting:?}");
        assert_eq!(termios.input_modes.contains(InputModes::IXON), xon, "{setting:?}");
        assert_eq!(termios.input_modes.contains(InputModes::IXOFF), xoff, "{setting:?}");
    }
    line.set(LineSetting::Framing(Framing { data_bits: 8, parity: Parity::None, stop_bits: 2 }));
    // No pseudo-terminal has it, nor any circuits: both are said and change nothing.
    line.set(LineSetting::Framing(Framing { data_bits: 8, parity: Parity::None, stop_bits: 2 }));
    line.set(LineSetting::Signal(Signal::Ri, true));
    line.set(LineSetting::Signal(Signal::Dcd, false));
    until(&mut line, |line, _| line.is_flushed()).await;
    assert!(adapter.termios().control_modes.contains(ControlModes::CSTOPB));
    assert_eq!(adapter.rate(), 115_200);
}

#[tokio::test]
async fn a_device_that_vanishes_is_found_again_and_set_up_as_it_was() {
    let (_dir, path, mut adapter, mut line) = serial(115_200);
    line.set(LineSetting::Rate(9600));
    line.set(LineSetting::Flow { by_dte: Flow::Hardware, by_dce: Flow::Hardware });
    adapter.send(b"AT\r").await;
    assert_eq!(until(&mut line, |_, got| got.len() >= 3).await, b"AT\r");
    for _ in 0..2 {
        adapter.unplug(&path);
        // Lost, and nothing waits for it.
        write(&mut line, b"lost").await;
        write(&mut line, b"lost").await;
        adapter = Adapter::plug(&path);
        until(&mut line, |_, _| adapter.rate() == 9600).await;
        assert!(adapter.termios().control_modes.contains(ControlModes::CRTSCTS));
        adapter.send(b"AT\r").await;
        assert_eq!(until(&mut line, |_, got| got.len() >= 3).await, b"AT\r");
        line.write(b"OK".to_vec());
        assert_eq!(adapter.receive(&mut line, 2).await, b"OK");
    }
}

#[tokio::test]
async fn a_device_belongs_to_one_line_and_gets_its_settings_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tty");
    let adapter = Adapter::plug(&path);
    let mut before = adapter.termios();
    before.set_speed(4800).unwrap();
    before.input_modes.insert(InputModes::ICRNL);
    tcsetattr(adapter.host.fd(), OptionalActions::Now, &before).unwrap();
    let what = |termios: Termios| {
        let (input, output) = (termios.input_modes, termios.output_modes);
        (input, output, termios.control_modes, termios.local_modes, termios.output_speed())
    };
    let line = Line::open(&spec(&path, 115_200)).unwrap();
    assert_ne!(what(adapter.termios()), what(before.clone()));
    let error = Line::open(&spec(&path, 9600)).unwrap_err();
    assert!(matches!(error, LineError::Busy(_)), "{error}");
    assert_eq!(adapter.rate(), 115_200);
    drop(line);
    assert_eq!(what(adapter.termios()), what(before));
    Line::open(&spec(&path, 9600)).unwrap();
}

#[tokio::test]
async fn what_is_no_serial_device_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    File::create(&file).unwrap();
    let open = |path: &Path| Line::open(&spec(path, 9600)).unwrap_err();
    assert!(matches!(open(&file), LineError::NotSerial(_)));
    assert!(matches!(open(dir.path()), LineError::NotSerial(_)));
    assert!(matches!(open(Path::new("/dev/null")), LineError::NotSerial(_)));
    let error = open(&dir.path().join("none"));
    assert!(matches!(error, LineError::Missing(_)));
    assert!(error.to_string().contains("plugged in"), "{error}");
    let adapter = Adapter::plug(&dir.path().join("tty"));
    let fd: &OwnedFd = &adapter._open.try_clone().unwrap().into();
    rustix::fs::flock(fd, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert!(matches!(open(&dir.path().join("tty")), LineError::Busy(_)));
}
