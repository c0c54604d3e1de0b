//! How strong a penalty is, epoch by epoch.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::spelling;
use crate::{Complaint, Complaints};

/// A penalty's λ: a number, or a schedule over epochs. Wherever a λ is written, either may stand.
///
/// ```toml
/// kernel_regularizer = { l2 = 0.001 }
/// # Neural Smithing's staged schedule (Reed and Marks 1999): nothing at first, then stronger and stronger.
/// kernel_regularizer = { l2 = { name = "piecewise", starts = [0, 1200, 2500, 4000], values = [0.0, 1e-5, 1e-4, 1e-3] } }
/// kernel_regularizer = { l2 = { name = "linear", from = 0.0, to = 1e-3, epochs = 1000 } }
/// # λ that is steered until nine weights of ten are 0, or until the norm is 2.
/// kernel_regularizer = { mode = "proximal", l1 = { name = "target_sparsity", target = 0.9, from = 1e-4 } }
/// kernel_regularizer = { l2 = { name = "target_norm", target = 2.0, from = 1e-4 } }
/// ```
///
/// A steered λ is multiplied after each epoch by e^(gain · error), with error = target - (share of exact zeros in the parameter),
/// or error = ‖w‖₂ / target - 1 brought into ±1. The default gain, 0.01, changes λ by at most 1% in an epoch: the weights need
/// time to follow, and units that a strong λ has emptied come back slowly or never, so a gain that is too large for the number of
/// steps in an epoch overshoots. The λ of each epoch is in the history, as `lambda/PATH/TERM`.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(tag = "name", rename_all = "snake_case"))]
pub enum Strength {
    /// λ = `values[i]` from epoch `starts[i]` on. `starts` rises from 0.
    Piecewise {
        /// The first epoch of each stage, counting from 0.
        starts: Vec<usize>,
        /// λ in each stage.
        values: Vec<f64>,
    },
    /// A straight line from `from` to `to` over the first `epochs` epochs, then `to`.
    Linear {
        /// λ in epoch 0.
        from: f64,
        /// λ from epoch `epochs` on.
        to: f64,
        /// Length of the ramp in epochs, at least 1.
        epochs: usize,
    },
    /// Half a cosine from `from` to `to` over the first `epochs` epochs, then `to`.
    Cosine {
        /// λ in epoch 0.
        from: f64,
        /// λ from epoch `epochs` on.
        to: f64,
        /// Length of the ramp in epochs, at least 1.
        epochs: usize,
    },
    /// λ is steered until this share of the parameter's weights is exactly 0. Only for proximal penalties.
    TargetSparsity {
        /// The share of zeros, above 0 and below 1.
        target: f64,
        /// λ in epoch 0, above 0. Default: 1e-4.
        #[cfg_attr(feature = "schema", schemars(default = "from"))]
        from: f64,
        /// How fast λ follows, above 0 and at most 1. Default: 0.01.
        #[cfg_attr(feature = "schema", schemars(default = "gain"))]
        gain: f64,
    },
    /// λ is steered until the parameter's L2 norm is this.
    TargetNorm {
        /// The norm, above 0.
        target: f64,
        /// λ in epoch 0, above 0. Default: 1e-4.
        #[cfg_attr(feature = "schema", schemars(default = "from"))]
        from: f64,
        /// How fast λ follows, above 0 and at most 1. Default: 0.01.
        #[cfg_attr(feature = "schema", schemars(default = "gain"))]
        gain: f64,
    },
    /// The same λ in every epoch.
    #[cfg_attr(feature = "schema", schemars(untagged))]
    Constant(f64),
}

/// What a steered λ may be multiplied by in all.
const MOST_STEER: f64 = 1e12;

impl Strength {
    /// Whether λ follows the weights, not the epochs alone.
    #[must_use]
    pub fn is_steered(&self) -> bool {
        matches!(self, Self::TargetSparsity { .. } | Self::TargetNorm { .. })
    }

    /// Whether λ is steered towards weights that are exactly 0.
    pub(crate) fn wants_zeros(&self) -> bool {
        matches!(self, Self::TargetSparsity { .. })
    }

    /// What λ has been multiplied by, after one epoch more that left this share of zeros and this norm.
    pub(crate) fn steer(&self, so_far: f64, sparsity: f64, norm: f64) -> f64 {
        let change = match self {
            Self::TargetSparsity { target, gain, .. } => gain * (target - sparsity),
            Self::TargetNorm { target, gain, .. } => gain * (norm / target - 1.0).clamp(-1.0, 1.0),
            Self::Constant(_) | Self::Piecewise { .. } | Self::Linear { .. } | Self::Cosine { .. } => return 1.0,
        };
        (so_far * libm::exp(change)).clamp(1.0 / MOST_STEER, MOST_STEER)
    }

    /// λ in force in this epoch, counting from 0. A steered λ begins here and is multiplied by what has been made of it.
    #[must_use]
    #[inline]
    pub fn at(&self, epoch: usize) -> f64 {
        // Asked for every term of every penalty at every step, and hardly ever anything else.
        if let Self::Constant(value) = self { *value } else { self.scheduled(epoch) }
    }

