//! Every score of the choice beside that of no penalty, on the rows that the gain is measured on.

use serde::{Deserialize, Serialize};

use super::result::Gain;
use super::selection::Setting;
use super::statistic::{Interval, mean};
use super::trial::TrialOutcome;
use crate::wording::Change;

/// A score of the choice beside that of no penalty, on rows that took part in no choice: the mean over outer folds, or that of
/// the declared test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// `data_loss`, or a metric of the training.
    pub name: String,
    /// Whether more of it is better.
    pub maximize: bool,
    /// Without a penalty.
    pub baseline: f64,
    /// With the choice.
    pub chosen: f64,
    /// What the choice changes: below 0, the score is lower with it, which is better if less of it is.
    pub change: f64,
    /// Lower end of the 95% confidence interval of the change, where there is one: for the score of the choice always, for
    /// others over outer folds.
    pub ci_low: Option<f64>,
    /// Upper end.
    pub ci_high: Option<f64>,
}

impl Comparison {
    /// The change, to be said in words.
    #[must_use]
    pub fn change(&self) -> Change {
        let (low, high) = (self.ci_low.unwrap_or(f64::NAN), self.ci_high.unwrap_or(f64::NAN));
        Change::new(self.change).within(low, high).of(self.baseline)
    }
}

/// Of pairs of outcomes, without a penalty and with the choice: one pair for declared test rows, one for each outer fold, which
/// has about `parts` rows that test and that train. The score that models were chosen by comes first, then the data loss and the
/// metrics in the order of the training's.
pub(crate) fn comparisons(
    setting: &Setting<'_>,
    pairs: &[(&TrialOutcome, &TrialOutcome)],
    gain: &Gain,
    parts: Option<(f64, f64)>,
) -> Vec<Comparison> {
    let score = &setting.spec.score;
    let metrics = setting.bare.fit.metric_names();
    let others = std::iter::once("data_loss".to_owned()).chain(metrics).filter(|name| name != score);
    let names = std::iter::once(score.clone()).chain(others);
    names.filter_map(|name| comparison(setting, pairs, gain, parts, name)).collect()
}

fn comparison(
    setting: &Setting<'_>,
    pairs: &[(&TrialOutcome, &TrialOutcome)],
    gain: &Gain,
    parts: Option<(f64, f64)>,
    name: String,
) -> Option<Comparison> {
    let maximize = setting.bare.fit.maximizes(&name);
    let both = |(baseline, chosen): &(&TrialOutcome, &TrialOutcome)| {
        Some((*baseline.scores.get(&name)?, *chosen.scores.get(&name)?))
    };
    let scores: Vec<(f64, f64)> = pairs.iter().filter_map(both).collect();
    let (baseline, chosen): (Vec<f64>, Vec<f64>) = scores.iter().copied().unzip();
    let (baseline, chosen) = (mean(&baseline)?, mean(&chosen)?);
    let (change, interval) = if name == setting.spec.score {
        let ends = if maximize { (gain.ci_low, gain.ci_high) } else { (-gain.ci_high, -gain.ci_low) };
        (if maximize { gain.estimate } else { -gain.estimate }, Some(ends))
    } else {
        let changes: Vec<f64> = scores.iter().map(|(baseline, chosen)| chosen - baseline).collect();
        let interval = parts.and_then(|(test, train)| Interval::of_folds(&changes, test, train));
        (chosen - baseline, interval.map(|interval| (interval.low, interval.high)))
    };
    let (ci_low, ci_high) = interval.unzip();
    Some(Comparison { name, maximize, baseline, chosen, change, ci_low, ci_high })
}
