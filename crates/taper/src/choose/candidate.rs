//! One penalty at one strength, and the experiment that has it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::penalty::{Family, NONE, Penalty};
use super::spec::ChooseSpec;
use crate::param::Role;
use crate::{EarlyStopping, Experiment, Model, PenaltyMode, Policy, Regularizer, Result};

/// A penalty at a strength: what `choose` compares, and what it chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The penalty as in [`ChooseSpec::penalties`], or `none`.
    pub penalty: String,
    /// Its strength: λ, a dropout rate, or a patience in epochs; 0 for `none`.
    pub value: f64,
    /// How the model comes to this strength, if it is no cold fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
}

/// A way to a strength: the model is trained without the penalty first, and then goes on with one strength after the other,
/// the weights and the optimizer's memory being kept.
///
/// A point of a path is not what a cold fit at its strength is: it has been trained longer, and remembers the weaker
/// strengths before. Only a model that went the same way may stand for its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// The strengths, rising; the last is the candidate's own.
    pub values: Vec<f64>,
    /// Epochs at each.
    pub epochs: usize,
}

impl Candidate {
    /// A cold fit with this penalty at this strength.
    #[must_use]
    pub fn new(penalty: impl Into<String>, value: f64) -> Self {
        Self { penalty: penalty.into(), value, path: None }
    }

    /// The model without a penalty.
    #[must_use]
    pub fn none() -> Self {
        Self::new(NONE, 0.0)
    }

    /// Whether it is the model without a penalty.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.penalty == NONE
    }

    fn read(&self) -> Result<Penalty> {
        Ok(Penalty::read(&self.penalty).map_err(|complaint| complaint.within("candidate.penalty"))?)
    }

    /// The experiment with this candidate in it: its weight penalties as a policy for the parameters with one of the roles
    /// `on`, its dropout, its early stopping.
    pub(crate) fn applied(&self, experiment: &Experiment, on: &[Role]) -> Result<Experiment> {
        let mut experiment = experiment.clone();
        let mut regularizer: Option<Regularizer> = None;
        for (family, value) in self.read()?.terms(self.value) {
            let mut weights = || regularizer.take().unwrap_or_default();
            // What can make weights exactly 0 does so as a proximal map, not as a gradient.
            let mode = PenaltyMode::Proximal;
            match family {
                Family::L2 => regularizer = Some(Regularizer { l2: value.into(), ..weights() }),
                Family::L1 => regularizer = Some(Regularizer { l1: value.into(), mode, ..weights() }),
                Family::L1L2 => {
                    regularizer = Some(Regularizer { l1: value.into(), l2: value.into(), mode, ..weights() });
                }
                Family::Group => {
                    regularizer = Some(Regularizer { group_lasso: value.into(), mode, ..weights() });
                }
                Family::Dropout => experiment = with_dropout(&experiment, value)?,
                Family::EarlyStopping => experiment.fit.early_stopping = Some(EarlyStopping::new(value as usize)),
            }
        }
        if let Some(regularizer) = regularizer {
            // A policy refuses roles that the model has not: they are all right here, as long as it has one.
            let slots = Model::plan(&experiment.model).map_err(|error| error.within("model"))?;
            let mut roles = on.to_vec();
            roles.retain(|role| slots.iter().any(|slot| slot.spec.role == *role));
            let roles = if roles.is_empty() { on.to_vec() } else { roles };
            experiment.model.set_regularization(Some(Policy::new(regularizer).roles(roles)));
        }
        Ok(experiment)
    }
}

/// The candidates of an experiment's `[choose]` that are known before its rows are looked at, each with the experiment that has it:
/// every penalty at every strength of the declared grid. Without a grid, where strengths are found from the data, every penalty
/// once, at 1e-4 (dropout at 0.2, early stopping at 10): what holds at any strength can be seen there.
///
/// # Errors
///
/// Penalties that are none, or that the model cannot have.
pub fn candidates(experiment: &Experiment) -> Result<Vec<(Candidate, Experiment)>> {
    let Some(spec) = &experiment.choose else { return Ok(vec![]) };
    spec.validate().map_err(|error| error.within("choose"))?;
    let bare = stripped(experiment, spec)?;
    let mut candidates = vec![];
    for (name, penalty) in spec.read_penalties() {
        let usual = match penalty.family() {
            None => 0.0,
            Some(Family::Dropout) => 0.2,
            Some(Family::EarlyStopping) => 10.0,
            Some(_) => 1e-4,
        };
        for value in spec.grid.as_deref().unwrap_or(&[usual]) {
            let candidate = Candidate::new(name.clone(), *value);
            let applied = candidate.applied(&bare, &spec.on)?;
            candidates.push((candidate, applied));
        }
    }
    Ok(candidates)
}

/// The experiment without `[study]` and `[choose]`, and without what the penalties that are compared would put in: what all
/// candidates are applied to.
pub(crate) fn stripped(experiment: &Experiment, spec: &ChooseSpec) -> Result<Experiment> {
    let mut bare = Experiment { study: None, choose: None, ..experiment.clone() };
    if spec.compares(Family::is_weight_penalty) {
        bare.model.set_regularization(None);
        bare = without_regularizers(&bare, &spec.on)?;
    }
    if spec.compares(|family| family == Family::EarlyStopping) {
        bare.fit.early_stopping = None;
    }
    if spec.compares(|family| family == Family::Dropout) { with_dropout(&bare, 0.0) } else { Ok(bare) }
}

