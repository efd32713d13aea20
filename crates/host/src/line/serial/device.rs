//! An open serial device, and its settings.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use libc::{TIOCM_DTR, c_int};
use modem::{Flow, Parity};
use rustix::fs::{FlockOperation, Mode as FileMode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, InputModes, OptionalActions, Termios, ioctl_tiocexcl, ioctl_tiocnxcl, isatty, tcgetattr,
    tcsetattr,
};

use super::{Applied, Differences, Mode};
use crate::line::LineError;
use crate::sys::{self, Device};

/// A device that is ours alone; dropping it puts its settings back.
#[derive(Debug)]
pub(super) struct Open {
    device: Device,
    before: Termios,
    has_circuits: bool,
}

impl Open {
    pub(super) fn new(path: &Path) -> Result<Self, LineError> {
        let failed = || LineError::io(format!("open {}", path.display()));
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = open(path, flags, FileMode::empty()).map_err(|error| match error {
            Errno::NOENT | Errno::NODEV | Errno::NXIO => LineError::Missing(path.into()),
            Errno::ACCESS | Errno::PERM => LineError::Denied(path.into()),
            Errno::BUSY => LineError::Busy(path.into()),
            Errno::ISDIR => LineError::NotSerial(path.into()),
            error => failed()(error.into()),
        })?;
        if !isatty(&fd) {
            return Err(LineError::NotSerial(path.into()));
        }
        // The lock keeps other twins out, whoever runs them; exclusive mode keeps out everything but root.
        flock(&fd, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            Errno::WOULDBLOCK => LineError::Busy(path.into()),
            error => failed()(error.into()),
        })?;
        let before = tcgetattr(&fd).map_err(|error| failed()(error.into()))?;
        ioctl_tiocexcl(&fd).map_err(|error| failed()(error.into()))?;
        let has_circuits = sys::circuits(&fd).is_ok();
        Ok(Self { device: register(fd, &before).map_err(failed())?, before, has_circuits })
    }

    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    pub(super) fn device_mut(&mut self) -> &mut Device {
        &mut self.device
    }

    /// Whether it has modem-control circuits. A pseudo-terminal has none.
    pub(super) fn has_circuits(&self) -> bool {
        self.has_circuits
    }

    /// The circuits' levels, as `TIOCM_…` bits.
    pub(super) fn circuits(&self) -> io::Result<c_int> {
        sys::circuits(self.device.fd())
    }

    pub(super) fn drive_dtr(&self, on: bool) -> io::Result<()> {
        sys::drive_circuits(self.device.fd(), TIOCM_DTR, on)
    }

    /// How many bytes the driver has yet to send.
    pub(super) fn unsent(&self) -> usize {
        sys::unsent(self.device.fd()).unwrap_or(0)
    }

    /// Sets it up; what it does otherwise.
    pub(super) fn apply(&self, mode: Mode) -> Applied {
        let mut wanted = self.before.clone();
        prepare(&mut wanted, mode)?;
        tcsetattr(self.device.fd(), OptionalActions::Now, &wanted)?;
        Ok(compare(&wanted, &tcgetattr(self.device.fd())?, mode))
    }
}

fn register(fd: OwnedFd, before: &Termios) -> io::Result<Device> {
    let again = fd.try_clone()?;
    Device::new(fd).inspect_err(|_| restore(again, before))
}

fn restore(fd: impl AsFd, before: &Termios) {
    // Fails when the device has gone, and then nothing is left to be put back.
    let _ = tcsetattr(&fd, OptionalActions::Now, before);
    let _ = ioctl_tiocnxcl(&fd);
}

impl Drop for Open {
    fn drop(&mut self) {
        restore(self.device.fd(), &self.before);
    }
}

const FRAMING: ControlModes =
    ControlModes::CSIZE.union(ControlModes::CSTOPB).union(ControlModes::PARENB).union(ControlModes::PARODD);
const FLOW: InputModes = InputModes::IXON.union(InputModes::IXOFF);

