//! What a model is to predict.

use serde::{Deserialize, Serialize};

use super::{Cells, Column, Numbers, Table, alike};
use crate::data::StandardScaler;
use crate::{Complaint, Complaints, Loss, Result};

/// More classes than this are measurements, or names of rows.
const MOST_CLASSES: usize = 1000;
/// Labels that are named in a message.
const MOST_LABELS: usize = 10;

/// How a target column becomes target numbers, and predictions its values again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A number `y`, which the model sees as (y - mean) / scale.
    Number {
        /// The column.
        name: String,
        /// In the unit of the column.
        mean: f64,
        /// In the unit of the column, above 0.
        scale: f64,
    },
    /// A class, which the model sees as its position among the labels.
    Classes {
        /// The column.
        name: String,
        /// The classes, in rising order.
        labels: Labels,
        /// Whether the model sees one number per class, 1 for the row's own and 0 for the others.
        one_hot: bool,
    },
}

/// What classes are called in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a list of numbers or of names")]
pub enum Labels {
    /// As numbers.
    Numbers(Vec<f64>),
    /// As names.
    Names(Vec<String>),
}

impl Labels {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(labels) => labels.len(),
            Self::Names(labels) => labels.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As text.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Numbers(labels) => labels.iter().map(ToString::to_string).collect(),
            Self::Names(labels) => labels.clone(),
        }
    }

    /// Whether each label is its own position.
    #[must_use]
    pub fn are_positions(&self) -> bool {
        matches!(self, Self::Numbers(labels) if labels.iter().enumerate().all(|(i, label)| *label == i as f64))
    }
}

/// What a loss wants of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Number,
    TwoClasses,
    Classes { one_hot: bool },
}

impl Want {
    pub(crate) fn of(loss: Loss) -> Self {
        match loss {
            Loss::BinaryCrossentropy { .. } | Loss::Hinge | Loss::SquaredHinge => Self::TwoClasses,
            Loss::SparseCategoricalCrossentropy { .. } => Self::Classes { one_hot: false },
            Loss::CategoricalCrossentropy { .. } | Loss::CategoricalHinge | Loss::KlDivergence => {
                Self::Classes { one_hot: true }
            }
            Loss::Mse
            | Loss::Mae
            | Loss::Huber { .. }
            | Loss::LogCosh
            | Loss::Poisson
            | Loss::Msle
            | Loss::Mape
            | Loss::CosineSimilarity => Self::Number,
        }
    }
}

