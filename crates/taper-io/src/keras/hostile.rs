//! What strangers' files may try. Each must be an error in words, or harmless; never a panic, never memory without bound.

use std::time::Instant;

use serde_json::{Value, json};
use taper::{
    Activation, Add, Concatenate, Dense, FitConfig, Graph, LayerSpec, Loss, Lstm, Model, Optimizer, OptimizerKind,
    OptimizerState, Regularizer, Seed, Sequential,
};

use super::{
    CONFIG, KerasModel, METADATA, ReadOptions, WEIGHTS, keras_bytes, keras_weight_bytes, read_keras_bytes,
    read_keras_weights,
};
use crate::archive::{archive, entries};
use crate::hdf5::{Node, write};
use crate::memory::most;

fn small() -> Vec<u8> {
    let l2 = || Regularizer::l2(0.01);
    let spec = Graph::new([4, 3])
        .node("lstm", ["input"], Lstm::new(3).kernel_regularizer(l2()))
        .node("a", ["lstm"], Dense::new(3).activation(Activation::Relu))
        .shared("b", ["a"], "a")
        .node("sum", ["a", "b"], Add::new())
        .node("joined", ["sum", "lstm"], Concatenate::new())
        .node("out", ["joined"], Dense::new(1).activation(Activation::Sigmoid));
    let model = Model::build(spec, Seed::new(1)).unwrap();
    let fit = FitConfig::new(Loss::BINARY_CROSSENTROPY).optimizer(Optimizer::adam());
    let state = OptimizerState::new(&fit.optimizer, model.params().slots());
    keras_bytes(&model, Some(&fit), Some(&state)).unwrap()
}

/// The file with one of its entries changed.
fn with(file: &[u8], name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut parts: Vec<(String, Vec<u8>)> =
        entries(file).unwrap().into_iter().map(|(name, data)| (name, data.to_vec())).collect();
    change(&mut parts.iter_mut().find(|(other, _)| other == name).unwrap().1);
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    archive(&parts).unwrap()
}

fn with_config(file: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    with(file, CONFIG, |text| {
        let mut config = serde_json::from_slice(text).unwrap();
        change(&mut config);
        *text = config.to_string().into_bytes();
    })
}

/// Reads, and counts what that takes: the file is in memory once already, and once more is allowed beside 64 MiB.
fn read(bytes: &[u8]) -> taper::Result<KerasModel> {
    let (result, held) = most(|| read_keras_bytes(bytes, &ReadOptions::default()));
    assert!(held <= bytes.len() + (64 << 20), "{} MiB for {} bytes", held >> 20, bytes.len());
    result
}

