//! The forms in which Keras keeps a model: an archive, a folder, an HDF5 file, a description in JSON.

use std::borrow::Cow;

use serde_json::{Value, json};
use taper::{Complaint, Result};

use super::class::brief;
use super::generation::Generation;
use super::{CONFIG, METADATA, WEIGHTS};
use crate::archive::Entries;
use crate::hdf5::{Attributes, File};
use crate::{archive, hdf5, json};

/// What a file says, in whatever form.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    pub(super) generation: Generation,
    /// The model's configuration.
    pub(super) config: Value,
    /// How it was compiled; `null` if it was not.
    pub(super) compile: Value,
    /// The file of weights, if there are any.
    pub(super) weights: Option<(String, Cow<'a, [u8]>)>,
}

/// Whether these are the first bytes of an HDF5 file.
pub(super) fn is_hdf5(bytes: &[u8]) -> bool {
    bytes.starts_with(&hdf5::SIGNATURE)
}

fn weights_alone() -> Complaint {
    Complaint::new("", "a model", "weights alone").help("--architecture FILE says which model they are of")
}

impl<'a> Contents<'a> {
    /// The contents of one file.
    ///
    /// # Errors
    ///
    /// Another format, weights without a model, anything damaged.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self> {
        if is_hdf5(bytes) {
            return Self::of_hdf5(bytes);
        }
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Self::of_json(bytes),
            _ => Self::of_entries(archive::entries(bytes)?),
        }
    }

    /// The contents of an archive or folder.
    ///
    /// # Errors
    ///
    /// Entries that are missing, damaged, or do not belong.
    pub(super) fn of_entries(mut entries: Entries<'a>) -> Result<Self> {
        let mut entry = |name: &str| {
            let found = entries.iter().position(|(other, _)| other == name);
            found.map(|found| entries.swap_remove(found).1)
        };
        let missing = |name: &str| Complaint::new("archive", format!("an entry {name}"), "none");
        let metadata = entry(METADATA).ok_or_else(|| missing(METADATA))?;
        let config = entry(CONFIG).ok_or_else(|| missing(CONFIG))?;
        let weights = entry(WEIGHTS);
        if let Some((name, _)) = entries.first() {
            let expected = format!("only {METADATA}, {CONFIG} and {WEIGHTS}");
            return Err(Complaint::new("archive", expected, format!("`{name}`")).into());
        }
        let metadata = json::parse(&metadata).map_err(|complaint| complaint.within(METADATA))?;
        let version = metadata.get("keras_version").and_then(Value::as_str).unwrap_or("none");
        let generation = Generation::of(version).map_err(|complaint| complaint.within(METADATA))?;
        let mut config = json::parse(&config).map_err(|complaint| complaint.within(CONFIG))?;
        let compile = config.get_mut("compile_config").map(Value::take).unwrap_or_default();
        let weights = weights.ok_or_else(|| missing(WEIGHTS))?;
        Ok(Self { generation, config, compile, weights: Some((WEIGHTS.to_owned(), weights)) })
    }

    /// A whole model in HDF5: the form of Keras 2, which Keras 3 writes too.
    fn of_hdf5(bytes: &'a [u8]) -> Result<Self> {
        let root = File::root(bytes)?;
        let mut attributes = Attributes::new(bytes);
        let Some(config) = attributes.text(&root, "model_config")? else {
            return Err(weights_alone().into());
        };
        let version = attributes.text(&root, "keras_version")?.unwrap_or("1, which does not say its version");
        let generation = Generation::of(version)?;
        let config = json::parse(config.as_bytes()).map_err(|complaint| complaint.within("model_config"))?;
        let compile = match attributes.text(&root, "training_config")? {
            Some(text) => {
                let mut compile =
                    json::parse(text.as_bytes()).map_err(|complaint| complaint.within("training_config"))?;
                if let Some(compile) = compile.as_object_mut() {
                    let optimizer = compile.remove("optimizer_config").unwrap_or_default();
                    compile.insert("optimizer".to_owned(), optimizer);
                }
                compile
            }
            None => Value::Null,
        };
        let weights = Some(("model_weights".to_owned(), Cow::Borrowed(bytes)));
        Ok(Self { generation, config, compile, weights })
    }

    /// What `to_json` gives: a model without weights.
    fn of_json(bytes: &[u8]) -> Result<Self> {
        let mut config = json::parse(bytes)?;
        if config.get("weight_map").is_some() {
            return Err(weights_alone().into());
        }
        let version = config.get("keras_version").and_then(Value::as_str).unwrap_or("3.");
        let generation = Generation::of(version)?;
        if !config.get("class_name").is_some_and(Value::is_string) {
            let keys = config.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>().join(", "));
            return Err(Complaint::new("", "a model of Keras's in JSON", brief(&json!(keys))).into());
        }
        let compile = config.get_mut("compile_config").map(Value::take).unwrap_or_default();
        Ok(Self { generation, config, compile, weights: None })
    }
}
