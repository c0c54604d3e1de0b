//! Which rows train and which are scored.

use serde::{Deserialize, Serialize};

use super::spec::ChooseSpec;
use crate::division::Picked;
use crate::{Complaint, Complaints, Result, Rows, Seed};

/// One fold of one division of rows.
///
/// The rows are divided into `folds` parts: at random, or so that each class has its share in every part, with groups kept
/// whole. Part `fold` is scored, the others train. Rows in the order of time are never shuffled: they are cut into `folds` + 1
/// stretches, and stretch `fold` + 1 is predicted from all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldAt {
    /// The seed of the division.
    pub seed: u64,
    /// How many parts, at least 2.
    pub folds: usize,
    /// Which of them is scored, from 0.
    pub fold: usize,
}

/// The rows of one trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Selection {
    /// All development rows train, the declared test rows are scored.
    Test,
    /// The development rows are divided as the first entry says, its training rows as the second, and so on; the last entry's
    /// parts are the trial's.
    Folds(Vec<FoldAt>),
    /// These rows, counted from 0.
    Explicit {
        /// They train.
        train: Vec<usize>,
        /// They are scored.
        test: Vec<usize>,
    },
}

/// What a division of rows has to respect, asked once of the rows.
#[derive(Debug)]
pub(crate) struct Layout {
    development: usize,
    rows: usize,
    strata: Option<Vec<usize>>,
    groups: Option<Vec<usize>>,
    ordered: bool,
    /// What the strata are called, by their number, where they have names.
    names: Vec<Option<String>>,
}

impl Layout {
    pub(crate) fn of(rows: &dyn Rows) -> Self {
        let strata = rows.strata();
        let mut names = Vec::new();
        for (row, stratum) in strata.iter().flatten().enumerate() {
            if *stratum >= names.len() {
                names.resize(stratum + 1, None);
                names[*stratum] = rows.stratum_name(row);
            }
        }
        Self {
            names,
            development: rows.development(),
            rows: rows.rows(),
            strata,
            groups: rows.groups(),
            ordered: rows.is_ordered(),
        }
    }

    /// How many rows train and test in the final comparison, and how they and the folds are picked: a sentence without its point.
    pub(crate) fn words(&self, spec: &ChooseSpec) -> String {
        let development = self.development;
        let compared = if self.has_test() {
            format!("{development} rows train and {} test, {}", self.rows - development, Picked::Declared.words())
        } else {
            let parts = if self.ordered { spec.outer_folds + 1 } else { spec.outer_folds };
            let test = development / parts;
            let train =
                if self.ordered { format!("at most {}", development - test) } else { (development - test).to_string() };
            format!(
                "{train} of {development} rows train and about {test} test in each of {} outer folds",
                spec.outer_folds
            )
        };
        let picked = if self.ordered {
            "in the order of time, each predicted from the rows before it".to_owned()
        } else {
            let (stratified, grouped) = (self.strata.is_some(), self.groups.is_some());
            Picked::Random { seed: spec.seed, stratified, grouped }.words()
        };
        format!("{compared}; {} folds, {} times over, {picked}", spec.folds, spec.repeats)
    }

    /// Whether there are declared test rows.
    pub(crate) fn has_test(&self) -> bool {
        self.development < self.rows
    }

    /// The rows that may take part in choices.
    pub(crate) fn development(&self) -> Vec<usize> {
        (0..self.development).collect()
    }

    /// The declared test rows.
    pub(crate) fn test(&self) -> Vec<usize> {
        (self.development..self.rows).collect()
    }

    /// Which of these rows belong together when their differences are averaged: those of a group, or in the order of time
    /// those of one of 20 stretches. Nothing if all are independent.
    pub(crate) fn clusters(&self, rows: &[usize]) -> Option<Vec<usize>> {
        const STRETCHES: usize = 20;
        if self.ordered {
            return Some((0..rows.len()).map(|i| i * STRETCHES.min(rows.len()) / rows.len()).collect());
        }
        let groups = self.groups.as_ref()?;
        Some(rows.iter().map(|row| groups[*row]).collect())
    }

