//! A layer whose units can be cut: where its weights are.

use crate::activation::Activation;
use crate::layer::{LayerKind, LayerSpec, MergeMode, Padding};
use crate::model::Model;
use crate::param::{ParamSlot, Role};

/// The specification of a built layer; `None` for a sigmoid or softmax that was split off.
pub(super) fn spec_of(model: &Model, layer: usize) -> Option<&LayerSpec> {
    if model.layers[layer].name.is_empty() {
        return None;
    }
    model.spec.owned_by(model.layers[layer].owner)
}

/// The parameters of a layer that have one of these roles: several where a layer wraps two.
pub(super) fn all_weights<'a>(
    model: &'a Model,
    layer: usize,
    roles: &'a [Role],
) -> impl Iterator<Item = (&'a ParamSlot, &'a [f32])> {
    model.params.within(&model.layers[layer].range).filter(|(slot, _)| roles.contains(&slot.spec.role))
}

/// A parameter of a layer, by its role.
pub(super) fn weights(model: &Model, layer: usize, role: Role) -> Option<(&ParamSlot, &[f32])> {
    model.params.within(&model.layers[layer].range).find(|(slot, _)| slot.spec.role == role)
}

/// The kind of a layer, or of the layer that it puts on every step.
pub(super) fn inner(kind: &LayerKind) -> &LayerKind {
    match kind {
        LayerKind::TimeDistributed(layer) => inner(&layer.of.kind),
        other => other,
    }
}

/// The same, to be changed.
pub(super) fn inner_mut(kind: &mut LayerKind) -> &mut LayerKind {
    match kind {
        LayerKind::TimeDistributed(layer) => inner_mut(&mut layer.of.kind),
        other => other,
    }
}

/// The dimensions of a kernel that its inputs and its sums have.
pub(super) fn dimensions(slot: &ParamSlot) -> (usize, usize) {
    let last = slot.spec.shape.rank() - 1;
    if slot.spec.transposed { (last, last - 1) } else { (last - 1, last) }
}

/// How a layer goes from its sums to its outputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    /// f(x · kernel + bias) of a dense layer or a convolution.
    Unit(Activation),
    /// A recurrent cell: the position among its gates of the one that makes the candidate, and the candidate's function.
    Recurrent { candidate: usize, activation: Activation, return_sequences: bool },
}

/// Units, filters or cells of a layer, or of one direction of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) units: usize,
    /// Where its units begin among the channels of the layer's output.
    pub(super) offset: usize,
    /// Sums per unit.
    pub(super) gates: usize,
    pub(super) cell: Cell,
    /// (…, inputs, gates × units), or transposed (…, units, inputs).
    pub(super) kernel: (&'a ParamSlot, &'a [f32]),
    /// (units, gates × units).
    pub(super) recurrent: Option<(&'a ParamSlot, &'a [f32])>,
    /// (gates × units), or two rows of that.
    pub(super) bias: Option<(&'a ParamSlot, &'a [f32])>,
}

/// Roles of weights that lead into units.
const INTO_UNITS: [Role; 3] = [Role::Kernel, Role::PointwiseKernel, Role::Embeddings];

