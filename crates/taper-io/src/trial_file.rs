//! Trials that go to other machines, and the outcomes that come back: JSON with the key of the trial, the digests of the files that
//! its rows are in, and the engine that trains, so that no outcome can be taken for another's.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taper::{Complaint, DataSpec, TestRows, TrialOutcome, TrialSpec};

use crate::file::read_file;
use crate::{Digest, Error, Result, json, write_atomic};

/// The most bytes of a trial's or an outcome's file.
const MOST_BYTES: u64 = 64 << 20;
/// The most memory of what is parsed, by estimate: an outcome may have a number for each of a million rows.
const MOST_MEMORY: usize = 128 << 20;
/// The key under which it stands in either file.
const ORIGIN: &str = "origin";

/// What computes: two with the same numbers give the same bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Taper's version.
    pub taper: String,
    /// The instruction set ([`taper::isa`]).
    pub instructions: String,
}

impl Engine {
    /// This program on this machine.
    #[must_use]
    pub fn here() -> Self {
        Self { taper: env!("CARGO_PKG_VERSION").to_owned(), instructions: format!("{:?}", taper::isa()) }
    }
}

/// Which trial, on which rows, by which engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The trial's [key](TrialSpec::key).
    pub key: String,
    /// The files of the rows, by the names that the experiment has for them; none where rows are generated or built in.
    pub files: BTreeMap<String, Digest>,
    /// What trains.
    pub engine: Engine,
}

/// The digests of an experiment's files, by the names that it has for them. A relative path is meant from `folder`.
///
/// # Errors
///
/// [`Error::Io`].
pub fn data_digests(data: &DataSpec, folder: &Path) -> Result<BTreeMap<String, Digest>> {
    let test = match &data.test {
        Some(TestRows::File(name)) => Some(name),
        Some(TestRows::Share(_)) | None => None,
    };
    let mut files = BTreeMap::new();
    for name in std::iter::once(&data.source).chain(test) {
        let path = folder.join(name);
        if path.is_file() {
            files.insert(name.clone(), Digest::of_file(&path)?);
        }
    }
    Ok(files)
}

impl Origin {
    /// Of this trial with the files in this folder, trained here.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn of(spec: &TrialSpec, folder: &Path) -> Result<Self> {
        Ok(Self { key: spec.key(), files: data_digests(&spec.experiment.data, folder)?, engine: Engine::here() })
    }

    /// One complaint for everything in which `other` differs from this.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let mut differ = |place: String, expected: String, got: String, help: &str| {
            complaints.push(Complaint::new(place, expected, got).help(help));
        };
        if self.key != other.key {
            let (expected, got) = (format!("trial {}", short(&self.key)), format!("trial {}", short(&other.key)));
            differ("origin.key".to_owned(), expected, got, "each outcome belongs to one trial");
        }
        let mut names: Vec<&String> = self.files.keys().chain(other.files.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let (mine, theirs) = (self.files.get(name), other.files.get(name));
            if mine != theirs {
                let help = "a trial is trained on the very rows that the choice is made on";
                differ(format!("origin.files `{name}`"), said(mine), said(theirs), help);
            }
        }
        if self.engine != other.engine {
            let told = |engine: &Engine| format!("Taper {} with {}", engine.taper, engine.instructions);
            let help = "the same version everywhere, and TAPER_ISA to keep to one instruction set, give the same bits";
            differ("origin.engine".to_owned(), told(&self.engine), told(&other.engine), help);
        }
        complaints
    }
}

fn short(key: &str) -> String {
    key.chars().take(12).collect()
}

fn said(digest: Option<&Digest>) -> String {
    digest.map_or("no such file".to_owned(), |digest| {
        format!("{} bytes with the digest {}", digest.bytes, short(&digest.blake3))
    })
}

/// Reads a trial's file. `None` where it does not say which rows and which engine it was made for.
///
/// # Errors
///
/// A file that cannot be read, is no JSON with each key once, or is no trial.
pub fn read_trial(path: &Path) -> Result<(TrialSpec, Option<Origin>)> {
    parse_trial(&read_file(path, MOST_BYTES)?).map_err(|error| Error::within(path, error))
}

