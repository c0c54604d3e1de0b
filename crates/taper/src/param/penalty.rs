//! The one loop over parameters that computes every penalty and takes it to the weights in its mode.

use std::ops::Range;

use taper_kernels::{parallel, reduce, update};

use super::{ParamSlot, Params};
use crate::Complaints;
use crate::regularizer::{InForce, Penalty, PenaltyMode, PenaltyState, Proximal, Term, complain_of_steps};

/// Room for penalties, made once.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// For one parameter at a time.
    scratch: Vec<f32>,
    /// As long as the parameters where a cautious penalty wants the weights before an update, else empty.
    before: Vec<f32>,
}

impl Buffers {
    /// Enough for these parameters.
    pub(crate) fn new(params: &Params) -> Self {
        let mut most = 0;
        for (i, slot) in params.slots.iter().enumerate() {
            let own = params.data.get(slot.range.clone()).unwrap_or(&[]);
            if let Some(in_force) = in_force(slot, i, 0, &params.penalty_state, own) {
                let all = in_force.with_every_term();
                let is_alone = all.is_plain() && slot.penalty().is_some_and(|penalty| !penalty.cautious);
                most = most.max(if is_alone { 0 } else { scratch_len(slot, &all) });
            }
            if let Some(custom) = slot.custom_penalty() {
                most = most.max(scratch_len(slot, &*custom.penalty));
            }
        }
        let is_cautious = |slot: &ParamSlot| slot.penalty().is_some_and(|penalty| penalty.cautious);
        let before = if params.slots.iter().any(is_cautious) { params.len() } else { 0 };
        Self { scratch: vec![0.0; most], before: vec![0.0; before] }
    }
}

/// A stretch as long as the parameter (steps or a gradient), and what the penalty itself needs.
fn scratch_len(slot: &ParamSlot, penalty: &dyn Penalty) -> usize {
    slot.range.len() + penalty.scratch_len(&slot.spec.shape)
}

/// At least this much room. A penalty changed since the buffers were made may need more than they have.
fn room(scratch: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    scratch
}

/// The regularizer of slot `i` with the strengths of this epoch. `own` are the weights that a penalty anchored at the start of a
/// training has before any training.
fn in_force<'a>(
    slot: &'a ParamSlot,
    i: usize,
    epoch: usize,
    state: &'a PenaltyState,
    own: &'a [f32],
) -> Option<InForce<'a>> {
    let start = state.start.get(slot.range.clone()).unwrap_or(own);
    Some(slot.penalty()?.in_force(&slot.spec, epoch, state.steer(i), start))
}

/// Calls `f` with every penalty on a slot and its mode.
fn each(
    slot: &ParamSlot,
    i: usize,
    epoch: usize,
    state: &PenaltyState,
    own: &[f32],
    f: &mut dyn FnMut(PenaltyMode, &dyn Penalty),
) {
    if let (Some(in_force), Some(regularizer)) = (in_force(slot, i, epoch, state, own), slot.penalty()) {
        f(regularizer.mode, &in_force);
    }
    if let Some(custom) = slot.custom_penalty() {
        f(custom.mode, &*custom.penalty);
    }
}

/// Sees a term of a regularizer by itself, or a penalty of the user's own.
pub(super) type SeeTerm<'f> = dyn FnMut(Option<(&InForce<'_>, Term)>, &dyn Penalty) + 'f;

/// Calls `f` with every term of the penalties on a slot, in the order of a history's columns: a term of the regularizer, or a penalty
/// of the user's own.
pub(super) fn each_term(
    slot: &ParamSlot,
    i: usize,
    epoch: usize,
    state: &PenaltyState,
    own: &[f32],
    f: &mut SeeTerm<'_>,
) {
    if let (Some(in_force), Some(regularizer)) = (in_force(slot, i, epoch, state, own), slot.penalty()) {
        for term in regularizer.terms() {
            let one = in_force.only(term);
            f(Some((&one, term)), &one);
        }
    }
    if let Some(custom) = slot.custom_penalty() {
        f(None, &*custom.penalty);
    }
}

