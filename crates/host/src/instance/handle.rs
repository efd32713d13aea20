//! Reaching a running instance from outside.

use modem::WorldChange;
use tokio::sync::{mpsc, oneshot};

/// How many commands may wait.
pub(super) const WAITING: usize = 16;

/// The instance is not running any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the module is not running any more")]
pub struct Gone;

/// Sent in a box: a channel keeps room for many, in every module.
#[derive(Debug)]
pub(super) enum Command {
    World(WorldChange),
    Message(Vec<u8>, oneshot::Sender<bool>),
    Stop,
}

/// Reaches a running [`Instance`](crate::Instance). Clone it freely.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) commands: mpsc::Sender<Box<Command>>,
}

impl Handle {
    /// Changes the module's surroundings.
    ///
    /// # Errors
    /// [`Gone`] when the instance is not running any more.
    pub async fn world(&self, change: WorldChange) -> Result<(), Gone> {
        self.send(Command::World(change)).await
    }

    /// Hands over a short message from the network. True: the module has it, and would have it if the program were killed
    /// now; false: the network keeps no more for this module at the moment.
    ///
    /// # Errors
    /// [`Gone`] when the instance is not running any more.
    pub(crate) async fn deliver(&self, tpdu: Vec<u8>) -> Result<bool, Gone> {
        let (taken, answer) = oneshot::channel();
        self.send(Command::Message(tpdu, taken)).await?;
        answer.await.map_err(|_| Gone)
    }

    async fn send(&self, command: Command) -> Result<(), Gone> {
        self.commands.send(Box::new(command)).await.map_err(|_| Gone)
    }

    /// Whether it has ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.commands.is_closed()
    }

    /// Asks the instance to end cleanly. To wait for it, await [`Instance::run`](crate::Instance::run).
    ///
    /// # Errors
    /// [`Gone`] when it has ended already.
    pub async fn stop(&self) -> Result<(), Gone> {
        self.send(Command::Stop).await
    }
}