fn error(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn the_file_itself_is_good() {
    let file = small();
    let model = read(&file).unwrap();
    assert_eq!(model.model.params().slots().len(), 7);
    assert!(model.optimizer.is_some());
}

#[test]
fn every_prefix_is_an_error() {
    let file = small();
    for cut in 0..file.len() {
        assert!(read(&file[..cut]).is_err(), "{cut}");
    }
    // Cut within, with everything around it whole.
    for name in [METADATA, CONFIG, WEIGHTS] {
        let len = entries(&file).unwrap().iter().find(|(other, _)| other == name).unwrap().1.len();
        for cut in (0..len).step_by(if name == WEIGHTS { 7 } else { 1 }) {
            assert!(read(&with(&file, name, |data| data.truncate(cut))).is_err(), "{name} {cut}");
        }
    }
}

/// Bits flipped in the archive are found by its checksums; flipped within, with checksums that are right again, they give an
/// error or other numbers.
#[test]
fn flipped_bits_do_no_harm() {
    let file = small();
    let mut rng = Seed::new(7).rng();
    for _ in 0..2000 {
        let mut bytes = file.clone();
        bytes[rng.below(file.len())] ^= 1 << rng.below(8);
        let _ = read(&bytes);
    }
    let model = read(&file).unwrap().model;
    for name in [METADATA, CONFIG, WEIGHTS] {
        for _ in 0..4000 {
            let bytes = with(&file, name, |data| {
                for _ in 0..=rng.below(3) {
                    let at = rng.below(data.len());
                    data[at] ^= 1 << rng.below(8);
                }
            });
            if let Ok(read) = read(&bytes) {
                assert!(read.model.params().data().len() <= 10 * model.params().data().len());
            }
        }
    }
}

#[test]
fn sizes_that_are_not_there_are_not_believed() {
    let file = small();
    let huge = with_config(&file, |config| config["config"]["layers"][5]["config"]["units"] = json!(400_000_000));
    assert!(error(&huge).contains("numbers, as the configuration says"), "{}", error(&huge));
    let huge = with_config(&file, |config| config["config"]["layers"][2]["config"]["units"] = json!(1u64 << 62));
    assert!(error(&huge).contains("units"), "{}", error(&huge));
    let huge = with_config(&file, |config| {
        config["config"]["layers"][0]["config"]["batch_shape"] = json!([null, 1u64 << 38, 3]);
    });
    let _ = read(&huge); // large rows are no mistake of the file's: whoever trains on them asks for memory first
    let many = with_config(&file, |config| {
        let layer = config["config"]["layers"][2].clone();
        config["config"]["layers"] = Value::Array(vec![layer; 20_000]);
    });
    assert!(read(&many).is_err());
    let deep = with(&file, CONFIG, |text| *text = ("[".repeat(200_000) + &"]".repeat(200_000)).into_bytes());
    assert!(error(&deep).contains("deeper"));
    let wide = with(&file, CONFIG, |text| *text = format!("[{}0]", r#"{"":0},"#.repeat(3_000_000)).into_bytes());
    assert!(error(&wide).contains("more than a description can be"));
}

#[test]
fn foreign_code_and_unknown_things_are_refused_by_name() {
    let file = small();
    let layer =
        |change: &dyn Fn(&mut Value)| error(&with_config(&file, |config| change(&mut config["config"]["layers"][2])));
    let lambda = layer(&|layer| layer["class_name"] = json!("Lambda"));
    assert!(lambda.contains("`Lambda` (it holds Python code, which is never run)"), "{lambda}");
    let foreign = layer(&|layer| layer["module"] = json!("os.path"));
    assert!(foreign.contains("os.path"), "{foreign}");
    let custom = layer(&|layer| layer["registered_name"] = json!("mine>Dense"));
    assert!(custom.contains("mine>Dense"), "{custom}");
    let unknown = layer(&|layer| layer["class_name"] = json!("MultiHeadAttention"));
    assert!(
        unknown.contains("config.layers[2]: expected a layer of Keras's that Taper has, got `MultiHeadAttention`"),
        "{unknown}"
    );
    let setting = layer(&|layer| layer["config"]["no_such_setting"] = json!(1));
    assert!(setting.contains("config.layers[2] (Dense).no_such_setting: expected no such setting, got 1"), "{setting}");
    let regularizer =
        json!({"module": "keras.regularizers", "class_name": "L3", "config": {}, "registered_name": null});
    let regularizer = layer(&|layer| layer["config"]["kernel_regularizer"] = regularizer.clone());
    assert!(regularizer.contains("kernel_regularizer") && regularizer.contains("`L3`"), "{regularizer}");
    let half = layer(&|layer| layer["config"]["dtype"] = json!("mixed_float16"));
    assert!(
        half.contains(r#"(Dense).dtype: expected "float32", got "mixed_float16" (everything is computed"#),
        "{half}"
    );
    let nested = layer(&|layer| layer["class_name"] = json!("Functional"));
    assert!(nested.contains("config.layers[2] (Functional).config.layers: expected a list"), "{nested}");
    let call = layer(&|layer| layer["inbound_nodes"][0]["kwargs"] = json!({"initial_state": 1}));
    assert!(call.contains("kwargs.initial_state"), "{call}");
    let operation = layer(&|layer| {
        layer["module"] = json!("keras.src.ops.numpy");
        layer["class_name"] = json!("Exp");
    });
    assert!(operation.contains("the operation `Exp`"), "{operation}");

    // How a model was compiled is asked for by its training alone.
    let compile = |key: &str, value: Value| {
        let read = read(&with_config(&file, |config| config["compile_config"][key] = value)).unwrap();
        assert!(read.fit.is_none());
        read.settings.fit().unwrap_err().to_string()
    };
    assert!(compile("loss_weights", json!([0.5])).contains("loss_weights: expected nothing (null), got [0.5]"));
    assert!(compile("optimizer", json!({"module": "keras.optimizers", "class_name": "Ftrl"})).contains("`Ftrl`"));
    assert!(compile("loss", json!("hing")).contains("did you mean `hinge`?"));
    let two = json!({"module": "keras.losses", "class_name": "Dice", "config": {}});
    assert!(compile("loss", two).contains("`Dice`"));
    assert!(error(&with(&file, METADATA, |text| *text = br#"{"keras_version": "4.0.0"}"#.to_vec())).contains("4.0.0"));
}

#[test]
fn all_obstacles_of_a_file_are_told_at_once() {
    let file = small();
    let text = error(&with_config(&file, |config| {
        let layers = &mut config["config"]["layers"];
        layers[1]["config"]["dtype"] = json!("float16");
        layers[1]["config"]["stateful"] = json!(true);
        layers[2]["class_name"] = json!("Attention");
        layers[3]["module"] = json!("keras.src.ops.numpy");
        layers[3]["class_name"] = json!("Exp");
        layers[5]["config"]["kernel_initializer"] = json!({ "class_name": "STFT", "config": {} });
        layers[5]["config"]["data_format"] = json!("channels_first");
    }));
    for part in [
        r#"config.layers[1] (LSTM).dtype: expected "float32", got "float16" (everything is computed in float32"#,
        "config.layers[1] (LSTM).stateful: expected false, got true (save it with stateful=False",
        "config.layers[2]: expected a layer of Keras's that Taper has, got `Attention`",
        "config.layers[3] (Exp): expected a layer (of operations",
        "config.layers[5] (Dense).kernel_initializer: expected one of Constant",
        r#"config.layers[5] (Dense).data_format: expected "channels_last", got "channels_first""#,
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

/// Initializers had longer names up to Keras 3.6.
#[test]
fn classes_are_known_by_their_former_names() {
    let file = small();
    let former = with_config(&file, |config| {
        let layer = &mut config["config"]["layers"][1]["config"];
        layer["recurrent_initializer"] = json!({ "module": "keras.initializers", "class_name": "OrthogonalInitializer",
            "config": { "gain": 1.0, "seed": null }, "registered_name": null });
        layer["kernel_initializer"] = json!({ "module": "keras.initializers", "class_name": "IdentityInitializer",
            "config": { "gain": 1.0 }, "registered_name": null });
    });
    read(&former).unwrap();
}

/// Models of Keras 2: every cut is an error, flipped bits are one or give other numbers.
#[test]
fn damaged_files_of_keras_2_do_no_harm() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/keras-legacy");
    let mut rng = Seed::new(9).rng();
    for name in ["adam_resume", "keras208_bilstm", "nested_frozen_two_bn"] {
        let file = std::fs::read(folder.join(name).join("model.h5")).unwrap();
        read(&file).unwrap();
        for cut in (0..file.len()).step_by(53) {
            assert!(read(&file[..cut]).is_err(), "{cut}");
        }
        for _ in 0..1500 {
            let mut bytes = file.clone();
            for _ in 0..=rng.below(3) {
                bytes[rng.below(file.len())] ^= 1 << rng.below(8);
            }
            let _ = read(&bytes);
        }
    }
}

#[test]
fn entries_that_do_not_belong_are_refused() {
    let file = small();
    let parts = entries(&file).unwrap();
    let mut more: Vec<(&str, &[u8])> = parts.iter().map(|(name, data)| (name.as_str(), data.as_ref())).collect();
    more.push(("assets/vocabulary.txt", b"x"));
    assert!(error(&archive(&more).unwrap()).contains("`assets/vocabulary.txt`"));
    assert!(error(&archive(&more[..2]).unwrap()).contains("an entry model.weights.h5"));
    more[3] = ("../../x", b"x");
    assert!(error(&archive(&more).unwrap()).contains("plain relative names"));
    more[3] = (CONFIG, b"{}");
    assert!(error(&archive(&more).unwrap()).contains("one entry of this name"));
}

#[test]
fn weights_that_do_not_fit_are_all_listed() {
    let file = small();
    let mut root = Node::group();
    root.insert("layers/lstm/cell/vars/0", Node::F32(vec![3, 11], vec![0.0; 33]));
    root.insert("layers/lstm/cell/vars/1", Node::F32(vec![3, 12], vec![0.0; 36]));
    root.insert("layers/lstm/cell/vars/2", Node::I64(3));
    root.insert("layers/stranger/vars/0", Node::F32(vec![1], vec![0.0; 1000]));
    let text = error(&with(&file, WEIGHTS, |data| *data = write(&root)));
    for part in [
        "layers/dense/vars/0: expected `a/kernel`, got nothing",
        "layers/lstm/cell/vars/0: expected shape (3, 12) of `lstm/lstm_cell/kernel`, got [3, 11]",
        "layers/lstm/cell/vars/2: expected numbers of type float32, got integers",
        "layers/stranger: expected a layer of the configuration",
        "layers/dense/vars: expected 2 variables, got 0",
        "layers/dense_1/vars: expected 2 variables, got 0",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused_unless_allowed() {
    let mut model = Model::build(&Sequential::new([2]).layer(Dense::new(2)), Seed::new(1)).unwrap();
    model.params_mut().data_mut()[1] = f32::NAN;
    model.params_mut().data_mut()[4] = f32::INFINITY;
    let file = keras_bytes(&model, None, None).unwrap();
    let text = error(&file);
    assert!(text.contains("dense/kernel: expected finite numbers, got NaN at 1 (1 such in all)"), "{text}");
    assert!(text.contains("dense/bias"), "{text}");
    let read = read_keras_bytes(&file, &ReadOptions { allow_nan: true }).unwrap();
    assert!(read.model.params().data()[1].is_nan() && read.fit.is_none());
}

#[test]
fn weights_alone_go_into_a_model_that_is_there() {
    let spec = Sequential::new([4, 2]).layer(Lstm::new(3)).layer(Dense::new(2)).layer(Dense::new(1));
    let model = Model::build(&spec, Seed::new(1)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.weights.h5");
    std::fs::write(&path, keras_weight_bytes(&model)).unwrap();
    let mut other = Model::build(&spec, Seed::new(2)).unwrap();
    read_keras_weights(&path, &mut other, &ReadOptions::default()).unwrap();
    assert_eq!(other.params(), model.params());
    let mut wrong = Model::build(&Sequential::new([2]).layer(Dense::new(2)), Seed::new(2)).unwrap();
    let before = wrong.params().clone();
    let text = read_keras_weights(&path, &mut wrong, &ReadOptions::default()).unwrap_err().to_string();
    assert!(text.contains("model.weights.h5: layers/lstm: expected a layer of the configuration"), "{text}");
    assert_eq!(wrong.params(), &before);
}

/// A large frozen layer has no moments in the file, and takes no room for any in memory: good or damaged.
#[test]
fn a_frozen_layer_takes_no_more_room_than_its_weights() {
    let still = LayerSpec::from(Dense::new(2800)).trainable(false);
    let spec = Sequential::new([2800]).layer(still).layer(Dense::new(2));
    let model = Model::build(&spec, Seed::new(1)).unwrap();
    let optimizer = OptimizerKind::Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: true };
    let optimizer = Optimizer { use_ema: true, ..Optimizer::new(optimizer) };
    let fit = FitConfig::new(Loss::Mse).optimizer(optimizer);
    let state = OptimizerState::new(&fit.optimizer, model.params().slots());
    let file = keras_bytes(&model, Some(&fit), Some(&state)).unwrap();
    assert!(file.len() > 31_000_000);
    assert_eq!(read(&file).unwrap().optimizer, Some(state));
    let wider = with_config(&file, |config| config["config"]["layers"][2]["config"]["units"] = json!(3));
    assert!(error(&wider).contains("shape"), "{}", error(&wider));
    let other = with_config(&file, |config| {
        config["compile_config"]["optimizer"]["config"]["amsgrad"] = json!(false);
    });
    let other = read(&other).unwrap();
    let error = other.settings.fit().unwrap_err().to_string();
    assert!(other.optimizer.is_none() && error.contains("optimizer/vars: expected"), "{error}");
}

#[test]
fn ten_megabytes_load_in_under_a_second() {
    let spec = Sequential::new([1600]).layer(Dense::new(1600)).layer(Dense::new(10));
    let file = keras_bytes(&Model::build(&spec, Seed::new(1)).unwrap(), None, None).unwrap();
    assert!(file.len() > 10_000_000);
    let start = Instant::now();
    read(&file).unwrap(); // and within twice its size
    assert!(start.elapsed().as_secs_f64() < 1.0, "{:?}", start.elapsed());
}

/// The files of `make_hdf5.py`: weights whose kernel is hidden behind something that must not be followed.
#[test]
fn what_hdf5_can_hide_is_refused_by_name() {
    let spec = Sequential::new([2]).layer(Dense::new(3));
    let file = keras_bytes(&Model::build(&spec, Seed::new(1)).unwrap(), None, None).unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hdf5");
    let with_weights = |name: &str| {
        let weights = std::fs::read(folder.join(format!("{name}.h5"))).unwrap();
        read(&with(&file, WEIGHTS, |data| *data = weights))
    };
    assert_eq!(with_weights("good").unwrap().model.params().data(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 0.0, 0.0]);
    for (name, words) in [
        ("soft_link", "the soft link `0`"),
        ("external_link", "links of newer files, soft or external"),
        ("external_data", "data in an external file"),
        ("virtual", "layout version"),
        ("chunked", "chunked data"),
        ("compressed", "a filter pipeline"),
        ("never_written", "never written"),
        ("other_kind", "numbers of type float32"),
        ("big_endian", "numbers of type float32"),
        ("text", "numbers of type float32"),
        ("group", "a group"),
        ("loop", "a group"),
        ("newest", "superblock"),
    ] {
        let error = with_weights(name).unwrap_err().to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
}
