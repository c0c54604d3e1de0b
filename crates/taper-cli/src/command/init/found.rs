//! What stands in the table, and what suits it.

use std::path::Path;

use taper::table::{Cells, Column, Table};
use taper::{Complaint, DataSpec};

use super::role::Chosen;
use super::survey::Read;
use crate::args::Init;

/// From so many rows on, a fifth is set aside as a test set; below, outer folds say more.
const ENOUGH_FOR_A_TEST: usize = 1000;
/// Whole numbers of at most so many kinds are classes.
const MOST_CLASSES: usize = 20;
/// So many inputs from one column of names are too many.
const MOST_NAMES: usize = 1000;

/// What the target is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Task {
    Binary,
    Classes(usize),
    Number,
}

/// What was found in the table.
pub(super) struct Found {
    /// Rows with a target.
    pub(super) rows: usize,
    pub(super) target: String,
    pub(super) task: Task,
    pub(super) numbers: usize,
    pub(super) categories: usize,
    pub(super) inputs: usize,
    pub(super) missing: bool,
    /// Columns that are left out, and why.
    pub(super) excluded: Vec<(String, String)>,
    /// How the table is to be read.
    pub(super) spec: DataSpec,
    /// What is worth to be known about that.
    pub(super) said: Vec<String>,
}

impl Found {
    pub(super) fn of(args: &Init, read: Read) -> taper::Result<Self> {
        let Read { table, spec, chosen, left, mut said } = read;
        let target = table.column(&chosen.target).ok_or_else(|| Complaint::new("--target", "a column", "none"))?;
        let rows: Vec<usize> = (0..table.rows()).filter(|row| !target.is_missing(*row)).collect();
        let task = task(target, &rows)?;
        said.extend(targetless(&chosen.target, &task, &table, rows.len(), &left));
        let mut found = Self {
            rows: rows.len(),
            target: chosen.target,
            task,
            numbers: 0,
            categories: 0,
            inputs: 0,
            missing: false,
            excluded: chosen.excluded,
            spec,
            said,
        };
        for column in table.columns() {
            if column.name != found.target && !Chosen::is_mark(args, &column.name) {
                found.see(column, &rows);
            }
        }
        if found.inputs == 0 {
            let got = "none that differs between rows";
            return Err(Complaint::new("header", "at least one column to predict from", got).into());
        }
        let left_out = |name: &String| found.excluded.iter().any(|(other, _)| other == name);
        found.spec.one_hot.retain(|name| !left_out(name));
        Ok(found)
    }

    /// Adds a feature, or leaves it out.
    fn see(&mut self, column: &Column, rows: &[usize]) {
        let missing = rows.iter().filter(|row| column.is_missing(**row)).count();
        let distinct = || kinds(column, rows).len() - usize::from(missing > 0);
        let names = if matches!(column.cells, Cells::Names { .. }) { distinct() } else { 0 };
        let reason = match &column.cells {
            _ if missing == rows.len() => Some("no cell has a value".to_owned()),
            Cells::Numbers(_) if is_counter(column) => Some("it numbers the rows".to_owned()),
            Cells::Names { .. } if names > self.most_names() => Some(format!("{names} names in {} rows", rows.len())),
            _ if missing == 0 && is_constant(column, rows) => Some("the same in every row".to_owned()),
            _ => None,
        };
        if let Some(reason) = reason {
            self.excluded.push((column.name.clone(), reason));
            return;
        }
        self.missing |= missing > 0;
        self.inputs += usize::from(missing > 0);
        match &column.cells {
            Cells::Numbers(_) => {
                self.numbers += 1;
                self.inputs += 1;
            }
            Cells::Names { .. } => {
                self.categories += 1;
                self.inputs += names;
            }
        }
    }

    /// The share of the rows that is set aside, if it is.
    pub(super) fn test(&self) -> Option<f64> {
        (self.rows >= ENOUGH_FOR_A_TEST).then_some(0.2)
    }

    /// The most names of a column that the rows to learn from can tell apart.
    fn most_names(&self) -> usize {
        let learning = self.rows as f64 * (1.0 - self.test().unwrap_or(0.0));
        MOST_NAMES.min((learning as usize / 2).max(2))
    }

    /// Units of a hidden layer: more weights than rows, within reason.
    pub(super) fn units(&self) -> usize {
        [32, 64, 128].into_iter().find(|units| units * (self.inputs + units) >= 4 * self.rows).unwrap_or(256)
    }

    pub(super) fn batch_size(&self) -> usize {
        match self.rows {
            0..=5_000 => 32,
            5_001..=50_000 => 128,
            _ => 1024,
        }
    }

    /// Passes that make some 2,000 steps.
    pub(super) fn epochs(&self) -> usize {
        (2000 / self.rows.div_ceil(self.batch_size()).max(1)).clamp(20, 300)
    }

