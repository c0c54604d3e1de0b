//! The kinds of optimizers and their settings.

#![deny(clippy::wildcard_enum_match_arm)]

use serde::{Deserialize, Serialize};

/// The kinds of optimizers.
///
/// | name | update |
/// |---|---|
/// | `sgd` | w ← w - lr g; with momentum m ← μ m - lr g, w ← w + m (Nesterov: w + μ m - lr g) |
/// | `adam`, `adam_w` | Kingma and Ba 2015; Loshchilov and Hutter 2019. See [`taper_kernels::update::adam`]; `amsgrad` (Reddi et al. 2018) divides by the largest √v so far |
/// | `adamax` | Kingma and Ba 2015: u ← max(β₂ u, \|g\|) in the place of √v. See [`taper_kernels::update::adamax`] |
/// | `nadam` | Dozat 2016: Adam with Nesterov's momentum, rising as 1 - ½ 0.96ᵗ. See [`taper_kernels::update::nadam`] |
/// | `lion` | Chen et al. 2023: w ← w - lr sign(β₁ m + (1-β₁) g), m ← β₂ m + (1-β₂) g |
/// | `rmsprop` | v ← ρ v + (1-ρ) g², w ← w - lr g / √(v + ε); `centered` takes the square of a moving mean of g off v, `momentum` μ sums up the steps, m ← μ m + step |
/// | `adagrad` | v ← v + g², w ← w - lr g / √(v + ε), v from 0.1 |
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // the table above
pub enum OptimizerKind {
    Sgd {
        /// How much of the last step is taken again, from 0 up to 1.
        #[serde(default)]
        momentum: f64,
        /// Whether the gradient is taken where the momentum leads (Nesterov 1983).
        #[serde(default)]
        nesterov: bool,
    },
    Adam {
        /// How much of the moving mean of gradients stays after a step, from 0 up to 1.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// How much of the moving mean of squared gradients stays after a step (in `lion`: of the gradients' mean), from 0 up to 1.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Keeps the division away from 0; above 0.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Whether the largest second moment so far divides (Reddi et al. 2018).
        #[serde(default)]
        amsgrad: bool,
    },
    #[serde(alias = "adamw")]
    AdamW {
        /// How much of the moving mean of gradients stays after a step, from 0 up to 1.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// How much of the moving mean of squared gradients stays after a step (in `lion`: of the gradients' mean), from 0 up to 1.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Keeps the division away from 0; above 0.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Whether the largest second moment so far divides (Reddi et al. 2018).
        #[serde(default)]
        amsgrad: bool,
    },
    Adamax {
        /// How much of the moving mean of gradients stays after a step, from 0 up to 1.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// How much of the moving mean of squared gradients stays after a step (in `lion`: of the gradients' mean), from 0 up to 1.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Keeps the division away from 0; above 0.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    Nadam {
        /// How much of the moving mean of gradients stays after a step, from 0 up to 1.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// How much of the moving mean of squared gradients stays after a step (in `lion`: of the gradients' mean), from 0 up to 1.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Keeps the division away from 0; above 0.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    Lion {
        /// How much of the moving mean of gradients stays after a step, from 0 up to 1.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// How much of the moving mean of squared gradients stays after a step (in `lion`: of the gradients' mean), from 0 up to 1.
        #[serde(default = "lion_beta_2")]
        beta_2: f64,
    },
    #[serde(alias = "rms_prop")]
    Rmsprop {
        /// How much of the moving mean of squared gradients stays after a step, from 0 up to 1.
        #[serde(default = "beta_1")]
        rho: f64,
        /// How much of the last step is taken again, from 0 up to 1.
        #[serde(default)]
        momentum: f64,
        /// Keeps the division away from 0; above 0.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Whether the square of a moving mean of gradients is taken off the second moment.
        #[serde(default)]
        centered: bool,
    },
    Adagrad {
        /// Where the sum of squared gradients begins, at least 0.
        #[serde(default = "initial_accumulator_value")]
        initial_accumulator_value: f64,
        /// Keeps the division away from 0; above 0.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
}

fn beta_1() -> f64 {
    0.9
}
fn beta_2() -> f64 {
    0.999
}
fn lion_beta_2() -> f64 {
    0.99
}
fn epsilon() -> f64 {
    1e-7
}
fn initial_accumulator_value() -> f64 {
    0.1
}

impl OptimizerKind {
    /// Gradient descent without momentum.
    pub const SGD: Self = Self::Sgd { momentum: 0.0, nesterov: false };
    /// Adam: β₁ 0.9, β₂ 0.999, ε 1e-7.
    pub const ADAM: Self = Self::Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false };
    /// Adam for decoupled weight decay.
    pub const ADAM_W: Self = Self::AdamW { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false };
    /// Adamax: β₁ 0.9, β₂ 0.999, ε 1e-7.
    pub const ADAMAX: Self = Self::Adamax { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
    /// Nadam: β₁ 0.9, β₂ 0.999, ε 1e-7.
    pub const NADAM: Self = Self::Nadam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
    /// Lion: β₁ 0.9, β₂ 0.99.
    pub const LION: Self = Self::Lion { beta_1: 0.9, beta_2: 0.99 };
    /// RMSprop: ρ 0.9, ε 1e-7, without momentum, not centered.
    pub const RMSPROP: Self = Self::Rmsprop { rho: 0.9, momentum: 0.0, epsilon: 1e-7, centered: false };
    /// Adagrad: accumulator from 0.1, ε 1e-7.
    pub const ADAGRAD: Self = Self::Adagrad { initial_accumulator_value: 0.1, epsilon: 1e-7 };

    /// What it remembers of every parameter, under Keras's names: the groups one after the other are the order of
    /// [`OptimizerState::moments`](crate::OptimizerState::moments). Keras stores group after group; within one, all moments
    /// of the first parameter, then all of the second.
    #[must_use]
    pub fn moments(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Sgd { momentum: 0.0, .. } => &[],
            Self::Sgd { .. } | Self::Lion { .. } => &[&["momentum"]],
            Self::Adam { amsgrad: false, .. } | Self::AdamW { amsgrad: false, .. } | Self::Nadam { .. } => {
                &[&["momentum", "velocity"]]
            }
            Self::Adam { .. } | Self::AdamW { .. } => &[&["momentum", "velocity"], &["velocity_hat"]],
            Self::Adamax { .. } => &[&["momentum", "norm"]],
            Self::Rmsprop { momentum: 0.0, centered: false, .. } => &[&["velocity"]],
            Self::Rmsprop { centered: false, .. } => &[&["velocity"], &["momentum"]],
            Self::Rmsprop { momentum: 0.0, .. } => &[&["velocity"], &["average_gradient"]],
            Self::Rmsprop { .. } => &[&["velocity"], &["momentum"], &["average_gradient"]],
            Self::Adagrad { .. } => &[&["accumulator"]],
        }
    }