    fn scheduled(&self, epoch: usize) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Piecewise { starts, values } => {
                let stage = starts.partition_point(|start| *start <= epoch);
                values.get(stage.wrapping_sub(1)).copied().unwrap_or(0.0)
            }
            Self::Linear { from, to, epochs } => from + (to - from) * progress(epoch, *epochs),
            Self::Cosine { from, to, epochs } => {
                from + (to - from) * 0.5 * (1.0 - libm::cos(std::f64::consts::PI * progress(epoch, *epochs)))
            }
            Self::TargetSparsity { from, .. } | Self::TargetNorm { from, .. } => *from,
        }
    }

    /// Whether λ is 0 in every epoch.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Constant(value) => *value == 0.0,
            Self::Piecewise { values, .. } => values.iter().all(|value| *value == 0.0),
            Self::Linear { from, to, .. } | Self::Cosine { from, to, .. } => *from == 0.0 && *to == 0.0,
            Self::TargetSparsity { .. } | Self::TargetNorm { .. } => false,
        }
    }

    /// The epochs at which λ bends. Between two of them it stays as it is or changes in one direction.
    pub(crate) fn turns(&self) -> Vec<usize> {
        match self {
            Self::Constant(_) | Self::TargetSparsity { .. } | Self::TargetNorm { .. } => vec![],
            Self::Piecewise { starts, .. } => starts.clone(),
            Self::Linear { epochs, .. } | Self::Cosine { epochs, .. } => vec![*epochs],
        }
    }

    /// Every λ that the schedule names.
    pub(crate) fn values(&self) -> Vec<f64> {
        match self {
            Self::Constant(value) => vec![*value],
            Self::Piecewise { values, .. } => values.clone(),
            Self::Linear { from, to, .. } | Self::Cosine { from, to, .. } => vec![*from, *to],
            Self::TargetSparsity { from, .. } | Self::TargetNorm { from, .. } => vec![*from],
        }
    }

    /// Complains about every λ that is negative, not finite, or too large for `f32`, and about a schedule that is no schedule.
    pub(crate) fn validate(&self, place: &str, complaints: &mut Complaints) {
        for value in self.values() {
            complaints.check(
                value >= 0.0 && value <= f64::from(f32::MAX),
                place,
                "a finite number of at least 0",
                value,
            );
        }
        match self {
            Self::Piecewise { starts, values } => {
                let rises = starts.first() == Some(&0) && starts.windows(2).all(|pair| pair[0] < pair[1]);
                complaints.check(rises, place, "starts that rise from 0", format!("{starts:?}"));
                complaints.check(
                    starts.len() == values.len(),
                    place,
                    "as many values as starts",
                    format!("{} values for {} starts", values.len(), starts.len()),
                );
            }
            Self::Linear { epochs, .. } | Self::Cosine { epochs, .. } => {
                complaints.check(*epochs > 0, place, "a ramp of at least 1 epoch", epochs);
            }
            Self::TargetSparsity { target, from, gain } | Self::TargetNorm { target, from, gain } => {
                let (good, expected) = match self {
                    Self::TargetSparsity { .. } => (*target > 0.0 && *target < 1.0, "a share above 0 and below 1"),
                    _ => (target.is_finite() && *target > 0.0, "a finite number above 0"),
                };
                complaints.check(good, format!("{place}.target"), expected, target);
                complaints.check(*from > 0.0, format!("{place}.from"), "a λ above 0, because it is multiplied", from);
                let good = *gain > 0.0 && *gain <= 1.0;
                complaints.check(good, format!("{place}.gain"), "a number above 0 and at most 1", gain);
            }
            Self::Constant(_) => {}
        }
    }
}

fn progress(epoch: usize, epochs: usize) -> f64 {
    (epoch as f64 / epochs.max(1) as f64).min(1.0)
}

impl Default for Strength {
    fn default() -> Self {
        Self::Constant(0.0)
    }
}

impl From<f64> for Strength {
    fn from(value: f64) -> Self {
        Self::Constant(value)
    }
}

/// The tabular spelling; a plain number is [`Strength::Constant`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
enum Table {
    Piecewise {
        starts: Vec<usize>,
        values: Vec<f64>,
    },
    Linear {
        from: f64,
        to: f64,
        epochs: usize,
    },
    Cosine {
        from: f64,
        to: f64,
        epochs: usize,
    },
    TargetSparsity {
        target: f64,
        #[serde(default = "from")]
        from: f64,
        #[serde(default = "gain")]
        gain: f64,
    },
    TargetNorm {
        target: f64,
        #[serde(default = "from")]
        from: f64,
        #[serde(default = "gain")]
        gain: f64,
    },
}

fn from() -> f64 {
    1e-4
}
fn gain() -> f64 {
    0.01
}

