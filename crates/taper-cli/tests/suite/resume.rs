//! Trainings that are killed and go on.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::Bench;

/// Everything that a training remembers: moments, a schedule, early stopping's best weights, a plateau's rate.
const CHANGES: [(&str, &str); 2] = [
    ("l2 = 0.001", "l2 = { name = \"linear\", from = 0.1, to = 0.0, epochs = 4000 }"),
    (
        "epochs = 20",
        "epochs = 6000\nbatch_size = 7\ncheckpoint = 50\n\
         early_stopping = { monitor = \"val_data_loss\", patience = 100000 }\n\
         reduce_lr_on_plateau = { monitor = \"loss\", patience = 300, factor = 0.9 }",
    ),
];

/// A log without its clock.
fn log(bench: &Bench, folder: &str) -> Vec<Vec<String>> {
    let text = bench.text(&format!("{folder}/history.csv"));
    let rows: Vec<Vec<String>> = text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let clock = rows[0].iter().position(|name| name == "seconds").unwrap();
    let without = |mut row: Vec<String>| {
        row.remove(clock);
        row
    };
    rows.into_iter().map(without).collect()
}

#[test]
fn a_killed_training_goes_on_to_the_bytes_of_one_that_was_not() {
    let bench = Bench::new(&CHANGES);
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("taper"))
        .args(["fit", "e.toml", "--out", "killed"])
        .current_dir(bench.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !bench.path("killed/checkpoint.safetensors").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "it was done before it could be killed");
    assert!(!bench.path("killed/model.safetensors").exists());

    let other = bench.taper("fit e.toml --out killed --resume --seed 2");
    assert_eq!(other.status, Some(2));
    assert!(other.stderr.contains("--resume: expected a checkpoint of this training"), "{other:?}");

    bench.taper("fit e.toml --out killed --resume").done();
    bench.taper("fit e.toml --out whole").done();
    assert!(bench.read("killed/model.safetensors") == bench.read("whole/model.safetensors"));
    assert_eq!(log(&bench, "killed"), log(&bench, "whole"));
    assert!(!bench.path("killed/checkpoint.safetensors").exists(), "what is done needs no checkpoint");

    let none = bench.taper("fit e.toml --out whole --resume");
    assert_eq!(none.status, Some(2));
    assert!(none.stderr.contains("[fit] checkpoint = N"), "{none:?}");
}
