//! What of a model is at work, layer by layer.

use taper::{LayerSparsity, Trial};

use crate::{Cell, Table};

const CAPTION: &str = "A dead unit takes no part in the output, and `taper compact` cuts it; effective parameters are not 0 and belong to \
                       no dead unit.";

/// Zeros, dead units and effective parameters of a model's layers.
#[must_use]
pub fn at_work(layers: &[LayerSparsity]) -> Table {
    let mut table = Table::new(["layer", "zeros", "dead units", "effective parameters"]);
    for layer in layers {
        let dead = layer.dead_units.map_or("–".to_owned(), |dead| dead.to_string());
        let cells = [layer.name.clone(), layer.zeros.to_string(), dead, layer.effective_parameters.to_string()];
        table = table.row(cells.map(Cell::text));
    }
    table.caption(format!("Zeros are exact. {CAPTION}"))
}

/// Dead units and effective parameters at the end of a trial's runs.
#[must_use]
pub fn at_work_over_runs(trial: &Trial) -> Table {
    let mut table = Table::new(["layer", "dead units", "effective parameters"]);
    for layer in trial.scores.keys().filter_map(|name| name.strip_prefix("effective_parameters/")) {
        let cell = |score: &str| match trial.scores.get(&format!("{score}/{layer}")) {
            Some(summary) => Cell::mean_spread(summary.mean.unwrap_or(f64::NAN), summary.std.unwrap_or(f64::NAN), 1),
            None => Cell::text("–"),
        };
        table = table.row([Cell::text(layer), cell("dead_units"), cell("effective_parameters")]);
    }
    table.caption(format!("At the end of the training: mean ± standard deviation over the runs. {CAPTION}"))
}