impl Serialize for Strength {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = match self.clone() {
            Self::Constant(value) => return serializer.serialize_f64(value),
            Self::Piecewise { starts, values } => Table::Piecewise { starts, values },
            Self::Linear { from, to, epochs } => Table::Linear { from, to, epochs },
            Self::Cosine { from, to, epochs } => Table::Cosine { from, to, epochs },
            Self::TargetSparsity { target, from, gain } => Table::TargetSparsity { target, from, gain },
            Self::TargetNorm { target, from, gain } => Table::TargetNorm { target, from, gain },
        };
        table.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Strength {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match spelling::unfold(Value::deserialize(deserializer)?) {
            Value::Number(number) => Ok(Self::Constant(number.as_f64().unwrap_or(f64::NAN))),
            // JSON has no word for a number that is not finite.
            Value::Null => Ok(Self::Constant(f64::NAN)),
            value @ Value::Object(_) => Ok(match spelling::read_inner::<Table, D::Error>(value)? {
                Table::Piecewise { starts, values } => Self::Piecewise { starts, values },
                Table::Linear { from, to, epochs } => Self::Linear { from, to, epochs },
                Table::Cosine { from, to, epochs } => Self::Cosine { from, to, epochs },
                Table::TargetSparsity { target, from, gain } => Self::TargetSparsity { target, from, gain },
                Table::TargetNorm { target, from, gain } => Self::TargetNorm { target, from, gain },
            }),
            other => Err(serde::de::Error::custom(format!("invalid type: {other}, expected a number or a schedule"))),
        }
    }
}

/// A complaint about λ, used where a λ comes without a regularizer around it (a grid, say).
pub(crate) fn check_lambda(place: &str, value: f64) -> Option<Complaint> {
    let mut complaints = Complaints::new();
    Strength::Constant(value).validate(place, &mut complaints);
    complaints.finish().err().and_then(|error| error.complaints().first().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_staged_schedule_of_neural_smithing() {
        let schedule = Strength::Piecewise { starts: vec![0, 1200, 2500, 4000], values: vec![0.0, 1e-5, 1e-4, 1e-3] };
        let at: Vec<f64> = [0, 1199, 1200, 2499, 2500, 4000, 9000].iter().map(|epoch| schedule.at(*epoch)).collect();
        assert_eq!(at, [0.0, 0.0, 1e-5, 1e-5, 1e-4, 1e-3, 1e-3]);
    }

    #[test]
    fn ramps_begin_and_end_where_they_say() {
        for ramp in
            [Strength::Linear { from: 1.0, to: 3.0, epochs: 10 }, Strength::Cosine { from: 1.0, to: 3.0, epochs: 10 }]
        {
            assert_eq!((ramp.at(0), ramp.at(10), ramp.at(99)), (1.0, 3.0, 3.0));
            assert!((ramp.at(5) - 2.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_steered_strength_follows_its_error() {
        let zeros = Strength::TargetSparsity { target: 0.9, from: 1e-3, gain: 0.1 };
        assert!((zeros.steer(2.0, 0.4, 7.0) - 2.0 * 0.05f64.exp()).abs() < 1e-12);
        assert_eq!(zeros.steer(2.0, 0.9, 7.0), 2.0);
        let norm = Strength::TargetNorm { target: 2.0, from: 1e-3, gain: 0.1 };
        assert!((norm.steer(1.0, 0.0, 1.0) - (-0.05f64).exp()).abs() < 1e-12);
        assert!((norm.steer(1.0, 0.0, 1e9) - 0.1f64.exp()).abs() < 1e-12);
        assert_eq!(Strength::Constant(3.0).steer(1.0, 0.0, 9.0), 1.0);
    }

    #[test]
    fn a_number_or_a_table() {
        let read = |text: &str| serde_json::from_str::<Strength>(text).unwrap();
        assert_eq!(read("0.5"), Strength::Constant(0.5));
        let ramp = Strength::Linear { from: 0.0, to: 1.0, epochs: 3 };
        assert_eq!(read(&serde_json::to_string(&ramp).unwrap()), ramp);
        let zeros = Strength::TargetSparsity { target: 0.9, from: 1e-4, gain: 0.01 };
        assert_eq!(read(r#"{"name": "target_sparsity", "target": 0.9}"#), zeros);
        assert_eq!(read(&serde_json::to_string(&zeros).unwrap()), zeros);
    }

    #[test]
    fn wrong_strengths_are_refused() {
        for wrong in [
            Strength::Constant(-1.0),
            Strength::Constant(f64::NAN),
            Strength::Constant(f64::INFINITY),
            Strength::Constant(1e39),
            Strength::Piecewise { starts: vec![5, 2], values: vec![0.0, 1.0] },
            Strength::Piecewise { starts: vec![0], values: vec![] },
            Strength::Linear { from: 0.0, to: 1.0, epochs: 0 },
            Strength::TargetSparsity { target: 1.0, from: 1e-4, gain: 0.05 },
            Strength::TargetNorm { target: 1.0, from: 0.0, gain: 0.05 },
            Strength::TargetNorm { target: 1.0, from: 1e-4, gain: 2.0 },
        ] {
            let mut complaints = Complaints::new();
            wrong.validate("l2", &mut complaints);
            assert!(complaints.finish().is_err(), "{wrong:?}");
        }
    }
}