/// How far a decoupled penalty goes in one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PenaltyRates {
    /// The learning rate.
    pub(crate) decoupled: f64,
    /// The learning rate over its schedule's largest.
    pub(crate) independent: f64,
}

impl PenaltyRates {
    /// None for the modes that are not beside the optimizer.
    fn of(self, mode: PenaltyMode) -> Option<f64> {
        match mode {
            PenaltyMode::Decoupled => Some(self.decoupled),
            PenaltyMode::Independent => Some(self.independent),
            PenaltyMode::Loss | PenaltyMode::Proximal => None,
        }
    }
}

impl Params {
    /// Ω: the sum of all weight penalties that are part of the loss, with the strengths of this epoch. Shared weights are one slot,
    /// so they count once.
    #[must_use]
    pub fn penalty_at(&self, epoch: usize) -> f64 {
        self.penalty_with(epoch, &mut Buffers::default())
    }

    /// [`penalty_at`](Self::penalty_at) without allocating, if the buffers are large enough.
    pub(crate) fn penalty_with(&self, epoch: usize, buffers: &mut Buffers) -> f64 {
        let mut total = 0.0;
        for (i, (slot, w)) in self.iter().enumerate() {
            each(slot, i, epoch, &self.penalty_state, w, &mut |mode, penalty| {
                if mode.is_objective() {
                    let scratch = room(&mut buffers.scratch, penalty.scratch_len(&slot.spec.shape));
                    total += penalty.value(&slot.spec.shape, w, scratch);
                }
            });
        }
        total
    }

    /// Adds the gradient of every penalty in the loss to `gradients` (as long as the data); returns Ω, as
    /// [`penalty_at`](Self::penalty_at).
    pub(crate) fn add_penalty_gradients(&self, epoch: usize, gradients: &mut [f32], buffers: &mut Buffers) -> f64 {
        let mut total = 0.0;
        for (i, (slot, w)) in self.iter().enumerate() {
            let dw = &mut gradients[slot.range.clone()];
            each(slot, i, epoch, &self.penalty_state, w, &mut |mode, penalty| {
                let scratch = room(&mut buffers.scratch, penalty.scratch_len(&slot.spec.shape));
                total += match mode {
                    PenaltyMode::Loss => penalty.add_gradient(&slot.spec.shape, w, dw, scratch),
                    PenaltyMode::Proximal => penalty.value(&slot.spec.shape, w, scratch),
                    PenaltyMode::Decoupled | PenaltyMode::Independent => 0.0,
                };
            });
        }
        total
    }

    /// Before an update: takes the decoupled penalties to the weights, and remembers the weights for the cautious ones.
    pub(crate) fn decouple(&mut self, epoch: usize, rates: PenaltyRates, buffers: &mut Buffers) {
        for (i, slot) in self.slots.iter().enumerate() {
            let w = &mut self.data[slot.range.clone()];
            if slot.penalty().is_some_and(|penalty| penalty.cautious) {
                room(&mut buffers.before, slot.range.end)[slot.range.clone()].copy_from_slice(w);
            } else if let (Some(in_force), Some(rate)) = (
                in_force(slot, i, epoch, &self.penalty_state, &[]),
                slot.penalty().and_then(|penalty| rates.of(penalty.mode)),
            ) {
                if in_force.is_plain() {
                    in_force.descend(rate, w);
                } else if in_force.is_elementwise() {
                    descend_in_stretches(slot, &in_force, rate, w);
                } else {
                    descend(slot, &in_force, rate, w, buffers);
                }
            }
            if let Some(custom) = slot.custom_penalty()
                && let Some(rate) = rates.of(custom.mode)
            {
                descend(slot, &*custom.penalty, rate, w, buffers);
            }
        }
    }

