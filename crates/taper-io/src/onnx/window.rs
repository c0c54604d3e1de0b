//! Layers with sliding windows, whose operators have the channels first.

use taper::Padding;

use super::Param;
use super::proto::Attribute;
use super::writer::{Value, Writer};

/// A window in one or two directions.
pub(super) struct Window {
    size: Vec<usize>,
    strides: Vec<usize>,
    dilation: Vec<usize>,
    padding: Padding,
}

impl Window {
    pub(super) fn new(size: taper::Pair, strides: taper::Pair, dilation: taper::Pair, padding: Padding) -> Self {
        Self { size: both(size).into(), strides: both(strides).into(), dilation: both(dilation).into(), padding }
    }

    /// Over a sequence.
    pub(super) fn over_steps(size: usize, strides: usize, dilation: usize, padding: Padding) -> Self {
        Self { size: vec![size], strides: vec![strides], dilation: vec![dilation], padding }
    }

    /// From the first tap to the last, in direction `i`.
    fn span(&self, i: usize) -> usize {
        (self.size[i] - 1) * self.dilation[i] + 1
    }

    /// Zeros before in every direction, then behind, as TensorFlow places them.
    fn pads(&self, sizes: &[usize]) -> Vec<i64> {
        let around = |i: usize| {
            let span = self.span(i);
            match self.padding {
                Padding::Valid => (0, 0),
                Padding::Causal => (span - 1, 0),
                Padding::Same => {
                    let reach = (sizes[i].div_ceil(self.strides[i]) - 1) * self.strides[i] + span;
                    let all = reach.saturating_sub(sizes[i]);
                    (all / 2, all - all / 2)
                }
            }
        };
        let directions = 0..self.size.len();
        directions.clone().map(|i| around(i).0 as i64).chain(directions.map(|i| around(i).1 as i64)).collect()
    }
}

pub(super) fn both(pair: taper::Pair) -> [usize; 2] {
    [pair.height, pair.width]
}

pub(super) fn numbers(sizes: &[usize]) -> Attribute<'static> {
    Attribute::Ints(sizes.iter().map(|size| *size as i64).collect())
}

/// Channels before the directions, and back.
pub(super) fn channels_first(writer: &mut Writer, x: &str, directions: usize) -> String {
    writer.transpose(x, if directions == 1 { &[0, 2, 1] } else { &[0, 3, 1, 2] })
}

pub(super) fn channels_last(writer: &mut Writer, x: &str, directions: usize) -> String {
    writer.transpose(x, if directions == 1 { &[0, 2, 1] } else { &[0, 2, 3, 1] })
}

pub(super) fn pool(
    writer: &mut Writer,
    operation: &str,
    input: &Value,
    size: &[usize],
    strides: &[usize],
    padding: Padding,
) -> String {
    let window = Window { size: size.into(), strides: strides.into(), dilation: vec![1; size.len()], padding };
    let x = channels_first(writer, &input.name, size.len());
    let attributes = [
        ("kernel_shape", numbers(size)),
        ("strides", numbers(strides)),
        ("pads", Attribute::Ints(window.pads(&input.sizes))),
    ];
    let y = writer.node(operation, &[&x], &attributes);
    channels_last(writer, &y, size.len())
}

/// A kernel whose dimensions are the directions and two more, with those two first in this order.
pub(super) fn filters(
    writer: &mut Writer,
    kernel: Param<'_>,
    directions: usize,
    [first, second]: [usize; 2],
) -> String {
    let mut order = vec![first, second];
    order.extend(0..directions);
    let (sizes, data) = permuted(kernel, &order);
    writer.floats(&sizes, &data)
}

/// The same numbers with the dimensions in this order.
pub(super) fn permuted(param: Param<'_>, order: &[usize]) -> (Vec<usize>, Vec<f32>) {
    let sizes: Vec<usize> = order.iter().map(|dim| param.sizes[*dim]).collect();
    let strides: Vec<usize> = order.iter().map(|dim| param.sizes[dim + 1..].iter().product()).collect();
    let source = |mut place: usize| {
        let mut source = 0;
        for (size, stride) in sizes.iter().zip(&strides).rev() {
            source += place % size * stride;
            place /= size;
        }
        source
    };
    let data = (0..param.data.len()).map(|i| param.data[source(i)]).collect();
    (sizes, data)
}

pub(super) fn convolution(writer: &mut Writer, input: &Value, window: &Window, kernel: &str, groups: usize) -> String {
    let directions = window.size.len();
    let x = channels_first(writer, &input.name, directions);
    let attributes = [
        ("kernel_shape", numbers(&window.size)),
        ("strides", numbers(&window.strides)),
        ("dilations", numbers(&window.dilation)),
        ("pads", Attribute::Ints(window.pads(&input.sizes))),
        ("group", Attribute::Int(groups as i64)),
    ];
    let y = writer.node("Conv", &[&x, kernel], &attributes);
    channels_last(writer, &y, directions)
}

/// A convolution whose groups are the channels: kernel (…, channels, multiplier).
pub(super) fn depthwise(writer: &mut Writer, input: &Value, window: &Window, kernel: Param<'_>) -> String {
    let directions = window.size.len();
    let channels = kernel.sizes[directions];
    let order: Vec<usize> = [directions, directions + 1].into_iter().chain(0..directions).collect();
    let (sizes, data) = permuted(kernel, &order);
    let kernel = writer.floats(&[&[sizes[0] * sizes[1], 1], &sizes[2..]].concat(), &data);
    convolution(writer, input, window, &kernel, channels)
}

/// The kernel is (…, filters, channels).
pub(super) fn transposed(
    writer: &mut Writer,
    input: &Value,
    window: &Window,
    kernel: Param<'_>,
    sizes: &[usize],
) -> String {
    let directions = window.size.len();
    let kernel = filters(writer, kernel, directions, [directions + 1, directions]);
    let (mut before, mut behind, mut more) = (vec![], vec![], vec![]);
    for i in 0..directions {
        // How much of the full result is cut off: before and behind alike for `same`, or what lacks at the end.
        let full = window.strides[i] * (input.sizes[i] - 1) + window.span(i);
        let cut = full.saturating_sub(sizes[i]);
        let first = if window.padding == Padding::Same { cut / 2 } else { 0 };
        before.push(first as i64);
        behind.push((cut - first) as i64);
        more.push(sizes[i].saturating_sub(full) as i64);
    }
    before.extend(behind);
    let x = channels_first(writer, &input.name, directions);
    let attributes = [
        ("kernel_shape", numbers(&window.size)),
        ("strides", numbers(&window.strides)),
        ("dilations", numbers(&window.dilation)),
        ("pads", Attribute::Ints(before)),
        ("output_padding", Attribute::Ints(more)),
    ];
    let y = writer.node("ConvTranspose", &[&x, &kernel], &attributes);
    channels_last(writer, &y, directions)
}
