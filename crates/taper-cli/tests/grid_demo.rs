//! `taper demo sunspots`, the shorter of the two demos that share a study.

use assert_cmd::Command;
use serde_json::Value;

#[test]
fn sunspots_says_everything() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::cargo_bin("taper").unwrap();
    let arguments = ["demo", "sunspots", "--repeats", "2", "--json", "--out", "out"];
    let output = command.current_dir(&folder).args(arguments).assert().success().get_output().clone();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    for file in document["files"].as_array().unwrap() {
        assert!(folder.path().join(file.as_str().unwrap()).is_file(), "{file}");
    }
    let grid = document["grid"].as_array().unwrap();
    assert_eq!(grid.len(), 6);
    for entry in grid {
        assert!(entry["l2"].is_number() && entry["test_data_loss"]["mean"].is_number());
        assert_eq!(entry["test_data_loss_difference"]["n"], 2);
    }
    assert!(grid[5]["kernel_norm"]["mean"].as_f64() < document["baseline"]["kernel_norm"]["mean"].as_f64());
    assert!(document["difference"]["test_data_loss"]["mean"].is_number());
    assert!(document["verdict"].as_str().unwrap().starts_with("A penalty"));
    for place in ["kernel", "recurrent_kernel", "bias"] {
        assert!(document["alone"][place]["test_data_loss"]["mean"].is_number(), "{place}");
    }
}
