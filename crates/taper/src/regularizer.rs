//! Penalties on weights and activities: the specification, and the bridge between the dialects of λ.
//!
//! One λ, many dialects. What Taper writes as `l2(λ)` (Keras's meaning) is, elsewhere:
//!
//! | source | penalty as written | gradient |
//! |---|---|---|
//! | Keras, Taper `l2(λ)` | λ Σw² | 2 λ w |
//! | PyTorch, Burn coupled `weight_decay = d` | (d/2) Σw² | d w |
//! | AdamW, Keras `weight_decay = d` | none: w ← w - lr d w | decoupled, times the learning rate |
//! | scikit-learn `MLPClassifier(alpha)` | alpha / (2n) Σw², n = rows of the batch | alpha / n w |
//! | glmnet (α = 0) | λ/2 Σw² | λ w |

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::Complaints;
use crate::spelling;
use crate::strength::Strength;

/// A penalty Ω on one parameter (or on one layer's output), added to the loss.
///
/// Ω(w) = l1 Σ|w| + l2 Σw², with gradient l1 sign(w) + 2 l2 w and sign(0) = 0. There is no factor ½ and no division by the
/// number of rows, as in Keras. On an *activity* the sums run over a whole batch's outputs and are divided by its rows.
///
/// In a file: `{ l2 = 0.001 }`, `{ l1 = 0.001, l2 = 0.001 }`, or Keras's strings `"l1"`, `"l2"`, `"l1_l2"`, which mean 0.01
/// (for `"l1_l2"`: both).
///
/// # Example
///
/// ```
/// use taper::Regularizer;
///
/// let l2 = Regularizer::l2(0.001);
/// assert_eq!(l2.value_at(0, &[3.0, -4.0]), 0.001 * 25.0);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Regularizer {
    /// λ of Σ|w|.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub l1: Strength,
    /// λ of Σw².
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub l2: Strength,
}

impl Regularizer {
    /// λ Σ|w|.
    #[must_use]
    pub fn l1(strength: impl Into<Strength>) -> Self {
        Self { l1: strength.into(), ..Self::default() }
    }

    /// λ Σw².
    #[must_use]
    pub fn l2(strength: impl Into<Strength>) -> Self {
        Self { l2: strength.into(), ..Self::default() }
    }

    /// l1 Σ|w| + l2 Σw².
    #[must_use]
    pub fn l1_l2(l1: impl Into<Strength>, l2: impl Into<Strength>) -> Self {
        Self { l1: l1.into(), l2: l2.into() }
    }

    /// Ω(w) with the strengths of this epoch (counting from 0).
    #[must_use]
    pub fn value_at(&self, epoch: usize, w: &[f32]) -> f64 {
        let term = |strength: f64, sum: fn(&[f32]) -> f64| if strength == 0.0 { 0.0 } else { strength * sum(w) };
        term(self.l1.at(epoch), taper_kernels::reduce::sum_abs)
            + term(self.l2.at(epoch), taper_kernels::reduce::sum_squares)
    }

    /// Adds Ω's gradient, times `scale`, to `dw`; returns `scale`·Ω(w).
    pub(crate) fn add_gradient(&self, epoch: usize, scale: f64, w: &[f32], dw: &mut [f32]) -> f64 {
        let (l1, l2) = ((self.l1.at(epoch) * scale) as f32, (self.l2.at(epoch) * scale) as f32);
        taper_kernels::penalty::l1_l2(l1, l2, w, dw)
    }

    /// Complains about strengths that are none; `place` is the key of this regularizer.
    pub(crate) fn validate(&self, place: &str, complaints: &mut Complaints) {
        self.l1.validate(&format!("{place}.l1"), complaints);
        self.l2.validate(&format!("{place}.l2"), complaints);
    }
}

/// The tabular spelling.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    l1: Strength,
    #[serde(default)]
    l2: Strength,
}

/// What Keras's strings stand for.
const DEFAULT: f64 = 0.01;

impl<'de> Deserialize<'de> for Regularizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Value::String(name) = &value {
            return match name.as_str() {
                "l1" | "L1" => Ok(Self::l1(DEFAULT)),
                "l2" | "L2" => Ok(Self::l2(DEFAULT)),
                "l1_l2" | "l1l2" | "L1L2" => Ok(Self::l1_l2(DEFAULT, DEFAULT)),
                other => Err(serde::de::Error::custom(format!(
                    "unknown variant `{other}`, expected one of `l1`, `l2`, `l1_l2`"
                ))),
            };
        }
        let Table { l1, l2 } = spelling::read_inner(value)?;
        Ok(Self { l1, l2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keras_docstring_values() {
        assert_eq!(Regularizer::l2(2.0).value_at(0, &[1.0; 25]), 50.0);
        assert_eq!(Regularizer::l1_l2(0.5, 0.25).value_at(0, &[-2.0, 0.0, 2.0]), 0.5 * 4.0 + 0.25 * 8.0);
    }

    #[test]
    fn laws() {
        let w = [0.5, -1.5, 0.0, 2.0];
        let minus: Vec<f32> = w.iter().map(|w| -w).collect();
        let both = Regularizer::l1_l2(0.3, 0.7);
        assert_eq!(both.value_at(0, &[0.0; 4]), 0.0);
        assert_eq!(both.value_at(0, &w), both.value_at(0, &minus));
        let sum = Regularizer::l1(0.3).value_at(0, &w) + Regularizer::l2(0.7).value_at(0, &w);
        assert!((both.value_at(0, &w) - sum).abs() < 1e-12);
    }

    #[test]
    fn the_gradient_is_the_difference_quotient() {
        let regularizer = Regularizer::l1_l2(0.3, 0.7);
        let w = [0.5f32, -1.5, 2.0];
        let mut dw = [0.0; 3];
        let value = regularizer.add_gradient(0, 2.0, &w, &mut dw);
        assert!((value - 2.0 * regularizer.value_at(0, &w)).abs() < 1e-6);
        for i in 0..3 {
            let mut up = w;
            let mut down = w;
            up[i] += 1e-2;
            down[i] -= 1e-2;
            let quotient = 2.0 * (regularizer.value_at(0, &up) - regularizer.value_at(0, &down)) / 2e-2;
            assert!((f64::from(dw[i]) - quotient).abs() < 1e-4, "{i}: {} {quotient}", dw[i]);
        }
    }

    #[test]
    fn spellings() {
        let read = |text: &str| serde_json::from_str::<Regularizer>(text).map_err(|error| error.to_string());
        assert_eq!(read(r#""l1_l2""#).unwrap(), Regularizer::l1_l2(0.01, 0.01));
        assert_eq!(read(r#"{"l2": 0.001}"#).unwrap(), Regularizer::l2(0.001));
        assert!(read(r#""l3""#).unwrap_err().contains("`l1_l2`"));
        assert!(read(r#"{"l3": 1}"#).is_err());
        let l2 = Regularizer::l2(0.001);
        assert_eq!(read(&serde_json::to_string(&l2).unwrap()).unwrap(), l2);
    }
}
