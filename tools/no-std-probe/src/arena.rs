//! An allocator that only ever hands out: enough for a probe.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

const SIZE: usize = 1 << 20;

/// One megabyte, given out from the bottom and never taken back.
pub(crate) struct Arena {
    used: AtomicUsize,
    memory: UnsafeCell<[u8; SIZE]>,
}

impl Arena {
    pub(crate) const fn new() -> Self {
        Self { used: AtomicUsize::new(0), memory: UnsafeCell::new([0; SIZE]) }
    }
}

// SAFETY: every byte of `memory` is handed out at most once, because `used` only grows, atomically.
unsafe impl Sync for Arena {}

// SAFETY: `alloc` returns null or a block inside `memory` that is aligned as asked, at least `layout.size()` long, and
// that no other call has returned or will return.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.memory.get().cast::<u8>();
        let block = |used: usize| -> Option<(usize, usize)> {
            let start =
                (base as usize).checked_add(used)?.checked_next_multiple_of(layout.align())? - base as usize;
            let end = start.checked_add(layout.size())?;
            (end <= SIZE).then_some((start, end))
        };
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(block(used)?.1));
        match taken.ok().and_then(block) {
            // SAFETY: `start` is below `SIZE`, hence inside `memory`.
            Some((start, _)) => unsafe { base.add(start) },
            None => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
