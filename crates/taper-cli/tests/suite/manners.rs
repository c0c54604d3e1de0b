//! What holds for every command: how much is said, what a file may be called, what a folder stands for.

use crate::bench::Bench;

#[test]
fn quiet_says_nothing_on_stderr_and_verbose_says_what_happens() {
    // The target is no class of its own for a warning to be about: the last rows of moons test.
    let bench = Bench::new(&[("l2 = 0.001", "l2 = 50.0")]);
    let usual = bench.taper("fit e.toml --out a").done();
    let quiet = bench.taper("fit e.toml --out b --quiet").quiet();
    assert_eq!(quiet.stdout.replace("b/", "a/"), usual.stdout);
    let verbose = bench.taper("-v fit e.toml --out c").done();
    for words in ["instructions: ", "threads: ", "file: c/model.safetensors", "time: "] {
        assert!(verbose.stderr.contains(words), "{words}: {verbose:?}");
    }
    let wrong = bench.taper("fit none.toml -q");
    assert!(wrong.status == Some(2) && wrong.stderr.starts_with("error: none.toml"), "{wrong:?}");
    assert_eq!(bench.taper("fit e.toml -q -v").status, Some(2));
}

#[test]
fn a_folder_stands_for_its_model_and_capitals_are_letters_too() {
    let bench = Bench::new(&[]);
    bench.taper("fit e.toml --out out").done();
    std::fs::copy(bench.path("out/model.safetensors"), bench.path("M.SafeTensors")).unwrap();
    let of_file = bench.taper("inspect out/model.safetensors").quiet().stdout;
    assert_eq!(bench.taper("inspect out").quiet().stdout, of_file);
    assert_eq!(bench.taper("inspect M.SafeTensors").quiet().stdout, of_file);
    let plan = bench.taper("plan out/model.safetensors --json").quiet().stdout;
    assert_eq!(bench.taper("plan out --json").quiet().stdout, plan);
    bench.taper("convert out m.KERAS").quiet();
    assert_eq!(bench.taper("inspect m.KERAS").quiet().status, Some(0));
    bench.taper("data moons --out ROWS.CSV").done();
    bench.taper("predict out ROWS.CSV --out p.csv");
    let empty = bench.taper("inspect .");
    assert!(empty.status == Some(2) && empty.stderr.contains(".: expected a file, got a folder"), "{empty:?}");
}

#[test]
fn a_file_of_another_kind_is_told_what_would_do() {
    let bench = Bench::new(&[]);
    bench.taper("data moons --out rows.csv").done();
    let wrong = |line: &str, words: &str| {
        let outcome = bench.taper(line);
        assert!(outcome.status == Some(2) && outcome.stderr.contains(words), "{line}: {outcome:?}");
    };
    wrong("inspect rows.csv", "`taper init` writes an experiment for a table");
    wrong("plan rows.csv", "`taper init` writes an experiment for a table");
    wrong("convert rows.csv m.onnx", "MODEL: expected a model (.keras, .h5 or .safetensors), got rows.csv");
    wrong("predict out rows.csv --out p.txt", "out");
    wrong("data moons --out rows.xlsx", "--out: expected a .safetensors or .csv file, got `rows.xlsx`");
}

#[test]
fn shells_and_readers_get_what_they_ask_for() {
    let bench = Bench::new(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bench.taper(&format!("completions {shell}")).quiet().stdout;
        assert!(script.contains("breast-cancer") && script.contains("elsewhere"), "{shell}");
    }
    assert_eq!(bench.taper("completions tcsh").status, Some(2));

    let page = bench.taper("man").quiet().stdout;
    assert!(page.contains(".TH taper 1") && page.contains("taper\\-choose"), "{page}");
    let page = bench.taper("man data moons").quiet().stdout;
    assert!(page.contains("taper data moons \\-\\-noise 0.2") && page.contains("random\\-state"), "{page}");
    let wrong = bench.taper("man chose");
    assert!(wrong.status == Some(2) && wrong.stderr.contains("did you mean `choose`?"), "{wrong:?}");
    bench.taper("man --out pages").done();
    for name in ["taper", "taper-fit", "taper-data-moons", "taper-runs-list"] {
        assert!(bench.text(&format!("pages/{name}.1")).contains(".SH SYNOPSIS"), "{name}");
    }
}

#[test]
fn a_dash_is_stdin_or_stdout() {
    let bench = Bench::new(&[]);
    let table = "a,b,y\n".to_owned() + &(0..40).map(|i| format!("{i},{},{}\n", i * i % 7, i * 2)).collect::<String>();
    bench.write("rows.csv", &table);
    let written = bench.taper("init rows.csv --out -").done();
    assert!(written.stdout.contains("source = \"rows.csv\"") && written.stderr.contains("40 rows"), "{written:?}");
    let text = written.stdout.replace("epochs = 300", "epochs = 2");
    bench.write("e.toml", &text);
    bench.taper("fit e.toml --out file").done();
    bench.typed("fit - --out stream", &text).done();
    assert_eq!(bench.read("file/model.safetensors"), bench.read("stream/model.safetensors"));
    let report = bench.text("stream/report.md");
    assert!(report.contains("taper fit - ") && report.contains("\"source\": \"rows.csv\""), "{report}");

    bench.taper("predict file rows.csv --out p.csv").done();
    let streamed = bench.typed("predict file - --out -", &table).done();
    assert_eq!(streamed.stdout, bench.text("p.csv"));
    let scores = bench.typed("evaluate file - --json", &table).done().json();
    assert_eq!(scores, bench.taper("evaluate file rows.csv --json").done().json());
    let wrong = bench.typed("predict file - --out -", "a,c\n1,2\n");
    assert!(
        wrong.status == Some(2) && wrong.stderr.starts_with("error: stdin: header: expected a column `b`"),
        "{wrong:?}"
    );
    let wrong = bench.typed("plan -", "data = 1");
    assert!(wrong.status == Some(2) && wrong.stderr.starts_with("error: stdin: "), "{wrong:?}");

    bench.taper("data moons --out m.csv").done();
    assert_eq!(bench.taper("data moons --out -").done().stdout, bench.text("m.csv"));
    assert!(!bench.path("-").exists());
}
