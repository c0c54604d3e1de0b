//! l1 Σ f|w - w₀| + l2 Σ f (w - w₀)².

use taper_kernels::penalty::{self, PerWeight};
use taper_kernels::rho::{L1L2, Rho};
use taper_kernels::{proximal, reduce};

use super::penalty::{Penalty, Proximal};
use crate::shape::Shape;

/// l1 Σ f|w - w₀| + l2 Σ f (w - w₀)², with a factor f and an anchor w₀ for every weight, or 1 and 0 where there are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elementwise<'a> {
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) own: PerWeight<'a>,
}

impl Elementwise<'_> {
    pub(super) fn is_zero(&self) -> bool {
        self.l1 == 0.0 && self.l2 == 0.0
    }

    pub(super) fn rho(&self) -> Rho {
        Rho::L1L2(L1L2 { l1: self.l1 as f32, l2: self.l2 as f32 })
    }

    /// What is left of the steps of penalties whose maps come behind this one: with s = 1 + 2 t f l2, the map of the sum is
    /// this map first and then the others with t / s.
    pub(super) fn rest_of(&self, steps: &mut [f32]) {
        if self.l2 == 0.0 {
            return;
        }
        for (i, t) in steps.iter_mut().enumerate() {
            *t /= 1.0 + 2.0 * *t * self.own.factors.get(i).copied().unwrap_or(1.0) * self.l2 as f32;
        }
    }
}

impl Penalty for Elementwise<'_> {
    fn value(&self, _shape: &Shape, w: &[f32], _scratch: &mut [f32]) -> f64 {
        if !self.own.is_empty() {
            return penalty::sum(self.rho(), self.own, w, &mut []);
        }
        let term = |strength: f64, sum: fn(&[f32]) -> f64| if strength == 0.0 { 0.0 } else { strength * sum(w) };
        term(self.l1, reduce::sum_abs) + term(self.l2, reduce::sum_squares)
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
