//! What `choose` is asked for.

use serde::{Deserialize, Serialize};

use super::penalty::{Family, Penalty};
use crate::param::Role;
use crate::spelling::{is_yes, yes};
use crate::{Complaint, Complaints, Experiment, Result, spelling};

/// The table `[choose]` of an experiment: which penalties to compare, on which folds, and by which score.
///
/// ```toml
/// [choose]
/// penalties = ["l2", "l1", "l2+dropout=0.2"]
/// folds = 5
/// repeats = 10
/// score = "data_loss"
/// rule = "1se"
/// seed = 1
/// ```
///
/// What the experiment itself says about the penalties that are compared (regularizers of the parameters in `on`; rates of
/// dropout layers and early stopping, if these are among the penalties) is taken out first: the baseline is the model without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChooseSpec {
    /// The penalties to compare: `l2`, `l1`, `l1_l2` (both at the same λ), `group` (the group lasso on the weights into each
    /// unit), all but `l2` as proximal maps, which make weights exactly 0; `dropout` (the rate of a dropout behind every
    /// hidden layer), `early_stopping` (the patience in epochs, on rows split off the training rows), and combinations such
    /// as `l2+dropout=0.2`, of which the first strength is chosen. Default: `["l2"]`.
    #[serde(default = "penalties")]
    pub penalties: Vec<String>,
    /// The roles of the parameters that penalties apply to. Default: all kernels.
    #[serde(default = "kernels")]
    pub on: Vec<Role>,
    /// Parts of each division of the rows, at least 2. Default: 5.
    #[serde(default = "five")]
    pub folds: usize,
    /// Divisions, at least 1. Default: 10.
    #[serde(default = "ten")]
    pub repeats: usize,
    /// What models are compared by: `data_loss` or a metric of the training. Default: `data_loss`.
    #[serde(default = "data_loss")]
    pub score: String,
    /// The seed of divisions and weights. Default: 1.
    #[serde(default = "one")]
    pub seed: u64,
    /// Which of the tried strengths is chosen. Default: `"min"`.
    #[serde(default)]
    pub rule: Rule,
    /// Whether every strength is fitted anew, or all along one path. Default: `"cold"`.
    #[serde(default)]
    pub mode: ChooseMode,
    /// Epochs at each strength of a path, at least 1. Default: a tenth of the training's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_epochs: Option<usize>,
    /// The strengths to try, for every penalty. Default: found from the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Vec<f64>>,
    /// How many strengths of each penalty are tried where there is no `grid`, at least 3. Default: 13.
    #[serde(default = "thirteen")]
    pub points: usize,
    /// Outer folds of the final comparison where there are no declared test rows, at least 2. Default: 5.
    #[serde(default = "five")]
    pub outer_folds: usize,
    /// Whether strengths that are clearly beaten stop receiving folds. Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub race: bool,
    /// Whether models are fitted that only the report needs (learning curves, seeds, fewer rows). Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub evidence: bool,
}

/// Which of the tried strengths is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Rule {
    /// The one with the best mean score.
    #[default]
    #[serde(rename = "min")]
    Min,
    /// The strongest whose mean score is within one standard error of the best.
    #[serde(rename = "1se")]
    OneSe,
}

/// Whether every strength is fitted anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChooseMode {
    /// Every strength from fresh weights.
    #[default]
    Cold,
    /// One model per fold, trained without the penalty and then on with one rising strength after the other: faster, and not
    /// the same models. The choice is fitted the same way. There is no racing: a path is run as a whole.
    Path,
}

fn penalties() -> Vec<String> {
    vec!["l2".to_owned()]
}
fn kernels() -> Vec<Role> {
    vec![Role::Kernel, Role::RecurrentKernel, Role::DepthwiseKernel, Role::PointwiseKernel]
}
fn data_loss() -> String {
    "data_loss".to_owned()
}
fn one() -> u64 {
    1
}
fn five() -> usize {
    5
}
fn ten() -> usize {
    10
}
fn thirteen() -> usize {
    13
}

impl Default for ChooseSpec {
    fn default() -> Self {
        Self {
            penalties: penalties(),
            on: kernels(),
            folds: five(),
            repeats: ten(),
            score: data_loss(),
            seed: one(),
            rule: Rule::Min,
            mode: ChooseMode::Cold,
            path_epochs: None,
            grid: None,
            points: thirteen(),
            outer_folds: five(),
            race: true,
            evidence: true,
        }
    }
}

/// More models than this are a mistake.
const MOST_RUNS: f64 = 1e6;

