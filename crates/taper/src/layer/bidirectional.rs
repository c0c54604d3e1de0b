//! A recurrent layer that reads its sequence both ways.

use serde::{Deserialize, Serialize};

use super::inner::Inner;
use super::recurrent::cut;
use super::{Backward, Forward, InputGradients, Layer, LayerConfig, LayerKind, LayerSpec, Masking, dx_of, single};
use crate::param::ParamSpec;
use crate::shape::Shape;
use crate::spelling::is_default;
use crate::{Complaint, Complaints, Result};

/// Two recurrent layers over the same sequence, one from its beginning and one from its end, their outputs merged (Schuster
/// and Paliwal 1997). The outputs of the second are brought back into the order of time before they are merged.
///
/// As in Keras, with `return_sequences` the outputs of masked steps are 0, whatever the wrapped layers say. An
/// `activity_regularizer` of a wrapped layer is on the output of its direction, one of this layer on the merged output.
///
/// # Shapes
///
/// Input (steps, features). Output as that of the wrapped layer; twice as wide with `concat`.
///
/// # Parameters
///
/// Those of both layers: `forward_lstm/lstm_cell/kernel`, …, `backward_lstm/lstm_cell/kernel`, ….
///
/// # Example
///
/// In a file `{ layer = "bidirectional", of = { layer = "lstm", units = 8 } }`; here:
///
/// ```
/// use taper::{Bidirectional, Dense, Lstm, Sequential, TimeDistributed};
///
/// let spec = Sequential::new([12, 3])
///     .layer(Bidirectional::new(Lstm::new(8).return_sequences(true)))
///     .layer(TimeDistributed::new(Dense::new(2)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bidirectional {
    /// The layer that reads from the beginning (Keras's `layer`): a `simple_rnn`, `lstm` or `gru`.
    pub of: Box<LayerSpec>,
    /// The layer that reads from the end; it must say `go_backwards`. Default: like `of`, with weights of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backward_layer: Option<Box<LayerSpec>>,
    /// How both outputs become one. Default: `concat`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub merge_mode: MergeMode,
}

/// How the outputs of both directions become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MergeMode {
    /// Side by side, the forward one first.
    #[default]
    Concat,
    /// Their sum.
    Sum,
    /// Their product.
    Mul,
    /// Their mean.
    Ave,
}

impl Bidirectional {
    /// This layer both ways, outputs side by side.
    #[must_use]
    pub fn new(of: impl Into<LayerSpec>) -> Self {
        Self { of: Box::new(of.into()), backward_layer: None, merge_mode: MergeMode::Concat }
    }

    /// With another layer for the way back.
    #[must_use]
    pub fn backward_layer(mut self, layer: impl Into<LayerSpec>) -> Self {
        self.backward_layer = Some(Box::new(layer.into()));
        self
    }

    /// With outputs merged like this.
    #[must_use]
    pub fn merge_mode(mut self, merge_mode: MergeMode) -> Self {
        self.merge_mode = merge_mode;
        self
    }

    /// Whether the output of a direction carries a penalty of its own.
    pub(super) fn penalizes_directions(&self) -> bool {
        let backward = self.backward_layer.as_deref().unwrap_or(&self.of);
        self.of.activity_regularizer.is_some() || backward.activity_regularizer.is_some()
    }

    /// The layer of the way back: the given one, or the other one reversed.
    fn backward_spec(&self) -> LayerSpec {
        if let Some(layer) = &self.backward_layer {
            return (**layer).clone();
        }
        let mut layer = (*self.of).clone();
        if let Some(flags) = flags(&mut layer.kind) {
            *flags.go_backwards = true;
        }
        layer
    }
}

/// The settings of a recurrent layer that this one reads and sets.
struct Flags<'a> {
    go_backwards: &'a mut bool,
    zero_output_for_mask: &'a mut bool,
    return_sequences: bool,
}

fn flags(kind: &mut LayerKind) -> Option<Flags<'_>> {
    let (go_backwards, zero_output_for_mask, return_sequences) = match kind {
        LayerKind::SimpleRnn(layer) => {
            (&mut layer.go_backwards, &mut layer.zero_output_for_mask, layer.return_sequences)
        }
        LayerKind::Lstm(layer) => (&mut layer.go_backwards, &mut layer.zero_output_for_mask, layer.return_sequences),
        LayerKind::Gru(layer) => (&mut layer.go_backwards, &mut layer.zero_output_for_mask, layer.return_sequences),
        _ => return None,
    };
    Some(Flags { go_backwards, zero_output_for_mask, return_sequences })
}

