//! Learning rates that change with the step.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::Complaints;
use crate::spelling;

/// A learning rate: a number, or a schedule over steps (batches). Names and formulas are Keras's.
///
/// | name | rate at step t, counting from 0 |
/// |---|---|
/// | a number | itself |
/// | `exponential_decay` | initial · rate^(t / decay_steps), the exponent rounded down if `staircase` |
/// | `inverse_time_decay` | initial / (1 + rate · t / decay_steps), likewise |
/// | `piecewise_constant_decay` | `values[i]`, i = how many `boundaries` are below t |
/// | `cosine_decay` | linear warm-up to `warmup_target`, then half a cosine down to alpha · peak |
/// | `polynomial_decay` | (initial - end)(1 - t / decay_steps)^power + end |
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
#[allow(missing_docs)] // the table above
pub enum LearningRate {
    Constant(f64),
    Schedule(Schedule),
}

/// A learning-rate schedule; see [`LearningRate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // the table above
pub enum Schedule {
    ExponentialDecay {
        /// The rate at step 0, at least 0.
        initial_learning_rate: f64,
        /// Over how many steps it decays, above 0.
        decay_steps: f64,
        /// The factor (divisor) of `decay_steps` steps.
        decay_rate: f64,
        /// Whether it falls only every `decay_steps` steps.
        #[serde(default)]
        staircase: bool,
    },
    InverseTimeDecay {
        /// The rate at step 0, at least 0.
        initial_learning_rate: f64,
        /// Over how many steps it decays, above 0.
        decay_steps: f64,
        /// The factor (divisor) of `decay_steps` steps.
        decay_rate: f64,
        /// Whether it falls only every `decay_steps` steps.
        #[serde(default)]
        staircase: bool,
    },
    PiecewiseConstantDecay {
        /// The last step of each value but the last; rising.
        boundaries: Vec<u64>,
        /// The rates, one more than there are boundaries.
        values: Vec<f64>,
    },
    CosineDecay {
        /// The rate at step 0, at least 0.
        initial_learning_rate: f64,
        /// Over how many steps it decays, above 0.
        decay_steps: f64,
        /// The rate at the end, as a share of the peak, at least 0.
        #[serde(default)]
        alpha: f64,
        /// The peak that a linear warm-up ends at. Default: no warm-up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warmup_target: Option<f64>,
        /// Steps of the warm-up, at least 0.
        #[serde(default)]
        warmup_steps: f64,
    },
    PolynomialDecay {
        /// The rate at step 0, at least 0.
        initial_learning_rate: f64,
        /// Over how many steps it decays, above 0.
        decay_steps: f64,
        /// The rate at the end, at least 0.
        #[serde(default = "end")]
        end_learning_rate: f64,
        /// The exponent: 1 is a straight line.
        #[serde(default = "one")]
        power: f64,
        /// Whether it begins anew after `decay_steps` steps, over more of them each time.
        #[serde(default)]
        cycle: bool,
    },
}

fn end() -> f64 {
    1e-4
}
fn one() -> f64 {
    1.0
}

impl LearningRate {
    /// The rate of this step, counting from 0.
    #[must_use]
    pub fn at(&self, step: u64) -> f64 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Schedule(schedule) => schedule.at(step),
        }
    }

    /// The largest rate of all steps: what the shape of a schedule is relative to.
    pub(crate) fn peak(&self) -> f64 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Schedule(schedule) => schedule.peak(),
        }
    }

    /// The steps at which the rate bends. Between two of them it stays as it is or changes in one direction, unless it
    /// [cycles](Self::cycles).
    pub(crate) fn turns(&self) -> Vec<u64> {
        match self {
            Self::Constant(_) => vec![],
            Self::Schedule(schedule) => schedule.turns(),
        }
    }

    /// Whether it rises and falls again and again.
    pub(crate) fn cycles(&self) -> bool {
        match self {
            Self::Schedule(Schedule::PolynomialDecay { cycle, .. }) => *cycle,
            Self::Constant(_)
            | Self::Schedule(
                Schedule::ExponentialDecay { .. }
                | Schedule::InverseTimeDecay { .. }
                | Schedule::PiecewiseConstantDecay { .. }
                | Schedule::CosineDecay { .. },
            ) => false,
        }
    }

    pub(crate) fn validate(&self, place: &str, complaints: &mut Complaints) {
        match self {
            Self::Constant(rate) => {
                complaints.check(rate.is_finite() && *rate >= 0.0, place, "a finite number of at least 0", rate);
            }
            Self::Schedule(schedule) => schedule.validate(place, complaints),
        }
    }
}

