//! The way from a layer's units to the weights that read them.

use super::part::spec_of;
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

impl Way {
    /// The way that begins with the output of a node.
    pub(super) fn of(model: &Model, node: usize, channels: usize) -> Option<Self> {
        used_once(model, model.nodes[node].layer).then_some(())?;
        Self::from(model, node + 1, channels)
    }

    /// The way that begins with the model's input.
    pub(super) fn of_input(model: &Model) -> Option<Self> {
        Self::from(model, 0, model.input_shape.last())
    }

    fn from(model: &Model, mut buffer: usize, channels: usize) -> Option<Self> {
        let shape = |buffer: usize| match buffer {
            0 => model.input_shape.clone(),
            _ => model.layers[model.nodes[buffer - 1].layer].layer.output_shape().clone(),
        };
        let (start, mut stages) = (shape(buffer), vec![]);
        if start.last() != channels {
            return None;
        }
        loop {
            let mut readers = (0..model.nodes.len()).filter(|node| model.nodes[*node].inputs.contains(&buffer));
            let (Some(reader), None) = (readers.next(), readers.next()) else { return None };
            let layer = model.nodes[reader].layer;
            if !used_once(model, layer) || model.nodes[reader].inputs.len() != 1 {
                return None;
            }
            match pass(&spec_of(model, layer)?.kind) {
                Pass::Apart => stages.push(layer),
                Pass::Mixed => {
                    let end = shape(buffer);
                    return end.last().is_multiple_of(channels).then_some(Self {
                        channels,
                        start,
                        stages,
                        sink: layer,
                        end,
                    });
                }
                Pass::Unknown => return None,
            }
            buffer = reader + 1;
        }
    }

    /// Where these channels stand in a last dimension of this size: flattening lays them side by side, position after position.
    pub(super) fn indices(&self, width: usize, channels: &[usize]) -> Vec<usize> {
        let positions = width / self.channels;
        (0..positions).flat_map(|position| channels.iter().map(move |c| position * self.channels + c)).collect()
    }

    /// The rows of the last layer's kernel that belong to a channel, each as long as there are sums.
    pub(super) fn rows<'a>(&'a self, model: &'a Model, channel: usize) -> impl Iterator<Item = &'a [f32]> {
        let (slot, w) = super::part::weights(model, self.sink, Role::Kernel)
            .unwrap_or_else(|| panic!("{} has a kernel", model.layers[self.sink].name));
        let sums = slot.spec.shape.last();
        let width = self.end.last();
        let taps = w.len() / (sums * width);
        let indices = self.indices(width, &[channel]);
        (0..taps).flat_map(move |tap| {
            indices.clone().into_iter().map(move |i| &w[(tap * width + i) * sums..(tap * width + i + 1) * sums])
        })
    }
}

fn used_once(model: &Model, layer: usize) -> bool {
    model.nodes.iter().filter(|node| node.layer == layer).count() == 1
}

/// What a layer does with the channels of its input.
enum Pass {
    /// Each goes its own way.
    Apart,
    /// A kernel of shape (…, channels, sums) mixes them.
    Mixed,
    /// Something else, or nobody has thought about it yet.
    Unknown,
}

fn pass(kind: &LayerKind) -> Pass {
    match kind {
        LayerKind::Activation(layer) if layer.activation.unary().is_some() => Pass::Apart,
        LayerKind::ActivityRegularization(_)
        | LayerKind::AveragePooling1d(_)
        | LayerKind::AveragePooling2d(_)
        | LayerKind::BatchNormalization(_)
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
        | LayerKind::UpSampling2d(_)
        | LayerKind::ZeroPadding2d(_) => Pass::Apart,
        LayerKind::Dense(_) | LayerKind::Lstm(_) | LayerKind::Gru(_) | LayerKind::SimpleRnn(_) => Pass::Mixed,
        LayerKind::Conv1d(layer) if layer.groups == 1 => Pass::Mixed,
        LayerKind::Conv2d(layer) if layer.groups == 1 => Pass::Mixed,
        _ => Pass::Unknown,
    }
}
