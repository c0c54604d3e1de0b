//! What a model is trained to make small.

#![deny(clippy::wildcard_enum_match_arm)]

mod fact;

pub(crate) use fact::Wants;

use serde::{Deserialize, Serialize};
use taper_kernels::lane::{exp_scalar, ln_1p_scalar, sigmoid_scalar, tanh_scalar};

use crate::spelling::named;

/// A loss: the mean over a batch of a number per row. Names and formulas are Keras's.
///
/// With y the target, p the prediction, and the mean over the last dimension where there is one:
///
/// | name | per row | gradient in p |
/// |---|---|---|
/// | `binary_crossentropy` | mean of -(y ln p + (1-y) ln(1-p)) | (p - y) / (p (1-p)) / n |
/// | `categorical_crossentropy` | -Σ y ln(p / Σp) | see below |
/// | `sparse_categorical_crossentropy` | -ln p\[y\], y a class id | see below |
/// | `mse` | mean of (p - y)² | 2 (p - y) / n |
/// | `mae` | mean of \|p - y\| | sign(p - y) / n |
/// | `huber` | mean of ½e² for \|e\| <= delta, else delta(\|e\| - ½delta) | clamp(e, ±delta) / n |
/// | `hinge` | mean of max(0, 1 - y p), y in ±1 (0 counts as -1) | -y / n where 1 - y p > 0 |
/// | `squared_hinge` | mean of max(0, 1 - y p)², likewise | -2 y max(0, 1 - y p) / n |
/// | `categorical_hinge` | max(0, 1 + max((1-y) p) - Σ y p) | (1-y) at the maximum, - y |
/// | `log_cosh` | mean of ln cosh(p - y) | tanh(p - y) / n |
/// | `kl_divergence` | Σ y ln(y / p), both clipped to \[1e-7, 1\] | -y / p |
/// | `poisson` | mean of p - y ln(p + 1e-7) | (1 - y / (p + 1e-7)) / n |
/// | `msle` | mean of (ln(1+p) - ln(1+y))², both at least 1e-7 | 2 (ln(1+p) - ln(1+y)) / (1+p) / n |
/// | `mape` | 100 · mean of \|y - p\| / max(\|y\|, 1e-7) | 100 sign(p - y) / max(\|y\|, 1e-7) / n |
/// | `cosine_similarity` | -cos of the angle between y and p, from -1 (same direction) to 1 | (cos · p/\|p\| - y/\|y\|) / \|p\| |
///
/// A model that ends in a sigmoid (softmax) has its binary (categorical) cross-entropy computed from the *logits* before
/// it, exactly and without clipping, as TensorFlow does: max(z, 0) - z y + ln(1 + e^-|z|), gradient sigmoid(z) - y; and
/// ln Σe^z - z\[y\], gradient softmax(z) - y. Otherwise probabilities are clipped to [1e-7, 1 - 1e-7]. `from_logits` says
/// that the model's output *is* the logits. `label_smoothing` s replaces y by y (1-s) + s/2 (binary) or + s/classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // the table above
pub enum Loss {
    BinaryCrossentropy {
        /// Whether the model's output is the logits, not probabilities.
        #[serde(default)]
        from_logits: bool,
        /// How far targets are moved towards all classes alike, from 0 to 1.
        #[serde(default)]
        label_smoothing: f64,
    },
    CategoricalCrossentropy {
        /// Whether the model's output is the logits, not probabilities.
        #[serde(default)]
        from_logits: bool,
        /// How far targets are moved towards all classes alike, from 0 to 1.
        #[serde(default)]
        label_smoothing: f64,
    },
    SparseCategoricalCrossentropy {
        /// Whether the model's output is the logits, not probabilities.
        #[serde(default)]
        from_logits: bool,
    },
    #[serde(alias = "mean_squared_error")]
    Mse,
    #[serde(alias = "mean_absolute_error")]
    Mae,
    Huber {
        /// Where the parabola becomes a line, above 0.
        #[serde(default = "one")]
        delta: f64,
    },
    Hinge,
    SquaredHinge,
    CategoricalHinge,
    #[serde(alias = "logcosh")]
    LogCosh,
    #[serde(alias = "kullback_leibler_divergence", alias = "kld")]
    KlDivergence,
    Poisson,
    #[serde(alias = "mean_squared_logarithmic_error")]
    Msle,
    #[serde(alias = "mean_absolute_percentage_error")]
    Mape,
    CosineSimilarity,
}
named!(Loss);

