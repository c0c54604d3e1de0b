//! Changes in words: the one place that says which way a difference goes.
//!
//! Who reads `-0.049` has to know what was subtracted from what, and whether more of the score is better. A [`Change`] says it:
//! "lower by 0.049 (41 %; 95 % interval from 0.13 lower to 0.030 higher)".

/// How a score changes, with the interval that the change lies in: what is new minus what was, in the unit of the score.
///
/// # Example
///
/// ```
/// use taper::wording::Change;
///
/// let change = Change::new(-0.0494).within(-0.1251, 0.0263).of(0.1205);
/// assert_eq!(change.words(), "lower by 0.049 (41 %; 95 % interval from 0.13 lower to 0.026 higher)");
/// assert_eq!(change.is_better(false), None, "the interval has both directions in it");
/// assert_eq!(Change::new(0.02).within(0.01, 0.03).is_better(true), Some(true));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    by: f64,
    interval: Option<(f64, f64)>,
    from: Option<f64>,
}

impl Change {
    /// A change by so much: above 0, the score is higher than it was.
    #[must_use]
    pub fn new(by: f64) -> Self {
        Self { by, interval: None, from: None }
    }

    /// From one score to another, which is told in per cent of the first, if that is above 0.
    #[must_use]
    pub fn between(from: f64, to: f64) -> Self {
        Self::new(to - from).of(from)
    }

    /// What a gain, counted so that more is better, changes a score by of which more is better (`maximize`) or less is.
    #[must_use]
    pub fn of_gain(gain: f64, maximize: bool) -> Self {
        Self::new(if maximize { gain } else { -gain })
    }

    /// The same with a 95 % interval, from its lower end to its upper one. Ends that are not finite are no interval.
    #[must_use]
    pub fn within(mut self, low: f64, high: f64) -> Self {
        self.interval = (low.is_finite() && high.is_finite()).then_some((low, high));
        self
    }

    /// The same with the score that was there before.
    #[must_use]
    pub fn of(mut self, from: f64) -> Self {
        self.from = Some(from);
        self
    }

    /// What is new minus what was.
    #[must_use]
    pub fn by(&self) -> f64 {
        self.by
    }

    /// Whether it is a change for the better; nothing if the interval (or, where there is none, the change) leaves that open.
    #[must_use]
    pub fn is_better(&self, maximize: bool) -> Option<bool> {
        let (low, high) = self.interval.unwrap_or((self.by, self.by));
        if low > 0.0 {
            Some(maximize)
        } else if high < 0.0 {
            Some(!maximize)
        } else {
            None
        }
    }

    /// `lower by 0.049 (41 %; 95 % interval from 0.13 lower to 0.030 higher)`, to be read behind "the data loss is".
    #[must_use]
    pub fn words(&self) -> String {
        let (share, interval) = (self.share(), self.span());
        let details: Vec<String> =
            share.into_iter().chain(interval.map(|span| format!("95 % interval {span}"))).collect();
        if details.is_empty() { self.amount() } else { format!("{} ({})", self.amount(), details.join("; ")) }
    }

    /// `lower by 0.049`.
    #[must_use]
    pub fn amount(&self) -> String {
        match way(self.by) {
            Some(way) => format!("{way} by {}", digits(self.by.abs(), 2)),
            None if self.by == 0.0 => "unchanged".to_owned(),
            None => "not finite".to_owned(),
        }
    }

    /// `from 0.13 lower to 0.030 higher`.
    #[must_use]
    pub fn span(&self) -> Option<String> {
        let end = |value: f64| match way(value) {
            Some(way) => format!("{} {way}", digits(value.abs(), 2)),
            None => "0".to_owned(),
        };
        self.interval.map(|(low, high)| format!("from {} to {}", end(low), end(high)))
    }

    fn share(&self) -> Option<String> {
        let from = self.from.filter(|from| *from > 0.0 && from.is_finite())?;
        let share = 100.0 * way(self.by).map(|_| self.by.abs() / from)?;
        Some(match share {
            share if share < 0.05 => "less than 0.1 %".to_owned(),
            share if share < 9.95 => format!("{share:.1} %"),
            share if share < 1e6 => format!("{share:.0} %"),
            share => format!("{share:.1e} %"),
        })
    }
}

