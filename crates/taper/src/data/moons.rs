//! Two half circles that reach into each other.

use std::f64::consts::PI;

use super::sample::{check_count, check_deviation};
use super::{RandomState, Sample};
use crate::{Complaints, Result};

/// Two interleaving half circles in the plane: a small problem that no straight line solves, and on which a large
/// network soon learns the noise by heart.
///
/// For t evenly spaced over [0, π], class 0 lies on `(cos t, sin t)` and class 1 on `(1 - cos t, ½ - sin t)`; then rows
/// are shuffled and every number gets normal noise.
///
/// # Arguments
///
/// * `samples`: rows in all, 1 to 50,000,000. Class 0 gets half of them, class 1 the other half and the odd one.
/// * `noise`: standard deviation of the noise, 0 to 1e300, in units of the circles' radius.
/// * `random_state`: seed of the order and the noise.
///
/// # Returns
///
/// `samples` rows of 2 features, labels 0 and 1, bit for bit those of scikit-learn's
/// `make_moons(samples, noise=noise, random_state=random_state)` (see [the module](super#which-bits)).
///
/// # Errors
///
/// Complaints about `samples` and `noise` out of their ranges.
///
/// # Source
///
/// scikit-learn 1.9, `sklearn/datasets/_samples_generator.py`.
///
/// # Example
///
/// ```
/// use taper::data::make_moons;
///
/// let moons = make_moons(100, 0.2, 1)?;
/// assert_eq!(moons.row(0), [1.366982377748571, -0.23541583828163382]);
/// assert_eq!(moons.y[..5], [1, 1, 0, 1, 1]);
/// # Ok::<(), taper::Error>(())
/// ```
pub fn make_moons(samples: usize, noise: f64, random_state: u32) -> Result<Sample> {
    let mut complaints = Complaints::new();
    check_count(&mut complaints, "samples", samples, 2);
    check_deviation(&mut complaints, "noise", noise);
    complaints.finish()?;

    let outer = samples / 2;
    let inner = samples - outer;
    let mut x = Vec::with_capacity(2 * samples);
    for i in 0..outer {
        let angle = half_turn(i, outer);
        x.extend([angle.cos(), angle.sin()]);
    }
    for i in 0..inner {
        let angle = half_turn(i, inner);
        x.extend([1.0 - angle.cos(), 1.0 - angle.sin() - 0.5]);
    }
    let mut y = vec![0; outer];
    y.resize(samples, 1);

    let mut random = RandomState::new(random_state);
    Ok(Sample { x, features: 2, y }.shuffled(&mut random).with_noise(noise, &mut random))
}

/// Angle `i` of `n` evenly spaced ones from 0 to π, both included: `np.linspace(0, np.pi, n)[i]`.
fn half_turn(i: usize, n: usize) -> f64 {
    if i == 0 {
        0.0
    } else if i == n - 1 {
        PI
    } else {
        i as f64 * (PI / (n - 1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_at_once() {
        let error = make_moons(0, f64::NAN, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "samples: expected a whole number from 1 to 50000000, got 0\n\
             noise: expected a standard deviation from 0 to 1e300, got NaN"
        );
        assert!(make_moons(usize::MAX, -0.1, 1).is_err());
    }

    #[test]
    fn the_largest_noise_leaves_finite_rows() {
        assert!(make_moons(1000, 1e300, 1).unwrap().x.iter().all(|number| number.is_finite()));
    }

    #[test]
    fn one_row_is_of_the_class_with_the_odd_one() {
        assert_eq!(make_moons(1, 0.0, 1).unwrap(), Sample { x: vec![0.0, 0.5], features: 2, y: vec![1] });
    }
}
