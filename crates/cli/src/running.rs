//! What every subcommand that keeps running needs.

use std::path::PathBuf;

use anyhow::Context;
use etcetera::BaseStrategy;
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

/// This program's place in the user's data directory.
pub(crate) fn data_directory() -> anyhow::Result<PathBuf> {
    let base = etcetera::choose_base_strategy()
        .context("there is no home directory to keep files in; name a directory on the command line")?;
    Ok(base.data_dir().join("modemtwin"))
}
