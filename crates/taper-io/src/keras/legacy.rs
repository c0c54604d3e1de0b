//! How models of Keras 2 were compiled, in the spelling of Keras 3.

use serde_json::{Map, Value, json};
use taper::Complaint;

use super::class::{METRICS, brief, snake_case};

/// The optimizers of before Keras 2.11 that compute what those of Keras 3 do. Of the others the place of epsilon or the schedule of
/// momenta is another.
const SAME_AS_EVER: &[&str] = &["SGD", "Adam", "Adamax"];

/// Whether an optimizer is one of those before Keras 2.11: without a mark that it is new.
pub(super) fn is_old(optimizer: &Value) -> bool {
    let class = optimizer.get("class_name").and_then(Value::as_str).unwrap_or_default();
    let mark = optimizer.get("config").and_then(|config| config.get("is_legacy_optimizer"));
    !class.starts_with("Custom>") && mark != Some(&json!(false))
}

/// An optimizer: `Custom>Adam` is Keras's own Adam, `lr` is the learning rate, and `decay` makes it fall.
///
/// # Errors
///
/// One that computes what no optimizer of Keras 3 does.
pub(super) fn optimizer(value: Value) -> Result<Value, Complaint> {
    let old = is_old(&value);
    let Value::Object(mut object) = value else { return Ok(value) };
    let class = object.get("class_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let class = class.strip_prefix("Custom>").unwrap_or(&class).to_owned();
    if old && !SAME_AS_EVER.contains(&&*class) {
        let expected = format!("one of {}", SAME_AS_EVER.join(", "));
        let complaint = Complaint::new("", expected, format!("`{class}` as it was before Keras 2.11"));
        return Err(complaint.help("today's of that name computes something else"));
    }
    object.insert("class_name".to_owned(), json!(class));
    if object.get("registered_name").is_some_and(|name| *name == json!(format!("Custom>{class}"))) {
        object.remove("registered_name");
    }
    if let Some(Value::Object(config)) = object.get_mut("config") {
        modern_settings(config)?;
    }
    Ok(Value::Object(object))
}

fn modern_settings(config: &mut Map<String, Value>) -> Result<(), Complaint> {
    config.remove("jit_compile");
    config.remove("is_legacy_optimizer");
    if let Some(rate) = config.remove("lr") {
        config.insert("learning_rate".to_owned(), rate);
    }
    let decay = config.remove("decay").unwrap_or_default();
    if decay.is_null() || decay.as_f64() == Some(0.0) {
        return Ok(());
    }
    // lr / (1 + decay * steps)
    match (decay.as_f64(), config.get("learning_rate").and_then(Value::as_f64)) {
        (Some(_), Some(rate)) => {
            let schedule = json!({ "initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay });
            let schedule = json!({ "class_name": "InverseTimeDecay", "config": schedule });
            config.insert("learning_rate".to_owned(), schedule);
            Ok(())
        }
        _ => Err(Complaint::new("decay", "a number beside a constant learning rate", brief(&decay))),
    }
}

/// A metric: a wrapped function is the metric of the function's name, under the wrapper's.
pub(super) fn metric(value: Value) -> Value {
    if value.get("class_name") != Some(&json!("MeanMetricWrapper")) {
        return value;
    }
    let setting = |key: &str| value.get("config").and_then(|config| config.get(key)).and_then(Value::as_str);
    let Some(function) = setting("fn") else { return value };
    let named = match function {
        "kullback_leibler_divergence" => "kl_divergence",
        "logcosh" => "log_cosh",
        other => other,
    };
    let class = METRICS.iter().find(|(class, name)| *name == named || snake_case(class) == named);
    let class = class.map_or(function, |(class, _)| class);
    json!({ "class_name": class, "config": { "name": setting("name").unwrap_or(function) } })
}
