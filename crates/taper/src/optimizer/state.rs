//! An optimizer at work.

use taper_kernels::{reduce, update};

use super::{Clip, Optimizer, OptimizerKind};
use crate::param::Params;

/// What an optimizer remembers from step to step: how many there were, and its moments, as flat as the parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState {
    /// Steps done.
    pub iterations: u64,
    /// First and second moment, or velocity and accumulator, as the kind needs them; each as long as the parameters.
    pub moments: Vec<Vec<f32>>,
}

impl OptimizerState {
    /// The state before the first step.
    #[must_use]
    pub fn new(optimizer: &Optimizer, parameters: usize) -> Self {
        let zeros = || vec![0.0; parameters];
        let moments = match optimizer.kind {
            OptimizerKind::Sgd { momentum: 0.0, .. } => vec![],
            OptimizerKind::Sgd { .. } | OptimizerKind::Rmsprop { .. } => vec![zeros()],
            OptimizerKind::Adam { .. } | OptimizerKind::AdamW { .. } => vec![zeros(), zeros()],
            OptimizerKind::Adagrad { initial_accumulator_value, .. } => {
                vec![vec![initial_accumulator_value as f32; parameters]]
            }
        };
        Self { iterations: 0, moments }
    }

    /// One step: clips `gradients`, decays and updates the trainable `params`. `rate` is the learning rate of this step.
    pub(crate) fn step(&mut self, optimizer: &Optimizer, rate: f64, params: &mut Params, gradients: &mut [f32]) {
        clip(optimizer.clip, params, gradients);
        let step = self.iterations + 1;
        let mut first = 0;
        while let Some(range) = trainable_run(params, &mut first) {
            let w = &mut params.data_mut()[range.clone()];
            if optimizer.weight_decay != 0.0 {
                update::scale(w, 1.0 - (optimizer.weight_decay * rate) as f32);
            }
            self.update(optimizer.kind, rate, step, range.clone(), w, &gradients[range]);
        }
        self.iterations = step;
    }

    fn update(
        &mut self,
        kind: OptimizerKind,
        rate: f64,
        step: u64,
        range: std::ops::Range<usize>,
        w: &mut [f32],
        g: &[f32],
    ) {
        let rate = rate as f32;
        let mut moments = self.moments.iter_mut().map(|moment| &mut moment[range.clone()]);
        match (kind, moments.next(), moments.next()) {
            (OptimizerKind::Adam { beta_1, beta_2, epsilon }, Some(m), Some(v))
            | (OptimizerKind::AdamW { beta_1, beta_2, epsilon }, Some(m), Some(v)) => {
                // In f32 and in this order, as Keras: worth 6e-6 relative at the first steps.
                let power = |beta: f64| libm::powf(beta as f32, step as f32);
                let alpha = rate * (1.0 - power(beta_2)).sqrt() / (1.0 - power(beta_1));
                update::adam(w, g, m, v, alpha, (1.0 - beta_1) as f32, (1.0 - beta_2) as f32, epsilon as f32);
            }
            (OptimizerKind::Sgd { momentum, nesterov }, Some(m), _) => {
                update::sgd_momentum(w, g, m, rate, momentum as f32, nesterov);
            }
            (OptimizerKind::Rmsprop { rho, epsilon }, Some(v), _) => {
                update::rmsprop(w, g, v, rate, rho as f32, (1.0 - rho) as f32, epsilon as f32);
            }
            (OptimizerKind::Adagrad { epsilon, .. }, Some(v), _) => update::adagrad(w, g, v, rate, epsilon as f32),
            _ => update::sgd(w, g, rate),
        }
    }
}

/// The next stretch of trainable parameters that lie side by side, from slot `first` on: one pass instead of many.
fn trainable_run(params: &Params, first: &mut usize) -> Option<std::ops::Range<usize>> {
    let slots = params.slots();
    let start = (*first..slots.len()).find(|i| slots[*i].spec.trainable)?;
    let end = (start..slots.len()).find(|i| !slots[*i].spec.trainable).unwrap_or(slots.len());
    *first = end;
    Some(slots[start].range.start..slots[end - 1].range.end)
}

fn clip(clip: Option<Clip>, params: &Params, gradients: &mut [f32]) {
    let trainable = || params.slots().iter().filter(|slot| slot.spec.trainable).map(|slot| slot.range.clone());
    match clip {
        None => {}
        Some(Clip::Value(bound)) => {
            let bound = bound as f32;
            gradients.iter_mut().for_each(|g| *g = g.clamp(-bound, bound));
        }
        Some(Clip::Norm(bound)) => {
            for range in trainable() {
                let norm = reduce::sum_squares(&gradients[range.clone()]).sqrt();
                if norm > bound {
                    update::scale(&mut gradients[range], (bound / norm) as f32);
                }
            }
        }
        Some(Clip::GlobalNorm(bound)) => {
            let norm = trainable().map(|range| reduce::sum_squares(&gradients[range])).sum::<f64>().sqrt();
            if norm > bound {
                update::scale(gradients, (bound / norm) as f32);
            }
        }
    }
}
