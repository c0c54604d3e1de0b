//! Bad input: exit status 2, the place, what was expected, and nothing written.

mod rows;

use crate::bench::Bench;

/// What is done to the bench before the command runs.
enum Change {
    /// In the experiment, this is replaced by that.
    Text(&'static str, &'static str),
    /// The source is `rows.csv` with these bytes.
    Csv(&'static [u8]),
    /// Nothing but this file is added.
    File(&'static str, &'static [u8]),
    Nothing,
}
use Change::{Csv, File, Nothing, Text};

/// Each row: what is changed, the command line, and what stderr must say.
type Row = (Change, &'static str, &'static [&'static str]);

const FIT: &str = "fit e.toml --out out";
const STUDY: &str = "study e.toml --out out";
const L2: &str = "model.layers[0].kernel_regularizer.l2";
const GENERATED: &str = "source = \"moons\"\nnoise = 0.2\nrandom_state = 1\ntrain = 30";

fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (change, line, words) in rows {
        let bench = match change {
            Text(from, to) => Bench::new(&[(from, to)]),
            Csv(bytes) => {
                let bench = Bench::new(&[(GENERATED, "source = \"rows.csv\"")]);
                bench.write("rows.csv", bytes);
                bench
            }
            File(name, bytes) => {
                let bench = Bench::new(&[]);
                bench.write(name, bytes);
                bench
            }
            Nothing => Bench::new(&[]),
        };
        let before = bench.contents();
        let outcome = bench.taper(line);
        let what = match change {
            Text(_, to) => format!("`{line}` with `{to}`"),
            Csv(bytes) => format!("`{line}` on {:?}", String::from_utf8_lossy(bytes)),
            File(name, _) => format!("`{line}` beside {name}"),
            Nothing => format!("`{line}`"),
        };
        if outcome.status != Some(2) || !outcome.stdout.is_empty() {
            wrong.push(format!("{what}: {outcome:?}"));
        }
        for word in words.iter().filter(|word| !outcome.stderr.contains(**word)) {
            wrong.push(format!("{what}: `{word}` is not in: {}", outcome.stderr));
        }
        if bench.contents() != before {
            wrong.push(format!("{what}: left {:?}", bench.contents()));
        }
    }
    assert!(wrong.is_empty(), "{} complaints\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn strengths() {
    check(&[
        (Text("l2 = 0.001", "l2 = -1"), FIT, &[L2, "at least 0", "got -1"]),
        (Text("l2 = 0.001", "l2 = nan"), FIT, &["e.toml: ", L2, "a finite number", "NaN"]),
        (Text("l2 = 0.001", "l2 = inf"), FIT, &[L2, "a finite number", "inf"]),
        (Text("l2 = 0.001", "l2 = 1e39"), FIT, &[L2, "a finite number"]),
        (Text("l2 = 0.001", "l2 = \"much\""), FIT, &["model.layers[0].kernel_regularizer", "much"]),
        (Text("[0.1, 0.01]", "[0.1, -0.01]"), STUDY, &["study.axes[0].values[1]", "at least 0", "-0.01"]),
        (Text("[0.1, 0.01]", "[nan, 0.01]"), STUDY, &["study.axes[0].values[0]", "a finite number", "NaN"]),
        (Text("[0.1, 0.01]", "[0.1, 0.2, inf]"), STUDY, &["study.axes[0].values[2]", "a finite number", "inf"]),
    ]);
}

#[test]
fn policies() {
    let policy = |text: &'static str| Text("[model]\n", text);
    check(&[
        (policy("[model]\nregularization = { l2 = -1 }\n"), FIT, &["model.regularization.l2: ", "at least 0"]),
        (
            policy("[model]\nregularization = { l2 = 1, roles = [\"embeddings\"] }\n"),
            FIT,
            &["model.regularization.roles[0]: ", "dense/bias (bias)", "`embeddings`"],
        ),
        (
            policy("[model]\nregularization = { paths = { \"conv*\" = \"l1\" } }\n"),
            FIT,
            &["model.regularization.paths[0]: ", "dense_1/kernel", "`conv*`"],
        ),
        (policy("[model]\nregularization = { l3 = 1 }\n"), FIT, &["e.toml: model.regularization.l3: "]),
        (policy("[model]\nregularization = { l2 = 1 }\n[regularization]\nl2 = 1\n[model]\n"), FIT, &["e.toml"]),
        (Text("[fit]", "[regularization]\nroles = [\"bias\"]\n[fit]"), FIT, &["model.regularization: ", "a penalty"]),
        (Nothing, "fit e.toml --regularization l2=1", &["--regularization", "only with a model"]),
    ]);
}

#[test]
fn plans() {
    check(&[
        (Text("l2 = 0.001", "l2 = -1"), "plan e.toml", &[L2, "at least 0", "-1"]),
        (Text("[fit]", "[fits]"), "plan e.toml --json", &["e.toml", "fits"]),
        (Nothing, "plan no.keras", &["no.keras"]),
        (Nothing, "plan e.toml --epochs 5", &["--epochs: ", "only with a model"]),
        (Text("source = \"moons\"\nnoise = 0.2\nrandom_state = 1", "source = \"no.csv\""), "plan e.toml", &["no.csv"]),
    ]);
}

#[test]
fn models_to_compact() {
    check(&[
        (Nothing, "compact no.safetensors --out small.safetensors", &["no.safetensors"]),
        (File("m.safetensors", b"short"), "compact m.safetensors --out small.safetensors", &["m.safetensors"]),
        (Nothing, "compact m.safetensors", &["--out"]),
    ]);
}

#[test]
fn dialects() {
    check(&[
        (Nothing, "lambda -1 --from keras --to pytorch", &["VALUE: ", "at least 0", "-1"]),
        (Nothing, "lambda nan --from keras --to pytorch", &["VALUE: ", "finite"]),
        (Nothing, "lambda many --from keras --to pytorch", &["many", "VALUE"]),
        (Nothing, "lambda 1 --from keras --to pytorhc", &["--to: ", "did you mean `pytorch`?"]),
        (Nothing, "lambda 1 --from keras --to sklearn-mlp", &["--rows: ", "rows of a batch"]),
        (Nothing, "lambda 1 --from sklearn-mlp --to keras --rows 0", &["--rows: ", "above 0", "got 0"]),
        (Nothing, "lambda 1 --from sklearn-mlp --to keras --rows nan", &["--rows: ", "a finite number above 0"]),
        (Nothing, "lambda 1 --from keras --to adamw --learning-rate -1", &["--learning-rate: ", "at least 0"]),
        (Nothing, "lambda 1 --from keras --to adamw --experiment no.toml", &["no.toml"]),
        (Text("[fit]", "[fits]"), "lambda 1 --from keras --to adamw --experiment e.toml", &["e.toml", "fits"]),
    ]);
}

#[test]
fn conversions() {
    check(&[
        (Nothing, "convert e.toml a.onnx", &["MODEL: ", "a model (.keras, .h5 or .safetensors)", "e.toml"]),
        (Nothing, "convert no.keras a.onnx", &["no.keras"]),
        (Nothing, "convert no.keras a.pt", &["OUT: ", ".safetensors or .onnx", "a.pt"]),
    ]);
}

#[test]
fn words_that_nobody_knows() {
    check(&[
        (Text("[fit]", "[fits]"), FIT, &["fits", "did you mean `fit`?"]),
        (Text("noise", "noize"), FIT, &["data.noize", "did you mean `noise`?"]),
        (Text("input_shape", "input_shap"), FIT, &["model.input_shap", "did you mean `input_shape`?"]),
        (Text("units = 5", "unts = 5"), FIT, &["model.layers[0].unts", "did you mean `units`?"]),
        (Text("{ l2 = 0.001 }", "{ l3 = 0.001 }"), FIT, &["kernel_regularizer.l3", "l2, ", "did you mean"]),
        (Text("epochs", "epoch"), FIT, &["fit.epoch", "did you mean `epochs`?"]),
        (Text("\"adam\"", "\"adam\", beta1 = 0.5"), FIT, &["fit.optimizer", "`beta1`", "did you mean `beta_1`?"]),
        (Text("repeats", "repeat"), STUDY, &["study.repeat", "did you mean `repeats`?"]),
        (Text("values", "value"), STUDY, &["study.axes[0].value", "did you mean `values`?"]),
        (Text("\"dense\", units = 5", "\"dens\", units = 5"), FIT, &["model.layers[0]", "did you mean `dense`?"]),
        (Text("\"relu\"", "\"rulu\""), FIT, &["model.layers[0].activation", "did you mean `relu`?"]),
        (Text("\"adam\"", "\"adamm\""), FIT, &["fit.optimizer", "did you mean `adam`?"]),
        (Text("binary_crossentropy", "binary_crossentropi"), FIT, &["fit.loss", "`binary_crossentropy`"]),
        (Text("\"accuracy\"", "\"acuracy\""), FIT, &["fit.metrics[0]", "did you mean `accuracy`?"]),
        (Text("seed = 1", "seed = 1\nresample = \"splitt\""), STUDY, &["study.resample", "did you mean `split`?"]),
        (Text("\"moons\"", "\"moon\""), FIT, &["data.source", "did you mean `moons`?"]),
        (Text(GENERATED, "source = \"rows.parquett\""), FIT, &["data.source", ".csv, .parquet, .npz or .safetensors"]),
        (Text("noise = 0.2", "factor = 0.5"), FIT, &["data.factor", "for the source `moons`"]),
        (Text("noise = 0.2", "target = \"y\""), FIT, &["data.target", "for the source `moons`"]),
    ]);
}

#[test]
fn shapes_and_sizes() {
    let head = "{ layer = \"dense\", units = 1, activation = \"sigmoid\" }";
    check(&[
        (Text("input_shape = [2]", "input_shape = [3]"), FIT, &["train", "(3)", "(2)"]),
        (Text("input_shape = [2]", "input_shape = [0]"), FIT, &["model.input_shape"]),
        (Text("input_shape = [2]", "input_shape = [4294967296, 4294967296]"), FIT, &["model.input_shape"]),
        (Text("units = 1,", "units = 2,"), FIT, &["train", "2 target numbers", "1 target numbers"]),
        (
            Text(head, "{ layer = \"reshape\", target_shape = [3] }, { layer = \"dense\", units = 1 }"),
            FIT,
            &["model.layers[1]", "3", "5"],
        ),
        (Text("units = 5", "units = 0"), FIT, &["model.layers[0].units", "at least 1"]),
        (Text("units = 5", "units = -5"), FIT, &["model.layers[0].units", "-5"]),
        (Text("units = 5", "units = 100000000000"), FIT, &["model", "GiB"]),
        (Text("units = 5", "units = 5000000000"), FIT, &["model", "GiB", "free"]),
        (Text("units = 5", "units = 5000000000"), STUDY, &["model", "GiB", "free"]),
        (Text("units = 5", "units = 5000000000"), "inspect e.toml", &["model", "GiB", "free"]),
        (Text("units = 5", "units = 9223372036854775807"), FIT, &["model.layers[0].units"]),
        (
            Text("kernel_regularizer.l2\", values = [0.1, 0.01]", "units\", values = [5, 5000000000]"),
            STUDY,
            &["model", "GiB", "free"],
        ),
    ]);
}

#[test]
fn training() {
    check(&[
        (Text("epochs = 20", "batch_size = 0"), FIT, &["fit.batch_size", "at least 1", "got 0"]),
        (Text("epochs = 20", "batch_size = -1"), FIT, &["fit.batch_size", "-1"]),
        (Text("epochs = 20", "batch_size = 2.5"), FIT, &["fit.batch_size", "2.5"]),
        (Text("epochs = 20", "epochs = -1"), FIT, &["fit.epochs", "-1"]),
        (
            Text("\"adam\"", "\"adam\", learning_rate = -0.1"),
            FIT,
            &["fit.optimizer.learning_rate", "at least 0", "-0.1"],
        ),
        (Text("\"adam\"", "\"adam\", learning_rate = nan"), FIT, &["fit.optimizer.learning_rate", "finite", "NaN"]),
        (Text("\"adam\"", "\"adam\", learning_rate = inf"), FIT, &["fit.optimizer.learning_rate", "finite", "inf"]),
        (Text("\"adam\"", "\"adam\", weight_decay = nan"), FIT, &["fit.optimizer.weight_decay", "finite"]),
        (Text("noise = 0.2", "noise = nan"), FIT, &["data.noise", "finite"]),
        (Text("noise = 0.2", "noise = -1"), FIT, &["data.noise", "got -1"]),
        (Text("noise = 0.2", "samples = 0"), FIT, &["data.samples", "got 0"]),
        (Text("train = 30", "train = 0"), FIT, &["data.train", "from 1 to 99", "got 0"]),
        (Text("train = 30", "train = 100"), FIT, &["data.train", "from 1 to 99", "got 100"]),
        (
            Text("epochs = 20", "early_stopping = { monitor = \"val_los\" }"),
            FIT,
            &["fit.early_stopping.monitor", "val_loss", "`val_los`"],
        ),
        (
            Text("epochs = 20", "early_stopping = { monitor = \"val_los\" }"),
            STUDY,
            &["fit.early_stopping.monitor", "val_loss", "`val_los`"],
        ),
    ]);
}

#[test]
fn studies() {
    const PATH: &str = "model.layers.0.kernel_regularizer.l2";
    check(&[
        (
            Text(PATH, "model.layers.0.kernal_regularizer.l2"),
            STUDY,
            &["kernal_regularizer", "did you mean `kernel_regularizer`?"],
        ),
        (Text(PATH, "modle.layers.0.units"), STUDY, &["modle", "did you mean `model`?"]),
        (Text(PATH, "model.layers.2.units"), STUDY, &["model.layers.2.units", "from 0 to 1", "`2`"]),
        (Text(PATH, "model.layers.first.units"), STUDY, &["from 0 to 1", "`first`"]),
        (Text(PATH, "fit.epochs.more"), STUDY, &["fit.epochs.more", "nothing below"]),
        (Text("[0.1, 0.01]", "[]"), STUDY, &["study.axes[0].values", "at least one value"]),
        (Text("repeats = 2", "repeats = 0"), STUDY, &["study.repeats", "at least 1"]),
        (Text("repeats = 2", "repeats = 100000000000"), STUDY, &["study", "runs"]),
        (
            Text("kernel_regularizer.l2\", values = [0.1, 0.01]", "units\", values = [5, 0]"),
            STUDY,
            &["model.layers[0].units", "in the trial model.layers.0.units = 0"],
        ),
        (
            Text(
                "values = [0.1, 0.01] }",
                "values = [0.1] }, { path = \"model.layers.0.kernel_regularizer.l2\", values = [1] }",
            ),
            STUDY,
            &["study.axes[1].path"],
        ),
    ]);
}

#[test]
fn places_to_write_to() {
    check(&[
        (File("out", b"a file"), FIT, &["out", "preparing failed"]),
        (File("out", b"a file"), STUDY, &["out", "preparing failed"]),
        (File("out", b"a file"), "demo moons --out out", &["out", "preparing failed"]),
        (Nothing, "fit e.toml --out e.toml/below/this", &["e.toml/below/this", "preparing failed"]),
        (Nothing, "data moons --out e.toml/x.csv", &["e.toml", "preparing failed"]),
        (Nothing, "data moons --out below/x.txt", &["--out", ".safetensors or .csv"]),
        (Nothing, "data moons --out x.csv --noise nan", &["noise", "NaN"]),
        (Nothing, "data moons --out x.csv --samples 100000000000", &["samples", "100000000000"]),
        (Nothing, "data blobs --out x.csv --centers 0 --features 0", &["centers", "features"]),
    ]);
}

#[test]
fn experiment_files() {
    check(&[
        (Nothing, "fit no.toml --out out", &["no.toml", "reading failed"]),
        (Nothing, "fit . --out out", &["a file", "a folder"]),
        (Nothing, "inspect no.safetensors", &["no.safetensors", "reading failed"]),
        (Nothing, "inspect e.csv", &["e.csv", "reading failed"]),
        (File("b.safetensors", b"{}"), "inspect b.safetensors", &["b.safetensors", "8 bytes"]),
        (Text("[fit]", "[fit"), FIT, &["e.toml", "TOML", "line 14"]),
        (Text("epochs = 20", "epochs = 20\nepochs = 21"), FIT, &["e.toml", "duplicate key"]),
        (
            File("e.json", b"{ \"data\": { \"source\": \"moons\", } }"),
            "fit e.json --out out",
            &["e.json", "JSON", "line 1"],
        ),
        (File("e.json", b"[]"), "fit e.json --out out", &["e.json"]),
        (File("e.json", b"{}"), "fit e.json --out out", &["e.json", "`data`"]),
        (File("l.toml", b"a = \"\xff\""), "fit l.toml --out out", &["l.toml", "byte 6", "UTF-8"]),
    ]);
    let deep = Bench::new(&[]);
    deep.write("deep.json", "[".repeat(200_000));
    deep.write("deep.toml", format!("a = {}", "[".repeat(200_000)));
    for file in ["deep.json", "deep.toml"] {
        assert_eq!(deep.taper(&format!("fit {file}")).status, Some(2), "{file}");
    }
}

#[test]
fn command_lines() {
    check(&[
        (Nothing, "", &["Usage"]),
        (Nothing, "studi e.toml", &["studi", "'study'"]),
        (Nothing, "fit e.toml --thread 1", &["--thread", "'--threads'"]),
        (Nothing, "fit", &["<EXPERIMENT>"]),
        (Nothing, "study e.toml --out out --repeats 0", &["--repeats", "1..=100000"]),
        (Nothing, "demo moons --out out --repeats 0", &["--repeats", "1..=100000"]),
        (Nothing, "study e.toml --out out --threads 0", &["--threads", "1..=4096"]),
        (Nothing, "fit e.toml --out out --seed -1", &["-1"]),
        (Nothing, "demo suns", &["suns"]),
        (Nothing, "data moons", &["--out"]),
    ]);
}
