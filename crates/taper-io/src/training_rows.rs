//! Which rows trained a model, kept beside it: a sketch of their digests, small for any number of rows.

use std::collections::BTreeSet;

use taper::{Complaint, Dataset};

use crate::model_file::SavedModel;

/// The name in a model file's metadata.
pub(crate) const TRAINING_ROWS: &str = "taper_training_rows";

/// So many digests are kept: of more rows, the smallest.
const MOST: usize = 4096;

/// Digests of the rows that trained a model: inputs and targets as the model sees them.
///
/// The 4,096 smallest of the digests are kept. A row that trained has its digest among them if it is no larger than the largest
/// that is kept, so that of few rows each is recognized, and of many a sample that is the same for every file. Rows that are equal
/// in all inputs and targets have the same digest.
///
/// # Example
///
/// ```
/// use taper::{Dataset, Shape};
/// use taper_io::TrainingRows;
///
/// # fn main() -> taper::Result<()> {
/// let rows = Dataset::new(Shape::new([1])?, vec![1.0, 2.0, 3.0], 1, vec![0.0, 1.0, 0.0])?;
/// let trained = TrainingRows::of(&rows.select(&[0, 2])?);
/// assert_eq!(trained.known(&rows), [Some(true), Some(false), Some(true)]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingRows {
    /// Rows that trained.
    rows: usize,
    digests: BTreeSet<u64>,
    /// Whether all digests are kept.
    whole: bool,
}

impl TrainingRows {
    /// Of the rows that train.
    #[must_use]
    pub fn of(data: &Dataset) -> Self {
        let mut digests = BTreeSet::new();
        for digest in digests_of(data) {
            // What is larger than the largest of enough is dropped at once.
            if digests.len() < MOST || digests.last().is_some_and(|last| digest < *last) {
                digests.insert(digest);
            }
            if digests.len() > MOST {
                digests.pop_last();
            }
        }
        let whole = digests.len() < MOST;
        Self { rows: data.rows(), digests, whole }
    }

    /// Adds rows that trained the model before. What one of the two sketches cannot tell, neither can both.
    fn add(&mut self, earlier: &Self) {
        let last = |rows: &Self| if rows.whole { u64::MAX } else { rows.digests.last().copied().unwrap_or(0) };
        let last = last(self).min(last(earlier));
        self.digests.extend(&earlier.digests);
        self.digests.retain(|digest| *digest <= last);
        while self.digests.len() > MOST {
            self.digests.pop_last();
        }
        self.whole = last == u64::MAX && self.digests.len() < MOST;
        self.rows += earlier.rows;
    }

    /// How many rows trained.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Of each row, whether one like it trained the model; nothing of rows that the sketch cannot tell.
    #[must_use]
    pub fn known(&self, data: &Dataset) -> Vec<Option<bool>> {
        let last = self.digests.last().copied().unwrap_or(0);
        let known = |digest: u64| (self.whole || digest <= last).then(|| self.digests.contains(&digest));
        digests_of(data).map(known).collect()
    }

    /// As text for a file's metadata: the number of rows (with a `+` if not all of their digests are kept), and the digests in
    /// hexadecimal.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}{}:", self.rows, if self.whole { "" } else { "+" });
        self.digests.iter().for_each(|digest| text.push_str(&format!("{digest:016x}")));
        text
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    ///
    /// # Errors
    ///
    /// Anything else.
    pub fn from_text(text: &str) -> Result<Self, Complaint> {
        let wrong = || {
            let got = format!("{} bytes of something else", text.len());
            Complaint::new(format!("metadata, {TRAINING_ROWS}"), "a number of rows and digests of 16 digits", got)
        };
        let (rows, digits) = text.split_once(':').ok_or_else(wrong)?;
        let (rows, cut) = rows.strip_suffix('+').map_or((rows, false), |rows| (rows, true));
        let rows: usize = rows.parse().map_err(|_| wrong())?;
        if !digits.is_ascii() || !digits.len().is_multiple_of(16) || digits.len() > 16 * MOST {
            return Err(wrong());
        }
        let read = |digest: &[u8]| {
            std::str::from_utf8(digest).ok().and_then(|digest| u64::from_str_radix(digest, 16).ok()).ok_or_else(wrong)
        };
        let digests: BTreeSet<u64> = digits.as_bytes().chunks(16).map(read).collect::<Result<_, _>>()?;
        Ok(Self { rows, digests, whole: !cut })
    }
}