/// One direction, built; says also whether it goes backwards and gives sequences.
fn direction(mut spec: LayerSpec, prefix: &str, renamed: bool, input: &Shape) -> Result<(Inner, bool, bool)> {
    let kind = spec.kind.name();
    let Some(flags) = flags(&mut spec.kind) else {
        return Err(Complaint::new("layer", "simple_rnn, lstm or gru", kind).into());
    };
    let (go_backwards, return_sequences) = (*flags.go_backwards, flags.return_sequences);
    *flags.zero_output_for_mask = return_sequences;
    let own = spec.name.as_deref().unwrap_or(kind);
    let name = match &spec.name {
        Some(name) if !renamed => name.clone(),
        _ => format!("{prefix}{}", own.strip_prefix(prefix).unwrap_or(own)),
    };
    Ok((Inner::build(&spec, &name, input)?, go_backwards, return_sequences))
}

impl LayerConfig for Bidirectional {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let place = if self.backward_layer.is_some() { "backward_layer" } else { "of" };
        let mut complaints = Complaints::new();
        let forward = complaints.take("of", direction((*self.of).clone(), "forward_", true, input))?;
        let renamed = self.backward_layer.is_none();
        let backward = match (&forward, renamed) {
            (None, true) => None, // the same mistakes again
            _ => complaints.take(place, direction(self.backward_spec(), "backward_", renamed, input))?,
        };
        let (Some((forward, ahead, sequences)), Some((backward, behind, both))) = (forward, backward) else {
            complaints.finish()?;
            return Err(Complaint::new("of", "a recurrent layer", "none").into());
        };
        complaints.check(
            ahead != behind,
            format!("{place}.go_backwards"),
            format!("{}, unlike the other way", !ahead),
            behind,
        );
        complaints.check(
            sequences == both,
            "backward_layer.return_sequences",
            format!("{sequences}, as in the other layer"),
            both,
        );
        let (half, other) = (forward.layer.output_shape().clone(), backward.layer.output_shape().clone());
        complaints.check(sequences != both || half == other, "backward_layer.units", half.last(), other.last());
        let names = |inner: &Inner| inner.params.first().map(|param| param.name.clone());
        complaints.check(
            names(&forward) != names(&backward),
            "backward_layer.name",
            "a name of its own",
            "the other layer's",
        );
        complaints.finish()?;

        let mut sizes = half.sizes().to_vec();
        if self.merge_mode == MergeMode::Concat {
            sizes.pop();
            sizes.push(2 * half.last());
        }
        Ok(Box::new(Built {
            merge_mode: self.merge_mode,
            input_len: input.len(),
            steps: half.rows(),
            units: half.last(),
            return_sequences: sequences,
            params: [&forward.params[..], &backward.params[..]].concat(),
            output: Shape::new(sizes).map_err(|error| error.within("of.units"))?,
            forward,
            backward,
        }))
    }
}

#[derive(Debug)]
struct Built {
    merge_mode: MergeMode,
    input_len: usize,
    /// Vectors in each half's output.
    steps: usize,
    units: usize,
    return_sequences: bool,
    params: Vec<ParamSpec>,
    output: Shape,
    forward: Inner,
    backward: Inner,
}

impl Built {
    /// Numbers in each half's output for a batch.
    fn half(&self, batch: usize) -> usize {
        batch * self.steps * self.units
    }

