//! The lab's throw-away certificates and keys, kept in a directory between starts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tls::pki::{Issued, Request, Usage};
use tls::{Acceptor, Connector, Identity, Policy, ServerName, ServerPolicy, Sessions, TimeRule, Verify};

use super::Security;

/// What the server's certificate is for: this computer, and the host of the SSL guide.
pub const NAMES: [&str; 4] = ["localhost", "127.0.0.1", "::1", "tcplab.openluat.com"];

/// The files that say everything; the DER forms are made from them.
const CA: &str = "ca.crt";
const SERVER: &str = "server.crt";
const SERVER_KEY: &str = "server.key";
const CLIENT: &str = "client.crt";
const CLIENT_KEY: &str = "client.key";
const LOCK: &str = "lock";

/// Credentials that are good for less than this are made anew.
const REMAINING: Duration = Duration::from_secs(7 * 86_400);
/// How long the trial handshake over memory may take.
const TRIAL: Duration = Duration::from_secs(30);
/// The longest file that can be one of ours.
const LIMIT: u64 = 64 << 10;

/// Why the lab has no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The computer's file system.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Another lab is at work on the same directory.
    #[error("another lab is making certificates in {} at this moment; try again", .0.display())]
    Busy(PathBuf),
    /// Files of the same names lie there, and no lab has made them.
    #[error(
        "{} has not been made by a lab and would be overwritten; choose another directory, or remove it", .0.display()
    )]
    Foreign(PathBuf),
    /// They could not be made, or do not work together.
    #[error("cannot make certificates: {0}")]
    Make(String),
}

/// Certificates and keys in PEM form, and where they lie.
#[derive(Clone)]
pub struct Credentials {
    directory: PathBuf,
    fresh: bool,
    files: Files,
}

impl std::fmt::Debug for Credentials {
    /// Without the keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("directory", &self.directory).finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Files {
    ca: Vec<u8>,
    server: Vec<u8>,
    server_key: Vec<u8>,
    client: Vec<u8>,
    client_key: Vec<u8>,
}

impl Credentials {
    /// The directory that holds them.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether they were made just now; otherwise they are from an earlier start.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The authority's certificate, PEM, and the file that it is in.
    #[must_use]
    pub fn ca(&self) -> (PathBuf, &[u8]) {
        (self.directory.join(CA), &self.files.ca)
    }

    /// The client's certificate, PEM, and the file that it is in.
    #[must_use]
    pub fn client_certificate(&self) -> (PathBuf, &[u8]) {
        (self.directory.join(CLIENT), &self.files.client)
    }

    /// The client's key, PEM, and the file that it is in.
    #[must_use]
    pub fn client_key(&self) -> (PathBuf, &[u8]) {
        (self.directory.join(CLIENT_KEY), &self.files.client_key)
    }

    /// What accepts sessions of a server, and what it remembers of them; `None` for plain TCP.
    pub(super) fn acceptor(
        &self,
        security: Security,
        sessions: Sessions,
    ) -> Result<Option<Acceptor>, String> {
        let client_anchors = match security {
            Security::Plain => return Ok(None),
            Security::OneWay => None,
            Security::Mutual => Some(self.files.ca.clone()),
        };
        let policy = ServerPolicy {
            client_anchors,
            sessions,
            ..ServerPolicy::new(self.files.server.clone(), self.files.server_key.clone())
        };
        Acceptor::new(&policy).map(Some)
    }
}

/// The directory's credentials if they are good, else new ones.
pub(super) async fn prepare(directory: &Path) -> Result<Credentials, CredentialsError> {
    let owned = directory.to_owned();
    let (lock, found) = blocking(move || {
        let lock = open(&owned)?;
        Ok((lock, load(&owned)))
    })
    .await?;
    let directory = directory.to_owned();
    if let Some(files) = found {
        let found = Credentials { directory: directory.clone(), fresh: false, files };
        match trial(&found).await {
            Ok(()) => return Ok(found),
            Err(why) => tracing::info!(
                target: super::LAB,
                "the certificates in {} are made anew: {why}",
                directory.display()
            ),
        }
    }
    let made = blocking(move || {
        let files = make(&directory)?;
        drop(lock);
        Ok(Credentials { directory, fresh: true, files })
    })
    .await?;
    trial(&made).await.map_err(CredentialsError::Make)?;
    Ok(made)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CredentialsError> + Send + 'static,
) -> Result<T, CredentialsError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| CredentialsError::Make(error.to_string()))?
}

