//! Decoders that give up by a panic: caught, and without a word on the terminal.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught and told as an error.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// The result of `work`, or `None` if it panics. Only this thread's panics, and only in here, go unprinted.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !EXPECTED.get() {
                before(info);
            }
        }));
    });
    let outer = EXPECTED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(outer);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_nothing_and_what_comes_after_it_is_as_before() {
        assert_eq!(caught(|| 3), Some(3));
        let empty: Vec<u8> = vec![];
        assert_eq!(caught(|| empty[std::hint::black_box(0)]), None);
        assert!(!EXPECTED.get());
        assert_eq!(caught(|| caught(|| empty[std::hint::black_box(0)])), Some(None));
    }
}
