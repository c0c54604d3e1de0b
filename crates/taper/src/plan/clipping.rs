//! What clipped gradients take of weights that the data leave alone.
//!
//! A penalty in the loss is part of the gradient, so it is clipped with it. Where the data are silent it is all of the gradient;
//! with c of c·w and λ of λ sign(w), a weight of size s has the gradient c s + λ, and n such weights have one of norm √n (c s + λ).

#![deny(clippy::wildcard_enum_match_arm)]

use super::shrinkage::{Course, Factors, Pull, Scale, Strengths};
use super::tensor;
use crate::model::Model;
use crate::optimizer::Clip;
use crate::param::ParamSlot;
use crate::regularizer::PenaltyMode;

/// Sizes change by no more than this share before the clipping is worked out anew.
const FINE: f64 = 0.01;
/// What is smaller than this share of its first size has gone.
const GONE: f64 = 1e-12;

/// A parameter that nothing moves but its penalty.
struct Silent<'a> {
    slot: usize,
    weights: f64,
    /// The size of its weights: the root of the mean square where norms are bounded, else the mean.
    size: f64,
    strengths: Strengths<'a>,
}

/// What each parameter's penalty in the loss does over the training, where gradients are clipped and this is gradient descent;
/// `None` where that is not the case. Of a training of unknown length: what its first update does.
pub(super) fn pulls(model: &Model, course: &Course<'_>) -> Vec<Option<Pull>> {
    let slots: Vec<(&ParamSlot, &[f32])> = model.params().iter().collect();
    let mut pulls = vec![None; slots.len()];
    let (Some(clip), scale @ Scale::Rate(_)) = (course.clip, course.scale(PenaltyMode::Loss)) else { return pulls };
    let factors: Vec<_> = slots
        .iter()
        .map(|(slot, w)| {
            let penalty = slot.spec.regularizer.as_ref().filter(|one| one.mode == PenaltyMode::Loss);
            let penalty = penalty.filter(|_| slot.spec.trainable && w.iter().any(|w| *w != 0.0))?;
            Some((penalty, move |epoch: usize| tensor::factors(penalty, epoch)))
        })
        .collect();
    let silent = |slot: usize| {
        let (penalty, factors) = factors[slot].as_ref()?;
        let weights = slots[slot].1.len() as f64;
        let size = match clip {
            Clip::Value(_) => taper_kernels::reduce::sum_abs(slots[slot].1) / weights,
            Clip::Norm(_) | Clip::GlobalNorm(_) => (taper_kernels::reduce::sum_squares(slots[slot].1) / weights).sqrt(),
        };
        Some(Silent { slot, weights, size, strengths: Strengths { factors, turns: tensor::turns(penalty) } })
    };
    let all: Vec<Silent<'_>> = (0..slots.len()).filter_map(silent).collect();
    let together: Vec<&[Silent<'_>]> = match clip {
        Clip::GlobalNorm(_) => vec![&all[..]],
        Clip::Norm(_) | Clip::Value(_) => all.chunks(1).collect(),
    };
    for group in together {
        for (silent, pull) in group.iter().zip(shrink(course, scale, clip, group)) {
            pulls[silent.slot] = Some(pull);
        }
    }
    pulls
}

/// What becomes of parameters that are clipped together.
fn shrink(course: &Course<'_>, scale: Scale, clip: Clip, group: &[Silent<'_>]) -> Vec<Pull> {
    let mut sizes: Vec<f64> = group.iter().map(|one| one.size).collect();
    let mut pulls = vec![Pull::default(); group.len()];
    let at = |epoch: usize| group.iter().map(|one| (one.strengths.factors)(epoch)).collect::<Vec<_>>();
    let mut turns: Vec<usize> = group.iter().flat_map(|one| one.strengths.turns.iter().copied()).collect();
    turns.sort_unstable();
    turns.dedup();
    let mut visit = |updates: f64, step: u64, epoch: usize| {
        stretch(updates, course.factor(scale, step), clip, &at(epoch), group, &mut sizes, &mut pulls);
    };
    if course.walk(&turns, at, &mut visit).is_none() {
        visit(1.0, course.first_step(), 0);
    }
    for (pull, (size, one)) in pulls.iter_mut().zip(sizes.iter().zip(group)) {
        pull.log_left = (size / one.size).ln();
    }
    pulls
}

