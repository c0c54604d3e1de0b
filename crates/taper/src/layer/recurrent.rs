//! What the recurrent layers share: the order of time, masks, dropout, and the products with the input kernel.
//!
//! Inside, everything is time-major: step s of all rows lies together, in the order in which the layer walks (backwards if so
//! asked). So one product feeds the gates of all steps, and one more gives the gradient of the input kernel.

use taper_kernels::activation::Unary;
use taper_kernels::matrix::{self, Matrix, Packed};
use taper_kernels::update;

use super::{Backward, Forward, Layer, Masking, Mode, dx_of, single};
use crate::activation::Activation;
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::{Complaint, Complaints, Result, Rng};

/// Sizes of one pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) steps: usize,
    pub(super) batch: usize,
    pub(super) units: usize,
}

impl Span {
    /// Numbers in one step's state.
    pub(super) fn state(self) -> usize {
        self.batch * self.units
    }
}

/// What one kind of recurrent layer does between its input sums and its states.
pub(super) trait Cell: Send + Sync + std::fmt::Debug {
    /// Sums per unit that the input kernel feeds.
    const GATES: usize;
    /// Name of the cell in paths, as in Keras.
    const NAME: &'static str;
    /// Floats to keep besides the gates and the states.
    fn cache_len(&self, span: Span) -> usize;
    /// Floats of scratch for the backward pass.
    fn scratch_len(&self, span: Span) -> usize;
    /// Floats for the recurrent kernel as products want it, packed once for all steps of a pass.
    fn packed_len(&self, units: usize) -> usize {
        let sums = Self::GATES * units;
        Packed::len(units, sums).max(Packed::len(sums, units))
    }
    /// All steps forward.
    fn forward(&self, pass: CellForward<'_>);
    /// All steps back.
    fn backward(&self, pass: CellBackward<'_>);
}

/// What a cell's forward pass may use.
pub(super) struct CellForward<'a> {
    pub(super) span: Span,
    pub(super) recurrent_kernel: &'a [f32],
    /// What is left of the bias after the sums of the input have had theirs.
    pub(super) recurrent_bias: &'a [f32],
    /// steps × batch.
    pub(super) mask: &'a [f32],
    /// steps × batch × gates·units: the sums of the input; becomes what the way back needs.
    pub(super) gates: &'a mut [f32],
    /// (steps + 1) × batch × units: state s + 1 is that after step s; the first is 0.
    pub(super) h: &'a mut [f32],
    pub(super) cache: &'a mut [f32],
    pub(super) packed: &'a mut [f32],
}

/// What a cell's backward pass may use.
pub(super) struct CellBackward<'a> {
    pub(super) span: Span,
    pub(super) recurrent_kernel: &'a [f32],
    pub(super) mask: &'a [f32],
    /// As the forward pass left it; becomes the gradient of the input sums.
    pub(super) gates: &'a mut [f32],
    pub(super) h: &'a [f32],
    pub(super) cache: &'a mut [f32],
    /// batch × units, all 0: the gradient of the state at hand.
    pub(super) dh: &'a mut [f32],
    pub(super) output: OutputGradient<'a>,
    pub(super) drecurrent_kernel: &'a mut [f32],
    pub(super) drecurrent_bias: &'a mut [f32],
    pub(super) scratch: &'a mut [f32],
    pub(super) packed: &'a mut [f32],
}

/// The gradient of the layer's output, to be had step by step.
#[derive(Clone, Copy)]
pub(super) struct OutputGradient<'a> {
    dy: &'a [f32],
    span: Span,
    return_sequences: bool,
    /// Present where masked outputs are 0, so that nothing of them reaches the state.
    zero_mask: Option<&'a [f32]>,
}

