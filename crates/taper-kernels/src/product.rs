//! The general matrix product: panels packed side by side, a block of the result kept in registers.
//!
//! The scheme is that of Goto and van de Geijn (2008) as BLIS has it: both factors are copied, block by block, into panels that
//! the innermost loop reads straight through; missing rows and columns are padded with 0. The packing buffers belong to the
//! thread and grow to its largest block. The summed dimension is split at fixed places, and threads share rows or columns of the result, so
//! the bits depend on the shape and the instruction set alone.

// Panels and the result are reached through pointers: every access is at a place that the packing made, and bounds checks in
// these loops would cost more than the arithmetic.
#![allow(unsafe_code)] // each block below says why it holds

use core::marker::PhantomData;
use std::cell::RefCell;

use pulp::Simd;

use crate::lane::{load, mul_add};
use crate::macros::{kernel, unrolled};
use crate::matrix::Matrix;
use crate::pack::{pack_columns, pack_rows};
use crate::parallel::Threads;

/// Terms of the sum per packed block: a panel of each factor stays in the first-level cache.
const DEPTH: usize = 256;
/// Rows of the left factor per packed block: it stays in the second-level cache. A multiple of 6 and 12.
const ROWS: usize = 144;
/// Columns of the right factor per packed block. A multiple of [`WIDEST`].
const COLUMNS: usize = 1024;
/// The same where there is one block of rows.
const FEW_COLUMNS: usize = 64;
/// Columns of the widest panel, two vectors of AVX-512. Narrower panels divide it.
const WIDEST: usize = 32;

thread_local! {
    static PACKED: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// A right factor packed once for many products, as a recurrent kernel is used at every step.
#[derive(Debug, Clone, Copy)]
pub struct Packed<'a> {
    /// Panels of some columns and all rows, one after the other.
    panels: &'a [f32],
    rows: usize,
    cols: usize,
}

impl<'a> Packed<'a> {
    /// How long a buffer has to be for a factor of this shape.
    #[must_use]
    pub fn len(rows: usize, cols: usize) -> usize {
        rows * cols.next_multiple_of(WIDEST)
    }

