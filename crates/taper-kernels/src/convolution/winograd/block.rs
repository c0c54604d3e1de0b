//! Tiles in blocks, and their ways to the points and back.

// Vectors are read and written without bounds checks, which take as long as the arithmetic; the bounds are checked around them.
#![allow(unsafe_code)] // each block below says why it holds

use core::ops::Range;

use pulp::Simd;

use super::product::{UNIT, place};
use super::transform::{self, both_ways};
use crate::convolution::Convolution;
use crate::convolution::padding::{pad, padded, padded_len};
use crate::lane::{load, load_some, store, store_some};
use crate::product::room;
use crate::window::Axis;

/// Outputs of a tile along each side.
const TILE: usize = 4;
/// Inputs under a tile, and points, along each side.
pub(super) const SIDE: usize = 6;
/// Points of a tile.
pub(super) const POINTS: usize = SIDE * SIDE;
/// Tiles of a block, a multiple of every panel's height. For some dozens of channels their values stay in the second-level cache; with
/// fewer, the kernel at the points, which is read once for each block, would be read too often.
pub(super) const TILES: usize = 48;

/// One padded image, and the values of one block of tiles at each point.
pub(super) struct Room {
    pub(super) image: Vec<f32>,
    pub(super) inputs: Vec<f32>,
    pub(super) outputs: Vec<f32>,
}

/// How many channels or filters there is room for: all, and some more that fill the last panel.
pub(super) fn wide(channels: usize) -> usize {
    channels.next_multiple_of(UNIT)
}

pub(super) fn tiles(axis: Axis) -> usize {
    axis.output.div_ceil(TILE)
}

/// How far apart the points are in a buffer of so many channels. Not a power of two: the same place of all points would then be in
/// the same few lines of the cache.
pub(super) fn apart(channels: usize) -> usize {
    TILES * channels + UNIT
}

/// The same convolution with as many outputs as the tiles have: what they look at lies in its padded image.
fn whole(geometry: &Convolution) -> Convolution {
    let axis = |axis: Axis| Axis { output: tiles(axis) * TILE, ..axis };
    Convolution { rows: axis(geometry.rows), columns: axis(geometry.columns), ..*geometry }
}

/// Some tiles one after the other, their images too.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    /// The convolution of whole tiles.
    whole: Convolution,
    /// Of the actual one.
    output: [usize; 2],
    /// Tiles of one image.
    pub(super) each: usize,
    /// Channels and filters, wide.
    pub(super) sizes: [usize; 2],
}

/// Where a tile lies: its image, and its first output.
#[derive(Clone, Copy)]
struct Tile {
    image: usize,
    row: usize,
    column: usize,
}

impl Blocks {
    /// For so many of the channels.
    pub(super) fn new(geometry: &Convolution, channels: usize) -> Self {
        let output = [geometry.rows.output, geometry.columns.output];
        let each = tiles(geometry.rows) * tiles(geometry.columns);
        Self { whole: whole(geometry), output, each, sizes: [wide(channels), wide(geometry.filters)] }
    }

    fn tile(&self, i: usize) -> Tile {
        let (image, rest) = (i / self.each, i % self.each);
        let across = self.whole.columns.output / TILE;
        Tile { image, row: rest / across * TILE, column: rest % across * TILE }
    }

    /// The room that these blocks take.
    pub(super) fn reserve(&self, Room { image, inputs, outputs }: &mut Room) {
        // Vectors may begin at the last channel.
        room(image, padded_len(&self.whole) + UNIT);
        room(inputs, POINTS * apart(self.sizes[0]));
        room(outputs, POINTS * apart(self.sizes[1]));
    }

    /// The inputs of tiles `from..from + now` at the points, a row of `channels` for each tile; images are padded as they come.
    #[inline(always)]
    pub(super) fn inputs<S: Simd>(
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
                let apart = apart(self.sizes[0]);
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
    pub(super) fn output_gradients<S: Simd>(
        &self,
        simd: S,
        dy: &[f32],
        (from, now): (usize, usize),
        outputs: &mut [f32],
    ) {
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
        let (step, apart) = (self.whole.filters, apart(self.sizes[1]));
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
    pub(super) fn put_outputs<S: Simd>(&self, simd: S, outputs: &[f32], (from, now): (usize, usize), y: &mut [f32]) {
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
        let (step, apart) = (self.whole.filters, apart(self.sizes[1]));
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
