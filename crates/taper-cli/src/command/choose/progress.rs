//! How far a choice is.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use taper::{Candidate, ChooseEvent, ChooseObserver, Flow, Selection};

use crate::interrupt;
use crate::progress::Bar;

/// Watches the trials of a choice; stops them when somebody asks.
pub(super) struct ChooseProgress {
    bar: Bar,
    score: String,
    sign: f64,
    /// Sum and number of the scores of each candidate.
    sums: Mutex<BTreeMap<String, (Candidate, f64, usize)>>,
}

impl ChooseProgress {
    pub(super) fn new(score: &str, maximize: bool) -> Self {
        let sign = if maximize { -1.0 } else { 1.0 };
        Self { bar: Bar::new(0, "runs"), score: score.to_owned(), sign, sums: Mutex::default() }
    }

    /// The candidate with the best mean so far, among those that have at least half of the folds that any has.
    fn best(&self, event: &ChooseEvent<'_>) -> Option<Vec<String>> {
        let Selection::Folds(path) = &event.spec.rows else { return None };
        let score = self.sign * event.outcome.scores.get(&self.score)?;
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        if path.len() == 1 {
            let candidate = &event.spec.candidate;
            let name = format!("{} {:e}", candidate.penalty, candidate.value);
            let entry = sums.entry(name).or_insert_with(|| (candidate.clone(), 0.0, 0));
            *entry = (entry.0.clone(), entry.1 + score, entry.2 + 1);
        }
        let most = sums.values().map(|(_, _, n)| *n).max()?;
        let full = sums.values().filter(|(_, _, n)| 2 * n >= most);
        let (candidate, sum, n) = full.min_by(|a, b| (a.1 / a.2 as f64).total_cmp(&(b.1 / b.2 as f64)))?;
        Some(vec![
            format!("best so far: {}", label(&candidate.penalty, candidate.value)),
            format!("{} {:.4}", self.score, self.sign * sum / *n as f64),
        ])
    }
}

/// `l2 1e-3`, `no penalty`.
pub(crate) fn label(penalty: &str, value: f64) -> String {
    if penalty == "none" {
        "no penalty".to_owned()
    } else {
        format!("{penalty} {}", taper_report::number::lambda(value))
    }
}

impl ChooseObserver for ChooseProgress {
    fn trial_end(&self, event: &ChooseEvent<'_>) -> Flow {
        if !self.bar.is_hidden() {
            self.bar.set(event.done as u64, event.total as u64, self.best(event));
        }
        if interrupt::asked() { Flow::Stop } else { Flow::Continue }
    }

    fn cancelled(&self) -> bool {
        interrupt::asked()
    }
}
