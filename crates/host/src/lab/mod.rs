//! Servers to try things with: echoes, an MQTT broker, HTTP and FTP; each in plain, over TLS, and over TLS with client certificates.
//!
//! The TLS ones take every version and suite that the module has, the weak ones too, so they are for a lab and nothing else.

mod credentials;
mod echo;
mod ftp;
mod guest;
mod http;
mod mqtt;
mod pattern;
mod serve;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use serve::Services;
use tls::Sessions;

pub use credentials::{Credentials, CredentialsError, NAMES};
pub use guest::LAB;
pub use serve::CONNECTIONS;

/// The port of the plain TCP server unless it is taken; the others follow in the order of [`Kind::ALL`]. TLS with client certificates
/// is at the port of the SSL guide's example.
pub const PORT_BASE: u16 = 57511;

/// The highest port that the first server can have, so that there are ports for all.
pub const PORT_BASE_LIMIT: u16 = u16::MAX - (Kind::ALL.len() as u16 - 1);

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Sends back what it gets.
    Echo,
    /// An MQTT broker, the same one at all its ports.
    Mqtt,
    /// An HTTP server.
    Http,
    /// An FTP server, with the same files at all its ports.
    Ftp,
}

impl Service {
    /// All.
    pub const ALL: [Self; 4] = [Self::Echo, Self::Mqtt, Self::Http, Self::Ftp];

    /// What its servers remember of TLS sessions: FTP clients resume them for data connections.
    const fn sessions(self) -> Sessions {
        match self {
            Self::Ftp => Sessions::Remembered,
            Self::Echo | Self::Mqtt | Self::Http => Sessions::Never,
        }
    }
}

/// How a server's connections are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// Not at all.
    Plain,
    /// TLS; the server shows a certificate.
    OneWay,
    /// TLS; both sides show one.
    Mutual,
}

impl Security {
    /// All.
    pub const ALL: [Self; 3] = [Self::Plain, Self::OneWay, Self::Mutual];
}

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
    /// HTTP.
    Http,
    /// HTTP over TLS; the server shows a certificate.
    Https,
    /// FTP: plain, and with AUTH TLS.
    Ftp,
    /// FTP over TLS from the first byte on (implicit); the server shows a certificate.
    Ftps,
    /// The MQTT broker over TLS; both sides show a certificate.
    MqttsMutual,
    /// HTTP over TLS; both sides show a certificate.
    HttpsMutual,
    /// FTP over implicit TLS; both sides show a certificate.
    FtpsMutual,
}

impl Kind {
    /// All, in the order of their ports, which never changes: new ones are added at the end.
    pub const ALL: [Self; 12] = [
        Self::Tcp,
        Self::OneWay,
        Self::Mutual,
        Self::Mqtt,
        Self::Mqtts,
        Self::Http,
        Self::Https,
        Self::Ftp,
        Self::Ftps,
        Self::MqttsMutual,
        Self::HttpsMutual,
        Self::FtpsMutual,
    ];

    /// Those that send back what they get.
    pub const ECHO: [Self; 3] = [Self::Tcp, Self::OneWay, Self::Mutual];

    /// The server of a service that is protected like this.
    #[must_use]
    pub const fn of(service: Service, security: Security) -> Self {
        match (service, security) {
            (Service::Echo, Security::Plain) => Self::Tcp,
            (Service::Echo, Security::OneWay) => Self::OneWay,
            (Service::Echo, Security::Mutual) => Self::Mutual,
            (Service::Mqtt, Security::Plain) => Self::Mqtt,
            (Service::Mqtt, Security::OneWay) => Self::Mqtts,
            (Service::Mqtt, Security::Mutual) => Self::MqttsMutual,
            (Service::Http, Security::Plain) => Self::Http,
            (Service::Http, Security::OneWay) => Self::Https,
            (Service::Http, Security::Mutual) => Self::HttpsMutual,
            (Service::Ftp, Security::Plain) => Self::Ftp,
            (Service::Ftp, Security::OneWay) => Self::Ftps,
            (Service::Ftp, Security::Mutual) => Self::FtpsMutual,
        }
    }

    /// What it does.
    #[must_use]
    pub const fn service(self) -> Service {
        match self {
            Self::Tcp | Self::OneWay | Self::Mutual => Service::Echo,
            Self::Mqtt | Self::Mqtts | Self::MqttsMutual => Service::Mqtt,
            Self::Http | Self::Https | Self::HttpsMutual => Service::Http,
            Self::Ftp | Self::Ftps | Self::FtpsMutual => Service::Ftp,
        }
    }

    /// How its connections are protected from their first byte on.
    #[must_use]
    pub const fn security(self) -> Security {
        match self {
            Self::Tcp | Self::Mqtt | Self::Http | Self::Ftp => Security::Plain,
            Self::OneWay | Self::Mqtts | Self::Https | Self::Ftps => Security::OneWay,
            Self::Mutual | Self::MqttsMutual | Self::HttpsMutual | Self::FtpsMutual => Security::Mutual,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "TCP echo",
            Self::OneWay => "TLS echo",
            Self::Mutual => "mutual TLS echo",
            Self::Mqtt => "MQTT broker",
            Self::Mqtts => "MQTTS broker",
            Self::Http => "HTTP server",
            Self::Https => "HTTPS server",
            Self::Ftp => "FTP server",
            Self::Ftps => "FTPS server",
            Self::MqttsMutual => "mutual MQTTS broker",
            Self::HttpsMutual => "mutual HTTPS server",
            Self::FtpsMutual => "mutual FTPS server",
        })
    }
}

/// Which ports the servers get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// This one and those after it, or an error.
    Exactly(u16),
    /// [`PORT_BASE`] and those after it; each that is taken is replaced by a free one.
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
        let explicit = credentials.acceptor(Security::OneWay, Sessions::Remembered).map_err(LabError::Tls)?;
        let services = Services::new(explicit.map(Arc::new));
        let mut addresses = [SocketAddr::new(spec.address, 0); Kind::ALL.len()];
        for (slot, (kind, listener)) in addresses.iter_mut().zip(listeners) {
            *slot = listener.local_addr().map_err(|source| LabError::Listen { address: *slot, source })?;
            let acceptor =
                credentials.acceptor(kind.security(), kind.service().sessions()).map_err(LabError::Tls)?;
            servers.spawn(serve::serve(kind, listener, acceptor.map(Arc::new), services.clone()));
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
