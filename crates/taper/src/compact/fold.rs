//! Constant channels become part of the next bias.

use super::part::{all_weights, dimensions, spec_of, takes_constants};
use super::way::{READS, Way};
use crate::model::{Model, Sequential};
use crate::{Result, Seed};

/// The channels that can go because what they say can be said by a bias.
pub(super) struct Fold {
    pub(super) units: Vec<usize>,
    /// What each adds to every sum at the end of the way.
    parts: Vec<Vec<f64>>,
    sums: usize,
}

impl Fold {
    /// What these of them add to every sum.
    pub(super) fn offsets(&self, cut: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut total = vec![0.0; self.sums];
        for (_, part) in self.units.iter().zip(&self.parts).filter(|(unit, _)| cut(**unit)) {
            total.iter_mut().zip(part).for_each(|(total, x)| *total += x);
        }
        total
    }
}

/// Of these constant channels, those whose constant can be moved into the bias at the end of the way, exactly.
pub(super) fn fold(model: &Model, way: &Way, constants: Vec<(usize, f32)>) -> Result<Fold> {
    let kernel = all_weights(model, way.sink, &READS).next();
    let sums = kernel.map_or(0, |(slot, _)| slot.spec.shape.sizes()[dimensions(slot).1]);
    let mut fold = Fold { units: vec![], parts: vec![], sums };
    if constants.is_empty() {
        return Ok(fold);
    }
    let values = through(model, way, &constants)?;
    let width = way.end.last();
    // With masks, what a channel says is not the same at every step.
    let masked = model.mask_lens.iter().any(|len| *len > 0);
    let takes = spec_of(model, way.sink).is_some_and(|spec| takes_constants(&spec.kind)) && !masked;
    for (unit, _) in constants {
        let indices = way.indices(width, &[unit]);
        let at = |index: usize| values.iter().skip(index).step_by(width);
        let says_nothing = indices.iter().all(|index| at(*index).all(|value| *value == 0.0));
        let is_steady = indices.iter().all(|index| at(*index).all(|value| *value == values[*index]));
        if !(says_nothing || takes && is_steady) {
            continue;
        }
        let mut part = vec![0.0; sums];
        // Taps of a convolution come one after the other, each with all positions of the channel.
        for (row, index) in way.rows(model, unit).zip(indices.iter().cycle()) {
            let value = f64::from(values[*index]);
            part.iter_mut().zip(row).for_each(|(part, w)| *part += value * f64::from(w));
        }
        fold.units.push(unit);
        fold.parts.push(part);
    }
    Ok(fold)
}

/// What reaches the end of the way if these channels say what they say, and all others 0.
fn through(model: &Model, way: &Way, constants: &[(usize, f32)]) -> Result<Vec<f32>> {
    let mut x = vec![0.0; way.start.len()];
    for row in x.chunks_exact_mut(way.channels) {
        constants.iter().for_each(|(unit, value)| row[*unit] = *value);
    }
    let mut spec = Sequential::new(way.start.sizes());
    let mut weights = vec![];
    for stage in &way.stages {
        let Some(layer) = spec_of(model, *stage) else { continue };
        spec = spec.layer(layer.clone());
        weights.extend_from_slice(&model.params.data()[model.layers[*stage].range.clone()]);
    }
    match spec.layers.is_empty() {
        true => Ok(x),
        false if weights.is_empty() => Model::build(&spec, Seed::new(0))?.predict(&x),
        false => Model::with_weights(&spec, weights)?.predict(&x),
    }
}
