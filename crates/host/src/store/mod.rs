//! The file store of one module: a directory on disk.
//!
//! ```text
//! DIR/files      what AT can see; no AT path leaves it, and a symbolic link in it is never followed
//! DIR/settings   what AT&W and the like keep, out of AT's sight
//! DIR/messages   short messages, likewise
//! DIR/outbox     short messages that the module has sent, one a line; DIR/outbox.old the ones before
//! DIR/tmp        where new contents are staged (same file system, so that a rename is one step)
//! DIR/lock       held while a twin uses the directory
//! ```
//!
//! A change is staged, synced, renamed over its target, and the directory synced; only then does the store answer.
//! A download gathers in DIR/tmp, unsynced, until it is committed likewise.
//! So an answered write survives `kill -9` and a power cut, and a half one leaves the old content.

mod files;
mod lock;
mod outbox;
mod reader;
mod stage;

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use modem::{Area, Section, StoreError, StoreReply, StoreRequest};

use lock::Lock;
pub use lock::OpenError;
pub use reader::StoreReader;
use stage::Staging;

/// The longest file that [`Store::read_whole`] reads, in bytes: more than any module's file system holds.
pub const WHOLE_LIMIT: u64 = 4 << 20;

/// The longest section that is read back, in bytes.
const SECTION_LIMIT: u64 = 1 << 20;

/// Where a section is kept.
fn section_name(section: Section) -> &'static str {
    match section {
        Section::Settings => "settings",
        Section::Messages => "messages",
    }
}

/// One module's files and settings. All calls block; the instance makes them off its own task.
#[derive(Debug)]
pub struct Store {
    root: Dir,
    files: Dir,
    staging: Staging,
    path: PathBuf,
    _lock: Lock,
}

