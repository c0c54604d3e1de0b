//! One number as it is written.

/// 10 to these powers is exact in `f64`.
const MOST_PLACES: usize = 22;
const POWERS: [f64; MOST_PLACES + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A number of a file: the nearest `f64`, and its own digits where they are few enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decimal {
    value: f64,
    /// The number is exactly `units` / 10^`places`, if there are places.
    units: i64,
    places: Option<u8>,
}

impl Decimal {
    /// A number whose digits are not known.
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self { value, units: 0, places: None }
    }

    /// A whole number.
    #[must_use]
    pub fn whole(value: i64) -> Self {
        Self { value: value as f64, units: value, places: Some(0) }
    }

    /// `units` / 10^`places`.
    #[must_use]
    pub fn new(mut units: i64, mut places: u8) -> Self {
        while places > 0 && units % 10 == 0 {
            units /= 10;
            places -= 1;
        }
        // Both are exact in `f64`, so that their quotient is the nearest one.
        if places == 0 || (units.unsigned_abs() <= 1 << 53 && usize::from(places) <= MOST_PLACES) {
            let value = if places == 0 { units as f64 } else { units as f64 / Self::power(places) };
            return Self { value, units, places: Some(places) };
        }
        Self::of(format!("{units}e-{places}").parse().unwrap_or(f64::NAN))
    }

    /// A number as people write it: digits with a point between them, with or without an exponent.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::table::Decimal;
    ///
    /// let number = Decimal::parse("9007199254740993");
    /// assert_eq!(number.and_then(|number| number.exact()), Some((9007199254740993, 0)));
    /// assert_eq!(Decimal::parse("-1.50").map(|number| number.value()), Some(-1.5));
    /// assert_eq!(Decimal::parse("1,5"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::plain(text.as_bytes()).or_else(|| text.parse().ok().map(Self::of))
    }

    /// A number of at most 18 digits without exponent.
    fn plain(text: &[u8]) -> Option<Self> {
        let digits = match text.first()? {
            b'-' | b'+' => &text[1..],
            _ => text,
        };
        if digits.len() > 19 {
            return None;
        }
        let (mut units, mut point) = (0i64, None);
        for (at, byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' => units = units.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?,
                b'.' if point.is_none() => point = Some(at),
                _ => return None,
            }
        }
        let places = point.map_or(0, |at| digits.len() - at - 1);
        if digits.len() == usize::from(point.is_some()) {
            return None;
        }
        Some(Self::new(if text[0] == b'-' { -units } else { units }, places as u8))
    }

    /// The nearest `f64`.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Units and places, if the number is exactly units / 10^places.
    #[must_use]
    pub fn exact(&self) -> Option<(i64, u8)> {
        self.places.map(|places| (self.units, places))
    }

    /// 10^`places`, exact up to 22.
    pub(crate) fn power(places: u8) -> f64 {
        POWERS[usize::from(places).min(MOST_PLACES)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_understood_as_rust_understands_them() {
        for text in
            ["1", "-1.5e3", ".5", "5.", "+7", "1e39", "-0", "0.1", "123456789.123456789", "18446744073709551615"]
        {
            assert_eq!(Decimal::parse(text).map(|number| number.value()), text.parse().ok(), "{text}");
        }
        for text in ["", "-", "+", ".", "1.2.3", "0x10", "1_000", "1,5", "--1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::new(1250, 2).exact(), Some((125, 1)));
        assert_eq!(Decimal::new(i64::MAX, 3).value(), 9_223_372_036_854_775.807);
        assert_eq!(Decimal::parse("9223372036854775807").and_then(|number| number.exact()), Some((i64::MAX, 0)));
    }
}
