//! From specification to model: shapes are worked out, parameters find their place.

use super::graph::GraphLayer;
use super::wiring::Wiring;
use super::{BuiltLayer, Graph, Model, ModelSpec, Node, Usage};
use crate::activation::Activation;
use crate::layer::{ActivationLayer, Layer, LayerConfig, LayerKind, LayerSpec, Masking};
use crate::loss::Head;
use crate::param::{ParamSlot, Params};
use crate::shape::Shape;
use crate::{Complaint, Complaints, Result};

/// More parameters than this in one model can only be a mistake: 2^36 floats are 256 GiB before gradients and moments.
const MOST_PARAMETERS: usize = 1 << 36;

/// The model, its weights not yet allocated.
pub(super) fn build(spec: ModelSpec) -> Result<Model> {
    let graph = match &spec {
        ModelSpec::Sequential(stack) => Graph::from(stack),
        ModelSpec::Graph(graph) => graph.clone(),
    };
    let mut complaints = Complaints::new();
    let input_shape = complaints.take("input_shape", Shape::new(graph.input_shape.clone()).map_err(without_place))?;
    let wiring = complaints.take("", Wiring::new(&spec, &graph))?;
    let (Some(input_shape), Some(wiring)) = (input_shape, wiring) else { return Err(finished(complaints)) };

    let mut builder = Builder::new(&graph, wiring, &input_shape);
    for node in builder.wiring.order.clone() {
        let added = builder.add(node);
        let place = builder.wiring.place(node);
        complaints.take(place, added.map_err(|error| builder.with_name(error, node)))?;
    }
    builder.check_activity_regularizers(&mut complaints);
    complaints.finish()?;
    let head = builder.head.map_or(Head::Plain, |(_, head)| head);
    let (layers, nodes, mut slots) = builder.lay_out();
    if let Some(policy) = spec.regularization() {
        policy.apply(&mut slots).map_err(|error| error.within("regularization"))?;
    }
    let parameters = slots.last().map_or(0, |slot| slot.range.end);
    if parameters > MOST_PARAMETERS {
        let expected = format!("at most {MOST_PARAMETERS} parameters, which take 256 GiB");
        let gib = parameters as f64 * 4.0 / f64::from(1 << 30);
        return Err(Complaint::new("", expected, format!("{parameters}, which take {gib:.0} GiB")).into());
    }
    let Builder { lens, mask_lens, .. } = builder;
    let usage = Usage::new(&nodes, layers.len(), lens.len());
    Ok(Model { spec, layers, nodes, usage, params: Params::new(slots), lens, mask_lens, input_shape, head })
}

/// A layer that has been built, for the nodes that use it.
#[derive(Debug)]
struct Made {
    /// The shapes it was built for.
    inputs: Vec<Shape>,
    layer: Box<dyn Layer>,
    /// The sigmoid or softmax that was split off, if this is the output's layer.
    head: Option<Box<dyn Layer>>,
}

/// A use of a layer, before layers have their final numbers.
#[derive(Debug)]
struct Use {
    owner: usize,
    is_head: bool,
    inputs: Vec<usize>,
}

struct Builder<'a> {
    graph: &'a Graph,
    wiring: Wiring,
    /// The layers, by the node that owns them.
    made: Vec<Option<Made>>,
    uses: Vec<Use>,
    /// Where each source's value lies and its shape; `None` if it could not be built.
    values: Vec<Option<(usize, Shape)>>,
    lens: Vec<usize>,
    mask_lens: Vec<usize>,
    /// The node that owns the output's layer, where that ends in a sigmoid or softmax.
    head: Option<(usize, Head)>,
}

impl<'a> Builder<'a> {
    fn new(graph: &'a Graph, wiring: Wiring, input: &Shape) -> Self {
        let nodes = graph.nodes.len();
        let mut values = vec![None; nodes + 1];
        values[0] = Some((0, input.clone()));
        let mut builder = Self {
            graph,
            made: (0..nodes).map(|_| None).collect(),
            uses: vec![],
            values,
            lens: vec![input.len()],
            mask_lens: vec![0],
            head: None,
            wiring,
        };
        let output = builder.wiring.order.last().map(|output| builder.wiring.owners[*output]);
        builder.head = output.and_then(|owner| Some((owner, head(&builder.spec(owner)?.kind)?)));
        builder
    }

