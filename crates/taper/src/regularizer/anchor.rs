//! Where weights are drawn to.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The weights w₀ that a penalty takes as its zero: every term is then of w - w₀ in the place of w.
///
/// `l2` with an anchor is λΣ(w - w₀)², L2-SP (Li, Grandvalet and Davoine 2018), for fine-tuning what was trained elsewhere. With a
/// factor for each weight it is elastic weight consolidation (Kirkpatrick et al. 2017): ½ λ Σ F (w - w₀)² is `l2 = λ / 2` with
/// [`factors`](crate::Regularizer::factors) F.
///
/// In a file: `anchor = "start"`, or a list of as many numbers as the parameter has.
#[derive(Debug, Clone, PartialEq)]
pub enum Anchor {
    /// The weights that the training begins with. Before any training it is the weights themselves, and the penalty 0.
    Start,
    /// These, row-major.
    At(Vec<f32>),
}

impl Serialize for Anchor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Start => serializer.serialize_str("start"),
            Self::At(weights) => weights.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Anchor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) if word == "start" => Ok(Self::Start),
            Value::String(word) => {
                Err(serde::de::Error::custom(format!("unknown variant `{word}`, expected one of `start`")))
            }
            value => crate::spelling::read_inner(value).map(Self::At),
        }
    }
}
