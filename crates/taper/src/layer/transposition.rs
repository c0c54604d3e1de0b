//! Dimensions in another order.

use crate::Result;
use crate::shape::Shape;

/// Brings the numbers of samples of one shape into another order of dimensions, and back.
#[derive(Debug)]
pub(crate) struct Transposition {
    /// The shape with its dimensions in the new order.
    pub(crate) output: Shape,
    /// How far apart neighbours along each dimension of `output` lie before.
    strides: Vec<usize>,
}

impl Transposition {
    /// Dimension i becomes what dimension `dims[i]` (counted from 0) of `input` was.
    pub(crate) fn new(input: &Shape, dims: &[usize]) -> Result<Self> {
        let sizes: Vec<usize> = dims.iter().map(|dim| input.sizes()[*dim]).collect();
        let stride = |dim: &usize| input.sizes()[dim + 1..].iter().product();
        Ok(Self { output: Shape::new(sizes)?, strides: dims.iter().map(stride).collect() })
    }

    /// A batch in the new order.
    pub(crate) fn forward(&self, from: &[f32], to: &mut [f32]) {
        let (len, width, step) = self.line();
        for (from, to) in from.chunks_exact(len).zip(to.chunks_exact_mut(len)) {
            for (line, to) in to.chunks_exact_mut(width).enumerate() {
                let start = self.start(line);
                for (j, to) in to.iter_mut().enumerate() {
                    *to = from[start + j * step];
                }
            }
        }
    }

    /// A batch in the order it had before.
    pub(crate) fn back(&self, from: &[f32], to: &mut [f32]) {
        let (len, width, step) = self.line();
        for (from, to) in from.chunks_exact(len).zip(to.chunks_exact_mut(len)) {
            for (line, from) in from.chunks_exact(width).enumerate() {
                let start = self.start(line);
                for (j, from) in from.iter().enumerate() {
                    to[start + j * step] = *from;
                }
            }
        }
    }

    /// Numbers of a sample, numbers along its last dimension, and how far apart these lie before.
    fn line(&self) -> (usize, usize, usize) {
        (self.output.len(), self.output.last(), self.strides.last().copied().unwrap_or(1))
    }

    /// Where the first number of this line lies before.
    fn start(&self, mut line: usize) -> usize {
        let mut start = 0;
        for (size, stride) in self.output.sizes().iter().zip(&self.strides).rev().skip(1) {
            start += line % size * stride;
            line /= size;
        }
        start
    }
}
