//! How much of a weight a penalty takes, update by update.

use crate::optimizer::{Clip, LearningRate, OptimizerKind};
use crate::regularizer::PenaltyMode;
use crate::train::FitConfig;

/// The updates of a training.
#[derive(Debug)]
pub(super) struct Course<'a> {
    pub(super) kind: OptimizerKind,
    rate: &'a LearningRate,
    pub(super) epochs: usize,
    pub(super) steps_per_epoch: Option<usize>,
    /// Batches per update.
    every: u64,
    /// How gradients are bounded.
    pub(super) clip: Option<Clip>,
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

/// The factors of a penalty in every epoch.
pub(super) struct Strengths<'a> {
    pub(super) factors: &'a dyn Fn(usize) -> Factors,
    /// The epochs at which one of them bends.
    pub(super) turns: Vec<usize>,
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
            clip: config.optimizer.clip,
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
    pub(super) fn factor(&self, scale: Scale, step: u64) -> f64 {
        let rate = self.rate.at(step);
        match scale {
            Scale::Rate(factor) | Scale::Normalized(factor) if rate > 0.0 => rate * factor,
            Scale::Shape if self.rate.peak() > 0.0 => rate / self.rate.peak(),
            _ => 0.0,
        }
    }

    /// What such a penalty does over the training; `None` if its length is unknown.
    pub(super) fn pull(&self, scale: Scale, is_proximal: bool, course: &Strengths<'_>) -> Option<Pull> {
        let mut pull = Pull::default();
        self.walk(&course.turns, course.factors, |times, step, epoch| {
            let (k, factors) = (self.factor(scale, step), (course.factors)(epoch));
            let share = if factors.relative == 0.0 { 0.0 } else { k * factors.relative };
            pull.relative += times * share;
            pull.log_left -= times * if is_proximal { share.ln_1p() } else { -(-share.min(1.0)).ln_1p() };
            if factors.absolute != 0.0 {
                pull.absolute += times * k * factors.absolute;
            }
            pull.most = pull.most.max(share);
        })?;
        Some(pull)
    }

    /// Walks through all updates in stretches: `visit(updates, step, epoch)`, with a step and its epoch that stand for the whole
    /// stretch. `turns` are the epochs at which a strength bends. `None` if the length of the training is unknown.
    ///
    /// Between bends, rate and strength stay as they are or change in one direction. Where they stay, one stretch is exact. Where
    /// they change, the first updates are taken one by one, and later ones in stretches that are short beside the time since the
    /// bend, at their middle: a bounded number, whatever the length.
    pub(super) fn walk<T: PartialEq>(
        &self,
        turns: &[usize],
        at: impl Fn(usize) -> T,
        mut visit: impl FnMut(f64, u64, usize),
    ) -> Option<()> {
        /// Updates after a bend that are taken one by one, and all of them in a training.
        const SINGLE: u64 = 50_000;
        /// The time since the bend over the length of a stretch.
        const FINE: u64 = 1024;
        let per_epoch = self.steps_per_epoch? as u64;
        let updates = per_epoch.saturating_mul(self.epochs as u64) / self.every;
        let step_of = |update: u64| (update + 1).saturating_mul(self.every) - 1;
        let first_at = |step: u64| step.saturating_add(1).div_ceil(self.every) - 1;
        let epoch_of = |update: u64| (step_of(update) / per_epoch) as usize;
        let bends = turns.iter().map(|epoch| (*epoch as u64).saturating_mul(per_epoch)).chain(self.rate.turns());
        let mut starts: Vec<u64> = bends.map(first_at).filter(|update| (1..updates).contains(update)).collect();
        starts.extend([0, updates]);
        starts.sort_unstable();
        starts.dedup();
        let single = SINGLE / starts.len() as u64;
        for ends in starts.windows(2) {
            let (start, end) = (ends[0], ends[1]);
            let (first, last) = (step_of(start), step_of(end - 1));
            let is_level = !self.rate.cycles()
                && self.rate.at(first) == self.rate.at(last)
                && at(epoch_of(start)) == at(epoch_of(end - 1));
            if is_level {
                visit((end - start) as f64, first, epoch_of(start));
                continue;
            }
            let mut update = start;
            while update < end {
                let since = update - start;
                let length = if since < single { 1 } else { (since / FINE).max(1) }.min(end - update);
                let middle = update + (length - 1) / 2;
                visit(length as f64, step_of(middle), epoch_of(middle));
                update += length;
            }
        }
        Some(())
    }

    /// k c of the first update that has one, if nothing is known of the training's length.
    pub(super) fn first_share(&self, scale: Scale, factors: Factors) -> f64 {
        if factors.relative == 0.0 { 0.0 } else { self.factor(scale, self.first_step()) * factors.relative }
    }

    /// The step of the first update.
    pub(super) fn first_step(&self) -> u64 {
        self.every - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::Schedule;
    use crate::{Loss, Optimizer};

    /// Stretches stand for their updates: beside the sum over all of them, one by one.
    #[test]
    fn a_walk_in_stretches_is_the_walk_step_by_step() {
        let schedules = [
            Schedule::ExponentialDecay {
                initial_learning_rate: 0.1,
                decay_steps: 3e4,
                decay_rate: 0.5,
                staircase: false,
            },
            Schedule::ExponentialDecay {
                initial_learning_rate: 0.1,
                decay_steps: 500.0,
                decay_rate: 0.9,
                staircase: true,
            },
            Schedule::InverseTimeDecay {
                initial_learning_rate: 0.1,
                decay_steps: 10.0,
                decay_rate: 0.5,
                staircase: false,
            },
            Schedule::PiecewiseConstantDecay { boundaries: vec![7, 90_000], values: vec![0.1, 0.2, 0.05] },
            Schedule::CosineDecay {
                initial_learning_rate: 0.0,
                decay_steps: 2e5,
                alpha: 0.1,
                warmup_target: Some(0.1),
                warmup_steps: 1000.0,
            },
            Schedule::PolynomialDecay {
                initial_learning_rate: 0.1,
                decay_steps: 1e4,
                end_learning_rate: 0.0,
                power: 2.0,
                cycle: true,
            },
        ];
        for schedule in schedules {
            for every in [None, Some(3)] {
                let mut optimizer = Optimizer::sgd().learning_rate(LearningRate::Schedule(schedule.clone()));
                optimizer.gradient_accumulation_steps = every;
                let config = FitConfig::new(Loss::Mse).optimizer(optimizer).epochs(100_000).batch_size(1);
                let course = Course::new(&config, Some(10));
                let strength =
                    crate::Strength::Piecewise { starts: vec![0, 20_000, 60_000], values: vec![0.0, 1e-7, 3e-7] };
                let factors = |epoch: usize| Factors { relative: 2.0 * strength.at(epoch), absolute: 0.0 };
                let strengths = Strengths { factors: &factors, turns: strength.turns() };
                let pull = course.pull(Scale::Rate(1.0), false, &strengths).unwrap();
                let every = every.unwrap_or(1);
                let share = |update: u64| {
                    let step = (update + 1) * every - 1;
                    config.optimizer.learning_rate.at(step) * factors((step / 10) as usize).relative
                };
                let want: f64 = (0..1_000_000 / every).map(share).sum();
                assert!((pull.relative / want - 1.0).abs() < 2e-4, "{schedule:?}: {} {want}", pull.relative);
            }
        }
    }
}
