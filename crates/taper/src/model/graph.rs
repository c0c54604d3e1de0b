//! A model of named nodes, as the user writes it down.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::Sequential;
use crate::layer::LayerSpec;
use crate::policy::Policy;
use crate::spelling;

/// The name by which nodes refer to the model's input.
pub(crate) const INPUT: &str = "input";

/// Layers that read what they name: residuals, branches, layers used twice. [`Sequential`] is the special case in which each
/// reads the one before.
///
/// In a file, nodes are layers with `inputs` (a list of names; default: the node before). The model's input is called
/// `"input"`. `{ shares = "NAME", inputs = [...] }` uses another node's layer again: one set of weights, whose penalty counts
/// once and whose gradients are summed. Nodes may stand in any order, but not in a circle; each must lead to the `output`
/// (default: the last).
///
/// ```toml
/// input_shape = [8]
/// nodes = [
///   { layer = "dense", name = "first", units = 8, activation = "relu" },
///   { layer = "dense", name = "second", units = 8, activation = "relu" },
///   { layer = "add", name = "residual", inputs = ["input", "second"] },
///   { shares = "first", name = "first_again" },
///   { layer = "dense", name = "out", units = 1, activation = "sigmoid" },
/// ]
/// output = "out"
/// ```
///
/// # Example
///
/// ```
/// use taper::{Activation, Add, Dense, Graph, Model, Seed};
///
/// # fn main() -> taper::Result<()> {
/// let spec = Graph::new([8])
///     .node("first", ["input"], Dense::new(8).activation(Activation::Relu))
///     .shared("again", ["first"], "first")
///     .node("residual", ["input", "again"], Add::new())
///     .node("out", ["residual"], Dense::new(1));
/// let model = Model::build(&spec, Seed::new(1))?;
/// assert_eq!(model.params().data().len(), 8 * 8 + 8 + 8 + 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// The shape of one row's input. An experiment on a file may leave it out: its rows say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_shape: Vec<usize>,
    /// The nodes. A layer's parameters lie in the order of the nodes that own them.
    pub nodes: Vec<GraphNode>,
    /// The node whose value is the model's. Default: the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The penalty of every parameter whose layer says none. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regularization: Option<Policy>,
}

/// One use of a layer in a [`Graph`].
#[derive(Debug, Clone, PartialEq)]
pub struct GraphNode {
    /// What it reads: names of nodes, or `"input"`. Default: the node before.
    pub inputs: Option<Vec<String>>,
    /// What it does.
    pub layer: GraphLayer,
}

/// The layer of a node: its own, or another node's.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // a model has few nodes, and they are written down once
pub enum GraphLayer {
    /// A layer of its own; the node has the layer's name.
    Own(LayerSpec),
    /// The layer of another node.
    Shared {
        /// The node's own name. Default: the other's with a number.
        name: Option<String>,
        /// The node whose layer is used again.
        shares: String,
    },
}

impl Graph {
    /// No nodes yet.
    #[must_use]
    pub fn new(input_shape: impl Into<Vec<usize>>) -> Self {
        Self { input_shape: input_shape.into(), nodes: Vec::new(), output: None, regularization: None }
    }

    /// The same model with a node more: a layer of this name that reads these.
    #[must_use]
    pub fn node<const N: usize>(
        mut self,
        name: impl Into<String>,
        inputs: [&str; N],
        layer: impl Into<LayerSpec>,
    ) -> Self {
        let layer = GraphLayer::Own(layer.into().name(name));
        self.nodes.push(GraphNode { inputs: Some(inputs.map(str::to_owned).to_vec()), layer });
        self
    }

    /// The same model with another use of the layer of node `shares`.
    #[must_use]
    pub fn shared<const N: usize>(
        mut self,
        name: impl Into<String>,
        inputs: [&str; N],
        shares: impl Into<String>,
    ) -> Self {
        let layer = GraphLayer::Shared { name: Some(name.into()), shares: shares.into() };
        self.nodes.push(GraphNode { inputs: Some(inputs.map(str::to_owned).to_vec()), layer });
        self
    }

    /// With this node's value as the model's.
    #[must_use]
    pub fn output(mut self, name: impl Into<String>) -> Self {
        self.output = Some(name.into());
        self
    }

    /// The same model with this penalty on every parameter that the policy means and whose layer says none.
    #[must_use]
    pub fn regularization(mut self, policy: impl Into<Policy>) -> Self {
        self.regularization = Some(policy.into());
        self
    }
}

impl From<&Sequential> for Graph {
    /// Each layer reads the one before.
    fn from(spec: &Sequential) -> Self {
        let node = |layer: &LayerSpec| GraphNode { inputs: None, layer: GraphLayer::Own(layer.clone()) };
        Self {
            input_shape: spec.input_shape.clone(),
            nodes: spec.layers.iter().map(node).collect(),
            output: None,
            regularization: spec.regularization.clone(),
        }
    }
}

