//! Rows that are set aside before anything is chosen.

use crate::{Complaint, Result, Seed};

/// Divides the rows into those for development and those of a test set, about this share of them.
///
/// In the order of time, the last rows test. Groups are kept whole: in a random order, they go to the test set until it has its
/// share. Otherwise rows are drawn at random, from every stratum its share (rounded so that the sum is right).
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
        let count = groups.iter().max().map_or(0, |most| most + 1);
        let mut sizes = vec![0; count];
        groups.iter().for_each(|group| sizes[*group] += 1);
        let mut order: Vec<usize> = (0..count).collect();
        rng.shuffle(&mut order);
        let (mut chosen, mut taken) = (vec![false; count], 0);
        for group in order {
            if taken < wanted && taken + sizes[group] < rows {
                chosen[group] = true;
                taken += sizes[group];
            }
        }
        (0..rows).for_each(|row| is_test[row] = chosen[groups[row]]);
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
