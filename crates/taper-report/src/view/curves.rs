//! A history as learning curves.

use taper::History;

use crate::{LearningCurves, MetricCurves};

/// The learning curves of a training, its rows held out called `held_out`.
///
/// Training rows are shown as measured after each epoch in evaluation mode where the history has that (`end_…` columns), so
/// that both kinds of rows are measured with the same weights in the same mode. `metric` is the name of a metric.
#[must_use]
pub fn curves_of(history: &History, held_out: &str, metric: Option<&str>) -> LearningCurves {
    let column = |name: &str| history.get(name).map(<[f64]>::to_vec);
    let measured = |name: &str| column(&format!("end_{name}")).or_else(|| column(name)).unwrap_or_default();
    LearningCurves {
        epoch: (1..=history.epochs()).map(|epoch| epoch as f64).collect(),
        data_loss: measured("data_loss"),
        penalty: measured("penalty"),
        validation_loss: column("val_data_loss").unwrap_or_default(),
        metric: metric.map(|name| MetricCurves {
            name: name.to_owned(),
            train: measured(name),
            validation: column(&format!("val_{name}")).unwrap_or_default(),
        }),
        held_out: held_out.to_owned(),
        kept_epoch: match history.stop {
            taper::StopReason::EarlyStopped { best_epoch } => Some(best_epoch as f64 + 1.0),
            _ => None,
        },
    }
}
