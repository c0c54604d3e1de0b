//! The elementary functions, lane by lane: `exp`, `ln(1 + x)`, sigmoid, tanh, and small words that every kernel uses.
//!
//! They are polynomials of our own, so that results do not depend on the platform's mathematical library. Stated errors are
//! the largest seen over a dense sweep of the whole range (tests hold them).

use pulp::{Scalar, Simd};

/// One vector from `x[at..]`.
///
/// # Safety
///
/// `at + S::F32_LANES <= x.len()`.
#[inline(always)]
#[allow(unsafe_code)] // each block below says why it holds
pub(crate) unsafe fn load<S: Simd>(_simd: S, x: &[f32], at: usize) -> S::f32s {
    debug_assert!(at + S::F32_LANES <= x.len());
    // SAFETY: the caller keeps within bounds; vectors are plain numbers, and the read need not be aligned.
    unsafe { x.as_ptr().add(at).cast::<S::f32s>().read_unaligned() }
}

/// One vector to `x[at..]`.
///
/// # Safety
///
/// `at + S::F32_LANES <= x.len()`.
#[inline(always)]
#[allow(unsafe_code)] // each block below says why it holds
pub(crate) unsafe fn store<S: Simd>(_simd: S, x: &mut [f32], at: usize, value: S::f32s) {
    debug_assert!(at + S::F32_LANES <= x.len());
    // SAFETY: the caller keeps within bounds; vectors are plain numbers, and the write need not be aligned.
    unsafe { x.as_mut_ptr().add(at).cast::<S::f32s>().write_unaligned(value) }
}

/// `value` in every lane.
#[inline(always)]
pub(crate) fn splat<S: Simd>(simd: S, value: f32) -> S::f32s {
    simd.splat_f32s(value)
}

/// `a·b + c`, fused where the machine can.
#[inline(always)]
pub(crate) fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(a, b, c)
}

/// Whether `min(a, b)` and `max(a, b)` are x86's, which give `b` where either is NaN: all its vectors of 8 or more lanes.
#[inline(always)]
fn gives_second<S: Simd>() -> bool {
    cfg!(target_arch = "x86_64") && S::F32_LANES >= 8
}

/// `if x < bound { bound } else { x }`, which lets NaN through.
#[inline(always)]
pub(crate) fn at_least<S: Simd>(simd: S, x: S::f32s, bound: f32) -> S::f32s {
    let bound = simd.splat_f32s(bound);
    if gives_second::<S>() {
        return simd.max_f32s(bound, x);
    }
    simd.select_f32s(simd.less_than_f32s(x, bound), bound, x)
}

/// `if x > bound { bound } else { x }`, which lets NaN through.
#[inline(always)]
pub(crate) fn at_most<S: Simd>(simd: S, x: S::f32s, bound: f32) -> S::f32s {
    let bound = simd.splat_f32s(bound);
    if gives_second::<S>() {
        return simd.min_f32s(bound, x);
    }
    simd.select_f32s(simd.greater_than_f32s(x, bound), bound, x)
}

/// `x` brought into ± `bound`, which lets NaN through.
#[inline(always)]
pub(crate) fn within<S: Simd>(simd: S, x: S::f32s, bound: S::f32s) -> S::f32s {
    let least = simd.neg_f32s(bound);
    if gives_second::<S>() {
        return simd.min_f32s(bound, simd.max_f32s(least, x));
    }
    let x = simd.select_f32s(simd.less_than_f32s(x, least), least, x);
    simd.select_f32s(simd.greater_than_f32s(x, bound), bound, x)
}

/// `max(x, 0)`, NaN stays NaN: a diverged weight must be seen, not hidden.
#[inline(always)]
pub(crate) fn relu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    at_least(simd, x, 0.0)
}

/// 0 where `x` is subnormal, else `x`.
///
/// Subnormal numbers make ordinary loops up to 48 times slower, and a penalty drives weights and moments straight into them.
#[inline(always)]
pub(crate) fn flush<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    flush_below(simd, x, f32::MIN_POSITIVE)
}

/// 0 where `|x| < least`, else `x`.
#[inline(always)]
pub(crate) fn flush_below<S: Simd>(simd: S, x: S::f32s, least: f32) -> S::f32s {
    unless(simd, simd.less_than_f32s(simd.abs_f32s(x), simd.splat_f32s(least)), x)
}

