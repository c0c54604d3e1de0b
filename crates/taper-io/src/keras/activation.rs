//! The function that a layer ends with, either way: by its name, or as the layer by which Keras writes one with settings.

use serde_json::{Map, Value, json};
use taper::{Activation, Complaint};

use super::class::{Object, brief};
use super::layer::object;

/// The layers that stand for functions.
const LAYERS: &[&str] = &["ELU", "LeakyReLU", "ReLU", "Softmax"];

/// Their settings, and those of every layer that change nothing here.
const SETTINGS: &[&str] = &["alpha", "axis", "max_value", "name", "negative_slope", "threshold", "trainable"];

/// In Taper's spelling.
pub(super) fn read(value: Value) -> Result<Value, Complaint> {
    if !value.is_object() {
        return Ok(value);
    }
    let shown = brief(&value);
    let mut object = Object::new(value, "a function")?;
    object.check(LAYERS)?;
    object.drop_inert();
    if let Some(key) = object.config.keys().find(|key| !SETTINGS.contains(&key.as_str())) {
        return Err(Complaint::new(key, format!("one of {}", SETTINGS.join(", ")), shown));
    }
    let setting = |key: &str, default: f64| object.config.get(key).and_then(Value::as_f64).unwrap_or(default);
    let (slope, most, threshold) =
        (setting("negative_slope", 0.0), setting("max_value", f64::INFINITY), setting("threshold", 0.0));
    match &*object.class {
        "ELU" => Ok(json!({ "name": "elu", "alpha": setting("alpha", 1.0) })),
        "LeakyReLU" => Ok(json!({ "name": "leaky_relu", "negative_slope": setting("negative_slope", 0.3) })),
        "Softmax" if object.config.get("axis").is_none_or(|axis| *axis == json!(-1)) => Ok(json!("softmax")),
        "ReLU" if threshold == 0.0 && most == f64::INFINITY && slope == 0.0 => Ok(json!("relu")),
        "ReLU" if threshold == 0.0 && most == f64::INFINITY => {
            Ok(json!({ "name": "leaky_relu", "negative_slope": slope }))
        }
        "ReLU" if threshold == 0.0 && most == 6.0 && slope == 0.0 => Ok(json!("relu6")),
        _ => {
            let expected = "a function of one setting (a layer of its own may have all of them)";
            Err(Complaint::new("", expected, shown))
        }
    }
}

/// In Keras's spelling.
pub(super) fn write(value: &Value) -> Result<Value, Complaint> {
    let name = value.get("name").unwrap_or(value);
    let read = |value: &Value| taper::read::<Activation>(value.clone());
    let this = read(value).map_err(|_| Complaint::new("", "a function", brief(value)))?;
    if this == Activation::HardSigmoidKeras2 {
        return Err(Complaint::new("", "a function that Keras 3 has", brief(value)).help("its hard_sigmoid is another"));
    }
    if read(name).is_ok_and(|standard| standard == this) {
        return Ok(if name == "swish" { json!("silu") } else { name.clone() });
    }
    let layer = |class: &str, key: &str, setting: f32| {
        let config = Map::from_iter([(key.to_owned(), setting.into())]);
        object("keras.layers", class, config)
    };
    match this {
        Activation::LeakyRelu { negative_slope } => Ok(layer("LeakyReLU", "negative_slope", negative_slope)),
        Activation::Elu { alpha } => Ok(layer("ELU", "alpha", alpha)),
        _ => Err(Complaint::new("", "a function with Keras's own settings", brief(value))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_with_settings_survive_the_way_there_and_back() {
        for value in [
            json!("relu"),
            json!({ "name": "leaky_relu", "negative_slope": 0.5 }),
            json!({ "name": "elu", "alpha": 0.25 }),
            json!("softmax"),
        ] {
            assert_eq!(read(write(&value).unwrap()).unwrap(), value);
        }
        assert_eq!(write(&json!({ "name": "leaky_relu", "negative_slope": 0.2 })).unwrap(), json!("leaky_relu"));
        assert_eq!(write(&json!("swish")).unwrap(), json!("silu"));
    }

    #[test]
    fn layers_with_more_settings_than_a_function_are_refused() {
        let relu = |config: Value| json!({ "module": "keras.layers", "class_name": "ReLU", "config": config });
        assert_eq!(read(relu(json!({ "max_value": 6.0, "name": "re_lu" }))).unwrap(), json!("relu6"));
        assert_eq!(read(relu(json!({}))).unwrap(), json!("relu"));
        let error = read(relu(json!({ "max_value": 2.0 }))).unwrap_err().to_string();
        assert!(error.contains("a function of one setting"), "{error}");
        let dense = json!({ "module": "keras.layers", "class_name": "Dense", "config": {} });
        assert!(read(dense).unwrap_err().to_string().contains("one of ELU, LeakyReLU"), "refused by name");
    }
}
