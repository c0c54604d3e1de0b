//! What `--help` says; `cargo insta review` after a change that is meant.

use crate::bench::Bench;

#[test]
fn help() {
    let bench = Bench::new(&[]);
    for command in [
        "",
        "demo",
        "demo moons",
        "demo digits",
        "demo sunspots",
        "demo breast-cancer",
        "fit",
        "study",
        "choose",
        "runs",
        "runs list",
        "runs show",
        "runs export",
        "runs repair",
        "trial run",
        "inspect",
        "plan",
        "compact",
        "convert",
        "lambda",
        "init",
        "evaluate",
        "predict",
        "data",
        "data moons",
        "data circles",
        "data blobs",
        "bench",
        "recipe",
        "recipe list",
        "recipe show",
        "recipe demo",
        "reference",
        "completions",
        "man",
    ] {
        let text = bench.taper(&format!("{command} --help")).quiet().stdout;
        insta::assert_snapshot!(format!("help {command}").trim().replace(' ', "_"), text);
    }
    assert!(bench.taper("--version").quiet().stdout.starts_with("taper "));
}
