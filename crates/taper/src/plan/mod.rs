//! What a training will do to the weights besides fitting the data, said before it begins.

mod clipping;
mod finding;
mod general;
mod shrinkage;
mod tensor;

pub use finding::{Finding, FindingKind};
pub use tensor::{PlanTensor, PlanTerm};

use serde::Serialize;

use crate::model::Model;
use crate::optimizer::OptimizerKind;
use crate::train::{FitConfig, first_batch};
use crate::{Complaints, Dataset, Result};

use shrinkage::Course;

/// What is known of the rows that a training will see.
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget<'a> {
    /// How many rows train. Without, nothing can be said of the whole training, only of its steps.
    pub rows: Option<usize>,
    /// The rows themselves: with them, a penalty's gradient is compared with that of the data. Default: unknown.
    pub data: Option<&'a Dataset>,
}

/// A plan: one row per parameter, and what is probably not meant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The optimizer's name.
    pub optimizer: String,
    /// The learning rate of the first step.
    pub learning_rate: f64,
    /// Passes over the rows.
    pub epochs: usize,
    /// Steps in each of them, if it is known how many rows there are.
    pub steps_per_epoch: Option<usize>,
    /// One row per parameter, in the order of the model.
    pub tensors: Vec<PlanTensor>,
    /// What is probably not meant.
    pub findings: Vec<Finding>,
}

/// Says before a training what its penalties will do: what every parameter carries, how λ will be in force, how long a weight that
/// the data do not hold lasts, and what of it is left in the end.
///
/// With k the factor by which a step multiplies a gradient (see below) and c that of the shrinking gradient c·w (2λ for `l2`, d
/// for `weight_decay`), one update leaves 1 - k c of a weight. Over u updates per epoch its memory is 1 / (k c u) epochs, and
/// exp(Σ ln(1 - k c)) of it is left in the end. `l1` (and a group lasso, on the average weight of a group) takes k λ in every
/// update whatever the weight, which is compared with the mean |w| at the beginning.
///
/// | mode | k under gradient descent (momentum μ) | k under the others |
/// |---|---|---|
/// | `decoupled`, `weight_decay` | lr | lr |
/// | `independent` | lr / the schedule's largest lr | the same |
/// | `loss`, `proximal` | lr / (1 - μ) | unknown: the optimizer divides the penalty's gradient by the size of the data's |
///
/// Clipped gradients are clipped with the penalty of mode `loss` in them: where the data are silent it is all that there is, and what
/// goes is worked out with the bound. Where they are not, less goes.
///
/// Where k is unknown the plan says so and gives no number. The division cannot make it more than lr / ε, which is enough to
/// know some penalties too weak.
///
/// # Findings
///
/// See [`FindingKind`].
///
/// # Errors
///
/// Settings that cannot be used with this model or these rows.
///
/// # Example
///
/// ```
/// use taper::*;
///
/// # fn main() -> Result<()> {
/// let model = Model::build(&Sequential::new([2]).layer(Dense::new(500)).layer(Dense::new(1)), Seed::new(1))?;
/// let config = FitConfig::new(Loss::Mse).optimizer(Optimizer::adam_w().weight_decay(1e-3)).epochs(4000);
/// let plan = plan(&model, &config, &Budget { rows: Some(30), data: None })?;
/// let kernel = &plan.tensors[0];
/// assert!((kernel.memory_epochs.unwrap() - 1e6).abs() < 1.0, "epochs until a weight is down to 1/e of itself");
/// assert!((kernel.fraction_left.unwrap() - 0.996).abs() < 1e-4);
/// assert!(plan.findings.iter().any(|finding| finding.kind == FindingKind::TooWeak && finding.path == kernel.path));
/// # Ok(())
/// # }
/// ```
pub fn plan(model: &Model, config: &FitConfig, budget: &Budget<'_>) -> Result<Plan> {
    let mut complaints = Complaints::new();
    complaints.take("fit", config.validate())?;
    let decays = complaints.take("fit", config.optimizer.decays(model.params()))?;
    complaints.take("", config.optimizer.check_proximal(model.params()))?;
    complaints.finish()?;
    let decays = decays.unwrap_or_default();
    let rows = budget.rows.or(budget.data.map(Dataset::rows));
    let course = Course::new(config, rows);
    let gradients = budget.data.map(|data| data_gradients(model, data, config)).transpose()?;
    let mut tensors = Vec::new();
    let mut findings = Vec::new();
    general::find(model, config, &mut findings);
    let clipped = clipping::pulls(model, &course);
    for (((slot, w), decays), clipped) in model.params().iter().zip(decays).zip(clipped) {
        let gradient = gradients.as_ref().map(|gradients| &gradients[slot.range.clone()]);
        let decay = if decays && slot.spec.trainable { config.optimizer.weight_decay } else { 0.0 };
        let (tensor, outlook) = tensor::tensor(slot, w, decay, &course, clipped, gradient);
        finding::find(slot, &tensor, &outlook, &course, &mut findings);
        tensors.push(tensor);
    }
    Ok(Plan {
        optimizer: name(config.optimizer.kind),
        learning_rate: config.optimizer.learning_rate.at(0),
        epochs: config.epochs,
        steps_per_epoch: course.steps_per_epoch,
        tensors,
        findings,
    })
}

/// What an optimizer is called in files.
fn name(kind: OptimizerKind) -> String {
    let value = serde_json::to_value(kind).unwrap_or_default();
    value["name"].as_str().unwrap_or_default().to_owned()
}

/// The gradient of the data loss alone, on the first batch.
fn data_gradients(model: &Model, data: &Dataset, config: &FitConfig) -> Result<Vec<f32>> {
    let mut bare = Model::with_weights(model.spec(), model.params().data().to_vec())?;
    bare.params_mut().slots_mut().iter_mut().for_each(|slot| slot.spec.regularizer = None);
    Ok(first_batch(&bare, data, config)?.gradients)
}
