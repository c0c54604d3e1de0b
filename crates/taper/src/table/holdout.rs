//! Rows that are set aside before anything is chosen.

use std::collections::BTreeMap;

use crate::{Complaint, Result, Rng, Seed};

/// Divides the rows into those for development and those of a test set, about this share of them.
///
/// In the order of time, the last rows test. Groups are kept whole: the largest first, each goes where it is most wanted for the
/// share of rows and of every stratum. Otherwise rows are drawn at random, from every stratum its share (rounded so that the sum
/// is right).
///
/// # Parameters
///
/// * `strata`, `groups`: one number per row, where there are any.
/// * `share`: above 0 and below 1; the number of test rows is rounded.
///
/// # Errors
///
/// If either part is empty.
///
/// # Example
///
/// ```
/// use taper::{Seed, table::hold_out};
///
/// let strata = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
/// let (development, test) = hold_out(10, 0.5, Some(&strata), None, false, Seed::new(0))?;
/// assert_eq!((development.len(), test.iter().filter(|row| strata[**row] == 1).count()), (5, 1));
/// # Ok::<(), taper::Error>(())
/// ```
pub fn hold_out(
    rows: usize,
    share: f64,
    strata: Option<&[usize]>,
    groups: Option<&[usize]>,
    ordered: bool,
    seed: Seed,
) -> Result<(Vec<usize>, Vec<usize>)> {
    let wanted = (rows as f64 * share).round() as usize;
    let mut rng = seed.derive("test rows", 0).rng();
    let mut is_test = vec![false; rows];
    if ordered {
        is_test[rows - wanted.min(rows)..].fill(true);
        if let Some(groups) = groups {
            // A group that has begun before the cut stays before it.
            let before: std::collections::HashSet<usize> =
                (0..rows).filter(|row| !is_test[*row]).map(|row| groups[row]).collect();
            (0..rows).filter(|row| before.contains(&groups[*row])).for_each(|row| is_test[row] = false);
        }
    } else if let Some(groups) = groups {
        is_test = whole_groups(groups, strata, wanted, &mut rng);
    } else {
        let mut order: Vec<usize> = (0..rows).collect();
        rng.shuffle(&mut order);
        if let Some(strata) = strata {
            // Sorted by stratum, each in its random order, every 1/share-th row makes the shares come out.
            order.sort_by_key(|row| strata[*row]);
        }
        let even = |place: usize| (place + 1) * wanted / rows.max(1) > place * wanted / rows.max(1);
        order.iter().enumerate().for_each(|(place, row)| is_test[*row] = even(place));
    }
    let (test, development): (Vec<usize>, Vec<usize>) = (0..rows).partition(|row| is_test[*row]);
    if test.is_empty() || development.is_empty() {
        let got =
            format!("{share} of {rows} rows, which is {} to test and {} to learn from", test.len(), development.len());
        return Err(Complaint::new("data.test", "a share that leaves rows on both sides", got).into());
    }
    Ok((development, test))
}

/// Gives whole groups, the largest first and equally large ones in a random order, to one side or the other: where the squared
/// distance of the test set from `wanted` rows, and from that share of every stratum, grows least. The last group that would
/// leave a side empty goes there.
fn whole_groups(groups: &[usize], strata: Option<&[usize]>, wanted: usize, rng: &mut Rng) -> Vec<bool> {
    let stratum = |row: usize| strata.map_or(0, |strata| strata[row]);
    let mut members: Vec<Vec<usize>> = vec![vec![]; groups.iter().max().map_or(0, |most| most + 1)];
    (0..groups.len()).for_each(|row| members[groups[row]].push(row));
    members.retain(|group| !group.is_empty());
    rng.shuffle(&mut members);
    members.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let mut totals = vec![0.0f64; (0..groups.len()).map(stratum).max().map_or(0, |most| most + 1)];
    (0..groups.len()).for_each(|row| totals[stratum(row)] += 1.0);
    let share = wanted as f64 / groups.len().max(1) as f64;
    let (mut held, mut is_test) = ([vec![0.0f64; totals.len()], vec![0.0; totals.len()]], vec![false; groups.len()]);
    let count = members.len();
    let mut given = [0usize; 2];
    for (place, group) in members.into_iter().enumerate() {
        let mut gained = BTreeMap::<usize, f64>::new();
        group.iter().for_each(|row| *gained.entry(stratum(*row)).or_default() += 1.0);
        // What a side already holds of a stratum counts in units of what it should hold.
        let cost = |side: usize| -> f64 {
            let should = if side == 1 { share } else { 1.0 - share };
            let grown = gained.iter().map(|(stratum, gained)| {
                (2.0 * held[side][*stratum] * gained + gained * gained) / (totals[*stratum] * totals[*stratum])
            });
            grown.sum::<f64>() / should.max(f64::MIN_POSITIVE)
        };
        let last = place + 1 == count;
        let side = match given {
            [_, 0] if last => 1,
            [0, _] if last => 0,
            _ => usize::from(cost(1) < cost(0)),
        };
        given[side] += 1;
        gained.iter().for_each(|(stratum, gained)| held[side][*stratum] += gained);
        group.iter().for_each(|row| is_test[*row] = side == 1);
    }
    // One group cannot be on both sides.
    if given[0] == 0 { vec![false; groups.len()] } else { is_test }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_share_of_nothing_is_refused() {
        let error = hold_out(5, 0.05, None, None, false, Seed::new(1)).unwrap_err().to_string();
        assert!(error.contains("0.05 of 5 rows, which is 0 to test"), "{error}");
        assert!(hold_out(4, 0.5, None, Some(&[0; 4]), false, Seed::new(1)).is_err(), "one group cannot be divided");
    }

    #[test]
    fn the_last_rows_test_where_there_is_time() {
        let (development, test) = hold_out(5, 0.4, None, None, true, Seed::new(1)).unwrap();
        assert_eq!((development, test), (vec![0, 1, 2], vec![3, 4]));
    }

    proptest! {
        #[test]
        fn groups_stay_whole_and_strata_keep_their_shares(
            keys in prop::collection::vec(0usize..4, 8..200), share in 0.2f64..0.8, seed: u64, ordered: bool,
        ) {
            let n = keys.len();
            if let Ok((development, test)) = hold_out(n, share, None, Some(&keys), ordered, Seed::new(seed)) {
                prop_assert!(test.iter().all(|t| development.iter().all(|d| keys[*d] != keys[*t])));
            }
            let (development, test) = hold_out(n, share, Some(&keys), None, false, Seed::new(seed)).unwrap();
            prop_assert_eq!(development.len() + test.len(), n);
            prop_assert_eq!(test.len(), (n as f64 * share).round() as usize);
            for stratum in 0..4 {
                let all = keys.iter().filter(|key| **key == stratum).count() as f64;
                let taken = test.iter().filter(|row| keys[**row] == stratum).count() as f64;
                prop_assert!((taken - all * test.len() as f64 / n as f64).abs() <= 1.0 + 1e-9);
            }
        }
    }
}
