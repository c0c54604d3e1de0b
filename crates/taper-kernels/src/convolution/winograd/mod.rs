//! Convolution by windows of 3 × 3 with a quarter of the multiplications: F(4 × 4, 3 × 3) of Winograd (1980), as Lavin and Gray
//! (2016) put it.
//!
//! A convolution is a product of polynomials, and polynomials are multiplied value by value. Four outputs in a row of six inputs d
//! and three taps g are Aᵀ [(G g) ⊙ (Bᵀ d)]: 6 products, not 12. Along both sides of an image, a tile of 4 × 4 outputs takes 36, not
//! 144; summed over channels, they are 36 matrix products (tiles × channels) (channels × filters). The kernel's gradient is the same
//! backwards: Gᵀ [Σ (Bᵀ d) ⊙ (A dy)] over all tiles.
//!
//! Tiles are taken in blocks, as many at a time whatever the sizes: the kernel's gradient is summed block by block.

mod block;
mod product;
mod transform;

use core::ops::Range;
use std::cell::RefCell;

use super::Convolution;
use crate::lane::{load_some, store_some};
use crate::macros::kernel;
use crate::parallel::Threads;
use crate::window::Axis;
use block::{Blocks, POINTS, Room, SIDE, TILES, apart, tiles, wide};
use product::{Left, UNIT, place};
use transform::both_ways;

/// Fewer channels or filters than this do not pay for the transforms.
const LEAST: usize = 12;
/// Images whose inputs and outputs are as much memory as the kernel at the points may take.
const MOST_IMAGES: usize = 16;

thread_local! {
    /// It belongs to the thread and grows once for every size.
    static ROOM: RefCell<Room> = const { RefCell::new(Room { image: Vec::new(), inputs: Vec::new(), outputs: Vec::new() }) };
}

/// Whether this is the faster way.
pub(super) fn suits(geometry: &Convolution) -> bool {
    let &Convolution { rows, columns, channels, filters, groups } = geometry;
    let is_plain = |axis: Axis| axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.before <= 2;
    // At least a third of the products is saved, and the kernel at the points takes no more room than some images.
    let saves = 6 * tiles(rows) * tiles(columns) <= rows.output * columns.output;
    let fits = weights_len(geometry) <= MOST_IMAGES * (geometry.input_len() + geometry.output_len());
    groups == 1 && is_plain(rows) && is_plain(columns) && channels.min(filters) >= LEAST && saves && fits
}

/// Floats of the kernel or of its gradient at the points.
pub(super) fn weights_len(geometry: &Convolution) -> usize {
    POINTS * wide(geometry.channels) * wide(geometry.filters)
}

/// `y = x ∗ kernel`. `weights` is room for [`weights_len`]; threads share the images.
pub(super) fn forward(geometry: &Convolution, x: &[f32], kernel: &[f32], y: &mut [f32], weights: &mut [f32]) {
    fn share(threads: Threads, geometry: &Convolution, x: &[f32], weights: &[f32], y: &mut [f32]) {
        let images = y.len() / geometry.output_len();
        if threads.is_alone() || images == 1 {
            return ROOM.with_borrow_mut(|room| forward_images(*geometry, x, weights, y, room));
        }
        let at = threads.cut(images, 1);
        let (x, y) = (x.split_at(at * geometry.input_len()), y.split_at_mut(at * geometry.output_len()));
        threads.both(|t| share(t, geometry, x.0, weights, y.0), |t| share(t, geometry, x.1, weights, y.1));
    }
    taps_at_points(*geometry, kernel, weights);
    share(worth(geometry, y), geometry, x, weights, y);
}

/// `dkernel` over all images. `dweights` is room for [`weights_len`]; threads share the channels.
pub(super) fn kernel_gradient(
    geometry: &Convolution,
    x: &[f32],
    dy: &[f32],
    dkernel: &mut [f32],
    dweights: &mut [f32],
) {
    fn share(
        threads: Threads,
        geometry: &Convolution,
        x: &[f32],
        dy: &[f32],
        channels: Range<usize>,
        dweights: &mut [f32],
    ) {
        let at = threads.cut(channels.len(), UNIT);
        if threads.is_alone() || at == 0 {
            return ROOM.with_borrow_mut(|room| gradient_at_points(*geometry, x, dy, channels, dweights, room));
        }
        let (first, second) = dweights.split_at_mut(at * POINTS * wide(geometry.filters));
        let (low, high) = (channels.start..channels.start + at, channels.start + at..channels.end);
        threads.both(|t| share(t, geometry, x, dy, low, first), |t| share(t, geometry, x, dy, high, second));
    }
    let dweights = &mut dweights[..weights_len(geometry)];
    share(worth(geometry, dy), geometry, x, dy, 0..wide(geometry.channels), dweights);
    taps_from_points(*geometry, dweights, dkernel);
}

