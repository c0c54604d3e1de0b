//! Neural networks that do not overfit: Keras-style models whose weights carry L1/L2 penalties, and the means to choose the
//! penalty honestly.
//!
//! | to | see |
//! |---|---|
//! | write a model down | [`Sequential`], [`Dense`] and its neighbours |
//! | penalize it | [`Regularizer`], [`PenaltyMode`], [`Strength`], [`Penalty`] |
//! | build it | [`Model`], [`Params`] |
//! | train it | [`FitConfig`], [`Optimizer`], [`fit()`], [`History`], [`Observer`] |
//! | measure it | [`evaluate()`], [`Scores`], [`Metric`], [`Sparsity`] |
//! | compare settings | [`Experiment`], [`run_study`], [`StudyResult`], [`rising_path`] |
//! | choose a penalty honestly | [`choose()`], [`ChooseSpec`], [`Choice`], [`TrialStore`] |
//! | get exactly reproduced data | [`data`] |
//!
//! Specifications are plain data that can be read, written and patched; running state has fixed sizes and lends its buffers;
//! results are plain data again. The library does no input or output, prints nothing and reads no clock to decide: the same
//! seed gives the same bits at any number of threads.
//!
//! # Example
//!
//! ```
//! use taper::*;
//!
//! # fn main() -> Result<()> {
//! let (train, test) = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
//! let spec = Sequential::new([2])
//!     .layer(Dense::new(500).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(0.001)))
//!     .layer(Dense::new(1).activation(Activation::Sigmoid));
//! let mut model = Model::build(&spec, Seed::new(1))?;
//! let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]).epochs(200);
//! let history = fit(&mut model, &train, Some(&test), &config, Seed::new(1), &mut Quiet)?;
//! assert_eq!(history.epochs(), 200);
//! # Ok(())
//! # }
//! ```

/// The front page's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

mod activation;
mod built_in;
mod calibrate;
mod choose;
mod clock;
mod compact;
#[cfg(test)]
mod conformance;
mod constraint;
pub mod data;
mod data_spec;
mod dataset;
mod dialect;
mod division;
mod error;
mod experiment;
mod initializer;
mod layer;
mod loss;
mod metric;
mod model;
mod optimizer;
mod parallel;
mod param;
mod pattern;
mod plan;
mod policy;
mod regularizer;
mod rng;
mod rows;
#[cfg(feature = "schema")]
mod schema;
mod score_interval;
mod shape;
mod spelling;
mod strength;
mod study;
pub mod table;
mod train;
mod warning;
pub mod wording;

pub use activation::Activation;
pub use calibrate::{Calibration, calibrate};
pub use choose::{
    Candidate, Choice, ChooseEvent, ChooseMode, ChooseObserver, ChooseSpec, Chosen, Claim, Comparison, Curve, Detail,
    Family, FoldAt, FoldDifference, Gain, GridPoint, LearningPoint, MemoryStore, Overfitting, Path, Reliability,
    ReliabilityBin, RowCount, Rule, RunCount, Score, Selection, TrialOutcome, TrialSpec, TrialStore, Verdict,
    candidates, check_choose, check_outcome, choose, pending, run_trial,
};
pub use compact::{
    CompactLayer, CompactRecord, Compacted, DroppedPenalty, LayerSparsity, LeftWhole, Sparsity, compact, difference,
    difference_on,
};
pub use constraint::{Axes, Constraint};
pub use data_spec::{DataSpec, Features, Missing, Ragged, TestRows, Unseen};
pub use dataset::Dataset;
pub use dialect::{Bridge, Conversion, Dialect};
pub use division::{Division, Picked, Split};
pub use error::{Complaint, Complaints, Error, Result, nearest};
pub use experiment::Experiment;
pub use initializer::{Distribution, FanMode, Initializer};
pub use layer::*;
pub use loss::Loss;
pub use metric::{Metric, MetricSpec};
pub use model::{Graph, GraphLayer, GraphNode, LayerSummary, LayerUse, Model, ModelSpec, Sequential, training_bytes};
pub use optimizer::{Clip, LearningRate, Optimizer, OptimizerKind, OptimizerState, Schedule};
pub use param::{ParamSlot, ParamSpec, Params, Role};
pub use plan::{Budget, Finding, FindingKind, Plan, PlanTensor, PlanTerm, plan};
pub use policy::{PathRule, Policy};
pub use regularizer::{
    Anchor, CustomPenalty, Grouping, OrthogonalMode, Penalty, PenaltyMode, PenaltyState, Proximal, Regularizer, Term,
};
pub use rng::{Rng, Seed};
pub use rows::{PlainRows, Rows};
#[cfg(feature = "schema")]
pub use schema::Described;
pub use score_interval::{ScoreInterval, evaluate_with_intervals};
pub use shape::Shape;
pub use spelling::read;
pub use strength::Strength;
pub use study::{
    Axis, Difference, PathPoint, Resample, Run, RunEvent, StudyObserver, StudyResult, StudySpec, Summary, Trial,
    check_study, rising_path, run, run_study,
};
pub use taper_kernels::{Isa, force_isa, isa, peak};
pub use train::{
    EarlyStopping, EpochRow, FirstBatch, FitConfig, Fitting, Flow, History, MonitorState, Observer, Quiet,
    ReduceLrOnPlateau, Scores, StopReason, TrainState, Watched, evaluate, first_batch, fit, fit_from, row_losses,
};
pub use warning::Warning;
