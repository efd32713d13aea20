//! Store requests, done in order and off the instance's task.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use modem::{StoreError, StoreReply, StoreRequest, Ticket};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::store::Store;

type Outcome = Result<StoreReply, StoreError>;

/// The queue in front of a store.
#[derive(Debug)]
pub(super) struct Storing {
    store: Arc<Store>,
    waiting: VecDeque<(Ticket, StoreRequest)>,
    running: Option<(Ticket, JoinHandle<Outcome>)>,
}

impl Storing {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store, waiting: VecDeque::new(), running: None }
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(super) fn request(&mut self, ticket: Ticket, request: StoreRequest) {
        self.waiting.push_back((ticket, request));
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_empty()
    }

    /// The next answer.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(Ticket, Outcome)> {
        if self.running.is_none() {
            let Some((ticket, request)) = self.waiting.pop_front() else { return Poll::Pending };
            let store = Arc::clone(&self.store);
            self.running = Some((ticket, spawn_blocking(move || store.perform(&request))));
        }
        let Some((ticket, task)) = &mut self.running else { return Poll::Pending };
        let outcome = ready!(Pin::new(task).poll(cx)).unwrap_or_else(|error| {
            tracing::error!(%error, "a store request did not come back");
            Err(StoreError::Io)
        });
        let ticket = *ticket;
        self.running = None;
        Poll::Ready((ticket, outcome))
    }
}
