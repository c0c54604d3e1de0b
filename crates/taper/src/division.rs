//! Which rows train and which are only measured: one rule for every command that is not told otherwise.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::data_spec::DataSpec;
use crate::rows::Rows;
use crate::table::hold_out;
use crate::{Complaint, Dataset, Result, Seed};

/// Training rows and test rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The rows that train.
    pub train: Dataset,
    /// The rows that are only measured.
    pub test: Dataset,
}

impl Split {
    /// The rows as [`Division::of`] divides them.
    ///
    /// # Errors
    ///
    /// As [`Division::of`]; training rows that cannot be prepared.
    pub fn of(rows: &dyn Rows, spec: &DataSpec, seed: Seed) -> Result<Self> {
        Division::of(rows, spec, seed)?.split(rows)
    }
}

/// Which rows train and which are only measured, and how they were picked.
///
/// # Example
///
/// ```
/// use taper::{DataSpec, Dataset, Division, PlainRows, Seed, Shape};
///
/// # fn main() -> taper::Result<()> {
/// // Twenty rows, sorted by class.
/// let y = [[0.0; 10], [1.0; 10]].concat();
/// let data = Dataset::new(Shape::new([1])?, vec![0.5; 20], 1, y)?;
/// let rows = PlainRows { data: &data, development: 20, standardize: false, classes: true, ordered: false };
/// let division = Division::of(&rows, &DataSpec::new("rows.npz"), Seed::new(1))?;
/// assert_eq!(division.test.iter().filter(|row| **row >= 10).count(), 3);
/// assert_eq!(division.words(), "14 rows train and 6 test, picked at random by seed 1, stratified");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Division {
    /// The rows that train, counted from 0, rising.
    pub train: Vec<usize>,
    /// The rows that are only measured, likewise.
    pub test: Vec<usize>,
    /// How they were picked.
    pub picked: Picked,
}

/// How the rows of a [`Division`] were picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Picked {
    /// Test rows are declared; all others train.
    Declared,
    /// The first rows train: as many as the specification says.
    First,
    /// The last in the order of time test.
    Time,
    /// At random.
    Random {
        /// The seed that drew them.
        seed: u64,
        /// Whether every class (or other stratum) has its share on both sides.
        stratified: bool,
        /// Whether groups are kept whole.
        grouped: bool,
    },
}

impl Picked {
    /// How, in words: "picked at random by seed 1, stratified".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Declared => "the declared test rows".to_owned(),
            Self::First => "the first train, as `train` says".to_owned(),
            Self::Time => "the last in the order of time test".to_owned(),
            Self::Random { seed, stratified, grouped } => format!(
                "picked at random by seed {seed}{}{}",
                if *stratified { ", stratified" } else { "" },
                if *grouped { ", groups kept whole" } else { "" },
            ),
        }
    }
}

impl Division {
    /// Divides the rows of an experiment. The test rows are those that are declared; without such, what the first `train` rows
    /// leave; without that, 30 of 100: in the order of time the last, else drawn at random by `seed`, of every class (or other
    /// stratum) its share, whole groups.
    ///
    /// # Errors
    ///
    /// If either part would be empty.
    pub fn of(rows: &dyn Rows, spec: &DataSpec, seed: Seed) -> Result<Self> {
        let (n, development) = (rows.rows(), rows.development());
        if let Some(train) = spec.train {
            check_train(train, n)?;
            return Ok(Self { train: (0..train).collect(), test: (train..n).collect(), picked: Picked::First });
        }
        if development < n {
            check_train(development, n)?;
            let (train, test) = ((0..development).collect(), (development..n).collect());
            return Ok(Self { train, test, picked: Picked::Declared });
        }
        if rows.is_ordered() {
            let groups = rows.groups();
            let (train, test) = held_out(n, n - seventy(n), None, groups.as_deref(), true, seed)?;
            return Ok(Self { train, test, picked: Picked::Time });
        }
        Self::drawn(rows, spec, seed)
    }

