//! What the uses of layers read: Keras's `inbound_nodes`, and the operations among layers.

use serde_json::{Value, json};
use taper::{Complaint, Complaints};

use super::class::brief;

/// A tensor: the result of one use of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    pub(super) layer: String,
    pub(super) node: usize,
}

/// `["name", 0, 0]`.
pub(super) fn tensor(value: &Value) -> Option<Tensor> {
    match value.as_array()?.as_slice() {
        [Value::String(layer), node, zero] if zero == &json!(0) => {
            Some(Tensor { layer: layer.clone(), node: usize::try_from(node.as_u64()?).ok()? })
        }
        _ => None,
    }
}

/// Where a tensor comes from.
pub(super) fn history(value: &Value) -> Option<Tensor> {
    let is_tensor = value.get("class_name") == Some(&json!("__keras_tensor__"));
    value.get("config").filter(|_| is_tensor)?.get("keras_history").and_then(tensor)
}

/// Whether this is an operation, not a layer.
pub(super) fn is_operation(value: &Value) -> bool {
    value.get("module").and_then(Value::as_str).is_some_and(|module| module.starts_with("keras.src.ops."))
}

/// `a + b` of two tensors is written as an operation, which does what the layer of its name does: its class, name and only call.
pub(super) fn arithmetic(value: &Value) -> Option<(&str, &str, &Value)> {
    const CLASSES: [&str; 5] = ["Add", "Maximum", "Minimum", "Multiply", "Subtract"];
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let class = text("class_name").filter(|class| CLASSES.contains(class))?;
    let [call] = value.get("inbound_nodes")?.as_array()?.as_slice() else { return None };
    let [a, b] = call.get("args")?.as_array()?.as_slice() else { return None };
    (history(a).is_some() && history(b).is_some()).then_some((class, text("name")?, call))
}

/// The operations by which Keras writes down how masks go from layer to layer: which tokens or numbers are not left out, which
/// steps have any such number, which count in either of two masks, and how masks are laid beside or behind each other where their
/// layers' outputs are. Masks go the same ways here without being told. Any other operation is complained of by name.
pub(super) fn mask_operations(layers: &[Value], complaints: &mut Complaints) -> Vec<String> {
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
            let name = text(value, "name");
            let place = format!("config.layers[{i}] ({class})");
            let got = format!("the operation `{class}` called `{name}`");
            complaints.push(Complaint::new(
                place,
                "a layer (of operations: sums, products and the like of two tensors)",
                got,
            ));
        }
        masks.push(text(value, "name"));
    }
    masks
}

/// What one use of a layer reads; `two` if these are two arguments, as of an operation.
pub(super) fn call(call: &Value, masks: &[String], two: bool) -> Result<Vec<Tensor>, Complaint> {
    if let Value::Array(sources) = call {
        return sources.iter().map(old_source).collect();
    }
    let kwargs = call.get("kwargs").and_then(Value::as_object);
    for (key, value) in kwargs.into_iter().flatten() {
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
    let source = |value: &Value| history(value).ok_or_else(|| Complaint::new("args", "tensors", brief(value)));
    list.iter().map(source).collect()
}

/// A tensor as Keras 2 writes what a use reads: `["name", 0, 0, {}]`, with further arguments in the end.
fn old_source(value: &Value) -> Result<Tensor, Complaint> {
    let wrong = || Complaint::new("", "tensors", brief(value));
    let list = value.as_array().ok_or_else(wrong)?;
    let (source, kwargs) = list.split_at(list.len().min(3));
    let nothing = |value: &Value| {
        value.as_object().is_some_and(|map| map.iter().all(|(key, value)| key == "training" || value.is_null()))
    };
    match kwargs {
        [] => {}
        [kwargs] if nothing(kwargs) => {}
        _ => return Err(Complaint::new("kwargs", "nothing", brief(&Value::Array(kwargs.to_vec())))),
    }
    tensor(&Value::Array(source.to_vec())).ok_or_else(wrong)
}
