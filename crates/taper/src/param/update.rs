//! The update of a parameter: the optimizer's own, and before and behind it what penalties do beside it.

use std::ops::Range;

use taper_kernels::penalized::Way;
use taper_kernels::penalty::PerWeight;
use taper_kernels::rho::Rho;
use taper_kernels::{parallel, update};

use super::penalty::{Buffers, gradient, in_force, room};
use super::{ParamSlot, Params};
use crate::regularizer::{InForce, Penalty, PenaltyMode};

/// The moments of some weights; an optimizer that has fewer leaves the last ones empty.
pub(crate) type Moments<'a> = [&'a mut [f32]; 3];

/// One step of an optimizer, on any stretch of the weights with their gradients `g`.
pub(crate) trait Step: Sync {
    /// Moves these weights.
    fn update(&self, g: &[f32], w: &mut [f32], moments: &mut Moments<'_>);

    /// Writes the steps of the weights with these moments: by how much a steady gradient of 1 would move each.
    fn steps(&self, moments: &Moments<'_>, steps: &mut [f32]);

    /// Both: moves these weights, and writes the steps that they have then.
    fn update_with_steps(&self, g: &[f32], w: &mut [f32], moments: &mut Moments<'_>, steps: &mut [f32]);

    /// Moves and penalizes these weights in one pass, if the optimizer can, and returns Ω(w) at the weights before, if it is
    /// part of the objective.
    fn update_penalized(
        &self,
        _: PenaltyOnWeights<'_>,
        g: &[f32],
        w: &mut [f32],
        moments: &mut Moments<'_>,
    ) -> Option<f64>;
}

/// Σ f ρ(w - w₀) on some weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PenaltyOnWeights<'a> {
    pub(crate) rho: Rho,
    /// f and w₀.
    pub(crate) own: PerWeight<'a>,
    pub(crate) way: Way,
}

/// What an update knows of the penalties and the decay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpdateRates {
    /// The learning rate: how far a decoupled penalty goes.
    pub(crate) decoupled: f64,
    /// The learning rate over its schedule's largest.
    pub(crate) independent: f64,
    /// Weight decay, as a share of the learning rate; 0 for none.
    pub(crate) decay: f64,
    /// Whether the objective's penalties of single weights were left to the update.
    pub(crate) left: bool,
}

impl UpdateRates {
    /// None for the modes that are not decoupled.
    fn of(self, mode: PenaltyMode) -> Option<f64> {
        match mode {
            PenaltyMode::Decoupled => Some(self.decoupled),
            PenaltyMode::Independent => Some(self.independent),
            PenaltyMode::Loss | PenaltyMode::Proximal => None,
        }
    }

    fn decay(self, w: &mut [f32]) {
        if self.decay != 0.0 {
            update::decay(w, self.decay as f32, self.decoupled as f32);
        }
    }
}

impl Params {
    /// The parameters from `i` on that one update moves: one with a penalty, or as many without as lie side by side, are trained
    /// as the first is, and decay as it does.
    pub(crate) fn updated_together(&self, i: usize, decays: &[bool]) -> Range<usize> {
        let is_bare = |slot: &ParamSlot| slot.penalty().is_none() && slot.custom_penalty().is_none();
        let kind = |i: usize| (self.slots[i].spec.trainable, decays[i]);
        let more = (i + 1..self.slots.len()).take_while(|j| is_bare(&self.slots[*j]) && kind(*j) == kind(i));
        i..i + 1 + if is_bare(&self.slots[i]) { more.count() } else { 0 }
    }