/// `x` where the mask is set, else 0.
#[inline(always)]
pub(crate) fn only<S: Simd>(simd: S, mask: S::m32s, x: S::f32s) -> S::f32s {
    match as_bits(simd, mask) {
        Some(mask) => simd.transmute_f32s_u32s(simd.and_u32s(mask, simd.transmute_u32s_f32s(x))),
        None => simd.select_f32s(mask, x, simd.splat_f32s(0.0)),
    }
}

/// 0 where the mask is set, else `x`.
#[inline(always)]
pub(crate) fn unless<S: Simd>(simd: S, mask: S::m32s, x: S::f32s) -> S::f32s {
    match as_bits(simd, mask) {
        Some(mask) => simd.transmute_f32s_u32s(simd.and_u32s(simd.not_u32s(mask), simd.transmute_u32s_f32s(x))),
        None => simd.select_f32s(mask, simd.splat_f32s(0.0), x),
    }
}

/// The bits of a mask, where it is a vector itself: there an "and" costs less than a choice between two.
#[inline(always)]
fn as_bits<S: Simd>(_simd: S, mask: S::m32s) -> Option<S::u32s> {
    (size_of::<S::m32s>() == size_of::<S::u32s>()).then(
        #[inline(always)]
        || pulp::bytemuck::cast(mask),
    )
}

/// 1, 0 or -1; the sign of 0 (and of NaN) is 0, so that the gradient of `|w|` at 0 is 0 as in TensorFlow.
#[inline(always)]
pub(crate) fn sign<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    let positive = simd.select_f32s(simd.greater_than_f32s(x, zero), simd.splat_f32s(1.0), zero);
    simd.select_f32s(simd.less_than_f32s(x, zero), simd.splat_f32s(-1.0), positive)
}

/// e^x: relative error below 2e-7 for results that are normal numbers; 0 below x = -87.33, at most e^88.37 above.
///
/// Cody-Waite reduction to |r| <= ln 2 / 2 and the polynomial of Cephes `expf`.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to a whole number in the low bits
    let x = at_most(simd, x, 88.37);
    let underflows = simd.less_than_f32s(x, splat(simd, -87.33));
    let x = at_least(simd, x, -87.33);

    let shifted = mul_add(simd, x, splat(simd, core::f32::consts::LOG2_E), splat(simd, MAGIC));
    let n = simd.sub_f32s(shifted, splat(simd, MAGIC));
    let r = mul_add(simd, n, splat(simd, -0.693_359_4), x);
    let r = mul_add(simd, n, splat(simd, 2.121_944_4e-4), r);

    let p = mul_add(simd, splat(simd, 1.987_569_1e-4), r, splat(simd, 1.398_199_9e-3));
    let p = mul_add(simd, p, r, splat(simd, 8.333_452e-3));
    let p = mul_add(simd, p, r, splat(simd, 4.166_579_6e-2));
    let p = mul_add(simd, p, r, splat(simd, 1.666_666_5e-1));
    let p = mul_add(simd, p, r, splat(simd, 0.5));
    let p = mul_add(simd, simd.mul_f32s(p, r), r, simd.add_f32s(r, splat(simd, 1.0)));

    // 2^n: the low bits of `shifted` hold n; moved into the exponent field they scale.
    let exponent = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    let scale = simd.transmute_f32s_u32s(simd.add_u32s(exponent, simd.splat_u32s(1.0f32.to_bits())));
    simd.select_f32s(underflows, splat(simd, 0.0), simd.mul_f32s(p, scale))
}

