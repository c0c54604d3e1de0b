//! Smaller models with the same outputs: what no longer takes part is cut out.

mod cut;
mod dead;
mod fold;
mod part;
mod sparsity;
mod way;

pub use sparsity::LayerSparsity;

use serde::Serialize;

use crate::model::Model;
use crate::{Complaint, Result, Seed};

use cut::Draft;
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
    /// Columns of the input (features, channels) that no weight reads, counting from 0.
    pub unused_inputs: Vec<usize>,
    /// The columns that the smaller model's input consists of, in order; `None` if it is the input of the larger one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_inputs: Option<Vec<usize>>,
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
/// A unit of a dense layer, a filter of a convolution or a cell of a recurrent layer goes
///
/// - if all its outgoing weights are 0, or
/// - if its incoming weights are all 0: its output is the constant f(bias), which the next layer's bias takes over. Where that
///   cannot be done exactly (behind padding, say), it goes only if the constant is 0.
///
/// Between it and the next layer with weights may lie pooling, flattening, elementwise functions, dropout, padding and batch
/// normalization, whose channels go too. What several layers read, shared layers, grouped convolutions and the output layer stay
/// as they are, and of every layer at least one unit is left.
///
/// With `inputs`, columns of the input that no weight reads go as well; the smaller model then takes
/// [`kept_inputs`](CompactRecord::kept_inputs) alone.
///
/// Outputs differ by no more than rounding ([`difference`] measures it): sums have fewer terms and are rounded elsewhere.
///
/// If a penalty is written weight by weight (factors, an anchor), or cannot be had with fewer units, the smaller model carries none.
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
    let mut small = Draft::of(model).build()?;
    // Cutting a unit may leave the one before it without a reader, so this goes on until nothing changes.
    while let Some(smaller) = round(&small)? {
        small = smaller;
    }
    let way = Way::of_input(&small);
    let unused = way.as_ref().map(|way| dead::unread(&small, way)).unwrap_or_default();
    let mut kept = None;
    if let (true, Some(way), false) = (inputs, &way, unused.is_empty()) {
        let mut keep: Vec<usize> = (0..way.channels).filter(|column| !unused.contains(column)).collect();
        if keep.is_empty() {
            keep.push(0);
        }
        let mut draft = Draft::of(&small);
        draft.keep_way(&small, way, &keep);
        draft.keep_inputs(keep.len());
        small = draft.build()?;
        kept = Some(keep);
    }
    let units = |model: &Model| -> Vec<(String, String, usize)> {
        let layers = (0..model.layers.len()).filter_map(|layer| Some((layer, Part::of(model, layer)?.units)));
        layers
            .map(|(layer, units)| (model.layers[layer].name.clone(), model.layers[layer].kind.to_owned(), units))
            .collect()
    };
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
        unused_inputs: unused,
        kept_inputs: kept,
    };
    Ok(Compacted { model: small, record })
}

/// The model without the dead units of the last layer that has some; `None` if none has.
fn round(model: &Model) -> Result<Option<Model>> {
    for node in (0..model.nodes.len()).rev() {
        let layer = model.nodes[node].layer;
        let Some(part) = Part::of(model, layer) else { continue };
        let Some(way) = Way::of(model, node, part.units) else { continue };
        let mut dead = dead::without_readers(model, &part, &way);
        let constants = dead::constants(model, node, &part, &way)?;
        let fold = fold::fold(model, &way, constants.into_iter().filter(|(unit, _)| !dead[*unit]).collect())?;
        fold.units.iter().for_each(|unit| dead[*unit] = true);
        let mut keep: Vec<usize> = (0..part.units).filter(|unit| !dead[*unit]).collect();
        let mut offsets = fold.offsets();
        if keep.is_empty() {
            // A layer without units is none. The one that is left may go on saying what it says.
            keep.push(0);
            offsets = fold.offsets_without(0);
        }
        if keep.len() == part.units {
            continue;
        }
        let mut draft = Draft::of(model);
        draft.keep_units(model, layer, &part, &keep);
        draft.keep_way(model, &way, &keep);
        draft.add_to_bias(model, &way, &offsets);
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