    /// The layer that this node owns.
    fn spec(&self, node: usize) -> Option<&'a LayerSpec> {
        match &self.graph.nodes[node].layer {
            GraphLayer::Own(layer) => Some(layer),
            GraphLayer::Shared { .. } => None,
        }
    }

    /// Adds one node, whose inputs have been added before. One whose input is wrong cannot be judged and is left out.
    fn add(&mut self, node: usize) -> Result<()> {
        let owner = self.wiring.owners[node];
        let sources: Option<Vec<_>> =
            self.wiring.inputs[node].iter().map(|source| self.values[*source].clone()).collect();
        let Some(sources) = sources else { return Ok(()) };
        let (buffers, shapes): (Vec<usize>, Vec<Shape>) = sources.into_iter().unzip();
        match &self.made[owner] {
            None => self.made[owner] = self.make(owner, &shapes)?,
            Some(made) if made.inputs != shapes => {
                let list = |shapes: &[Shape]| shapes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let name = &self.wiring.names[owner];
                let built = list(&made.inputs);
                let expected = format!("inputs of shape {built}, for which the layer of `{name}` was built");
                return Err(Complaint::new("inputs", expected, list(&shapes)).into());
            }
            Some(_) => {}
        }
        let Some(made) = &self.made[owner] else { return Ok(()) };
        if made.layer.refuses_masks() && buffers.iter().any(|buffer| self.mask_lens[*buffer] > 0) {
            return Err(Complaint::new("inputs", "an input without masked steps", "one with a mask").into());
        }
        let mut shape = made.layer.output_shape().clone();
        let mask_len = mask_len(&*made.layer, &buffers, &shapes, &self.mask_lens);
        let head = made.head.as_ref().map(|head| head.output_shape().clone());
        let mut last = self.push(Use { owner, is_head: false, inputs: buffers }, &shape, mask_len);
        if let Some(head) = head {
            shape = head;
            last = self.push(Use { owner, is_head: true, inputs: vec![last] }, &shape, mask_len);
        }
        self.values[node + 1] = Some((last, shape));
        Ok(())
    }

    /// Appends a use behind the last buffer; returns its buffer.
    fn push(&mut self, node: Use, shape: &Shape, mask_len: usize) -> usize {
        self.uses.push(node);
        self.lens.push(shape.len());
        self.mask_lens.push(mask_len);
        self.lens.len() - 1
    }

    /// Builds the layer that `owner` owns, for these inputs.
    fn make(&self, owner: usize, shapes: &[Shape]) -> Result<Option<Made>> {
        let Some(spec) = self.spec(owner) else { return Ok(None) };
        // The output's sigmoid or softmax becomes a node of its own, so that a loss can work from the logits before it.
        let split = self.head.filter(|(output, _)| *output == owner).and_then(|_| split_head(&spec.kind));
        let (layer, head) = match split {
            Some((linear, activation)) => {
                let layer = linear.build(shapes)?;
                let head = ActivationLayer::new(activation).build(std::slice::from_ref(layer.output_shape()))?;
                (layer, Some(head))
            }
            None => (spec.kind.build(shapes)?, None),
        };
        let mut complaints = Complaints::new();
        for param in layer.params() {
            param.validate(&mut complaints)?;
        }
        complaints.finish()?;
        Ok(Some(Made { inputs: shapes.to_vec(), layer, head }))
    }

    fn check_activity_regularizers(&self, complaints: &mut Complaints) {
        for node in 0..self.graph.nodes.len() {
            let Some(spec) = self.spec(node) else { continue };
            let Some(regularizer) = &spec.activity_regularizer else { continue };
            let place = format!("{}.activity_regularizer", self.wiring.place(node));
            regularizer.validate(&place, None, complaints);
            if matches!(spec.kind, LayerKind::ActivityRegularization(_)) {
                complaints.push(Complaint::new(place, "nothing, because the layer's l1 and l2 say it", "a penalty"));
            }
        }
    }

    /// Puts layers and parameters in the order in which the user wrote them.
    fn lay_out(&mut self) -> (Vec<BuiltLayer>, Vec<Node>, Vec<ParamSlot>) {
        let (mut layers, mut slots, mut end) = (vec![], vec![], 0);
        let mut numbers = vec![0; self.made.len()];
        for owner in 0..self.made.len() {
            let (Some(made), Some(spec)) = (self.made[owner].take(), self.spec(owner)) else { continue };
            let (name, start) = (&self.wiring.names[owner], end);
            for param in made.layer.params() {
                let mut param = param.clone();
                param.trainable &= spec.trainable;
                let range = end..end + param.shape.len();
                end = range.end;
                slots.push(ParamSlot { path: format!("{name}/{}", param.name), range, spec: param, custom: None });
            }
            numbers[owner] = layers.len();
            let (name, kind) = (name.clone(), spec.kind.name());
            let (range, trainable) = (start..end, spec.trainable);
            let mut activity_regularizer = match &spec.kind {
                LayerKind::ActivityRegularization(layer) => Some(layer.regularizer()),
                _ => spec.activity_regularizer.clone(),
            };
            // The activity is what comes out of the whole layer.
            let of_head = made.head.is_some().then(|| activity_regularizer.take()).flatten();
            layers.push(BuiltLayer { name, kind, owner, layer: made.layer, range, activity_regularizer, trainable });
            if let Some(layer) = made.head {
                let (name, range, activity_regularizer) = (String::new(), end..end, of_head);
                let kind = "activation";
                layers.push(BuiltLayer { name, kind, owner, layer, range, activity_regularizer, trainable });
            }
        }
        let node =
            |node: &Use| Node { layer: numbers[node.owner] + usize::from(node.is_head), inputs: node.inputs.clone() };
        (layers, self.uses.iter().map(node).collect(), slots)
    }

    /// Says which layer it was, for models of many.
    fn with_name(&self, error: crate::Error, node: usize) -> crate::Error {
        let crate::Error::Invalid(complaints) = error else { return error };
        let given = match &self.graph.nodes[node].layer {
            GraphLayer::Own(layer) => layer.name.as_ref(),
            GraphLayer::Shared { .. } => None,
        };
        let named = |complaint: Complaint| match (given, &complaint.help) {
            (Some(name), None) => complaint.help(format!("in layer `{name}`")),
            _ => complaint,
        };
        crate::Error::Invalid(complaints.into_iter().map(named).collect())
    }
}

