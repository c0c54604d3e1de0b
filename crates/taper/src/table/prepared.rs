//! Preparation that was measured on rows: from a table's columns to a model's inputs and targets.

use serde::{Deserialize, Serialize};

use super::{Feature, Reading, Table, Target, Wanted, no_columns};
use crate::data_spec::Unseen;
use crate::{Complaint, Complaints, Dataset, Result, Shape};

/// Rows that are prepared at a time: few enough to stay in cache while each column writes its share.
const ROWS: usize = 512;

/// What was measured on training rows, and turns raw rows into a model's inputs: saved beside the weights.
///
/// Columns are found by name; their order in a file means nothing, and columns that are not named here are left alone.
///
/// # Example
///
/// ```
/// use taper::table::{Column, Feature, Prepared, Table, Target};
///
/// let age = Feature::Number { name: "age".into(), mean: 40.0, scale: 10.0, fill: Some(40.0), indicator: false };
/// let city = Feature::Category {
///     name: "city".into(), levels: vec!["Bonn".into(), "Ulm".into()], fill: None, indicator: false, unseen: Default::default(),
/// };
/// let target = Target::Number { name: "pay".into(), mean: 0.0, scale: 1.0 };
/// let prepared = Prepared::new(vec![age, city], target);
/// let rows = Table::new(vec![Column::names("city", ["Ulm", "Bonn"]), Column::numbers("age", [50.0, f32::NAN])])?;
/// assert_eq!(prepared.inputs(&rows, &[0, 1])?.0, [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), taper::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepared {
    /// The columns that are inputs, in the order of the model's inputs.
    pub features: Vec<Feature>,
    /// The column that is predicted.
    pub target: Target,
    /// Which of the numbers that the features make are the model's inputs, as rising positions; all if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Vec<usize>>,
}

impl Prepared {
    /// A preparation in which every number that the features make is an input.
    #[must_use]
    pub fn new(features: Vec<Feature>, target: Target) -> Self {
        Self { features, target, kept: None }
    }

