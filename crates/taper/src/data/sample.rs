//! A generated data set.

use super::RandomState;
use crate::Complaints;

/// Rows of numbers, each with a whole-number label.
///
/// # Example
///
/// ```
/// use taper::data::make_moons;
///
/// let moons = make_moons(5, 0.0, 3)?;
/// assert_eq!(moons.features, 2);
/// assert_eq!((moons.x.len(), moons.y.len()), (10, 5));
/// assert_eq!(moons.row(4), &moons.x[8..10]);
/// # Ok::<(), taper::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The numbers, row-major: shape (`y.len()`, `features`). All finite.
    pub x: Vec<f64>,
    /// Columns of `x`, at least 1.
    pub features: usize,
    /// One label per row: class numbers counted from 0.
    pub y: Vec<i64>,
}

/// The most numbers a generated sample may hold (800 MB of them): a slip of the finger in a file should get an answer,
/// not the machine's memory.
const MAX_NUMBERS: usize = 100_000_000;

/// The largest standard deviation of generated noise. Normal numbers stay within ±12.1, so every row stays finite.
const MAX_DEVIATION: f64 = 1e300;

impl Sample {
    /// Row `i`, of length `features`.
    ///
    /// # Panics
    ///
    /// If there are not more than `i` rows.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::Sample;
    ///
    /// let sample = Sample { x: vec![1.0, 2.0, 3.0, 4.0], features: 2, y: vec![0, 1] };
    /// assert_eq!(sample.row(1), [3.0, 4.0]);
    /// ```
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.x[i * self.features..(i + 1) * self.features]
    }

    /// Rows and labels in random order, together: scikit-learn's `utils.shuffle(x, y)`.
    pub(super) fn shuffled(&self, random: &mut RandomState) -> Self {
        let order = random.permutation(self.y.len());
        Self {
            x: order.iter().flat_map(|&i| self.row(i)).copied().collect(),
            features: self.features,
            y: order.iter().map(|&i| self.y[i]).collect(),
        }
    }

    /// The same rows with normal noise of this standard deviation on every number. 0 draws from the stream as well:
    /// it is scikit-learn's `noise=0.0`, which gives the same data as `noise=None`.
    pub(super) fn with_noise(mut self, deviation: f64, random: &mut RandomState) -> Self {
        for number in &mut self.x {
            *number += random.normal(0.0, deviation);
        }
        self
    }
}

/// Complains unless there can be `count` rows of `features` numbers each.
pub(super) fn check_count(complaints: &mut Complaints, place: &str, count: usize, features: usize) {
    let most = MAX_NUMBERS / features.clamp(1, MAX_NUMBERS);
    complaints.check((1..=most).contains(&count), place, format_args!("a whole number from 1 to {most}"), count);
}

/// Complains about a standard deviation that gives no usable rows. NaN is one.
pub(super) fn check_deviation(complaints: &mut Complaints, place: &str, deviation: f64) {
    complaints.check(
        (0.0..=MAX_DEVIATION).contains(&deviation),
        place,
        format_args!("a standard deviation from 0 to {MAX_DEVIATION:e}"),
        deviation,
    );
}
