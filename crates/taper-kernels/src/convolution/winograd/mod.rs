//! Convolution by windows of 3 × 3 with a quarter of the multiplications: F(4 × 4, 3 × 3) of Winograd (1980), as Lavin and Gray
//! (2016) put it.
//!
//! A convolution is a product of polynomials, and polynomials are multiplied value by value. Four outputs in a row of six inputs d
//! and three taps g are Aᵀ [(G g) ⊙ (Bᵀ d)]: 6 products, not 12. Along both sides of an image, a tile of 4 × 4 outputs takes 36, not
//! 144; summed over channels, they are 36 matrix products (tiles × channels) (channels × filters). The kernel's gradient is the same
//! backwards: Gᵀ [Σ (Bᵀ d) ⊙ (A dy)] over all tiles.
//!
//! Tiles are taken in blocks whose values at the points stay in the second-level cache.

// Vectors are read and written without bounds checks, which take as long as the arithmetic; the bounds are checked around them.
#![allow(unsafe_code)] // each block below says why it holds

mod product;
mod transform;

use core::ops::Range;
use std::cell::RefCell;

use pulp::Simd;

use super::Convolution;
use super::padding::{pad, padded, padded_len};
use crate::lane::{load, load_some, store, store_some};
use crate::macros::kernel;
use crate::parallel::Threads;
use crate::window::Axis;
use product::{Left, UNIT, place};
use transform::both_ways;

/// Outputs of a tile along each side.
const TILE: usize = 4;
/// Inputs under a tile, and points, along each side.
const SIDE: usize = 6;
/// Points of a tile.
const POINTS: usize = SIDE * SIDE;
/// About how many floats the values of one block take: most of a common second-level cache.
const BLOCK: usize = 1 << 16;
/// Tiles of a block at least: the kernel at the points is read once for each block.
const LEAST_TILES: usize = 48;
/// Fewer channels or filters than this do not pay for the transforms.
const LEAST: usize = 12;
/// Images whose inputs and outputs are as much memory as the kernel at the points may take.
const MOST_IMAGES: usize = 16;

thread_local! {
    /// It belongs to the thread and grows once for every size.
    static ROOM: RefCell<Room> = const { RefCell::new(Room { image: Vec::new(), inputs: Vec::new(), outputs: Vec::new() }) };
}

/// One padded image, and the values of one block of tiles at each point.
struct Room {
    image: Vec<f32>,
    inputs: Vec<f32>,
    outputs: Vec<f32>,
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

/// How many channels or filters there is room for: all, and some more that fill the last panel.
fn wide(channels: usize) -> usize {
    channels.next_multiple_of(UNIT)
}

fn tiles(axis: Axis) -> usize {
    axis.output.div_ceil(TILE)
}

/// The same convolution with as many outputs as the tiles have: what they look at lies in its padded image.
fn whole(geometry: &Convolution) -> Convolution {
    let axis = |axis: Axis| Axis { output: tiles(axis) * TILE, ..axis };
    Convolution { rows: axis(geometry.rows), columns: axis(geometry.columns), ..*geometry }
}

/// Some tiles one after the other, their images too.
#[derive(Clone, Copy)]
struct Blocks {
    /// The convolution of whole tiles.
    whole: Convolution,
    /// Of the actual one.
    output: [usize; 2],
    /// Tiles of one image.
    each: usize,
    /// Tiles of a block, a multiple of every panel's height.
    len: usize,
    /// Channels and filters, wide.
    sizes: [usize; 2],
}

/// Where a tile lies: its image, and its first output.
#[derive(Clone, Copy)]
struct Tile {
    image: usize,
    row: usize,
    column: usize,
}

impl Blocks {
    /// For so many of the channels. The length does not depend on how many: the kernel's gradient is summed block by block.
    fn new(geometry: &Convolution, channels: usize) -> Self {
        let sizes = [wide(channels), wide(geometry.filters)];
        let len = (BLOCK / (POINTS * (wide(geometry.channels) + sizes[1])) / 12 * 12).max(LEAST_TILES);
        let output = [geometry.rows.output, geometry.columns.output];
        Self { whole: whole(geometry), output, each: tiles(geometry.rows) * tiles(geometry.columns), len, sizes }
    }

