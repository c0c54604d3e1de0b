//! Columns of mean 0 and standard deviation 1.

use serde::{Deserialize, Serialize};

use crate::{Complaint, Complaints, Result};

/// Shifts and scales every column so that the rows it was fitted on have mean 0 and standard deviation 1.
///
/// With mean μ and standard deviation σ of the fitted rows, `transform` gives `(x - μ) / σ` and `inverse_transform`
/// gives `x · σ + μ`. σ is the biased one (divided by the number of rows, not by one less). A column whose values do
/// not differ by more than rounding gets σ = 1: it becomes 0 and divides nothing.
///
/// Fit it on training rows only. A scaler that has seen the test rows lets them leak into training.
///
/// As data it is an object with `mean`, `scale` (both one number per column) and `constant` (the indices of the
/// constant columns).
///
/// # Source
///
/// scikit-learn 1.9, `sklearn/preprocessing/_data.py`, `StandardScaler`. For tables of two columns or more the bits are
/// the same; for a single column NumPy adds in another order, and the last places may differ.
///
/// # Example
///
/// ```
/// use taper::data::StandardScaler;
///
/// let mut rows = [1.0, 7.0, 3.0, 7.0];
/// let scaler = StandardScaler::fit(&rows, 2)?;
/// assert_eq!(scaler.constant_columns(), [1]);
/// scaler.transform(&mut rows);
/// assert_eq!(rows, [-1.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), taper::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct StandardScaler {
    mean: Vec<f64>,
    scale: Vec<f64>,
    constant: Vec<usize>,
}

/// A scaler as it is written, before anybody knows whether it makes sense.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    mean: Vec<f64>,
    scale: Vec<f64>,
    constant: Vec<usize>,
}

impl StandardScaler {
    /// Learns means and standard deviations.
    ///
    /// # Arguments
    ///
    /// * `rows`: the training rows, row-major, shape (`rows.len() / features`, `features`); at least one row.
    /// * `features`: columns, at least 1.
    ///
    /// # Errors
    ///
    /// Complaints about a table without rows or columns, and for every column about its first number that is NaN or
    /// infinite, or about numbers so large that their variance is.
    ///
    /// # Panics
    ///
    /// If `rows.len()` is not a multiple of `features`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::StandardScaler;
    ///
    /// let scaler = StandardScaler::fit(&[1.0, 2.0, 3.0, 4.0], 1)?;
    /// assert_eq!(scaler.mean(), [2.5]);
    /// assert_eq!(scaler.scale(), [1.25f64.sqrt()]);
    /// # Ok::<(), taper::Error>(())
    /// ```
    pub fn fit(rows: &[f64], features: usize) -> Result<Self> {
        if features == 0 {
            return Err(Complaint::new("features", "at least 1 column", 0).into());
        }
        assert_whole_rows(rows, features);
        if rows.is_empty() {
            return Err(Complaint::new("rows", "at least 1 row", 0).into());
        }
        check_finite(rows, features)?;

        let n = (rows.len() / features) as f64;
        let mut mean = column_sums(rows, features, |_, value| value);
        mean.iter_mut().for_each(|sum| *sum /= n);
        // The corrected two-pass algorithm of Chan, Golub and LeVeque (1983): the second sum would be 0 but for rounding.
        let squares = column_sums(rows, features, |column, value| square(value - mean[column]));
        let residues = column_sums(rows, features, |column, value| value - mean[column]);
        let variance: Vec<f64> =
            squares.iter().zip(&residues).map(|(squares, residue)| (squares - square(*residue) / n) / n).collect();
        check_spread(&mean, &variance)?;

        let constant: Vec<usize> =
            (0..features).filter(|&column| is_constant(variance[column], mean[column], n)).collect();
        let mut scale: Vec<f64> = variance.iter().map(|variance| variance.sqrt()).collect();
        for &column in &constant {
            scale[column] = 1.0;
        }
        Ok(Self { mean, scale, constant })
    }

    /// Number of columns.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::StandardScaler;
    ///
    /// assert_eq!(StandardScaler::fit(&[1.0, 2.0, 3.0, 4.0], 2)?.features(), 2);
    /// # Ok::<(), taper::Error>(())
    /// ```
    #[must_use]
    pub fn features(&self) -> usize {
        self.mean.len()
    }

