//! Class by class: how many rows there are, and how many of them are predicted rightly.

use std::fmt::Write;

use serde_json::{Value, json};
use taper::table::Target;
use taper::{Dataset, Loss};
use taper_io::SavedModel;

use crate::failure::Failure;
use crate::output;

/// More classes than this are not shown one by one.
const MOST_LINES: usize = 20;
/// More classes than this make no table that a terminal shows.
const MOST_COLUMNS: usize = 10;

/// The classes of some rows and what a model says of them.
pub(super) struct Classes {
    names: Vec<String>,
    /// Rows of each class (the outer list) by the class that was predicted.
    pub(super) confusion: Vec<Vec<usize>>,
}

impl Classes {
    /// Nothing if the targets are no classes, one for each row.
    pub(super) fn of(saved: &SavedModel, data: &Dataset) -> Result<Option<Self>, Failure> {
        let Some(loss) = saved.experiment.as_ref().map(|experiment| experiment.fit.loss) else { return Ok(None) };
        let (outputs, targets) = (saved.model.output_shape().len(), data.target_len());
        let one_each = saved.model.output_shape().rows() == 1 && (targets == 1 || targets == outputs);
        if !loss.takes_classes() || !one_each {
            return Ok(None);
        }
        let count = outputs.max(2);
        let Some(truth) = truth(data, count) else { return Ok(None) };
        let names = match saved.prepared.as_ref().map(|prepared| &prepared.target) {
            Some(Target::Classes { labels, .. }) if labels.len() <= count => labels.texts(),
            Some(Target::Classes { .. }) => return Ok(None),
            Some(Target::Number { .. }) | None => (0..count).map(|class| class.to_string()).collect(),
        };
        let predicted = predicted(&saved.model.predict(data.x())?, outputs, loss);
        let mut confusion = vec![vec![0; count]; count];
        truth.iter().zip(predicted).for_each(|(truth, predicted)| confusion[*truth][predicted] += 1);
        let names = names.into_iter().chain((0..).map(|class: usize| class.to_string())).take(count).collect();
        Ok(Some(Self { names, confusion }))
    }

    fn rows(&self, class: usize) -> usize {
        self.confusion[class].iter().sum()
    }

    fn predicted(&self, class: usize) -> usize {
        self.confusion.iter().map(|row| row[class]).sum()
    }

    /// Of its rows, the share that is predicted; of what is predicted to be it, the share that is.
    fn recall_and_precision(&self, class: usize) -> [Option<f64>; 2] {
        let share = |of: usize| (of > 0).then(|| self.confusion[class][class] as f64 / of as f64);
        [share(self.rows(class)), share(self.predicted(class))]
    }

    /// For people: a line for each class, and who is taken for whom.
    pub(super) fn text(&self) -> String {
        let head = ["class", "rows", "predicted", "right", "recall", "precision"].map(str::to_owned).to_vec();
        let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
        let line = |class: usize| {
            let [recall, precision] = self.recall_and_precision(class);
            let counts = [self.rows(class), self.predicted(class), self.confusion[class][class]];
            let counts = counts.into_iter().map(|count| count.to_string());
            let cells = std::iter::once(self.names[class].clone()).chain(counts);
            cells.chain([number(recall), number(precision)]).collect::<Vec<String>>()
        };
        let shown = self.names.len().min(MOST_LINES);
        let lines: Vec<Vec<String>> = std::iter::once(head).chain((0..shown).map(line)).collect();
        let mut text = output::columns(&lines);
        if shown < self.names.len() {
            let _ = writeln!(text, "and {} more classes (`--json` has them all)", self.names.len() - shown);
        }
        if self.names.len() <= MOST_COLUMNS {
            let head = std::iter::once("class \\ predicted".to_owned()).chain(self.names.clone()).collect();
            let line = |class: usize| {
                let counts = self.confusion[class].iter().map(ToString::to_string);
                std::iter::once(self.names[class].clone()).chain(counts).collect()
            };
            let lines: Vec<Vec<String>> = std::iter::once(head).chain((0..self.names.len()).map(line)).collect();
            let _ = write!(text, "\n{}", output::columns(&lines));
        }
        text
    }

    pub(super) fn document(&self) -> Value {
        let entry = |class: usize| {
            let [recall, precision] = self.recall_and_precision(class);
            json!({
                "class": self.names[class], "rows": self.rows(class), "predicted": self.predicted(class),
                "right": self.confusion[class][class], "recall": recall, "precision": precision,
            })
        };
        (0..self.names.len()).map(entry).collect()
    }
}

/// The class of each row; nothing if some target is none.
fn truth(data: &Dataset, count: usize) -> Option<Vec<usize>> {
    let class = |target: &[f32]| match target {
        [class] => (class.fract() == 0.0 && (0.0..count as f32).contains(class)).then_some(*class as usize),
        many => {
            let one = many.iter().position(|y| *y == 1.0)?;
            many.iter().enumerate().all(|(place, y)| place == one || *y == 0.0).then_some(one)
        }
    };
    data.y().chunks_exact(data.target_len()).map(class).collect()
}

/// The class that each row is predicted to be: the largest output, or of one output whether it is more than half.
fn predicted(outputs: &[f32], width: usize, loss: Loss) -> Vec<usize> {
    if width == 1 {
        let half = if matches!(loss, Loss::BinaryCrossentropy { from_logits: true, .. }) { 0.0 } else { 0.5 };
        return outputs.iter().map(|output| usize::from(*output > half)).collect();
    }
    let best = |row: &[f32]| (0..row.len()).rev().max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
    outputs.chunks_exact(width).map(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper::Shape;

    #[test]
    fn truth_is_read_from_ids_and_from_one_hot_targets() {
        let data = |width: usize, y: &[f32]| {
            let rows = y.len() / width;
            Dataset::new(Shape::new([1]).unwrap(), vec![0.0; rows], width, y.to_vec()).unwrap()
        };
        assert_eq!(truth(&data(1, &[0.0, 2.0, 1.0]), 3), Some(vec![0, 2, 1]));
        assert_eq!(truth(&data(1, &[0.0, 0.5]), 2), None, "a probability");
        assert_eq!(truth(&data(3, &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]), 3), Some(vec![2, 0]));
        assert_eq!(truth(&data(3, &[0.0, 1.0, 1.0]), 3), None, "two labels at once");
    }

    #[test]
    fn one_output_is_a_probability_or_a_logit() {
        assert_eq!(predicted(&[0.2, 0.7], 1, Loss::BINARY_CROSSENTROPY), [0, 1]);
        let logits = Loss::BinaryCrossentropy { from_logits: true, label_smoothing: 0.0 };
        assert_eq!(predicted(&[-0.2, 0.2], 1, logits), [0, 1]);
        assert_eq!(predicted(&[0.1, 0.6, 0.3, 0.4, 0.4, 0.2], 3, Loss::SPARSE_CATEGORICAL_CROSSENTROPY), [1, 0]);
    }

    #[test]
    fn each_class_has_its_line() {
        let names = vec!["cat".to_owned(), "dog".to_owned()];
        let classes = Classes { names, confusion: vec![vec![3, 1], vec![0, 6]] };
        let text = classes.text();
        assert!(text.contains("cat    4     3          3      0.7500  1.0000"), "{text}");
        assert!(text.contains("dog    6     7          6      1.0000  0.8571"), "{text}");
        assert_eq!(classes.document()[0]["recall"], 0.75);
        let none = Classes { names: vec!["a".into(), "b".into()], confusion: vec![vec![2, 0], vec![0, 0]] };
        assert_eq!(none.document()[1]["recall"], Value::Null);
    }
}
