//! Convolution without patches: the loops of the definition over a padded copy of one image, blocks of sums in registers.
//!
//! Where channels are few, this beats the matrix product over patches, which has to write all patches down first.

use pulp::Simd;

use crate::convolution::Convolution;
use crate::lane::{load_some, mul_add, store_some};
use crate::macros::kernel;
use crate::window::Axis;

/// Whether these loops are the faster way.
pub(crate) fn suits(geometry: &Convolution) -> bool {
    geometry.groups == 1 && geometry.channels <= MOST && geometry.filters <= MOST
}

/// From about this many channels on, a matrix product makes better use of the caches.
const MOST: usize = 128;

/// The convolution from `dy` to `dx`, if there is one: over the padded `dy`, with the kernel that [`flip`] gives.
pub(crate) fn backward(geometry: &Convolution) -> Option<Convolution> {
    let axis = |axis: Axis| {
        let reach = (axis.kernel - 1) * axis.dilation;
        let before = reach.checked_sub(axis.before)?;
        (axis.stride == 1).then_some(Axis { input: axis.output, output: axis.input, before, ..axis })
    };
    let (rows, columns) = (axis(geometry.rows)?, axis(geometry.columns)?);
    Some(Convolution { rows, columns, channels: geometry.filters, filters: geometry.channels, groups: 1 })
}

/// The kernel turned by 180 degrees, its channels and filters exchanged.
pub(crate) fn flip(geometry: &Convolution, kernel: &[f32], flipped: &mut [f32]) {
    let &Convolution { channels, filters, .. } = geometry;
    let taps = kernel.chunks_exact(channels * filters);
    for (tap, flipped) in taps.rev().zip(flipped.chunks_exact_mut(channels * filters)) {
        for c in 0..channels {
            for f in 0..filters {
                flipped[f * channels + c] = tap[c * filters + f];
            }
        }
    }
}

/// Floats of [`pad`]'s copy of one image.
pub(crate) fn padded_len(geometry: &Convolution) -> usize {
    padded(geometry.rows) * padded(geometry.columns) * geometry.channels
}

/// How many inputs the windows of an axis reach over, padding included.
fn padded(axis: Axis) -> usize {
    (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1
}

/// One image with its padding; inputs that no window reaches are left out.
pub(crate) fn pad(geometry: &Convolution, x: &[f32], out: &mut [f32]) {
    let &Convolution { rows, columns, channels, .. } = geometry;
    let width = padded(columns) * channels;
    let left = columns.before * channels;
    let len = (columns.input * channels).min(width - left);
    for (i, line) in out.chunks_exact_mut(width).enumerate() {
        match i.checked_sub(rows.before) {
            Some(row) if row < rows.input => {
                let start = row * columns.input * channels;
                line[..left].fill(0.0);
                line[left..left + len].copy_from_slice(&x[start..start + len]);
                line[left + len..].fill(0.0);
            }
            _ => line.fill(0.0),
        }
    }
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

/// `B` vectors of consecutive numbers; missing lanes are 0.
#[inline(always)]
fn load_all<S: Simd, const B: usize>(simd: S, x: &[f32]) -> [S::f32s; B] {
    let mut vectors = [simd.splat_f32s(0.0); B];
    if let (whole, []) = S::as_simd_f32s(x)
        && whole.len() == B
    {
        vectors.copy_from_slice(whole);
        return vectors;
    }
    for b in 0..B {
        let end = x.len().min((b + 1) * S::F32_LANES);
        vectors[b] = load_some(simd, &x[b * S::F32_LANES..end]);
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
    pub(crate) fn forward(simd: S, geometry: Convolution, x: &'a [f32], kernel: &'a [f32], y: &'a mut [f32]) {
        let mut start = 0;
        while start < geometry.filters {
            let left = geometry.filters - start;
            // As many sums as there are registers for, two left over for the kernel and one for x.
            match (S::F32_LANES == 16, left > S::F32_LANES) {
                (true, true) => forward_columns::<S, 12, 2>(simd, &geometry, start, x, kernel, y),
                (true, false) => forward_columns::<S, 16, 1>(simd, &geometry, start, x, kernel, y),
                (false, true) => forward_columns::<S, 6, 2>(simd, &geometry, start, x, kernel, y),
                (false, false) => forward_columns::<S, 8, 1>(simd, &geometry, start, x, kernel, y),
            }
            start += if left > S::F32_LANES { 2 * S::F32_LANES } else { S::F32_LANES };
        }
    }
}

/// `B` vectors of filters from `start` on, at all positions, `P` at a time.
#[inline(always)]
fn forward_columns<S: Simd, const P: usize, const B: usize>(
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
                for (t, kernel) in kernel.chunks_exact(filters).enumerate() {
                    let weights = load_all::<S, B>(simd, &kernel[start..start + width]);
                    for p in 0..P {
                        let x = simd.splat_f32s(xs[p][t]);
                        for b in 0..B {
                            sums[p][b] = mul_add(simd, x, weights[b], sums[p][b]);
                        }
                    }
                }
            }
        }
        for p in 0..now {
            let at = (position + p) * filters + start;
            store_all::<S, B>(simd, &mut y[at..at + width], sums[p]);
        }
        position += now;
    }
}

