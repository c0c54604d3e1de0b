//! What the recurrent layers share: the order of time, masks, dropout, and the products with the input kernel.
//!
//! Inside, everything is time-major: step s of all rows lies together, in the order in which the layer walks (backwards if so
//! asked). So one product feeds the gates of all steps, and one more gives the gradient of the input kernel.
//!
//! A large batch goes through the steps in pieces of some rows, each time-major by itself, so that threads meet at the end of a
//! sequence and not at every step. How many rows a piece has depends on sizes alone, and so do the sums over them.

mod cell;
mod input;
mod memory;
mod order;
mod recurrence;
mod settings;

use cell::OutputGradient;
pub(super) use cell::{Cell, CellBackward, CellForward, CellGradient, Span, states};
use input::GateInput;
use memory::Kept;
pub(super) use memory::cut;
use recurrence::{Products, Recurrence, Way};
pub(super) use settings::{Settings, build, orthogonal, recurrent_layer, sigmoid, tanh};
use taper_kernels::activation::Unary;
use taper_kernels::matrix;
use taper_kernels::parallel::share_rows;

use super::{Backward, Forward, Layer, Masking, Mode, dx_of};
use crate::Rng;
use crate::activation::Activation;
use crate::param::ParamSpec;
use crate::shape::Shape;

/// A function that [`build`] has found to be one of one number.
pub(super) fn unary(activation: Activation) -> Unary {
    activation.unary().unwrap_or(Unary::Linear)
}

/// A built recurrent layer.
#[derive(Debug)]
struct Recurrent<C> {
    cell: C,
    steps: usize,
    features: usize,
    units: usize,
    dropout: f32,
    recurrent_dropout: f32,
    return_sequences: bool,
    go_backwards: bool,
    zero_output_for_mask: bool,
    params: Vec<ParamSpec>,
    output: Shape,
}

/// Multiply-adds of a step that are worth a piece of the batch.
const STEP: usize = 1 << 19;
/// Rows of which products make good use: a piece has a multiple of them.
const ROWS: usize = 16;

/// Draws the factors of dropout: 0 for a share, and for the rest what keeps the mean.
fn draw(share: f32, factors: &mut [f32], mode: Mode, mut rng: Rng) {
    let keep = 1.0 / (1.0 - share);
    for factor in factors {
        *factor = match mode {
            Mode::Inference => 1.0,
            Mode::Training if rng.uniform_f32() < share => 0.0,
            Mode::Training => keep,
        };
    }
}

impl<C: Cell> Recurrent<C> {
    fn span(&self, batch: usize) -> Span {
        Span { steps: self.steps, batch, units: self.units }
    }

    fn sums(&self) -> usize {
        C::GATES * self.units
    }

    /// How many ways the input is dropped: none, one for all gates, or, as in Keras, one for each if the state is dropped too.
    fn input_factors(&self) -> usize {
        match (self.dropout > 0.0, self.recurrent_dropout > 0.0) {
            (true, true) => C::GATES,
            (true, false) => 1,
            (false, _) => 0,
        }
    }

    /// Rows that go through the steps together. Those that drop states share their factors with all others.
    fn piece(&self, batch: usize) -> usize {
        if self.recurrent_dropout > 0.0 { batch } else { (STEP / self.kernels().1).next_multiple_of(ROWS).max(ROWS) }
    }

    /// Multiply-adds of a pass.
    fn work(&self, batch: usize) -> usize {
        self.steps * batch * (self.kernels().0 + self.kernels().1)
    }

    /// The lengths of kernel and recurrent kernel.
    fn kernels(&self) -> (usize, usize) {
        (self.features * self.sums(), self.units * self.sums())
    }

