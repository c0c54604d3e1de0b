//! Which targets a training can be measured against.

#![deny(clippy::wildcard_enum_match_arm)]

use super::config::FitConfig;
use crate::loss::Wants;
use crate::model::Model;
use crate::{Complaint, Complaints, Dataset, Result};

impl FitConfig {
    /// Complains about targets that the loss or a metric cannot be computed for, on this model. `place` names the rows.
    ///
    /// One rule for all metrics beside all losses: a class id means the one-hot vector of its class, which suits every metric; of
    /// other targets each metric gets what it wants or is refused. What compares classes is refused where there is one output.
    pub(crate) fn check_targets(&self, place: &str, model: &Model, data: &Dataset) -> Result<()> {
        model.check_input(place, data)?;
        let output = model.output_shape();
        let classes = output.last();
        let sparse = self.loss.is_sparse();
        let wanted = if sparse { output.rows() } else { output.len() };
        if data.target_len() != wanted {
            let expected = format!("{wanted} target numbers per row, for a model whose output is {output}");
            return Err(Complaint::new(place, expected, format!("{} target numbers", data.target_len())).into());
        }
        let named = |i: usize| format!("{place}.y, row {}", i / data.target_len() + 1);
        if let Some(i) = self.loss.wants().misses(data.y(), classes) {
            let complaint = Complaint::new(named(i), self.loss.wants().expected(classes), data.y()[i]);
            return Err(match self.loss.wants() {
                Wants::Probabilities => complaint.help("cross-entropy compares probabilities; recode the classes"),
                Wants::ClassIds | Wants::OneHot | Wants::Labels | Wants::Sides | Wants::Counts | Wants::Numbers => {
                    complaint
                }
            }
            .into());
        }
        let mut complaints = Complaints::new();
        for metric in self.metrics.iter().chain(&self.weighted_metrics).map(|metric| metric.metric) {
            let name = metric.name();
            if classes == 1 && metric.compares_classes() {
                let expected = format!("a metric for models with one output: `{name}` compares classes");
                complaints.push(Complaint::new("fit.metrics", expected, format!("`{name}`")));
                continue;
            }
            let wants = metric.wants();
            if let Some(i) = Some(wants).filter(|_| !sparse).and_then(|wants| wants.misses(data.y(), classes)) {
                let expected = format!("{}, which the metric `{name}` wants", wants.expected(classes));
                complaints.push(Complaint::new(named(i), expected, data.y()[i]));
            }
        }
        complaints.finish()
    }

    /// Complains if all training targets are the same: there is nothing to learn.
    pub(crate) fn check_classes(&self, place: &str, data: &Dataset) -> Result<()> {
        let mut targets = data.y().chunks_exact(data.target_len());
        let first = targets.next().unwrap_or_default();
        if self.loss.takes_classes() && data.rows() > 1 && targets.all(|target| target == first) {
            let class = if let [class] = first { format!("{class}") } else { format!("{first:?}") };
            let got = format!("only class {class} in {} rows", data.rows());
            return Err(Complaint::new(format!("{place}.y"), "at least two classes", got).into());
        }
        Ok(())
    }
}

impl Wants {
    /// The first of these target numbers, of predictions of `classes` numbers, that is not what is wanted.
    fn misses(self, y: &[f32], classes: usize) -> Option<usize> {
        let bad = |good: &dyn Fn(f32) -> bool| y.iter().position(|y| !good(*y));
        match self {
            Self::ClassIds => bad(&|y| y >= 0.0 && y < classes as f32 && y.fract() == 0.0),
            Self::OneHot => {
                let is_one_hot = |y: &[f32]| {
                    y.iter().all(|y| *y == 0.0 || *y == 1.0) && y.iter().filter(|y| **y == 1.0).count() == 1
                };
                y.chunks_exact(classes).position(|y| !is_one_hot(y)).map(|vector| vector * classes)
            }
            Self::Probabilities => bad(&|y| (0.0..=1.0).contains(&y)),
            Self::Labels => bad(&|y| (0.0..=1.0).contains(&y) || y == -1.0),
            Self::Sides => bad(&|y| y == 0.0 || y == 1.0 || y == -1.0),
            Self::Counts => bad(&|y| y >= 0.0),
            Self::Numbers => None,
        }
    }

    fn expected(self, classes: usize) -> String {
        match self {
            Self::ClassIds => {
                let last = classes - 1;
                format!("a class id from 0 to {last}, because the model has {classes} outputs")
            }
            Self::OneHot => "a target of one 1 and else 0".to_owned(),
            Self::Probabilities => "a target from 0 to 1".to_owned(),
            Self::Labels => "a target from 0 to 1, or -1".to_owned(),
            Self::Sides => "a target of -1, 0 or 1".to_owned(),
            Self::Counts => "a count of at least 0".to_owned(),
            Self::Numbers => "a number".to_owned(),
        }
    }
}
