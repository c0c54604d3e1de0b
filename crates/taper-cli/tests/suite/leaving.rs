//! A model leaves: with its preparation, with its penalties or a word about them, and ready to be trained on.

use serde_json::json;

use crate::bench::Bench;

/// Columns of numbers with a gap, of words, and a target.
fn table(target: impl Fn(usize) -> String) -> String {
    let city = ["Ulm", "Bonn", "Köln"];
    let age = |i: usize| if i % 7 == 3 { String::new() } else { (20 + i * i % 40).to_string() };
    let row = |i: usize| format!("{},{},{},{}\n", age(i), city[i % 3], 3 + i % 5, target(i));
    format!("age,city,size,y\n{}", (0..40).map(row).collect::<String>())
}

fn experiment(loss: &str, units: usize, activation: &str) -> String {
    format!(
        "[data]\nsource = \"rows.csv\"\ntarget = \"y\"\nstandardize = true\nstandardize_target = true\n\
         missing = \"median\"\nmissing_indicator = true\ntrain = 28\n[model]\nlayers = [\n\
         {{ layer = \"dense\", units = 4, activation = \"relu\" }},\n\
         {{ layer = \"dense\", units = {units}, activation = \"{activation}\" }},\n]\n\
         [fit]\nloss = \"{loss}\"\nepochs = 30\n"
    )
}

/// A trained model of a table, in `e-fit`.
fn trained(text: &str, rows: &str) -> Bench {
    let bench = Bench::new(&[]);
    bench.write("e.toml", text);
    bench.write("rows.csv", rows);
    bench.taper("fit e.toml").done();
    bench
}

fn number(i: usize) -> String {
    (1000 + 7 * i % 90).to_string()
}

fn predictions(bench: &Bench, model: &str, rows: &str) -> String {
    bench.taper(&format!("predict {model} {rows} --out p.csv")).done();
    bench.text("p.csv")
}

#[test]
fn own_files_keep_all_that_it_takes_to_use_them() {
    let bench = trained(&experiment("mse", 1, "linear"), &table(number));
    bench.taper("convert e-fit copy.safetensors").done();
    assert!(bench.read("copy.safetensors") == bench.read("e-fit/model.safetensors"));
    assert_eq!(predictions(&bench, "copy.safetensors", "rows.csv"), predictions(&bench, "e-fit", "rows.csv"));
    bench.taper("convert e-fit bare.safetensors --bare").done();
    let bare = bench.taper("predict bare.safetensors rows.csv --out no.csv");
    assert!(bare.status == Some(2) && bare.stderr.contains("without named columns"), "{bare:?}");
}

#[test]
fn onnx_takes_the_columns_and_says_the_classes() {
    let three = |i: usize| ["no", "yes", "perhaps"][i / 2 % 3].to_owned();
    let bench = trained(&experiment("sparse_categorical_crossentropy", 3, "softmax"), &table(three));
    bench.taper("convert e-fit m.onnx").done();
    bench.taper("convert e-fit bare.onnx --bare").done();
    let text = String::from_utf8_lossy(&bench.read("m.onnx")).into_owned();
    for word in
        ["age", "city", "size", "Köln", "LabelEncoder", "prediction", "probabilities", "perhaps", "taper_preparation"]
    {
        assert!(text.contains(word), "{word}");
    }
    let bare = String::from_utf8_lossy(&bench.read("bare.onnx")).into_owned();
    assert!(bare.contains("input") && !bare.contains("LabelEncoder"));
}

