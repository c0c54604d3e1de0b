//! What a model is built from.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Graph, GraphLayer, Sequential};
use crate::layer::LayerSpec;
use crate::policy::Policy;
use crate::spelling;

/// A model as the user writes it down: a stack of `layers`, or a graph of `nodes`.
///
/// # Example
///
/// ```
/// use taper::{Dense, Model, ModelSpec, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let spec = ModelSpec::from(Sequential::new([2]).layer(Dense::new(1)));
/// let model = Model::build(&spec, Seed::new(1))?;
/// assert_eq!(model.spec(), &spec);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum ModelSpec {
    /// Layers one after the other.
    Sequential(Sequential),
    /// Layers that name what they read.
    Graph(Graph),
}

impl ModelSpec {
    /// The shape of one row's input; empty if the rows are to say it.
    #[must_use]
    pub fn input_shape(&self) -> &[usize] {
        match self {
            Self::Sequential(spec) => &spec.input_shape,
            Self::Graph(spec) => &spec.input_shape,
        }
    }

    /// The penalty of every parameter whose layer says none.
    #[must_use]
    pub fn regularization(&self) -> Option<&Policy> {
        match self {
            Self::Sequential(spec) => spec.regularization.as_ref(),
            Self::Graph(spec) => spec.regularization.as_ref(),
        }
    }

    /// Sets or removes the penalty of every parameter whose layer says none.
    pub fn set_regularization(&mut self, policy: Option<Policy>) {
        match self {
            Self::Sequential(spec) => spec.regularization = policy,
            Self::Graph(spec) => spec.regularization = policy,
        }
    }

    /// The layers that nodes own, in the order of the nodes, which is that of [`Model::summary`](crate::Model::summary).
    #[must_use]
    pub fn owned(&self) -> Vec<&LayerSpec> {
        match self {
            Self::Sequential(stack) => stack.layers.iter().collect(),
            Self::Graph(graph) => {
                let own = graph.nodes.iter().filter_map(|node| match &node.layer {
                    GraphLayer::Own(layer) => Some(layer),
                    GraphLayer::Shared { .. } => None,
                });
                own.collect()
            }
        }
    }

    /// The layer that the node (of a stack, the layer) at this position owns.
    pub(crate) fn owned_by(&self, node: usize) -> Option<&LayerSpec> {
        match self {
            Self::Sequential(stack) => stack.layers.get(node),
            Self::Graph(graph) => match &graph.nodes.get(node)?.layer {
                GraphLayer::Own(layer) => Some(layer),
                GraphLayer::Shared { .. } => None,
            },
        }
    }

    /// The same layers, to be changed.
    pub(crate) fn owned_mut(&mut self) -> Vec<&mut LayerSpec> {
        match self {
            Self::Sequential(stack) => stack.layers.iter_mut().collect(),
            Self::Graph(graph) => {
                let own = graph.nodes.iter_mut().filter_map(|node| match &mut node.layer {
                    GraphLayer::Own(layer) => Some(layer),
                    GraphLayer::Shared { .. } => None,
                });
                own.collect()
            }
        }
    }

    /// Says the shape of one row's input, if nothing has said it.
    pub(crate) fn complete(&mut self, input: &crate::Shape) {
        let shape = match self {
            Self::Sequential(spec) => &mut spec.input_shape,
            Self::Graph(spec) => &mut spec.input_shape,
        };
        if shape.is_empty() {
            *shape = input.sizes().to_vec();
        }
    }
}

impl From<Sequential> for ModelSpec {
    fn from(spec: Sequential) -> Self {
        Self::Sequential(spec)
    }
}
impl From<Graph> for ModelSpec {
    fn from(spec: Graph) -> Self {
        Self::Graph(spec)
    }
}
impl From<&Sequential> for ModelSpec {
    fn from(spec: &Sequential) -> Self {
        Self::Sequential(spec.clone())
    }
}
impl From<&Graph> for ModelSpec {
    fn from(spec: &Graph) -> Self {
        Self::Graph(spec.clone())
    }
}
impl From<&Self> for ModelSpec {
    fn from(spec: &Self) -> Self {
        spec.clone()
    }
}

impl Serialize for ModelSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Sequential(spec) => spec.serialize(serializer),
            Self::Graph(spec) => spec.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ModelSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.get("nodes").is_some() {
            spelling::read_inner(value).map(Self::Graph)
        } else {
            spelling::read_inner(value).map(Self::Sequential)
        }
    }
}
