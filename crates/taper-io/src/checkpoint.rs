//! Checkpoints: a model file that also says where its training stands.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use taper::{Complaint, Model, MonitorState, Optimizer, OptimizerState, PenaltyState, TrainState, Watched};

use crate::model_file::{TRAINING as KEY, metadata, put_penalty_state, read_with_state, tensors_of};
use crate::tensor_file::{Tensor, Tensors, write_tensors};
use crate::{Error, Result};

/// What of a [`TrainState`] is no tensor.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    epoch: usize,
    iterations: u64,
    momentum_product: f32,
    /// The bits of an f64: no digit may be lost on the way through text.
    rate_factor: u64,
    moments: usize,
    #[serde(default)]
    stopping: Seen,
    #[serde(default)]
    plateau: Seen,
    #[serde(default)]
    resting: usize,
    #[serde(default)]
    best_epoch: usize,
}

/// A [`Watched`].
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// The bits of an f64.
    best: Option<u64>,
    waited: usize,
}

impl From<Watched> for Seen {
    fn from(seen: Watched) -> Self {
        Self { best: seen.best.map(f64::to_bits), waited: seen.waited }
    }
}

impl From<Seen> for Watched {
    fn from(seen: Seen) -> Self {
        Self { best: seen.best.map(f64::from_bits), waited: seen.waited }
    }
}

/// Of which training this is a checkpoint, as text.
const RUN: &str = "taper_run";
const BEST: &str = "taper:best_weights";

const AVERAGE: &str = "taper:average";
const ACCUMULATED: &str = "taper:accumulated";

fn moment(i: usize) -> String {
    format!("taper:moment_{i}")
}

/// Writes a model with where its training stands: epochs and steps done, what the optimizer, the penalties, early stopping and the
/// plateau remember. A training that goes on from it has the bits of one that was never stopped. The file is a model file, too.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_checkpoint(path: &Path, model: &Model, state: &TrainState) -> Result<()> {
    write_tensors(path, &tensors(path, model, state)?)
}

/// [`write_checkpoint`] with a text that tells this training from others.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_run_checkpoint(path: &Path, model: &Model, state: &TrainState, run: &str) -> Result<()> {
    let mut file = tensors(path, model, state)?;
    file.metadata.insert(RUN.into(), run.to_owned());
    write_tensors(path, &file)
}

fn tensors(path: &Path, model: &Model, state: &TrainState) -> Result<Tensors> {
    let mut file = tensors_of(path, model)?;
    let optimizer = &state.optimizer;
    let mut put = |name: String, numbers: &[f32]| {
        if !numbers.is_empty() {
            file.tensors.insert(name, Tensor::f32([numbers.len()], numbers.to_vec()));
        }
    };
    optimizer.moments.iter().enumerate().for_each(|(i, numbers)| put(moment(i), numbers));
    put(AVERAGE.to_owned(), &optimizer.average);
    put(ACCUMULATED.to_owned(), &optimizer.accumulated);
    put(BEST.to_owned(), &state.monitor.best_weights);
    // The training's, not the model's: that is of the epoch before.
    put_penalty_state(&mut file, &state.penalty);
    let standing = Standing {
        epoch: state.epoch,
        iterations: optimizer.iterations,
        momentum_product: optimizer.momentum_product,
        rate_factor: state.rate_factor.to_bits(),
        moments: optimizer.moments.len(),
        stopping: state.monitor.stopping.into(),
        plateau: state.monitor.plateau.into(),
        resting: state.monitor.resting,
        best_epoch: state.monitor.best_epoch,
    };
    let text =
        serde_json::to_string(&standing).map_err(|error| Error::io(path, "writing", std::io::Error::other(error)))?;
    file.metadata.insert(KEY.into(), text);
    Ok(file)
}

/// Reads what [`write_checkpoint`] wrote, to go on with [`taper::fit_from`].
///
/// # Errors
///
/// As [`read_model`](crate::read_model); a model file without a training; numbers that are not finite, or not as many as the model's.
pub fn read_checkpoint(path: &Path) -> Result<(Model, TrainState)> {
    read_run_checkpoint(path).map(|(model, state, _)| (model, state))
}

