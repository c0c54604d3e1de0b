//! What only the report needs: does the model overfit without a penalty, and would more rows help?

use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::curve::Curve;
use super::result::Score;
use super::runner::Runner;
use super::selection::{Entry, Setting};
use super::statistic::{Interval, mean, repeat_se, variance};
use super::trial::{Detail, TrialOutcome, TrialSpec};
use crate::wording::{Change, digits};
use crate::{Result, Seed};

/// Whether the model without a penalty overfits, with the evidence. All losses are data losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overfitting {
    /// Whether the loss on rows that do not train is clearly above that on rows that do, and was lower before.
    pub overfits: bool,
    /// The same in words.
    pub sentence: String,
    /// How much higher the loss is on rows that do not train than on those that do, at the end of the training.
    pub gap: f64,
    /// Lower end of its 95% confidence interval, corrected for the overlap of training sets (Nadeau and Bengio 2003).
    pub gap_low: f64,
    /// Upper end.
    pub gap_high: f64,
    /// The epoch, from 1, after which the loss on rows that do not train rises: the median over the folds of the first repeat.
    pub turning_epoch: Option<usize>,
    /// Epochs in all.
    pub epochs: usize,
    /// By how much it has risen from there to the end; mean over the same folds.
    pub rise: Option<f64>,
    /// Standard deviation of the loss over seeds, on the same rows.
    pub seed_sd: Option<f64>,
    /// Standard deviation of the loss over divisions of the rows, that of the seeds taken off.
    pub split_sd: Option<f64>,
}

/// The scores of models that learned from so many rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearningPoint {
    /// Rows that train, on average over folds.
    pub train_rows: f64,
    /// Without a penalty.
    pub baseline: Score,
    /// With the choice (the same strength for any number of rows).
    pub chosen: Score,
}

/// All evidence.
pub(crate) struct Evidence {
    pub(crate) overfitting: Option<Overfitting>,
    pub(crate) learning_curve: Vec<LearningPoint>,
    pub(crate) baseline_history: Option<Curve>,
    pub(crate) chosen_history: Option<Curve>,
}

/// Other seeds per fold.
const RESEEDS: usize = 3;

/// Trainings that the evidence takes: epochs of the baseline on each fold and of the choice on one, other seeds, and three
/// numbers of training rows.
pub(crate) fn trainings(folds: usize) -> usize {
    folds + 1 + RESEEDS * folds + 3 * 2 * folds
}

pub(crate) fn gather(setting: &Setting<'_>, runner: &Runner<'_>, baseline: &Entry, chosen: &Entry) -> Result<Evidence> {
    let folds = setting.spec.folds;
    let seed = Seed::new(setting.spec.seed);
    let first = |candidate: &Candidate, fold: usize| setting.fold_trial(candidate, &[], 0, fold);
    let with_history = |candidate: &Candidate, fold: usize| TrialSpec {
        detail: Detail { history: true, ..Detail::default() },
        ..first(candidate, fold)
    };
    let none = Candidate::none();
    let mut specs: Vec<TrialSpec> = (0..folds).map(|fold| with_history(&none, fold)).collect();
    specs.push(with_history(&chosen.candidate, 0));
    for reseed in 0..RESEEDS {
        let seed = seed.derive("reseed", reseed as u64).number();
        specs.extend((0..folds).map(|fold| TrialSpec { seed, ..first(&none, fold) }));
    }
    let mut outcomes = runner.run(&specs)?;
    let reseeded = outcomes.split_off(folds + 1);
    let chosen_history = outcomes.pop().and_then(|outcome| outcome.history);
    let overfitting = overfitting(setting, baseline, &outcomes, &reseeded);
    let baseline_history = outcomes.into_iter().next().and_then(|outcome| outcome.history);
    let learning_curve = learning_curve(setting, runner, baseline, chosen)?;
    Ok(Evidence { overfitting, learning_curve, baseline_history, chosen_history })
}

