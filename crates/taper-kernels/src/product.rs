//! The general matrix product: panels packed side by side, a block of the result kept in registers.
//!
//! The scheme is that of Goto and van de Geijn (2008) as BLIS has it: both factors are copied, block by block, into panels that
//! the innermost loop reads straight through; missing rows and columns are padded with 0. The packing buffers belong to the
//! thread and grow once. The summed dimension is split at fixed places, so the bits depend on the shape and the instruction
//! set alone.

// Panels are read through pointers: every access is a full vector at a place that the packing made, and bounds checks in
// this loop would cost more than the arithmetic.
#![allow(unsafe_code)]

use std::cell::RefCell;

use pulp::Simd;

use crate::lane::{load, mul_add, store};
use crate::macros::kernel;
use crate::matrix::Matrix;

/// Terms of the sum per packed block: a panel of each factor stays in the first-level cache.
const DEPTH: usize = 256;
/// Rows of the left factor per packed block: it stays in the second-level cache. A multiple of 6 and 12.
const ROWS: usize = 144;
/// Columns of the right factor per packed block. A multiple of 32.
const COLUMNS: usize = 1024;

thread_local! {
    static PACKED: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// `c = a b` (or `c += a b`): `c` is row-major, its rows `stride` apart. The caller has checked the sizes.
pub(crate) fn product(a: Matrix<'_>, b: Matrix<'_>, c: &mut [f32], stride: usize, accumulate: bool) {
    PACKED.with_borrow_mut(|(packed_a, packed_b)| {
        // Room for a full block each, whatever the shape: the buffers grow once and never again.
        packed_a.resize(ROWS * DEPTH, 0.0);
        packed_b.resize(COLUMNS * DEPTH, 0.0);
        run(a, b, c, stride, accumulate, packed_a, packed_b);
    });
}

kernel! {
    fn run(
        simd: S, a: Matrix<'a>, b: Matrix<'a>, c: &'a mut [f32], stride: usize, accumulate: bool,
        packed_a: &'a mut [f32], packed_b: &'a mut [f32],
    ) {
        // Twelve rows of two vectors fill the 32 registers of AVX-512 and NEON, six the 16 of AVX2.
        if S::REGISTER_COUNT >= 32 {
            blocks::<S, 12>(simd, a, b, c, stride, accumulate, packed_a, packed_b);
        } else {
            blocks::<S, 6>(simd, a, b, c, stride, accumulate, packed_a, packed_b);
        }
    }
}

#[inline(always)]
fn blocks<S: Simd, const MR: usize>(
    simd: S,
    a: Matrix<'_>,
    b: Matrix<'_>,
    c: &mut [f32],
    stride: usize,
    accumulate: bool,
    packed_a: &mut [f32],
    packed_b: &mut [f32],
) {
    let (m, depth, n) = (a.rows(), a.cols(), b.cols());
    let nr = 2 * S::F32_LANES;
    if depth == 0 && !accumulate {
        for row in c.chunks_mut(stride).take(m) {
            row[..n].fill(0.0);
        }
    }
    for j in (0..n).step_by(COLUMNS) {
        let columns = COLUMNS.min(n - j);
        for p in (0..depth).step_by(DEPTH) {
            let terms = DEPTH.min(depth - p);
            pack(b.t(), j, columns, p, terms, nr, packed_b);
            for i in (0..m).step_by(ROWS) {
                let rows = ROWS.min(m - i);
                pack(a, i, rows, p, terms, MR, packed_a);
                for (panel_b, jr) in (0..columns).step_by(nr).enumerate() {
                    let panel_b = &packed_b[panel_b * terms * nr..(panel_b + 1) * terms * nr];
                    for (panel_a, ir) in (0..rows).step_by(MR).enumerate() {
                        let panel_a = &packed_a[panel_a * terms * MR..(panel_a + 1) * terms * MR];
                        let sums = tile::<S, MR>(simd, panel_a, panel_b);
                        let (height, width) = (MR.min(rows - ir), nr.min(columns - jr));
                        let at = (i + ir) * stride + j + jr;
                        put::<S, MR>(simd, &sums, c, at, stride, height, width, accumulate || p > 0);
                    }
                }
            }
        }
    }
}

/// Copies rows `i..i + rows` and columns `p..p + terms` into panels of `width` rows: for each column, the rows side by side.
#[inline(always)]
fn pack(a: Matrix<'_>, i: usize, rows: usize, p: usize, terms: usize, width: usize, packed: &mut [f32]) {
    let (data, row_stride, col_stride) = a.parts();
    for (panel, first) in packed.chunks_exact_mut(terms * width).zip((0..rows).step_by(width)) {
        let here = width.min(rows - first);
        if here < width {
            panel.fill(0.0);
        }
        let start = (i + first) * row_stride + p * col_stride;
        if row_stride == 1 {
            for (l, to) in panel.chunks_exact_mut(width).enumerate() {
                let from = start + l * col_stride;
                to[..here].copy_from_slice(&data[from..from + here]);
            }
        } else {
            for r in 0..here {
                let row = &data[start + r * row_stride..];
                for (l, to) in panel.chunks_exact_mut(width).enumerate() {
                    to[r] = row[l * col_stride];
                }
            }
        }
    }
}

/// The product of two panels: `MR` rows by two vectors of columns, summed over all terms in registers.
#[inline(always)]
fn tile<S: Simd, const MR: usize>(simd: S, a: &[f32], b: &[f32]) -> [[S::f32s; 2]; MR] {
    let nr = 2 * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); 2]; MR];
    let terms = a.len() / MR;
    assert!(b.len() >= terms * nr);
    for l in 0..terms {
        // SAFETY: l < terms, and the panels hold terms · MR and terms · nr numbers.
        let (b0, b1) = unsafe { (load(simd, b, l * nr), load(simd, b, l * nr + S::F32_LANES)) };
        for r in 0..MR {
            // SAFETY: as above.
            let a = simd.splat_f32s(unsafe { *a.get_unchecked(l * MR + r) });
            sums[r][0] = mul_add(simd, a, b0, sums[r][0]);
            sums[r][1] = mul_add(simd, a, b1, sums[r][1]);
        }
    }
    sums
}

/// Writes a tile, or as much of it as the result has, to `c[at..]`; adds where `add`.
#[inline(always)]
fn put<S: Simd, const MR: usize>(
    simd: S,
    sums: &[[S::f32s; 2]; MR],
    c: &mut [f32],
    at: usize,
    stride: usize,
    height: usize,
    width: usize,
    add: bool,
) {
    let lanes = S::F32_LANES;
    for r in 0..MR {
        if r >= height {
            break;
        }
        let row = &mut c[at + r * stride..at + r * stride + width];
        if width == 2 * lanes {
            for v in 0..2 {
                // SAFETY: the row has two vectors.
                let old = if add { unsafe { load(simd, row, v * lanes) } } else { simd.splat_f32s(0.0) };
                // SAFETY: as above.
                unsafe { store(simd, row, v * lanes, simd.add_f32s(old, sums[r][v])) };
            }
        } else {
            let (first, second) = row.split_at_mut(lanes.min(width));
            for (part, sum) in [(first, sums[r][0]), (second, sums[r][1])] {
                let old = if add { simd.partial_load_f32s(part) } else { simd.splat_f32s(0.0) };
                simd.partial_store_f32s(part, simd.add_f32s(old, sum));
            }
        }
    }
}
