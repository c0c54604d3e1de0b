//! How a Keras model was compiled: `compile_config` and [`FitConfig`], either way.

use serde_json::{Map, Value, json};
use taper::{Complaint, Complaints, FitConfig, Result};

use super::class::{LOSSES, METRICS, OPTIMIZERS, Object, SCHEDULES, brief, class_of, optimizer_name, snake_case};
use super::layer::object;
use super::legacy;

/// What is said for the model's only output: alone, in a list of one, or under the output's name.
fn only(value: Value) -> Result<Value, Complaint> {
    let several = |got: String| Complaint::new("", "one for the model's only output", got);
    match value {
        Value::Array(list) => match <[Value; 1]>::try_from(list) {
            Ok([one]) => Ok(one),
            Err(list) => Err(several(brief(&Value::Array(list)))),
        },
        Value::Object(map) if !map.contains_key("class_name") => {
            let shown = brief(&Value::Object(map.clone()));
            let mut values = map.into_iter().map(|(_, value)| value);
            match (values.next(), values.next()) {
                (Some(one), None) => Ok(one),
                _ => Err(several(shown)),
            }
        }
        other => Ok(other),
    }
}

/// Keras writes one of its functions as this, with the function's name for settings.
fn is_function(value: &Value) -> bool {
    value.get("module") == Some(&json!("builtins")) && value.get("class_name") == Some(&json!("function"))
}

/// Whether this is in Taper's spelling already.
fn is_own(value: &Value) -> bool {
    value.get("class_name").is_none() && value.get("name").is_some_and(Value::is_string)
}

/// A name and its settings, in Taper's spelling. `known` pairs Keras's classes with names.
fn named(mut value: Value, what: &str, known: &[(&str, &str)]) -> Result<(String, Map<String, Value>), Complaint> {
    if is_function(&value)
        && let Some(name @ Value::String(_)) = value.get_mut("config")
    {
        value = name.take();
    }
    if let Value::String(given) = value {
        // A class by its name is that class with its defaults.
        let name = known.iter().find(|(class, _)| *class == given).map(|(_, name)| (*name).to_owned());
        return Ok((name.unwrap_or(given), Map::new()));
    }
    if let Some(config) = value.get_mut("config").and_then(Value::as_object_mut) {
        config.remove("fn"); // the function that the class wraps
    }
    let mut object = Object::new(value, what)?;
    let classes: Vec<&str> = known.iter().map(|(class, _)| *class).collect();
    object.check(&classes)?;
    object.drop_inert();
    let name = known.iter().find(|(class, _)| *class == object.class).map_or("", |(_, name)| *name);
    let mut config = object.config;
    if config.get("axis") == Some(&json!(-1)) {
        config.remove("axis");
    }
    Ok((name.to_owned(), config))
}

pub(super) fn loss(value: Value) -> Result<Value, Complaint> {
    if is_own(&value) {
        return Ok(value);
    }
    let (mut name, mut config) = named(only(value)?, "one loss", LOSSES)?;
    if name.chars().all(|letter| letter.is_ascii_uppercase()) {
        name = name.to_ascii_lowercase(); // "MSE"
    }
    let known = match &*name {
        "bce" => Some("binary_crossentropy"),
        "kld" | "kullback_leibler_divergence" => Some("kl_divergence"),
        "logcosh" => Some("log_cosh"),
        "cosine_proximity" => Some("cosine_similarity"),
        "mean_squared_error" => Some("mse"),
        "mean_absolute_error" => Some("mae"),
        "mean_absolute_percentage_error" => Some("mape"),
        "mean_squared_logarithmic_error" => Some("msle"),
        _ => None,
    };
    if let Some(known) = known {
        known.clone_into(&mut name);
    }
    config.insert("name".to_owned(), name.into());
    Ok(Value::Object(config))
}

/// A list of metrics. A metric that is called something else in Keras's history gets that as its label.
pub(super) fn metrics(value: Value) -> Result<Value> {
    let list = match value {
        Value::Null => vec![],
        Value::Object(_) => match only(value)? {
            Value::Array(list) => list,
            one => vec![one],
        },
        Value::Array(list) => match <[Value; 1]>::try_from(list) {
            Ok([Value::Array(inner)]) => inner, // one list per output
            Ok(list) => list.into(),
            Err(list) => list,
        },
        name @ Value::String(_) => vec![name],
        other => return Err(Complaint::new("", "a list", brief(&other)).into()),
    };
    let mut complaints = Complaints::new();
    let mut metrics = Vec::new();
    for (i, value) in list.into_iter().enumerate().filter(|(_, value)| !value.is_null()) {
        metrics.extend(complaints.take(format!("[{i}]"), metric(value).map_err(Into::into))?);
    }
    complaints.finish()?;
    Ok(Value::Array(metrics))
}

