//! Files that only their owner may read.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens for appending; makes a new file for its owner only. One that is there already, and that others may read or write,
/// is refused unless `force`; so is what is not a file.
pub(super) fn open(path: &Path, force: bool) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    if force {
        return Ok(file);
    }
    let about = file.metadata()?;
    // What was opened is looked at, not the path, which may lead elsewhere by now.
    let why = if !about.is_file() {
        "it is not a file"
    } else if about.mode() & 0o077 != 0 {
        "others may read or write it"
    } else if about.uid() != rustix::process::geteuid().as_raw() {
        "it belongs to somebody else"
    } else {
        return Ok(file);
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Empties it; what has no length stays as it is.
pub(super) fn empty(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() { file.set_len(0) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_file_is_its_owner_s_and_is_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        open(&path, false).unwrap().write_all(b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        open(&path, false).unwrap().write_all(b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"onetwo");
        empty(&open(&path, false).unwrap()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn what_others_may_read_is_refused_unless_forced_and_stays_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        fs::write(&path, "old").unwrap();
        for mode in [0o644, 0o640, 0o602] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = open(&path, false).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{mode:o}");
            assert_eq!(fs::read(&path).unwrap(), b"old");
        }
        open(&path, true).unwrap();
        assert!(open(Path::new("/dev/null"), false).is_err());
        assert!(open(Path::new("/dev/null"), true).is_ok());
    }
}
