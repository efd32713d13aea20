//! What AT can see: operations below one directory, which no path leaves.
//!
//! `cap-std` keeps every path inside. On top of that no symbolic link is followed at all, not even one that stays
//! inside, and only regular files are opened (a planted FIFO would block).

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, File, Metadata, OpenOptions, OpenOptionsExt};
use modem::{Entry, StoreError};

use super::WHOLE_LIMIT;

type Result<T> = std::result::Result<T, StoreError>;

/// The longest listing, in bytes as it is printed: no line would take more of an answer in one piece.
const LISTING_LIMIT: usize = 128 << 10;
/// What is printed around a name: an end of line, and a sign for a directory.
const LISTED_AROUND: usize = 3;

/// Logs the computer's own error and gives the module's class of it.
pub(super) fn io_failed(action: &str, path: &str, error: &io::Error) -> StoreError {
    tracing::error!(action, path, %error, "the file store failed");
    StoreError::Io
}

/// The store's answer to the computer's error; only what has no class of its own is logged.
pub(super) fn classify(action: &str, path: &str, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::NotFound,
        io::ErrorKind::AlreadyExists => StoreError::Exists,
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => StoreError::WrongKind,
        io::ErrorKind::DirectoryNotEmpty => StoreError::NotEmpty,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            io_failed(action, path, error);
            StoreError::Full
        }
        _ => io_failed(action, path, error),
    }
}

/// What is at `path`, without following a link anywhere on the way; its directory has to be a real one.
fn look(files: &Dir, path: &str) -> Result<Metadata> {
    for (at, _) in path.match_indices('/') {
        let parent = &path[..at];
        if !files.symlink_metadata(parent).map_err(|e| classify("look at", path, &e))?.is_dir() {
            return Err(StoreError::WrongKind);
        }
    }
    files.symlink_metadata(path).map_err(|e| classify("look at", path, &e))
}

fn look_for_file(files: &Dir, path: &str) -> Result<Metadata> {
    let metadata = look(files, path)?;
    if metadata.is_file() { Ok(metadata) } else { Err(StoreError::WrongKind) }
}

fn look_for_directory(files: &Dir, path: &str) -> Result<()> {
    if look(files, path)?.is_dir() { Ok(()) } else { Err(StoreError::WrongKind) }
}

/// Succeeds when nothing is at `path` and its directory is a real one.
fn nothing_at(files: &Dir, path: &str) -> Result<bool> {
    match look(files, path) {
        Ok(_) => Ok(false),
        Err(StoreError::NotFound) => {
            if let Some((parent, _)) = path.rsplit_once('/') {
                look_for_directory(files, parent)?;
            }
            Ok(true)
        }
        Err(e) => Err(e),
    }
}

/// How many bytes a file put at `path` would replace.
pub(super) fn replaced(files: &Dir, path: &str) -> Result<u64> {
    if nothing_at(files, path)? { Ok(0) } else { size(files, path) }
}

/// Opens a regular file for reading.
pub(super) fn open(files: &Dir, path: &str) -> Result<File> {
    look_for_file(files, path)?;
    let file = files.open(path).map_err(|e| classify("open", path, &e))?;
    // Looked at again behind the open: the name may have changed hands in between.
    let metadata = file.metadata().map_err(|e| classify("open", path, &e))?;
    if metadata.is_file() { Ok(file) } else { Err(StoreError::WrongKind) }
}

pub(super) fn create(files: &Dir, path: &str) -> Result<()> {
    if !nothing_at(files, path)? {
        return look_for_file(files, path).map(|_| ());
    }
    let mut options = OpenOptions::new();
    options.create_new(true).write(true).mode(0o600);
    match files.open_with(path, &options) {
        Ok(_) => sync_parent(files, Path::new(path)).map_err(|e| io_failed("sync", path, &e)),
        Err(e) => Err(classify("create", path, &e)),
    }
}

pub(super) fn read(files: &Dir, path: &str, offset: u64, length: usize) -> Result<Vec<u8>> {
    let mut file = open(files, path)?;
    let size = file.metadata().map_err(|e| classify("read", path, &e))?.len();
    if offset > 0 && offset >= size {
        return Err(StoreError::BadOffset);
    }
    let mut read = || {
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        (&mut file).take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|e: io::Error| io_failed("read", path, &e))
}

