//! l1 Σ f|w| + l2 Σ f w².

use taper_kernels::{penalty, proximal, reduce};

use super::penalty::{Penalty, Proximal};
use crate::shape::Shape;

/// l1 Σ f|w| + l2 Σ f w², with a factor f for every weight, or 1 where there are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elementwise<'a> {
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) factors: &'a [f32],
}

impl Elementwise<'_> {
    pub(super) fn is_zero(&self) -> bool {
        self.l1 == 0.0 && self.l2 == 0.0
    }

    /// What is left of the steps of penalties whose maps come behind this one: with s = 1 + 2 t f l2, the map of the sum is
    /// this map first and then the others with t / s.
    pub(super) fn rest_of(&self, steps: &mut [f32]) {
        if self.l2 == 0.0 {
            return;
        }
        for (i, t) in steps.iter_mut().enumerate() {
            *t /= 1.0 + 2.0 * *t * self.factors.get(i).copied().unwrap_or(1.0) * self.l2 as f32;
        }
    }
}

impl Penalty for Elementwise<'_> {
    fn value(&self, _shape: &Shape, w: &[f32], _scratch: &mut [f32]) -> f64 {
        if !self.factors.is_empty() {
            return penalty::weighted_l1_l2(self.l1 as f32, self.l2 as f32, self.factors, w, &mut []);
        }
        let term = |strength: f64, sum: fn(&[f32]) -> f64| if strength == 0.0 { 0.0 } else { strength * sum(w) };
        term(self.l1, reduce::sum_abs) + term(self.l2, reduce::sum_squares)
    }

    fn add_gradient(&self, _shape: &Shape, w: &[f32], dw: &mut [f32], _scratch: &mut [f32]) -> f64 {
        if self.factors.is_empty() {
            penalty::l1_l2(self.l1 as f32, self.l2 as f32, w, dw)
        } else {
            penalty::weighted_l1_l2(self.l1 as f32, self.l2 as f32, self.factors, w, dw)
        }
    }

    fn proximal(&self, _shape: &Shape, steps: &[f32], w: &mut [f32], scratch: &mut [f32]) {
        if self.factors.is_empty() {
            proximal::l1_l2(self.l1 as f32, self.l2 as f32, steps, w);
            return;
        }
        let weighted = &mut scratch[..w.len()];
        for ((to, t), f) in weighted.iter_mut().zip(steps).zip(self.factors) {
            *to = t * f;
        }
        proximal::l1_l2(self.l1 as f32, self.l2 as f32, weighted, w);
    }

    fn proximal_map(&self) -> Proximal {
        Proximal::EveryStep
    }

    fn scratch_len(&self, _shape: &Shape) -> usize {
        self.factors.len()
    }
}
