//! How much of a model is still at work.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use taper_kernels::reduce::count_zeros;

use super::compact;
use crate::Result;
use crate::model::{BuiltLayer, Model};
use crate::param::Role;

/// How sparse one layer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerSparsity {
    /// The layer's name.
    pub name: String,
    /// Numbers among its parameters that are exactly 0.
    pub zeros: usize,
    /// Units, filters or cells; `None` for layers that have none, or whose [`compact`] leaves whole.
    pub units: Option<usize>,
    /// How many of them take no part in the model's output: [`compact`] would cut them.
    pub dead_units: Option<usize>,
    /// Numbers that are not 0 and belong to no dead unit: what the model's output depends on.
    pub effective_parameters: usize,
}

impl Model {
    /// How sparse every layer is, in the order of [`summary`](Self::summary).
    ///
    /// # Errors
    ///
    /// As [`compact`].
    ///
    /// # Example
    ///
    /// ```
    /// use taper::{Dense, Model, Seed, Sequential};
    ///
    /// # fn main() -> taper::Result<()> {
    /// let dense = |units: usize| Dense { use_bias: false, ..Dense::new(units) };
    /// let spec = Sequential::new([2]).layer(dense(3)).layer(dense(1));
    /// let mut model = Model::build(&spec, Seed::new(1))?;
    /// model.params_mut().data_mut()[6] = 0.0; // what the first unit says to the output
    /// let sparsity = model.sparsity()?;
    /// assert_eq!((sparsity[0].zeros, sparsity[0].dead_units, sparsity[0].effective_parameters), (0, Some(1), 4));
    /// assert_eq!((sparsity[1].zeros, sparsity[1].dead_units, sparsity[1].effective_parameters), (1, Some(0), 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn sparsity(&self) -> Result<Vec<LayerSparsity>> {
        // A unit is dead of zeros only: without any, nothing needs to be cut to see it.
        let may_be_dead = self.params.iter().any(|(slot, w)| KILLS.contains(&slot.spec.role) && count_zeros(w) > 0);
        let small = if may_be_dead { Some(compact(self, false)?) } else { None };
        let numbers = |model: &Self, layer: &BuiltLayer| {
            let w = &model.params.data()[layer.range.clone()];
            (count_zeros(w), w.len())
        };
        // By name: layers keep theirs when units are cut.
        let left: Option<HashMap<&str, usize>> = small.as_ref().map(|small| {
            let numbers = |layer| numbers(&small.model, layer);
            let layers = small.model.layers.iter().filter(|layer| !layer.name.is_empty());
            layers
                .map(|layer| (layer.name.as_str(), numbers(layer)))
                .map(|(name, (zeros, all))| (name, all - zeros))
                .collect()
        });
        let cuts = small.iter().flat_map(|small| &small.record.layers);
        let cuts: HashMap<&str, usize> = cuts.map(|cut| (cut.name.as_str(), cut.dead())).collect();
        let units = super::units(self);
        let units: HashMap<&str, usize> = units.iter().map(|(name, _, units)| (name.as_str(), *units)).collect();
        let named = self.layers.iter().filter(|layer| !layer.name.is_empty());
        let layer = named.map(|layer| {
            let (zeros, all) = numbers(self, layer);
            let units = units.get(layer.name.as_str()).copied();
            let (dead, effective) = match &left {
                Some(left) => {
                    let dead = cuts.get(layer.name.as_str()).copied().unwrap_or(0);
                    (dead, left.get(layer.name.as_str()).copied().unwrap_or(0))
                }
                None => (0, all - zeros),
            };
            let dead_units = units.map(|_| dead);
            LayerSparsity { name: layer.name.clone(), zeros, units, dead_units, effective_parameters: effective }
        });
        Ok(layer.collect())
    }
}

/// Roles of the weights whose zeros can keep a unit from taking part.
const KILLS: [Role; 6] =
    [Role::Kernel, Role::RecurrentKernel, Role::DepthwiseKernel, Role::PointwiseKernel, Role::Embeddings, Role::Gamma];

/// How many of a model's penalized weights are exactly 0, and how many of its units are dead.
///
/// A unit (a dense layer's unit, a convolution's filter, a recurrent layer's cell) is dead if it takes no part in the model's output:
/// if [`compact`] would cut it.
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
/// let sparsity = Sparsity::of(&model)?;
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
    /// Units of all layers whose units can be counted.
    pub units: usize,
}

impl Sparsity {
    /// Of a model.
    ///
    /// # Errors
    ///
    /// As [`compact`].
    pub fn of(model: &Model) -> Result<Self> {
        Ok(Self::sum(model, &model.sparsity()?))
    }

    /// Of a model of which this is known of the layers.
    #[must_use]
    pub fn sum(model: &Model, layers: &[LayerSparsity]) -> Self {
        let penalized = || model.params().iter().filter(|(slot, _)| slot.is_penalized());
        Self {
            zeros: penalized().map(|(_, w)| count_zeros(w)).sum(),
            penalized: penalized().map(|(_, w)| w.len()).sum(),
            dead_units: layers.iter().filter_map(|layer| layer.dead_units).sum(),
            units: layers.iter().filter_map(|layer| layer.units).sum(),
        }
    }

    /// The share of exact zeros among the penalized weights, if there are any.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.penalized > 0).then(|| self.zeros as f64 / self.penalized as f64)
    }
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
        let sparsity = Sparsity::of(&model).unwrap();
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
        assert_eq!(of(&spec, column), (0, 4), "it hears nothing, but the others hear how its state goes on");
        let alone = |path: &str, i: usize| column(path, i) || path == "lstm/lstm_cell/recurrent_kernel" && i / 12 == 1;
        assert_eq!(of(&spec, alone), (1, 4));
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
