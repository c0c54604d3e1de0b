//! What a column of a Parquet file holds, and its values as cells.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::data_type::Int96;
use parquet::schema::types::ColumnDescriptor;
use taper::table::Decimal;

use crate::table::gather::Part;

const DAY: i128 = 86_400_000_000_000;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Truth,
    /// Whole numbers of so many bits.
    Signed,
    Unsigned(u32),
    Single,
    Double,
    Half,
    /// Whole numbers that count 10^-scale.
    Decimal(i32),
    /// Days since 1970 began.
    Date,
    /// Times of day; one unit is 10^-places seconds.
    Clock(u8),
    /// Seconds since 1970 began, in a known zone or as a clock shows; one unit is 10^-places.
    Moment {
        places: u8,
        utc: bool,
    },
    /// Nanoseconds and the day, as Spark once wrote moments.
    Int96,
    Uuid,
    Text,
}

impl Kind {
    /// What a column holds, unless it is neither numbers nor text.
    pub(super) fn of(column: &ColumnDescriptor) -> Option<Self> {
        use Type::{BOOLEAN, BYTE_ARRAY, DOUBLE, FIXED_LEN_BYTE_ARRAY, FLOAT, INT32, INT64, INT96};
        let places = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 3,
            TimeUnit::MICROS => 6,
            TimeUnit::NANOS => 9,
        };
        let physical = column.physical_type();
        let logical = match (column.logical_type_ref(), physical) {
            (Some(LogicalType::Decimal(decimal)), _) => Some(Self::Decimal(decimal.scale)),
            (Some(LogicalType::Date), INT32) => Some(Self::Date),
            (Some(LogicalType::Time(time)), INT32 | INT64) => Some(Self::Clock(places(&time.unit))),
            (Some(LogicalType::Timestamp(time)), INT64) => {
                Some(Self::Moment { places: places(&time.unit), utc: time.is_adjusted_to_u_t_c })
            }
            (Some(LogicalType::Integer(integer)), INT32 | INT64) if !integer.is_signed => {
                Some(Self::Unsigned(if physical == INT32 { 32 } else { 64 }))
            }
            (Some(LogicalType::Float16), FIXED_LEN_BYTE_ARRAY) => Some(Self::Half),
            (Some(LogicalType::Uuid), FIXED_LEN_BYTE_ARRAY) => Some(Self::Uuid),
            _ => None,
        };
        let converted = || match column.converted_type() {
            ConvertedType::DECIMAL => Some(Self::Decimal(column.type_scale())),
            ConvertedType::DATE => Some(Self::Date),
            ConvertedType::TIME_MILLIS => Some(Self::Clock(3)),
            ConvertedType::TIME_MICROS => Some(Self::Clock(6)),
            ConvertedType::TIMESTAMP_MILLIS => Some(Self::Moment { places: 3, utc: true }),
            ConvertedType::TIMESTAMP_MICROS => Some(Self::Moment { places: 6, utc: true }),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 => Some(Self::Unsigned(32)),
            ConvertedType::UINT_64 => Some(Self::Unsigned(64)),
            _ => None,
        };
        logical.or_else(converted).or(match physical {
            BOOLEAN => Some(Self::Truth),
            INT32 | INT64 => Some(Self::Signed),
            FLOAT => Some(Self::Single),
            DOUBLE => Some(Self::Double),
            INT96 => Some(Self::Int96),
            BYTE_ARRAY => Some(Self::Text),
            FIXED_LEN_BYTE_ARRAY => None,
        })
    }

    /// Adds a value that is kept as a whole number.
    pub(super) fn push_whole(self, part: &mut Part, value: i64) {
        match self {
            Self::Unsigned(bits) => {
                let value = if bits == 32 { u64::from(value as u32) } else { value.cast_unsigned() };
                let number = i64::try_from(value).map_or(Decimal::of(value as f64), Decimal::whole);
                part.push_typed(number, || value.to_string());
            }
            Self::Decimal(scale) => push_decimal(part, &value.to_be_bytes(), scale),
            Self::Date => push_moment(part, i128::from(value) * DAY, 0, false),
            Self::Clock(places) => {
                part.push_typed(Decimal::new(value, places), || clock(i128::from(value) * nanoseconds(places)));
            }
            Self::Moment { places, utc } => push_moment(part, i128::from(value) * nanoseconds(places), places, utc),
            _ => part.push_typed(Decimal::whole(value), || value.to_string()),
        }
    }

    /// Adds a value that is kept as bytes; what they cannot be is a mistake in the cell.
    pub(super) fn push_bytes(self, part: &mut Part, bytes: &[u8]) {
        match (self, bytes) {
            (Self::Decimal(scale), _) => push_decimal(part, bytes, scale),
            (Self::Half, [low, high]) => part.push_f32(half(u16::from_le_bytes([*low, *high]))),
            (Self::Uuid, _) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let ends = [8, 12, 16, 20, 32];
                let groups = ends.iter().scan(0, |from, to| digits.get(std::mem::replace(from, *to)..*to));
                part.push_typed_text(&groups.collect::<Vec<_>>().join("-"));
            }
            _ => match std::str::from_utf8(bytes) {
                Ok(text) => part.push_typed_text(text.trim()),
                // The NUL makes it a mistake.
                Err(_) => part.push_typed_text("\0 (bytes that are not UTF-8)"),
            },
        }
    }
}