#[test]
fn keras_gets_scales_as_layers_and_refuses_what_it_has_no_layer_for() {
    let bench = trained(&experiment("mse", 1, "linear"), &table(number));
    for (to, what) in [("m.keras", "indicator of empty cells"), ("m.weights.h5", "weights alone")] {
        let refused = bench.taper(&format!("convert e-fit {to}"));
        assert_eq!(refused.status, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(what) && refused.stderr.contains("--bare"), "{refused:?}");
        assert!(!bench.path(to).exists());
        bench.taper(&format!("convert e-fit {to} --bare")).done();
    }
    let plain = experiment("mse", 1, "linear").replace("missing_indicator = true\n", "exclude = [\"city\"]\n");
    let bench = trained(&plain, &table(number).replace(",,", ",30,").replace("\n,", "\n30,"));
    let outcome = bench.taper("convert e-fit m.keras").done();
    assert!(outcome.stderr.contains("NaN in age, size gives NaN"), "{outcome:?}");
    // Raw rows as tensors, through the layers in front and behind.
    bench.taper("convert m.keras back.safetensors").done();
    let rows: Vec<f32> = vec![30.0, 4.0, 56.0, 3.0];
    let x = taper_io::Tensor::f32([2, 2], rows);
    let tensors = taper_io::Tensors { tensors: [("x".to_owned(), x)].into(), ..taper_io::Tensors::default() };
    taper_io::write_tensors(&bench.path("x.safetensors"), &tensors).unwrap();
    bench.write("x.csv", "age,size\n30,4\n56,3\n");
    let numbers = |text: String| -> Vec<f32> { text.lines().skip(1).map(|line| line.parse().unwrap()).collect() };
    let (keras, own) =
        (numbers(predictions(&bench, "m.keras", "x.safetensors")), numbers(predictions(&bench, "e-fit", "x.csv")));
    assert!(keras.iter().zip(&own).all(|(a, b)| (a - b).abs() < 1e-2) && own[0] > 900.0, "{keras:?} {own:?}");
}

#[test]
fn a_model_whose_inputs_were_cut_predicts_from_the_table() {
    let text = experiment("mse", 1, "linear")
        .replace("activation = \"relu\" }", "activation = \"relu\", kernel_regularizer = { group_lasso = 0.3, groups = \"input\", mode = \"proximal\" } }")
        .replace("epochs = 30", "optimizer = { name = \"adam\", learning_rate = 0.02 }\nepochs = 200");
    let bench = trained(&text, &table(|i| (3 * (i % 5)).to_string()));
    let line = "compact e-fit --inputs --out small.safetensors --json";
    let record = bench.taper(line).done().json();
    let kept = record["kept_inputs"].as_array().expect("some inputs are cut").clone();
    assert!(kept.len() < 6, "{record}");
    let (small, large) =
        (predictions(&bench, "small.safetensors", "rows.csv"), predictions(&bench, "e-fit", "rows.csv"));
    for (small, large) in small.lines().zip(large.lines()).skip(1) {
        let [small, large] = [small, large].map(|line| line.parse::<f32>().unwrap());
        assert!((small - large).abs() < 1e-4, "{small} {large}");
    }
    bench.taper("convert small.safetensors small.onnx").done();
}

/// A penalty that Keras has no word for.
const PROXIMAL: (&str, &str) = ("l2 = 0.001", "l1 = 0.001, mode = \"proximal\"");

#[test]
fn models_of_foreign_penalties_are_compiled_and_name_them() {
    let bench = Bench::new(&[PROXIMAL]);
    bench.taper("data moons --samples 40 --noise 0.2 --out rows.safetensors").done();
    bench.taper("fit e.toml").done();
    for line in ["convert e-fit m.keras", "compact e-fit --out m.keras"] {
        let outcome = bench.taper(line).done();
        assert!(
            outcome.stderr.contains("Keras has no word for the penalty") && outcome.stderr.contains("proximal"),
            "{outcome:?}"
        );
        assert!(String::from_utf8_lossy(&bench.read("m.keras")).contains("left_out"), "{line}");
        let fitted = bench.taper("fit m.keras --data rows.safetensors --epochs 2 --save n.keras --json").done().json();
        assert!(fitted["evaluate_train"]["accuracy"].is_number(), "{fitted}");
    }
}