fn one() -> f64 {
    1.0
}

/// Keras's `epsilon()`: how far probabilities stay from 0 and 1.
const EPSILON: f32 = 1e-7;

/// What stands at the end of a model, for losses that would rather have the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// Nothing in particular.
    Plain,
    /// A sigmoid; its input is at hand.
    Sigmoid,
    /// A softmax; its input is at hand.
    Softmax,
}

impl Loss {
    /// Binary cross-entropy of probabilities.
    pub const BINARY_CROSSENTROPY: Self = Self::BinaryCrossentropy { from_logits: false, label_smoothing: 0.0 };
    /// Categorical cross-entropy of probabilities, one-hot targets.
    pub const CATEGORICAL_CROSSENTROPY: Self =
        Self::CategoricalCrossentropy { from_logits: false, label_smoothing: 0.0 };
    /// Categorical cross-entropy of probabilities, class ids as targets.
    pub const SPARSE_CATEGORICAL_CROSSENTROPY: Self = Self::SparseCategoricalCrossentropy { from_logits: false };

    /// The loss of each row and, where `dp` is not empty, the gradient of `Σ weight · row loss`.
    ///
    /// `p` holds rows of `classes` numbers: logits if `logits`, else the model's output. `y` holds rows of `classes`, or one
    /// class id per row if [sparse](Self::is_sparse). `weights` has one factor per row (already divided by the batch size).
    /// Returns Σ weight · row loss.
    pub(crate) fn rows(
        self,
        logits: bool,
        classes: usize,
        p: &[f32],
        y: &[f32],
        weights: &[f32],
        dp: &mut [f32],
    ) -> f64 {
        if let Self::BinaryCrossentropy { from_logits, label_smoothing: 0.0 } = self
            && (logits || from_logits)
            && classes == 1
        {
            return taper_kernels::crossentropy::binary(p, y, weights, dp);
        }
        let gradient = !dp.is_empty();
        let mut total = 0.0;
        for (i, weight) in weights.iter().enumerate() {
            let range = i * classes..(i + 1) * classes;
            let p = &p[range.clone()];
            let y = if self.is_sparse() { &y[i..=i] } else { &y[range.clone()] };
            let dp: &mut [f32] = if gradient { &mut dp[range] } else { &mut [] };
            total += f64::from(*weight) * self.row(logits, p, y, *weight, dp);
        }
        total
    }