fn data_loss(outcome: &TrialOutcome) -> Option<f64> {
    outcome.scores.get("data_loss").copied()
}

fn overfitting(
    setting: &Setting<'_>,
    baseline: &Entry,
    histories: &[TrialOutcome],
    reseeded: &[TrialOutcome],
) -> Option<Overfitting> {
    let folds = setting.spec.folds;
    let gap = |outcome: &TrialOutcome| Some(data_loss(outcome)? - outcome.train.get("data_loss")?);
    let gaps: Vec<f64> = baseline.outcomes.iter().filter_map(gap).collect();
    let interval = Interval::of_folds(&gaps, 1.0, (folds - 1) as f64)?;
    let curves: Vec<&Curve> = histories.iter().filter_map(|outcome| outcome.history.as_ref()).collect();
    let mut turns: Vec<usize> = curves.iter().filter_map(|curve| curve.best_epoch).collect();
    turns.sort_unstable();
    let epochs = baseline.outcomes.first()?.epochs;
    let turning_epoch = turns.get(turns.len() / 2).map(|epoch| epoch + 1);
    let rises = curves.iter().filter_map(|curve| {
        let losses = curve.columns.get("val_data_loss")?;
        Some(losses.last()? - losses.iter().copied().fold(f64::INFINITY, f64::min))
    });
    let rise = mean(&rises.collect::<Vec<_>>());

    // One seed of each fold comes from the comparison itself.
    let own = baseline.outcomes.iter().take(folds);
    let within: Option<Vec<f64>> = own
        .enumerate()
        .map(|(fold, own)| {
            let others = reseeded.iter().skip(fold).step_by(folds);
            variance(&std::iter::once(own).chain(others).filter_map(data_loss).collect::<Vec<_>>())
        })
        .collect();
    let seeds = within.and_then(|within| mean(&within));
    let all = variance(&baseline.outcomes.iter().filter_map(data_loss).collect::<Vec<_>>());
    let (seed_sd, split_sd) = (seeds.map(f64::sqrt), all.zip(seeds).map(|(all, seeds)| (all - seeds).max(0.0).sqrt()));

    // A loss that has only just turned is no overfitting: 2% of what it is at its best.
    let best = mean(&gaps).zip(rise).map(|(_, rise)| rise > 0.02 * loss_at_best(&curves).abs());
    let turned = turning_epoch.is_some_and(|epoch| epoch < epochs) && best == Some(true);
    let overfits = interval.low > 0.0 && turned;
    let sentence = sentence(overfits, turned, &interval, turning_epoch, epochs, rise);
    Some(Overfitting {
        overfits,
        sentence,
        gap: interval.estimate,
        gap_low: interval.low,
        gap_high: interval.high,
        turning_epoch,
        epochs,
        rise,
        seed_sd,
        split_sd,
    })
}

fn loss_at_best(curves: &[&Curve]) -> f64 {
    let best = curves
        .iter()
        .filter_map(|curve| Some(curve.columns.get("val_data_loss")?.iter().copied().fold(f64::INFINITY, f64::min)));
    mean(&best.collect::<Vec<_>>()).unwrap_or(f64::INFINITY)
}

fn sentence(
    overfits: bool,
    turned: bool,
    gap: &Interval,
    turning_epoch: Option<usize>,
    epochs: usize,
    rise: Option<f64>,
) -> String {
    let change = Change::new(gap.estimate).within(gap.low, gap.high);
    let distance = format!(
        "at the end, the data loss on rows that do not train, compared with rows that do, is {}",
        change.words()
    );
    let turn = match (turning_epoch, rise) {
        (Some(epoch), Some(rise)) if turned => {
            format!("; it was lowest after epoch {epoch} of {epochs} and has risen by {} since", digits(rise, 3))
        }
        _ => "; it has not risen again by more than 2 %".to_owned(),
    };
    match (overfits, gap.low > 0.0) {
        (true, _) => format!("Without a penalty the model overfits: {distance}{turn}."),
        (false, true) => format!(
            "Without a penalty the model fits its training rows better than others, but does not get worse with time: \
             {distance}{turn}."
        ),
        (false, false) => format!("Without a penalty the model does not measurably overfit: {distance}{turn}."),
    }
}

