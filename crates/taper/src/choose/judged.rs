//! The final comparison: the choice against no penalty, on rows that took part in no choice.

use super::candidate::Candidate;
use super::comparison::{Comparison, comparisons};
use super::fold::{FoldAt, Selection};
use super::reliability::{Reliability, pooled};
use super::result::{Claim, FoldDifference, Gain};
use super::runner::Runner;
use super::selection::{Setting, select};
use super::statistic::Interval;
use super::trial::{Detail, TrialOutcome, TrialSpec};
use super::verdict::statement;
use crate::{Complaint, Error, Result, Seed};

/// What the final comparison came to.
pub(crate) struct Judged {
    /// Fold by fold, where the rows were divided for it.
    pub(crate) outer: Vec<FoldDifference>,
    pub(crate) gain: Gain,
    /// Every score of both.
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) calibration: Option<Reliability>,
    /// Trainings that racing saved.
    pub(crate) saved: usize,
}

/// Two fitted models on the declared test rows, and the paired differences of their rows.
pub(crate) fn on_test_rows(setting: &Setting<'_>, runner: &Runner<'_>, candidate: &Candidate) -> Result<Judged> {
    let specs = [Candidate::none(), candidate.clone()].map(|candidate| final_trial(setting, &candidate));
    let outcomes = runner.run(&specs)?;
    let (Some(baseline), Some(chosen)) = (&outcomes[0].rows, &outcomes[1].rows) else { return Err(diverged()) };
    let gains: Vec<f64> =
        baseline.iter().zip(chosen).map(|(baseline, chosen)| setting.gain(*chosen, *baseline)).collect();
    let clusters = runner.layout.clusters(&runner.layout.test());
    let interval = match &clusters {
        // The pseudo-values of a metric are by blocks of whole clusters.
        Some(clusters) if clusters.len() == gains.len() => Interval::of_clusters(&gains, clusters),
        _ => Interval::of_mean(&gains),
    };
    let clustered = clusters.is_some() || setting.spec.score != "data_loss";
    let gain = gain(interval, Claim::FittedModels, clustered, "data.test")?;
    let pairs = [(&outcomes[0], &outcomes[1])];
    Ok(Judged {
        outer: vec![],
        comparisons: comparisons(setting, &pairs, &gain, None),
        calibration: calibrations(&pairs),
        gain,
        saved: 0,
    })
}

/// Outer folds, each of which judges a choice that was made without its rows.
pub(crate) fn on_outer_folds(setting: &Setting<'_>, runner: &Runner<'_>) -> Result<Judged> {
    let seed = Seed::new(setting.spec.seed);
    let (mut outer, mut saved, mut all) = (Vec::new(), 0, Vec::new());
    for fold in 0..setting.spec.outer_folds {
        let at = FoldAt { seed: seed.derive("outer", 0).number(), folds: setting.spec.outer_folds, fold };
        let selected = select(setting, runner, &[at])?;
        saved += selected.saved;
        let chosen = selected.chosen(setting.spec.rule).clone();
        let specs = [Candidate::none(), chosen.clone()].map(|candidate| {
            let seed = seed.derive("outer run", fold as u64);
            let detail = Detail { calibration: true, ..Detail::default() };
            setting.trial(&candidate, Selection::Folds(vec![at]), seed, detail)
        });
        let outcomes = runner.run(&specs)?;
        let (Some(baseline_score), Some(chosen_score)) = (setting.score(&outcomes[0]), setting.score(&outcomes[1]))
        else {
            return Err(diverged());
        };
        let gain = setting.gain(chosen_score, baseline_score);
        outer.push(FoldDifference { repeat: 0, fold, chosen, baseline_score, chosen_score, gain });
        all.extend(outcomes);
    }
    let gains: Vec<f64> = outer.iter().map(|difference| difference.gain).collect();
    let rows = runner.layout.development().len() as f64;
    let test = rows / setting.spec.outer_folds as f64;
    let parts = (test, rows - test);
    let interval = Interval::of_folds(&gains, parts.0, parts.1);
    let gain = gain(interval, Claim::TrainingSets, false, "choose.outer_folds")?;
    let pairs: Vec<(&TrialOutcome, &TrialOutcome)> = all.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect();
    Ok(Judged {
        comparisons: comparisons(setting, &pairs, &gain, Some(parts)),
        calibration: calibrations(&pairs),
        outer,
        gain,
        saved,
    })
}

fn calibrations(pairs: &[(&TrialOutcome, &TrialOutcome)]) -> Option<Reliability> {
    let (baseline, chosen): (Vec<&TrialOutcome>, Vec<&TrialOutcome>) = pairs.iter().copied().unzip();
    let known = baseline.iter().chain(&chosen).all(|outcome| outcome.calibration.is_some());
    known.then(|| Reliability { baseline: pooled(&baseline), chosen: pooled(&chosen) })
}

/// The trial of a candidate on all development rows.
pub(crate) fn final_trial(setting: &Setting<'_>, candidate: &Candidate) -> TrialSpec {
    let seed = Seed::new(setting.spec.seed).derive("final", 0);
    let detail = Detail { rows: Some(setting.spec.score.clone()), calibration: true, ..Detail::default() };
    setting.trial(candidate, Selection::Test, seed, detail)
}

fn gain(interval: Option<Interval>, claim: Claim, clustered: bool, place: &str) -> Result<Gain> {
    let Some(Interval { estimate, se, low, high, n }) = interval else {
        return Err(Complaint::new(place, "at least two rows or groups to compare on", "fewer").into());
    };
    Ok(Gain { estimate, se, ci_low: low, ci_high: high, n, claim, statement: statement(claim, n, clustered) })
}

/// What is said where the models to be compared cannot be trained.
pub(crate) fn diverged() -> Error {
    Error::Diverged("a training of the final comparison diverged: the loss was no finite number".to_owned())
}
