//! Binary cross-entropy from logits.

use crate::lane::{exp, ln_1p, load_some, mul_add, relu, sigmoid, store_some};
use crate::macros::kernel;

/// Σ weight · (max(z, 0) - z y + ln(1 + e^-|z|)), exact and finite for any logit, summed lane by lane in `f32`.
///
/// Where `dz` is not empty it gets weight · (sigmoid(z) - y).
pub fn binary(z: &[f32], y: &[f32], weight: &[f32], dz: &mut [f32]) -> f64 {
    const CHUNK: usize = 1024; // partial sums stay short, so f32 holds them; the total is f64
    assert!(y.len() == z.len() && weight.len() == z.len() && (dz.is_empty() || dz.len() == z.len()));
    let mut total = 0.0;
    let mut at = 0;
    while at < z.len() {
        let range = at..(at + CHUNK).min(z.len());
        let dz: &mut [f32] = if dz.is_empty() { &mut [] } else { &mut dz[range.clone()] };
        total += f64::from(binary_chunk(&z[range.clone()], &y[range.clone()], &weight[range], dz));
        at += CHUNK;
    }
    total
}

kernel! {
    fn binary_chunk(simd: S, z: &'a [f32], y: &'a [f32], weight: &'a [f32], dz: &'a mut [f32]) -> f32 {
        let mut sum = simd.splat_f32s(0.0);
        let mut dz = dz.chunks_mut(S::F32_LANES);
        let rows = z.chunks(S::F32_LANES).zip(y.chunks(S::F32_LANES)).zip(weight.chunks(S::F32_LANES));
        for ((z, y), weight) in rows {
            // Missing lanes are 0, and so is their weight.
            let (z, y, weight) = (load_some(simd, z), load_some(simd, y), load_some(simd, weight));
            let minus = simd.sub_f32s(simd.splat_f32s(0.0), simd.abs_f32s(z));
            let loss = simd.add_f32s(simd.sub_f32s(relu(simd, z), simd.mul_f32s(z, y)), ln_1p(simd, exp(simd, minus)));
            sum = mul_add(simd, weight, loss, sum);
            if let Some(dz) = dz.next() {
                store_some(simd, dz, simd.mul_f32s(weight, simd.sub_f32s(sigmoid(simd, z), y)));
            }
        }
        simd.reduce_sum_f32s(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn value_and_gradient_are_the_formula(
            rows in proptest::collection::vec((-30.0f32..30.0, 0.0f32..1.0, 0.0f32..2.0), 1..2100),
        ) {
            let z: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let y: Vec<f32> = rows.iter().map(|row| row.1).collect();
            let weight: Vec<f32> = rows.iter().map(|row| row.2).collect();
            let mut dz = vec![f32::NAN; z.len()];
            let got = binary(&z, &y, &weight, &mut dz);
            prop_assert_eq!(got, binary(&z, &y, &weight, &mut []));
            let mut want = 0.0;
            for (i, (z, y, weight)) in rows.iter().map(|r| (f64::from(r.0), f64::from(r.1), f64::from(r.2))).enumerate() {
                want += weight * (z.max(0.0) - z * y + (-z.abs()).exp().ln_1p());
                let slope = weight * (1.0 / (1.0 + (-z).exp()) - y);
                prop_assert!((f64::from(dz[i]) - slope).abs() < 1e-6);
            }
            prop_assert!((got - want).abs() < 2e-6 * want.abs() + 1e-6);
        }
    }

    #[test]
    fn huge_logits_are_exact() {
        assert_eq!(binary(&[1000.0, -1000.0], &[0.0, 0.0], &[1.0, 1.0], &mut []), 1000.0);
    }
}
