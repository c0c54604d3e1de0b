use super::*;
use crate::matrix::{dense_backward, dense_forward};
use proptest::prelude::*;

fn numbers(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn close(got: &[f32], want: &[f32], terms: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        prop_assert!((got - want).abs() <= 1e-6 * (terms as f32 + 1.0), "{got} {want}");
    }
    Ok(())
}

proptest! {
    /// The two layers, one after the other, are the twin.
    #[test]
    fn together_is_one_after_the_other(
        rows in 1usize..20, inputs in 1usize..=FEW, units in 16usize..100, with_bias in any::<bool>(),
        unary in prop_oneof![Just(Unary::Relu), Just(Unary::Tanh)], seed in any::<u32>(),
    ) {
        prop_assert!(is_hidden(unary, inputs, units));
        let (x, w, v) = (numbers(rows * inputs, seed), numbers(inputs * units, seed ^ 1), numbers(units, seed ^ 2));
        let (bias, c) = if with_bias { (numbers(units, seed ^ 3), vec![0.25]) } else { (vec![], vec![]) };
        let (mut y, mut z) = (vec![f32::NAN; rows * units], vec![f32::NAN; rows]);
        forward(unary, &x, &w, &bias, &v, &c, &mut y, &mut z);
        let (mut y2, mut z2) = (vec![f32::NAN; rows * units], vec![f32::NAN; rows]);
        dense_forward(unary, rows, inputs, units, &x, &w, &bias, &mut y2);
        dense_forward(Unary::Linear, rows, units, 1, &y2, &v, &c, &mut z2);
        close(&y, &y2, inputs)?;
        close(&z, &z2, units)?;
        forward(unary, &x, &w, &bias, &v, &c, &mut [], &mut z2);
        prop_assert_eq!(&z, &z2, "nothing kept");

        let dz = numbers(rows, seed ^ 4);
        let (mut dw, mut dbias) = (vec![f32::NAN; w.len()], vec![f32::NAN; bias.len()]);
        let (mut dv, mut dc) = (vec![f32::NAN; units], vec![f32::NAN; c.len()]);
        let kept = if reads_values(unary) { &y[..] } else { &[] };
        backward(unary, &x, &w, &bias, &v, kept, &dz, &mut dw, &mut dbias, &mut dv, &mut dc);
        let (mut dw2, mut dbias2) = (vec![f32::NAN; w.len()], vec![f32::NAN; bias.len()]);
        let (mut dv2, mut dc2) = (vec![f32::NAN; units], vec![f32::NAN; c.len()]);
        let mut dy = vec![f32::NAN; y.len()];
        let mut dz2 = dz.clone();
        dense_backward(Unary::Linear, rows, units, 1, &y, &v, &[], &mut dz2, &mut dv2, &mut dc2, Some(&mut dy));
        dense_backward(unary, rows, inputs, units, &x, &w, &y, &mut dy, &mut dw2, &mut dbias2, None);
        close(&dw, &dw2, rows)?;
        close(&dbias, &dbias2, rows)?;
        close(&dv, &dv2, rows)?;
        close(&dc, &dc2, rows)?;
    }
}

#[test]
fn a_diverged_unit_is_seen() {
    let (w, mut y, mut z) = (vec![f32::NAN; 16], vec![0.0; 16], [0.0]);
    forward(Unary::Relu, &[1.0], &w, &[], &[1.0; 16], &[], &mut y, &mut z);
    assert!(z[0].is_nan());
}
