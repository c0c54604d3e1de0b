//! Progress on stderr, for people at a terminal only.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use taper::{EpochRow, Flow, Model, Observer, RunEvent, StudyObserver, TrainState};

use crate::interrupt;

/// Keras's bar: cells of ━, green what is done.
pub(crate) fn bar(length: u64, unit: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(10));
    let template = format!("{{pos}}/{{len}} {unit} {{bar:20.green/white}} {{elapsed}}<{{eta}} {{msg}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("━━━"));
    }
    bar
}

/// Watches one training; stops it when somebody asks.
pub(crate) struct FitProgress<O> {
    bar: ProgressBar,
    inner: O,
}

impl<O: Observer> FitProgress<O> {
    pub(crate) fn new(epochs: usize, inner: O) -> Self {
        Self { bar: bar(epochs as u64, "epochs"), inner }
    }
}

impl<O: Observer> Observer for FitProgress<O> {
    fn epoch_end(
        &mut self,
        row: &EpochRow<'_>,
        model: &Model,
        state: &TrainState,
    ) -> Result<Flow, Box<dyn std::error::Error + Send + Sync>> {
        if !self.bar.is_hidden() && (row.epoch.is_multiple_of(16) || row.epoch + 1 == row.epochs) {
            self.bar.set_position(row.epoch as u64 + 1);
            self.bar.set_message(message(row));
        }
        match self.inner.epoch_end(row, model, state)? {
            Flow::Continue if interrupt::asked() => Ok(Flow::Stop),
            flow => Ok(flow),
        }
    }
}

/// `- accuracy: 0.8750 - loss: 0.4321 - val_loss: 0.5`, metrics in alphabetical order as Keras has them.
fn message(row: &EpochRow<'_>) -> String {
    let shown = |name: &str| !name.contains('/') && !matches!(name, "seconds" | "learning_rate");
    let mut cells: Vec<(&str, f64)> =
        row.names.iter().map(String::as_str).zip(row.values.iter().copied()).filter(|(name, _)| shown(name)).collect();
    cells.sort_by(|a, b| (a.0.starts_with("val_"), a.0).cmp(&(b.0.starts_with("val_"), b.0)));
    let number = |x: f64| if x.abs() > 1e-3 || x == 0.0 { format!("{x:.4}") } else { format!("{x:.4e}") };
    cells.iter().map(|(name, value)| format!("- {name}: {}", number(*value))).collect::<Vec<_>>().join(" ")
}

/// Watches the runs of a study or of several; stops them when somebody asks.
#[derive(Debug)]
pub(crate) struct StudyProgress {
    bar: ProgressBar,
}

impl StudyProgress {
    /// For this many runs in all.
    pub(crate) fn new(runs: usize) -> Self {
        Self { bar: bar(runs as u64, "runs") }
    }

    /// One run more, outside a study.
    pub(crate) fn tick(&self) {
        self.bar.inc(1);
    }
}

impl StudyObserver for StudyProgress {
    fn run_end(&self, _event: &RunEvent<'_>) -> Flow {
        self.bar.inc(1);
        if interrupt::asked() { Flow::Stop } else { Flow::Continue }
    }

    fn cancelled(&self) -> bool {
        interrupt::asked()
    }
}
