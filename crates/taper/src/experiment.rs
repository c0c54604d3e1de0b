//! Everything a result depends on, as one piece of data.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::choose::ChooseSpec;
use crate::data_spec::DataSpec;
use crate::model::ModelSpec;
use crate::study::StudySpec;
use crate::train::FitConfig;
use crate::{Complaint, Complaints, Error, Result, spelling};

/// An experiment: rows, model, training, and what to vary. One file serves every command.
///
/// # Example
///
/// ```
/// use taper::Experiment;
///
/// let experiment = Experiment::from_value(serde_json::json!({
///     "data": { "source": "moons", "samples": 100, "noise": 0.2, "random_state": 1, "train": 30 },
///     "model": { "input_shape": [2], "layers": [
///         { "layer": "dense", "units": 500, "activation": "relu", "kernel_regularizer": { "l2": 0.001 } },
///         { "layer": "dense", "units": 1, "activation": "sigmoid" },
///     ] },
///     "fit": { "loss": "binary_crossentropy", "metrics": ["accuracy"], "epochs": 4000 },
/// }))?;
/// assert_eq!(experiment.model.input_shape(), [2]);
/// # Ok::<(), taper::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The rows.
    pub data: DataSpec,
    /// The model.
    pub model: ModelSpec,
    /// The training.
    pub fit: FitConfig,
    /// What to vary. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<StudySpec>,
    /// Which penalties to choose from, and how. Default: as if the table were empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choose: Option<ChooseSpec>,
}

/// The key of a policy, in a model or beside it.
const REGULARIZATION: &str = "regularization";

impl Experiment {
    /// Reads an experiment from its value. A `regularization` beside `[model]` means the model's.
    ///
    /// # Errors
    ///
    /// Unknown keys, misspelt words and values of the wrong type, with the path to each and the nearest known word.
    pub fn from_value(mut value: Value) -> Result<Self> {
        let policy = value.as_object_mut().and_then(|map| map.remove(REGULARIZATION));
        if let Some(policy) = policy {
            match value.get_mut("model").and_then(Value::as_object_mut) {
                Some(model) if model.contains_key(REGULARIZATION) => {
                    let got = "one there and another beside `[model]`";
                    return Err(Complaint::new("model.regularization", "one policy", got).into());
                }
                Some(model) => {
                    model.insert(REGULARIZATION.to_owned(), policy);
                }
                None => {}
            }
        }
        spelling::read(value)
    }

    /// The experiment as a value, which a study's axes patch.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// The same experiment with one value replaced: `model.layers.0.kernel_regularizer.l2`. Tables on the way are made where
    /// they are missing; list entries are not.
    ///
    /// # Errors
    ///
    /// A path that names nothing in an experiment.
    pub fn with(&self, path: &str, value: &Value) -> Result<Self> {
        let mut whole = self.to_value();
        let model;
        let path = match path.strip_prefix(REGULARIZATION) {
            Some(rest) if rest.is_empty() || rest.starts_with('.') => {
                model = format!("model.{path}");
                model.as_str()
            }
            _ => path,
        };
        patch(&mut whole, path, value.clone())?;
        Self::from_value(whole).map_err(|error| at_path(error, path))
    }

    /// Takes the shape of one row's input from the rows, if the model leaves it to them, and judges the whole.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate).
    pub fn complete(&mut self, input: &crate::Shape) -> Result<()> {
        self.model.complete(input);
        self.validate()
    }

    /// Complains about everything in the model, the training and the study that is wrong whatever the rows are. A model that
    /// leaves the shape of its input to the rows is judged when [`complete`](Self::complete) has taken it from them.
    ///
    /// # Errors
    ///
    /// All complaints at once, with their paths.
    pub fn validate(&self) -> Result<()> {
        let mut complaints = Complaints::new();
        complaints.take("data", self.data.validate())?;
        if !self.model.input_shape().is_empty() {
            complaints.take("model", crate::model::check(&self.model))?;
        } else if !self.data.is_file() {
            complaints.push(Complaint::new("model.input_shape", "the shape of one row's input", "nothing"));
        }
        complaints.take("fit", self.fit.validate())?;
        if let Some(study) = &self.study {
            complaints.take("study", study.validate())?;
        }
        if let Some(choose) = &self.choose {
            complaints.take("choose", choose.validate())?;
        }
        complaints.finish()
    }
}

impl Experiment {
    /// The experiment of every point of its study (without a study, itself), each found good as far as that can be said
    /// without rows. Nothing large is allocated: the models are not built.
    ///
    /// # Errors
    ///
    /// A path that names nothing, and values that make a trial wrong: each with the point it was seen at.
    pub fn trials(&self) -> Result<Vec<Self>> {
        let Some(study) = &self.study else {
            self.validate()?;
            return Ok(vec![self.clone()]);
        };
        study.validate().map_err(|error| error.within("study"))?;
        let (mut trials, mut complaints) = (Vec::new(), Vec::<Complaint>::new());
        for point in study.points() {
            let trial = point.iter().try_fold(self.clone(), |trial, (path, value)| trial.with(path, value));
            match trial.and_then(|trial| trial.validate().map(|()| trial)) {
                Ok(trial) => trials.push(trial),
                Err(Error::Invalid(found)) => {
                    // A value that is wrong is wrong at many points.
                    let new = |one: &Complaint| {
                        !complaints.iter().any(|told| (&told.place, &told.got) == (&one.place, &one.got))
                    };
                    let new: Vec<Complaint> = found.into_iter().filter(new).collect();
                    complaints.extend(new.into_iter().map(|complaint| at_point(complaint, &point)));
                }
                Err(other) => return Err(other),
            }
        }
        if complaints.is_empty() { Ok(trials) } else { Err(Error::Invalid(complaints)) }
    }
}

