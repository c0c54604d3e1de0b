//! Random numbers that are a function of a named place, not of history.
//!
//! A [`Seed`] is a node of a tree: `seed.derive("shuffle", epoch)` names a stream of its own. Nothing is shared, so a new
//! consumer, another thread count or a resumed run cannot move the numbers of the others. Streams are ChaCha8; uniform,
//! normal and shuffling are written here, so that an update of a dependency cannot change results. Version 1.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};
use serde::{Deserialize, Serialize};

/// Where a stream of random numbers starts.
///
/// # Example
///
/// ```
/// use taper::Seed;
///
/// let run = Seed::new(1).derive("run", 7);
/// assert_eq!(run.rng().uniform(), run.rng().uniform());
/// assert_ne!(run.rng().uniform(), run.derive("dropout", 0).rng().uniform());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// The root of a tree.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The number it was made of.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// The seed of the branch `purpose`, number `index`.
    #[must_use]
    pub fn derive(self, purpose: &str, index: u64) -> Self {
        // FNV-1a over the name, then two rounds of SplitMix64's finalizer over everything.
        let name = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self(mix(mix(self.0 ^ name).wrapping_add(mix(index.wrapping_add(0x9e37_79b9_7f4a_7c15)))))
    }

    /// The stream itself, at its beginning.
    #[must_use]
    pub fn rng(self) -> Rng {
        let mut key = [0u8; 32];
        let mut word = self.0;
        for chunk in key.chunks_exact_mut(8) {
            word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&mix(word).to_le_bytes());
        }
        Rng { source: ChaCha8Rng::from_seed(key), spare: None }
    }
}

/// SplitMix64's finalizer (Steele et al. 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Rng {
    source: ChaCha8Rng,
    spare: Option<f64>,
}

impl Rng {
    /// Uniform on [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.source.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform on [0, 1), 24 bits: one `f32` for half the work.
    pub fn uniform_f32(&mut self) -> f32 {
        (self.source.next_u32() >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }

    /// Uniform on 0..n, without bias (rejection). `n` must be at least 1.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "no number is below 0");
        let n = n as u64;
        let limit = u64::MAX - u64::MAX % n;
        loop {
            let draw = self.source.next_u64();
            if draw < limit {
                return (draw % n) as usize;
            }
        }
    }

    /// Shuffles in place (Fisher and Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        // If this changes, every result in the world changes: raise the version and say so.
        let mut rng = Seed::new(1).derive("pinned", 2).rng();
        let drawn = [rng.uniform(), rng.normal(), rng.normal(), rng.below(1000) as f64];
        let bits = drawn.map(f64::to_bits);
        assert_eq!(bits, [0x3fe8_6289_94cb_770c, 0x3ff6_01d1_5a89_530b, 0xbfef_423e_ba67_9a4f, 0x4077_d000_0000_0000]);
    }

    #[test]
    fn moments_are_right() {
        let mut rng = Seed::new(3).rng();
        let n = 100_000;
        let draws: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn shuffle_is_a_permutation() {
        let mut items: Vec<usize> = (0..100).collect();
        Seed::new(5).rng().shuffle(&mut items);
        assert!(items.windows(2).any(|pair| pair[0] > pair[1]));
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
