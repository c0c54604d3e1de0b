//! Which strengths are tried.

use super::penalty::{Family, Penalty};
use super::trial::TrialOutcome;

/// The decades that are probed for a weight penalty: 10^-8 to 10^3.
const DECADES: std::ops::RangeInclusive<i32> = -8..=3;

/// The strengths that are probed on one fold to find where a penalty begins and ends to matter; none where that is known.
pub(crate) fn probes(penalty: &Penalty) -> Vec<f64> {
    if penalty.family().is_some_and(Family::is_weight_penalty) { DECADES.map(decade).collect() } else { vec![] }
}

/// 10^exponent, exactly as it would be written.
fn decade(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::NAN)
}

/// A strength of three digits, so that what is reported is what was used.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// `count` strengths from `low` to `high`, evenly on a log scale.
fn geometric(low: f64, high: f64, count: usize) -> Vec<f64> {
    let step = (high / low).ln() / (count.max(2) - 1) as f64;
    (0..count).map(|i| rounded(low * libm::exp(step * i as f64))).collect()
}

/// Where a penalty whose strengths were probed begins and ends to matter, as positions in the probes.
///
/// It begins at the strongest below which data loss on training and on scored rows differ by less than 2% from those
/// without a penalty; it ends at the weakest above which predictions are constant (their spread is less than 2% of that without
/// a penalty) or trainings diverge. If all is the same, it is the whole range.
pub(crate) fn range(baseline: &TrialOutcome, probes: &[TrialOutcome]) -> (usize, usize) {
    let loss = |outcome: &TrialOutcome| Some((*outcome.scores.get("data_loss")?, *outcome.train.get("data_loss")?));
    let Some((scored, trained)) = loss(baseline) else { return (0, probes.len() - 1) };
    let same = |outcome: &TrialOutcome| {
        loss(outcome).is_some_and(|(other, train)| {
            (other - scored).abs() <= 0.02 * scored.abs() && (train - trained).abs() <= 0.02 * scored.abs()
        })
    };
    let constant = |outcome: &TrialOutcome| outcome.scores.is_empty() || outcome.spread <= 0.02 * baseline.spread;
    let low = probes.iter().take_while(|outcome| same(outcome)).count().saturating_sub(1);
    let constants = probes.iter().rev().take_while(|outcome| constant(outcome)).count();
    let high = (probes.len() - constants).min(probes.len() - 1);
    if low < high { (low, high) } else { (0, probes.len() - 1) }
}

/// The strengths that are tried first: all that are wanted, or for a weight penalty the decades of its range (thinned to two
/// thirds of the points, if there are more).
pub(crate) fn coarse(
    penalty: &Penalty,
    points: usize,
    epochs: usize,
    outcomes: Option<(&TrialOutcome, &[TrialOutcome])>,
) -> Vec<f64> {
    let Some((baseline, probed)) = outcomes else {
        return match penalty.family() {
            Some(Family::EarlyStopping) => {
                let longest = (epochs / 2).max(1) as f64;
                let mut patience: Vec<f64> = geometric(1.0, longest, points).into_iter().map(f64::round).collect();
                patience.dedup();
                patience
            }
            // From 0.05 to 0.9.
            _ => (0..points).map(|i| rounded(0.05 + 0.85 * i as f64 / (points - 1) as f64)).collect(),
        };
    };
    let values = probes(penalty);
    let (low, high) = range(baseline, probed);
    let most = (points * 2 / 3).max(2);
    if high - low < most { values[low..=high].to_vec() } else { geometric(values[low], values[high], most) }
}

/// The strengths of a path: `points` of them, over the range of the penalty.
pub(crate) fn path(penalty: &Penalty, points: usize, baseline: &TrialOutcome, probed: &[TrialOutcome]) -> Vec<f64> {
    let values = probes(penalty);
    let (low, high) = range(baseline, probed);
    geometric(values[low], values[high], points)
}

/// `count` more strengths around the best of a rising grid: half of them down to its left neighbour, half up to its right one.
pub(crate) fn fine(grid: &[f64], best: usize, count: usize) -> Vec<f64> {
    let (left, right) = (best.checked_sub(1).map(|i| grid[i]), grid.get(best + 1).copied());
    let between = |from: f64, to: f64, count: usize| -> Vec<f64> {
        let all = geometric(from, to, count + 2);
        all[1..all.len() - 1].to_vec()
    };
    let mut values = match (left, right) {
        (Some(left), Some(right)) => {
            let mut below = between(left, grid[best], count.div_ceil(2));
            below.extend(between(grid[best], right, count / 2));
            below
        }
        (Some(left), None) => between(left, grid[best], count),
        (None, Some(right)) => between(grid[best], right, count),
        (None, None) => vec![],
    };
    values.retain(|value| !grid.contains(value));
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(scored: f64, train: f64, spread: f64) -> TrialOutcome {
        let scores = |value: f64| std::collections::BTreeMap::from([("data_loss".to_owned(), value)]);
        TrialOutcome {
            stop: crate::StopReason::Completed,
            epochs: 1,
            train_rows: 1,
            scores: scores(scored),
            train: scores(train),
            norms: std::collections::BTreeMap::new(),
            norm: 1.0,
            zeros: 0.0,
            spread,
            history: None,
            rows: None,
            calibration: None,
            points: vec![],
        }
    }

    #[test]
    fn a_range_reaches_from_no_change_to_constant() {
        let penalty = Penalty::read("l2").unwrap();
        let baseline = outcome(1.0, 0.0, 0.4);
        // Nothing up to 1e-6, constant from 1e0 on.
        let probed: Vec<TrialOutcome> = (-8..=3)
            .map(|exponent| match exponent {
                ..=-6 => outcome(1.001, 0.0, 0.4),
                -5..=-1 => outcome(0.5, 0.1, 0.2),
                _ => outcome(0.7, 0.7, 0.0),
            })
            .collect();
        assert_eq!(range(&baseline, &probed), (2, 8));
        let grid = coarse(&penalty, 13, 1, Some((&baseline, &probed)));
        assert_eq!(grid, [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0]);
        assert_eq!(coarse(&penalty, 6, 1, Some((&baseline, &probed))).len(), 4);
        let lost = TrialOutcome { scores: Default::default(), ..outcome(0.0, 0.0, 0.0) };
        assert_eq!(range(&baseline, &[outcome(1.0, 0.0, 0.4), outcome(0.5, 0.0, 0.3), lost]), (0, 2));
    }

    #[test]
    fn fine_strengths_lie_between_the_neighbours() {
        let grid = [1e-4, 1e-3, 1e-2];
        let fine_ = fine(&grid, 1, 5);
        assert_eq!(fine_.len(), 5);
        assert!(fine_.iter().all(|value| *value > 1e-4 && *value < 1e-2 && *value != 1e-3));
        assert!(fine(&grid, 0, 2).iter().all(|value| *value > 1e-4 && *value < 1e-3));
        assert!(fine(&grid, 2, 2).iter().all(|value| *value > 1e-3 && *value < 1e-2));
    }

    #[test]
    fn rates_and_patiences_are_legal() {
        let rates = coarse(&Penalty::read("dropout").unwrap(), 13, 100, None);
        assert_eq!((rates.len(), rates[0], rates[12]), (13, 0.05, 0.9));
        let patience = coarse(&Penalty::read("early_stopping").unwrap(), 13, 200, None);
        assert_eq!((patience[0], patience.last()), (1.0, Some(&100.0)));
        assert!(patience.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
