//! Layers over sequences and images: the same in one direction or in two. Operators with windows have the channels first.

use taper::{Conv, ConvTranspose, DepthwiseConv, Edges, Extent, Padding, SeparableConv, UpSampling};

use super::Param;
use super::layer::finish;
use super::proto::Attribute;
use super::writer::{Value, Writer};

/// A window in one or two directions.
struct Window {
    size: Vec<usize>,
    strides: Vec<usize>,
    dilation: Vec<usize>,
    padding: Padding,
}

impl Window {
    fn new<E: Extent>(size: E, strides: E, dilation: E, padding: Padding) -> Self {
        Self { size: size.sizes(), strides: strides.sizes(), dilation: dilation.sizes(), padding }
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

fn numbers(sizes: &[usize]) -> Attribute<'static> {
    Attribute::Ints(sizes.iter().map(|size| *size as i64).collect())
}

/// Channels before the directions, and back.
fn channels_first(writer: &mut Writer, x: &str, directions: usize) -> String {
    writer.transpose(x, if directions == 1 { &[0, 2, 1] } else { &[0, 3, 1, 2] })
}

fn channels_last(writer: &mut Writer, x: &str, directions: usize) -> String {
    writer.transpose(x, if directions == 1 { &[0, 2, 1] } else { &[0, 2, 3, 1] })
}

pub(super) fn pool<E: Extent>(
    writer: &mut Writer,
    operation: &str,
    input: &Value,
    size: E,
    strides: Option<E>,
    padding: Padding,
) -> String {
    let window = Window::new(size, strides.unwrap_or(size), E::once(), padding);
    let directions = window.size.len();
    let x = channels_first(writer, &input.name, directions);
    let attributes = [
        ("kernel_shape", numbers(&window.size)),
        ("strides", numbers(&window.strides)),
        ("pads", Attribute::Ints(window.pads(&input.sizes))),
    ];
    let y = writer.node(operation, &[&x], &attributes);
    channels_last(writer, &y, directions)
}

/// A kernel whose dimensions are the directions and two more, with the last first, then the one before it.
fn filters(writer: &mut Writer, kernel: Param<'_>, directions: usize) -> String {
    let mut order = vec![directions + 1, directions];
    order.extend(0..directions);
    let (sizes, data) = permuted(kernel, &order);
    writer.floats(&sizes, &data)
}

/// The same numbers with the dimensions in this order.
fn permuted(param: Param<'_>, order: &[usize]) -> (Vec<usize>, Vec<f32>) {
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

fn convolution(writer: &mut Writer, input: &Value, window: &Window, kernel: &str, groups: usize) -> String {
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
fn depthwise(writer: &mut Writer, input: &Value, window: &Window, kernel: Param<'_>) -> String {
    let directions = window.size.len();
    let channels = kernel.sizes[directions];
    let order: Vec<usize> = [directions, directions + 1].into_iter().chain(0..directions).collect();
    let (sizes, data) = permuted(kernel, &order);
    let kernel = writer.floats(&[&[sizes[0] * sizes[1], 1], &sizes[2..]].concat(), &data);
    convolution(writer, input, window, &kernel, channels)
}

pub(super) fn conv<E: Extent>(writer: &mut Writer, layer: &Conv<E>, params: &[Param<'_>], input: &Value) -> String {
    let window = Window::new(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding);
    let kernel = filters(writer, params[0], window.size.len());
    let y = convolution(writer, input, &window, &kernel, layer.groups);
    finish(writer, y, &params[1..], layer.activation)
}

pub(super) fn depthwise_conv<E: Extent>(
    writer: &mut Writer,
    layer: &DepthwiseConv<E>,
    params: &[Param<'_>],
    input: &Value,
) -> String {
    let window = Window::new(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding);
    let y = depthwise(writer, input, &window, params[0]);
    finish(writer, y, &params[1..], layer.activation)
}

pub(super) fn separable_conv<E: Extent>(
    writer: &mut Writer,
    layer: &SeparableConv<E>,
    params: &[Param<'_>],
    input: &Value,
) -> String {
    let window = Window::new(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding);
    let y = depthwise(writer, input, &window, params[0]);
    // A window of size 1: a product over the channels.
    let pointwise = writer.floats(&params[1].sizes[window.size.len()..], params[1].data);
    let y = writer.node("MatMul", &[&y, &pointwise], &[]);
    finish(writer, y, &params[2..], layer.activation)
}

/// The kernel is (…, filters, channels); `sizes` are those of the output.
pub(super) fn conv_transpose<E: Extent>(
    writer: &mut Writer,
    layer: &ConvTranspose<E>,
    params: &[Param<'_>],
    input: &Value,
    sizes: &[usize],
) -> String {
    let window = Window::new(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding);
    let directions = window.size.len();
    let kernel = filters(writer, params[0], directions);
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
    let y = channels_last(writer, &y, directions);
    finish(writer, y, &params[1..], layer.activation)
}

/// Each number side by side with itself.
pub(super) fn up_sampling<E: Extent>(
    writer: &mut Writer,
    layer: &UpSampling<E>,
    input: &Value,
    sizes: &[usize],
) -> String {
    let (mut apart, mut repeats) = (vec![], vec![1]);
    for (size, more) in input.sizes.iter().zip(layer.size.sizes()) {
        apart.extend([*size, 1]);
        repeats.extend([1, more as i64]);
    }
    apart.extend(input.sizes.last());
    repeats.push(1);
    let (apart, repeats) = (writer.reshape(&input.name, &apart), writer.ints(&repeats));
    let more = writer.node("Tile", &[&apart, &repeats], &[]);
    writer.reshape(&more, sizes)
}

pub(super) fn pad(writer: &mut Writer, x: &str, margins: impl Edges) -> String {
    let margins = margins.sides();
    let side = |which: usize| {
        let inner = margins.iter().map(move |margin| margin[which] as i64);
        std::iter::once(0).chain(inner).chain(std::iter::once(0))
    };
    let pads: Vec<i64> = side(0).chain(side(1)).collect();
    let pads = writer.ints(&pads);
    writer.node("Pad", &[x, &pads], &[])
}

/// What lies between margins, where some is left.
pub(super) fn crop(writer: &mut Writer, input: &Value, margins: impl Edges) -> String {
    let margins = margins.sides();
    let starts: Vec<i64> = margins.iter().map(|[before, _]| *before as i64).collect();
    let ends: Vec<i64> = margins.iter().zip(&input.sizes).map(|([_, after], size)| (size - after) as i64).collect();
    let axes: Vec<i64> = (1..=margins.len() as i64).collect();
    let [starts, ends, axes] = [starts, ends, axes].map(|numbers| writer.ints(&numbers));
    writer.node("Slice", &[&input.name, &starts, &ends, &axes], &[])
}
