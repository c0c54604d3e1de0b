//! What the choice does to the model: its training, its weights, its probabilities, its hunger for rows.

use taper::wording::Change;
use taper::{Choice, Curve, GridPoint, LearningPoint, ReliabilityBin, Score};

use super::{ends, label_of, score_name};
use crate::{
    Calibration, CalibrationCurve, CalibrationPoint, LambdaCurve, LambdaPoint, LearningCurves, MetricCurves, Role,
    SampleSize, ScoreVsLambda, Section, SizeCurve, SizePoint, WeightNorms,
};

pub(super) fn overfitting(choice: &Choice) -> Option<Section> {
    if choice.overfitting.is_none() && choice.baseline_history.is_none() {
        return None;
    }
    let mut section = Section::new("Does it overfit?");
    if let Some(overfitting) = &choice.overfitting {
        section = section.paragraph(overfitting.sentence.as_str());
    }
    let histories = [
        ("baseline", "Without a penalty, on the first fold.".to_owned(), &choice.baseline_history),
        ("choice", format!("With {}, on the same fold.", label_of(&choice.chosen)), &choice.chosen_history),
    ];
    for (name, caption, history) in histories {
        if let Some(curve) = history {
            section = section.figure(format!("curves-{name}"), curves(choice, curve).figure(), caption);
        }
    }
    Some(section)
}

/// A curve as learning curves, training rows measured after each epoch where they were.
fn curves(choice: &Choice, curve: &Curve) -> LearningCurves {
    let column = |name: &str| curve.columns.get(name).cloned();
    let measured = |name: &str| column(&format!("end_{name}")).or_else(|| column(name)).unwrap_or_default();
    let metric = choice.baseline.metrics.keys().find(|name| *name != "data_loss");
    LearningCurves {
        epoch: curve.epochs.iter().map(|epoch| *epoch as f64 + 1.0).collect(),
        data_loss: measured("data_loss"),
        penalty: measured("penalty"),
        validation_loss: column("val_data_loss").unwrap_or_default(),
        metric: metric.map(|name| MetricCurves {
            name: name.replace('_', " "),
            train: measured(name),
            validation: column(&format!("val_{name}")).unwrap_or_default(),
        }),
        held_out: "held-out".to_owned(),
        kept_epoch: None,
    }
}

/// Norms and exact zeros along the strengths of the chosen penalty (of the first, if none was chosen).
pub(super) fn weights(choice: &Choice) -> Option<Section> {
    let family = choice
        .families
        .iter()
        .map(|family| &family.penalty)
        .find(|penalty| **penalty == choice.chosen.penalty)
        .or_else(|| choice.families.first().map(|family| &family.penalty))?;
    let points: Vec<&GridPoint> =
        std::iter::once(&choice.baseline).chain(choice.grid.iter().filter(|point| &point.penalty == family)).collect();
    let curve = |label: &str, value: fn(&GridPoint) -> Option<f64>| LambdaCurve {
        role: Role::Setting(0),
        label: label.to_owned(),
        points: points
            .iter()
            .filter_map(|point| Some(LambdaPoint::new(point.value, value(point)?, f64::NAN)))
            .collect(),
    };
    let norms = WeightNorms {
        norm: "L2 norm of the penalized weights".to_owned(),
        lambda: format!("strength of {family}"),
        against_lambda: vec![curve("norm", |point| point.norm)],
        ..WeightNorms::default()
    };
    let zeros = ScoreVsLambda {
        metric: "share of weights that are exactly 0".to_owned(),
        lambda: format!("strength of {family}"),
        curves: vec![curve("zeros", |point| point.zeros)],
        ..ScoreVsLambda::default()
    };
    let section = Section::new("What it does to the weights").figure(
        "norms",
        norms.figure(),
        "Mean norm at the end of training, over the folds.",
    );
    let any = points.iter().any(|point| point.zeros.is_some_and(|zeros| zeros > 0.0));
    Some(if any {
        section.figure("zeros", zeros.figure(), "Weights that the penalty has set to exactly 0.")
    } else {
        section.paragraph("No weight became exactly 0, at any strength.")
    })
}

pub(super) fn calibration(choice: &Choice) -> Option<Section> {
    let calibration = choice.calibration.as_ref()?;
    let curve = |label: String, bins: &[ReliabilityBin]| CalibrationCurve {
        label,
        points: bins
            .iter()
            .map(|bin| CalibrationPoint { predicted: bin.predicted, observed: bin.observed, count: bin.count })
            .collect(),
    };
    let mut curves = vec![curve("no penalty".to_owned(), &calibration.baseline)];
    if !choice.chosen.is_none() {
        curves.push(curve("the choice".to_owned(), &calibration.chosen));
    }
    Some(Section::new("Do its probabilities mean what they say?").figure(
        "calibration",
        Calibration { curves }.figure(),
        "Predictions for the rows of the final comparison, in tenths of the probability; the larger a point, the more predictions.",
    ))
}

pub(super) fn more_rows(choice: &Choice) -> Option<Section> {
    let point = |rows: f64, score: &Score| {
        let (mean, se) = ends(score);
        SizePoint { rows, mean, lower: mean - se, upper: mean + se }
    };
    let curve = |label: String, score: fn(&LearningPoint) -> &Score| SizeCurve {
        label,
        points: choice.learning_curve.iter().map(|at| point(at.train_rows, score(at))).collect(),
    };
    if choice.learning_curve.is_empty() {
        return None;
    }
    let mut curves = vec![curve("no penalty".to_owned(), |at| &at.baseline)];
    if !choice.chosen.is_none() {
        curves.push(curve(label_of(&choice.chosen), |at| &at.chosen));
    }
    let figure = SampleSize {
        metric: score_name(choice),
        interval: "Bars: one standard error of one division's mean. The strength is the same for any number of rows."
            .to_owned(),
        curves,
    };
    let section = Section::new("Would more rows help more?");
    let section = match last_quarter(choice) {
        Some(told) => section.paragraph(told),
        None => section,
    };
    Some(section.figure(
        "more-rows",
        figure.figure(),
        "Models that learned from a quarter, half, three quarters and all of the training rows, scored on the same folds.",
    ))
}

/// What the last quarter of the training rows changed.
fn last_quarter(choice: &Choice) -> Option<String> {
    let [.., before, all] = choice.learning_curve.as_slice() else { return None };
    let change =
        |score: fn(&LearningPoint) -> &Score| Some(Change::between(score(before).mean?, score(all).mean?).words());
    let mut changes = vec![format!("{} without a penalty", change(|at| &at.baseline)?)];
    if !choice.chosen.is_none() {
        changes.push(format!("{} with {}", change(|at| &at.chosen)?, label_of(&choice.chosen)));
    }
    Some(format!(
        "From {:.0} to {:.0} training rows, the {} is {}.",
        before.train_rows,
        all.train_rows,
        score_name(choice),
        changes.join(", and "),
    ))
}