    /// Divides the rows for development at random, whatever the specification says of the order: what a resampling does. As many
    /// train as it says, or 70 of 100.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn drawn(rows: &dyn Rows, spec: &DataSpec, seed: Seed) -> Result<Self> {
        let n = rows.development();
        let train = spec.train.unwrap_or(seventy(n));
        check_train(train, n)?;
        let strata = rows.strata().map(|strata| without_lone(&strata[..n]));
        let groups = rows.groups();
        let groups = groups.as_ref().map(|groups| &groups[..n]);
        let (train, test) = held_out(n, n - train, strata.as_deref(), groups, false, seed)?;
        let picked = Picked::Random { seed: seed.number(), stratified: strata.is_some(), grouped: groups.is_some() };
        Ok(Self { train, test, picked })
    }

    /// The rows themselves, ready for a model.
    ///
    /// # Errors
    ///
    /// Training rows that cannot be prepared.
    pub fn split(&self, rows: &dyn Rows) -> Result<Split> {
        rows.split(&self.train, &self.test)
    }

    /// How many rows train and test, and how they were picked: "125 rows train and 53 test, picked at random by seed 1".
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} rows train and {} test, {}", self.train.len(), self.test.len(), self.picked.words())
    }

    /// The same as data: `train`, `test` and `picked`.
    #[must_use]
    pub fn counts(&self) -> serde_json::Value {
        serde_json::json!({ "train": self.train.len(), "test": self.test.len(), "picked": self.picked.words() })
    }
}

/// 70 of 100 rows, rounded down.
fn seventy(n: usize) -> usize {
    n * 7 / 10
}

/// Sets `test` rows aside.
fn held_out(
    n: usize,
    test: usize,
    strata: Option<&[usize]>,
    groups: Option<&[usize]>,
    ordered: bool,
    seed: Seed,
) -> Result<(Vec<usize>, Vec<usize>)> {
    check_train(n.saturating_sub(test), n)?;
    hold_out(n, test as f64 / n as f64, strata, groups, ordered, seed).map_err(|_| {
        let got = if groups.is_some() { "groups of which one has them all" } else { "too few" };
        Complaint::new("data", "rows that can be divided so that some train and some test", got).into()
    })
}

/// Strata that have one row alone have no share to keep: they become one stratum. Strata are counted in the order in which they
/// appear, so that the same rows are divided alike whatever file they come from.
fn without_lone(strata: &[usize]) -> Vec<usize> {
    let mut counts = HashMap::<usize, usize>::new();
    strata.iter().for_each(|stratum| *counts.entry(*stratum).or_default() += 1);
    let mut places = HashMap::new();
    let key = |stratum: &usize| (counts[stratum] > 1).then_some(*stratum);
    strata
        .iter()
        .map(|stratum| {
            let next = places.len();
            *places.entry(key(stratum)).or_insert(next)
        })
        .collect()
}

