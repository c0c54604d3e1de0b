//! One study of a store, as the place where `choose` keeps its outcomes.

use taper::{TrialOutcome, TrialSpec, TrialStore};

use super::RunStore;
use crate::{Error, Result};

/// One study of a [`RunStore`]: a [`TrialStore`] in which an outcome is on disk before it counts.
#[derive(Debug)]
pub struct StudyStore {
    store: RunStore,
    study: i64,
}

impl StudyStore {
    /// The study with this number.
    #[must_use]
    pub fn new(store: RunStore, study: i64) -> Self {
        Self { store, study }
    }

    /// The store that it is in.
    #[must_use]
    pub fn store(&self) -> &RunStore {
        &self.store
    }

    /// Its number.
    #[must_use]
    pub fn study(&self) -> i64 {
        self.study
    }

    /// How many of its runs are finished.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn count(&self) -> Result<usize> {
        self.store.count(self.study)
    }
}

impl TrialStore for StudyStore {
    fn get(&self, key: &str) -> taper::Result<Option<TrialOutcome>> {
        let Some(run) = self.store.get(self.study, key).map_err(failed)? else { return Ok(None) };
        let outcome = serde_json::from_str(&run.outcome);
        outcome.map(Some).map_err(|error| {
            failed(Error::io(self.store.path(), "reading", std::io::Error::other(format!("run {}: {error}", run.id))))
        })
    }

    fn put(&self, key: &str, spec: &TrialSpec, outcome: &TrialOutcome) -> taper::Result<()> {
        let text = |written: serde_json::Result<String>| {
            written.map_err(|error| failed(Error::io(self.store.path(), "writing", std::io::Error::other(error))))
        };
        let (spec, outcome) = (text(serde_json::to_string(spec))?, text(serde_json::to_string(outcome))?);
        self.store.put(self.study, key, &spec, &outcome).map_err(failed)
    }
}

fn failed(error: Error) -> taper::Error {
    taper::Error::Store(Box::new(error))
}