kernel! {
    /// Adds one padded image's part to `dkernel`.
    pub(crate) fn add_kernel_gradient(
        simd: S, geometry: Convolution, x: &'a [f32], dy: &'a [f32], dkernel: &'a mut [f32],
    ) {
        let mut start = 0;
        while start < geometry.filters {
            if geometry.filters - start > S::F32_LANES {
                gradient_columns::<S, 2>(simd, &geometry, start, x, dy, dkernel);
                start += 2 * S::F32_LANES;
            } else {
                gradient_columns::<S, 1>(simd, &geometry, start, x, dy, dkernel);
                start += S::F32_LANES;
            }
        }
    }
}

/// `B` vectors of filters from `start` on, for all weights.
#[inline(always)]
fn gradient_columns<S: Simd, const B: usize>(
    simd: S,
    geometry: &Convolution,
    start: usize,
    x: &[f32],
    dy: &[f32],
    dkernel: &mut [f32],
) {
    let &Convolution { rows, columns, channels, filters, .. } = geometry;
    let line = padded(columns) * channels;
    let (runs, len) = runs(geometry);
    for ky in 0..rows.kernel {
        for run in 0..runs {
            let offset = ky * rows.dilation * line + run * columns.dilation * channels;
            let first = (ky * runs + run) * len;
            let mut t = 0;
            while t < len {
                let dkernel = &mut dkernel[(first + t) * filters..];
                let x = &x[offset + t..];
                let left = len - t;
                if left >= 12 && S::F32_LANES == 16 {
                    gradient_block::<S, 12, B>(simd, geometry, start, x, dy, dkernel);
                    t += 12;
                } else if left >= 6 {
                    gradient_block::<S, 6, B>(simd, geometry, start, x, dy, dkernel);
                    t += 6;
                } else if left >= 3 {
                    gradient_block::<S, 3, B>(simd, geometry, start, x, dy, dkernel);
                    t += 3;
                } else {
                    gradient_block::<S, 1, B>(simd, geometry, start, x, dy, dkernel);
                    t += 1;
                }
            }
        }
    }
}

/// `P` weights of `B` vectors of filters: the sum over all positions, in registers. `x` begins under the first weight of the
/// first position's window.
#[inline(always)]
fn gradient_block<S: Simd, const P: usize, const B: usize>(
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
    let mut sums = [[simd.splat_f32s(0.0); B]; P];
    for (oy, dy) in dy.chunks_exact(columns.output * filters).enumerate() {
        let x = &x[oy * rows.stride * line..];
        for (ox, dy) in dy.chunks_exact(filters).enumerate() {
            let dy = load_all::<S, B>(simd, &dy[start..start + width]);
            let at = ox * columns.stride * channels;
            let x = &x[at..at + P];
            for p in 0..P {
                let x = simd.splat_f32s(x[p]);
                for b in 0..B {
                    sums[p][b] = mul_add(simd, x, dy[b], sums[p][b]);
                }
            }
        }
    }
    for p in 0..P {
        let dkernel = &mut dkernel[p * filters + start..p * filters + start + width];
        let before = load_all::<S, B>(simd, dkernel);
        for b in 0..B {
            sums[p][b] = simd.add_f32s(sums[p][b], before[b]);
        }
        store_all::<S, B>(simd, dkernel, sums[p]);
    }
}
