//! The update of a parameter: the optimizer's own, and before and behind it what penalties do beside it.

use std::ops::Range;

use taper_kernels::{parallel, update};

use super::penalty::{Buffers, gradient, in_force, room};
use super::{ParamSlot, Params};
use crate::regularizer::{InForce, Penalty, PenaltyMode};

/// The moments of some weights; an optimizer that has fewer leaves the last ones empty.
pub(crate) type Moments<'a> = [&'a mut [f32]; 3];

/// One step of an optimizer, on any stretch of the weights.
pub(crate) trait Step: Sync {
    /// Moves these weights, which lie there in the flat buffer.
    fn update(&self, place: Range<usize>, w: &mut [f32], moments: &mut Moments<'_>);

    /// Writes the steps of the weights with these moments: by how much a steady gradient of 1 would move each.
    fn steps(&self, moments: &Moments<'_>, steps: &mut [f32]);

    /// Both: moves these weights, and writes the steps that they have then.
    fn update_with_steps(&self, place: Range<usize>, w: &mut [f32], moments: &mut Moments<'_>, steps: &mut [f32]) {
        self.update(place, w, moments);
        self.steps(moments, steps);
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
    /// None for the modes that are not decoupled.
    fn of(self, mode: PenaltyMode) -> Option<f64> {
        match mode {
            PenaltyMode::Decoupled => Some(self.decoupled),
            PenaltyMode::Independent => Some(self.independent),
            PenaltyMode::Loss | PenaltyMode::Proximal => None,
        }
    }
}

impl Params {
    /// Updates parameter `i`. Penalties of single weights go along, stretch by stretch, so that weights and moments are read once;
    /// the others go before it and behind it.
    pub(crate) fn update(
        &mut self,
        i: usize,
        epoch: usize,
        rates: PenaltyRates,
        moments: Moments<'_>,
        buffers: &mut Buffers,
        step: &dyn Step,
    ) {
        let slot = &self.slots[i];
        let w = &mut self.data[slot.range.clone()];
        let beside = slot.penalty().filter(|penalty| penalty.mode != PenaltyMode::Loss).and_then(|penalty| {
            let in_force = in_force(slot, i, epoch, &self.penalty_state, &[])?;
            Some(Beside { in_force, rate: rates.of(penalty.mode), cautious: penalty.cautious })
        });
        let (along, whole) = match beside {
            Some(beside) if beside.in_force.is_elementwise() => (Some(beside), None),
            other => (None, other),
        };
        let custom = slot.custom_penalty().filter(|custom| custom.mode != PenaltyMode::Loss);

        if let Some(whole) = &whole {
            whole.before(slot, w, buffers);
        }
        if let Some((custom, rate)) = custom.and_then(|custom| Some((custom, rates.of(custom.mode)?))) {
            descend(slot, &*custom.penalty, rate, w, buffers);
        }
        let custom = custom.filter(|custom| custom.mode == PenaltyMode::Proximal);
        let wanted = custom.is_some() || whole.as_ref().is_some_and(|whole| whole.rate.is_none());
        let steps = room(&mut buffers.steps, if wanted { w.len() } else { 0 });
        pass(slot, w, moments, steps, along.as_ref(), step);
        if let Some(whole) = &whole {
            whole.behind(slot, w, buffers);
        }
        if let Some(custom) = custom {
            map(slot, &*custom.penalty, w, buffers);
        }
    }
}

/// A regularizer that is at work beside the optimizer.
struct Beside<'a> {
    in_force: InForce<'a>,
    /// How far it goes down its gradient; none if it is proximal.
    rate: Option<f64>,
    cautious: bool,
}

/// So many weights at a time, with all that belongs to them, stay in a core's own cache; fewer would have the calls cost time.
const CHUNK: usize = 2048;

/// What the penalty of single weights needs for a chunk of them. Made once: to clear it for every chunk would be work.
struct Room {
    old: [f32; CHUNK],
    /// Gradients or steps.
    change: [f32; CHUNK],
    scratch: [f32; CHUNK],
}

impl Beside<'_> {
    /// The update of a stretch of single weights, of which the first is number `start` of the parameter.
    fn along(&self, slot: &ParamSlot, start: usize, w: &mut [f32], moments: &mut Moments<'_>, step: &dyn Step) {
        let mut room = Room { old: [0.0; CHUNK], change: [0.0; CHUNK], scratch: [0.0; CHUNK] };
        let shape = &slot.spec.shape;
        for from in (0..w.len()).step_by(CHUNK) {
            let part = from..w.len().min(from + CHUNK);
            let w = &mut w[part.clone()];
            let moments = &mut moments.each_mut().map(|moment| match moment.is_empty() {
                true => <&mut [f32]>::default(),
                false => &mut moment[part.clone()],
            });
            let range = start + part.start..start + part.end;
            let place = slot.range.start + range.start..slot.range.start + range.end;
            let here = self.in_force.stretch(range);
            let (change, scratch) = (&mut room.change[..w.len()], &mut room.scratch[..]);
            match self.rate {
                Some(rate) if self.cautious => {
                    let old = &mut room.old[..w.len()];
                    old.copy_from_slice(w);
                    step.update(place, w, moments);
                    change.fill(0.0);
                    here.add_gradient(shape, old, change, scratch);
                    update::descend_agreed(rate as f32, old, here.anchor(), change, w);
                }
                Some(rate) if here.is_plain() => {
                    here.descend(rate, w);
                    step.update(place, w, moments);
                }
                Some(rate) => {
                    change.fill(0.0);
                    here.add_gradient(shape, w, change, scratch);
                    update::add_scaled(-rate as f32, change, w);
                    step.update(place, w, moments);
                }
                None => {
                    step.update_with_steps(place, w, moments, change);
                    here.proximal(shape, change, w, scratch);
                }
            }
        }
    }

    /// Before the update of a parameter, whose weights are not penalized one by one.
    fn before(&self, slot: &ParamSlot, w: &mut [f32], buffers: &mut Buffers) {
        match self.rate {
            Some(_) if self.cautious => room(&mut buffers.before, w.len()).copy_from_slice(w),
            Some(rate) => descend(slot, &self.in_force, rate, w, buffers),
            None => {}
        }
    }

    /// Behind it.
    fn behind(&self, slot: &ParamSlot, w: &mut [f32], buffers: &mut Buffers) {
        match self.rate {
            Some(rate) if self.cautious => {
                let before = std::mem::take(&mut buffers.before);
                let old = &before[..w.len()];
                let (dw, _) = gradient(slot, &self.in_force, old, buffers);
                update::descend_agreed(rate as f32, old, self.in_force.anchor(), dw, w);
                buffers.before = before;
            }
            Some(_) => {}
            None => map(slot, &self.in_force, w, buffers),
        }
    }
}

/// The optimizer's own update of a parameter, with penalties of single weights. Where `steps` is not empty, it gets those of all
/// weights. Threads share the weights.
fn pass(
    slot: &ParamSlot,
    w: &mut [f32],
    moments: Moments<'_>,
    steps: &mut [f32],
    along: Option<&Beside<'_>>,
    step: &dyn Step,
) {
    // A root and a quotient take as long as so many multiply-adds.
    let work = if along.is_some() { 32 } else { 16 };
    let [first, second, third] = moments;
    parallel::stretches([w, first, second, third, steps], work, &|start, [w, first, second, third, steps]| {
        let mut moments = [first, second, third];
        match along {
            Some(penalty) => {
                penalty.along(slot, start, w, &mut moments, step);
                // Wanted if a penalty of the user's own comes behind.
                if !steps.is_empty() {
                    step.steps(&moments, steps);
                }
            }
            None => {
                let start = slot.range.start + start;
                let place = start..start + w.len();
                match steps {
                    [] => step.update(place, w, &mut moments),
                    steps => step.update_with_steps(place, w, &mut moments, steps),
                }
            }
        }
    });
}

/// w ← w - rate ∇Ω(w).
fn descend(slot: &ParamSlot, penalty: &dyn Penalty, rate: f64, w: &mut [f32], buffers: &mut Buffers) {
    let (dw, _) = gradient(slot, penalty, w, buffers);
    update::add_scaled(-rate as f32, dw, w);
}

/// The proximal map of a whole parameter, with the steps in the buffers.
fn map(slot: &ParamSlot, penalty: &dyn Penalty, w: &mut [f32], buffers: &mut Buffers) {
    let scratch = room(&mut buffers.scratch, penalty.scratch_len(&slot.spec.shape));
    penalty.proximal(&slot.spec.shape, &buffers.steps[..w.len()], w, scratch);
}
