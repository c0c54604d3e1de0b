//! Rows to learn from, and rows to be judged by.

use std::collections::BTreeMap;

use super::RandomState;
use crate::{Complaint, Complaints, Result};

/// Splits `n` rows at random into training and test rows.
///
/// # Arguments
///
/// * `n`: number of rows.
/// * `test_size`: share of the rows that are for testing, greater than 0 and less than 1. The number of test rows is
///   rounded up, and at least one row must be left for training.
/// * `random_state`: seed of the order.
///
/// # Returns
///
/// `(train, test)`: every index of `0..n` is in exactly one of them. Index for index those of scikit-learn's
/// `train_test_split(range(n), test_size=test_size, random_state=random_state)`, in that order.
///
/// # Errors
///
/// A complaint about `test_size` out of its range, or leaving nothing to learn from.
///
/// # Source
///
/// scikit-learn 1.9, `sklearn/model_selection/_split.py`, `ShuffleSplit`.
///
/// # Example
///
/// ```
/// use taper::data::train_test_split;
///
/// let (train, test) = train_test_split(6, 0.25, 0)?;
/// assert_eq!(train, [1, 3, 0, 4]);
/// assert_eq!(test, [5, 2]);
/// # Ok::<(), taper::Error>(())
/// ```
pub fn train_test_split(n: usize, test_size: f64, random_state: u32) -> Result<(Vec<usize>, Vec<usize>)> {
    let tests = test_rows(n, test_size)?;
    let mut test = RandomState::new(random_state).permutation(n);
    let train = test.split_off(tests);
    Ok((train, test))
}

/// Splits rows at random into training and test rows, so that every class has about the same share in both.
///
/// Each class gets its share of the training rows rounded down. The rows still missing go to the classes with the
/// largest remainders, and equal remainders draw lots.
///
/// # Arguments
///
/// * `labels`: the class of every row; any whole numbers.
/// * `test_size`: share of the rows that are for testing, greater than 0 and less than 1. The number of test rows is
///   rounded up.
/// * `random_state`: seed of lots and order.
///
/// # Returns
///
/// `(train, test)`: every index of `0..labels.len()` is in exactly one of them. Index for index those of scikit-learn's
/// `train_test_split(range(n), test_size=test_size, random_state=random_state, stratify=labels)`, in that order.
///
/// # Errors
///
/// Complaints about a `test_size` out of its range, a class with a single row, and fewer training or test rows than
/// there are classes.
///
/// # Source
///
/// scikit-learn 1.9, `sklearn/model_selection/_split.py`, `StratifiedShuffleSplit`.
///
/// # Example
///
/// ```
/// use taper::data::stratified_train_test_split;
///
/// let labels = [7, 7, 7, 7, 7, 7, -1, -1, -1];
/// let (train, test) = stratified_train_test_split(&labels, 1.0 / 3.0, 1)?;
/// assert_eq!(train.iter().filter(|&&i| labels[i] == -1).count(), 2);
/// assert_eq!(test.iter().filter(|&&i| labels[i] == -1).count(), 1);
/// # Ok::<(), taper::Error>(())
/// ```
pub fn stratified_train_test_split(
    labels: &[i64],
    test_size: f64,
    random_state: u32,
) -> Result<(Vec<usize>, Vec<usize>)> {
    let tests = test_rows(labels.len(), test_size)?;
    let trains = labels.len() - tests;
    let mut classes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(row);
    }
    check_classes(&classes, trains, tests)?;

    let mut random = RandomState::new(random_state);
    let counts: Vec<usize> = classes.values().map(Vec::len).collect();
    let train_counts = shares(&counts, trains, &mut random);
    let left: Vec<usize> = counts.iter().zip(&train_counts).map(|(count, taken)| count - taken).collect();
    // All that is left is for testing, so these are `left` again; but the lots they draw move the stream.
    let test_counts = shares(&left, tests, &mut random);

    let mut train = Vec::with_capacity(trains);
    let mut test = Vec::with_capacity(tests);
    for ((rows, train_count), test_count) in classes.values().zip(train_counts).zip(test_counts) {
        let order = random.permutation(rows.len());
        train.extend(order[..train_count].iter().map(|&i| rows[i]));
        test.extend(order[train_count..train_count + test_count].iter().map(|&i| rows[i]));
    }
    random.shuffle(&mut train);
    random.shuffle(&mut test);
    Ok((train, test))
}

/// How many of `n` rows are for testing: `test_size · n`, rounded up.
fn test_rows(n: usize, test_size: f64) -> Result<usize> {
    if !(test_size > 0.0 && test_size < 1.0) {
        return Err(Complaint::new("test_size", "a number greater than 0 and less than 1", test_size).into());
    }
    let tests = (test_size * n as f64).ceil() as usize;
    if tests >= n {
        let expected = format!("a share that leaves at least 1 of {n} rows for training");
        return Err(Complaint::new("test_size", expected, format_args!("{test_size}, which leaves none")).into());
    }
    Ok(tests)
}