/// Complains unless the first `train` of `n` rows and the rest are both rows.
fn check_train(train: usize, n: usize) -> Result<()> {
    if n < 2 {
        return Err(Complaint::new("data", "at least 2 rows, so that some train and some test", n).into());
    }
    if train == 0 || train >= n {
        let expected = format!("a number from 1 to {}, so that both parts have rows", n - 1);
        return Err(Complaint::new("data.train", expected, train).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of which only their layout matters.
    struct Layout {
        n: usize,
        development: usize,
        strata: Option<Vec<usize>>,
        groups: Option<Vec<usize>>,
        ordered: bool,
    }

    impl Rows for Layout {
        fn rows(&self) -> usize {
            self.n
        }
        fn development(&self) -> usize {
            self.development
        }
        fn strata(&self) -> Option<Vec<usize>> {
            self.strata.clone()
        }
        fn groups(&self) -> Option<Vec<usize>> {
            self.groups.clone()
        }
        fn is_ordered(&self) -> bool {
            self.ordered
        }
        fn split(&self, _train: &[usize], _test: &[usize]) -> Result<Split> {
            Err(Complaint::new("", "nothing", "a split").into())
        }
    }

    fn layout(n: usize) -> Layout {
        Layout { n, development: n, strata: None, groups: None, ordered: false }
    }

    fn divided(rows: &Layout, train: Option<usize>, seed: u64) -> Division {
        let division = Division::of(rows, &DataSpec { train, ..DataSpec::new("t.csv") }, Seed::new(seed)).unwrap();
        let mut all = [&division.train[..], &division.test[..]].concat();
        all.sort_unstable();
        assert_eq!(all, (0..rows.n).collect::<Vec<_>>(), "every row once");
        division
    }

    #[test]
    fn classes_in_the_order_of_the_file_have_their_shares_on_both_sides() {
        let sorted: Vec<usize> = (0..178)
            .map(|row| {
                if row < 59 {
                    0
                } else if row < 130 {
                    1
                } else {
                    2
                }
            })
            .collect();
        let rows = Layout { strata: Some(sorted.clone()), ..layout(178) };
        let division = divided(&rows, None, 1);
        assert_eq!((division.train.len(), division.test.len()), (124, 54));
        for (class, expected) in [(0, 17.9), (1, 21.5), (2, 14.6)] {
            let tests = division.test.iter().filter(|row| sorted[**row] == class).count() as f64;
            assert!((tests - expected).abs() <= 1.0, "{tests} of class {class}");
        }
        assert_eq!(division, divided(&rows, None, 1));
        assert_ne!(division.test, divided(&rows, None, 2).test, "another seed, other rows");
        assert_eq!(division.words(), "124 rows train and 54 test, picked at random by seed 1, stratified");
    }

    #[test]
    fn what_was_said_about_the_rows_comes_first() {
        let first = divided(&layout(10), Some(4), 1);
        assert_eq!((first.train.as_slice(), first.picked), (&[0, 1, 2, 3][..], Picked::First));
        let declared = divided(&Layout { development: 6, ..layout(10) }, None, 1);
        assert_eq!((declared.train.len(), declared.picked), (6, Picked::Declared));
        let time = divided(&Layout { ordered: true, ..layout(10) }, None, 1);
        assert_eq!((time.test.as_slice(), time.picked), (&[7, 8, 9][..], Picked::Time));
        assert_eq!(time.words(), "7 rows train and 3 test, the last in the order of time test");
        assert_eq!(divided(&Layout { ordered: true, ..layout(10) }, Some(4), 1).train.len(), 4);
    }

    #[test]
    fn groups_stay_whole_and_are_stratified_too() {
        // 30 groups of 4 rows, of which 10 are of a rarer class.
        let groups: Vec<usize> = (0..120).map(|row| row / 4).collect();
        let strata: Vec<usize> = groups.iter().map(|group| usize::from(*group >= 20)).collect();
        let rows = Layout { strata: Some(strata.clone()), groups: Some(groups.clone()), ..layout(120) };
        for seed in 0..20 {
            let division = divided(&rows, None, seed);
            assert!(
                division.test.iter().all(|test| division.train.iter().all(|train| groups[*test] != groups[*train]))
            );
            assert!((32..=40).contains(&division.test.len()), "{}", division.test.len());
            let rare = division.test.iter().filter(|row| strata[**row] == 1).count();
            assert!((8..=16).contains(&rare), "{rare} of 40 rows of the rarer class test");
        }
    }

    #[test]
    fn a_class_of_one_row_and_a_stratum_for_each_row_hinder_nobody() {
        let lone: Vec<usize> = (0..100).map(|row| usize::from(row == 99)).collect();
        assert_eq!(divided(&Layout { strata: Some(lone), ..layout(100) }, None, 1).test.len(), 30);
        let each = Layout { strata: Some((0..100).collect()), ..layout(100) };
        let gaps: Vec<usize> = divided(&each, None, 1).test.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().any(|gap| *gap > 6), "drawn, not every third: {gaps:?}");
    }

    #[test]
    fn rows_that_cannot_be_divided_are_refused() {
        let error = |rows: &Layout, train| {
            let spec = DataSpec { train, ..DataSpec::new("t.csv") };
            Division::of(rows, &spec, Seed::new(1)).unwrap_err().to_string()
        };
        assert!(error(&layout(1), None).contains("at least 2 rows"));
        assert!(error(&layout(5), Some(5)).contains("data.train: expected a number from 1 to 4"));
        assert!(
            error(&Layout { groups: Some(vec![0; 9]), ..layout(9) }, None).contains("groups of which one has them all")
        );
    }
}
