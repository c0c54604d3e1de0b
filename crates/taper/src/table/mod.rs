//! Tables of named columns, and how their rows become a model's inputs and targets.
//!
//! A [`Table`] is what stood in a file: numbers, names of categories, empty cells. [`TableRows`] is a table for an experiment:
//! it knows which column is the target, which rows are a declared test set, and what classes and categories there are. What
//! is *measured* (means, scales, imputed values) is measured by [`TableRows::prepare`] on the rows that it is given, training
//! rows of a fold, and becomes a [`Prepared`]: plain data that turns raw rows into a model's inputs, and that is saved beside
//! the weights.

mod alike;
mod column;
mod decimal;
mod feature;
mod holdout;
mod meaning;
mod numbers;
mod prepared;
mod role;
mod rows;
mod target;
mod time;
mod usable;

pub use alike::truth;
pub use column::{Cells, Column, MISSING};
pub use decimal::Decimal;
pub use feature::Feature;
pub use holdout::hold_out;
pub use meaning::Meaning;
pub use numbers::Numbers;
pub use prepared::Prepared;
pub use role::{Reading, Roles, Wanted, is_index};
pub use rows::TableRows;
pub use target::{Labels, Target};

use std::collections::HashMap;

use crate::{Complaint, Complaints, Result, nearest};

/// Named columns of the same length.
///
/// # Example
///
/// ```
/// use taper::table::{Column, Table};
///
/// let table = Table::new(vec![Column::numbers("age", [31.0, 44.0]), Column::names("city", ["Ulm", "Bonn"])])?;
/// assert_eq!((table.rows(), table.names()), (2, vec!["age", "city"]));
/// # Ok::<(), taper::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
    /// The columns' positions, by name.
    places: HashMap<String, usize>,
    rows: usize,
    /// Rows of the file before the first of these.
    first: usize,
    /// The name of the file whose rows begin here.
    second: Option<(usize, String)>,
}

impl Table {
    /// A table of these columns.
    ///
    /// # Errors
    ///
    /// No columns, no rows, columns of different lengths, a name that is empty or met twice, an infinite number.
    pub fn new(columns: Vec<Column>) -> Result<Self> {
        let mut complaints = Complaints::new();
        let rows = columns.first().map_or(0, Column::len);
        complaints.check(!columns.is_empty(), "table", "at least one column", "none");
        complaints.check(columns.is_empty() || rows > 0, "table", "at least one row", "none");
        let mut places = HashMap::with_capacity(columns.len());
        for (i, column) in columns.iter().enumerate() {
            let unique = places.insert(column.name.clone(), i).is_none() && !column.name.is_empty();
            let expected = "a name that no other column has";
            complaints.check(unique, format!("column {}", i + 1), expected, format!("`{}`", column.name));
            if column.len() != rows {
                let place = format!("column `{}`", column.name);
                complaints.push(Complaint::new(place, format!("{rows} rows"), column.len()));
            }
            if let Cells::Numbers(values) = &column.cells
                && let Some(row) = values.iter().position(f64::is_infinite)
            {
                let place = format!("row {}, column `{}`", row + 1, column.name);
                complaints.push(Complaint::new(place, "a finite number", values.get(row)));
            }
        }
        complaints.finish()?;
        Ok(Self { columns, places, rows, first: 0, second: None })
    }

    /// The same rows, known to stand below `first` others in their file: complaints count on from there.
    #[must_use]
    pub fn starting_at(mut self, first: usize) -> Self {
        self.first = first;
        self
    }

