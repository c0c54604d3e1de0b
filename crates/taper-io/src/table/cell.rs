//! What one cell of text is.

use taper::table::Decimal;

use super::wording::Wording;

/// A cell of text, understood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell {
    Number(Decimal),
    /// Nothing, or one of the words for it.
    Missing,
    /// `inf`, or what is too large for f32.
    Infinite,
    Text,
}

impl Cell {
    /// What a trimmed cell is.
    #[inline]
    pub(crate) fn of(cell: &str, wording: &Wording) -> Self {
        let Some(first) = cell.bytes().next() else { return Self::Missing };
        let plain = wording.is_plain();
        if plain && !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.' | b',')) {
            return Self::of_word(cell, wording);
        }
        let number = if plain {
            Decimal::parse(cell)
        } else {
            wording.number(cell).and_then(|written| Decimal::parse(&written.digits))
        };
        match number {
            Some(number) if number.value().is_nan() || wording.is_none(number.value()) => Self::Missing,
            Some(number) if number.value().abs() <= f64::from(f32::MAX) => Self::Number(number),
            Some(_) => Self::Infinite,
            None => Self::of_word(cell, wording),
        }
    }

    fn of_word(cell: &str, wording: &Wording) -> Self {
        match cell {
            _ if wording.is_missing(cell) => Self::Missing,
            _ if is_infinite(cell) => Self::Infinite,
            _ => Self::Text,
        }
    }
}

fn is_infinite(cell: &str) -> bool {
    ["inf", "infinity", "∞"].iter().any(|word| cell.trim_start_matches('-').eq_ignore_ascii_case(word))
}

/// Whether text was probably meant as a number: digits with separators that were not expected.
pub(crate) fn looks_numeric(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['-', '+']);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | ' ' | '\u{a0}' | '\u{202f}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_what_they_say() {
        let number = |value: f64| Cell::Number(Decimal::parse(&value.to_string()).unwrap());
        for (cell, expected) in [
            ("1", number(1.0)),
            (".5", number(0.5)),
            ("+7", number(7.0)),
            ("1e39", Cell::Infinite),
            ("-inf", Cell::Infinite),
            ("Infinity", Cell::Infinite),
            ("NA", Cell::Missing),
            ("", Cell::Missing),
            ("1,5", Cell::Text),
            ("-", Cell::Text),
            ("0x10", Cell::Text),
            ("1_000", Cell::Text),
            ("yes", Cell::Text),
        ] {
            assert_eq!(Cell::of(cell, &Wording::default()), expected, "{cell}");
        }
        let Cell::Number(power) = Cell::of("-1.5e3", &Wording::default()) else { panic!("-1.5e3 is a number") };
        assert_eq!(power.value(), -1500.0);
        let comma = Wording::of(&taper::DataSpec { decimal: Some(','), ..taper::DataSpec::new("") }, true);
        for (cell, expected) in [("1,5", number(1.5)), ("2", number(2.0)), ("1.234,5", Cell::Text), ("1.5", Cell::Text)]
        {
            assert_eq!(Cell::of(cell, &comma), expected, "{cell}");
        }
    }

    #[test]
    fn numbers_of_another_country_are_noticed() {
        assert!(["1,5", "1.234,5", "1 000", "1'000", "-3,2"].into_iter().all(looks_numeric));
        assert!(!["2026-11-23", "12:30", "A1", "1a", "-", "", "0x10"].into_iter().any(looks_numeric));
    }
}
