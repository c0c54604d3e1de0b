//! Smaller models with the same outputs: what no longer takes part is cut out.

mod carry;
mod cut;
mod dead;
mod fold;
mod part;
mod sparsity;
mod way;

pub use carry::DroppedPenalty;
pub use sparsity::{LayerSparsity, Sparsity};

use serde::Serialize;

use crate::model::Model;
use crate::{Complaint, Result, Seed};

use cut::{Draft, Small};
use part::Part;
use way::Way;

/// A compacted model and what was taken out of it.
#[derive(Debug)]
pub struct Compacted {
    /// The smaller model.
    pub model: Model,
    /// What was taken out.
    pub record: CompactRecord,
}

/// What [`compact`] took out of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompactRecord {
    /// Parameters before.
    pub parameters_before: usize,
    /// Parameters after.
    pub parameters_after: usize,
    /// Every layer whose units, filters or cells can be counted.
    pub layers: Vec<CompactLayer>,
    /// Layers with units that were not looked at: all their units are there.
    pub left_whole: Vec<LeftWhole>,
    /// Penalties that the smaller model does not carry.
    pub dropped_penalties: Vec<DroppedPenalty>,
    /// Columns of the input (features, channels) that no weight reads, counting from 0.
    pub unused_inputs: Vec<usize>,
    /// The columns that the smaller model's input consists of, in order; `None` if it is the input of the larger one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_inputs: Option<Vec<usize>>,
}

/// A layer whose units are left as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftWhole {
    /// The layer's name.
    pub name: String,
    /// Its kind: `conv2d`.
    pub kind: String,
    /// Why.
    pub why: String,
}

/// Units, filters or cells of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompactLayer {
    /// The layer's name.
    pub name: String,
    /// Its kind: `dense`.
    pub kind: String,
    /// How many it had.
    pub units_before: usize,
    /// How many of them are left.
    pub units_after: usize,
}

impl CompactLayer {
    /// How many took no part in the model's output.
    #[must_use]
    pub fn dead(&self) -> usize {
        self.units_before - self.units_after
    }
}

/// Cuts out of a model what takes no part in its output: the same function with fewer parameters.
///
/// A unit of a dense layer, a filter of a convolution (a transposed one too), a column of an embedding or a cell of a recurrent layer
/// goes
///
/// - if all its outgoing weights are 0, or
/// - if its incoming weights are all 0: its output is the constant f(bias), which the next layer's bias takes over. Where that
///   cannot be done exactly (behind padding, say), it goes only if the constant is 0.
///
/// Between it and the next layer with weights may lie pooling, flattening, elementwise functions, dropout, padding, batch
/// normalization and depthwise convolutions, whose channels go too. Layers on every step are looked into. Of a bidirectional layer
/// both directions keep as many cells, as it must. The output layer stays as it is, and of every layer at least one unit is left;
/// [`left_whole`](CompactRecord::left_whole) says which other layers are not cut, and why.
///
/// With `inputs`, columns of the input that no weight reads go as well; the smaller model then takes
/// [`kept_inputs`](CompactRecord::kept_inputs) alone.
///
/// Outputs differ by no more than rounding ([`difference`] measures it): sums have fewer terms and are rounded elsewhere.
///
/// The smaller model carries the larger one's penalties; factors and anchors are cut as the weights are. What it cannot carry is
/// told ([`dropped_penalties`](CompactRecord::dropped_penalties)).
///
/// # Errors
///
/// A model whose constraints cannot be had with fewer units.
///
/// # Example
///
/// ```
/// use taper::{Activation, Dense, Model, Seed, Sequential, compact};
///
/// # fn main() -> taper::Result<()> {
/// let spec = Sequential::new([2]).layer(Dense::new(3).activation(Activation::Relu)).layer(Dense::new(1));
/// let mut model = Model::build(&spec, Seed::new(1))?;
/// model.params_mut().data_mut()[9 + 1] = 0.0; // what the second unit says to the output
/// let small = compact(&model, false)?;
/// assert_eq!((small.record.parameters_before, small.record.parameters_after), (13, 9));
/// assert!(taper::difference(&model, &small.model, &[0.3, -0.7])? < 1e-6);
/// # Ok(())
/// # }
/// ```
pub fn compact(model: &Model, inputs: bool) -> Result<Compacted> {
    let all: Vec<usize> = (0..model.params().data().len()).collect();
    let mut small = Draft::of(model, &all).build()?;
    // Cutting a unit may leave the one before it without a reader, so this goes on until nothing changes.
    while let Some(smaller) = round(&small)? {
        small = smaller;
    }
    let way = Way::of_input(&small.model);
    let unused = way.as_ref().map(|way| dead::unread(&small.model, way)).unwrap_or_default();
    let mut kept = None;
    if let (true, Some(way), false) = (inputs, &way, unused.is_empty()) {
        let mut keep: Vec<usize> = (0..way.channels).filter(|column| !unused.contains(column)).collect();
        if keep.is_empty() {
            keep.push(0);
        }
        let mut draft = Draft::of(&small.model, &small.origin);
        draft.keep_way(&small.model, way, &keep);
        draft.keep_inputs(keep.len());
        small = draft.build()?;
        kept = Some(keep);
    }
    let (small, dropped_penalties) = carry::carry(model, small)?;
    let layers = units(model).into_iter().zip(units(&small)).map(|((name, kind, before), (.., after))| CompactLayer {
        name,
        kind,
        units_before: before,
        units_after: after,
    });
    let record = CompactRecord {
        parameters_before: model.params().data().len(),
        parameters_after: small.params().data().len(),
        layers: layers.collect(),
        left_whole: left_whole(model),
        dropped_penalties,
        unused_inputs: unused,
        kept_inputs: kept,
    };
    Ok(Compacted { model: small, record })
}