    /// What products of the input need if each gate drops its own.
    fn gate_input<'a>(&self, batch: usize, x: &'a [f32], factors: &'a [f32], room: &'a mut [f32]) -> GateInput<'a> {
        GateInput {
            rows: self.steps * batch,
            features: self.features,
            units: self.units,
            gates: C::GATES,
            x,
            factors,
            room,
        }
    }

    fn recurrence<'a>(
        &self,
        batch: usize,
        piece: usize,
        kernel: &'a [f32],
        products: Products<'a>,
        factors: &'a [f32],
        dropped: &'a mut [f32],
    ) -> Recurrence<'a> {
        Recurrence { span: self.span(batch), piece, gates: C::GATES, kernel, products, factors, dropped }
    }
}

impl<C: Cell> Layer for Recurrent<C> {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    fn cache_len(&self, batch: usize) -> usize {
        self.lens(batch).iter().sum::<usize>() + self.cell.cache_len(self.span(batch))
    }

    /// The [`rooms`](Self::rooms), the gradients of the state and of the time-major input, and what the cell needs.
    fn scratch_len(&self, batch: usize) -> usize {
        let span = self.span(batch);
        let gradients = span.state() + self.steps * batch * self.features;
        self.room_lens(batch).iter().sum::<usize>() + gradients + self.cell.scratch_len(span)
    }

    fn masking(&self) -> Masking {
        if self.return_sequences { Masking::Pass } else { Masking::Drop }
    }

    fn forward(&self, io: Forward<'_>) {
        let (batch, sums) = (io.batch, self.sums());
        let (kernel, rest) = io.params.split_at(self.kernels().0);
        let (recurrent_kernel, bias) = rest.split_at(self.kernels().1);
        let (bias, recurrent_bias) = bias.split_at(bias.len().min(sums));
        let kept = self.kept(batch, io.cache);
        draw(self.dropout, kept.factor, io.mode, io.seed.rng());
        draw(self.recurrent_dropout, kept.state_factor, io.mode, io.seed.derive("recurrent_dropout", 0).rng());
        let mut scratch = io.scratch;
        let [packed, dropped, room] = self.rooms(batch, &mut scratch);
        let products = recurrence::pack(Way::Forward, self.units, C::PRODUCTS, recurrent_kernel, packed);
        let read = [io.inputs.x(), io.inputs.mask().filter(|mask| mask.len() == batch * self.steps).unwrap_or(&[])];
        let Kept { x, factor, state_factor, mask, gates, h, cell } = kept;
        let write = [x, factor, state_factor, mask, gates, h, cell, dropped, room, io.y];
        share_rows(batch, self.piece(batch), self.work(batch), read, write, |batch, [inputs, input_mask], write| {
            let [x, factor, state_factor, mask, gates, h, cell, dropped, room, y] = write;
            let mut kept = Kept { x, factor, state_factor, mask, gates, h, cell };
            let span = self.span(batch);
            self.load(batch, inputs, input_mask, &mut kept);
            if self.input_factors() > 1 {
                self.gate_input(batch, kept.x, kept.factor, room).forward(kernel, bias, kept.gates);
            } else {
                let rows = self.steps * batch;
                matrix::dense_forward(Unary::Linear, rows, self.features, sums, kept.x, kernel, bias, kept.gates);
            }
            kept.h[..span.state()].fill(0.0);
            self.cell.forward(CellForward {
                span,
                recurrence: self.recurrence(batch, batch, recurrent_kernel, products, kept.state_factor, dropped),
                recurrent_bias,
                mask: kept.mask,
                gates: kept.gates,
                h: kept.h,
                cache: kept.cell,
            });
            self.write(batch, &kept, y);
        });
    }

