//! The other side of a line: a client for a module's serial line, as a test or the demo needs it.

use std::fs::{File, OpenOptions};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, isatty, tcgetattr, tcsetattr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sys::Device;

/// Where a module's line can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A terminal device, or a link to one.
    Device(PathBuf),
    /// A TCP port.
    Tcp(SocketAddr),
}

/// An open serial line, seen from the host's side.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
}

#[derive(Debug)]
enum Stream {
    Device(Device),
    Tcp(TcpStream),
}

impl Client {
    /// Opens the line; a terminal is put into raw mode.
    ///
    /// # Errors
    /// What the computer says.
    pub async fn open(address: &Address) -> io::Result<Self> {
        let stream = match address {
            Address::Device(path) => Stream::Device(open_device(path)?),
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
        };
        Ok(Self { stream })
    }

    /// Waits for bytes; 0 when the other side is gone. Cancelling loses nothing.
    ///
    /// # Errors
    /// What the computer says.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.read(buffer).await,
            Stream::Device(device) => poll_fn(|cx| device.poll_read(cx, buffer)).await,
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// What the computer says.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(bytes).await,
            Stream::Device(device) => {
                while !bytes.is_empty() {
                    let count = poll_fn(|cx| device.poll_write(cx, bytes)).await?;
                    bytes = &bytes[count..];
                }
                Ok(())
            }
        }
    }
}

fn open_device(path: &Path) -> io::Result<Device> {
    Device::new(open_terminal(path)?.into())
}

/// Opens a terminal device in raw mode, non-blocking, without making it the process's controlling terminal.
pub(crate) fn open_terminal(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
    let device =
        OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if isatty(&device) {
        let mut termios = tcgetattr(&device)?;
        termios.make_raw();
        tcsetattr(&device, OptionalActions::Now, &termios)?;
    }
    Ok(device)
}