fn metric(value: Value) -> Result<Value, Complaint> {
    if is_own(&value) {
        return Ok(value);
    }
    // A metric said by a text goes by that text.
    let said = if is_function(&value) { value.get("config") } else { Some(&value) };
    let said = said.and_then(Value::as_str).map(str::to_owned);
    let (mut name, mut config) = named(legacy::metric(value), "a metric", METRICS)?;
    let mut label = said.unwrap_or_else(|| name.clone());
    match &*name {
        "acc" => "accuracy".clone_into(&mut name),
        "bce" | "BCE" => "binary_crossentropy".clone_into(&mut name),
        "kld" | "KLD" | "kullback_leibler_divergence" => "kl_divergence".clone_into(&mut name),
        "mean_squared_error" | "MSE" => "mse".clone_into(&mut name),
        "mean_absolute_error" | "MAE" => "mae".clone_into(&mut name),
        "mean_absolute_percentage_error" | "MAPE" => "mape".clone_into(&mut name),
        "mean_squared_logarithmic_error" | "MSLE" => "msle".clone_into(&mut name),
        _ => {}
    }
    if let Some(Value::String(given)) = config.remove("name") {
        label = given;
    }
    let renames: &[(&str, &str)] = match &*name {
        "auc" => &[("num_thresholds", "thresholds")],
        "precision" | "recall" => &[("thresholds", "threshold")],
        _ => &[],
    };
    for (from, to) in renames {
        if let Some(value) = config.remove(*from) {
            config.insert((*to).to_owned(), value);
        }
    }
    if label != name {
        config.insert("label".to_owned(), label.into());
    }
    config.insert("name".to_owned(), name.into());
    Ok(Value::Object(config))
}

pub(super) fn optimizer(value: Value) -> Result<Value, Complaint> {
    if let Value::String(name) = value {
        return Ok(json!(name.to_ascii_lowercase()));
    }
    let mut object = Object::new(value, "an optimizer")?;
    object.check(OPTIMIZERS)?;
    let decay = object.config.get("weight_decay").is_some_and(Value::is_null);
    if object.config.get("use_ema") == Some(&json!(false)) {
        for key in ["ema_momentum", "ema_overwrite_frequency"] {
            object.config.remove(key);
        }
    }
    object.drop_inert();
    let mut config = object.config;
    let name = optimizer_name(&object.class);
    config.insert("name".to_owned(), name.into());
    if decay {
        config.insert("weight_decay".to_owned(), json!(0.0)); // AdamW's default is another
    }
    if let Some(rate @ Value::Object(_)) = config.get_mut("learning_rate") {
        *rate = schedule(rate.take()).map_err(|complaint| complaint.within("learning_rate"))?;
    }
    Ok(Value::Object(config))
}

fn schedule(value: Value) -> Result<Value, Complaint> {
    let mut object = Object::new(value, "a schedule")?;
    object.check(SCHEDULES)?;
    object.drop_inert();
    let mut config = object.config;
    config.insert("name".to_owned(), snake_case(&object.class).into());
    Ok(Value::Object(config))
}

/// The other way.
pub(super) fn to_keras(fit: &FitConfig) -> Result<Value> {
    let Ok(Value::Object(mut table)) = serde_json::to_value(fit) else {
        return Err(Complaint::new("", "settings that can be written", "others").into());
    };
    let mut take = |key: &str| table.remove(key).unwrap_or_default();
    let (loss, optimizer) = (take("loss"), take("optimizer"));
    let (metrics, weighted) = (take("metrics"), take("weighted_metrics"));
    Ok(json!({
        "optimizer": optimizer_to_keras(optimizer).map_err(|complaint| complaint.within("optimizer"))?,
        "loss": named_to_keras("keras.losses", LOSSES, loss).map_err(|complaint| complaint.within("loss"))?,
        "loss_weights": null,
        "metrics": metrics_to_keras(metrics).map_err(|complaint| complaint.within("metrics"))?,
        "weighted_metrics": metrics_to_keras(weighted).map_err(|complaint| complaint.within("weighted_metrics"))?,
        "run_eagerly": false,
        "steps_per_execution": 1,
        "jit_compile": false,
    }))
}

fn unfold(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        name => Map::from_iter([("name".to_owned(), name)]),
    }
}

fn named_to_keras(module: &str, known: &[(&str, &str)], value: Value) -> Result<Value, Complaint> {
    let mut config = unfold(value);
    let name = config.remove("name").unwrap_or_default();
    match known.iter().find(|(_, other)| name == *other) {
        Some((class, _)) => Ok(object(module, class, config)),
        None => {
            let names: Vec<&str> = known.iter().map(|(_, name)| *name).collect();
            Err(Complaint::new("", format!("one of {}", names.join(", ")), brief(&name)))
        }
    }
}

fn metrics_to_keras(value: Value) -> Result<Value, Complaint> {
    let Value::Array(list) = value else { return Ok(Value::Null) };
    let mut metrics = Vec::new();
    for metric in list {
        let mut config = unfold(metric);
        let name = config.get("name").cloned().unwrap_or_default();
        let label = config.remove("label").unwrap_or_else(|| name.clone());
        for (metric, from, to) in [
            ("auc", "thresholds", "num_thresholds"),
            ("precision", "threshold", "thresholds"),
            ("recall", "threshold", "thresholds"),
        ] {
            if name == metric
                && let Some(value) = config.remove(from)
            {
                config.insert(to.to_owned(), value);
            }
        }
        // Keras chooses the kind of accuracy for the string only.
        if name == "accuracy" {
            metrics.push(name);
            continue;
        }
        let mut metric = named_to_keras("keras.metrics", METRICS, Value::Object(config))?;
        metric["config"]["name"] = label;
        metrics.push(metric);
    }
    Ok(if metrics.is_empty() { Value::Null } else { Value::Array(metrics) })
}

