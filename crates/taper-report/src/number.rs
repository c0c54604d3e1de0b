//! Numbers as text: the same everywhere, so that a table, a figure and a sentence agree.
//!
//! Negative numbers carry the minus sign `−` (U+2212), which is as wide as `+`. Values that are not finite read
//! [`NOT_FINITE`].

/// What stands where a run diverged and left no number.
pub const NOT_FINITE: &str = "not finite";

/// `value` with `decimals` digits after the point; in powers of ten from a million up.
///
/// # Example
///
/// ```
/// use taper_report::number::fixed;
///
/// assert_eq!(fixed(0.94333, 3), "0.943");
/// assert_eq!(fixed(-1.5, 1), "−1.5");
/// assert_eq!(fixed(-0.0001, 2), "0.00");
/// assert_eq!(fixed(2.5e12, 3), "2.500e12");
/// assert_eq!(fixed(f64::NAN, 3), "not finite");
/// ```
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NOT_FINITE.to_owned();
    }
    let digits =
        if value.abs() >= 1e6 { format!("{:.decimals$e}", value.abs()) } else { format!("{:.decimals$}", value.abs()) };
    let is_zero = !digits.chars().any(|c| ('1'..='9').contains(&c));
    if value < 0.0 && !is_zero { format!("−{digits}") } else { digits }
}

/// Like [`fixed`], with `+` before positive numbers: for differences.
///
/// # Example
///
/// ```
/// use taper_report::number::signed;
///
/// assert_eq!(signed(0.0123, 3), "+0.012");
/// assert_eq!(signed(-0.0123, 3), "−0.012");
/// assert_eq!(signed(0.0, 3), "0.000");
/// ```
pub fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let is_zero = !text.chars().any(|c| ('1'..='9').contains(&c));
    if value > 0.0 && value.is_finite() && !is_zero { format!("+{text}") } else { text }
}

/// A mean and its spread; a spread that is not finite (a single repeat) is left out.
///
/// # Example
///
/// ```
/// use taper_report::number::mean_spread;
///
/// assert_eq!(mean_spread(0.9432, 0.0071, 3), "0.943 ± 0.007");
/// assert_eq!(mean_spread(0.9432, f64::NAN, 3), "0.943");
/// ```
pub fn mean_spread(mean: f64, spread: f64, decimals: usize) -> String {
    if mean.is_finite() && spread.is_finite() {
        format!("{} ± {}", fixed(mean, decimals), fixed(spread, decimals))
    } else {
        fixed(mean, decimals)
    }
}

/// A difference and its interval; an interval that is not finite is left out.
///
/// # Example
///
/// ```
/// use taper_report::number::difference;
///
/// assert_eq!(difference(0.012, -0.003, 0.027, 3), "+0.012 [−0.003, +0.027]");
/// ```
pub fn difference(mean: f64, lower: f64, upper: f64, decimals: usize) -> String {
    if mean.is_finite() && lower.is_finite() && upper.is_finite() {
        format!("{} [{}, {}]", signed(mean, decimals), signed(lower, decimals), signed(upper, decimals))
    } else {
        signed(mean, decimals)
    }
}

/// A penalty strength: `none` for 0, powers of ten below 0.1 and from 1000 up, at most three digits.
///
/// # Example
///
/// ```
/// use taper_report::number::lambda;
///
/// assert_eq!(lambda(0.0), "none");
/// assert_eq!(lambda(0.001), "1e-3");
/// assert_eq!(lambda(3.1622e-5), "3.16e-5");
/// assert_eq!(lambda(0.5), "0.5");
/// ```
pub fn lambda(value: f64) -> String {
    if !value.is_finite() {
        return NOT_FINITE.to_owned();
    }
    if value == 0.0 {
        return "none".to_owned();
    }
    // Rounding happens here, so that 0.09999 is looked at as the 0.1 it will read.
    let scientific = format!("{value:.2e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-1..3).contains(&exponent) {
        let decimals = (2 - exponent).max(0) as usize;
        shorten(&format!("{value:.decimals$}")).to_owned()
    } else {
        format!("{}e{exponent}", shorten(mantissa))
    }
}

/// Digits after the point that show `spread` with two digits: between `at_least` and 6.
pub(crate) fn decimals_for(spread: f64, at_least: usize) -> usize {
    if !(spread.is_finite() && spread > 0.0) {
        return at_least;
    }
    let needed = 1.0 - spread.log10().floor();
    (needed.clamp(0.0, 6.0) as usize).max(at_least)
}

/// `0.500` without the zeros that say nothing.
pub(crate) fn shorten(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_near_the_edges_of_its_notations() {
        assert_eq!(lambda(0.1), "0.1");
        assert_eq!(lambda(0.09999), "0.1");
        assert_eq!(lambda(0.01), "1e-2");
        assert_eq!(lambda(1.0), "1");
        assert_eq!(lambda(10.0), "10");
        assert_eq!(lambda(123.4), "123");
        assert_eq!(lambda(1000.0), "1e3");
        assert_eq!(lambda(5e-324), "4.94e-324");
    }

    #[test]
    fn decimals_follow_the_spread() {
        assert_eq!(decimals_for(0.02, 3), 3);
        assert_eq!(decimals_for(0.0002, 3), 5);
        assert_eq!(decimals_for(0.0, 3), 3);
        assert_eq!(decimals_for(f64::NAN, 2), 2);
        assert_eq!(decimals_for(1e-200, 2), 6);
    }
}
