//! Which penalty, how strong, how sure: the protocol behind `taper choose`.
//!
//! A [`TrialSpec`] is one training and its scores as plain data; [`run_trial`] is a pure function of it and the rows. A
//! [`TrialStore`] keeps outcomes, so that [`choose()`] runs each trial once in its life: stopped and begun again with the same
//! store, it ends with the bytes of an undisturbed run. What it finds is a [`Choice`]: plain numbers, all that reports read.

mod candidate;
mod check;
mod comparison;
mod curve;
mod evidence;
mod fold;
mod grid;
mod judged;
mod observer;
mod penalty;
mod protocol;
mod race;
mod reliability;
mod result;
mod runner;
mod selection;
mod spec;
mod statistic;
mod store;
mod trial;
mod verdict;

pub use candidate::{Candidate, Path, candidates};
pub use check::check_outcome;
pub use comparison::Comparison;
pub use curve::Curve;
pub use evidence::{LearningPoint, Overfitting};
pub use fold::{FoldAt, Selection};
pub use observer::{ChooseEvent, ChooseObserver};
pub use protocol::{check_choose, choose, pending};
pub use reliability::{Reliability, ReliabilityBin};
pub use result::{Choice, Chosen, Claim, Family, FoldDifference, Gain, GridPoint, RowCount, RunCount, Score, Verdict};
pub use spec::{ChooseMode, ChooseSpec, Rule};
pub(crate) use statistic::Interval;
pub use store::{MemoryStore, TrialStore};
pub use trial::{Detail, TrialOutcome, TrialSpec, run_trial};
