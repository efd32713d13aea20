//! The symbolic link under which a pseudo-terminal can be found.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use super::LineError;

/// A link that is removed when it is dropped, unless somebody has put another in its place.
#[derive(Debug)]
pub(super) struct Link {
    path: PathBuf,
    target: PathBuf,
    _claim: Option<UnixListener>,
}

impl Link {
    /// Makes the link in one step. A link to a pseudo-terminal, there or gone (left by a twin that was killed; the
    /// terminal's number may be in use again), is replaced; anything else is left alone, and so is the link of a twin
    /// that is running.
    pub(super) fn make(path: &Path, target: &Path) -> Result<Self, LineError> {
        let failed = || LineError::io(format!("make the link {}", path.display()));
        let claim = match claim(path) {
            Ok(claim) => Some(claim),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(LineError::InUse(path.into())),
            Err(error) => {
                // Without claims, a twin cannot tell a running one's link from a stale one; everything else works.
                tracing::debug!(link = %path.display(), %error, "the link's name could not be claimed");
                None
            }
        };
        match symlink(target, path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                if !replaceable(path) {
                    return Err(LineError::Occupied(path.into()));
                }
                let staged = staged_name(path);
                // A leftover of a killed process with the same number.
                let _ = fs::remove_file(&staged);
                symlink(target, &staged).and_then(|()| fs::rename(&staged, path)).map_err(failed())?;
            }
            Err(e) => return Err(failed()(e)),
        }
        Ok(Self { path: path.into(), target: target.into(), _claim: claim })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Claims a link's name among all running twins. The claim is an abstract socket's address: exclusive, nothing on disk,
/// and gone with its process, however that ends.
fn claim(path: &Path) -> io::Result<UnixListener> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Hashed, because an address holds no more than 107 bytes.
    let mut hasher = DefaultHasher::new();
    (fs::canonicalize(parent)?, path.file_name()).hash(&mut hasher);
    let address = SocketAddr::from_abstract_name(format!("modemtwin-line-{:016x}", hasher.finish()))?;
    UnixListener::bind_addr(&address)
}

fn replaceable(path: &Path) -> bool {
    // Fails on what is not a link.
    let Ok(target) = fs::read_link(path) else { return false };
    target.parent() == Some(Path::new("/dev/pts"))
}

fn staged_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

impl Drop for Link {
    fn drop(&mut self) {
        if fs::read_link(&self.path).is_ok_and(|target| target == self.target)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(link = %self.path.display(), %error, "the link could not be removed");
        }
    }
}
