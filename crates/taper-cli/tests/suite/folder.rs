//! A folder of results holds one thing.

use crate::bench::Bench;

const CHOOSE: &str = "\n[choose]\ngrid = [0.01]\nfolds = 2\nrepeats = 1\nouter_folds = 2\nevidence = false\n";

#[test]
fn a_folder_is_named_after_the_experiment_and_the_command() {
    let bench = Bench::new(&[]);
    bench.write("e.toml", bench.text("e.toml") + CHOOSE);
    for command in ["fit", "study", "choose"] {
        let told = bench.taper(&format!("{command} e.toml")).quiet().stdout;
        assert!(told.contains(&format!("Report: e-{command}/report.html")), "{told}");
        assert!(bench.path(&format!("e-{command}/report.html")).is_file());
    }
    assert_eq!(bench.contents(), ["e-choose", "e-fit", "e-study", "e.toml"]);
}

#[test]
fn results_of_another_are_not_mixed_with_but_may_be_replaced() {
    let bench = Bench::new(&[]);
    bench.write("e.toml", bench.text("e.toml") + CHOOSE);
    bench.write("other.toml", bench.text("e.toml"));
    bench.taper("choose e.toml --out out").quiet();
    bench.write("out/mine.txt", "mine");
    for (command, it) in
        [("fit e.toml", "choose e.toml"), ("study e.toml", "choose e.toml"), ("choose other.toml", "choose e.toml")]
    {
        let refused = bench.taper(&format!("{command} --out out"));
        assert_eq!(refused.status, Some(2), "{refused:?}");
        assert!(
            refused.stderr.contains(&format!("results of `taper {it}`")) && refused.stderr.contains("--replace"),
            "{refused:?}"
        );
    }
    assert!(bench.path("out/result.json").is_file() && bench.path("out/runs.sqlite").is_file(), "nothing was touched");

    bench.taper("fit other.toml --out out --replace").quiet();
    assert!(bench.path("out/history.csv").is_file());
    for gone in ["result.json", "cv_results.csv", "runs.sqlite", "figure/gain.svg"] {
        assert!(!bench.path(&format!("out/{gone}")).exists(), "{gone}");
    }
    assert_eq!(bench.text("out/mine.txt"), "mine");
    bench.taper("fit other.toml --out out --seed 5").quiet();
    assert_eq!(bench.taper("fit e.toml --out out").status, Some(2), "another experiment");
    bench.taper("choose e.toml --out out --replace").quiet();
    let again = bench.taper("choose e.toml --out out");
    assert!(again.status == Some(2) && again.stderr.contains("--replace"), "{again:?}");
    bench.taper("choose e.toml --out out --replace").quiet();
}

#[test]
fn a_folder_with_files_of_ones_own_is_taken() {
    let bench = Bench::new(&[]);
    bench.taper("fit e.toml --out .").quiet();
    assert!(bench.path("report.html").is_file() && bench.path("e.toml").is_file());
    assert_eq!(bench.taper("study e.toml --out .").status, Some(2));
    bench.taper("study e.toml --out . --replace").quiet();
    assert!(!bench.path("history.csv").exists() && bench.path("e.toml").is_file());
}

#[test]
fn figures_of_an_earlier_report_go() {
    let bench = Bench::new(&[]);
    bench.taper("fit e.toml --out out").quiet();
    bench.write("out/figure/old.svg", "<svg></svg>");
    bench.taper("fit e.toml --out out").quiet();
    assert!(!bench.path("out/figure/old.svg").exists());
    bench.check_report("out");
}