    /// How many inputs a row has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.kept.as_ref().map_or_else(|| self.made(), Vec::len)
    }

    /// How many numbers the features make.
    fn made(&self) -> usize {
        self.features.iter().map(Feature::width).sum()
    }

    /// What the inputs are called: `age`, `city=Ulm`.
    #[must_use]
    pub fn input_names(&self) -> Vec<String> {
        let all: Vec<String> = self.features.iter().flat_map(Feature::input_names).collect();
        match &self.kept {
            None => all,
            Some(kept) => kept.iter().map(|input| all[*input].clone()).collect(),
        }
    }

    /// The same preparation for a model that takes these of its inputs alone, as rising positions. Columns of which no input is
    /// left are no longer asked for.
    ///
    /// # Panics
    ///
    /// If there are fewer inputs than a position says.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::table::{Feature, Prepared, Target};
    ///
    /// let number = |name: &str| Feature::Number { name: name.into(), mean: 0.0, scale: 1.0, fill: None, indicator: false };
    /// let target = Target::Number { name: "y".into(), mean: 0.0, scale: 1.0 };
    /// let small = Prepared::new(vec![number("a"), number("b"), number("c")], target).keeping(&[0, 2]);
    /// assert_eq!(small.input_names(), ["a", "c"]);
    /// assert_eq!(small.features.len(), 2);
    /// ```
    #[must_use]
    pub fn keeping(&self, inputs: &[usize]) -> Self {
        let made = |input: &usize| self.kept.as_ref().map_or(*input, |kept| kept[*input]);
        let wanted: Vec<usize> = inputs.iter().map(made).collect();
        let (mut features, mut kept, mut before, mut start) = (Vec::new(), Vec::new(), 0, 0);
        for feature in &self.features {
            let range = start..start + feature.width();
            let own = wanted.iter().filter(|input| range.contains(input)).map(|input| before + input - start);
            let of_this: Vec<usize> = own.collect();
            if !of_this.is_empty() {
                features.push(feature.clone());
                before += feature.width();
                kept.extend(of_this);
            }
            start = range.end;
        }
        let all = kept.len() == before;
        Self { features, target: self.target.clone(), kept: (!all).then_some(kept) }
    }

    /// The inputs of these rows, row by row, and how many cells hold a category that is not known and may be.
    ///
    /// # Errors
    ///
    /// Columns that are missing or of another kind, empty cells that nothing fills, unknown categories: all columns at once,
    /// each with its first row.
    pub fn inputs(&self, table: &Table, rows: &[usize]) -> Result<(Vec<f32>, usize)> {
        let (mut bound, mut complaints) = (Vec::new(), Complaints::new());
        let mut width = 0;
        for feature in &self.features {
            match feature.bind(table, rows) {
                Ok(good) => bound.push((good, width)),
                Err(complaint) => complaints.push(complaint),
            }
            width += feature.width();
        }
        complaints.finish()?;
        let mut x = vec![0.0; rows.len() * width];
        for (rows, x) in rows.chunks(ROWS).zip(x.chunks_mut(ROWS * width)) {
            bound.iter().for_each(|(feature, at)| feature.write(rows, x, width, *at));
        }
        if let Some(kept) = &self.kept {
            x = x.chunks_exact(width).flat_map(|row| kept.iter().map(|input| row[*input])).collect();
        }
        Ok((x, bound.iter().map(|(feature, _)| feature.strange()).sum()))
    }

    /// Prepares rows that hold nothing but the inputs' numbers, in the order of the features, and rounds them then.
    ///
    /// # Errors
    ///
    /// If some feature is no plain number, or the rows are not whole.
    pub fn scaled(&self, rows: impl Iterator<Item = f64>) -> Result<Vec<f32>> {
        let mut scales = Vec::with_capacity(self.features.len());
        for feature in &self.features {
            let Feature::Number { mean, scale, indicator: false, .. } = feature else {
                let got = format!("numbers, where `{}` is none", feature.name());
                return Err(Complaint::new("x", "rows with named columns, as the model was trained on", got).into());
            };
            scales.push((*mean, *scale));
        }
        let scaled: Vec<f32> =
            rows.zip(scales.iter().cycle()).map(|(x, (mean, scale))| ((x - mean) / scale) as f32).collect();
        if scales.is_empty() || !scaled.len().is_multiple_of(scales.len()) {
            let expected = format!("whole rows of {} numbers", scales.len());
            return Err(Complaint::new("x", expected, scaled.len()).into());
        }
        Ok(scaled)
    }

    /// Inputs and targets of these rows.
    ///
    /// # Errors
    ///
    /// As [`inputs`](Self::inputs), and about the target likewise; no rows.
    pub fn dataset(&self, table: &Table, rows: &[usize]) -> Result<Dataset> {
        let mut complaints = Complaints::new();
        let x = complaints.take("", self.inputs(table, rows))?;
        let y = complaints.take("", self.target.numbers(table, rows))?;
        complaints.finish()?;
        let (x, y) = (x.map(|(x, _)| x).unwrap_or_default(), y.unwrap_or_default());
        let data = Dataset::new(Shape::new([self.width()])?, x, self.target.width(), y)?;
        Ok(data.with_input_names(self.input_names().into()))
    }

    /// The rows of a table that can be scored, and why others cannot: those without a target are left out, and where unknown
    /// categories may be, those of a class that the model does not know.
    ///
    /// # Errors
    ///
    /// No target column; no rows left.
    pub fn scorable(&self, table: &Table) -> Result<(Vec<usize>, Vec<String>)> {
        let name = self.target.name();
        let column = table.get(name)?;
        let all = table.rows();
        let mut rows: Vec<usize> = (0..all).filter(|row| !column.is_missing(*row)).collect();
        let mut left = Vec::new();
        if rows.len() < all {
            left.push(format!("{} of {all} rows have no target `{name}` and are left out", all - rows.len()));
        }
        // Where an unknown category is no mistake, an unknown class is none either.
        let open =
            self.features.iter().any(|feature| matches!(feature, Feature::Category { unseen: Unseen::Zero, .. }));
        if open {
            let (known, unknown) = self.target.known(table, &rows)?;
            if let Some(row) = unknown.first() {
                left.push(format!(
                    "{} of {all} rows have a target that the model does not know, as `{}`, and are left out of the scores",
                    unknown.len(),
                    column.text(*row)
                ));
            }
            rows = known;
        }
        if rows.is_empty() {
            return Err(Complaint::new(format!("column `{name}`"), "at least one row with a target", "none").into());
        }
        Ok((rows, left))
    }

    /// What is to be read of a file with this header: the features and, if it is wanted, the target.
    ///
    /// # Errors
    ///
    /// All columns that are not there, in one complaint.
    pub fn wanted(&self, header: &[String], target: bool) -> Result<Vec<Wanted>> {
        let names: Vec<&str> = header.iter().map(String::as_str).collect();
        let positions = super::positions(header);
        let features = self.features.iter().map(|feature| match feature {
            Feature::Number { name, fill, .. } => (name, Reading::Numbers, fill.is_none()),
            Feature::Category { name, fill, .. } => (name, Reading::Names, fill.is_none()),
        });
        let target = target.then_some(match &self.target {
            Target::Number { name, .. } => (name, Reading::Numbers, false),
            Target::Classes { name, labels: super::Labels::Numbers(_), .. } => (name, Reading::Numbers, false),
            Target::Classes { name, .. } => (name, Reading::Names, false),
        });
        let all: Vec<_> = features.chain(target).collect();
        let wanted_names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
        let (mut wanted, mut missing) = (Vec::new(), Vec::new());
        for (name, reading, complete) in all {
            match positions.get(name.as_str()) {
                Some(position) => wanted.push(Wanted { position: *position, name: name.clone(), reading, complete }),
                None => missing.push(name.as_str()),
            }
        }
        no_columns(&missing, &names, &wanted_names)?;
        wanted.sort_by_key(|wanted| wanted.position);
        Ok(wanted)
    }

    /// Complains about what cannot have been measured: for preparation that comes from a file.
    ///
    /// # Errors
    ///
    /// All complaints at once; places are keys.
    pub fn validate(&self) -> Result<()> {
        let mut complaints = Complaints::new();
        complaints.check(!self.features.is_empty(), "features", "at least one", "none");
        let mut seen = std::collections::HashSet::new();
        for (i, feature) in self.features.iter().enumerate() {
            let unique = seen.insert(feature.name()) && feature.name() != self.target.name();
            let place = format!("features[{i}]");
            complaints.check(unique, format!("{place}.name"), "a column of its own", format!("`{}`", feature.name()));
            feature.validate(&place, &mut complaints);
        }
        if let Some(kept) = &self.kept {
            let good =
                kept.windows(2).all(|pair| pair[0] < pair[1]) && kept.last().is_some_and(|last| *last < self.made());
            let expected = format!("rising positions below {}", self.made());
            complaints.check(good, "kept", expected, format!("{kept:?}"));
        }
        self.target.validate(&mut complaints);
        complaints.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    #[test]
    fn some_of_the_inputs_are_those_of_all() {
        let number = |name: &str, indicator| Feature::Number {
            name: name.into(),
            mean: 1.0,
            scale: 2.0,
            fill: Some(1.0),
            indicator,
        };
        let city = Feature::Category {
            name: "city".into(),
            levels: ["a", "b", "c"].map(String::from).to_vec(),
            fill: None,
            indicator: false,
            unseen: Default::default(),
        };
        let target = Target::Number { name: "y".into(), mean: 0.0, scale: 1.0 };
        let all = Prepared::new(vec![number("p", true), number("q", false), city], target);
        let table = Table::new(vec![
            Column::names("city", ["b", "c"]),
            Column::numbers("p", [f32::NAN, 5.0]),
            Column::numbers("q", [3.0, 7.0]),
        ])
        .unwrap();
        let x = all.inputs(&table, &[0, 1]).unwrap().0;
        assert_eq!(all.input_names(), ["p", "p is missing", "q", "city=a", "city=b", "city=c"]);
        for inputs in [&[1, 4][..], &[0, 1, 2, 3, 4, 5], &[2], &[3, 5], &[0, 2, 4, 5]] {
            let some = all.keeping(inputs);
            some.validate().unwrap();
            let wanted: Vec<f32> = x.chunks(6).flat_map(|row| inputs.iter().map(|input| row[*input])).collect();
            assert_eq!(some.inputs(&table, &[0, 1]).unwrap().0, wanted, "{inputs:?}");
            assert_eq!((some.width(), some.kept.is_some()), (inputs.len(), ![6, 1].contains(&inputs.len())));
            // And some of these.
            let last = [inputs.len() - 1];
            let fewer: Vec<f32> = wanted.chunks(inputs.len()).map(|row| row[last[0]]).collect();
            assert_eq!(some.keeping(&last).inputs(&table, &[0, 1]).unwrap().0, fewer);
        }
    }
}
