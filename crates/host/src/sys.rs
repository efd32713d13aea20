//! The few system calls for which no safe interface exists.
#![allow(
    unsafe_code,
    reason = "registering a descriptor, a few ioctls and control messages have no safe form; nothing else lives here"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What the kernel's line discipline gives at most in one read: its buffer of 4096 bytes less one.
const TERMINAL_PORTION: usize = 4095;

/// A non-blocking descriptor driven by the runtime. It never changes hands while it is registered: nothing gives out
/// a mutable reference to it.
///
/// Only reading is watched all the time. Writing is tried at once, and watched when it is blocked and for a while after;
/// otherwise every read of the other side would wake us only to learn that there is room again.
#[derive(Debug)]
pub(crate) struct Device {
    reader: AsyncFd<OwnedFd>,
    /// While writing is watched: a duplicate for that.
    writer: Option<AsyncFd<OwnedFd>>,
    /// How many writes have gone through since one was blocked.
    calm: u32,
}

/// After so many writes without a block, writing is watched no more. To begin and end it for each block of bulk would cost more
/// than the writing.
const CALM: u32 = 64;

/// Registers a descriptor that is in non-blocking mode. Has to be called inside a runtime.
fn register(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the `AsyncFd` owns the `OwnedFd`, which is open until it is dropped and always names the same descriptor;
    // `Device` hands out neither the `AsyncFd` nor a mutable reference to what is in it.
    let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
    Ok(registered?)
}

impl Device {
    /// Takes a descriptor that is in non-blocking mode. Has to be called inside a runtime.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { reader: register(fd, Interest::READABLE)?, writer: None, calm: 0 })
    }

    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut filled = 0;
        loop {
            let mut guard = match self.reader.poll_read_ready(cx) {
                Poll::Ready(guard) => guard?,
                Poll::Pending if filled > 0 => return Poll::Ready(Ok(filled)),
                Poll::Pending => return Poll::Pending,
            };
            match rustix::io::read(guard.get_inner(), &mut buffer[filled..]) {
                Ok(count) => {
                    filled += count;
                    // A terminal gives at most so much at a time, however much there is: the next portion is worth asking
                    // for. A shorter one has emptied it: no need to read once more to be told so.
                    if count >= TERMINAL_PORTION && filled < buffer.len() {
                        continue;
                    }
                    if filled < buffer.len() {
                        guard.clear_ready();
                    }
                    return Poll::Ready(Ok(filled));
                }
                Err(Errno::WOULDBLOCK) => guard.clear_ready(),
                Err(Errno::INTR) => {}
                // What has come before it is handed over first; the error comes again.
                Err(_) if filled > 0 => return Poll::Ready(Ok(filled)),
                Err(e) => return Poll::Ready(Err(e.into())),
            }
        }
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match rustix::io::write(self.reader.get_ref(), bytes) {
                Err(Errno::WOULDBLOCK) => {
                    self.calm = 0;
                    let watched = match self.writer.take() {
                        Some(watched) => watched,
                        None => register(self.reader.get_ref().try_clone()?, Interest::WRITABLE)?,
                    };
                    ready!(self.writer.insert(watched).poll_write_ready(cx))?.clear_ready();
                }
                Err(Errno::INTR) => {}
                other => {
                    self.calm = self.calm.saturating_add(1);
                    if self.calm > CALM || other.is_err() {
                        self.writer = None;
                    }
                    return Poll::Ready(other.map_err(Into::into));
                }
            }
        }
    }

    /// Writes what can be written at once, without waiting to be told that something can.
    pub(crate) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::io::write(self.reader.get_ref(), bytes) {
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(0),
            other => other.map_err(Into::into),
        }
    }

    /// Waits until something is to be read; `take` has to read all of it.
    pub(crate) async fn drain(&self, take: impl FnOnce(BorrowedFd<'_>)) {
        match self.reader.readable().await {
            Ok(mut guard) => {
                // Cleared first: what comes while it is being drained is reported again.
                guard.clear_ready();
                take(self.fd());
            }
            // The runtime is going down.
            Err(_) => std::future::pending().await,
        }
    }

    /// The descriptor, for calls that do not read or write.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.reader.get_ref().as_fd()
    }
}

