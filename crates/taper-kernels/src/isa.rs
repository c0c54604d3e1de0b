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

impl Isa {
    /// All, from the lowest to the highest.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Neon, Self::Avx2, Self::Avx512];

    /// In small letters: `portable`, `neon`, `avx2`, `avx512`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.name() == name)
    }
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
        _ => force_isa(first_choice()),
    }
}

/// Uses `wanted`, or the best the machine has below it; returns what is now in use.
///
/// For tests and benchmarks of the lower paths. Results differ between instruction sets in the last bits, so a program
/// calls this before its first training or not at all.
pub fn force_isa(wanted: Isa) -> Isa {
    let chosen = wanted.min(best());
    let chosen = if cfg!(not(target_arch = "aarch64")) && chosen == Isa::Neon { Isa::Portable } else { chosen };
    CHOSEN.store(chosen as u8, Ordering::Relaxed);
    chosen
}

#[cfg(not(test))]
fn first_choice() -> Isa {
    Isa::Avx512
}

/// The tests of the kernels run on the path that `TAPER_ISA` names, so that a machine can test every path it has.
#[cfg(test)]
fn first_choice() -> Isa {
    match std::env::var("TAPER_ISA") {
        Ok(name) => Isa::named(&name).expect("TAPER_ISA names an instruction set"),
        Err(_) => Isa::Avx512,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for isa in Isa::ALL {
            assert_eq!(Isa::named(isa.name()), Some(isa));
        }
        assert_eq!(Isa::named("sse2"), None);
        assert!(isa() <= first_choice());
    }

    /// Elsewhere the path that was asked for may be a lower one, and the tests that passed are that one's.
    #[test]
    #[ignore = "for machines that have the path that TAPER_ISA names: .ci/avx512"]
    fn the_path_that_was_asked_for_is_in_use() {
        assert_eq!(isa(), first_choice());
    }
}
