//! A table as the rows of an experiment.

use std::collections::HashMap;

use super::column::NoTime;
use super::target::{Want, shown};
use super::usable::{Usable, is_hollow};
use super::{Cells, Column, Feature, MISSING, Prepared, Roles, Table, Target, hold_out};
use crate::data_spec::{DataSpec, TestRows, Unseen};
use crate::warning::Warning;
use crate::{Complaint, Complaints, Loss, Result, Rows, Seed, Split};

/// More inputs than this from one column are names of rows, not categories.
const MOST_LEVELS: usize = 1000;

/// A table whose rows are known to make sense for an experiment, and whose preparation is still to be measured.
///
/// Which columns, classes, categories and indicators there are is the same in every fold; it is read off all rows for
/// development. Means, scales and imputed values are measured on the training rows of a split alone.
///
/// # Example
///
/// ```
/// use taper::table::{Column, Table, TableRows};
/// use taper::{DataSpec, Loss, Rows};
///
/// # fn main() -> taper::Result<()> {
/// let table = Table::new(vec![
///     Column::numbers("age", [30.0, 50.0, 100.0]),
///     Column::names("city", ["Ulm", "Bonn", "Ulm"]),
///     Column::names("buys", ["no", "yes", "no"]),
/// ])?;
/// let spec = DataSpec { standardize: true, ..DataSpec::new("buyers.csv") };
/// let rows = TableRows::new(table, None, &spec, Loss::BINARY_CROSSENTROPY)?;
/// let split = rows.split(&[0, 1], &[2])?;
/// assert_eq!(split.train.x(), [-1.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
/// assert_eq!(split.test.x(), [6.0, 0.0, 1.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TableRows {
    table: Table,
    roles: Roles,
    spec: DataSpec,
    /// Everything but what is measured.
    template: Prepared,
    /// The rows of the table, those for development first.
    order: Vec<usize>,
    development: usize,
    warnings: Vec<Warning>,
}

impl TableRows {
    /// The rows of `table`, with those of `test` as a declared test set (or the share of them that `spec` says).
    ///
    /// # Errors
    ///
    /// Columns that the specification names and the table has not; a target that the loss cannot use or that is the same in
    /// all rows; empty cells that nothing fills; a feature without any value, or with a name of its own in most rows.
    pub fn new(table: Table, test: Option<&Table>, spec: &DataSpec, loss: Loss) -> Result<Self> {
        let header: Vec<String> = table.names().iter().map(ToString::to_string).collect();
        // What is left out may not have been read at all.
        let there = |names: &[String]| names.iter().filter(|name| table.column(name).is_some()).cloned().collect();
        let named = DataSpec { exclude: there(&spec.exclude), one_hot: there(&spec.one_hot), ..spec.clone() };
        let roles = Roles::of(&named, &header)?;
        let own = table.rows();
        let mut warnings = Vec::new();
        let mut table = table;
        let mut test = test.cloned();
        if Want::of(loss) == Want::Number {
            std::iter::once(&mut table).chain(&mut test).for_each(|table| table.count_truths(&roles.target));
        }
        let usable = Usable::of(&table, &roles, spec.missing)?;
        usable.tell(&roles.target, "", &mut warnings);
        let mut complete = usable.rows;
        if let Some(test) = &test {
            let usable = Usable::of(test, &roles, spec.missing)?;
            usable.tell(&roles.target, " of the test file", &mut warnings);
            let more = usable.rows;
            let file = match &spec.test {
                Some(TestRows::File(file)) => file,
                _ => "the test file",
            };
            table = table.append(test, file)?;
            complete.extend(more.into_iter().map(|row| row + own));
        }
        if let Some(time) = &roles.time {
            let column = table.get(time)?;
            let ranks = column.ranks().map_err(|wrong| no_time(&table, column, &wrong))?;
            // The rows of a test file stay behind the others, whatever their time.
            complete.sort_by_key(|row| (*row >= own, ranks[*row]));
        }
        let own = complete.iter().filter(|row| **row < own).count();
        if own == 0 || (test.is_some() && own == complete.len()) {
            let expected = format!("at least one row with a target `{}` and without empty cells", roles.target);
            return Err(Complaint::new("data", expected, "none").into());
        }
        // Classes are those of all rows of the file; what the test file holds is judged by them.
        let target = Target::of(&table, &roles.target, &complete[..own], loss, spec.allow_one_class)?;
        if let Target::Classes { labels, .. } = &target
            && !labels.are_positions()
        {
            let map = format!("the classes {} are counted from 0, in this order", shown(labels));
            warnings.push(warning(format!("data, column `{}`", roles.target), map));
        }
        let template = Prepared::new(Vec::new(), target);
        let mut rows = Self { table, roles, spec: spec.clone(), template, order: complete, development: own, warnings };
        if let Some(TestRows::Share(share)) = spec.test {
            rows.hold_out(share)?;
        }
        rows.find_features()?;
        rows.check_test_rows()?;
        rows.leave_unknown()?;
        rows.find_oddities();
        Ok(rows)
    }

