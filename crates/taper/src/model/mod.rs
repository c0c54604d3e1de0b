//! A model: layers and their parameters, ready to run.

mod build;
mod explicit;
mod gradient;
mod graph;
mod hidden;
mod memory;
mod pass;
mod sequential;
mod spec;
mod usage;
mod wiring;

pub use graph::{Graph, GraphLayer, GraphNode};
pub use memory::training_bytes;
pub(crate) use pass::Workspace;
pub use sequential::Sequential;
pub use spec::ModelSpec;
pub use usage::LayerUse;

use crate::layer::{Layer, Mode};
use crate::loss::Head;
use crate::param::Params;
use crate::regularizer::{CustomPenalty, Regularizer};
use crate::shape::Shape;
use crate::{Complaint, Dataset, Error, Result, Seed};

/// A built model: sizes fixed, weights in one flat buffer.
///
/// # Example
///
/// ```
/// use taper::{Activation, Dense, Model, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let spec = Sequential::new([2])
///     .layer(Dense::new(500).activation(Activation::Relu))
///     .layer(Dense::new(1).activation(Activation::Sigmoid));
/// let model = Model::build(&spec, Seed::new(1))?;
/// assert_eq!(model.params().data().len(), 2 * 500 + 500 + 500 + 1);
/// let p = model.predict(&[0.5, -0.5])?;
/// assert!(p[0] > 0.0 && p[0] < 1.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Model {
    pub(crate) spec: ModelSpec,
    pub(crate) layers: Vec<BuiltLayer>,
    pub(crate) nodes: Vec<Node>,
    /// Who uses what, so that nobody has to search.
    pub(crate) usage: Usage,
    pub(crate) params: Params,
    /// Numbers per sample in each buffer; buffer 0 is the input, buffer i + 1 the output of node i.
    pub(crate) lens: Vec<usize>,
    /// Steps per sample in each buffer's mask; 0 where there is none.
    pub(crate) mask_lens: Vec<usize>,
    pub(crate) input_shape: Shape,
    pub(crate) head: Head,
}

/// Complains about everything in a model that cannot be built.
pub(crate) fn check(spec: &ModelSpec) -> Result<()> {
    build::build(spec.clone()).map(|_| ())
}

/// A layer of a model.
#[derive(Debug)]
pub(crate) struct BuiltLayer {
    pub(crate) name: String,
    /// What it calls itself in a summary: `dense`.
    pub(crate) kind: &'static str,
    /// The position of the node (of a stack, of the layer) that owns it in the specification.
    pub(crate) owner: usize,
    pub(crate) layer: Box<dyn Layer>,
    /// Where its parameters lie in the flat buffer.
    pub(crate) range: std::ops::Range<usize>,
    pub(crate) activity_regularizer: Option<Regularizer>,
    /// Whether training may change it; a frozen layer runs in inference mode where the two differ in state.
    pub(crate) trainable: bool,
}

/// One use of a layer. A shared layer has several.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) layer: usize,
    /// The buffers it reads.
    pub(crate) inputs: Vec<usize>,
}

/// Who uses what in a model.
#[derive(Debug)]
pub(crate) struct Usage {
    /// The nodes that read each buffer, each once.
    pub(crate) readers: Vec<Vec<usize>>,
    /// How many nodes use each layer.
    pub(crate) uses: Vec<usize>,
}

impl Usage {
    fn new(nodes: &[Node], layers: usize, buffers: usize) -> Self {
        let mut usage = Self { readers: vec![vec![]; buffers], uses: vec![0; layers] };
        for (i, node) in nodes.iter().enumerate() {
            usage.uses[node.layer] += 1;
            for input in &node.inputs {
                if usage.readers[*input].last() != Some(&i) {
                    usage.readers[*input].push(i);
                }
            }
        }
        usage
    }
}

/// One line of a model's summary.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LayerSummary {
    /// The layer's name.
    pub name: String,
    /// Its kind: `dense`.
    pub kind: String,
    /// Shape of one sample's output.
    pub output_shape: Shape,
    /// How many parameters.
    pub parameters: usize,
    /// How many of them training changes.
    pub trainable: usize,
}

impl Model {
    /// Builds the model and draws its weights.
    ///
    /// # Errors
    ///
    /// Every complaint about every layer, with its place (`layers[0].units`, `nodes[2].inputs[0]`).
    pub fn build(spec: impl Into<ModelSpec>, seed: Seed) -> Result<Self> {
        let mut model = build::build(spec.into())?;
        model.params.initialize(seed.derive("weights", 0));
        Ok(model)
    }

