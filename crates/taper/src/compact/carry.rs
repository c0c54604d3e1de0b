//! The penalties of the smaller model: those of the larger one, as far as they still fit.

use serde::Serialize;

use super::cut::{NEW, Small};
use crate::model::Model;
use crate::param::ParamSlot;
use crate::regularizer::{Anchor, PenaltyState, Regularizer};
use crate::{Complaints, Error, Result};

/// A penalty that the smaller model cannot have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DroppedPenalty {
    /// The parameter that carried it.
    pub path: String,
    /// Why it does not any more.
    pub why: String,
}

/// Gives every parameter its penalty back. What is written weight by weight (factors, an anchor, the weights that a training began
/// with) is cut as the weights were.
pub(super) fn carry(before: &Model, small: Small) -> Result<(Model, Vec<DroppedPenalty>)> {
    let Small { mut model, origin } = small;
    let mut dropped = vec![];
    for i in 0..model.params.slots().len() {
        let slot = &model.params.slots()[i];
        let Some((old, _)) = before.params.get(&slot.path) else { continue };
        let origin = &origin[slot.range.clone()];
        let mut drop = |why: String| dropped.push(DroppedPenalty { path: slot.path.clone(), why });
        if old.custom.is_some() {
            drop("a penalty of one's own is written for the larger shape".to_owned());
        }
        let mut wanted = old.spec.regularizer.as_ref().map(|penalty| cut(penalty, old, origin));
        let mut complaints = Complaints::new();
        if let Some(penalty) = &wanted {
            penalty.validate("", Some(&slot.spec), &mut complaints);
        }
        if let Err(error) = complaints.finish() {
            drop(error.to_string());
            wanted = None;
        }
        model.params.slots_mut()[i].spec.regularizer = wanted;
    }
    let planned = Model::plan(&model.spec)?;
    let has = |model: &Model, i: usize| model.params.slots()[i].spec.regularizer.clone();
    if (0..planned.len()).any(|i| planned[i].spec.regularizer != has(&model, i)) {
        let spec = match model.explicit_spec() {
            Ok(spec) => spec,
            Err(Error::Invalid(complaints)) => {
                // One setting speaks for two directions, which are no longer alike.
                for place in complaints.iter().map(|complaint| complaint.place.clone()) {
                    forget_alike(&mut model, &place, &mut dropped);
                }
                model.explicit_spec()?
            }
            Err(error) => return Err(error),
        };
        let weights = model.params.data().to_vec();
        model = Model::with_weights(spec, weights)?;
    }
    model.params.penalty_state = state(before, &model, &origin);
    Ok((model, dropped))
}

/// A penalty on what is left of a parameter.
fn cut(penalty: &Regularizer, old: &ParamSlot, origin: &[usize]) -> Regularizer {
    let kept = |all: &[f32]| -> Vec<f32> {
        let at = |i: &usize| i.checked_sub(old.range.start).and_then(|i| all.get(i)).copied();
        origin.iter().filter_map(at).collect()
    };
    let mut penalty = penalty.clone();
    penalty.factors = kept(&penalty.factors);
    if let Some(Anchor::At(weights)) = &penalty.anchor {
        penalty.anchor = Some(Anchor::At(kept(weights)));
    }
    penalty
}

/// Drops the penalty of a parameter and of those in the same layer that are called alike.
fn forget_alike(model: &mut Model, path: &str, dropped: &mut Vec<DroppedPenalty>) {
    let ends = |path: &str| {
        let (layer, name) = (path.split('/').next(), path.rsplit('/').next());
        (layer.unwrap_or_default().to_owned(), name.unwrap_or_default().to_owned())
    };
    let wanted = ends(path);
    for slot in model.params.slots_mut().iter_mut().filter(|slot| ends(&slot.path) == wanted) {
        if slot.spec.regularizer.take().is_some() {
            let why = "one setting speaks for both directions, and they no longer have the same".to_owned();
            dropped.push(DroppedPenalty { path: slot.path.clone(), why });
        }
    }
}

/// What the penalties stood at, of what is left.
fn state(before: &Model, after: &Model, origin: &[usize]) -> PenaltyState {
    let old = &before.params.penalty_state;
    let mut state = PenaltyState { epoch: old.epoch, ..PenaltyState::default() };
    if !old.steer.is_empty() {
        let position = |slot: &ParamSlot| before.params.slots().iter().position(|other| other.path == slot.path);
        let steer = |slot: &ParamSlot| *old.steer(position(slot).unwrap_or(usize::MAX));
        state.steer = after.params.slots().iter().map(steer).collect();
    }
    if !old.start.is_empty() {
        let start = origin.iter().zip(after.params.data()).map(|(i, w)| if *i == NEW { *w } else { old.start[*i] });
        state.start = start.collect();
    }
    state
}