impl SavedModel {
    /// The same model with a digest of the rows that trained it, as the model saw them, beside those that did before.
    ///
    /// # Errors
    ///
    /// If what stands in the place of the earlier ones is something else.
    pub fn trained_on(mut self, rows: &Dataset) -> taper::Result<Self> {
        let mut all = TrainingRows::of(rows);
        if let Some(earlier) = self.training_rows()? {
            all.add(&earlier);
        }
        self.beside.insert(TRAINING_ROWS.to_owned(), all.to_text());
        Ok(self)
    }

    /// The rows that trained the model, if its file tells them.
    ///
    /// # Errors
    ///
    /// If what stands there is something else.
    pub fn training_rows(&self) -> taper::Result<Option<TrainingRows>> {
        let text = self.beside.get(TRAINING_ROWS);
        Ok(text.map(|text| TrainingRows::from_text(text)).transpose()?)
    }
}

/// 64 bits of BLAKE3 over the bits of each row, -0 being 0.
fn digests_of(data: &Dataset) -> impl Iterator<Item = u64> + '_ {
    let rows = data.x().chunks(data.input_shape().len()).zip(data.y().chunks(data.target_len()));
    let mut bytes = Vec::new();
    rows.map(move |(x, y)| {
        bytes.clear();
        x.iter().chain(y).for_each(|number| bytes.extend_from_slice(&(number + 0.0).to_bits().to_le_bytes()));
        let hash = blake3::hash(&bytes);
        hash.as_bytes().first_chunk::<8>().map_or(0, |first| u64::from_le_bytes(*first))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper::Shape;

    fn numbered(rows: std::ops::Range<usize>) -> Dataset {
        let x: Vec<f32> = rows.map(|row| row as f32).collect();
        let y = x.iter().map(|x| x % 3.0).collect();
        Dataset::new(Shape::new([1]).unwrap(), x, 1, y).unwrap()
    }

    #[test]
    fn few_rows_are_all_recognized_and_no_others() {
        let trained = TrainingRows::of(&numbered(0..124));
        assert_eq!(TrainingRows::from_text(&trained.to_text()), Ok(trained.clone()));
        let known = trained.known(&numbered(100..178));
        assert_eq!(known.iter().filter(|known| **known == Some(true)).count(), 24);
        assert_eq!(known.iter().filter(|known| **known == Some(false)).count(), 54);
    }

    #[test]
    fn of_many_rows_a_sample_is_recognized() {
        let trained = TrainingRows::of(&numbered(0..50_000));
        assert!(trained.to_text().len() < 70_000);
        let again = TrainingRows::from_text(&trained.to_text()).unwrap();
        let share = |rows| {
            let known: Vec<bool> = again.known(&numbered(rows)).into_iter().flatten().collect();
            known.iter().filter(|known| **known).count() as f64 / known.len() as f64
        };
        assert_eq!((share(0..50_000), share(50_000..90_000)), (1.0, 0.0));
        assert!((share(40_000..60_000) - 0.5).abs() < 0.05);
    }

    #[test]
    fn rows_of_two_trainings_are_both_recognized() {
        let mut both = TrainingRows::of(&numbered(0..50));
        both.add(&TrainingRows::of(&numbered(50..80)));
        assert_eq!(both, TrainingRows { rows: 80, ..TrainingRows::of(&numbered(0..80)) });
        let mut many = TrainingRows::of(&numbered(0..20));
        many.add(&TrainingRows::of(&numbered(20..30_000)));
        let again = TrainingRows::from_text(&many.to_text()).unwrap();
        assert!(again.known(&numbered(0..30_000)).into_iter().flatten().all(|known| known));
        assert!(again.known(&numbered(30_000..60_000)).into_iter().flatten().all(|known| !known));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "12", "x:", "3:123", "3:00000000000000zz", &format!("9:{}", "0".repeat(16 * 5000))] {
            assert!(TrainingRows::from_text(text).is_err(), "{text}");
        }
    }
}
