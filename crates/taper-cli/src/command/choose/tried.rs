//! What a choice has tried, for a report where nothing came of it.

use std::sync::{Mutex, PoisonError};

use taper::{ChooseEvent, ChooseObserver, Flow};
use taper_report::{Cell, Table};

use super::progress::{ChooseProgress, label};

/// Watches as [`ChooseProgress`] does, and counts.
pub(super) struct Tried {
    inner: ChooseProgress,
    counts: Mutex<Vec<Count>>,
}

/// The trainings of one setting.
struct Count {
    penalty: String,
    value: f64,
    trained: usize,
    diverged: usize,
}

impl Tried {
    pub(super) fn new(inner: ChooseProgress) -> Self {
        Self { inner, counts: Mutex::default() }
    }

    /// Every setting with its trainings and how many of them diverged.
    pub(super) fn into_table(self) -> Table {
        let mut counts = self.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        counts.sort_by(|a, b| {
            (a.penalty != "none", &a.penalty).cmp(&(b.penalty != "none", &b.penalty)).then(a.value.total_cmp(&b.value))
        });
        let mut table =
            Table::new(["setting", "trainings", "diverged"]).caption("Trainings before the choice was given up.");
        for count in counts {
            let setting = Cell::text(label(&count.penalty, count.value));
            table = table.row([setting, Cell::count(count.trained), Cell::count(count.diverged)]);
        }
        table
    }
}

impl ChooseObserver for Tried {
    fn trial_end(&self, event: &ChooseEvent<'_>) -> Flow {
        let candidate = &event.spec.candidate;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let place =
            counts.iter().position(|count| count.penalty == candidate.penalty && count.value == candidate.value);
        let place = place.unwrap_or_else(|| {
            counts.push(Count { penalty: candidate.penalty.clone(), value: candidate.value, trained: 0, diverged: 0 });
            counts.len() - 1
        });
        counts[place].trained += 1;
        counts[place].diverged += usize::from(event.outcome.scores.is_empty());
        drop(counts);
        self.inner.trial_end(event)
    }

    fn cancelled(&self) -> bool {
        self.inner.cancelled()
    }
}