/// ln x for normal x > 0: relative error below 2e-7 (Cephes `logf`). Other arguments give no meaningful number, but NaN
/// stays NaN.
#[inline(always)]
pub(crate) fn ln<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let bits = simd.transmute_u32s_f32s(x);
    // x = m 2^e with m in [sqrt(1/2), sqrt 2): subtract sqrt(1/2)'s bits so that the split falls there.
    let offset = simd.sub_u32s(bits, simd.splat_u32s(0x3f35_04f3));
    let e = simd.wrapping_dyn_shr_u32s(offset, simd.splat_u32s(23));
    // e is a small signed number in 9 bits (0..255 or 256-e): put it through the float magic number.
    let e_float = {
        let biased = simd.and_u32s(simd.add_u32s(e, simd.splat_u32s(256)), simd.splat_u32s(511));
        let as_float = simd.transmute_f32s_u32s(simd.or_u32s(biased, simd.splat_u32s(0x4b00_0000))); // 2^23 + biased
        simd.sub_f32s(as_float, splat(simd, 8_388_608.0 + 256.0))
    };
    let mantissa = simd.add_u32s(simd.and_u32s(offset, simd.splat_u32s(0x007f_ffff)), simd.splat_u32s(0x3f35_04f3));
    let m = simd.sub_f32s(simd.transmute_f32s_u32s(mantissa), splat(simd, 1.0));
    let z = simd.mul_f32s(m, m);

    let p = mul_add(simd, splat(simd, 7.037_683_6e-2), m, splat(simd, -1.151_461e-1));
    let p = mul_add(simd, p, m, splat(simd, 1.167_699_9e-1));
    let p = mul_add(simd, p, m, splat(simd, -1.242_014_1e-1));
    let p = mul_add(simd, p, m, splat(simd, 1.424_932_3e-1));
    let p = mul_add(simd, p, m, splat(simd, -1.666_805_8e-1));
    let p = mul_add(simd, p, m, splat(simd, 2.000_071_5e-1));
    let p = mul_add(simd, p, m, splat(simd, -2.499_999_4e-1));
    let p = mul_add(simd, p, m, splat(simd, 3.333_333e-1));
    let p = simd.mul_f32s(simd.mul_f32s(p, m), z);
    let p = mul_add(simd, e_float, splat(simd, -2.121_944_4e-4), p);
    let p = mul_add(simd, z, splat(simd, -0.5), p);
    let result = mul_add(simd, e_float, splat(simd, 0.693_359_4), simd.add_f32s(m, p));
    // NaN in, NaN out: comparing x with itself is false only for NaN.
    simd.select_f32s(simd.equal_f32s(x, x), result, x)
}

/// ln(1 + x) for x >= 0: relative error below 3e-7, also where x is tiny (the rounding of 1 + x is corrected for).
#[inline(always)]
pub(crate) fn ln_1p<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let u = simd.add_f32s(one, x);
    let lost = simd.sub_f32s(simd.sub_f32s(u, one), x);
    simd.sub_f32s(ln(simd, u), simd.div_f32s(lost, u))
}

/// 1 / (1 + e^-x): absolute error below 1e-7. Never overflows: computed from e^-|x|.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let zero = simd.splat_f32s(0.0);
    let e = exp(simd, simd.sub_f32s(zero, simd.abs_f32s(x)));
    let denominator = simd.add_f32s(one, e);
    let numerator = simd.select_f32s(simd.less_than_f32s(x, zero), e, one);
    simd.div_f32s(numerator, denominator)
}

/// tanh x: relative error below 3e-7 (Cephes `tanhf`).
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let magnitude = simd.abs_f32s(x);
    let z = simd.mul_f32s(x, x);
    let p = mul_add(simd, splat(simd, -5.704_988_7e-3), z, splat(simd, 2.063_908_8e-2));
    let p = mul_add(simd, p, z, splat(simd, -5.373_971e-2));
    let p = mul_add(simd, p, z, splat(simd, 1.333_144_1e-1));
    let p = mul_add(simd, p, z, splat(simd, -3.333_328e-1));
    let small = mul_add(simd, simd.mul_f32s(p, z), x, x);

    let e = exp(simd, simd.mul_f32s(splat(simd, -2.0), magnitude));
    let large = simd.div_f32s(simd.sub_f32s(splat(simd, 1.0), e), simd.add_f32s(splat(simd, 1.0), e));
    let large =
        simd.select_f32s(simd.less_than_f32s(x, splat(simd, 0.0)), simd.sub_f32s(splat(simd, 0.0), large), large);
    simd.select_f32s(simd.less_than_f32s(magnitude, splat(simd, 0.625)), small, large)
}

/// Up to one vector of numbers; missing lanes are 0.
#[inline(always)]
pub(crate) fn load_some<S: Simd>(simd: S, x: &[f32]) -> S::f32s {
    match S::as_simd_f32s(x) {
        ([whole], []) => *whole,
        _ => simd.partial_load_f32s(x),
    }
}

/// Writes a vector back, as many lanes as there is room for.
#[inline(always)]
pub(crate) fn store_some<S: Simd>(simd: S, y: &mut [f32], value: S::f32s) {
    if y.len() == S::F32_LANES
        && let ([whole], []) = S::as_mut_simd_f32s(y)
    {
        *whole = value;
        return;
    }
    simd.partial_store_f32s(y, value);
}

