//! The one loop over parameters that computes every penalty, and adds the gradients of those in the loss. How the others reach the
//! weights is in [`super::update`].

use taper_kernels::reduce;

use super::update::is_left;
use super::{ParamSlot, Params};
use crate::Complaints;
use crate::regularizer::{InForce, Penalty, PenaltyMode, PenaltyState, Proximal, Term, complain_of_steps};

/// Room for penalties, made once.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// For one parameter at a time: a gradient, and what a penalty itself needs.
    pub(super) scratch: Vec<f32>,
    /// The weights of one parameter before its update, where a cautious penalty of more than single weights wants them.
    pub(super) before: Vec<f32>,
    /// The steps of one parameter, where a proximal penalty of more than single weights wants them.
    pub(super) steps: Vec<f32>,
}

impl Buffers {
    /// Enough for these parameters.
    pub(crate) fn new(params: &Params) -> Self {
        let mut buffers = Self::default();
        for (i, slot) in params.slots.iter().enumerate() {
            let own = params.data.get(slot.range.clone()).unwrap_or(&[]);
            if let (Some(in_force), Some(penalty)) = (in_force(slot, i, 0, &params.penalty_state, own), slot.penalty())
            {
                let all = in_force.with_every_term();
                if !all.is_plain() {
                    room(&mut buffers.scratch, scratch_len(slot, &all));
                }
                if !all.is_elementwise() && penalty.cautious {
                    room(&mut buffers.before, slot.range.len());
                }
                if !all.is_elementwise() && penalty.mode == PenaltyMode::Proximal {
                    room(&mut buffers.steps, slot.range.len());
                }
            }
            if let Some(custom) = slot.custom_penalty() {
                room(&mut buffers.scratch, scratch_len(slot, &*custom.penalty));
                if custom.mode == PenaltyMode::Proximal {
                    room(&mut buffers.steps, slot.range.len());
                }
            }
        }
        buffers
    }
}

/// A gradient as long as the parameter, and what the penalty itself needs.
fn scratch_len(slot: &ParamSlot, penalty: &dyn Penalty) -> usize {
    slot.range.len() + penalty.scratch_len(&slot.spec.shape)
}

/// At least this much room. A penalty changed since the buffers were made may need more than they have.
pub(super) fn room(scratch: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    &mut scratch[..len]
}

/// The regularizer of slot `i` with the strengths of this epoch. `own` are the weights that a penalty anchored at the start of a
/// training has before any training.
pub(super) fn in_force<'a>(
    slot: &'a ParamSlot,
    i: usize,
    epoch: usize,
    state: &'a PenaltyState,
    own: &'a [f32],
) -> Option<InForce<'a>> {
    let start = state.start.get(slot.range.clone()).unwrap_or(own);
    Some(slot.penalty()?.in_force(&slot.spec, epoch, state.steer(i), start))
}

/// Calls `f` with every penalty on a slot and its mode; with `leave`, without what is [left to the update](is_left).
fn each(
    slot: &ParamSlot,
    i: usize,
    epoch: usize,
    (state, own): (&PenaltyState, &[f32]),
    leave: bool,
    f: &mut dyn FnMut(PenaltyMode, &dyn Penalty),
) {
    if let (Some(in_force), Some(regularizer)) = (in_force(slot, i, epoch, state, own), slot.penalty())
        && !(leave && is_left(slot, regularizer.mode, &in_force))
    {
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

impl Params {
    /// Ω: the sum of all weight penalties that are part of the loss, with the strengths of this epoch. Shared weights are one slot,
    /// so they count once.
    #[must_use]
    pub fn penalty_at(&self, epoch: usize) -> f64 {
        self.penalty_with(epoch, &mut Buffers::default())
    }

    /// [`penalty_at`](Self::penalty_at) the epoch whose strengths are [in force](PenaltyState::epoch).
    #[must_use]
    pub fn penalty(&self) -> f64 {
        self.penalty_at(self.penalty_state.epoch)
    }

    /// [`penalty_at`](Self::penalty_at) without allocating, if the buffers are large enough.
    pub(crate) fn penalty_with(&self, epoch: usize, buffers: &mut Buffers) -> f64 {
        let mut total = 0.0;
        for (i, (slot, w)) in self.iter().enumerate() {
            each(slot, i, epoch, (&self.penalty_state, w), false, &mut |mode, penalty| {
                if mode.is_objective() {
                    let scratch = room(&mut buffers.scratch, penalty.scratch_len(&slot.spec.shape));
                    total += penalty.value(&slot.spec.shape, w, scratch);
                }
            });
        }
        total
    }

    /// Adds the gradient of every penalty in the loss to `gradients` (as long as the data); returns Ω, as
    /// [`penalty_at`](Self::penalty_at). With `leave`, penalties of single weights are left out of both: the update, which reads
    /// the weights anyway, has them go along.
    pub(crate) fn add_penalty_gradients(
        &self,
        epoch: usize,
        gradients: &mut [f32],
        buffers: &mut Buffers,
        leave: bool,
    ) -> f64 {
        let mut total = 0.0;
        for (i, (slot, w)) in self.iter().enumerate() {
            let dw = &mut gradients[slot.range.clone()];
            each(slot, i, epoch, (&self.penalty_state, w), leave, &mut |mode, penalty| {
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
