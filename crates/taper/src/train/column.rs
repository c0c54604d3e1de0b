//! What the columns of a history are called.

use super::config::FitConfig;
use crate::model::Model;
use crate::param::ledger_names;

/// The columns of a training's [`History`](super::History), in its order.
pub(super) fn names(model: &Model, config: &FitConfig, validation: bool) -> Vec<String> {
    let mut names = Vec::new();
    let groups = [("", true), ("val_", validation), ("end_", config.measure_train)];
    for (prefix, _) in groups.into_iter().filter(|(_, wanted)| *wanted) {
        names.extend(["loss", "data_loss", "penalty"].map(|name| format!("{prefix}{name}")));
        names.extend(config.metric_names().iter().map(|name| format!("{prefix}{name}")));
    }
    names.push("learning_rate".to_owned());
    if config.measure_weights {
        names.extend(model.params().slots().iter().map(|slot| format!("norm/{}", slot.path)));
        names.extend(ledger_names(model.params()));
        names.extend(model.params().zeros().map(|(path, _)| format!("zeros/{path}")));
    }
    names.push("seconds".to_owned());
    names
}
