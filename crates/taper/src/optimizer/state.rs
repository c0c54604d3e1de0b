//! An optimizer at work.

use std::ops::Range;

use taper_kernels::{reduce, update};

use super::own_step::OwnStep;
use super::{Clip, Optimizer, OptimizerKind};
#[cfg(test)]
use crate::param::Step;
use crate::param::{Buffers, Moments, ParamSlot, Params, UpdateRates, range_of};

/// What an optimizer remembers from step to step: how many there were, and its moments, as flat as the parameters that are trained.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState {
    /// Steps done: batches seen, whether each changed the weights or its gradients were only gathered.
    pub iterations: u64,
    /// The stretches of the flat buffer of parameters that are trained. Only they have numbers below, one stretch after the other:
    /// a large frozen part takes no room.
    pub trained: Vec<Range<usize>>,
    /// As [`OptimizerKind::moments`] lists them; each as long as the trained parameters.
    pub moments: Vec<Vec<f32>>,
    /// Nadam's product of the momenta so far; 1 before the first step, and always for the others.
    pub momentum_product: f32,
    /// The moving average of the weights, as long as the trained parameters; empty without `use_ema`.
    pub average: Vec<f32>,
    /// The sum of the gradients since the last update, as long as the trained parameters; empty without
    /// `gradient_accumulation_steps`.
    pub accumulated: Vec<f32>,
}

impl OptimizerState {
    /// The state before the first step.
    #[must_use]
    pub fn new(optimizer: &Optimizer, slots: &[ParamSlot]) -> Self {
        let mut trained: Vec<Range<usize>> = Vec::new();
        for range in slots.iter().filter(|slot| slot.spec.trainable).map(|slot| slot.range.clone()) {
            match trained.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => trained.push(range),
            }
        }
        let parameters = trained.iter().map(ExactSizeIterator::len).sum();
        let first = match optimizer.kind {
            OptimizerKind::Adagrad { initial_accumulator_value, .. } => initial_accumulator_value as f32,
            _ => 0.0,
        };
        let if_wanted = |wanted: bool| vec![0.0; if wanted { parameters } else { 0 }];
        Self {
            iterations: 0,
            trained,
            moments: optimizer
                .kind
                .moments()
                .iter()
                .flat_map(|group| *group)
                .map(|_| vec![first; parameters])
                .collect(),
            momentum_product: 1.0,
            average: if_wanted(optimizer.use_ema),
            accumulated: if_wanted(optimizer.gradient_accumulation_steps.is_some()),
        }
    }

    /// Where the numbers of these trained parameters lie in each buffer of this state.
    ///
    /// # Panics
    ///
    /// If they are not all trained, or not side by side.
    #[must_use]
    pub fn place(&self, range: &Range<usize>) -> Range<usize> {
        let mut before = 0;
        for run in &self.trained {
            if run.start <= range.start && range.end <= run.end {
                let start = before + range.start - run.start;
                return start..start + range.len();
            }
            before += run.len();
        }
        panic!("parameters {range:?} are not trained: {:?}", self.trained)
    }

    /// Whether this is a state of an optimizer that begins with `fresh`.
    pub(crate) fn fits(&self, fresh: &Self) -> bool {
        self.trained == fresh.trained
            && self.moments.len() == fresh.moments.len()
            && self.moments.iter().zip(&fresh.moments).all(|(a, b)| a.len() == b.len())
            && self.average.len() == fresh.average.len()
            && self.accumulated.len() == fresh.accumulated.len()
    }

    /// Whether the next step updates the weights with the gradients as they come, so that
    /// [penalties can be left to it](Params::add_penalty_gradients).
    pub(crate) fn takes_penalties(&self, optimizer: &Optimizer) -> bool {
        optimizer.clip.is_none() && optimizer.gradient_accumulation_steps.is_none_or(|every| every <= 1)
    }

    /// One step: gathers `gradients`, and when enough of them are, clips them, decays and updates the trainable `params`.
    ///
    /// `rate` is the learning rate of this step. Returns the value of the penalties that were left to it.
    pub(crate) fn step(
        &mut self,
        optimizer: &Optimizer,
        rate: f64,
        params: &mut Params,
        gradients: &mut [f32],
        beside: &mut Beside<'_>,
    ) -> f64 {
        let every = optimizer.gradient_accumulation_steps.unwrap_or(1).max(1);
        let updates = self.iterations / every;
        let mut penalty = 0.0;
        if (self.iterations + 1).is_multiple_of(every) {
            if every > 1 {
                let sums = &mut self.accumulated[..];
                for_each_run(&self.trained, |range, place| {
                    for (g, sum) in gradients[range].iter_mut().zip(&mut sums[place]) {
                        *g = (*g + *sum) / every as f32;
                        *sum = 0.0;
                    }
                });
            }
            penalty = self.change(optimizer, rate, updates + 1, params, gradients, beside);
        } else {
            let sums = &mut self.accumulated[..];
            for_each_run(&self.trained, |range, place| {
                update::add_scaled(1.0, &gradients[range], &mut sums[place]);
            });
        }
        if optimizer.use_ema {
            self.follow(optimizer, updates, params);
        }
        self.iterations += 1;
        penalty
    }

    /// Update number `step`, counting from 1.
    fn change(
        &mut self,
        optimizer: &Optimizer,
        rate: f64,
        step: u64,
        params: &mut Params,
        gradients: &mut [f32],
        beside: &mut Beside<'_>,
    ) -> f64 {
        let Beside { decays, epoch, buffers, left } = beside;
        clip(optimizer.clip, params, gradients);
        let peak = optimizer.learning_rate.peak();
        let independent = if peak > 0.0 { rate / peak } else { 0.0 };
        let own = OwnStep::new(optimizer.kind, rate as f32, step, &mut self.momentum_product);
        let mut penalty = 0.0;
        let mut next = 0;
        while next < params.slots().len() {
            let slots = params.updated_together(next, decays);
            next = slots.end;
            if params.slots()[slots.start].spec.trainable {
                let range = range_of(&params.slots()[slots.clone()]);
                let decay = if decays[slots.start] { optimizer.weight_decay } else { 0.0 };
                let rates = UpdateRates { decoupled: rate, independent, decay, left: *left };
                let place = self.place(&range);
                let moments = moments_at(&mut self.moments, place);
                penalty += params.update(slots, *epoch, rates, &mut gradients[range], moments, buffers, &own);
            }
        }
        penalty
    }

    /// What update number `step` would move every weight by for a steady gradient of 1.
    #[cfg(test)]
    pub(crate) fn steps_after(&mut self, optimizer: &Optimizer, rate: f64, step: u64, steps: &mut [f32]) {
        let own = OwnStep::new(optimizer.kind, rate as f32, step, &mut self.momentum_product.clone());
        own.steps(&moments_at(&mut self.moments, 0..steps.len()), steps);
    }

    /// Lets the average follow the weights; every so often the weights become the average.
    fn follow(&mut self, optimizer: &Optimizer, updates: u64, params: &mut Params) {
        let momentum = if updates == 0 { 0.0 } else { optimizer.ema_momentum as f32 };
        let overwrite =
            optimizer.ema_overwrite_frequency.is_some_and(|every| (updates + 1).is_multiple_of(every.max(1)));
        let average = &mut self.average[..];
        for_each_run(&self.trained, |range, place| {
            update::average(&mut average[place.clone()], &params.data()[range.clone()], momentum);
            if overwrite {
                params.data_mut()[range].copy_from_slice(&average[place]);
            }
        });
    }

    /// The end of a training: the weights become their average, if there is one.
    pub(crate) fn finish(&self, params: &mut Params) {
        if !self.average.is_empty() {
            for_each_run(&self.trained, |range, place| {
                params.data_mut()[range].copy_from_slice(&self.average[place]);
            });
        }
    }
}

