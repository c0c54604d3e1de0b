//! Rows that a resampling may divide.

use std::collections::HashMap;

use crate::experiment::Experiment;
use crate::table::{Feature, Prepared, Target};
use crate::{Dataset, Result, Split};

/// Rows before any split: generated ones, or a table whose preprocessing is still to be fitted.
///
/// Rows `0..development()` may take part in choices; the rest, if there are any, are a declared test set that no choice may
/// see. Whatever is learned from rows (means, scales, imputed values) is learned inside [`split`](Self::split), from its
/// training rows only.
pub trait Rows: Sync {
    /// All rows, the declared test rows among them; at least 1.
    fn rows(&self) -> usize;

    /// How many of them, from the first, are not a declared test set. Default: all.
    fn development(&self) -> usize {
        self.rows()
    }

    /// The class of each row, counted from 0, if targets are classes: folds are stratified by it.
    fn strata(&self) -> Option<Vec<usize>>;

    /// What the class of this row is called, for messages. Default: it has no name.
    fn stratum_name(&self, _row: usize) -> Option<String> {
        None
    }

    /// The group of each row, if there are groups: rows of one group are never divided between training and test.
    fn groups(&self) -> Option<Vec<usize>> {
        None
    }

    /// Whether rows lie in the order of time, so that a fold may only be predicted from rows before it.
    fn is_ordered(&self) -> bool {
        false
    }

    /// Training and test rows, ready for a model.
    ///
    /// # Errors
    ///
    /// If either part is empty, or the training rows cannot be prepared.
    fn split(&self, train: &[usize], test: &[usize]) -> Result<Split>;

    /// What [`split`](Self::split) measures on these training rows, to be saved with a model. Default: nothing is measured.
    ///
    /// # Errors
    ///
    /// As [`split`](Self::split).
    fn prepared(&self, _train: &[usize]) -> Result<Option<Prepared>> {
        Ok(None)
    }
}

/// Rows of numbers that need no preparation but, if wanted, a common scale.
#[derive(Debug, Clone)]
pub struct PlainRows<'a> {
    /// The rows.
    pub data: &'a Dataset,
    /// How many of them, from the first, are not a declared test set.
    pub development: usize,
    /// Whether inputs are brought to mean 0 and standard deviation 1, as measured on training rows.
    pub standardize: bool,
    /// Whether the targets are classes.
    pub classes: bool,
    /// Whether rows lie in the order of time.
    pub ordered: bool,
}

impl<'a> PlainRows<'a> {
    /// The rows of an experiment, all of them for development.
    #[must_use]
    pub fn of(data: &'a Dataset, experiment: &Experiment) -> Self {
        let spec = &experiment.data;
        Self {
            data,
            development: data.rows(),
            // A series has one scale; it was brought to it as a whole.
            standardize: spec.standardize && !spec.is_series(),
            classes: experiment.fit.loss.takes_classes(),
            ordered: spec.is_series(),
        }
    }
}

impl Rows for PlainRows<'_> {
    fn rows(&self) -> usize {
        self.data.rows()
    }

    fn development(&self) -> usize {
        self.development
    }

    fn strata(&self) -> Option<Vec<usize>> {
        if !self.classes {
            return None;
        }
        let mut seen: HashMap<Vec<u32>, usize> = HashMap::new();
        let targets = self.data.y().chunks_exact(self.data.target_len());
        let strata = targets.map(|target| {
            // -0 is 0.
            let bits: Vec<u32> = target.iter().map(|y| (y + 0.0).to_bits()).collect();
            let next = seen.len();
            *seen.entry(bits).or_insert(next)
        });
        Some(strata.collect())
    }

    fn is_ordered(&self) -> bool {
        self.ordered
    }

    fn split(&self, train: &[usize], test: &[usize]) -> Result<Split> {
        let (mut train, mut test) = (self.data.select(train)?, self.data.select(test)?);
        if self.standardize {
            let scaler = train.scaler()?;
            train.rescale(&scaler);
            test.rescale(&scaler);
        }
        Ok(Split { train, test })
    }

    fn prepared(&self, train: &[usize]) -> Result<Option<Prepared>> {
        if !self.standardize {
            return Ok(None);
        }
        let scaler = self.data.select(train)?.scaler()?;
        let scales = scaler.mean().iter().zip(scaler.scale()).enumerate();
        let feature = |(i, (mean, scale)): (usize, (&f64, &f64))| Feature::Number {
            name: format!("x{i}"),
            mean: *mean,
            scale: *scale,
            fill: None,
            indicator: false,
        };
        let target = Target::Number { name: "y".to_owned(), mean: 0.0, scale: 1.0 };
        Ok(Some(Prepared::new(scales.map(feature).collect(), target)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;

    #[test]
    fn the_scale_is_learned_from_the_training_rows_alone() {
        let data = Dataset::new(Shape::new([1]).unwrap(), vec![0.0, 2.0, 100.0], 1, vec![7.0, 5.0, 7.0]).unwrap();
        let rows = PlainRows { data: &data, development: 3, standardize: true, classes: true, ordered: false };
        let split = rows.split(&[0, 1], &[2]).unwrap();
        assert_eq!((split.train.x(), split.test.x()), (&[-1.0, 1.0][..], &[99.0][..]));
        assert_eq!(rows.strata(), Some(vec![0, 1, 0]));
        assert!(rows.split(&[0], &[]).is_err());
        // What is saved does to raw rows what the split did.
        let scaled = rows.prepared(&[0, 1]).unwrap().unwrap().scaled([0.0, 100.0].into_iter());
        assert_eq!(scaled.unwrap(), [-1.0, 99.0]);
    }
}