impl Schedule {
    fn peak(&self) -> f64 {
        match self {
            Self::ExponentialDecay { initial_learning_rate, .. }
            | Self::InverseTimeDecay { initial_learning_rate, .. } => *initial_learning_rate,
            Self::PiecewiseConstantDecay { values, .. } => values.iter().copied().fold(0.0, f64::max),
            Self::CosineDecay { initial_learning_rate, warmup_target, .. } => {
                warmup_target.unwrap_or(0.0).max(*initial_learning_rate)
            }
            Self::PolynomialDecay { initial_learning_rate, end_learning_rate, .. } => {
                initial_learning_rate.max(*end_learning_rate)
            }
        }
    }

    fn turns(&self) -> Vec<u64> {
        match self {
            Self::ExponentialDecay { .. } | Self::InverseTimeDecay { .. } => vec![],
            Self::PiecewiseConstantDecay { boundaries, .. } => {
                boundaries.iter().map(|boundary| boundary.saturating_add(1)).collect()
            }
            Self::CosineDecay { decay_steps, warmup_target, warmup_steps, .. } => {
                let warmup = warmup_target.map_or(0.0, |_| *warmup_steps);
                vec![warmup.ceil() as u64, (warmup + decay_steps).ceil() as u64]
            }
            // After so many cycles one is little beside the time so far.
            Self::PolynomialDecay { decay_steps, cycle: true, .. } => {
                (1..=1000).map(|cycle| ((f64::from(cycle) * decay_steps) as u64).saturating_add(1)).collect()
            }
            Self::PolynomialDecay { decay_steps, .. } => vec![decay_steps.ceil() as u64],
        }
    }

    fn at(&self, step: u64) -> f64 {
        let t = step as f64;
        let staged = |steps: f64, staircase: bool| if staircase { (t / steps).floor() } else { t / steps };
        match self {
            Self::ExponentialDecay { initial_learning_rate, decay_steps, decay_rate, staircase } => {
                initial_learning_rate * libm::pow(*decay_rate, staged(*decay_steps, *staircase))
            }
            Self::InverseTimeDecay { initial_learning_rate, decay_steps, decay_rate, staircase } => {
                initial_learning_rate / (1.0 + decay_rate * staged(*decay_steps, *staircase))
            }
            Self::PiecewiseConstantDecay { boundaries, values } => {
                let stage = boundaries.partition_point(|boundary| *boundary < step);
                values.get(stage).copied().unwrap_or(0.0)
            }
            Self::CosineDecay { initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps } => {
                let (peak, warmup) = match warmup_target {
                    Some(target) => (*target, *warmup_steps),
                    None => (*initial_learning_rate, 0.0),
                };
                if t < warmup {
                    return initial_learning_rate + (peak - initial_learning_rate) * t / warmup;
                }
                let progress = ((t - warmup) / decay_steps).min(1.0);
                let cosine = 0.5 * (1.0 + libm::cos(std::f64::consts::PI * progress));
                peak * ((1.0 - alpha) * cosine + alpha)
            }
            Self::PolynomialDecay { initial_learning_rate, decay_steps, end_learning_rate, power, cycle } => {
                let steps = if *cycle { decay_steps * (t / decay_steps).ceil().max(1.0) } else { *decay_steps };
                let rest = 1.0 - (t / steps).min(1.0);
                (initial_learning_rate - end_learning_rate) * libm::pow(rest, *power) + end_learning_rate
            }
        }
    }

