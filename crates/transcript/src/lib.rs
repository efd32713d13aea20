//! One text format for "the host says, the module answers, time passes": parser, runner, recorder.
//!
//! ```text
//! > AT+CPIN?              the host types this line; its echo has to come back
//! < +CPIN: READY          the module answers this line, framed by CR LF on both sides
//! < OK
//! ```
//!
//! [`Transcript::parse`] reads the format (all of it is described in `docs/transcripts.md`), [`Runner`] plays it on a
//! [`Stage`], [`Recorder`] writes it. A stage is whatever carries bytes to a module and back: a module in memory with
//! virtual time and scripted peers, or a real line in real time. This crate knows neither sockets nor modules.
//!
//! Matching is byte-exact: every byte that the module says has to be expected by some step, in order.

mod bindings;
mod failure;
mod outside;
mod parse;
mod pattern;
mod record;
mod run;
mod stage;
mod step;
mod text;

pub use bindings::{Bindings, FileSource};
pub use failure::Failure;
pub use outside::{
    Account, Apn, Break, Card, ConnectFailure, Coverage, Dns, DnsAnswer, LineKind, MessageService,
    ModuleSetting, Pace, PeerStep, QueryKind, QueryProblem, QueryStep, SecureFailure, SmsStep, StoreStep,
    TlsFields, Transport, World,
};
pub use parse::{ParseError, WorldFile};
pub use pattern::{Kind, Part, Template};
pub use record::Recorder;
pub use run::{Chunking, Happened, HostKind, ModuleKind, Runner, Summary, run_all_ways};
pub use stage::{Clock, Leftover, PowerOn, Progress, Stage, StageError};
pub use step::{Action, Contents, Expect, Fill, Payload, Position, Send, Step, Transcript};
pub use text::{escape, unescape};
