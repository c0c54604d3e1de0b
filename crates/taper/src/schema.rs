//! Every setting described, for reference documentation: JSON Schemas that are made from the types and their documentation.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use crate::constraint::Axes;
use crate::layer::{LayerKind, LayerSpec, Margins, Pair};
use crate::metric::{Metric, MetricSpec};
use crate::model::{Graph, GraphNode, ModelSpec, Sequential};
use crate::optimizer::{LearningRate, Optimizer, OptimizerKind};
use crate::param::Role;
use crate::policy::Policy;
use crate::regularizer::{Anchor, Regularizer};
use crate::{Experiment, FitConfig};

/// The settings of an experiment as [JSON Schemas](https://json-schema.org). Other spellings that are read too (the older names
/// of a loss, a lone name in the place of its table) do not stand in them.
///
/// # Example
///
/// ```
/// let described = taper::Described::new();
/// let epochs = &described.types["FitConfig"]["properties"]["epochs"];
/// assert_eq!(epochs["default"], 1);
/// assert!(described.layers.iter().any(|(name, _)| *name == "dense"));
/// ```
#[derive(Debug, Clone)]
pub struct Described {
    /// The schema of each type, by the type's name; `Experiment` is the whole.
    pub types: Map<String, Value>,
    /// The settings of each kind of layer, by its name in files.
    pub layers: Vec<(&'static str, Value)>,
}

impl Described {
    /// Describes everything that an experiment can say.
    #[must_use]
    pub fn new() -> Self {
        let mut generator = SchemaGenerator::default();
        generator.subschema_for::<Experiment>();
        generator.subschema_for::<FitConfig>();
        let layers = LayerKind::schemas(&mut generator);
        Self { types: generator.take_definitions(true), layers }
    }
}

impl Default for Described {
    fn default() -> Self {
        Self::new()
    }
}

/// The schema of `$type` is that of `$keys`, a table of the same keys.
macro_rules! as_table {
    ($type:ident, $keys:ident) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                $keys::json_schema(generator)
            }
        }
    };
}

