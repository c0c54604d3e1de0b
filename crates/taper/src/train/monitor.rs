//! What early stopping and the plateau remember while a training runs.

use super::config::FitConfig;
use super::fit::TrainState;
use super::history::StopReason;
use crate::model::Model;
use crate::{Complaint, Complaints, Result};

/// What early stopping and the plateau remember from epoch to epoch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MonitorState {
    /// What early stopping has seen.
    pub stopping: Watched,
    /// What the plateau has seen.
    pub plateau: Watched,
    /// Epochs for which the plateau still rests.
    pub resting: usize,
    /// The epoch that was best for early stopping, from 0.
    pub best_epoch: usize,
    /// The weights after it, if they are to come back; else empty.
    pub best_weights: Vec<f32>,
}

/// The best value of a column so far, and how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Watched {
    /// The best value; none before the first.
    pub best: Option<f64>,
    /// Epochs since then.
    pub waited: usize,
}

/// Early stopping and the plateau as they are set; what they remember is in [`TrainState`].
pub(super) struct Monitor<'a> {
    config: &'a FitConfig,
    stopping: Option<Watch>,
    plateau: Option<Watch>,
}

impl<'a> Monitor<'a> {
    pub(super) fn new(config: &'a FitConfig, names: &[String]) -> Result<Self> {
        let mut complaints = Complaints::new();
        let mut watch = |key: &str, monitor: Option<(&String, f64)>| {
            let (monitor, min_delta) = monitor?;
            match names.iter().position(|name| name == monitor) {
                Some(column) => Some(Watch::new(column, config.maximizes(monitor), min_delta)),
                None => {
                    let complaint = Complaint::new(
                        format!("fit.{key}.monitor"),
                        format!("one of {}", crate::table::list(names)),
                        format!("`{monitor}`"),
                    );
                    complaints.push(if monitor.starts_with("val_") {
                        complaint.help("there are no validation rows")
                    } else {
                        complaint
                    });
                    None
                }
            }
        };
        let stopping = config.early_stopping.as_ref().map(|settings| (&settings.monitor, settings.min_delta));
        let stopping = watch("early_stopping", stopping);
        let plateau = config.reduce_lr_on_plateau.as_ref().map(|settings| (&settings.monitor, settings.min_delta));
        let plateau = watch("reduce_lr_on_plateau", plateau);
        complaints.finish()?;
        Ok(Self { config, stopping, plateau })
    }

    pub(super) fn epoch_end(
        &self,
        epoch: usize,
        row: &[f64],
        model: &Model,
        state: &mut TrainState,
    ) -> Option<StopReason> {
        let seen = &mut state.monitor;
        if let (Some(watch), Some(settings)) = (&self.plateau, &self.config.reduce_lr_on_plateau) {
            seen.resting = seen.resting.saturating_sub(1);
            watch.see(&mut seen.plateau, row[watch.column]);
            if seen.resting > 0 {
                seen.plateau.waited = 0;
            }
            if seen.plateau.is_over(settings.patience) {
                let rate = self.config.optimizer.learning_rate.at(state.optimizer.iterations);
                let wanted = (rate * state.rate_factor * settings.factor).max(settings.min_lr);
                if rate > 0.0 && wanted < rate * state.rate_factor {
                    state.rate_factor = wanted / rate;
                }
                seen.resting = settings.cooldown;
                seen.plateau.waited = 0;
            }
        }
        let (watch, settings) = (self.stopping.as_ref()?, self.config.early_stopping.as_ref()?);
        if epoch < settings.start_from_epoch {
            return None;
        }
        if watch.see(&mut seen.stopping, row[watch.column]) {
            seen.best_epoch = epoch;
            if settings.restore_best_weights {
                seen.best_weights.clear();
                seen.best_weights.extend_from_slice(model.params().data());
            }
        }
        self.ended(state)
    }

    /// Whether early stopping has seen enough.
    pub(super) fn ended(&self, state: &TrainState) -> Option<StopReason> {
        let (settings, seen) = (self.config.early_stopping.as_ref()?, &state.monitor);
        seen.stopping.is_over(settings.patience).then_some(StopReason::EarlyStopped { best_epoch: seen.best_epoch })
    }

    pub(super) fn restore(&self, model: &mut Model, state: &TrainState) {
        if self.stopping.is_some() && !state.monitor.best_weights.is_empty() {
            model.params.data_mut().copy_from_slice(&state.monitor.best_weights);
        }
    }
}