    /// Updates parameters that are [updated together](Self::updated_together) with their gradients `g`: decays and moves them.
    /// Penalties of single weights go along, stretch by stretch, so that weights and moments are read once; the others go before it
    /// and behind it.
    ///
    /// Returns the value, at the weights before, of the penalty that was [left to it](is_left).
    pub(crate) fn update(
        &mut self,
        slots: Range<usize>,
        epoch: usize,
        rates: UpdateRates,
        g: &mut [f32],
        moments: Moments<'_>,
        buffers: &mut Buffers,
        step: &dyn Step,
    ) -> f64 {
        let w = &mut self.data[range_of(&self.slots[slots.clone()])];
        let (i, slot) = (slots.start, &self.slots[slots.start]);
        let beside = slot.penalty().and_then(|penalty| {
            let in_force = in_force(slot, i, epoch, &self.penalty_state, &[])?;
            let left = rates.left && is_left(slot, penalty.mode, &in_force);
            let is_done = penalty.mode == PenaltyMode::Loss && !left;
            (!is_done).then_some(Beside { in_force, mode: penalty.mode, rates, left, cautious: penalty.cautious })
        });
        let (along, whole) = match &beside {
            Some(beside) if beside.in_force.is_elementwise() => (Some(beside), None),
            other => (None, other.as_ref()),
        };
        let custom = slot.custom_penalty().filter(|custom| custom.mode != PenaltyMode::Loss);
        let custom_rate = custom.and_then(|custom| rates.of(custom.mode));

        if !along.is_some_and(|along| along.left) {
            rates.decay(w);
        }
        if let Some(whole) = whole {
            whole.before(slot, w, buffers);
        }
        if let (Some(custom), Some(rate)) = (custom, custom_rate) {
            descend(slot, &*custom.penalty, rate, w, buffers);
        }
        let custom = custom.filter(|custom| custom.mode == PenaltyMode::Proximal);
        let wanted = custom.is_some() || whole.is_some_and(|whole| whole.mode == PenaltyMode::Proximal);
        let steps = room(&mut buffers.steps, if wanted { w.len() } else { 0 });
        let value = pass(slot, g, w, moments, steps, along, step);
        if let Some(whole) = whole {
            whole.behind(slot, w, buffers);
        }
        if let Some(custom) = custom {
            map(slot, &*custom.penalty, w, buffers);
        }
        value
    }
}

/// Where the numbers of slots are that lie side by side.
pub(crate) fn range_of(slots: &[ParamSlot]) -> Range<usize> {
    let end = slots.last().map_or(0, |slot| slot.range.end);
    slots.first().map_or(0, |slot| slot.range.start)..end
}

/// Whether a penalty that is part of the objective can be left to the [update](Params::update), which then adds its gradient and
/// tells its value: one of single weights, whose weights nothing else moves before.
pub(super) fn is_left(slot: &ParamSlot, mode: PenaltyMode, in_force: &InForce<'_>) -> bool {
    slot.spec.trainable && mode.is_objective() && in_force.is_elementwise() && slot.custom_penalty().is_none()
}

/// A regularizer that is at work with the optimizer or beside it.
struct Beside<'a> {
    in_force: InForce<'a>,
    mode: PenaltyMode,
    rates: UpdateRates,
    left: bool,
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

impl Room {
    fn new() -> Self {
        Self { old: [0.0; CHUNK], change: [0.0; CHUNK], scratch: [0.0; CHUNK] }
    }
}

impl Beside<'_> {
    /// The update of a stretch of single weights, of which the first is number `start` of the parameter. Returns the value of the
    /// penalty if that was left to it.
    fn along(
        &self,
        slot: &ParamSlot,
        start: usize,
        g: &mut [f32],
        w: &mut [f32],
        moments: &mut Moments<'_>,
        step: &dyn Step,
    ) -> f64 {
        if let (Some(rho), Some(way)) = (self.in_force.rho(), self.way()) {
            let own = self.in_force.own().part(start..start + w.len());
            if let Some(value) = step.update_penalized(PenaltyOnWeights { rho, own, way }, g, w, moments) {
                return if self.left { value } else { 0.0 };
            }
        }
        self.in_chunks(slot, start, g, w, moments, step)
    }