/// Name, kind and number of units of every layer whose units can be counted.
fn units(model: &Model) -> Vec<(String, String, usize)> {
    let count = |layer: usize| Some(Part::all(model, layer)?.ok()?.iter().map(|part| part.units).sum());
    let layers = model.layers.iter().enumerate().filter_map(|(i, layer)| Some((layer, count(i)?)));
    layers.map(|(layer, units)| (layer.name.clone(), layer.kind.to_owned(), units)).collect()
}

/// The layers with units that cannot be cut, the output apart.
fn left_whole(model: &Model) -> Vec<LeftWhole> {
    let why = |node: usize| -> Option<String> {
        match Part::all(model, model.nodes[node].layer)? {
            Err(why) => Some(why.to_owned()),
            Ok(parts) => Way::of(model, node, parts.iter().map(|part| part.units).sum()).err().flatten(),
        }
    };
    let mut whole: Vec<LeftWhole> = vec![];
    for (node, why) in (0..model.nodes.len()).filter_map(|node| Some((node, why(node)?))) {
        let layer = &model.layers[model.nodes[node].layer];
        if !whole.iter().any(|other| other.name == layer.name) {
            whole.push(LeftWhole { name: layer.name.clone(), kind: layer.kind.to_owned(), why });
        }
    }
    whole
}