    fn tile(&self, i: usize) -> Tile {
        let (image, rest) = (i / self.each, i % self.each);
        let across = self.whole.columns.output / TILE;
        Tile { image, row: rest / across * TILE, column: rest % across * TILE }
    }

    /// How far apart the points are in a buffer of so many channels. Not a power of two: the same place of all points would
    /// then be in the same few lines of the cache.
    fn apart(&self, channels: usize) -> usize {
        self.len * channels + UNIT
    }

    /// The room that these blocks take.
    fn reserve(&self, room: &mut Room) {
        // Vectors may begin at the last channel.
        let image = padded_len(&self.whole) + UNIT;
        let lens = [image, POINTS * self.apart(self.sizes[0]), POINTS * self.apart(self.sizes[1])];
        for (buffer, len) in [&mut room.image, &mut room.inputs, &mut room.outputs].into_iter().zip(lens) {
            if buffer.len() < len {
                buffer.resize(len, 0.0);
            }
        }
    }

    /// The inputs of tiles `from..from + now` at the points, a row of `channels` for each tile; images are padded as they come.
    #[inline(always)]
    fn inputs<S: Simd>(
        &self,
        simd: S,
        x: &[f32],
        (from, now): (usize, usize),
        channels: Range<usize>,
        next_image: &mut usize,
        room: &mut Room,
    ) {
        let Room { image, inputs, .. } = room;
        let (line, step) = (padded(self.whole.columns) * self.whole.channels, self.whole.channels);
        for t in 0..now {
            let tile = self.tile(from + t);
            if tile.image == *next_image {
                let len = self.whole.input_len();
                pad(&self.whole, &x[tile.image * len..][..len], &mut image[..padded_len(&self.whole)]);
                *next_image += 1;
            }
            let corner = tile.row * line + tile.column * step;
            for c in channels.clone().step_by(S::F32_LANES) {
                let image = &image[corner + c..][..(SIDE - 1) * (line + step) + S::F32_LANES];
                let to = t * self.sizes[0] + c - channels.start;
                let apart = self.apart(self.sizes[0]);
                let inputs = &mut inputs[to..][..(POINTS - 1) * apart + S::F32_LANES];
                both_ways(
                    simd,
                    // SAFETY: i and j < SIDE, and the slice is that long.
                    #[inline(always)]
                    |i, j| unsafe { load(simd, image, i * line + j * step) },
                    #[inline(always)]
                    |d| transform::inputs(simd, d),
                    // SAFETY: as above.
                    #[inline(always)]
                    |i, j, value| unsafe { store(simd, inputs, (i * SIDE + j) * apart, value) },
                );
            }
        }
    }

    /// The gradients of the outputs of tiles `from..from + now` at the points, as right factors.
    #[inline(always)]
    fn output_gradients<S: Simd>(&self, simd: S, dy: &[f32], (from, now): (usize, usize), outputs: &mut [f32]) {
        let filters = self.whole.filters;
        for t in 0..now {
            let (first, height, width) = self.outputs(self.tile(from + t));
            for f in (0..filters).step_by(S::F32_LANES) {
                let dy = &dy[first * filters + f..];
                let outputs = &mut outputs[place(simd, now, self.sizes[1], t, f)..];
                let lanes = S::F32_LANES.min(filters - f);
                if height == TILE && width == TILE && lanes == S::F32_LANES {
                    self.output_gradient::<S, true>(simd, dy, height, width, lanes, outputs);
                } else {
                    self.output_gradient::<S, false>(simd, dy, height, width, lanes, outputs);
                }
            }
        }
    }

