//! Round numbers for an axis, and how they read.

use super::scale::Scale;
use crate::number::{fixed, shorten};

/// A labelled place on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) label: String,
}

/// Ticks for `scale`: about `count`, never more than twice that.
pub(crate) fn ticks(scale: Scale, count: usize) -> Vec<Tick> {
    match scale {
        Scale::Linear(low, high) => linear(low, high, count),
        Scale::Log(low, high) => log(low, high, count),
        Scale::Lambda { none, log: range } => {
            let zero = none.then(|| Tick { value: 0.0, label: "none".to_owned() });
            zero.into_iter().chain(range.map_or_else(Vec::new, |(low, high)| log(low, high, count))).collect()
        }
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear(low: f64, high: f64, count: usize) -> Vec<Tick> {
    let rough = (high - low) / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    if !(rough > 0.0 && power > 0.0 && power.is_finite()) {
        return Vec::new();
    }
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough * 0.999).unwrap_or(power * 10.0);
    let first = (low / step).ceil();
    let values: Vec<f64> =
        (0..=2 * count).map(|i| (first + i as f64) * step).take_while(|v| *v <= high + step * 1e-9).collect();
    let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    // Digits down to the step; `+ 1e-9` because log10 of 0.001 may fall a hair short of -3.
    let place = (step.log10() + 1e-9).floor();
    let scientific = largest >= 1e6 || (largest > 0.0 && largest < 1e-3);
    let label = |v: f64| {
        if v == 0.0 && scientific {
            "0".to_owned()
        } else if scientific {
            let digits = (v.abs().log10().floor() - place).clamp(0.0, 8.0) as usize;
            format!("{}{:.digits$e}", if v < 0.0 { "−" } else { "" }, v.abs())
        } else {
            fixed(v, (-place).clamp(0.0, 8.0) as usize)
        }
    };
    values.into_iter().map(|value| Tick { value, label: label(value) }).collect()
}

/// Powers of ten; where fewer than three fit, also round numbers between them, and where those are too few, even steps.
fn log(low: f64, high: f64, count: usize) -> Vec<Tick> {
    let decades: Vec<i32> = (low.ceil() as i32..=high.floor() as i32).collect();
    let plain = low >= -3.5 && high <= 4.5;
    if decades.len() >= 3 {
        // The step keeps the decades' own grid: every 2nd means the even ones, wherever the range begins.
        let step = decades.len().div_ceil(count.max(1)) as i32;
        let kept = decades.into_iter().filter(|decade| decade.rem_euclid(step) == 0);
        return kept.map(|decade| Tick { value: 10f64.powi(decade), label: power_label(1, decade, plain) }).collect();
    }
    let between: Vec<Tick> = (low.floor() as i32..=high.floor() as i32)
        .flat_map(|decade| [1, 2, 5].map(|digit| (digit, decade)))
        .map(|(digit, decade)| (f64::from(digit) * 10f64.powi(decade), digit, decade))
        .filter(|(value, ..)| (low..=high).contains(&value.log10()))
        .map(|(value, digit, decade)| Tick { value, label: power_label(digit, decade, plain) })
        .collect();
    if between.len() >= 3 { between } else { linear(10f64.powf(low), 10f64.powf(high), count) }
}

/// `0.02`, or `2·10⁻⁶` where the axis has numbers that would be long.
fn power_label(digit: i32, decade: i32, plain: bool) -> String {
    if plain {
        let decimals = (-decade).max(0) as usize;
        return shorten(&format!("{:.decimals$}", f64::from(digit) * 10f64.powi(decade))).to_owned();
    }
    if decade == 0 {
        return digit.to_string();
    }
    let exponent: String = decade.to_string().chars().map(superscript).collect();
    if digit == 1 { format!("10{exponent}") } else { format!("{digit}·10{exponent}") }
}

fn superscript(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' => '⁰',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, count: usize) -> Vec<String> {
        ticks(scale, count).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_equally_precise() {
        assert_eq!(labels(Scale::Linear(0.83, 1.01), 5), ["0.85", "0.90", "0.95", "1.00"]);
        assert_eq!(labels(Scale::Linear(-0.5, 0.5), 4), ["−0.5", "0.0", "0.5"]);
        assert_eq!(
            labels(Scale::Linear(0.0, 4000.0), 8),
            ["0", "500", "1000", "1500", "2000", "2500", "3000", "3500", "4000"]
        );
        assert_eq!(labels(Scale::Linear(0.0, 2e-6), 2), ["0", "1e-6", "2e-6"]);
        assert_eq!(labels(Scale::Linear(0.0, 2.5e30), 2), ["0", "2e30"]);
    }

    #[test]
    fn log_ticks_are_powers_of_ten() {
        assert_eq!(labels(Scale::Log(-2.0, 1.0), 7), ["0.01", "0.1", "1", "10"]);
        assert_eq!(labels(Scale::Log(-6.2, -0.9), 9), ["10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]);
        assert_eq!(labels(Scale::Log(-6.2, 6.1), 7), ["10⁻⁶", "10⁻⁴", "10⁻²", "1", "10²", "10⁴", "10⁶"]);
        assert_eq!(labels(Scale::Log(-1.1, -0.2), 7), ["0.1", "0.2", "0.5"]);
        assert_eq!(labels(Scale::Log(-5.4, -4.6), 7), ["5·10⁻⁶", "10⁻⁵", "2·10⁻⁵"]);
    }

    #[test]
    fn a_narrow_log_range_has_even_steps() {
        assert_eq!(labels(Scale::Log(0.31, 0.39), 3), ["2.2", "2.4"]);
    }

    #[test]
    fn zero_reads_none() {
        let scale = Scale::lambda([0.0, 1e-3, 1e-1].into_iter());
        assert_eq!(labels(scale, 9), ["none", "0.001", "0.01", "0.1"]);
    }
}
