//! Servers to try things with: three that send back what they get, and an MQTT broker.
//!
//! Of the three one speaks plain TCP, one TLS, one TLS and wants a client certificate; the broker speaks plain TCP and TLS. The TLS ones take every version and suite that the
//! module has, the weak ones too, so they are for a lab and nothing else.

mod credentials;
mod echo;
mod mqtt;
mod serve;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use credentials::{Credentials, CredentialsError, NAMES};
pub use serve::{CONNECTIONS, LAB};

/// The port of the plain TCP server unless it is taken; TLS is at the next one, TLS with client certificates at the one
/// after it, which is the port of the SSL guide's example.
pub const PORT_BASE: u16 = 57511;

/// Which of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Plain TCP.
    Tcp,
    /// TLS; the server shows a certificate.
    OneWay,
    /// TLS; both sides show one.
    Mutual,
    /// An MQTT broker, plain.
    Mqtt,
    /// The same broker over TLS; the server shows a certificate.
    Mqtts,
}

impl Kind {
    /// All, in the order of their ports.
    pub const ALL: [Self; 5] = [Self::Tcp, Self::OneWay, Self::Mutual, Self::Mqtt, Self::Mqtts];

    /// Those that send back what they get.
    pub const ECHO: [Self; 3] = [Self::Tcp, Self::OneWay, Self::Mutual];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "TCP echo",
            Self::OneWay => "TLS echo",
            Self::Mutual => "mutual TLS echo",
            Self::Mqtt => "MQTT broker",
            Self::Mqtts => "MQTTS broker",
        })
    }
}

/// Which ports the servers get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// This one and the four after it, or an error.
    Exactly(u16),
    /// [`PORT_BASE`] and the four after it; each that is taken is replaced by a free one.
    Usual,
    /// Free ones.
    Free,
}

/// What a lab is made from.
#[derive(Clone, Debug)]
pub struct LabSpec {
    /// Where certificates and keys are kept; made if it is not there.
    pub directory: PathBuf,
    /// Where to listen.
    pub address: IpAddr,
    /// On which ports.
    pub ports: Ports,
}

/// Why the lab could not start.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The certificates.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// TLS can't be set up.
    #[error("cannot set up the TLS servers: {0}")]
    Tls(String),
    /// A port is not to be had.
    #[error("cannot listen at {address}: {source}; choose another port or address")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The reason.
        source: io::Error,
    },
}

/// Running servers. They end when this is dropped.
#[derive(Debug)]
pub struct Lab {
    addresses: [SocketAddr; Kind::ALL.len()],
    credentials: Arc<Credentials>,
    _servers: JoinSet<()>,
}

impl Lab {
    /// Makes certificates where there are none that are still good, and starts the servers. Has to be called inside a
    /// tokio runtime, which then has to drive them.
    ///
    /// # Errors
    ///
    /// The directory can't be used, or a port is taken.
    pub async fn start(spec: &LabSpec) -> Result<Self, LabError> {
        let mut listeners = Vec::with_capacity(Kind::ALL.len());
        for (index, kind) in (0u16..).zip(Kind::ALL) {
            listeners.push((kind, listen(spec.address, spec.ports, index).await?));
        }
        let credentials = Arc::new(credentials::prepare(&spec.directory).await?);
        let mut servers = JoinSet::new();
        let broker = mqtt::Broker::default();
        let mut addresses = [SocketAddr::new(spec.address, 0); Kind::ALL.len()];
        for (slot, (kind, listener)) in addresses.iter_mut().zip(listeners) {
            *slot = listener.local_addr().map_err(|source| LabError::Listen { address: *slot, source })?;
            let acceptor = credentials.acceptor(kind).map_err(LabError::Tls)?;
            servers.spawn(serve::serve(kind, listener, acceptor.map(Arc::new), broker.clone()));
        }
        Ok(Self { addresses, credentials, _servers: servers })
    }

    /// Where a server listens.
    #[must_use]
    pub fn address(&self, kind: Kind) -> SocketAddr {
        self.addresses[kind as usize]
    }

    /// The certificates and keys.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }
}

async fn listen(address: IpAddr, ports: Ports, index: u16) -> Result<TcpListener, LabError> {
    let (port, or_free) = match ports {
        Ports::Exactly(base) => (base.saturating_add(index), false),
        Ports::Usual => (PORT_BASE + index, true),
        Ports::Free => (0, false),
    };
    let address = SocketAddr::new(address, port);
    let listening = match TcpListener::bind(address).await {
        Err(error) if or_free && error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(address.ip(), 0)).await
        }
        other => other,
    };
    listening.map_err(|source| LabError::Listen { address, source })
}

#[cfg(test)]
mod tests;
