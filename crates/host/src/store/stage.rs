//! Staged writes: a new content appears under its name in one step, or not at all.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use modem::{Area, StoreError};

use super::{files, lock};

/// The name of the file in which an area gathers its content.
fn area_name(area: Area) -> &'static str {
    match area {
        Area::Http => "download-http",
        Area::Ftp => "download-ftp",
    }
}

/// The directory in which contents are staged.
#[derive(Debug)]
pub(super) struct Staging {
    tmp: Dir,
    next: AtomicU64,
}

impl Staging {
    /// Opens it and removes what a killed process has left there. The caller holds the store's lock.
    pub(super) fn open(root: &Dir) -> io::Result<Self> {
        let tmp = lock::subdirectory(root, "tmp")?;
        for entry in tmp.entries()? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                entry.remove_file()?;
            }
        }
        Ok(Self { tmp, next: AtomicU64::new(0) })
    }

    /// Begins a staged file. Dropped without [`Staged::commit`], it leaves nothing.
    pub(super) fn begin(&self) -> io::Result<Staged<'_>> {
        let name = format!("write-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let mut options = OpenOptions::new();
        options.create_new(true).write(true).mode(0o600);
        let file = self.tmp.open_with(&name, &options)?;
        Ok(Staged { tmp: &self.tmp, name, file, renamed: false })
    }

    /// How many bytes an area holds; `None`: nothing was staged.
    pub(super) fn length(&self, area: Area) -> Result<Option<u64>, StoreError> {
        match self.tmp.symlink_metadata(area_name(area)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(files::io_failed("look at", area_name(area), &e)),
        }
    }

    /// Adds to what an area holds, or begins anew.
    pub(super) fn gather(&self, area: Area, anew: bool, bytes: &[u8]) -> Result<(), StoreError> {
        let name = area_name(area);
        if anew {
            self.discard(area)?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create_new(anew).mode(0o600);
        let write = || self.tmp.open_with(name, &options)?.write_all(bytes);
        write().map_err(|e| files::classify("stage", name, &e))
    }

    /// Puts what an area holds under `path` in `target`, and waits until it is on disk.
    pub(super) fn put(&self, area: Area, target: &Dir, path: &str) -> Result<(), StoreError> {
        let name = area_name(area);
        let put = || {
            self.tmp.open(name)?.sync_all()?;
            self.tmp.rename(name, target, path)?;
            files::sync_parent(target, Path::new(path))
        };
        put().map_err(|e: io::Error| files::classify("commit", path, &e))
    }

    /// Forgets what an area holds.
    pub(super) fn discard(&self, area: Area) -> Result<(), StoreError> {
        match self.tmp.remove_file(area_name(area)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(files::io_failed("discard", area_name(area), &e))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// One content on its way.
#[derive(Debug)]
pub(super) struct Staged<'a> {
    tmp: &'a Dir,
    name: String,
    file: File,
    renamed: bool,
}

impl Staged<'_> {
    /// Takes exactly `length` bytes from an old content.
    pub(super) fn copy_from(&mut self, old: &mut File, length: u64) -> io::Result<()> {
        let copied = io::copy(&mut old.take(length), &mut self.file)?;
        if copied < length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file shrank while it was copied"));
        }
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Puts the content under `path` in `target`, replacing a file that is there, and waits until it is on disk.
    pub(super) fn commit(mut self, target: &Dir, path: &str) -> io::Result<()> {
        self.file.sync_data()?;
        self.tmp.rename(&self.name, target, path)?;
        self.renamed = true;
        files::sync_parent(target, Path::new(path))
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.renamed
            && let Err(e) = self.tmp.remove_file(&self.name)
        {
            tracing::warn!(error = %e, file = self.name, "a staged file could not be removed");
        }
    }
}
