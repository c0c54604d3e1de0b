//! From the order of rows to that of time, and back.

use super::Recurrent;
use super::cell::Cell;
use super::memory::Kept;

impl<C: Cell> Recurrent<C> {
    /// Where step `s` lies in the input.
    fn time(&self, s: usize) -> usize {
        if self.go_backwards { self.steps - 1 - s } else { s }
    }

    /// Brings input and mask into time-major order.
    pub(super) fn load(&self, batch: usize, x: &[f32], mask: &[f32], kept: &mut Kept<'_>) {
        let features = self.features;
        for row in 0..batch {
            for s in 0..self.steps {
                let from = (row * self.steps + self.time(s)) * features;
                let to = (s * batch + row) * features;
                kept.x[to..to + features].copy_from_slice(&x[from..from + features]);
            }
        }
        if self.input_factors() == 1 {
            for step in kept.x.chunks_exact_mut(batch * features) {
                step.iter_mut().zip(kept.factor.iter()).for_each(|(x, factor)| *x *= factor);
            }
        }
        if mask.is_empty() {
            return kept.mask.fill(1.0);
        }
        for row in 0..batch {
            for s in 0..self.steps {
                kept.mask[s * batch + row] = mask[row * self.steps + self.time(s)];
            }
        }
    }

    /// Brings the gradient of the input back into the order of the rows.
    pub(super) fn unload(&self, batch: usize, factor: &[f32], dx_steps: &mut [f32], dx: &mut [f32]) {
        let features = self.features;
        if self.input_factors() == 1 {
            for step in dx_steps.chunks_exact_mut(batch * features) {
                step.iter_mut().zip(factor).for_each(|(dx, factor)| *dx *= factor);
            }
        }
        for row in 0..batch {
            for s in 0..self.steps {
                let to = (row * self.steps + self.time(s)) * features;
                let from = (s * batch + row) * features;
                dx[to..to + features].copy_from_slice(&dx_steps[from..from + features]);
            }
        }
    }

    /// Writes the states that are the output.
    pub(super) fn write(&self, batch: usize, kept: &Kept<'_>, y: &mut [f32]) {
        let units = self.units;
        let first = if self.return_sequences { 0 } else { self.steps - 1 };
        for (row, y) in y.chunks_exact_mut((self.steps - first) * units).enumerate() {
            for (s, y) in (first..self.steps).zip(y.chunks_exact_mut(units)) {
                if self.zero_output_for_mask && kept.mask[s * batch + row] == 0.0 {
                    y.fill(0.0);
                } else {
                    let at = ((s + 1) * batch + row) * units;
                    y.copy_from_slice(&kept.h[at..at + units]);
                }
            }
        }
    }
}