fn optimizer_to_keras(value: Value) -> Result<Value, Complaint> {
    let mut config = unfold(value);
    let name = config.remove("name").unwrap_or_default();
    let name = name.as_str().unwrap_or_default();
    let class = if name == "rmsprop" { Some("RMSprop") } else { class_of(name, OPTIMIZERS) };
    let Some(class) = class else {
        return Err(Complaint::new("", format!("one of {}", OPTIMIZERS.join(", ")), format!("`{name}`")));
    };
    if let Some(excluded) = config.remove("exclude_from_weight_decay")
        && excluded != json!([])
    {
        let complaint = Complaint::new("exclude_from_weight_decay", "nothing", brief(&excluded));
        return Err(complaint.help("Keras does not keep it in its files"));
    }
    let decay = config.remove("weight_decay").filter(|decay| decay.as_f64() != Some(0.0));
    if let Some(Value::Object(schedule)) = config.get("learning_rate") {
        let mut settings = schedule.clone();
        let name = settings.remove("name").unwrap_or_default();
        let name = name.as_str().unwrap_or_default();
        let Some(class) = class_of(name, SCHEDULES) else {
            let expected = format!("one of {}", SCHEDULES.join(", "));
            return Err(Complaint::new("learning_rate", expected, format!("`{name}`")));
        };
        config.insert("learning_rate".to_owned(), object("keras.optimizers.schedules", class, settings));
    }
    let mut optimizer = object("keras.optimizers", class, config);
    // AdamW takes a number only.
    let none = if class == "AdamW" { json!(0.0) } else { Value::Null };
    optimizer["config"]["weight_decay"] = decay.unwrap_or(none);
    optimizer["config"]["name"] = snake_case(class).into();
    Ok(optimizer)
}

#[cfg(test)]
mod tests {
    use super::super::generation::Generation;
    use super::super::settings::CompileSettings;
    use super::*;
    use taper::{Loss, Metric};

    fn read(loss: &Value, metrics: &Value) -> Result<FitConfig> {
        let config = json!({ "optimizer": "rmsprop", "loss": loss, "metrics": metrics, "jit_compile": "auto" });
        CompileSettings::read(config, Generation::Three).fit().map(Option::unwrap)
    }

    #[test]
    fn names_alone_mean_what_keras_means_by_them() {
        let metrics = json!(["acc", "AUC", "MeanSquaredError", "mean_absolute_error", "mse", "binary_accuracy"]);
        let fit = read(&json!("MSE"), &metrics).unwrap();
        assert_eq!(fit.loss, Loss::Mse);
        let names = ["acc", "AUC", "MeanSquaredError", "mean_absolute_error", "mse", "binary_accuracy"];
        assert_eq!(fit.metric_names(), names);
        assert_eq!(fit.metrics[0].metric, Metric::Accuracy);
        assert_eq!(read(&json!("BinaryCrossentropy"), &json!(null)).unwrap().loss, Loss::BINARY_CROSSENTROPY);
        assert!(read(&json!("mse"), &json!(["fbeta"])).unwrap_err().to_string().starts_with("metrics[0]"));
    }

    #[test]
    fn what_is_said_of_the_only_output_may_stand_in_a_list_or_under_its_name() {
        let function = |name: &str| json!({ "module": "builtins", "class_name": "function", "config": name, "registered_name": "function" });
        for loss in
            [json!(["bce"]), json!({ "out": "binary_crossentropy" }), function("binary_crossentropy"), json!("BCE")]
        {
            assert_eq!(read(&loss, &json!(null)).unwrap().loss, Loss::BINARY_CROSSENTROPY, "{loss}");
        }
        let fit = read(&json!("mse"), &json!({ "out": ["acc", function("mean_squared_error")] })).unwrap();
        assert_eq!(fit.metric_names(), ["acc", "mean_squared_error"]);
        assert_eq!(read(&json!("mse"), &json!({ "out": "mae" })).unwrap().metric_names(), ["mae"]);
        let error = read(&json!({ "a": "mse", "b": "mse" }), &json!(null)).unwrap_err().to_string();
        assert!(error.starts_with("loss: expected one for the model's only output"), "{error}");
        assert!(read(&json!([]), &json!(null)).is_err());
        assert!(read(&function("somebody_s_own"), &json!(null)).is_err());
    }

    #[test]
    fn settings_survive_the_way_there_and_back() {
        let fit = read(&json!("poisson"), &json!([["mae"]])).unwrap();
        assert_eq!(CompileSettings::read(to_keras(&fit).unwrap(), Generation::Three).fit().unwrap().unwrap(), fit);
        assert!(CompileSettings::read(Value::Null, Generation::Three).fit().unwrap().is_none());
    }
}
