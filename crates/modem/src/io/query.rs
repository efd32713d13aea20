//! Questions to the network that are no connections: names, echoes, the time, short messages.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

/// Ties an answer to its question. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub u32);

/// What to ask. Time-outs are the asked side's business: the answer comes within `timeout`, give or take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The IPv4 address of a name (AT+CDNSGIP).
    Resolve {
        /// A name, or an address in dots.
        host: String,
        /// The name servers to ask, in order; empty: whatever the computer uses.
        name_servers: Vec<IpAddr>,
        /// Milliseconds.
        timeout: u64,
    },
    /// One ICMP echo (AT+CIPPING).
    Echo {
        /// A name, or an address in dots.
        host: String,
        /// As for [`Query::Resolve`].
        name_servers: Vec<IpAddr>,
        /// Counts the echoes of one command, from 1.
        sequence: u16,
        /// Payload bytes.
        length: u16,
        /// Time to live.
        ttl: u8,
        /// Milliseconds.
        timeout: u64,
    },
    /// The time, by SNTP (AT+CNTP).
    Time {
        /// A name, or an address in dots.
        host: String,
        /// As for [`Query::Resolve`].
        name_servers: Vec<IpAddr>,
        /// Milliseconds.
        timeout: u64,
    },
    /// A short message to the network (AT+CMGS).
    Message {
        /// Who it is for, as dialled: digits, perhaps behind `+`.
        destination: String,
        /// The SMS-SUBMIT (TS 23.040), without a service centre address.
        tpdu: Vec<u8>,
    },
}

/// The good answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryReply {
    /// To [`Query::Resolve`].
    Address(IpAddr),
    /// To [`Query::Echo`].
    Echo {
        /// Who answered.
        from: IpAddr,
        /// The round trip.
        millis: u64,
        /// The time to live that was left.
        ttl: u8,
    },
    /// To [`Query::Time`]: milliseconds since 1970-01-01 UTC, as of now.
    Time(i64),
    /// To [`Query::Message`]: the network has taken it.
    Taken,
}

/// The bad answers, as coarse as the module needs them. The host keeps the full story for its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueryFailure {
    /// There is no such name, or it has no IPv4 address.
    UnknownName,
    /// A name server answered nonsense, or that it failed.
    BadNameServer,
    /// No name server answered.
    NoNameServer,
    /// No answer in time.
    Timeout,
    /// The network does not take it (a short message).
    Refused,
    /// No way there.
    Unreachable,
    /// Somebody answered, but not what was asked.
    BadAnswer,
    /// This computer does not let the twin ask (raw sockets), or has no means to.
    NotPossible,
}
