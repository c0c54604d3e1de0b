//! The products of the state with the recurrent kernel: one in every step, with or without dropout.

use taper_kernels::matrix::{self, Matrix, Packed};

use super::cell::Span;

/// What the state's products need.
///
/// With dropout the state is multiplied by factors, the same in all steps, on its way into each gate's sums: for each gate others,
/// so that there is one product for each gate.
pub(in crate::layer) struct Recurrence<'a> {
    pub(super) span: Span,
    /// Sums per unit.
    pub(super) gates: usize,
    /// units × gates·units.
    pub(super) kernel: &'a [f32],
    /// gates × batch × units; empty without dropout.
    pub(super) factors: &'a [f32],
    /// batch × units; empty without dropout.
    pub(super) dropped: &'a mut [f32],
    /// Room for the kernel as products want it.
    pub(super) packed: &'a mut [f32],
}

impl<'a> Recurrence<'a> {
    fn sums(&self) -> usize {
        self.gates * self.span.units
    }

    fn has_dropout(&self) -> bool {
        !self.factors.is_empty()
    }

    /// The kernel's columns that belong to these gates.
    fn columns(&self, gates: std::ops::Range<usize>) -> Matrix<'a> {
        let units = self.span.units;
        Matrix::strided(&self.kernel[gates.start * units..], units, gates.len() * units, self.sums())
    }

    /// Packs the columns of these gates, for products forward (`dz = h · kernel`).
    pub(in crate::layer) fn forward(&mut self, gates: std::ops::Range<usize>) -> Product<'a> {
        self.product(gates, false)
    }

    /// Packs them for products back (`dh = dz · kernelᵀ`).
    pub(in crate::layer) fn backward(&mut self, gates: std::ops::Range<usize>) -> Product<'a> {
        self.product(gates, true)
    }

    fn product(&mut self, gates: std::ops::Range<usize>, back: bool) -> Product<'a> {
        let columns = self.columns(gates.clone());
        let matrix = if back { columns.t() } else { columns };
        let len = packed_len(self.span.units, gates.len());
        let (room, rest) = std::mem::take(&mut self.packed).split_at_mut(len);
        self.packed = rest;
        Product { gates, packed: Packed::new(matrix, room) }
    }

    /// `z += (h ⊙ factors) · kernel`, for the gates of the product; `z` begins with the first of them.
    pub(in crate::layer) fn add(&mut self, product: &Product<'_>, h: &[f32], z: &mut [f32]) {
        let (Span { batch, units, .. }, sums) = (self.span, self.sums());
        if !self.has_dropout() {
            return matrix::matmul_packed(Matrix::new(h, batch, units), product.packed, z, sums, true);
        }
        for (i, gate) in product.gates.clone().enumerate() {
            self.drop_into_room(gate, h);
            let dropped = Matrix::new(self.dropped, batch, units);
            matrix::matmul_into(dropped, self.columns(gate..gate + 1), &mut z[i * units..], sums, true);
        }
    }

    /// `z += h · kernel`, of a state that was [dropped](Self::drop) already.
    pub(in crate::layer) fn add_dropped(&self, product: &Product<'_>, h: &[f32], z: &mut [f32]) {
        let Span { batch, units, .. } = self.span;
        matrix::matmul_packed(Matrix::new(h, batch, units), product.packed, z, self.sums(), true);
    }

    /// `dh += (dz · kernelᵀ) ⊙ factors`, for the gates of the product.
    pub(in crate::layer) fn add_back(&mut self, product: &Product<'_>, dz: &[f32], dh: &mut [f32]) {
        let (Span { batch, units, .. }, sums) = (self.span, self.sums());
        if !self.has_dropout() {
            let dz = Matrix::strided(dz, batch, product.gates.len() * units, sums);
            return matrix::matmul_packed(dz, product.packed, dh, units, true);
        }
        for (i, gate) in product.gates.clone().enumerate() {
            let dz = Matrix::strided(&dz[i * units..], batch, units, sums);
            matrix::matmul_into(dz, self.columns(gate..gate + 1).t(), self.dropped, units, false);
            let factors = &self.factors[gate * batch * units..][..batch * units];
            for ((dh, part), factor) in dh.iter_mut().zip(&*self.dropped).zip(factors) {
                *dh += part * factor;
            }
        }
    }

    /// Multiplies by the factors of a gate.
    pub(in crate::layer) fn drop(&self, gate: usize, state: &mut [f32]) {
        if self.has_dropout() {
            let factors = &self.factors[gate * state.len()..][..state.len()];
            state.iter_mut().zip(factors).for_each(|(x, factor)| *x *= factor);
        }
    }

    fn drop_into_room(&mut self, gate: usize, h: &[f32]) {
        let factors = &self.factors[gate * h.len()..][..h.len()];
        for ((to, h), factor) in self.dropped.iter_mut().zip(h).zip(factors) {
            *to = h * factor;
        }
    }

    /// The gradient of the kernel's columns of the first `gates` gates from that of their sums: `dkernel = Σ (h ⊙ factors)ᵀ dz`, in
    /// one product over all steps where nothing is dropped.
    ///
    /// The first step's past is 0 and has no part in it.
    pub(in crate::layer) fn gradient(&mut self, gates: usize, h: &[f32], dz: &[f32], dkernel: &mut [f32]) {
        let (Span { steps, batch, units }, sums) = (self.span, self.sums());
        if steps == 1 {
            return dkernel.fill(0.0);
        }
        if !self.has_dropout() {
            let rows = (steps - 1) * batch;
            let past = Matrix::new(&h[batch * units..steps * batch * units], rows, units);
            let dz = Matrix::strided(&dz[batch * sums..], rows, gates * units, sums);
            return matrix::matmul_into(past.t(), dz, dkernel, sums, false);
        }
        for s in 1..steps {
            for gate in 0..gates {
                self.drop_into_room(gate, &h[s * batch * units..(s + 1) * batch * units]);
                let dz = Matrix::strided(&dz[s * batch * sums + gate * units..], batch, units, sums);
                let past = Matrix::new(self.dropped, batch, units);
                matrix::matmul_into(past.t(), dz, &mut dkernel[gate * units..], sums, s > 1);
            }
        }
    }
}

/// Columns of the recurrent kernel, packed once for all steps of a pass.
pub(in crate::layer) struct Product<'a> {
    gates: std::ops::Range<usize>,
    packed: Packed<'a>,
}

/// Room for the packed columns of so many gates, either way.
pub(in crate::layer) fn packed_len(units: usize, gates: usize) -> usize {
    Packed::len(units, gates * units).max(Packed::len(gates * units, units))
}