    /// What is odd about the table, and what was done about it.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Adds something that is odd about where the rows came from.
    pub fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    /// Declares all but the first `rows` rows a test set.
    ///
    /// # Panics
    ///
    /// If there are fewer rows.
    pub fn set_development(&mut self, rows: usize) {
        assert!(rows <= self.order.len(), "no more rows than there are");
        self.development = rows;
    }

    /// How many inputs a row has, in every fold.
    #[must_use]
    pub fn width(&self) -> usize {
        self.template.width()
    }

    /// What is predicted, but for the mean and scale of a number.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.template.target
    }

    /// The table, the test file's rows below the others.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What these rows teach: means, scales, imputed values.
    ///
    /// # Errors
    ///
    /// No rows; numbers too large for a variance.
    pub fn prepare(&self, train: &[usize]) -> Result<Prepared> {
        if train.is_empty() {
            return Err(Complaint::new("data", "at least one row", "none").into());
        }
        let train = self.places(train);
        let mut complaints = Complaints::new();
        let mut features = Vec::new();
        for feature in &self.template.features {
            let fitted = feature.fitted(&self.table, &train, self.spec.missing, self.spec.standardize);
            features.extend(complaints.take("", fitted)?);
        }
        let target = &self.template.target;
        let target = if self.spec.standardize_target { target.scaled(&self.table, &train) } else { Ok(target.clone()) };
        let target = complaints.take("", target)?;
        complaints.finish()?;
        Ok(Prepared::new(features, target.unwrap_or_else(|| self.template.target.clone())))
    }

    /// The column whose values every fold holds in the same shares.
    fn stratum(&self) -> Option<&Column> {
        let classes = matches!(self.template.target, Target::Classes { .. }).then_some(&self.roles.target);
        self.table.column(self.roles.stratify.as_ref().or(classes)?)
    }

    /// Says which classes have fewer rows for development than a choice has folds.
    pub fn tell_rare(&mut self, folds: usize) {
        let Some(strata) = self.strata() else { return };
        let mut counts: std::collections::BTreeMap<usize, (usize, usize)> = std::collections::BTreeMap::new();
        for (row, id) in strata[..self.development].iter().enumerate() {
            counts.entry(*id).or_insert((0, row)).0 += 1;
        }
        let rare = counts.values().filter(|(count, _)| *count < folds);
        let names: Vec<String> =
            rare.map(|(count, row)| format!("`{}` {count}", self.stratum_name(*row).unwrap_or_default())).collect();
        if !names.is_empty() {
            let message = format!("too few rows for each of {folds} folds: {}", super::list(&names));
            self.warnings.push(warning(format!("data, column `{}`", self.roles.target), message));
        }
    }

    /// These rows as places in the table.
    fn places(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter().map(|row| self.order[*row]).collect()
    }

    /// Puts a share of the rows behind the others, as a test set.
    fn hold_out(&mut self, share: f64) -> Result<()> {
        let (strata, groups) = (self.strata(), self.groups());
        let seed = Seed::new(self.spec.random_state.unwrap_or(0).into());
        let (development, test) =
            hold_out(self.rows(), share, strata.as_deref(), groups.as_deref(), self.is_ordered(), seed)?;
        self.development = development.len();
        self.order = self.places(&[development, test].concat());
        Ok(())
    }

    /// The inputs: categories and indicators are those of the rows for development.
    fn find_features(&mut self) -> Result<()> {
        let rows = &self.order[..self.development];
        let mut complaints = Complaints::new();
        for name in &self.roles.features {
            let column = self.table.get(name)?;
            let place = format!("column `{name}`");
            let missing = rows.iter().filter(|row| column.is_missing(**row)).count();
            if is_hollow(column) || (missing == rows.len() && missing < column.len() && self.spec.fills()) {
                self.warnings.push(warning(place, "no row to learn from has a value: left out"));
                continue;
            }
            if missing == rows.len() {
                complaints.push(Complaint::new(place, "at least one value", format!("{missing} empty cells")));
                continue;
            }
            let indicator = self.spec.missing_indicator && missing > 0;
            let name = name.clone();
            self.template.features.push(match &column.cells {
                Cells::Numbers(_) => Feature::Number { name, mean: 0.0, scale: 1.0, fill: None, indicator },
                Cells::Names { levels, codes } => {
                    let mut met = vec![false; levels.len()];
                    rows.iter().filter(|row| codes[**row] != MISSING).for_each(|row| met[codes[*row] as usize] = true);
                    let count = met.iter().filter(|met| **met).count();
                    let most = MOST_LEVELS.min((rows.len() / 2).max(2));
                    if count > most {
                        let expected = format!("at most {most} categories in {} rows", rows.len());
                        let help = format!("`exclude = [\"{name}\"]` leaves it out");
                        complaints.push(Complaint::new(place, expected, count).help(help));
                        continue;
                    }
                    let levels =
                        levels.iter().zip(met).filter(|(_, met)| *met).map(|(level, _)| level.clone()).collect();
                    Feature::Category { name, levels, fill: None, indicator, unseen: self.spec.unseen }
                }
            });
        }
        complaints.finish()
    }

    /// Classes and categories of test rows must be known.
    fn check_test_rows(&self) -> Result<()> {
        let test = &self.order[self.development..];
        if test.is_empty() {
            return Ok(());
        }
        let mut complaints = Complaints::new();
        if self.spec.unseen == Unseen::Error {
            complaints.take("", self.template.target.numbers(&self.table, test))?;
        }
        for feature in &self.template.features {
            // Nothing is measured yet, so nothing fills empty cells.
            if let Feature::Category { .. } = feature {
                let column = self.table.get(feature.name())?;
                let full: Vec<usize> = test.iter().copied().filter(|row| !column.is_missing(*row)).collect();
                complaints.take("", feature.bind(&self.table, &full).map(|_| ()).map_err(Into::into))?;
            }
        }
        complaints.finish()
    }

    /// Leaves out test rows of a class that no row for development has, where unknown names may be.
    fn leave_unknown(&mut self) -> Result<()> {
        let (known, unknown) = self.template.target.known(&self.table, &self.order[self.development..])?;
        let Some(row) = unknown.first() else { return Ok(()) };
        let class = self.table.get(&self.roles.target)?.text(*row);
        let message = format!(
            "{} test rows are of a class that no row to learn from has, as `{class}`, and are left out",
            unknown.len()
        );
        self.warnings.push(warning(format!("data, column `{}`", self.roles.target), message));
        self.order.truncate(self.development);
        self.order.extend(known);
        Ok(())
    }

    /// Columns that say nothing new.
    fn find_oddities(&mut self) {
        let rows = &self.order[..self.development];
        let columns = || self.roles.features.iter().filter_map(|name| self.table.column(name));
        let mut seen: HashMap<u64, Vec<&Column>> = HashMap::new();
        let mut found = Vec::new();
        for column in columns() {
            let hash = fingerprint(&column.cells, rows);
            let alike = seen.entry(hash).or_default();
            if let Some(other) = alike.iter().find(|other| same(other, column, rows)) {
                let message = format!("the same as `{}` in every row", other.name);
                found.push(warning(format!("data, column `{}`", column.name), message));
            }
            alike.push(column);
        }
        self.warnings.extend(found);
    }
}

