//! The products at the points: small, many, and of factors that lie where the transforms put them, so that none is packed.

// Factors are read without bounds checks, which would cost more than the arithmetic; every tile asserts its sizes once.
#![allow(unsafe_code)] // each block below says why it holds

use pulp::Simd;

use crate::lane::{load, mul_add, store};
use crate::product::tall_rows;

/// Columns come in so many at a time; buffers are padded to them.
pub(super) const UNIT: usize = 16;

/// A left factor: element (row, term) at `row · row_stride + term · term_stride`.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub(super) data: &'a [f32],
    pub(super) row_stride: usize,
    pub(super) term_stride: usize,
}

/// How many columns the panel has that begins at column `at`.
#[inline(always)]
fn width<S: Simd>(_simd: S, at: usize, columns: usize) -> usize {
    (2 * S::F32_LANES).min(columns - at)
}

/// Where element (term, column) of a right factor is: panels of two vectors of columns, with all its `terms` each.
#[inline(always)]
pub(super) fn place<S: Simd>(simd: S, terms: usize, columns: usize, term: usize, column: usize) -> usize {
    let panel = column / (2 * S::F32_LANES) * (2 * S::F32_LANES);
    panel * terms + term * width(simd, panel, columns) + column - panel
}

/// `out = a b`, or `out += a b`. `columns` is a multiple of [`UNIT`], and `a` and `out` have room for `rows` up to a multiple of
/// that as well; rows of `out` are `stride` apart.
#[inline(always)]
pub(super) fn product<S: Simd>(
    simd: S,
    (rows, terms, columns): (usize, usize, usize),
    a: Left<'_>,
    b: &[f32],
    out: &mut [f32],
    stride: usize,
    add: bool,
) {
    // As in the general product: twelve rows of two vectors fill 32 registers, six 16.
    if S::REGISTER_COUNT >= 32 {
        panels::<S, 12, 8>(simd, (rows, terms, columns), a, b, out, stride, add);
    } else {
        panels::<S, 6, 4>(simd, (rows, terms, columns), a, b, out, stride, add);
    }
}

#[inline(always)]
fn panels<S: Simd, const TALL: usize, const LOW: usize>(
    simd: S,
    (rows, terms, columns): (usize, usize, usize),
    a: Left<'_>,
    b: &[f32],
    out: &mut [f32],
    stride: usize,
    add: bool,
) {
    let tall = tall_rows::<TALL, LOW>(rows).next_multiple_of(TALL);
    let mut column = 0;
    while column < columns {
        let width = width(simd, column, columns);
        let b = &b[column * terms..][..width * terms];
        let mut row = 0;
        while row < rows {
            let out = &mut out[row * stride + column..];
            let a = Left { data: &a.data[row * a.row_stride..], ..a };
            match (row < tall, width == 2 * S::F32_LANES) {
                (true, true) => tile::<S, TALL, 2>(simd, terms, a, b, out, stride, add),
                (true, false) => tile::<S, TALL, 1>(simd, terms, a, b, out, stride, add),
                (false, true) => tile::<S, LOW, 2>(simd, terms, a, b, out, stride, add),
                (false, false) => tile::<S, LOW, 1>(simd, terms, a, b, out, stride, add),
            }
            row += if row < tall { TALL } else { LOW };
        }
        column += width;
    }
}

/// `R` rows by a panel of `B` vectors, summed over all terms in registers.
#[inline(always)]
fn tile<S: Simd, const R: usize, const B: usize>(
    simd: S,
    terms: usize,
    a: Left<'_>,
    b: &[f32],
    out: &mut [f32],
    stride: usize,
    add: bool,
) {
    let width = B * S::F32_LANES;
    // Once and for all: with checks further in, the sums do not stay in registers.
    assert!(terms > 0 && (R - 1) * a.row_stride + (terms - 1) * a.term_stride < a.data.len());
    assert!(terms * width <= b.len() && (R - 1) * stride + width <= out.len());
    let mut sums = [[simd.splat_f32s(0.0); B]; R];
    for l in 0..terms {
        let mut right = [simd.splat_f32s(0.0); B];
        for v in 0..B {
            // SAFETY: l < terms, and by the second assertion b has `width` numbers for each.
            right[v] = unsafe { load(simd, b, l * width + v * S::F32_LANES) };
        }
        for r in 0..R {
            // SAFETY: r < R and l < terms, by the first assertion.
            let left = simd.splat_f32s(unsafe { *a.data.get_unchecked(r * a.row_stride + l * a.term_stride) });
            for v in 0..B {
                sums[r][v] = mul_add(simd, left, right[v], sums[r][v]);
            }
        }
    }
    for r in 0..R {
        for v in 0..B {
            let at = r * stride + v * S::F32_LANES;
            // SAFETY: by the second assertion.
            unsafe {
                let old = if add { load(simd, out, at) } else { simd.splat_f32s(0.0) };
                store(simd, out, at, simd.add_f32s(old, sums[r][v]));
            }
        }
    }
}
