//! What a study varies.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::spelling::is_default;
use crate::{Complaints, Result, strength};

/// Axes, repeats and what is drawn anew for each repeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StudySpec {
    /// What is varied; all combinations are tried. Default: nothing, one trial.
    #[serde(default)]
    pub axes: Vec<Axis>,
    /// Runs per trial, at least 1. Default: 1.
    #[serde(default = "one")]
    pub repeats: usize,
    /// The seed of everything. Default: 1.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// What each repeat draws anew beside the weights. Default: `"none"`.
    #[serde(default)]
    pub resample: Resample,
    /// Whether no run keeps its epochs, which saves measuring the test rows after each. Default: no, the first repeat of
    /// every trial keeps them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub without_histories: bool,
}

/// A study of more runs than this is a mistake.
const MOST_RUNS: f64 = 1e6;

fn one() -> usize {
    1
}
fn first_seed() -> u64 {
    1
}

impl Default for StudySpec {
    fn default() -> Self {
        let (repeats, seed) = (one(), first_seed());
        Self { axes: vec![], repeats, seed, resample: Resample::None, without_histories: false }
    }
}

/// One setting and its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Where the setting stands in the experiment: `model.layers.0.kernel_regularizer.l2`.
    pub path: String,
    /// What it takes, one after the other.
    pub values: Vec<Value>,
}

impl Axis {
    /// Whether an entry says what one before it says; `1` and `1.0` are the same.
    fn is_duplicate(&self, position: usize) -> bool {
        let value = &self.values[position];
        let same = |other: &Value| other == value || (other.is_number() && other.as_f64() == value.as_f64());
        self.values[..position].iter().any(same)
    }
}

/// What each repeat draws anew, beside the weights. Repeats over weights alone say nothing about other data: on one split
/// the spread over seeds can be exactly 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Resample {
    /// Nothing: all repeats see the same split.
    #[default]
    None,
    /// Another split of the same rows into training and test.
    Split,
    /// Other rows from the same generator (`random_state` + repeat).
    Fresh,
}

impl StudySpec {
    /// Complains about axes and repeats that cannot be used; that each path names something is seen when it is patched.
    pub(crate) fn validate(&self) -> Result<()> {
        let mut complaints = Complaints::new();
        complaints.check(self.repeats > 0, "repeats", "a whole number of at least 1", self.repeats);
        let points = self.axes.iter().map(|axis| axis.values.len() as f64).product::<f64>();
        let runs = points * self.repeats as f64;
        complaints.check(
            runs <= MOST_RUNS,
            "",
            format!("at most {MOST_RUNS} runs"),
            format!("{points} points x {} repeats", self.repeats),
        );
        for (i, axis) in self.axes.iter().enumerate() {
            complaints.check(!axis.values.is_empty(), format!("axes[{i}].values"), "at least one value", "none");
            let last = axis.path.rsplit('.').next().unwrap_or_default();
            for (j, value) in axis.values.iter().enumerate() {
                let place = format!("axes[{i}].values[{j}]");
                if matches!(last, "l1" | "l2")
                    && let Some(complaint) = lambda(value).and_then(|lambda| strength::check_lambda(&place, lambda))
                {
                    complaints.push(complaint);
                }
            }
            let twice = self.axes[..i].iter().any(|other| other.path == axis.path);
            complaints.check(
                !twice,
                format!("axes[{i}].path"),
                "a path that no other axis has",
                format!("`{}`", axis.path),
            );
        }
        complaints.finish()
    }

    /// The place and value of each entry that its axis has had before.
    pub(crate) fn duplicates(&self) -> Vec<(String, &Value)> {
        let mut duplicates = Vec::new();
        for (i, axis) in self.axes.iter().enumerate() {
            for (j, value) in axis.values.iter().enumerate() {
                if axis.is_duplicate(j) {
                    duplicates.push((format!("study.axes[{i}].values[{j}]"), value));
                }
            }
        }
        duplicates
    }

    /// Every combination of the axes' values, the last axis fastest, each once; one empty point if there are no axes.
    #[must_use]
    pub fn points(&self) -> Vec<Map<String, Value>> {
        let mut points = vec![Map::new()];
        for axis in &self.axes {
            points = points
                .iter()
                .flat_map(|point| {
                    let values = axis.values.iter().enumerate().filter(|(j, _)| !axis.is_duplicate(*j));
                    values.map(|(_, value)| {
                        let mut point = point.clone();
                        point.insert(axis.path.clone(), value.clone());
                        point
                    })
                })
                .collect();
        }
        points
    }
}

/// The number that a value of a penalty's axis means; NaN and infinity have no JSON, they arrive as null.
fn lambda(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Null => Some(f64::NAN),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(path: &str, values: &[f64]) -> Axis {
        Axis { path: path.to_owned(), values: values.iter().map(|value| Value::from(*value)).collect() }
    }

    #[test]
    fn points_are_the_product_with_the_last_axis_fastest() {
        let spec =
            StudySpec { axes: vec![axis("a", &[1.0, 2.0]), axis("b", &[3.0, 4.0, 5.0])], ..StudySpec::default() };
        let points = spec.points();
        assert_eq!(points.len(), 6);
        assert_eq!((points[1]["a"].as_f64(), points[1]["b"].as_f64()), (Some(1.0), Some(4.0)));
        assert_eq!(StudySpec::default().points().len(), 1);
        let twice = StudySpec { axes: vec![axis("a", &[1.0, 2.0, 1.0])], ..StudySpec::default() };
        assert_eq!(twice.points().len(), 2);
    }

    #[test]
    fn wrong_grids_name_the_entry() {
        let spec = StudySpec {
            axes: vec![axis("x.l2", &[0.1, -1.0]), axis("y", &[]), axis("y", &[1.0])],
            repeats: 0,
            ..StudySpec::default()
        };
        let error = spec.validate().unwrap_err().to_string();
        for place in ["repeats:", "axes[0].values[1]:", "axes[1].values:", "axes[2].path:"] {
            assert!(error.contains(place), "{place} in {error}");
        }
    }
}
