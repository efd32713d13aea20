//! Many modules in one process: each runs, fails and ends for itself.

use std::future::Future;
use std::pin::pin;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::instance::{Ended, Instance};

/// How one module of a fleet has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The module's name.
    pub name: String,
    /// Why it ended.
    pub ended: Ended,
}

/// Runs modules side by side until `shutdown` is ready or all of them have ended, and says how each has ended, in the
/// order in which they ended. A module that ends or fails leaves the others running.
pub async fn run(instances: Vec<Instance>, shutdown: impl Future<Output = ()>) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(instances.len());
    let (stop, stopped) = watch::channel(false);
    let mut running = JoinSet::new();
    for instance in instances {
        let mut stopped = stopped.clone();
        let name = instance.name().to_owned();
        running.spawn(async move {
            // An error means that the fleet itself is gone.
            let told = async move { drop(stopped.wait_for(|stop| *stop).await) };
            Outcome { name, ended: instance.run(told).await }
        });
    }
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown, if !*stop.borrow() => drop(stop.send_replace(true)),
            ended = running.join_next() => match ended {
                Some(Ok(outcome)) => outcomes.push(outcome),
                // `Instance::run` catches panics of the module; this one was in its end.
                Some(Err(error)) => {
                    tracing::error!(%error, "a module did not come to its end");
                    outcomes.push(Outcome { name: String::from("?"), ended: Ended::Failed });
                }
                None => return outcomes,
            },
        }
    }
}
