//! Who need not run on.
//!
//! Between repeats, each candidate is compared with every other on the folds that both have run. The question is which of
//! them would be best after *all* repeats on these very rows, so what varies is the division and the seed, not the rows:
//! differences are taken fold by fold (same rows, same seeds), and a one-sided t-test asks whether their mean favours the
//! other. Repeats are independent draws given the rows. The folds of a repeat share no scored row, so that what is particular
//! to rows cancels within a repeat, and a test that takes all folds for independent errs on the safe side.
//!
//! The error is controlled over everything that is looked at: with m candidates and L looks, each test runs at level
//! 0.05 / ((m - 1) L). The best candidate is lost only if it loses one of its m - 1 comparisons in one of the L looks, so it
//! is lost with probability at most 5% (Bonferroni's inequality), whoever leads meanwhile. Epochs are never a reason to stop:
//! penalties look bad early.
//!
//! The race is decided when all that are left are the leader and its neighbours on the grid: then the leader is within one
//! step of whatever all repeats would have chosen, with the same 95%.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::selection::{Entry, Setting};
use super::statistic::{mean, variance};

/// The probability that the best is lost.
const ERROR: f64 = 0.05;

/// Marks the entries that are clearly beaten. `candidates` are all that will ever take part, `looks` how often this is asked of
/// a pair.
pub(crate) fn drop_beaten(setting: &Setting<'_>, entries: &mut [Entry], candidates: usize, looks: usize) {
    let level = ERROR / (candidates.saturating_sub(1).max(1) * looks.max(1)) as f64;
    let scores: Vec<Vec<Option<f64>>> = entries.iter().map(|entry| entry.scores(setting)).collect();
    let running: Vec<usize> = (0..entries.len()).filter(|e| !entries[*e].beaten).collect();
    let loses = |e: usize, other: usize| {
        let pairs = scores[e].iter().zip(&scores[other]);
        let leads: Option<Vec<f64>> = pairs.map(|(own, other)| Some(setting.gain((*other)?, (*own)?))).collect();
        leads.is_some_and(|leads| is_clearly_positive(&leads, level))
    };
    let beaten: Vec<usize> = running
        .iter()
        .copied()
        .filter(|e| {
            let diverged = scores[*e].iter().any(Option::is_none);
            diverged || running.iter().any(|other| other != e && loses(*e, *other))
        })
        .collect();
    // All could only lose to each other on different folds; then nothing is clear.
    if beaten.len() < running.len() {
        beaten.into_iter().for_each(|e| entries[e].beaten = true);
    }
}

/// Whether all that still run are the leader and its neighbours on the grid. No penalty is the neighbour of each penalty's
/// weakest strength.
pub(crate) fn is_decided(setting: &Setting<'_>, entries: &[Entry]) -> bool {
    let running: Vec<&Entry> = entries.iter().filter(|entry| !entry.beaten).collect();
    let score = |entry: &Entry| {
        let mean = entry.scores(setting).into_iter().collect::<Option<Vec<f64>>>().and_then(|scores| mean(&scores));
        mean.map_or(f64::NEG_INFINITY, |mean| if setting.maximize { mean } else { -mean })
    };
    let Some(leader) = running.iter().max_by(|a, b| score(a).total_cmp(&score(b))) else { return false };
    running.iter().all(|entry| setting.steps(entries, entry, leader).is_some_and(|steps| steps <= 1))
}

/// Whether the mean of these differences is above 0 at this level (Student's t, one-sided).
fn is_clearly_positive(differences: &[f64], level: f64) -> bool {
    let (Some(mean), Some(variance)) = (mean(differences), variance(differences)) else { return false };
    let t = mean / (variance / differences.len() as f64).sqrt();
    // Without any spread there is nothing to judge by: a score of few levels, say.
    if !(mean > 0.0 && variance > 0.0 && t.is_finite()) {
        return false;
    }
    StudentsT::new(0.0, 1.0, (differences.len() - 1) as f64).is_ok_and(|students| students.sf(t) < level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn only_clear_differences_count() {
        assert!(!is_clearly_positive(&[0.1, -0.1, 0.2, 0.0, 0.1], 1e-3));
        assert!(is_clearly_positive(&[1.0, 1.1, 0.9, 1.05, 0.95], 1e-3));
        assert!(!is_clearly_positive(&[-1.0, -1.1, -0.9, -1.05, -0.95], 1e-3));
        assert!(!is_clearly_positive(&[1.0; 5], 1e-3), "no spread, no judgement");
    }

    #[test]
    fn the_best_is_rarely_lost_over_all_looks() {
        // Thirteen candidates that are equally good: whoever is called best, losing any of them is an error.
        let (candidates, looks, folds) = (13, 9, 5);
        let level = ERROR / ((candidates - 1) * looks) as f64;
        let lost = (0..200)
            .filter(|simulation| {
                let mut rng = Seed::new(*simulation).derive("race", 0).rng();
                let scores: Vec<Vec<f64>> =
                    (0..candidates).map(|_| (0..folds * looks).map(|_| rng.normal()).collect()).collect();
                (1..=looks).any(|look| {
                    (1..candidates).any(|other| {
                        let leads: Vec<f64> = (0..look * folds).map(|i| scores[other][i] - scores[0][i]).collect();
                        is_clearly_positive(&leads, level)
                    })
                })
            })
            .count();
        assert!(lost <= 10, "{lost} of 200");
    }
}
