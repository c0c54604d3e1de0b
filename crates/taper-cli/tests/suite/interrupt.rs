//! Ctrl-C.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::Bench;

#[test]
fn an_interrupted_training_keeps_its_work_and_says_so() {
    let bench = Bench::new(&[("epochs = 20", "epochs = 100000000")]);
    let child = Command::new(assert_cmd::cargo::cargo_bin!("taper"))
        .args(["fit", "e.toml", "--json", "--out", "out"])
        .current_dir(bench.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let log = bench.path("out/history.csv");
    while std::fs::metadata(&log).map_or(0, |file| file.len()) < 1000 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the training does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("of 100000000 epochs are done") && stderr.contains("out/model.safetensors"), "{stderr}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["stop"]["reason"], "interrupted");
    bench.check_files(&document);
    bench.check_report("out");
    bench.taper("inspect out/model.safetensors").quiet();
}
