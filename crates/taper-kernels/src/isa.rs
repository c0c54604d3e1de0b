//! Which instruction set runs: detected once, or forced lower to test the other paths.

use std::sync::atomic::{AtomicU8, Ordering};

use pulp::{Simd, WithSimd};

/// An instruction set that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Isa {
    /// Whatever the compilation target guarantees.
    Portable = 1,
    /// ARM NEON: 4 lanes.
    Neon = 2,
    /// AVX2 with FMA: 8 lanes.
    Avx2 = 3,
    /// AVX-512 (F, BW, CD, DQ, VL): 16 lanes.
    Avx512 = 4,
}

/// 0 before the first question, then an [`Isa`].
static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// The instruction set in use: the best that this machine has, unless [`force_isa`] said otherwise.
#[must_use]
pub fn isa() -> Isa {
    match CHOSEN.load(Ordering::Relaxed) {
        1 => Isa::Portable,
        2 => Isa::Neon,
        3 => Isa::Avx2,
        4 => Isa::Avx512,
        _ => {
            let best = best();
            CHOSEN.store(best as u8, Ordering::Relaxed);
            best
        }
    }
}

/// Uses `wanted`, or the best the machine has below it; returns what is now in use.
///
/// For tests and benchmarks of the lower paths. Results differ between instruction sets in the last bits, so a program
/// calls this before its first training or not at all. Matrix products of larger sizes keep their own detection.
pub fn force_isa(wanted: Isa) -> Isa {
    let chosen = wanted.min(best());
    let chosen = if cfg!(not(target_arch = "aarch64")) && chosen == Isa::Neon { Isa::Portable } else { chosen };
    CHOSEN.store(chosen as u8, Ordering::Relaxed);
    chosen
}

fn best() -> Isa {
    #[cfg(target_arch = "x86_64")]
    {
        if pulp::x86::V4::try_new().is_some() {
            return Isa::Avx512;
        }
        if pulp::x86::V3::try_new().is_some() {
            return Isa::Avx2;
        }
    }
    #[cfg(target_arch = "aarch64")]
    if pulp::aarch64::Neon::try_new().is_some() {
        return Isa::Neon;
    }
    Isa::Portable
}

/// Runs one operation with the instruction set in use.
#[inline]
pub(crate) fn run<Op: WithSimd>(op: Op) -> Op::Output {
    #[cfg(target_arch = "x86_64")]
    {
        let isa = isa();
        if isa == Isa::Avx512
            && let Some(simd) = pulp::x86::V4::try_new()
        {
            return Simd::vectorize(simd, op);
        }
        if isa >= Isa::Avx2
            && let Some(simd) = pulp::x86::V3::try_new()
        {
            return Simd::vectorize(simd, op);
        }
    }
    #[cfg(target_arch = "aarch64")]
    if isa() == Isa::Neon
        && let Some(simd) = pulp::aarch64::Neon::try_new()
    {
        return Simd::vectorize(simd, op);
    }
    Simd::vectorize(pulp::Scalar128b, op)
}