impl Rows for TableRows {
    fn rows(&self) -> usize {
        self.order.len()
    }

    fn development(&self) -> usize {
        self.development
    }

    fn strata(&self) -> Option<Vec<usize>> {
        Some(self.stratum()?.keys(&self.order))
    }

    fn stratum_name(&self, row: usize) -> Option<String> {
        Some(self.stratum()?.text(*self.order.get(row)?))
    }

    fn groups(&self) -> Option<Vec<usize>> {
        Some(self.table.column(self.roles.group.as_ref()?)?.keys(&self.order))
    }

    fn is_ordered(&self) -> bool {
        self.roles.time.is_some()
    }

    fn split(&self, train: &[usize], test: &[usize]) -> Result<Split> {
        let prepared = self.prepare(train)?;
        let part = |rows: &[usize]| prepared.dataset(&self.table, &self.places(rows));
        Ok(Split { train: part(train)?, test: part(test)? })
    }

    fn prepared(&self, train: &[usize]) -> Result<Option<Prepared>> {
        self.prepare(train).map(Some)
    }
}

fn warning(place: impl Into<String>, message: impl Into<String>) -> Warning {
    Warning { place: place.into(), message: message.into() }
}

/// A complaint about a column that is to order the rows and cannot.
fn no_time(table: &Table, column: &Column, wrong: &NoTime) -> Complaint {
    let cells: Vec<String> = wrong
        .rows
        .iter()
        .map(|row| {
            let place = table.place(*row, &column.name);
            format!("`{}` ({})", column.text(*row).escape_debug(), place.split(',').next().unwrap_or_default())
        })
        .collect();
    let (expected, help) = if wrong.ambiguous {
        let help = "write the dates as 2026-02-26, or let a day above 12 prove what comes first";
        ("dates of which one can tell what is day, month and year", help)
    } else {
        let help = "known are numbers, 2026-02-26, 2026-02-26T10:30:00+01:00, 26.02.2026, 2/26/2026, 26 Feb 2026, \
                    2026-02, 2026-Q1, 2026-W09, 10:30, all cells of one kind";
        ("times, which order the rows", help)
    };
    Complaint::new(format!("column `{}`", column.name), expected, cells.join(" and ")).help(help)
}