    /// What is subtracted, one number per column, in the column's unit: scikit-learn's `mean_`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::StandardScaler;
    ///
    /// assert_eq!(StandardScaler::fit(&[1.0, 2.0, 3.0, 4.0], 2)?.mean(), [2.0, 3.0]);
    /// # Ok::<(), taper::Error>(())
    /// ```
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// What is divided by, one number per column, in the column's unit, greater than 0: scikit-learn's `scale_`.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::StandardScaler;
    ///
    /// assert_eq!(StandardScaler::fit(&[1.0, 2.0, 5.0, 2.0], 2)?.scale(), [2.0, 1.0]);
    /// # Ok::<(), taper::Error>(())
    /// ```
    #[must_use]
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// The columns that were the same in every fitted row, to within rounding, in ascending order. No model can learn
    /// from them: worth a warning.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::StandardScaler;
    ///
    /// assert_eq!(StandardScaler::fit(&[1.0, 2.0, 5.0, 2.0], 2)?.constant_columns(), [1]);
    /// # Ok::<(), taper::Error>(())
    /// ```
    #[must_use]
    pub fn constant_columns(&self) -> &[usize] {
        &self.constant
    }

    /// Scales rows in place: `(x - mean) / scale`.
    ///
    /// # Arguments
    ///
    /// * `rows`: any number of rows, row-major, as many columns as were fitted.
    ///
    /// # Panics
    ///
    /// If `rows.len()` is not a multiple of [`features`](Self::features).
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::StandardScaler;
    ///
    /// let scaler = StandardScaler::fit(&[0.0, 2.0], 1)?;
    /// let mut unseen = [5.0];
    /// scaler.transform(&mut unseen);
    /// assert_eq!(unseen, [4.0]);
    /// # Ok::<(), taper::Error>(())
    /// ```
    pub fn transform(&self, rows: &mut [f64]) {
        self.each(rows, |value, mean, scale| (value - mean) / scale);
    }

    /// Undoes [`transform`](Self::transform), up to rounding: `x · scale + mean`.
    ///
    /// # Arguments
    ///
    /// * `rows`: any number of rows, row-major, as many columns as were fitted.
    ///
    /// # Panics
    ///
    /// If `rows.len()` is not a multiple of [`features`](Self::features).
    ///
    /// # Example
    ///
    /// ```
    /// use taper::data::StandardScaler;
    ///
    /// let scaler = StandardScaler::fit(&[0.0, 2.0], 1)?;
    /// let mut predicted = [4.0];
    /// scaler.inverse_transform(&mut predicted);
    /// assert_eq!(predicted, [5.0]);
    /// # Ok::<(), taper::Error>(())
    /// ```
    pub fn inverse_transform(&self, rows: &mut [f64]) {
        self.each(rows, |value, mean, scale| value * scale + mean);
    }

    /// Replaces every number by a function of it and its column's mean and scale.
    fn each(&self, rows: &mut [f64], function: impl Fn(f64, f64, f64) -> f64) {
        assert_whole_rows(rows, self.features());
        for row in rows.chunks_exact_mut(self.features()) {
            for ((value, &mean), &scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *value = function(*value, mean, scale);
            }
        }
    }
}

impl TryFrom<Fields> for StandardScaler {
    type Error = crate::Error;

    fn try_from(Fields { mean, scale, constant }: Fields) -> Result<Self> {
        let mut complaints = Complaints::new();
        complaints.check(!mean.is_empty(), "mean", "at least 1 number", 0);
        complaints.check(
            scale.len() == mean.len(),
            "scale",
            format_args!("as many numbers as mean, {}", mean.len()),
            scale.len(),
        );
        for (column, &mean) in mean.iter().enumerate() {
            complaints.check(mean.is_finite(), format_args!("mean[{column}]"), "a finite number", mean);
        }
        for (column, &scale) in scale.iter().enumerate() {
            let good = scale.is_finite() && scale > 0.0;
            complaints.check(good, format_args!("scale[{column}]"), "a finite number greater than 0", scale);
        }
        for (i, &column) in constant.iter().enumerate() {
            let good = column < mean.len() && (i == 0 || constant[i - 1] < column);
            complaints.check(good, format_args!("constant[{i}]"), "a column, in ascending order", column);
        }
        complaints.finish()?;
        Ok(Self { mean, scale, constant })
    }
}

/// A table with a piece of a row is a programmer's mistake.
fn assert_whole_rows(rows: &[f64], features: usize) {
    assert!(
        rows.len().is_multiple_of(features),
        "a table of {features} columns needs whole rows, got {} numbers",
        rows.len()
    );
}

/// The sum of a function of every number, per column. Row after row: the order fixes the bits.
fn column_sums(rows: &[f64], features: usize, function: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; features];
    for row in rows.chunks_exact(features) {
        for (column, &value) in row.iter().enumerate() {
            sums[column] += function(column, value);
        }
    }
    sums
}

/// One multiplication: how exact `powi` is differs by platform.
fn square(value: f64) -> f64 {
    value * value
}

