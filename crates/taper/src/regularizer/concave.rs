//! MCP and SCAD: penalties that leave large weights alone.

use taper_kernels::penalty::{self, PerWeight};
use taper_kernels::proximal;
use taper_kernels::rho::{Mcp, Rho, Scad};

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

/// Σ f ρ(w - w₀); the formulas are in [`taper_kernels::rho`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Concave<'a> {
    pub(super) kind: Shrinkage,
    pub(super) lambda: f64,
    pub(super) gamma: f64,
    pub(super) own: PerWeight<'a>,
}

impl Concave<'_> {
    pub(super) fn rho(&self) -> Rho {
        let (lambda, gamma) = (self.lambda as f32, self.gamma as f32);
        match self.kind {
            Shrinkage::Mcp => Rho::Mcp(Mcp { lambda, gamma }),
            Shrinkage::Scad => Rho::Scad(Scad { lambda, gamma }),
        }
    }
}

impl Penalty for Concave<'_> {
    fn value(&self, _shape: &Shape, w: &[f32], _scratch: &mut [f32]) -> f64 {
        penalty::sum(self.rho(), self.own, w, &mut [])
    }

    fn add_gradient(&self, _shape: &Shape, w: &[f32], dw: &mut [f32], _scratch: &mut [f32]) -> f64 {
        penalty::sum(self.rho(), self.own, w, dw)
    }

    fn proximal(&self, _shape: &Shape, steps: &[f32], w: &mut [f32], _scratch: &mut [f32]) {
        proximal::map(self.rho(), self.own, steps, w);
    }

    fn proximal_map(&self) -> Proximal {
        Proximal::EveryStep
    }
}
