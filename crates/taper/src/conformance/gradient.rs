//! What a model's backward pass must agree with.

use crate::layer::Mode;
use crate::model::Workspace;
use crate::*;

const BATCH: usize = 5;

/// Backward against central differences of Σ c·y, one parameter at a time (at most 40 of each), in f32: within 1% of the
/// largest gradient of that parameter.
pub(super) fn check_gradients(spec: &ModelSpec, tokens: bool, mode: Mode, text: &str) {
    let mut model = Model::build(spec, Seed::new(2)).unwrap();
    let mut rng = Seed::new(3).rng();
    // Biases begin at 0, where many a mistake hides.
    model.params_mut().data_mut().iter_mut().for_each(|w| *w += (0.3 * rng.normal()) as f32);
    let mut workspace = Workspace::new(&model, BATCH, true);
    let x: Vec<f32> = (0..BATCH * model.input_shape().len())
        .map(|_| if tokens { rng.below(6) as f32 } else { rng.normal() as f32 })
        .collect();
    let c: Vec<f64> = (0..BATCH * model.output_shape().len()).map(|_| rng.normal()).collect();
    let value = |model: &Model, workspace: &mut Workspace| -> f64 {
        workspace.input_mut(x.len()).copy_from_slice(&x);
        workspace.forward(model, BATCH, mode, Seed::new(4));
        workspace.output(model, BATCH).iter().zip(&c).map(|(y, c)| f64::from(*y) * c).sum()
    };
    value(&model, &mut workspace);
    workspace.backward_from(&model, BATCH, &c.iter().map(|c| *c as f32).collect::<Vec<_>>());
    let gradient = workspace.dparams.clone();

    let slots = model.params().slots().to_vec();
    for slot in slots.iter().filter(|slot| slot.spec.trainable) {
        let scale = gradient[slot.range.clone()].iter().fold(0.0f32, |max, g| max.max(g.abs())).max(0.05);
        let stride = slot.range.len().div_ceil(40);
        for i in slot.range.clone().step_by(stride) {
            const STEP: f32 = 4e-3;
            let w = model.params().data()[i];
            let mut at = |w: f32| {
                model.params_mut().data_mut()[i] = w;
                value(&model, &mut workspace)
            };
            // A kink (relu, pooling) inside the step spoils a difference quotient: it must agree on either side.
            let (up, middle, down) = (at(w + STEP), at(w), at(w - STEP));
            let quotient = (up - down) / f64::from(2.0 * STEP);
            let sides = [(up - middle) / f64::from(STEP), (middle - down) / f64::from(STEP)];
            let error = [quotient, sides[0], sides[1]]
                .into_iter()
                .map(|quotient| (quotient - f64::from(gradient[i])).abs())
                .fold(f64::INFINITY, f64::min);
            assert!(
                error < 0.01 * f64::from(scale),
                "{text} {mode:?}: d/d {}[{}] is {} but the difference quotient {quotient} (largest {scale})",
                slot.path,
                i - slot.range.start,
                gradient[i],
            );
            at(w);
        }
    }
}
