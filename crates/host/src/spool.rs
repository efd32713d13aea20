//! Short messages from outside: a directory in which people (or `modemtwin sms`) put files, and modules that watch theirs.
//!
//! ```text
//! DIR/spool/NAME.sms      one TPDU (SMS-DELIVER or SMS-STATUS-REPORT) a line, in hexadecimal digits
//! ```
//!
//! A file is written under another name and renamed, so that it is there as a whole or not at all. It is removed when the
//! module has it and would still have it after a crash; one that holds no messages is removed as well, with a line in the log.
//! As long as the network keeps no more messages for a module, they stay here.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pdu::{from_hex, to_hex};
use rustix::fs::OFlags;
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::io::Errno;
use tokio::time::timeout;

use crate::clock::unix_millis;
use crate::instance::Handle;
use crate::sys::Device;

/// How a file's name ends.
const SUFFIX: &str = "sms";
/// The longest file, in bytes: several hundred messages.
const FILE_LIMIT: u64 = 128 << 10;
/// The most files that wait in one directory.
const FILES_LIMIT: usize = 1000;
/// When what could not be handed over is tried again.
const AGAIN: Duration = Duration::from_secs(1);

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
    /// How many messages of this file the module has already.
    begun: Option<(PathBuf, usize)>,
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
            boxes.push(Mailbag { directory, module, begun: None });
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
            let mut left = false;
            for mailbag in &mut self.boxes {
                left |= !mailbag.empty().await;
            }
            // Which directory it is does not matter: looking into all of them is cheap, and misses nothing.
            let event = poll_fn(|cx| self.inotify.poll_read(cx, &mut events));
            if left {
                timeout(AGAIN, event).await.unwrap_or(Ok(0))?;
            } else {
                event.await?;
            }
        }
    }
}

impl Mailbag {
    /// Hands over the files that are there, oldest first. False: some are left, and may be handed over later.
    async fn empty(&mut self) -> bool {
        let paths = match self.waiting() {
            Ok(paths) => paths,
            Err(error) => {
                tracing::error!(directory = %self.directory.display(), %error, "cannot look for short messages");
                return false;
            }
        };
        for path in paths {
            match read(&path) {
                Ok(tpdus) => {
                    let given =
                        self.begun.take().filter(|(begun, _)| *begun == path).map_or(0, |(_, given)| given);
                    for (index, tpdu) in tpdus.into_iter().enumerate().skip(given) {
                        match self.module.deliver(tpdu).await {
                            Ok(true) => {}
                            Ok(false) => {
                                self.begun = Some((path, index));
                                return false;
                            }
                            // It is there for the next run.
                            Err(_) => return true,
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) if is_none(&error) => {
                    tracing::warn!(file = %path.display(), %error, "no short messages; it is removed");
                }
                Err(error) => {
                    tracing::warn!(file = %path.display(), %error, "short messages cannot be read; it is tried again");
                    return false;
                }
            }
            if let Err(error) = fs::remove_file(&path) {
                tracing::error!(file = %path.display(), %error, "a message that was delivered cannot be removed");
            }
        }
        true
    }

    fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(&self.directory)?.filter_map(|entry| Some(entry.ok()?.path()));
        let mut paths: Vec<PathBuf> = paths
            .filter(|path| path.extension().is_some_and(|end| end == SUFFIX))
            .take(FILES_LIMIT)
            .collect();
        paths.sort();
        Ok(paths)
    }
}

/// Whether the error tells that there are no messages in it, and not that the computer could not read them.
fn is_none(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
        || matches!(Errno::from_io_error(error), Some(Errno::LOOP | Errno::NXIO))
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
