//! Whether probabilities mean what they say.

use serde::{Deserialize, Serialize};

use super::trial::TrialOutcome;
use crate::{Dataset, Loss};

/// How often what was predicted with some probability came true.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// Predictions whose probability lies in this tenth of 0 to 1.
    pub count: usize,
    /// Their mean probability.
    pub predicted: f64,
    /// The share of them that came true.
    pub observed: f64,
}

/// Calibration on rows that took part in no choice: of the positive class, or with more than two classes of the class that
/// was thought most likely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Without a penalty, by tenths of the probability; tenths without predictions are left out.
    pub baseline: Vec<ReliabilityBin>,
    /// With the choice.
    pub chosen: Vec<ReliabilityBin>,
}

/// The bins of several outcomes together.
pub(crate) fn pooled(outcomes: &[&TrialOutcome]) -> Vec<ReliabilityBin> {
    let mut bins = [(0usize, 0.0, 0.0); 10];
    for bin in outcomes.iter().filter_map(|outcome| outcome.calibration.as_ref()).flatten() {
        let place = &mut bins[tenth(bin.predicted)];
        *place = (
            place.0 + bin.count,
            place.1 + bin.predicted * bin.count as f64,
            place.2 + bin.observed * bin.count as f64,
        );
    }
    mean_bins(&bins)
}

/// The bins of a model's predictions; none where they are no probabilities of classes.
pub(crate) fn of_predictions(loss: Loss, predictions: &[f32], data: &Dataset) -> Option<Vec<ReliabilityBin>> {
    let classes = predictions.len() / data.rows();
    let probabilities = match loss {
        Loss::BinaryCrossentropy { from_logits, .. } => !from_logits && classes == 1 && data.target_len() == 1,
        Loss::CategoricalCrossentropy { from_logits, .. } => !from_logits && data.target_len() == classes,
        Loss::SparseCategoricalCrossentropy { from_logits } => !from_logits && data.target_len() == 1,
        _ => false,
    };
    if !probabilities {
        return None;
    }
    let rows = predictions.chunks_exact(classes).zip(data.y().chunks_exact(data.target_len()));
    Some(bins(rows.map(|(p, y)| match (p, y) {
        ([p], [y]) => (f64::from(*p), *y >= 0.5),
        (_, [y]) => (f64::from(p[largest(p)]), largest(p) == *y as usize),
        _ => (f64::from(p[largest(p)]), largest(p) == largest(y)),
    })))
}

fn largest(row: &[f32]) -> usize {
    (0..row.len()).rev().max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0)
}

/// Bins of probabilities and whether they came true.
fn bins(pairs: impl Iterator<Item = (f64, bool)>) -> Vec<ReliabilityBin> {
    let mut bins = [(0usize, 0.0, 0.0); 10];
    for (probability, came_true) in pairs {
        let place = &mut bins[tenth(probability)];
        *place = (place.0 + 1, place.1 + probability, place.2 + f64::from(u8::from(came_true)));
    }
    mean_bins(&bins)
}

fn tenth(probability: f64) -> usize {
    ((probability * 10.0) as usize).min(9)
}

fn mean_bins(bins: &[(usize, f64, f64)]) -> Vec<ReliabilityBin> {
    let filled = bins.iter().filter(|bin| bin.0 > 0);
    filled
        .map(|(count, predicted, observed)| ReliabilityBin {
            count: *count,
            predicted: predicted / *count as f64,
            observed: observed / *count as f64,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_by_hand() {
        let made = bins([(0.11, false), (0.15, true), (1.0, true)].into_iter());
        assert_eq!(made.len(), 2);
        assert_eq!((made[0].count, made[0].observed), (2, 0.5));
        assert!((made[0].predicted - 0.13).abs() < 1e-12);
        assert_eq!((made[1].count, made[1].predicted, made[1].observed), (1, 1.0, 1.0));
    }
}
