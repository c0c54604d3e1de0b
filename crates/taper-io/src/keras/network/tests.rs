//! Against what Keras itself writes.

use std::path::Path;

use taper::{Add, Concatenate, Dense, Graph, Lstm, Mask, Seed};

use super::*;
use crate::archive;
use crate::keras::{CONFIG, ReadOptions, keras_bytes, keras_weight_bytes, read_keras_bytes, read_keras_weights};

fn config(file: &[u8]) -> Value {
    let entries = archive::entries(file).unwrap();
    serde_json::from_slice(&entries.iter().find(|(name, _)| name == CONFIG).unwrap().1).unwrap()
}

/// Of each call of an operation, what it reads and whether it is handed a mask.
type Calls = Vec<(Vec<String>, bool)>;

/// The operations of a file in their order: class, name and calls. The names of functions are anybody's, so who
/// reads one reads its class.
fn operations(config: &Value) -> Vec<(String, String, Calls)> {
    const NAMED: [&str; 5] = ["Add", "Maximum", "Minimum", "Multiply", "Subtract"]; // as functions they are layers here
    let list = config["config"]["layers"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let called = |object: &Value| {
        let class = text(&object["class_name"]);
        let anonymous = object["module"] == "keras.src.ops.numpy" && !NAMED.contains(&&*class);
        if class == "InputLayer" || anonymous { class } else { text(&object["name"]) }
    };
    let history = |tensor: &Value| {
        let [name, call, _] = tensor["config"]["keras_history"].as_array()?.as_slice() else { return None };
        let of = list.iter().find(|object| object["name"] == *name).unwrap();
        Some(format!("{} {call}", called(of)))
    };
    let reads = |call: &Value| {
        let args = call["args"].as_array().unwrap().iter();
        let tensors = args.flat_map(|arg| arg.as_array().cloned().unwrap_or_else(|| vec![arg.clone()]));
        (tensors.filter_map(|tensor| history(&tensor)).collect(), !call["kwargs"]["mask"].is_null())
    };
    let calls = |object: &Value| object["inbound_nodes"].as_array().unwrap().iter().map(reads).collect();
    list.iter().map(|object| (text(&object["class_name"]), called(object), calls(object))).collect()
}

/// Every graph that Keras wrote: the same operations in the same order, masks and all, come out again.
#[test]
fn graphs_are_written_as_keras_writes_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/keras");
    let (mut graphs, mut masked) = (0, 0);
    for case in std::fs::read_dir(folder).unwrap() {
        let path = case.unwrap().path().join("model.keras");
        let Ok(file) = std::fs::read(&path) else { continue };
        let original = config(&file);
        if original["class_name"] != "Functional" {
            continue;
        }
        let read = read_keras_bytes(&file, &ReadOptions::default()).unwrap();
        let written = config(&keras_bytes(&read.model, None, None).unwrap());
        assert_eq!(operations(&written), operations(&original), "{}", path.display());
        let mut names: Vec<&Value> =
            written["config"]["layers"].as_array().unwrap().iter().map(|object| &object["name"]).collect();
        let count = names.len();
        names.sort_by_key(|name| name.as_str());
        names.dedup();
        assert_eq!(names.len(), count, "{}: a name twice", path.display());
        graphs += 1;
        masked += usize::from(original.to_string().contains("\"NotEqual\""));
    }
    assert!(graphs >= 8 && masked >= 3, "{graphs} graphs, {masked} with masks");
}

/// Nodes in another order than Keras's: the two branches' layers, of one class and shape, must not change places.
fn branches() -> Model {
    let spec = Graph::new([3, 2])
        .node("counts", ["input"], Mask::new(0.0))
        .node("short", ["counts"], Dense::new(2))
        .node("long_1", ["counts"], Dense::new(2))
        .node("long_2", ["long_1"], Dense::new(2))
        .node("sum", ["short", "long_2"], Add::new())
        .node("joined", ["sum", "input"], Concatenate::new())
        .node("out", ["joined"], Lstm::new(2));
    Model::build(&spec, Seed::new(1)).unwrap()
}

#[test]
fn layers_stand_where_keras_puts_them() {
    let model = branches();
    let file = keras_bytes(&model, None, None).unwrap();
    let names: Vec<String> = operations(&config(&file)).into_iter().map(|(_, name, _)| name).collect();
    // `model.operations` of Keras 3.15.1, given the same calls.
    #[rustfmt::skip]
    let want = [
        "InputLayer", "counts", "long_1", "NotEqual", "short", "long_2", "Any", "sum", "LogicalOr", "ExpandDims", "ZerosLike",
        "LogicalOr", "OnesLike", "Concatenate", "joined", "Any", "out",
    ];
    assert_eq!(names, want);
    let again = read_keras_bytes(&file, &ReadOptions::default()).unwrap().model;
    let x: Vec<f32> = (0..12).map(|i| ((i * 7) % 5) as f32 - 2.0).collect();
    assert_eq!(again.predict(&x).unwrap(), model.predict(&x).unwrap());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.weights.h5");
    std::fs::write(&path, keras_weight_bytes(&model)).unwrap();
    let mut other = Model::build(model.spec(), Seed::new(2)).unwrap();
    read_keras_weights(&path, &mut other, &ReadOptions::default()).unwrap();
    assert_eq!(other.params(), model.params());
}
