//! What is written as a table is read as it was.

use proptest::prelude::*;
use taper::DataSpec;
use taper::table::{Cells, Column, Reading, Table, Wanted};
use taper_io::{Audience, CellsOut, ColumnKind, TableFile, TableWriter};

fn read(path: &std::path::Path) -> Result<Table, taper_io::Error> {
    let file = TableFile::open(path, &DataSpec::new(""))?;
    let reading = |name: &str| if name == "text" { Reading::Names } else { Reading::Auto };
    let wanted = |(position, name): (usize, &String)| Wanted {
        position,
        name: name.clone(),
        reading: reading(name),
        complete: false,
    };
    let wanted: Vec<Wanted> = file.header().iter().enumerate().map(wanted).collect();
    file.table(&wanted, &DataSpec::new("")).map(|(table, _)| table)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tables_survive_the_round_trip(
        rows in prop::collection::vec((any::<f32>().prop_filter("finite", |x| x.is_finite()), "[a-zA-Z\",;\n\r ]{0,12}"), 1..50),
        parquet: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(if parquet { "t.parquet" } else { "t.csv" });
        let columns = [("number".to_owned(), ColumnKind::Numbers), ("text".to_owned(), ColumnKind::Text)];
        let mut writer = TableWriter::create(&path, &columns, Audience::Program).unwrap();
        let numbers: Vec<f32> = rows.iter().map(|(number, _)| *number).collect();
        // Cells are trimmed when they are read; a text that says "nothing" is nothing.
        let texts: Vec<String> = rows.iter().map(|(_, text)| format!("t{text}t")).collect();
        writer
            .write(&[CellsOut::Numbers(numbers.clone()), CellsOut::Text(texts.iter().map(String::as_str).collect())])
            .unwrap();
        prop_assert!(!path.exists(), "a table appears when it is finished");
        writer.finish().unwrap();
        let table = read(&path).unwrap();
        let Cells::Numbers(read) = &table.column("number").unwrap().cells else { panic!("{table:?}") };
        prop_assert_eq!(read.iter().map(|number| number as f32).collect::<Vec<_>>(), numbers);
        prop_assert_eq!(table.column("text").unwrap(), &Column::names("text", texts.iter().map(String::as_str)));
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(prop_oneof![
        Just(b','), Just(b'\n'), Just(b'"'), Just(b'\r'), Just(b'1'), Just(b'a'), Just(0u8), any::<u8>(),
    ], 0..200), parquet: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(if parquet { "t.parquet" } else { "t.csv" });
        std::fs::write(&path, bytes).unwrap();
        if let Err(error) = read(&path) {
            prop_assert!(error.is_input(), "{error}");
        }
    }
}

/// A long file is read in many pieces, in parallel; its rows come out in order and its categories the same.
#[test]
fn pieces_of_a_long_file_fit_together() {
    let rows = 300_000;
    let name = |i: usize| format!("city, {}", (i * i) % 17);
    let mut text = String::from("number,text,late\r\n");
    for i in 0..rows {
        let late = if i < rows / 2 { String::new() } else { format!("\"{}\"", ["x", "y"][i % 2]) };
        text += &format!("{i},\"{}\",{late}\r\n", name(i));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, text).unwrap();
    let table = read(&path).unwrap();
    assert_eq!(table.rows(), rows);
    assert_eq!(
        table.column("number").unwrap(),
        &Column::numbers("number", (0..rows).map(|i| i as f32).collect::<Vec<_>>())
    );
    let names: Vec<String> = (0..rows).map(name).collect();
    assert_eq!(table.column("text").unwrap(), &Column::names("text", names.iter().map(String::as_str)));
    let late = (0..rows).map(|i| if i < rows / 2 { "" } else { ["x", "y"][i % 2] });
    assert_eq!(table.column("late").unwrap(), &Column::names("late", late));
}

#[test]
fn results_keep_their_numbers_and_their_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let head = ["name", "score", "seed", "none"].map(str::to_owned);
    let rows =
        [["=1+1", "-0.1", "9007199254740993", ""], ["b", "", "1", ""]].map(|row| row.map(str::to_owned).to_vec());
    let csv = folder.path().join("r.csv");
    taper_io::write_results(&csv, &head, &rows, Audience::Spreadsheet).unwrap();
    assert_eq!(std::fs::read_to_string(&csv).unwrap(), "name,score,seed,none\n'=1+1,-0.1,9007199254740993,\nb,,1,\n");

    let parquet = folder.path().join("r.parquet");
    taper_io::write_results(&parquet, &head, &rows, Audience::Spreadsheet).unwrap();
    let table = read(&parquet).unwrap();
    assert_eq!(table.column("name").unwrap(), &Column::names("name", ["=1+1", "b"]));
    assert_eq!(table.column("seed").unwrap(), &Column::names("seed", ["9007199254740993", "1"]));
    let score = table.column("score").unwrap();
    assert_eq!((score.text(0), score.is_missing(0), score.is_missing(1)), ("-0.1".into(), false, true));

    let other = taper_io::write_results(&folder.path().join("r.txt"), &head, &rows, Audience::Spreadsheet).unwrap_err();
    assert!(other.to_string().contains(".parquet"), "{other}");
}
