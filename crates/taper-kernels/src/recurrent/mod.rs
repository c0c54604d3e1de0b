//! The gates of recurrent layers: everything of one time step that is not a matrix product, in one pass.
//!
//! Arrays hold one step, row by row: sums are (batch × gates·units), states (batch × units). `mask` has a number per row: where
//! it is 0 the step does not count, so the state stays and no gradient reaches the gates. A forward pass leaves in `z` what
//! the backward pass needs of the gates; the backward pass leaves there the gradient of the sums.
//!
//! `dh` comes in as the gradient of the new state and leaves as the *direct* part of the old state's gradient, the part that
//! did not pass through a matrix product: the caller adds that.

pub mod gru;
pub mod lstm;
pub mod simple;

use pulp::Simd;

use crate::activation::Unary;
use crate::lane::{flush, sigmoid, tanh};

/// A function of a gate, and how to have its value and slope again on the way back.
trait Gate: Copy {
    /// The value, and what to keep.
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s);
    /// Value and slope from what was kept.
    fn recall<S: Simd>(self, simd: S, kept: S::f32s) -> (S::f32s, S::f32s);
}

/// Logistic: keeps its value.
#[derive(Clone, Copy)]
struct Sigmoid;
impl Gate for Sigmoid {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s) {
        let y = sigmoid(simd, z);
        (y, y)
    }
    #[inline(always)]
    fn recall<S: Simd>(self, simd: S, y: S::f32s) -> (S::f32s, S::f32s) {
        (y, simd.mul_f32s(y, simd.sub_f32s(simd.splat_f32s(1.0), y)))
    }
}

/// Hyperbolic tangent: keeps its value.
#[derive(Clone, Copy)]
struct Tanh;
impl Gate for Tanh {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s) {
        let y = tanh(simd, z);
        (y, y)
    }
    #[inline(always)]
    fn recall<S: Simd>(self, simd: S, y: S::f32s) -> (S::f32s, S::f32s) {
        (y, simd.sub_f32s(simd.splat_f32s(1.0), simd.mul_f32s(y, y)))
    }
}

/// Any function: keeps z, from which value and slope both follow.
///
/// It is called for every vector, not compiled into the loop: fourteen functions in every gate of every kernel would take
/// minutes to compile for settings that are rare.
#[derive(Clone, Copy)]
struct Any(Unary);
impl Gate for Any {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s) {
        let mut y = [0.0; 16];
        simd.partial_store_f32s(&mut y[..S::F32_LANES], z);
        call(self.0, &mut y[..S::F32_LANES]);
        (simd.partial_load_f32s(&y[..S::F32_LANES]), z)
    }
    #[inline(always)]
    fn recall<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s) {
        let (y, _) = self.value(simd, z);
        let (mut saved, mut slope) = ([0.0; 16], [1.0; 16]);
        simd.partial_store_f32s(&mut saved[..S::F32_LANES], if self.0.needs_input() { z } else { y });
        call_back(self.0, &saved[..S::F32_LANES], &mut slope[..S::F32_LANES]);
        (y, simd.partial_load_f32s(&slope[..S::F32_LANES]))
    }
}

#[inline(never)]
fn call(f: Unary, y: &mut [f32]) {
    crate::activation::forward(f, y);
}

#[inline(never)]
fn call_back(f: Unary, saved: &[f32], slope: &mut [f32]) {
    crate::activation::backward(f, saved, slope);
}

/// Calls a kernel with the usual pair of functions compiled in, or with any other pair.
macro_rules! with_gates {
    ($activation:expr, $recurrent:expr, |$a:ident, $r:ident| $call:expr) => {
        if $activation == Unary::Tanh && $recurrent == Unary::Sigmoid {
            let ($a, $r) = (Tanh, Sigmoid);
            $call
        } else {
            let ($a, $r) = (Any($activation), Any($recurrent));
            $call
        }
    };
}
use with_gates;

/// The vector that begins a slice; lanes beyond its end are 0.
#[inline(always)]
fn load<S: Simd>(simd: S, x: &[f32]) -> S::f32s {
    match S::as_simd_f32s(x) {
        ([first, ..], _) => *first,
        (_, tail) => simd.partial_load_f32s(tail),
    }
}

/// Writes a vector to the beginning of a slice, as much as there is room for.
#[inline(always)]
fn store<S: Simd>(simd: S, x: &mut [f32], value: S::f32s) {
    match S::as_mut_simd_f32s(x) {
        ([first, ..], _) => *first = value,
        (_, tail) => simd.partial_store_f32s(tail, value),
    }
}

/// d · slope, subnormal results flushed.
#[inline(always)]
fn through<S: Simd>(simd: S, d: S::f32s, slope: S::f32s) -> S::f32s {
    flush(simd, simd.mul_f32s(d, slope))
}