/// A complaint that says at which point of a study it was found.
fn at_point(mut complaint: Complaint, point: &serde_json::Map<String, Value>) -> Complaint {
    let cells: Vec<String> = point.iter().map(|(path, value)| format!("{path} = {value}")).collect();
    if !cells.is_empty() {
        let place = format!("in the trial {}", cells.join(", "));
        complaint.help = Some(complaint.help.map_or(place.clone(), |help| format!("{help}; {place}")));
    }
    complaint
}

/// An error from a patched experiment, said about the path that was patched where serde could not say more.
fn at_path(error: Error, path: &str) -> Error {
    match error {
        Error::Invalid(complaints) => Error::Invalid(
            complaints
                .into_iter()
                .map(|complaint| if complaint.place.is_empty() { complaint.within(path) } else { complaint })
                .collect(),
        ),
        other => other,
    }
}

fn patch(whole: &mut Value, path: &str, value: Value) -> Result<()> {
    let mut at = whole;
    let mut walked = String::new();
    for key in path.split('.') {
        let missing = |expected: String| Complaint::new(format!("path `{path}`"), expected, format!("`{key}`"));
        let here = if walked.is_empty() { "the experiment".to_owned() } else { format!("`{walked}`") };
        match at {
            Value::Array(items) => {
                let count = items.len();
                let index = key.parse::<usize>().ok().filter(|index| *index < count);
                let Some(index) = index else {
                    let expected = format!("a position from 0 to {} in {here}", count.saturating_sub(1));
                    return Err(missing(expected).into());
                };
                at = &mut items[index];
            }
            Value::Object(map) => at = map.entry(key).or_insert(Value::Null),
            _ => {
                if !at.is_null() {
                    return Err(missing(format!("nothing below {here}, which is {at}")).into());
                }
                *at = Value::Object(serde_json::Map::new());
                at =
                    at.as_object_mut().map(|map| map.entry(key).or_insert(Value::Null)).ok_or_else(|| missing(here))?;
            }
        }
        walked = if walked.is_empty() { key.to_owned() } else { format!("{walked}.{key}") };
    }
    *at = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn experiment() -> Experiment {
        Experiment::from_value(json!({
            "data": { "source": "moons", "train": 30 },
            "model": { "input_shape": [2], "layers": [{ "layer": "dense", "units": 5, "activation": "relu" },
                                                       { "layer": "dense", "units": 1, "activation": "sigmoid" }] },
            "fit": { "loss": "binary_crossentropy" },
        }))
        .unwrap()
    }

    #[test]
    fn a_patch_makes_what_is_missing_and_refuses_what_does_not_exist() {
        let patched = experiment().with("model.layers.0.kernel_regularizer.l2", &json!(0.1)).unwrap();
        let text = serde_json::to_string(&patched.model).unwrap();
        assert!(text.contains(r#""kernel_regularizer":{"l2":0.1}"#), "{text}");
        let error = |path: &str| experiment().with(path, &json!(0.1)).unwrap_err().to_string();
        assert!(error("model.layers.7.units").contains("a position from 0 to 1 in `model.layers`"));
        assert!(error("model.layers.0.kernal_regularizer.l2").contains("did you mean `kernel_regularizer`?"));
        assert!(error("fitt.epochs").contains("did you mean `fit`?"));
        assert!(error("fit.batch_size").contains("batch_size"));
    }

    #[test]
    fn a_policy_beside_the_model_is_the_model_s() {
        let mut value = experiment().to_value();
        value["regularization"] = json!({ "l2": 0.001 });
        let beside = Experiment::from_value(value.clone()).unwrap();
        assert_eq!(beside.to_value()["model"]["regularization"], json!({ "l2": 0.001 }));
        assert_eq!(Experiment::from_value(beside.to_value()).unwrap(), beside);
        for path in ["regularization.l2", "model.regularization.l2"] {
            let patched = beside.with(path, &json!(0.5)).unwrap().to_value();
            assert_eq!(patched["model"]["regularization"], json!({ "l2": 0.5 }), "{path}");
        }
        value["model"]["regularization"] = json!("l1");
        assert!(
            Experiment::from_value(value).unwrap_err().to_string().starts_with("model.regularization: expected one")
        );
    }

    #[test]
    fn an_experiment_survives_the_round_trip() {
        let experiment = experiment();
        assert_eq!(Experiment::from_value(experiment.to_value()).unwrap(), experiment);
    }
}