impl ChooseSpec {
    /// Complains about everything that is wrong whatever the rows are; places are keys.
    ///
    /// # Errors
    ///
    /// All complaints at once.
    pub fn validate(&self) -> Result<()> {
        let mut complaints = Complaints::new();
        complaints.check(self.folds >= 2, "folds", "a whole number of at least 2", self.folds);
        complaints.check(self.outer_folds >= 2, "outer_folds", "a whole number of at least 2", self.outer_folds);
        complaints.check(self.repeats >= 1, "repeats", "a whole number of at least 1", self.repeats);
        complaints.check(self.points >= 3, "points", "a whole number of at least 3", self.points);
        complaints.check(!self.penalties.is_empty(), "penalties", "at least one penalty", "none");
        complaints.check(!self.on.is_empty(), "on", "at least one role", "none");
        for (i, name) in self.penalties.iter().enumerate() {
            let place = format!("penalties[{i}]");
            match Penalty::read(name) {
                Err(complaint) => complaints.push(complaint.within(&place)),
                Ok(penalty) if penalty.family().is_none() => {
                    let complaint = Complaint::new(&place, "a penalty", format!("`{name}`"));
                    complaints.push(complaint.help("the model without a penalty always takes part"));
                }
                Ok(penalty) => {
                    self.check_grid(&penalty, name, &mut complaints);
                    let rises =
                        penalty.family().is_some_and(Family::is_weight_penalty) && !penalty.has(Family::EarlyStopping);
                    if self.mode == ChooseMode::Path && !rises {
                        let expected =
                            "a penalty on weights, whose strength rises along the path, without early stopping";
                        complaints.push(Complaint::new(&place, expected, format!("`{name}`")));
                    }
                }
            }
            let twice = self.penalties[..i].contains(name);
            complaints.check(!twice, &place, "each penalty once", format!("`{name}` again"));
        }
        if let Some(epochs) = self.path_epochs {
            complaints.check(epochs >= 1, "path_epochs", "a whole number of at least 1", epochs);
            let path = self.mode == ChooseMode::Path;
            complaints.check(path, "path_epochs", "nothing, without `mode = \"path\"`", epochs);
        }
        if let Some(grid) = &self.grid {
            complaints.check(!grid.is_empty(), "grid", "at least one strength", "none");
        }
        let points = self.grid.as_ref().map_or(self.points, Vec::len) as f64;
        let runs = points * self.penalties.len() as f64 * self.folds as f64 * self.repeats as f64;
        complaints.check(runs <= MOST_RUNS, "", format!("at most {MOST_RUNS} trainings"), runs);
        complaints.finish()
    }

    fn check_grid(&self, penalty: &Penalty, name: &str, complaints: &mut Complaints) {
        for (i, value) in self.grid.iter().flatten().enumerate() {
            if let Some(expected) = penalty.complaint(*value) {
                complaints.push(Complaint::new(format!("grid[{i}]"), format!("{expected}, for `{name}`"), value));
            }
        }
    }

    /// Complains about a score that the training does not measure.
    pub(crate) fn check_score(&self, experiment: &Experiment, complaints: &mut Complaints) {
        let metrics = experiment.fit.metric_names();
        let mut known = vec!["data_loss"];
        known.extend(metrics.iter().map(String::as_str));
        if !known.contains(&self.score.as_str()) {
            let complaint = spelling::unknown("score", &self.score, &known);
            complaints.push(if complaint.help.is_none() {
                complaint.help("name a metric of [fit], or add it there")
            } else {
                complaint
            });
        }
    }

    /// The penalties, read. Those that cannot be read have been complained about before.
    pub(crate) fn read_penalties(&self) -> Vec<(String, Penalty)> {
        self.penalties.iter().filter_map(|name| Some((name.clone(), Penalty::read(name).ok()?))).collect()
    }

    /// Whether a family is among the penalties.
    pub(crate) fn compares(&self, family: impl Fn(Family) -> bool) -> bool {
        self.read_penalties().iter().any(|(_, penalty)| penalty.terms(0.0).any(|(known, _)| family(known)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_and_the_round_trip() {
        let spec: ChooseSpec = spelling::read(json!({})).unwrap();
        assert_eq!(spec, ChooseSpec::default());
        let text = serde_json::to_value(ChooseSpec { rule: Rule::OneSe, ..spec }).unwrap();
        assert_eq!(text["rule"], "1se");
        assert_eq!(spelling::read::<ChooseSpec>(text).unwrap().rule, Rule::OneSe);
        assert!(spelling::read::<ChooseSpec>(json!({ "fold": 3 })).unwrap_err().to_string().contains("`folds`"));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let spec = ChooseSpec {
            penalties: vec!["l3".into(), "dropout".into(), "none".into(), "dropout".into()],
            folds: 1,
            repeats: 0,
            points: 2,
            grid: Some(vec![0.5, 1.5]),
            ..ChooseSpec::default()
        };
        let error = spec.validate().unwrap_err().to_string();
        for place in ["folds:", "repeats:", "points:", "penalties[0]:", "penalties[2]:", "penalties[3]:", "grid[1]:"] {
            assert!(error.contains(place), "{place} in {error}");
        }
    }
}
