//! How a model's layers are used, for formats that write it down.

use super::Model;
use crate::layer::Masking;

/// One use of a layer. A shared layer has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerUse {
    /// Which layer, counted from 0 as in [`Model::summary`].
    pub layer: usize,
    /// What it reads: 0 is the model's input, i + 1 the result of use i.
    pub inputs: Vec<usize>,
    /// Whether steps that are masked in its only input are masked in its output.
    pub passes_mask: bool,
}

impl Model {
    /// The uses of all layers, in an order in which each follows those it reads; the last one's result is the model's.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::{Add, Dense, Graph, Model, Seed};
    ///
    /// # fn main() -> taper::Result<()> {
    /// let spec = Graph::new([2]).node("a", ["input"], Dense::new(2)).node("b", ["input", "a"], Add::new());
    /// let uses = Model::build(&spec, Seed::new(1))?.uses();
    /// assert_eq!((uses[1].layer, &uses[1].inputs[..]), (1, &[0, 1][..]));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn uses(&self) -> Vec<LayerUse> {
        // A function that was split off its layer is no use of its own: who reads it reads the layer.
        let is_layer = |layer: usize| !self.layers[layer].name.is_empty();
        let mut results = vec![0];
        let mut uses: Vec<LayerUse> = Vec::new();
        for node in &self.nodes {
            if is_layer(node.layer) {
                let layer = (0..node.layer).filter(|layer| is_layer(*layer)).count();
                let inputs = node.inputs.iter().map(|buffer| results[*buffer]).collect();
                let passes_mask = self.layers[node.layer].layer.masking() == Masking::Pass;
                uses.push(LayerUse { layer, inputs, passes_mask });
            }
            results.push(uses.len());
        }
        uses
    }
}

#[cfg(test)]
mod tests {
    use crate::{Activation, Dense, Graph, GraphLayer, GraphNode, Model, Seed};

    #[test]
    fn a_split_off_function_is_no_use_and_names_are_not_needed() {
        let mut spec = Graph::new([2]).node("a", ["input"], Dense::new(2).activation(Activation::Sigmoid));
        let again = GraphLayer::Shared { name: None, shares: "a".into() };
        spec.nodes.push(GraphNode { inputs: None, layer: again });
        let uses = Model::build(&spec, Seed::new(1)).unwrap().uses();
        let read: Vec<(usize, Vec<usize>)> = uses.into_iter().map(|usage| (usage.layer, usage.inputs)).collect();
        assert_eq!(read, [(0, vec![0]), (0, vec![1])]);
    }
}
