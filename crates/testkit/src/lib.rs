//! Drives a module in memory, for tests: virtual time, a file store, scripted peers.
//!
//! [`check_dir`], [`check`] and [`check_str`] run transcripts (their format is described in `docs/transcripts.md`), each
//! with the host's bytes whole, singly and in random pieces. [`VirtualStage`] is the stage that they run on;
//! [`answers`] feeds arbitrary bytes for property tests.
//!
//! The store obeys the module's store requests to the letter, a peer never sends more than the module has granted, and a
//! module that breaks a rule of its boundary fails the test.

mod check;
mod messages;
mod network;
mod property;
mod queries;
mod stage;
mod store;
mod surroundings;
mod tls;

pub use check::{Failures, check, check_dir, check_str};
pub use property::answers;
pub use stage::VirtualStage;
pub use store::MemoryStore;