    /// Packs `b` into the buffer.
    #[must_use]
    pub fn new(b: Matrix<'_>, buffer: &'a mut [f32]) -> Self {
        let buffer = &mut buffer[..Self::len(b.rows(), b.cols())];
        pack_all(b, buffer);
        Self { panels: buffer, rows: b.rows(), cols: b.cols() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn cols(&self) -> usize {
        self.cols
    }
}

kernel! {
    fn pack_all(simd: S, b: Matrix<'a>, packed: &'a mut [f32]) {
        pack_columns(simd, b, 0, b.cols(), 0, b.rows(), packed);
    }
}

/// The right factor, as it is or packed.
#[derive(Clone, Copy)]
pub(crate) enum Right<'a> {
    Matrix(Matrix<'a>),
    Packed(Packed<'a>),
}

impl Right<'_> {
    fn cols(&self) -> usize {
        match self {
            Self::Matrix(b) => b.cols(),
            Self::Packed(b) => b.cols,
        }
    }

    /// Columns before and from `at` on, which is a multiple of [`WIDEST`].
    fn split(self, at: usize) -> (Self, Self) {
        match self {
            Self::Matrix(b) => {
                let (first, second) = b.t().split_rows(at);
                (Self::Matrix(first.t()), Self::Matrix(second.t()))
            }
            Self::Packed(b) => {
                let (first, second) = b.panels.split_at(at * b.rows);
                let part = |panels, cols| Self::Packed(Packed { panels, cols, ..b });
                (part(first, at), part(second, b.cols - at))
            }
        }
    }
}

/// The result: row-major, rows `stride` apart. Whoever has one has its part of the numbers for himself.
struct Target<'a> {
    start: *mut f32,
    stride: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

// SAFETY: a target is a mutable borrow of numbers that no other target has.
unsafe impl Send for Target<'_> {}

impl Target<'_> {
    /// The same numbers from some row and column on, for one half of a result that is cut there.
    fn from(&mut self, row: usize, col: usize) -> Self {
        // The place may lie beyond the end where the half is empty: nothing is then read or written there.
        Self { start: self.start.wrapping_add(row * self.stride + col), ..*self }
    }
}

/// `c = a b` (or `c += a b`): `c` is row-major, its rows `stride` apart. The caller has checked the sizes.
pub(crate) fn product(a: Matrix<'_>, b: Right<'_>, c: &mut [f32], stride: usize, accumulate: bool) {
    let threads = Threads::worth(a.rows() * a.cols() * b.cols());
    share(threads, a, b, Target { start: c.as_mut_ptr(), stride, lifetime: PhantomData }, accumulate);
}

/// Cuts the longer side of the result in two, as often as there are threads; the factor that both need is the shorter one.
fn share(threads: Threads, a: Matrix<'_>, b: Right<'_>, mut c: Target<'_>, accumulate: bool) {
    if threads.is_alone() {
        return PACKED.with_borrow_mut(|(packed_a, packed_b)| {
            let depth = a.cols().min(DEPTH);
            room(packed_a, a.rows().min(ROWS).next_multiple_of(12) * depth);
            if let Right::Matrix(b) = b {
                room(packed_b, b.cols().min(columns_of(a.rows())).next_multiple_of(WIDEST) * depth);
            }
            run(a, b, c, accumulate, packed_a, packed_b);
        });
    }
    if a.rows() > b.cols() {
        let at = threads.cut(a.rows(), 12);
        let (first, second) = a.split_rows(at);
        let rest = c.from(at, 0);
        threads.both(|t| share(t, first, b, c, accumulate), |t| share(t, second, b, rest, accumulate));
    } else {
        let at = threads.cut(b.cols(), WIDEST);
        let (first, second) = b.split(at);
        let rest = c.from(0, at);
        threads.both(|t| share(t, a, first, c, accumulate), |t| share(t, a, second, rest, accumulate));
    }
}

/// Makes a thread's buffer at least this long. It is as long as the largest block that the thread has met, and no longer.
pub(crate) fn room(buffer: &mut Vec<f32>, len: usize) {
    if buffer.len() < len {
        buffer.reserve_exact(len - buffer.len());
        buffer.resize(len, 0.0);
    }
}

kernel! {
    fn run(
        simd: S, a: Matrix<'a>, b: Right<'a>, c: Target<'a>, accumulate: bool, packed_a: &'a mut [f32],
        packed_b: &'a mut [f32],
    ) {
        // Twelve rows of two vectors fill the 32 registers of AVX-512 and NEON, six the 16 of AVX2.
        if S::REGISTER_COUNT >= 32 {
            blocks::<S, 12, 8>(simd, a, b, &c, accumulate, packed_a, packed_b);
        } else {
            blocks::<S, 6, 4>(simd, a, b, &c, accumulate, packed_a, packed_b);
        }
    }
}

/// Columns of the right factor per packed block, for so many rows: where one block of rows is all, its columns are packed once
/// anyway, and few at a time are still in the first-level cache when they are read.
fn columns_of(rows: usize) -> usize {
    if rows <= ROWS { FEW_COLUMNS } else { COLUMNS }
}

/// How many rows the panels of `TALL` rows take: the others are left for panels of `LOW` = 2/3 `TALL`, so that as few as possible
/// are padded. 32 rows are four panels of 6 and two of 4, not six of 6.
pub(crate) fn tall_rows<const TALL: usize, const LOW: usize>(rows: usize) -> usize {
    let thirds = rows.div_ceil(TALL - LOW);
    // One third over a panel of three: two low panels take it together with a tall one's.
    let panels = if thirds % 3 == 1 { (thirds / 3).saturating_sub(1) } else { thirds / 3 };
    rows.min(panels * TALL)
}

#[inline(always)]
fn blocks<S: Simd, const TALL: usize, const LOW: usize>(
    simd: S,
    a: Matrix<'_>,
    b: Right<'_>,
    c: &Target<'_>,
    accumulate: bool,
    packed_a: &mut [f32],
    packed_b: &mut [f32],
) {
    let (m, depth, n) = (a.rows(), a.cols(), b.cols());
    let nr = 2 * S::F32_LANES;
    let widest = columns_of(m);
    // Without terms there is still one block, of sums that are 0.
    for p in (0..depth.max(1)).step_by(DEPTH) {
        let terms = DEPTH.min(depth - p);
        for j in (0..n).step_by(widest) {
            let columns = widest.min(n - j);
            // The panels of this block: how far they are apart, and where its terms begin in them.
            let (panels_b, apart, begin) = match b {
                Right::Matrix(b) => {
                    pack_columns(simd, b, j, columns, p, terms, packed_b);
                    (&*packed_b, terms * nr, 0)
                }
                Right::Packed(b) => (&b.panels[j * depth..], depth * nr, p * nr),
            };
            for i in (0..m).step_by(ROWS) {
                let rows = ROWS.min(m - i);
                let tall = tall_rows::<TALL, LOW>(rows);
                let (tall_a, low_a) = packed_a.split_at_mut(tall.next_multiple_of(TALL) * terms);
                // Where one block has all rows, it stays packed for all columns.
                if j == 0 || rows < m {
                    pack_rows::<TALL>(a, i, tall, p, terms, tall_a);
                    pack_rows::<LOW>(a, i + tall, rows - tall, p, terms, low_a);
                }
                for (panel_b, jr) in (0..columns).step_by(nr).enumerate() {
                    let at = panel_b * apart + begin;
                    let panel_b = &panels_b[at..at + terms * nr];
                    let (width, add) = (nr.min(columns - jr), accumulate || p > 0);
                    let at = i * c.stride + j + jr;
                    tiles::<S, TALL>(simd, tall, terms, tall_a, panel_b, c, at, width, add);
                    tiles::<S, LOW>(simd, rows - tall, terms, low_a, panel_b, c, at + tall * c.stride, width, add);
                }
            }
        }
    }
}

/// So many rows, in panels of `MR`, by one panel of columns; the result begins `at` numbers from the target's start.
#[inline(always)]
fn tiles<S: Simd, const MR: usize>(
    simd: S,
    rows: usize,
    terms: usize,
    panels_a: &[f32],
    panel_b: &[f32],
    c: &Target<'_>,
    at: usize,
    width: usize,
    add: bool,
) {
    for (panel_a, i) in (0..rows).step_by(MR).enumerate() {
        let panel_a = &panels_a[panel_a * terms * MR..(panel_a + 1) * terms * MR];
        let sums = tile::<S, MR>(simd, terms, panel_a, panel_b);
        put::<S, MR>(simd, &sums, c, at + i * c.stride, MR.min(rows - i), width, add);
    }
}

/// The product of two panels: `MR` rows by two vectors of columns, summed over all terms in registers.
#[inline(always)]
fn tile<S: Simd, const MR: usize>(simd: S, terms: usize, a: &[f32], b: &[f32]) -> [[S::f32s; 2]; MR] {
    let nr = 2 * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); 2]; MR];
    assert!(a.len() >= terms * MR && b.len() >= terms * nr);
    for l in 0..terms {
        // SAFETY: l < terms, and the panels hold terms · MR and terms · nr numbers.
        let (b0, b1) = unsafe { (load(simd, b, l * nr), load(simd, b, l * nr + S::F32_LANES)) };
        unrolled!(r in 0..MR {
            // SAFETY: as above.
            let a = simd.splat_f32s(unsafe { *a.get_unchecked(l * MR + r) });
            sums[r][0] = mul_add(simd, a, b0, sums[r][0]);
            sums[r][1] = mul_add(simd, a, b1, sums[r][1]);
        });
    }
    sums
}

