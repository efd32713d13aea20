//! A module's files, for reading only.

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use modem::StoreError;

use super::{OpenError, files};

/// A look at a module's files that changes nothing, makes nothing and needs no lock: also while a twin uses the directory.
#[derive(Debug)]
pub struct StoreReader {
    files: Dir,
}

impl StoreReader {
    /// Opens the directory that [`Store::open`](super::Store::open) made in `path`.
    ///
    /// # Errors
    /// [`OpenError::Io`], also when it is not there.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let path = path.join("files");
        match Dir::open_ambient_dir(&path, ambient_authority()) {
            Ok(files) => Ok(Self { files }),
            Err(source) => Err(OpenError::Io { path, source }),
        }
    }

    /// A whole file, by its name inside the module.
    ///
    /// # Errors
    /// As [`Store::read_whole`](super::Store::read_whole).
    pub fn read_whole(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        files::whole(&self.files, path)
    }
}
