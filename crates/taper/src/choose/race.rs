//! Who need not run on.
//!
//! Between repeats, each candidate is compared with every other on the folds that both have run. The question is which of
//! them would be best after *all* repeats on these very rows, so what varies is the division and the seed, not the rows:
//! differences are taken fold by fold (same rows, same seeds), and a one-sided t-test asks whether their mean favours the
//! other. Repeats are independent draws given the rows. The folds of a repeat share no scored row, so that what is particular
//! to rows cancels within a repeat, and a test that takes all folds for independent errs on the safe side.
//!
//! The race knows how long it is. With r of R repeats run, a mean lead d with standard error s/√n is lost by the end only if
//! the remaining repeats turn it round. What they will say is d, give or take their own error and that of d, so that the mean
//! over all R repeats has the sign of d except with probability
//!
//! ```text
//! P(T > d √n / s · √(R / (R - r)))        T: Student's t with n - 1 degrees of freedom
//! ```
//!
//! This is the correction for a finite population, most of which has been seen (Cochran 1977, §2.6), and in clinical trials
//! is known as stochastic curtailment by predictive power (Spiegelhalter, Freedman and Blackburn 1986).
//!
//! The error is controlled over everything that is looked at: with m candidates, one is dropped where some other will be ahead
//! of it in the end except with probability 0.05 / (m - 1). Each is dropped once at most, so that the one that all repeats would
//! have called best is dropped with probability at most 5%, whoever leads meanwhile and however often one looks: what is
//! bounded is not the error of a look, but that of the end as foreseen at the look. Epochs are never a reason to stop:
//! penalties look bad early.
//!
//! The race is decided when all that are left are the leader and its neighbours on the grid: then the leader is within one
//! step of whatever all repeats would have chosen, with the same 95%.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::selection::{Entry, Setting};
use super::statistic::{mean, variance};

/// The probability that the best is lost.
const ERROR: f64 = 0.05;

/// Marks the entries that are clearly beaten. `candidates` are all that will ever take part.
pub(crate) fn drop_beaten(setting: &Setting<'_>, entries: &mut [Entry], candidates: usize) {
    let level = ERROR / candidates.saturating_sub(1).max(1) as f64;
    let all = setting.spec.repeats * setting.spec.folds;
    let scores: Vec<Vec<Option<f64>>> = entries.iter().map(|entry| entry.scores(setting)).collect();
    let running: Vec<usize> = (0..entries.len()).filter(|e| !entries[*e].beaten).collect();
    let loses = |e: usize, other: usize| {
        let pairs = scores[e].iter().zip(&scores[other]);
        let leads: Option<Vec<f64>> = pairs.map(|(own, other)| Some(setting.gain((*other)?, (*own)?))).collect();
        leads.is_some_and(|leads| stays_ahead(&leads, all, level))
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

/// Whether the mean of `all` differences, of which these are the first, will be above 0, except with probability `level`.
fn stays_ahead(differences: &[f64], all: usize, level: f64) -> bool {
    let (Some(mean), Some(variance)) = (mean(differences), variance(differences)) else { return false };
    let n = differences.len();
    let t = mean / (variance / n as f64 * (all - n) as f64 / all as f64).sqrt();
    // Without any spread there is nothing to judge by: a score of few levels, say.
    if !(mean > 0.0 && variance > 0.0 && t.is_finite()) {
        return false;
    }
    StudentsT::new(0.0, 1.0, (n - 1) as f64).is_ok_and(|students| students.sf(t) < level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn only_clear_differences_count() {
        assert!(!stays_ahead(&[0.1, -0.1, 0.2, 0.0, 0.1], 50, 1e-3));
        assert!(stays_ahead(&[1.0, 1.1, 0.9, 1.05, 0.95], 50, 1e-3));
        assert!(!stays_ahead(&[-1.0, -1.1, -0.9, -1.05, -0.95], 50, 1e-3));
        assert!(!stays_ahead(&[1.0; 5], 50, 1e-3), "no spread, no judgement");
    }

    #[test]
    fn a_lead_counts_for_more_when_little_is_left() {
        let differences: Vec<f64> = (0..25).map(|i| 0.5 + f64::from(i % 5 - 2)).collect();
        assert!(!stays_ahead(&differences, 50, 1e-3) && stays_ahead(&differences, 30, 1e-3));
    }

    /// How often the best of all repeats is dropped before, of 200 races between candidates that are equally good: whoever comes
    /// out best does so by luck, the hardest case there is.
    fn lost(score: impl Fn(&mut crate::Rng) -> f64) -> usize {
        let (candidates, repeats, folds) = (13, 10, 5);
        let (all, level) = (repeats * folds, ERROR / 12.0);
        (0..200)
            .filter(|simulation| {
                let mut rng = Seed::new(*simulation).derive("race", 0).rng();
                let scores: Vec<Vec<f64>> =
                    (0..candidates).map(|_| (0..all).map(|_| score(&mut rng)).collect()).collect();
                let total = |c: &usize| scores[*c].iter().sum::<f64>();
                let best = (0..candidates).min_by(|a, b| total(a).total_cmp(&total(b))).unwrap();
                (1..repeats).any(|look| {
                    (0..candidates).any(|other| {
                        let leads: Vec<f64> = (0..look * folds).map(|i| scores[best][i] - scores[other][i]).collect();
                        stays_ahead(&leads, all, level)
                    })
                })
            })
            .count()
    }

    #[test]
    fn the_best_is_rarely_lost_over_all_looks() {
        let lost = lost(crate::Rng::normal);
        assert!(lost <= 10, "{lost} of 200");
    }
}
