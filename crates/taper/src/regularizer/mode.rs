//! How a penalty reaches the weights.

use serde::{Deserialize, Serialize};

/// How a penalty reaches the weights. With lr the learning rate of a step and ∇Ω the penalty's gradient at the weights before it:
///
/// | mode | one step | in the loss |
/// |---|---|---|
/// | `loss` | ∇Ω is added to the data's gradient and goes through the optimizer (Keras's regularizers) | yes |
/// | `decoupled` | w ← w - lr ∇Ω(w), and then the update of the data's gradient (Loshchilov and Hutter 2019, as in AdamW) | no |
/// | `independent` | w ← w - (lr / the schedule's largest lr) ∇Ω(w), and then the update: only the schedule's shape counts | no |
/// | `proximal` | the update of the data's gradient, and then the proximal map w ← argmin over u of Σ (u - w)² / (2t) + Ω(u), with the step t of each weight that the optimizer has at that moment | yes |
///
/// AdamW's and Keras's `weight_decay = d` is w ← w - lr d w, and ∇(λΣw²) = 2λw: it is `{ l2 = d / 2, mode = "decoupled" }`.
///
/// `loss` never makes a weight exactly 0; `proximal` does, with every optimizer (L1, MCP, SCAD and the group lasso). A proximal
/// step moves to the same place of rest as the penalized loss, because t is what the optimizer makes of a steady gradient
/// ([`taper_kernels::step`]): lr for SGD, lr / (1 - momentum) with momentum, lr / (√v̂ + ε) for Adam, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PenaltyMode {
    /// In the loss, through the optimizer.
    #[default]
    Loss,
    /// Beside the optimizer, times the learning rate.
    Decoupled,
    /// Beside the optimizer, times the shape of the learning rate's schedule.
    Independent,
    /// After the update, as a proximal map.
    Proximal,
}

impl PenaltyMode {
    /// Whether training makes the sum of data loss and this penalty small: its value is part of `loss` and `penalty`.
    #[must_use]
    pub fn is_objective(self) -> bool {
        matches!(self, Self::Loss | Self::Proximal)
    }
}
