//! How much memory a reader takes: counted, for the tests of what strangers may send.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread holds, and the most since the last [`most`] began.
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Runs something, and says how many bytes it held at most beyond those that were there before.
pub(crate) fn most<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.get();
    PEAK.set(before);
    let result = run();
    (result, usize::try_from(PEAK.get() - before).unwrap_or(0))
}

struct Counting;

fn count(bytes: isize) {
    // Threads that end free what they hold when their numbers are gone already.
    let _ = NOW.try_with(|now| {
        now.set(now.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now.get())));
    });
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches thread-local numbers only.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn what_is_held_is_counted() {
    let ((), held) = most(|| drop(std::hint::black_box(vec![0u8; 1000])));
    assert!((1000..2000).contains(&held), "{held}");
    let (_kept, held) = most(|| {
        let mut list = std::hint::black_box(vec![0u8; 1000]);
        list.extend(std::hint::black_box(vec![0u8; 4000]));
        list
    });
    assert!((9000..12_000).contains(&held), "{held}"); // the old list, the new one, and what went into it
}
