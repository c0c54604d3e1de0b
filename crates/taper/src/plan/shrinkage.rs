//! How much of a weight a penalty takes, update by update.

use crate::optimizer::{LearningRate, OptimizerKind};
use crate::regularizer::PenaltyMode;
use crate::train::FitConfig;

/// More updates than this are sampled.
const MOST_UPDATES: u64 = 1_000_000;

/// The updates of a training.
#[derive(Debug)]
pub(super) struct Course<'a> {
    pub(super) kind: OptimizerKind,
    rate: &'a LearningRate,
    pub(super) epochs: usize,
    pub(super) steps_per_epoch: Option<usize>,
    /// Batches per update.
    every: u64,
}

/// What becomes of a gradient in one update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// It is multiplied by the learning rate and this.
    Rate(f64),
    /// It is multiplied by the learning rate over the schedule's largest.
    Shape,
    /// The optimizer divides it by something that depends on the data; it is multiplied by the learning rate and at most this.
    Normalized(f64),
}

/// What a penalty does over a whole training, to a weight that the data leave alone.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Pull {
    /// Σ k c: in units of which a weight has been forgotten once.
    pub(super) relative: f64,
    /// Σ ln(1 - k c): the logarithm of what is left.
    pub(super) log_left: f64,
    /// Σ k λ of penalties that take the same off every weight.
    pub(super) absolute: f64,
    /// The largest k c of one update.
    pub(super) most: f64,
}

/// The factors of a penalty's gradient in one epoch: c of c·w, and λ of λ sign(w).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Factors {
    pub(super) relative: f64,
    pub(super) absolute: f64,
}

impl<'a> Course<'a> {
    pub(super) fn new(config: &'a FitConfig, rows: Option<usize>) -> Self {
        Self {
            kind: config.optimizer.kind,
            rate: &config.optimizer.learning_rate,
            epochs: config.epochs,
            steps_per_epoch: rows.map(|rows| rows.div_ceil(config.batch_size.max(1)).max(1)),
            every: config.optimizer.gradient_accumulation_steps.unwrap_or(1).max(1),
        }
    }

    /// What becomes of the gradient of a penalty of this mode.
    pub(super) fn scale(&self, mode: PenaltyMode) -> Scale {
        use OptimizerKind::{Adagrad, Adam, AdamW, Adamax, Lion, Nadam, Rmsprop, Sgd};
        match (mode, self.kind) {
            (PenaltyMode::Decoupled, _) => Scale::Rate(1.0),
            (PenaltyMode::Independent, _) => Scale::Shape,
            (_, Sgd { momentum, .. }) => Scale::Rate(1.0 / (1.0 - momentum)),
            (_, Adam { epsilon, .. } | AdamW { epsilon, .. } | Adamax { epsilon, .. } | Nadam { epsilon, .. }) => {
                Scale::Normalized(1.0 / epsilon)
            }
            (_, Rmsprop { epsilon, momentum, .. }) => Scale::Normalized(1.0 / epsilon.sqrt() / (1.0 - momentum)),
            (_, Adagrad { epsilon, initial_accumulator_value }) => {
                Scale::Normalized(1.0 / (epsilon + initial_accumulator_value).sqrt())
            }
            // The sign of a gradient however small is a whole step.
            (_, Lion { .. }) => Scale::Normalized(f64::INFINITY),
        }
    }

    /// What a gradient of 1 moves a weight by in the update at this step (batch); for [`Scale::Normalized`], at most.
    fn factor(&self, scale: Scale, step: u64) -> f64 {
        let rate = self.rate.at(step);
        match scale {
            Scale::Rate(factor) | Scale::Normalized(factor) if rate > 0.0 => rate * factor,
            Scale::Shape if self.rate.peak() > 0.0 => rate / self.rate.peak(),
            _ => 0.0,
        }
    }

    /// What such a penalty does over the training; `None` if its length is unknown.
    pub(super) fn pull(&self, scale: Scale, is_proximal: bool, factors: &dyn Fn(usize) -> Factors) -> Option<Pull> {
        let per_epoch = self.steps_per_epoch? as u64;
        let updates = (per_epoch * self.epochs as u64) / self.every;
        let stride = updates.div_ceil(MOST_UPDATES).max(1);
        let mut pull = Pull::default();
        let mut update = 0;
        while update < updates {
            let times = stride.min(updates - update) as f64;
            let step = (update + 1) * self.every - 1;
            let (k, factors) = (self.factor(scale, step), factors((step / per_epoch) as usize));
            let share = if factors.relative == 0.0 { 0.0 } else { k * factors.relative };
            pull.relative += times * share;
            pull.log_left -= times * if is_proximal { share.ln_1p() } else { -(-share.min(1.0)).ln_1p() };
            if factors.absolute != 0.0 {
                pull.absolute += times * k * factors.absolute;
            }
            pull.most = pull.most.max(share);
            update += stride;
        }
        Some(pull)
    }

    /// k c of the first update that has one, if nothing is known of the training's length.
    pub(super) fn first_share(&self, scale: Scale, factors: Factors) -> f64 {
        if factors.relative == 0.0 { 0.0 } else { self.factor(scale, self.every - 1) * factors.relative }
    }
}