/// Whether a variance is no larger than what rounding makes of equal numbers (Chan, Golub and LeVeque 1983).
fn is_constant(variance: f64, mean: f64, n: f64) -> bool {
    variance <= n * f64::EPSILON * variance + square(n * mean * f64::EPSILON)
}

/// Complains about every column with numbers that are not finite: where the first is, and how many there are.
fn check_finite(rows: &[f64], features: usize) -> Result<()> {
    let mut complaints = Complaints::new();
    for column in 0..features {
        let mut bad = rows[column..].iter().step_by(features).enumerate().filter(|(_, value)| !value.is_finite());
        if let Some((row, value)) = bad.next() {
            let got = format!("{value} ({} in all)", 1 + bad.count());
            complaints.push(Complaint::new(format_args!("rows[{row}][{column}]"), "a finite number", got));
        }
    }
    complaints.finish()
}

/// Complains about columns whose sums overflowed.
fn check_spread(mean: &[f64], variance: &[f64]) -> Result<()> {
    let mut complaints = Complaints::new();
    for (column, (mean, variance)) in mean.iter().zip(variance).enumerate() {
        complaints.check(
            mean.is_finite() && variance.is_finite(),
            format_args!("rows[..][{column}]"),
            "numbers of a finite variance",
            "numbers too large for one",
        );
    }
    complaints.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_numbers_are_constant_even_where_their_mean_is_rounded() {
        // 0.1 added ten times is not 1: the variance is not 0 but a rounding error.
        let scaler = StandardScaler::fit(&[0.1; 10], 1).unwrap();
        assert_eq!(scaler.constant_columns(), [0]);
        assert_eq!(scaler.scale(), [1.0]);
    }

    #[test]
    fn each_bad_column_is_named_once() {
        let rows = [1.0, f64::NAN, 1.0, f64::INFINITY, f64::NAN, 1.0];
        let error = StandardScaler::fit(&rows, 3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rows[1][0]: expected a finite number, got inf (1 in all)\n\
             rows[0][1]: expected a finite number, got NaN (2 in all)"
        );
    }

    #[test]
    fn tables_that_teach_nothing_are_refused() {
        assert_eq!(StandardScaler::fit(&[], 2).unwrap_err().to_string(), "rows: expected at least 1 row, got 0");
        assert_eq!(StandardScaler::fit(&[], 0).unwrap_err().to_string(), "features: expected at least 1 column, got 0");
        let error = StandardScaler::fit(&[0.0, 1e300, 0.0, -1e300], 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rows[..][1]: expected numbers of a finite variance, got numbers too large for one"
        );
    }

    #[test]
    fn a_file_cannot_bring_a_scaler_that_divides_by_nothing() {
        let read = |json: &str| serde_json::from_str::<StandardScaler>(json);
        assert!(read(r#"{"mean": [1.0], "scale": [2.0], "constant": []}"#).is_ok());
        for (json, message) in [
            (r#"{"mean": [1.0], "scale": [0.0], "constant": []}"#, "scale[0]: expected a finite number greater than 0"),
            (r#"{"mean": [1.0], "scale": [], "constant": []}"#, "scale: expected as many numbers as mean, 1, got 0"),
            (r#"{"mean": [1.0], "scale": [1.0], "constant": [1]}"#, "constant[0]: expected a column"),
            (r#"{"mean": [], "scale": [], "constant": []}"#, "mean: expected at least 1 number, got 0"),
            (r#"{"mean": [1.0], "scale": [1.0], "constant": [], "var": []}"#, "unknown field `var`"),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    proptest! {
        #[test]
        fn fitted_rows_get_mean_0_and_deviation_1(rows in prop::collection::vec(-1e6..1e6, 2..100)) {
            let scaler = StandardScaler::fit(&rows, 1).unwrap();
            let mut scaled = rows.clone();
            scaler.transform(&mut scaled);
            let n = rows.len() as f64;
            let mean = scaled.iter().sum::<f64>() / n;
            let variance = scaled.iter().map(|value| value * value).sum::<f64>() / n;
            prop_assert!(mean.abs() < 1e-6, "mean {mean}");
            prop_assert!((variance - 1.0).abs() < 1e-6, "variance {variance}");
        }

        #[test]
        fn the_inverse_undoes_the_transform(rows in prop::collection::vec(-1e6..1e6, 6..60), features in 1usize..4) {
            let rows = &rows[..rows.len() / features * features];
            let scaler = StandardScaler::fit(rows, features).unwrap();
            let mut back = rows.to_vec();
            scaler.transform(&mut back);
            scaler.inverse_transform(&mut back);
            for (back, value) in back.iter().zip(rows) {
                prop_assert!((back - value).abs() <= 1e-9, "{back} != {value}");
            }
        }
    }
}
