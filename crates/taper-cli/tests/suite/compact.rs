//! `taper compact` and the sparsity that `taper inspect` tells.

use serde_json::{Value, json};
use taper::{Activation, BatchNormalization, Conv2d, Dense, Flatten, Model, Seed, Sequential};

use crate::bench::Bench;

/// A model of 6 hidden units, of which 2 say nothing to the output and 1 hears nothing; the second of 3 inputs is not read.
fn model() -> Model {
    let spec = Sequential::new([3])
        .layer(Dense::new(6).activation(Activation::Sigmoid))
        .layer(Dense::new(1).activation(Activation::Sigmoid));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    let w = model.params_mut().data_mut();
    w[6..12].fill(0.0); // the second input
    (0..3).for_each(|input| w[input * 6 + 5] = 0.0); // the last unit's incoming weights
    w[24..26].fill(0.0); // the first two units' outgoing weights
    model
}

fn cut(bench: &Bench, line: &str) -> Value {
    bench.taper(&format!("{line} --json")).quiet().json()
}

#[test]
fn dead_units_go_and_the_outputs_stay() {
    let bench = Bench::new(&[]);
    taper_io::write_model(&bench.path("m.safetensors"), &model()).unwrap();
    let document = cut(&bench, "compact m.safetensors --out small.safetensors");
    assert_eq!(document["parameters"], json!({ "before": 31, "after": 16 }));
    assert_eq!(document["layers"][0]["units"], json!({ "before": 6, "after": 3 }));
    assert_eq!((&document["unused_inputs"], &document["kept_inputs"]), (&json!([1]), &Value::Null));
    assert!(document["max_difference"].as_f64().unwrap() < 1e-6);
    let both = |key: &str| [&document[key]["before"], &document[key]["after"]].map(|value| value.as_f64().unwrap());
    let [before, after] = both("file_bytes");
    assert!(after < before && after == bench.read("small.safetensors").len() as f64);
    assert!(both("seconds_per_prediction").iter().all(|seconds| *seconds > 0.0));
    let small = taper_io::read_model(&bench.path("small.safetensors")).unwrap();
    let x = [0.3, -1.2, 0.7];
    assert!((small.predict(&x).unwrap()[0] - model().predict(&x).unwrap()[0]).abs() < 1e-6);

    let layers = bench.taper("inspect m.safetensors --json").quiet().json()["layers"].clone();
    assert_eq!((&layers[0]["dead_units"], &layers[0]["zeros"]), (&json!(3), &json!(6 + 2 + 6)));
    let text = bench.taper("inspect m.safetensors").quiet().stdout;
    assert!(text.contains("Dead units") && text.contains("Effective"), "{text}");
    let text = bench.taper("compact m.safetensors --out again.safetensors").quiet().stdout;
    assert!(text.contains("parameters") && text.contains("31") && text.contains("--inputs"), "{text}");
}

#[test]
fn inputs_go_if_asked_for_and_given_rows_are_the_check() {
    let bench = Bench::new(&[]);
    taper_io::write_model(&bench.path("m.safetensors"), &model()).unwrap();
    let rows = taper_io::Tensors {
        tensors: [("x".to_owned(), taper_io::Tensor::f32([2, 3], vec![0.5, 1.0, -1.0, 2.0, 0.0, 1.0]))].into(),
        ..taper_io::Tensors::default()
    };
    taper_io::write_tensors(&bench.path("rows.safetensors"), &rows).unwrap();
    let document = cut(&bench, "compact m.safetensors --inputs --data rows.safetensors --out small.safetensors");
    assert_eq!((&document["kept_inputs"], &document["rows"]), (&json!([0, 2]), &json!(2)));
    let small = taper_io::read_model(&bench.path("small.safetensors")).unwrap();
    assert_eq!(small.input_shape().sizes(), [2]);

    taper_io::write_model(&bench.path("e.safetensors"), &model()).unwrap();
    let wrong = bench.taper("compact m.safetensors --data e.safetensors --out no.safetensors");
    assert_eq!(wrong.status, Some(2), "{wrong:?}");
    let wrong = bench.taper("compact m.safetensors --out no.txt");
    assert!(wrong.status == Some(2) && wrong.stderr.contains("--out: "), "{wrong:?}");
    assert!(!bench.contents().iter().any(|name| name.starts_with("no.")));
}