    /// Training and scored rows of a selection.
    pub(crate) fn rows(&self, selection: &Selection) -> Result<(Vec<usize>, Vec<usize>)> {
        match selection {
            Selection::Test => Ok((self.development(), self.test())),
            Selection::Explicit { train, test } => {
                let mut complaints = Complaints::new();
                for (place, list) in [("rows.train", train), ("rows.test", test)] {
                    if let Some(row) = list.iter().find(|row| **row >= self.rows) {
                        complaints.push(Complaint::new(place, format!("rows from 0 to {}", self.rows - 1), row));
                    }
                }
                complaints.finish()?;
                Ok((train.clone(), test.clone()))
            }
            Selection::Folds(path) => {
                let (mut train, mut test) = (self.development(), Vec::new());
                for at in path {
                    let place = "rows.folds";
                    let good = at.folds >= 2 && at.fold < at.folds;
                    if !good {
                        let expected = "at least 2 folds, and one of them";
                        return Err(Complaint::new(place, expected, format!("{} of {}", at.fold, at.folds)).into());
                    }
                    (train, test) = self.divide(&train, *at);
                }
                Ok((train, test))
            }
        }
    }

    /// Divides `pool`, whose rows rise, as `at` says; both parts rise.
    pub(crate) fn divide(&self, pool: &[usize], at: FoldAt) -> (Vec<usize>, Vec<usize>) {
        if self.ordered {
            let cut = |part: usize| pool.len() * part / (at.folds + 1);
            return (pool[..cut(at.fold + 1)].to_vec(), pool[cut(at.fold + 1)..cut(at.fold + 2)].to_vec());
        }
        let part = match &self.groups {
            Some(groups) => self.parts_of_groups(pool, groups, at),
            None => self.parts_of_rows(pool, at),
        };
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for (row, part) in pool.iter().zip(part) {
            if part == at.fold { test.push(*row) } else { train.push(*row) }
        }
        (train, test)
    }

    /// So many quarters of these rows: of each class its share, whole groups, in the order of time the latest.
    pub(crate) fn quarters(&self, pool: &[usize], quarters: usize, seed: u64) -> Vec<usize> {
        const PARTS: usize = 4;
        let quarters = quarters.clamp(1, PARTS);
        if self.ordered {
            return pool[pool.len() - (pool.len() * quarters / PARTS).max(1).min(pool.len())..].to_vec();
        }
        let seed = Seed::new(seed).derive("quarters", 0).number();
        let part = |fold| self.divide(pool, FoldAt { seed, folds: PARTS, fold }).1;
        let mut rows: Vec<usize> = (0..quarters).flat_map(part).collect();
        rows.sort_unstable();
        rows
    }

    /// Whether a part of some rows can stand for them: it has rows of every class that they have, and at least 4.
    pub(crate) fn is_whole(&self, all: &[usize], part: &[usize]) -> bool {
        let classes =
            |rows: &[usize]| rows.iter().map(|row| self.stratum(*row)).collect::<std::collections::BTreeSet<_>>();
        part.len() >= 4 && classes(all) == classes(part)
    }

    fn stratum(&self, row: usize) -> usize {
        self.strata.as_ref().map_or(0, |strata| strata[row])
    }

    /// Deals each class's shuffled rows out in turn, beginning where the class before ended: parts differ by one row at most,
    /// of each class and in all.
    fn parts_of_rows(&self, pool: &[usize], at: FoldAt) -> Vec<usize> {
        let mut order: Vec<usize> = (0..pool.len()).collect();
        Seed::new(at.seed).derive("folds", 0).rng().shuffle(&mut order);
        order.sort_by_key(|position| self.stratum(pool[*position]));
        let mut part = vec![0; pool.len()];
        for (dealt, position) in order.into_iter().enumerate() {
            part[position] = dealt % at.folds;
        }
        part
    }

    /// Gives whole groups, the largest first, each to the part that is then most even in classes and size.
    fn parts_of_groups(&self, pool: &[usize], groups: &[usize], at: FoldAt) -> Vec<usize> {
        let count = |values: &mut dyn Iterator<Item = usize>| values.max().map_or(0, |most| most + 1);
        let classes = count(&mut pool.iter().map(|row| self.stratum(*row)));
        let mut members: Vec<Vec<usize>> = vec![vec![]; count(&mut pool.iter().map(|row| groups[*row]))];
        for (position, row) in pool.iter().enumerate() {
            members[groups[*row]].push(position);
        }
        members.retain(|group| !group.is_empty());
        Seed::new(at.seed).derive("folds", 0).rng().shuffle(&mut members);
        members.sort_by_key(|group| std::cmp::Reverse(group.len()));
        // Rarer classes weigh more: what counts is their share in each part.
        let mut totals = vec![0.0f64; classes];
        pool.iter().for_each(|row| totals[self.stratum(*row)] += 1.0);
        let mut held = vec![vec![0.0f64; classes]; at.folds];
        let mut part = vec![0; pool.len()];
        for group in members {
            let mut gained = vec![0.0f64; classes];
            group.iter().for_each(|position| gained[self.stratum(pool[*position])] += 1.0);
            let cost = |held: &[f64]| -> f64 {
                let shares = held.iter().zip(&gained).zip(&totals).filter(|(_, total)| **total > 0.0);
                shares.map(|((held, gained), total)| (2.0 * held * gained + gained * gained) / (total * total)).sum()
            };
            let costs: Vec<f64> = held.iter().map(|held| cost(held)).collect();
            let best = (0..at.folds).min_by(|a, b| costs[*a].total_cmp(&costs[*b])).unwrap_or(0);
            held[best].iter_mut().zip(&gained).for_each(|(held, gained)| *held += gained);
            group.iter().for_each(|position| part[*position] = best);
        }
        part
    }

