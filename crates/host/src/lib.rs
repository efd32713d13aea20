//! Everything of a twin that touches the outside: serial lines, network links, the file store, the instance loop.
//!
//! Nothing in here knows an AT command: a [`modem::Modem`] says what it wants, and this crate does it.

pub mod client;
mod clock;
pub mod fleet;
pub mod instance;
pub mod lab;
pub mod line;
pub mod net;
pub mod spool;
pub mod stage;
pub mod store;
mod sys;

pub use clock::unix_millis;
pub use instance::{Ended, Handle, Instance, Parts};
pub use line::{Line, LineSpec};
pub use net::{Journal, Network, Observer, Report, Resolver};
pub use stage::LineStage;
pub use store::{OpenError, Store};
