//! The weights of a model: one flat buffer, and what is known of each part of it.

use std::borrow::Cow;
use std::ops::Range;

use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::{Complaint, Complaints, Error, Result, Seed};

/// What a parameter is for. A policy chooses by it what to penalize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
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
}

impl ParamSpec {
    /// A trainable parameter without a penalty.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, role: Role, shape: Shape, initializer: Initializer) -> Self {
        let (name, ones) = (name.into(), 0..0);
        Self { name, role, shape, initializer, ones, regularizer: None, constraint: None, trainable: true }
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
            regularizer.validate(&format!("{setting}_regularizer"), Some(&self.shape), complaints);
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
}

impl ParamSlot {
    /// The penalty in force: frozen weights carry none.
    #[must_use]
    pub fn penalty(&self) -> Option<&Regularizer> {
        self.spec.regularizer.as_ref().filter(|_| self.spec.trainable)
    }
}

/// All parameters of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    data: Vec<f32>,
    slots: Vec<ParamSlot>,
}

impl Params {
    /// These slots, whose ranges must follow each other without gaps. The numbers are allocated by
    /// [`initialize`](Self::initialize), so that the size of a model can be judged before.
    pub(crate) fn new(slots: Vec<ParamSlot>) -> Self {
        Self { data: Vec::new(), slots }
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

    /// Ω: the sum of all weight penalties with the strengths of this epoch. Shared weights are one slot, so they count once.
    #[must_use]
    pub fn penalty_at(&self, epoch: usize) -> f64 {
        self.penalty_with(epoch, &mut Vec::new())
    }

    /// [`penalty_at`](Self::penalty_at) without allocating, if the scratch is long enough.
    pub(crate) fn penalty_with(&self, epoch: usize, scratch: &mut Vec<f32>) -> f64 {
        let mut total = 0.0;
        for (slot, w) in self.iter() {
            if let Some(regularizer) = slot.penalty() {
                total += regularizer.value_with(epoch, &slot.spec.shape, w, scratch);
            }
        }
        total
    }

    /// How many floats of scratch the penalties need.
    pub(crate) fn penalty_scratch_len(&self) -> usize {
        let lens = self.slots.iter().filter_map(|slot| Some(slot.penalty()?.scratch_len(&slot.spec.shape)));
        lens.max().unwrap_or(0)
    }

    /// Brings every trainable parameter to its constraint.
    pub(crate) fn constrain(&mut self) {
        for slot in self.slots.iter().filter(|slot| slot.spec.trainable) {
            if let Some(constraint) = &slot.spec.constraint {
                constraint.apply(&slot.spec.shape, &mut self.data[slot.range.clone()]);
            }
        }
    }

    /// Adds every penalty's gradient to `gradients` (as long as the data); returns Ω.
    pub(crate) fn add_penalty_gradients(&self, epoch: usize, gradients: &mut [f32], scratch: &mut Vec<f32>) -> f64 {
        let mut total = 0.0;
        for slot in &self.slots {
            if let Some(regularizer) = slot.penalty() {
                let range = slot.range.clone();
                let (w, dw) = (&self.data[range.clone()], &mut gradients[range]);
                total += regularizer.add_gradient(epoch, &slot.spec.shape, w, dw, scratch);
            }
        }
        total
    }
}