    fn row(self, logits: bool, p: &[f32], y: &[f32], weight: f32, dp: &mut [f32]) -> f64 {
        match self {
            Self::BinaryCrossentropy { from_logits, label_smoothing } => {
                let smooth = |y: f32| if label_smoothing == 0.0 { y } else { smoothed(y, label_smoothing, 2) };
                if logits || from_logits {
                    mean(p, y, weight, dp, |z, y| {
                        let y = smooth(y);
                        let loss = z.max(0.0) - z * y + ln_1p_scalar(exp_scalar(-z.abs()));
                        (loss, sigmoid_scalar(z) - y)
                    })
                } else {
                    mean(p, y, weight, dp, |p, y| {
                        let y = smooth(y);
                        let inside = (EPSILON..=1.0 - EPSILON).contains(&p);
                        let p = p.clamp(EPSILON, 1.0 - EPSILON);
                        let slope = if inside { (p - y) / (p * (1.0 - p)) } else { 0.0 };
                        (-(y * libm::logf(p) + (1.0 - y) * libm::logf(1.0 - p)), slope)
                    })
                }
            }
            Self::CategoricalCrossentropy { from_logits, label_smoothing } => {
                let target = |j: usize| {
                    if label_smoothing == 0.0 { y[j] } else { smoothed(y[j], label_smoothing, y.len()) }
                };
                crossentropy(logits || from_logits, true, p, target, weight, dp)
            }
            Self::SparseCategoricalCrossentropy { from_logits } => {
                let class = y[0] as usize;
                let target = |j: usize| if j == class { 1.0 } else { 0.0 };
                crossentropy(logits || from_logits, true, p, target, weight, dp)
            }
            Self::Mse => mean(p, y, weight, dp, |p, y| ((p - y) * (p - y), 2.0 * (p - y))),
            Self::Mae => mean(p, y, weight, dp, |p, y| {
                let error = p - y;
                (error.abs(), if error == 0.0 { 0.0 } else { error.signum() })
            }),
            Self::Huber { delta } => {
                let delta = delta as f32;
                mean(p, y, weight, dp, |p, y| {
                    let error = p - y;
                    let size = error.abs();
                    let loss = if size <= delta { 0.5 * error * error } else { delta * size - 0.5 * delta * delta };
                    (loss, error.clamp(-delta, delta))
                })
            }
            Self::Hinge => mean(p, y, weight, dp, |p, y| {
                let y = if y == 0.0 { -1.0 } else { y };
                let margin = 1.0 - y * p;
                (margin.max(0.0), if margin > 0.0 { -y } else { 0.0 })
            }),
            Self::SquaredHinge => mean(p, y, weight, dp, |p, y| {
                let y = if y == 0.0 { -1.0 } else { y };
                let margin = (1.0 - y * p).max(0.0);
                (margin * margin, -2.0 * y * margin)
            }),
            Self::CategoricalHinge => categorical_hinge(p, y, weight, dp),
            Self::LogCosh => mean(p, y, weight, dp, |p, y| {
                let error = p - y;
                let tail = ln_1p_scalar(exp_scalar(-2.0 * error.abs()));
                (error.abs() + tail - std::f32::consts::LN_2, tanh_scalar(error))
            }),
            Self::KlDivergence => {
                // A sum where the others have a mean.
                let n = p.len() as f32;
                let loss = mean(p, y, weight * n, dp, |p, y| {
                    let inside = (EPSILON..=1.0).contains(&p);
                    let (p, y) = (p.clamp(EPSILON, 1.0), y.clamp(EPSILON, 1.0));
                    (y * libm::logf(y / p), if inside { -y / p } else { 0.0 })
                });
                loss * f64::from(n)
            }
            Self::Poisson => mean(p, y, weight, dp, |p, y| (p - y * libm::logf(p + EPSILON), 1.0 - y / (p + EPSILON))),
            Self::Msle => mean(p, y, weight, dp, |p, y| {
                let error = libm::logf(p.max(EPSILON) + 1.0) - libm::logf(y.max(EPSILON) + 1.0);
                // `max` would hide NaN.
                let error = if p.is_nan() { p } else { error };
                (error * error, if p >= EPSILON { 2.0 * error / (p + 1.0) } else { 0.0 })
            }),
            Self::Mape => mean(p, y, weight, dp, |p, y| {
                let (error, size) = (p - y, y.abs().max(EPSILON));
                let sign = if error == 0.0 { 0.0 } else { error.signum() };
                (100.0 * error.abs() / size, 100.0 * sign / size)
            }),
            Self::CosineSimilarity => cosine_similarity(p, y, weight, dp),
        }
    }
}

fn smoothed(y: f32, smoothing: f64, classes: usize) -> f32 {
    y * (1.0 - smoothing) as f32 + (smoothing / classes as f64) as f32
}

/// The mean of `f(p, y) = (loss, slope)` over a row.
fn mean(p: &[f32], y: &[f32], weight: f32, dp: &mut [f32], f: impl Fn(f32, f32) -> (f32, f32)) -> f64 {
    let n = p.len() as f32;
    let mut total = 0.0;
    for j in 0..p.len() {
        let (loss, slope) = f(p[j], y[j]);
        total += f64::from(loss);
        if let Some(dp) = dp.get_mut(j) {
            *dp = weight * slope / n;
        }
    }
    total / f64::from(n)
}

/// max(0, 1 + max((1-y) p) - Σ y p); places that share the maximum share its gradient.
fn categorical_hinge(p: &[f32], y: &[f32], weight: f32, dp: &mut [f32]) -> f64 {
    let others = || p.iter().zip(y).map(|(p, y)| (1.0 - y) * p);
    let most = others().fold(f32::NEG_INFINITY, f32::max);
    let sharing = others().filter(|other| *other == most).count() as f32;
    let margin = 1.0 + most - p.iter().zip(y).map(|(p, y)| p * y).sum::<f32>();
    for (j, dp) in dp.iter_mut().enumerate() {
        let pull = if (1.0 - y[j]) * p[j] == most { (1.0 - y[j]) / sharing } else { 0.0 };
        *dp = if margin > 0.0 { weight * (pull - y[j]) } else { 0.0 };
    }
    // NaN must be seen, not hidden by `max`.
    f64::from(if margin < 0.0 { 0.0 } else { margin })
}