/// So many updates at one rate and one strength. While gradients are clipped, all sizes fall along straight lines; then each by
/// its own s ← s (1 - k c) - k λ.
fn stretch(
    updates: f64,
    k: f64,
    clip: Clip,
    factors: &[Factors],
    group: &[Silent<'_>],
    sizes: &mut [f64],
    pulls: &mut [Pull],
) {
    let mut rest = updates;
    while rest > 0.0 {
        let gradient =
            |i: usize| if sizes[i] > 0.0 { factors[i].relative * sizes[i] + factors[i].absolute } else { 0.0 };
        let norm = (0..sizes.len()).map(|i| group[i].weights * gradient(i).powi(2)).sum::<f64>().sqrt();
        let kept = |i: usize| match clip {
            Clip::Value(bound) => (bound / gradient(i)).min(1.0),
            Clip::Norm(bound) | Clip::GlobalNorm(bound) => (bound / norm).min(1.0),
        };
        let shares: Vec<f64> =
            (0..sizes.len()).map(|i| if sizes[i] > 0.0 { k * kept(i) * gradient(i) / sizes[i] } else { 0.0 }).collect();
        let is_clipped = (0..sizes.len()).any(|i| sizes[i] > 0.0 && kept(i) < 1.0);
        let worst = shares.iter().copied().fold(0.0, f64::max);
        let length = if is_clipped && worst > 0.0 { (FINE / worst).floor().clamp(1.0, rest) } else { rest };
        for (i, share) in shares.into_iter().enumerate() {
            pulls[i].most = pulls[i].most.max(share);
            let before = sizes[i];
            sizes[i] = if is_clipped {
                (before * (1.0 - length * share)).max(0.0)
            } else {
                unclipped(before, k * factors[i].relative, k * factors[i].absolute, length)
            };
            if sizes[i] < GONE * group[i].size {
                sizes[i] = 0.0;
            }
            pulls[i].relative +=
                if sizes[i] > 0.0 && before > 0.0 { -(sizes[i] / before).ln() } else { length * share };
        }
        rest -= length;
    }
}

/// A size after so many updates s ← s (1 - share) - step, never below 0.
fn unclipped(size: f64, share: f64, step: f64, updates: f64) -> f64 {
    let left = (updates * (-share.min(1.0)).ln_1p()).exp();
    let gone = if share > 0.0 { step / share * (1.0 - left) } else { step * updates };
    (size * left - gone).max(0.0)
}

#[cfg(test)]
mod tests {
    use crate::*;

    /// Rows of zeros give no gradient: what a training leaves is what its penalties leave, and the plan knows it before.
    #[test]
    fn a_plan_leaves_what_the_training_leaves() {
        let layer = |units: usize, penalty: Regularizer| {
            Dense { use_bias: false, kernel_initializer: Initializer::Ones, ..Dense::new(units) }
                .kernel_regularizer(penalty)
        };
        let ramp = Strength::Linear { from: 0.1, to: 2.0, epochs: 20 };
        for (first, second) in [
            (Regularizer::l2(1.0), Regularizer::l2(0.2)),
            (Regularizer::l1(0.05), Regularizer::l2(1.0)),
            (Regularizer { l2: ramp, ..Regularizer::default() }, Regularizer::l1(0.01)),
        ] {
            for clip in [Clip::Norm(1.0), Clip::GlobalNorm(1.0), Clip::Value(0.1), Clip::Norm(1e6)] {
                let spec = Sequential::new([3]).layer(layer(4, first.clone())).layer(layer(2, second.clone()));
                let mut model = Model::build(&spec, Seed::new(1)).unwrap();
                let data = Dataset::new(Shape::new([3]).unwrap(), vec![0.0; 12], 2, vec![0.0; 8]).unwrap();
                let optimizer = Optimizer::sgd().learning_rate(0.1).clip(clip);
                let config = FitConfig::new(Loss::Mse).optimizer(optimizer).epochs(40).batch_size(2);
                let plan = plan(&model, &config, &Budget { rows: Some(4), data: None }).unwrap();
                fit(&mut model, &data, None, &config, Seed::new(1), &mut Quiet).unwrap();
                for (tensor, (_, w)) in plan.tensors.iter().zip(model.params().iter()) {
                    let (told, left) = (tensor.fraction_left.unwrap(), f64::from(w[0]));
                    assert!((told - left).abs() < 0.01 * left + 5e-3, "{clip:?} {}: {told} {left}", tensor.path);
                }
            }
        }
    }
}
