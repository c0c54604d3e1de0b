//! A layer's settings, from Keras's spelling to Taper's.

use serde_json::{Map, Value, json};
use taper::{Complaint, Complaints, Error, LayerSpec, Result};

use super::activation;
use super::class::{
    CONSTRAINTS, INITIALIZERS, LAYERS, Object, REGULARIZERS, brief, drop_inert, expected_of, snake_case,
};
use super::generation::Generation;

/// The layers whose `trainable` means nothing to Keras: what it trains is what the layers within say.
pub(super) const WRAPPERS: [&str; 2] = ["Bidirectional", "TimeDistributed"];

/// Turns a layer object into a specification.
///
/// # Errors
///
/// All of its settings that are not understood, each with its value.
pub(super) fn layer(object: Object, generation: Generation) -> Result<LayerSpec> {
    let mut complaints = Complaints::new();
    let mut table = table(object, generation, &mut complaints)?;
    loop {
        match taper::read(table.clone()) {
            Ok(spec) => return complaints.finish().map(|()| spec),
            Err(Error::Invalid(mut found)) => {
                // The first alone is told; without it, the next.
                let unknown = found.first().and_then(|first| take(&mut table, &first.place));
                match unknown {
                    Some((key, value)) if is_unknown(&found[0], &key) => {
                        let place = found[0].place.replace("of.", "layer.");
                        let help = help_of(&key);
                        let complaint = Complaint::new(place, expected_of(&key), brief(&value));
                        complaints.push(if help.is_empty() { complaint } else { complaint.help(help) });
                    }
                    known => {
                        complaints.push(found.remove(0));
                        if known.is_none() {
                            break;
                        }
                    }
                }
            }
            Err(other) => return Err(other),
        }
    }
    Err(complaints.finish().map_or_else(|error| error, |()| Complaint::new("", "a layer", "another").into()))
}

/// Whether this says that there is no such setting.
fn is_unknown(complaint: &Complaint, key: &str) -> bool {
    complaint.got == format!("`{key}`")
}

/// Takes a setting off a table, by its place: `of.units`.
fn take(table: &mut Value, place: &str) -> Option<(String, Value)> {
    let (outer, key) = place.rsplit_once('.').map_or((None, place), |(outer, key)| (Some(outer), key));
    let within =
        outer.into_iter().flat_map(|outer| outer.split('.')).try_fold(table, |table, key| table.get_mut(key))?;
    within.as_object_mut()?.remove(key).map(|value| (key.to_owned(), value))
}

/// What to do about a setting that is not understood.
fn help_of(key: &str) -> &'static str {
    match key {
        "dtype" => {
            "everything is computed in float32: set `keras.config.set_dtype_policy(\"float32\")`, build the model again and load its weights"
        }
        "data_format" => "channels come last here: build the model so and transpose its kernels",
        "lora_rank" | "lora_alpha" => "merge the LoRA weights into the kernels first",
        "quantization_config" | "quantization_mode" => "save the model before it is quantized",
        "stateful" => "save it with stateful=False: the state of a row before is not kept here",
        _ => "",
    }
}

/// The layer as a table in Taper's spelling.
fn table(mut object: Object, generation: Generation, complaints: &mut Complaints) -> Result<Value> {
    generation.modern(&mut object)?;
    object.check(LAYERS)?;
    object.drop_inert();
    let rank = input_rank(&object);
    let Object { class, config, .. } = object;
    let mut table = Map::new();
    for (key, value) in config {
        let (key, value) = match &*key {
            // The last one by another number; only as -1 it is known for what a loss may work from the logits of.
            "axis" if class == "Softmax" && is_last_axis(&value, rank) => continue,
            "layer" | "backward_layer" => {
                let each_step = class == "TimeDistributed" && key == "layer";
                let Some(inner) = complaints.take("", inner(value, &key, each_step, generation))? else { continue };
                (if key == "layer" { "of".to_owned() } else { key }, inner)
            }
            "trainable" if value == json!(true) || WRAPPERS.contains(&&*class) => continue,
            _ => match setting(&key, value) {
                Ok(value) => (key, value),
                Err(complaint) => {
                    complaints.push(complaint.within(&key));
                    continue;
                }
            },
        };
        table.insert(key, value);
    }
    table.insert("layer".to_owned(), snake_case(&class).into());
    Ok(Value::Object(table))
}

