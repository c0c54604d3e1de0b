//! A metric under a name of one's own.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::Metric;
use crate::spelling;

/// A metric as it is reported: what it is, and the name it goes by.
///
/// In a file: the metric's name or table, with a `label` beside its settings: `"accuracy"`,
/// `{ name = "binary_accuracy", threshold = 0.0, label = "positive" }`.
///
/// # Example
///
/// ```
/// use taper::{Metric, MetricSpec};
///
/// let metric = MetricSpec::from(Metric::BinaryAccuracy { threshold: 0.0 }).label("positive");
/// assert_eq!(metric.name(), "positive");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSpec {
    /// What is computed.
    pub metric: Metric,
    /// Its name in histories. Default: the metric's own.
    pub label: Option<String>,
}

impl MetricSpec {
    /// The same metric under this name.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Its name in histories, as long as no other has it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or(self.metric.name())
    }
}

impl From<Metric> for MetricSpec {
    fn from(metric: Metric) -> Self {
        Self { metric, label: None }
    }
}

impl Serialize for MetricSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let Some(label) = &self.label else { return self.metric.serialize(serializer) };
        let mut table = spelling::unfold(serde_json::to_value(self.metric).map_err(S::Error::custom)?);
        if let Value::Object(map) = &mut table {
            map.insert("label".to_owned(), label.as_str().into());
        }
        table.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MetricSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = spelling::unfold(Value::deserialize(deserializer)?);
        let label = match &mut table {
            Value::Object(map) => map.remove("label"),
            _ => None,
        };
        let label = label.map(spelling::read_inner).transpose()?;
        Ok(Self { metric: spelling::read_inner(table)?, label })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stands_beside_the_settings() {
        let text = r#"{"label":"wacc","name":"binary_accuracy","threshold":0.0}"#;
        let spec: MetricSpec = serde_json::from_str(text).unwrap();
        assert_eq!(spec, MetricSpec::from(Metric::BinaryAccuracy { threshold: 0.0 }).label("wacc"));
        assert_eq!(serde_json::to_string(&spec).unwrap(), text);
        assert_eq!(serde_json::from_str::<MetricSpec>(r#""mse""#).unwrap(), Metric::Mse.into());
        assert_eq!(serde_json::to_string(&MetricSpec::from(Metric::Mse)).unwrap(), r#""mse""#);
        assert!(serde_json::from_str::<MetricSpec>(r#"{"name": "mse", "labl": "x"}"#).is_err());
    }
}