    /// After an update: takes the cautious penalties to the weights that it moved towards 0, or did not move.
    pub(crate) fn decouple_cautiously(&mut self, epoch: usize, rates: PenaltyRates, buffers: &mut Buffers) {
        for (i, slot) in self.slots.iter().enumerate() {
            let Some(penalty) = slot.penalty().filter(|penalty| penalty.cautious) else { continue };
            let (Some(in_force), Some(rate)) =
                (in_force(slot, i, epoch, &self.penalty_state, &[]), rates.of(penalty.mode))
            else {
                continue;
            };
            let before = std::mem::take(&mut buffers.before);
            let (old, w) = (&before[slot.range.clone()], &mut self.data[slot.range.clone()]);
            if in_force.is_elementwise() {
                let part = |range: Range<usize>, w: &mut [f32]| {
                    let (old, part) = (&old[range.clone()], in_force.stretch(range));
                    let (mut dw, mut away) = ([0.0; CHUNK], [0.0; CHUNK]);
                    let (dw, away) = (&mut dw[..w.len()], &mut away[..w.len()]);
                    part.add_gradient(&slot.spec.shape, old, dw, &mut []);
                    part.distance(old, away);
                    update::descend_agreed(rate as f32, old, away, dw, w);
                };
                in_chunks(w, 8, &part);
            } else {
                let (dw, _) = gradient(slot, &in_force, old, buffers);
                for (k, w) in w.iter_mut().enumerate() {
                    let away = old[k] - in_force.anchor_at(k);
                    if (old[k] - *w) * away >= 0.0 {
                        *w -= rate as f32 * dw[k];
                    }
                }
            }
            buffers.before = before;
        }
    }

    /// After an update: takes every proximal penalty to the weights. `steps` writes the steps of these weights.
    pub(crate) fn proximate(&mut self, epoch: usize, buffers: &mut Buffers, steps: &WriteSteps<'_>) {
        for (i, slot) in self.slots.iter().enumerate() {
            let w = &mut self.data[slot.range.clone()];
            let is_proximal = |mode: PenaltyMode| mode == PenaltyMode::Proximal;
            if let Some(in_force) = in_force(slot, i, epoch, &self.penalty_state, &[])
                && slot.penalty().is_some_and(|penalty| is_proximal(penalty.mode))
            {
                if in_force.is_elementwise() {
                    in_stretches(slot, &in_force, w, steps);
                } else {
                    whole(slot, &in_force, w, &mut buffers.scratch, steps);
                }
            }
            if let Some(custom) = slot.custom_penalty().filter(|custom| is_proximal(custom.mode)) {
                whole(slot, &*custom.penalty, w, &mut buffers.scratch, steps);
            }
        }
    }

    /// After an epoch: steers the strengths that follow the weights.
    pub(crate) fn steer(&self, state: &mut PenaltyState) {
        for ((slot, w), steer) in self.iter().zip(&mut state.steer) {
            let Some(penalty) = slot.penalty() else { continue };
            for term in penalty.terms().filter(|term| penalty.strength(*term).is_steered()) {
                let sparsity = reduce::count_zeros(w) as f64 / w.len() as f64;
                let norm = reduce::sum_squares(w).sqrt();
                let so_far = &mut steer[term as usize];
                *so_far = penalty.strength(term).steer(*so_far, sparsity, norm);
            }
        }
    }

    /// Whether any penalty reaches its weights so.
    pub(crate) fn has_mode(&self, wanted: impl Fn(PenaltyMode) -> bool) -> bool {
        self.slots.iter().any(|slot| slot.modes().any(&wanted))
    }
}

impl ParamSlot {
    /// How its penalties reach its weights.
    fn modes(&self) -> impl Iterator<Item = PenaltyMode> {
        self.penalty().map(|penalty| penalty.mode).into_iter().chain(self.custom_penalty().map(|custom| custom.mode))
    }

    pub(crate) fn has_mode(&self, wanted: PenaltyMode) -> bool {
        self.modes().any(|mode| mode == wanted)
    }

