//! What every penalty can do.

use std::fmt;
use std::sync::Arc;

use super::mode::PenaltyMode;
use crate::shape::Shape;

/// A penalty Ω on one parameter: its value, its gradient and, if it has one, its proximal map.
///
/// All that [`Regularizer`](crate::Regularizer) offers is made of such penalties. One of your own is put on a parameter of a
/// built model by [`Model::set_penalty`](crate::Model::set_penalty).
///
/// `w` holds the parameter's weights, row-major; `scratch` at least [`scratch_len`](Self::scratch_len) floats of anything, so
/// that nothing need be allocated in a step.
///
/// # Example
///
/// ```
/// use taper::{CustomPenalty, Dense, Model, Penalty, PenaltyMode, Proximal, Seed, Sequential, Shape};
///
/// /// λ Σ (w - 1)²: weights are drawn to 1.
/// #[derive(Debug)]
/// struct TowardsOne(f32);
///
/// impl Penalty for TowardsOne {
///     fn value(&self, _: &Shape, w: &[f32], _: &mut [f32]) -> f64 {
///         w.iter().map(|w| f64::from(self.0 * (w - 1.0).powi(2))).sum()
///     }
///     fn add_gradient(&self, shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
///         w.iter().zip(dw).for_each(|(w, dw)| *dw += 2.0 * self.0 * (w - 1.0));
///         self.value(shape, w, scratch)
///     }
///     fn proximal(&self, _: &Shape, steps: &[f32], w: &mut [f32], _: &mut [f32]) {
///         w.iter_mut().zip(steps).for_each(|(w, t)| *w = (*w + 2.0 * t * self.0) / (1.0 + 2.0 * t * self.0));
///     }
///     fn proximal_map(&self) -> Proximal {
///         Proximal::EveryStep
///     }
/// }
///
/// # fn main() -> taper::Result<()> {
/// let mut model = Model::build(&Sequential::new([2]).layer(Dense::new(3)), Seed::new(1))?;
/// model.set_penalty("dense/kernel", Some(CustomPenalty::new(TowardsOne(0.1), PenaltyMode::Proximal)))?;
/// model.params_mut().data_mut().fill(1.0);
/// assert_eq!(model.params().penalty_at(0), 0.0);
/// # Ok(())
/// # }
/// ```
pub trait Penalty: fmt::Debug + Send + Sync {
    /// Ω(w).
    fn value(&self, shape: &Shape, w: &[f32], scratch: &mut [f32]) -> f64;

    /// `dw += ∇Ω(w)`; returns Ω(w), because one pass can often give both. Where Ω has a kink, any subgradient (0 at 0, as a
    /// rule).
    fn add_gradient(&self, shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64;

    /// w ← argmin over u of Σ (u - w)² / (2t) + Ω(u), with a step t > 0 for each weight. Asked only if
    /// [`proximal_map`](Self::proximal_map) says so.
    fn proximal(&self, _shape: &Shape, _steps: &[f32], _w: &mut [f32], _scratch: &mut [f32]) {}

    /// For which steps there is a proximal map. Default: for none.
    fn proximal_map(&self) -> Proximal {
        Proximal::None
    }

    /// How many floats of scratch the others need. Default: none.
    fn scratch_len(&self, _shape: &Shape) -> usize {
        0
    }
}

/// For which steps a penalty has a proximal map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proximal {
    /// None at all.
    None,
    /// Only where all weights of the parameter have the same step, as with SGD.
    SameStep,
    /// Any.
    EveryStep,
}

/// A [`Penalty`] of one's own, and how it reaches the weights.
#[derive(Debug, Clone)]
pub struct CustomPenalty {
    /// What it is.
    pub penalty: Arc<dyn Penalty>,
    /// How it reaches the weights.
    pub mode: PenaltyMode,
}

impl CustomPenalty {
    /// This penalty in this mode.
    #[must_use]
    pub fn new(penalty: impl Penalty + 'static, mode: PenaltyMode) -> Self {
        Self { penalty: Arc::new(penalty), mode }
    }
}

/// The same penalty, not one that looks alike.
impl PartialEq for CustomPenalty {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.penalty, &other.penalty) && self.mode == other.mode
    }
}