/// Reads a trial's file from its contents.
///
/// # Errors
///
/// As [`read_trial`].
pub fn parse_trial(bytes: &[u8]) -> taper::Result<(TrialSpec, Option<Origin>)> {
    parse(bytes, "a trial, as `taper choose --elsewhere` writes it")
}

/// Reads an outcome's file. `None` where it does not say which trial it is of.
///
/// # Errors
///
/// A file that cannot be read, is no JSON with each key once, or is no outcome. Whether it fits a trial is for
/// [`taper::check_outcome`].
pub fn read_outcome(path: &Path) -> Result<(TrialOutcome, Option<Origin>)> {
    parse_outcome(&read_file(path, MOST_BYTES)?).map_err(|error| Error::within(path, error))
}

/// Reads an outcome's file from its contents.
///
/// # Errors
///
/// As [`read_outcome`].
pub fn parse_outcome(bytes: &[u8]) -> taper::Result<(TrialOutcome, Option<Origin>)> {
    parse(bytes, "the outcome of a trial, as `taper trial run` writes it")
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8], expected: &str) -> taper::Result<(T, Option<Origin>)> {
    let mut value = json::parse_within(bytes, MOST_MEMORY)?;
    let Some(entries) = value.as_object_mut() else {
        return Err(Complaint::new("", expected, "another value").into());
    };
    let origin = entries.remove(ORIGIN).filter(|origin| !origin.is_null()).map(taper::read).transpose();
    let origin = origin.map_err(|error| error.within(ORIGIN))?;
    let read = taper::read(value).map_err(|error| match error {
        taper::Error::Invalid(complaints) => {
            let told = |complaint: Complaint| match complaint.help {
                None => complaint.help(format!("this file is to be {expected}")),
                Some(_) => complaint,
            };
            taper::Error::Invalid(complaints.into_iter().map(told).collect())
        }
        other => other,
    })?;
    Ok((read, origin))
}

/// Writes a trial for another machine.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_trial(path: &Path, spec: &TrialSpec, origin: &Origin) -> Result<()> {
    write(path, serde_json::to_value(spec), origin)
}

/// Writes what came of a trial.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_outcome(path: &Path, outcome: &TrialOutcome, origin: &Origin) -> Result<()> {
    write(path, serde_json::to_value(outcome), origin)
}

fn write(path: &Path, value: serde_json::Result<Value>, origin: &Origin) -> Result<()> {
    let text = value.and_then(|mut value| {
        value[ORIGIN] = serde_json::to_value(origin)?;
        serde_json::to_string_pretty(&value)
    });
    let text = text.map_err(|error| Error::io(path, "writing", std::io::Error::other(error)))?;
    write_atomic(path, format!("{text}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        let files = BTreeMap::from([("a.csv".to_owned(), Digest::of(b"a")), ("b.csv".to_owned(), Digest::of(b"b"))]);
        Origin { key: "0123456789abcdef".into(), files, engine: Engine::here() }
    }

    #[test]
    fn each_difference_is_named() {
        let (here, mut there) = (origin(), origin());
        assert!(here.differences(&there).is_empty());
        there.key = "f".repeat(64);
        there.files.remove("b.csv");
        there.files.insert("a.csv".into(), Digest::of(b"aa"));
        there.engine.taper = "0.0.1".into();
        let places: Vec<String> = here.differences(&there).into_iter().map(|complaint| complaint.place).collect();
        assert_eq!(places, ["origin.key", "origin.files `a.csv`", "origin.files `b.csv`", "origin.engine"]);
    }

    #[test]
    fn what_is_no_outcome_is_refused() {
        let error = |text: &str| parse_outcome(text.as_bytes()).unwrap_err().to_string();
        assert!(error("{}").contains("the outcome of a trial"), "{}", error("{}"));
        assert!(error("[]").contains("the outcome of a trial"));
        assert!(error(r#"{"epochs": 1, "epochs": 2}"#).contains("`epochs` twice"));
        assert!(error(r#"{"origin": {"key": 3}}"#).contains("origin"));
    }
}