/// [`read_checkpoint`], and the text that [`write_run_checkpoint`] wrote.
///
/// # Errors
///
/// As [`read_checkpoint`].
pub fn read_run_checkpoint(path: &Path) -> Result<(Model, TrainState, Option<String>)> {
    let (saved, file) = read_with_state(path)?;
    let wrong = |place: &str, expected: String, got: String| Error::content(path, Complaint::new(place, expected, got));
    let Some(standing) = metadata::<Standing>(path, &file.metadata, KEY)? else {
        return Err(wrong(
            "metadata",
            "a checkpoint, which says where its training stands".into(),
            "a model alone".into(),
        ));
    };
    let fresh = OptimizerState::new(&Optimizer::sgd(), saved.model.params().slots());
    let (mut tensors, len) = (file.tensors, fresh.trained.iter().map(ExactSizeIterator::len).sum());
    if standing.moments > tensors.len() {
        return Err(wrong(KEY, format!("at most {} moments", tensors.len()), standing.moments.to_string()));
    }
    let moments = (0..standing.moments).map(|i| {
        take(path, &mut tensors, &moment(i), len)?
            .ok_or_else(|| wrong(&moment(i), format!("a tensor of {len} numbers"), "none".into()))
    });
    let moments = moments.collect::<Result<Vec<Vec<f32>>>>()?;
    let mut optional = |name: &str| take(path, &mut tensors, name, len).map(Option::unwrap_or_default);
    let optimizer = OptimizerState {
        iterations: standing.iterations,
        moments,
        momentum_product: standing.momentum_product,
        average: optional(AVERAGE)?,
        accumulated: optional(ACCUMULATED)?,
        ..fresh
    };
    let all = saved.model.params().data().len();
    let best_weights = take(path, &mut tensors, BEST, all)?.unwrap_or_default();
    if let Some(name) = tensors.keys().next() {
        return Err(wrong(
            &format!("tensor `{name}`"),
            "only parameters and the state of a training".into(),
            "another".into(),
        ));
    }
    let rate_factor = f64::from_bits(standing.rate_factor);
    if !(rate_factor.is_finite() && rate_factor >= 0.0) {
        return Err(wrong(KEY, "a finite rate_factor of at least 0".into(), rate_factor.to_string()));
    }
    let penalty: PenaltyState = saved.model.params().penalty_state().clone();
    let monitor = MonitorState {
        stopping: standing.stopping.into(),
        plateau: standing.plateau.into(),
        resting: standing.resting,
        best_epoch: standing.best_epoch,
        best_weights,
    };
    let state = TrainState { epoch: standing.epoch, optimizer, rate_factor, penalty, monitor };
    Ok((saved.model, state, file.metadata.get(RUN).cloned()))
}