/// Writes a tile, or as much of it as the result has, `at` numbers from the target's start; adds where `add`.
#[inline(always)]
fn put<S: Simd, const MR: usize>(
    simd: S,
    sums: &[[S::f32s; 2]; MR],
    c: &Target<'_>,
    at: usize,
    height: usize,
    width: usize,
    add: bool,
) {
    let lanes = S::F32_LANES;
    unrolled!(r in 0..MR {
        if r < height {
            // SAFETY: `product`'s caller has checked that the result has room for all rows and columns, and this target alone
            // reaches those of its own part.
            let row = unsafe { core::slice::from_raw_parts_mut(c.start.add(at + r * c.stride), width) };
            if width == 2 * lanes {
                for v in 0..2 {
                    // SAFETY: the row has two vectors.
                    let old = if add { unsafe { load(simd, row, v * lanes) } } else { simd.splat_f32s(0.0) };
                    // SAFETY: as above.
                    unsafe { crate::lane::store(simd, row, v * lanes, simd.add_f32s(old, sums[r][v])) };
                }
            } else {
                let (first, second) = row.split_at_mut(lanes.min(width));
                for (part, sum) in [(first, sums[r][0]), (second, sums[r][1])] {
                    let old = if add { simd.partial_load_f32s(part) } else { simd.splat_f32s(0.0) };
                    simd.partial_store_f32s(part, simd.add_f32s(old, sum));
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_of_two_heights_pad_fewer_rows_than_a_low_one_has() {
        for rows in 1..200 {
            let tall = tall_rows::<6, 4>(rows);
            let padded = tall.next_multiple_of(6) + (rows - tall).next_multiple_of(4);
            assert!(padded >= rows && padded <= rows.next_multiple_of(2).max(4), "{rows}: {padded}");
            assert!(tall == rows || tall.is_multiple_of(6));
            let tall = tall_rows::<12, 8>(rows);
            let padded = tall.next_multiple_of(12) + (rows - tall).next_multiple_of(8);
            assert!(padded >= rows && padded <= rows.next_multiple_of(4).max(8), "{rows}: {padded}");
        }
    }
}