impl OutputGradient<'_> {
    /// Adds the part of step `s` to the gradient of the state after it.
    pub(super) fn add(&self, s: usize, dh: &mut [f32]) {
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
pub(super) fn states(states: &mut [f32], s: usize, len: usize) -> (&[f32], &mut [f32]) {
    let (past, now) = states[s * len..(s + 2) * len].split_at_mut(len);
    (past, now)
}

/// The gradient of the recurrent kernel from that of its products, in one product over all steps: `dkernel = Σ h dz`.
///
/// The first step's past is 0 and has no part in it.
pub(super) fn recurrent_gradient(span: Span, sums: usize, h: &[f32], dz: &[f32], dkernel: &mut [f32]) {
    let Span { steps, batch, units } = span;
    if steps == 1 {
        return dkernel.fill(0.0);
    }
    let rows = (steps - 1) * batch;
    let past = Matrix::new(&h[span.state()..steps * span.state()], rows, units);
    matrix::matmul(past.t(), Matrix::new(&dz[batch * sums..], rows, sums), dkernel);
}

/// The settings of a recurrent layer that do not concern its cell.
pub(super) struct Settings<'a> {
    pub(super) units: usize,
    /// The functions of the cell, with their setting's names.
    pub(super) activations: &'a [(&'static str, Activation)],
    pub(super) use_bias: bool,
    /// Rows of the bias: 2 where the state's sums have one of their own.
    pub(super) bias_rows: usize,
    /// The part of the bias that begins at 1.
    pub(super) ones: std::ops::Range<usize>,
    pub(super) kernel_initializer: &'a Initializer,
    pub(super) recurrent_initializer: &'a Initializer,
    pub(super) bias_initializer: &'a Initializer,
    pub(super) kernel_regularizer: &'a Option<Regularizer>,
    pub(super) kernel_constraint: &'a Option<Constraint>,
    pub(super) recurrent_regularizer: &'a Option<Regularizer>,
    pub(super) recurrent_constraint: &'a Option<Constraint>,
    pub(super) bias_regularizer: &'a Option<Regularizer>,
    pub(super) bias_constraint: &'a Option<Constraint>,
    pub(super) dropout: f32,
    pub(super) recurrent_dropout: f32,
    pub(super) return_sequences: bool,
    pub(super) go_backwards: bool,
    pub(super) zero_output_for_mask: bool,
}

/// Builds the layer around its cell.
pub(super) fn build<C: Cell + 'static>(settings: &Settings<'_>, cell: C, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
    let input = single(inputs)?;
    let mut complaints = Complaints::new();
    complaints.check(settings.units > 0, "units", "a whole number of at least 1", settings.units);
    complaints.check(input.rank() == 2, "", "an input of two dimensions, (steps, features)", input);
    for (setting, activation) in settings.activations {
        complaints.check(activation.unary().is_some(), setting, "a function of one number", "softmax");
    }
    complaints.check(
        (0.0..1.0).contains(&settings.dropout),
        "dropout",
        "a number of at least 0 and below 1",
        settings.dropout,
    );
    if settings.recurrent_dropout != 0.0 {
        let complaint = Complaint::new("recurrent_dropout", "0", settings.recurrent_dropout);
        complaints.push(complaint.help("only the inputs can be dropped: use `dropout`"));
    }
    complaints.finish()?;

    let (steps, features, units) = (input.rows(), input.last(), settings.units);
    let shape = |sizes: &[usize]| Shape::new(sizes).map_err(|error| error.within("units"));
    let sums = units.saturating_mul(C::GATES);
    let name = |name: &str| format!("{}/{name}", C::NAME);
    let mut params = vec![
        ParamSpec::new(name("kernel"), Role::Kernel, shape(&[features, sums])?, settings.kernel_initializer.clone())
            .regularizer(settings.kernel_regularizer)
            .constraint(settings.kernel_constraint)
            .gates(C::GATES),
        ParamSpec::new(
            name("recurrent_kernel"),
            Role::RecurrentKernel,
            shape(&[units, sums])?,
            settings.recurrent_initializer.clone(),
        )
        .regularizer(settings.recurrent_regularizer)
        .constraint(settings.recurrent_constraint)
        .gates(C::GATES),
    ];
    if settings.use_bias {
        let sizes = if settings.bias_rows == 1 { vec![sums] } else { vec![settings.bias_rows, sums] };
        let bias = ParamSpec::new(name("bias"), Role::Bias, shape(&sizes)?, settings.bias_initializer.clone());
        params.push(ParamSpec {
            ones: settings.ones.clone(),
            ..bias.regularizer(settings.bias_regularizer).constraint(settings.bias_constraint).gates(C::GATES)
        });
    }
    Ok(Box::new(Recurrent {
        cell,
        steps,
        features,
        units,
        dropout: settings.dropout,
        return_sequences: settings.return_sequences,
        go_backwards: settings.go_backwards,
        zero_output_for_mask: settings.zero_output_for_mask,
        params,
        output: if settings.return_sequences { shape(&[steps, units])? } else { shape(&[units])? },
    }))
}

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
    return_sequences: bool,
    go_backwards: bool,
    zero_output_for_mask: bool,
    params: Vec<ParamSpec>,
    output: Shape,
}

