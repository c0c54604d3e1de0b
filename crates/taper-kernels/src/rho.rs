//! ρ: what a penalty on single weights takes from one of them. Its value, its slope and its proximal map, on vectors in registers.
//!
//! Whole arrays are walked by [`crate::penalty`] (value and gradient), [`crate::proximal`] (the map) and [`crate::penalized`] (both,
//! beside an optimizer's update).

use pulp::Simd;

use crate::lane::{at_least, at_most, flush, relu, sign, within};

/// A penalty on single weights, Ω(w) = Σ f ρ(w - w₀), with a factor f and an anchor w₀ of every weight's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rho {
    /// l1 |x| + l2 x² (no half, as in Keras).
    L1L2(L1L2),
    /// The minimax concave penalty.
    Mcp(Mcp),
    /// The smoothly clipped absolute deviation.
    Scad(Scad),
}

/// ρ(x) = l1 |x| + l2 x²; its slope is l1 sign(x) + 2 l2 x, with sign(0) = 0.
///
/// Map: sign(x) (|x| - t l1)₊ / (1 + 2 t l2). Exactly 0 where |x| ≤ t l1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct L1L2 {
    /// λ of |x|.
    pub l1: f32,
    /// λ of x².
    pub l2: f32,
}

/// MCP (Zhang 2010): ρ(x) = λ|x| - x²/(2γ) up to |x| = γλ, and γλ²/2 beyond; its slope is (λ - |x|/γ)₊ sign(x).
///
/// Map: for t < γ, 0 up to tλ, (|x| - tλ) / (1 - t/γ) up to γλ, and |x| itself beyond. For t ≥ γ the middle piece is concave and
/// the least of the sum lies at an end: 0 up to λ√(γt), and |x| beyond (hard thresholding).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mcp {
    /// λ.
    pub lambda: f32,
    /// γ, above 1.
    pub gamma: f32,
}

/// SCAD (Fan and Li 2001): the slope of ρ is λ sign(x) up to |x| = λ, falls as (γλ - |x|)/(γ - 1) to 0 at γλ and stays there;
/// ρ(x) = λb - ((b - λ)₊)² / (2(γ - 1)) with b = min(|x|, γλ).
///
/// Map: for t < γ - 1, (|x| - tλ)₊ up to λ(1 + t), ((γ-1)|x| - tγλ) / (γ - 1 - t) up to γλ, and |x| itself beyond. For t ≥ γ - 1 the
/// middle piece is concave: the better of the best point up to λ and the best from γλ on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scad {
    /// λ.
    pub lambda: f32,
    /// γ, above 2.
    pub gamma: f32,
}

/// What every ρ is on vectors.
pub(crate) trait InRegisters: Copy {
    /// ρ(x); 0 at 0.
    fn value<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s;

    /// g + ρ'(x).
    fn add_slope<S: Simd>(self, simd: S, x: S::f32s, g: S::f32s) -> S::f32s;

    /// The u with the least (u - x)² / (2t) + ρ(u). What is not a number stays none: a divergence must be seen, not set to 0.
    fn map<S: Simd>(self, simd: S, t: S::f32s, x: S::f32s) -> S::f32s;
}

impl InRegisters for L1L2 {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let square = L2 { l2: self.l2 }.value(simd, x);
        simd.mul_add_e_f32s(simd.splat_f32s(self.l1), simd.abs_f32s(x), square)
    }

    #[inline(always)]
    fn add_slope<S: Simd>(self, simd: S, x: S::f32s, g: S::f32s) -> S::f32s {
        let g = simd.mul_add_e_f32s(simd.splat_f32s(self.l1), sign(simd, x), g);
        L2 { l2: self.l2 }.add_slope(simd, x, g)
    }

    #[inline(always)]
    fn map<S: Simd>(self, simd: S, t: S::f32s, x: S::f32s) -> S::f32s {
        let threshold = simd.mul_f32s(t, simd.splat_f32s(self.l1));
        let soft = flush(simd, simd.sub_f32s(x, within(simd, x, threshold)));
        if self.l2 == 0.0 {
            return soft;
        }
        L2 { l2: self.l2 }.map(simd, t, soft)
    }
}

/// [`L1L2`] without its l1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct L2 {
    pub(crate) l2: f32,
}

impl InRegisters for L2 {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.mul_f32s(simd.mul_f32s(simd.splat_f32s(self.l2), x), x)
    }

    #[inline(always)]
    fn add_slope<S: Simd>(self, simd: S, x: S::f32s, g: S::f32s) -> S::f32s {
        simd.mul_add_e_f32s(simd.splat_f32s(2.0 * self.l2), x, g)
    }

    #[inline(always)]
    fn map<S: Simd>(self, simd: S, t: S::f32s, x: S::f32s) -> S::f32s {
        let shrinkage = simd.mul_add_e_f32s(t, simd.splat_f32s(2.0 * self.l2), simd.splat_f32s(1.0));
        flush(simd, simd.div_f32s(x, shrinkage))
    }
}

