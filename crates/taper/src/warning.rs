//! What works, but probably not as meant.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::division::Split;
use crate::experiment::Experiment;
use crate::optimizer::OptimizerKind;
use crate::regularizer::Term;
use crate::strength::Strength;
use crate::{Dataset, Result};

/// Something that is allowed and probably not what was meant. Nothing stops because of it.
///
/// # Example
///
/// ```
/// use taper::{Dataset, Experiment, PlainRows, Seed, Split};
///
/// # fn main() -> taper::Result<()> {
/// let experiment = Experiment::from_value(serde_json::json!({
///     "data": { "source": "moons" },
///     "model": { "input_shape": [2], "layers": [{ "layer": "dense", "units": 1, "activation": "sigmoid" }] },
///     "fit": { "loss": "binary_crossentropy", "epochs": 0 },
/// }))?;
/// let rows = Dataset::from_sample(&experiment.data.generate()?)?;
/// let split = Split::of(&PlainRows::of(&rows, &experiment), &experiment.data, Seed::new(1))?;
/// let warnings = experiment.warnings(&split)?;
/// assert_eq!(warnings[0].to_string(), "fit.epochs: 0, so the model is only evaluated, not trained");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Key path or column: where the user may want to look.
    pub place: String,
    /// What is there and what follows from it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Constant columns that are named; the others are counted.
const MOST_COLUMNS: usize = 3;

impl Experiment {
    /// What to tell about every trial of this experiment on these rows, each thing once.
    ///
    /// # Errors
    ///
    /// As [`trials`](Self::trials).
    pub fn warnings(&self, split: &Split) -> Result<Vec<Warning>> {
        let mut warnings = Warnings::default();
        warnings.of_rows(&split.train);
        for (place, value) in self.study.iter().flat_map(|study| study.duplicates()) {
            warnings.push(place, format!("{value} stands in the grid before; it is tried once"));
        }
        for trial in self.trials()? {
            warnings.of_trial(&trial, split);
        }
        Ok(warnings.0)
    }
}

#[derive(Default)]
struct Warnings(Vec<Warning>);

impl Warnings {
    fn push(&mut self, place: impl Into<String>, message: impl Into<String>) {
        let warning = Warning { place: place.into(), message: message.into() };
        if !self.0.contains(&warning) {
            self.0.push(warning);
        }
    }

    fn of_rows(&mut self, train: &Dataset) {
        if train.rows() == 1 {
            self.push("data.train", "one row trains, and a model that fits one row has learned nothing");
            return;
        }
        let constant = constant_columns(train);
        for column in constant.iter().take(MOST_COLUMNS) {
            let name = match train.input_names() {
                Some(names) => format!("data, column `{}`", names[*column]),
                None => format!("data, column {}", column + 1),
            };
            self.push(name, "the same in all training rows, so there is nothing to learn from it");
        }
        if constant.len() > MOST_COLUMNS {
            self.push(
                "data",
                format!("{} more columns are the same in all training rows", constant.len() - MOST_COLUMNS),
            );
        }
    }

    fn of_trial(&mut self, trial: &Experiment, split: &Split) {
        let fit = &trial.fit;
        if fit.epochs == 0 {
            self.push("fit.epochs", "0, so the model is only evaluated, not trained");
        }
        // Who left the batch size alone need not hear that all rows make one batch.
        if fit.batch_size > split.train.rows() && fit.batch_size != crate::FitConfig::new(fit.loss).batch_size {
            let message =
                format!("{}, but {} rows train: every step takes all of them", fit.batch_size, split.train.rows());
            self.push("fit.batch_size", message);
        }
        let rate = fit.optimizer.learning_rate.at(0);
        if rate == 0.0 && fit.optimizer.learning_rate == rate.into() {
            self.push("fit.optimizer.learning_rate", "0, so the weights stay as they are");
        }
        let mut strengths = Vec::new();
        collect_strengths(&trial.to_value()["model"], "model", &mut strengths);
        let plain = matches!(fit.optimizer.kind, OptimizerKind::Sgd { .. });
        for (place, lambda) in strengths {
            if lambda > 0.0 && lambda as f32 == 0.0 {
                self.push(&place, format!("{lambda:e} is too small for f32 and becomes 0"));
            }
            // One step of l2 alone is w ← (1 - 2 lr λ) w.
            if plain && place.ends_with(".l2") && rate * lambda > 1.0 {
                let message = format!(
                    "{lambda:e} times the learning rate {rate} is above 1: gradient descent overshoots 0 further at \
                     every step, and diverges"
                );
                self.push(&place, message);
            }
        }
    }
}

