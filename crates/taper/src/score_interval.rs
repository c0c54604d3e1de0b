//! How sure scores are: their intervals over the rows that they were measured on.

use serde::{Deserialize, Serialize};

use crate::choose::Interval;
use crate::metric::Metric;
use crate::train::{FitConfig, Scores, evaluate, row_losses};
use crate::{Dataset, Model, Result};

/// A score with its 95% interval: where the score of the model on the population lies that the rows come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreInterval {
    /// `data_loss`, or the name of a metric in [`FitConfig::metric_names`].
    pub name: String,
    /// The score on all rows.
    pub value: f64,
    /// Lower end; nothing where the rows do not say how sure the score is (a single row, equal losses).
    pub ci_low: Option<f64>,
    /// Upper end.
    pub ci_high: Option<f64>,
}

/// Blocks of rows of which each is left out once.
const BLOCKS: usize = 40;

/// [`evaluate`], and the intervals of data loss and metrics, rows counting as independent.
///
/// The data loss is a mean over rows, whose interval heeds the skewness of losses. A share of rows (an accuracy with one
/// prediction per row) has Wilson's interval, which is right near 0 and 1 too. Other metrics have the jackknife's, over 40 blocks
/// of rows, cut at 0 and 1 where they cannot be beyond.
///
/// # Errors
///
/// As [`evaluate`].
///
/// # Source
///
/// E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927), 209-212.
///
/// # Example
///
/// ```
/// use taper::{Activation, Dataset, Dense, FitConfig, Loss, Metric, Model, Seed, Sequential, data::make_moons};
/// use taper::evaluate_with_intervals;
///
/// # fn main() -> taper::Result<()> {
/// let data = Dataset::from_sample(&make_moons(100, 0.2, 1)?)?;
/// let model = Model::build(&Sequential::new([2]).layer(Dense::new(1).activation(Activation::Sigmoid)), Seed::new(1))?;
/// let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]);
/// let (_, intervals) = evaluate_with_intervals(&model, &data, &config)?;
/// let accuracy = &intervals[1];
/// assert!(accuracy.ci_low < Some(accuracy.value) && accuracy.ci_high > Some(accuracy.value));
/// # Ok(())
/// # }
/// ```
pub fn evaluate_with_intervals(
    model: &Model,
    data: &Dataset,
    config: &FitConfig,
) -> Result<(Scores, Vec<ScoreInterval>)> {
    let scores = evaluate(model, data, config)?;
    let losses = row_losses(model, data, config)?;
    let mut intervals = vec![interval("data_loss".to_owned(), scores.data_loss, Interval::of_mean(&losses))];
    let metrics = config.metrics.iter().chain(&config.weighted_metrics).map(|metric| metric.metric);
    let (classes, one) = (model.output_shape().last(), model.output_shape().rows() == 1);
    let metrics: Vec<Metric> = metrics.map(|metric| metric.resolve(classes, config.loss.is_sparse())).collect();
    let is_share = |metric: &Metric| one && data.sample_weight().is_none() && counts_rows(*metric, classes);
    let jackknifed =
        if metrics.iter().all(is_share) { vec![] } else { pseudo_values(model, data, config, &scores.metrics)? };
    for (i, (name, metric)) in config.metric_names().into_iter().zip(&metrics).enumerate() {
        let value = scores.metrics[i];
        if is_share(metric) {
            let (low, high) = wilson(value, data.rows());
            intervals.push(ScoreInterval { name, value, ci_low: Some(low), ci_high: Some(high) });
            continue;
        }
        let values: Vec<f64> = jackknifed.iter().map(|values| values[i]).collect();
        let mut found = interval(name, value, Interval::of_mean(&values));
        if within_one(*metric) {
            let cut = |end: Option<f64>| end.map(|end| end.clamp(0.0, 1.0));
            (found.ci_low, found.ci_high) = (cut(found.ci_low), cut(found.ci_high));
        }
        intervals.push(found);
    }
    Ok((scores, intervals))
}

/// Around `value`, as wide as the estimate's interval is.
fn interval(name: String, value: f64, found: Option<Interval>) -> ScoreInterval {
    let ends = found.filter(|found| found.se > 0.0 && found.low.is_finite() && found.high.is_finite());
    let ends = ends.map(|found| (value + found.low - found.estimate, value + found.high - found.estimate));
    let (ci_low, ci_high) = ends.unzip();
    ScoreInterval { name, value, ci_low, ci_high }
}

/// Wilson's interval of a share of so many rows.
fn wilson(share: f64, rows: usize) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let n = rows as f64;
    let denominator = 1.0 + Z * Z / n;
    let middle = (share + Z * Z / (2.0 * n)) / denominator;
    let half = Z / denominator * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends, rounding must not leave the share itself outside.
    ((middle - half).clamp(0.0, share), (middle + half).clamp(share, 1.0))
}