/// Adds a moment of the old kind.
pub(super) fn push_int96(part: &mut Part, value: &Int96) {
    /// The day of 1970-01-01 in Julius Scaliger's count.
    const EPOCH: i128 = 2_440_588;
    let [low, high, day] = [0, 1, 2].map(|at| value.data().get(at).copied().unwrap_or(0));
    let nanoseconds = i128::from(low) + (i128::from(high) << 32);
    push_moment(part, (i128::from(day) - EPOCH) * DAY + nanoseconds, 9, false);
}

/// How many nanoseconds a unit is.
fn nanoseconds(places: u8) -> i128 {
    10i128.pow(9 - u32::from(places.min(9)))
}

/// Adds nanoseconds since 1970 began: in seconds, or as ISO 8601 has them. Moments with 0 places are dates.
fn push_moment(part: &mut Part, at: i128, places: u8, utc: bool) {
    let seconds = match i64::try_from(at) {
        Ok(at) => Decimal::new(at, 9),
        Err(_) => Decimal::of(at as f64 / 1e9),
    };
    part.push_typed(seconds, || {
        let Ok(moment) = Timestamp::from_nanosecond(at) else { return seconds.value().to_string() };
        let clock = moment.to_zoned(TimeZone::UTC).datetime();
        match (places, utc) {
            (0, _) => clock.date().to_string(),
            (_, true) => moment.to_string(),
            (_, false) => clock.to_string(),
        }
    });
}

/// A time of day as ISO 8601 has it.
fn clock(nanoseconds: i128) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let fraction = format!(".{:09}", nanoseconds % 1_000_000_000);
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{:02}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Adds a decimal of any length: a whole number in two's complement, its first byte the highest.
fn push_decimal(part: &mut Part, bytes: &[u8], scale: i32) {
    let digits = digits(bytes);
    let small = digits.parse::<i64>().ok().zip(u8::try_from(scale).ok());
    let number = small.map_or_else(
        || Decimal::of(format!("{digits}e{}", -i64::from(scale)).parse().unwrap_or(f64::NAN)),
        |(units, places)| Decimal::new(units, places),
    );
    part.push_typed(number, || with_point(&digits, scale));
}

/// Digits with a point before the last `scale` of them.
fn with_point(digits: &str, scale: i32) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let Ok(places) = usize::try_from(scale) else {
        return format!("{sign}{digits}{}", "0".repeat(scale.unsigned_abs().min(400) as usize));
    };
    if places == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = places.min(400) + 1);
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    format!("{sign}{whole}.{fraction}")
}

/// A whole number in two's complement, written out.
fn digits(bytes: &[u8]) -> String {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    if bytes.len() <= 16 {
        let mut wide = [if negative { 0xff } else { 0 }; 16];
        wide[16 - bytes.len()..].copy_from_slice(bytes);
        return i128::from_be_bytes(wide).to_string();
    }
    let mut rest = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in rest.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let mut digits = Vec::new();
    while rest.iter().any(|byte| *byte != 0) {
        let remainder = rest.iter_mut().fold(0u32, |remainder, byte| {
            let value = remainder * 256 + u32::from(*byte);
            *byte = (value / 10) as u8;
            value % 10
        });
        digits.push(char::from(b'0' + remainder as u8));
    }
    if digits.is_empty() {
        return "0".to_owned();
    }
    digits.extend(negative.then_some('-'));
    digits.iter().rev().collect()
}

/// A number of 16 bits; each is one of 32.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from((bits >> 10) & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_any_length_are_written_out() {
        assert_eq!(digits(&[0xff]), "-1");
        assert_eq!(digits(&[]), "0");
        assert_eq!(digits(&[0; 20]), "0");
        let mut long = [0xff; 20];
        long[19] = 0x85;
        assert_eq!(digits(&long), "-123");
        let two_to_128 = [[0u8; 3].as_slice(), &[1], &[0; 16]].concat();
        assert_eq!(digits(&two_to_128), "340282366920938463463374607431768211456");
        let shown = [("12", 2), ("-12", 4), ("1206", 0), ("12", -2)].map(|(digits, scale)| with_point(digits, scale));
        assert_eq!(shown, ["0.12", "-0.0012", "1206", "1200"]);
    }

    #[test]
    fn half_precision_is_that_of_ieee() {
        let cases =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8), (0x3555, 0.333_251_95)];
        for (bits, value) in cases {
            assert_eq!(half(bits), value, "{bits:x}");
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f32::NEG_INFINITY);
    }

    #[test]
    fn clocks_are_written_as_iso_has_them() {
        assert_eq!((clock(36_600_000_000_000), clock(36_600_250_000_000)), ("10:10:00".into(), "10:10:00.25".into()));
    }
}
