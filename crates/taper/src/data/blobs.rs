//! Round clouds of points.

use super::sample::{check_count, check_deviation};
use super::{RandomState, Sample};
use crate::{Complaints, Result};

/// Round normal clouds around random centers: an easy problem of several classes.
///
/// Each center is uniform over the cube [-10, 10)ᶠ; row by row, class by class, every number is the center's plus normal
/// noise; then rows are shuffled.
///
/// # Arguments
///
/// * `samples`: rows in all, at least 1; `samples · features` is at most 100,000,000. Classes get equally many, and the
///   first ones one more where that does not come out even.
/// * `features`: columns, 1 to 100,000,000.
/// * `centers`: clouds, which are the classes, at least 1; `centers · features` is at most 100,000,000. With more
///   centers than samples the last classes stay empty.
/// * `cluster_std`: standard deviation of every cloud, 0 to 1e300; scikit-learn's default is 1.
/// * `random_state`: seed of the centers, the noise and the order.
///
/// # Returns
///
/// `samples` rows of `features` features, labels `0..centers`, bit for bit those of scikit-learn's
/// `make_blobs(samples, features, centers=centers, cluster_std=cluster_std, random_state=random_state)` (see
/// [the module](super#which-bits)).
///
/// # Errors
///
/// Complaints about `samples`, `features`, `centers` and `cluster_std` out of their ranges.
///
/// # Source
///
/// scikit-learn 1.9, `sklearn/datasets/_samples_generator.py`.
///
/// # Example
///
/// ```
/// use taper::data::make_blobs;
///
/// let blobs = make_blobs(10, 2, 3, 1.0, 0)?;
/// assert_eq!(blobs.y, [0, 0, 1, 0, 2, 2, 2, 1, 1, 0]);
/// # Ok::<(), taper::Error>(())
/// ```
pub fn make_blobs(
    samples: usize,
    features: usize,
    centers: usize,
    cluster_std: f64,
    random_state: u32,
) -> Result<Sample> {
    let mut complaints = Complaints::new();
    check_count(&mut complaints, "features", features, 1);
    check_count(&mut complaints, "samples", samples, features);
    check_count(&mut complaints, "centers", centers, features);
    check_deviation(&mut complaints, "cluster_std", cluster_std);
    complaints.finish()?;

    let mut random = RandomState::new(random_state);
    let middles: Vec<f64> = (0..centers * features).map(|_| random.uniform(-10.0, 10.0)).collect();
    let mut x = Vec::with_capacity(samples * features);
    let mut y = Vec::with_capacity(samples);
    for (class, middle) in middles.chunks_exact(features).enumerate() {
        let rows = samples / centers + usize::from(class < samples % centers);
        for _ in 0..rows {
            x.extend(middle.iter().map(|&loc| random.normal(loc, cluster_std)));
            y.push(class as i64);
        }
    }
    Ok(Sample { x, features, y }.shuffled(&mut random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_at_once() {
        let error = make_blobs(0, 0, 0, f64::INFINITY, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "features: expected a whole number from 1 to 100000000, got 0\n\
             samples: expected a whole number from 1 to 100000000, got 0\n\
             centers: expected a whole number from 1 to 100000000, got 0\n\
             cluster_std: expected a standard deviation from 0 to 1e300, got inf"
        );
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let error = make_blobs(usize::MAX, usize::MAX, usize::MAX, 1.0, 1).unwrap_err();
        assert_eq!(error.complaints().len(), 3);
    }

    #[test]
    fn classes_without_rows_are_left_out() {
        let mut y = make_blobs(3, 1, 5, 0.0, 1).unwrap().y;
        y.sort_unstable();
        assert_eq!(y, [0, 1, 2]);
    }
}
