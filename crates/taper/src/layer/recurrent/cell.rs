//! What a kind of recurrent layer is made of, and what it may use.

use taper_kernels::update;

use super::recurrence::Recurrence;

/// Sizes of one pass, over the whole batch or a piece of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::layer) struct Span {
    pub(in crate::layer) steps: usize,
    pub(in crate::layer) batch: usize,
    pub(in crate::layer) units: usize,
}

impl Span {
    /// Numbers in one step's state.
    pub(in crate::layer) fn state(self) -> usize {
        self.batch * self.units
    }
}

/// What one kind of recurrent layer does between its input sums and its states.
pub(in crate::layer) trait Cell: Send + Sync + std::fmt::Debug {
    /// Sums per unit that the input kernel feeds.
    const GATES: usize;
    /// How the gates are shared out among products of the state: one for all, or two.
    const PRODUCTS: [usize; 2];
    /// Name of the cell in paths, as in Keras.
    const NAME: &'static str;
    /// Floats to keep besides the gates and the states: so many for each row.
    fn cache_len(&self, span: Span) -> usize;
    /// Floats of scratch for the backward pass: so many for each row.
    fn scratch_len(&self, span: Span) -> usize;
    /// All steps of a piece of the batch forward.
    fn forward(&self, pass: CellForward<'_>);
    /// All its steps back.
    fn backward(&self, pass: CellBackward<'_>);
    /// The gradients of the parameters that belong to the state, from what [`backward`](Self::backward) left of the whole batch.
    fn gradient(&self, pass: CellGradient<'_>);
}

/// What a cell's forward pass may use.
pub(in crate::layer) struct CellForward<'a> {
    pub(in crate::layer) span: Span,
    pub(in crate::layer) recurrence: Recurrence<'a>,
    /// What is left of the bias after the sums of the input have had theirs.
    pub(in crate::layer) recurrent_bias: &'a [f32],
    /// steps × batch.
    pub(in crate::layer) mask: &'a [f32],
    /// steps × batch × gates·units: the sums of the input; becomes what the way back needs.
    pub(in crate::layer) gates: &'a mut [f32],
    /// (steps + 1) × batch × units: state s + 1 is that after step s; the first is 0.
    pub(in crate::layer) h: &'a mut [f32],
    pub(in crate::layer) cache: &'a mut [f32],
}

/// What a cell's backward pass may use.
pub(in crate::layer) struct CellBackward<'a> {
    pub(in crate::layer) span: Span,
    pub(in crate::layer) recurrence: Recurrence<'a>,
    pub(in crate::layer) mask: &'a [f32],
    /// As the forward pass left it; becomes the gradient of the input sums.
    pub(in crate::layer) gates: &'a mut [f32],
    pub(in crate::layer) h: &'a [f32],
    pub(in crate::layer) cache: &'a mut [f32],
    /// batch × units, all 0: the gradient of the state at hand.
    pub(in crate::layer) dh: &'a mut [f32],
    pub(in crate::layer) output: OutputGradient<'a>,
    pub(in crate::layer) scratch: &'a mut [f32],
}

/// What a cell's backward pass leaves, piece by piece, and what is to be had from it.
pub(in crate::layer) struct CellGradient<'a> {
    pub(in crate::layer) recurrence: Recurrence<'a>,
    pub(in crate::layer) gates: &'a [f32],
    pub(in crate::layer) h: &'a [f32],
    pub(in crate::layer) cache: &'a [f32],
    pub(in crate::layer) drecurrent_kernel: &'a mut [f32],
    pub(in crate::layer) drecurrent_bias: &'a mut [f32],
}

/// The gradient of the layer's output, to be had step by step.
#[derive(Clone, Copy)]
pub(in crate::layer) struct OutputGradient<'a> {
    pub(in crate::layer) dy: &'a [f32],
    pub(in crate::layer) span: Span,
    pub(in crate::layer) return_sequences: bool,
    /// Present where masked outputs are 0, so that nothing of them reaches the state.
    pub(in crate::layer) zero_mask: Option<&'a [f32]>,
}

impl OutputGradient<'_> {
    /// Adds the part of step `s` to the gradient of the state after it.
    pub(in crate::layer) fn add(&self, s: usize, dh: &mut [f32]) {
        let Span { steps, batch, units } = self.span;
        if !self.return_sequences && s + 1 < steps {
            return;
        }
        for (row, dh) in dh.chunks_exact_mut(units).enumerate() {
            if self.zero_mask.is_some_and(|mask| mask[s * batch + row] == 0.0) {
                continue;
            }
            let at = if self.return_sequences { row * steps + s } else { row } * units;
            update::add_scaled(1.0, &self.dy[at..at + units], dh);
        }
    }
}

/// State `s` and the next, to be written.
pub(in crate::layer) fn states(states: &mut [f32], s: usize, len: usize) -> (&[f32], &mut [f32]) {
    let (past, now) = states[s * len..(s + 2) * len].split_at_mut(len);
    (past, now)
}
