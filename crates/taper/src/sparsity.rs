//! What penalties have emptied: exact zeros and dead units.

use serde::{Deserialize, Serialize};
use taper_kernels::group::Groups;

use crate::model::Model;
use crate::param::{ParamSlot, Role};
use crate::regularizer::Grouping;

/// Layers that hand each channel on as it is: what comes out last has the channels that went in, in their order. (`Flatten` repeats
/// them: position i of its output is of channel i modulo their number.)
const CHANNEL_WISE: [&str; 20] = [
    "activation",
    "activity_regularization",
    "alpha_dropout",
    "average_pooling1d",
    "average_pooling2d",
    "batch_normalization",
    "dropout",
    "elu",
    "flatten",
    "gaussian_dropout",
    "gaussian_noise",
    "global_average_pooling1d",
    "global_average_pooling2d",
    "global_max_pooling1d",
    "global_max_pooling2d",
    "leaky_re_lu",
    "max_pooling1d",
    "max_pooling2d",
    "re_lu",
    "spatial_dropout1d",
];

/// How many of a model's penalized weights are exactly 0, and how many of its units are dead.
///
/// A unit (a dense layer's unit, a convolution's filter, a recurrent layer's cell) is dead if all weights into it are exactly 0, its
/// bias left aside: it hears nothing and says the same for every row. It is dead too if all weights out of it are 0, into its own
/// layer's next step (recurrent kernels) as into every layer that reads it: nobody hears it. Weights out are followed through layers
/// that hand channels on as they are (activations, dropout, pooling, flattening, batch normalization); a unit that reaches anything
/// else, or the model's output, counts as heard.
///
/// # Example
///
/// ```
/// use taper::{Dense, Model, Regularizer, Seed, Sequential, Sparsity};
///
/// # fn main() -> taper::Result<()> {
/// let spec = Sequential::new([2]).layer(Dense::new(3).kernel_regularizer(Regularizer::l1(0.1))).layer(Dense::new(1));
/// let mut model = Model::build(&spec, Seed::new(1))?;
/// model.params_mut().data_mut()[0] = 0.0; // of unit 0, which has another weight
/// model.params_mut().data_mut()[10] = 0.0; // all that leads out of unit 1
/// let sparsity = Sparsity::of(&model);
/// assert_eq!((sparsity.zeros, sparsity.penalized, sparsity.dead_units, sparsity.units), (1, 6, 1, 4));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sparsity {
    /// Penalized weights that are exactly 0.
    pub zeros: usize,
    /// Penalized weights.
    pub penalized: usize,
    /// Dead units.
    pub dead_units: usize,
    /// Units of all layers that have kernels.
    pub units: usize,
}

impl Sparsity {
    /// Of a model.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let penalized = || model.params().iter().filter(|(slot, _)| slot.is_penalized());
        let mut sparsity = Self {
            zeros: penalized().map(|(_, w)| taper_kernels::reduce::count_zeros(w)).sum(),
            penalized: penalized().map(|(_, w)| w.len()).sum(),
            dead_units: 0,
            units: 0,
        };
        for layer in 0..model.layers.len() {
            for cell in cells(model, layer) {
                let units = cell.units;
                let deaf = (0..units).map(|unit| cell.hears_nothing(model, unit)).collect::<Vec<bool>>();
                let unheard = cell.unheard(model, layer);
                sparsity.units += units;
                sparsity.dead_units += (0..units).filter(|unit| deaf[*unit] || unheard[*unit]).count();
            }
        }
        sparsity
    }

    /// The share of exact zeros among the penalized weights, if there are any.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.penalized > 0).then(|| self.zeros as f64 / self.penalized as f64)
    }
}

/// The kernels of one layer (of one direction of it) that lead into the same units.
struct Cell<'a> {
    units: usize,
    kernels: Vec<&'a ParamSlot>,
}

/// The cells of a layer: one, none, or one for each direction.
fn cells(model: &Model, layer: usize) -> Vec<Cell<'_>> {
    let range = &model.layers[layer].range;
    let slots = model.params().slots().iter().filter(|slot| range.contains(&slot.range.start));
    let leads_in = |role| matches!(role, Role::Kernel | Role::PointwiseKernel | Role::RecurrentKernel);
    let mut cells: Vec<Cell<'_>> = Vec::new();
    let mut last = "";
    for slot in slots.filter(|slot| leads_in(slot.spec.role)) {
        let parent = slot.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let Ok(groups) = Grouping::Unit.of(&slot.spec) else { continue };
        match cells.last_mut() {
            Some(cell) if parent == last && cell.units == groups.count => cell.kernels.push(slot),
            _ => cells.push(Cell { units: groups.count, kernels: vec![slot] }),
        }
        last = parent;
    }
    cells
}

