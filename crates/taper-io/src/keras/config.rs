//! The configuration of a model: Keras's `Sequential` and `Functional`, and [`ModelSpec`], either way.

use serde_json::{Map, Value, json};
use taper::{Complaint, Graph, GraphLayer, GraphNode, LayerSpec, ModelSpec, Result, Sequential};

use super::class::{LAYERS, Object, brief, check_name, snake_case};
use super::layer;
use crate::json;

const MODELS: &[&str] = &["Functional", "Sequential"];

/// What a configuration says.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) spec: ModelSpec,
    pub(super) compile: Value,
}

/// Reads the whole of `config.json`.
pub(super) fn config(value: Value) -> Result<Config> {
    let object = Object::new(value, "a model")?;
    object.check(MODELS)?;
    let Object { class, mut config, mut rest } = object;
    json::check_layers("config.layers", config.get("layers"))?;
    let layers = match config.remove("layers") {
        Some(Value::Array(layers)) => layers,
        other => {
            return Err(Complaint::new("config.layers", "a list", brief(&other.unwrap_or_default())).into());
        }
    };
    let spec = match &*class {
        "Sequential" => sequential(layers)?.into(),
        _ => functional(layers, &config)?.into(),
    };
    Ok(Config { spec, compile: rest.remove("compile_config").unwrap_or_default() })
}

fn place(i: usize, object: &Object) -> String {
    format!("config.layers[{i}] ({})", object.class)
}

fn open(i: usize, value: Value) -> Result<Object> {
    let object = Object::new(value, "a layer").map_err(|complaint| complaint.within(format!("config.layers[{i}]")))?;
    if MODELS.contains(&&*object.class) {
        let complaint =
            Complaint::new(place(i, &object), format!("one of {}", LAYERS.join(", ")), "a model in a model");
        return Err(complaint.into());
    }
    if object.class != "InputLayer" {
        check_name(&object.class, LAYERS).map_err(|complaint| complaint.within(format!("config.layers[{i}]")))?;
    }
    Ok(object)
}

fn sequential(layers: Vec<Value>) -> Result<Sequential> {
    let mut input_shape = None;
    let mut specs: Vec<LayerSpec> = Vec::new();
    for (i, value) in layers.into_iter().enumerate() {
        let object = open(i, value)?;
        let place = place(i, &object);
        if object.class == "InputLayer" {
            if i > 0 {
                return Err(Complaint::new(place, "the input first", "another layer before it").into());
            }
            input_shape = Some(shape_of_input(&object).map_err(|complaint| complaint.within(&place))?);
        } else {
            let spec = layer::layer(object).map_err(|error| error.within(&place))?;
            if spec.name.is_none() {
                return Err(Complaint::new(place, "a layer with a name", "none").into());
            }
            specs.push(spec);
        }
    }
    let Some(input_shape) = input_shape else {
        return Err(
            Complaint::new("config.layers", "an InputLayer first (save the model after it is built)", "none").into()
        );
    };
    Ok(Sequential { input_shape, layers: specs, regularization: None })
}

/// The shape of one row.
fn shape_of_input(object: &Object) -> Result<Vec<usize>, Complaint> {
    let config = &object.config;
    let batch_shape = config.get("batch_shape").and_then(Value::as_array);
    let sizes = batch_shape.and_then(|shape| shape.get(1..)).ok_or_else(|| {
        Complaint::new("batch_shape", "a list of sizes", brief(config.get("batch_shape").unwrap_or(&Value::Null)))
    })?;
    for (key, value) in config {
        let good = match &**key {
            "batch_shape" | "name" => true,
            "dtype" => ["float32", "int32", "int64"].iter().any(|dtype| value == dtype),
            _ => value.is_null() || value == &json!(false),
        };
        if !good {
            return Err(Complaint::new(key, "an ordinary dense input", brief(value)));
        }
    }
    let size = |value: &Value| value.as_u64().and_then(|size| usize::try_from(size).ok());
    sizes.iter().map(size).collect::<Option<Vec<usize>>>().ok_or_else(|| {
        let shape = brief(&Value::Array(sizes.to_vec()));
        Complaint::new("batch_shape", "sizes that are known (rows may be any number, all else is fixed)", shape)
    })
}