fn worth(geometry: &Convolution, y: &[f32]) -> Threads {
    // A quarter of nine products for every channel, and the transforms.
    Threads::worth(y.len() * geometry.channels * 3)
}

kernel! {
    /// `y` of some images, from the kernel at the points.
    fn forward_images(
        simd: S, geometry: Convolution, x: &'a [f32], weights: &'a [f32], y: &'a mut [f32], room: &'a mut Room,
    ) {
        let blocks = Blocks::new(&geometry, geometry.channels);
        blocks.reserve(room);
        let (channels, [wide_channels, filters]) = (geometry.channels, blocks.sizes);
        let tiles = y.len() / geometry.output_len() * blocks.each;
        let mut next_image = 0;
        for from in (0..tiles).step_by(TILES) {
            let some = (from, TILES.min(tiles - from));
            blocks.inputs(simd, x, some, 0..channels, &mut next_image, room);
            for point in 0..POINTS {
                let inputs = &room.inputs[point * apart(wide_channels)..];
                let inputs = Left { data: inputs, row_stride: wide_channels, term_stride: 1 };
                let weights = &weights[point * channels * filters..];
                let outputs = &mut room.outputs[point * apart(filters)..];
                product::product(simd, (some.1, channels, filters), inputs, weights, outputs, filters, false);
            }
            blocks.put_outputs(simd, &room.outputs, some, y);
        }
    }
}

kernel! {
    /// The gradient of these channels' part of the kernel at the points, over all images: for each channel, each point's filters.
    fn gradient_at_points(
        simd: S, geometry: Convolution, x: &'a [f32], dy: &'a [f32], channels: Range<usize>, dweights: &'a mut [f32],
        room: &'a mut Room,
    ) {
        let blocks = Blocks::new(&geometry, channels.len());
        blocks.reserve(room);
        let [rows, filters] = blocks.sizes;
        let channels = channels.start..channels.end.min(geometry.channels);
        dweights.fill(0.0);
        let tiles = dy.len() / geometry.output_len() * blocks.each;
        let mut next_image = 0;
        for from in (0..tiles).step_by(TILES) {
            let some = (from, TILES.min(tiles - from));
            blocks.inputs(simd, x, some, channels.clone(), &mut next_image, room);
            blocks.output_gradients(simd, dy, some, &mut room.outputs);
            for point in 0..POINTS {
                let inputs = &room.inputs[point * apart(rows)..];
                let inputs = Left { data: inputs, row_stride: 1, term_stride: rows };
                let outputs = &room.outputs[point * apart(filters)..];
                let dweights = &mut dweights[point * filters..];
                product::product(simd, (rows, some.1, filters), inputs, outputs, dweights, POINTS * filters, true);
            }
        }
    }
}

kernel! {
    /// The kernel at each point, as a right factor.
    fn taps_at_points(simd: S, geometry: Convolution, kernel: &'a [f32], weights: &'a mut [f32]) {
        let Convolution { channels, filters, .. } = geometry;
        let apart = channels * wide(filters);
        for c in 0..channels {
            for f in (0..filters).step_by(S::F32_LANES) {
                let lanes = S::F32_LANES.min(filters - f);
                let to = place(simd, channels, wide(filters), c, f);
                both_ways(
                    simd,
                    #[inline(always)]
                    |i, j| load_some(simd, &kernel[((i * 3 + j) * channels + c) * filters + f..][..lanes]),
                    #[inline(always)]
                    |g| transform::taps(simd, g),
                    #[inline(always)]
                    |i, j, value| store_some(simd, &mut weights[to + (i * SIDE + j) * apart..][..S::F32_LANES], value),
                );
            }
        }
    }
}

kernel! {
    /// The kernel's gradient from that at the points.
    fn taps_from_points(simd: S, geometry: Convolution, dweights: &'a [f32], dkernel: &'a mut [f32]) {
        let Convolution { channels, filters, .. } = geometry;
        for c in 0..channels {
            for f in (0..filters).step_by(S::F32_LANES) {
                let lanes = S::F32_LANES.min(filters - f);
                both_ways(
                    simd,
                    #[inline(always)]
                    |i, j| {
                        let at = (c * POINTS + i * SIDE + j) * wide(filters) + f;
                        load_some(simd, &dweights[at..][..S::F32_LANES])
                    },
                    #[inline(always)]
                    |u| transform::taps_back(simd, u),
                    #[inline(always)]
                    |i, j, value| {
                        let at = ((i * 3 + j) * channels + c) * filters + f;
                        store_some(simd, &mut dkernel[at..][..lanes], value);
                    },
                );
            }
        }
    }
}