/// The experiment without the regularizers that its layers have on parameters of these roles.
fn without_regularizers(experiment: &Experiment, roles: &[Role]) -> Result<Experiment> {
    let keys: Vec<&str> = roles
        .iter()
        .map(|role| match role {
            Role::Kernel => "kernel_regularizer",
            Role::RecurrentKernel => "recurrent_regularizer",
            Role::DepthwiseKernel => "depthwise_regularizer",
            Role::PointwiseKernel => "pointwise_regularizer",
            Role::Bias => "bias_regularizer",
            Role::Embeddings => "embeddings_regularizer",
            Role::Gamma => "gamma_regularizer",
            Role::Beta => "beta_regularizer",
            Role::Slope => "alpha_regularizer",
            Role::MovingStatistic => "",
        })
        .collect();
    // Layers may hold layers.
    fn strip(value: &mut Value, keys: &[&str]) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| !keys.contains(&key.as_str()));
                map.values_mut().for_each(|value| strip(value, keys));
            }
            Value::Array(items) => items.iter_mut().for_each(|value| strip(value, keys)),
            _ => {}
        }
    }
    let mut whole = experiment.to_value();
    strip(&mut whole["model"], &keys);
    Experiment::from_value(whole)
}

/// The roles whose penalties candidates replace: none, if no weight penalty is compared.
pub(crate) fn replaced_roles(spec: &ChooseSpec) -> Vec<Role> {
    if spec.compares(Family::is_weight_penalty) { spec.on.clone() } else { vec![] }
}

/// The experiment with this rate in its dropout layers; where it has none, behind every layer with units and a function that
/// is not the last one. Rate 0 makes no layers.
fn with_dropout(experiment: &Experiment, rate: f64) -> Result<Experiment> {
    let mut whole = experiment.to_value();
    let key = if whole["model"].get("nodes").is_some() { "nodes" } else { "layers" };
    let Some(layers) = whole["model"][key].as_array_mut() else { return Ok(experiment.clone()) };
    let is_dropout = |layer: &Value| {
        layer["layer"].as_str().is_some_and(|kind| kind == "dropout" || kind.starts_with("spatial_dropout"))
    };
    if layers.iter().any(is_dropout) {
        layers.iter_mut().filter(|layer| is_dropout(layer)).for_each(|layer| layer["rate"] = json!(rate));
    } else if rate > 0.0 && key == "layers" {
        let last = layers.len().saturating_sub(1);
        let hidden = |layer: &Value| layer.get("units").is_some() || layer.get("filters").is_some();
        *layers = std::mem::take(layers)
            .into_iter()
            .enumerate()
            .flat_map(|(i, layer)| {
                let behind = (i < last && hidden(&layer)).then(|| json!({ "layer": "dropout", "rate": rate }));
                std::iter::once(layer).chain(behind)
            })
            .collect();
    }
    Experiment::from_value(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment() -> Experiment {
        Experiment::from_value(json!({
            "data": { "source": "moons", "train": 30 },
            "model": { "input_shape": [2], "layers": [
                { "layer": "dense", "units": 5, "activation": "relu", "kernel_regularizer": { "l2": 0.3 } },
                { "layer": "dense", "units": 1, "activation": "sigmoid", "bias_regularizer": { "l2": 0.4 } }] },
            "fit": { "loss": "binary_crossentropy" },
        }))
        .unwrap()
    }

    #[test]
    fn weight_penalties_replace_what_stands_on_the_roles() {
        let regularizer = |experiment: &Experiment, path: &str| {
            let slots = Model::plan(&experiment.model).unwrap();
            slots.into_iter().find(|slot| slot.path == path).unwrap().spec.regularizer
        };
        let bare = stripped(&experiment(), &ChooseSpec::default()).unwrap();
        assert_eq!(regularizer(&bare, "dense/kernel"), None);
        let candidate = Candidate::new("l1_l2+early_stopping=3", 0.01);
        let applied = candidate.applied(&bare, &ChooseSpec::default().on).unwrap();
        assert_eq!(
            regularizer(&applied, "dense/kernel"),
            Some(Regularizer::l1_l2(0.01, 0.01).mode(PenaltyMode::Proximal))
        );
        assert_eq!(regularizer(&applied, "dense_1/bias"), Some(Regularizer::l2(0.4)));
        assert_eq!(applied.fit.early_stopping.as_ref().unwrap().patience, 3);
        assert_eq!(Candidate::none().applied(&bare, &[Role::Kernel]).unwrap(), bare);
        assert_eq!(Experiment::from_value(applied.to_value()).unwrap(), applied);
        let none = candidate.applied(&bare, &[Role::Embeddings]).unwrap();
        assert!(Model::plan(&none.model).is_err(), "nothing to penalize");
    }

    #[test]
    fn dropout_goes_behind_hidden_layers_or_changes_the_rates_there_are() {
        let kinds = |experiment: &Experiment| -> Vec<String> {
            let layers = experiment.to_value()["model"]["layers"].as_array().unwrap().clone();
            layers.iter().map(|layer| layer["layer"].as_str().unwrap().to_owned()).collect()
        };
        let once = Candidate::new("dropout", 0.25).applied(&experiment(), &[]).unwrap();
        assert_eq!(kinds(&once), ["dense", "dropout", "dense"]);
        let twice = Candidate::new("dropout", 0.5).applied(&once, &[]).unwrap();
        assert_eq!(kinds(&twice).len(), 3);
        assert_eq!(twice.to_value()["model"]["layers"][1]["rate"], 0.5);
        let spec = ChooseSpec { penalties: vec!["dropout".into()], ..ChooseSpec::default() };
        let bare = stripped(&twice, &spec).unwrap();
        assert_eq!(bare.to_value()["model"]["layers"][1]["rate"], 0.0);
    }
}