fn functional(layers: Vec<Value>, config: &Map<String, Value>) -> Result<Graph> {
    let [input] = ends(config, "input_layers")?;
    let [output] = ends(config, "output_layers")?;
    let masks = mask_operations(&layers)?;
    let mut graph = Graph { input_shape: vec![], nodes: vec![], output: None, regularization: None };
    let mut found = false;
    for (i, value) in layers.into_iter().enumerate() {
        if is_operation(&value) {
            if let Some((class, name, call)) = arithmetic(&value) {
                let inputs = sources(call, &input, &masks, true)
                    .map_err(|complaint| complaint.within(format!("config.layers[{i}] ({class})")))?;
                let layer = taper::read(json!({ "layer": snake_case(class), "name": name }))?;
                graph.nodes.push(GraphNode { inputs: Some(inputs), layer: GraphLayer::Own(layer) });
            }
            continue;
        }
        let mut object = open(i, value)?;
        let place = place(i, &object);
        let name = match object.rest.remove("name").or_else(|| object.config.get("name").cloned()) {
            Some(Value::String(name)) => name,
            other => {
                return Err(Complaint::new(place, "a layer with a name", brief(&other.unwrap_or_default())).into());
            }
        };
        if object.class == "InputLayer" {
            if found || name != input.layer {
                return Err(Complaint::new(place, "one input", "several").into());
            }
            graph.input_shape = shape_of_input(&object).map_err(|complaint| complaint.within(&place))?;
            found = true;
            continue;
        }
        object.config.insert("name".to_owned(), name.clone().into());
        let calls = match object.rest.remove("inbound_nodes") {
            Some(Value::Array(calls)) if !calls.is_empty() => calls,
            other => {
                let complaint = Complaint::new("inbound_nodes", "a list of calls", brief(&other.unwrap_or_default()));
                return Err(complaint.within(&place).into());
            }
        };
        let mut spec = Some(layer::layer(object).map_err(|error| error.within(&place))?);
        for (k, call) in calls.into_iter().enumerate() {
            let inputs = sources(&call, &input, &masks, false)
                .map_err(|complaint| complaint.within(format!("{place}.inbound_nodes[{k}]")))?;
            let layer = match spec.take() {
                Some(spec) => GraphLayer::Own(spec),
                None => GraphLayer::Shared { name: Some(node_name(&name, k)), shares: name.clone() },
            };
            graph.nodes.push(GraphNode { inputs: Some(inputs), layer });
        }
    }
    if !found {
        return Err(Complaint::new("config.layers", format!("an InputLayer `{}`", input.layer), "none").into());
    }
    graph.output = Some(node_name(&output.layer, output.node));
    Ok(graph)
}

/// What stands for use number `k` of a layer.
fn node_name(layer: &str, k: usize) -> String {
    if k == 0 { layer.to_owned() } else { format!("{layer}:{k}") }
}

/// A tensor: the result of one use of a layer.
struct Tensor {
    layer: String,
    node: usize,
}

/// `["name", 0, 0]`.
fn tensor(value: &Value) -> Option<Tensor> {
    match value.as_array()?.as_slice() {
        [Value::String(layer), node, zero] if zero == &json!(0) => {
            Some(Tensor { layer: layer.clone(), node: usize::try_from(node.as_u64()?).ok()? })
        }
        _ => None,
    }
}

/// The model's only input or output.
fn ends(config: &Map<String, Value>, key: &str) -> Result<[Tensor; 1], Complaint> {
    let value = config.get(key).unwrap_or(&Value::Null);
    let single = match value.as_array().map(Vec::as_slice) {
        Some([only @ Value::Array(_)]) => only,
        _ => value,
    };
    match tensor(single) {
        Some(tensor) => Ok([tensor]),
        None => Err(Complaint::new(format!("config.{key}"), "exactly one", brief(value))),
    }
}

/// Where a tensor comes from.
fn history(value: &Value) -> Option<Tensor> {
    let is_tensor = value.get("class_name") == Some(&json!("__keras_tensor__"));
    value.get("config").filter(|_| is_tensor)?.get("keras_history").and_then(tensor)
}

/// Whether this is an operation, not a layer.
fn is_operation(value: &Value) -> bool {
    value.get("module").and_then(Value::as_str).is_some_and(|module| module.starts_with("keras.src.ops."))
}

