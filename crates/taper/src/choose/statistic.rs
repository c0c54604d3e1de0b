//! Means, their errors, and intervals.

use crate::study::t_quantile;

/// The mean of some values.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
}

/// The sample variance (over n - 1).
pub(crate) fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    Some(values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}

/// The standard error of one repeat's mean over `folds` folds, in quadratic mean over repeats.
///
/// Within a repeat each row is scored once, so the repeat's folds are nearly independent measurements on different rows, as in
/// glmnet. Repeats score the same rows again: averaging over them removes the accident of the division, not that of the rows,
/// and dividing by their number would claim rows that nobody has.
pub(crate) fn repeat_se(values: &[f64], folds: usize) -> Option<f64> {
    let per_repeat: Option<Vec<f64>> = values.chunks_exact(folds).map(variance).collect();
    Some((mean(&per_repeat?)? / folds as f64).sqrt())
}

/// An estimate with its standard error and 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    pub(crate) estimate: f64,
    pub(crate) se: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) n: usize,
}

impl Interval {
    fn students(estimate: f64, se: f64, n: usize) -> Self {
        let half = if se == 0.0 { 0.0 } else { t_quantile(n - 1) * se };
        Self { estimate, se, low: estimate - half, high: estimate + half, n }
    }

    /// Of the mean of independent values; none below two.
    pub(crate) fn of_mean(values: &[f64]) -> Option<Self> {
        let (mean, variance) = (mean(values)?, variance(values)?);
        Some(Self::students(mean, (variance / values.len() as f64).sqrt(), values.len()))
    }

    /// Of the mean of values that belong together in clusters (by id): clusters are independent, their members need not be.
    /// The variance of the mean is k/(k-1) Σ_c (Σ_{i in c} (x_i - mean))² / n², with k clusters and k - 1 degrees of freedom.
    pub(crate) fn of_clusters(values: &[f64], clusters: &[usize]) -> Option<Self> {
        let mean = mean(values)?;
        let mut sums = std::collections::BTreeMap::<usize, f64>::new();
        for (value, cluster) in values.iter().zip(clusters) {
            *sums.entry(*cluster).or_default() += value - mean;
        }
        let (k, n) = (sums.len() as f64, values.len() as f64);
        if sums.len() < 2 {
            return None;
        }
        let variance = k / (k - 1.0) * sums.values().map(|sum| sum * sum).sum::<f64>() / (n * n);
        Some(Self::students(mean, variance.sqrt(), sums.len()))
    }

    /// Of the mean over folds whose training sets overlap: the variance of the mean is σ² (1/n + test rows / training rows)
    /// (Nadeau and Bengio 2003).
    pub(crate) fn of_folds(values: &[f64], test_rows: f64, train_rows: f64) -> Option<Self> {
        let (mean, variance) = (mean(values)?, variance(values)?);
        let factor = 1.0 / values.len() as f64 + test_rows / train_rows;
        Some(Self::students(mean, (variance * factor).sqrt(), values.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_do_not_shrink_the_error() {
        let once = [1.0, 2.0, 3.0, 4.0, 5.0];
        let se = repeat_se(&once, 5).unwrap();
        assert!((se - (2.5f64 / 5.0).sqrt()).abs() < 1e-12);
        assert_eq!(repeat_se(&[once, once].concat(), 5), Some(se));
    }

    #[test]
    fn clusters_of_one_are_independent_values() {
        let values = [1.0, 2.0, 4.0, 9.0];
        let (plain, clustered) =
            (Interval::of_mean(&values).unwrap(), Interval::of_clusters(&values, &[3, 1, 0, 7]).unwrap());
        assert!((plain.se - clustered.se).abs() < 1e-12 && (plain.low - clustered.low).abs() < 1e-9);
        // Every value twice is no news.
        let twice = Interval::of_clusters(&[values, values].concat(), &[0, 1, 2, 3, 0, 1, 2, 3]).unwrap();
        assert!((plain.se - twice.se).abs() < 1e-12);
        assert_eq!(Interval::of_clusters(&values, &[1; 4]), None);
    }

    #[test]
    fn overlap_of_training_sets_widens_the_interval() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let folds = Interval::of_folds(&values, 20.0, 80.0).unwrap();
        assert!((folds.se - (2.5f64 * 0.45).sqrt()).abs() < 1e-12);
    }
}
