//! What the kinds of lines have in common.

use super::*;

#[derive(Debug)]
pub(super) enum Port {
    Pty(Pty),
    Serial(Box<Serial>),
    Tcp(TcpPort),
    Stdio(Box<Stdio>),
    Memory(Memory),
}

impl Port {
    pub(super) fn open(spec: &LineSpec) -> Result<Self, LineError> {
        Ok(match spec {
            LineSpec::Pty(link) => Self::Pty(Pty::open(link)?),
            LineSpec::Serial { device, baud, carrier } => {
                Self::Serial(Box::new(Serial::open(device, *baud, *carrier)?))
            }
            LineSpec::Tcp(address) => Self::Tcp(TcpPort::open(*address)?),
            LineSpec::Stdio => Self::Stdio(Box::new(Stdio::open()?)),
        })
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Pty(pty) => pty.name(),
            Self::Serial(serial) => serial.name(),
            Self::Tcp(tcp) => tcp.address().to_string(),
            Self::Stdio(_) => "standard input".into(),
            Self::Memory(_) => "memory".into(),
        }
    }

    /// Notices clients and devices that come and go.
    pub(super) fn poll_upkeep(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Pty(pty) => pty.poll_upkeep(cx),
            Self::Serial(serial) => serial.poll_upkeep(cx),
            Self::Tcp(tcp) => tcp.poll_upkeep(cx),
            Self::Stdio(_) | Self::Memory(_) => {}
        }
    }

    /// Reads; 0 means that the line has ended.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Pty(pty) => pty.poll_read(cx, buffer),
            Self::Serial(serial) => serial.poll_read(cx, buffer).map(Ok),
            Self::Tcp(tcp) => tcp.poll_read(cx, buffer).map(Ok),
            Self::Stdio(stdio) => stdio.poll_read(cx, buffer).map(Ok),
            Self::Memory(memory) => memory.poll_read(cx, buffer),
        }
    }

    /// Writes, or throws away what nobody is there to read.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Pty(pty) => pty.poll_write(cx, bytes),
            Self::Serial(serial) => serial.poll_write(cx, bytes).map(Ok),
            Self::Tcp(tcp) => tcp.poll_write(cx, bytes).map(Ok),
            Self::Stdio(stdio) => stdio.poll_write(cx, bytes),
            Self::Memory(memory) => memory.poll_write(cx, bytes),
        }
    }

    /// Does a setting, once everything written before has left.
    pub(super) fn poll_set(&mut self, cx: &mut Context<'_>, setting: LineSetting) -> Poll<()> {
        match self {
            Self::Pty(pty) => pty.set(setting),
            Self::Serial(serial) => return serial.poll_set(cx, setting),
            Self::Tcp(_) | Self::Stdio(_) | Self::Memory(_) => {}
        }
        Poll::Ready(())
    }

    /// Waits until what was written has left this process, or the device.
    pub(super) fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Stdio(stdio) => stdio.poll_flush(cx),
            Self::Serial(serial) => serial.poll_drained(cx).map(Ok),
            Self::Pty(_) | Self::Tcp(_) | Self::Memory(_) => Poll::Ready(Ok(())),
        }
    }

    /// What has become of the host's DTR, as far as has not been told yet.
    pub(super) fn dtr(&mut self) -> Option<&mut Dtr> {
        match self {
            Self::Pty(pty) => Some(pty.dtr()),
            Self::Serial(serial) => Some(serial.dtr()),
            Self::Tcp(_) | Self::Stdio(_) | Self::Memory(_) => None,
        }
    }

    /// What the client has set its terminal to, in bits per second.
    pub(super) fn client_rate(&self) -> Option<u32> {
        match self {
            Self::Pty(pty) => pty.client_rate(),
            _ => None,
        }
    }

    /// Counts clients: another one than a moment ago has another number.
    pub(super) fn client_number(&self) -> u64 {
        match self {
            Self::Pty(pty) => pty.client_number(),
            Self::Tcp(tcp) => tcp.client_number(),
            Self::Serial(_) | Self::Stdio(_) | Self::Memory(_) => 0,
        }
    }

    /// Whether its driver does flow control by characters itself.
    pub(super) fn does_xon(&self) -> bool {
        matches!(self, Self::Serial(_))
    }
}
