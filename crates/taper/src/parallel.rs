//! The threads of a single training. This is the one place where a step is spread over them; what is cut, and that no sum is,
//! is written in `taper_kernels::parallel`.

#[cfg(feature = "rayon")]
use std::sync::atomic::{AtomicBool, Ordering};

/// Numbers in a batch's values and weights from which on a step is spread: below, the threads would wait for each other longer
/// than they work.
pub(crate) const LARGE: usize = 1 << 20;

/// Calls `f` once, on a thread whose kernels share their work with the others of rayon's pool where `large`.
///
/// Work that already runs on a pool's thread, as the runs of a study do, keeps to it: its neighbours have work of their own.
#[cfg(feature = "rayon")]
pub(crate) fn spread<R: Send>(large: bool, f: impl FnOnce() -> R + Send) -> R {
    let threads = rayon::current_num_threads();
    if !large || rayon::current_thread_index().is_some() || threads == 1 {
        return f();
    }
    let done = AtomicBool::new(false);
    let call = || {
        let _done = SetAtEnd(&done);
        taper_kernels::parallel::lend(threads, join, f)
    };
    rayon::join(call, || wait(threads - 1, &done)).0
}

/// Keeps so many threads awake until `done`: the work of a step comes in pieces of some 10 µs, and to be woken takes as long.
#[cfg(feature = "rayon")]
fn wait(threads: usize, done: &AtomicBool) {
    if threads > 1 {
        rayon::join(|| wait(threads / 2, done), || wait(threads - threads / 2, done));
        return;
    }
    let mut idle = 0;
    while !done.load(Ordering::Relaxed) {
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => idle = 0,
            // Somebody else may want the processor.
            _ if idle == SPINS => std::thread::yield_now(),
            _ => idle += 1,
        }
        std::hint::spin_loop();
    }
}

/// Looks for work, some 10 ns each, before the processor is offered to others.
#[cfg(feature = "rayon")]
const SPINS: usize = 10_000;

/// Says that the work is done, also if it panics.
#[cfg(feature = "rayon")]
struct SetAtEnd<'a>(&'a AtomicBool);

#[cfg(feature = "rayon")]
impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(feature = "rayon")]
fn join(first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
    rayon::join(first, second);
}

/// Calls `f`.
#[cfg(not(feature = "rayon"))]
pub(crate) fn spread<R: Send>(_large: bool, f: impl FnOnce() -> R + Send) -> R {
    f()
}