/// A layer that another one wraps. `TimeDistributed` calls only its arithmetic: Keras never computes the penalty on the outputs of
/// such a layer, and we leave it out.
fn inner(value: Value, key: &str, each_step: bool, generation: Generation) -> Result<Value> {
    let mut object = Object::new(value, "a layer").map_err(|complaint| complaint.within(key))?;
    if each_step {
        object.config.remove("activity_regularizer");
    }
    let mut complaints = Complaints::new();
    let table = table(object, generation, &mut complaints).map_err(|error| error.within(key))?;
    complaints.finish().map_err(|error| error.within(key))?;
    Ok(table)
}

/// The number of dimensions of the input, if the file says it.
fn input_rank(object: &Object) -> Option<usize> {
    object.rest.get("build_config")?.get("input_shape")?.as_array()?.len().checked_sub(1)
}

fn is_last_axis(axis: &Value, rank: Option<usize>) -> bool {
    let axis = match axis {
        Value::Array(axes) if axes.len() == 1 => &axes[0],
        other => other,
    };
    axis == &json!(-1) || rank.is_some_and(|rank| axis == &json!(rank))
}

/// A setting that may be an object of Keras's: an initializer, regularizer, constraint or function.
pub(super) fn setting(key: &str, value: Value) -> Result<Value, Complaint> {
    if key.ends_with("_initializer") {
        named(value, "an initializer", INITIALIZERS)
    } else if key.ends_with("_constraint") {
        named(value, "a constraint", CONSTRAINTS)
    } else if key.ends_with("_regularizer") {
        regularizer(value)
    } else if key == "activation" || key == "recurrent_activation" {
        activation::read(value)
    } else {
        Ok(value)
    }
}

/// `{"class_name": "RandomNormal", "config": {"stddev": 1}}` becomes `{"name": "random_normal", "stddev": 1}`.
pub(super) fn named(value: Value, what: &str, known: &[&str]) -> Result<Value, Complaint> {
    if value.is_string() {
        return Ok(value);
    }
    let mut object = Object::new(value, what)?;
    object.check(known)?;
    object.drop_inert();
    let mut table = object.config;
    table.insert("name".to_owned(), snake_case(&object.class).into());
    Ok(Value::Object(table))
}

fn regularizer(value: Value) -> Result<Value, Complaint> {
    if value.is_string() {
        return Ok(value);
    }
    let mut object = Object::new(value, "a regularizer")?;
    object.check(REGULARIZERS)?;
    object.drop_inert();
    let mut table = object.config;
    if object.class == "OrthogonalRegularizer"
        && let Some(factor) = table.remove("factor")
    {
        table.insert("orthogonal".to_owned(), factor);
        if let Some(mode) = table.remove("mode") {
            table.insert("orthogonal_mode".to_owned(), mode);
        }
    }
    Ok(Value::Object(table))
}

/// The other way: a layer's table in Keras's spelling, as class and settings.
pub(super) fn to_keras(spec: &LayerSpec) -> Result<(&'static str, Map<String, Value>)> {
    let Ok(Value::Object(table)) = serde_json::to_value(spec) else {
        return Err(Complaint::new("", "a layer that can be written", "another").into());
    };
    let kind = spec.kind.name();
    let Some(class) = super::class::class_of(kind, LAYERS) else {
        return Err(Complaint::new("layer", "a layer that Keras has", kind).into());
    };
    let mut config = Map::new();
    for (key, value) in table {
        let (key, value) = match &*key {
            "layer" => continue,
            "trainable" if WRAPPERS.contains(&class) => continue,
            "of" | "backward_layer" => {
                let mut inner: LayerSpec = taper::read(value)?;
                inner.trainable &= spec.trainable;
                let (class, config) = to_keras(&inner)?;
                let key = if key == "of" { "layer" } else { "backward_layer" };
                (key.to_owned(), object("keras.layers", class, config))
            }
            "activation" | "recurrent_activation" => {
                let function = activation::write(&value).map_err(|complaint| complaint.within(&key))?;
                (key, function)
            }
            _ if key.ends_with("_initializer") => (key, named_to_keras("keras.initializers", INITIALIZERS, value)),
            _ if key.ends_with("_constraint") => (key, named_to_keras("keras.constraints", CONSTRAINTS, value)),
            _ if key.ends_with("_regularizer") => {
                let value = regularizer_to_keras(&value).map_err(|complaint| complaint.within(&key))?;
                (key, value)
            }
            _ => (key, value),
        };
        config.insert(key, value);
    }
    Ok((class, config))
}

