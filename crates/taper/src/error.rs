//! What a user can get wrong, said so that they can put it right.

use std::fmt;

/// Shorthand for results of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing that is wrong: where, what was expected there, and what came.
///
/// # Example
///
/// ```
/// use taper::Complaint;
///
/// let complaint = Complaint::new("fit.batch_size", "a whole number of at least 1", 0);
/// assert_eq!(complaint.to_string(), "fit.batch_size: expected a whole number of at least 1, got 0");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Key path, layer, file, row or column: where the user has to look.
    pub place: String,
    /// What would have been right, as a noun phrase.
    pub expected: String,
    /// What came instead.
    pub got: String,
    /// What to do about it, where there is something to say.
    pub help: Option<String>,
}

impl Complaint {
    /// A complaint about `place`, with both operands.
    pub fn new(place: impl fmt::Display, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self { place: place.to_string(), expected: expected.to_string(), got: got.to_string(), help: None }
    }

    /// The same complaint with advice.
    #[must_use]
    pub fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// The same complaint seen from outside: `place` becomes `outer.place`.
    #[must_use]
    pub fn within(mut self, outer: impl fmt::Display) -> Self {
        let outer = outer.to_string();
        if self.place.is_empty() {
            self.place = outer;
        } else if !outer.is_empty() {
            self.place = format!("{outer}.{}", self.place);
        }
        self
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, expected, got, help } = self;
        if !place.is_empty() {
            write!(f, "{place}: ")?;
        }
        write!(f, "expected {expected}, got {got}")?;
        match help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Everything that can go wrong in this library.
///
/// Mistakes of the *programmer* (an index out of range, a buffer of another length) panic instead, and a training that
/// diverges is a [`StopReason`](crate::StopReason), not an error, unless a choice has nothing left to choose from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the user gave cannot be used. All complaints that could be found are listed, in the order of the input.
    #[error("{}", join(.0))]
    Invalid(Vec<Complaint>),
    /// An [`Observer`](crate::Observer) could not do its work (write a checkpoint, say). The training stopped there.
    #[error("{0}")]
    Observer(Box<dyn std::error::Error + Send + Sync>),
    /// A [`TrialStore`](crate::TrialStore) could not be read or written. What it has kept before is kept.
    #[error("{0}")]
    Store(Box<dyn std::error::Error + Send + Sync>),
    /// Trainings diverged, and without them there is no result: what diverged, as a sentence without its point.
    #[error("{0}")]
    Diverged(String),
    /// An observer asked to stop before there was a result.
    #[error("stopped before the end")]
    Interrupted,
}

impl Error {
    /// The complaints, if this is an error of the user's input.
    #[must_use]
    pub fn complaints(&self) -> &[Complaint] {
        match self {
            Self::Invalid(complaints) => complaints,
            Self::Observer(_) | Self::Store(_) | Self::Diverged(_) | Self::Interrupted => &[],
        }
    }

    /// The same error seen from outside: each place becomes `outer.place`.
    #[must_use]
    pub fn within(self, outer: impl fmt::Display) -> Self {
        match self {
            Self::Invalid(complaints) => {
                Self::Invalid(complaints.into_iter().map(|complaint| complaint.within(&outer)).collect())
            }
            other => other,
        }
    }
}

impl From<Complaint> for Error {
    fn from(complaint: Complaint) -> Self {
        Self::Invalid(vec![complaint])
    }
}

fn join(complaints: &[Complaint]) -> String {
    complaints.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Collects complaints, so that all of them are told at once.
#[derive(Debug, Default)]
pub struct Complaints(Vec<Complaint>);

impl Complaints {
    /// Nothing to complain about yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, complaint: Complaint) {
        self.0.push(complaint);
    }

    /// Adds one unless `good` holds.
    pub fn check(&mut self, good: bool, place: impl fmt::Display, expected: impl fmt::Display, got: impl fmt::Display) {
        if !good {
            self.push(Complaint::new(place, expected, got));
        }
    }

    /// Adds all of a failed result's complaints, seen from `outer`; gives the value of a good one.
    ///
    /// # Errors
    ///
    /// Passes on errors that are not about the user's input.
    pub fn take<T>(&mut self, outer: impl fmt::Display, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::Invalid(complaints)) => {
                self.0.extend(complaints.into_iter().map(|complaint| complaint.within(&outer)));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Done: an error if anything was found.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with all complaints, in the order they were made.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// `word` if it is close to one of `known`: the "did you mean" of every message.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        // Something has to be the same: a word of one letter is near to no other one.
        .filter(|(distance, candidate)| {
            let longest = candidate.chars().count().max(word.chars().count());
            *distance <= longest / 3 + 1 && *distance < longest
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_nest_from_the_inside_out() {
        let error = Error::from(Complaint::new("l2", "a number of at least 0", -1)).within("kernel_regularizer");
        assert_eq!(
            error.within("layers[0]").to_string(),
            "layers[0].kernel_regularizer.l2: expected a number of at least 0, got -1"
        );
    }

    #[test]
    fn nearest_finds_misspelt_words_and_leaves_strangers_alone() {
        assert_eq!(
            nearest("kernal_regularizer", ["kernel_regularizer", "bias_regularizer"]),
            Some("kernel_regularizer")
        );
        assert_eq!(nearest("zebra", ["units", "activation"]), None);
        assert_eq!((nearest("a", ["b", "y"]), nearest("a", ["A"])), (None, Some("A")));
    }
}
