//! Does it overfit? In words, with the evidence.

use serde::{Deserialize, Serialize};
use taper::History;
use taper::wording::Change;

use crate::number::fixed;

/// What a history with rows held out says about overfitting, measured on the data loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overfitting {
    /// Data loss on the training rows at the end.
    pub train_data_loss: f64,
    /// Data loss on the rows held out at the end.
    pub held_out_data_loss: f64,
    /// Their difference.
    pub gap: f64,
    /// The epoch (from 1) after which the data loss on the rows held out only rose, if it turned before the end.
    pub turn_epoch: Option<usize>,
    /// The lowest data loss on the rows held out.
    pub lowest_held_out: f64,
    /// The verdict as a sentence.
    pub sentence: String,
}

/// Risen by less than this share of the lowest value, the loss counts as flat.
const FLAT: f64 = 0.05;

impl Overfitting {
    /// The verdict on a history, its rows held out called `held_out`. `None` without validation columns or epochs.
    #[must_use]
    pub fn of(history: &History, held_out: &str) -> Option<Self> {
        let validation = history.get("val_data_loss")?;
        let train = history.last("end_data_loss").or_else(|| history.last("data_loss"))?;
        let last = *validation.last()?;
        let (lowest_epoch, lowest) =
            validation.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, last));
        let gap = last - train;
        // A loss may lie below 0.
        let turned = last > lowest + lowest.abs() * FLAT && lowest_epoch + 1 < validation.len();
        let sentence = if turned {
            format!(
                "It overfits: the data loss on the {held_out} rows is lowest ({}) after epoch {} and has risen to {} at \
                 the end, while it is {} on the training rows.",
                fixed(lowest, 3),
                lowest_epoch + 1,
                fixed(last, 3),
                fixed(train, 3),
            )
        } else if gap > lowest.abs() * FLAT {
            format!(
                "There is a gap but no turn: the data loss is {} on the training rows and {} on the {held_out} rows, {}, \
                 where it has not risen from its lowest value by more than {} %.",
                fixed(train, 3),
                fixed(last, 3),
                Change::between(train, last).words(),
                (FLAT * 100.0).round(),
            )
        } else {
            format!(
                "No sign of overfitting: the data loss is {} on the training rows and {} on the {held_out} rows, {}.",
                fixed(train, 3),
                fixed(last, 3),
                Change::between(train, last).words(),
            )
        };
        Some(Self {
            train_data_loss: train,
            held_out_data_loss: last,
            gap,
            turn_epoch: turned.then_some(lowest_epoch + 1),
            lowest_held_out: lowest,
            sentence,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper::StopReason;

    fn verdict(train: &[f64], validation: &[f64]) -> Overfitting {
        let names = ["data_loss", "val_data_loss"].map(str::to_owned).to_vec();
        let history =
            History { names, columns: vec![train.to_vec(), validation.to_vec()], stop: StopReason::Completed };
        Overfitting::of(&history, "test").unwrap()
    }

    #[test]
    fn a_loss_below_0_turns_only_where_it_rises() {
        assert_eq!(verdict(&[-1.0, -2.0, -2.0], &[-1.0, -2.0, -2.0]).turn_epoch, None, "it lies at its lowest");
        assert_eq!(verdict(&[-1.0, -2.0, -2.0], &[-1.0, -2.0, -1.5]).turn_epoch, Some(2));
    }

    #[test]
    fn a_loss_that_turns_a_gap_and_neither() {
        let turned = verdict(&[0.7, 0.3, 0.1], &[0.7, 0.4, 0.6]);
        assert_eq!(turned.turn_epoch, Some(2));
        assert!(turned.sentence.starts_with("It overfits"));
        let gap = verdict(&[0.7, 0.3, 0.2], &[0.7, 0.4, 0.4]);
        assert_eq!(gap.turn_epoch, None);
        assert!(gap.sentence.starts_with("There is a gap"));
        assert!(gap.sentence.contains("0.400 on the test rows, higher by 0.20 (100 %), where"), "{}", gap.sentence);
        assert!(verdict(&[0.7, 0.4], &[0.7, 0.4]).sentence.starts_with("No sign"));
        let below = verdict(&[0.7, 0.5], &[0.7, 0.4]);
        assert!(below.sentence.ends_with("0.400 on the test rows, lower by 0.10 (20 %)."), "{}", below.sentence);
    }
}