impl Store {
    /// Opens (or makes) the store in `path`, takes its lock, and clears what an interrupted write has left.
    ///
    /// # Errors
    /// [`OpenError::InUse`] when another twin holds the directory, [`OpenError::Io`] for what the computer's file system
    /// says, with the path that it is about.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |source| OpenError::Io { path, source }
        };
        lock::make_private(path).map_err(at(path))?;
        let root = Dir::open_ambient_dir(path, ambient_authority()).map_err(at(path))?;
        let lock = Lock::take(&root, path)?;
        let files = lock::subdirectory(&root, "files").map_err(at(&path.join("files")))?;
        let staging = Staging::open(&root).map_err(at(&path.join("tmp")))?;
        Ok(Self { root, files, staging, path: path.into(), _lock: lock })
    }

    /// The directory that it was opened with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was persisted last as this section; `None` when nothing was.
    ///
    /// # Errors
    /// What the file system says; also when the file is unreasonably long.
    pub fn kept(&self, section: Section) -> io::Result<Option<Vec<u8>>> {
        match files::read_all(&self.root, section_name(section), SECTION_LIMIT) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// A whole file, by its name inside the module; for certificates and keys.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::WrongKind`] (a directory, or something that is neither), [`StoreError::Io`]
    /// (also for a file over [`WHOLE_LIMIT`]).
    pub fn read_whole(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        files::whole(&self.files, path)
    }

    /// Does what is asked; when it returns, the effect would survive the program being killed.
    ///
    /// # Errors
    /// As [`StoreRequest`] says. The computer's own errors are logged and answered as [`StoreError::Io`].
    pub fn perform(&self, request: &StoreRequest) -> Result<StoreReply, StoreError> {
        let files = &self.files;
        match request {
            StoreRequest::Create(path) => files::create(files, path.as_str()).map(|()| StoreReply::Done),
            StoreRequest::Write { path, append, bytes, capacity } => {
                self.write(path.as_str(), *append, bytes, *capacity).map(|()| StoreReply::Done)
            }
            StoreRequest::Read { path, offset, length } => {
                files::read(files, path.as_str(), *offset, *length).map(StoreReply::Bytes)
            }
            StoreRequest::Delete(path) => files::delete(files, path.as_str()).map(|()| StoreReply::Done),
            StoreRequest::Size(path) => files::size(files, path.as_str()).map(StoreReply::Size),
            StoreRequest::List(path) => {
                files::list(files, path.as_ref().map(modem::ModulePath::as_str)).map(StoreReply::Entries)
            }
            StoreRequest::MakeDirectory(path) => {
                files::make_directory(files, path.as_str()).map(|()| StoreReply::Done)
            }
            StoreRequest::RemoveDirectory(path) => {
                files::remove_directory(files, path.as_str()).map(|()| StoreReply::Done)
            }
            StoreRequest::Usage => files::usage(files).map(StoreReply::Size),
            StoreRequest::Stage { area, path, offset, bytes, capacity } => {
                let staged = self.stage(*area, path.as_str(), *offset, bytes, *capacity);
                self.or_discard(*area, staged)
            }
            StoreRequest::Commit { area, path, capacity } => {
                let committed = self.commit(*area, path.as_str(), *capacity);
                self.or_discard(*area, committed)
            }
            StoreRequest::Discard(area) => self.staging.discard(*area).map(|()| StoreReply::Done),
            StoreRequest::Persist { section, bytes } => {
                self.persist(*section, bytes).map(|()| StoreReply::Done)
            }
        }
    }

    fn write(&self, path: &str, append: bool, bytes: &[u8], capacity: u64) -> Result<(), StoreError> {
        let old_size = files::size(&self.files, path)?;
        let kept = if append { old_size } else { 0 };
        let others = files::usage(&self.files)?.saturating_sub(old_size);
        let new_size = kept.saturating_add(bytes.len() as u64);
        if others.saturating_add(new_size) > capacity {
            return Err(StoreError::Full);
        }
        let mut staged = self.staging.begin().map_err(|e| files::io_failed("stage", path, &e))?;
        if append {
            let mut old = files::open(&self.files, path)?;
            staged.copy_from(&mut old, kept).map_err(|e| files::io_failed("copy", path, &e))?;
        }
        staged.write(bytes).map_err(|e| files::io_failed("write", path, &e))?;
        staged.commit(&self.files, path).map_err(|e| files::io_failed("replace", path, &e))
    }

    /// Adds to what an area holds.
    fn stage(
        &self,
        area: Area,
        path: &str,
        offset: u64,
        bytes: &[u8],
        capacity: u64,
    ) -> Result<(), StoreError> {
        if offset > 0 && self.staging.length(area)? != Some(offset) {
            return Err(StoreError::BadOffset);
        }
        self.check_fits(path, offset.saturating_add(bytes.len() as u64), capacity)?;
        self.staging.gather(area, offset == 0, bytes)
    }

    /// Makes what an area holds a file.
    fn commit(&self, area: Area, path: &str, capacity: u64) -> Result<(), StoreError> {
        let length = self.staging.length(area)?.ok_or(StoreError::NotFound)?;
        self.check_fits(path, length, capacity)?;
        self.staging.put(area, &self.files, path)
    }

    /// A failure leaves nothing behind.
    fn or_discard(&self, area: Area, outcome: Result<(), StoreError>) -> Result<StoreReply, StoreError> {
        if outcome.is_err() {
            self.staging.discard(area)?;
        }
        outcome.map(|()| StoreReply::Done)
    }

    /// A file of this path and length can be put there, in place of one that is there.
    fn check_fits(&self, path: &str, length: u64, capacity: u64) -> Result<(), StoreError> {
        let others = files::usage(&self.files)?.saturating_sub(files::replaced(&self.files, path)?);
        if others.saturating_add(length) > capacity { Err(StoreError::Full) } else { Ok(()) }
    }

    fn persist(&self, section: Section, bytes: &[u8]) -> Result<(), StoreError> {
        let name = section_name(section);
        let keep = || {
            let mut staged = self.staging.begin()?;
            staged.write(bytes)?;
            staged.commit(&self.root, name)
        };
        keep().map_err(|e| files::io_failed("persist", name, &e))
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_staging;
