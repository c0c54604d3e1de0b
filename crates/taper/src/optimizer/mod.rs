//! How weights follow their gradients.

mod kind;
mod own_step;
mod schedule;
mod state;

pub use kind::OptimizerKind;
pub use schedule::{LearningRate, Schedule};
pub(crate) use state::Beside;
pub use state::OptimizerState;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::param::Params;
use crate::pattern::means;
use crate::regularizer::PenaltyMode;
use crate::spelling;
use crate::{Complaint, Complaints};

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
    /// Parameters that do not decay. A pattern with a `/` is compared with the whole path (`dense/bias`), one without with the
    /// layer's name and with the parameter's (`bias`); `*` stands for anything. Default: none.
    pub exclude_from_weight_decay: Vec<String>,
    /// Whether a moving average of the weights is kept, which they become when training ends. Default: no.
    pub use_ema: bool,
    /// How much of the average stays after a step. Default: 0.99.
    pub ema_momentum: f64,
    /// After how many updates the weights become their average each time. Default: only when training ends.
    pub ema_overwrite_frequency: Option<u64>,
    /// How many batches' gradients are averaged for one update, at least 2. A learning-rate schedule still counts batches.
    /// Default: every batch is an update.
    pub gradient_accumulation_steps: Option<u64>,
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
        let (learning_rate, weight_decay) = kind.rate_and_decay();
        Self {
            kind,
            learning_rate: learning_rate.into(),
            weight_decay,
            clip: None,
            exclude_from_weight_decay: vec![],
            use_ema: false,
            ema_momentum: EMA_MOMENTUM,
            ema_overwrite_frequency: None,
            gradient_accumulation_steps: None,
        }
    }

    /// Adam: β₁ 0.9, β₂ 0.999, ε 1e-7, learning rate 0.001.
    #[must_use]
    pub fn adam() -> Self {
        Self::new(OptimizerKind::ADAM)
    }

    /// Adam with decoupled weight decay 0.004.
    #[must_use]
    pub fn adam_w() -> Self {
        Self::new(OptimizerKind::ADAM_W)
    }

    /// Gradient descent: learning rate 0.01, no momentum.
    #[must_use]
    pub fn sgd() -> Self {
        Self::new(OptimizerKind::SGD)
    }

    /// RMSprop: ρ 0.9, ε 1e-7, learning rate 0.001.
    #[must_use]
    pub fn rmsprop() -> Self {
        Self::new(OptimizerKind::RMSPROP)
    }

    /// Adagrad: accumulator from 0.1, ε 1e-7, learning rate 0.001.
    #[must_use]
    pub fn adagrad() -> Self {
        Self::new(OptimizerKind::ADAGRAD)
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

    /// Of each slot, whether its weights decay.
    ///
    /// # Errors
    ///
    /// A pattern that means no parameter of the model.
    pub(crate) fn decays(&self, params: &Params) -> crate::Result<Vec<bool>> {
        let paths: Vec<&str> = params.slots().iter().map(|slot| slot.path.as_str()).collect();
        let mut complaints = Complaints::new();
        for (i, pattern) in self.exclude_from_weight_decay.iter().enumerate() {
            if !paths.iter().any(|path| means(pattern, path)) {
                let place = format!("optimizer.exclude_from_weight_decay[{i}]");
                let expected = format!("a pattern for some of {}", crate::table::list(&paths));
                complaints.push(Complaint::new(place, expected, format!("`{pattern}`")));
            }
        }
        complaints.finish()?;
        let excluded = |path: &&str| self.exclude_from_weight_decay.iter().any(|pattern| means(pattern, path));
        Ok(paths.iter().map(|path| !excluded(path)).collect())
    }

    /// Complains about penalties that have no proximal map for this optimizer's steps, in the names of their parameters.
    pub(crate) fn check_proximal(&self, params: &Params) -> crate::Result<()> {
        let same_step = self.kind.moves_all_alike();
        let endless = self.kind.momentum().is_some_and(|momentum| momentum >= 1.0);
        let mut complaints = Complaints::new();
        for slot in params.slots() {
            slot.check_proximal(same_step, &mut complaints);
            if endless && slot.has_mode(PenaltyMode::Proximal) {
                complaints.push(Complaint::new(
                    &slot.path,
                    "with a proximal penalty, a momentum below 1",
                    "1, with which no step has an end",
                ));
            }
        }
        complaints.finish()
    }

    /// Complains about settings outside their ranges; `place` is the key of this optimizer.
    pub(crate) fn validate(&self, place: &str, complaints: &mut Complaints) {
        self.learning_rate.validate(&format!("{place}.learning_rate"), complaints);
        let mut check = |key: &str, good: bool, expected: &str, got: f64| {
            complaints.check(good, format!("{place}.{key}"), expected, got);
        };
        let not_negative = |x: f64| x.is_finite() && x >= 0.0;
        check("weight_decay", not_negative(self.weight_decay), "a finite number of at least 0", self.weight_decay);
        match self.clip {
            Some(Clip::Norm(bound)) => check("clipnorm", bound > 0.0, "a number above 0", bound),
            Some(Clip::GlobalNorm(bound)) => check("global_clipnorm", bound > 0.0, "a number above 0", bound),
            Some(Clip::Value(bound)) => check("clipvalue", bound > 0.0, "a number above 0", bound),
            None => {}
        }
        let momentum = self.ema_momentum;
        check("ema_momentum", (0.0..=1.0).contains(&momentum), "a number from 0 to 1", momentum);
        if let Some(every) = self.ema_overwrite_frequency {
            check("ema_overwrite_frequency", every > 0, "a whole number of at least 1", every as f64);
        }
        if let Some(every) = self.gradient_accumulation_steps {
            check("gradient_accumulation_steps", every > 1, "a whole number of at least 2", every as f64);
        }
        self.kind.validate(check);
    }
}