    /// Complains about rows that cannot be divided `folds` times over, after an outer division into `outer` parts if there is
    /// one. A class may be missing in some folds, unless the score needs `every_class`; two classes are in all training parts.
    pub(crate) fn check(&self, folds: usize, outer: Option<usize>, every_class: bool, complaints: &mut Complaints) {
        let left = |count: usize| outer.map_or(count, |outer| count - count.div_ceil(outer));
        let after = if outer.is_some() { ", after one of the outer folds is set aside" } else { "" };
        if self.ordered {
            let needed = (folds + 1) * outer.map_or(1, |outer| outer + 1);
            let expected = format!("at most as many folds as the rows allow ({needed} rows needed)");
            complaints.check(self.development >= needed, "folds", expected, format!("{} rows", self.development));
            if self.groups.is_some() {
                complaints.push(Complaint::new("data", "groups or an order of time", "both"));
            }
            return;
        }
        let (rows, development) = (left(self.development), self.development);
        let expected = format!("at most as many folds as rows ({development} rows{after})");
        complaints.check(rows >= folds, "folds", expected, format!("{folds} folds"));
        if let Some(groups) = &self.groups {
            let count = groups[..development].iter().collect::<std::collections::BTreeSet<_>>().len();
            let expected = format!("at least {folds} groups, one for each fold{after}");
            complaints.check(left(count) >= folds, "folds", expected, format!("{count} groups"));
            let outer = outer.unwrap_or(1);
            let expected = format!("at most as many outer folds as groups ({count})");
            complaints.check(count >= outer, "outer_folds", expected, outer);
        }
        let classes = self.classes();
        if classes.len() < 2 {
            return;
        }
        let needed = if every_class { folds } else { 2 };
        let mut scarce = classes.iter().filter(|(_, rows)| left(**rows) < needed);
        let enough = if every_class { 0 } else { classes.len().saturating_sub(2) };
        if let Some((id, rows)) = scarce.clone().next().filter(|_| scarce.by_ref().count() > enough) {
            let which = if every_class { "every class" } else { "at least two classes" };
            let expected = format!("at least {needed} rows of {which}{after}");
            let complaint = Complaint::new("folds", expected, format!("{rows} rows of {}", self.called(*id)));
            complaints.push(complaint.help("fewer folds, or leave out the class"));
        }
    }

    /// The classes of the development rows, and how many rows each has.
    fn classes(&self) -> std::collections::BTreeMap<usize, usize> {
        let mut counts = std::collections::BTreeMap::new();
        let strata = self.strata.iter().flat_map(|strata| &strata[..self.development]);
        strata.for_each(|id| *counts.entry(*id).or_default() += 1);
        counts
    }

