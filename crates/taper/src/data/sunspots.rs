//! Sunspots, year by year.

/// A header and 309 rows: the year and its number.
const CSV: &str = include_str!("../../../../data/sunspots/sunspots.csv");

/// The mean number of sunspots of every year from 1700 to 2008: a series that swings with a period of about eleven years, never
/// twice alike.
///
/// # Returns
///
/// Pairs of a year and its number, 309 of them, in order.
///
/// # Source
///
/// National Geophysical Data Center (NOAA), public domain, as distributed with statsmodels 0.15.0.
///
/// # Example
///
/// ```
/// use taper::data::load_sunspots;
///
/// let sunspots = load_sunspots();
/// assert_eq!((sunspots[0], sunspots[308]), ((1700, 5.0), (2008, 2.9)));
/// ```
#[must_use]
pub fn load_sunspots() -> Vec<(u16, f64)> {
    CSV.lines()
        .filter_map(|line| {
            let (year, number) = line.split_once(',')?;
            Some((year.parse().ok()?, number.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_year_is_there() {
        let sunspots = load_sunspots();
        assert_eq!(sunspots.len(), 309);
        assert!(sunspots.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
        assert!((sunspots.iter().map(|(_, number)| number).sum::<f64>() - SUM).abs() < 1e-9);
    }

    const SUM: f64 = 15373.4;
}
