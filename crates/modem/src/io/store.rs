//! The file store: what can be asked of it, and what it answers.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Ties a store's answer to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u32);

/// A file name inside the module: normalised, relative to the root, `/` between its parts, never empty, never with
/// `.` or `..` in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModulePath(pub(crate) String);

impl ModulePath {
    /// The name, such as `client.crt` or `USER/HTTP/ca.crt`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request to the file store. The store answers only when the effect would survive the program being killed
/// ([`Stage`](StoreRequest::Stage) has no effect yet).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreRequest {
    /// Make an empty file; an existing one stays as it is.
    Create(ModulePath),
    /// Replace the whole content in one step, or append in one step. The file has to exist.
    Write {
        /// Which file.
        path: ModulePath,
        /// Append instead of replace.
        append: bool,
        /// The bytes.
        bytes: Vec<u8>,
        /// How many bytes all files together may have afterwards.
        capacity: u64,
    },
    /// Read; shorter when the file ends earlier. [`StoreError::BadOffset`] when `offset` is at or behind the end of a file that is not empty, or behind 0 of an empty one.
    Read {
        /// Which file.
        path: ModulePath,
        /// Where to begin.
        offset: u64,
        /// The most bytes.
        length: usize,
    },
    /// Delete a file.
    Delete(ModulePath),
    /// The size of a file in bytes.
    Size(ModulePath),
    /// The entries of a directory; `None` is the root.
    List(Option<ModulePath>),
    /// Make a directory (one level).
    MakeDirectory(ModulePath),
    /// Remove an empty directory.
    RemoveDirectory(ModulePath),
    /// How many bytes all files have together.
    Usage,
    /// Gather a file's new content where AT cannot see it; lost with the program, unless committed. It fails as soon as the
    /// commit would: [`StoreError::Full`], or for the path's sake. A failure discards what was there.
    Stage {
        /// Where.
        area: Area,
        /// The file that it is to become: an old one of this name makes room.
        path: ModulePath,
        /// How many bytes stand before these: 0 begins anew, whatever the area holds; otherwise exactly what it holds
        /// ([`StoreError::BadOffset`]).
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
        /// How many bytes all files together may have after the commit.
        capacity: u64,
    },
    /// Make what was staged a file, in one step, in place of one of this name. [`StoreError::NotFound`] when nothing was staged. A failure
    /// discards what was staged.
    Commit {
        /// From where.
        area: Area,
        /// The file; its directory has to exist.
        path: ModulePath,
        /// How many bytes all files together may have afterwards.
        capacity: u64,
    },
    /// Forget what was staged, if anything.
    Discard(Area),
    /// Keep something outside the files that AT can see; handed back in [`Setup`](crate::Setup).
    Persist {
        /// What it is; each section is replaced for itself.
        section: Section,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// Where [`StoreRequest::Stage`] gathers a content: one for each service that downloads into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// HTTP's.
    Http,
    /// FTP's.
    Ftp,
}

/// What [`StoreRequest::Persist`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// Settings: [`Setup::settings`](crate::Setup::settings).
    Settings,
    /// Short messages: [`Setup::messages`](crate::Setup::messages).
    Messages,
}

/// The store's good answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreReply {
    /// Done.
    Done,
    /// A file's bytes.
    Bytes(Vec<u8>),
    /// A size or usage in bytes.
    Size(u64),
    /// A directory's entries, sorted by name.
    Entries(Vec<Entry>),
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without path.
    pub name: String,
    /// Whether it is a directory.
    pub directory: bool,
}

/// The store's bad answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreError {
    /// No such file or directory (or its directory is missing).
    NotFound,
    /// It exists already.
    Exists,
    /// A file where a directory is needed, a directory where a file is needed, or something that is neither.
    WrongKind,
    /// The directory has entries.
    NotEmpty,
    /// The capacity would be exceeded.
    Full,
    /// The offset is behind the end.
    BadOffset,
    /// The computer's own file system failed.
    Io,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "there is no such file or directory",
            Self::Exists => "it exists already",
            Self::WrongKind => "it is not of the right kind (file or directory)",
            Self::NotEmpty => "the directory is not empty",
            Self::Full => "the file system is full",
            Self::BadOffset => "the position is not inside the file",
            Self::Io => "the computer's file system failed",
        })
    }
}