    pub(super) fn sentence(&self, path: &Path) -> String {
        let target = self.target.escape_debug();
        let task = match self.task {
            Task::Binary => format!("which of two classes `{target}` is"),
            Task::Classes(count) => format!("which of {count} classes `{target}` is"),
            Task::Number => format!("the number `{target}`"),
        };
        format!(
            "{}: {} rows, {} columns of numbers, {} of categories, {} inputs; to predict: {task}",
            path.display(),
            self.rows,
            self.numbers,
            self.categories,
            self.inputs
        )
    }
}

/// What is said of rows without a target.
fn targetless(target: &str, task: &Task, table: &Table, rows: usize, left: &taper_io::Left) -> Option<String> {
    let lacking = table.rows() - rows;
    let words = left.words.iter().find(|(name, _)| name == target).map(|(_, words)| words.join("`, `"));
    let mut text = format!("{lacking} of {} rows have no target and are left out", table.rows());
    if let (Some(words), false) = (words, *task == Task::Number) {
        text += &format!(" (`{words}` is taken for nothing; `--na ''` makes it a class)");
    }
    (lacking > 0).then_some(text)
}

/// For each kind of cell in these rows: how many, and one of its rows.
fn kinds(column: &Column, rows: &[usize]) -> Vec<(usize, usize)> {
    let mut kinds: Vec<(usize, usize)> = Vec::new();
    for (row, key) in rows.iter().zip(column.keys(rows)) {
        match kinds.get_mut(key) {
            Some((count, _)) => *count += 1,
            None => kinds.push((1, *row)),
        }
    }
    kinds
}

/// What a target column asks for.
fn task(column: &Column, rows: &[usize]) -> taper::Result<Task> {
    let place = format!("column `{}`", column.name);
    if rows.is_empty() {
        return Err(Complaint::new(place, "at least one row with a target", "none").into());
    }
    let kinds = kinds(column, rows);
    if let Cells::Numbers(_) = &column.cells {
        let mut counts: Vec<(f64, usize)> = Vec::new();
        for (count, row) in &kinds {
            counts.push((column.text(*row).parse().unwrap_or(f64::NAN), *count));
        }
        let whole = counts.iter().all(|(value, _)| value.fract() == 0.0);
        let few = counts.len() == 2 || (whole && counts.len() <= MOST_CLASSES.min(rows.len() / 5));
        if counts.len() > 1 && (!few || is_count(counts)) {
            return Ok(Task::Number);
        }
    } else if kinds.len() > MOST_NAMES.min((rows.len() / 2).max(2)) {
        let got = format!("{} names in {} rows", kinds.len(), rows.len());
        return Err(Complaint::new(place, "classes or numbers", got).help("--target names another column").into());
    }
    match kinds.len() {
        1 => Err(Complaint::new(place, "a target that differs between rows", "the same in all").into()),
        2 => Ok(Task::Binary),
        count => Ok(Task::Classes(count)),
    }
}

/// Whether whole numbers, with how often each is met, count something: they have a long tail, which the next rows may exceed.
fn is_count(mut counts: Vec<(f64, usize)>) -> bool {
    counts.sort_by(|a, b| a.0.total_cmp(&b.0));
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let mode = counts.iter().position(|(_, count)| *count == most).unwrap_or(0);
    let last = counts.last().map_or(0, |(_, count)| *count);
    counts.len() >= 5 && counts[0].0 >= 0.0 && mode < counts.len() / 2 && last * 20 < most
}

/// Whether a column counts the rows and is called so.
fn is_counter(column: &Column) -> bool {
    let name = column.name.to_lowercase();
    let called = ["id", "index", "row", "nr", "no", "number", "rownames", "obs"].contains(&name.as_str())
        || name.ends_with("_id")
        || name.ends_with(" id");
    let value = |row: usize| column.text(row).parse::<f64>().unwrap_or(f64::NAN);
    called && (1..column.len()).all(|row| value(row - 1) < value(row))
}

fn is_constant(column: &Column, rows: &[usize]) -> bool {
    // Most columns show at once that they are not.
    let some = &rows[..rows.len().min(1000)];
    kinds(column, some).len() == 1 && kinds(column, rows).len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_from_classes_by_their_tail() {
        let of = |counts: &[usize]| is_count(counts.iter().enumerate().map(|(i, n)| (i as f64, *n)).collect());
        assert!(of(&[4000, 600, 200, 80, 30, 10, 4, 1]));
        assert!(!of(&[170, 180, 177, 183, 181, 182, 181, 179, 174, 180]), "digits");
        assert!(!of(&[50, 50, 2]) && !of(&[9, 8, 5, 5, 3]));
    }
}