#[test]
fn a_training_tells_what_is_at_work() {
    let bench = Bench::new(&[
        ("l2 = 0.001", "l1 = 1.0, mode = \"proximal\""),
        ("{ name = \"adam\" }", "{ name = \"adam\", learning_rate = 0.01 }"),
        ("epochs = 20", "epochs = 400"),
    ]);
    let document = bench.taper("fit e.toml --json").quiet().json();
    let layer = &document["sparsity"][0];
    assert_eq!(layer["name"], json!("dense"));
    assert!(layer["zeros"].as_u64().unwrap() >= 10 && layer["dead_units"].as_u64() >= Some(4), "{document}");
    assert!(bench.text("e-fit/report.md").contains("effective parameters"));
}

#[test]
fn keras_files_stay_keras_files() {
    let bench = Bench::new(&[]);
    let spec = Sequential::new([4, 4, 1])
        .layer(Conv2d::new(4, 2).activation(Activation::Relu))
        .layer(BatchNormalization::new())
        .layer(Flatten::new())
        .layer(Dense::new(2));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    let kernel = model.params().get("dense/kernel").unwrap().0.range.clone();
    let w = &mut model.params_mut().data_mut()[kernel];
    for (i, row) in w.chunks_exact_mut(2).enumerate() {
        if i % 4 == 2 {
            row.fill(0.0);
        }
    }
    taper_io::keras::write_keras(&bench.path("m.keras"), &model, None, None).unwrap();
    let document = cut(&bench, "compact m.keras --out small.keras");
    assert_eq!(document["layers"][0]["units"], json!({ "before": 4, "after": 3 }), "{document}");
    let small = bench.taper("inspect small.keras --json").quiet().json();
    assert_eq!(small["layers"][1]["output_shape"], json!([3, 3, 3]));
}

#[test]
fn a_table_is_prepared_as_for_every_other_command_and_what_stays_is_told() {
    let bench = Bench::new(&[
        (
            "source = \"moons\"\nnoise = 0.2\nrandom_state = 1\ntrain = 30",
            "source = \"rows.csv\"\ntarget = \"y\"\ntrain = 8",
        ),
        ("input_shape = [2]\n", ""),
    ]);
    let rows: String = (0..12).map(|i| format!("{},{},{}\n", i, 7 - i * i % 5, i % 2)).collect();
    std::fs::write(bench.path("rows.csv"), format!("a,b,y\n{rows}")).unwrap();
    bench.taper("fit e.toml").done();
    let document = cut(&bench, "compact e-fit/model.safetensors --data rows.csv --out small.safetensors");
    assert_eq!(
        (&document["rows"], &document["left_whole"], &document["dropped_penalties"]),
        (&json!(12), &json!([]), &json!([]))
    );
    assert!(document["max_difference"].as_f64().unwrap() < 1e-6);
    let bad = bench.taper("compact e-fit/model.safetensors --data e.toml --out no.safetensors");
    assert!(bad.status == Some(2) && !bench.path("no.safetensors").exists(), "{bad:?}");

    let grouped = Conv2d { groups: 2, ..Conv2d::new(4, 2) };
    let spec = Sequential::new([4, 4, 2]).layer(grouped).layer(Flatten::new()).layer(Dense::new(2));
    taper_io::write_model(&bench.path("g.safetensors"), &Model::build(&spec, Seed::new(1)).unwrap()).unwrap();
    let text = bench.taper("compact g.safetensors --out h.safetensors").quiet().stdout;
    assert!(text.contains("conv2d (conv2d) is left whole: its filters are tied to its groups"), "{text}");
}