impl Target {
    /// What the target is, as `loss` wants it, judged by these rows of a column without empty cells: all of it that depends on
    /// the column's values and on no statistic.
    ///
    /// # Errors
    ///
    /// Text where a number is wanted, more than two classes where two are, labels that are no classes, and a target that is
    /// the same in all rows, unless `one_class` allows it.
    pub fn of(table: &Table, name: &str, rows: &[usize], loss: Loss, one_class: bool) -> Result<Self> {
        let column = table.get(name)?;
        let number = Self::Number { name: name.to_owned(), mean: 0.0, scale: 1.0 };
        let want = Want::of(loss);
        let place = format!("column `{name}`");
        if want == Want::Number {
            let Cells::Numbers(values) = &column.cells else {
                let place = table.place(rows[0], name);
                let complaint =
                    Complaint::new(place, format!("a number, for the loss `{}`", named(loss)), quoted(column, rows[0]));
                let help = "`binary_crossentropy` and `sparse_categorical_crossentropy` take classes";
                return Err(complaint.help(help).into());
            };
            let first = values.key(rows[0]);
            if !one_class && rows.len() > 1 && rows.iter().all(|row| values.key(*row) == first) {
                let got = format!("{} in all {} rows", values.text(rows[0]), rows.len());
                return Err(Complaint::new(place, "a target that differs between rows", got).into());
            }
            return Ok(number);
        }
        let labels = match &column.cells {
            Cells::Names { levels, codes } => {
                let mut met = vec![false; levels.len()];
                rows.iter().for_each(|row| met[codes[*row] as usize] = true);
                Labels::Names(levels.iter().zip(met).filter(|(_, met)| *met).map(|(level, _)| level.clone()).collect())
            }
            Cells::Numbers(values) if values.beyond().is_some() => Labels::Names(names_of(values, rows)),
            Cells::Numbers(values) => match distinct(values, rows) {
                // Between 0 and 1, more than two numbers are probabilities.
                Some(labels) if want == Want::TwoClasses && labels.len() > 2 && in_unit(&labels) => return Ok(number),
                None if want == Want::TwoClasses && rows.iter().all(|row| (0.0..=1.0).contains(&values.get(*row))) => {
                    return Ok(number);
                }
                Some(labels) => {
                    let whole = |row: &&usize| values.get(**row).fract() != 0.0;
                    if let Some(row) = rows.iter().find(whole).filter(|_| labels.len() > 2) {
                        let expected = "a class: a whole number or text";
                        return Err(Complaint::new(table.place(*row, name), expected, values.get(*row)).into());
                    }
                    Labels::Numbers(labels)
                }
                None => {
                    let got = format!("more than {MOST_CLASSES} different numbers");
                    let help = "is this a measurement? The loss `mse` predicts numbers";
                    return Err(Complaint::new(place, "classes", got).help(help).into());
                }
            },
        };
        let got = || format!("{}: {}", labels.len(), shown(&labels));
        if labels.len() > MOST_CLASSES {
            return Err(Complaint::new(place, format!("at most {MOST_CLASSES} classes"), labels.len()).into());
        }
        if want == Want::TwoClasses && labels.len() > 2 {
            let complaint = Complaint::new(place, format!("two classes, for the loss `{}`", named(loss)), got());
            return Err(complaint.help("`sparse_categorical_crossentropy` takes more, with an output for each").into());
        }
        if labels.len() < 2 && !one_class && rows.len() > 1 {
            let got = format!("only class {} in {} rows", shown(&labels), rows.len());
            return Err(Complaint::new(place, "at least two classes", got).into());
        }
        // A lone class is its own number if it can be.
        let labels = match &labels {
            Labels::Numbers(one) if one[..] == [1.0] => Labels::Numbers(vec![0.0, 1.0]),
            _ => labels,
        };
        Ok(Self::Classes { name: name.to_owned(), labels, one_hot: want == Want::Classes { one_hot: true } })
    }