    /// How many rows; at least 1.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns' names.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(*self.places.get(name)?)
    }

    /// The column of this name, or a complaint with the nearest one.
    pub(crate) fn get(&self, name: &str) -> Result<&Column, Complaint> {
        self.column(name).ok_or_else(|| no_column("", name, &self.names(), &[]))
    }

    /// Makes a column of truth values one of numbers, 1 and 0; any other stays as it is.
    pub(crate) fn count_truths(&mut self, name: &str) {
        let Some(column) = self.columns.iter_mut().find(|column| column.name == name) else { return };
        let Cells::Names { levels, codes } = &column.cells else { return };
        if let Some(truths) = levels.iter().map(|level| truth(level)).collect::<Option<Vec<bool>>>() {
            let number = |code: &u32| truths.get(*code as usize).map_or(f32::NAN, |truth| f32::from(u8::from(*truth)));
            column.cells = Cells::Numbers(codes.iter().map(number).collect::<Vec<f32>>().into());
        }
    }

    /// Where a cell stands, for complaints.
    pub(crate) fn place(&self, row: usize, column: &str) -> String {
        match &self.second {
            Some((begin, file)) if row >= *begin => format!("row {} of {file}, column `{column}`", row - begin + 1),
            _ => format!("row {}, column `{column}`", self.first + row + 1),
        }
    }

    /// What is to be read of a file with this header so that its rows can stand below these: the same columns, of the same
    /// kinds.
    ///
    /// # Errors
    ///
    /// All columns that are not there, in one complaint.
    pub fn wanted_like(&self, wanted: &[Wanted], header: &[String]) -> Result<Vec<Wanted>> {
        let names: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut missing = Vec::new();
        let positions = positions(header);
        let all: Vec<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
        let mut found = Vec::new();
        for wanted in wanted {
            let reading = match self.column(&wanted.name).map(|column| &column.cells) {
                Some(Cells::Names { .. }) => Reading::Names,
                _ => Reading::Numbers,
            };
            match positions.get(wanted.name.as_str()) {
                Some(position) => found.push(Wanted { position: *position, reading, ..wanted.clone() }),
                None => missing.push(wanted.name.as_str()),
            }
        }
        no_columns(&missing, &names, &all)?;
        Ok(found)
    }

    /// These rows with those of another table below them, which came from `file`.
    ///
    /// # Errors
    ///
    /// A column that the other one does not have, or has of another kind.
    pub fn append(mut self, other: &Self, file: &str) -> Result<Self> {
        let mut complaints = Complaints::new();
        for column in &mut self.columns {
            match (&mut column.cells, other.get(&column.name).map(|column| &column.cells)) {
                (Cells::Numbers(values), Ok(Cells::Numbers(more))) => values.append(more.clone()),
                (Cells::Names { levels, codes }, Ok(Cells::Names { levels: others, codes: more })) => {
                    let mut all = std::mem::take(levels);
                    let known: HashMap<String, u32> =
                        all.iter().enumerate().map(|(code, level)| (level.clone(), code as u32)).collect();
                    let places: Vec<u32> = others
                        .iter()
                        .map(|level| {
                            known.get(level).copied().unwrap_or_else(|| {
                                all.push(level.clone());
                                all.len() as u32 - 1
                            })
                        })
                        .collect();
                    let mut codes = std::mem::take(codes);
                    codes.extend(
                        more.iter().map(|code| if *code == MISSING { MISSING } else { places[*code as usize] }),
                    );
                    column.cells = Cells::sorted(all, codes);
                }
                (Cells::Numbers(_), Ok(_)) => {
                    complaints.push(Complaint::new(format!("column `{}`", column.name), "numbers", "text"));
                }
                (Cells::Names { .. }, Ok(_)) => {
                    complaints.push(Complaint::new(format!("column `{}`", column.name), "text", "numbers"));
                }
                (_, Err(complaint)) => complaints.push(complaint),
            }
        }
        complaints.finish()?;
        self.second = Some((self.rows, file.to_owned()));
        self.rows += other.rows;
        Ok(self)
    }
}

/// Where each name stands in a header; of one that stands there twice, the first.
fn positions(header: &[String]) -> HashMap<&str, usize> {
    header.iter().enumerate().rev().map(|(position, name)| (name.as_str(), position)).collect()
}

/// Columns that are named in a message; of more, the others are counted.
const MOST_NAMES: usize = 20;

