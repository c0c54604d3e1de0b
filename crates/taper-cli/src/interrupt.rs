//! Ctrl-C and SIGTERM: once, the step in progress is finished and saved; twice, the program quits.

use std::sync::atomic::{AtomicUsize, Ordering};

static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Listens from now on.
pub(crate) fn listen() {
    // Without a handler the system's own behaviour remains: the program ends at once.
    let _ = ctrlc::set_handler(|| {
        if ASKED.fetch_add(1, Ordering::Relaxed) > 0 {
            #[allow(clippy::exit)] // the second time means: now
            std::process::exit(130);
        }
    });
}

/// Whether somebody has asked to stop.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed) > 0
}
