//! Convolution without patches: the loops of the definition over a padded copy of one image, blocks of sums in registers.
//!
//! Where channels are few, this beats the matrix product over patches, which has to write all patches down first.

// The innermost loops read without bounds checks, which take as long as the arithmetic; the bounds are checked around them.
#![allow(unsafe_code)] // each block below says why it holds

use core::ops::Range;
use std::cell::RefCell;

use pulp::Simd;

use super::Convolution;
use super::padding::{pad, padded, padded_len};
use crate::lane::{load, load_some, mul_add, store_some};
use crate::macros::{kernel, unrolled};
use crate::parallel::Threads;
use crate::product::room;

thread_local! {
    /// One padded image. It belongs to the thread and grows once for every size.
    static PADDED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Whether these loops are the faster way.
pub(super) fn suits(geometry: &Convolution) -> bool {
    geometry.groups == 1 && geometry.channels <= MOST && geometry.filters <= MOST
}

/// From about this many channels on, a matrix product makes better use of the caches.
const MOST: usize = 128;

/// `y = x ∗ kernel` for as many images as there are; threads share the images.
pub(super) fn forward(geometry: &Convolution, x: &[f32], kernel: &[f32], y: &mut [f32]) {
    fn share(threads: Threads, geometry: &Convolution, x: &[f32], kernel: &[f32], y: &mut [f32]) {
        let images = y.len() / geometry.output_len();
        if threads.is_alone() || images == 1 {
            return each_padded(geometry, x, |i, x| {
                forward_image(*geometry, x, kernel, &mut y[i * geometry.output_len()..(i + 1) * geometry.output_len()]);
            });
        }
        let at = threads.cut(images, 1);
        let (x, y) = (x.split_at(at * geometry.input_len()), y.split_at_mut(at * geometry.output_len()));
        threads.both(|t| share(t, geometry, x.0, kernel, y.0), |t| share(t, geometry, x.1, kernel, y.1));
    }
    share(Threads::worth(y.len() * kernel.len() / geometry.filters), geometry, x, kernel, y);
}

/// `dkernel` over all images; threads share the weights.
pub(super) fn kernel_gradient(geometry: &Convolution, x: &[f32], dy: &[f32], dkernel: &mut [f32]) {
    fn share(
        threads: Threads,
        geometry: &Convolution,
        x: &[f32],
        dy: &[f32],
        weights: Range<usize>,
        dkernel: &mut [f32],
    ) {
        if threads.is_alone() {
            dkernel.fill(0.0);
            return each_padded(geometry, x, |i, x| {
                let dy = &dy[i * geometry.output_len()..(i + 1) * geometry.output_len()];
                add_kernel_gradient(*geometry, x, dy, weights.clone(), dkernel);
            });
        }
        let at = threads.cut(weights.len(), 12);
        let (first, second) = dkernel.split_at_mut(at * geometry.filters);
        let (low, high) = (weights.start..weights.start + at, weights.start + at..weights.end);
        threads.both(|t| share(t, geometry, x, dy, low, first), |t| share(t, geometry, x, dy, high, second));
    }
    let weights = dkernel.len() / geometry.filters;
    share(Threads::worth(dy.len() * weights), geometry, x, dy, 0..weights, dkernel);
}

/// Calls `f` with each image and its number, padded.
fn each_padded(geometry: &Convolution, x: &[f32], mut f: impl FnMut(usize, &[f32])) {
    PADDED.with_borrow_mut(|buffer| {
        let len = padded_len(geometry);
        room(buffer, len);
        for (i, x) in x.chunks_exact(geometry.input_len()).enumerate() {
            pad(geometry, x, &mut buffer[..len]);
            f(i, &buffer[..len]);
        }
    });
}

/// The runs of consecutive floats under one window: how many, each how long, as (runs per kernel row, length).
#[inline(always)]
fn runs(geometry: &Convolution) -> (usize, usize) {
    // Without gaps between them, the taps of a row lie side by side.
    if geometry.columns.dilation == 1 {
        (1, geometry.columns.kernel * geometry.channels)
    } else {
        (geometry.columns.kernel, geometry.channels)
    }
}

/// `B` vectors from `x[at..]`, of which `width` numbers are there; missing lanes are 0. `FULL` says that none is missing.
///
/// # Safety
///
/// `at + width <= x.len()`, and `width` is that of `B` vectors where `FULL`.
#[inline(always)]
unsafe fn load_all<S: Simd, const B: usize, const FULL: bool>(
    simd: S,
    x: &[f32],
    at: usize,
    width: usize,
) -> [S::f32s; B] {
    let mut vectors = [simd.splat_f32s(0.0); B];
    for b in 0..B {
        let first = at + b * S::F32_LANES;
        vectors[b] = if FULL {
            // SAFETY: the caller's.
            unsafe { load(simd, x, first) }
        } else {
            load_some(simd, &x[first.min(at + width)..(first + S::F32_LANES).min(at + width)])
        };
    }
    vectors
}

#[inline(always)]
fn store_all<S: Simd, const B: usize>(simd: S, y: &mut [f32], vectors: [S::f32s; B]) {
    for b in 0..B {
        let end = y.len().min((b + 1) * S::F32_LANES);
        store_some(simd, &mut y[b * S::F32_LANES..end], vectors[b]);
    }
}

kernel! {
    /// `y` of one padded image.
    fn forward_image(simd: S, geometry: Convolution, x: &'a [f32], kernel: &'a [f32], y: &'a mut [f32]) {
        let mut start = 0;
        while start < geometry.filters {
            let left = geometry.filters - start;
            // As many sums as there are registers for, two left over for the kernel and one for x; for a single vector of AVX-512
            // as many positions as there are registers for where each of them is.
            match (S::F32_LANES == 16, left / S::F32_LANES, left % S::F32_LANES) {
                (true, 2.., _) => forward_columns::<S, 12, 2, true>(simd, &geometry, start, x, kernel, y),
                (true, 1, 1..) => forward_columns::<S, 12, 2, false>(simd, &geometry, start, x, kernel, y),
                (true, 1, _) => forward_columns::<S, 12, 1, true>(simd, &geometry, start, x, kernel, y),
                (true, ..) => forward_columns::<S, 12, 1, false>(simd, &geometry, start, x, kernel, y),
                (false, 2.., _) => forward_columns::<S, 6, 2, true>(simd, &geometry, start, x, kernel, y),
                (false, 1, 1..) => forward_columns::<S, 6, 2, false>(simd, &geometry, start, x, kernel, y),
                (false, 1, _) => forward_columns::<S, 8, 1, true>(simd, &geometry, start, x, kernel, y),
                (false, ..) => forward_columns::<S, 8, 1, false>(simd, &geometry, start, x, kernel, y),
            }
            start += if left > S::F32_LANES { 2 * S::F32_LANES } else { S::F32_LANES };
        }
    }
}

/// `B` vectors of filters from `start` on, at all positions, `P` at a time.
#[inline(always)]
fn forward_columns<S: Simd, const P: usize, const B: usize, const FULL: bool>(
    simd: S,
    geometry: &Convolution,
    start: usize,
    x: &[f32],
    kernel: &[f32],
    y: &mut [f32],
) {
    let &Convolution { rows, columns, channels, filters, .. } = geometry;
    let width = (B * S::F32_LANES).min(filters - start);
    let line = padded(columns) * channels;
    let (runs, len) = runs(geometry);
    let positions = rows.output * columns.output;
    let (mut oy, mut ox) = (0, 0);
    let mut position = 0;
    while position < positions {
        let now = P.min(positions - position);
        // Where the windows begin; beyond the last position, the last once more.
        let mut corners = [0; P];
        for p in 0..P {
            corners[p] = oy * rows.stride * line + ox * columns.stride * channels;
            if p + 1 < now || (p + 1 == now && position + now < positions) {
                ox += 1;
                if ox == columns.output {
                    (oy, ox) = (oy + 1, 0);
                }
            }
        }
        let mut sums = [[simd.splat_f32s(0.0); B]; P];
        for ky in 0..rows.kernel {
            for run in 0..runs {
                let offset = ky * rows.dilation * line + run * columns.dilation * channels;
                let mut xs: [&[f32]; P] = [&[]; P];
                for p in 0..P {
                    let at = corners[p] + offset;
                    xs[p] = &x[at..at + len];
                }
                let first = (ky * runs + run) * len;
                let kernel = &kernel[first * filters..(first + len) * filters];
                for t in 0..len {
                    // SAFETY: t < len, the kernel has a row of filters for each, and start + width <= filters.
                    let weights = unsafe { load_all::<S, B, FULL>(simd, kernel, t * filters + start, width) };
                    unrolled!(p in 0..P {
                        // SAFETY: t < len, the length of each run.
                        let x = simd.splat_f32s(unsafe { *xs[p].get_unchecked(t) });
                        unrolled!(b in 0..B {
                            sums[p][b] = mul_add(simd, x, weights[b], sums[p][b]);
                        });
                    });
                }
            }
        }
        unrolled!(p in 0..P {
            if p < now {
                let at = (position + p) * filters + start;
                store_all::<S, B>(simd, &mut y[at..at + width], sums[p]);
            }
        });
        position += now;
    }
}

kernel! {
    /// Adds one padded image's part to these `weights` (rows of filters) of the kernel.
    fn add_kernel_gradient(
        simd: S, geometry: Convolution, x: &'a [f32], dy: &'a [f32], weights: Range<usize>, dkernel: &'a mut [f32],
    ) {
        let mut start = 0;
        while start < geometry.filters {
            let left = geometry.filters - start;
            match (left / S::F32_LANES, left % S::F32_LANES) {
                (2.., _) => gradient_columns::<S, 2, true>(simd, &geometry, start, x, dy, &weights, dkernel),
                (1, 1..) => gradient_columns::<S, 2, false>(simd, &geometry, start, x, dy, &weights, dkernel),
                (1, _) => gradient_columns::<S, 1, true>(simd, &geometry, start, x, dy, &weights, dkernel),
                _ => gradient_columns::<S, 1, false>(simd, &geometry, start, x, dy, &weights, dkernel),
            }
            start += if left > S::F32_LANES { 2 * S::F32_LANES } else { S::F32_LANES };
        }
    }
}

/// `B` vectors of filters from `start` on, for these weights.
#[inline(always)]
fn gradient_columns<S: Simd, const B: usize, const FULL: bool>(
    simd: S,
    geometry: &Convolution,
    start: usize,
    x: &[f32],
    dy: &[f32],
    weights: &Range<usize>,
    dkernel: &mut [f32],
) {
    let &Convolution { rows, columns, channels, filters, .. } = geometry;
    let line = padded(columns) * channels;
    let (runs, len) = runs(geometry);
    for ky in 0..rows.kernel {
        for run in 0..runs {
            let offset = ky * rows.dilation * line + run * columns.dilation * channels;
            let first = (ky * runs + run) * len;
            let mut t = weights.start.saturating_sub(first);
            let end = len.min(weights.end.saturating_sub(first));
            while t < end {
                let dkernel = &mut dkernel[(first + t - weights.start) * filters..];
                let x = &x[offset + t..];
                let left = end - t;
                if left >= 12 && S::F32_LANES == 16 {
                    gradient_block::<S, 12, B, FULL>(simd, geometry, start, x, dy, dkernel);
                    t += 12;
                } else if left >= 6 {
                    gradient_block::<S, 6, B, FULL>(simd, geometry, start, x, dy, dkernel);
                    t += 6;
                } else if left >= 3 {
                    gradient_block::<S, 3, B, FULL>(simd, geometry, start, x, dy, dkernel);
                    t += 3;
                } else {
                    gradient_block::<S, 1, B, FULL>(simd, geometry, start, x, dy, dkernel);
                    t += 1;
                }
            }
        }
    }
}

/// `P` weights of `B` vectors of filters: the sum over all positions, in registers. `x` begins under the first weight of the
/// first position's window.
#[inline(always)]
fn gradient_block<S: Simd, const P: usize, const B: usize, const FULL: bool>(
    simd: S,
    geometry: &Convolution,
    start: usize,
    x: &[f32],
    dy: &[f32],
    dkernel: &mut [f32],
) {
    let &Convolution { rows, columns, channels, filters, .. } = geometry;
    let width = (B * S::F32_LANES).min(filters - start);
    let line = padded(columns) * channels;
    let step = columns.stride * channels;
    let row = rows.stride * line;
    // Once and for all: with a check in every row, AVX-512's sums do not stay in registers.
    assert!(dy.len() >= rows.output * columns.output * filters);
    assert!((rows.output - 1) * row + (columns.output - 1) * step + P <= x.len());
    let mut sums = [[simd.splat_f32s(0.0); B]; P];
    for oy in 0..rows.output {
        for ox in 0..columns.output {
            // SAFETY: by the first assertion, since start + width <= filters.
            let dy = unsafe { load_all::<S, B, FULL>(simd, dy, (oy * columns.output + ox) * filters + start, width) };
            unrolled!(p in 0..P {
                // SAFETY: by the second assertion.
                let x = simd.splat_f32s(unsafe { *x.get_unchecked(oy * row + ox * step + p) });
                unrolled!(b in 0..B {
                    sums[p][b] = mul_add(simd, x, dy[b], sums[p][b]);
                });
            });
        }
    }
    unrolled!(p in 0..P {
        let dkernel = &mut dkernel[p * filters + start..p * filters + start + width];
        // SAFETY: the slice has this width.
        let before = unsafe { load_all::<S, B, FULL>(simd, dkernel, 0, width) };
        unrolled!(b in 0..B {
            sums[p][b] = simd.add_f32s(sums[p][b], before[b]);
        });
        store_all::<S, B>(simd, dkernel, sums[p]);
    });
}
