//! What a file says that nothing comes of, in Keras as here.

use serde_json::Value;

/// A setting that is read and has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The layer.
    pub layer: String,
    /// What has no effect, and what would.
    pub message: String,
}

/// The notes about a model's configuration.
pub(super) fn notes(config: &Value) -> Vec<Note> {
    let mut notes = Vec::new();
    find(config, &mut notes);
    notes
}

/// Keras calls only the arithmetic of a layer that `TimeDistributed` wraps: a penalty on its outputs is never computed.
fn find(value: &Value, notes: &mut Vec<Note>) {
    match value {
        Value::Object(map) => {
            let config = &value["config"];
            let penalty = &config["layer"]["config"]["activity_regularizer"];
            if value["class_name"] == "TimeDistributed" && !penalty.is_null() {
                let message = "the penalty on the outputs of the layer that it wraps is never computed, in Keras as here: say it of \
                               the TimeDistributed layer itself";
                let layer = config["name"].as_str().unwrap_or("time_distributed").to_owned();
                notes.push(Note { layer, message: message.to_owned() });
            }
            map.values().for_each(|value| find(value, notes));
        }
        Value::Array(items) => items.iter().for_each(|value| find(value, notes)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_penalty_that_is_never_computed_is_told() {
        let wrapped = |penalty: Value| {
            json!({ "config": { "layers": [{ "class_name": "TimeDistributed", "config": { "name": "steps", "layer": {
                "class_name": "Dense", "config": { "units": 2, "activity_regularizer": penalty } } } }] } })
        };
        assert_eq!(notes(&wrapped(Value::Null)), []);
        let told = notes(&wrapped(json!({ "class_name": "L2", "config": { "l2": 0.1 } })));
        assert_eq!((told.len(), told[0].layer.as_str()), (1, "steps"));
    }
}