/// How many bytes of a TCP connection have been written and not yet acknowledged by the peer.
pub(crate) fn unacknowledged(socket: impl AsFd) -> io::Result<usize> {
    // SIOCOUTQ is the same number; see tcp(7).
    unsent(socket)
}

/// How many bytes written to a serial device are still in the driver's hands. A UART's own FIFO is not counted.
pub(crate) fn unsent(device: impl AsFd) -> io::Result<usize> {
    const OUTQ: rustix::ioctl::Opcode = libc::TIOCOUTQ as rustix::ioctl::Opcode;
    Ok(usize::try_from(read_int::<OUTQ>(device)?).unwrap_or(0))
}

/// The modem-control circuits of a serial device, as `TIOCM_…` bits. Fails where there are none.
pub(crate) fn circuits(device: impl AsFd) -> io::Result<libc::c_int> {
    const MGET: rustix::ioctl::Opcode = libc::TIOCMGET as rustix::ioctl::Opcode;
    read_int::<MGET>(device)
}

/// Switches circuits that the computer drives: some of the `TIOCM_…` bits.
pub(crate) fn drive_circuits(device: impl AsFd, bits: libc::c_int, on: bool) -> io::Result<()> {
    const MBIS: rustix::ioctl::Opcode = libc::TIOCMBIS as rustix::ioctl::Opcode;
    const MBIC: rustix::ioctl::Opcode = libc::TIOCMBIC as rustix::ioctl::Opcode;
    if on { write_int::<MBIS>(device, bits) } else { write_int::<MBIC>(device, bits) }
}

/// An ioctl that stores a C int and does nothing else with what it is handed: TIOCOUTQ, TIOCMGET.
fn read_int<const REQUEST: rustix::ioctl::Opcode>(fd: impl AsFd) -> io::Result<libc::c_int> {
    // SAFETY: the requests that this private function is used with take a pointer to a C int and only write that int,
    // which is what a `Getter` of `c_int` hands them; on a descriptor that does not know the request they fail and
    // write nothing.
    let value = unsafe { rustix::ioctl::ioctl(fd, rustix::ioctl::Getter::<REQUEST, libc::c_int>::new()) }?;
    Ok(value)
}

/// An ioctl that reads a C int and does nothing else with what it is handed: TIOCMBIS, TIOCMBIC.
fn write_int<const REQUEST: rustix::ioctl::Opcode>(fd: impl AsFd, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the requests that this private function is used with take a pointer to a C int and only read that int,
    // which is what a `Setter` of `c_int` hands them.
    unsafe { rustix::ioctl::ioctl(fd, rustix::ioctl::Setter::<REQUEST, libc::c_int>::new(value)) }?;
    Ok(())
}

/// Asks for the time to live of what arrives on an IPv4 socket.
pub(crate) fn want_ttl(socket: impl AsFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open while it is borrowed, and IP_RECVTTL takes a C int, whose address and size are given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_RECVTTL,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Room for control messages, aligned as their headers have to be.
#[repr(C)]
union Control {
    _align: libc::cmsghdr,
    bytes: [u8; 64],
}

/// Receives a datagram without waiting: how long it is, and its time to live if [`want_ttl`] was asked for.
pub(crate) fn receive_with_ttl(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, Option<u8>)> {
    let mut control = Control { bytes: [0; 64] };
    let mut parts = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all zeros is a message header without name, parts and control messages.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut parts;
    header.msg_iovlen = 1;
    header.msg_control = (&raw mut control).cast();
    header.msg_controllen = size_of::<Control>() as _;
    // SAFETY: the descriptor is open while it is borrowed; the header leads to one part, which is `buffer`, and to room for
    // control messages, all of which outlive the call, with their true sizes.
    let count = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT) };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    let mut ttl = None;
    // SAFETY: the kernel has filled the header and the control messages behind it; the CMSG functions walk them within
    // `msg_controllen` and return null at the end.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(&raw const header);
        while let Some(found) = message.as_ref() {
            if found.cmsg_level == libc::IPPROTO_IP
                && found.cmsg_type == libc::IP_TTL
                && found.cmsg_len >= libc::CMSG_LEN(size_of::<libc::c_int>() as u32) as usize
            {
                let value = libc::CMSG_DATA(message).cast::<libc::c_int>().read_unaligned();
                ttl = u8::try_from(value).ok();
            }
            message = libc::CMSG_NXTHDR(&raw const header, message);
        }
    }
    Ok((count, ttl))
}
