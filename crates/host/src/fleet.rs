//! Many modules in one process: each runs, fails and ends for itself.

use std::collections::HashMap;
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
    let mut names = HashMap::new();
    for instance in instances {
        let mut stopped = stopped.clone();
        let name = instance.name().to_owned();
        // An error means that the fleet itself is gone.
        let told = async move { drop(stopped.wait_for(|stop| *stop).await) };
        names.insert(running.spawn(instance.run(told)).id(), name);
    }
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown, if !*stop.borrow() => drop(stop.send_replace(true)),
            ended = running.join_next_with_id() => {
                let (id, ended) = match ended {
                    Some(Ok(ended)) => ended,
                    // `Instance::run` catches panics of the module; this one was in its end.
                    Some(Err(error)) => {
                        tracing::error!(%error, "a module did not come to its end");
                        (error.id(), Ended::Failed)
                    }
                    None => return outcomes,
                };
                outcomes.push(Outcome { name: names.remove(&id).unwrap_or_default(), ended });
            }
        }
    }
}
