//! TLS sessions on OpenSSL: a [`Policy`] in, a stream with a [`Report`] or an explained [`Failure`] out.
//!
//! The client side does what an embedded module does: SSL 3.0 to TLS 1.2 (and, as an extra, 1.3), RSA key exchange, RC4 and
//! 3DES, pinned anchors, an own clock, fixed randoms. The server side ([`Acceptor`], [`pki`]) is for trying that out.
//!
//! Nothing here reads or writes AT commands. Where an explanation says what to set, it calls a setting by the name that the
//! module's users know it by (cacert, clientcert, hostname, …), as that is what they can act on. Nothing here is
//! cryptography of our own. OpenSSL's security level is 0 throughout: what is acceptable is the policy's business, and the
//! report says what was and what was not checked.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<modemtwin_tls::Failure>> {
//! use modemtwin_tls::{Connector, Policy};
//! use std::time::Duration;
//!
//! let connector = Connector::new();
//! let tcp = tokio::net::TcpStream::connect("127.0.0.1:4433").await.unwrap();
//! let stream = connector.connect(tcp, &Policy::default(), Duration::from_secs(10)).await?;
//! println!("{}", stream.report());
//! # Ok(()) }
//! ```

mod advice;
mod attempt;
mod check;
mod connect;
mod context;
mod diagnosis;
mod explain;
mod failure;
mod ffi;
pub mod inspect;
mod material;
pub mod pki;
mod policy;
mod report;
mod resume;
mod server;
mod stream;
mod version;
mod wanted;

pub use check::self_check;
pub use connect::Connector;
pub use failure::{Alert, Cause, Class, Failure, Stage, VerifyFailure};
pub use policy::{FixedRandom, Identity, Policy, Premaster, ServerName, TimeRule, Verify};
pub use report::{PeerCertificate, Report, Side};
pub use resume::{Resumable, Resumption};
pub use server::{Accepted, Acceptor, ServerPolicy, Sessions};
pub use stream::{Closure, TlsStream};
pub use version::{SUITES, Suite, Version};
