//! A layer whose units can be cut: where its weights are.

use crate::activation::Activation;
use crate::layer::{LayerKind, LayerSpec, Padding};
use crate::model::Model;
use crate::param::{ParamSlot, Role};

/// The specification of a built layer; `None` for a sigmoid or softmax that was split off.
pub(super) fn spec_of(model: &Model, layer: usize) -> Option<&LayerSpec> {
    if model.layers[layer].name.is_empty() {
        return None;
    }
    let before = model.layers[..layer].iter().filter(|layer| !layer.name.is_empty()).count();
    model.spec.owned().get(before).copied()
}

/// A parameter of a layer, by its role.
pub(super) fn weights(model: &Model, layer: usize, role: Role) -> Option<(&ParamSlot, &[f32])> {
    let range = &model.layers[layer].range;
    model.params.iter().find(|(slot, _)| range.contains(&slot.range.start) && slot.spec.role == role)
}

/// How a layer goes from its sums to its outputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    /// f(x · kernel + bias) of a dense layer or a convolution.
    Unit(Activation),
    /// A recurrent cell: the position among its gates of the one that makes the candidate, and the candidate's function.
    Recurrent { candidate: usize, activation: Activation, return_sequences: bool },
}

/// A layer with units, filters or cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) units: usize,
    /// Sums per unit.
    pub(super) gates: usize,
    pub(super) cell: Cell,
    /// (…, inputs, gates × units).
    pub(super) kernel: (&'a ParamSlot, &'a [f32]),
    /// (units, gates × units).
    pub(super) recurrent: Option<(&'a ParamSlot, &'a [f32])>,
    /// (gates × units), or two rows of that.
    pub(super) bias: Option<(&'a ParamSlot, &'a [f32])>,
}

impl<'a> Part<'a> {
    /// The layer's weights, if its outputs are one per unit, computed apart from each other.
    pub(super) fn of(model: &'a Model, layer: usize) -> Option<Self> {
        let recurrent = |gates: usize, activation: Activation, return_sequences: bool| {
            (gates, Cell::Recurrent { candidate: gates.min(3) - 1, activation, return_sequences })
        };
        let (units, (gates, cell)) = match &spec_of(model, layer)?.kind {
            LayerKind::Dense(layer) => (layer.units, (1, Cell::Unit(layer.activation))),
            LayerKind::Conv1d(layer) if layer.groups == 1 => (layer.filters, (1, Cell::Unit(layer.activation))),
            LayerKind::Conv2d(layer) if layer.groups == 1 => (layer.filters, (1, Cell::Unit(layer.activation))),
            LayerKind::SimpleRnn(layer) => (layer.units, recurrent(1, layer.activation, layer.return_sequences)),
            LayerKind::Lstm(layer) => (layer.units, recurrent(4, layer.activation, layer.return_sequences)),
            LayerKind::Gru(layer) => (layer.units, recurrent(3, layer.activation, layer.return_sequences)),
            _ => return None,
        };
        if matches!(cell, Cell::Unit(activation) if activation.unary().is_none()) {
            return None;
        }
        Some(Self {
            units,
            gates,
            cell,
            kernel: weights(model, layer, Role::Kernel)?,
            recurrent: weights(model, layer, Role::RecurrentKernel),
            bias: weights(model, layer, Role::Bias),
        })
    }

    /// Where the sums of these units stand in a row of all sums.
    pub(super) fn columns(&self, units: &[usize]) -> Vec<usize> {
        (0..self.gates).flat_map(|gate| units.iter().map(move |unit| gate * self.units + unit)).collect()
    }
}

/// Whether a constant input may be moved into a layer's bias: it must reach every sum the same way.
pub(super) fn takes_constants(kind: &LayerKind) -> bool {
    match kind {
        LayerKind::Dense(_) => true,
        LayerKind::Conv1d(layer) => layer.padding == Padding::Valid,
        LayerKind::Conv2d(layer) => layer.padding == Padding::Valid,
        LayerKind::SimpleRnn(layer) => layer.use_bias,
        LayerKind::Lstm(layer) => layer.use_bias,
        LayerKind::Gru(layer) => layer.use_bias,
        _ => false,
    }
}