/// Complains about classes that cannot be in both parts.
fn check_classes(classes: &BTreeMap<i64, Vec<usize>>, trains: usize, tests: usize) -> Result<()> {
    let mut complaints = Complaints::new();
    let mut single = classes.iter().filter(|(_, rows)| rows.len() == 1);
    if let Some((label, rows)) = single.next() {
        // One for all: where labels are measurements by mistake, there are as many classes as rows.
        let got = format!("1 row of class {label} ({} such classes in all)", 1 + single.count());
        complaints.push(Complaint::new(format_args!("labels[{}]", rows[0]), "at least 2 rows of every class", got));
    }
    for (rows, part) in [(trains, "training"), (tests, "test")] {
        let expected = format!("at least one {part} row for each of {} classes", classes.len());
        complaints.check(rows >= classes.len(), "test_size", expected, format_args!("{rows} {part} rows"));
    }
    complaints.finish()
}

/// Shares `draws` out among classes in proportion to their `counts`: scikit-learn's `_approximate_mode`, the likeliest
/// outcome (to within one) of drawing that many without looking.
fn shares(counts: &[usize], draws: usize, random: &mut RandomState) -> Vec<usize> {
    let total = counts.iter().sum::<usize>() as f64;
    // Divided first, then multiplied: the rounding errors decide which remainders are equal, so which draw lots.
    let exact: Vec<f64> = counts.iter().map(|&count| count as f64 / total * draws as f64).collect();
    let mut shares: Vec<usize> = exact.iter().map(|share| share.floor() as usize).collect();
    let mut missing = draws.saturating_sub(shares.iter().sum());

    let remainder = |class: usize| exact[class] - exact[class].floor();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    for ties in order.chunk_by(|&a, &b| remainder(a) == remainder(b)) {
        if missing == 0 {
            break;
        }
        let lucky = missing.min(ties.len());
        for i in random.choice_without_replacement(ties.len(), lucky) {
            shares[ties[i]] += 1;
        }
        missing -= lucky;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_those_of_scikit_learn() {
        // The examples of its _approximate_mode.
        assert_eq!(shares(&[4, 2], 3, &mut RandomState::new(0)), [2, 1]);
        assert_eq!(shares(&[5, 2], 4, &mut RandomState::new(0)), [3, 1]);
        assert_eq!(shares(&[2, 2, 2, 1], 2, &mut RandomState::new(0)), [0, 1, 1, 0]);
        assert_eq!(shares(&[2, 2, 2, 1], 2, &mut RandomState::new(42)), [1, 1, 0, 0]);
    }

    #[test]
    fn a_share_out_of_range_is_refused() {
        for test_size in [0.0, 1.0, -0.3, 30.0, f64::NAN] {
            let error = train_test_split(100, test_size, 1).unwrap_err().to_string();
            let expected = format!("test_size: expected a number greater than 0 and less than 1, got {test_size}");
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn nothing_to_learn_from_is_refused() {
        let message = |n| train_test_split(n, 0.3, 1).unwrap_err().to_string();
        assert_eq!(
            message(1),
            "test_size: expected a share that leaves at least 1 of 1 rows for training, got 0.3, which leaves none"
        );
        assert!(message(0).contains("0 rows"));
    }

    #[test]
    fn classes_that_cannot_be_in_both_parts_are_refused() {
        let error = stratified_train_test_split(&[5, 6, 6, 6, 6, 8], 0.3, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "labels[0]: expected at least 2 rows of every class, got 1 row of class 5 (2 such classes in all)\n\
             test_size: expected at least one test row for each of 3 classes, got 2 test rows"
        );
    }

    /// Whether the two parts together are every row exactly once.
    fn is_partition(n: usize, train: &[usize], test: &[usize]) -> bool {
        let mut all = [train, test].concat();
        all.sort_unstable();
        all == (0..n).collect::<Vec<_>>()
    }

    proptest! {
        #[test]
        fn a_split_is_a_partition(n in 2usize..300, test_size in 0.001..0.999, seed: u32) {
            if let Ok((train, test)) = train_test_split(n, test_size, seed) {
                prop_assert!(is_partition(n, &train, &test));
                prop_assert_eq!(test.len(), (n as f64 * test_size).ceil() as usize);
            }
        }

        #[test]
        fn a_stratified_split_is_a_partition_that_keeps_shares(
            labels in prop::collection::vec(-2i64..3, 10..300),
            test_size in 0.05..0.95,
            seed: u32,
        ) {
            if let Ok((train, test)) = stratified_train_test_split(&labels, test_size, seed) {
                prop_assert!(is_partition(labels.len(), &train, &test));
                for class in -2..3 {
                    let all = labels.iter().filter(|&&label| label == class).count() as f64;
                    let taken = test.iter().filter(|&&i| labels[i] == class).count() as f64;
                    prop_assert!((taken - all * test.len() as f64 / labels.len() as f64).abs() < 1.0 + 1e-9);
                }
            }
        }
    }
}
