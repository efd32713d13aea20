//! What every subcommand that keeps running needs.

use std::path::PathBuf;

use anyhow::Context;
use etcetera::BaseStrategy;
use host::Handle;
use modem::WorldChange;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A runtime for one thread: modules, links and lab servers are polled in turn.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}

/// Lets the process have as many file handles as the system grants; a module with connections has a few of them.
pub(crate) fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
}

/// The signals that ask for a clean end: SIGINT, SIGTERM, and SIGHUP when the terminal goes away.
pub(crate) struct StopSignals([Signal; 3]);

impl StopSignals {
    /// From here on these signals no longer kill the process. Has to be called inside a runtime.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        let catch = |kind| signal(kind).context("cannot catch signals");
        Ok(Self([
            catch(SignalKind::interrupt())?,
            catch(SignalKind::terminate())?,
            catch(SignalKind::hangup())?,
        ]))
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// How long the power key is pressed, in milliseconds.
const PRESS: u64 = 2_000;

/// The signal that is the modules' power key: SIGUSR1.
pub(crate) struct PowerKey(Signal);

impl PowerKey {
    /// From here on the signal no longer kills the process. Has to be called inside a runtime.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        Ok(Self(signal(SignalKind::user_defined1()).context("cannot catch signals")?))
    }

    /// What the log says of a module that is off.
    pub(crate) fn hint() -> String {
        format!("this switches it on: kill -USR1 {}", std::process::id())
    }

    /// Presses it at every module whenever the signal comes; never ends.
    pub(crate) async fn serve(mut self, modules: Vec<Handle>) {
        while self.0.recv().await.is_some() {
            for module in &modules {
                // One that has ended needs no key.
                let _ = module.world(WorldChange::PowerKey(PRESS)).await;
            }
        }
    }
}

/// This program's place in the user's data directory.
pub(crate) fn data_directory() -> anyhow::Result<PathBuf> {
    let base = etcetera::choose_base_strategy()
        .context("there is no home directory to keep files in; name a directory on the command line")?;
    Ok(base.data_dir().join("modemtwin"))
}
