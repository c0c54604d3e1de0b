//! The products of the state with the recurrent kernel: one in every step, with or without dropout.

use std::ops::Range;

use taper_kernels::matrix::{self, Matrix, Packed};

use super::cell::Span;

/// What the state's products need.
///
/// With dropout the state is multiplied by factors, the same in all steps, on its way into each gate's sums: for each gate others,
/// so that there is one product for each gate.
pub(in crate::layer) struct Recurrence<'a> {
    pub(super) span: Span,
    /// Rows that lie together, all steps of them.
    pub(super) piece: usize,
    /// Sums per unit.
    pub(super) gates: usize,
    /// units × gates·units.
    pub(super) kernel: &'a [f32],
    /// The kernel as products want it.
    pub(super) products: Products<'a>,
    /// gates × batch × units; empty without dropout.
    pub(super) factors: &'a [f32],
    /// batch × units; empty without dropout.
    pub(super) dropped: &'a mut [f32],
}

/// Columns of the recurrent kernel, packed once for all steps of a pass and all pieces of the batch.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    /// The first of the gates that the columns belong to, and how many there are.
    first: usize,
    count: usize,
    packed: Packed<'a>,
}

/// As many as a cell has; one without gates is not used.
pub(super) type Products<'a> = [Product<'a>; 2];

/// Which way a product goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// `dz = h · kernel`.
    Forward,
    /// `dh = dz · kernelᵀ`.
    Back,
}

/// Room for the packed kernel, either way.
pub(super) fn packed_len(units: usize, gates: [usize; 2]) -> usize {
    gates.map(|gates| one_len(units, gates)).iter().sum()
}

fn one_len(units: usize, gates: usize) -> usize {
    Packed::len(units, gates * units).max(Packed::len(gates * units, units))
}

/// Packs a kernel of `units` × Σ gates·units for products of so many gates each.
pub(super) fn pack<'a>(way: Way, units: usize, gates: [usize; 2], kernel: &[f32], room: &'a mut [f32]) -> Products<'a> {
    let (mut first, mut rest) = (0, room);
    gates.map(|count| {
        let columns = columns(kernel, units, gates.iter().sum(), first..first + count);
        let (room, others) = std::mem::take(&mut rest).split_at_mut(one_len(units, count));
        rest = others;
        let packed = Packed::new(if way == Way::Back { columns.t() } else { columns }, room);
        first += count;
        Product { first: first - count, count, packed }
    })
}

/// The columns that belong to some of all gates.
fn columns(kernel: &[f32], units: usize, all: usize, gates: Range<usize>) -> Matrix<'_> {
    Matrix::strided(&kernel[gates.start * units..], units, gates.len() * units, all * units)
}

impl<'a> Recurrence<'a> {
    fn sums(&self) -> usize {
        self.gates * self.span.units
    }

    fn has_dropout(&self) -> bool {
        !self.factors.is_empty()
    }

    fn columns(&self, gate: usize) -> Matrix<'a> {
        columns(self.kernel, self.span.units, self.gates, gate..gate + 1)
    }

    /// `z += (h ⊙ factors) · kernel`, for the gates of a product; `z` begins with the first of them.
    pub(in crate::layer) fn add(&mut self, product: usize, h: &[f32], z: &mut [f32]) {
        let (Span { batch, units, .. }, sums) = (self.span, self.sums());
        let Product { first, count, packed } = self.products[product];
        if !self.has_dropout() {
            return matrix::matmul_packed(Matrix::new(h, batch, units), packed, z, sums, true);
        }
        for i in 0..count {
            self.drop_into_room(first + i, h);
            let dropped = Matrix::new(self.dropped, batch, units);
            matrix::matmul_into(dropped, self.columns(first + i), &mut z[i * units..], sums, true);
        }
    }

    /// `z += h · kernel`, of a state that was [dropped](Self::drop) already.
    pub(in crate::layer) fn add_dropped(&self, product: usize, h: &[f32], z: &mut [f32]) {
        let Span { batch, units, .. } = self.span;
        matrix::matmul_packed(Matrix::new(h, batch, units), self.products[product].packed, z, self.sums(), true);
    }

    /// `dh += (dz · kernelᵀ) ⊙ factors`, for the gates of a product.
    pub(in crate::layer) fn add_back(&mut self, product: usize, dz: &[f32], dh: &mut [f32]) {
        let (Span { batch, units, .. }, sums) = (self.span, self.sums());
        let Product { first, count, packed } = self.products[product];
        if !self.has_dropout() {
            let dz = Matrix::strided(dz, batch, count * units, sums);
            return matrix::matmul_packed(dz, packed, dh, units, true);
        }
        for i in 0..count {
            let dz = Matrix::strided(&dz[i * units..], batch, units, sums);
            matrix::matmul_into(dz, self.columns(first + i).t(), self.dropped, units, false);
            let factors = &self.factors[(first + i) * batch * units..][..batch * units];
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

    /// The gradient of the kernel's columns of some gates from that of their sums: `dkernel = Σ (h ⊙ factors)ᵀ dz`, in one product
    /// over all steps of a piece where nothing is dropped.
    ///
    /// The first step's past is 0 and has no part in it.
    pub(in crate::layer) fn gradient(&mut self, gates: Range<usize>, h: &[f32], dz: &[f32], dkernel: &mut [f32]) {
        let (Span { steps, batch, units }, sums) = (self.span, self.sums());
        if !self.has_dropout() || steps == 1 {
            return self.gradient_dropped(gates, h, dz, dkernel);
        }
        for s in 1..steps {
            for gate in gates.clone() {
                self.drop_into_room(gate, &h[s * batch * units..(s + 1) * batch * units]);
                let dz = Matrix::strided(&dz[s * batch * sums + gate * units..], batch, units, sums);
                let past = Matrix::new(self.dropped, batch, units);
                matrix::matmul_into(past.t(), dz, &mut dkernel[gate * units..], sums, s > 1);
            }
        }
    }

    /// The same, of states that were [dropped](Self::drop) already.
    pub(in crate::layer) fn gradient_dropped(&self, gates: Range<usize>, h: &[f32], dz: &[f32], dkernel: &mut [f32]) {
        let (Span { steps, batch, units }, sums) = (self.span, self.sums());
        let dkernel = &mut dkernel[gates.start * units..];
        if steps == 1 {
            return dkernel.fill(0.0);
        }
        let pieces = h.chunks(h.len() / batch * self.piece).zip(dz.chunks(dz.len() / batch * self.piece));
        for (i, (h, dz)) in pieces.enumerate() {
            // How many rows, and where the second step begins.
            let start = dz.len() / (steps * sums);
            let rows = (steps - 1) * start;
            let past = Matrix::new(&h[start * units..], rows, units);
            let dz = Matrix::strided(&dz[start * sums + gates.start * units..], rows, gates.len() * units, sums);
            matrix::matmul_into(past.t(), dz, dkernel, sums, i > 0);
        }
    }
}