    /// Builds the model with these weights, in the order of [`Model::plan`]: nothing is drawn, nothing copied.
    ///
    /// # Errors
    ///
    /// As [`Model::build`]; another number of weights than the model has.
    pub fn with_weights(spec: impl Into<ModelSpec>, weights: Vec<f32>) -> Result<Self> {
        let model = build::build(spec.into())?;
        if model.params.len() != weights.len() {
            let expected = format!("{} numbers, one for each parameter", model.params.len());
            return Err(Complaint::new("weights", expected, weights.len()).into());
        }
        Ok(Self { params: model.params.with_data(weights), ..model })
    }

    /// The layers and parameters of a model, without making room for its weights: what there is to say about a model that is too
    /// large to be looked into.
    ///
    /// # Errors
    ///
    /// As [`Model::build`].
    ///
    /// # Example
    ///
    /// ```
    /// use taper::{Dense, Model, Sequential};
    ///
    /// # fn main() -> taper::Result<()> {
    /// let (layers, slots) = Model::outline(&Sequential::new([2]).layer(Dense::new(3)))?;
    /// assert_eq!((layers[0].parameters, slots.len()), (9, 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn outline(spec: impl Into<ModelSpec>) -> Result<(Vec<LayerSummary>, Vec<crate::ParamSlot>)> {
        let model = build::build(spec.into())?;
        Ok((model.summary(), model.params.slots().to_vec()))
    }

    /// The parameters that a model of this kind has, without making room for them: what a reader checks a file against
    /// before it believes its sizes.
    ///
    /// # Errors
    ///
    /// As [`Model::build`].
    ///
    /// # Example
    ///
    /// ```
    /// use taper::{Dense, Model, Sequential};
    ///
    /// # fn main() -> taper::Result<()> {
    /// let slots = Model::plan(&Sequential::new([2]).layer(Dense::new(3)))?;
    /// assert_eq!((slots[0].path.as_str(), slots[0].spec.shape.sizes()), ("dense/kernel", &[2, 3][..]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn plan(spec: impl Into<ModelSpec>) -> Result<Vec<crate::ParamSlot>> {
        Ok(build::build(spec.into())?.params.into_slots())
    }

    /// What it was built from.
    #[must_use]
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// The shape of one row's input.
    #[must_use]
    pub fn input_shape(&self) -> &Shape {
        &self.input_shape
    }

    /// The shape of one row's output.
    #[must_use]
    pub fn output_shape(&self) -> &Shape {
        match self.nodes.last() {
            Some(node) => self.layers[node.layer].layer.output_shape(),
            None => &self.input_shape,
        }
    }

    /// The weights.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The weights, to be changed.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    /// The layers, as a summary lists them.
    #[must_use]
    pub fn summary(&self) -> Vec<LayerSummary> {
        let shown = self.layers.iter().filter(|layer| !layer.name.is_empty());
        shown
            .map(|layer| {
                let slots = || self.params.slots_within(&layer.range).iter();
                LayerSummary {
                    name: layer.name.clone(),
                    kind: layer.kind.to_owned(),
                    output_shape: layer.layer.output_shape().clone(),
                    parameters: layer.range.len(),
                    trainable: slots().filter(|slot| slot.spec.trainable).map(|slot| slot.range.len()).sum(),
                }
            })
            .collect()
    }

    /// Changes (or with `None` removes) the penalty of one parameter. It is in force from the next step on.
    ///
    /// # Errors
    ///
    /// A path that names no parameter, or a strength that is none.
    pub fn set_regularizer(&mut self, path: &str, regularizer: Option<Regularizer>) -> Result<()> {
        if let Some(slot) = self.params.slots_mut().iter_mut().find(|slot| slot.path == path) {
            if let Some(regularizer) = &regularizer {
                let mut complaints = crate::Complaints::new();
                regularizer.validate(path, Some(&slot.spec), &mut complaints);
                complaints.finish()?;
            }
            slot.spec.regularizer = regularizer;
            return Ok(());
        }
        Err(self.unknown_path(path))
    }

    /// Puts a penalty of your own on one parameter, beside its regularizer (or with `None` takes it off). It is in force from the
    /// next training on.
    ///
    /// # Errors
    ///
    /// A path that names no parameter.
    pub fn set_penalty(&mut self, path: &str, penalty: Option<CustomPenalty>) -> Result<()> {
        match self.params.slots_mut().iter_mut().find(|slot| slot.path == path) {
            Some(slot) => slot.custom = penalty,
            None => return Err(self.unknown_path(path)),
        }
        Ok(())
    }

    fn unknown_path(&self, path: &str) -> Error {
        let known: Vec<&str> = self.params.slots().iter().map(|slot| slot.path.as_str()).collect();
        crate::spelling::unknown("path", path, &known).into()
    }

    /// Puts a policy in force, in the place of the one that the model may have: every parameter that it means gets its penalty,
    /// unless its layer or [`set_regularizer`](Self::set_regularizer) says another. Weights stay as they are, so this is also
    /// for models that are imported or trained already.
    ///
    /// # Errors
    ///
    /// A role or a pattern that means no parameter, penalties that a parameter cannot have: all at once, and nothing changes.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::{Dense, Model, Policy, Regularizer, Seed, Sequential};
    ///
    /// # fn main() -> taper::Result<()> {
    /// let mut model = Model::build(&Sequential::new([2]).layer(Dense::new(3)).layer(Dense::new(1)), Seed::new(1))?;
    /// model.regularize(&Policy::new(Regularizer::l2(1e-4)))?;
    /// let penalized: Vec<bool> = model.params().slots().iter().map(|slot| slot.penalty().is_some()).collect();
    /// assert_eq!(penalized, [true, false, true, false], "kernels, not biases");
    /// # Ok(())
    /// # }
    /// ```
    pub fn regularize(&mut self, policy: &crate::Policy) -> Result<()> {
        let mut spec = self.spec.clone();
        spec.set_regularization(Some(policy.clone()));
        let (before, after) = (Self::plan(&self.spec)?, Self::plan(&spec)?);
        for (slot, (before, after)) in self.params.slots_mut().iter_mut().zip(before.into_iter().zip(after)) {
            if slot.spec.regularizer == before.spec.regularizer {
                slot.spec.regularizer = after.spec.regularizer;
            }
        }
        self.spec = spec;
        Ok(())
    }

    /// The model's output for rows of inputs, in inference mode.
    ///
    /// # Errors
    ///
    /// If `x` is not whole rows.
    pub fn predict(&self, x: &[f32]) -> Result<Vec<f32>> {
        const BATCH: usize = 256;
        let width = self.input_shape.len();
        if !x.len().is_multiple_of(width) {
            let expected = format!("whole rows of {width} numbers");
            return Err(Complaint::new("x", expected, format!("{} numbers", x.len())).into());
        }
        self.check_tokens("x", x)?;
        let mut workspace = Workspace::new(self, BATCH.min(x.len() / width), false);
        let mut predictions = Vec::with_capacity(x.len() / width * self.output_shape().len());
        for rows in x.chunks(BATCH * width) {
            workspace.input_mut(rows.len()).copy_from_slice(rows);
            workspace.forward(self, rows.len() / width, Mode::Inference, Seed::new(0));
            predictions.extend_from_slice(workspace.output(self, rows.len() / width));
        }
        Ok(predictions)
    }

    /// Complains if these rows do not fit the model's input.
    pub(crate) fn check_input(&self, place: &str, data: &Dataset) -> Result<(), Error> {
        if data.input_shape() == &self.input_shape {
            return self.check_tokens(&format!("{place}.x"), data.x());
        }
        let expected = format!("rows of shape {}, which the model takes", self.input_shape);
        Err(Complaint::new(place, expected, format!("rows of shape {}", data.input_shape())).into())
    }

    /// Complains if a layer that reads these rows takes them for ids of tokens, and one is none.
    fn check_tokens(&self, place: &str, x: &[f32]) -> Result<()> {
        let width = self.input_shape.len();
        for node in self.nodes.iter().filter(|node| node.inputs.contains(&0)) {
            let layer = &self.layers[node.layer];
            let Some(limit) = layer.layer.token_limit() else { continue };
            let good = |id: &f32| *id >= 0.0 && *id < limit as f32 && id.fract() == 0.0;
            if let Some(first) = x.iter().position(|id| !good(id)) {
                let place = format!("{place}, row {}, column {}", first / width + 1, first % width + 1);
                let expected =
                    format!("an id from 0 to {}, because layer `{}` knows {limit} tokens", limit - 1, layer.name);
                return Err(Complaint::new(place, expected, x[first]).into());
            }
        }
        Ok(())
    }
}
