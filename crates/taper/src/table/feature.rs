//! One column as inputs of a model.

use serde::{Deserialize, Serialize};

use super::{Cells, MISSING, Numbers, Table, alike};
use crate::data::StandardScaler;
use crate::data_spec::{Missing, Unseen};
use crate::{Complaint, Complaints, Result};

/// How one column becomes inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Feature {
    /// A number `x` becomes (x - mean) / scale. An empty cell becomes `fill` first, and is a mistake without one.
    Number {
        /// The column.
        name: String,
        /// In the unit of the column.
        mean: f64,
        /// In the unit of the column, above 0.
        scale: f64,
        /// What stands for an empty cell, in the unit of the column.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<f64>,
        /// Whether a second input says 1 where the cell was empty, else 0.
        #[serde(default)]
        indicator: bool,
    },
    /// A name becomes one input per level: 1 for its own, 0 for the others.
    Category {
        /// The column.
        name: String,
        /// The known names, in rising order.
        levels: Vec<String>,
        /// The level that stands for an empty cell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<usize>,
        /// Whether a further input says 1 where the cell was empty, else 0.
        #[serde(default)]
        indicator: bool,
        /// What another name means.
        #[serde(default)]
        unseen: Unseen,
    },
}

impl Feature {
    /// The column.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Number { name, .. } | Self::Category { name, .. } => name,
        }
    }

    /// How many inputs.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Number { indicator, .. } => 1 + usize::from(*indicator),
            Self::Category { levels, indicator, .. } => levels.len() + usize::from(*indicator),
        }
    }

    /// What the inputs are called: `age`, `city=Ulm`, `age is missing`.
    #[must_use]
    pub fn input_names(&self) -> Vec<String> {
        let (mut names, indicator) = match self {
            Self::Number { name, indicator, .. } => (vec![name.clone()], *indicator),
            Self::Category { name, levels, indicator, .. } => {
                (levels.iter().map(|level| format!("{name}={level}")).collect(), *indicator)
            }
        };
        if indicator {
            names.push(format!("{} is missing", self.name()));
        }
        names
    }

    /// The same feature with what these rows teach: what fills empty cells, and mean and scale if it is to be standardized.
    ///
    /// # Errors
    ///
    /// Numbers too large for a variance.
    pub(crate) fn fitted(&self, table: &Table, rows: &[usize], missing: Missing, standardize: bool) -> Result<Self> {
        let imputes = !matches!(missing, Missing::Error | Missing::Drop);
        let mut feature = self.clone();
        match (&mut feature, &table.get(self.name())?.cells) {
            (Self::Number { mean, scale, fill, .. }, Cells::Numbers(cells)) => {
                if imputes {
                    let mut present: Vec<f64> =
                        rows.iter().map(|row| cells.get(*row)).filter(|value| !value.is_nan()).collect();
                    *fill = Some(typical(&mut present, missing));
                }
                if standardize {
                    let full = |row: &usize| match (cells.get(*row), &fill) {
                        (cell, Some(fill)) if cell.is_nan() => *fill,
                        (cell, _) => cell,
                    };
                    let values: Vec<f64> = rows.iter().map(full).collect();
                    let named = |error: crate::Error| error.within(format!("column `{}`", self.name()));
                    let scaler = StandardScaler::fit(&values, 1).map_err(named)?;
                    (*mean, *scale) = (scaler.mean()[0], scaler.scale()[0]);
                }
            }
            (Self::Category { levels, fill, .. }, Cells::Names { levels: all, codes }) if imputes => {
                let mut counts = vec![0usize; all.len()];
                rows.iter().filter(|row| codes[**row] != MISSING).for_each(|row| counts[codes[*row] as usize] += 1);
                let most = (0..all.len()).rev().max_by_key(|code| counts[*code]);
                *fill = most.and_then(|code| levels.binary_search(&all[code]).ok()).or(Some(0));
            }
            _ => {}
        }
        Ok(feature)
    }

    /// This feature of these rows, found good.
    ///
    /// # Errors
    ///
    /// A column that is not there or of another kind, empty cells without a filling, unknown names: the first row and how many
    /// there are.
    pub(crate) fn bind<'a>(&'a self, table: &'a Table, rows: &[usize]) -> Result<Bound<'a>, Complaint> {
        let column = table.get(self.name())?;
        let place = |row: usize| table.place(row, self.name());
        let fill = match self {
            Self::Number { fill, .. } => fill.is_some(),
            Self::Category { fill, .. } => fill.is_some(),
        };
        let mut empty = rows.iter().filter(|row| column.is_missing(**row));
        if !fill && let Some(row) = empty.next() {
            let got = format!("an empty cell ({} in all)", 1 + empty.count());
            let help = "the model was fitted on complete rows: `missing` says what an empty cell means";
            return Err(Complaint::new(place(*row), "a value", got).help(help));
        }
        match (self, &column.cells) {
            (Self::Number { mean, scale, fill, indicator, .. }, Cells::Numbers(cells)) => {
                let fill = fill.unwrap_or_default();
                Ok(Bound::Number { cells, mean: *mean, scale: *scale, fill, indicator: *indicator })
            }
            (Self::Category { levels, fill, indicator, unseen, .. }, Cells::Names { levels: all, codes }) => {
                let known = alike::find(levels, all.iter());
                let is_strange = |row: &&usize| codes[**row] != MISSING && known[codes[**row] as usize].is_none();
                let strange = if known.contains(&None) { rows.iter().filter(is_strange).count() } else { 0 };
                if *unseen == Unseen::Error
                    && let Some(row) = rows.iter().find(is_strange).filter(|_| strange > 0)
                {
                    let got = format!("`{}` ({strange} such in all)", column.text(*row));
                    let expected = format!("one of {}", super::list(levels));
                    let help = "a category that no row for development has; `unseen = \"zero\"` makes it none of them";
                    return Err(Complaint::new(place(*row), expected, got).help(help));
                }
                Ok(Bound::Category { codes, known, fill: *fill, levels: levels.len(), indicator: *indicator, strange })
            }
            (Self::Number { .. }, _) => {
                let row = rows.iter().find(|row| !column.is_missing(**row)).copied().unwrap_or_default();
                Err(Complaint::new(place(row), "a number", format!("`{}`", column.text(row))))
            }
            (Self::Category { .. }, _) => {
                Err(Complaint::new(format!("column `{}`", self.name()), "names of categories", "numbers"))
            }
        }
    }

    /// Complains about what no column can have been measured to be; places are keys.
    pub(crate) fn validate(&self, place: &str, complaints: &mut Complaints) {
        match self {
            Self::Number { mean, scale, fill, .. } => {
                complaints.check(mean.is_finite(), format!("{place}.mean"), "a finite number", mean);
                complaints.check(
                    scale.is_finite() && *scale > 0.0,
                    format!("{place}.scale"),
                    "a number above 0",
                    scale,
                );
                let fill = fill.unwrap_or_default();
                complaints.check(fill.is_finite(), format!("{place}.fill"), "a finite number", fill);
            }
            Self::Category { levels, fill, .. } => {
                let rising = levels.windows(2).all(|pair| pair[0] < pair[1]) && !levels.is_empty();
                complaints.check(rising, format!("{place}.levels"), "names in rising order", format!("{levels:?}"));
                let good = fill.is_none_or(|fill| fill < levels.len());
                complaints.check(good, format!("{place}.fill"), "the position of a level", format!("{fill:?}"));
            }
        }
    }
}