/// Steps per sample in the mask of a layer's output; 0 if it has none.
fn mask_len(layer: &dyn Layer, buffers: &[usize], shapes: &[Shape], mask_lens: &[usize]) -> usize {
    let mut masks = buffers.iter().map(|buffer| mask_lens[*buffer]);
    match layer.masking() {
        Masking::Drop => 0,
        Masking::Pass => masks.next().unwrap_or(0),
        Masking::Make => layer.output_shape().rows(),
        Masking::Any => {
            let first = masks.next().unwrap_or(0);
            if masks.all(|len| len == first) { first } else { 0 }
        }
        Masking::Join if masks.all(|len| len == 0) => 0,
        Masking::Join => shapes.iter().map(Shape::rows).sum(),
    }
}

/// The output layer without its sigmoid or softmax, and that function.
fn split_head(kind: &LayerKind) -> Option<(LayerKind, Activation)> {
    let mut linear = kind.clone();
    let activation = linear.activation_mut()?;
    if !is_head(*activation) {
        return None;
    }
    let function = std::mem::replace(activation, Activation::Linear);
    Some((linear, function))
}

fn is_head(activation: Activation) -> bool {
    matches!(activation, Activation::Sigmoid | Activation::Softmax)
}

/// What a layer leaves behind for the loss.
fn head(kind: &LayerKind) -> Option<Head> {
    let activation = match (kind, split_head(kind)) {
        (_, Some((_, activation))) => activation,
        (LayerKind::Activation(layer), _) => layer.activation,
        (LayerKind::Softmax(layer), _) if layer.is_over_last() => Activation::Softmax,
        _ => return None,
    };
    match activation {
        Activation::Sigmoid => Some(Head::Sigmoid),
        Activation::Softmax => Some(Head::Softmax),
        _ => None,
    }
}

fn without_place(error: crate::Error) -> crate::Error {
    match error {
        crate::Error::Invalid(complaints) => crate::Error::Invalid(
            complaints.into_iter().map(|complaint| Complaint { place: String::new(), ..complaint }).collect(),
        ),
        other => other,
    }
}

fn finished(complaints: Complaints) -> crate::Error {
    match complaints.finish() {
        Err(error) => error,
        Ok(()) => Complaint::new("model", "a model", "none").into(),
    }
}