    /// The column.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Number { name, .. } | Self::Classes { name, .. } => name,
        }
    }

    /// Target numbers per row.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Classes { labels, one_hot: true, .. } => labels.len(),
            _ => 1,
        }
    }

    /// The same target with the mean and scale of these rows, if it is a number.
    ///
    /// # Errors
    ///
    /// Numbers too large for a variance.
    pub(crate) fn scaled(&self, table: &Table, rows: &[usize]) -> Result<Self> {
        let Self::Number { name, .. } = self else { return Ok(self.clone()) };
        let Cells::Numbers(values) = &table.get(name)?.cells else { return Ok(self.clone()) };
        let values: Vec<f64> = rows.iter().map(|row| values.get(*row)).collect();
        let scaler = StandardScaler::fit(&values, 1).map_err(|error| error.within(format!("column `{name}`")))?;
        Ok(Self::Number { name: name.clone(), mean: scaler.mean()[0], scale: scaler.scale()[0] })
    }

    /// The target numbers of these rows.
    ///
    /// # Errors
    ///
    /// A column that is not there or of another kind, an empty cell, a class that is none of the labels: each kind with its
    /// first row.
    pub fn numbers(&self, table: &Table, rows: &[usize]) -> Result<Vec<f32>> {
        let column = table.get(self.name())?;
        let place = |row: usize| table.place(row, self.name());
        if let Some(row) = rows.iter().find(|row| column.is_missing(**row)) {
            let count = rows.iter().filter(|row| column.is_missing(**row)).count();
            let got = format!("an empty cell ({count} in all)");
            return Err(Complaint::new(place(*row), "a target", got).into());
        }
        let (labels, one_hot) = match (self, &column.cells) {
            (Self::Number { mean, scale, .. }, Cells::Numbers(values)) => {
                let scaled = |row: &usize| ((values.get(*row) - mean) / scale) as f32;
                return Ok(rows.iter().map(scaled).collect());
            }
            (Self::Number { .. }, Cells::Names { .. }) => {
                return Err(Complaint::new(place(rows[0]), "a number", quoted(column, rows[0])).into());
            }
            (Self::Classes { labels, one_hot, .. }, _) => (labels, *one_hot),
        };
        let class = |row: usize| match (&column.cells, labels) {
            (Cells::Numbers(values), Labels::Numbers(labels)) => {
                labels.iter().position(|label| *label == values.get(row))
            }
            (Cells::Numbers(values), Labels::Names(labels)) => {
                let text = values.text(row);
                labels.iter().position(|label| *label == text)
            }
            _ => None,
        };
        // Names are looked up once for each level, not for each row.
        let of_level: Vec<Option<usize>> = match &column.cells {
            Cells::Names { levels, .. } => alike::find(&labels.texts(), levels.iter()),
            Cells::Numbers(_) => vec![],
        };
        let width = self.width();
        let mut numbers = vec![0.0; rows.len() * width];
        for (row, numbers) in rows.iter().zip(numbers.chunks_exact_mut(width)) {
            let class = match &column.cells {
                Cells::Names { codes, .. } => of_level[codes[*row] as usize],
                Cells::Numbers(_) => class(*row),
            };
            let Some(class) = class else {
                let expected = format!("one of the classes {}", shown(labels));
                return Err(Complaint::new(place(*row), expected, quoted(column, *row)).into());
            };
            if one_hot {
                numbers[class] = 1.0;
            } else {
                numbers[0] = class as f32;
            }
        }
        Ok(numbers)
    }

    /// Those of these rows whose class is one of the labels, and those whose class is none; every number is known.
    ///
    /// # Errors
    ///
    /// A column that is not there.
    pub(crate) fn known(&self, table: &Table, rows: &[usize]) -> Result<(Vec<usize>, Vec<usize>)> {
        if matches!(self, Self::Number { .. }) {
            return Ok((rows.to_vec(), Vec::new()));
        }
        // One row of each kind is asked for all of them.
        let keys = table.get(self.name())?.keys(rows);
        let mut is_known = Vec::new();
        for (row, key) in rows.iter().zip(&keys) {
            if *key == is_known.len() {
                is_known.push(self.numbers(table, &[*row]).is_ok());
            }
        }
        let (known, unknown): (Vec<_>, Vec<_>) = rows.iter().zip(keys).partition(|(_, key)| is_known[*key]);
        let rows = |pairs: Vec<(&usize, usize)>| pairs.into_iter().map(|(row, _)| *row).collect();
        Ok((rows(known), rows(unknown)))
    }

    /// Complains about what no column can have been measured to be; places are keys.
    pub(crate) fn validate(&self, complaints: &mut Complaints) {
        match self {
            Self::Number { mean, scale, .. } => {
                complaints.check(mean.is_finite(), "target.mean", "a finite number", mean);
                complaints.check(scale.is_finite() && *scale > 0.0, "target.scale", "a number above 0", scale);
            }
            Self::Classes { labels, .. } => {
                let good = (1..=MOST_CLASSES).contains(&labels.len());
                complaints.check(good, "target.labels", format!("1 to {MOST_CLASSES} labels"), labels.len());
            }
        }
    }
}

/// What a loss is called.
fn named(loss: Loss) -> String {
    let value = serde_json::to_value(loss).unwrap_or_default();
    value.as_str().or_else(|| value["name"].as_str()).unwrap_or_default().to_owned()
}

/// Labels for a message.
pub(crate) fn shown(labels: &Labels) -> String {
    let texts = labels.texts();
    let more = texts.len().saturating_sub(MOST_LABELS);
    let text = texts.iter().take(MOST_LABELS).map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}

