//! Coupled and decoupled penalties have no number in common under Adam; an experiment can be asked for one.

use serde::Serialize;

use crate::dialect::{Bridge, Dialect};
use crate::division::Split;
use crate::experiment::Experiment;
use crate::model::Model;
use crate::param::Role;
use crate::regularizer::Regularizer;
use crate::train::fit;
use crate::{Complaint, Quiet, Result, Seed, evaluate};

/// Trainings per strength, each with a weight seed of its own.
const SEEDS: usize = 3;
/// Strengths that are tried before what was found so far has to do.
const TRIES: usize = 24;
/// The norms are equal if they differ by no more than this share.
const CLOSE: f64 = 1e-3;

/// A strength found by training, and how well it stands in for the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The strength in the dialect that was asked for.
    pub result: f64,
    /// The norm of the penalized parameters together, after training with the strength that was given: mean over the seeds.
    pub from_norm: f64,
    /// The same with `result`.
    pub to_norm: f64,
    /// The same without a penalty; none if that diverges.
    pub bare_norm: Option<f64>,
    /// Whether the strength that was given acts: whether it changes the norm by more than what counts as equal. If not, every
    /// weaker one in either dialect would do as well as `result`.
    pub acts: bool,
    /// `to_norm / from_norm - 1`: how far the norms are from being equal.
    pub residual: f64,
    /// Mean data loss on the training rows, with the strength that was given.
    pub from_data_loss: f64,
    /// The same with `result`: equal norms need not mean equal models.
    pub to_data_loss: f64,
    /// Weight seeds per strength.
    pub seeds: usize,
    /// Trainings in all.
    pub trainings: usize,
    /// The parameters whose norm was matched: those that the experiment penalizes, or all kernels if it penalizes none.
    pub paths: Vec<String>,
}

/// Finds the strength in the dialect `to` with which an experiment's penalized parameters end at the same norm as with `value`
/// in the dialect `from`, by bisection over the logarithm of the strength.
///
/// `bridge` says what exact conversions need; see [`Bridge`].
///
/// The experiment's own regularizers say *which* parameters are meant; their strengths, and its weight decay, are replaced. One
/// of the two dialects is decoupled (otherwise [`Bridge::convert`] has the exact answer).
///
/// The norm falls as the penalty rises, so the bisection is sound wherever training is; what it could not match in a fixed
/// number of tries is the residual.
///
/// # Errors
///
/// As [`Bridge::convert`]; an experiment that cannot be trained, or that diverges with the strength that was given.
pub fn calibrate(
    experiment: &Experiment,
    split: &Split,
    value: f64,
    from: Dialect,
    to: Dialect,
    bridge: &Bridge,
) -> Result<Calibration> {
    let bridge = Bridge { optimizer: None, ..*bridge };
    bridge.convert(value, from, to)?;
    // Everything coupled has an exact form in Keras's dialect, so there are only two sides.
    let exact = |value: f64, from: Dialect, to: Dialect| -> Result<f64> {
        Ok(bridge.convert(value, from, to)?.result.unwrap_or(value))
    };
    let side = |dialect: Dialect| if dialect.is_decoupled() { Dialect::Adamw } else { Dialect::Keras };
    let given = exact(value, from, side(from))?;
    let mut trainer = Trainer::new(experiment, split)?;
    let goal = trainer.train(side(from), given)?.ok_or_else(|| {
        Complaint::new(
            "experiment",
            format!("a training that stands {value} in the dialect {from}"),
            "one that diverges",
        )
    })?;

    let bare_norm = trainer.train(Dialect::Keras, 0.0)?.map(|bare| bare.norm);

    // From the identity of gradient descent on, by factors of 4 until the goal lies between, then by halves.
    let mut tried = if side(from) == Dialect::Keras { 2.0 * given } else { given / 2.0 };
    let (mut weak, mut strong): (Option<f64>, Option<f64>) = (None, None);
    let mut best: Option<(f64, Trained)> = None;
    for _ in 0..TRIES {
        let trained = trainer.train(side(to), tried)?;
        // What diverges was too strong.
        let too_weak = trained.is_some_and(|trained| trained.norm > goal.norm);
        if let Some(trained) = trained {
            let distance = |one: Trained| (one.norm / goal.norm - 1.0).abs();
            if best.is_none_or(|(_, best)| distance(trained) < distance(best)) {
                best = Some((tried, trained));
            }
            if distance(trained) < CLOSE {
                break;
            }
        }
        if too_weak {
            weak = Some(tried);
        } else {
            strong = Some(tried);
        }
        tried = match (weak, strong) {
            (Some(weak), Some(strong)) => (weak * strong).sqrt(),
            (Some(weak), None) => weak * 4.0,
            (None, Some(strong)) => strong / 4.0,
            (None, None) => break,
        };
    }
    let (found, trained) =
        best.ok_or_else(|| Complaint::new("experiment", "a training that ends", "only divergence"))?;
    Ok(Calibration {
        result: exact(found, side(to), to)?,
        from_norm: goal.norm,
        to_norm: trained.norm,
        bare_norm,
        acts: bare_norm.is_none_or(|bare| (bare / goal.norm - 1.0).abs() > CLOSE),
        residual: trained.norm / goal.norm - 1.0,
        from_data_loss: goal.data_loss,
        to_data_loss: trained.data_loss,
        seeds: SEEDS,
        trainings: trainer.trainings,
        paths: trainer.paths,
    })
}