/// `y[i] = f(y[i])` over a whole slice, the tail included.
#[inline(always)]
pub(crate) fn map_in_place<S: Simd>(simd: S, y: &mut [f32], f: impl Fn(S::f32s) -> S::f32s) {
    let (head, tail) = S::as_mut_simd_f32s(y);
    for lane in head {
        *lane = f(*lane);
    }
    if !tail.is_empty() {
        let lane = f(simd.partial_load_f32s(tail));
        simd.partial_store_f32s(tail, lane);
    }
}

/// `y[i] = f(x[i], y[i])` over two slices of equal length, the tail included.
#[inline(always)]
pub(crate) fn zip_in_place<S: Simd>(simd: S, x: &[f32], y: &mut [f32], f: impl Fn(S::f32s, S::f32s) -> S::f32s) {
    assert_eq!(x.len(), y.len());
    let (x_head, x_tail) = S::as_simd_f32s(x);
    let (y_head, y_tail) = S::as_mut_simd_f32s(y);
    for (y, x) in y_head.iter_mut().zip(x_head) {
        *y = f(*x, *y);
    }
    if !y_tail.is_empty() {
        let lane = f(simd.partial_load_f32s(x_tail), simd.partial_load_f32s(y_tail));
        simd.partial_store_f32s(y_tail, lane);
    }
}

/// e^x of one number; see the module's error bounds. The same bits as every lane of the portable path.
#[must_use]
pub fn exp_scalar(x: f32) -> f32 {
    exp(Scalar::new(), x)
}

/// 1 / (1 + e^-x) of one number.
#[must_use]
pub fn sigmoid_scalar(x: f32) -> f32 {
    sigmoid(Scalar::new(), x)
}

/// tanh of one number.
#[must_use]
pub fn tanh_scalar(x: f32) -> f32 {
    tanh(Scalar::new(), x)
}

/// ln(1 + x) of one number x >= 0.
#[must_use]
pub fn ln_1p_scalar(x: f32) -> f32 {
    ln_1p(Scalar::new(), x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(low: f32, high: f32) -> impl Iterator<Item = f32> {
        (0..=200_000u32).map(move |i| low + (high - low) * (i as f32 / 200_000.0))
    }

    fn worst_relative(xs: impl Iterator<Item = f32>, f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> f64 {
        xs.map(|x| {
            let want = exact(f64::from(x));
            (f64::from(f(x)) - want).abs() / want.abs().max(1e-300)
        })
        .fold(0.0, f64::max)
    }

    #[test]
    fn errors_are_within_the_stated_bounds() {
        assert!(worst_relative(sweep(-87.3, 88.3), exp_scalar, f64::exp) < 2e-7);
        assert!(
            worst_relative(sweep(1e-6, 20.0), |x| ln(Scalar::new(), x), f64::ln) < 3e-6,
            "near 1 the result is near 0"
        );
        assert!(worst_relative(sweep(1e-6, 1.0), ln_1p_scalar, f64::ln_1p) < 3e-7);
        assert!(worst_relative((1..60).map(|i| 0.5f32.powi(i)), ln_1p_scalar, f64::ln_1p) < 3e-7);
        assert!(worst_relative(sweep(-10.0, 10.0).filter(|x| *x != 0.0), tanh_scalar, f64::tanh) < 3e-7);
        let sigmoid_error = sweep(-90.0, 90.0)
            .map(|x| (f64::from(sigmoid_scalar(x)) - 1.0 / (1.0 + (-f64::from(x)).exp())).abs())
            .fold(0.0, f64::max);
        assert!(sigmoid_error < 1e-7, "{sigmoid_error}");
    }

    #[test]
    fn extremes_are_finite_and_nan_stays_nan() {
        assert_eq!(exp_scalar(-1000.0), 0.0);
        assert!(exp_scalar(1000.0).is_finite());
        assert_eq!((sigmoid_scalar(1000.0), sigmoid_scalar(-1000.0)), (1.0, 0.0));
        assert_eq!((tanh_scalar(50.0), tanh_scalar(-50.0)), (1.0, -1.0));
        for f in [exp_scalar, sigmoid_scalar, tanh_scalar, ln_1p_scalar] {
            assert!(f(f32::NAN).is_nan());
        }
        assert!(relu(Scalar::new(), f32::NAN).is_nan());
        assert_eq!(sign(Scalar::new(), -0.0), 0.0);
        assert_eq!(flush(Scalar::new(), 1e-40), 0.0);
    }
}
