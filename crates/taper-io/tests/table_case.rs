//! Tables as people have them, read as an experiment reads them: what their cells say is kept.

use std::path::{Path, PathBuf};

use taper::table::{Labels, TableRows, Target};
use taper::{Experiment, Rows};
use taper_io::{Source, TableFile, parse_experiment, read_source};

/// The rows of an experiment on a table of this folder, or why there are none.
fn rows(folder: &Path, data: &str, loss: &str) -> Result<TableRows, String> {
    let text = format!(
        "[data]\n{data}\n[model]\nlayers = [{{ layer = \"dense\", units = 1 }}]\n[fit]\nloss = \"{loss}\"\nepochs = 1\n\
         optimizer = {{ name = \"sgd\", learning_rate = 0.1 }}\n"
    );
    let mut experiment: Experiment = parse_experiment("e.toml", &text).map_err(|error| error.to_string())?;
    match read_source(&mut experiment, folder).map_err(|error| error.to_string())? {
        Source::Table(rows) => Ok(*rows),
        Source::Plain { .. } => Err("no table".to_owned()),
    }
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../taper-cli/tests/fixture/case")
}

fn written(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.csv"), text).unwrap();
    folder
}

#[test]
fn rows_are_ordered_by_time_however_it_is_written() {
    for (file, column) in
        [("time_iso.csv", "day"), ("time_dmy.csv", "day"), ("time_unpadded.csv", "day"), ("time_month_name.csv", "t")]
    {
        let data = format!("source = \"{file}\"\ntarget = \"y\"\ntime = \"{column}\"\ntest = 0.25");
        let rows = rows(&cases(), &data, "mse").unwrap();
        let all: Vec<usize> = (0..rows.rows()).collect();
        let (train, test) = all.split_at(rows.development());
        let y = rows.split(train, test).unwrap().test.y().to_vec();
        // What a model of zeros is off by.
        assert_eq!(y.iter().sum::<f32>() / y.len() as f32, 104.5, "{file}");
    }
}

#[test]
fn a_time_that_cannot_be_read_is_refused_with_two_cells() {
    for (cells, shown) in [
        (["03/04/2026", "05/02/2026"], "got `03/04/2026` (row 1) and `05/02/2026` (row 2)"),
        (["first", "second"], "got `first` (row 1) and `second` (row 2)"),
    ] {
        let folder = written(&format!("day,x,y\n{},1,2\n{},2,3\n", cells[0], cells[1]));
        let error = rows(folder.path(), "source = \"rows.csv\"\ntarget = \"y\"\ntime = \"day\"", "mse").unwrap_err();
        assert!(error.contains("column `day`: expected") && error.contains(shown), "{error}");
    }
}

#[test]
fn classes_keep_their_codes_however_long_they_are() {
    let data = "source = \"rows.csv\"\ntarget = \"code\"";
    let of = |codes: [&str; 3]| {
        let text: String = (0..30).map(|i| format!("{i},{}\n", codes[i % 3])).collect();
        let folder = written(&format!("x,code\n{text}"));
        let rows = rows(folder.path(), data, "sparse_categorical_crossentropy").unwrap();
        let Target::Classes { labels, .. } = rows.target().clone() else { panic!("classes were wanted") };
        assert_eq!(labels.texts(), codes);
        assert_eq!(rows.split(&[0, 1, 2], &[3]).unwrap().train.y(), [0.0, 1.0, 2.0]);
        labels
    };
    assert!(matches!(of(["43211503", "43211508", "43211509"]), Labels::Numbers(_)));
    assert!(matches!(of(["1000000001", "1000000002", "1000000003"]), Labels::Numbers(_)));
    assert!(matches!(of(["-9007199254740993", "9007199254740992", "9007199254740993"]), Labels::Names(_)));
}

#[test]
fn a_time_in_seconds_is_scaled_before_it_is_rounded() {
    let text: String = (0..100).map(|i| i * 37 % 100).map(|i| format!("{},{i}\n", 1_700_000_000 + i)).collect();
    let folder = written(&format!("ts,y\n{text}"));
    let data = "source = \"rows.csv\"\ntarget = \"y\"\nstandardize = true";
    let rows = rows(folder.path(), data, "mse").unwrap();
    let all: Vec<usize> = (0..100).collect();
    let train = rows.split(&all, &[0]).unwrap().train;
    let scale = (9999.0f64 / 12.0).sqrt();
    for (x, y) in train.x().iter().zip(train.y()) {
        assert_eq!(*x, ((f64::from(*y) - 49.5) / scale) as f32);
    }
}

#[test]
fn an_index_of_a_data_frame_is_no_feature() {
    let data = "source = \"pandas_index.parquet\"\ntarget = \"y\"";
    let plain = rows(&cases(), data, "mse").unwrap();
    assert!(
        plain.warnings().iter().any(|warning| warning.place.contains("`__index_level_0__`")),
        "{:?}",
        plain.warnings()
    );
    let asked = rows(&cases(), &format!("{data}\nfeatures = [\"__index_level_0__\"]"), "mse").unwrap();
    assert_eq!((plain.table().column("__index_level_0__"), asked.width()), (None, 1));
}

#[test]
fn truth_values_are_the_same_in_every_format() {
    let data = "source = \"bool.csv\"\ntarget = \"y\"\none_hot = [\"kind\"]\nstandardize = true";
    let rows = rows(&cases(), data, "mse").unwrap();
    let all: Vec<usize> = (0..rows.rows()).collect();
    let prepared = rows.prepare(&all).unwrap();
    let read = |path: &Path| {
        let spec = taper::DataSpec::new("");
        let file = TableFile::open(path, &spec).unwrap();
        let wanted = prepared.wanted(file.header(), false).unwrap();
        let (table, _) = file.table(&wanted, &spec).unwrap();
        let all: Vec<usize> = (0..table.rows()).collect();
        prepared.inputs(&table, &all).unwrap().0
    };
    let own = read(&cases().join("bool.csv"));
    let new = read(&cases().join("bool_new.parquet"));
    assert!(new.iter().zip(&own).all(|(a, b)| (a - b).abs() < 1e-5), "{new:?}");
    let text = std::fs::read_to_string(cases().join("bool.csv")).unwrap();
    for (truth, lie) in [("TRUE", "FALSE"), ("1", "0"), ("1.0", "0.0")] {
        let folder = written(&text.replace("True", truth).replace("False", lie));
        assert_eq!(read(&folder.path().join("rows.csv")), own, "{truth}");
    }
}
