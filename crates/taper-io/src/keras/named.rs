//! Weights by the names of layers: the HDF5 files of Keras 2, whole models and weights alone.
//!
//! Which weight is which is a matter of order: `layer_names` says that of the layers, `weight_names` that of a layer's weights. A
//! model within the model is one layer here, whose trainable weights come first.

use taper::{Complaint, Complaints, LearningRate, Optimizer, OptimizerState, ParamSlot, Result};

use super::variable::{Layout, Variable, check_len, check_shape, fill, open, optimizer_variables, restore};
use crate::hdf5::{Attributes, Dataset, Group};

/// Whether the weights of this group, or of the one in it, are by names of layers.
pub(super) fn group_of_layers<'a>(
    root: &Group<'a>,
    attributes: &mut Attributes<'a>,
) -> Result<Option<Group<'a>>, Complaint> {
    if let Some(group) = root.group("model_weights")? {
        return Ok(Some(group));
    }
    let named = attributes.texts(root, "layer_names")?.is_some();
    Ok(if named { Some(root.clone()) } else { None })
}

/// The weights of the file, each where its slot says. Nothing is allocated before all shapes are as the model says.
pub(super) fn weights<'a>(
    group: &Group<'a>,
    attributes: &mut Attributes<'a>,
    layout: &Layout,
    slots: &[ParamSlot],
    file_len: usize,
) -> Result<Vec<f32>> {
    check_len(slots, file_len)?;
    let mut complaints = Complaints::new();
    let names = attributes.texts(group, "layer_names")?.unwrap_or_default();
    let mut layers = Vec::new();
    for name in names {
        let place = || format!("layer `{name}`");
        let Some(layer) = open(group, name)? else {
            return Err(Complaint::new(place(), "its weights", "nothing").into());
        };
        let weights = attributes.texts(&layer, "weight_names")?.unwrap_or_default();
        if !weights.is_empty() {
            layers.push((name, layer, weights));
        }
    }
    let wanted: Vec<_> = layout.outermost.iter().filter(|(_, range)| !range.is_empty()).collect();
    if wanted.len() != layers.len() {
        let list = |names: Vec<&str>| format!("{}: {}", names.len(), names.join(", "));
        let expected = list(wanted.iter().map(|(name, _)| name.as_str()).collect());
        let got = list(layers.iter().map(|(name, ..)| *name).collect());
        return Err(Complaint::new("layers with weights", expected, got).into());
    }
    let mut sets: Vec<Option<Dataset<'_>>> = vec![None; slots.len()];
    for ((own, range), (name, layer, mut weights)) in wanted.into_iter().zip(layers) {
        if layout.counted.iter().any(|(_, first)| *first == range.start) {
            weights.truncate(range.len());
        }
        let order = trainable_first(&slots[range.clone()]).map(|i| range.start + i);
        let place = format!("layer `{name}`");
        if range.len() != weights.len() {
            let expected = format!("{} weights of `{own}`", range.len());
            complaints.push(Complaint::new(place, expected, format!("{}: {}", weights.len(), weights.join(", "))));
            continue;
        }
        for (slot, weight) in order.zip(weights) {
            match dataset(&layer, weight)? {
                Some(set) => {
                    check_shape(&set, &slots[slot], &format!("{place}.{weight}"), &mut complaints);
                    sets[slot] = Some(set);
                }
                None => complaints.push(Complaint::new(format!("{place}.{weight}"), "an array", "nothing")),
            }
        }
    }
    complaints.finish()?;
    let mut weights = vec![0.0; slots.iter().map(|slot| slot.range.len()).sum()];
    for (slot, set) in slots.iter().zip(sets.iter().flatten()) {
        fill(&mut weights[slot.range.clone()], set);
    }
    Ok(weights)
}

/// The order of a layer's weights in the file: those that are trained, then the others.
fn trainable_first(slots: &[ParamSlot]) -> impl Iterator<Item = usize> {
    let those = |trainable: bool| (0..slots.len()).filter(move |i| slots[*i].spec.trainable == trainable);
    those(true).chain(those(false)).collect::<Vec<_>>().into_iter()
}

/// An array by its path.
fn dataset<'a>(group: &Group<'a>, path: &str) -> Result<Option<Dataset<'a>>, Complaint> {
    match path.rsplit_once('/') {
        None => group.dataset(path),
        Some((outer, name)) => open(group, outer)?.map_or(Ok(None), |group| group.dataset(name)),
    }
}

/// What the optimizer remembers; `None` if it has not begun. `old` for the optimizers before Keras 2.11, whose moments of a kind
/// lie together.
///
/// # Errors
///
/// Variables that are not those of this optimizer for these weights.
pub(super) fn optimizer_state<'a>(
    root: &Group<'a>,
    attributes: &mut Attributes<'a>,
    optimizer: &Optimizer,
    old: bool,
    slots: &[ParamSlot],
    file_len: usize,
) -> Result<Option<OptimizerState>> {
    let place = "optimizer_weights";
    let Some(group) = root.group(place)? else { return Ok(None) };
    let names = attributes.texts(&group, "weight_names")?.unwrap_or_default();
    let mut sets = Vec::with_capacity(names.len());
    for name in &names {
        let missing = || Complaint::new(format!("{place}.{name}"), "an array", "nothing");
        sets.push(dataset(&group, name)?.ok_or_else(missing)?);
    }
    let mut variables = optimizer_variables(optimizer, slots, true);
    variables.retain(|variable| !matches!(variable, Variable::LearningRate));
    if old {
        let kind = |variable: &Variable| match variable {
            Variable::Moment(moment, _) => moment + 1,
            _ => 0,
        };
        variables.sort_by_key(kind);
    }
    let trained = slots.iter().filter(|slot| slot.spec.trainable).count();
    let begun = sets.len() > 1;
    if !begun && variables.len() > 1 {
        return Ok(None);
    }
    // Momenta are there whether they are used or not.
    if sets.len() == 1 + trained && variables.len() == 1 {
        sets.truncate(1);
    }
    // Old versions keep room for what they do not use.
    if old && sets.len() > variables.len() && sets[variables.len()..].iter().all(|set| set.shape == [1]) {
        sets.truncate(variables.len());
    }
    if sets.len() != variables.len() {
        let expected = format!("{} variables of this optimizer", variables.len());
        return Err(Complaint::new(place, expected, sets.len()).into());
    }
    let mut optimizer = Optimizer { learning_rate: LearningRate::Constant(0.0), ..optimizer.clone() };
    restore(&variables, &sets, &mut optimizer, slots, file_len, place).map(Some)
}
