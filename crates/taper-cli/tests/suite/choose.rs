//! `taper choose`: its result, and that nothing that happens to it changes that.

use serde_json::Value;

use crate::bench::Bench;

const CHOOSE: &str =
    "\n[choose]\npenalties = [\"l2\"]\ngrid = [0.001, 0.01, 0.1]\nfolds = 3\nrepeats = 2\nouter_folds = 3\n";

/// A choice among three strengths that takes a second or two.
fn bench(changes: &[(&str, &str)]) -> Bench {
    let bench = Bench::new(changes);
    let text = bench.text("e.toml");
    bench.write("e.toml", text.split("\n[study]").next().unwrap().to_owned() + CHOOSE);
    bench
}

/// Everything in the folder that a reader opens, by name, in order; not the store, which may have been written in any order.
fn results(bench: &Bench, out: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in [out.to_owned(), format!("{out}/figure")] {
        for entry in std::fs::read_dir(bench.path(&folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_file() && !name.contains("runs") {
                files.push((name.replacen(out, "out", 1), std::fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    assert!(files.len() > 10, "{files:?}");
    files
}

/// The names of the files that differ.
fn differing(a: &[(String, Vec<u8>)], b: &[(String, Vec<u8>)]) -> Vec<String> {
    assert_eq!(a.iter().map(|file| &file.0).collect::<Vec<_>>(), b.iter().map(|file| &file.0).collect::<Vec<_>>());
    a.iter().zip(b).filter(|(a, b)| a != b).map(|(a, _)| a.0.clone()).collect()
}

#[test]
fn the_result_has_what_a_reader_needs_and_no_time_or_place() {
    let bench = bench(&[]);
    let document = bench.taper("choose e.toml --out out --json").quiet().json();
    assert!(document["verdict"]["helps"].is_boolean() && document["verdict"]["sentence"].is_string());
    for number in ["lambda_min", "lambda_1se"] {
        assert!(document[number].is_number(), "{number}");
    }
    for number in ["estimate", "ci_low", "ci_high"] {
        assert!(document["gain"][number].is_number(), "{number}");
    }
    assert!(document["chosen"]["penalty"].is_string() && document["chosen"]["value"].is_number());
    let grid = document["grid"].as_array().unwrap();
    assert_eq!(grid.len(), 3);
    assert!(grid.iter().all(|point| point["value"].is_number() && point["score"]["n"].is_number()));
    assert!(document["runs"]["done"].as_u64() > Some(10) && document["runs"]["saved_by_racing"].is_number());
    bench.check_files(&document);
    bench.check_report("out");
    let result: Value = serde_json::from_slice(&bench.read("out/result.json")).unwrap();
    assert!(result.get("files").is_none(), "no paths in the result");
    bench.taper("inspect out/model.safetensors").quiet();

    let first = results(&bench, "out");
    bench.taper("choose e.toml --out two --threads 1").quiet();
    assert_eq!(differing(&first, &results(&bench, "two")), [""; 0], "another folder, another number of threads");
}

#[test]
fn the_table_of_scores_is_scikit_learns() {
    let bench = bench(&[]);
    bench.taper("choose e.toml --out out --no-race").quiet();
    assert!(bench.read("out/cv_results.parquet").starts_with(b"PAR1"));
    let text = bench.text("out/cv_results.csv");
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    for name in ["params", "param_penalty", "param_value", "split0_test_score", "split5_test_score", "mean_test_score"]
    {
        assert!(head.contains(&name), "{name} in {head:?}");
    }
    let column = |name: &str| head.iter().rev().position(|known| *known == name).unwrap();
    let mut best = (String::new(), f64::NEG_INFINITY);
    for line in lines {
        // From the right: the parameters have commas in them.
        let cells: Vec<&str> = line.rsplit(',').collect();
        let mean: f64 = cells[column("mean_test_score")].parse().unwrap();
        assert!(mean < 0.0, "a loss is negated: {line}");
        if mean > best.1 {
            best = (cells[column("rank_test_score")].to_owned(), mean);
        }
    }
    assert_eq!(best.0, "1");
}

#[test]
fn what_is_there_is_neither_overwritten_nor_mixed_up() {
    let bench = bench(&[]);
    bench.taper("choose e.toml --out out").quiet();
    let first = results(&bench, "out");
    let refused = bench.taper("choose e.toml --out out");
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("a finished study with") && refused.stderr.contains("--resume"), "{refused:?}");
    bench.taper("choose e.toml --out out --resume").quiet();
    assert_eq!(differing(&first, &results(&bench, "out")), [""; 0]);

    let changed = bench.taper("choose e.toml --out out --resume --seed 7");
    assert_eq!(changed.status, Some(2));
    assert!(changed.stderr.contains("choose.seed: expected 1 as when the study began, got 7"), "{changed:?}");
    assert!(changed.stderr.contains("--fork"), "{changed:?}");
    assert_eq!(differing(&first, &results(&bench, "out")), [""; 0], "nothing was written");

    bench.taper("choose e.toml --out out --fork --seed 7").quiet();
    let studies = bench.taper("runs list out --json").quiet().json();
    assert_eq!(studies["studies"].as_array().unwrap().len(), 2);
    bench.taper("choose e.toml --out out --resume").quiet();
    assert_eq!(differing(&first, &results(&bench, "out")), [""; 0], "the first study is still whole");
}

#[test]
fn a_changed_file_is_noticed() {
    let bench = bench(&[("source = \"moons\"\nnoise = 0.2\nrandom_state = 1\ntrain = 30", "source = \"rows.csv\"")]);
    bench.taper("data moons --samples 60 --noise 0.2 --out rows.csv");
    bench.taper("choose e.toml --out out").quiet();
    let text = bench.text("rows.csv");
    let (head, rest) = text.split_once('\n').unwrap();
    let (_, rows) = rest.split_once('\n').unwrap();
    bench.write("rows.csv", format!("{head}\n{rows}"));
    let changed = bench.taper("choose e.toml --out out --resume");
    assert_eq!(changed.status, Some(2));
    assert!(changed.stderr.contains("files.rows.csv.blake3: expected"), "{changed:?}");
}

#[test]
fn a_changed_byte_costs_one_run_and_not_the_study() {
    let bench = bench(&[]);
    bench.taper("choose e.toml --out out").quiet();
    let first = results(&bench, "out");
    let list = bench.taper("runs list out --json").quiet().json();
    let runs = list["runs"].as_array().unwrap();
    // The first run: that the last one is missing, no gap in the numbers tells. Its specification follows its key; pages that
    // SQLite has left may hold the two once more.
    let text = [runs[0]["key"].as_str().unwrap().as_bytes(), b"{"].concat();
    let mut bytes = bench.read("out/runs.sqlite");
    let places: Vec<usize> = (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(&text)).collect();
    places.iter().for_each(|at| bytes[at + text.len()] ^= 1);
    bench.write("out/runs.sqlite", &bytes);
    for line in ["choose e.toml --out out --resume", "runs list out"] {
        let refused = bench.taper(line);
        assert_eq!(refused.status, Some(2), "{refused:?}");
        assert!(
            refused.stderr.contains("runs.sqlite: run ") && refused.stderr.contains("taper runs repair"),
            "{refused:?}"
        );
    }
    assert_eq!(bench.read("out/runs.sqlite"), bytes, "what is damaged is not written to");
    let repair = bench.taper("runs repair out --json").quiet().json();
    assert_eq!(repair["runs"].as_u64(), Some(runs.len() as u64 - 1), "{repair}");
    assert_eq!(repair["lost"], serde_json::json!([1]));
    assert_eq!(bench.read("out/runs.sqlite.damaged"), bytes);
    bench.taper("choose e.toml --out out --resume").quiet();
    assert_eq!(differing(&first, &results(&bench, "out")), [""; 0]);
}

#[test]
fn names_in_a_table_stay_text() {
    let bench = bench(&[("source = \"moons\"\nnoise = 0.2\nrandom_state = 1\ntrain = 30", "source = \"rows.csv\"")]);
    bench.taper("data moons --samples 60 --noise 0.2 --out rows.csv");
    let text = bench.text("rows.csv");
    let (_, rows) = text.split_once('\n').unwrap();
    bench.write("rows.csv", format!("<img src=x onerror=alert(1)>,=cmd|'/c calc'!A1,y\n{rows}"));
    bench.taper("choose e.toml --out out").quiet();
    let html = bench.text("out/report.html");
    assert!(!html.contains("<img"));
    assert_eq!(html.matches("<script>").count(), 1);
    assert!(!bench.text("out/cv_results.csv").contains("\n="));
}

#[cfg(unix)]
mod killed {
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{bench, differing, results};
    use crate::bench::Bench;

    /// Long enough to be killed in the middle.
    fn slow() -> Bench {
        bench(&[("epochs = 20", "epochs = 600")])
    }

    fn begin(bench: &Bench, words: &[&str]) -> Child {
        Command::new(assert_cmd::cargo::cargo_bin!("taper"))
            .args(["choose", "e.toml", "--out", "out"])
            .args(words)
            .current_dir(bench.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits until the store has taken in so many bytes more.
    fn wait_for(bench: &Bench, child: &mut Child, bytes: u64) {
        let size = || {
            let length = |name: &str| std::fs::metadata(bench.path(name)).map_or(0, |file| file.len());
            length("out/runs.sqlite") + length("out/runs.sqlite-wal")
        };
        let (begun, first) = (Instant::now(), size());
        while size() < first + bytes && child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is stored");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn a_choice_that_was_killed_ends_with_the_bytes_of_one_that_was_not() {
        let whole = slow();
        let done = whole.taper("choose e.toml --out out --json").quiet().json()["runs"]["done"].as_u64().unwrap();
        let bench = slow();
        for kill in 0..3 {
            let mut child = begin(&bench, &["--resume"]);
            wait_for(&bench, &mut child, 30_000 + 7_000 * kill);
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let before = bench.taper("runs list out --json").json()["runs"].as_array().unwrap().len();
        assert!(before > 0, "something was kept");
        bench.taper("choose e.toml --out out --resume").quiet();
        assert_eq!(differing(&results(&whole, "out"), &results(&bench, "out")), [""; 0]);
        let list = bench.taper("runs list out --json").quiet().json();
        assert_eq!(list["studies"].as_array().unwrap().len(), 1);
        assert_eq!(list["runs"].as_array().unwrap().len() as u64, done, "no run lost, none counted twice");
    }

    #[test]
    fn ctrl_c_keeps_the_work_and_says_how_to_go_on() {
        let bench = slow();
        let mut child = begin(&bench, &[]);
        wait_for(&bench, &mut child, 40_000);
        let second = bench.taper("choose e.toml --out out --resume");
        assert_eq!(second.status, Some(2), "{second:?}");
        assert!(
            second.stderr.contains(&format!("process {}", child.id())) && second.stderr.contains("--wait"),
            "{second:?}"
        );
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        assert!(stderr.contains("finished runs are kept in out/runs.sqlite"), "{stderr}");
        assert!(stderr.contains("taper choose e.toml --out out --resume"), "{stderr}");
        assert!(!bench.path("out/result.json").exists());
        let refused = bench.taper("choose e.toml --out out");
        assert!(refused.status == Some(2) && refused.stderr.contains("not finished"), "{refused:?}");
    }

    /// A limit on the size of files stands for a full disk.
    #[test]
    fn a_full_disk_is_an_error_that_loses_nothing() {
        let bench = bench(&[]);
        let taper = assert_cmd::cargo::cargo_bin!("taper");
        let script = format!("trap '' XFSZ; ulimit -f 250; exec {} choose e.toml --out out", taper.display());
        let output = Command::new("sh").args(["-c", &script]).current_dir(bench.path("")).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("out/runs.sqlite: writing failed") && stderr.contains("--resume"), "{stderr}");
        let kept = bench.taper("runs list out --json").json()["runs"].as_array().unwrap().len();
        assert!(kept > 0, "{stderr}");
        bench.taper("choose e.toml --out out --resume").quiet();
        bench.check_report("out");
    }
}
