//! Handwritten digits.

use super::Sample;

/// 1,797 rows without a header: 64 pixels and the digit.
const CSV: &str = include_str!("../../../../data/digits/digits.csv");
const PIXELS: usize = 64;

/// 1,797 handwritten digits of 8 × 8 pixels: small enough for a network to be trained in seconds, real enough to overfit.
///
/// # Returns
///
/// Rows of 64 pixels, row by row from the top left, 0 (paper) to 16 (ink), and the digit: the numbers and the order of
/// scikit-learn's `load_digits()`.
///
/// # Source
///
/// E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits* (test part), UCI Machine Learning Repository, 1998,
/// CC BY 4.0, as distributed with scikit-learn 1.9.1.
///
/// # Example
///
/// ```
/// use taper::data::load_digits;
///
/// let digits = load_digits();
/// assert_eq!((digits.y.len(), digits.features), (1797, 64));
/// assert_eq!(digits.y[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
/// ```
#[must_use]
pub fn load_digits() -> Sample {
    let mut sample = Sample { x: Vec::with_capacity(1797 * PIXELS), features: PIXELS, y: Vec::with_capacity(1797) };
    for line in CSV.lines() {
        let mut numbers = line.split(',').filter_map(|cell| cell.parse::<i64>().ok());
        sample.x.extend(numbers.by_ref().take(PIXELS).map(|pixel| pixel as f64));
        sample.y.extend(numbers);
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums are those of the array that scikit-learn 1.9.1 loads.
    #[test]
    fn every_pixel_and_every_label_is_there() {
        let digits = load_digits();
        assert_eq!((digits.x.len(), digits.y.len()), (1797 * 64, 1797));
        assert_eq!((digits.x.iter().sum::<f64>(), digits.y.iter().sum::<i64>()), (561_718.0, 8070));
        assert!(digits.x.iter().all(|pixel| (0.0..=16.0).contains(pixel)));
    }
}
