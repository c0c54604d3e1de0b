//! What an optimizer does to weights in one step, wherever they lie.

#![deny(clippy::wildcard_enum_match_arm)]

use taper_kernels::penalized::Adam;
use taper_kernels::{step, update};

use super::OptimizerKind;
use crate::param::{Moments, PenaltyOnWeights, Step};

/// Update number so-and-so of an optimizer.
pub(super) struct OwnStep {
    kind: OptimizerKind,
    rate: f32,
    /// Adam's rate with both bias corrections; Adamax's 1-β₁ᵗ.
    alpha: f32,
    nadam: update::Nadam,
}

impl OwnStep {
    /// In f32 and in this order, as Keras: worth 6e-6 relative at the first steps. `step` counts from 1.
    pub(super) fn new(kind: OptimizerKind, rate: f32, step: u64, momentum_product: &mut f32) -> Self {
        let mut own = Self { kind, rate, alpha: rate, nadam: update::Nadam::default() };
        match kind {
            OptimizerKind::Adam { beta_1, beta_2, .. } | OptimizerKind::AdamW { beta_1, beta_2, .. } => {
                own.alpha = rate * rest(beta_2, step).sqrt() / rest(beta_1, step);
            }
            OptimizerKind::Adamax { beta_1, .. } => own.alpha = rest(beta_1, step),
            OptimizerKind::Nadam { beta_1, beta_2, .. } => {
                let momentum = |step: u64| beta_1 as f32 * (1.0 - 0.5 * power(0.96, step));
                *momentum_product = *momentum_product * beta_1 as f32 * (1.0 - 0.5 * power(0.96, step));
                own.nadam = update::Nadam {
                    next_momentum: momentum(step + 1),
                    next_rest: 1.0 - *momentum_product * momentum(step + 1),
                    weight: 1.0 - momentum(step),
                    rest: 1.0 - *momentum_product,
                    second_rest: rest(beta_2, step),
                };
            }
            OptimizerKind::Sgd { .. }
            | OptimizerKind::Lion { .. }
            | OptimizerKind::Rmsprop { .. }
            | OptimizerKind::Adagrad { .. } => {}
        }
        own
    }
}

/// The power of the base's `f32`, rounded once: by squaring, which takes a fraction of the time of a general power.
fn power(base: f64, mut exponent: u64) -> f32 {
    let (mut square, mut power) = (f64::from(base as f32), 1.0);
    while exponent > 0 {
        if exponent % 2 == 1 {
            power *= square;
        }
        square *= square;
        exponent /= 2;
    }
    power as f32
}

/// 1-βᵗ.
fn rest(beta: f64, step: u64) -> f32 {
    1.0 - power(beta, step)
}

impl Step for OwnStep {
    fn update(&self, g: &[f32], w: &mut [f32], moments: &mut Moments<'_>) {
        let (rate, alpha) = (self.rate, self.alpha);
        match (self.kind, moments) {
            (
                OptimizerKind::Adam { beta_1, beta_2, epsilon, amsgrad }
                | OptimizerKind::AdamW { beta_1, beta_2, epsilon, amsgrad },
                [m, v, h],
            ) => {
                let (rest_1, rest_2) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
                if amsgrad {
                    update::adam_amsgrad(w, g, m, v, h, alpha, rest_1, rest_2, epsilon as f32);
                } else {
                    update::adam(w, g, m, v, alpha, rest_1, rest_2, epsilon as f32);
                }
            }
            (OptimizerKind::Adamax { beta_1, beta_2, epsilon }, [m, u, _]) => {
                update::adamax(w, g, m, u, rate, alpha, (1.0 - beta_1) as f32, beta_2 as f32, epsilon as f32);
            }
            (OptimizerKind::Nadam { beta_1, beta_2, epsilon }, [m, v, _]) => {
                update::nadam(w, g, m, v, rate, self.nadam, 1.0 - beta_1 as f32, 1.0 - beta_2 as f32, epsilon as f32);
            }
            (OptimizerKind::Lion { beta_1, beta_2 }, [m, ..]) => {
                update::lion(w, g, m, rate, beta_1 as f32, beta_2 as f32);
            }
            (OptimizerKind::Sgd { momentum: 0.0, .. }, _) => update::sgd(w, g, rate),
            (OptimizerKind::Sgd { momentum, nesterov }, [m, ..]) => {
                update::sgd_momentum(w, g, m, rate, momentum as f32, nesterov);
            }
            (OptimizerKind::Rmsprop { rho, momentum: 0.0, epsilon, centered: false }, [v, ..]) => {
                update::rmsprop(w, g, v, rate, rho as f32, (1.0 - rho) as f32, epsilon as f32);
            }
            (OptimizerKind::Rmsprop { rho, momentum, epsilon, .. }, [v, second, third]) => {
                // Without momentum, the mean is the second.
                let (m, mean): (&mut [f32], &mut [f32]) =
                    if momentum == 0.0 { (third, second) } else { (second, third) };
                let rest = (1.0 - rho) as f32;
                update::rmsprop_full(w, g, v, m, mean, rate, momentum as f32, rho as f32, rest, epsilon as f32);
            }
            (OptimizerKind::Adagrad { epsilon, .. }, [v, ..]) => update::adagrad(w, g, v, rate, epsilon as f32),
        }
    }