/// The parts of the cache.
struct Kept<'a> {
    /// The input, time-major, dropped where there is dropout.
    x: &'a mut [f32],
    /// Dropout's factor of each feature of each row, the same in all steps; empty without dropout.
    factor: &'a mut [f32],
    /// 1 where a step counts.
    mask: &'a mut [f32],
    gates: &'a mut [f32],
    h: &'a mut [f32],
    cell: &'a mut [f32],
}

/// Cuts the first `len` floats off.
pub(super) fn cut<'a>(rest: &mut &'a mut [f32], len: usize) -> &'a mut [f32] {
    let (first, others) = std::mem::take(rest).split_at_mut(len);
    *rest = others;
    first
}

impl<C: Cell> Recurrent<C> {
    fn span(&self, batch: usize) -> Span {
        Span { steps: self.steps, batch, units: self.units }
    }

    fn sums(&self) -> usize {
        C::GATES * self.units
    }

    /// The lengths of [`Kept`]'s parts but the last.
    fn lens(&self, batch: usize) -> [usize; 5] {
        let rows = self.steps * batch;
        let factor = if self.dropout > 0.0 { batch * self.features } else { 0 };
        [rows * self.features, factor, rows, rows * self.sums(), (self.steps + 1) * batch * self.units]
    }

    fn kept<'a>(&self, batch: usize, cache: &'a mut [f32]) -> Kept<'a> {
        let mut rest = cache;
        let [x, factor, mask, gates, h] = self.lens(batch);
        Kept {
            x: cut(&mut rest, x),
            factor: cut(&mut rest, factor),
            mask: cut(&mut rest, mask),
            gates: cut(&mut rest, gates),
            h: cut(&mut rest, h),
            cell: rest,
        }
    }

    /// Where step `s` lies in the input.
    fn time(&self, s: usize) -> usize {
        if self.go_backwards { self.steps - 1 - s } else { s }
    }

    /// The lengths of kernel and recurrent kernel.
    fn kernels(&self) -> (usize, usize) {
        (self.features * self.sums(), self.units * self.sums())
    }

    fn draw(&self, factor: &mut [f32], mode: Mode, mut rng: Rng) {
        let keep = 1.0 / (1.0 - self.dropout);
        for factor in factor {
            *factor = match mode {
                Mode::Inference => 1.0,
                Mode::Training if rng.uniform_f32() < self.dropout => 0.0,
                Mode::Training => keep,
            };
        }
    }

    /// Brings input and mask into time-major order.
    fn load(&self, batch: usize, x: &[f32], mask: Option<&[f32]>, kept: &mut Kept<'_>) {
        let features = self.features;
        for row in 0..batch {
            for s in 0..self.steps {
                let from = (row * self.steps + self.time(s)) * features;
                let to = (s * batch + row) * features;
                kept.x[to..to + features].copy_from_slice(&x[from..from + features]);
            }
        }
        for step in kept.x.chunks_exact_mut(batch * features) {
            step.iter_mut().zip(kept.factor.iter()).for_each(|(x, factor)| *x *= factor);
        }
        match mask.filter(|mask| mask.len() == batch * self.steps) {
            None => kept.mask.fill(1.0),
            Some(mask) => {
                for row in 0..batch {
                    for s in 0..self.steps {
                        kept.mask[s * batch + row] = mask[row * self.steps + self.time(s)];
                    }
                }
            }
        }
    }

    /// Writes the states that are the output.
    fn write(&self, batch: usize, kept: &Kept<'_>, y: &mut [f32]) {
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

    /// The packed kernel, the gradients of the state and of the time-major input, and what the cell needs.
    fn scratch_len(&self, batch: usize) -> usize {
        let span = self.span(batch);
        let gradients = span.state() + self.steps * batch * self.features;
        self.cell.packed_len(self.units) + gradients + self.cell.scratch_len(span)
    }

    fn masking(&self) -> Masking {
        if self.return_sequences { Masking::Pass } else { Masking::Drop }
    }

    fn forward(&self, io: Forward<'_>) {
        let (span, sums) = (self.span(io.batch), self.sums());
        let (kernel, rest) = io.params.split_at(self.kernels().0);
        let (recurrent_kernel, bias) = rest.split_at(self.kernels().1);
        let (bias, recurrent_bias) = bias.split_at(bias.len().min(sums));
        let mut kept = self.kept(io.batch, io.cache);
        self.draw(kept.factor, io.mode, io.seed.rng());
        self.load(io.batch, io.inputs.x(), io.inputs.mask(), &mut kept);
        let rows = self.steps * io.batch;
        matrix::dense_forward(Unary::Linear, rows, self.features, sums, kept.x, kernel, bias, kept.gates);
        kept.h[..span.state()].fill(0.0);
        self.cell.forward(CellForward {
            span,
            recurrent_kernel,
            recurrent_bias,
            mask: kept.mask,
            gates: kept.gates,
            h: kept.h,
            cache: kept.cell,
            packed: &mut io.scratch[..self.cell.packed_len(self.units)],
        });
        self.write(io.batch, &kept, io.y);
    }

    fn backward(&self, io: Backward<'_>) {
        let (span, sums, features) = (self.span(io.batch), self.sums(), self.features);
        let (kernel, rest) = io.params.split_at(self.kernels().0);
        let recurrent_kernel = &rest[..self.kernels().1];
        let (dkernel, rest) = io.dparams.split_at_mut(self.kernels().0);
        let (drecurrent_kernel, dbias) = rest.split_at_mut(self.kernels().1);
        let (dbias, drecurrent_bias) = dbias.split_at_mut(dbias.len().min(sums));
        let kept = self.kept(io.batch, io.cache);
        let rows = self.steps * io.batch;
        let mut scratch = io.scratch;
        let packed = cut(&mut scratch, self.cell.packed_len(self.units));
        let dh = cut(&mut scratch, span.state());
        let dx_steps = cut(&mut scratch, rows * features);
        dh.fill(0.0);
        self.cell.backward(CellBackward {
            span,
            recurrent_kernel,
            mask: kept.mask,
            gates: kept.gates,
            h: kept.h,
            cache: kept.cell,
            dh,
            output: OutputGradient {
                dy: io.dy,
                span,
                return_sequences: self.return_sequences,
                zero_mask: self.zero_output_for_mask.then_some(&*kept.mask),
            },
            drecurrent_kernel,
            drecurrent_bias,
            scratch,
            packed,
        });
        let dx = dx_of(io.dx, io.batch, &io.inputs);
        let wanted = dx.is_some().then_some(&mut *dx_steps);
        let (x, dz) = (&*kept.x, kept.gates);
        matrix::dense_backward(Unary::Linear, rows, features, sums, x, kernel, &[], dz, dkernel, dbias, wanted);
        let Some(dx) = dx else { return };
        for step in dx_steps.chunks_exact_mut(io.batch * features) {
            step.iter_mut().zip(kept.factor.iter()).for_each(|(dx, factor)| *dx *= factor);
        }
        for row in 0..io.batch {
            for s in 0..self.steps {
                let to = (row * self.steps + self.time(s)) * features;
                let from = (s * io.batch + row) * features;
                dx[to..to + features].copy_from_slice(&dx_steps[from..from + features]);
            }
        }
    }
}

