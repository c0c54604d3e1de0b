//! Which units take no part, and which say the same whatever comes.

use super::part::{Cell, Part, all_weights, dimensions, spec_of};
use super::way::Way;
use crate::layer::ActivationLayer;
use crate::model::{Model, Sequential};
use crate::param::{ParamSlot, Role};
use crate::{Result, Seed};

fn all_zero(mut row: impl Iterator<Item = f32>) -> bool {
    row.all(|w| w == 0.0)
}

/// The channels of a way that no weight at its end reads.
pub(super) fn unread(model: &Model, way: &Way) -> Vec<usize> {
    let read = |channel: &usize| !way.rows(model, *channel).all(|row| all_zero(row.into_iter()));
    // A separable convolution's own taps may already be 0.
    let taps = all_weights(model, way.sink, &[Role::DepthwiseKernel]).next();
    let heard = |channel: &usize| {
        taps.is_none_or(|(slot, w)| {
            let inner = slot.spec.shape.last();
            let (width, own) = (slot.spec.shape.sizes()[2], way.indices(way.end.last(), &[*channel]));
            w.iter().enumerate().any(|(i, w)| *w != 0.0 && own.contains(&(i / inner % width)))
        })
    };
    let read = |channel: &usize| read(channel) && heard(channel);
    (0..way.channels).filter(|channel| !read(channel)).collect()
}

/// Of each unit, whether everything that it says is multiplied by 0: at the end of the way, and for a cell in every other cell
/// that is not itself without readers.
pub(super) fn without_readers(model: &Model, part: &Part<'_>, way: &Way) -> Vec<bool> {
    let mut dead = vec![false; part.units];
    let own = part.offset..part.offset + part.units;
    unread(model, way)
        .into_iter()
        .filter(|channel| own.contains(channel))
        .for_each(|channel| dead[channel - part.offset] = true);
    let Some((_, recurrent)) = part.recurrent else { return dead };
    let sums = part.gates * part.units;
    loop {
        let alive: Vec<usize> = (0..part.units).filter(|unit| !dead[*unit]).collect();
        let heard = part.columns(&alive);
        let talks = |unit: usize| heard.iter().any(|sum| recurrent[unit * sums + sum] != 0.0);
        let revived: Vec<usize> = (0..part.units).filter(|unit| dead[*unit] && talks(*unit)).collect();
        if revived.is_empty() {
            return dead;
        }
        revived.into_iter().for_each(|unit| dead[unit] = false);
    }
}

/// The units whose output is the same whatever comes, with that output.
pub(super) fn constants(model: &Model, node: usize, part: &Part<'_>, way: &Way) -> Result<Vec<(usize, f32)>> {
    let sums = part.gates * part.units;
    let mut deaf = vec![true; sums];
    for (slot, w) in [Some(part.kernel), part.recurrent].into_iter().flatten() {
        let neighbours: usize = slot.spec.shape.sizes()[dimensions(slot).1 + 1..].iter().product();
        w.iter().enumerate().for_each(|(i, w)| deaf[i / neighbours % sums] &= *w == 0.0);
    }
    // A stage that multiplies by 0 makes constants of anything.
    let muted: Vec<usize> = (0..part.units).filter(|unit| is_muted(model, way, part.offset + *unit)).collect();
    let mut constants: Vec<(usize, f32)> = muted.iter().map(|unit| (*unit, 0.0)).collect();
    let others = (0..part.units).filter(|unit| !muted.contains(unit));
    match part.cell {
        Cell::Unit(activation) => {
            let deaf: Vec<usize> = others.filter(|unit| deaf[*unit]).collect();
            let bias = |unit: &usize| part.bias.map_or(0.0, |(_, bias)| bias[*unit]);
            let values = apply(activation, &deaf.iter().map(bias).collect::<Vec<f32>>())?;
            constants.extend(deaf.into_iter().zip(values));
        }
        Cell::Recurrent { candidate, activation, return_sequences } => {
            let steady = apply(activation, &[0.0])? == [0.0];
            let silent = |unit: usize| {
                let sum = candidate * part.units + unit;
                // All rows of the bias: a GRU has one for the inputs and one for the state.
                let bias = part.bias.iter().flat_map(|(_, bias)| bias.chunks_exact(sums)).all(|bias| bias[sum] == 0.0);
                steady && deaf[sum] && bias
            };
            let (silent, others): (Vec<usize>, Vec<usize>) = others.partition(|unit| silent(*unit));
            // A silent cell's state stays at 0, where it begins.
            constants.extend(silent.into_iter().map(|unit| (unit, 0.0)));
            let alone =
                |unit: &usize| (0..part.gates).all(|gate| deaf[gate * part.units + unit]) && is_alone(part, *unit);
            let steady: Vec<usize> = others.into_iter().filter(alone).collect();
            let is_only = part.units == way.channels;
            if is_only && !steady.is_empty() && !return_sequences && model.mask_lens.iter().all(|len| *len == 0) {
                let states = last_state(model, node)?;
                constants.extend(steady.into_iter().map(|unit| (unit, states[unit])));
            }
        }
    }
    // A silent cell may say its 0 to other cells; a muted one must not have anything to say to them.
    constants.retain(|(unit, _)| !muted.contains(unit) || is_alone(part, *unit));
    constants.sort_by_key(|(unit, _)| *unit);
    Ok(constants)
}

/// Whether no other cell hears this one.
fn is_alone(part: &Part<'_>, unit: usize) -> bool {
    let sums = part.gates * part.units;
    let own = part.columns(&[unit]);
    part.recurrent.is_none_or(|(_, w)| (0..sums).all(|sum| own.contains(&sum) || w[unit * sums + sum] == 0.0))
}

/// Whether a normalization or a depthwise convolution on the way multiplies this channel by 0.
fn is_muted(model: &Model, way: &Way, channel: usize) -> bool {
    let silenced = |(slot, w): (&ParamSlot, &[f32])| {
        // (channels), or (taps, channels, 1): a position is of channel i modulo their number.
        let width = if slot.spec.role == Role::Gamma { w.len() } else { slot.spec.shape.sizes()[2] };
        let indices = way.indices(width, &[channel]);
        w.iter().enumerate().all(|(i, w)| *w == 0.0 || !indices.contains(&(i % width)))
    };
    way.stages.iter().any(|stage| all_weights(model, *stage, &[Role::Gamma, Role::DepthwiseKernel]).any(silenced))
}

/// f of these numbers, as the engine computes it.
fn apply(activation: crate::Activation, x: &[f32]) -> Result<Vec<f32>> {
    if x.is_empty() {
        return Ok(vec![]);
    }
    let spec = Sequential::new([x.len()]).layer(ActivationLayer::new(activation));
    Model::build(&spec, Seed::new(0))?.predict(x)
}

/// The state of a recurrent layer after a sequence of zeros.
fn last_state(model: &Model, node: usize) -> Result<Vec<f32>> {
    let layer = model.nodes[node].layer;
    let input = match model.nodes[node].inputs[0] {
        0 => &model.input_shape,
        buffer => model.layers[model.nodes[buffer - 1].layer].layer.output_shape(),
    };
    let Some(spec) = spec_of(model, layer) else { return Ok(vec![]) };
    let weights = model.params.data()[model.layers[layer].range.clone()].to_vec();
    let alone = Model::with_weights(&Sequential::new(input.sizes()).layer(spec.clone()), weights)?;
    alone.predict(&vec![0.0; input.len()])
}
