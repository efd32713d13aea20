//! Short messages from outside: a directory in which people (or `modemtwin sms`) put files, and modules that watch theirs.
//!
//! ```text
//! DIR/spool/NAME.sms      one TPDU (SMS-DELIVER or SMS-STATUS-REPORT) a line, in hexadecimal digits
//! ```
//!
//! A file is written under another name and renamed, so that it is there as a whole or not at all. It is removed when the
//! module has it; one that cannot be read is removed as well, with a line in the log.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use modem::WorldChange;
use pdu::{from_hex, to_hex};
use rustix::fs::OFlags;
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

use crate::clock::unix_millis;
use crate::instance::Handle;
use crate::sys::Device;

/// How a file's name ends.
const SUFFIX: &str = "sms";
/// The longest file, in bytes: several hundred messages.
const FILE_LIMIT: u64 = 128 << 10;
/// The most files that wait in one directory.
const FILES_LIMIT: usize = 1000;

/// Where a module with this state directory looks.
fn directory(state: &Path) -> PathBuf {
    state.join("spool")
}

/// Puts TPDUs where the module with this state directory finds them, now or when it next runs.
///
/// # Errors
/// What the file system says; or too many files wait there.
pub fn put(state: &Path, tpdus: &[Vec<u8>]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let directory = directory(state);
    make(&directory)?;
    if fs::read_dir(&directory)?.count() >= FILES_LIMIT {
        let text = format!("{FILES_LIMIT} messages wait in {} already", directory.display());
        return Err(io::Error::new(io::ErrorKind::StorageFull, text));
    }
    let text: String = tpdus.iter().map(|tpdu| to_hex(tpdu) + "\n").collect();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // In the order in which they were put.
    let name = format!("{:015}-{:010}-{number:05}", unix_millis(), std::process::id());
    let staged = directory.join(format!(".{name}"));
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&staged)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&staged, directory.join(format!("{name}.{SUFFIX}")))
}

fn make(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The watched directories of a process.
#[derive(Debug)]
pub struct Spool {
    inotify: Device,
    boxes: Vec<Mailbag>,
}

#[derive(Debug)]
struct Mailbag {
    directory: PathBuf,
    module: Handle,
}

impl Spool {
    /// Watches the state directories of modules. Has to be called inside the runtime that serves it.
    ///
    /// # Errors
    /// The system has no more watches, or a directory cannot be made.
    pub fn watch(modules: impl IntoIterator<Item = (PathBuf, Handle)>) -> io::Result<Self> {
        let inotify = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let mut boxes = Vec::new();
        for (state, module) in modules {
            let directory = directory(&state);
            make(&directory)?;
            add_watch(&inotify, &directory, WatchFlags::MOVED_TO | WatchFlags::ONLYDIR)?;
            boxes.push(Mailbag { directory, module });
        }
        Ok(Self { inotify: Device::new(inotify)?, boxes })
    }

    /// Hands over what is there, and what comes; never ends unless the system fails.
    ///
    /// # Errors
    /// What the system says.
    pub async fn serve(mut self) -> io::Result<()> {
        let mut events = vec![0; 4096];
        loop {
            for mailbag in &mut self.boxes {
                mailbag.empty().await;
            }
            // Which directory it is does not matter: looking into all of them is cheap, and misses nothing.
            poll_fn(|cx| self.inotify.poll_read(cx, &mut events)).await?;
        }
    }
}

impl Mailbag {
    /// Hands over the files that are there, oldest first.
    async fn empty(&mut self) {
        for path in self.waiting() {
            match read(&path) {
                Ok(tpdus) => {
                    for tpdu in tpdus {
                        if self.module.world(WorldChange::Message { tpdu }).await.is_err() {
                            // It is there for the next run.
                            return;
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(file = %path.display(), %error, "no short messages; it is removed");
                }
            }
            if let Err(error) = fs::remove_file(&path) {
                tracing::error!(file = %path.display(), %error, "a message that was delivered cannot be removed");
            }
        }
    }

    fn waiting(&self) -> Vec<PathBuf> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::error!(directory = %self.directory.display(), %error, "cannot look for short messages");
                return Vec::new();
            }
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut paths: Vec<PathBuf> = paths
            .filter(|path| path.extension().is_some_and(|end| end == SUFFIX))
            .take(FILES_LIMIT)
            .collect();
        paths.sort();
        paths
    }
}

/// The TPDUs of a file; a link is none.
fn read(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let bad = |text| io::Error::new(io::ErrorKind::InvalidData, text);
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file: File = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(bad("it is no file"));
    }
    let mut text = Vec::new();
    if file.take(FILE_LIMIT + 1).read_to_end(&mut text)? as u64 > FILE_LIMIT {
        return Err(bad("it is too long"));
    }
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    lines
        .map(|line| from_hex(line).ok_or_else(|| bad("it has a line that is not hexadecimal digits")))
        .collect()
}

#[cfg(test)]
mod tests;
