//! The numbers of a column, none of them rounded to what a model computes with.

use super::decimal::Decimal;

/// The unit of a cell without a number.
const NO_UNIT: i32 = i32::MIN;
/// The whole number of a cell without a number.
const NO_WHOLE: i64 = i64::MIN;
/// Up to here all whole numbers are `f64`.
const EXACT: u64 = 1 << 53;

/// Numbers as their file has them, as small as that can be: nothing is rounded before its meaning is known.
///
/// A decimal of up to nine digits takes 4 bytes, as a count of the column's last decimal place; a whole number of up to 18
/// digits 8 bytes, and keeps all of them; every other number is the nearest `f64`. An empty cell is NaN.
///
/// # Example
///
/// ```
/// use taper::table::Numbers;
///
/// let times = Numbers::from([1_700_000_001.0, f64::NAN, 1_700_000_002.0]);
/// assert_eq!((times.get(0), times.get(2)), (1_700_000_001.0, 1_700_000_002.0));
/// assert!(times.get(1).is_nan());
/// ```
#[derive(Debug, Clone)]
pub struct Numbers(Store);

#[derive(Debug, Clone)]
enum Store {
    /// Counts of 10^-places.
    Units {
        units: Vec<i32>,
        places: u8,
    },
    /// Whole numbers.
    Whole(Vec<i64>),
    /// Numbers that are `f32` in their file.
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Default for Numbers {
    fn default() -> Self {
        Self(Store::Units { units: Vec::new(), places: 0 })
    }
}

impl Numbers {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Store::Units { units, .. } => units.len(),
            Store::Whole(values) => values.len(),
            Store::Single(values) => values.len(),
            Store::Double(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of this row, or NaN: the nearest `f64` to what stands in the file.
    #[must_use]
    pub fn get(&self, row: usize) -> f64 {
        match &self.0 {
            Store::Units { units, places } => of_units(units[row], Decimal::power(*places)),
            Store::Whole(values) => of_whole(values[row]),
            Store::Single(values) => f64::from(values[row]),
            Store::Double(values) => values[row],
        }
    }

    /// The numbers of these rows, one after the other, with their places among them.
    pub fn each(&self, rows: &[usize], mut take: impl FnMut(usize, f64)) {
        let rows = rows.iter().enumerate();
        match &self.0 {
            Store::Units { units, places } => {
                let power = Decimal::power(*places);
                rows.for_each(|(i, row)| take(i, of_units(units[*row], power)));
            }
            Store::Whole(values) => rows.for_each(|(i, row)| take(i, of_whole(values[*row]))),
            Store::Single(values) => rows.for_each(|(i, row)| take(i, f64::from(values[*row]))),
            Store::Double(values) => rows.for_each(|(i, row)| take(i, values[*row])),
        }
    }

    /// All numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The number of this row as it is written, without noughts that say nothing; an empty cell is empty.
    #[must_use]
    pub fn text(&self, row: usize) -> String {
        match &self.0 {
            _ if self.get(row).is_nan() => String::new(),
            Store::Whole(values) => values[row].to_string(),
            Store::Single(values) => values[row].to_string(),
            Store::Units { .. } | Store::Double(_) => self.get(row).to_string(),
        }
    }

    /// A number that equal numbers of this column share, and no others.
    #[must_use]
    pub fn key(&self, row: usize) -> u64 {
        match &self.0 {
            Store::Whole(values) => values[row].cast_unsigned(),
            _ => (self.get(row) + 0.0).to_bits(), // -0 is 0
        }
    }

    /// The whole numbers, if there are such that `f64` does not tell apart.
    #[must_use]
    pub(crate) fn beyond(&self) -> Option<&[i64]> {
        let Store::Whole(values) = &self.0 else { return None };
        let far = |value: &i64| *value != NO_WHOLE && value.unsigned_abs() > EXACT;
        values.iter().any(far).then_some(values)
    }

    /// Adds an empty cell.
    pub fn push_missing(&mut self) {
        match &mut self.0 {
            Store::Units { units, .. } => units.push(NO_UNIT),
            Store::Whole(values) => values.push(NO_WHOLE),
            Store::Single(values) => values.push(f32::NAN),
            Store::Double(values) => values.push(f64::NAN),
        }
    }

    /// Adds a number of a file of decimals.
    #[inline]
    pub fn push(&mut self, number: Decimal) {
        let Some((units, places)) = number.exact() else { return self.push_f64(number.value()) };
        if let Store::Units { units: all, places: own } = &mut self.0
            && places == *own
            && let Ok(unit) = i32::try_from(units)
            && unit != NO_UNIT
        {
            return all.push(unit);
        }
        self.push_other(number, units, places);
    }

    /// Adds a number that does not fit as the last ones did.
    fn push_other(&mut self, number: Decimal, units: i64, places: u8) {
        match &mut self.0 {
            Store::Units { units: all, places: own } => {
                let common = places.max(*own);
                let unit = scaled(units, common - places).and_then(|unit| i32::try_from(unit).ok());
                match unit.filter(|unit| *unit != NO_UNIT) {
                    Some(unit) if rescale(all, common - *own) => {
                        all.push(unit);
                        *own = common;
                    }
                    _ if common == 0 && units != NO_WHOLE => {
                        let whole = |unit: &i32| if *unit == NO_UNIT { NO_WHOLE } else { i64::from(*unit) };
                        let mut values: Vec<i64> = all.iter().map(whole).collect();
                        values.push(units);
                        self.0 = Store::Whole(values);
                    }
                    _ => self.push_f64(number.value()),
                }
            }
            Store::Whole(values) if places == 0 && units != NO_WHOLE => values.push(units),
            _ => self.push_f64(number.value()),
        }
    }

    /// Adds an `f32`; NaN is an empty cell.
    pub fn push_f32(&mut self, number: f32) {
        match &mut self.0 {
            Store::Single(values) => values.push(number),
            Store::Units { units, .. } if units.iter().all(|unit| *unit == NO_UNIT) => {
                let mut values = vec![f32::NAN; units.len()];
                values.push(number);
                self.0 = Store::Single(values);
            }
            _ => self.push_f64(f64::from(number)),
        }
    }

    /// Adds an `f64`; NaN is an empty cell.
    pub fn push_f64(&mut self, number: f64) {
        self.widen().push(number);
    }

    /// All numbers as `f64`, to be added to.
    fn widen(&mut self) -> &mut Vec<f64> {
        if !matches!(self.0, Store::Double(_)) {
            self.0 = Store::Double(self.iter().collect());
        }
        match &mut self.0 {
            Store::Double(values) => values,
            _ => unreachable!("they have been widened"),
        }
    }

    /// Adds the numbers of the rows below.
    pub fn append(&mut self, mut other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        if let (Store::Units { units, places }, Store::Units { units: more, places: theirs }) =
            (&mut self.0, &mut other.0)
        {
            let common = (*places).max(*theirs);
            // Both or none: a column has one unit.
            if fits(units, common - *places) && rescale(more, common - *theirs) {
                rescale(units, common - *places);
                *places = common;
                units.append(more);
                return;
            }
        }
        let whole = self.is_whole() && other.is_whole();
        match (&mut self.0, &mut other.0) {
            (Store::Single(values), Store::Single(more)) => values.append(more),
            _ if whole => {
                let mut values = std::mem::take(self).into_whole();
                values.append(&mut other.into_whole());
                self.0 = Store::Whole(values);
            }
            _ => self.widen().extend(other.iter()),
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self.0, Store::Whole(_) | Store::Units { places: 0, .. })
    }

    /// Whole numbers; only where they are such.
    fn into_whole(self) -> Vec<i64> {
        match self.0 {
            Store::Whole(values) => values,
            Store::Units { units, .. } => {
                units.into_iter().map(|unit| if unit == NO_UNIT { NO_WHOLE } else { i64::from(unit) }).collect()
            }
            Store::Single(_) | Store::Double(_) => Vec::new(),
        }
    }

    /// The same numbers in half the room, where `f32` holds each of them exactly.
    #[must_use]
    pub fn settled(self) -> Self {
        match &self.0 {
            Store::Double(values)
                if values.iter().all(|value| value.is_nan() || f64::from(*value as f32) == *value) =>
            {
                Self(Store::Single(values.iter().map(|value| *value as f32).collect()))
            }
            _ => self,
        }
    }
}

#[inline]
fn of_units(unit: i32, power: f64) -> f64 {
    if unit == NO_UNIT { f64::NAN } else { f64::from(unit) / power }
}

#[inline]
fn of_whole(value: i64) -> f64 {
    if value == NO_WHOLE { f64::NAN } else { value as f64 }
}

/// So many places more.
fn scaled(units: i64, places: u8) -> Option<i64> {
    units.checked_mul(10i64.checked_pow(u32::from(places))?)
}

/// Whether all units can be counted in so many places more.
fn fits(units: &[i32], places: u8) -> bool {
    let most = scaled(1, places).map_or(0, |power| i64::from(i32::MAX) / power);
    units.iter().all(|unit| *unit == NO_UNIT || i64::from(unit.unsigned_abs()) <= most)
}

/// Counts all units in so many places more, or changes nothing if one of them cannot be.
fn rescale(units: &mut [i32], places: u8) -> bool {
    if places == 0 {
        return true;
    }
    let good = fits(units, places);
    if good && let Some(power) = scaled(1, places).and_then(|power| i32::try_from(power).ok()) {
        units.iter_mut().filter(|unit| **unit != NO_UNIT).for_each(|unit| *unit *= power);
    }
    good
}

impl From<Vec<f32>> for Numbers {
    fn from(values: Vec<f32>) -> Self {
        Self(Store::Single(values))
    }
}

impl From<Vec<f64>> for Numbers {
    fn from(values: Vec<f64>) -> Self {
        Self(Store::Double(values))
    }
}

impl From<Vec<i64>> for Numbers {
    fn from(values: Vec<i64>) -> Self {
        let mut numbers = Self::default();
        values.into_iter().for_each(|value| numbers.push(Decimal::whole(value)));
        numbers
    }
}

impl<const N: usize> From<[f32; N]> for Numbers {
    fn from(values: [f32; N]) -> Self {
        Self::from(values.to_vec())
    }
}

impl<const N: usize> From<[f64; N]> for Numbers {
    fn from(values: [f64; N]) -> Self {
        Self::from(values.to_vec())
    }
}

/// Equal are equal numbers, however they are kept; an empty cell equals none.
impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        if let (Store::Whole(own), Store::Whole(theirs)) = (&self.0, &other.0) {
            return own == theirs && !own.contains(&NO_WHOLE);
        }
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(own, theirs)| own == theirs)
    }
}

#[cfg(test)]
mod tests;
