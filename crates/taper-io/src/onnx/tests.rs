//! What is written is well formed and complete; that it computes the same is checked against onnxruntime, in `bench/onnx`.

use taper::{Activation, Add, Conv2d, Dense, Embedding, Flatten, Graph, Lstm, MaxPooling2d, Model, Seed, Sequential};

use super::onnx_bytes;

fn model(spec: impl Into<taper::ModelSpec>) -> Model {
    Model::build(spec, Seed::new(1)).unwrap()
}

/// The fields of a message: numbers, and what is in them.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut all = vec![];
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let len = match key & 7 {
            0 => {
                let value = varint(&mut bytes);
                all.push((key >> 3, value.to_le_bytes().to_vec()));
                continue;
            }
            5 => 4,
            2 => varint(&mut bytes) as usize,
            other => panic!("wire type {other}"),
        };
        all.push((key >> 3, bytes[..len].to_vec()));
        bytes = &bytes[len..];
    }
    all
}

fn texts(message: &[u8], field: u64) -> Vec<String> {
    fields(message)
        .into_iter()
        .filter(|(number, _)| *number == field)
        .map(|(_, text)| String::from_utf8(text).unwrap())
        .collect()
}

#[test]
fn every_node_reads_what_stands_before_it_and_all_weights_are_there() {
    let graph = Graph::new([8, 8, 3])
        .node("convolution", ["input"], Conv2d::new(4, 3).activation(Activation::Gelu))
        .node("pool", ["convolution"], MaxPooling2d::new(2))
        .node("flat", ["pool"], Flatten::new())
        .node("a", ["flat"], Dense::new(5).activation(Activation::Swish))
        .node("b", ["flat"], Dense::new(5))
        .node("sum", ["a", "b"], Add::new())
        .shared("again", ["flat"], "a")
        .node("all", ["sum", "again"], Add::new())
        .node("out", ["all"], Dense::new(2).activation(Activation::Softmax));
    let model = model(graph);
    let saved = crate::SavedModel::from(model);
    let bytes = onnx_bytes(&saved).unwrap();
    let file = fields(&bytes);
    let graph = &file.iter().find(|(number, _)| *number == 7).unwrap().1;
    let parts = fields(graph);
    let of = |field: u64| parts.iter().filter(move |(number, _)| *number == field).map(|(_, part)| part);
    let mut known: Vec<String> = of(5).flat_map(|tensor| texts(tensor, 8)).chain(["input".to_owned()]).collect();
    let operations: Vec<String> = of(1)
        .flat_map(|node| {
            for input in texts(node, 1) {
                assert!(known.contains(&input), "{input}");
            }
            for output in texts(node, 2) {
                assert!(!known.contains(&output), "{output} twice");
                known.push(output);
            }
            texts(node, 4)
        })
        .collect();
    assert!(known.contains(&"output".to_owned()));
    let count = |name: &str| operations.iter().filter(|operation| *operation == name).count();
    assert_eq!((count("Conv"), count("MaxPool"), count("Gemm"), count("Softmax"), count("Erf")), (1, 1, 4, 1, 1));
    // Every weight once or more: the shared layer's are written for each use.
    let stored: usize =
        of(5).map(|tensor| fields(tensor).iter().find(|(number, _)| *number == 9).unwrap().1.len()).sum();
    assert!(stored >= 4 * saved.model.params().data().len());
    assert!(onnx_bytes(&saved).unwrap() == bytes, "equal models make equal files");
}

#[test]
fn what_onnx_cannot_say_is_refused_by_name() {
    let spec = Sequential::new([5, 2]).layer(Lstm::new(3).activation(Activation::Gelu)).layer(Dense::new(1));
    let text = onnx_bytes(&model(&spec).into()).unwrap_err().to_string();
    assert!(text.contains("layer `lstm`"), "{text}");
}

/// What `bench/onnx/tables.py` ran in onnxruntime on raw rows, and compared with what Taper predicts of them.
#[test]
fn graphs_of_tables_are_those_that_a_runtime_has_run() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx");
    for name in ["mpg", "buys", "yes"] {
        let saved = crate::read_saved_model(&folder.join(format!("{name}.safetensors"))).unwrap();
        let golden = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        let graph = |bytes: &[u8]| fields(bytes).into_iter().find(|(number, _)| *number == 7).unwrap().1;
        assert!(graph(&onnx_bytes(&saved).unwrap()) == graph(&golden), "{name}");
    }
}

#[test]
fn steps_that_do_not_count_are_left_out_by_lengths() {
    let operations = |spec: &Sequential| {
        let bytes = onnx_bytes(&model(spec).into()).unwrap();
        let graph = fields(&bytes).into_iter().find(|(number, _)| *number == 7).unwrap().1;
        let nodes = fields(&graph).into_iter().filter(|(number, _)| *number == 1);
        nodes.flat_map(|(_, node)| texts(&node, 4)).collect::<Vec<String>>()
    };
    let masked = || Sequential::new([5]).layer(Embedding::new(9, 4).mask_zero(true));
    let last = operations(&masked().layer(Lstm::new(3)).layer(Dense::new(1)));
    assert!(last.contains(&"TopK".to_owned()) && !last.contains(&"Less".to_owned()), "{last:?}");
    let all = operations(&masked().layer(Lstm::new(3).return_sequences(true)));
    assert!(all.contains(&"CumSum".to_owned()) && all.contains(&"GatherElements".to_owned()), "{all:?}");
    let open = operations(&Sequential::new([5]).layer(Embedding::new(9, 4)).layer(Lstm::new(3)));
    assert!(!open.contains(&"TopK".to_owned()), "{open:?}");
}
