//! What penalties remember from epoch to epoch.

use std::sync::Arc;

use super::term::{PerTerm, Term};
use super::{Anchor, Regularizer};
use crate::param::Params;

/// What penalties remember from epoch to epoch: with it, a training that goes on later goes on with the same bits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PenaltyState {
    /// What each parameter's strengths that are steered have been multiplied by so far, by [`Term`]; empty if none is.
    pub steer: Vec<[f64; Term::ALL.len()]>,
    /// The weights that the training began with, if a penalty is [anchored](Anchor::Start) there; else empty.
    pub start: Arc<[f32]>,
    /// The epoch whose strengths are in force, from 0: the last one that was trained.
    pub epoch: usize,
}

/// Before any steering.
const AS_WRITTEN: PerTerm = [1.0; Term::ALL.len()];

impl PenaltyState {
    /// Before the first epoch of a model with these parameters.
    pub(crate) fn new(params: &Params) -> Self {
        let mut state = Self::default();
        state.complete(params);
        state
    }

    /// Adds what is missing for penalties that came later.
    pub(crate) fn complete(&mut self, params: &Params) {
        let penalties = || params.slots().iter().filter_map(|slot| slot.penalty());
        let is_steered = |penalty: &Regularizer| penalty.terms().any(|term| penalty.strength(term).is_steered());
        if penalties().any(is_steered) && self.steer.len() != params.slots().len() {
            self.steer = vec![AS_WRITTEN; params.slots().len()];
        }
        if penalties().any(|penalty| penalty.anchor == Some(Anchor::Start)) && self.start.len() != params.len() {
            self.start = params.data().into();
        }
    }

    /// Becomes like the other, without allocating where both have the same sizes.
    pub(crate) fn follow(&mut self, other: &Self) {
        self.steer.clone_from(&other.steer);
        self.epoch = other.epoch;
        if !Arc::ptr_eq(&self.start, &other.start) {
            self.start = Arc::clone(&other.start);
        }
    }

    /// The factors of one slot.
    pub(crate) fn steer(&self, slot: usize) -> &PerTerm {
        self.steer.get(slot).unwrap_or(&AS_WRITTEN)
    }
}
