//! Imputing, standardizing and one-hot coding against scikit-learn: `golden/table/make.py` says with which calls.

use proptest::prelude::*;
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
        let expected: Vec<f64> = list(&case["x"]).iter().flat_map(&list).map(|value| value.as_f64().unwrap()).collect();
        let got = [split.train.x(), split.test.x()].concat();
        assert_eq!(got.len(), expected.len(), "{}", case["missing"]);
        for (got, expected) in got.iter().zip(&expected) {
            assert!((f64::from(*got) - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{got} is not {expected}");
            checked += 1;
        }
    }
    assert!(checked > 1000);
}

/// Numbers with gaps, a category, and a target that is a number.
fn table(cells: &[(Option<i16>, u8, i16)]) -> Table {
    let numbers: Vec<f32> = cells.iter().map(|(number, _, _)| number.map_or(f32::NAN, f32::from)).collect();
    let names = cells.iter().map(|(_, name, _)| ["Ulm", "Bonn", "Köln"][usize::from(*name) % 3]);
    let target: Vec<f32> = cells.iter().enumerate().map(|(i, (_, _, y))| f32::from(*y) + i as f32 / 64.0).collect();
    let columns = vec![Column::numbers("n", numbers), Column::names("c", names), Column::numbers("y", target)];
    Table::new(columns).unwrap()
}

proptest! {
    #[test]
    fn what_is_measured_has_not_seen_the_rows_it_is_judged_by(
        cells in prop::collection::vec((prop::option::weighted(0.8, any::<i16>()), any::<u8>(), any::<i16>()), 6..40),
        other in any::<i16>(),
    ) {
        let spec = DataSpec {
            missing: taper::Missing::Mean, standardize: true, standardize_target: true, ..DataSpec::new("t.csv")
        };
        let (train, test): (Vec<usize>, Vec<usize>) = (0..cells.len()).partition(|row| row % 3 != 0);
        prop_assume!(cells.iter().any(|(number, _, _)| number.is_some()));
        let rows = TableRows::new(table(&cells), None, &spec, Loss::Mse).unwrap();
        let split = rows.split(&train, &test).unwrap();

        // Training rows have mean 0, and deviation 1 or none.
        let width = split.train.input_shape().len();
        let n = split.train.rows() as f64;
        let numbers: Vec<f64> = split.train.x().iter().step_by(width).map(|x| f64::from(*x)).collect();
        let mean = numbers.iter().sum::<f64>() / n;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        prop_assert!(mean.abs() < 1e-4, "{mean}");
        prop_assert!((variance - 1.0).abs() < 1e-3 || variance < 1e-6, "{variance}");

        // Other numbers in test rows change nothing that training sees.
        let mut changed = cells.clone();
        test.iter().for_each(|row| (changed[*row].0, changed[*row].2) = (Some(other), other));
        let others = TableRows::new(table(&changed), None, &spec, Loss::Mse).unwrap();
        let again = others.split(&train, &test).unwrap();
        prop_assert_eq!(&again.train, &split.train);

        // What is saved is what was measured, to the bit.
        let prepared = rows.prepare(&train).unwrap();
        let saved = serde_json::to_string(&prepared).unwrap();
        let read: taper::table::Prepared = serde_json::from_str(&saved).unwrap();
        prop_assert_eq!(&read, &prepared);
        prop_assert_eq!(read.dataset(rows.table(), &test).unwrap(), split.test);
    }
}