/// The inputs that do not differ between rows.
fn constant_columns(rows: &Dataset) -> Vec<usize> {
    let width = rows.input_shape().len();
    let first = &rows.x()[..width];
    (0..width).filter(|column| rows.x()[*column..].iter().step_by(width).all(|x| *x == first[*column])).collect()
}

/// Every λ below this value, with its key path: whatever layer it is in, it stands under the name of a term.
fn collect_strengths(value: &Value, place: &str, found: &mut Vec<(String, f64)>) {
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                collect_strengths(item, &format!("{place}[{i}]"), found);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                let place = format!("{place}.{key}");
                match serde_json::from_value::<Strength>(value.clone()) {
                    Ok(strength) if Term::ALL.iter().any(|term| term.key() == key) => {
                        found.extend(strength.values().into_iter().map(|lambda| (place.clone(), lambda)));
                    }
                    _ => collect_strengths(value, &place, found),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PlainRows, Seed};
    use serde_json::json;

    fn told(path: &str, value: &Value) -> Vec<String> {
        let experiment = Experiment::from_value(json!({
            "data": { "source": "moons", "train": 30 },
            "model": { "input_shape": [2], "layers": [{ "layer": "dense", "units": 1, "activation": "sigmoid" }] },
            "fit": { "loss": "binary_crossentropy", "optimizer": "sgd", "batch_size": 8 },
        }));
        let experiment = experiment.unwrap().with(path, value).unwrap();
        let rows = Dataset::from_sample(&experiment.data.generate().unwrap()).unwrap();
        let split = Split::of(&PlainRows::of(&rows, &experiment), &experiment.data, Seed::new(1)).unwrap();
        let warnings = experiment.warnings(&split).unwrap();
        warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_what_is_odd_is_told() {
        assert_eq!(told("fit.epochs", &json!(5)), [""; 0]);
        assert!(told("fit.epochs", &json!(0))[0].contains("only evaluated"));
        assert!(told("fit.batch_size", &json!(31))[0].contains("30 rows train"));
        assert_eq!(told("fit.batch_size", &json!(32)), [""; 0], "the default");
        assert!(told("fit.optimizer.learning_rate", &json!(0.0))[0].contains("stay as they are"));
        assert!(told("data.train", &json!(1))[0].starts_with("data.train: one row"));
    }

    #[test]
    fn strengths_are_found_wherever_they_stand() {
        let layer = "model.layers.0";
        let tiny = told(&format!("{layer}.bias_regularizer"), &json!({ "l1": 1e-50 }));
        assert_eq!(tiny, ["model.layers[0].bias_regularizer.l1: 1e-50 is too small for f32 and becomes 0"]);
        let ramp = json!({ "l2": { "name": "linear", "from": 0.0, "to": 1e10, "epochs": 3 } });
        assert!(told(&format!("{layer}.kernel_regularizer"), &ramp)[0].contains("diverges"));
        assert_eq!(told(&format!("{layer}.kernel_regularizer"), &json!({ "l2": 99.0 })), [""; 0]);
    }

    #[test]
    fn a_grid_is_judged_point_by_point_and_each_thing_told_once() {
        let axes = json!([{ "path": "model.layers.0.kernel_regularizer.l2", "values": [1, 1e3, 1.0] },
                          { "path": "fit.epochs", "values": [1, 2] }]);
        let told = told("study", &json!({ "axes": axes }));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("study.axes[0].values[2]: 1.0 stands") && told[1].contains("diverges"), "{told:?}");
    }
}