pub(super) fn whole(files: &Dir, path: &str) -> Result<Vec<u8>> {
    look_for_file(files, path)?;
    read_all(files, path, WHOLE_LIMIT).map_err(|e| classify("read", path, &e))
}

/// A whole regular file of at most `limit` bytes.
pub(super) fn read_all(directory: &Dir, path: &str, limit: u64) -> io::Result<Vec<u8>> {
    let metadata = directory.symlink_metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    // One byte more than expected, so that one read finds all and the next one the end.
    let expected = usize::try_from(metadata.len().min(limit)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(expected.saturating_add(1));
    directory.open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes")));
    }
    Ok(bytes)
}

pub(super) fn delete(files: &Dir, path: &str) -> Result<()> {
    look_for_file(files, path)?;
    files.remove_file(path).map_err(|e| classify("delete", path, &e))?;
    sync_parent(files, Path::new(path)).map_err(|e| io_failed("sync", path, &e))
}

pub(super) fn size(files: &Dir, path: &str) -> Result<u64> {
    look_for_file(files, path).map(|metadata| metadata.len())
}

/// Whether AT could have given such a name. A planted one with an end of line in it would look like an answer.
fn is_name(name: &str) -> bool {
    !name.contains(|c: char| c.is_control() || c == '\\')
}

/// Files and directories, sorted by name; an error when there are unreasonably many. What is neither, or has a name that is not UTF-8, cannot be reached over AT
/// and is left out (and logged).
pub(super) fn list(files: &Dir, path: Option<&str>) -> Result<Vec<Entry>> {
    let shown = path.unwrap_or("/");
    if let Some(path) = path {
        look_for_directory(files, path)?;
    }
    let collect = || {
        let mut entries = Vec::new();
        let mut length = 0;
        for entry in files.read_dir(path.unwrap_or("."))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            match entry.file_name().into_string() {
                Ok(name) if !is_name(&name) => {
                    tracing::warn!(directory = shown, ?name, "not listed: no name of the module's");
                }
                Ok(name) if kind.is_file() || kind.is_dir() => {
                    length += name.len() + LISTED_AROUND;
                    if length > LISTING_LIMIT {
                        return Err(io::Error::other("more files than can be listed; delete some"));
                    }
                    entries.push(Entry { name, directory: kind.is_dir() });
                }
                Ok(name) => {
                    tracing::warn!(directory = shown, name, "not listed: neither a file nor a directory");
                }
                Err(name) => tracing::warn!(directory = shown, ?name, "not listed: the name is not UTF-8"),
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    };
    collect().map_err(|e: io::Error| classify("list", shown, &e))
}

pub(super) fn make_directory(files: &Dir, path: &str) -> Result<()> {
    if !nothing_at(files, path)? {
        return Err(StoreError::Exists);
    }
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    files.create_dir_with(path, &builder).map_err(|e| classify("make directory", path, &e))?;
    sync_parent(files, Path::new(path)).map_err(|e| io_failed("sync", path, &e))
}

pub(super) fn remove_directory(files: &Dir, path: &str) -> Result<()> {
    look_for_directory(files, path)?;
    files.remove_dir(path).map_err(|e| classify("remove directory", path, &e))?;
    sync_parent(files, Path::new(path)).map_err(|e| io_failed("sync", path, &e))
}

/// The sizes of all regular files together. Always counted anew: people may edit the directory by hand.
pub(super) fn usage(files: &Dir) -> Result<u64> {
    let count = || {
        let mut sum = 0_u64;
        let mut pending = vec![PathBuf::from(".")];
        while let Some(directory) = pending.pop() {
            for entry in files.read_dir(&directory)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    pending.push(directory.join(entry.file_name()));
                } else if kind.is_file() {
                    // Deleted by hand in between: no longer counts.
                    match entry.metadata() {
                        Ok(metadata) => sum = sum.saturating_add(metadata.len()),
                        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                        Err(e) => return Err(e),
                    }
                }
            }
        }
        Ok(sum)
    };
    count().map_err(|e: io::Error| io_failed("count", "/", &e))
}

/// Waits until the directory entry for `path` is on disk.
pub(super) fn sync_parent(directory: &Dir, path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    directory.open(parent)?.sync_all()
}
