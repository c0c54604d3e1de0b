//! The products of the input with its kernel where each gate drops features of its own.

use taper_kernels::activation::{self, Unary};
use taper_kernels::matrix::{self, Matrix};

/// The input of all steps, and the factors by which each gate multiplies it.
pub(super) struct GateInput<'a> {
    /// steps × batch.
    pub(super) rows: usize,
    pub(super) features: usize,
    pub(super) units: usize,
    pub(super) gates: usize,
    /// rows × features.
    pub(super) x: &'a [f32],
    /// gates × batch × features.
    pub(super) factors: &'a [f32],
    /// As long as `x`.
    pub(super) room: &'a mut [f32],
}

impl<'a> GateInput<'a> {
    fn factors(&self, gate: usize) -> &'a [f32] {
        let len = self.factors.len() / self.gates;
        &self.factors[gate * len..(gate + 1) * len]
    }

    fn drop_into_room(&mut self, gate: usize) {
        let factors = self.factors(gate);
        for (to, x) in self.room.chunks_exact_mut(factors.len()).zip(self.x.chunks_exact(factors.len())) {
            for ((to, x), factor) in to.iter_mut().zip(x).zip(factors) {
                *to = x * factor;
            }
        }
    }

    /// `z = (x ⊙ factors) · kernel + bias`, gate by gate.
    pub(super) fn forward(mut self, kernel: &[f32], bias: &[f32], z: &mut [f32]) {
        let (units, sums) = (self.units, self.gates * self.units);
        for gate in 0..self.gates {
            self.drop_into_room(gate);
            let columns = Matrix::strided(&kernel[gate * units..], self.features, units, sums);
            let x = Matrix::new(self.room, self.rows, self.features);
            matrix::matmul_into(x, columns, &mut z[gate * units..], sums, false);
        }
        if !bias.is_empty() {
            activation::bias_forward(Unary::Linear, bias, z);
        }
    }

    /// The gradients: `dkernel = (x ⊙ factors)ᵀ dz`, `dbias = Σ dz`, and `dx = Σ (dz · kernelᵀ) ⊙ factors` where asked.
    pub(super) fn backward(
        mut self,
        kernel: &[f32],
        dz: &[f32],
        dkernel: &mut [f32],
        dbias: &mut [f32],
        mut dx: Option<&mut [f32]>,
    ) {
        let (units, sums) = (self.units, self.gates * self.units);
        if let Some(dx) = dx.as_deref_mut() {
            dx.fill(0.0);
        }
        for gate in 0..self.gates {
            self.drop_into_room(gate);
            let dz = Matrix::strided(&dz[gate * units..], self.rows, units, sums);
            let x = Matrix::new(self.room, self.rows, self.features);
            matrix::matmul_into(x.t(), dz, &mut dkernel[gate * units..], sums, false);
            let Some(dx) = dx.as_deref_mut() else { continue };
            let columns = Matrix::strided(&kernel[gate * units..], self.features, units, sums);
            matrix::matmul_into(dz, columns.t(), self.room, self.features, false);
            let factors = self.factors(gate);
            for (dx, part) in dx.chunks_exact_mut(factors.len()).zip(self.room.chunks_exact(factors.len())) {
                for ((dx, part), factor) in dx.iter_mut().zip(part).zip(factors) {
                    *dx += part * factor;
                }
            }
        }
        if !dbias.is_empty() {
            matrix::column_sums(dz, dbias);
        }
    }
}