/// Makes the directory, for this user only, and takes its lock.
fn open(directory: &Path) -> Result<File, CredentialsError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| CredentialsError::Io { action, path, source }
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(failed("make the directory", directory))?;
    let path = directory.join(LOCK);
    // Whatever a lab has made, it made while it held the lock; the lock's file is never removed.
    if !path.exists()
        && let Some(foreign) = ours(directory).find(|file| file.symlink_metadata().is_ok())
    {
        return Err(CredentialsError::Foreign(foreign));
    }
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed("write", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(CredentialsError::Busy(directory.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
    }
}

/// Every file that is written here.
fn ours(directory: &Path) -> impl Iterator<Item = PathBuf> {
    ["ca.crt", "ca.der"]
        .into_iter()
        .map(str::to_owned)
        .chain(["server", "client"].iter().flat_map(|name| {
            ["crt", "der", "key", "key.der"].iter().map(move |form| format!("{name}.{form}"))
        }))
        .map(|name| directory.join(name))
}

/// What is there, whatever it is; `None` when something is missing.
fn load(directory: &Path) -> Option<Files> {
    let read = |name| {
        let path = directory.join(name);
        let fits = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= LIMIT);
        if fits { fs::read(path).ok() } else { None }
    };
    Some(Files {
        ca: read(CA)?,
        server: read(SERVER)?,
        server_key: read(SERVER_KEY)?,
        client: read(CLIENT)?,
        client_key: read(CLIENT_KEY)?,
    })
}

/// Makes an authority, a server and a client, and writes them. The authority's key is not kept: nothing is signed later.
fn make(directory: &Path) -> Result<Files, CredentialsError> {
    let fault = CredentialsError::Make;
    let ca = Request::new("Modemtwin lab CA", Usage::Ca).self_signed().map_err(fault)?;
    let server =
        Request::new("Modemtwin lab server", Usage::Server).names(&NAMES).signed_by(&ca).map_err(fault)?;
    let client = Request::new("Modemtwin lab client", Usage::Client).signed_by(&ca).map_err(fault)?;
    certificate(directory, "ca", &ca)?;
    for (name, issued) in [("server", &server), ("client", &client)] {
        certificate(directory, name, issued)?;
        write(&directory.join(format!("{name}.key")), &issued.key_pem().map_err(fault)?, 0o600)?;
        write(&directory.join(format!("{name}.key.der")), &issued.key_der().map_err(fault)?, 0o600)?;
    }
    load(directory).ok_or_else(|| fault("what was written cannot be read".into()))
}

fn certificate(directory: &Path, name: &str, issued: &Issued) -> Result<(), CredentialsError> {
    let fault = CredentialsError::Make;
    write(&directory.join(format!("{name}.crt")), &issued.certificate_pem().map_err(fault)?, 0o644)?;
    write(&directory.join(format!("{name}.der")), &issued.certificate_der().map_err(fault)?, 0o644)
}

/// Writes a new file and puts it in the place of the old one; never readable by others, even for a moment, unless `mode`
/// says so.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CredentialsError> {
    let mut staged = path.to_owned().into_os_string();
    staged.push(".new");
    let staged = PathBuf::from(staged);
    let work = || -> io::Result<()> {
        match fs::remove_file(&staged) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&staged)?;
        file.write_all(bytes)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        fs::rename(&staged, path)
    };
    work().map_err(|source| CredentialsError::Io { action: "write", path: path.to_owned(), source })
}

/// A mutual session over memory, some days ahead: it shows at once that everything is readable, fits together, bears the
/// names and is not about to expire.
async fn trial(credentials: &Credentials) -> Result<(), String> {
    let acceptor = credentials.acceptor(Security::Mutual, Sessions::Never)?.ok_or("there is no acceptor")?;
    let Files { ca, client, client_key, .. } = &credentials.files;
    let later = crate::unix_millis() / 1000 + REMAINING.as_secs().cast_signed();
    let policy = Policy {
        anchors: Some(ca.clone()),
        identity: Some(Identity { certificate: client.clone(), key: client_key.clone() }),
        verify: Verify::Chain {
            partial: false,
            name: Some(ServerName::parse(NAMES[0])),
            time: TimeRule::At(later),
        },
        ..Policy::default()
    };
    let (near, far) = tokio::io::duplex(16 << 10);
    let connector = Connector::new();
    let (connected, accepted) =
        tokio::join!(connector.connect(near, &policy, TRIAL), acceptor.accept(far, TRIAL));
    let connected = connected.map_err(|failure| failure.to_string())?;
    accepted?;
    let names = connected.report().peer.as_ref().map_or(&[][..], |peer| &peer.names);
    match NAMES.iter().find(|name| !names.iter().any(|there| there == *name)) {
        Some(missing) => Err(format!("the server's certificate does not bear the name {missing}")),
        None => Ok(()),
    }
}