    /// The same, one thing after the other. Its room is large, so it stands by itself: who does not come here need not make it.
    #[inline(never)]
    fn in_chunks(
        &self,
        slot: &ParamSlot,
        start: usize,
        g: &mut [f32],
        w: &mut [f32],
        moments: &mut Moments<'_>,
        step: &dyn Step,
    ) -> f64 {
        let (mut room, mut value) = (None, 0.0);
        let shape = &slot.spec.shape;
        for from in (0..w.len()).step_by(CHUNK) {
            let part = from..w.len().min(from + CHUNK);
            let (g, w) = (&mut g[part.clone()], &mut w[part.clone()]);
            let moments = &mut moments.each_mut().map(|moment| match moment.is_empty() {
                true => <&mut [f32]>::default(),
                false => &mut moment[part.clone()],
            });
            let here = self.in_force.stretch(start + part.start..start + part.end);
            if self.mode == PenaltyMode::Loss {
                value += here.add_gradient(shape, w, g, &mut []);
                self.rates.decay(w);
                step.update(g, w, moments);
                continue;
            }
            let room = room.get_or_insert_with(Room::new);
            let (change, scratch) = (&mut room.change[..w.len()], &mut room.scratch[..]);
            match self.rates.of(self.mode) {
                Some(rate) if self.cautious => {
                    let old = &mut room.old[..w.len()];
                    old.copy_from_slice(w);
                    step.update(g, w, moments);
                    change.fill(0.0);
                    here.add_gradient(shape, old, change, scratch);
                    update::descend_agreed(rate as f32, old, here.anchor(), change, w);
                }
                Some(rate) if here.is_plain() => {
                    here.descend(rate, w);
                    step.update(g, w, moments);
                }
                Some(rate) => {
                    change.fill(0.0);
                    here.add_gradient(shape, w, change, scratch);
                    update::add_scaled(-rate as f32, change, w);
                    step.update(g, w, moments);
                }
                None => {
                    if self.left {
                        value += here.value(shape, w, scratch);
                        self.rates.decay(w);
                    }
                    step.update_with_steps(g, w, moments, change);
                    here.proximal(shape, change, w, scratch);
                }
            }
        }
        value
    }

    /// How it reaches the weights together with an update; none if the weights decay between the two.
    fn way(&self) -> Option<Way> {
        match self.rates.of(self.mode) {
            Some(rate) if self.cautious => Some(Way::Agreed(rate as f32)),
            Some(rate) => Some(Way::Before(rate as f32)),
            None if self.left && self.rates.decay != 0.0 => None,
            None if self.mode == PenaltyMode::Loss => Some(Way::Gradient),
            None => Some(Way::Map),
        }
    }

    /// Before the update of a parameter, whose weights are not penalized one by one.
    fn before(&self, slot: &ParamSlot, w: &mut [f32], buffers: &mut Buffers) {
        match self.rates.of(self.mode) {
            Some(_) if self.cautious => room(&mut buffers.before, w.len()).copy_from_slice(w),
            Some(rate) => descend(slot, &self.in_force, rate, w, buffers),
            None => {}
        }
    }

    /// Behind it.
    fn behind(&self, slot: &ParamSlot, w: &mut [f32], buffers: &mut Buffers) {
        match self.rates.of(self.mode) {
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
/// weights. Threads share the weights. Returns the value of the penalty if that was left to it.
fn pass(
    slot: &ParamSlot,
    g: &mut [f32],
    w: &mut [f32],
    moments: Moments<'_>,
    steps: &mut [f32],
    along: Option<&Beside<'_>>,
    step: &dyn Step,
) -> f64 {
    // A root and a quotient take as long as so many multiply-adds.
    let work = if along.is_some() { 32 } else { 16 };
    let [first, second, third] = moments;
    parallel::stretches([g, w, first, second, third, steps], work, &|start, [g, w, first, second, third, steps]| {
        let mut moments = [first, second, third];
        match (along, steps) {
            (Some(penalty), steps) => {
                let value = penalty.along(slot, start, g, w, &mut moments, step);
                // Wanted if a penalty of the user's own comes behind.
                if !steps.is_empty() {
                    step.steps(&moments, steps);
                }
                return value;
            }
            (None, []) => step.update(g, w, &mut moments),
            (None, steps) => step.update_with_steps(g, w, &mut moments, steps),
        }
        0.0
    })
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