#[test]
fn a_training_whose_penalty_no_file_could_hold_is_refused_before_it_begins() {
    let bench = Bench::new(&[]);
    bench.taper("data moons --samples 40 --noise 0.2 --out rows.safetensors").done();
    bench.taper("fit e.toml").done();
    bench.taper("convert e-fit m.keras").done();
    for penalty in ["l2=10,anchor=\"start\"", "l1=1,mode=\"proximal\"", "l2=1,mode=\"decoupled\""] {
        let line = format!("fit m.keras --data rows.safetensors --epochs 2 --regularization {penalty} --override");
        let refused = bench.taper(&format!("{line} --save s.keras --history h.json"));
        assert_eq!(refused.status, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("--save: ") && refused.stderr.contains("--drop-penalties"), "{refused:?}");
        assert!(!bench.path("s.keras").exists() && !bench.path("h.json").exists());
        bench.taper(&format!("{line} --save s.safetensors")).done();
        bench.taper("fit s.safetensors --data rows.safetensors --epochs 1 --save t.safetensors").done();
        bench.taper(&format!("{line} --save s.keras --drop-penalties")).done();
        std::fs::remove_file(bench.path("s.keras")).unwrap();
    }
}

#[test]
fn own_models_are_trained_on() {
    let bench = trained(&experiment("mse", 1, "linear"), &table(number));
    let before = bench.read("e-fit/model.safetensors");
    for line in ["fit e-fit --data rows.csv --out e-fit", "fit e-fit --data rows.csv --out e-fit --replace"] {
        let refused = bench.taper(line);
        assert!(refused.status == Some(2) && refused.stderr.contains("--save"), "{refused:?}");
        assert!(bench.read("e-fit/model.safetensors") == before, "{line}");
    }
    let document = bench.taper("fit e-fit --data rows.csv --epochs 40 --save more.safetensors --json").done().json();
    assert!(document["evaluate_train"]["loss"].as_f64() > Some(0.0), "{document}");
    assert!(bench.read("e-fit/model.safetensors") == before);
    assert_ne!(predictions(&bench, "more.safetensors", "rows.csv"), predictions(&bench, "e-fit", "rows.csv"));
    bench.taper("fit more.safetensors --data rows.csv --epochs 1 --out again").done();
    bench.taper("evaluate again rows.csv").done();
}

#[test]
fn what_is_told_at_the_end_has_the_strength_of_the_end() {
    let schedule = "l2 = { name = \"linear\", from = 1.0, to = 0.0, epochs = 10 }";
    let bench = Bench::new(&[("l2 = 0.001", schedule)]);
    let document = bench.taper("fit e.toml --json").done().json();
    assert_eq!((&document["scores"]["train_penalty"], &document["scores"]["test_penalty"]), (&json!(0.0), &json!(0.0)));
}

#[test]
fn a_layer_s_own_penalty_stays_or_is_replaced_and_never_silently() {
    let bench =
        Bench::new(&[("activation = \"sigmoid\"", "activation = \"sigmoid\", kernel_regularizer = { l2 = 0.001 }")]);
    bench.taper("data moons --samples 40 --out rows.safetensors").done();
    bench.taper("fit e.toml").done();
    let line = "fit e-fit --data rows.safetensors --epochs 1 --save n.safetensors --regularization l2=0.5";
    let refused = bench.taper(line);
    assert!(refused.status == Some(2) && refused.stderr.contains("--override"), "{refused:?}");
    bench.taper(&format!("{line} --override")).done();
    let parameters = bench.taper("inspect n.safetensors --json").done().json()["parameters"].clone();
    assert_eq!(
        (&parameters[0]["regularizer"], &parameters[2]["regularizer"]),
        (&json!({ "l2": 0.5 }), &json!({ "l2": 0.5 }))
    );
    let refused = bench.taper("fit e-fit --data rows.safetensors --regularization paths={\"kernel\"={l1=1}}");
    assert!(refused.status == Some(2) && refused.stderr.contains("paths[0]"), "{refused:?}");
}