/// What goes on beside an optimizer's own update.
#[derive(Debug)]
pub(crate) struct Beside<'a> {
    /// Of each slot, whether its weights decay.
    pub(crate) decays: &'a [bool],
    /// Whose strengths are in force.
    pub(crate) epoch: usize,
    /// Room for the penalties.
    pub(crate) buffers: &'a mut Buffers,
    /// Whether the objective's penalties of single weights were left to the step.
    pub(crate) left: bool,
}

/// The moments there.
fn moments_at(moments: &mut [Vec<f32>], place: Range<usize>) -> Moments<'_> {
    let mut moments = moments.iter_mut().map(|moment| &mut moment[place.clone()]);
    [(); 3].map(|()| moments.next().unwrap_or_default())
}

/// Every stretch of trained parameters, and its place in the state's buffers.
fn for_each_run(trained: &[Range<usize>], mut f: impl FnMut(Range<usize>, Range<usize>)) {
    let mut end = 0;
    for range in trained {
        let place = end..end + range.len();
        end = place.end;
        f(range.clone(), place);
    }
}

fn clip(clip: Option<Clip>, params: &Params, gradients: &mut [f32]) {
    let trainable = || params.slots().iter().filter(|slot| slot.spec.trainable).map(|slot| slot.range.clone());
    match clip {
        None => {}
        Some(Clip::Value(bound)) => {
            let bound = bound as f32;
            gradients.iter_mut().for_each(|g| *g = g.clamp(-bound, bound));
        }
        Some(Clip::Norm(bound)) => {
            for range in trainable() {
                let norm = reduce::sum_squares(&gradients[range.clone()]).sqrt();
                if norm > bound {
                    update::scale(&mut gradients[range], (bound / norm) as f32);
                }
            }
        }
        Some(Clip::GlobalNorm(bound)) => {
            let norm = trainable().map(|range| reduce::sum_squares(&gradients[range])).sum::<f64>().sqrt();
            if norm > bound {
                update::scale(gradients, (bound / norm) as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dense, Model, Seed, Sequential};

    const GRADIENTS: [[f32; 4]; 4] =
        [[0.5, -1.0, 0.0, 2.0], [-0.2, -1.0, 0.3, 1e-3], [0.1, 0.4, -0.7, -2.0], [0.3, -0.4, 0.2, 0.1]];

    /// From w = [1, -2, 3, 0.5] with learning rate 0.1, one step for each of the gradients.
    fn after(optimizer: Optimizer, steps: usize) -> (Vec<f32>, OptimizerState) {
        let optimizer = optimizer.learning_rate(0.1);
        let dense = Dense { use_bias: false, ..Dense::new(2) };
        let mut model = Model::build(&Sequential::new([2]).layer(dense), Seed::new(1)).unwrap();
        model.params_mut().data_mut().copy_from_slice(&[1.0, -2.0, 3.0, 0.5]);
        let mut state = OptimizerState::new(&optimizer, model.params().slots());
        for gradient in &GRADIENTS[..steps] {
            let mut beside = Beside { decays: &[true], epoch: 0, buffers: &mut Buffers::default(), left: false };
            state.step(&optimizer, 0.1, model.params_mut(), &mut gradient.clone(), &mut beside);
        }
        (model.params().data().to_vec(), state)
    }

    fn close(got: &[f32], want: &[f32]) {
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() <= 5e-7 * (1.0 + want.abs()), "{got} {want}");
        }
    }

    /// `keras.optimizers.X(0.1, ...).apply([g], [w])`, three times, TensorFlow backend.
    #[test]
    fn three_steps_are_keras_three_steps() {
        let rmsprop = |momentum: f64, centered: bool| {
            Optimizer::new(OptimizerKind::Rmsprop { rho: 0.9, momentum, epsilon: 1e-7, centered })
        };
        let amsgrad = OptimizerKind::Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: true };
        for (optimizer, want) in [
            (Optimizer::new(amsgrad), [0.827_502_4, -1.743_022_9, 2.961_659, 0.341_558_46]),
            (Optimizer::new(OptimizerKind::ADAMAX), [0.849_624_7, -1.751_612_2, 2.970_035_8, 0.359_552_3]),
            (Optimizer::new(OptimizerKind::NADAM), [0.901_542_84, -1.834_373_5, 2.992_679, 0.456_593_16]),
            (Optimizer::new(OptimizerKind::LION), [0.9, -1.9, 3.0, 0.4]),
            (Optimizer::new(OptimizerKind::LION).weight_decay(0.1), [0.871_289, -1.843_588, 2.911_897, 0.388_139_52]),
            (rmsprop(0.9, false), [0.313_020_17, -0.799_632_9, 2.692_111_3, -0.122_243_6]),
            (rmsprop(0.9, true), [0.268_074_04, -0.709_405_4, 2.664_472_6, -0.168_381_33]),
        ] {
            close(&after(optimizer, 3).0, &want);
        }
        let (_, nadam) = after(Optimizer::new(OptimizerKind::NADAM), 3);
        close(&[nadam.momentum_product], &[0.113_979_93]);
        close(&nadam.moments[0], &[0.032_500_006, -0.131, -0.043, -0.037_91]);
    }

    /// `keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=...)`.
    #[test]
    fn the_average_follows_the_weights() {
        let mut sgd = Optimizer::sgd();
        (sgd.use_ema, sgd.ema_momentum) = (true, 0.9);
        let (w, state) = after(sgd.clone(), 3);
        close(&w, &[0.96, -1.84, 3.04, 0.499_9]);
        close(&state.average, &[0.952_8, -1.885, 3.001_3, 0.319_981]);
        let mut params =
            Model::build(&Sequential::new([4]).layer(Dense::new(1)), Seed::new(1)).unwrap().params().clone();
        let longer = OptimizerState { average: vec![7.0; 5], ..OptimizerState::new(&sgd, params.slots()) };
        longer.finish(&mut params);
        assert_eq!(params.data(), [7.0; 5]);

        sgd.ema_overwrite_frequency = Some(2);
        let (w, state) = after(sgd, 3);
        close(&w, &[0.942, -1.93, 3.067, 0.499_99]);
        close(&state.average, &[0.951, -1.894, 3.004, 0.319_99]);
    }

    /// `keras.optimizers.Adam(0.1, gradient_accumulation_steps=2, ...)`, four calls: two updates.
    #[test]
    fn gradients_are_gathered_and_averaged() {
        let mut adam = Optimizer::adam();
        adam.gradient_accumulation_steps = Some(2);
        let (w, state) = after(adam.clone(), 4);
        close(&w, &[0.800_272_76, -1.832_996_1, 2.929_358_2, 0.402_674_17]);
        close(&state.moments[0], &[0.033_5, -0.09, -0.011_5, -0.004_955_009]);
        assert_eq!((state.iterations, state.accumulated), (4, vec![0.0; 4]));
        assert_eq!(after(adam.clone(), 1).0, [1.0, -2.0, 3.0, 0.5]);

        (adam.use_ema, adam.ema_momentum, adam.ema_overwrite_frequency) = (true, 0.5, Some(2));
        close(&after(adam, 4).0, &[0.850_137_77, -1.866_498_6, 2.914_680_5, 0.401_337_56]);
    }
}
