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

use taper_kernels::orthogonal::{self, Vectors};

use crate::shape::Shape;
use crate::spelling;
use crate::strength::Strength;
use crate::{Complaint, Complaints};

/// A penalty Ω on one parameter (or on one layer's output), added to the loss.
///
/// Ω(w) = l1 Σ|w| + l2 Σw², with gradient l1 sign(w) + 2 l2 w and sign(0) = 0. There is no factor ½ and no division by the
/// number of rows, as in Keras. On an *activity* the sums run over a whole batch's outputs and are divided by its rows.
///
/// A parameter of two dimensions may also have its rows (or columns) drawn towards being orthogonal to each other, by a further
/// term, orthogonal · mean over pairs of rows of |cos of the angle between them|: Keras's `OrthogonalRegularizer`. Its gradient
/// is in [`taper_kernels::orthogonal::orthogonal`].
///
/// In a file: `{ l2 = 0.001 }`, `{ l1 = 0.001, l2 = 0.001 }`, `{ orthogonal = 0.01, mode = "columns" }`, or Keras's strings
/// `"l1"`, `"l2"`, `"l1_l2"`, `"orthogonal"`, which mean 0.01 (for `"l1_l2"`: both).
///
/// # Example
///
/// ```
/// use taper::{Regularizer, Shape};
///
/// # fn main() -> taper::Result<()> {
/// let l2 = Regularizer::l2(0.001);
/// assert_eq!(l2.value_at(0, &Shape::new([2])?, &[3.0, -4.0]), 0.001 * 25.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Regularizer {
    /// λ of Σ|w|.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub l1: Strength,
    /// λ of Σw².
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub l2: Strength,
    /// λ of the mean |cos| between rows or columns.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub orthogonal: Strength,
    /// Rows or columns. Default: rows.
    #[serde(skip_serializing_if = "spelling::is_default")]
    pub mode: OrthogonalMode,
}

/// What [`Regularizer::orthogonal`] makes orthogonal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrthogonalMode {
    /// The rows: for a dense kernel, what each input does to all units.
    #[default]
    Rows,
    /// The columns: for a dense kernel, what each unit sees of all inputs.
    Columns,
}

