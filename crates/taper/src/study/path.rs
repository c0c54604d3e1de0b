//! Rising penalties on one model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::run::{run, scores};
use crate::division::Split;
use crate::experiment::Experiment;
use crate::regularizer::Regularizer;
use crate::train::{Quiet, StopReason, TrainState, fit_from};
use crate::{Result, Seed};

/// One point of a path: the model after it was trained on with this strength.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathPoint {
    /// λ; 0 for the model that the path begins with.
    pub lambda: f64,
    /// The same scores as a run's.
    pub scores: BTreeMap<String, f64>,
    /// How its training ended.
    pub stop: StopReason,
}

/// Trains the experiment's model as it is, then goes on training *the same weights* with one λ after the other on one
/// parameter, `epochs` epochs each. The optimizer begins anew behind the first model and then keeps its memory.
///
/// A path is not a set of cold fits: the model at λ has been trained longer, and remembers the weaker penalties before. Its
/// best λ differs from that of cold fits, and only the path's own model may be deployed for it.
///
/// # Errors
///
/// A parameter that does not exist, strengths that are none, an experiment that does not fit its rows.
pub fn rising_path(
    experiment: &Experiment,
    split: &Split,
    seed: Seed,
    parameter: &str,
    lambdas: &[f64],
    epochs: usize,
    penalty: fn(f64) -> Regularizer,
) -> Result<Vec<PathPoint>> {
    let (first, mut model) = run(experiment, split, seed, 0, false)?;
    let mut points = vec![PathPoint { lambda: 0.0, scores: first.scores, stop: first.stop }];
    let config = experiment.fit.clone().epochs(epochs);
    let mut state = TrainState::new(&model, &config);
    state.epoch = experiment.fit.epochs;
    for lambda in lambdas {
        model.set_regularizer(parameter, Some(penalty(*lambda)))?;
        let history = fit_from(&mut model, &mut state, &split.train, None, &config, seed, &mut Quiet)?;
        let scores = scores(&model, split, &config, &history.stop)?;
        points.push(PathPoint { lambda: *lambda, scores, stop: history.stop });
    }
    Ok(points)
}
