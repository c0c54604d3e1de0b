//! How a Keras model was compiled, each setting by itself: one that is not understood leaves the others known.

use serde_json::{Map, Value, json};
use taper::{Complaint, FitConfig, Optimizer, Result};

use super::class::brief;
use super::generation::Generation;
use super::{compile, legacy};

/// How a model was compiled, as far as it is understood here. Only training needs it.
#[derive(Debug, Clone, Default)]
pub struct CompileSettings {
    /// In Taper's spelling: `loss`, `optimizer`, `metrics`, `weighted_metrics`.
    known: Map<String, Value>,
    /// What is not understood, and the setting that it is about.
    obstacles: Vec<(String, Complaint)>,
}

/// What stands for a setting that is replaced.
const REPLACED: &[(&str, &[&str])] = &[
    ("loss", &["loss", "loss_weights"]),
    ("optimizer", &["optimizer"]),
    ("metrics", &["metrics", "weighted_metrics"]),
];

impl CompileSettings {
    /// Reads a `compile_config`, or a `training_config` of Keras 2.
    pub(super) fn read(value: Value, generation: Generation) -> Self {
        let mut this = Self::default();
        let mut config = match value {
            Value::Null => return this,
            Value::Object(config) => config,
            other => {
                this.obstacles.push(("".to_owned(), Complaint::new("", "settings", brief(&other))));
                return this;
            }
        };
        let mut take = |key: &str| config.remove(key).unwrap_or_default();
        let (loss, given) = (take("loss"), take("optimizer"));
        if loss.is_null() {
            return this; // compiled for nothing
        }
        this.part("loss", compile::loss(loss).map_err(Into::into));
        let optimizer = match (&given, generation) {
            (Value::Null, _) => Err(Complaint::new("", "an optimizer", "none in the file (Keras can leave it out)")),
            (_, Generation::Two) => legacy::optimizer(given).and_then(compile::optimizer),
            (_, Generation::Three) => compile::optimizer(given),
        };
        this.part("optimizer", optimizer.map_err(Into::into));
        for key in ["metrics", "weighted_metrics"] {
            let list = take(key);
            this.part(key, compile::metrics(list));
        }
        for key in ["run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"] {
            take(key); // how Keras runs, not what it computes
        }
        for (key, value) in config.iter().filter(|(key, value)| !is_nothing(key, value)) {
            this.obstacles.push((key.clone(), Complaint::new(key, "nothing (null)", brief(value))));
        }
        this
    }

    /// Keeps one setting, if it is good.
    fn part(&mut self, key: &str, read: Result<Value>) {
        let known = read.and_then(|value| {
            if value == json!([]) {
                return Ok(None);
            }
            // Told by itself, so that all of them are.
            let mut alone = Map::from_iter([("loss".to_owned(), json!("mse"))]);
            alone.insert(key.to_owned(), value.clone());
            let place = format!("{key}.");
            match taper::read::<FitConfig>(Value::Object(alone)) {
                Ok(_) => Ok(Some(value)),
                Err(taper::Error::Invalid(complaints)) => {
                    let inside = |mut complaint: Complaint| {
                        complaint.place = complaint.place.strip_prefix(&place).map_or_else(
                            || complaint.place.strip_prefix(key).unwrap_or(&complaint.place).to_owned(),
                            str::to_owned,
                        );
                        complaint
                    };
                    Err(taper::Error::Invalid(complaints.into_iter().map(inside).collect()))
                }
                Err(other) => Err(other),
            }
        });
        match known {
            Ok(Some(value)) => {
                self.known.insert(key.to_owned(), value);
            }
            Ok(None) => {}
            Err(error) => {
                let all = error.complaints().iter().cloned();
                self.obstacles.extend(all.map(|complaint| {
                    let separate = !complaint.place.starts_with('[');
                    let mut complaint = complaint;
                    complaint.place = match (complaint.place.is_empty(), separate) {
                        (true, _) => key.to_owned(),
                        (false, true) => format!("{key}.{}", complaint.place),
                        (false, false) => format!("{key}{}", complaint.place),
                    };
                    (key.to_owned(), complaint)
                }));
            }
        }
    }

    /// What is not understood: how the model was compiled is then known in part.
    pub fn obstacles(&self) -> impl Iterator<Item = &Complaint> {
        self.obstacles.iter().map(|(_, complaint)| complaint)
    }

    /// Puts a `loss`, an `optimizer` or `metrics` in the place of what the file says: by a name of Keras's or Taper's, or as a table.
    ///
    /// # Errors
    ///
    /// What is not understood.
    pub fn replace(&mut self, key: &str, value: Value) -> Result<()> {
        let read = match key {
            "loss" => compile::loss(value).map_err(Into::into),
            "optimizer" => match value {
                name @ Value::String(_) => compile::optimizer(name).map_err(Into::into),
                table => Ok(table),
            },
            _ => compile::metrics(value),
        };
        let alone = [key];
        let settings = REPLACED.iter().find(|(name, _)| *name == key).map_or(&alone[..], |(_, settings)| settings);
        for setting in settings {
            self.known.remove(*setting);
            self.obstacles.retain(|(about, _)| about != setting);
        }
        let before = self.obstacles.len();
        self.part(key, read);
        match self.obstacles.split_off(before) {
            found if found.is_empty() => Ok(()),
            found => Err(taper::Error::Invalid(found.into_iter().map(|(_, complaint)| complaint).collect())),
        }
    }

    /// The optimizer, if it is understood.
    pub(super) fn optimizer(&self) -> Option<Optimizer> {
        self.known.get("optimizer").and_then(|value| taper::read(value.clone()).ok())
    }

    /// A training with what is understood, for whoever wants to know the optimizer; `None` if nothing is.
    #[must_use]
    pub fn fit_in_part(&self) -> Option<FitConfig> {
        let mut known = self.known.clone();
        if known.is_empty() {
            return None;
        }
        known.entry("loss").or_insert(json!("mse"));
        taper::read(Value::Object(known)).ok()
    }

    /// Takes over what the optimizer's variables say of its settings.
    pub(super) fn set_optimizer(&mut self, optimizer: &Optimizer) -> Result<()> {
        let value = serde_json::to_value(optimizer);
        let value = value.map_err(|error| Complaint::new("optimizer", "settings that can be written", error))?;
        self.known.insert("optimizer".to_owned(), value);
        Ok(())
    }

    /// What is wrong with what the optimizer remembers.
    pub(super) fn object(&mut self, error: &taper::Error) {
        let all = error.complaints().iter().map(|complaint| ("optimizer".to_owned(), complaint.clone()));
        self.obstacles.extend(all);
    }

    /// The training that the model was compiled for; `None` if it was not compiled, or without a loss.
    ///
    /// # Errors
    ///
    /// All that is not understood.
    pub fn fit(&self) -> Result<Option<FitConfig>> {
        if !self.obstacles.is_empty() {
            return Err(taper::Error::Invalid(self.obstacles().cloned().collect()));
        }
        if !self.known.contains_key("loss") {
            return Ok(None);
        }
        taper::read(Value::Object(self.known.clone())).map(Some)
    }
}

/// Whether a further setting says nothing.
fn is_nothing(key: &str, value: &Value) -> bool {
    let of_one = |value: &Value| value.is_null() || value.as_f64() == Some(1.0);
    match value {
        Value::Null => true,
        Value::Array(list) if key == "loss_weights" => list.iter().all(of_one),
        Value::Object(map) if key == "loss_weights" => map.values().all(of_one),
        Value::Bool(false) => key == "from_serialized",
        value => key == "loss_weights" && of_one(value),
    }
}
