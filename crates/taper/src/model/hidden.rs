//! Two dense layers that a model runs as one: a wide hidden layer of few inputs, and the single output that alone reads it.
//!
//! It is the network of every small example, and most of its time would go into writing and reading the hidden values and their
//! gradients. The numbers of a layer by itself and of the pair agree up to rounding; which of the two runs depends on the model
//! alone.

use std::ops::Range;

use taper_kernels::activation::Unary;
use taper_kernels::hidden;

use super::Model;

/// A hidden layer and its output, both dense.
#[derive(Debug, Clone)]
pub(super) struct Hidden {
    /// The buffers: what the hidden layer reads, its values, the output.
    buffers: [usize; 3],
    activation: Unary,
    /// Where the parameters of both layers are.
    params: [Range<usize>; 2],
    units: usize,
}

impl Hidden {
    /// Of each node, whether it and the next one are such a pair, and nobody asks for the gradient of their input.
    pub(super) fn all(model: &Model, needs_gradient: &[bool]) -> Vec<Option<Self>> {
        (0..model.nodes.len()).map(|node| Self::of(model, needs_gradient, node)).collect()
    }

    fn of(model: &Model, needs_gradient: &[bool], i: usize) -> Option<Self> {
        let (node, next) = (model.nodes.get(i)?, model.nodes.get(i + 1)?);
        let layers = [node, next].map(|node| &model.layers[node.layer]);
        let (hidden, output) = (layers[0].layer.dense()?, layers[1].layer.dense()?);
        let is_used_once = |layer: usize| model.usage.uses[layer] == 1;
        let is_read_once = model.usage.readers[i + 1].len() == 1;
        let is_alone = is_used_once(node.layer) && is_used_once(next.layer) && is_read_once;
        let is_plain = layers.iter().all(|layer| layer.activity_regularizer.is_none()) && model.mask_lens[i + 1] == 0;
        let fits = output.units == 1
            && output.activation == Unary::Linear
            && hidden::is_hidden(hidden.activation, hidden.inputs, hidden.units);
        let trains = needs_gradient[i + 1] && !needs_gradient[node.inputs[0]];
        (next.inputs == [i + 1] && is_alone && is_plain && fits && trains).then(|| Self {
            buffers: [node.inputs[0], i + 1, i + 2],
            activation: hidden.activation,
            params: layers.map(|layer| layer.range.clone()),
            units: hidden.units,
        })
    }

    /// The buffer of the hidden values.
    pub(super) fn between(&self) -> usize {
        self.buffers[1]
    }

    /// Whether the way back needs the hidden values.
    pub(super) fn reads_values(&self) -> bool {
        hidden::reads_values(self.activation)
    }

    /// Both layers forward.
    pub(super) fn forward(&self, model: &Model, batch: usize, values: &mut [Vec<f32>]) {
        let [first, second] = self.params.clone().map(|range| &model.params.data()[range]);
        let (kernel, bias) = first.split_at(self.kernel_len(model));
        let (weights, last) = second.split_at(self.units);
        let [input, between, output] = self.buffers;
        let (before, after) = values.split_at_mut(between);
        if let [y, z, ..] = after {
            let x = &before[input][..batch * model.lens[input]];
            // There is no room for hidden values that nobody reads.
            let y = y.get_mut(..batch * model.lens[between]).unwrap_or_default();
            let z = &mut z[..batch * model.lens[output]];
            hidden::forward(self.activation, x, kernel, bias, weights, last, y, z);
        }
    }

    /// The gradient of both layers' parameters.
    pub(super) fn backward(&self, model: &Model, batch: usize, values: &[Vec<f32>], dz: &[f32], dparams: &mut [f32]) {
        let [input, between, output] = self.buffers;
        let [x, y] = [input, between].map(|buffer| &values[buffer]);
        let (x, dz) = (&x[..batch * model.lens[input]], &dz[..batch * model.lens[output]]);
        let y = y.get(..batch * model.lens[between]).unwrap_or_default();
        // Ranges of two layers never overlap, but either may lie first.
        let both = dparams.get_disjoint_mut(self.params.clone());
        let [first, second] = both.expect("layers have parameters of their own");
        let (dkernel, dbias) = first.split_at_mut(self.kernel_len(model));
        let (dweights, dlast) = second.split_at_mut(self.units);
        let [first, second] = self.params.clone().map(|range| &model.params.data()[range]);
        let ((kernel, bias), weights) = (first.split_at(self.kernel_len(model)), &second[..self.units]);
        hidden::backward(self.activation, x, kernel, bias, weights, y, dz, dkernel, dbias, dweights, dlast);
    }

