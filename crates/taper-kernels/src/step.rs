//! The step of every single weight: by how much an optimizer would move it per unit of a steady gradient.
//!
//! A proximal map that follows an optimizer's update must be taken with these steps, or its penalty is another one: at rest
//! the update is `step · gradient`, so weights stand still exactly where the penalized loss is stationary.
//!
//! Steps are at most [`LARGEST`], so that a product with 0 stays 0.

use crate::macros::kernel;

/// The largest step.
pub const LARGEST: f32 = 1e30;

kernel! {
    /// Adam, AMSGrad, Nadam: rate / (√(v / correction) + ε).
    pub fn adaptive(_simd: S, v: &'a [f32], steps: &'a mut [f32], rate: f32, correction: f32, epsilon: f32) {
        assert_eq!(v.len(), steps.len());
        let inverse = 1.0 / correction; // a root and a quotient are slow enough
        for (step, v) in steps.iter_mut().zip(v) {
            *step = (rate / ((v * inverse).sqrt() + epsilon)).min(LARGEST);
        }
    }
}

kernel! {
    /// RMSprop, Adagrad: rate / √(v + ε).
    pub fn rooted(_simd: S, v: &'a [f32], steps: &'a mut [f32], rate: f32, epsilon: f32) {
        assert_eq!(v.len(), steps.len());
        for (step, v) in steps.iter_mut().zip(v) {
            *step = (rate / (v + epsilon).sqrt()).min(LARGEST);
        }
    }
}

kernel! {
    /// Centered RMSprop: rate / √(v - a² + ε).
    pub fn centered(_simd: S, v: &'a [f32], a: &'a [f32], steps: &'a mut [f32], rate: f32, epsilon: f32) {
        assert!(v.len() == steps.len() && a.len() == steps.len());
        for ((step, v), a) in steps.iter_mut().zip(v).zip(a) {
            *step = (rate / (v - a * a + epsilon).sqrt()).min(LARGEST);
        }
    }
}

kernel! {
    /// Adamax: rate / (u + ε).
    pub fn infinity(_simd: S, u: &'a [f32], steps: &'a mut [f32], rate: f32, epsilon: f32) {
        assert_eq!(u.len(), steps.len());
        for (step, u) in steps.iter_mut().zip(u) {
            *step = (rate / (u + epsilon)).min(LARGEST);
        }
    }
}

kernel! {
    /// Lion: rate / |m|, because at rest its momentum is the gradient and its update `rate` long.
    pub fn signed(_simd: S, m: &'a [f32], steps: &'a mut [f32], rate: f32) {
        assert_eq!(m.len(), steps.len());
        for (step, m) in steps.iter_mut().zip(m) {
            *step = (rate / m.abs()).min(LARGEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_by_hand() {
        let mut steps = [0.0; 2];
        adaptive(&[4.0, 0.0], &mut steps, 0.1, 0.25, 0.0);
        assert_eq!(steps, [0.025, LARGEST]);
        rooted(&[3.0, 8.0], &mut steps, 0.6, 1.0);
        assert!((steps[0] - 0.3).abs() < 1e-7 && (steps[1] - 0.2).abs() < 1e-7);
        centered(&[5.0, 4.0], &[1.0, 0.0], &mut steps, 1.0, 0.0);
        assert_eq!(steps, [0.5, 0.5]);
        infinity(&[1.0, 0.0], &mut steps, 1.0, 1.0);
        assert_eq!(steps, [0.5, 1.0]);
        signed(&[-0.5, 0.0], &mut steps, 0.1);
        assert_eq!(steps, [0.2, LARGEST]);
    }
}