impl InRegisters for Mcp {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let (lambda, half) = (simd.splat_f32s(self.lambda), simd.splat_f32s(0.5 / self.gamma));
        let inner = at_most(simd, simd.abs_f32s(x), self.gamma * self.lambda);
        simd.mul_f32s(inner, simd.sub_f32s(lambda, simd.mul_f32s(inner, half)))
    }

    #[inline(always)]
    fn add_slope<S: Simd>(self, simd: S, x: S::f32s, g: S::f32s) -> S::f32s {
        let (lambda, inverse) = (simd.splat_f32s(self.lambda), simd.splat_f32s(1.0 / self.gamma));
        let slope = relu(simd, simd.sub_f32s(lambda, simd.mul_f32s(simd.abs_f32s(x), inverse)));
        simd.mul_add_e_f32s(slope, sign(simd, x), g)
    }

    #[inline(always)]
    fn map<S: Simd>(self, simd: S, t: S::f32s, x: S::f32s) -> S::f32s {
        let (end, inverse) = (simd.splat_f32s(self.gamma * self.lambda), simd.splat_f32s(1.0 / self.lambda));
        let (lambda, gamma) = (simd.splat_f32s(self.lambda), simd.splat_f32s(self.gamma));
        let size = simd.abs_f32s(x);
        let soft = relu(simd, simd.sub_f32s(size, simd.mul_f32s(t, lambda)));
        let middle = simd.div_f32s(simd.mul_f32s(soft, gamma), simd.sub_f32s(gamma, t));
        let bent = simd.select_f32s(simd.greater_than_f32s(size, end), size, middle);
        let share = simd.mul_f32s(size, inverse);
        let dead = simd.less_than_or_equal_f32s(simd.mul_f32s(share, share), simd.mul_f32s(gamma, t));
        let hard = simd.select_f32s(dead, simd.splat_f32s(0.0), size);
        signed(simd, simd.select_f32s(simd.less_than_f32s(t, gamma), bent, hard), x)
    }
}

impl InRegisters for Scad {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let (lambda, half) = (simd.splat_f32s(self.lambda), simd.splat_f32s(0.5 / (self.gamma - 1.0)));
        let inner = at_most(simd, simd.abs_f32s(x), self.gamma * self.lambda);
        let over = relu(simd, simd.sub_f32s(inner, lambda));
        simd.sub_f32s(simd.mul_f32s(lambda, inner), simd.mul_f32s(half, simd.mul_f32s(over, over)))
    }

    #[inline(always)]
    fn add_slope<S: Simd>(self, simd: S, x: S::f32s, g: S::f32s) -> S::f32s {
        let (end, inverse) = (simd.splat_f32s(self.gamma * self.lambda), simd.splat_f32s(1.0 / (self.gamma - 1.0)));
        let left = relu(simd, simd.sub_f32s(end, simd.abs_f32s(x)));
        let slope = at_most(simd, simd.mul_f32s(left, inverse), self.lambda);
        simd.mul_add_e_f32s(slope, sign(simd, x), g)
    }

    #[inline(always)]
    fn map<S: Simd>(self, simd: S, t: S::f32s, x: S::f32s) -> S::f32s {
        let end = self.gamma * self.lambda;
        let plateau = simd.splat_f32s(self.lambda * self.lambda * (self.gamma + 1.0));
        let (rest, far_end) = (simd.splat_f32s(self.gamma - 1.0), simd.splat_f32s(end));
        let lambda = simd.splat_f32s(self.lambda);
        let size = simd.abs_f32s(x);
        let pull = simd.mul_f32s(t, lambda);
        let soft = relu(simd, simd.sub_f32s(size, pull));
        let left = simd.sub_f32s(rest, t);
        let middle = simd.sub_f32s(simd.mul_f32s(rest, size), simd.mul_f32s(t, far_end));
        let middle = simd.div_f32s(middle, left);
        // The middle piece is steeper than the first, and they meet at λ(1 + t).
        let bent = simd.max_f32s(middle, soft);
        let bent = simd.select_f32s(simd.greater_than_f32s(size, far_end), size, bent);
        // Both costs times 2t.
        let (near, far) = (at_most(simd, soft, self.lambda), at_least(simd, size, end));
        let (down, up) = (simd.sub_f32s(near, size), simd.sub_f32s(far, size));
        let cost_near = simd.mul_add_e_f32s(down, down, simd.mul_f32s(simd.add_f32s(pull, pull), near));
        let cost_far = simd.mul_add_e_f32s(t, plateau, simd.mul_f32s(up, up));
        let jump = simd.select_f32s(simd.less_than_or_equal_f32s(cost_near, cost_far), near, far);
        let is_gentle = simd.less_than_f32s(t, rest);
        signed(simd, simd.select_f32s(is_gentle, bent, jump), x)
    }
}

/// A size that is not negative, with the sign of x; subnormal numbers flushed.
#[inline(always)]
fn signed<S: Simd>(simd: S, size: S::f32s, x: S::f32s) -> S::f32s {
    let sign = simd.and_u32s(simd.transmute_u32s_f32s(x), simd.splat_u32s(1 << 31));
    flush(simd, simd.transmute_f32s_u32s(simd.or_u32s(simd.transmute_u32s_f32s(size), sign)))
}
