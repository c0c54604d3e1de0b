//! What a recurrent layer keeps from one pass to the next, and the room that it works in.

use super::cell::Cell;
use super::{Recurrent, recurrence};

/// The parts of the cache, of all rows or a piece of them.
pub(super) struct Kept<'a> {
    /// The input, time-major; dropped where there is dropout and it is the same for all gates.
    pub(super) x: &'a mut [f32],
    /// Dropout's factor of each feature of each row, the same in all steps; several if gates differ, empty without dropout.
    pub(super) factor: &'a mut [f32],
    /// The same for the state: gates × batch × units, or empty.
    pub(super) state_factor: &'a mut [f32],
    /// 1 where a step counts.
    pub(super) mask: &'a mut [f32],
    pub(super) gates: &'a mut [f32],
    pub(super) h: &'a mut [f32],
    pub(super) cell: &'a mut [f32],
}

/// Cuts the first `len` floats off.
pub(in crate::layer) fn cut<'a>(rest: &mut &'a mut [f32], len: usize) -> &'a mut [f32] {
    let (first, others) = std::mem::take(rest).split_at_mut(len);
    *rest = others;
    first
}

impl<C: Cell> Recurrent<C> {
    /// The lengths of [`Kept`]'s parts but the last.
    pub(super) fn lens(&self, batch: usize) -> [usize; 6] {
        let rows = self.steps * batch;
        let factor = self.input_factors() * batch * self.features;
        let state_factor = if self.recurrent_dropout > 0.0 { batch * self.sums() } else { 0 };
        let h = (self.steps + 1) * batch * self.units;
        [rows * self.features, factor, state_factor, rows, rows * self.sums(), h]
    }

    pub(super) fn kept<'a>(&self, batch: usize, cache: &'a mut [f32]) -> Kept<'a> {
        let mut rest = cache;
        let [x, factor, state_factor, mask, gates, h] = self.lens(batch);
        Kept {
            x: cut(&mut rest, x),
            factor: cut(&mut rest, factor),
            state_factor: cut(&mut rest, state_factor),
            mask: cut(&mut rest, mask),
            gates: cut(&mut rest, gates),
            h: cut(&mut rest, h),
            cell: rest,
        }
    }

    /// Cuts off the room that both passes need: for the packed kernel, a dropped state, and a dropped input.
    pub(super) fn rooms<'a>(&self, batch: usize, scratch: &mut &'a mut [f32]) -> [&'a mut [f32]; 3] {
        self.room_lens(batch).map(|len| cut(scratch, len))
    }

    pub(super) fn room_lens(&self, batch: usize) -> [usize; 3] {
        let packed = recurrence::packed_len(self.units, C::PRODUCTS);
        let dropped = if self.recurrent_dropout > 0.0 { batch * self.units } else { 0 };
        let input = if self.input_factors() > 1 { self.steps * batch * self.features } else { 0 };
        [packed, dropped, input]
    }
}