/// Which column of the history is watched, and how.
#[derive(Debug, Clone)]
struct Watch {
    /// Position of the column in a row of the history.
    column: usize,
    maximize: bool,
    min_delta: f64,
}

impl Watch {
    fn new(column: usize, maximize: bool, min_delta: f64) -> Self {
        Self { column, maximize, min_delta }
    }

    /// Looks at a value; says whether it is the best so far. NaN never is.
    fn see(&self, seen: &mut Watched, value: f64) -> bool {
        let better = match seen.best {
            None if self.maximize => value > f64::NEG_INFINITY,
            None => value < f64::INFINITY,
            Some(best) if self.maximize => value > best + self.min_delta,
            Some(best) => value < best - self.min_delta,
        };
        if better {
            *seen = Watched { best: Some(value), waited: 0 };
        } else {
            seen.waited += 1;
        }
        better
    }
}

impl Watched {
    /// Whether so many values, and at least one, were no better than the best.
    fn is_over(&self, patience: usize) -> bool {
        self.waited >= patience.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dense, EarlyStopping, Loss, ReduceLrOnPlateau, Seed, Sequential};

    const VALUES: [f64; 20] =
        [5.0, 4.0, 4.5, 4.2, 3.9, 4.0, 4.1, 3.8, 3.8, 3.85, 3.9, 3.7, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0];

    /// When a training with these values stops, if it does, and what its learning rate is multiplied by after each epoch.
    fn run(config: &FitConfig) -> (Option<(usize, StopReason)>, Vec<f64>) {
        let model = Model::build(&Sequential::new([1]).layer(Dense::new(1)), Seed::new(1)).unwrap();
        let mut state = TrainState::new(&model, config);
        let monitor = Monitor::new(config, &["v".to_owned()]).unwrap();
        let mut factors = Vec::new();
        for (epoch, value) in VALUES.iter().enumerate() {
            if let Some(reason) = monitor.epoch_end(epoch, &[*value], &model, &mut state) {
                return (Some((epoch, reason)), factors);
            }
            factors.push(state.rate_factor);
        }
        (None, factors)
    }

    /// Against `keras.callbacks.EarlyStopping("v", patience, min_delta, start_from_epoch=..., mode="min")` of Keras 3.15: the epoch
    /// it stops in, and the best one.
    #[test]
    fn stops_when_keras_does() {
        for (patience, min_delta, start_from_epoch, stopped, best_epoch) in [
            (0, 0.0, 0, 2, 1),
            (1, 0.0, 0, 2, 1),
            (2, 0.0, 0, 3, 1),
            (3, 0.0, 0, 10, 7),
            (5, 0.0, 0, 16, 11),
            (2, 0.3, 0, 3, 1),
            (1, 0.0, 6, 8, 7),
        ] {
            let stopping =
                EarlyStopping { monitor: "v".to_owned(), min_delta, start_from_epoch, ..EarlyStopping::new(patience) };
            let config = FitConfig { early_stopping: Some(stopping), ..FitConfig::new(Loss::Mse) };
            assert_eq!(run(&config).0, Some((stopped, StopReason::EarlyStopped { best_epoch })), "patience {patience}");
        }
    }

    /// Against `keras.callbacks.ReduceLROnPlateau("v", factor=0.5, patience, cooldown=..., mode="min")` of Keras 3.15: how often the
    /// rate of 1 has been halved.
    #[test]
    fn reduces_when_keras_does() {
        let plateau = |patience, cooldown, min_lr| {
            let text = format!(
                r#"{{ "monitor": "v", "factor": 0.5, "patience": {patience}, "cooldown": {cooldown}, "min_lr": {min_lr} }}"#
            );
            let plateau: ReduceLrOnPlateau = serde_json::from_str(&text).unwrap();
            let config = FitConfig::new(Loss::Mse)
                .optimizer(serde_json::from_str(r#"{"name": "sgd", "learning_rate": 1.0}"#).unwrap());
            run(&FitConfig { reduce_lr_on_plateau: Some(plateau), ..config }).1
        };
        for (patience, cooldown, halved) in [
            (0, 0, [0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
            (1, 0, [0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
            (2, 0, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7]),
            (2, 1, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7]),
            (1, 2, [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]),
            (3, 2, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3]),
        ] {
            assert_eq!(plateau(patience, cooldown, 0.0), halved.map(|n: i32| 0.5f64.powi(n)), "{patience} {cooldown}");
        }
        assert_eq!(plateau(1, 0, 0.2)[..7], [1.0, 1.0, 0.5, 0.25, 0.25, 0.2, 0.2]);
    }
}