fn prepare(termios: &mut Termios, mode: Mode) -> io::Result<()> {
    termios.make_raw();
    termios.set_speed(mode.rate)?;
    let control = &mut termios.control_modes;
    // Nobody answers the phone here: the circuits say nothing about whether there is a line.
    control.insert(ControlModes::CLOCAL | ControlModes::CREAD);
    control.remove(FRAMING);
    control.insert(if mode.framing.data_bits == 7 { ControlModes::CS7 } else { ControlModes::CS8 });
    control.set(ControlModes::CSTOPB, mode.framing.stop_bits == 2);
    control.set(ControlModes::PARENB, mode.framing.parity != Parity::None);
    control.set(ControlModes::PARODD, mode.framing.parity == Parity::Odd);
    // One bit for both directions.
    control.set(ControlModes::CRTSCTS, mode.by_dte == Flow::Hardware || mode.by_dce == Flow::Hardware);
    let input = &mut termios.input_modes;
    // A host that is switched on sends breaks, which are no characters.
    input.insert(InputModes::IGNBRK);
    input.set(InputModes::INPCK | InputModes::IGNPAR, mode.framing.parity != Parity::None);
    input.set(InputModes::IXON, mode.by_dte == Flow::Software);
    input.set(InputModes::IXOFF, mode.by_dce == Flow::Software);
    Ok(())
}

fn compare(wanted: &Termios, real: &Termios, mode: Mode) -> Differences {
    let rate = real.output_speed();
    // A divisor seldom hits a rate exactly; a UART puts up with so much.
    let near = rate.abs_diff(mode.rate) <= mode.rate / 40;
    Differences {
        rate: (!near).then_some((mode.rate, rate)),
        framing: (wanted.control_modes ^ real.control_modes).intersects(FRAMING),
        flow: (wanted.control_modes ^ real.control_modes).contains(ControlModes::CRTSCTS)
            || (wanted.input_modes ^ real.input_modes).intersects(FLOW),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modem::Framing;
    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

    fn terminal() -> (OwnedFd, Termios) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        let termios = tcgetattr(&slave).unwrap();
        (slave, termios)
    }

    #[test]
    fn settings_become_terminal_modes() {
        let (_terminal, mut termios) = terminal();
        let framing = Framing { data_bits: 7, parity: Parity::Even, stop_bits: 2 };
        let mode = Mode { rate: 9600, framing, by_dte: Flow::Software, by_dce: Flow::Hardware };
        prepare(&mut termios, mode).unwrap();
        assert_eq!((termios.output_speed(), termios.input_speed()), (9600, 9600));
        assert!(termios.control_modes.contains(
            ControlModes::CS7 | ControlModes::CSTOPB | ControlModes::PARENB | ControlModes::CRTSCTS
        ));
        assert!(!termios.control_modes.contains(ControlModes::PARODD));
        assert!(termios.input_modes.contains(InputModes::IXON | InputModes::INPCK));
        assert!(!termios.input_modes.contains(InputModes::IXOFF));

        let mode = Mode { by_dce: Flow::Software, ..Mode::new(115_200) };
        prepare(&mut termios, mode).unwrap();
        assert!(termios.control_modes.contains(ControlModes::CS8 | ControlModes::CLOCAL));
        assert!(
            !termios
                .control_modes
                .intersects(ControlModes::CSTOPB | ControlModes::PARENB | ControlModes::CRTSCTS)
        );
        assert!(termios.input_modes.contains(InputModes::IXOFF));
        assert!(!termios.input_modes.intersects(InputModes::IXON | InputModes::INPCK));
    }

    #[test]
    fn what_a_device_does_not_do_is_seen() {
        let (_terminal, termios) = terminal();
        let mode = Mode::new(9600);
        let mut wanted = termios;
        prepare(&mut wanted, mode).unwrap();
        assert_eq!(compare(&wanted, &wanted, mode), Differences::default());
        let mut real = wanted.clone();
        real.set_speed(9700).unwrap();
        assert_eq!(compare(&wanted, &real, mode), Differences::default());
        real.set_speed(115_200).unwrap();
        real.control_modes.insert(ControlModes::CRTSCTS | ControlModes::CSTOPB);
        let differences = compare(&wanted, &real, mode);
        assert_eq!(differences, Differences { rate: Some((9600, 115_200)), framing: true, flow: true });
        assert_eq!(differences.texts().len(), 3);
    }
}
