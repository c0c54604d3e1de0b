//! How weights follow their gradients.

mod schedule;
mod state;

pub use schedule::{LearningRate, Schedule};
pub use state::OptimizerState;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::Complaints;
use crate::spelling;

/// An optimizer: what all of them have, and the settings of its kind. Names, defaults and order of operations are Keras's.
///
/// One step: clip the gradients (which include the penalties'), decay the weights (`w ← w - lr · weight_decay · w`,
/// decoupled, on every trainable parameter), then update.
///
/// In a file: `"adam"`, or a table with everything beside the name, `{ name = "sgd", learning_rate = 0.1, momentum = 0.9 }`.
///
/// # Example
///
/// ```
/// use taper::Optimizer;
///
/// let optimizer = Optimizer::adam().learning_rate(0.01);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    /// The kind and its settings.
    pub kind: OptimizerKind,
    /// The learning rate. Default: 0.01 for SGD, 0.001 for the others.
    pub learning_rate: LearningRate,
    /// Decoupled weight decay. Default: none; 0.004 for AdamW.
    pub weight_decay: f64,
    /// How gradients are bounded. Default: not at all.
    pub clip: Option<Clip>,
}

/// The kinds of optimizers.
///
/// | name | update |
/// |---|---|
/// | `sgd` | w ← w - lr g; with momentum m ← μ m - lr g, w ← w + m (Nesterov: w + μ m - lr g) |
/// | `adam`, `adam_w` | Kingma and Ba 2015; Loshchilov and Hutter 2019. See [`taper_kernels::update::adam`] |
/// | `rmsprop` | v ← ρ v + (1-ρ) g², w ← w - lr g / √(v + ε) |
/// | `adagrad` | v ← v + g², w ← w - lr g / √(v + ε), v from 0.1 |
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // the table above
pub enum OptimizerKind {
    Sgd {
        #[serde(default)]
        momentum: f64,
        #[serde(default)]
        nesterov: bool,
    },
    Adam {
        #[serde(default = "beta_1")]
        beta_1: f64,
        #[serde(default = "beta_2")]
        beta_2: f64,
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    #[serde(alias = "adamw")]
    AdamW {
        #[serde(default = "beta_1")]
        beta_1: f64,
        #[serde(default = "beta_2")]
        beta_2: f64,
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    #[serde(alias = "rms_prop")]
    Rmsprop {
        #[serde(default = "beta_1")]
        rho: f64,
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    Adagrad {
        #[serde(default = "initial_accumulator_value")]
        initial_accumulator_value: f64,
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
}

fn beta_1() -> f64 {
    0.9
}
fn beta_2() -> f64 {
    0.999
}
fn epsilon() -> f64 {
    1e-7
}
fn initial_accumulator_value() -> f64 {
    0.1
}

/// A bound on gradients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    /// Each parameter's gradient is scaled down to at most this L2 norm.
    #[serde(rename = "clipnorm")]
    Norm(f64),
    /// All gradients together are scaled down to at most this L2 norm.
    #[serde(rename = "global_clipnorm")]
    GlobalNorm(f64),
    /// Each number is brought into ± this.
    #[serde(rename = "clipvalue")]
    Value(f64),
}

impl Optimizer {
    /// This kind with Keras's defaults.
    #[must_use]
    pub fn new(kind: OptimizerKind) -> Self {
        let learning_rate = if matches!(kind, OptimizerKind::Sgd { .. }) { 0.01 } else { 0.001 };
        let weight_decay = if matches!(kind, OptimizerKind::AdamW { .. }) { 0.004 } else { 0.0 };
        Self { kind, learning_rate: learning_rate.into(), weight_decay, clip: None }
    }

    /// Adam: β₁ 0.9, β₂ 0.999, ε 1e-7, learning rate 0.001.
    #[must_use]
    pub fn adam() -> Self {
        Self::new(OptimizerKind::Adam { beta_1: beta_1(), beta_2: beta_2(), epsilon: epsilon() })
    }

    /// Adam with decoupled weight decay 0.004.
    #[must_use]
    pub fn adam_w() -> Self {
        Self::new(OptimizerKind::AdamW { beta_1: beta_1(), beta_2: beta_2(), epsilon: epsilon() })
    }

    /// Gradient descent: learning rate 0.01, no momentum.
    #[must_use]
    pub fn sgd() -> Self {
        Self::new(OptimizerKind::Sgd { momentum: 0.0, nesterov: false })
    }

    /// RMSprop: ρ 0.9, ε 1e-7, learning rate 0.001.
    #[must_use]
    pub fn rmsprop() -> Self {
        Self::new(OptimizerKind::Rmsprop { rho: 0.9, epsilon: epsilon() })
    }

    /// Adagrad: accumulator from 0.1, ε 1e-7, learning rate 0.001.
    #[must_use]
    pub fn adagrad() -> Self {
        Self::new(OptimizerKind::Adagrad { initial_accumulator_value: 0.1, epsilon: epsilon() })
    }

    /// With this learning rate or schedule.
    #[must_use]
    pub fn learning_rate(mut self, rate: impl Into<LearningRate>) -> Self {
        self.learning_rate = rate.into();
        self
    }

    /// With this decoupled weight decay.
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// With this bound on gradients.
    #[must_use]
    pub fn clip(mut self, clip: Clip) -> Self {
        self.clip = Some(clip);
        self
    }

    /// Complains about settings outside their ranges; `place` is the key of this optimizer.
    pub(crate) fn validate(&self, place: &str, complaints: &mut Complaints) {
        self.learning_rate.validate(&format!("{place}.learning_rate"), complaints);
        let mut check = |key: &str, good: bool, expected: &str, got: f64| {
            complaints.check(good, format!("{place}.{key}"), expected, got);
        };
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        let share = |x: f64| (0.0..1.0).contains(&x);
        check("weight_decay", not_negative(self.weight_decay), "a finite number of at least 0", self.weight_decay);
        match self.clip {
            Some(Clip::Norm(bound)) => check("clipnorm", bound > 0.0, "a number above 0", bound),
            Some(Clip::GlobalNorm(bound)) => check("global_clipnorm", bound > 0.0, "a number above 0", bound),
            Some(Clip::Value(bound)) => check("clipvalue", bound > 0.0, "a number above 0", bound),
            None => {}
        }
        match self.kind {
            OptimizerKind::Sgd { momentum, .. } => {
                check("momentum", (0.0..=1.0).contains(&momentum), "a number from 0 to 1", momentum);
            }
            OptimizerKind::Adam { beta_1, beta_2, epsilon } | OptimizerKind::AdamW { beta_1, beta_2, epsilon } => {
                check("beta_1", share(beta_1), "a number of at least 0 and below 1", beta_1);
                check("beta_2", share(beta_2), "a number of at least 0 and below 1", beta_2);
                check("epsilon", not_negative(epsilon), "a finite number of at least 0", epsilon);
            }
            OptimizerKind::Rmsprop { rho, epsilon } => {
                check("rho", share(rho), "a number of at least 0 and below 1", rho);
                check("epsilon", not_negative(epsilon), "a finite number of at least 0", epsilon);
            }
            OptimizerKind::Adagrad { initial_accumulator_value, epsilon } => {
                check(
                    "initial_accumulator_value",
                    not_negative(initial_accumulator_value),
                    "a finite number of at least 0",
                    initial_accumulator_value,
                );
                check("epsilon", not_negative(epsilon), "a finite number of at least 0", epsilon);
            }
        }
    }
}

/// The keys that every optimizer has.
const CLIPS: [&str; 3] = ["clipnorm", "global_clipnorm", "clipvalue"];

impl Serialize for Optimizer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let mut map = Map::new();
        for part in [
            serde_json::to_value(self.kind),
            serde_json::to_value(&self.learning_rate).map(|rate| serde_json::json!({ "learning_rate": rate })),
            Ok(serde_json::json!({ "weight_decay": self.weight_decay })),
            serde_json::to_value(self.clip),
        ] {
            if let Value::Object(part) = part.map_err(S::Error::custom)? {
                map.extend(part);
            }
        }
        map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Optimizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = spelling::unfold(Value::deserialize(deserializer)?);
        let mut map = spelling::table::<D::Error>(value)?;
        let mut common = Map::new();
        for key in ["learning_rate", "weight_decay"].iter().chain(&CLIPS) {
            if let Some(value) = map.remove(*key) {
                common.insert((*key).to_owned(), value);
            }
        }
        #[derive(Deserialize)]
        struct Common {
            learning_rate: Option<LearningRate>,
            weight_decay: Option<f64>,
            clipnorm: Option<f64>,
            global_clipnorm: Option<f64>,
            clipvalue: Option<f64>,
        }
        let mut optimizer = Self::new(spelling::read_inner(Value::Object(map))?);
        let common: Common = spelling::read_inner(Value::Object(common))?;
        let clips = [
            common.clipnorm.map(Clip::Norm),
            common.global_clipnorm.map(Clip::GlobalNorm),
            common.clipvalue.map(Clip::Value),
        ];
        if clips.iter().flatten().count() > 1 {
            return Err(spelling::smuggle(
                "",
                format!("invalid value: several, expected at most one of {}", CLIPS.join(", ")),
            ));
        }
        optimizer.clip = clips.into_iter().flatten().next();
        optimizer.learning_rate = common.learning_rate.unwrap_or(optimizer.learning_rate);
        optimizer.weight_decay = common.weight_decay.unwrap_or(optimizer.weight_decay);
        Ok(optimizer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> crate::Result<Optimizer> {
        spelling::read(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn names_defaults_and_round_trips() {
        assert_eq!(read(r#""adam""#).unwrap(), Optimizer::adam());
        assert_eq!(read(r#""adamw""#).unwrap(), Optimizer::adam_w());
        let sgd = Optimizer::new(OptimizerKind::Sgd { momentum: 0.9, nesterov: true }).clip(Clip::GlobalNorm(1.0));
        assert_eq!(read(&serde_json::to_string(&sgd).unwrap()).unwrap(), sgd);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(read(r#""adamm""#).unwrap_err().to_string().contains("did you mean `adam`?"));
        assert!(read(r#"{"name": "sgd", "beta_1": 1}"#).unwrap_err().to_string().contains("momentum"));
        assert!(read(r#"{"name": "sgd", "clipnorm": 1, "clipvalue": 1}"#).is_err());
        for wrong in [
            Optimizer::adam().learning_rate(-1.0),
            Optimizer::adam().learning_rate(f64::NAN),
            Optimizer::adam().weight_decay(-1.0),
            Optimizer::adam().clip(Clip::Value(0.0)),
        ] {
            let mut complaints = Complaints::new();
            wrong.validate("optimizer", &mut complaints);
            assert!(complaints.finish().is_err());
        }
    }
}
