//! What strangers may put in the program's way: devices, pipes, links, contents that unpack to gigabytes, and text that a terminal
//! would obey.

use std::os::unix::fs::symlink;

use serde_json::json;
use taper_io::{Tensor, TensorData, Tensors, write_tensors};

use crate::bench::{Bench, Outcome};

/// Refused as input, in words that name the file and are no longer than 2 kB.
fn refused(outcome: &Outcome, file: &str, words: &str) {
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains(file) && outcome.stderr.contains(words), "{words}: {outcome:?}");
    assert!(outcome.stderr.len() <= 2048, "{} bytes", outcome.stderr.len());
}

#[test]
fn devices_and_pipes_are_refused_wherever_a_file_is_read() {
    let bench = Bench::new(&[]);
    bench.taper("fit e.toml --out good").done();
    for ending in ["toml", "json", "csv", "npz", "parquet", "safetensors", "keras"] {
        symlink("/dev/zero", bench.path(&format!("zero.{ending}"))).unwrap();
        let pipe = bench.path(&format!("pipe.{ending}"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    }
    for kind in ["zero", "pipe"] {
        for line in [
            format!("plan {kind}.toml"),
            format!("fit {kind}.json"),
            format!("choose {kind}.toml"),
            format!("study {kind}.toml"),
            format!("inspect {kind}.safetensors"),
            format!("inspect {kind}.keras"),
            format!("convert {kind}.keras out.onnx"),
            format!("compact {kind}.safetensors --out small.safetensors"),
            format!("init {kind}.csv"),
            format!("init {kind}.parquet"),
            format!("predict good {kind}.npz --out p.csv"),
            format!("predict {kind}.keras {kind}.csv --out p.csv"),
            format!("evaluate good {kind}.safetensors"),
            format!("trial run --spec {kind}.json --out outcome.json"),
            format!("lambda 0.1 --from keras --to adamw --experiment {kind}.toml"),
        ] {
            let file = line.split_whitespace().find(|word| word.starts_with(kind)).unwrap().to_owned();
            refused(&bench.taper(&line), &file, "a device, a pipe or a socket");
        }
    }
    // A store is read by a library of its own.
    std::fs::create_dir(bench.path("store")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(bench.path("store/runs.sqlite")).status().unwrap().success());
    for line in ["runs list store", "runs repair store"] {
        refused(&bench.taper(line), "store/runs.sqlite", "expected a file");
    }
}

#[test]
fn links_in_a_prepared_folder_are_not_followed() {
    let bench = Bench::new(&[]);
    bench.write("victim", "precious");
    std::fs::create_dir(bench.path("elsewhere")).unwrap();
    bench.write("elsewhere/boundary.svg", "precious");
    let choose = "\n[choose]\ngrid = [0.01]\nfolds = 2\nrepeats = 1\nouter_folds = 2\nevidence = false\n";
    let text = bench.text("e.toml").split("\n[study]").next().unwrap().to_owned() + choose;
    bench.write("c.toml", text);
    for (link, target, command) in [
        (".runs.lock", "victim", "choose c.toml"),
        ("runs.sqlite", "victim", "choose c.toml"),
        ("figure", "elsewhere", "choose c.toml"),
        ("figure", "elsewhere", "fit e.toml"),
    ] {
        let _ = std::fs::remove_dir_all(bench.path("out"));
        std::fs::create_dir(bench.path("out")).unwrap();
        symlink(bench.path(target), bench.path(&format!("out/{link}"))).unwrap();
        refused(&bench.taper(&format!("{command} --out out")), &format!("out/{link}"), "a symbolic link");
        assert_eq!(bench.text("victim"), "precious", "{link}");
        assert_eq!(bench.text("elsewhere/boundary.svg"), "precious", "{link}");
    }
    let _ = std::fs::remove_dir_all(bench.path("out"));
    std::fs::create_dir(bench.path("out")).unwrap();
    symlink(bench.path("victim"), bench.path("out/history.csv")).unwrap();
    bench.taper("fit e.toml --out out --replace").done();
    assert_eq!(bench.text("victim"), "precious");
    assert!(bench.text("out/history.csv").starts_with("epoch,"));
}

#[test]
fn what_a_terminal_would_obey_is_shown_written_out() {
    let bench = Bench::new(&[]);
    let rows: String =
        (0..40).map(|i| format!("{i},{}\n", if i % 2 == 0 { "a\u{1b}]0;pwn\u{7}" } else { "b\u{9b}2J" })).collect();
    bench.write("d.csv", format!("x,y\n{rows}"));
    let outcomes = [
        bench.taper("init d.csv --out d.toml"),
        bench.taper("fit d.toml --out out"),
        bench.taper("evaluate out d.csv"),
        bench.taper("inspect no\u{1b}[2Jsuch.toml"),
        bench.taper("fit d.toml --no\u{1b}[2Jsuch"),
    ];
    for outcome in &outcomes {
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{outcome:?}");
        }
    }
    for name in ["out/report.html", "out/report.md"] {
        assert!(!bench.text(name).contains(['\u{1b}', '\u{7}', '\u{9b}']), "{name}");
    }
}

#[test]
fn messages_are_short_whatever_the_input() {
    let bench = Bench::new(&[]);
    let long = "x".repeat(200_000);
    bench.write("line.toml", format!("a = \"{long}\nb = 1\n"));
    bench.write("word.toml", bench.text("e.toml").replace("\"accuracy\"", &format!("\"{long}\"")));
    let keys: String = (0..5000).map(|i| format!("key{i} = {i}\n")).collect();
    bench.write("keys.toml", bench.text("e.toml").replace("[fit]", &format!("[fit]\n{keys}")));
    bench.write("twice.json", r#"{"data": {"source": "moons"}, "fit": {"epochs": -5, "epochs": 1}}"#);
    bench.write("cells.csv", format!("a,y\n{long},1\n2,{long}\n"));
    for (line, file) in [
        ("plan line.toml", "line.toml"),
        ("plan word.toml", "word.toml"),
        ("plan keys.toml", "keys.toml"),
        ("plan twice.json", "twice.json"),
        ("init cells.csv --target nothing", ""),
    ] {
        refused(&bench.taper(line), file, "expected");
    }
    refused(&bench.taper("plan twice.json"), "twice.json", "`epochs` twice");
    // A command line is limited by the system.
    let long = "x".repeat(60_000);
    let word = bench.taper(&format!("fit {long}"));
    assert!(word.status == Some(2) && word.stderr.len() <= 2048, "{}", word.stderr.len());
    let option = bench.taper(&format!("fit e.toml --{long}"));
    assert!(option.status == Some(2) && option.stderr.len() <= 2048, "{}", option.stderr.len());
}

#[test]
fn contents_may_take_so_much_memory_and_no_more() {
    let bench = Bench::new(&[]);
    let mut tensors = Tensors::default();
    tensors.tensors.insert("x".into(), Tensor { shape: vec![60_000, 2], data: TensorData::F64(vec![0.5; 120_000]) });
    tensors.tensors.insert("y".into(), Tensor { shape: vec![60_000], data: TensorData::F64(vec![1.0; 60_000]) });
    write_tensors(&bench.path("big.safetensors"), &tensors).unwrap();
    bench.write("big.csv", "a,b,y\n".to_owned() + &"1,2,0\n".repeat(60_000));
    bench.write(
        "b.toml",
        bench
            .text("e.toml")
            .replace("source = \"moons\"\nnoise = 0.2\nrandom_state = 1", "source = \"big.safetensors\""),
    );
    refused(&bench.taper("fit b.toml --max-memory 1M"), "big.safetensors", "at most 1.0 MiB of memory");
    let table = "[data]\nsource = \"big.csv\"\ntarget = \"y\"\n[model]\nlayers = [{ layer = \"dense\", units = 1 }]\n[fit]\nloss = \"mse\"\nepochs = 1\n";
    bench.write("t.toml", table);
    refused(&bench.taper("fit t.toml --max-memory 400K"), "big.csv", "`--max-memory`");
    let wrong = bench.taper("fit t.toml --max-memory lots");
    assert!(wrong.status == Some(2) && wrong.stderr.contains("expected bytes"), "{wrong:?}");
}

#[test]
fn a_large_model_is_inspected_without_its_weights() {
    let bench = Bench::new(&[]);
    let spec = json!({ "input_shape": [2], "layers": [{ "layer": "dense", "units": 6_000_000, "name": "wide" }] });
    let mut file = Tensors::default();
    file.tensors.insert("wide/kernel".into(), Tensor::f32([2, 6_000_000], vec![0.5; 12_000_000]));
    file.tensors.insert("wide/bias".into(), Tensor::f32([6_000_000], vec![f32::NAN; 6_000_000]));
    file.metadata.insert("taper_version".into(), "1".into());
    file.metadata.insert("taper_model".into(), spec.to_string());
    write_tensors(&bench.path("wide.safetensors"), &file).unwrap();
    let told = bench.taper("inspect wide.safetensors").quiet().stdout;
    assert!(
        told.contains("wide (dense)") && told.contains("18000000") && told.contains("weights were not read"),
        "{told}"
    );
    let document = bench.taper("inspect wide.safetensors --json").quiet().json();
    assert_eq!(
        (&document["weights_read"], &document["parameters"][0]["shape"]),
        (&json!(false), &json!([2, 6_000_000]))
    );
    // The weights, where they are read, are no numbers.
    refused(&bench.taper("inspect wide.safetensors --weights"), "wide.safetensors", "a finite number");
    let allowed = bench.taper("inspect wide.safetensors --weights --allow-nan").quiet().stdout;
    assert!(allowed.contains("Zeros:"), "{allowed}");
}

#[test]
fn numbers_that_are_none_need_to_be_allowed_in_every_format() {
    let bench = Bench::new(&[]);
    let spec = json!({ "input_shape": [2], "layers": [{ "layer": "dense", "units": 1, "name": "d" }] });
    let mut file = Tensors::default();
    file.tensors.insert("d/kernel".into(), Tensor::f32([2, 1], vec![f32::NAN, 1.0]));
    file.tensors.insert("d/bias".into(), Tensor::f32([1], vec![0.0]));
    file.metadata.insert("taper_version".into(), "1".into());
    file.metadata.insert("taper_model".into(), spec.to_string());
    write_tensors(&bench.path("nan.safetensors"), &file).unwrap();
    refused(&bench.taper("convert nan.safetensors nan.keras"), "nan.safetensors", "a finite number");
    bench.taper("convert nan.safetensors nan.keras --allow-nan").done();
    refused(&bench.taper("inspect nan.keras"), "nan.keras", "finite numbers");
    bench.taper("inspect nan.keras --allow-nan").quiet();
    bench.taper("convert nan.keras back.safetensors --allow-nan").done();
    refused(&bench.taper("inspect back.safetensors"), "back.safetensors", "a finite number");
    bench.taper("inspect back.safetensors --allow-nan").quiet();
}

#[test]
fn leftovers_of_killed_processes_are_swept() {
    let bench = Bench::new(&[]);
    for name in [".taper-abc123", ".taper-XYZ789"] {
        bench.write(name, "half");
    }
    bench.write(".taper-mine.txt", "kept");
    bench.taper("fit e.toml --out good").done();
    bench.taper("convert good/model.safetensors m.onnx").done();
    let left: Vec<String> = bench.contents().into_iter().filter(|name| name.starts_with(".taper-")).collect();
    assert_eq!(left, [".taper-mine.txt"]);
}
