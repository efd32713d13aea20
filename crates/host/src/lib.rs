//! Everything of a twin that touches the outside: serial lines, network links, the file store, the instance loop.
//!
//! Nothing in here knows an AT command: a [`modem::Modem`] says what it wants, and this crate does it.

pub mod client;
pub mod line;
pub mod store;
mod sys;

pub use line::{Line, LineSpec};
pub use store::Store;