fn quoted(column: &Column, row: usize) -> String {
    format!("`{}`", column.text(row))
}

fn in_unit(values: &[f64]) -> bool {
    values.iter().all(|value| (0.0..=1.0).contains(value))
}

/// The distinct numbers in rising order, if there are not too many.
fn distinct(values: &Numbers, rows: &[usize]) -> Option<Vec<f64>> {
    let mut found: Vec<f64> = Vec::new();
    for row in rows {
        let value = values.get(*row);
        let place = found.partition_point(|other| *other < value);
        if found.get(place) != Some(&value) {
            if found.len() == MOST_CLASSES {
                return None;
            }
            found.insert(place, value + 0.0); // -0 is 0
        }
    }
    Some(found)
}

/// The distinct whole numbers in rising order, as text: one more than there may be, if there are too many.
fn names_of(values: &Numbers, rows: &[usize]) -> Vec<String> {
    let mut found: Vec<(i64, usize)> = Vec::new();
    for row in rows {
        let key = values.key(*row).cast_signed();
        let place = found.partition_point(|(other, _)| *other < key);
        if found.get(place).is_none_or(|(other, _)| *other != key) && found.len() <= MOST_CLASSES {
            found.insert(place, (key, *row));
        }
    }
    found.into_iter().map(|(_, row)| values.text(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(column: Column, loss: Loss) -> Result<Vec<f32>> {
        let rows: Vec<usize> = (0..column.len()).collect();
        let name = column.name.clone();
        let table = Table::new(vec![column]).unwrap();
        Target::of(&table, &name, &rows, loss, false)?.numbers(&table, &rows)
    }

    #[test]
    fn labels_of_every_kind_become_positions() {
        let binary = Loss::BINARY_CROSSENTROPY;
        for values in [[0.0, 1.0, 1.0], [1.0, 2.0, 2.0], [-1.0, 1.0, 1.0], [0.5, 0.7, 0.7]] {
            assert_eq!(target(Column::numbers("y", values), binary).unwrap(), [0.0, 1.0, 1.0], "{values:?}");
        }
        assert_eq!(target(Column::names("y", ["no", "yes", "yes"]), binary).unwrap(), [0.0, 1.0, 1.0]);
        assert_eq!(target(Column::numbers("y", [0.1, 0.5, 1.0]), binary).unwrap(), [0.1, 0.5, 1.0], "probabilities");
        let one_hot = target(Column::names("y", ["b", "a", "c"]), Loss::CATEGORICAL_CROSSENTROPY).unwrap();
        assert_eq!(one_hot, [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let sparse = Loss::SPARSE_CATEGORICAL_CROSSENTROPY;
        assert_eq!(target(Column::numbers("y", [7.0, -1.0, 30.0]), sparse).unwrap(), [1.0, 0.0, 2.0]);
    }

    #[test]
    fn targets_that_cannot_be_learned_are_refused() {
        let error = |column, loss| target(column, loss).unwrap_err().to_string();
        let binary = Loss::BINARY_CROSSENTROPY;
        assert!(error(Column::numbers("y", [0.0, 1.0, 7.0]), binary).contains("two classes"));
        assert!(error(Column::numbers("y", [3.0, 3.0]), binary).contains("only class `3` in 2 rows"));
        assert!(error(Column::names("y", ["a", "a"]), binary).contains("only class `a`"));
        assert!(error(Column::numbers("y", [3.0, 3.0]), Loss::Mse).contains("3 in all 2 rows"));
        assert!(error(Column::names("y", ["a", "b"]), Loss::Mse).contains("row 1, column `y`: expected a number"));
        let sparse = Loss::SPARSE_CATEGORICAL_CROSSENTROPY;
        assert!(error(Column::numbers("y", [0.0, 0.5, 1.0]), sparse).contains("row 2, column `y`: expected a class"));
        let many: Vec<f32> = (0..2000).map(|i| i as f32).collect();
        assert!(error(Column::numbers("y", many), sparse).contains("measurement"));
    }
}