    /// Complains of proximal penalties that have no map for an optimizer whose steps are all the same, or not.
    pub(crate) fn check_proximal(&self, same_step: bool, complaints: &mut Complaints) {
        if let Some(penalty) = self.penalty() {
            penalty.validate_steps(&self.path, same_step, complaints);
        }
        let custom = self.custom_penalty().filter(|custom| custom.mode == PenaltyMode::Proximal);
        if let Some(map) = custom.map(|custom| custom.penalty.proximal_map())
            && (map == Proximal::None || map == Proximal::SameStep && !same_step)
        {
            complain_of_steps(&self.path, "a penalty of one's own", map, complaints);
        }
    }
}

/// w ← w - rate ∇Ω(w).
fn descend(slot: &ParamSlot, penalty: &dyn Penalty, rate: f64, w: &mut [f32], buffers: &mut Buffers) {
    let (dw, _) = gradient(slot, penalty, w, buffers);
    update::add_scaled(-rate as f32, dw, w);
}

/// Calls `f` with stretches that stay in the nearest cache, and where each begins. Threads share the weights, of which each is worth
/// `work` multiply-adds.
fn in_chunks(w: &mut [f32], work: usize, f: &(dyn Fn(Range<usize>, &mut [f32]) + Sync)) {
    parallel::stretches(w, work, &|start, w| {
        for (k, w) in w.chunks_mut(CHUNK).enumerate() {
            f(start + k * CHUNK..start + k * CHUNK + w.len(), w);
        }
    });
}

/// [`descend`] for penalties of single weights.
fn descend_in_stretches(slot: &ParamSlot, in_force: &InForce<'_>, rate: f64, w: &mut [f32]) {
    in_chunks(w, 8, &|range, w| {
        let mut dw = [0.0; CHUNK];
        let dw = &mut dw[..w.len()];
        in_force.stretch(range).add_gradient(&slot.spec.shape, w, dw, &mut []);
        update::add_scaled(-rate as f32, dw, w);
    });
}

/// ∇Ω(w) and Ω(w).
pub(super) fn gradient<'a>(
    slot: &ParamSlot,
    penalty: &dyn Penalty,
    w: &[f32],
    buffers: &'a mut Buffers,
) -> (&'a mut [f32], f64) {
    let (dw, rest) = room(&mut buffers.scratch, scratch_len(slot, penalty)).split_at_mut(w.len());
    dw.fill(0.0);
    let value = penalty.add_gradient(&slot.spec.shape, w, dw, rest);
    (dw, value)
}

/// What is made for so many weights at a time stays in the nearest cache.
const CHUNK: usize = 1024;

/// Writes the steps of these weights.
pub(crate) type WriteSteps<'f> = dyn Fn(Range<usize>, &mut [f32]) + Sync + 'f;

/// The proximal map of penalties of single weights.
fn in_stretches(slot: &ParamSlot, in_force: &InForce<'_>, w: &mut [f32], steps: &WriteSteps<'_>) {
    // A root and two quotients take as long as so many multiply-adds.
    parallel::stretches(w, 16, &|start, w| {
        // Made once: to clear it for every chunk would be work.
        let (mut some, mut scratch) = ([0.0; CHUNK], [0.0; 2 * CHUNK]);
        for (k, w) in w.chunks_mut(CHUNK).enumerate() {
            let range = start + k * CHUNK..start + k * CHUNK + w.len();
            let some = &mut some[..w.len()];
            steps(slot.range.start + range.start..slot.range.start + range.end, some);
            in_force.stretch(range).proximal(&slot.spec.shape, some, w, &mut scratch);
        }
    });
}

/// The proximal map of a whole parameter.
fn whole(slot: &ParamSlot, penalty: &dyn Penalty, w: &mut [f32], scratch: &mut Vec<f32>, steps: &WriteSteps<'_>) {
    let (all, rest) = room(scratch, scratch_len(slot, penalty)).split_at_mut(w.len());
    steps(slot.range.clone(), all);
    penalty.proximal(&slot.spec.shape, all, w, rest);
}