    fn update_with_steps(&self, g: &[f32], w: &mut [f32], moments: &mut Moments<'_>, steps: &mut [f32]) {
        match (self.kind, &mut *moments) {
            (
                OptimizerKind::Adam { beta_1, beta_2, epsilon, amsgrad: false }
                | OptimizerKind::AdamW { beta_1, beta_2, epsilon, amsgrad: false },
                [m, v, _],
            ) => {
                let (rest_1, rest_2) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
                update::adam_with_steps(w, g, m, v, steps, self.alpha, rest_1, rest_2, epsilon as f32);
            }
            _ => {
                self.update(g, w, moments);
                self.steps(moments, steps);
            }
        }
    }

    fn update_penalized(
        &self,
        penalty: PenaltyOnWeights<'_>,
        g: &[f32],
        w: &mut [f32],
        moments: &mut Moments<'_>,
    ) -> Option<f64> {
        let (OptimizerKind::Adam { beta_1, beta_2, epsilon, amsgrad: false }
        | OptimizerKind::AdamW { beta_1, beta_2, epsilon, amsgrad: false }) = self.kind
        else {
            return None;
        };
        let (rest_1, rest_2) = ((1.0 - beta_1) as f32, (1.0 - beta_2) as f32);
        let adam = Adam { alpha: self.alpha, rest_1, rest_2, epsilon: epsilon as f32 };
        let ([m, v, _], PenaltyOnWeights { rho, own, way }) = (moments, penalty);
        Some(adam.update(rho, own, way, w, g, m, v))
    }

    fn steps(&self, moments: &Moments<'_>, steps: &mut [f32]) {
        let (rate, [first, second, third]) = (self.rate, moments);
        match self.kind {
            OptimizerKind::Sgd { momentum, .. } => steps.fill(rate / (1.0 - momentum as f32)),
            OptimizerKind::Adam { epsilon, amsgrad, .. } | OptimizerKind::AdamW { epsilon, amsgrad, .. } => {
                step::adaptive(if amsgrad { third } else { second }, steps, self.alpha, 1.0, epsilon as f32);
            }
            OptimizerKind::Nadam { epsilon, .. } => {
                step::adaptive(second, steps, rate, self.nadam.second_rest, epsilon as f32);
            }
            OptimizerKind::Adamax { epsilon, .. } => step::infinity(second, steps, rate / self.alpha, epsilon as f32),
            OptimizerKind::Lion { .. } => step::signed(first, steps, rate),
            OptimizerKind::Rmsprop { momentum, epsilon, centered, .. } => {
                let rate = rate / (1.0 - momentum as f32);
                match if momentum == 0.0 { second } else { third } {
                    mean if centered => step::centered(first, mean, steps, rate, epsilon as f32),
                    _ => step::rooted(first, steps, rate, epsilon as f32),
                }
            }
            OptimizerKind::Adagrad { epsilon, .. } => step::rooted(first, steps, rate, epsilon as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_f32() {
        for base in [0.0, 0.5, 0.9, 0.96, 0.99, 0.999, 0.9999] {
            for step in (0..40_000).chain([180_000, 180_001, 1 << 40]) {
                let want = libm::pow(f64::from(base as f32), step as f64);
                let difference = (f64::from(power(base, step)) - want).abs();
                let one_place = (want * f64::from(f32::EPSILON)).max(f64::from(f32::from_bits(1)));
                assert!(difference <= one_place, "{base} {step}: {difference:e} of {want:e}");
            }
        }
    }
}
