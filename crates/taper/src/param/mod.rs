//! The weights of a model: one flat buffer, and what is known of each part of it.

mod ledger;
mod penalty;
mod update;

pub(crate) use ledger::names as ledger_names;
pub(crate) use penalty::Buffers;
pub(crate) use update::{Moments, PenaltyOnWeights, Step, UpdateRates, range_of};

use std::borrow::Cow;
use std::ops::Range;

use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::regularizer::{CustomPenalty, PenaltyState, Regularizer};
use crate::shape::Shape;
use crate::{Complaint, Complaints, Error, Result, Seed};

/// What a parameter is for. A policy chooses by it what to penalize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Weights between inputs and units.
    Kernel,
    /// Weights between a unit's past and its present.
    RecurrentKernel,
    /// One kernel per input channel.
    DepthwiseKernel,
    /// The 1 × 1 kernel that mixes channels after a depthwise one.
    PointwiseKernel,
    /// One offset per unit.
    Bias,
    /// One vector per token.
    Embeddings,
    /// The scale of a normalization.
    Gamma,
    /// The offset of a normalization.
    Beta,
    /// The slope of a rectifier below 0.
    Slope,
    /// Moving statistics; never trained.
    MovingStatistic,
}

/// A parameter as a layer declares it. The regularizer and the constraint belong to the parameter; no layer's arithmetic
/// knows of them.
///
/// A layer offers both to its users under Keras's names and hands them over when it is built. For each parameter `kernel` its
/// settings have
///
/// ```text
/// #[serde(default, skip_serializing_if = "Option::is_none")]
/// pub kernel_regularizer: Option<Regularizer>,
/// #[serde(default, skip_serializing_if = "Option::is_none")]
/// pub kernel_constraint: Option<Constraint>,
/// ```
///
/// and its `build` says
///
/// ```text
/// ParamSpec::new("kernel", Role::Kernel, shape, self.kernel_initializer.clone())
///     .regularizer(&self.kernel_regularizer)
///     .constraint(&self.kernel_constraint)
/// ```
///
/// That is all: the model checks the settings, adds the penalty and its gradient, and applies the constraint after each step.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// Keras's name of it within the layer: `kernel`, `bias`, `lstm_cell/kernel`.
    pub name: Cow<'static, str>,
    /// What it is for.
    pub role: Role,
    /// Its sizes.
    pub shape: Shape,
    /// How it begins.
    pub initializer: Initializer,
    /// The part that begins at 1 whatever the initializer says (an LSTM's forget bias). Default: none.
    pub ones: Range<usize>,
    /// The penalty on it.
    pub regularizer: Option<Regularizer>,
    /// What it is brought back to after each step.
    pub constraint: Option<Constraint>,
    /// Whether training may change it at all (moving statistics: no).
    pub trainable: bool,
    /// How many gates its last dimension holds side by side: 4 for an LSTM, 3 for a GRU, 1 elsewhere.
    pub gates: usize,
    /// Whether its units come before its inputs: a transposed convolution's kernel.
    pub transposed: bool,
}

impl ParamSpec {
    /// A trainable parameter without a penalty.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, role: Role, shape: Shape, initializer: Initializer) -> Self {
        let (name, ones) = (name.into(), 0..0);
        Self {
            name,
            role,
            shape,
            initializer,
            ones,
            regularizer: None,
            constraint: None,
            trainable: true,
            gates: 1,
            transposed: false,
        }
    }

    /// The same parameter with a penalty.
    #[must_use]
    pub fn regularizer(mut self, regularizer: &Option<Regularizer>) -> Self {
        self.regularizer.clone_from(regularizer);
        self
    }

    /// The same parameter with a constraint.
    #[must_use]
    pub fn constraint(mut self, constraint: &Option<Constraint>) -> Self {
        self.constraint.clone_from(constraint);
        self
    }

    /// The same parameter, of a layer with this many gates.
    #[must_use]
    pub fn gates(mut self, gates: usize) -> Self {
        self.gates = gates;
        self
    }

    /// The same parameter, its units before its inputs.
    #[must_use]
    pub fn transposed(mut self) -> Self {
        self.transposed = true;
        self
    }

    /// Complains about an initializer, a penalty or a constraint that cannot be used; places are settings of the layer.
    pub(crate) fn validate(&self, complaints: &mut Complaints) -> Result<()> {
        // Keras's words: `recurrent_kernel` is set by `recurrent_initializer`.
        let name = self.name.rsplit('/').next().unwrap_or_default();
        let setting = name.strip_suffix("_kernel").unwrap_or(name);
        let initializer = self.initializer.validate(&self.shape).map_err(|error| match error {
            Error::Invalid(all) => Error::Invalid(
                all.into_iter().map(|complaint| Complaint { place: String::new(), ..complaint }).collect(),
            ),
            other => other,
        });
        complaints.take(format!("{setting}_initializer"), initializer)?;
        if let Some(regularizer) = &self.regularizer {
            regularizer.validate(&format!("{setting}_regularizer"), Some(self), complaints);
        }
        if let Some(constraint) = &self.constraint {
            constraint.validate(&format!("{setting}_constraint"), &self.shape, complaints);
        }
        Ok(())
    }
}

