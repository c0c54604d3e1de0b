//! Progress on stderr, for people at a terminal only.

mod line;

use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use taper::{EpochRow, Flow, Model, Observer, RunEvent, StudyObserver, TrainState};

use self::line::Line;
use crate::interrupt;
use crate::terminal::{Voice, stderr_width, voice};

/// A line that says how far something is; it fits the terminal, also when that changes.
pub(crate) struct Bar {
    bar: ProgressBar,
    news: Arc<Mutex<Vec<String>>>,
}

impl Bar {
    /// For so many steps (0: not known yet), called `unit`.
    pub(crate) fn new(length: u64, unit: &'static str) -> Self {
        // Whoever says how far it is looks whether to stop.
        interrupt::heed();
        let news = Arc::new(Mutex::new(Vec::new()));
        if stderr_width().is_none() || voice() == Voice::Quiet {
            return Self { bar: ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden()), news };
        }
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(10));
        let told = Arc::clone(&news);
        let draw = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let news = told.lock().unwrap_or_else(PoisonError::into_inner);
            let line = Line {
                done: state.pos(),
                length: state.len().filter(|length| *length > 0),
                unit,
                elapsed: state.elapsed(),
                left: (state.pos() > 0).then(|| state.eta()),
                news: &news,
                colors: console::colors_enabled_stderr(),
            };
            let _ = out.write_str(&line.text(stderr_width().unwrap_or(80)));
        };
        if let Ok(style) = ProgressStyle::with_template("{line}") {
            bar.set_style(style.with_key("line", draw));
        }
        Self { bar, news }
    }

    /// Whether nobody sees it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// One step more.
    pub(crate) fn tick(&self) {
        self.bar.inc(1);
    }

    /// So many steps of so many are done, and this is the news.
    pub(crate) fn set(&self, done: u64, length: u64, news: Option<Vec<String>>) {
        if let Some(news) = news {
            *self.news.lock().unwrap_or_else(PoisonError::into_inner) = news;
        }
        self.bar.set_length(length);
        self.bar.set_position(done);
    }
}

/// Watches one training; stops it when somebody asks.
pub(crate) struct FitProgress<O> {
    bar: Bar,
    inner: O,
}

impl<O: Observer> FitProgress<O> {
    pub(crate) fn new(epochs: usize, inner: O) -> Self {
        Self { bar: Bar::new(epochs as u64, "epochs"), inner }
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
            self.bar.set(row.epoch as u64 + 1, row.epochs as u64, Some(scores(row)));
        }
        match self.inner.epoch_end(row, model, state)? {
            Flow::Continue if interrupt::asked() => Ok(Flow::Stop),
            flow => Ok(flow),
        }
    }
}

/// `accuracy: 0.8750`, `loss: 0.4321`, `val_loss: 0.5`: metrics in alphabetical order as Keras has them.
fn scores(row: &EpochRow<'_>) -> Vec<String> {
    let shown = |name: &str| !name.contains('/') && !matches!(name, "seconds" | "learning_rate");
    let mut cells: Vec<(&str, f64)> =
        row.names.iter().map(String::as_str).zip(row.values.iter().copied()).filter(|(name, _)| shown(name)).collect();
    cells.sort_by(|a, b| (a.0.starts_with("val_"), a.0).cmp(&(b.0.starts_with("val_"), b.0)));
    let number = |x: f64| if x.abs() > 1e-3 || x == 0.0 { format!("{x:.4}") } else { format!("{x:.4e}") };
    cells.iter().map(|(name, value)| format!("{name}: {}", number(*value))).collect()
}

/// Watches the runs of a study or of several; stops them when somebody asks.
pub(crate) struct StudyProgress {
    bar: Bar,
}

impl StudyProgress {
    /// For this many runs in all.
    pub(crate) fn new(runs: usize) -> Self {
        Self { bar: Bar::new(runs as u64, "runs") }
    }

    /// One run more, outside a study.
    pub(crate) fn tick(&self) {
        self.bar.tick();
    }
}

impl StudyObserver for StudyProgress {
    fn run_end(&self, _event: &RunEvent<'_>) -> Flow {
        self.bar.tick();
        if interrupt::asked() { Flow::Stop } else { Flow::Continue }
    }

    fn cancelled(&self) -> bool {
        interrupt::asked()
    }
}