/// The model without the dead units of the last layer that has some; `None` if none has.
fn round(small: &Small) -> Result<Option<Small>> {
    let model = &small.model;
    for node in (0..model.nodes.len()).rev() {
        let layer = model.nodes[node].layer;
        let Some(Ok(parts)) = Part::all(model, layer) else { continue };
        let Ok(way) = Way::of(model, node, parts.iter().map(|part| part.units).sum()) else { continue };
        let (mut dead, mut constants) = (vec![], vec![]);
        for part in &parts {
            let without = dead::without_readers(model, part, &way);
            let steady = dead::constants(model, node, part, &way)?.into_iter().filter(|(unit, _)| !without[*unit]);
            constants.extend(steady.map(|(unit, value)| (part.offset + unit, value)));
            dead.extend(without);
        }
        let fold = fold::fold(model, &way, constants)?;
        fold.units.iter().for_each(|channel| dead[*channel] = true);
        // Every direction keeps as many as the one that keeps most. A layer without units is none: the one that is left may go on
        // saying what it says.
        let alive = |part: &Part<'_>| (0..part.units).filter(|unit| !dead[part.offset + unit]).count();
        let most = parts.iter().map(alive).max().unwrap_or(0).max(1);
        let keeps = parts.iter().map(|part| {
            let spare = most - alive(part);
            let dead_ones = (0..part.units).filter(|unit| dead[part.offset + unit]).take(spare);
            let alive_ones = (0..part.units).filter(|unit| !dead[part.offset + unit]);
            let mut keep: Vec<usize> = dead_ones.chain(alive_ones).collect();
            keep.sort_unstable();
            keep
        });
        let keeps: Vec<Vec<usize>> = keeps.collect();
        let of_way = parts.iter().zip(&keeps).flat_map(|(part, keep)| keep.iter().map(|unit| part.offset + unit));
        let of_way: Vec<usize> = of_way.collect();
        if of_way.len() == way.channels {
            continue;
        }
        let mut draft = Draft::of(model, &small.origin);
        parts.iter().zip(&keeps).for_each(|(part, keep)| draft.keep_units(model, layer, part, keep));
        draft.keep_way(model, &way, &of_way);
        draft.add_to_bias(model, &way, &fold.offsets(|channel| !of_way.contains(&channel)));
        return draft.build().map(Some);
    }
    Ok(None)
}

impl Model {
    /// Random rows that the model can read, one after the other: standard normal numbers, or ids where it knows tokens.
    #[must_use]
    pub fn probe(&self, rows: usize, seed: Seed) -> Vec<f32> {
        let mut rng = seed.derive("probe", 0).rng();
        let readers = self.nodes.iter().filter(|node| node.inputs.contains(&0));
        let limit = readers.filter_map(|node| self.layers[node.layer].layer.token_limit()).min();
        let count = rows * self.input_shape.len();
        let mut draw = || match limit {
            Some(limit) => rng.below(limit) as f32,
            None => rng.normal() as f32,
        };
        (0..count).map(|_| draw()).collect()
    }
}

/// How far apart the outputs of two models are on these rows of inputs: the largest difference, over the largest magnitude of
/// the first one's outputs or 1, whichever is more. A model whose input has lost columns takes what
/// [`CompactRecord::kept_inputs`] keeps of the rows.
///
/// # Errors
///
/// Rows that do not fit both models.
pub fn difference(before: &Model, after: &Model, x: &[f32]) -> Result<f64> {
    compare(&before.predict(x)?, &after.predict(x)?)
}

/// [`difference`] of a model that reads only some columns of the rows.
///
/// # Errors
///
/// Rows that do not fit both models.
pub fn difference_on(before: &Model, after: &Model, x: &[f32], kept_inputs: &[usize]) -> Result<f64> {
    let width = before.input_shape().last();
    let columns = x.chunks_exact(width).flat_map(|row| kept_inputs.iter().map(|column| row[*column]));
    compare(&before.predict(x)?, &after.predict(&columns.collect::<Vec<f32>>())?)
}

fn compare(before: &[f32], after: &[f32]) -> Result<f64> {
    if before.len() != after.len() {
        let expected = format!("{} numbers, as the larger model's", before.len());
        return Err(Complaint::new("output", expected, after.len()).into());
    }
    let scale = before.iter().fold(1.0f64, |most, y| most.max(f64::from(y.abs())));
    let worst = before.iter().zip(after).map(|(a, b)| {
        // Two infinities, or two NaN, are no difference; one alone is.
        if a == b || (a.is_nan() && b.is_nan()) { 0.0 } else { (f64::from(*a) - f64::from(*b)).abs() }
    });
    Ok(worst.fold(0.0, |most: f64, x| if x.is_nan() { f64::INFINITY } else { most.max(x) }) / scale)
}