impl<'a> Part<'a> {
    /// A layer's units, computed apart from each other: one part, or one for each direction. An error says why a layer that has
    /// units is left as it is; `None` is a layer without any.
    pub(super) fn all(model: &'a Model, layer: usize) -> Option<Result<Vec<Self>, &'static str>> {
        let kind = inner(&spec_of(model, layer)?.kind);
        let unit = |units: usize, activation: Activation| Ok((units, (1, Cell::Unit(activation)), 1));
        let found = match kind {
            LayerKind::Dense(layer) => unit(layer.units, layer.activation),
            LayerKind::Conv1d(layer) if layer.groups == 1 => unit(layer.filters, layer.activation),
            LayerKind::Conv2d(layer) if layer.groups == 1 => unit(layer.filters, layer.activation),
            LayerKind::Conv1d(_) | LayerKind::Conv2d(_) => Err("its filters are tied to its groups"),
            LayerKind::SeparableConv2d(layer) => unit(layer.filters, layer.activation),
            LayerKind::Bidirectional(layer) if layer.merge_mode != MergeMode::Concat => {
                Err("each of its outputs is made of two cells, one of each direction")
            }
            LayerKind::Bidirectional(layer) => recurrent(&layer.of.kind).map(|(units, cell)| (units, cell, 2)),
            LayerKind::DepthwiseConv2d(layer) if layer.depth_multiplier > 1 => {
                Err("it makes several channels of each one")
            }
            LayerKind::Conv1dTranspose(layer) => unit(layer.filters, layer.activation),
            LayerKind::Conv2dTranspose(layer) => unit(layer.filters, layer.activation),
            // What a column says of a token is its weight.
            LayerKind::Embedding(layer) => unit(layer.output_dim, Activation::Linear),
            other => match recurrent(other) {
                Ok((units, cell)) => Ok((units, cell, 1)),
                Err(_) if all_weights(model, layer, &INTO_UNITS).next().is_none() => return None,
                Err(why) => Err(why),
            },
        };
        // A recurrent layer on every step begins anew at each; nobody has thought about that yet.
        let wrapped = !std::ptr::eq(kind, &spec_of(model, layer)?.kind);
        Some(found.and_then(|(units, (gates, cell), parts)| {
            if matches!(cell, Cell::Unit(activation) if activation.unary().is_none()) {
                return Err("its activation mixes its units");
            }
            if wrapped && !matches!(cell, Cell::Unit(_)) {
                return Err("a recurrent layer on every step is not cut");
            }
            let part = |i: usize| {
                let nth = |roles: &'static [Role]| all_weights(model, layer, roles).nth(i);
                Some(Self {
                    units,
                    offset: i * units,
                    gates,
                    cell,
                    kernel: nth(&INTO_UNITS)?,
                    recurrent: nth(&[Role::RecurrentKernel]),
                    bias: nth(&[Role::Bias]),
                })
            };
            (0..parts).map(part).collect::<Option<Vec<Self>>>().ok_or("it has no kernel of its own")
        }))
    }

    /// Where the sums of these units stand in a row of all sums.
    pub(super) fn columns(&self, units: &[usize]) -> Vec<usize> {
        (0..self.gates).flat_map(|gate| units.iter().map(move |unit| gate * self.units + unit)).collect()
    }
}

/// Cells and gates of a recurrent layer.
fn recurrent(kind: &LayerKind) -> Result<(usize, (usize, Cell)), &'static str> {
    let of = |units: usize, gates: usize, activation: Activation, return_sequences: bool| {
        (units, (gates, Cell::Recurrent { candidate: gates.min(3) - 1, activation, return_sequences }))
    };
    match kind {
        LayerKind::SimpleRnn(layer) => Ok(of(layer.units, 1, layer.activation, layer.return_sequences)),
        LayerKind::Lstm(layer) => Ok(of(layer.units, 4, layer.activation, layer.return_sequences)),
        LayerKind::Gru(layer) => Ok(of(layer.units, 3, layer.activation, layer.return_sequences)),
        _ => Err("layers of its kind are not cut"),
    }
}

/// Whether a constant input may be moved into a layer's bias: it must reach every sum the same way.
pub(super) fn takes_constants(kind: &LayerKind) -> bool {
    match inner(kind) {
        LayerKind::Dense(_) => true,
        LayerKind::Conv1d(layer) => layer.padding == Padding::Valid,
        LayerKind::Conv2d(layer) => layer.padding == Padding::Valid,
        LayerKind::SimpleRnn(layer) => layer.use_bias,
        LayerKind::Lstm(layer) => layer.use_bias,
        LayerKind::Gru(layer) => layer.use_bias,
        _ => false,
    }
}