/// An object as Keras writes it.
pub(super) fn object(module: &str, class: &str, mut config: Map<String, Value>) -> Value {
    drop_inert(&mut config);
    json!({ "module": module, "class_name": class, "config": config, "registered_name": null })
}

pub(super) fn named_to_keras(module: &str, known: &[&'static str], value: Value) -> Value {
    let (name, mut config) = match value {
        Value::String(name) => (name, Map::new()),
        Value::Object(mut table) => match table.remove("name") {
            Some(Value::String(name)) => (name, table),
            _ => (String::new(), table),
        },
        _ => (String::new(), Map::new()),
    };
    // Taper's default is all axes but the last, Keras's is the first: said here only where it was said.
    if module == "keras.constraints" && name != "non_neg" && !config.contains_key("axis") {
        config.insert("axis".to_owned(), Value::Null);
    }
    let class = super::class::class_of(&name, known).unwrap_or_default();
    json!({ "module": module, "class_name": class, "config": config, "registered_name": null })
}

pub(super) fn regularizer_to_keras(value: &Value) -> Result<Value, Complaint> {
    let read: taper::Regularizer =
        taper::read(value.clone()).map_err(|_| Complaint::new("", "a penalty", brief(value)))?;
    let Value::Object(mut table) = serde_json::to_value(&read).unwrap_or_default() else {
        return Err(Complaint::new("", "a penalty", brief(value)));
    };
    const KNOWN: [&str; 4] = ["l1", "l2", "orthogonal", "orthogonal_mode"];
    if let Some((key, value)) = table.iter().find(|(key, _)| !KNOWN.contains(&key.as_str())) {
        return Err(Complaint::new(key, "one of Keras's penalties (l1, l2, orthogonal, in the loss)", brief(value)));
    }
    if let Some((key, schedule)) = table.iter().find(|(key, value)| *key != "orthogonal_mode" && !value.is_number()) {
        return Err(Complaint::new(key, "one strength for all epochs (Keras has no schedules)", brief(schedule)));
    }
    let (elementwise, orthogonal) = (table.contains_key("l1") || table.contains_key("l2"), table.remove("orthogonal"));
    let class = match (&orthogonal, table.contains_key("l1"), table.contains_key("l2")) {
        (Some(_), ..) if elementwise => {
            return Err(Complaint::new("", "either l1 and l2 or an orthogonal penalty", "both"));
        }
        (Some(_), ..) => "OrthogonalRegularizer",
        (None, true, true) => "L1L2",
        (None, true, false) => "L1",
        (None, false, _) => "L2",
    };
    match orthogonal {
        Some(factor) => {
            table.insert("factor".to_owned(), factor);
            let mode = table.remove("orthogonal_mode").unwrap_or_else(|| json!("rows"));
            table.insert("mode".to_owned(), mode);
        }
        None => {
            table.remove("orthogonal_mode");
            if class == "L2" {
                table.entry("l2").or_insert_with(|| json!(0.0));
            }
        }
    }
    Ok(object("keras.regularizers", class, table))
}

#[cfg(test)]
mod tests {
    use taper::{BatchNormalization, LayerKind, TimeDistributed};

    use super::*;

    /// `TimeDistributed(BatchNormalization(), trainable=False)` is trained by Keras; set afterwards, `trainable` reaches the layer within.
    #[test]
    fn what_a_wrapper_trains_is_said_within() {
        let inner = json!({ "module": "keras.layers", "class_name": "BatchNormalization", "config": { "name": "bn" } });
        let config = json!({ "name": "each", "trainable": false, "layer": inner });
        let wrapper = json!({ "module": "keras.layers", "class_name": "TimeDistributed", "config": config });
        let spec = layer(Object::new(wrapper, "a layer").unwrap(), Generation::Three).unwrap();
        let LayerKind::TimeDistributed(read) = &spec.kind else { panic!("{spec:?}") };
        assert!(spec.trainable && read.of.trainable);

        let frozen = LayerSpec::from(TimeDistributed::new(BatchNormalization::new())).trainable(false);
        let (_, config) = to_keras(&frozen).unwrap();
        assert_eq!((config.get("trainable"), &config["layer"]["config"]["trainable"]), (None, &json!(false)));
    }
}
