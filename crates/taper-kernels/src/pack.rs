//! Copies of a factor's numbers in the order in which a product reads them.

use pulp::Simd;

use crate::matrix::Matrix;

/// Panels that are filled at the same time from rows that hold them side by side: a row is then read in whole lines of the cache, next
/// to each other.
const TOGETHER: usize = 4;

/// Packs columns `j..j + columns` of rows `p..p + terms` into panels of two vectors.
#[inline(always)]
pub(crate) fn pack_columns<S: Simd>(
    _simd: S,
    b: Matrix<'_>,
    j: usize,
    columns: usize,
    p: usize,
    terms: usize,
    packed: &mut [f32],
) {
    match S::F32_LANES {
        16 => pack_rows::<32>(b.t(), j, columns, p, terms, packed),
        8 => pack_rows::<16>(b.t(), j, columns, p, terms, packed),
        _ => pack_rows::<8>(b.t(), j, columns, p, terms, packed),
    }
}

/// Copies rows `i..i + rows` and columns `p..p + terms` into panels of `W` rows: for each column, the rows side by side. Missing rows
/// of the last panel are 0.
#[inline(always)]
pub(crate) fn pack_rows<const W: usize>(
    a: Matrix<'_>,
    i: usize,
    rows: usize,
    p: usize,
    terms: usize,
    packed: &mut [f32],
) {
    let (data, row_stride, col_stride) = a.parts();
    if terms == 0 {
        return;
    }
    let together = if row_stride == 1 { rows / W / TOGETHER * TOGETHER } else { 0 };
    let (panels, packed) = packed.split_at_mut(together * W * terms);
    for (four, first) in panels.chunks_exact_mut(TOGETHER * W * terms).zip((i..).step_by(TOGETHER * W)) {
        for l in 0..terms {
            let from = &data[first + (p + l) * col_stride..][..TOGETHER * W];
            for panel in 0..TOGETHER {
                // A copy of known length is a few moves, not a call.
                four[(panel * terms + l) * W..][..W].copy_from_slice(&from[panel * W..][..W]);
            }
        }
    }
    let (i, rows) = (i + together * W, rows - together * W);
    for (panel, first) in packed.chunks_exact_mut(terms * W).zip((0..rows).step_by(W)) {
        let here = W.min(rows - first);
        let start = (i + first) * row_stride + p * col_stride;
        if here < W {
            panel.fill(0.0);
            for r in 0..here {
                for (l, to) in panel.chunks_exact_mut(W).enumerate() {
                    to[r] = data[start + r * row_stride + l * col_stride];
                }
            }
        } else if row_stride == 1 {
            for (l, to) in panel.chunks_exact_mut(W).enumerate() {
                to.copy_from_slice(&data[start + l * col_stride..][..W]);
            }
        } else {
            // One of the strides is 1: a matrix is row-major, or the transpose of one that is.
            turn::<W>(core::array::from_fn(|r| &data[start + r * row_stride..][..terms]), panel);
        }
    }
}

/// Rows of the same length turned into columns: number `l` of row `r` goes to `panel[l * W + r]`. `W` is at least 4.
#[inline(always)]
fn turn<const W: usize>(rows: [&[f32]; W], panel: &mut [f32]) {
    let whole = rows[0].len() / 4 * 4;
    let (blocks, rest) = panel.split_at_mut(whole * W);
    for (block, to) in blocks.chunks_exact_mut(4 * W).enumerate() {
        for r in (0..W).step_by(4) {
            // Where W is no multiple of 4, the last four rows begin among those before.
            let r = r.min(W - 4);
            let four = core::array::from_fn(|k| rows[r + k].as_chunks().0[block]);
            for (l, column) in turned(four).iter().enumerate() {
                to[l * W + r..][..4].copy_from_slice(column);
            }
        }
    }
    for (l, to) in rest.chunks_exact_mut(W).enumerate() {
        for r in 0..W {
            to[r] = rows[r][whole + l];
        }
    }
}

/// Four rows of four numbers as columns. The compiler makes sixteen moves of the plain form; these instructions do it in eight.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code)] // the block below says why it holds
fn turned(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    use core::arch::x86_64::{__m128, _mm_movehl_ps, _mm_movelh_ps, _mm_unpackhi_ps, _mm_unpacklo_ps};
    let [a, b, c, d]: [__m128; 4] = rows.map(pulp::cast);
    // SAFETY: every x86-64 has SSE.
    let columns = unsafe {
        // a0 b0 a1 b1 and c0 d0 c1 d1; a2 b2 a3 b3 and c2 d2 c3 d3.
        let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
        let (ab_2, cd_2) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
        [_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab), _mm_movelh_ps(ab_2, cd_2), _mm_movehl_ps(cd_2, ab_2)]
    };
    columns.map(pulp::cast)
}

/// Four rows of four numbers as columns.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn turned(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    core::array::from_fn(|l| rows.map(|row| row[l]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What [`pack_rows`] writes, number by number.
    fn one_by_one(a: Matrix<'_>, i: usize, rows: usize, p: usize, terms: usize, width: usize) -> Vec<f32> {
        let (data, row_stride, col_stride) = a.parts();
        let mut packed = vec![0.0; rows.next_multiple_of(width) * terms];
        for r in 0..rows {
            for l in 0..terms {
                let at = (i + r) * row_stride + (p + l) * col_stride;
                packed[r / width * width * terms + l * width + r % width] = data[at];
            }
        }
        packed
    }

    fn agrees<const W: usize>(
        a: Matrix<'_>,
        i: usize,
        rows: usize,
        p: usize,
        terms: usize,
    ) -> Result<(), TestCaseError> {
        let want = one_by_one(a, i, rows, p, terms, W);
        let mut packed = vec![f32::NAN; want.len()];
        pack_rows::<W>(a, i, rows, p, terms, &mut packed);
        prop_assert_eq!(packed, want, "{} rows a panel", W);
        Ok(())
    }

    proptest! {
        #[test]
        fn panels_hold_what_their_naive_twin_puts_there(
            rows in 0usize..150, terms in 0usize..23, i in 0usize..3, p in 0usize..3, gap in 0usize..3, flipped in any::<bool>(),
        ) {
            let (height, width) = if flipped { (p + terms, i + rows) } else { (i + rows, p + terms) };
            let data: Vec<f32> = (0..height * (width + gap)).map(|x| x as f32).collect();
            let a = Matrix::strided(&data, height, width, width + gap);
            let a = if flipped { a.t() } else { a };
            agrees::<4>(a, i, rows, p, terms)?;
            agrees::<6>(a, i, rows, p, terms)?;
            agrees::<8>(a, i, rows, p, terms)?;
            agrees::<12>(a, i, rows, p, terms)?;
            agrees::<16>(a, i, rows, p, terms)?;
            agrees::<32>(a, i, rows, p, terms)?;
        }
    }
}
