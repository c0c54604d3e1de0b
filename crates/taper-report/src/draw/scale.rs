//! From a value to a place along an axis.

/// Finite values beyond this are drawn at it, so that differences between values stay finite.
const LIMIT: f64 = 1e300;
/// Share of a λ axis that the place of λ = 0 takes, where both it and others occur; it lies in the middle of that share.
const NONE_SHARE: f64 = 0.12;

/// Which number stands where, from 0 (left, bottom) to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// From the first to the second.
    Linear(f64, f64),
    /// From the first to the second power of ten.
    Log(f64, f64),
    /// Penalty strengths: powers of ten, with a place of its own for 0.
    Lambda {
        /// Is there a place for 0?
        none: bool,
        /// First and last power of ten; `None` where 0 is all there is.
        log: Option<(f64, f64)>,
    },
}

impl Scale {
    /// Linear over the finite of `values`, with `margin` (a share of the range) to spare at both ends.
    pub(crate) fn linear(values: impl Iterator<Item = f64>, margin: f64) -> Self {
        let (low, high) = range(values).unwrap_or((0.0, 1.0));
        let (low, high) = widen(low, high);
        let spare = (high - low) * margin;
        Scale::Linear(low - spare, high + spare)
    }

    /// Logarithmic over the positive of `values`.
    pub(crate) fn log(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values.filter(|&v| v > 0.0)).map_or((0.0, 1.0), |(l, h)| (l.log10(), h.log10()));
        let spare = ((high - low) * 0.05).max(if high - low < 0.01 { 0.3 } else { 0.02 });
        Scale::Log(low - spare, high + spare)
    }

    /// For penalty strengths.
    pub(crate) fn lambda(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.filter(|v| v.is_finite() && *v >= 0.0).collect();
        let none = values.contains(&0.0);
        let log = range(values.iter().copied().filter(|&v| v > 0.0)).map(|(low, high)| {
            let (low, high) = (low.log10(), high.log10());
            let spare = if high - low < 0.01 { 1.2 } else { ((high - low) * 0.04).max(0.05) };
            (low - spare, high + spare)
        });
        // Nothing at all: an axis without a place would leave the figure without a frame of reference.
        Scale::Lambda { none: none || log.is_none(), log }
    }

    /// Linear, or logarithmic where positive values span a factor of 50 and no other value occurs.
    pub(crate) fn fitting(values: impl Iterator<Item = f64> + Clone) -> Self {
        match range(values.clone()) {
            Some((low, high)) if low > 0.0 && high / low > 50.0 => Scale::log(values),
            _ => Scale::linear(values, 0.05),
        }
    }

    /// For quantities that are not negative (losses, norms): logarithmic where the positive ones span a factor of 50,
    /// zeros having no place there; else linear, from 0 where the values come near it.
    pub(crate) fn amount(values: impl Iterator<Item = f64> + Clone) -> Self {
        let negative = values.clone().any(|value| value < 0.0);
        match Scale::fitting(values.clone().filter(|value| *value > 0.0)) {
            log @ Scale::Log(..) if !negative => log,
            _ => match Scale::linear(values, 0.05) {
                Scale::Linear(low, high) if !negative && low < high * 0.5 => Scale::Linear(0.0, high),
                other => other,
            },
        }
    }

    pub(crate) fn is_log(self) -> bool {
        matches!(self, Scale::Log(..))
    }

    /// Place of `value`; `None` where it has none (not finite, or not positive on a logarithmic axis).
    pub(crate) fn place(self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let value = value.clamp(-LIMIT, LIMIT);
        let place = match self {
            Scale::Linear(low, high) => (value - low) / (high - low),
            Scale::Log(low, high) if value > 0.0 => (value.log10() - low) / (high - low),
            Scale::Lambda { none: true, log } if value == 0.0 => log.map_or(0.5, |_| NONE_SHARE / 2.0),
            Scale::Lambda { none, log: Some((low, high)) } if value > 0.0 => {
                let start = if none { NONE_SHARE } else { 0.0 };
                start + (1.0 - start) * (value.log10() - low) / (high - low)
            }
            _ => return None,
        };
        place.is_finite().then_some(place)
    }

    /// Where a λ axis is broken between 0 and the powers of ten.
    pub(crate) fn gap(self) -> Option<f64> {
        matches!(self, Scale::Lambda { none: true, log: Some(_) }).then_some(NONE_SHARE)
    }
}

/// Least and greatest of the finite values, within the limit.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|v| v.is_finite()).map(|v| v.clamp(-LIMIT, LIMIT)).fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

/// A range that can be told apart on an axis, around values that cannot.
fn widen(low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if size < 1e-300 {
        return (-0.5, 0.5);
    }
    if high - low > size * 1e-6 {
        return (low, high);
    }
    let middle = low / 2.0 + high / 2.0;
    (middle - size * 0.05, middle + size * 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_a_place_of_its_own() {
        let scale = Scale::lambda([0.0, 1e-4, 1e-2].into_iter());
        let places: Vec<f64> = [0.0, 1e-4, 1e-3, 1e-2].iter().filter_map(|&v| scale.place(v)).collect();
        assert_eq!(places.len(), 4);
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        assert!(places[0] < NONE_SHARE && places[1] > NONE_SHARE);
        assert_eq!(scale.place(-1.0), None);
        assert_eq!(scale.place(f64::NAN), None);
        assert_eq!(Scale::lambda([1e-3].into_iter()).place(0.0), None);
        assert_eq!(Scale::lambda([0.0].into_iter()).place(0.0), Some(0.5));
        assert_eq!(Scale::lambda(std::iter::empty()).place(0.0), Some(0.5));
    }

    #[test]
    fn any_values_make_a_usable_scale() {
        for values in [
            vec![],
            vec![f64::NAN],
            vec![0.9; 3],
            vec![0.0],
            vec![f64::MAX, f64::MIN],
            vec![5e-324],
            vec![1e17, 1e17 + 64.0],
        ] {
            let scale = Scale::linear(values.iter().copied(), 0.05);
            let Scale::Linear(low, high) = scale else { panic!("linear was asked for") };
            assert!(low < high && (high - low).is_finite(), "{values:?} gives {scale:?}");
            for &value in values.iter().filter(|v| v.is_finite()) {
                assert!((0.0..=1.0).contains(&scale.place(value).unwrap_or(-1.0)), "{value} on {scale:?}");
            }
        }
    }

    #[test]
    fn a_wide_range_of_positive_values_gets_a_logarithmic_axis() {
        assert!(Scale::fitting([0.01, 1.0].into_iter()).is_log());
        assert!(!Scale::fitting([0.1, 1.0].into_iter()).is_log());
        assert!(!Scale::fitting([0.0, 1e9].into_iter()).is_log());
    }
}
