//! Ctrl-C and SIGTERM: where work is in progress that looks for it, its step is finished and saved; everywhere else, and the second
//! time, the program ends at once. Neither leaves a half-written file behind.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static ASKED: AtomicUsize = AtomicUsize::new(0);
/// Whether somebody looks whether to stop.
static HEEDED: AtomicBool = AtomicBool::new(false);

/// Listens from now on.
pub(crate) fn listen() {
    // Without a handler the system's own behaviour remains: the program ends at once.
    let _ = ctrlc::set_handler(|| {
        let before = ASKED.fetch_add(1, Ordering::SeqCst);
        if before > 0 || !HEEDED.load(Ordering::SeqCst) {
            taper_io::abandon_files();
            #[allow(clippy::exit)] // nobody else would end it
            std::process::exit(130);
        }
    });
}

/// From now on [`asked`] is looked at again and again, until the program ends.
pub(crate) fn heed() {
    HEEDED.store(true, Ordering::SeqCst);
}

/// Whether somebody has asked to stop.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst) > 0
}