impl OrthogonalMode {
    fn vectors(self) -> Vectors {
        match self {
            Self::Rows => Vectors::Rows,
            Self::Columns => Vectors::Columns,
        }
    }
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
        Self { l1: l1.into(), l2: l2.into(), ..Self::default() }
    }

    /// λ times the mean |cos| between rows or columns.
    #[must_use]
    pub fn orthogonal(strength: impl Into<Strength>, mode: OrthogonalMode) -> Self {
        Self { orthogonal: strength.into(), mode, ..Self::default() }
    }

    /// Ω(w) of a parameter of this shape, with the strengths of this epoch (counting from 0).
    #[must_use]
    pub fn value_at(&self, epoch: usize, shape: &Shape, w: &[f32]) -> f64 {
        self.value_with(epoch, shape, w, &mut Vec::new())
    }

    /// [`value_at`](Self::value_at) without allocating, if the scratch is long enough.
    pub(crate) fn value_with(&self, epoch: usize, shape: &Shape, w: &[f32], scratch: &mut Vec<f32>) -> f64 {
        self.elementwise_value(epoch, w) + self.orthogonal_part(self.orthogonal.at(epoch), shape, w, &mut [], scratch)
    }

    /// The part of Ω that is a sum over numbers, whatever their shape.
    pub(crate) fn elementwise_value(&self, epoch: usize, w: &[f32]) -> f64 {
        let term = |strength: f64, sum: fn(&[f32]) -> f64| if strength == 0.0 { 0.0 } else { strength * sum(w) };
        term(self.l1.at(epoch), taper_kernels::reduce::sum_abs)
            + term(self.l2.at(epoch), taper_kernels::reduce::sum_squares)
    }

    /// Adds Ω's gradient to `dw`; returns Ω(w).
    pub(crate) fn add_gradient(
        &self,
        epoch: usize,
        shape: &Shape,
        w: &[f32],
        dw: &mut [f32],
        scratch: &mut Vec<f32>,
    ) -> f64 {
        self.add_elementwise_gradient(epoch, 1.0, w, dw)
            + self.orthogonal_part(self.orthogonal.at(epoch), shape, w, dw, scratch)
    }

    /// How many floats of scratch value and gradient need for a parameter of this shape.
    pub(crate) fn scratch_len(&self, shape: &Shape) -> usize {
        match *shape.sizes() {
            [rows, columns] if !self.orthogonal.is_zero() => {
                orthogonal::scratch_len(self.mode.vectors(), rows, columns)
            }
            _ => 0,
        }
    }

    fn orthogonal_part(&self, strength: f64, shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut Vec<f32>) -> f64 {
        let &[rows, columns] = shape.sizes() else { return 0.0 };
        if strength == 0.0 {
            return 0.0;
        }
        let vectors = self.mode.vectors();
        let needed = orthogonal::scratch_len(vectors, rows, columns);
        if scratch.len() < needed {
            scratch.resize(needed, 0.0);
        }
        orthogonal::orthogonal(strength as f32, vectors, rows, columns, w, dw, scratch)
    }

    /// Adds the gradient of the [elementwise part](Self::elementwise_value), times `scale`, to `dw`; returns its value times
    /// `scale`.
    pub(crate) fn add_elementwise_gradient(&self, epoch: usize, scale: f64, w: &[f32], dw: &mut [f32]) -> f64 {
        let (l1, l2) = ((self.l1.at(epoch) * scale) as f32, (self.l2.at(epoch) * scale) as f32);
        taper_kernels::penalty::l1_l2(l1, l2, w, dw)
    }

    /// Complains about strengths that are none, and about a term that a parameter of this shape (or an activity, which has
    /// none) cannot have; `place` is the key of this regularizer.
    pub(crate) fn validate(&self, place: &str, shape: Option<&Shape>, complaints: &mut Complaints) {
        self.l1.validate(&format!("{place}.l1"), complaints);
        self.l2.validate(&format!("{place}.l2"), complaints);
        self.orthogonal.validate(&format!("{place}.orthogonal"), complaints);
        if self.orthogonal.is_zero() {
            return;
        }
        let mut refuse = |expected: &str, got: &dyn std::fmt::Display| {
            complaints.push(Complaint::new(format!("{place}.orthogonal"), expected, got));
        };
        match (shape.map(Shape::sizes), shape) {
            (Some(&[rows, columns]), _) => {
                let (count, what) = match self.mode {
                    OrthogonalMode::Rows => (rows, "rows"),
                    OrthogonalMode::Columns => (columns, "columns"),
                };
                if count < 2 {
                    refuse(&format!("a parameter of at least two {what}"), &format!("{count}"));
                }
            }
            (_, Some(shape)) => refuse("a parameter of two dimensions", shape),
            (_, None) => refuse("a penalty on a parameter", &"one on an activity"),
        }
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
    #[serde(default)]
    orthogonal: Strength,
    #[serde(default)]
    mode: OrthogonalMode,
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
                "orthogonal" | "orthogonal_regularizer" | "OrthogonalRegularizer" => {
                    Ok(Self::orthogonal(DEFAULT, OrthogonalMode::Rows))
                }
                other => Err(serde::de::Error::custom(format!(
                    "unknown variant `{other}`, expected one of `l1`, `l2`, `l1_l2`, `orthogonal`"
                ))),
            };
        }
        let Table { l1, l2, orthogonal, mode } = spelling::read_inner(value)?;
        Ok(Self { l1, l2, orthogonal, mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keras_docstring_values() {
        assert_eq!(Regularizer::l2(2.0).elementwise_value(0, &[1.0; 25]), 50.0);
        assert_eq!(Regularizer::l1_l2(0.5, 0.25).elementwise_value(0, &[-2.0, 0.0, 2.0]), 0.5 * 4.0 + 0.25 * 8.0);
    }

    #[test]
    fn laws() {
        let w = [0.5, -1.5, 0.0, 2.0];
        let minus: Vec<f32> = w.iter().map(|w| -w).collect();
        let both = Regularizer::l1_l2(0.3, 0.7);
        assert_eq!(both.elementwise_value(0, &[0.0; 4]), 0.0);
        assert_eq!(both.elementwise_value(0, &w), both.elementwise_value(0, &minus));
        let sum = Regularizer::l1(0.3).elementwise_value(0, &w) + Regularizer::l2(0.7).elementwise_value(0, &w);
        assert!((both.elementwise_value(0, &w) - sum).abs() < 1e-12);
    }

    #[test]
    fn the_gradient_is_the_difference_quotient() {
        let regularizer = Regularizer::l1_l2(0.3, 0.7);
        let w = [0.5f32, -1.5, 2.0];
        let mut dw = [0.0; 3];
        let value = regularizer.add_elementwise_gradient(0, 2.0, &w, &mut dw);
        assert!((value - 2.0 * regularizer.elementwise_value(0, &w)).abs() < 1e-6);
        for i in 0..3 {
            let mut up = w;
            let mut down = w;
            up[i] += 1e-2;
            down[i] -= 1e-2;
            let quotient =
                2.0 * (regularizer.elementwise_value(0, &up) - regularizer.elementwise_value(0, &down)) / 2e-2;
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

    #[test]
    fn the_orthogonal_term_wants_a_matrix() {
        let read = |text: &str| serde_json::from_str::<Regularizer>(text).unwrap();
        let columns = read(r#"{"orthogonal": 0.5, "mode": "columns"}"#);
        assert_eq!(columns, Regularizer::orthogonal(0.5, OrthogonalMode::Columns));
        assert_eq!(read(&serde_json::to_string(&columns).unwrap()), columns);
        let good = |shape: Option<&[usize]>| {
            let shape = shape.map(|sizes| Shape::new(sizes).unwrap());
            let mut complaints = Complaints::new();
            columns.validate("kernel_regularizer", shape.as_ref(), &mut complaints);
            complaints.finish().is_ok()
        };
        assert!(good(Some(&[3, 2])));
        assert!(!good(Some(&[3, 1])) && !good(Some(&[3])) && !good(Some(&[3, 3, 2])) && !good(None));
        // cos of the angle between (1, 0) and (1, 1).
        let value = columns.value_at(0, &Shape::new([2, 2]).unwrap(), &[1.0, 1.0, 0.0, 1.0]);
        assert!((value - 0.5 * 0.5f64.sqrt()).abs() < 1e-7);
    }
}