/// A tensor of this length, if there is one of this name.
fn take(path: &Path, tensors: &mut BTreeMap<String, Tensor>, name: &str, len: usize) -> Result<Option<Vec<f32>>> {
    let Some(tensor) = tensors.remove(name) else { return Ok(None) };
    let numbers = tensor.into_f32();
    if numbers.len() != len || !numbers.iter().all(|x| x.is_finite()) {
        let expected = format!("{len} finite numbers");
        let got = if numbers.len() == len { "others".to_owned() } else { numbers.len().to_string() };
        return Err(Error::content(path, Complaint::new(format!("tensor `{name}`"), expected, got)));
    }
    Ok(Some(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read_model, write_model};
    use taper::{
        Anchor, Dataset, Dense, EarlyStopping, FitConfig, LearningRate, Loss, Optimizer, Quiet, ReduceLrOnPlateau,
        Regularizer, Seed, Sequential, data::make_moons, fit_from, read,
    };

    /// Everything that a training remembers: moments, an average, gathered gradients, a steered λ, an anchor, a schedule.
    #[test]
    fn a_training_goes_on_from_a_file_as_if_it_had_never_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let data = Dataset::from_sample(&make_moons(60, 0.2, 1).unwrap()).unwrap();
        let steered: Regularizer = read(serde_json::json!(
            { "mode": "proximal", "l1": { "name": "target_sparsity", "target": 0.5, "from": 1e-3 } }
        ))
        .unwrap();
        let ramp: Regularizer =
            read(serde_json::json!({ "l2": { "name": "linear", "from": 0.0, "to": 0.1, "epochs": 20 } })).unwrap();
        let mut hidden = Dense::new(7).kernel_regularizer(steered);
        hidden.bias_regularizer = Some(Regularizer::l2(0.1).anchor(Anchor::Start));
        let spec = Sequential::new([2]).layer(hidden).layer(Dense::new(1).kernel_regularizer(ramp));
        let mut nadam = Optimizer::new(taper::OptimizerKind::NADAM);
        nadam.learning_rate = LearningRate::from(0.01);
        (nadam.use_ema, nadam.ema_momentum, nadam.gradient_accumulation_steps) = (true, 0.9, Some(3));
        let plateau: ReduceLrOnPlateau =
            read(serde_json::json!({ "monitor": "loss", "patience": 2, "factor": 0.9, "min_delta": 9.0 })).unwrap();
        let stopping = EarlyStopping { monitor: "loss".into(), restore_best_weights: false, ..EarlyStopping::new(90) };
        let config = |epochs: usize| FitConfig {
            reduce_lr_on_plateau: Some(ReduceLrOnPlateau::clone(&plateau)),
            early_stopping: Some(stopping.clone()),
            ..FitConfig::new(Loss::Mse).optimizer(nadam.clone()).epochs(epochs).batch_size(16)
        };
        let go_on = |model: &mut Model, state: &mut TrainState, epochs: usize| {
            fit_from(model, state, &data, None, &config(epochs), Seed::new(1), &mut Quiet).unwrap();
        };

        let mut whole = Model::build(&spec, Seed::new(1)).unwrap();
        let mut state = TrainState::new(&whole, &config(11));
        // What a file would hold is the state between two epochs, before a training's end makes the average the weights.
        let mut saver = Saver(&path);
        fit_from(&mut whole, &mut state, &data, None, &config(11), Seed::new(1), &mut saver).unwrap();
        let (mut again, mut restored) = read_checkpoint(&path).unwrap();
        assert!(restored.epoch == 11 && restored == state && restored.penalty.steer[0][0] != 1.0);
        assert!(restored.monitor.stopping.best.is_some() && restored.rate_factor < 1.0, "{:?}", restored.monitor);
        assert_eq!(restored.penalty.start.len(), again.params().data().len());

        let mut straight = Model::build(&spec, Seed::new(1)).unwrap();
        let mut straight_state = TrainState::new(&straight, &config(30));
        go_on(&mut straight, &mut straight_state, 30);
        go_on(&mut again, &mut restored, 19);
        assert_eq!((again.params(), &restored), (straight.params(), &straight_state));

        // What the penalties stand at goes with the model, too: its penalty is what it was.
        write_model(&path, &straight).unwrap();
        let model = read_model(&path).unwrap();
        assert_eq!(model.params().penalty_at(29), straight.params().penalty_at(29));
        let error = read_checkpoint(&path).unwrap_err().to_string();
        assert!(error.contains("a model alone"), "{error}");
    }

    struct Saver<'a>(&'a Path);

    impl taper::Observer for Saver<'_> {
        fn epoch_end(
            &mut self,
            _row: &taper::EpochRow<'_>,
            model: &Model,
            state: &TrainState,
        ) -> std::result::Result<taper::Flow, Box<dyn std::error::Error + Send + Sync>> {
            write_checkpoint(self.0, model, state)?;
            Ok(taper::Flow::Continue)
        }
    }

    #[test]
    fn a_state_that_does_not_fit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let model = Model::build(&Sequential::new([2]).layer(Dense::new(1)), Seed::new(1)).unwrap();
        let state = TrainState::new(&model, &FitConfig::new(Loss::Mse));
        for (name, numbers, what) in [
            ("taper:moment_0", vec![0.0; 2], "3 finite numbers, got 2"),
            ("taper:moment_1", vec![f32::NAN; 3], "3 finite numbers"),
            ("taper:other", vec![0.0], "another"),
            ("taper:penalty_start", vec![0.0; 2], "none, or 3"),
            ("taper:penalty_steer", vec![0.0; 2], "7 for each parameter"),
        ] {
            write_checkpoint(&path, &model, &state).unwrap();
            assert!(read_checkpoint(&path).is_ok());
            let mut file = crate::read_tensors(&path).unwrap();
            file.tensors.insert(name.into(), Tensor::f32([numbers.len()], numbers));
            write_tensors(&path, &file).unwrap();
            let error = read_checkpoint(&path).unwrap_err().to_string();
            assert!(error.contains(what), "{name}: {error}");
        }
    }
}