    fn kernel_len(&self, model: &Model) -> usize {
        // A layer may see several vectors of each row.
        let rows = model.lens[self.buffers[1]] / self.units;
        model.lens[self.buffers[0]] / rows * self.units
    }
}

#[cfg(test)]
mod tests {
    use super::super::Workspace;
    use crate::layer::Mode;
    use crate::*;

    /// The outputs and the parameters' gradient, with the pair and without.
    fn both_ways(spec: &Sequential) -> [(Vec<f32>, Vec<f32>); 2] {
        let model = Model::build(spec, Seed::new(3)).unwrap();
        let (inputs, outputs) = (model.input_shape().len(), model.output_shape().len());
        let x: Vec<f32> = (0..7 * inputs).map(|i| (i as f32 * 0.7).sin()).collect();
        let dy: Vec<f32> = (0..7 * outputs).map(|i| (i as f32).cos()).collect();
        let alone = Workspace::with_pairs(&model, 7, true, vec![None; model.nodes.len()]);
        let together = Workspace::new(&model, 7, true);
        assert!(together.has_pairs());
        [together, alone].map(|mut workspace| {
            workspace.input_mut(x.len()).copy_from_slice(&x);
            workspace.forward(&model, 7, Mode::Training, Seed::new(0));
            let output = workspace.output(&model, 7).to_vec();
            workspace.backward_from(&model, 7, &dy);
            (output, workspace.dparams.clone())
        })
    }

    #[test]
    fn a_pair_computes_what_its_layers_do() {
        let unbiased = |units| Dense { use_bias: false, ..Dense::new(units) };
        let models = [
            Sequential::new([2]).layer(Dense::new(50).activation(Activation::Relu)).layer(Dense::new(1)),
            Sequential::new([2])
                .layer(unbiased(33).activation(Activation::Tanh))
                .layer(unbiased(1).activation(Activation::Sigmoid)),
            Sequential::new([5, 3]).layer(Dense::new(20).activation(Activation::Relu)).layer(Dense::new(1)),
        ];
        for spec in models {
            let [(y, d), (y_alone, d_alone)] = both_ways(&spec);
            for (got, want) in y.iter().zip(&y_alone).chain(d.iter().zip(&d_alone)) {
                assert!((got - want).abs() < 2e-6, "{got} {want}");
            }
        }
    }

    #[test]
    fn other_models_run_layer_by_layer() {
        let relu = |units| Dense::new(units).activation(Activation::Relu);
        let watched = LayerSpec::from(relu(50)).activity_regularizer(Regularizer::l2(0.1));
        let frozen = LayerSpec { trainable: false, ..LayerSpec::from(relu(50)) };
        let models = [
            Sequential::new([2]).layer(relu(8)).layer(Dense::new(1)),
            Sequential::new([2]).layer(relu(50)).layer(Dense::new(2)),
            Sequential::new([9]).layer(relu(50)).layer(Dense::new(1)),
            Sequential::new([2]).layer(relu(2)).layer(relu(50)).layer(Dense::new(1)),
            Sequential::new([2]).layer(relu(50)).layer(Dropout::new(0.5)).layer(Dense::new(1)),
            Sequential::new([2]).layer(watched).layer(Dense::new(1)),
            Sequential::new([2]).layer(frozen).layer(Dense::new(1)),
        ];
        for spec in models {
            let model = Model::build(&spec, Seed::new(1)).unwrap();
            assert!(!Workspace::new(&model, 2, true).has_pairs(), "{spec:?}");
        }
    }
}
