//! Everything a result depends on, as one piece of data.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::choose::ChooseSpec;
use crate::data::{make_blobs, make_circles, make_moons};
use crate::model::ModelSpec;
use crate::study::StudySpec;
use crate::train::FitConfig;
use crate::{Complaint, Complaints, Dataset, Error, Result, spelling};

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
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The rows.
    pub data: DataSpec,
    /// The model.
    pub model: ModelSpec,
    /// The training.
    pub fit: FitConfig,
    /// What to vary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<StudySpec>,
    /// Which penalties to choose from, and how.
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

    /// Complains about everything in the model, the training and the study that is wrong whatever the rows are.
    ///
    /// # Errors
    ///
    /// All complaints at once, with their paths.
    pub fn validate(&self) -> Result<()> {
        let mut complaints = Complaints::new();
        complaints.take("data", self.data.validate())?;
        complaints.take("model", crate::model::check(&self.model))?;
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

/// Where the rows come from and how they are split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// `"moons"`, `"circles"`, `"blobs"`, `"utterances"`, `"digits"`, `"sunspots"`, `"sonnets"`, or the path of a file.
    pub source: String,
    /// Rows to generate, by default 100; of what is built in, the first so many, by default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Standard deviation of the noise of moons, circles and utterances. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// Inner over outer radius of the circles. Default: 0.8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// Features of the blobs. Default: 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<usize>,
    /// Centers of the blobs. Default: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centers: Option<usize>,
    /// Standard deviation of the blobs. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_std: Option<f64>,
    /// scikit-learn's seed of generated rows. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_state: Option<u32>,
    /// Steps of a series (sunspots, sonnets) that the next one is to be told from. Default: 24.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// The target column of a table. Default: the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How many rows train; the rest test. Default: 70 of 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Whether inputs are brought to mean 0 and standard deviation 1, as measured on the training rows. Default: no.
    #[serde(default)]
    pub standardize: bool,
}

/// The generators, by name.
pub(crate) const GENERATORS: [&str; 4] = ["moons", "circles", "blobs", "utterances"];

impl DataSpec {
    /// Rows from this source, everything else by default.
    #[must_use]
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            samples: None,
            noise: None,
            factor: None,
            features: None,
            centers: None,
            cluster_std: None,
            random_state: None,
            window: None,
            target: None,
            train: None,
            standardize: false,
        }
    }

    /// The sources that need no file.
    pub const SOURCES: [&'static str; 7] = ["moons", "circles", "blobs", "utterances", "digits", "sunspots", "sonnets"];

    /// Whether the rows are stretches of one series, in the order of time.
    #[must_use]
    pub fn is_series(&self) -> bool {
        matches!(self.source.as_str(), "sunspots" | "sonnets")
    }

    /// Whether the rows are generated, not read.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        GENERATORS.contains(&self.source.as_str())
    }

    /// Generates rows in the plane or in space; [`rows`](Self::rows) knows all sources.
    ///
    /// # Errors
    ///
    /// A source that is not moons, circles or blobs, and settings that it cannot use.
    pub fn generate(&self) -> Result<crate::data::Sample> {
        let samples = self.samples.unwrap_or(100);
        let noise = self.noise.unwrap_or(0.0);
        let random_state = self.random_state.unwrap_or(0);
        match self.source.as_str() {
            "moons" => make_moons(samples, noise, random_state),
            "circles" => make_circles(samples, noise, self.factor.unwrap_or(0.8), random_state),
            "blobs" => make_blobs(
                samples,
                self.features.unwrap_or(2),
                self.centers.unwrap_or(3),
                self.cluster_std.unwrap_or(1.0),
                random_state,
            ),
            other => Err(spelling::unknown("source", other, &GENERATORS[..3]).into()),
        }
        .map_err(|error| error.within("data"))
    }

    /// Complains about settings that this source has no use for.
    fn validate(&self) -> Result<()> {
        // A file's name has an ending; what has none was meant as a generator, whose settings cannot be judged.
        let built_in = Self::SOURCES.contains(&self.source.as_str());
        if !built_in && !self.is_generated() && !self.source.contains('.') {
            return Err(spelling::unknown("source", &self.source, &Self::SOURCES).into());
        }
        let mut complaints = Complaints::new();
        let generated = self.is_generated();
        let noisy = matches!(self.source.as_str(), "moons" | "circles" | "utterances");
        for (key, given, useful) in [
            ("samples", self.samples.is_some(), built_in),
            ("random_state", self.random_state.is_some(), generated),
            ("noise", self.noise.is_some(), noisy),
            ("factor", self.factor.is_some(), self.source == "circles"),
            ("features", self.features.is_some(), self.source == "blobs"),
            ("centers", self.centers.is_some(), self.source == "blobs"),
            ("cluster_std", self.cluster_std.is_some(), self.source == "blobs"),
            ("window", self.window.is_some(), self.is_series()),
            ("target", self.target.is_some(), !built_in),
        ] {
            complaints.check(!given || useful, key, format!("nothing, for the source `{}`", self.source), "a value");
        }
        complaints.finish()
    }
}

/// Training rows and test rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The rows that train.
    pub train: Dataset,
    /// The rows that are only measured.
    pub test: Dataset,
}

impl Split {
    /// Splits rows as the specification says: the first `train` rows (default: 70 of 100) train, the rest test.
    ///
    /// # Errors
    ///
    /// If either part would be empty.
    pub fn of(rows: &Dataset, spec: &DataSpec) -> Result<Self> {
        Self::at(rows, spec, &(0..rows.rows()).collect::<Vec<_>>())
    }

    /// The same for rows in another order: what a resample does.
    ///
    /// # Errors
    ///
    /// If either part would be empty.
    pub fn at(rows: &Dataset, spec: &DataSpec, order: &[usize]) -> Result<Self> {
        let train = spec.train.unwrap_or(order.len() * 7 / 10);
        let (mut train, mut test) = rows.select(order)?.split_at(train).map_err(|error| error.within("data"))?;
        // A series has one scale; it was brought to it as a whole.
        if spec.standardize && !spec.is_series() {
            let scaler = train.scaler()?;
            train.rescale(&scaler);
            test.rescale(&scaler);
        }
        Ok(Self { train, test })
    }
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

    #[test]
    fn settings_of_another_source_are_refused() {
        let data = DataSpec { noise: Some(0.1), factor: Some(0.5), ..DataSpec::new("blobs") };
        let error = data.validate().unwrap_err().to_string();
        assert!(error.contains("noise") && error.contains("factor"), "{error}");
    }
}
