//! Where outcomes are kept.

use std::collections::HashMap;
use std::sync::Mutex;

use super::trial::{TrialOutcome, TrialSpec};
use crate::Result;

/// Keeps what came of trials, by their [key](TrialSpec::key). A store belongs to one set of rows: keys do not name the numbers
/// in a file.
///
/// `put` must not return before the outcome is as durable as the store is meant to be. Both are called from several threads.
pub trait TrialStore: Sync {
    /// The outcome of a trial, if it is known.
    ///
    /// # Errors
    ///
    /// A store that cannot be read ([`Error::Store`](crate::Error::Store)).
    fn get(&self, key: &str) -> Result<Option<TrialOutcome>>;

    /// Keeps the outcome of a trial.
    ///
    /// # Errors
    ///
    /// A store that cannot be written ([`Error::Store`](crate::Error::Store)); the choice ends there.
    fn put(&self, key: &str, spec: &TrialSpec, outcome: &TrialOutcome) -> Result<()>;
}

/// Keeps outcomes in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<HashMap<String, TrialOutcome>>);

impl MemoryStore {
    /// Knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many outcomes it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map().len()
    }

    /// Whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<String, TrialOutcome>> {
        // A thread that died while inserting has left a whole map behind.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl TrialStore for MemoryStore {
    fn get(&self, key: &str) -> Result<Option<TrialOutcome>> {
        Ok(self.map().get(key).cloned())
    }

    fn put(&self, key: &str, _spec: &TrialSpec, outcome: &TrialOutcome) -> Result<()> {
        self.map().insert(key.to_owned(), outcome.clone());
        Ok(())
    }
}
