//! What this machine can do at most.

use std::time::Instant;

use taper::peak::multiply_adds;

/// Rounds of one measurement: some milliseconds.
const ROUNDS: u64 = 1 << 20;
/// The fastest of so many is the peak.
const TRIES: usize = 20;

/// Floating-point operations per second of one core, in 10⁹, with the instruction set in use.
pub(super) fn gflops() -> f64 {
    let once = |_| {
        let start = Instant::now();
        multiply_adds(ROUNDS) as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..TRIES).map(once).fold(0.0, f64::max)
}