/// Names for a message; of a long list, how many more there are.
#[must_use]
pub fn list<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<&str> = names.iter().take(MOST_NAMES).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A complaint about a column that is not there. Of the known ones, what is `wanted` for itself is not taken for a misspelling.
pub(crate) fn no_column(place: &str, name: &str, known: &[&str], wanted: &[&str]) -> Complaint {
    let (place, expected, got) = if place.is_empty() {
        ("header".to_owned(), format!("a column `{name}`"), format!("only {}", list(known)))
    } else {
        (place.to_owned(), format!("one of {}", list(known)), format!("`{name}`"))
    };
    let complaint = Complaint::new(place, expected, got);
    match nearest(name, known.iter().copied().filter(|known| !wanted.contains(known))) {
        Some(near) => complaint.help(format!("did you mean `{near}`?")),
        None => complaint,
    }
}

/// Misspellings that are pointed at in one message.
const MOST_NEAR: usize = 3;

/// One complaint about all columns that are not there: the header is told once.
pub(crate) fn no_columns(missing: &[&str], known: &[&str], wanted: &[&str]) -> Result<()> {
    let names = match missing {
        [] => return Ok(()),
        [name] => return Err(no_column("", name, known, wanted).into()),
        names => list(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>()),
    };
    let complaint = Complaint::new("header", format!("the columns {names}"), format!("only {}", list(known)));
    let near = |name: &&str| {
        let near = nearest(name, known.iter().copied().filter(|known| !wanted.contains(known)))?;
        Some(format!("`{near}` for `{name}`"))
    };
    let near: Vec<String> = missing.iter().filter_map(near).take(MOST_NEAR).collect();
    Err(if near.is_empty() { complaint } else { complaint.help(format!("is it {}?", near.join(", "))) }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_table_is_one_complaint_that_says_how_much_it_leaves_out() {
        let names: Vec<String> = (0..30).map(|i| format!("column{i}")).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let error = no_columns(&all, &["a", "b"], &all).unwrap_err().to_string();
        assert!(error.starts_with("header: expected the columns `column0`, `column1`, "), "{error}");
        assert!(error.ends_with("`column19` and 10 more, got only a, b"), "{error}");
        let error = no_columns(&["age", "city"], &["Age", "town"], &["age", "city"]).unwrap_err().to_string();
        assert_eq!(error, "header: expected the columns `age`, `city`, got only Age, town (is it `Age` for `age`?)");
        let one = no_columns(&["age"], &["city"], &["age"]).unwrap_err().to_string();
        assert_eq!(one, "header: expected a column `age`, got only city");
        assert!(no_columns(&[], &[], &[]).is_ok());
    }

    #[test]
    fn tables_that_cannot_be_are_refused() {
        let error = |columns| Table::new(columns).unwrap_err().to_string();
        assert!(error(vec![]).contains("at least one column"));
        assert!(error(vec![Column::numbers("a", Vec::<f64>::new())]).contains("at least one row"));
        let twice = vec![Column::numbers("a", [1.0]), Column::numbers("a", [1.0, 2.0])];
        assert_eq!(error(twice).lines().count(), 2);
        assert!(error(vec![Column::numbers("a", [1.0, f32::INFINITY])]).contains("row 2, column `a`"));
    }

    #[test]
    fn a_column_that_is_wanted_itself_is_no_misspelling() {
        let of = |known: &[&str]| no_column("", "x1", known, &["x0", "x1"]).to_string();
        assert!(!of(&["x0", "other"]).contains("did you mean"));
        assert!(of(&["x0", "xl"]).contains("did you mean `xl`?"));
    }

    #[test]
    fn a_second_table_goes_below_by_name_and_brings_its_levels() {
        let first = Table::new(vec![Column::names("c", ["b", "d"]), Column::numbers("x", [1.0, 2.0])]).unwrap();
        let second = Table::new(vec![Column::numbers("x", [3.0]), Column::names("c", ["a"])]).unwrap();
        let both = first.clone().append(&second, "t.csv").unwrap();
        assert_eq!(both.column("c").unwrap(), &Column::names("c", ["b", "d", "a"]));
        assert_eq!(both.column("x").unwrap(), &Column::numbers("x", [1.0, 2.0, 3.0]));
        let other = Table::new(vec![Column::numbers("c", [3.0])]).unwrap();
        assert_eq!(first.append(&other, "t.csv").unwrap_err().to_string().lines().count(), 2);
    }
}