/// A parameter of a built model: its specification and its place in the flat buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSlot {
    /// `layer/name`, unique in the model: `dense/kernel`.
    pub path: String,
    /// Where its numbers are.
    pub range: Range<usize>,
    /// What it is. A frozen layer's parameters are not trainable.
    pub spec: ParamSpec,
    /// A penalty of the user's own, beside the regularizer; see [`Model::set_penalty`](crate::Model::set_penalty).
    pub custom: Option<CustomPenalty>,
}

impl ParamSlot {
    /// The penalty in force: frozen weights carry none.
    #[must_use]
    pub fn penalty(&self) -> Option<&Regularizer> {
        self.spec.regularizer.as_ref().filter(|_| self.spec.trainable)
    }

    /// The user's own penalty in force.
    #[must_use]
    pub fn custom_penalty(&self) -> Option<&CustomPenalty> {
        self.custom.as_ref().filter(|_| self.spec.trainable)
    }

    /// Whether its weights are penalized at all.
    pub(crate) fn is_penalized(&self) -> bool {
        self.custom_penalty().is_some() || self.penalty().is_some_and(|penalty| penalty.terms().next().is_some())
    }
}

/// All parameters of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    data: Vec<f32>,
    slots: Vec<ParamSlot>,
    /// What its penalties stand at: that of the training it was last in.
    pub(crate) penalty_state: PenaltyState,
}

impl Params {
    /// These slots, whose ranges must follow each other without gaps. The numbers are allocated by
    /// [`initialize`](Self::initialize), so that the size of a model can be judged before.
    pub(crate) fn new(slots: Vec<ParamSlot>) -> Self {
        Self { data: Vec::new(), slots, penalty_state: PenaltyState::default() }
    }

    /// How many numbers there are, whether or not they are allocated.
    pub(crate) fn len(&self) -> usize {
        self.slots.last().map_or(0, |slot| slot.range.end)
    }

    /// The same parameters with these numbers, as many as there are.
    pub(crate) fn with_data(self, data: Vec<f32>) -> Self {
        assert_eq!(self.len(), data.len());
        Self { data, ..self }
    }

    /// The slots alone.
    pub(crate) fn into_slots(self) -> Vec<ParamSlot> {
        self.slots
    }

    /// What the penalties stand at: that of the training that these parameters were last in.
    #[must_use]
    pub fn penalty_state(&self) -> &PenaltyState {
        &self.penalty_state
    }

    /// Goes on where penalties stood: strengths that were steered, the weights that a training began with.
    ///
    /// # Errors
    ///
    /// The state of another model.
    pub fn set_penalty_state(&mut self, state: PenaltyState) -> Result<()> {
        let mut complaints = Complaints::new();
        for (name, got, expected) in
            [("steer", state.steer.len(), self.slots.len()), ("start", state.start.len(), self.len())]
        {
            complaints.check(got == 0 || got == expected, name, format!("none, or {expected} as this model has"), got);
        }
        complaints.finish()?;
        self.penalty_state = state;
        Ok(())
    }

    /// Draws every parameter anew. Each has its own stream, named by its path.
    pub fn initialize(&mut self, seed: Seed) {
        self.data.resize(self.len(), 0.0);
        for slot in &self.slots {
            let mut rng = seed.derive(&slot.path, 0).rng();
            let data = &mut self.data[slot.range.clone()];
            slot.spec.initializer.fill(&slot.spec.shape, &mut rng, data);
            data[slot.spec.ones.clone()].fill(1.0);
        }
    }

    /// The numbers, in the order of the slots.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The numbers, to be changed.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The slots, in the order of the layers.
    #[must_use]
    pub fn slots(&self) -> &[ParamSlot] {
        &self.slots
    }

    /// The slots whose numbers lie here.
    pub(crate) fn slots_within(&self, range: &Range<usize>) -> &[ParamSlot] {
        let before = |place: usize| self.slots.partition_point(|slot| slot.range.start < place);
        &self.slots[before(range.start)..before(range.end)]
    }

    /// Each slot whose numbers lie here, with its numbers.
    pub(crate) fn within(&self, range: &Range<usize>) -> impl Iterator<Item = (&ParamSlot, &[f32])> {
        self.slots_within(range).iter().map(|slot| (slot, &self.data[slot.range.clone()]))
    }

    pub(crate) fn slots_mut(&mut self) -> &mut [ParamSlot] {
        &mut self.slots
    }

    /// One parameter's slot and numbers, by path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<(&ParamSlot, &[f32])> {
        let slot = self.slots.iter().find(|slot| slot.path == path)?;
        Some((slot, &self.data[slot.range.clone()]))
    }

    /// Each slot with its numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&ParamSlot, &[f32])> {
        self.slots.iter().map(|slot| (slot, &self.data[slot.range.clone()]))
    }

    /// Brings every trainable parameter to its constraint.
    pub(crate) fn constrain(&mut self) {
        for slot in self.slots.iter().filter(|slot| slot.spec.trainable) {
            if let Some(constraint) = &slot.spec.constraint {
                constraint.apply(&slot.spec.shape, &mut self.data[slot.range.clone()]);
            }
        }
    }
}
