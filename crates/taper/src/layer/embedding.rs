//! Embedding: a vector for each token.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, Masking, dx_of, single};
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::is_default;
use crate::{Complaints, Result};

/// `y = embeddings[x]`: the input holds whole numbers from 0 to `input_dim` - 1, ids of tokens.
///
/// Rows with other numbers are refused before a model runs. Where the ids are themselves computed (by a layer before this
/// one), an id outside gives NaN, so that a training stops instead of learning from the wrong vector.
///
/// The gradient of a vector is the sum over all places where its token stands; the input has none.
///
/// # Shapes
///
/// Input (…), output (…, `output_dim`).
///
/// # Parameters
///
/// `embeddings` (`input_dim`, `output_dim`).
///
/// # Example
///
/// ```
/// use taper::{Embedding, Lstm, Sequential};
///
/// let spec = Sequential::new([20]).layer(Embedding::new(1000, 16).mask_zero(true)).layer(Lstm::new(32));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// How many tokens there are, at least 1.
    pub input_dim: usize,
    /// Length of each vector, at least 1.
    pub output_dim: usize,
    /// How the vectors begin. Default: `random_uniform` on ±0.05.
    #[serde(default = "uniform")]
    pub embeddings_initializer: Initializer,
    /// Penalty on the vectors. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embeddings_regularizer: Option<Regularizer>,
    /// Constraint on the vectors after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embeddings_constraint: Option<Constraint>,
    /// Whether token 0 is padding: recurrent layers then skip it, and it does not count in the loss. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mask_zero: bool,
}

fn uniform() -> Initializer {
    Initializer::RandomUniform { minval: -0.05, maxval: 0.05 }
}

impl Embedding {
    /// Vectors of length `output_dim` for `input_dim` tokens, with Keras's defaults.
    #[must_use]
    pub fn new(input_dim: usize, output_dim: usize) -> Self {
        Self {
            input_dim,
            output_dim,
            embeddings_initializer: uniform(),
            embeddings_regularizer: None,
            embeddings_constraint: None,
            mask_zero: false,
        }
    }

    /// With this penalty on the vectors.
    #[must_use]
    pub fn embeddings_regularizer(mut self, regularizer: Regularizer) -> Self {
        self.embeddings_regularizer = Some(regularizer);
        self
    }

    /// With token 0 as padding, or as a token like others.
    #[must_use]
    pub fn mask_zero(mut self, mask_zero: bool) -> Self {
        self.mask_zero = mask_zero;
        self
    }
}

impl LayerConfig for Embedding {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let mut complaints = Complaints::new();
        complaints.check(self.input_dim > 0, "input_dim", "a whole number of at least 1", self.input_dim);
        complaints.check(self.output_dim > 0, "output_dim", "a whole number of at least 1", self.output_dim);
        // Ids arrive as f32, which holds every whole number up to here.
        complaints.check(self.input_dim <= 1 << 24, "input_dim", "at most 16777216 tokens", self.input_dim);
        complaints.finish()?;
        let embeddings = Shape::new([self.input_dim, self.output_dim]).map_err(|error| error.within("output_dim"))?;
        let mut sizes = input.sizes().to_vec();
        sizes.push(self.output_dim);
        Ok(Box::new(Built {
            tokens: self.input_dim,
            mask_zero: self.mask_zero,
            output: Shape::new(sizes).map_err(|error| error.within("output_dim"))?,
            params: vec![
                ParamSpec::new("embeddings", Role::Embeddings, embeddings, self.embeddings_initializer.clone())
                    .regularizer(&self.embeddings_regularizer)
                    .constraint(&self.embeddings_constraint),
            ],
        }))
    }
}

#[derive(Debug)]
struct Built {
    tokens: usize,
    mask_zero: bool,
    output: Shape,
    params: Vec<ParamSpec>,
}

impl Built {
    /// Where the vector of this id begins and ends, if it is one.
    fn place(&self, id: f32) -> Option<std::ops::Range<usize>> {
        let (token, width) = (id as usize, self.output.last());
        (id >= 0.0 && token < self.tokens).then(|| token * width..(token + 1) * width)
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    fn token_limit(&self) -> Option<usize> {
        Some(self.tokens)
    }

    fn masking(&self) -> Masking {
        if self.mask_zero { Masking::Make } else { Masking::Drop }
    }

    fn make_mask(&self, x: &[f32], mask: &mut [f32]) {
        for (mask, id) in mask.iter_mut().zip(x) {
            *mask = if *id == 0.0 { 0.0 } else { 1.0 };
        }
    }

    fn forward(&self, io: Forward<'_>) {
        for (y, id) in io.y.chunks_exact_mut(self.output.last()).zip(io.inputs.x()) {
            match self.place(*id) {
                Some(place) => y.copy_from_slice(&io.params[place]),
                None => y.fill(f32::NAN),
            }
        }
    }

    fn backward(&self, io: Backward<'_>) {
        io.dparams.fill(0.0);
        for (dy, id) in io.dy.chunks_exact(self.output.last()).zip(io.inputs.x()) {
            if let Some(place) = self.place(*id) {
                taper_kernels::update::add_scaled(1.0, dy, &mut io.dparams[place]);
            }
        }
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            dx.fill(0.0);
        }
    }
}
