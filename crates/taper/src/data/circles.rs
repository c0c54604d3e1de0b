//! A circle around a smaller circle.

use std::f64::consts::PI;

use super::sample::{check_count, check_deviation};
use super::{RandomState, Sample};
use crate::{Complaints, Result};

/// A circle around a smaller one in the plane: a problem in which only the distance from the middle counts.
///
/// For t evenly spaced over [0, 2π), class 0 lies on `(cos t, sin t)` and class 1 on `factor · (cos t, sin t)`; then
/// rows are shuffled and every number gets normal noise.
///
/// # Arguments
///
/// * `samples`: rows in all, 1 to 50,000,000. Class 0 gets half of them, class 1 the other half and the odd one.
/// * `noise`: standard deviation of the noise, 0 to 1e300, in units of the outer circle's radius.
/// * `factor`: radius of the inner circle, at least 0 and less than 1; scikit-learn's default is 0.8.
/// * `random_state`: seed of the order and the noise.
///
/// # Returns
///
/// `samples` rows of 2 features, labels 0 and 1, bit for bit those of scikit-learn's
/// `make_circles(samples, noise=noise, factor=factor, random_state=random_state)` (see
/// [the module](super#which-bits)).
///
/// # Errors
///
/// Complaints about `samples`, `noise` and `factor` out of their ranges.
///
/// # Source
///
/// scikit-learn 1.9, `sklearn/datasets/_samples_generator.py`.
///
/// # Example
///
/// ```
/// use taper::data::make_circles;
///
/// let circles = make_circles(100, 0.0, 0.5, 1)?;
/// let radius = |i: usize| circles.row(i)[0].hypot(circles.row(i)[1]);
/// for (i, &class) in circles.y.iter().enumerate() {
///     assert!((radius(i) - if class == 0 { 1.0 } else { 0.5 }).abs() < 1e-15);
/// }
/// # Ok::<(), taper::Error>(())
/// ```
pub fn make_circles(samples: usize, noise: f64, factor: f64, random_state: u32) -> Result<Sample> {
    let mut complaints = Complaints::new();
    check_count(&mut complaints, "samples", samples, 2);
    check_deviation(&mut complaints, "noise", noise);
    complaints.check((0.0..1.0).contains(&factor), "factor", "a number of at least 0 and less than 1", factor);
    complaints.finish()?;

    let outer = samples / 2;
    let inner = samples - outer;
    let mut x = Vec::with_capacity(2 * samples);
    for i in 0..outer {
        let angle = turn(i, outer);
        x.extend([angle.cos(), angle.sin()]);
    }
    for i in 0..inner {
        let angle = turn(i, inner);
        x.extend([angle.cos() * factor, angle.sin() * factor]);
    }
    let mut y = vec![0; outer];
    y.resize(samples, 1);

    let mut random = RandomState::new(random_state);
    Ok(Sample { x, features: 2, y }.shuffled(&mut random).with_noise(noise, &mut random))
}

/// Angle `i` of `n` evenly spaced ones from 0 to 2π, the end left out: `np.linspace(0, 2 * np.pi, n, endpoint=False)[i]`.
fn turn(i: usize, n: usize) -> f64 {
    i as f64 * (2.0 * PI / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_at_once() {
        let error = make_circles(0, -1.0, 1.0, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "samples: expected a whole number from 1 to 50000000, got 0\n\
             noise: expected a standard deviation from 0 to 1e300, got -1\n\
             factor: expected a number of at least 0 and less than 1, got 1"
        );
        for factor in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(make_circles(10, 0.0, factor, 1).is_err());
        }
    }
}
