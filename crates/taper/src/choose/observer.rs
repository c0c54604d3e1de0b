//! Those who watch a choice being made.

use super::trial::{TrialOutcome, TrialSpec};
use crate::{Flow, Quiet};

/// A trial that has ended, or that the store knew already.
#[derive(Debug, Clone, Copy)]
pub struct ChooseEvent<'a> {
    /// What it was.
    pub spec: &'a TrialSpec,
    /// What came of it.
    pub outcome: &'a TrialOutcome,
    /// Whether the store knew it: nothing was trained.
    pub stored: bool,
    /// Trials that have ended so far.
    pub done: usize,
    /// Trials in all, as far as can be foreseen: racing may need fewer.
    pub total: usize,
}

/// Sees a choice trial by trial, from several threads.
pub trait ChooseObserver: Sync {
    /// Called after each trial. [`Flow::Stop`] begins no further ones.
    fn trial_end(&self, event: &ChooseEvent<'_>) -> Flow;

    /// Asked between epochs: whether running trainings should be given up.
    fn cancelled(&self) -> bool {
        false
    }
}

impl ChooseObserver for Quiet {
    fn trial_end(&self, _event: &ChooseEvent<'_>) -> Flow {
        Flow::Continue
    }
}
