//! Who opens and closes terminals: one inotify instance for all lines of a runtime, because a user may have no more
//! than some 128 of them.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use rustix::fs::inotify;
use tokio::runtime::{Handle, Id};

use crate::sys::Device;

/// What has happened to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Opened,
    Closed,
}

/// How many events wait for one line. Beyond it the oldest are forgotten: only the balance counts.
const WAITING: usize = 256;

/// The runtimes' instances.
static SHARED: Mutex<Vec<(Id, Weak<Shared>)>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Shared {
    inotify: Device,
    /// By watch descriptor: what each line has yet to hear.
    inboxes: Mutex<HashMap<i32, Vec<Event>>>,
}

/// One terminal being watched.
pub(super) struct Watch {
    shared: Arc<Shared>,
    descriptor: i32,
    readable: Pin<Box<dyn Future<Output = ()> + Send>>,
    bell: Arc<Bell>,
    /// The bell's.
    waker: Waker,
    /// Who hears the bell.
    owner: Waker,
}

/// Rings when `readable` has to be polled. A line is polled with every byte that comes, and a terminal is hardly ever opened or
/// closed: what does not ring is not asked.
struct Bell {
    rung: AtomicBool,
    owner: Mutex<Waker>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        lock(&self.owner).wake_by_ref();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// Begins to watch. Has to be called inside a runtime.
    pub(super) fn new(terminal: &Path) -> io::Result<Self> {
        let shared = Shared::of_this_runtime()?;
        let events = inotify::WatchFlags::OPEN | inotify::WatchFlags::CLOSE;
        // Locked, so that no event is given out before there is somewhere to put it.
        let mut inboxes = lock(&shared.inboxes);
        let descriptor = inotify::add_watch(shared.inotify.fd(), terminal, events)?;
        inboxes.insert(descriptor, Vec::new());
        drop(inboxes);
        let readable = Box::pin(Arc::clone(&shared).readable());
        let owner = Waker::noop().clone();
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), owner: Mutex::new(owner.clone()) });
        Ok(Self { shared, descriptor, readable, waker: Arc::clone(&bell).into(), bell, owner })
    }

    /// What has happened since it was last asked. Pending when nothing has.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Vec<Event>> {
        if !self.owner.will_wake(cx.waker()) {
            self.owner.clone_from(cx.waker());
            lock(&self.bell.owner).clone_from(cx.waker());
        }
        if !self.bell.rung.swap(false, Ordering::Acquire) {
            return Poll::Pending;
        }
        let mut bell = Context::from_waker(&self.waker);
        while self.readable.as_mut().poll(&mut bell).is_ready() {
            // Everybody is woken by everything; whoever comes first gives it out.
            self.readable = Box::pin(Arc::clone(&self.shared).readable());
            let mut inboxes = lock(&self.shared.inboxes);
            if let Some(inbox) = inboxes.get_mut(&self.descriptor)
                && !inbox.is_empty()
            {
                self.bell.rung.store(true, Ordering::Release);
                return Poll::Ready(std::mem::take(inbox));
            }
        }
        Poll::Pending
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        lock(&self.shared.inboxes).remove(&self.descriptor);
        // Fails when the terminal has gone already, and the watch with it.
        let _ = inotify::remove_watch(self.shared.inotify.fd(), self.descriptor);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("descriptor", &self.descriptor).finish_non_exhaustive()
    }
}

impl Shared {
    fn of_this_runtime() -> io::Result<Arc<Self>> {
        let runtime = Handle::current().id();
        let mut all = lock(&SHARED);
        all.retain(|(_, shared)| shared.strong_count() > 0);
        let known = all.iter().find(|(id, _)| *id == runtime);
        if let Some(shared) = known.and_then(|(_, shared)| shared.upgrade()) {
            return Ok(shared);
        }
        let inotify = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        let shared = Arc::new(Self { inotify: Device::new(inotify)?, inboxes: Mutex::default() });
        all.push((runtime, Arc::downgrade(&shared)));
        Ok(shared)
    }

    /// Waits until there were events, and has put them into the inboxes.
    async fn readable(self: Arc<Self>) {
        let inboxes = &self.inboxes;
        self.inotify.drain(|fd| give_out(fd, &mut lock(inboxes))).await;
    }
}

/// Reads all events; the caller's lock keeps others from looking before they are given out.
fn give_out(fd: BorrowedFd<'_>, inboxes: &mut HashMap<i32, Vec<Event>>) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(fd, &mut buffer);
    while let Ok(event) = events.next() {
        let flags = event.events();
        let event_kind = if flags.contains(inotify::ReadFlags::OPEN) {
            Event::Opened
        } else if flags.intersects(inotify::ReadFlags::CLOSE_WRITE | inotify::ReadFlags::CLOSE_NOWRITE) {
            Event::Closed
        } else {
            continue;
        };
        if let Some(inbox) = inboxes.get_mut(&event.wd()) {
            if inbox.len() >= WAITING {
                inbox.remove(0);
            }
            inbox.push(event_kind);
        }
    }
}