/// -y·p / (|y| |p|); a vector shorter than 1e-7 counts as that long.
fn cosine_similarity(p: &[f32], y: &[f32], weight: f32, dp: &mut [f32]) -> f64 {
    let inverse = |x: &[f32]| (1.0 / x.iter().map(|x| x * x).sum::<f32>().sqrt()).min(1.0 / EPSILON);
    let (p_inverse, y_inverse) = (inverse(p), inverse(y));
    let cosine = p.iter().zip(y).map(|(p, y)| p * p_inverse * (y * y_inverse)).sum::<f32>();
    // The length of a vector that is too short does not enter.
    let along = if p_inverse < 1.0 / EPSILON { cosine } else { 0.0 };
    for (j, dp) in dp.iter_mut().enumerate() {
        *dp = weight * (along * p[j] * p_inverse - y[j] * y_inverse) * p_inverse;
    }
    -f64::from(cosine)
}

/// -Σ target ln softmax(z), or from probabilities -Σ target ln(clip(p / Σp)).
fn crossentropy(
    logits: bool,
    normalize: bool,
    p: &[f32],
    target: impl Fn(usize) -> f32,
    weight: f32,
    dp: &mut [f32],
) -> f64 {
    if logits {
        let max = p.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = p.iter().map(|z| exp_scalar(z - max)).sum();
        let log_sum = libm::logf(sum);
        let targets: f32 = (0..p.len()).map(&target).sum();
        let mut loss = 0.0;
        for j in 0..p.len() {
            loss += f64::from(target(j)) * f64::from(log_sum - (p[j] - max));
            if let Some(dp) = dp.get_mut(j) {
                *dp = weight * (targets * exp_scalar(p[j] - max) / sum - target(j));
            }
        }
        return loss;
    }
    let sum: f32 = if normalize { p.iter().sum() } else { 1.0 };
    let clipped = |p: f32| (p / sum).clamp(EPSILON, 1.0 - EPSILON);
    let slope = |j: usize| {
        let q = p[j] / sum;
        if (EPSILON..=1.0 - EPSILON).contains(&q) { -target(j) / q } else { 0.0 }
    };
    let mut loss = 0.0;
    for j in 0..p.len() {
        loss -= f64::from(target(j)) * f64::from(libm::logf(clipped(p[j])));
    }
    if !dp.is_empty() {
        // q = p / Σp, so dq_j/dp_i = (δ_ij - q_j) / Σp.
        let pulled: f32 = if normalize { (0..p.len()).map(|j| slope(j) * p[j] / sum).sum() } else { 0.0 };
        for (j, dp) in dp.iter_mut().enumerate() {
            *dp = weight * (slope(j) - pulled) / sum;
        }
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `keras.losses.X(y, p)` for two rows of three, TensorFlow backend.
    #[test]
    fn keras_values() {
        let one_hot = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
        let probabilities = [0.2, 0.7, 0.1, 0.4, 0.5, 0.1];
        let real = [0.5, 2.0, 1.0, 0.0, 1.0, 3.0];
        let free = [0.4, 1.3, 2.0, 0.2, 0.9, -0.1];
        let positive = free.map(f32::abs);
        for (loss, y, p, want) in [
            (Loss::SquaredHinge, one_hot, probabilities, [0.913_333_4, 1.273_333_4]),
            (Loss::CategoricalHinge, one_hot, probabilities, [0.5, 1.1]),
            (Loss::KlDivergence, one_hot, probabilities, [0.356_672_14, 0.916_287_84]),
            (Loss::LogCosh, real, free, [0.222_014_26, 0.811_246_63]),
            (Loss::Poisson, real, positive, [0.980_089_84, 2.737_704_3]),
            (Loss::Msle, real, free, [0.079_920_06, 0.652_561_25]),
            (Loss::Mape, real, free, [51.666_664, 66_666_708.0]),
            (Loss::CosineSimilarity, real, free, [-0.866_131, -0.204_598_31]),
        ] {
            for (row, want) in want.into_iter().enumerate() {
                let (p, y) = (&p[3 * row..3 * row + 3], &y[3 * row..3 * row + 3]);
                let got = loss.rows(false, 3, p, y, &[1.0], &mut []);
                assert!((got - want).abs() < 2e-6 * (1.0 + want.abs()), "{loss:?} {row}: {got} {want}");
            }
        }
    }
}