    fn backward(&self, io: Backward<'_>) {
        let (batch, span, sums, features) = (io.batch, self.span(io.batch), self.sums(), self.features);
        let (kernel, rest) = io.params.split_at(self.kernels().0);
        let recurrent_kernel = &rest[..self.kernels().1];
        let (dkernel, rest) = io.dparams.split_at_mut(self.kernels().0);
        let (drecurrent_kernel, dbias) = rest.split_at_mut(self.kernels().1);
        let (dbias, drecurrent_bias) = dbias.split_at_mut(dbias.len().min(sums));
        let kept = self.kept(batch, io.cache);
        let rows = self.steps * batch;
        let mut scratch = io.scratch;
        let [packed, dropped, room] = self.rooms(batch, &mut scratch);
        let dh = cut(&mut scratch, span.state());
        let dx_steps = cut(&mut scratch, rows * features);
        let of_cell = cut(&mut scratch, self.cell.scratch_len(span));
        let products = recurrence::pack(Way::Back, self.units, C::PRODUCTS, recurrent_kernel, packed);
        let piece = self.piece(batch);
        let read = [&*io.dy, kept.mask, kept.h, kept.state_factor];
        let write = [&mut *kept.gates, &mut *kept.cell, &mut *dropped, dh, of_cell];
        share_rows(batch, piece, self.work(batch), read, write, |batch, [dy, mask, h, state_factor], write| {
            let [gates, cache, dropped, dh, scratch] = write;
            let span = self.span(batch);
            dh.fill(0.0);
            self.cell.backward(CellBackward {
                span,
                recurrence: self.recurrence(batch, batch, recurrent_kernel, products, state_factor, dropped),
                mask,
                gates,
                h,
                cache,
                dh,
                output: OutputGradient {
                    dy,
                    span,
                    return_sequences: self.return_sequences,
                    zero_mask: self.zero_output_for_mask.then_some(mask),
                },
                scratch,
            });
        });
        self.cell.gradient(CellGradient {
            recurrence: self.recurrence(batch, piece, recurrent_kernel, products, kept.state_factor, dropped),
            gates: kept.gates,
            h: kept.h,
            cache: kept.cell,
            drecurrent_kernel,
            drecurrent_bias,
        });
        let dx = dx_of(io.dx, batch, &io.inputs);
        let wanted = dx.is_some().then_some(&mut *dx_steps);
        let (x, dz) = (&*kept.x, kept.gates);
        if self.input_factors() > 1 {
            self.gate_input(batch, x, kept.factor, room).backward(kernel, dz, dkernel, dbias, wanted);
        } else {
            matrix::dense_backward(Unary::Linear, rows, features, sums, x, kernel, &[], dz, dkernel, dbias, wanted);
        }
        let Some(dx) = dx else { return };
        share_rows(batch, piece, rows * features, [kept.factor], [dx_steps, dx], |batch, [factor], [dx_steps, dx]| {
            self.unload(batch, factor, dx_steps, dx);
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::layer::Mode;
    use crate::model::Workspace;
    use crate::{Activation, Gru, LayerSpec, Lstm, Model, Seed, Sequential, SimpleRnn};

    /// A batch of three pieces, the last of them small, gives what its rows give in batches of one piece each.
    #[test]
    fn pieces_of_a_batch_do_not_know_each_other() {
        const UNITS: usize = 160;
        let first = || Lstm::new(UNITS).return_sequences(true);
        for second in [
            LayerSpec::from(Gru::new(UNITS)),
            Gru { reset_after: false, ..Gru::new(UNITS) }.into(),
            SimpleRnn::new(UNITS).into(),
            Lstm::new(UNITS).into(),
        ] {
            let model = Model::build(Sequential::new([3, 5]).layer(first()).layer(second), Seed::new(1)).unwrap();
            let numbers = |n: usize| (0..n).map(|i| (i as f32 * 0.61).sin()).collect::<Vec<f32>>();
            let (x, dy) = (numbers(40 * 15), numbers(40 * UNITS));
            let run = |rows: std::ops::Range<usize>| {
                let mut workspace = Workspace::new(&model, rows.len(), true);
                workspace.input_mut(rows.len() * 15).copy_from_slice(&x[rows.start * 15..rows.end * 15]);
                workspace.forward(&model, rows.len(), Mode::Training, Seed::new(5));
                workspace.backward_from(&model, rows.len(), &dy[rows.start * UNITS..rows.end * UNITS]);
                (workspace.output(&model, rows.len()).to_vec(), workspace.dparams)
            };
            let (y, gradient) = run(0..40);
            let parts = [0..16, 16..32, 32..40].map(run);
            assert_eq!(y, parts.iter().flat_map(|(y, _)| y.clone()).collect::<Vec<f32>>());
            for (i, whole) in gradient.iter().enumerate() {
                let sum: f32 = parts.iter().map(|(_, gradient)| gradient[i]).sum();
                assert!((whole - sum).abs() < 1e-5, "{i}: {whole} {sum}");
            }
        }
    }

    /// h' = 1 + factor · h, from 0: the factor is 0 or 1 / (1 - share), and the same in all steps.
    #[test]
    fn a_dropped_state_is_dropped_in_all_steps() {
        let layer = SimpleRnn { recurrent_dropout: 0.2, activation: Activation::Linear, ..SimpleRnn::new(1) };
        let spec = Sequential::new([4, 1]).layer(layer.return_sequences(true));
        let mut model = Model::build(&spec, Seed::new(1)).unwrap();
        model.params_mut().data_mut().copy_from_slice(&[0.0, 1.0, 1.0]);
        const ROWS: usize = 4000;
        let mut workspace = Workspace::new(&model, ROWS, true);
        workspace.input_mut(4 * ROWS).fill(0.0);
        workspace.forward(&model, ROWS, Mode::Training, Seed::new(5));
        let mut dropped = 0;
        for row in workspace.output(&model, ROWS).chunks_exact(4) {
            match row[1] {
                1.0 => {
                    assert_eq!(row, [1.0; 4]);
                    dropped += 1;
                }
                _ => assert_eq!(row, [1.0, 2.25, 3.8125, 5.765_625]),
            }
        }
        assert!((700..900).contains(&dropped), "{dropped} of {ROWS} for a share of 0.2");
        assert_eq!(model.predict(&[0.0; 4]).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }

    /// With weights of 1 and no bias, all gates of a layer have the same sums unless they drop different things.
    #[test]
    fn each_gate_drops_its_own() {
        let sums = |dropout: f32, recurrent_dropout: f32| -> Vec<f32> {
            let linear = Activation::Linear;
            let layer =
                Lstm { dropout, recurrent_dropout, use_bias: false, recurrent_activation: linear, ..Lstm::new(1) };
            let mut model =
                Model::build(Sequential::new([1, 1]).layer(layer.activation(linear)), Seed::new(1)).unwrap();
            model.params_mut().data_mut().fill(1.0);
            let mut workspace = Workspace::new(&model, 200, true);
            workspace.input_mut(200).fill(1.0);
            workspace.forward(&model, 200, Mode::Training, Seed::new(5));
            workspace.output(&model, 200).to_vec()
        };
        // One step from 0: h = o · i · g, each of them 0 or 2.
        let share = |sums: &[f32]| sums.iter().filter(|h| **h == 8.0).count();
        assert!((80..120).contains(&share(&sums(0.5, 0.0))), "one draw for all gates");
        assert!((15..40).contains(&share(&sums(0.5, 0.1))), "three gates' draws must agree");
    }

    /// Predictions know nothing of dropout.
    #[test]
    fn nothing_is_dropped_in_predictions() {
        let predict = |layer: LayerSpec| {
            let model = Model::build(Sequential::new([3, 2]).layer(layer), Seed::new(1)).unwrap();
            model.predict(&[0.3, -0.2, 0.5, 1.0, -1.0, 0.7]).unwrap()
        };
        let close = |a: Vec<f32>, b: Vec<f32>| a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6);
        let (dropout, recurrent_dropout) = (0.5, 0.5);
        assert!(close(
            predict(Lstm { dropout, recurrent_dropout, ..Lstm::new(4) }.into()),
            predict(Lstm::new(4).into())
        ));
        for reset_after in [false, true] {
            let gru = || Gru { reset_after, ..Gru::new(4) };
            assert!(close(predict(Gru { dropout, recurrent_dropout, ..gru() }.into()), predict(gru().into())));
        }
    }
}