/// The schema of `$type` is written down here.
macro_rules! as_written {
    ($type:ident, |$generator:ident| $schema:expr) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

/// What every layer has, whatever its kind.
#[derive(JsonSchema)]
#[allow(dead_code)] // read by its schema alone
struct LayerKeys {
    /// The kind of the layer; everything else of its table are the settings of this kind.
    layer: String,
    /// Unique in its model. Default: the kind in snake case, with a number from the second on (`dense`, `dense_1`).
    name: Option<String>,
    /// Whether training changes it. A frozen layer carries no weight penalty. Default: yes.
    trainable: Option<bool>,
    /// Penalty on the output, summed over the batch and divided by its rows. Default: none.
    activity_regularizer: Option<Regularizer>,
}
as_table!(LayerSpec, LayerKeys);

/// One use of a layer in a graph: what a layer says, with these keys beside it.
#[derive(JsonSchema)]
#[allow(dead_code)] // read by its schema alone
struct NodeKeys {
    /// What it reads: names of nodes, or `"input"`. Default: the node before.
    inputs: Option<Vec<String>>,
    /// In the place of `layer`: the node whose layer it uses too, with the same weights. Default: a layer of its own.
    shares: Option<String>,
}
as_table!(GraphNode, NodeKeys);

/// How gradients become updates: `"adam"`, or a table with the `name` and its settings, and with these.
#[derive(JsonSchema)]
#[allow(dead_code)] // read by its schema alone
struct OptimizerKeys {
    /// The learning rate. Default: 0.01 for SGD, 0.001 for the others.
    learning_rate: Option<LearningRate>,
    /// Decoupled weight decay, at least 0. Default: none; 0.004 for AdamW.
    weight_decay: Option<f64>,
    /// Each parameter's gradient is scaled down to at most this L2 norm, above 0. Default: not at all.
    clipnorm: Option<f64>,
    /// All gradients together are scaled down to at most this L2 norm, above 0. Default: not at all.
    global_clipnorm: Option<f64>,
    /// Each number of a gradient is brought into ± this, above 0. Default: not at all.
    clipvalue: Option<f64>,
    /// Parameters that do not decay. A pattern with a `/` is compared with the whole path (`dense/bias`), one without with the
    /// layer's name and with the parameter's (`bias`); `*` stands for anything. Default: none.
    exclude_from_weight_decay: Option<Vec<String>>,
    /// Whether a moving average of the weights is kept, which they become when training ends. Default: no.
    use_ema: Option<bool>,
    /// How much of the average stays after a step, from 0 to 1. Default: 0.99.
    ema_momentum: Option<f64>,
    /// After how many updates the weights become their average each time, at least 1. Default: only when training ends.
    ema_overwrite_frequency: Option<u64>,
    /// How many batches' gradients are averaged for one update, at least 2. A learning-rate schedule still counts batches.
    /// Default: every batch is an update.
    gradient_accumulation_steps: Option<u64>,
}
as_written!(Optimizer, |generator| {
    let mut schema = OptimizerKeys::json_schema(generator);
    schema.insert("allOf".to_owned(), vec![generator.subschema_for::<OptimizerKind>().to_value()].into());
    schema
});

/// A metric: its name, or a table with the `name`, its settings, and with this key.
#[derive(JsonSchema)]
#[allow(dead_code)] // read by its schema alone
struct MetricKeys {
    /// Its name in histories. Default: the metric's own.
    label: Option<String>,
}
as_written!(MetricSpec, |generator| {
    let mut schema = MetricKeys::json_schema(generator);
    schema.insert("allOf".to_owned(), vec![generator.subschema_for::<Metric>().to_value()].into());
    schema
});

/// Which parameters of a model carry which penalty, said once for all of them: the keys of a penalty, and these.
#[derive(JsonSchema)]
#[allow(dead_code)] // read by its schema alone
struct PolicyKeys {
    /// The roles of the parameters that the penalty goes to. Default: the kernels of all kinds.
    roles: Option<Vec<Role>>,
    /// What single parameters carry instead, by pattern: a table `{ "dense_1/*" = { l1 = 1e-3 } }`, or a list of penalties with
    /// a key `match` each. A pattern with a `/` is compared with the whole path, one without with each part of it; `*` stands for
    /// anything. Default: nothing.
    paths: Option<Map<String, Value>>,
}
as_written!(Policy, |generator| {
    let mut schema = PolicyKeys::json_schema(generator);
    schema.insert("allOf".to_owned(), vec![generator.subschema_for::<Regularizer>().to_value()].into());
    schema
});

as_written!(ModelSpec, |generator| json_schema!({
    "description": "A stack of `layers`, or a graph of `nodes`.",
    "anyOf": [generator.subschema_for::<Sequential>(), generator.subschema_for::<Graph>()],
}));
as_written!(Anchor, |_generator| json_schema!({
    "description": "What takes the place of 0 in a penalty: `\"start\"`, the weights that the training begins with, or a list of as many \
                    numbers as the parameter has.",
    "anyOf": [{ "const": "start" }, { "type": "array", "items": { "type": "number" } }],
}));

const WHOLE: &str = "integer";
as_written!(Axes, |_generator| json_schema!({
    "anyOf": [{ "type": WHOLE }, { "type": "array", "items": { "type": WHOLE } }],
}));
as_written!(Pair, |_generator| json_schema!({
    "anyOf": [{ "type": WHOLE, "minimum": 0 }, { "type": "array", "items": { "type": WHOLE, "minimum": 0 } }],
}));
as_written!(Margins, |_generator| json_schema!({
    "anyOf": [
        { "type": WHOLE, "minimum": 0 },
        { "type": "array", "items": { "type": WHOLE, "minimum": 0 } },
        { "type": "array", "items": { "type": "array", "items": { "type": WHOLE, "minimum": 0 } } },
    ],
}));