impl Serialize for GraphNode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let mut map = Map::new();
        match &self.layer {
            GraphLayer::Own(layer) => {
                if let Value::Object(settings) = serde_json::to_value(layer).map_err(S::Error::custom)? {
                    map.extend(settings);
                }
            }
            GraphLayer::Shared { name, shares } => {
                map.insert("shares".into(), shares.as_str().into());
                if let Some(name) = name {
                    map.insert("name".into(), name.as_str().into());
                }
            }
        }
        if let Some(inputs) = &self.inputs {
            map.insert("inputs".into(), inputs.clone().into());
        }
        map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for GraphNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Shared {
            name: Option<String>,
            shares: String,
        }
        #[derive(Deserialize)]
        struct Wiring {
            inputs: Option<Vec<String>>,
        }
        let mut map = spelling::table::<D::Error>(Value::deserialize(deserializer)?)?;
        let wiring = map.remove_entry("inputs").into_iter().collect();
        let Wiring { inputs } = spelling::read_inner(Value::Object(wiring))?;
        let layer = if map.contains_key("shares") {
            let Shared { name, shares } = spelling::read_inner(Value::Object(map))?;
            GraphLayer::Shared { name, shares }
        } else {
            GraphLayer::Own(spelling::read_inner(Value::Object(map))?)
        };
        Ok(Self { inputs, layer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Add, Dense, Model, ModelSpec, Seed};

    fn read(text: &str) -> crate::Result<ModelSpec> {
        spelling::read(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_graph_survives_the_round_trip() {
        let spec = ModelSpec::from(
            Graph::new([4])
                .node("a", ["input"], Dense::new(4))
                .shared("b", ["a"], "a")
                .node("sum", ["a", "b"], Add::new())
                .output("sum"),
        );
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(read(&text).unwrap(), spec, "{text}");
    }

    #[test]
    fn mistakes_in_a_file_name_their_place() {
        let error = |text: &str| read(text).unwrap_err().to_string();
        let got = error(r#"{"input_shape": [2], "nodes": [{"layer": "dense", "unit": 1, "inputs": ["input"]}]}"#);
        assert!(
            got.starts_with("nodes[0].unit: expected one of units") && got.contains("did you mean `units`?"),
            "{got}"
        );
        let got = error(r#"{"input_shape": [2], "nodes": [{"shares": "a", "units": 1}]}"#);
        assert!(got.contains("expected one of name, shares"), "{got}");
        let got = error(r#"{"input_shape": [2], "nodes": [{"layer": "dense", "units": 1, "inputs": "input"}]}"#);
        assert!(got.starts_with("nodes[0].inputs: "), "{got}");
        let got = error(r#"{"input_shape": [2], "nodes": [], "outputs": "a"}"#);
        assert!(got.contains("did you mean `output`?"), "{got}");
        let got = error(r#"{"input_shape": [2], "layer": []}"#);
        assert!(got.contains("did you mean `layers`?"), "{got}");
    }

    fn complaints(spec: impl Into<ModelSpec>) -> String {
        Model::build(spec, Seed::new(1)).unwrap_err().to_string()
    }

    #[test]
    fn wiring_that_cannot_be_is_refused() {
        let dense = || Dense::new(4);
        let unknown = Graph::new([4]).node("branch_a", ["input"], dense()).node("b", ["branch_b"], dense());
        assert_eq!(
            complaints(unknown),
            "nodes[1].inputs[0]: expected `input` or the name of a node (branch_a, b), got `branch_b` (did you mean \
             `branch_a`?)"
        );
        let circle = Graph::new([4]).node("a", ["input", "c"], Add::new()).node("b", ["a"], dense());
        let circle = circle.node("c", ["b"], dense());
        assert_eq!(
            complaints(circle),
            "nodes: expected nodes that can be put in an order, got a circle: a <- c <- b <- a"
        );
        let twice = Graph::new([4]).node("a", ["input"], dense()).node("a", ["input"], dense());
        assert!(complaints(twice).starts_with("nodes[1].name: expected a name that no other node has, got a"));
        let dead = Graph::new([4]).node("a", ["input"], dense()).node("b", ["input"], dense());
        assert_eq!(
            complaints(dead),
            "nodes[0]: expected a node that the output `b` depends on, got `a`, which leads nowhere"
        );
        let reserved = Graph::new([4]).node("input", ["input"], dense());
        assert!(complaints(reserved).starts_with("nodes[0].name: expected a name other than `input`"));
        let shares = Graph::new([4]).node("a", ["input"], dense()).shared("b", ["a"], "aa");
        assert!(complaints(shares).starts_with("nodes[1].shares: expected the name of a node with a layer of its own"));
        let sizes = Graph::new([4]).node("a", ["input"], Dense::new(3)).shared("b", ["a"], "a");
        assert_eq!(
            complaints(sizes),
            "nodes[1].inputs: expected inputs of shape (4), for which the layer of `a` was built, got (3)"
        );
        assert!(complaints(Graph::new([4])).starts_with("nodes: expected at least one node"));
    }

    #[test]
    fn nodes_may_stand_in_any_order() {
        let spec = Graph::new([2]).node("out", ["a", "b"], Add::new()).node("b", ["a"], Dense::new(2));
        let spec = spec.node("a", ["input"], Dense::new(2)).output("out");
        let model = Model::build(&spec, Seed::new(1)).unwrap();
        let paths: Vec<&str> = model.params().slots().iter().map(|slot| slot.path.as_str()).collect();
        assert_eq!(paths, ["b/kernel", "b/bias", "a/kernel", "a/bias"]);
        let (_, a) = model.params().get("a/kernel").unwrap();
        let (_, b) = model.params().get("b/kernel").unwrap();
        let hidden = [a[0] + 2.0 * a[2], a[1] + 2.0 * a[3]];
        let want = [hidden[0] + hidden[0] * b[0] + hidden[1] * b[2], hidden[1] + hidden[0] * b[1] + hidden[1] * b[3]];
        let got = model.predict(&[1.0, 2.0]).unwrap();
        assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-5), "{got:?} {want:?}");
    }
}
