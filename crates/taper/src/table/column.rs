//! One column of a table.

use std::collections::HashMap;

use super::Numbers;
use super::time::{self, Unordered};

/// The code of a cell that is empty.
pub const MISSING: u32 = u32::MAX;

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// What stands below it.
    pub cells: Cells,
}

/// The cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Numbers; NaN is an empty cell.
    Numbers(Numbers),
    /// Names of categories.
    Names {
        /// The distinct names, in rising order.
        levels: Vec<String>,
        /// For each row the position of its name among them; [`MISSING`] is an empty cell.
        codes: Vec<u32>,
    },
}

impl Column {
    /// A column of numbers; NaN is an empty cell.
    #[must_use]
    pub fn numbers(name: impl Into<String>, values: impl Into<Numbers>) -> Self {
        Self { name: name.into(), cells: Cells::Numbers(values.into()) }
    }

    /// A column of names; an empty one is an empty cell.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::table::{Cells, Column};
    ///
    /// let column = Column::names("city", ["Ulm", "Bonn", "", "Ulm"]);
    /// let Cells::Names { levels, codes } = column.cells else { unreachable!() };
    /// assert_eq!((levels, codes), (vec!["Bonn".into(), "Ulm".into()], vec![1, 0, taper::table::MISSING, 1]));
    /// ```
    #[must_use]
    pub fn names<'a>(name: impl Into<String>, cells: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut levels, mut known) = (Vec::new(), HashMap::new());
        let mut code = |cell: &'a str| {
            *known.entry(cell).or_insert_with(|| {
                levels.push(cell.to_owned());
                levels.len() as u32 - 1
            })
        };
        let codes = cells.into_iter().map(|cell| if cell.is_empty() { MISSING } else { code(cell) }).collect();
        Self { name: name.into(), cells: Cells::sorted(levels, codes) }
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.cells {
            Cells::Numbers(values) => values.len(),
            Cells::Names { codes, .. } => codes.len(),
        }
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the cell of this row is empty.
    #[must_use]
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.cells {
            Cells::Numbers(values) => values.get(row).is_nan(),
            Cells::Names { codes, .. } => codes[row] == MISSING,
        }
    }

    /// The cell of this row as text; an empty one is empty.
    #[must_use]
    pub fn text(&self, row: usize) -> String {
        match &self.cells {
            _ if self.is_missing(row) => String::new(),
            Cells::Numbers(values) => values.text(row),
            Cells::Names { levels, codes } => levels[codes[row] as usize].clone(),
        }
    }

    /// For each of these rows a number that equal cells share, counted from 0 as they are met.
    #[must_use]
    pub fn keys(&self, rows: &[usize]) -> Vec<usize> {
        let mut known = HashMap::new();
        let bits = |row: usize| match &self.cells {
            Cells::Numbers(values) => values.key(row),
            Cells::Names { codes, .. } => u64::from(codes[row]),
        };
        rows.iter()
            .map(|row| {
                let next = known.len();
                *known.entry(bits(*row)).or_insert(next)
            })
            .collect()
    }

    /// For each row its place among the column's values in the order of time; equal ones share it. Numbers are ordered by size,
    /// dates and times by when they are, however they are written. Empty cells come last.
    ///
    /// # Errors
    ///
    /// Text that is no time, or may be two times; two rows that show it.
    pub(crate) fn ranks(&self) -> Result<Vec<u32>, NoTime> {
        match &self.cells {
            Cells::Numbers(values) => {
                let mut order: Vec<usize> = (0..values.len()).collect();
                let whole = values.beyond();
                let compare = |a: &usize, b: &usize| match whole {
                    Some(whole) => whole[*a].cmp(&whole[*b]),
                    None => (values.get(*a) + 0.0).total_cmp(&(values.get(*b) + 0.0)),
                };
                order.sort_by(compare);
                let (mut ranks, mut rank) = (vec![MISSING; values.len()], 0);
                for (place, row) in order.iter().enumerate().filter(|(_, row)| !values.get(**row).is_nan()) {
                    rank += u32::from(place > 0 && values.key(order[place - 1]) != values.key(*row));
                    ranks[*row] = rank;
                }
                Ok(ranks)
            }
            Cells::Names { levels, codes } => {
                let texts: Vec<&str> = levels.iter().map(String::as_str).collect();
                let ranks = time::order(&texts).map_err(|unordered| NoTime::of(unordered, codes))?;
                Ok(codes.iter().map(|code| if *code == MISSING { MISSING } else { ranks[*code as usize] }).collect())
            }
        }
    }
}

/// Why a column has no order in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoTime {
    /// Whether its dates may be two things, and not none.
    pub(crate) ambiguous: bool,
    /// Up to two rows that show it.
    pub(crate) rows: Vec<usize>,
}

impl NoTime {
    fn of(unordered: Unordered, codes: &[u32]) -> Self {
        let (ambiguous, levels) = match unordered {
            Unordered::Ambiguous(levels) => (true, levels),
            Unordered::Unknown(levels) => (false, levels),
        };
        let row = |level: &usize| codes.iter().position(|code| *code as usize == *level);
        Self { ambiguous, rows: levels.iter().filter_map(row).collect() }
    }
}

impl Cells {
    /// Names in the order they were met, brought into rising order.
    #[must_use]
    pub fn sorted(levels: Vec<String>, mut codes: Vec<u32>) -> Self {
        let mut order: Vec<usize> = (0..levels.len()).collect();
        order.sort_unstable_by(|a, b| levels[*a].cmp(&levels[*b]));
        let mut places = vec![0; levels.len()];
        order.iter().enumerate().for_each(|(place, old)| places[*old] = place as u32);
        codes.iter_mut().filter(|code| **code != MISSING).for_each(|code| *code = places[*code as usize]);
        let mut levels: Vec<Option<String>> = levels.into_iter().map(Some).collect();
        Self::Names { levels: order.into_iter().filter_map(|old| levels[old].take()).collect(), codes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_time_whether_it_is_written_as_number_or_as_text() {
        let dates = Column::names("when", ["2026-11-23", "2025-01-02", "2026-02-01", "2025-01-02"]);
        assert_eq!(dates.ranks().unwrap(), [2, 0, 1, 0]);
        let steps = Column::names("when", ["10", "9", "1e3"]);
        assert_eq!(steps.ranks().unwrap(), [1, 0, 2]);
        assert_eq!(Column::numbers("when", [2.0, -1.0, 2.0]).ranks().unwrap(), [1, 0, 1]);
        assert_eq!(Column::numbers("when", vec![(1 << 53) + 1, 1i64 << 53, 7]).ranks().unwrap(), [2, 1, 0]);
        let unclear = Column::names("when", ["", "03/04/2026", "05/02/2026"]).ranks();
        assert_eq!(unclear, Err(NoTime { ambiguous: true, rows: vec![1, 2] }));
    }

    #[test]
    fn keys_are_shared_by_equal_cells() {
        assert_eq!(Column::numbers("g", [7.0, 0.0, -0.0, 7.0]).keys(&[3, 1, 2, 0]), [0, 1, 1, 0]);
        assert_eq!(Column::names("g", ["b", "a", "b"]).keys(&[0, 1, 2]), [0, 1, 0]);
    }
}
