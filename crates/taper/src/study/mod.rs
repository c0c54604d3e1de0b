//! Many trainings: a grid over settings, repeated and paired.
//!
//! A *study* varies settings along axes; a *trial* is one setting; a *run* is one repeat of it. Every trial's repeat `r` uses
//! the same rows and the same seed as every other trial's repeat `r`, so that trials can be compared pair by pair.

mod path;
mod result;
mod run;
mod spec;

pub use path::{PathPoint, rising_path};
pub(crate) use result::t_quantile;
pub use result::{Difference, StudyResult, Summary, Trial};
pub(crate) use run::{Cancel, map_in_order};
pub use run::{Run, RunEvent, StudyObserver, check_study, run, run_study};
pub use spec::{Axis, Resample, StudySpec};