impl Cell<'_> {
    /// Whether all weights into a unit are 0.
    fn hears_nothing(&self, model: &Model, unit: usize) -> bool {
        self.kernels.iter().all(|slot| {
            Grouping::Unit.of(&slot.spec).is_ok_and(|groups| is_empty(model, slot, groups, |group| group == unit))
        })
    }

    /// Of every unit, whether all weights out of it are 0.
    fn unheard(&self, model: &Model, layer: usize) -> Vec<bool> {
        let readers = (cells(model, layer).len() == 1).then(|| readers(model, layer)).flatten();
        let Some(mut readers) = readers else { return vec![false; self.units] };
        readers.extend(self.kernels.iter().copied().filter(|slot| slot.spec.role == Role::RecurrentKernel));
        let is_unheard = |unit: usize| {
            readers.iter().all(|slot| match Grouping::Input.of(&slot.spec) {
                Ok(groups) if groups.count.is_multiple_of(self.units) => {
                    is_empty(model, slot, groups, |group| group % self.units == unit)
                }
                _ => false,
            })
        };
        (0..self.units).map(is_unheard).collect()
    }
}

/// Whether all weights of these groups are 0.
fn is_empty(model: &Model, slot: &ParamSlot, groups: Groups, wanted: impl Fn(usize) -> bool) -> bool {
    let w = &model.params().data()[slot.range.clone()];
    w.iter().enumerate().all(|(i, w)| *w == 0.0 || !wanted(i / groups.inner % groups.count))
}

/// The kernels that read a layer's output; `None` if something else does.
fn readers(model: &Model, layer: usize) -> Option<Vec<&ParamSlot>> {
    let mut kernels = Vec::new();
    let mut open: Vec<usize> =
        (0..model.nodes.len()).filter(|node| model.nodes[*node].layer == layer).map(|node| node + 1).collect();
    if open.len() != 1 {
        return None;
    }
    while let Some(buffer) = open.pop() {
        if buffer == model.nodes.len() {
            return None;
        }
        for (i, node) in model.nodes.iter().enumerate().filter(|(_, node)| node.inputs.contains(&buffer)) {
            let reader = &model.layers[node.layer];
            let slots = model.params().slots().iter().filter(|slot| reader.range.contains(&slot.range.start));
            let before = kernels.len();
            kernels.extend(slots.filter(|slot| slot.spec.role == Role::Kernel));
            if kernels.len() == before {
                if !CHANNEL_WISE.contains(&reader.kind) {
                    return None;
                }
                open.push(i + 1);
            }
        }
    }
    Some(kernels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Conv2d, Dense, Flatten, Lstm, Seed, Sequential};

    fn of(spec: &Sequential, zero: impl Fn(&str, usize) -> bool) -> (usize, usize) {
        let mut model = Model::build(spec, Seed::new(1)).unwrap();
        model.params_mut().data_mut().fill(1.0);
        for slot in model.params().slots().to_vec() {
            for (i, w) in model.params_mut().data_mut()[slot.range.clone()].iter_mut().enumerate() {
                if zero(&slot.path, i) {
                    *w = 0.0;
                }
            }
        }
        let sparsity = Sparsity::of(&model);
        (sparsity.dead_units, sparsity.units)
    }

    #[test]
    fn units_that_hear_nothing_and_units_that_nobody_hears() {
        let spec = Sequential::new([2]).layer(Dense::new(3).activation(Activation::Relu)).layer(Dense::new(2));
        assert_eq!(of(&spec, |_, _| false), (0, 5));
        // Column 1 of [2, 3]: two weights in.
        assert_eq!(of(&spec, |path, i| path == "dense/kernel" && i % 3 == 1), (1, 5));
        assert_eq!(of(&spec, |path, i| path == "dense/kernel" && i == 1), (0, 5));
        // Row 2 of [3, 2]: two weights out.
        assert_eq!(of(&spec, |path, i| path == "dense_1/kernel" && i / 2 == 2), (1, 5));
        // Both for the same unit: dead once. Biases do not matter.
        let both = |path: &str, i: usize| match path {
            "dense/kernel" => i % 3 == 2,
            "dense_1/kernel" => i / 2 == 2,
            _ => true,
        };
        assert_eq!(of(&spec, both), (1, 5));
    }

    #[test]
    fn filters_and_cells() {
        let spec = Sequential::new([4, 4, 1])
            .layer(Conv2d { activation: Activation::Relu, ..Conv2d::new(2, [3, 3]) })
            .layer(Flatten::new())
            .layer(Dense::new(1));
        assert_eq!(of(&spec, |path, i| path == "conv2d/kernel" && i % 2 == 0), (1, 3));
        // The 2 x 2 positions of filter 1.
        assert_eq!(of(&spec, |path, i| path == "dense/kernel" && i % 2 == 1), (1, 3));
        let spec = Sequential::new([5, 2]).layer(Lstm::new(3)).layer(Dense::new(1));
        let column = |path: &str, i: usize| path.starts_with("lstm/") && path.ends_with("kernel") && i % 3 == 1;
        assert_eq!(of(&spec, column), (1, 4));
        let half = |path: &str, i: usize| path == "lstm/lstm_cell/kernel" && i % 3 == 1;
        assert_eq!(of(&spec, half), (0, 4));
        let unheard = |path: &str, i: usize| match path {
            "lstm/lstm_cell/recurrent_kernel" => i / 12 == 2,
            "dense/kernel" => i == 2,
            _ => false,
        };
        assert_eq!(of(&spec, unheard), (1, 4));
    }
}
