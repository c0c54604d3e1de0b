//! One layer after the other, as operators.

use taper::{Activation, Complaint, LayerKind, LayerSpec};

use super::activation::activation;
use super::mask;
use super::proto::Attribute;
use super::window::{conv, conv_transpose, crop, depthwise_conv, pad, pool, separable_conv, up_sampling};
use super::writer::{Value, Writer};
use super::{Param, recurrent, refuse};

/// Adds a layer; `mask` is that of its only input, and `sizes` are those of its output.
pub(super) fn emit(
    writer: &mut Writer,
    spec: &LayerSpec,
    params: &[Param<'_>],
    inputs: &[Value],
    mask: Option<&Value>,
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
            match params {
                // One operator, whose bits no optimization changes.
                [_, bias] if input.sizes.len() == 1 => {
                    let bias = writer.floats(bias.sizes, bias.data);
                    let y = writer.node("Gemm", &[x, &kernel, &bias], &[]);
                    activation(writer, layer.activation, y)
                }
                _ => {
                    let y = writer.node("MatMul", &[x, &kernel], &[]);
                    finish(writer, y, &params[1..], layer.activation)
                }
            }
        }
        LayerKind::Activation(layer) => activation(writer, layer.activation, x.to_owned()),
        LayerKind::Softmax(_) if mask.is_some() => return Err(refuse(spec, "a mask")),
        LayerKind::Softmax(layer) => match layer.axis.0[..] {
            [axis] => writer.node("Softmax", &[x], &[("axis", Attribute::Int(axis))]),
            _ => return Err(refuse(spec, "a softmax over several dimensions")),
        },
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
        LayerKind::Embedding(_) => {
            let tokens = writer.node("Cast", &[x], &[("to", Attribute::Int(7))]);
            let vectors = writer.floats(params[0].sizes, params[0].data);
            writer.node("Gather", &[&vectors, &tokens], &[])
        }
        LayerKind::Masking(layer) => {
            let counted = mask::counted(writer, input, layer.mask_value);
            mask::only(writer, x, &counted.name)
        }
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
        LayerKind::LayerNormalization(layer) => layer_normalization(writer, layer, params, input),
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
            if mask.is_some_and(|mask| mask.sizes.len() > 1) {
                return Err(refuse(spec, "a mask within each step"));
            }
            let y = emit(writer, &layer.of, params, &[each], None, &sizes[1..])?;
            let all: Vec<i64> = std::iter::once(-1).chain(sizes.iter().map(|size| *size as i64)).collect();
            writer.reshape_to(&y.name, &all)
        }
        LayerKind::ZeroPadding1d(layer) => pad(writer, x, layer.padding),
        LayerKind::ZeroPadding2d(layer) => pad(writer, x, layer.padding),
        LayerKind::Cropping1d(layer) => crop(writer, input, layer.cropping),
        LayerKind::Cropping2d(layer) => crop(writer, input, layer.cropping),
        LayerKind::UpSampling1d(layer) => up_sampling(writer, layer, input, sizes),
        LayerKind::UpSampling2d(layer) => up_sampling(writer, layer, input, sizes),
        LayerKind::GlobalMaxPooling1d(_) => over(writer, "ReduceMax", x, vec![1], sizes),
        LayerKind::GlobalMaxPooling2d(_) => over(writer, "ReduceMax", x, vec![1, 2], sizes),
        LayerKind::GlobalAveragePooling1d(layer) if mask.is_some() => {
            let mean = mask.map(|mask| mask::mean(writer, x, &mask.name)).unwrap_or_default();
            if layer.keepdims { writer.reshape(&mean, sizes) } else { mean }
        }
        LayerKind::GlobalAveragePooling1d(_) => over(writer, "ReduceMean", x, vec![1], sizes),
        LayerKind::GlobalAveragePooling2d(_) => over(writer, "ReduceMean", x, vec![1, 2], sizes),
        LayerKind::MaxPooling1d(layer) => pool(writer, "MaxPool", input, layer.pool_size, layer.strides, layer.padding),
        LayerKind::MaxPooling2d(layer) => pool(writer, "MaxPool", input, layer.pool_size, layer.strides, layer.padding),
        LayerKind::AveragePooling1d(layer) => {
            pool(writer, "AveragePool", input, layer.pool_size, layer.strides, layer.padding)
        }
        LayerKind::AveragePooling2d(layer) => {
            pool(writer, "AveragePool", input, layer.pool_size, layer.strides, layer.padding)
        }
        LayerKind::Conv1d(layer) => conv(writer, layer, params, input),
        LayerKind::Conv2d(layer) => conv(writer, layer, params, input),
        LayerKind::Conv1dTranspose(layer) => conv_transpose(writer, layer, params, input, sizes),
        LayerKind::Conv2dTranspose(layer) => conv_transpose(writer, layer, params, input, sizes),
        LayerKind::DepthwiseConv1d(layer) => depthwise_conv(writer, layer, params, input),
        LayerKind::DepthwiseConv2d(layer) => depthwise_conv(writer, layer, params, input),
        LayerKind::SeparableConv1d(layer) => separable_conv(writer, layer, params, input),
        LayerKind::SeparableConv2d(layer) => separable_conv(writer, layer, params, input),
        LayerKind::SimpleRnn(_) | LayerKind::Lstm(_) | LayerKind::Gru(_) => {
            recurrent::emit(writer, spec, params, input, mask, false, false)?
        }
        LayerKind::Bidirectional(layer) => recurrent::bidirectional(writer, layer, params, input, mask)?,
        _ => return Err(refuse(spec, "a layer without one")),
    };
    Ok(Value { name, sizes: sizes.to_vec() })
}

