//! A layer for every time step.

use serde::{Deserialize, Serialize};

use super::inner::Inner;
use super::step_by_step::StepByStep;
use super::{
    Backward, Forward, InputGradients, Inputs, Layer, LayerConfig, LayerKind, LayerSpec, Masking, dx_of, single,
};
use crate::param::{ParamSpec, Role};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// The same layer, with the same weights, on every step of a sequence. A [`BatchNormalization`](crate::BatchNormalization) takes each
/// step's rows for a batch of their own, as in Keras.
///
/// # Shapes
///
/// Input (steps, …), where (…) is what the wrapped layer takes; output (steps, …), where (…) is what it gives.
///
/// # Parameters
///
/// Those of the wrapped layer: `dense/kernel`.
///
/// # Example
///
/// In a file `{ layer = "time_distributed", of = { layer = "dense", units = 2 } }`; here:
///
/// ```
/// use taper::{Dense, Lstm, Sequential, TimeDistributed};
///
/// let spec = Sequential::new([12, 3])
///     .layer(Lstm::new(8).return_sequences(true))
///     .layer(TimeDistributed::new(Dense::new(2)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TimeDistributed {
    /// The layer for each step (Keras's `layer`).
    pub of: Box<LayerSpec>,
}

impl TimeDistributed {
    /// This layer on every step.
    #[must_use]
    pub fn new(of: impl Into<LayerSpec>) -> Self {
        Self { of: Box::new(of.into()) }
    }
}

impl LayerConfig for TimeDistributed {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let Some((steps, step)) = input.sizes().split_first().filter(|(_, step)| !step.is_empty()) else {
            return Err(Complaint::new("", "an input of at least two dimensions, (steps, …)", input).into());
        };
        let within = matches!(&self.of.kind, LayerKind::Bidirectional(layer) if layer.penalizes_directions());
        if self.of.activity_regularizer.is_some() || within {
            let place = if within { "of.of.activity_regularizer" } else { "of.activity_regularizer" };
            let complaint = Complaint::new(place, "nothing here", "a penalty");
            return Err(complaint.help("a penalty on outputs belongs to the layer that wraps this one").into());
        }
        let name = self.of.name.as_deref().unwrap_or(self.of.kind.name());
        let step = Shape::new(step)?;
        let inner = Inner::build(&self.of, name, &step).map_err(|error| error.within("of"))?;
        let mut sizes = vec![*steps];
        sizes.extend(inner.layer.output_shape().sizes());
        let output = Shape::new(sizes).map_err(|error| error.within("of"))?;
        if inner.params.iter().any(|param| param.role == Role::MovingStatistic) {
            return Ok(Box::new(StepByStep::new(*steps, step.len(), output, inner)));
        }
        Ok(Box::new(Built { steps: *steps, output, inner }))
    }
}

/// Steps are rows to the wrapped layer: they lie one after the other already.
#[derive(Debug)]
struct Built {
    steps: usize,
    output: Shape,
    inner: Inner,
}

impl Built {
    /// The rows of the wrapped layer. A mask over the steps says nothing within a step, so only a finer one is passed on.
    fn inputs<'a>(&self, batch: usize, inputs: Inputs<'a>) -> Inputs<'a> {
        let rows = batch * self.steps;
        Inputs::lend(rows, inputs.x(), inputs.mask().filter(|mask| mask.len() > rows))
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn params(&self) -> &[ParamSpec] {
        &self.inner.params
    }

    fn cache_len(&self, batch: usize) -> usize {
        self.inner.layer.cache_len(batch * self.steps)
    }

    fn scratch_len(&self, batch: usize) -> usize {
        self.inner.layer.scratch_len(batch * self.steps)
    }

    fn token_limit(&self) -> Option<usize> {
        self.inner.layer.token_limit()
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        self.inner.layer.forward(Forward {
            batch: io.batch * self.steps,
            inputs: self.inputs(io.batch, io.inputs),
            frozen: io.frozen || self.inner.frozen,
            ..io
        });
    }

    fn backward(&self, io: Backward<'_>) {
        let dx = dx_of(io.dx, io.batch, &io.inputs);
        self.inner.layer.backward(Backward {
            batch: io.batch * self.steps,
            inputs: self.inputs(io.batch, io.inputs),
            dx: &mut InputGradients::Lent(dx),
            frozen: io.frozen || self.inner.frozen,
            ..io
        });
    }
}
