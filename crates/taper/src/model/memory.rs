//! What a training takes.

use super::{ModelSpec, build};
use crate::layer::Layer;
use crate::param::ParamSlot;
use crate::train::FitConfig;
use crate::{Anchor, Result};

/// How many bytes a training of this model on so many rows takes: weights, gradients, the weights to go back to, what the optimizer
/// remembers (its moments, an average, gathered gradients), the best weights if they are restored, and the values of one batch with
/// their gradients, once more for the evaluation beside it. Nothing is allocated to find out.
///
/// # Errors
///
/// A model that cannot be built.
///
/// # Example
///
/// ```
/// use taper::{Dense, FitConfig, Loss, Optimizer, Sequential, training_bytes};
///
/// # fn main() -> taper::Result<()> {
/// let spec = Sequential::new([1000]).layer(Dense::new(1000)).into();
/// let bytes = |optimizer| training_bytes(&spec, &FitConfig::new(Loss::Mse).optimizer(optimizer), 1);
/// // Adam remembers two numbers of each weight, gradient descent none.
/// assert_eq!(bytes(Optimizer::adam())? - bytes(Optimizer::sgd())?, 2 * 4 * 1_001_000);
/// # Ok(())
/// # }
/// ```
pub fn training_bytes(spec: &ModelSpec, fit: &FitConfig, rows: usize) -> Result<u128> {
    let skeleton = build::build(spec.clone())?;
    let slots = skeleton.params.slots();
    let count = |of: &dyn Fn(&ParamSlot) -> bool| -> u128 {
        slots.iter().filter(|slot| of(slot)).map(|slot| slot.range.len() as u128).sum()
    };
    let (all, trained) = (count(&|_| true), count(&|slot| slot.spec.trainable));
    let if_so = |so: bool, numbers: u128| if so { numbers } else { 0 };
    let optimizer = &fit.optimizer;
    let moments = optimizer.kind.moments().iter().map(|group| group.len() as u128).sum::<u128>();
    let memory = moments + u128::from(optimizer.use_ema) + u128::from(optimizer.gradient_accumulation_steps.is_some());
    let restores = fit.early_stopping.as_ref().is_some_and(|settings| settings.restore_best_weights);
    let anchored = slots.iter().any(|slot| slot.penalty().is_some_and(|penalty| penalty.anchor == Some(Anchor::Start)));
    // Weights, their gradients, and those to go back to when a training diverges.
    let weights = 3 * all + memory * trained + if_so(restores, all) + if_so(anchored, all);

    let batch = fit.batch_size.min(rows.max(1)) as u128;
    let evaluated = fit.validation_batch_size.map_or(batch, |size| size.min(rows.max(1)) as u128);
    let values: u128 = skeleton.lens.iter().chain(&skeleton.mask_lens).map(|len| *len as u128).sum();
    let layers = || skeleton.layers.iter().map(|layer| &*layer.layer);
    let caches: u128 = skeleton.nodes.iter().map(|node| skeleton.layers[node.layer].layer.cache_len(1) as u128).sum();
    let scratch = |batch: u128| layers().map(|layer| scratch(layer, batch)).max().unwrap_or(0);
    let step = batch * (2 * values + caches) + scratch(batch);
    let evaluation = evaluated * (values + caches) + scratch(evaluated);
    Ok(4 * (weights + step + evaluation))
}

/// The numbers that a layer works with in a batch: what it always needs, and something for every row.
fn scratch(layer: &dyn Layer, batch: u128) -> u128 {
    let (one, two) = (layer.scratch_len(1) as u128, layer.scratch_len(2) as u128);
    one + two.saturating_sub(one) * batch.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dense, EarlyStopping, Loss, Optimizer, OptimizerKind, Sequential};

    #[test]
    fn everything_that_is_remembered_of_a_weight_counts() {
        let spec = ModelSpec::from(Sequential::new([30]).layer(Dense::new(20)).layer(Dense::new(1)));
        let bytes = |fit: &FitConfig| training_bytes(&spec, fit, 8).unwrap();
        let with = |kind: OptimizerKind| FitConfig::new(Loss::Mse).optimizer(Optimizer::new(kind));
        let (plain, weights) = (bytes(&with(OptimizerKind::SGD)), 4 * (30 * 20 + 20 + 20 + 1));
        let amsgrad = OptimizerKind::Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: true };
        let centered = OptimizerKind::Rmsprop { rho: 0.9, momentum: 0.9, epsilon: 1e-7, centered: true };
        for (kind, moments) in [
            (OptimizerKind::ADAM, 2),
            (amsgrad, 3),
            (OptimizerKind::RMSPROP, 1),
            (centered, 3),
            (OptimizerKind::Sgd { momentum: 0.9, nesterov: false }, 1),
        ] {
            assert_eq!(bytes(&with(kind)) - plain, moments * weights, "{kind:?}");
        }
        let mut more = with(OptimizerKind::SGD);
        more.optimizer.use_ema = true;
        assert_eq!(bytes(&more) - plain, weights);
        more.optimizer.gradient_accumulation_steps = Some(4);
        assert_eq!(bytes(&more) - plain, 2 * weights);
        more.early_stopping = Some(EarlyStopping { restore_best_weights: true, ..EarlyStopping::new(3) });
        assert_eq!(bytes(&more) - plain, 3 * weights);
    }
}
