//! Who is at the other end of a connection, and what holds for every guest.

use std::net::SocketAddr;
use std::time::Duration;

/// The tracing target of the lab's connections.
pub const LAB: &str = "lab";

/// How long a handshake may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(60);

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    /// Where it comes from.
    pub(super) peer: SocketAddr,
    /// Where it came to.
    pub(super) local: SocketAddr,
    /// The subject of its certificate.
    pub(super) certificate: Option<String>,
}
