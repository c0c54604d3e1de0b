//! One layer after the other, as operators.

use taper::{Activation, Complaint, LayerKind, LayerSpec, Padding};

use super::proto::Attribute;
use super::writer::{Value, Writer};
use super::{Param, recurrent, refuse};

/// Adds a layer; `sizes` are those of its output.
pub(super) fn emit(
    writer: &mut Writer,
    spec: &LayerSpec,
    params: &[Param<'_>],
    inputs: &[Value],
    sizes: &[usize],
) -> Result<Value, Complaint> {
    let Some(input) = inputs.first() else { return Err(refuse(spec, "a layer without inputs")) };
    let x = input.name.as_str();
    let name = match &spec.kind {
        LayerKind::Dropout(_)
        | LayerKind::SpatialDropout1d(_)
        | LayerKind::SpatialDropout2d(_)
        | LayerKind::GaussianDropout(_)
        | LayerKind::GaussianNoise(_)
        | LayerKind::ActivityRegularization(_) => x.to_owned(),
        LayerKind::Flatten(_) | LayerKind::Reshape(_) => writer.reshape(x, sizes),
        LayerKind::Permute(layer) => {
            let order: Vec<i64> = std::iter::once(0).chain(layer.dims.iter().map(|dim| *dim as i64)).collect();
            writer.transpose(x, &order)
        }
        LayerKind::RepeatVector(layer) => {
            let row = writer.reshape(x, &[1, input.sizes[0]]);
            let repeats = writer.ints(&[1, layer.n as i64, 1]);
            writer.node("Tile", &[&row, &repeats], &[])
        }
        LayerKind::Rescaling(layer) => {
            let (scale, offset) = (writer.number(layer.scale as f32), writer.number(layer.offset as f32));
            let scaled = writer.node("Mul", &[x, &scale], &[]);
            writer.node("Add", &[&scaled, &offset], &[])
        }
        LayerKind::Dense(layer) => {
            let kernel = writer.floats(params[0].sizes, params[0].data);
            let y = writer.node("MatMul", &[x, &kernel], &[]);
            let y = bias(writer, y, &params[1..]);
            activation(writer, layer.activation, y)
        }
        LayerKind::Activation(layer) => activation(writer, layer.activation, x.to_owned()),
        LayerKind::Softmax(_) => activation(writer, Activation::Softmax, x.to_owned()),
        LayerKind::Elu(layer) => activation(writer, Activation::Elu { alpha: layer.alpha }, x.to_owned()),
        LayerKind::LeakyReLu(layer) => {
            let function = Activation::LeakyRelu { negative_slope: layer.negative_slope };
            activation(writer, function, x.to_owned())
        }
        LayerKind::ReLu(layer) if layer.threshold == 0.0 => {
            let y = if layer.negative_slope == 0.0 {
                writer.node("Relu", &[x], &[])
            } else {
                writer.node("LeakyRelu", &[x], &[("alpha", Attribute::Float(layer.negative_slope))])
            };
            match layer.max_value {
                Some(most) => {
                    let most = writer.number(most);
                    writer.node("Min", &[&y, &most], &[])
                }
                None => y,
            }
        }
        LayerKind::ReLu(_) => return Err(refuse(spec, "a threshold")),
        LayerKind::PReLu(_) => {
            let slope = writer.floats(params[0].sizes, params[0].data);
            writer.node("PRelu", &[x, &slope], &[])
        }
        LayerKind::Embedding(layer) => {
            if layer.mask_zero {
                return Err(refuse(spec, "a mask (mask_zero)"));
            }
            let tokens = writer.node("Cast", &[x], &[("to", Attribute::Int(7))]);
            let vectors = writer.floats(params[0].sizes, params[0].data);
            writer.node("Gather", &[&vectors, &tokens], &[])
        }
        LayerKind::Masking(_) => return Err(refuse(spec, "a mask")),
        LayerKind::BatchNormalization(layer) => {
            let rank = input.sizes.len();
            let axis = if layer.axis < 0 { layer.axis + rank as i64 } else { layer.axis - 1 };
            let (gamma, rest) = params.split_at(usize::from(layer.scale));
            let (beta, moving) = rest.split_at(usize::from(layer.center));
            let mut scale: Vec<f32> =
                moving[1].data.iter().map(|variance| 1.0 / (variance + layer.epsilon as f32).sqrt()).collect();
            if let [gamma] = gamma {
                scale.iter_mut().zip(gamma.data).for_each(|(scale, gamma)| *scale *= gamma);
            }
            let shift = scale.iter().zip(moving[0].data).enumerate();
            let shift: Vec<f32> =
                shift.map(|(j, (scale, mean))| beta.first().map_or(0.0, |beta| beta.data[j]) - mean * scale).collect();
            let sizes: Vec<usize> = (0..rank).map(|i| if i as i64 == axis { scale.len() } else { 1 }).collect();
            let (scale, shift) = (writer.floats(&sizes, &scale), writer.floats(&sizes, &shift));
            let y = writer.node("Mul", &[x, &scale], &[]);
            writer.node("Add", &[&y, &shift], &[])
        }
        LayerKind::LayerNormalization(layer) => layer_normalization(writer, spec, layer, params, input)?,
        LayerKind::Add(_) => fold(writer, "Add", inputs),
        LayerKind::Subtract(_) => fold(writer, "Sub", inputs),
        LayerKind::Multiply(_) => fold(writer, "Mul", inputs),
        LayerKind::Maximum(_) => fold(writer, "Max", inputs),
        LayerKind::Minimum(_) => fold(writer, "Min", inputs),
        LayerKind::Average(_) => {
            let sum = fold(writer, "Add", inputs);
            let count = writer.number(inputs.len() as f32);
            writer.node("Div", &[&sum, &count], &[])
        }
        LayerKind::Concatenate(layer) => {
            let names: Vec<&str> = inputs.iter().map(|value| value.name.as_str()).collect();
            writer.node("Concat", &names, &[("axis", Attribute::Int(layer.axis as i64))])
        }
        LayerKind::TimeDistributed(layer) => {
            let steps: Vec<i64> = std::iter::once(-1).chain(input.sizes[1..].iter().map(|size| *size as i64)).collect();
            let each = Value { name: writer.reshape_to(x, &steps), sizes: input.sizes[1..].to_vec() };
            let y = emit(writer, &layer.of, params, &[each], &sizes[1..])?;
            let all: Vec<i64> = std::iter::once(-1).chain(sizes.iter().map(|size| *size as i64)).collect();
            writer.reshape_to(&y.name, &all)
        }
        LayerKind::ZeroPadding1d(layer) => pad(writer, x, &[layer.padding]),
        LayerKind::ZeroPadding2d(layer) => {
            let margins = layer.padding;
            pad(writer, x, &[[margins.top, margins.bottom], [margins.left, margins.right]])
        }
        LayerKind::UpSampling2d(layer) => {
            let [height, width, channels] = input.sizes[..] else { return Err(refuse(spec, "another input")) };
            let apart = writer.reshape(x, &[height, 1, width, 1, channels]);
            let repeats = writer.ints(&[1, 1, layer.size.height as i64, 1, layer.size.width as i64, 1]);
            let more = writer.node("Tile", &[&apart, &repeats], &[]);
            writer.reshape(&more, sizes)
        }
        LayerKind::GlobalMaxPooling1d(_) => over(writer, "ReduceMax", x, vec![1]),
        LayerKind::GlobalMaxPooling2d(_) => over(writer, "ReduceMax", x, vec![1, 2]),
        LayerKind::GlobalAveragePooling1d(_) => over(writer, "ReduceMean", x, vec![1]),
        LayerKind::GlobalAveragePooling2d(_) => over(writer, "ReduceMean", x, vec![1, 2]),
        LayerKind::MaxPooling1d(layer) => {
            let strides = layer.strides.unwrap_or(layer.pool_size);
            pool(writer, "MaxPool", input, &[layer.pool_size], &[strides], layer.padding)
        }
        LayerKind::AveragePooling1d(layer) => {
            let strides = layer.strides.unwrap_or(layer.pool_size);
            pool(writer, "AveragePool", input, &[layer.pool_size], &[strides], layer.padding)
        }
        LayerKind::MaxPooling2d(layer) => {
            let strides = layer.strides.unwrap_or(layer.pool_size);
            pool(writer, "MaxPool", input, &both(layer.pool_size), &both(strides), layer.padding)
        }
        LayerKind::AveragePooling2d(layer) => {
            let strides = layer.strides.unwrap_or(layer.pool_size);
            pool(writer, "AveragePool", input, &both(layer.pool_size), &both(strides), layer.padding)
        }
        LayerKind::Conv1d(layer) => {
            let window = Window {
                size: vec![layer.kernel_size],
                strides: vec![layer.strides],
                dilation: vec![layer.dilation_rate],
                padding: layer.padding,
            };
            let kernel = filters(writer, params[0], 1, [2, 1]);
            let y = convolution(writer, input, &window, &kernel, layer.groups);
            let y = bias(writer, y, &params[1..]);
            activation(writer, layer.activation, y)
        }
        LayerKind::Conv2d(layer) => {
            let window = Window::new(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding);
            let kernel = filters(writer, params[0], 2, [3, 2]);
            let y = convolution(writer, input, &window, &kernel, layer.groups);
            let y = bias(writer, y, &params[1..]);
            activation(writer, layer.activation, y)
        }
        LayerKind::DepthwiseConv2d(layer) => {
            let window = Window::new(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding);
            let y = depthwise(writer, input, &window, params[0]);
            let y = bias(writer, y, &params[1..]);
            activation(writer, layer.activation, y)
        }
        LayerKind::SeparableConv2d(layer) => {
            let window = Window::new(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding);
            let y = depthwise(writer, input, &window, params[0]);
            // One by one pixel: a product over the channels.
            let pointwise = writer.floats(&params[1].sizes[2..], params[1].data);
            let y = writer.node("MatMul", &[&y, &pointwise], &[]);
            let y = bias(writer, y, &params[2..]);
            activation(writer, layer.activation, y)
        }
        LayerKind::Conv2dTranspose(layer) => {
            let window = Window::new(layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding);
            let y = transposed(writer, input, &window, params[0], sizes);
            let y = bias(writer, y, &params[1..]);
            activation(writer, layer.activation, y)
        }
        LayerKind::SimpleRnn(_) | LayerKind::Lstm(_) | LayerKind::Gru(_) => {
            recurrent::emit(writer, spec, params, input, false)?
        }
        LayerKind::Bidirectional(layer) => recurrent::bidirectional(writer, layer, params, input)?,
        _ => return Err(refuse(spec, "a layer without one")),
    };
    Ok(Value { name, sizes: sizes.to_vec() })
}

fn bias(writer: &mut Writer, y: String, params: &[Param<'_>]) -> String {
    match params {
        [bias, ..] => {
            let bias = writer.floats(bias.sizes, bias.data);
            writer.node("Add", &[&y, &bias], &[])
        }
        [] => y,
    }
}

/// f(x).
pub(super) fn activation(writer: &mut Writer, function: Activation, x: String) -> String {
    let (operation, attributes) = match function {
        Activation::Linear => return x,
        Activation::Relu => ("Relu", vec![]),
        Activation::Relu6 => {
            let (least, most) = (writer.number(0.0), writer.number(6.0));
            return writer.node("Clip", &[&x, &least, &most], &[]);
        }
        Activation::LeakyRelu { negative_slope } => ("LeakyRelu", vec![("alpha", Attribute::Float(negative_slope))]),
        Activation::Elu { alpha } => ("Elu", vec![("alpha", Attribute::Float(alpha))]),
        Activation::Selu => ("Selu", vec![]),
        Activation::Sigmoid => ("Sigmoid", vec![]),
        Activation::HardSigmoid => ("HardSigmoid", vec![("alpha", Attribute::Float(1.0 / 6.0))]),
        Activation::Tanh => ("Tanh", vec![]),
        Activation::Softplus => ("Softplus", vec![]),
        Activation::Softsign => ("Softsign", vec![]),
        Activation::Exponential => ("Exp", vec![]),
        Activation::Softmax => ("Softmax", vec![("axis", Attribute::Int(-1))]),
        Activation::Swish => {
            let gate = writer.node("Sigmoid", &[&x], &[]);
            return writer.node("Mul", &[&x, &gate], &[]);
        }
        Activation::Gelu => {
            // x / 2 · (1 + erf(x / √2))
            let [root, one, half] = [std::f32::consts::FRAC_1_SQRT_2, 1.0, 0.5].map(|number| writer.number(number));
            let scaled = writer.node("Mul", &[&x, &root], &[]);
            let erf = writer.node("Erf", &[&scaled], &[]);
            let gate = writer.node("Add", &[&erf, &one], &[]);
            let product = writer.node("Mul", &[&x, &gate], &[]);
            return writer.node("Mul", &[&product, &half], &[]);
        }
    };
    writer.node(operation, &[&x], &attributes)
}

fn layer_normalization(
    writer: &mut Writer,
    spec: &LayerSpec,
    layer: &taper::LayerNormalization,
    params: &[Param<'_>],
    input: &Value,
) -> Result<String, Complaint> {
    let rank = input.sizes.len() as i64;
    let first = first_axis(layer, rank);
    let count = layer.axis.0.len() as i64;
    let inner = first + count != rank;
    if inner && count > 1 {
        return Err(refuse(spec, "axes that are not the last"));
    }
    // One that is not the last goes to the end and comes back.
    let (x, first, sizes) = if inner {
        let order: Vec<i64> = (0..=rank).filter(|i| *i != first + 1).chain([first + 1]).collect();
        (writer.transpose(&input.name, &order), rank - 1, &input.sizes[first as usize..=first as usize])
    } else {
        (input.name.clone(), first, &input.sizes[first as usize..])
    };
    let scale = match params.first().filter(|_| layer.scale) {
        Some(gamma) => writer.floats(sizes, gamma.data),
        None => writer.floats(sizes, &vec![1.0; sizes.iter().product()]),
    };
    let shift = params.last().filter(|_| layer.center).map(|beta| writer.floats(sizes, beta.data));
    let inputs: Vec<&str> = [x.as_str(), &scale].into_iter().chain(shift.as_deref()).collect();
    let attributes = [("axis", Attribute::Int(first - rank)), ("epsilon", Attribute::Float(layer.epsilon as f32))];
    let y = writer.node("LayerNormalization", &inputs, &attributes);
    if !inner {
        return Ok(y);
    }
    let axis = first_axis(layer, rank) + 1;
    let back: Vec<i64> = (0..=rank)
        .map(|i| {
            if i < axis {
                i
            } else if i == axis {
                rank
            } else {
                i - 1
            }
        })
        .collect();
    Ok(writer.transpose(&y, &back))
}

/// The first of the axes, from 0 without the rows.
fn first_axis(layer: &taper::LayerNormalization, rank: i64) -> i64 {
    layer.axis.0.iter().map(|axis| if *axis < 0 { axis + rank } else { axis - 1 }).min().unwrap_or(0)
}

/// ((a ∘ b) ∘ c) ….
fn fold(writer: &mut Writer, operation: &str, inputs: &[Value]) -> String {
    let mut names = inputs.iter().map(|value| value.name.clone());
    let first = names.next().unwrap_or_default();
    names.fold(first, |all, next| writer.node(operation, &[&all, &next], &[]))
}

fn over(writer: &mut Writer, operation: &str, x: &str, axes: Vec<i64>) -> String {
    writer.node(operation, &[x], &[("axes", Attribute::Ints(axes)), ("keepdims", Attribute::Int(0))])
}

fn pad(writer: &mut Writer, x: &str, margins: &[[usize; 2]]) -> String {
    let side = |which: usize| {
        let inner = margins.iter().map(move |margin| margin[which] as i64);
        std::iter::once(0).chain(inner).chain(std::iter::once(0))
    };
    let pads: Vec<i64> = side(0).chain(side(1)).collect();
    let pads = writer.ints(&pads);
    writer.node("Pad", &[x, &pads], &[])
}

fn both(pair: taper::Pair) -> [usize; 2] {
    [pair.height, pair.width]
}

/// A window in one or two directions.
struct Window {
    size: Vec<usize>,
    strides: Vec<usize>,
    dilation: Vec<usize>,
    padding: Padding,
}

impl Window {
    fn new(size: taper::Pair, strides: taper::Pair, dilation: taper::Pair, padding: Padding) -> Self {
        Self { size: both(size).into(), strides: both(strides).into(), dilation: both(dilation).into(), padding }
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

fn pool(
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
fn filters(writer: &mut Writer, kernel: Param<'_>, directions: usize, [first, second]: [usize; 2]) -> String {
    let mut order = vec![first, second];
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

/// A convolution whose groups are the channels: kernel (height, width, channels, multiplier).
fn depthwise(writer: &mut Writer, input: &Value, window: &Window, kernel: Param<'_>) -> String {
    let [height, width, channels, multiplier] = *kernel.sizes else { return String::new() };
    let (_, data) = permuted(kernel, &[2, 3, 0, 1]);
    let kernel = writer.floats(&[channels * multiplier, 1, height, width], &data);
    convolution(writer, input, window, &kernel, channels)
}

/// The kernel is (height, width, filters, channels).
fn transposed(writer: &mut Writer, input: &Value, window: &Window, kernel: Param<'_>, sizes: &[usize]) -> String {
    let kernel = filters(writer, kernel, 2, [3, 2]);
    let (mut before, mut behind, mut more) = (vec![], vec![], vec![]);
    for i in 0..2 {
        // How much of the full result is cut off: before and behind alike for `same`, or what lacks at the end.
        let full = window.strides[i] * (input.sizes[i] - 1) + window.span(i);
        let cut = full.saturating_sub(sizes[i]);
        let first = if window.padding == Padding::Same { cut / 2 } else { 0 };
        before.push(first as i64);
        behind.push((cut - first) as i64);
        more.push(sizes[i].saturating_sub(full) as i64);
    }
    before.extend(behind);
    let x = channels_first(writer, &input.name, 2);
    let attributes = [
        ("kernel_shape", numbers(&window.size)),
        ("strides", numbers(&window.strides)),
        ("dilations", numbers(&window.dilation)),
        ("pads", Attribute::Ints(before)),
        ("output_padding", Attribute::Ints(more)),
    ];
    let y = writer.node("ConvTranspose", &[&x, &kernel], &attributes);
    channels_last(writer, &y, 2)
}
