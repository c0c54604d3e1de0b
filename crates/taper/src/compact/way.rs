//! The way from a layer's units to the weights that read them.

use super::part::{all_weights, dimensions, inner, spec_of};
use crate::layer::LayerKind;
use crate::model::Model;
use crate::param::Role;
use crate::shape::Shape;

/// From one value's channels (its last dimension), through layers that keep channels apart, to the one layer that mixes them.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) channels: usize,
    /// The shape of the value that it begins with.
    pub(super) start: Shape,
    /// The layers on the way.
    pub(super) stages: Vec<usize>,
    /// The layer at its end, whose kernel reads the channels.
    pub(super) sink: usize,
    /// The shape of what that reads.
    pub(super) end: Shape,
}

/// Why there is no way: nothing to say where the channels are the model's outputs.
pub(super) type NoWay = Option<String>;

impl Way {
    /// The way that begins with the output of a node.
    pub(super) fn of(model: &Model, node: usize, channels: usize) -> Result<Self, NoWay> {
        if !used_once(model, model.nodes[node].layer) {
            return Err(Some("it is used more than once".to_owned()));
        }
        Self::from(model, node + 1, channels)
    }

    /// The way that begins with the model's input.
    pub(super) fn of_input(model: &Model) -> Option<Self> {
        Self::from(model, 0, model.input_shape.last()).ok()
    }

    fn from(model: &Model, mut buffer: usize, channels: usize) -> Result<Self, NoWay> {
        let shape = |buffer: usize| match buffer {
            0 => model.input_shape.clone(),
            _ => model.layers[model.nodes[buffer - 1].layer].layer.output_shape().clone(),
        };
        let (start, mut stages) = (shape(buffer), vec![]);
        if start.last() != channels {
            return Err(Some("its units are not the last dimension of its output".to_owned()));
        }
        loop {
            let reader = match model.usage.readers[buffer][..] {
                [] => return Err(None),
                [reader] => reader,
                _ => return Err(Some("several layers read what it says".to_owned())),
            };
            let layer = model.nodes[reader].layer;
            // A sigmoid or softmax that was split off is the model's output.
            let spec = spec_of(model, layer).ok_or(None)?;
            let built = &model.layers[layer];
            if !used_once(model, layer) || model.nodes[reader].inputs.len() != 1 {
                return Err(Some(format!("{} ({}) reads it beside something else", built.name, built.kind)));
            }
            match pass(&spec.kind) {
                Pass::Apart => stages.push(layer),
                Pass::Mixed if shape(buffer).last().is_multiple_of(channels) => {
                    return Ok(Self { channels, start, stages, sink: layer, end: shape(buffer) });
                }
                _ => {
                    let (name, kind) = (&built.name, &built.kind);
                    return Err(Some(format!("{name} ({kind}) reads it, which does not keep its units apart")));
                }
            }
            buffer = reader + 1;
        }
    }

    /// Where these channels stand in a last dimension of this size: flattening lays them side by side, position after position.
    pub(super) fn indices(&self, width: usize, channels: &[usize]) -> Vec<usize> {
        let positions = width / self.channels;
        (0..positions).flat_map(|position| channels.iter().map(move |c| position * self.channels + c)).collect()
    }

    /// The rows of the last layer's kernels that belong to a channel, each as long as there are sums.
    pub(super) fn rows<'a>(&'a self, model: &'a Model, channel: usize) -> impl Iterator<Item = Vec<f32>> {
        all_weights(model, self.sink, &READS).flat_map(move |(slot, w)| {
            let ((reads, says), sizes) = (dimensions(slot), slot.spec.shape.sizes());
            let (inputs, sums) = (sizes[reads], sizes[says]);
            let (across, along) = if reads < says { (sums, 1) } else { (1, inputs) };
            let rows = self.inputs(inputs, &[channel]);
            w.chunks_exact(sums * inputs).flat_map(move |tap| {
                let row = move |i: usize| (0..sums).map(|sum| tap[i * across + sum * along]).collect();
                rows.clone().into_iter().map(row)
            })
        })
    }

    /// Where these channels stand among the inputs of a kernel at the end, which may have several for each.
    pub(super) fn inputs(&self, inputs: usize, channels: &[usize]) -> Vec<usize> {
        let (width, each) = (self.end.last(), inputs / self.end.last());
        self.indices(width, channels).into_iter().flat_map(|i| i * each..(i + 1) * each).collect()
    }
}

/// Roles of weights that mix the channels that they read.
pub(super) const READS: [Role; 2] = [Role::Kernel, Role::PointwiseKernel];

fn used_once(model: &Model, layer: usize) -> bool {
    model.usage.uses[layer] == 1
}

/// What a layer does with the channels of its input.
enum Pass {
    /// Each goes its own way.
    Apart,
    /// A kernel of shape (…, channels, sums), or transposed, mixes them.
    Mixed,
    /// Something else, or nobody has thought about it yet.
    Unknown,
}

fn pass(kind: &LayerKind) -> Pass {
    match inner(kind) {
        LayerKind::Activation(layer) if layer.activation.unary().is_some() => Pass::Apart,
        LayerKind::ActivityRegularization(_)
        | LayerKind::AveragePooling1d(_)
        | LayerKind::AveragePooling2d(_)
        | LayerKind::BatchNormalization(_)
        | LayerKind::Cropping1d(_)
        | LayerKind::Cropping2d(_)
        | LayerKind::Dropout(_)
        | LayerKind::Elu(_)
        | LayerKind::Flatten(_)
        | LayerKind::GaussianDropout(_)
        | LayerKind::GaussianNoise(_)
        | LayerKind::GlobalAveragePooling1d(_)
        | LayerKind::GlobalAveragePooling2d(_)
        | LayerKind::GlobalMaxPooling1d(_)
        | LayerKind::GlobalMaxPooling2d(_)
        | LayerKind::LeakyReLu(_)
        | LayerKind::MaxPooling1d(_)
        | LayerKind::MaxPooling2d(_)
        | LayerKind::ReLu(_)
        | LayerKind::RepeatVector(_)
        | LayerKind::Rescaling(_)
        | LayerKind::SpatialDropout1d(_)
        | LayerKind::SpatialDropout2d(_)
        | LayerKind::UpSampling1d(_)
        | LayerKind::UpSampling2d(_)
        | LayerKind::ZeroPadding1d(_)
        | LayerKind::ZeroPadding2d(_) => Pass::Apart,
        LayerKind::Dense(_) | LayerKind::Lstm(_) | LayerKind::Gru(_) | LayerKind::SimpleRnn(_) => Pass::Mixed,
        LayerKind::DepthwiseConv2d(layer) if layer.depth_multiplier == 1 && layer.activation.unary().is_some() => {
            Pass::Apart
        }
        LayerKind::SeparableConv2d(_) | LayerKind::Bidirectional(_) => Pass::Mixed,
        LayerKind::Conv1dTranspose(_) | LayerKind::Conv2dTranspose(_) => Pass::Mixed,
        LayerKind::Conv1d(layer) if layer.groups == 1 => Pass::Mixed,
        LayerKind::Conv2d(layer) if layer.groups == 1 => Pass::Mixed,
        _ => Pass::Unknown,
    }
}