/// A feature and the cells it is made of, found good.
#[derive(Debug)]
pub(crate) enum Bound<'a> {
    Number {
        cells: &'a Numbers,
        mean: f64,
        scale: f64,
        fill: f64,
        indicator: bool,
    },
    Category {
        codes: &'a [u32],
        /// For each code the position of its level.
        known: Vec<Option<usize>>,
        fill: Option<usize>,
        levels: usize,
        indicator: bool,
        strange: usize,
    },
}

impl Bound<'_> {
    /// Rows whose name is not known, and may be.
    pub(crate) fn strange(&self) -> usize {
        match self {
            Self::Number { .. } => 0,
            Self::Category { strange, .. } => *strange,
        }
    }

    /// Writes the inputs of these rows into `x`: rows of `stride` zeros, from the position `at` of each.
    pub(crate) fn write(&self, rows: &[usize], x: &mut [f32], stride: usize, at: usize) {
        match self {
            Self::Number { cells, mean, scale, fill, indicator } => {
                cells.each(rows, |i, cell| {
                    let at = i * stride + at;
                    let value = if cell.is_nan() { *fill } else { cell };
                    x[at] = ((value - mean) / scale) as f32;
                    if *indicator {
                        x[at + 1] = f32::from(cell.is_nan());
                    }
                });
            }
            Self::Category { codes, known, fill, levels, indicator, .. } => {
                for (row, x) in rows.iter().zip(x.chunks_exact_mut(stride)) {
                    let code = codes[*row];
                    if let Some(level) = if code == MISSING { *fill } else { known[code as usize] } {
                        x[at + level] = 1.0;
                    }
                    if *indicator {
                        x[at + levels] = f32::from(code == MISSING);
                    }
                }
            }
        }
    }
}

/// What stands for an empty cell among these values, which may be brought into another order; 0 if there are none.
fn typical(values: &mut [f64], missing: Missing) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let n = values.len();
    match missing {
        Missing::Median => {
            let (below, middle, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
            let upper = *middle;
            if n % 2 == 1 {
                return upper;
            }
            let lower = below.iter().copied().max_by(f64::total_cmp).unwrap_or(upper);
            f64::midpoint(lower, upper)
        }
        Missing::MostFrequent => {
            values.sort_unstable_by(f64::total_cmp);
            let runs = values.chunk_by(|a, b| a == b);
            // Of equally long runs the first, so the smallest value.
            runs.rev().max_by_key(|run| run.len()).map_or(0.0, |run| run[0])
        }
        _ => values.iter().sum::<f64>() / n as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typical_value_is_the_one_that_was_asked_for() {
        let of = |missing| typical(&mut [3.0, 1.0, 2.0, 2.0, 1.0, 9.0], missing);
        assert_eq!((of(Missing::Mean), of(Missing::Median), of(Missing::MostFrequent)), (3.0, 2.0, 1.0));
        assert_eq!(typical(&mut [5.0, 1.0, 4.0], Missing::Median), 4.0);
        assert_eq!(typical(&mut [5.0, 1.0], Missing::Median), 3.0);
        assert_eq!(typical(&mut [], Missing::Mean), 0.0);
    }
}
