//! Rows to train on: inputs, targets and weights, as `f32`.

use std::sync::Arc;

use crate::shape::Shape;
use crate::{Complaint, Complaints, Result};

/// Inputs and targets, row by row.
///
/// # Example
///
/// ```
/// use taper::{Dataset, data::make_moons};
///
/// # fn main() -> taper::Result<()> {
/// let moons = make_moons(100, 0.2, 1)?;
/// let (train, test) = Dataset::from_sample(&moons)?.split_at(30)?;
/// assert_eq!((train.rows(), test.rows()), (30, 70));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    x: Vec<f32>,
    y: Vec<f32>,
    rows: usize,
    input_shape: Shape,
    target_len: usize,
    sample_weight: Option<Vec<f32>>,
    /// The inputs before they were rounded, where that makes a difference for a scale that is still to be measured.
    exact: Option<Vec<f64>>,
    /// What the inputs are called, where they have names.
    input_names: Option<Arc<[String]>>,
}

impl Dataset {
    /// Rows of inputs of `input_shape`, with `target_len` target numbers each.
    ///
    /// # Errors
    ///
    /// No rows; lengths that are not whole rows or do not agree; a number that is NaN or infinite, named by its row and column.
    pub fn new(input_shape: Shape, x: Vec<f32>, target_len: usize, y: Vec<f32>) -> Result<Self> {
        let width = input_shape.len();
        let rows = x.len() / width;
        let mut complaints = Complaints::new();
        complaints.check(!x.is_empty(), "data", "at least one row", "none");
        complaints.check(
            x.len() == rows * width,
            "x",
            format!("whole rows of {width} numbers"),
            format!("{} numbers", x.len()),
        );
        complaints.check(
            target_len > 0 && y.len() == rows * target_len,
            "y",
            format!("{target_len} target numbers for each of {rows} rows"),
            format!("{} numbers", y.len()),
        );
        for (name, values, width) in [("x", &x, width), ("y", &y, target_len)] {
            if let Some(first) = values.iter().position(|value| !value.is_finite()) {
                let count = values.iter().filter(|value| !value.is_finite()).count();
                let place = format!("{name}, row {}, column {}", first / width + 1, first % width + 1);
                let got = format!("{} ({count} such in all)", values[first]);
                complaints.push(Complaint::new(place, "a finite number", got));
            }
        }
        complaints.finish()?;
        Ok(Self { x, y, rows, input_shape, target_len, sample_weight: None, exact: None, input_names: None })
    }

    /// The same rows, with their inputs as they were before they were rounded: means and scales are measured and taken on them.
    ///
    /// # Panics
    ///
    /// If there are more or fewer numbers than inputs.
    #[must_use]
    pub fn with_exact_inputs(mut self, x: Vec<f64>) -> Self {
        assert_eq!(x.len(), self.x.len(), "one number for each input");
        self.exact = Some(x);
        self
    }

