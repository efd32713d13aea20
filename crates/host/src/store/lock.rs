//! Opening a state directory: private permissions, and one twin at a time.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use cap_std::fs::{Dir, DirBuilderExt as _, OpenOptions, OpenOptionsExt};

/// How long a twin that was killed a moment ago may take to let go: the lock is the kernel's until the process is gone.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSES: u32 = 25;

/// Why a state directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another twin uses the directory.
    #[error(
        "{} is in use by another modemtwin; give this one a directory (--state DIR) or a number (--first-instance N) of \
         its own",
        .0.display()
    )]
    InUse(PathBuf),
    /// The computer's file system failed.
    #[error("cannot use {} for a module's files: {source}", path.display())]
    Io {
        /// What the failure is about.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// The right to use the directory; given back on drop (and by the system when the process dies).
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it; waits half a second for one that is just ending.
    pub(super) fn take(root: &Dir, path: &Path) -> Result<Self, OpenError> {
        let mut left = PAUSES;
        Self::take_with(root, path, || {
            thread::sleep(PAUSE);
            left = left.saturating_sub(1);
            left > 0
        })
    }

    /// Takes it; as long as another has it, `again` waits and says whether to try once more.
    pub(super) fn take_with(
        root: &Dir,
        path: &Path,
        mut again: impl FnMut() -> bool,
    ) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { path: path.join("lock"), source };
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(false).mode(0o600);
        let file = root.open_with("lock", &options).map_err(failed)?.into_std();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if again() => {}
                Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.into())),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }
}

/// Makes a directory and its parents, for the user alone: private keys will lie in it.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a real subdirectory, made if it is missing. A link in its place is an error, even one that stays inside.
pub(super) fn subdirectory(root: &Dir, name: &str) -> io::Result<Dir> {
    let mut builder = cap_std::fs::DirBuilder::new();
    builder.mode(0o700);
    match root.create_dir_with(name, &builder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        Ok(()) | Err(_) => {}
    }
    if !root.symlink_metadata(name)?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, format!("{name} is not a directory")));
    }
    root.open_dir(name)
}