    /// Keras's default learning rate and weight decay.
    pub(super) fn rate_and_decay(self) -> (f64, f64) {
        match self {
            Self::Sgd { .. } => (0.01, 0.0),
            Self::AdamW { .. } => (0.001, 0.004),
            Self::Adam { .. }
            | Self::Adamax { .. }
            | Self::Nadam { .. }
            | Self::Lion { .. }
            | Self::Rmsprop { .. }
            | Self::Adagrad { .. } => (0.001, 0.0),
        }
    }

    /// Whether a steady gradient moves all weights by the same step.
    pub(super) fn moves_all_alike(self) -> bool {
        match self {
            Self::Sgd { .. } => true,
            Self::Adam { .. }
            | Self::AdamW { .. }
            | Self::Adamax { .. }
            | Self::Nadam { .. }
            | Self::Lion { .. }
            | Self::Rmsprop { .. }
            | Self::Adagrad { .. } => false,
        }
    }

    /// How much of a step goes into the next, where steps are summed up.
    pub(super) fn momentum(self) -> Option<f64> {
        match self {
            Self::Sgd { momentum, .. } | Self::Rmsprop { momentum, .. } => Some(momentum),
            Self::Adam { .. }
            | Self::AdamW { .. }
            | Self::Adamax { .. }
            | Self::Nadam { .. }
            | Self::Lion { .. }
            | Self::Adagrad { .. } => None,
        }
    }

    /// Tells `check(key, good, expected, got)` of every setting.
    pub(super) fn validate(self, mut check: impl FnMut(&str, bool, &str, f64)) {
        let mut share =
            |key: &str, x: f64| check(key, (0.0..1.0).contains(&x), "a number of at least 0 and below 1", x);
        match self {
            Self::Adam { beta_1, beta_2, .. }
            | Self::AdamW { beta_1, beta_2, .. }
            | Self::Adamax { beta_1, beta_2, .. }
            | Self::Nadam { beta_1, beta_2, .. }
            | Self::Lion { beta_1, beta_2 } => {
                share("beta_1", beta_1);
                share("beta_2", beta_2);
            }
            Self::Rmsprop { rho, .. } => share("rho", rho),
            Self::Sgd { .. } | Self::Adagrad { .. } => {}
        }
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        match self {
            Self::Adam { epsilon, .. }
            | Self::AdamW { epsilon, .. }
            | Self::Adamax { epsilon, .. }
            | Self::Nadam { epsilon, .. }
            | Self::Rmsprop { epsilon, .. }
            | Self::Adagrad { epsilon, .. } => {
                check("epsilon", not_negative(epsilon), "a finite number of at least 0", epsilon);
            }
            Self::Sgd { .. } | Self::Lion { .. } => {}
        }
        match self {
            Self::Sgd { momentum, .. } | Self::Rmsprop { momentum, .. } => {
                check("momentum", (0.0..=1.0).contains(&momentum), "a number from 0 to 1", momentum);
            }
            Self::Adagrad { initial_accumulator_value: value, .. } => {
                check("initial_accumulator_value", not_negative(value), "a finite number of at least 0", value);
            }
            Self::Adam { .. } | Self::AdamW { .. } | Self::Adamax { .. } | Self::Nadam { .. } | Self::Lion { .. } => {}
        }
    }
}
