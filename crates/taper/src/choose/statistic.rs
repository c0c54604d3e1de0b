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

/// The skewness of the population that these values come from, as their sample tells it:
/// √(n(n-1)) / (n-2) · m₃ / m₂^(3/2), with m the central moments. 0 for fewer than three values, and for equal ones.
pub(crate) fn skewness(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let Some(mean) = mean(values).filter(|_| values.len() > 2) else { return 0.0 };
    let moment = |power: i32| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / n;
    let (second, third) = (moment(2), moment(3));
    if second > 0.0 { (n * (n - 1.0)).sqrt() / (n - 2.0) * third / (second * second.sqrt()) } else { 0.0 }
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

    /// The same, each end moved out to where it lies once the skewness of the n values is removed, if that is farther.
    ///
    /// Differences of losses have a long tail: a model without a penalty is confidently wrong on a few rows. The studentized
    /// mean t = √n (x̄ - μ) / s of such values is itself skewed, to the other side, and misses the truth on that side too
    /// often. With γ the sample skewness and w = t/√n, Hall's transformation
    ///
    /// ```text
    /// g(w) = w + γw²/3 + γ²w³/27 + γ/(6n)        inverse: w = 3/γ ((1 + γ (g - γ/(6n)))^⅓ - 1)
    /// ```
    ///
    /// rises everywhere and is without skewness to the order 1/n, so that the ends are x̄ - s g⁻¹(±q/√n), with Student's
    /// quantile q. The skewness of few values is itself uncertain; where it would draw an end in, Student's stands.
    ///
    /// Source: P. Hall, On the removal of skewness by transformation, J. R. Statist. Soc. B 54 (1992), 221-228.
    fn skewed(estimate: f64, se: f64, skewness: f64, n: usize) -> Self {
        let plain = Self::students(estimate, se, n);
        if se == 0.0 || skewness.abs() < 1e-6 {
            return plain;
        }
        let count = n as f64;
        let inverse = |g: f64| 3.0 / skewness * (libm::cbrt(1.0 + skewness * (g - skewness / (6.0 * count))) - 1.0);
        let (s, quantile) = (se * count.sqrt(), t_quantile(n - 1) / count.sqrt());
        let (low, high) = (estimate - s * inverse(quantile), estimate - s * inverse(-quantile));
        Self { low: plain.low.min(low), high: plain.high.max(high), ..plain }
    }

    /// Of the mean of independent values, which may be skewed; none below two.
    pub(crate) fn of_mean(values: &[f64]) -> Option<Self> {
        let (mean, variance) = (mean(values)?, variance(values)?);
        let se = (variance / values.len() as f64).sqrt();
        Some(Self::skewed(mean, se, skewness(values), values.len()))
    }

    /// Of the mean of values that belong together in clusters (by id): clusters are independent, their members need not be.
    /// The variance of the mean is k/(k-1) Σ_c (Σ_{i in c} (x_i - mean))² / n², with k clusters and k - 1 degrees of freedom;
    /// the skewness is that of the clusters' sums.
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
        let sums: Vec<f64> = sums.into_values().collect();
        Some(Self::skewed(mean, variance.sqrt(), skewness(&sums), sums.len()))
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
    fn skewness_is_that_of_scipy() {
        // scipy.stats.skew([1, 2, 4, 9], bias=False)
        assert!((skewness(&[1.0, 2.0, 4.0, 9.0]) - 1.330_937_732_2).abs() < 1e-9);
        assert_eq!((skewness(&[1.0, 9.0]), skewness(&[2.0; 5])), (0.0, 0.0));
    }

    #[test]
    fn a_long_tail_moves_its_end_out() {
        let values: Vec<f64> = (0..40).map(|i| if i % 10 == 0 { 8.0 } else { 0.1 * f64::from(i % 5) }).collect();
        let skewed = Interval::of_mean(&values).unwrap();
        let plain = Interval::students(skewed.estimate, skewed.se, skewed.n);
        assert!(skewed.high > plain.high && skewed.low == plain.low);
        let turned: Vec<f64> = values.iter().map(|value| -value).collect();
        let turned = Interval::of_mean(&turned).unwrap();
        assert!((turned.low + skewed.high).abs() < 1e-12 && (turned.high + skewed.low).abs() < 1e-12);
        // Its transformation gives the quantile back.
        let (n, g) = (40.0f64, skewness(&values));
        let w = (skewed.estimate - skewed.high) / (skewed.se * n.sqrt());
        let there = w + g * w * w / 3.0 + g * g * w.powi(3) / 27.0 + g / (6.0 * n);
        assert!((there * n.sqrt() + t_quantile(39)).abs() < 1e-9);
    }

    #[test]
    fn the_truth_is_inside_for_skewed_values_too() {
        // Squares of normal numbers less one: skewness 2.8, mean 0.
        let inside = (0..400u64)
            .filter(|simulation| {
                let mut rng = crate::Seed::new(*simulation).derive("skewed", 0).rng();
                let values: Vec<f64> = (0..50).map(|_| rng.normal().powi(2) - 1.0).collect();
                let interval = Interval::of_mean(&values).unwrap();
                interval.low <= 0.0 && 0.0 <= interval.high
            })
            .count();
        assert!((368..=392).contains(&inside), "{inside} of 400");
    }

    #[test]
    fn overlap_of_training_sets_widens_the_interval() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let folds = Interval::of_folds(&values, 20.0, 80.0).unwrap();
        assert!((folds.se - (2.5f64 * 0.45).sqrt()).abs() < 1e-12);
    }
}