    fn validate(&self, place: &str, complaints: &mut Complaints) {
        let mut rate = |key: &str, value: f64| {
            let good = value.is_finite() && value >= 0.0;
            complaints.check(good, format!("{place}.{key}"), "a finite number of at least 0", value);
        };
        let steps = match self {
            Self::ExponentialDecay { initial_learning_rate, decay_steps, decay_rate, .. }
            | Self::InverseTimeDecay { initial_learning_rate, decay_steps, decay_rate, .. } => {
                rate("initial_learning_rate", *initial_learning_rate);
                rate("decay_rate", *decay_rate);
                *decay_steps
            }
            Self::PiecewiseConstantDecay { boundaries, values } => {
                values.iter().for_each(|value| rate("values", *value));
                let rises = boundaries.windows(2).all(|pair| pair[0] < pair[1]);
                complaints.check(rises, format!("{place}.boundaries"), "steps that rise", format!("{boundaries:?}"));
                complaints.check(
                    values.len() == boundaries.len() + 1,
                    format!("{place}.values"),
                    "one value more than boundaries",
                    values.len(),
                );
                return;
            }
            Self::CosineDecay { initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps } => {
                rate("initial_learning_rate", *initial_learning_rate);
                rate("alpha", *alpha);
                rate("warmup_target", warmup_target.unwrap_or(0.0));
                rate("warmup_steps", *warmup_steps);
                *decay_steps
            }
            Self::PolynomialDecay { initial_learning_rate, decay_steps, end_learning_rate, power, .. } => {
                rate("initial_learning_rate", *initial_learning_rate);
                rate("end_learning_rate", *end_learning_rate);
                rate("power", *power);
                *decay_steps
            }
        };
        let good = steps.is_finite() && steps > 0.0;
        complaints.check(good, format!("{place}.decay_steps"), "a number above 0", steps);
    }
}

impl From<f64> for LearningRate {
    fn from(rate: f64) -> Self {
        Self::Constant(rate)
    }
}

impl Serialize for LearningRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(rate) => serializer.serialize_f64(*rate),
            Self::Schedule(schedule) => schedule.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for LearningRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) => Ok(Self::Constant(number.as_f64().unwrap_or(f64::NAN))),
            Value::Null => Ok(Self::Constant(f64::NAN)),
            value @ Value::Object(_) => spelling::read_inner(value).map(Self::Schedule),
            other => Err(serde::de::Error::custom(format!("invalid type: {other}, expected a number or a schedule"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values printed by Keras 3.15.
    #[test]
    fn schedules_agree_with_keras() {
        let exponential = Schedule::ExponentialDecay {
            initial_learning_rate: 0.1,
            decay_steps: 10.0,
            decay_rate: 0.5,
            staircase: false,
        };
        assert!((exponential.at(10) - 0.05).abs() < 1e-12);
        let piecewise = Schedule::PiecewiseConstantDecay { boundaries: vec![5, 10], values: vec![1.0, 0.5, 0.1] };
        assert_eq!([4, 5, 6, 10, 11].map(|step| piecewise.at(step)), [1.0, 1.0, 0.5, 0.5, 0.1]);
        let cosine = Schedule::CosineDecay {
            initial_learning_rate: 0.0,
            decay_steps: 100.0,
            alpha: 0.1,
            warmup_target: Some(1.0),
            warmup_steps: 10.0,
        };
        assert!((cosine.at(5) - 0.5).abs() < 1e-12 && (cosine.at(10) - 1.0).abs() < 1e-12);
        assert!((cosine.at(60) - 0.55).abs() < 1e-12 && (cosine.at(1000) - 0.1).abs() < 1e-12);
    }
}
