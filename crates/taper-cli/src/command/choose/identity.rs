//! What a study's runs depend on, and how two such things differ.

use std::path::Path;

use serde_json::{Value, json};
use taper::{Complaint, Experiment};
use taper_io::Engine;

use crate::failure::Failure;

/// Experiment, contents of its files, and engine. Runs of studies with the same identity have the same outcomes, bit for bit.
pub(super) fn identity(experiment: &Experiment, folder: &Path) -> Result<Value, Failure> {
    Ok(json!({
        "experiment": experiment.to_value(),
        "files": taper_io::data_digests(&experiment.data, folder)?,
        "engine": Engine::here(),
    }))
}

/// One complaint for every setting in which `now` differs from `then`.
pub(super) fn differences(then: &Value, now: &Value) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    compare("", then, now, &mut complaints);
    complaints
}

fn compare(place: &str, then: &Value, now: &Value, complaints: &mut Vec<Complaint>) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            let keys: std::collections::BTreeSet<&String> = then.keys().chain(now.keys()).collect();
            for key in keys {
                let inner = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                compare(
                    &inner,
                    then.get(key).unwrap_or(&Value::Null),
                    now.get(key).unwrap_or(&Value::Null),
                    complaints,
                );
            }
        }
        (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
            for (i, (then, now)) in then.iter().zip(now).enumerate() {
                compare(&format!("{place}[{i}]"), then, now, complaints);
            }
        }
        _ if then == now => {}
        _ => complaints.push(Complaint::new(place, format!("{} as when the study began", said(then)), said(now))),
    }
}

fn said(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_told_with_both_sides() {
        let then = json!({ "choose": { "folds": 5, "penalties": ["l2"] }, "same": [1, { "a": 2 }] });
        let now = json!({ "choose": { "folds": 10, "penalties": ["l2", "l1"] }, "same": [1, { "a": 3 }], "new": true });
        let lines: Vec<String> = differences(&then, &now).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "choose.folds: expected 5 as when the study began, got 10",
                "choose.penalties: expected [\"l2\"] as when the study began, got [\"l2\",\"l1\"]",
                "new: expected nothing as when the study began, got true",
                "same[1].a: expected 2 as when the study began, got 3",
            ]
        );
        assert!(differences(&then, &then).is_empty());
    }
}