/// `a + b` of two tensors is written as an operation, which does what the layer of its name does: its class, name and only call.
fn arithmetic(value: &Value) -> Option<(&str, &str, &Value)> {
    const CLASSES: [&str; 5] = ["Add", "Maximum", "Minimum", "Multiply", "Subtract"];
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let class = text("class_name").filter(|class| CLASSES.contains(class))?;
    let [call] = value.get("inbound_nodes")?.as_array()?.as_slice() else { return None };
    let [a, b] = call.get("args")?.as_array()?.as_slice() else { return None };
    (history(a).is_some() && history(b).is_some()).then_some((class, text("name")?, call))
}

/// The operations by which Keras writes down how masks go from layer to layer: which tokens or numbers are not left out, which
/// steps have any such number, which count in either of two masks, and how masks are laid beside or behind each other where their
/// layers' outputs are. Masks go the same ways here without being told. Any other operation is refused by name.
fn mask_operations(layers: &[Value]) -> Result<Vec<String>, Complaint> {
    let args = |value: &Value| -> Option<Vec<Value>> {
        match value.get("inbound_nodes")?.as_array()?.as_slice() {
            [call] => call.get("args")?.as_array().cloned(),
            _ => None,
        }
    };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    // What the layers that make masks read, and the value that they leave out.
    let left_out = |value: &Value| {
        let config = value.get("config")?;
        let of_tokens = config.get("mask_zero") == Some(&json!(true));
        if of_tokens { Some(0.0) } else { config.get("mask_value")?.as_f64() }
    };
    let makers: Vec<(String, f64)> =
        layers.iter().filter_map(|value| Some((history(args(value)?.first()?)?.layer, left_out(value)?))).collect();
    let mut masks: Vec<String> = Vec::new();
    for (i, value) in layers.iter().enumerate().filter(|(_, value)| is_operation(value)) {
        // Its result has no mask, where the layer's has one.
        if makers.is_empty() && arithmetic(value).is_some() {
            continue;
        }
        let class = text(value, "class_name");
        let setting = |key: &str| value.get("config").and_then(|config| config.get(key)).unwrap_or(&Value::Null);
        let is_mask = |source: &Value| history(source).is_some_and(|source| masks.contains(&source.layer));
        let good = match (&*class, args(value).as_deref()) {
            ("NotEqual", Some([source, value])) => {
                history(source).zip(value.as_f64()).is_some_and(|(source, value)| {
                    makers.iter().any(|(layer, left_out)| *layer == source.layer && *left_out == value)
                })
            }
            ("Any", Some([source])) => {
                *setting("axis") == json!(-1) && *setting("keepdims") == json!(false) && is_mask(source)
            }
            ("ExpandDims", Some([source])) => *setting("axis") == json!(-1) && is_mask(source),
            ("ZerosLike" | "OnesLike", Some([source])) => history(source).is_some(),
            ("LogicalOr", Some(sources @ [_, _])) => sources.iter().all(is_mask),
            ("Concatenate", Some([Value::Array(sources)])) => sources.iter().all(is_mask),
            _ => false,
        };
        if !good {
            let expected = format!("one of {} (no operations but those of masks)", LAYERS.join(", "));
            return Err(Complaint::new(format!("config.layers[{i}]"), expected, format!("the operation `{class}`")));
        }
        masks.push(text(value, "name"));
    }
    Ok(masks)
}

/// What one use of a layer reads; `two` if these are two arguments, as of an operation.
fn sources(call: &Value, input: &Tensor, masks: &[String], two: bool) -> Result<Vec<String>, Complaint> {
    for (key, value) in call.get("kwargs").and_then(Value::as_object).into_iter().flatten() {
        let good = match &**key {
            "training" => true, // whoever calls the model says it again
            "mask" => value.is_null() || history(value).is_some_and(|tensor| masks.contains(&tensor.layer)),
            _ => value.is_null(),
        };
        if !good {
            return Err(Complaint::new(format!("kwargs.{key}"), "nothing", brief(value)));
        }
    }
    let args = call.get("args").and_then(Value::as_array).map(Vec::as_slice);
    let list = match args {
        Some([Value::Array(list)]) => list.as_slice(),
        Some(single @ [_]) => single,
        Some(both @ [_, _]) if two => both,
        _ => return Err(Complaint::new("args", "one tensor, or a list of tensors", brief(call))),
    };
    let source = |value: &Value| {
        let tensor = history(value).ok_or_else(|| Complaint::new("args", "tensors", brief(value)))?;
        Ok(if tensor.layer == input.layer { "input".to_owned() } else { node_name(&tensor.layer, tensor.node) })
    };
    list.iter().map(source).collect()
}