    /// What a class is called.
    fn called(&self, id: usize) -> String {
        match self.names.get(id) {
            Some(Some(name)) => format!("class `{}`", name.escape_debug()),
            _ => format!("class {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(n: usize, strata: Option<Vec<usize>>, groups: Option<Vec<usize>>, ordered: bool) -> Layout {
        Layout { development: n, rows: n, strata, groups, ordered, names: vec![] }
    }

    fn tests_of(layout: &Layout, seed: u64, folds: usize) -> Vec<(Vec<usize>, Vec<usize>)> {
        let pool = layout.development();
        (0..folds).map(|fold| layout.divide(&pool, FoldAt { seed, folds, fold })).collect()
    }

    proptest! {
        #[test]
        fn each_row_is_scored_once_and_classes_are_even(
            strata in prop::collection::vec(0usize..4, 10..120), folds in 2usize..8, seed: u64,
        ) {
            let n = strata.len();
            let parts = tests_of(&layout(n, Some(strata.clone()), None, false), seed, folds);
            let mut scored: Vec<usize> = parts.iter().flat_map(|(_, test)| test.clone()).collect();
            scored.sort_unstable();
            prop_assert_eq!(scored, (0..n).collect::<Vec<_>>());
            for class in 0..5 {
                // 4 stands for all rows together.
                let counts: Vec<usize> = parts
                    .iter()
                    .map(|(_, test)| test.iter().filter(|row| class == 4 || strata[**row] == class).count())
                    .collect();
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
            }
            for (train, test) in &parts {
                prop_assert_eq!(train.len() + test.len(), n);
                prop_assert!(test.iter().all(|row| !train.contains(row)));
            }
        }

        #[test]
        fn groups_are_never_separated(
            groups in prop::collection::vec(0usize..30, 20..120), folds in 2usize..6, seed: u64,
        ) {
            let n = groups.len();
            let strata = (0..n).map(|row| row % 2).collect();
            let parts = tests_of(&layout(n, Some(strata), Some(groups.clone()), false), seed, folds);
            prop_assert_eq!(parts.iter().map(|(_, test)| test.len()).sum::<usize>(), n);
            for (train, test) in &parts {
                prop_assert!(test.iter().all(|row| train.iter().all(|other| groups[*other] != groups[*row])));
            }
        }

        #[test]
        fn the_order_of_time_only_predicts_later_rows(n in 10usize..200, folds in 2usize..6, seed: u64) {
            for (train, test) in tests_of(&layout(n, None, None, true), seed, folds) {
                prop_assert!(!train.is_empty() && !test.is_empty());
                prop_assert!(train.last() < test.first());
            }
        }

        #[test]
        fn inner_folds_never_see_the_outer_one(n in 30usize..100, seed: u64, fold in 0usize..5) {
            let layout = layout(n, None, None, false);
            let outer = FoldAt { seed, folds: 5, fold };
            let inner = FoldAt { seed: seed ^ 1, folds: 3, fold: 1 };
            let (_, aside) = layout.rows(&Selection::Folds(vec![outer])).unwrap();
            let (train, test) = layout.rows(&Selection::Folds(vec![outer, inner])).unwrap();
            prop_assert_eq!(train.len() + test.len() + aside.len(), n);
            prop_assert!(aside.iter().all(|row| !train.contains(row) && !test.contains(row)));
        }
    }

    #[test]
    fn other_seeds_are_other_divisions() {
        let layout = layout(50, None, None, false);
        assert_ne!(tests_of(&layout, 1, 5), tests_of(&layout, 2, 5));
    }

    #[test]
    fn too_few_rows_for_the_folds_are_refused() {
        let complain = |layout: Layout, outer, every| {
            let mut complaints = Complaints::new();
            layout.check(5, outer, every, &mut complaints);
            complaints.finish().map_err(|error| error.to_string())
        };
        assert!(complain(layout(4, None, None, false), None, true).unwrap_err().contains("4 rows"));
        let strata: Vec<usize> = (0..30).map(|row| usize::from(row < 5)).collect();
        let two = || layout(30, Some(strata.clone()), None, false);
        assert!(complain(two(), None, true).is_ok());
        assert!(complain(two(), Some(5), true).unwrap_err().contains("5 rows of class 1"));
        assert!(complain(two(), Some(5), false).is_ok());
        let groups = (0..30).map(|row| row % 4).collect();
        assert!(complain(layout(30, None, Some(groups), false), None, true).unwrap_err().contains("4 groups"));
        assert!(complain(layout(6, None, None, true), None, true).is_ok());
    }

    #[test]
    fn a_rare_class_is_called_by_its_name() {
        let complain = |rare: usize, classes: usize, every| {
            let strata = (0..30).map(|row| if row < rare { 0 } else { 1 + row % (classes - 1) }).collect();
            let names = ["rare", "b", "c"].map(|name| Some(name.to_owned())).to_vec();
            let mut complaints = Complaints::new();
            Layout { names, ..layout(30, Some(strata), None, false) }.check(5, Some(5), every, &mut complaints);
            complaints.finish().map_err(|error| error.to_string())
        };
        assert!(complain(1, 3, true).unwrap_err().contains("1 rows of class `rare`"));
        assert!(complain(1, 3, false).is_ok(), "two other classes can be learned");
        assert!(complain(1, 2, false).unwrap_err().contains("1 rows of class `rare`"));
        assert!(complain(3, 2, false).is_ok());
    }
}
