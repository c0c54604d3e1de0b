//! A training's epochs, few enough to be kept and drawn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::History;

/// Some epochs of a training. Unlike a [`History`] it has no clock in it: the same trial has the same curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// The epochs, from 0; the first and the last are always among them.
    pub epochs: Vec<usize>,
    /// The columns of a [`History`] at these epochs, but for the seconds.
    pub columns: BTreeMap<String, Vec<f64>>,
    /// The epoch with the smallest data loss on rows that do not train (out of all epochs), if these were measured.
    pub best_epoch: Option<usize>,
}

/// More epochs than this tell the eye nothing.
const MOST: usize = 200;

impl Curve {
    /// At most 200 epochs of a history, evenly spaced.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let count = history.epochs();
        let kept = count.min(MOST);
        let epochs: Vec<usize> = (0..kept).map(|i| if kept < 2 { 0 } else { i * (count - 1) / (kept - 1) }).collect();
        let wanted = history.names.iter().zip(&history.columns).filter(|(name, _)| *name != "seconds");
        let finite = |value: f64| if value.is_finite() { value } else { f64::MAX };
        let columns = wanted
            .map(|(name, column)| (name.clone(), epochs.iter().map(|epoch| finite(column[*epoch])).collect()))
            .collect();
        let best_epoch = history.get("val_data_loss").and_then(|losses| {
            (0..losses.len())
                .filter(|epoch| losses[*epoch].is_finite())
                .min_by(|a, b| losses[*a].total_cmp(&losses[*b]))
        });
        Self { epochs, columns, best_epoch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StopReason;

    #[test]
    fn first_last_and_best_epoch_are_kept() {
        let losses: Vec<f64> = (0..1000).map(|epoch| (f64::from(epoch) - 333.0).abs()).collect();
        let names = vec!["val_data_loss".to_owned(), "seconds".to_owned()];
        let history = History { names, columns: vec![losses.clone(), losses], stop: StopReason::Completed };
        let curve = Curve::of(&history);
        assert_eq!((curve.epochs.len(), curve.epochs[0], curve.epochs.last()), (200, 0, Some(&999)));
        assert_eq!(curve.best_epoch, Some(333));
        assert_eq!(curve.columns.len(), 1);
    }
}
