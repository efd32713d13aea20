//! What debugging may need and nobody else may have: the secrets of TLS sessions, and the bytes on the wire.

mod headers;
mod pcapng;
mod private;
mod recorder;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) use recorder::Recorder;

/// Where sessions are recorded, if anywhere.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The secrets of TLS sessions.
    pub key_log: Option<Arc<KeyLog>>,
    /// The bytes on the wire, with the secrets beside them.
    pub capture: Option<Arc<Capture>>,
}

impl Recording {
    /// Takes one line of the key log.
    pub(super) fn secret(&self, line: &str) {
        if let Some(log) = &self.key_log {
            log.file.write(format!("{line}\n").as_bytes());
        }
        if let Some(capture) = &self.capture {
            capture.file.write(&pcapng::secrets(line));
        }
    }

    /// Whether secrets are wanted.
    pub(super) fn wants_secrets(&self) -> bool {
        self.key_log.is_some() || self.capture.is_some()
    }
}

/// A file of TLS secrets in NSS key log format. Who has it reads the sessions, and poses as either side while they last.
#[derive(Debug)]
pub struct KeyLog {
    file: Sink,
}

impl KeyLog {
    /// Appends to a file, which is made for its owner only. One that others may read, or that is not a file, is refused
    /// unless `force` says otherwise.
    ///
    /// # Errors
    /// It is refused, or the system's own words.
    pub fn open(path: &Path, force: bool) -> io::Result<Self> {
        Ok(Self { file: Sink::new(private::open(path, force)?, "key log") })
    }
}

/// A pcapng file of connections: what is sent and received in TCP (or UDP) and IP headers made up around it, and the
/// secrets that decrypt it. Wireshark opens it as it is.
#[derive(Debug)]
pub struct Capture {
    file: Sink,
}

impl Capture {
    /// Begins a file anew; who may read it is as for [`KeyLog::open`].
    ///
    /// # Errors
    /// It is refused, or the system's own words.
    pub fn open(path: &Path, force: bool) -> io::Result<Self> {
        let mut file = private::open(path, force)?;
        private::empty(&file)?;
        file.write_all(&pcapng::beginning())?;
        Ok(Self { file: Sink::new(file, "capture") })
    }

    fn packet(&self, packet: &Packet) {
        self.file.write(&pcapng::packet(packet.micros, &packet.bytes, packet.comment.as_deref()));
    }
}

/// A packet and when it was.
struct Packet {
    micros: u64,
    bytes: Vec<u8>,
    comment: Option<String>,
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A file that several connections write to, each time in one piece.
#[derive(Debug)]
struct Sink {
    file: Mutex<File>,
    what: &'static str,
    failed: AtomicBool,
}

impl Sink {
    fn new(file: File, what: &'static str) -> Self {
        Self { file: Mutex::new(file), what, failed: AtomicBool::new(false) }
    }

    /// After a failure nothing more is written: what comes later would not fit what is there.
    fn write(&self, bytes: &[u8]) {
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(bytes)
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            tracing::error!("the {} ends here, as it cannot be written: {error}", self.what);
        }
    }
}