    /// Calls `f` with the places of each step's vector in the output of the first half, of the second, and of both merged.
    fn each_step(&self, batch: usize, mut f: impl FnMut(usize, usize, usize)) {
        let width = self.output.last();
        for row in 0..batch {
            for s in 0..self.steps {
                let (ahead, behind) = (row * self.steps + s, row * self.steps + self.steps - 1 - s);
                f(ahead * self.units, behind * self.units, ahead * width);
            }
        }
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    /// Both outputs, and what both layers keep.
    fn cache_len(&self, batch: usize) -> usize {
        2 * self.half(batch) + self.forward.layer.cache_len(batch) + self.backward.layer.cache_len(batch)
    }

    /// The gradients of both outputs, the second layer's gradient of the input, and what either layer needs.
    fn scratch_len(&self, batch: usize) -> usize {
        let inner = self.forward.layer.scratch_len(batch).max(self.backward.layer.scratch_len(batch));
        2 * self.half(batch) + batch * self.input_len + inner
    }

    fn masking(&self) -> Masking {
        if self.return_sequences { Masking::Pass } else { Masking::Drop }
    }

    fn inner_activity_penalty(&self, batch: usize, epoch: usize, cache: &[f32]) -> f64 {
        let (ahead, behind) = cache.split_at(self.half(batch));
        let penalty = |inner: &Inner, y: &[f32]| match &inner.activity_regularizer {
            Some(regularizer) => regularizer.elementwise_value(epoch, y) / batch as f64,
            None => 0.0,
        };
        penalty(&self.forward, ahead) + penalty(&self.backward, &behind[..self.half(batch)])
    }

    fn forward(&self, io: Forward<'_>) {
        let (half, units) = (self.half(io.batch), self.units);
        let mut rest = io.cache;
        let ahead = cut(&mut rest, half);
        let behind = cut(&mut rest, half);
        let mut params = io.params;
        for (i, (inner, y)) in [(&self.forward, &mut *ahead), (&self.backward, &mut *behind)].into_iter().enumerate() {
            let (own, others) = params.split_at(inner.len);
            params = others;
            inner.layer.forward(Forward {
                batch: io.batch,
                inputs: io.inputs,
                y,
                params: own,
                cache: cut(&mut rest, inner.layer.cache_len(io.batch)),
                scratch: &mut io.scratch[..inner.layer.scratch_len(io.batch)],
                mode: io.mode,
                frozen: io.frozen || inner.frozen,
                seed: io.seed.derive("direction", i as u64),
            });
        }
        self.each_step(io.batch, |a, b, both| {
            let (a, b) = (&ahead[a..a + units], &behind[b..b + units]);
            let y = &mut io.y[both..];
            match self.merge_mode {
                MergeMode::Concat => {
                    y[..units].copy_from_slice(a);
                    y[units..2 * units].copy_from_slice(b);
                }
                MergeMode::Sum => y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a + b),
                MergeMode::Mul => y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a * b),
                MergeMode::Ave => y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = (a + b) / 2.0),
            }
        });
    }

    fn backward(&self, io: Backward<'_>) {
        let (half, units) = (self.half(io.batch), self.units);
        let mut cache = io.cache;
        let ahead = &*cut(&mut cache, half);
        let behind = &*cut(&mut cache, half);
        let mut scratch = io.scratch;
        let dahead = cut(&mut scratch, half);
        let dbehind = cut(&mut scratch, half);
        let dx_behind = cut(&mut scratch, io.batch * self.input_len);
        self.each_step(io.batch, |a, b, both| {
            let dy = &io.dy[both..both + self.output.last()];
            let (da, db) = (&mut dahead[a..a + units], &mut dbehind[b..b + units]);
            match self.merge_mode {
                MergeMode::Concat => {
                    da.copy_from_slice(&dy[..units]);
                    db.copy_from_slice(&dy[units..]);
                }
                MergeMode::Sum => {
                    da.copy_from_slice(dy);
                    db.copy_from_slice(dy);
                }
                MergeMode::Mul => {
                    da.iter_mut().zip(dy).zip(&behind[b..]).for_each(|((da, dy), y)| *da = dy * y);
                    db.iter_mut().zip(dy).zip(&ahead[a..]).for_each(|((db, dy), y)| *db = dy * y);
                }
                MergeMode::Ave => {
                    da.iter_mut().zip(dy).for_each(|(da, dy)| *da = dy / 2.0);
                    db.iter_mut().zip(dy).for_each(|(db, dy)| *db = dy / 2.0);
                }
            }
        });

        for (inner, y, dy) in [(&self.forward, ahead, &mut *dahead), (&self.backward, behind, &mut *dbehind)] {
            if let Some(regularizer) = &inner.activity_regularizer {
                regularizer.add_elementwise_gradient(io.epoch, 1.0 / io.batch as f64, y, dy);
            }
        }

        let mut dx = dx_of(io.dx, io.batch, &io.inputs);
        let wanted = dx.is_some();
        let (params, others) = io.params.split_at(self.forward.len);
        let (dparams, dothers) = io.dparams.split_at_mut(self.forward.len);
        self.forward.layer.backward(Backward {
            batch: io.batch,
            inputs: io.inputs,
            y: ahead,
            dy: dahead,
            params,
            dparams,
            dx: &mut InputGradients::Lent(dx.as_deref_mut()),
            cache: cut(&mut cache, self.forward.layer.cache_len(io.batch)),
            frozen: io.frozen || self.forward.frozen,
            epoch: io.epoch,
            scratch: &mut scratch[..self.forward.layer.scratch_len(io.batch)],
        });
        self.backward.layer.backward(Backward {
            batch: io.batch,
            inputs: io.inputs,
            y: behind,
            dy: dbehind,
            params: others,
            dparams: dothers,
            dx: &mut InputGradients::Lent(wanted.then_some(&mut *dx_behind)),
            cache,
            frozen: io.frozen || self.backward.frozen,
            epoch: io.epoch,
            scratch: &mut scratch[..self.backward.layer.scratch_len(io.batch)],
        });
        if let Some(dx) = dx {
            taper_kernels::update::add_scaled(1.0, dx_behind, dx);
        }
    }
}
