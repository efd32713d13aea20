//! The module's own files, as FTP has them: downloads go to C:/USER/FTP, which is made when it is missing.

use alloc::format;
use alloc::vec::Vec;

use crate::command::Fault;
use crate::exchange::Exchange;
use crate::families::files;
use crate::io::{Area, ModulePath, StoreError, StoreReply, StoreRequest};

/// Where downloads go, with what is above it.
const DIRECTORIES: [&str; 2] = ["USER", "USER/FTP"];

/// The next parameter as the name of a download: no path, and no quotes needed.
pub(super) fn name(x: &mut Exchange<'_>) -> Result<ModulePath, Fault> {
    let profile = x.profile();
    let typed = x.args.text(profile.file_name_limit)?;
    if typed.contains('/') {
        return Err(Fault::error("a name alone: downloads go to C:/USER/FTP"));
    }
    let name = files::path(profile, typed).map_err(Fault::error)?;
    let name = name.ok_or(Fault::error("the root itself cannot be meant here"))?;
    Ok(ModulePath(format!("{}/{name}", DIRECTORIES[1])))
}

/// The next parameter as a file anywhere in the module.
pub(super) fn path(x: &mut Exchange<'_>) -> Result<ModulePath, Fault> {
    let limit = x.profile().ftp.path;
    let typed = x.args.text(limit)?;
    files::path_within(limit, typed).map_err(Fault::error)?.ok_or(Fault::error("the root itself cannot be meant here"))
}

/// A step on the way to a file there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// One of the directories is made, if it is missing.
    Directory(usize),
    /// Bytes are gathered where AT cannot see them.
    Stage,
    /// They become the file.
    Commit,
}

impl Step {
    pub(super) const FIRST: Self = Self::Directory(0);

    /// What it asks of the store; `bytes` stand at `offset` of the file.
    pub(super) fn request(self, path: &ModulePath, offset: u64, bytes: Vec<u8>, capacity: u64) -> StoreRequest {
        let (area, path) = (Area::Ftp, path.clone());
        match self {
            Self::Directory(index) => {
                let directory = DIRECTORIES.get(index).copied().unwrap_or(DIRECTORIES[1]);
                StoreRequest::MakeDirectory(ModulePath(directory.into()))
            }
            Self::Stage => StoreRequest::Stage { area, path, offset, bytes, capacity },
            Self::Commit => StoreRequest::Commit { area, path, capacity },
        }
    }

    /// A directory may be there already.
    pub(super) fn check(self, result: Result<StoreReply, StoreError>) -> Result<(), StoreError> {
        match (self, result) {
            (Self::Directory(_), Err(StoreError::Exists)) => Ok(()),
            (_, result) => result.map(|_| ()),
        }
    }

    /// The one after it.
    pub(super) fn next(self) -> Option<Self> {
        match self {
            Self::Directory(index) if index + 1 < DIRECTORIES.len() => Some(Self::Directory(index + 1)),
            Self::Directory(_) => Some(Self::Stage),
            Self::Stage => Some(Self::Commit),
            Self::Commit => None,
        }
    }
}