/// Adds the bias, if there is one, and applies the function.
pub(super) fn finish(writer: &mut Writer, y: String, params: &[Param<'_>], function: Activation) -> String {
    let y = match params {
        [bias, ..] => {
            let bias = writer.floats(bias.sizes, bias.data);
            writer.node("Add", &[&y, &bias], &[])
        }
        [] => y,
    };
    activation(writer, function, y)
}

/// The axes go to the end, and come back.
fn layer_normalization(
    writer: &mut Writer,
    layer: &taper::LayerNormalization,
    params: &[Param<'_>],
    input: &Value,
) -> String {
    let rank = input.sizes.len() as i64;
    let resolve = |axis: &i64| if *axis < 0 { axis + rank + 1 } else { *axis };
    let mut axes: Vec<i64> = layer.axis.0.iter().map(resolve).collect();
    axes.sort_unstable();
    let order: Vec<i64> = (0..=rank).filter(|i| !axes.contains(i)).chain(axes.iter().copied()).collect();
    let moved = !order.is_sorted();
    let x = if moved { writer.transpose(&input.name, &order) } else { input.name.clone() };
    let sizes: Vec<usize> = axes.iter().map(|axis| input.sizes[*axis as usize - 1]).collect();
    let scale = match params.first().filter(|_| layer.scale) {
        Some(gamma) => writer.floats(&sizes, gamma.data),
        None => writer.floats(&sizes, &vec![1.0; sizes.iter().product()]),
    };
    let shift = params.last().filter(|_| layer.center).map(|beta| writer.floats(&sizes, beta.data));
    let inputs: Vec<&str> = [x.as_str(), &scale].into_iter().chain(shift.as_deref()).collect();
    let attributes =
        [("axis", Attribute::Int(-(axes.len() as i64))), ("epsilon", Attribute::Float(layer.epsilon as f32))];
    let y = writer.node("LayerNormalization", &inputs, &attributes);
    if !moved {
        return y;
    }
    let back: Vec<i64> =
        (0..=rank).map(|i| order.iter().position(|from| *from == i).unwrap_or_default() as i64).collect();
    writer.transpose(&y, &back)
}

/// ((a ∘ b) ∘ c) ….
fn fold(writer: &mut Writer, operation: &str, inputs: &[Value]) -> String {
    let mut names = inputs.iter().map(|value| value.name.clone());
    let first = names.next().unwrap_or_default();
    names.fold(first, |all, next| writer.node(operation, &[&all, &next], &[]))
}

fn over(writer: &mut Writer, operation: &str, x: &str, axes: Vec<i64>, sizes: &[usize]) -> String {
    let keeps = i64::from(sizes.len() > 1);
    writer.node(operation, &[x], &[("axes", Attribute::Ints(axes)), ("keepdims", Attribute::Int(keeps))])
}
