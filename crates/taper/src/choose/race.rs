//! Who need not run on.
//!
//! Between repeats, each candidate is compared with every other on the folds that both have run. The question is which of
//! them would be best after *all* repeats on these very rows, so what varies is the division and the seed, not the rows:
//! differences are taken fold by fold (same rows, same seeds), and two one-sided t-tests ask whether their mean favours the
//! other: one over folds, and one over the means of repeats. Repeats are independent draws given the rows, so the second is
//! exact for normal means; the folds of a repeat share no scored row, so that their differences tend to cancel and the first
//! errs on the safe side.
//!
//! The error is controlled over everything that is looked at: with m candidates and L looks, each test runs at level
//! 0.05 / (2 (m - 1) L). The best candidate is lost only if it loses one of its m - 1 comparisons in one of the L looks by one
//! of the two tests, so it is lost with probability at most 5% (Bonferroni's inequality), whoever leads meanwhile. Epochs are
//! never a reason to stop: penalties look bad early.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::selection::{Entry, Setting};
use super::statistic::{mean, variance};

/// The probability that the best is lost.
const ERROR: f64 = 0.05;

/// Marks the entries that are clearly beaten; the baseline (the first) never is, because all others are compared with it in
/// the end. `candidates` are all that will ever take part, `looks` how often this is asked of a pair.
pub(crate) fn drop_beaten(setting: &Setting<'_>, entries: &mut [Entry], candidates: usize, looks: usize) {
    let level = ERROR / (2.0 * candidates.saturating_sub(1).max(1) as f64 * looks.max(1) as f64);
    let scores: Vec<Vec<Option<f64>>> = entries.iter().map(|entry| entry.scores(setting)).collect();
    let folds = setting.spec.folds;
    let beaten: Vec<usize> = (1..entries.len())
        .filter(|e| !entries[*e].beaten)
        .filter(|e| {
            let lost = scores[*e].iter().any(Option::is_none);
            lost || (0..entries.len()).any(|other| {
                // A pair is asked only while both run, or ran equally long.
                let common = scores[*e].len().min(scores[other].len());
                let pairs = scores[*e].iter().zip(&scores[other]).take(common);
                let leads: Option<Vec<f64>> =
                    pairs.map(|(own, other)| Some(setting.gain((*other)?, (*own)?))).collect();
                other != *e && leads.is_some_and(|leads| clearly_positive(&leads, folds, level))
            })
        })
        .collect();
    beaten.into_iter().for_each(|e| entries[e].beaten = true);
}

/// Whether the mean of these differences, `folds` for each repeat, is above 0 at this level by either test.
fn clearly_positive(differences: &[f64], folds: usize, level: f64) -> bool {
    let repeats: Vec<f64> = differences.chunks_exact(folds).filter_map(mean).collect();
    exceeds(differences, level) || exceeds(&repeats, level)
}

fn exceeds(values: &[f64], level: f64) -> bool {
    let (Some(mean), Some(variance)) = (mean(values), variance(values)) else { return false };
    let t = mean / (variance / values.len() as f64).sqrt();
    // Without any spread there is nothing to judge by: a score of few levels, say.
    if !(mean > 0.0 && variance > 0.0 && t.is_finite()) {
        return false;
    }
    StudentsT::new(0.0, 1.0, (values.len() - 1) as f64).is_ok_and(|students| students.sf(t) < level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn only_clear_differences_count() {
        assert!(!clearly_positive(&[0.1, -0.1, 0.2, 0.0, 0.1], 5, 1e-3));
        assert!(clearly_positive(&[1.0, 1.1, 0.9, 1.05, 0.95], 5, 1e-3));
        assert!(!clearly_positive(&[-1.0, -1.1, -0.9, -1.05, -0.95], 5, 1e-3));
        assert!(!clearly_positive(&[1.0; 5], 5, 1e-3), "no spread, no judgement");
        // Folds that differ much, repeats that agree.
        let folds: Vec<f64> = [3.0, -2.0, 1.0, -1.5, 1.5]
            .iter()
            .cycle()
            .take(20)
            .enumerate()
            .map(|(i, x)| x + (i / 5) as f64 * 1e-3)
            .collect();
        assert!(clearly_positive(&folds, 5, 1e-3));
    }

    #[test]
    fn the_best_is_rarely_lost_over_all_looks() {
        // Thirteen candidates that are equally good: whoever is called best, losing any of them is an error.
        let (candidates, looks, folds) = (13, 9, 5);
        let level = ERROR / (2.0 * (candidates - 1) as f64 * looks as f64);
        let lost = (0..200)
            .filter(|simulation| {
                let mut rng = Seed::new(*simulation).derive("race", 0).rng();
                let scores: Vec<Vec<f64>> =
                    (0..candidates).map(|_| (0..folds * looks).map(|_| rng.normal()).collect()).collect();
                (1..=looks).any(|look| {
                    (1..candidates).any(|other| {
                        let leads: Vec<f64> = (0..look * folds).map(|i| scores[other][i] - scores[0][i]).collect();
                        clearly_positive(&leads, folds, level)
                    })
                })
            })
            .count();
        assert!(lost <= 10, "{lost} of 200");
    }
}
