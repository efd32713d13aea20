//! Network links: what a module asks to be connected to, and whatever becomes of it.
//!
//! A link has no task of its own: the instance polls it. It reads only what the module has granted.

mod explain;
mod link;
mod open;
mod resolve;
mod secure;
mod stream;

pub(crate) use explain::publish;
pub use explain::{EXPLAIN, Explanation, Journal, Observer, Report, Session, Stage, Subject};
pub(crate) use link::{Happened, Link};
pub use resolve::Resolver;

/// What all modules of a process share to reach the network.
#[derive(Debug, Default)]
pub struct Network {
    resolver: Resolver,
}

impl Network {
    /// A network with these rules for names.
    #[must_use]
    pub fn new(resolver: Resolver) -> Self {
        Self { resolver }
    }
}

#[cfg(test)]
mod tests;
