use proptest::prelude::*;

use super::*;

fn read(cells: &[&str]) -> Numbers {
    let mut numbers = Numbers::default();
    for cell in cells {
        match Decimal::parse(cell) {
            Some(number) => numbers.push(number),
            None => numbers.push_missing(),
        }
    }
    numbers
}

#[test]
fn every_digit_of_a_whole_number_is_kept() {
    let ids = read(&["9007199254740993", "", "9007199254740992", "7"]);
    assert_eq!(
        (ids.text(0), ids.text(1), ids.text(2)),
        ("9007199254740993".into(), String::new(), "9007199254740992".into())
    );
    assert_ne!(ids.key(0), ids.key(2));
    assert_eq!(ids.beyond().map(<[i64]>::len), Some(4));
    assert!(read(&["43211503", "43211508"]).beyond().is_none());
}

#[test]
fn decimals_of_few_digits_are_small() {
    let numbers = read(&["1", "0.25", "-17.5", ""]);
    assert!(matches!(numbers.0, Store::Units { places: 2, .. }), "{numbers:?}");
    let numbers = read(&["1700000041", "1700000019"]);
    assert!(matches!(numbers.0, Store::Units { places: 0, .. }), "{numbers:?}");
    let numbers = read(&["1700000041.123456", "1"]);
    assert!(matches!(numbers.0, Store::Double(_)), "{numbers:?}");
    assert!(matches!(Numbers::from([0.5, 2.0f64]).settled().0, Store::Single(_)));
    assert!(matches!(Numbers::from([0.1, 2.0f64]).settled().0, Store::Double(_)));
}

/// Cells of all shapes: long and short, with and without fractions and exponents, or empty.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{1,4}",
        "-?[0-9]{1,9}(\\.[0-9]{1,4})?",
        "-?[0-9]{1,20}",
        "0\\.[0-9]{1,22}",
        "[0-9]e-?[0-9]{1,2}",
        ""
    ]
}

proptest! {
    #[test]
    fn no_number_is_rounded_but_to_the_nearest_double(cells in prop::collection::vec(cell(), 1..20), at in 0usize..20) {
        let expected: Vec<f64> = cells.iter().map(|cell| cell.parse().unwrap_or(f64::NAN)).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let whole = read(&cells);
        let (above, below) = cells.split_at(at.min(cells.len()));
        let mut pieces = read(above);
        pieces.append(read(below));
        for numbers in [&whole, &pieces, &whole.clone().settled()] {
            prop_assert_eq!(numbers.len(), cells.len());
            for (row, expected) in expected.iter().enumerate() {
                let got = numbers.get(row);
                prop_assert!(got == *expected || (got.is_nan() && expected.is_nan()), "{} {got} {:?}", cells[row], numbers);
            }
        }
        let mut seen = Vec::new();
        whole.each(&[0, cells.len() - 1], |i, value| seen.push((i, value.to_bits())));
        prop_assert_eq!(seen, vec![(0, whole.get(0).to_bits()), (1, whole.get(cells.len() - 1).to_bits())]);
    }
}