/// The default of `ema_momentum`.
const EMA_MOMENTUM: f64 = 0.99;

/// The keys that bound gradients.
const CLIPS: [&str; 3] = ["clipnorm", "global_clipnorm", "clipvalue"];

/// The keys of an optimizer that are seldom written.
#[derive(Serialize, Deserialize)]
struct Rest {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exclude_from_weight_decay: Vec<String>,
    #[serde(default, skip_serializing_if = "spelling::is_default")]
    use_ema: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ema_momentum: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ema_overwrite_frequency: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gradient_accumulation_steps: Option<u64>,
}

impl Rest {
    const KEYS: [&str; 5] = [
        "exclude_from_weight_decay",
        "use_ema",
        "ema_momentum",
        "ema_overwrite_frequency",
        "gradient_accumulation_steps",
    ];

    fn of(optimizer: &Optimizer) -> Self {
        Self {
            exclude_from_weight_decay: optimizer.exclude_from_weight_decay.clone(),
            use_ema: optimizer.use_ema,
            ema_momentum: Some(optimizer.ema_momentum).filter(|momentum| *momentum != EMA_MOMENTUM),
            ema_overwrite_frequency: optimizer.ema_overwrite_frequency,
            gradient_accumulation_steps: optimizer.gradient_accumulation_steps,
        }
    }

    fn put(self, optimizer: &mut Optimizer) {
        optimizer.exclude_from_weight_decay = self.exclude_from_weight_decay;
        optimizer.use_ema = self.use_ema;
        optimizer.ema_momentum = self.ema_momentum.unwrap_or(EMA_MOMENTUM);
        optimizer.ema_overwrite_frequency = self.ema_overwrite_frequency;
        optimizer.gradient_accumulation_steps = self.gradient_accumulation_steps;
    }
}

impl Serialize for Optimizer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let mut map = Map::new();
        for part in [
            serde_json::to_value(self.kind),
            serde_json::to_value(&self.learning_rate).map(|rate| serde_json::json!({ "learning_rate": rate })),
            Ok(serde_json::json!({ "weight_decay": self.weight_decay })),
            serde_json::to_value(self.clip),
            serde_json::to_value(Rest::of(self)),
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
        let mut rest = Map::new();
        for key in Rest::KEYS {
            if let Some(value) = map.remove(key) {
                rest.insert(key.to_owned(), value);
            }
        }
        let rest: Rest = spelling::read_inner(Value::Object(rest))?;
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
        rest.put(&mut optimizer);
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
    fn the_seldom_written_keys_survive_too() {
        let text = r#"{"name": "lion", "weight_decay": 0.1, "exclude_from_weight_decay": ["bias"], "use_ema": true,
            "ema_momentum": 0.5, "ema_overwrite_frequency": 3, "gradient_accumulation_steps": 4}"#;
        let lion = read(text).unwrap();
        assert_eq!((lion.use_ema, lion.ema_momentum, lion.gradient_accumulation_steps), (true, 0.5, Some(4)));
        assert_eq!(read(&serde_json::to_string(&lion).unwrap()).unwrap(), lion);
        assert!(read(r#"{"name": "sgd", "use_ema": 3}"#).unwrap_err().to_string().contains("use_ema"));
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
