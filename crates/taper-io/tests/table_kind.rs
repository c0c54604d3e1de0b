//! Parquet columns of every kind, with every packing: `fixture/kinds.py` made the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::data_type::DoubleType;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use taper::DataSpec;
use taper::table::{Cells, Column, Reading, Table, Wanted};
use taper_io::TableFile;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture").join(name)
}

fn read(path: &Path, reading: Reading) -> Table {
    let file = TableFile::open(path, &DataSpec::new("")).unwrap();
    let wanted = |(position, name): (usize, &String)| Wanted { position, name: name.clone(), reading, complete: true };
    let wanted: Vec<Wanted> = file.header().iter().enumerate().map(wanted).collect();
    file.table(&wanted, &DataSpec::new("")).unwrap().0
}

fn numbers(table: &Table, name: &str) -> Vec<f64> {
    match &table.column(name).unwrap().cells {
        Cells::Numbers(numbers) => numbers.iter().collect(),
        Cells::Names { levels, .. } => panic!("{name} holds names: {levels:?}"),
    }
}

#[test]
fn every_packing_holds_the_same_table() {
    let plain = read(&fixture("kinds.int.parquet"), Reading::Auto);
    assert_eq!(plain.rows(), 24);
    for codec in ["zstd", "gzip", "brotli", "lz4"] {
        let packed = read(&fixture(&format!("kinds.{codec}.parquet")), Reading::Auto);
        assert_eq!(packed, plain, "{codec}");
    }
}

#[test]
fn values_of_every_kind_are_numbers_where_they_can_be() {
    let table = read(&fixture("kinds.zstd.parquet"), Reading::Auto);
    let money: Vec<f64> = (0..24).map(|i| (f64::from(i) * 125.0 - 700.0) / 100.0).collect();
    for name in ["d32", "d128", "d256"] {
        assert_eq!(numbers(&table, name), money, "{name}");
    }
    let of = |value: fn(f64) -> f64| (0..24).map(|i| value(f64::from(i))).collect::<Vec<f64>>();
    assert_eq!(numbers(&table, "half"), of(|i| i / 8.0 - 1.0));
    assert_eq!(numbers(&table, "single"), of(|i| f64::from((i / 10.0) as f32)));
    assert_eq!(numbers(&table, "u32"), of(|i| 4_294_967_295.0 - i));
    let start = 1_769_896_800.25;
    for name in ["ms", "us", "ns"] {
        let expected: Vec<f64> = (0..24).map(|i| start + 7.0 * 3600.0 * f64::from(i)).collect();
        assert_eq!(numbers(&table, name), expected, "{name}");
    }
    assert_eq!(numbers(&table, "date")[..2], [1_769_817_600.0, 1_769_904_000.0]);
    assert_eq!(numbers(&table, "date64"), numbers(&table, "date"));
    assert_eq!(numbers(&table, "time")[..2], [79_200.25, 18_000.25]);
    assert_eq!(table.column("id").unwrap().text(4), "9007199254740993");
    let flags = (0..24).map(|i| if i % 3 == 0 { "True" } else { "False" });
    assert_eq!(table.column("flag").unwrap(), &Column::names("flag", flags));
    let letters = || (0..24).map(|i| ["a", "b"][i % 2]);
    assert_eq!(table.column("large").unwrap(), &Column::names("large", letters()));
    assert_eq!(table.column("dictionary").unwrap(), &Column::names("dictionary", letters()));
}

#[test]
fn values_of_every_kind_have_names_without_losing_a_digit() {
    let table = read(&fixture("kinds.zstd.parquet"), Reading::Names);
    for (name, text) in [
        ("d32", "-5.75"),
        ("d128", "-5.7500"),
        ("d256", "-5.75"),
        ("half", "-0.875"),
        ("single", "0.1"),
        ("u32", "4294967294"),
        ("u64", "18446744073709551614"),
        ("date", "2026-02-01"),
        ("date64", "2026-02-01"),
        ("ms", "2026-02-01T05:00:00.25"),
        ("us", "2026-02-01T05:00:00.25Z"),
        ("ns", "2026-02-01T05:00:00.25"),
        ("time", "05:00:00.25"),
        ("flag", "False"),
        ("id", "9007199254740992"),
    ] {
        assert_eq!(table.column(name).unwrap().text(1), text, "{name}");
    }
}

#[test]
fn moments_as_spark_wrote_them_are_moments() {
    let old = read(&fixture("int96.parquet"), Reading::Auto);
    assert_eq!(numbers(&old, "ns"), numbers(&read(&fixture("kinds.zstd.parquet"), Reading::Auto), "ns"));
}

#[test]
fn an_index_with_a_name_is_known_by_the_notes_of_pandas() {
    let file = TableFile::open(&fixture("named_index.parquet"), &DataSpec::new("")).unwrap();
    assert_eq!((file.header().join(" "), file.index()), ("x y row".into(), &["row".to_owned()][..]));
    let spec = file.without_index(&DataSpec::new(""));
    assert_eq!((spec.target.as_deref(), spec.exclude), (Some("y"), vec!["row".to_owned()]));
    let asked = DataSpec { group: Some("row".into()), ..DataSpec::new("") };
    assert!(file.without_index(&asked).exclude.is_empty());
}

#[test]
fn the_frames_that_hadoop_puts_around_lz4_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for codec in [Compression::LZ4, Compression::LZ4_RAW] {
        let path = folder.path().join("t.parquet");
        let field = Type::primitive_type_builder("x", Physical::DOUBLE).with_repetition(Repetition::REQUIRED).build();
        let schema = Type::group_type_builder("rows").with_fields(vec![Arc::new(field.unwrap())]).build().unwrap();
        let properties = WriterProperties::builder().set_compression(codec).build();
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).unwrap();
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i % 10)).collect();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        assert_eq!(numbers(&read(&path, Reading::Auto), "x"), values, "{codec:?}");
    }
}
