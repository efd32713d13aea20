//! What steps can say about the module's surroundings: set-up, world, peers, files.

mod peer;
mod query;
mod world;

use std::net::IpAddr;

pub use peer::{Break, ConnectFailure, PeerStep, SecureFailure, TlsFields, Transport};
pub use query::{QueryKind, QueryProblem, QueryStep};
pub use world::{Account, Apn, Card, Coverage, Dns, MessageService, Pace, World};

/// `@module KEY VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleSetting {
    /// Which of many modules.
    Instance(u32),
    /// Decides what is arbitrary.
    Seed(u64),
    /// The module type, by name.
    Profile(String),
    /// The surroundings at power-on.
    World(World),
    /// Whether the module is on from the beginning.
    Power(bool),
    /// The network's time at power-on, seconds since 1970-01-01 UTC.
    Unix(i64),
    /// What one of its lines is; `plain` unless said otherwise.
    Line {
        /// The line's number.
        line: u8,
        /// Its kind.
        kind: LineKind,
    },
}

/// What a serial line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// Bytes arrive whatever the bit rate.
    Plain,
    /// The module finds out the bit rate from what comes.
    AutoBaud,
}

/// `@dns NAME …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// It resolves to this.
    Address(IpAddr),
    /// It does not resolve.
    Fails,
}

/// `@sms …`: short messages in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsStep {
    /// Somebody's text comes in; in several messages if it is long.
    Deliver {
        /// The number or name of who it is from.
        from: String,
        /// The text.
        text: String,
    },
    /// These TPDUs' bytes come in.
    Pdu(Vec<u8>),
    /// A status report comes in.
    Report {
        /// The message's reference.
        reference: u8,
        /// Who the message was for.
        to: String,
        /// TP-ST: 0 delivered.
        status: u8,
    },
    /// The next message that the module has sent.
    Expect {
        /// The number, as the module spells it.
        to: String,
        /// The text.
        text: String,
    },
}

/// `@store …`: the module's files.
#[derive(Clone, Debug, PartialEq)]
pub enum StoreStep<P = Vec<u8>> {
    /// A file is there, whatever the module did.
    Put {
        /// Its path inside the module.
        path: String,
        /// Its contents.
        contents: P,
    },
    /// A file has exactly these contents.
    Has {
        /// Its path inside the module.
        path: String,
        /// Its contents.
        contents: P,
    },
    /// A file is not there.
    Lacks {
        /// Its path inside the module.
        path: String,
    },
    /// The computer's file system fails from now on (or works again).
    Fails(bool),
    /// Answers of the store are held back from now on (or given, with all that were held back).
    Hold(bool),
}

impl<P> StoreStep<P> {
    /// The same step with its payload in another form.
    ///
    /// # Errors
    ///
    /// Whatever `change` says.
    pub fn try_map<Q, E>(&self, change: impl FnOnce(&P) -> Result<Q, E>) -> Result<StoreStep<Q>, E> {
        Ok(match self {
            Self::Put { path, contents } => {
                StoreStep::Put { path: path.clone(), contents: change(contents)? }
            }
            Self::Has { path, contents } => {
                StoreStep::Has { path: path.clone(), contents: change(contents)? }
            }
            Self::Lacks { path } => StoreStep::Lacks { path: path.clone() },
            Self::Fails(on) => StoreStep::Fails(*on),
            Self::Hold(on) => StoreStep::Hold(*on),
        })
    }
}