/// A number that equal columns share.
fn fingerprint(cells: &Cells, rows: &[usize]) -> u64 {
    let mix = |hash: u64, bits: u64| (hash ^ bits).wrapping_mul(0x0100_0000_01b3).rotate_left(5);
    match cells {
        Cells::Numbers(values) => rows.iter().fold(1, |hash, row| mix(hash, values.get(*row).to_bits())),
        Cells::Names { codes, .. } => rows.iter().fold(2, |hash, row| mix(hash, u64::from(codes[*row]))),
    }
}

/// Whether two columns say the same of these rows.
fn same(a: &Column, b: &Column, rows: &[usize]) -> bool {
    match (&a.cells, &b.cells) {
        (Cells::Numbers(a), Cells::Numbers(b)) => rows.iter().all(|row| a.get(*row).to_bits() == b.get(*row).to_bits()),
        (Cells::Names { codes: a, .. }, Cells::Names { codes: b, .. }) => rows.iter().all(|row| a[*row] == b[*row]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_columns_need_not_have_been_read() {
        let (x, y) = (Column::numbers("x", [1.0, 2.0]), Column::numbers("y", [0.0, 1.0]));
        let spec = DataSpec { exclude: vec!["id".into()], ..DataSpec::new("t.csv") };
        for columns in [vec![x.clone(), y.clone()], vec![Column::numbers("id", [1.0, 2.0]), x, y]] {
            let rows = TableRows::new(Table::new(columns).unwrap(), None, &spec, Loss::Mse).unwrap();
            assert_eq!(rows.width(), 1);
        }
    }
}