    /// All inputs, as exactly as they are known.
    pub fn exact_inputs(&self) -> impl Iterator<Item = f64> + '_ {
        let rounded = if self.exact.is_some() { &[][..] } else { &self.x };
        self.exact.iter().flatten().copied().chain(rounded.iter().map(|x| f64::from(*x)))
    }

    /// A generated sample; its class ids become targets of one number.
    ///
    /// # Errors
    ///
    /// As [`Dataset::new`].
    pub fn from_sample(sample: &crate::data::Sample) -> Result<Self> {
        let x = sample.x.iter().map(|x| *x as f32).collect();
        let y = sample.y.iter().map(|y| *y as f32).collect();
        Self::new(Shape::new([sample.features])?, x, 1, y)
    }

    /// The same rows with a weight each: the loss of a row is multiplied by it.
    ///
    /// # Errors
    ///
    /// Another number of weights than rows; a weight that is negative or not finite.
    pub fn with_sample_weight(mut self, weights: Vec<f32>) -> Result<Self> {
        let mut complaints = Complaints::new();
        complaints.check(
            weights.len() == self.rows,
            "sample_weight",
            format!("one weight for each of {} rows", self.rows),
            weights.len(),
        );
        if let Some(row) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            complaints.push(Complaint::new(
                format!("sample_weight, row {}", row + 1),
                "a finite number of at least 0",
                weights[row],
            ));
        }
        complaints.finish()?;
        self.sample_weight = Some(weights);
        Ok(self)
    }

    /// The same rows, their inputs called so in messages and reports.
    ///
    /// # Panics
    ///
    /// If there are more or fewer names than inputs.
    #[must_use]
    pub fn with_input_names(mut self, names: Arc<[String]>) -> Self {
        assert_eq!(names.len(), self.input_shape.len(), "one name for each input");
        self.input_names = Some(names);
        self
    }

    /// What the inputs are called, if they have names.
    #[must_use]
    pub fn input_names(&self) -> Option<&[String]> {
        self.input_names.as_deref()
    }

    /// How many rows; at least 1.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The shape of one row's input.
    #[must_use]
    pub fn input_shape(&self) -> &Shape {
        &self.input_shape
    }

    /// Target numbers per row.
    #[must_use]
    pub fn target_len(&self) -> usize {
        self.target_len
    }

    /// All inputs.
    #[must_use]
    pub fn x(&self) -> &[f32] {
        &self.x
    }

    /// All targets.
    #[must_use]
    pub fn y(&self) -> &[f32] {
        &self.y
    }

    /// The rows' weights, if they have any.
    #[must_use]
    pub fn sample_weight(&self) -> Option<&[f32]> {
        self.sample_weight.as_deref()
    }

    /// These rows, in this order.
    ///
    /// # Errors
    ///
    /// If no row is named. A row that does not exist panics.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let width = self.input_shape.len();
        let pick = |values: &[f32], width: usize| pick(values, width, rows);
        if rows.is_empty() {
            return Err(Complaint::new("data", "at least one row", "none").into());
        }
        Ok(Self {
            x: pick(&self.x, width),
            y: pick(&self.y, self.target_len),
            rows: rows.len(),
            input_shape: self.input_shape.clone(),
            target_len: self.target_len,
            sample_weight: self.sample_weight.as_ref().map(|weights| pick(weights, 1)),
            exact: self.exact.as_ref().map(|x| self::pick(x, width, rows)),
            input_names: self.input_names.clone(),
        })
    }

    /// These rows with those of another data set below them.
    ///
    /// # Errors
    ///
    /// If inputs or targets are of another shape.
    pub fn append(&self, other: &Self) -> Result<Self> {
        let mut complaints = Complaints::new();
        let (own, theirs) = (&self.input_shape, &other.input_shape);
        complaints.check(own == theirs, "x", format!("inputs of shape {own}"), format!("{theirs}"));
        let same = self.target_len == other.target_len;
        complaints.check(same, "y", format!("{} target numbers per row", self.target_len), other.target_len);
        complaints.finish()?;
        let weights = |data: &Self| data.sample_weight.clone().unwrap_or_else(|| vec![1.0; data.rows]);
        let exact = self.exact.is_some() || other.exact.is_some();
        let exact = exact.then(|| self.exact_inputs().chain(other.exact_inputs()).collect());
        let weighted = self.sample_weight.is_some() || other.sample_weight.is_some();
        Ok(Self {
            x: [&self.x[..], &other.x].concat(),
            y: [&self.y[..], &other.y].concat(),
            rows: self.rows + other.rows,
            exact,
            sample_weight: weighted.then(|| [weights(self), weights(other)].concat()),
            ..self.clone()
        })
    }

    /// The first `rows` rows and the rest.
    ///
    /// # Errors
    ///
    /// If either part would be empty.
    pub fn split_at(&self, rows: usize) -> Result<(Self, Self)> {
        if self.rows < 2 {
            return Err(Complaint::new("", "at least 2 rows, so that some train and some test", self.rows).into());
        }
        if rows == 0 || rows >= self.rows {
            let expected = format!("a number from 1 to {}, so that both parts have rows", self.rows - 1);
            return Err(Complaint::new("train", expected, rows).into());
        }
        let order: Vec<usize> = (0..self.rows).collect();
        Ok((self.select(&order[..rows])?, self.select(&order[rows..])?))
    }

    /// Mean and standard deviation of each input, measured on these rows.
    ///
    /// # Errors
    ///
    /// None for rows that were checked when they were made.
    pub fn scaler(&self) -> Result<crate::data::StandardScaler> {
        let rows: Vec<f64> = self.exact_inputs().collect();
        crate::data::StandardScaler::fit(&rows, self.input_shape.len())
    }

    /// Brings the inputs to the scale of `scaler`.
    pub fn rescale(&mut self, scaler: &crate::data::StandardScaler) {
        let mut rows: Vec<f64> = self.exact_inputs().collect();
        self.exact = None;
        scaler.transform(&mut rows);
        self.x.iter_mut().zip(rows).for_each(|(x, scaled)| *x = scaled as f32);
    }

    /// The distinct targets in rising order, if there are at most `most` of them.
    #[must_use]
    pub fn classes(&self, most: usize) -> Option<Vec<f32>> {
        let mut classes: Vec<f32> = Vec::new();
        for y in &self.y {
            if !classes.contains(y) {
                if classes.len() == most {
                    return None;
                }
                classes.push(*y);
            }
        }
        classes.sort_by(f32::total_cmp);
        Some(classes)
    }
}