/// Whether a metric is the share of rows that are predicted rightly.
fn counts_rows(metric: Metric, classes: usize) -> bool {
    match metric {
        Metric::CategoricalAccuracy
        | Metric::SparseCategoricalAccuracy
        | Metric::TopKCategoricalAccuracy { .. }
        | Metric::SparseTopKCategoricalAccuracy { .. } => true,
        Metric::BinaryAccuracy { .. } => classes == 1,
        _ => false,
    }
}

/// Whether a metric lies between 0 and 1.
fn within_one(metric: Metric) -> bool {
    let share = matches!(metric, Metric::BinaryAccuracy { .. } | Metric::Precision { .. } | Metric::Recall { .. });
    share || matches!(metric, Metric::Auc { .. }) || counts_rows(metric, 1)
}

/// The jackknife's pseudo-values of all metrics: B·s - (B-1)·s₋ᵦ for each block b of rows, s₋ᵦ being the score without it.
fn pseudo_values(model: &Model, data: &Dataset, config: &FitConfig, scores: &[f64]) -> Result<Vec<Vec<f64>>> {
    let blocks = BLOCKS.min(data.rows());
    if blocks < 2 {
        return Ok(vec![]);
    }
    let count = blocks as f64;
    let without = |block: usize| -> Result<Vec<f64>> {
        let others: Vec<usize> = (0..data.rows()).filter(|row| row % blocks != block).collect();
        let measured = evaluate(model, &data.select(&others)?, config)?;
        Ok(scores.iter().zip(measured.metrics).map(|(all, without)| count * all - (count - 1.0) * without).collect())
    };
    (0..blocks).map(without).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dense, Loss, Sequential, Shape};

    #[test]
    fn a_share_has_wilsons_interval() {
        // statsmodels.stats.proportion.proportion_confint(45, 50, method="wilson")
        let (low, high) = wilson(0.9, 50);
        assert!((low - 0.786_397_6).abs() < 1e-6 && (high - 0.956_524_4).abs() < 1e-6, "{low} {high}");
        let (low, high) = wilson(1.0, 20);
        assert!((low - 0.838_875_1).abs() < 1e-6 && high == 1.0, "not sure of all that is to come: {low} {high}");
        assert!(wilson(0.0, 20).0 == 0.0 && wilson(0.0, 20).1 > 0.1);
    }

    /// y = x, predicted as 0 by a model without weights to speak of.
    fn measured(config: &FitConfig, y: Vec<f32>) -> Vec<ScoreInterval> {
        let spec = Sequential::new([1]).layer(Dense::new(1));
        let model = Model::with_weights(spec, vec![0.0, 0.0]).unwrap();
        let data = Dataset::new(Shape::new([1]).unwrap(), vec![1.0; y.len()], 1, y).unwrap();
        evaluate_with_intervals(&model, &data, config).unwrap().1
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_its_rows() {
        let config = FitConfig::new(Loss::Mae).metrics([Metric::Mae, Metric::RootMeanSquaredError]);
        let y: Vec<f32> = (0..80).map(|i| (i % 5) as f32).collect();
        let all = measured(&config, y);
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["data_loss", "mae", "root_mean_squared_error"]);
        // Standard deviation √2 (over n - 1), 80 rows: 2 ± 1.99 · 0.159
        let loss = &all[0];
        assert!((loss.value - 2.0).abs() < 1e-6, "{loss:?}");
        assert!(
            (loss.ci_low.unwrap() - 1.683).abs() < 0.02 && (loss.ci_high.unwrap() - 2.317).abs() < 0.02,
            "{loss:?}"
        );
        // The same number by blocks of rows, of which each has two that are equal: √2 as wide.
        let mae = &all[1];
        assert!((mae.value - 2.0).abs() < 1e-6, "{mae:?}");
        assert!((mae.ci_low.unwrap() - 1.542).abs() < 0.02 && (mae.ci_high.unwrap() - 2.458).abs() < 0.02, "{mae:?}");
        let rmse = &all[2];
        assert!((rmse.value - 6f64.sqrt()).abs() < 1e-6, "{rmse:?}");
        assert!(rmse.ci_low < Some(rmse.value) && Some(rmse.value) < rmse.ci_high, "{rmse:?}");
    }

    #[test]
    fn what_says_nothing_about_others_has_no_interval() {
        let config = FitConfig::new(Loss::Mae).metrics([Metric::Mae]);
        for y in [vec![3.0], vec![3.0; 10]] {
            assert!(measured(&config, y).iter().all(|one| one.ci_low.is_none() && one.ci_high.is_none()));
        }
    }
}
