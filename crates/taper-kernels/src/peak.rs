//! What the machine can do at most: multiply-adds on registers, with nothing to load and nothing to wait for.

use core::hint::black_box;

use crate::lane::mul_add;
use crate::macros::kernel;

/// Does `rounds` rounds of independent multiply-adds with the instruction set in use; returns how many floating-point
/// operations that were (a multiply-add is two).
///
/// For a benchmark to hold a watch against: operations per second are the peak that kernels are compared with.
pub fn multiply_adds(rounds: u64) -> u64 {
    let (sum, lanes) = chains(rounds);
    black_box(sum);
    rounds * (CHAINS * lanes * 2) as u64
}

/// Enough that two units of a latency of four or five cycles never wait, and few enough for 16 registers.
const CHAINS: usize = 12;

kernel! {
    fn chains(simd: S, rounds: u64) -> (f32, usize) {
        // Towards a fixed point near 1: nothing overflows, nothing becomes subnormal.
        let (a, b) = (simd.splat_f32s(black_box(0.5)), simd.splat_f32s(black_box(0.5)));
        let mut sums = [simd.splat_f32s(black_box(0.9)); CHAINS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = mul_add(simd, *sum, a, b);
            }
        }
        let mut total = sums[0];
        for sum in &sums[1..] {
            total = simd.add_f32s(total, *sum);
        }
        (simd.reduce_sum_f32s(total), S::F32_LANES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chains_end_where_the_arithmetic_says() {
        let (sum, lanes) = chains(100);
        assert!((sum / (CHAINS * lanes) as f32 - 1.0).abs() < 1e-5, "{sum}");
        assert_eq!(multiply_adds(100), (100 * CHAINS * lanes * 2) as u64);
    }
}