/// The builder methods that all recurrent layers have.
macro_rules! recurrent_builders {
    ($config:ident) => {
        impl $config {
            /// With this activation function.
            #[must_use]
            pub fn activation(mut self, activation: Activation) -> Self {
                self.activation = activation;
                self
            }

            /// With this penalty on the kernel.
            #[must_use]
            pub fn kernel_regularizer(mut self, regularizer: Regularizer) -> Self {
                self.kernel_regularizer = Some(regularizer);
                self
            }

            /// With this penalty on the recurrent kernel.
            #[must_use]
            pub fn recurrent_regularizer(mut self, regularizer: Regularizer) -> Self {
                self.recurrent_regularizer = Some(regularizer);
                self
            }

            /// With this penalty on the bias.
            #[must_use]
            pub fn bias_regularizer(mut self, regularizer: Regularizer) -> Self {
                self.bias_regularizer = Some(regularizer);
                self
            }

            /// Whose output is the state after every step, or after the last.
            #[must_use]
            pub fn return_sequences(mut self, return_sequences: bool) -> Self {
                self.return_sequences = return_sequences;
                self
            }

            /// That reads the last step first, or the first.
            #[must_use]
            pub fn go_backwards(mut self, go_backwards: bool) -> Self {
                self.go_backwards = go_backwards;
                self
            }
        }
    };
}
pub(super) use recurrent_builders;

pub(super) fn tanh() -> Activation {
    Activation::Tanh
}
pub(super) fn sigmoid() -> Activation {
    Activation::Sigmoid
}
pub(super) fn orthogonal() -> Initializer {
    Initializer::Orthogonal { gain: 1.0 }
}