/// What a strength leads to, on average over the seeds.
#[derive(Debug, Clone, Copy)]
struct Trained {
    norm: f64,
    data_loss: f64,
}

struct Trainer<'a> {
    experiment: Experiment,
    split: &'a Split,
    seed: u64,
    /// The penalized parameters.
    paths: Vec<String>,
    trainings: usize,
}

impl<'a> Trainer<'a> {
    fn new(experiment: &Experiment, split: &'a Split) -> Result<Self> {
        let mut experiment = experiment.clone();
        let slots = Model::plan(&experiment.model).map_err(|error| error.within("model"))?;
        let penalized = |slot: &&crate::ParamSlot| slot.penalty().is_some();
        let kernel = |slot: &&crate::ParamSlot| slot.spec.role == Role::Kernel && slot.spec.trainable;
        let named = |slot: &crate::ParamSlot| slot.path.clone();
        let mut paths: Vec<String> = slots.iter().filter(penalized).map(named).collect();
        if paths.is_empty() {
            paths = slots.iter().filter(kernel).map(named).collect();
        }
        if paths.is_empty() {
            return Err(Complaint::new("model", "a kernel that trains", "none").into());
        }
        let others = slots.iter().map(named).filter(|path| !paths.contains(path));
        experiment.fit.optimizer.exclude_from_weight_decay = others.collect();
        let seed = experiment.study.as_ref().map_or(1, |study| study.seed);
        Ok(Self { experiment, split, seed, paths, trainings: 0 })
    }

    /// Trains with this strength once per seed; `None` if one of them diverges.
    fn train(&mut self, side: Dialect, value: f64) -> Result<Option<Trained>> {
        let mut config = self.experiment.fit.clone();
        config.optimizer.weight_decay = if side.is_decoupled() { value } else { 0.0 };
        let penalty = (!side.is_decoupled()).then(|| Regularizer::l2(value));
        let (mut norm, mut data_loss) = (0.0, 0.0);
        for i in 0..SEEDS {
            let seed = Seed::new(self.seed).derive("run", i as u64);
            let mut model = Model::build(&self.experiment.model, seed).map_err(|error| error.within("model"))?;
            for path in &self.paths {
                model.set_regularizer(path, penalty.clone())?;
            }
            self.trainings += 1;
            let history = fit(&mut model, &self.split.train, Some(&self.split.test), &config, seed, &mut Quiet)?;
            if !history.stop.is_usable() {
                return Ok(None);
            }
            let squares = self.paths.iter().filter_map(|path| model.params().get(path));
            let squares: f64 = squares.map(|(_, w)| taper_kernels::reduce::sum_squares(w)).sum();
            norm += squares.sqrt() / SEEDS as f64;
            data_loss += evaluate(&model, &self.split.train, &config)?.data_loss / SEEDS as f64;
        }
        Ok(Some(Trained { norm, data_loss }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, PlainRows};

    fn experiment(optimizer: &serde_json::Value) -> (Experiment, Split) {
        let experiment = Experiment::from_value(serde_json::json!({
            "data": { "source": "moons", "noise": 0.2, "train": 30 },
            "model": { "input_shape": [2], "layers": [
                { "layer": "dense", "units": 8, "activation": "relu", "kernel_regularizer": { "l2": 0.001 } },
                { "layer": "dense", "units": 1, "activation": "sigmoid" } ] },
            "fit": { "loss": "binary_crossentropy", "epochs": 60, "optimizer": optimizer },
        }))
        .unwrap();
        let rows = Dataset::from_sample(&experiment.data.generate().unwrap()).unwrap();
        let split = Split::of(&PlainRows::of(&rows, &experiment), &experiment.data, Seed::new(1)).unwrap();
        (experiment, split)
    }

    #[test]
    fn under_gradient_descent_it_finds_the_identity() {
        let (experiment, split) = experiment(&serde_json::json!({ "name": "sgd", "learning_rate": 0.1 }));
        let found = calibrate(&experiment, &split, 0.05, Dialect::Keras, Dialect::Adamw, &Bridge::default()).unwrap();
        assert!((found.result - 0.1).abs() < 1e-12, "{found:?}");
        assert!(found.residual.abs() < 1e-5 && found.trainings == 3 * SEEDS, "{found:?}");
        assert_eq!(found.paths, ["dense/kernel"]);
    }

    #[test]
    fn under_adam_it_matches_the_norm_both_ways() {
        let (experiment, split) = experiment(&serde_json::json!({ "name": "adam", "learning_rate": 0.02 }));
        for (value, from, to) in [(0.02, Dialect::Keras, Dialect::Adamw), (0.5, Dialect::Adamw, Dialect::SklearnMlp)] {
            let found =
                calibrate(&experiment, &split, value, from, to, &Bridge { rows: Some(30.0), ..Bridge::default() })
                    .unwrap();
            assert!(found.residual.abs() < CLOSE && found.result > 0.0 && found.acts, "{found:?}");
        }
        let nothing =
            calibrate(&experiment, &split, 1e-12, Dialect::Keras, Dialect::Adamw, &Bridge::default()).unwrap();
        assert!(!nothing.acts, "{nothing:?}");
    }
}