    /// Of one tile, up to a vector of filters. `WHOLE` says that nothing of either is missing.
    #[inline(always)]
    fn output_gradient<S: Simd, const WHOLE: bool>(
        &self,
        simd: S,
        dy: &[f32],
        height: usize,
        width: usize,
        lanes: usize,
        outputs: &mut [f32],
    ) {
        let (step, apart) = (self.whole.filters, self.apart(self.sizes[1]));
        let line = self.output[1] * step;
        let outputs = &mut outputs[..(POINTS - 1) * apart + S::F32_LANES];
        let dy = &dy[..(height - 1) * line + (width - 1) * step + lanes];
        both_ways(
            simd,
            #[inline(always)]
            |i, j| {
                if WHOLE {
                    // SAFETY: i and j < TILE, and the slice is that long.
                    unsafe { load(simd, dy, i * line + j * step) }
                } else if i < height && j < width {
                    load_some(simd, &dy[i * line + j * step..][..lanes])
                } else {
                    simd.splat_f32s(0.0)
                }
            },
            #[inline(always)]
            |y| transform::outputs_back(simd, y),
            // SAFETY: i and j < SIDE, and the slice is that long.
            #[inline(always)]
            |i, j, value| unsafe { store(simd, outputs, (i * SIDE + j) * apart, value) },
        );
    }

    /// The outputs of tiles `from..from + now`, from the points.
    #[inline(always)]
    fn put_outputs<S: Simd>(&self, simd: S, outputs: &[f32], (from, now): (usize, usize), y: &mut [f32]) {
        let filters = self.whole.filters;
        for t in 0..now {
            let (first, height, width) = self.outputs(self.tile(from + t));
            for f in (0..filters).step_by(S::F32_LANES) {
                let y = &mut y[first * filters + f..];
                let outputs = &outputs[t * self.sizes[1] + f..];
                let lanes = S::F32_LANES.min(filters - f);
                if height == TILE && width == TILE && lanes == S::F32_LANES {
                    self.put_output::<S, true>(simd, outputs, height, width, lanes, y);
                } else {
                    self.put_output::<S, false>(simd, outputs, height, width, lanes, y);
                }
            }
        }
    }

    /// Of one tile, up to a vector of filters. `WHOLE` says that nothing of either is missing.
    #[inline(always)]
    fn put_output<S: Simd, const WHOLE: bool>(
        &self,
        simd: S,
        outputs: &[f32],
        height: usize,
        width: usize,
        lanes: usize,
        y: &mut [f32],
    ) {
        let (step, apart) = (self.whole.filters, self.apart(self.sizes[1]));
        let line = self.output[1] * step;
        let outputs = &outputs[..(POINTS - 1) * apart + S::F32_LANES];
        let y = &mut y[..(height - 1) * line + (width - 1) * step + lanes];
        both_ways(
            simd,
            // SAFETY: i and j < SIDE, and the slice is that long.
            #[inline(always)]
            |i, j| unsafe { load(simd, outputs, (i * SIDE + j) * apart) },
            #[inline(always)]
            |m| transform::outputs(simd, m),
            #[inline(always)]
            |i, j, value| {
                if WHOLE {
                    // SAFETY: i and j < TILE, and the slice is that long.
                    unsafe { store(simd, y, i * line + j * step, value) };
                } else if i < height && j < width {
                    store_some(simd, &mut y[i * line + j * step..][..lanes], value);
                }
            },
        );
    }

    /// The number of a tile's first output among those of all images, and how many of its rows and columns there are.
    #[inline(always)]
    fn outputs(&self, tile: Tile) -> (usize, usize, usize) {
        let [rows, columns] = self.output;
        let first = (tile.image * rows + tile.row) * columns + tile.column;
        (first, TILE.min(rows - tile.row), TILE.min(columns - tile.column))
    }
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
        for from in (0..tiles).step_by(blocks.len) {
            let some = (from, blocks.len.min(tiles - from));
            blocks.inputs(simd, x, some, 0..channels, &mut next_image, room);
            for point in 0..POINTS {
                let inputs = &room.inputs[point * blocks.apart(wide_channels)..];
                let inputs = Left { data: inputs, row_stride: wide_channels, term_stride: 1 };
                let weights = &weights[point * channels * filters..];
                let outputs = &mut room.outputs[point * blocks.apart(filters)..];
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
        for from in (0..tiles).step_by(blocks.len) {
            let some = (from, blocks.len.min(tiles - from));
            blocks.inputs(simd, x, some, channels.clone(), &mut next_image, room);
            blocks.output_gradients(simd, dy, some, &mut room.outputs);
            for point in 0..POINTS {
                let inputs = &room.inputs[point * blocks.apart(rows)..];
                let inputs = Left { data: inputs, row_stride: 1, term_stride: rows };
                let outputs = &room.outputs[point * blocks.apart(filters)..];
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
