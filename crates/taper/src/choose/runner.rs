//! Trials in parallel, each looked up before it is run and kept before it counts; or only those listed that would run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::check::Expected;
use super::fold::{Layout, Selection};
use super::observer::{ChooseEvent, ChooseObserver};
use super::store::TrialStore;
use super::trial::{Prepared, TrialOutcome, TrialSpec, fit_trial};
use crate::study::map_in_order;
use crate::{Error, Flow, Result, Rows, StopReason};

/// Runs trials for one choice.
pub(crate) struct Runner<'a> {
    pub(crate) layout: Layout,
    rows: &'a dyn Rows,
    store: &'a dyn TrialStore,
    observer: &'a dyn ChooseObserver,
    stopped: AtomicBool,
    done: AtomicUsize,
    /// Trials in all, as far as can be foreseen.
    pub(crate) total: AtomicUsize,
    /// Keys of the trials that the result is made of.
    keys: Mutex<BTreeSet<String>>,
    /// How many rows trials have that share them.
    expected: Mutex<BTreeMap<String, Expected>>,
    /// Trials that the store lacks, where such are listed and not run.
    missing: Option<Mutex<Vec<TrialSpec>>>,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(
        layout: Layout,
        rows: &'a dyn Rows,
        store: &'a dyn TrialStore,
        observer: &'a dyn ChooseObserver,
    ) -> Self {
        Self {
            layout,
            rows,
            store,
            observer,
            stopped: AtomicBool::new(false),
            done: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            keys: Mutex::default(),
            expected: Mutex::default(),
            missing: None,
        }
    }

    /// Lists what it would run, and runs nothing.
    pub(crate) fn listing(self) -> Self {
        Self { missing: Some(Mutex::default()), ..self }
    }

    /// The trials that the store lacked: it was interrupted there.
    pub(crate) fn into_missing(self) -> Vec<TrialSpec> {
        self.missing.unwrap_or_default().into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// So many of the trials that were foreseen will not be run.
    pub(crate) fn spare(&self, trials: usize) {
        let total = self.total.load(Ordering::Relaxed);
        self.total.store(total.saturating_sub(trials), Ordering::Relaxed);
    }

    /// Trials that the result is made of so far.
    pub(crate) fn count(&self) -> usize {
        self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner).len()
    }

    /// Whether to begin nothing more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.observer.cancelled()
    }

    /// The outcomes of these trials, in their order. Rows are prepared once for all trials that share them.
    pub(crate) fn run(&self, specs: &[TrialSpec]) -> Result<Vec<TrialOutcome>> {
        if let Some(missing) = &self.missing {
            let mut missing = missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Where no penalty was chosen, the final comparison names one trial twice.
            let mut named = BTreeSet::new();
            for spec in specs {
                let key = spec.key();
                if self.store.get(&key)?.is_none() && named.insert(key) {
                    missing.push(spec.clone());
                }
            }
            if !missing.is_empty() {
                return Err(Error::Interrupted);
            }
        }
        let mut shared: BTreeMap<String, Mutex<Option<std::sync::Arc<Prepared>>>> = BTreeMap::new();
        for spec in specs {
            shared.insert(rows_key(spec)?, Mutex::new(None));
        }
        let outcomes = map_in_order(specs, |spec| {
            if self.is_stopped() {
                return Err(Error::Interrupted);
            }
            let outcome = self.one(spec, &shared);
            if outcome.is_err() {
                self.stopped.store(true, Ordering::Relaxed);
            }
            outcome
        });
        // What went wrong says more than that the others were stopped for it.
        let (mut good, mut stopped) = (Vec::with_capacity(specs.len()), false);
        for outcome in outcomes {
            match outcome {
                Ok(outcome) => good.push(outcome),
                Err(Error::Interrupted) => stopped = true,
                Err(other) => return Err(other),
            }
        }
        if stopped { Err(Error::Interrupted) } else { Ok(good) }
    }

    /// What a store gives was made elsewhere.
    fn check(&self, spec: &TrialSpec, outcome: &TrialOutcome) -> Result<()> {
        let place = rows_key(spec)?;
        let known = self.expected.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&place).copied();
        let expected = match known {
            Some(expected) => expected,
            None => Expected::of(spec, &self.layout)?,
        };
        self.expected.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(place, expected);
        expected.check(spec, outcome)
    }

    fn one(
        &self,
        spec: &TrialSpec,
        shared: &BTreeMap<String, Mutex<Option<std::sync::Arc<Prepared>>>>,
    ) -> Result<TrialOutcome> {
        let key = spec.key();
        let known = self.store.get(&key)?;
        let stored = known.is_some();
        let outcome = match known {
            Some(outcome) => {
                self.check(spec, &outcome).map_err(|error| error.within(format!("outcome of trial {key}")))?;
                outcome
            }
            None => {
                let prepared = {
                    let mut place = shared[&rows_key(spec)?].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match &*place {
                        Some(prepared) => prepared.clone(),
                        None => {
                            let prepared = std::sync::Arc::new(Prepared::of(spec, &self.layout, self.rows)?);
                            place.insert(prepared).clone()
                        }
                    }
                };
                let (outcome, _) = fit_trial(spec, &prepared, &|| self.is_stopped())?;
                if outcome.stop == StopReason::Interrupted {
                    return Err(Error::Interrupted);
                }
                self.store.put(&key, spec, &outcome)?;
                outcome
            }
        };
        let new = self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(key);
        if new {
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            let total = self.total.load(Ordering::Relaxed).max(done);
            let event = ChooseEvent { spec, outcome: &outcome, stored, done, total };
            if self.observer.trial_end(&event) == Flow::Stop {
                self.stopped.store(true, Ordering::Relaxed);
            }
        }
        Ok(outcome)
    }
}

/// What trials must have in common to train and be scored on the same rows.
fn rows_key(spec: &TrialSpec) -> Result<String> {
    let watched = spec.candidate.applied(&spec.experiment, &spec.on)?.fit.watches_validation();
    let seed = if watched || spec.quarters.is_some() { spec.seed } else { 0 };
    let rows: &Selection = &spec.rows;
    Ok(format!("{rows:?} {:?} {watched} {seed}", spec.quarters))
}