/// Baseline and choice on one to four quarters of each training set of the first repeat; empty where a quarter would lack
/// a class.
fn learning_curve(
    setting: &Setting<'_>,
    runner: &Runner<'_>,
    baseline: &Entry,
    chosen: &Entry,
) -> Result<Vec<LearningPoint>> {
    let folds = setting.spec.folds;
    let spec = |candidate: &Candidate, fold: usize, quarters: usize| TrialSpec {
        quarters: Some(quarters),
        ..setting.fold_trial(candidate, &[], 0, fold)
    };
    for fold in 0..folds {
        let trial = spec(&baseline.candidate, fold, 1);
        let (train, _) = runner.layout.rows(&trial.rows)?;
        if !runner.layout.is_whole(&train, &runner.layout.quarters(&train, 1, trial.seed)) {
            return Ok(vec![]);
        }
    }
    let candidates = [&baseline.candidate, &chosen.candidate];
    let mut specs = Vec::new();
    for quarters in 1..=3 {
        for candidate in candidates {
            specs.extend((0..folds).map(|fold| spec(candidate, fold, quarters)));
        }
    }
    let outcomes = runner.run(&specs)?;
    let first = |entry: &Entry| entry.outcomes.iter().take(folds).cloned().collect::<Vec<_>>();
    let (whole_baseline, whole_chosen) = (first(baseline), first(chosen));
    let points = outcomes.chunks_exact(2 * folds).map(|pair| pair.split_at(folds));
    let points = points.chain([(&whole_baseline[..], &whole_chosen[..])]);
    Ok(points.map(|(baseline, chosen)| learning_point(setting, baseline, chosen)).collect())
}

fn learning_point(setting: &Setting<'_>, baseline: &[TrialOutcome], chosen: &[TrialOutcome]) -> LearningPoint {
    let score = |outcomes: &[TrialOutcome]| {
        let scores: Vec<f64> = outcomes.iter().filter_map(|outcome| setting.score(outcome)).collect();
        let se = if scores.len() == setting.spec.folds { repeat_se(&scores, scores.len()) } else { None };
        Score { mean: mean(&scores), se, n: scores.len() }
    };
    let rows: Vec<f64> = baseline.iter().map(|outcome| outcome.train_rows as f64).collect();
    LearningPoint { train_rows: mean(&rows).unwrap_or(0.0), baseline: score(baseline), chosen: score(chosen) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_told_in_its_direction() {
        let gap = |low: f64, high: f64| Interval { estimate: (low + high) / 2.0, se: 0.1, low, high, n: 5 };
        let say = |gap: &Interval, overfits, turned| sentence(overfits, turned, gap, Some(12), 40, Some(0.034));
        let words = "compared with rows that do, is higher by 0.20 (95 % interval from 0.10 higher to 0.30 higher)";
        let overfits = say(&gap(0.1, 0.3), true, true);
        assert!(overfits.starts_with("Without a penalty the model overfits") && overfits.contains(words), "{overfits}");
        assert!(overfits.ends_with("it was lowest after epoch 12 of 40 and has risen by 0.0340 since."), "{overfits}");
        let flat = say(&gap(0.1, 0.3), false, false);
        assert!(flat.contains("does not get worse with time") && flat.contains(words), "{flat}");
        assert!(flat.ends_with("it has not risen again by more than 2 %."), "{flat}");
        let open = say(&gap(-0.1, 0.3), false, false);
        assert!(open.contains("not measurably overfit") && open.contains("from 0.10 lower to 0.30 higher"), "{open}");
        let below = say(&gap(-0.3, -0.1), false, false);
        assert!(below.contains("is lower by 0.20 (95 % interval from 0.30 lower to 0.10 lower)"), "{below}");
    }
}