/// Which way a finite change goes, if it goes anywhere.
fn way(by: f64) -> Option<&'static str> {
    match by {
        by if !by.is_finite() || by == 0.0 => None,
        by if by > 0.0 => Some("higher"),
        _ => Some("lower"),
    }
}

/// A number with so many significant digits, at least 1, as a sentence has it: in powers of ten from 10,000 up and below 0.001.
#[must_use]
pub fn digits(value: f64, significant: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let more = significant.max(1) - 1;
    // Rounding comes first, so that 0.0999 is looked at as the 0.10 that it will read.
    let scientific = format!("{value:.more$e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        Some(exponent @ -3..4) => {
            let decimals = usize::try_from(more as i32 - exponent).unwrap_or(0);
            format!("{value:.decimals$}")
        }
        _ => scientific,
    }
}

/// The name of a score in a sentence: `data_loss` is "data loss".
#[must_use]
pub fn score(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_direction_is_said_for_both_kinds_of_score() {
        // A gain, more or less is better, the words, for the better.
        for (gain, maximize, words, better) in [
            (0.05, true, "higher by 0.050", Some(true)),
            (-0.05, true, "lower by 0.050", Some(false)),
            (0.05, false, "lower by 0.050", Some(true)),
            (-0.05, false, "higher by 0.050", Some(false)),
            (0.0, true, "unchanged", None),
            (0.0, false, "unchanged", None),
        ] {
            let change = Change::of_gain(gain, maximize);
            assert_eq!((change.words().as_str(), change.is_better(maximize)), (words, better), "{gain} {maximize}");
        }
    }

    #[test]
    fn an_interval_has_a_direction_at_each_end() {
        for (low, high, words, better_if_less) in [
            (-0.13, 0.03, "from 0.13 lower to 0.030 higher", None),
            (-0.13, -0.03, "from 0.13 lower to 0.030 lower", Some(true)),
            (0.03, 0.13, "from 0.030 higher to 0.13 higher", Some(false)),
            (0.0, 0.13, "from 0 to 0.13 higher", None),
            (-0.13, 0.0, "from 0.13 lower to 0", None),
        ] {
            let change = Change::new((low + high) / 2.0).within(low, high);
            assert_eq!(change.span().as_deref(), Some(words));
            assert_eq!(change.is_better(false), better_if_less, "{words}");
            assert_eq!(change.is_better(true), better_if_less.map(|better| !better), "{words}");
        }
        assert_eq!(Change::new(-2.0).within(f64::NAN, 1.0).words(), "lower by 2.0");
        assert_eq!(Change::new(f64::NAN).within(-1.0, 1.0).amount(), "not finite");
    }

    #[test]
    fn shares_are_of_what_was_there_before() {
        assert_eq!(Change::between(0.12, 0.06).words(), "lower by 0.060 (50 %)");
        assert_eq!(Change::between(0.9, 0.918).words(), "higher by 0.018 (2.0 %)");
        assert_eq!(Change::between(2.0, 2.0001).words(), "higher by 1.0e-4 (less than 0.1 %)");
        assert_eq!(Change::between(2.0, 2.0).words(), "unchanged");
        assert_eq!(Change::between(0.0, 0.5).words(), "higher by 0.50", "no share of nothing");
        assert_eq!(Change::between(-1.0, -0.5).words(), "higher by 0.50", "nor of what is below nothing");
    }

    #[test]
    fn numbers_have_as_many_digits_as_were_asked_for() {
        let three: Vec<String> = [0.0, 1.0, -0.01234, 123.4, 1e-5, 54321.0].map(|value| digits(value, 3)).into();
        assert_eq!(three, ["0", "1.00", "-0.0123", "123", "1.00e-5", "5.43e4"]);
        let two: Vec<String> = [0.0494, 0.0999, 41.3, 4321.0, 1e-4].map(|value| digits(value, 2)).into();
        assert_eq!(two, ["0.049", "0.10", "41", "4321", "1.0e-4"]);
    }
}