/// These rows of numbers.
fn pick<T: Copy>(values: &[T], width: usize, rows: &[usize]) -> Vec<T> {
    rows.iter().flat_map(|row| &values[row * width..(row + 1) * width]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(width: usize) -> Shape {
        Shape::new([width]).unwrap()
    }

    #[test]
    fn bad_numbers_are_named_by_row_and_column() {
        let error = Dataset::new(shape(2), vec![1.0, 2.0, f32::NAN, 4.0], 1, vec![0.0, f32::INFINITY]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x, row 2, column 1: expected a finite number, got NaN (1 such in all)\n\
             y, row 2, column 1: expected a finite number, got inf (1 such in all)"
        );
        assert!(Dataset::new(shape(2), vec![], 1, vec![]).is_err());
        assert!(Dataset::new(shape(2), vec![1.0; 4], 1, vec![1.0; 3]).is_err());
    }

    #[test]
    fn what_rounding_would_merge_is_told_apart_by_its_scale() {
        let times: Vec<f64> = (0..4).map(|i| f64::from(1_700_000_000 + i)).collect();
        let rounded = times.iter().map(|x| *x as f32).collect();
        let data = Dataset::new(shape(1), rounded, 1, vec![0.0; 4]).unwrap().with_exact_inputs(times);
        let mut data = data.select(&[0, 1]).unwrap().append(&data.select(&[2, 3]).unwrap()).unwrap();
        let scaler = data.scaler().unwrap();
        assert_eq!(scaler.mean(), [1_700_000_001.5]);
        data.rescale(&scaler);
        assert_eq!(data.x(), [-1.341_640_8, -0.447_213_6, 0.447_213_6, 1.341_640_8]);
        assert_eq!(data.exact_inputs().collect::<Vec<_>>().len(), 4);
    }

    #[test]
    fn rows_are_selected_with_their_weights() {
        let data = Dataset::new(shape(1), vec![1.0, 2.0, 3.0], 1, vec![0.0, 1.0, 0.0]).unwrap();
        let data = data.with_sample_weight(vec![0.1, 0.2, 0.3]).unwrap();
        let picked = data.select(&[2, 0]).unwrap();
        assert_eq!((picked.x(), picked.sample_weight()), (&[3.0, 1.0][..], Some(&[0.3, 0.1][..])));
        assert!(data.split_at(3).is_err() && data.split_at(0).is_err());
        assert_eq!(data.classes(2), Some(vec![0.0, 1.0]));
        assert_eq!(data.classes(1), None);
    }
}
