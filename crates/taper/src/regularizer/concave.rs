//! MCP and SCAD: penalties that leave large weights alone.

use taper_kernels::{penalty, proximal};

use super::penalty::{Penalty, Proximal};
use crate::shape::Shape;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shrinkage {
    Mcp,
    Scad,
}

impl Shrinkage {
    /// The γ of ncvreg: 3 and 3.7.
    pub(super) fn gamma(self) -> f64 {
        match self {
            Self::Mcp => 3.0,
            Self::Scad => 3.7,
        }
    }

    /// What γ must be above.
    pub(super) fn least(self) -> f64 {
        match self {
            Self::Mcp => 1.0,
            Self::Scad => 2.0,
        }
    }
}

/// Σ f ρ(w); the formulas are in [`taper_kernels::penalty`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Concave<'a> {
    pub(super) kind: Shrinkage,
    pub(super) lambda: f64,
    pub(super) gamma: f64,
    pub(super) factors: &'a [f32],
}

impl Concave<'_> {
    fn sum(&self, w: &[f32], dw: &mut [f32]) -> f64 {
        let (lambda, gamma) = (self.lambda as f32, self.gamma as f32);
        match self.kind {
            Shrinkage::Mcp => penalty::mcp(lambda, gamma, self.factors, w, dw),
            Shrinkage::Scad => penalty::scad(lambda, gamma, self.factors, w, dw),
        }
    }
}

impl Penalty for Concave<'_> {
    fn value(&self, _shape: &Shape, w: &[f32], _scratch: &mut [f32]) -> f64 {
        self.sum(w, &mut [])
    }

    fn add_gradient(&self, _shape: &Shape, w: &[f32], dw: &mut [f32], _scratch: &mut [f32]) -> f64 {
        self.sum(w, dw)
    }

    fn proximal(&self, _shape: &Shape, steps: &[f32], w: &mut [f32], scratch: &mut [f32]) {
        let map = match self.kind {
            Shrinkage::Mcp => proximal::mcp,
            Shrinkage::Scad => proximal::scad,
        };
        let (lambda, gamma) = (self.lambda as f32, self.gamma as f32);
        if self.factors.is_empty() {
            map(lambda, gamma, steps, w);
            return;
        }
        let weighted = &mut scratch[..w.len()];
        for ((to, t), f) in weighted.iter_mut().zip(steps).zip(self.factors) {
            *to = t * f;
        }
        map(lambda, gamma, weighted, w);
    }

    fn proximal_map(&self) -> Proximal {
        Proximal::EveryStep
    }

    fn scratch_len(&self, _shape: &Shape) -> usize {
        self.factors.len()
    }
}
