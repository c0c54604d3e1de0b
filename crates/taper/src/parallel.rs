//! The threads of a single training. This is the one place where a step is spread over them; what is cut, and that no sum is,
//! is written in `taper_kernels::parallel`.

/// Numbers in a batch's values and weights from which on a step is spread: below, the threads would wait for each other longer
/// than they work.
pub(crate) const LARGE: usize = 1 << 20;

/// Calls `f` once, on a thread whose kernels share their work with the others of rayon's pool where `large`.
///
/// Work that already runs on a pool's thread, as the runs of a study do, keeps to it: its neighbours have work of their own.
#[cfg(feature = "rayon")]
pub(crate) fn spread<R: Send>(large: bool, f: impl FnOnce() -> R + Send) -> R {
    if !large || rayon::current_thread_index().is_some() || rayon::current_num_threads() == 1 {
        return f();
    }
    rayon::join(|| taper_kernels::parallel::lend(rayon::current_num_threads(), join, f), || ()).0
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
