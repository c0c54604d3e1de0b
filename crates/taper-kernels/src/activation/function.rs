//! The activation functions and their slopes, vector by vector.

use pulp::Simd;

use crate::lane::{at_most, exp, ln_1p, mul_add, only, relu, sigmoid, splat, tanh};

/// The factor s of [`Selu`].
const SELU_SCALE: f32 = 1.050_701;
/// s·a of [`Selu`].
const SELU_SCALE_ALPHA: f32 = 1.050_701 * 1.673_263_2;

/// One function and its slope, lane by lane.
pub(crate) trait Function: Copy {
    /// y from z.
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s;
    /// dy·f', from what was saved: z where [`Unary::needs_input`](super::Unary::needs_input), else y.
    fn pull<S: Simd>(self, simd: S, saved: S::f32s, dy: S::f32s) -> S::f32s;
}

macro_rules! function {
    ($name:ident $(($field:ident))?, |$simd:ident, $z:ident| $value:expr, |$saved:ident, $dy:ident| $pull:expr) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name $((pub(crate) function!(@f32 $field)))?;
        impl Function for $name {
            #[inline(always)]
            fn value<S: Simd>(self, $simd: S, $z: S::f32s) -> S::f32s { $(let Self($field) = self;)? $value }
            #[inline(always)]
            fn pull<S: Simd>(self, $simd: S, $saved: S::f32s, $dy: S::f32s) -> S::f32s { $(let Self($field) = self;)? $pull }
        }
    };
    (@f32 $field:ident) => { f32 };
}

function!(Linear, |_simd, z| z, |_saved, dy| dy);
function!(Relu, |simd, z| relu(simd, z), |y, dy| if_positive(simd, y, dy));
function!(Relu6, |simd, z| at_most(simd, relu(simd, z), 6.0), |y, dy| {
    let inside = if_positive(simd, y, dy);
    simd.select_f32s(simd.less_than_f32s(y, splat(simd, 6.0)), inside, splat(simd, 0.0))
});
function!(LeakyRelu(slope), |simd, z| positive(simd, z, z, simd.mul_f32s(splat(simd, slope), z)), |y, dy| positive(
    simd,
    y,
    dy,
    simd.mul_f32s(splat(simd, slope), dy)
));
function!(
    Elu(alpha),
    |simd, z| positive(simd, z, z, mul_add(simd, splat(simd, alpha), exp(simd, z), splat(simd, -alpha))),
    |y, dy| positive(simd, y, dy, simd.mul_f32s(simd.add_f32s(y, splat(simd, alpha)), dy))
);
function!(
    Selu,
    |simd, z| {
        let below = mul_add(simd, splat(simd, SELU_SCALE_ALPHA), exp(simd, z), splat(simd, -SELU_SCALE_ALPHA));
        positive(simd, z, simd.mul_f32s(splat(simd, SELU_SCALE), z), below)
    },
    |y, dy| {
        let below = simd.mul_f32s(simd.add_f32s(y, splat(simd, SELU_SCALE_ALPHA)), dy);
        positive(simd, y, simd.mul_f32s(splat(simd, SELU_SCALE), dy), below)
    }
);
function!(Sigmoid, |simd, z| sigmoid(simd, z), |y, dy| {
    simd.mul_f32s(simd.mul_f32s(dy, y), simd.sub_f32s(splat(simd, 1.0), y))
});
function!(
    HardSigmoid,
    |simd, z| {
        let y = relu(simd, mul_add(simd, z, splat(simd, 1.0 / 6.0), splat(simd, 0.5)));
        at_most(simd, y, 1.0)
    },
    |z, dy| {
        let inside = simd.less_than_f32s(simd.abs_f32s(z), splat(simd, 3.0));
        simd.select_f32s(inside, simd.mul_f32s(dy, splat(simd, 1.0 / 6.0)), splat(simd, 0.0))
    }
);
function!(Tanh, |simd, z| tanh(simd, z), |y, dy| {
    simd.mul_f32s(dy, simd.sub_f32s(splat(simd, 1.0), simd.mul_f32s(y, y)))
});
function!(
    Softplus,
    |simd, z| {
        let e = exp(simd, simd.sub_f32s(splat(simd, 0.0), simd.abs_f32s(z)));
        simd.add_f32s(relu(simd, z), ln_1p(simd, e))
    },
    |y, dy| simd.mul_f32s(dy, simd.sub_f32s(splat(simd, 1.0), exp(simd, simd.sub_f32s(splat(simd, 0.0), y))))
);
function!(Softsign, |simd, z| simd.div_f32s(z, simd.add_f32s(splat(simd, 1.0), simd.abs_f32s(z))), |y, dy| {
    let slope = simd.sub_f32s(splat(simd, 1.0), simd.abs_f32s(y));
    simd.mul_f32s(dy, simd.mul_f32s(slope, slope))
});
function!(Swish, |simd, z| simd.mul_f32s(z, sigmoid(simd, z)), |z, dy| {
    let s = sigmoid(simd, z);
    let rest = simd.sub_f32s(splat(simd, 1.0), s);
    simd.mul_f32s(dy, mul_add(simd, simd.mul_f32s(z, s), rest, s))
});
function!(Gelu, |simd, z| simd.mul_f32s(z, normal_cdf(simd, z)), |z, dy| {
    let density = simd.mul_f32s(
        splat(simd, 0.398_942_3), // 1 / sqrt(2π)
        exp(simd, simd.mul_f32s(splat(simd, -0.5), simd.mul_f32s(z, z))),
    );
    simd.mul_f32s(dy, mul_add(simd, z, density, normal_cdf(simd, z)))
});
function!(Exponential, |simd, z| exp(simd, z), |y, dy| simd.mul_f32s(dy, y));

/// `then` where `x > 0`, else `otherwise`.
#[inline(always)]
pub(crate) fn positive<S: Simd>(simd: S, x: S::f32s, then: S::f32s, otherwise: S::f32s) -> S::f32s {
    simd.select_f32s(simd.greater_than_f32s(x, simd.splat_f32s(0.0)), then, otherwise)
}

/// `then` where `x > 0`, else 0.
#[inline(always)]
fn if_positive<S: Simd>(simd: S, x: S::f32s, then: S::f32s) -> S::f32s {
    only(simd, simd.greater_than_f32s(x, simd.splat_f32s(0.0)), then)
}

/// Φ(z) = (1 + erf(z / √2)) / 2, from the complementary side where the result is small.
///
/// `libm::erfcf` lane by lane: the function is exact to an ulp and far from any hot path here.
#[inline(always)]
fn normal_cdf<S: Simd>(simd: S, z: S::f32s) -> S::f32s {
    let mut lanes = [0.0f32; 16];
    let lanes = &mut lanes[..S::F32_LANES];
    simd.partial_store_f32s(lanes, z);
    for lane in lanes.iter_mut() {
        *lane = 0.5 * libm::erfcf(-*lane * core::f32::consts::FRAC_1_SQRT_2);
    }
    simd.partial_load_f32s(lanes)
}
