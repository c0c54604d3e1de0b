//! Which rows of a table can be used.

use super::role::is_nameless;
use super::{Column, Roles, Table};
use crate::data_spec::Missing;
use crate::warning::Warning;
use crate::{Complaint, Complaints, Result};

/// The rows of a table that can be used, and how many cannot.
#[derive(Debug)]
pub(crate) struct Usable {
    /// In the order of the file.
    pub(crate) rows: Vec<usize>,
    all: usize,
    /// Rows without a target.
    targetless: usize,
    /// Other rows with an empty cell, where such are left out.
    dropped: usize,
}

impl Usable {
    /// A row without a target is left out, and one with another empty cell if `missing` says so.
    ///
    /// # Errors
    ///
    /// An empty cell that nothing fills: each column with its first row.
    pub(crate) fn of(table: &Table, roles: &Roles, missing: Missing) -> Result<Self> {
        let mut complaints = Complaints::new();
        let target = table.get(&roles.target)?;
        let lacks: Vec<bool> = (0..table.rows()).map(|row| target.is_missing(row)).collect();
        let mut dropped = vec![false; table.rows()];
        let marks = [&roles.group, &roles.time, &roles.stratify].into_iter().flatten();
        let marks = marks.filter(|name| **name != roles.target && !roles.features.contains(name));
        let of_marks = if missing == Missing::Drop { Missing::Drop } else { Missing::Error };
        let columns = roles.features.iter().map(|name| (name, missing)).chain(marks.map(|name| (name, of_marks)));
        for (name, missing) in columns {
            let column = match table.get(name) {
                Ok(column) => column,
                Err(complaint) => {
                    complaints.push(complaint);
                    continue;
                }
            };
            if is_hollow(column) {
                continue;
            }
            let mut empty = (0..table.rows()).filter(|row| !lacks[*row] && column.is_missing(*row));
            match missing {
                Missing::Error => {
                    if let Some(row) = empty.next() {
                        let got = format!("an empty cell ({} in all)", 1 + empty.count());
                        complaints.push(Complaint::new(table.place(row, name), "a value", got));
                    }
                }
                Missing::Drop => empty.for_each(|row| dropped[row] = true),
                _ => {}
            }
        }
        complaints.finish()?;
        Ok(Self {
            rows: (0..table.rows()).filter(|row| !dropped[*row] && !lacks[*row]).collect(),
            all: table.rows(),
            targetless: lacks.iter().filter(|lacks| **lacks).count(),
            dropped: dropped.iter().filter(|dropped| **dropped).count(),
        })
    }

    /// Says how many rows are left out, of the file that `whose` names.
    pub(crate) fn tell(&self, target: &str, whose: &str, warnings: &mut Vec<Warning>) {
        let Self { all, targetless, dropped, .. } = self;
        let mut tell = |place: String, message| warnings.push(Warning { place, message });
        if *targetless > 0 {
            let message = format!("{targetless} of {all} rows{whose} have no target and are left out");
            tell(format!("data, column `{target}`"), message);
        }
        if *dropped > 0 {
            tell("data".to_owned(), format!("{dropped} of {all} rows{whose} have empty cells and are left out"));
        }
    }
}

/// Whether a column is nothing but the delimiters at the ends of rows: it has neither a name nor a value.
pub(crate) fn is_hollow(column: &Column) -> bool {
    is_nameless(&column.name) && (0..column.len()).all(|row| column.is_missing(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataSpec;

    #[test]
    fn rows_without_a_target_are_counted_apart_from_those_with_gaps() {
        let table = Table::new(vec![
            Column::numbers("a", [1.0, f32::NAN, f32::NAN, 4.0]),
            Column::numbers("Unnamed: 1", [f32::NAN; 4]),
            Column::names("y", ["u", "v", "", ""]),
        ])
        .unwrap();
        let header = ["a", "Unnamed: 1", "y"].map(String::from);
        let roles = Roles::of(&DataSpec::new("t.csv"), &header).unwrap();
        let error = Usable::of(&table, &roles, Missing::Error).unwrap_err().to_string();
        assert!(error.contains("row 2, column `a`: expected a value, got an empty cell (1 in all)"), "{error}");
        let usable = Usable::of(&table, &roles, Missing::Drop).unwrap();
        assert_eq!((&usable.rows[..], usable.targetless, usable.dropped), (&[0][..], 2, 1));
        let mut warnings = Vec::new();
        usable.tell("y", "", &mut warnings);
        let messages: Vec<&str> = warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(
            messages,
            ["2 of 4 rows have no target and are left out", "1 of 4 rows have empty cells and are left out"]
        );
        assert_eq!(Usable::of(&table, &roles, Missing::Mean).unwrap().rows, [0, 1]);
    }
}
