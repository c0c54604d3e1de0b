//! What `--help` says; `cargo insta review` after a change that is meant.

use crate::bench::Bench;

#[test]
fn help() {
    let bench = Bench::new(&[]);
    for command in [
        "",
        "demo",
        "demo moons",
        "fit",
        "study",
        "choose",
        "runs",
        "runs list",
        "trial run",
        "inspect",
        "convert",
        "lambda",
        "init",
        "evaluate",
        "predict",
        "data",
        "data moons",
        "data circles",
        "data blobs",
    ] {
        let text = bench.taper(&format!("{command} --help")).quiet().stdout;
        insta::assert_snapshot!(format!("help {command}").trim().replace(' ', "_"), text);
    }
    assert!(bench.taper("--version").quiet().stdout.starts_with("taper "));
}
