//! Imputing, standardizing and one-hot coding against scikit-learn: `golden/table/make.py` says with which calls.

use serde_json::Value;
use taper::table::{Column, Table, TableRows};
use taper::{DataSpec, Loss, Rows};

#[test]
fn preparation_is_that_of_scikit_learn() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/table/preparation.json"));
    let golden: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let list = |value: &Value| -> Vec<Value> { value.as_array().unwrap().clone() };
    let places =
        |key: &str| -> Vec<usize> { list(&golden[key]).iter().map(|i| i.as_u64().unwrap() as usize).collect() };
    let rows = list(&golden["numbers"]);
    let number = |row: &Value, column: usize| row[column].as_f64().map_or(f32::NAN, |value| value as f32);
    let mut columns: Vec<Column> = (0..3)
        .map(|column| {
            Column::numbers(format!("n{column}"), rows.iter().map(|row| number(row, column)).collect::<Vec<_>>())
        })
        .collect();
    let names = list(&golden["names"]);
    columns.push(Column::names("city", names.iter().map(|name| name.as_str().unwrap_or(""))));
    columns.push(Column::numbers("y", (0..rows.len()).map(|i| i as f32).collect::<Vec<_>>()));
    let table = Table::new(columns).unwrap();
    let mut checked = 0;
    for case in list(&golden["cases"]) {
        let spec = DataSpec {
            missing: serde_json::from_value(case["missing"].clone()).unwrap(),
            missing_indicator: case["indicator"].as_bool().unwrap(),
            standardize: true,
            ..DataSpec::new("t.csv")
        };
        let prepared = TableRows::new(table.clone(), None, &spec, Loss::Mse).unwrap();
        let split = prepared.split(&places("train"), &places("test")).unwrap();
        let expected: Vec<f64> =
            list(&case["x"]).iter().flat_map(|row| list(row)).map(|value| value.as_f64().unwrap()).collect();
        let got = [split.train.x(), split.test.x()].concat();
        assert_eq!(got.len(), expected.len(), "{}", case["missing"]);
        for (got, expected) in got.iter().zip(&expected) {
            assert!((f64::from(*got) - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{got} is not {expected}");
            checked += 1;
        }
    }
    assert!(checked > 1000);
}
