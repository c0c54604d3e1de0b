//! How much of each layer is still at work.

use serde::Serialize;

use super::compact;
use crate::Result;
use crate::model::Model;

/// How sparse one layer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerSparsity {
    /// The layer's name.
    pub name: String,
    /// Numbers among its parameters that are exactly 0.
    pub zeros: usize,
    /// Units, filters or cells that take no part in the model's output ([`compact`] would cut them); `None` for layers that have
    /// none.
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
        let small = compact(self, false)?;
        let dead = |name: &str| {
            let layer = small.record.layers.iter().find(|layer| layer.name == name);
            layer.map(super::CompactLayer::dead)
        };
        let numbers = |model: &Self| -> Vec<(String, usize, usize)> {
            let named = model.layers.iter().filter(|layer| !layer.name.is_empty());
            let counted = named.map(|layer| {
                let w = &model.params.data()[layer.range.clone()];
                let zeros = w.iter().filter(|w| **w == 0.0).count();
                (layer.name.clone(), zeros, w.len())
            });
            counted.collect()
        };
        let pairs = numbers(self).into_iter().zip(numbers(&small.model));
        let layer = pairs.map(|((name, zeros, _), (_, left_zeros, left))| LayerSparsity {
            zeros,
            dead_units: dead(&name),
            effective_parameters: left - left_zeros,
            name,
        });
        Ok(layer.collect())
    }
}
