//! One penalty at one strength, and the experiment that has it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::penalty::{Family, NONE, Penalty};
use super::spec::ChooseSpec;
use crate::param::Role;
use crate::{EarlyStopping, Experiment, Model, Regularizer, Result};

/// A penalty at a strength: what `choose` compares, and what it chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The penalty as in [`ChooseSpec::penalties`], or `none`.
    pub penalty: String,
    /// Its strength: λ, a dropout rate, or a patience in epochs; 0 for `none`.
    pub value: f64,
}

impl Candidate {
    /// The model without a penalty.
    #[must_use]
    pub fn none() -> Self {
        Self { penalty: NONE.to_owned(), value: 0.0 }
    }

    /// Whether it is the model without a penalty.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.penalty == NONE
    }

    fn read(&self) -> Result<Penalty> {
        Ok(Penalty::read(&self.penalty).map_err(|complaint| complaint.within("candidate.penalty"))?)
    }

    /// The experiment with this candidate's dropout and early stopping.
    pub(crate) fn applied(&self, experiment: &Experiment) -> Result<Experiment> {
        let mut experiment = experiment.clone();
        for (family, value) in self.read()?.terms(self.value) {
            match family {
                Family::Dropout => experiment = with_dropout(&experiment, value)?,
                Family::EarlyStopping => {
                    experiment.fit.early_stopping = Some(EarlyStopping::new(value as usize));
                }
                Family::L2 | Family::L1 | Family::L1L2 => {}
            }
        }
        Ok(experiment)
    }

    /// Puts this candidate's weight penalties on the parameters with one of these roles, in place of what was there.
    pub(crate) fn penalize(&self, model: &mut Model, on: &[Role]) -> Result<()> {
        let mut regularizer: Option<Regularizer> = None;
        for (family, value) in self.read()?.terms(self.value) {
            let regularizer = regularizer.get_or_insert_with(Regularizer::default);
            match family {
                Family::L2 => regularizer.l2 = value.into(),
                Family::L1 => regularizer.l1 = value.into(),
                Family::L1L2 => {
                    regularizer.l1 = value.into();
                    regularizer.l2 = value.into();
                }
                Family::Dropout | Family::EarlyStopping => {}
            }
        }
        let chosen = |slot: &&crate::ParamSlot| on.contains(&slot.spec.role);
        let paths: Vec<String> = model.params().slots().iter().filter(chosen).map(|slot| slot.path.clone()).collect();
        paths.iter().try_for_each(|path| model.set_regularizer(path, regularizer.clone()))
    }
}

/// The experiment without `[study]` and `[choose]`, and without what the penalties that are compared would put in: what all
/// candidates are applied to.
pub(crate) fn stripped(experiment: &Experiment, spec: &ChooseSpec) -> Result<Experiment> {
    let mut bare = Experiment { study: None, choose: None, ..experiment.clone() };
    if spec.compares(|family| family == Family::EarlyStopping) {
        bare.fit.early_stopping = None;
    }
    if spec.compares(|family| family == Family::Dropout) { with_dropout(&bare, 0.0) } else { Ok(bare) }
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
    use crate::Seed;

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
        let mut model = Model::build(&experiment().model, Seed::new(0)).unwrap();
        let candidate = Candidate { penalty: "l1_l2+dropout=0.5".into(), value: 0.01 };
        candidate.penalize(&mut model, &[Role::Kernel]).unwrap();
        let regularizer = |model: &Model, path: &str| model.params().get(path).unwrap().0.spec.regularizer.clone();
        assert_eq!(regularizer(&model, "dense/kernel"), Some(Regularizer::l1_l2(0.01, 0.01)));
        assert_eq!(regularizer(&model, "dense_1/bias"), Some(Regularizer::l2(0.4)));
        Candidate::none().penalize(&mut model, &[Role::Kernel]).unwrap();
        assert_eq!(regularizer(&model, "dense/kernel"), None);
    }

    #[test]
    fn dropout_goes_behind_hidden_layers_or_changes_the_rates_there_are() {
        let kinds = |experiment: &Experiment| -> Vec<String> {
            let layers = experiment.to_value()["model"]["layers"].as_array().unwrap().clone();
            layers.iter().map(|layer| layer["layer"].as_str().unwrap().to_owned()).collect()
        };
        let once = Candidate { penalty: "dropout".into(), value: 0.25 }.applied(&experiment()).unwrap();
        assert_eq!(kinds(&once), ["dense", "dropout", "dense"]);
        let twice = Candidate { penalty: "dropout".into(), value: 0.5 }.applied(&once).unwrap();
        assert_eq!(kinds(&twice).len(), 3);
        assert_eq!(twice.to_value()["model"]["layers"][1]["rate"], 0.5);
        let spec = ChooseSpec { penalties: vec!["dropout".into()], ..ChooseSpec::default() };
        let bare = stripped(&twice, &spec).unwrap();
        assert_eq!(bare.to_value()["model"]["layers"][1]["rate"], 0.0);
    }
}
