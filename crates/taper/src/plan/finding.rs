//! What is allowed and probably not meant.

use serde::Serialize;

use super::shrinkage::Course;
use super::tensor::{Outlook, PlanTensor, percent};
use crate::optimizer::OptimizerKind;
use crate::param::{ParamSlot, Role};
use crate::strength::Strength;

/// A penalty that takes less than this share of a weight over a whole training has no effect that anybody could see.
const WEAK: f64 = 0.01;
/// A penalty whose gradient is this many times the data's, at weights that have not been trained, wins.
const STRONG: f64 = 10.0;
/// Weights that cannot stay larger than this share of their first size die.
const SMALL: f64 = 0.1;

/// Something that is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// The parameter, the layer, or the key of the experiment.
    pub path: String,
    /// What is the case, and what to do about it.
    pub message: String,
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A penalty and a weight decay on the same parameter.
    PenalizedTwice,
    /// A penalty or a weight decay on a bias.
    PenalizedBias,
    /// A penalty or a weight decay on a normalization's scale or offset.
    PenalizedNormalization,
    /// A penalty on weights that are not trained.
    FrozenPenalty,
    /// A schedule for λ of which a stage, or the beginning of its ramp, lies behind the last epoch.
    ScheduleNeverFires,
    /// Over the whole training, less than 1 % of a weight that the data leave alone would go.
    TooWeak,
    /// One update takes a whole weight or more; or weights cannot stay above a tenth of their first size; or the penalty's
    /// gradient is more than ten times the data's before training.
    TooStrong,
    /// A softmax over one number, or a loss of one class: always the same, whatever the weights.
    ConstantOutput,
    /// A cross-entropy, which compares probabilities, beside a layer whose outputs are none.
    NoProbabilities,
    /// A metric that takes logits for probabilities.
    LogitsMeasured,
    /// Best weights that take the place of the average of the weights.
    AverageDiscarded,
    /// A penalty on outputs that is never computed.
    PenaltyNeverComputed,
}

/// Looks at one parameter.
pub(super) fn find(
    slot: &ParamSlot,
    tensor: &PlanTensor,
    outlook: &Outlook,
    course: &Course<'_>,
    findings: &mut Vec<Finding>,
) {
    let mut push = |kind: FindingKind, message: String| {
        findings.push(Finding { kind, path: tensor.path.clone(), message });
    };
    if tensor.penalty.is_empty() {
        return;
    }
    if !tensor.trainable {
        return push(FindingKind::FrozenPenalty, "it is frozen, so its penalty does nothing".to_owned());
    }
    let decays = tensor.penalty.iter().any(|term| term.term == "weight_decay");
    if decays && tensor.penalty.len() > 1 {
        let message = "its regularizer and the optimizer's weight_decay both act on it; choose one";
        push(FindingKind::PenalizedTwice, message.to_owned());
    }
    let by = if decays {
        "weight_decay acts on it too; exclude_from_weight_decay excepts it"
    } else {
        "a regularizer acts on it"
    };
    match tensor.role {
        Role::Bias => {
            push(FindingKind::PenalizedBias, format!("{by}: a bias adds no complexity that would need a penalty"));
        }
        Role::Gamma | Role::Beta => {
            let message = format!("{by}: the layer after it undoes what the penalty does to a normalization");
            push(FindingKind::PenalizedNormalization, message);
        }
        _ => {}
    }
    let late = slot.penalty().and_then(|penalty| {
        penalty
            .terms()
            .find_map(|term| Some(format!("{}: {}", term.key(), never_fires(penalty.strength(term), course.epochs)?)))
    });
    let is_late = late.is_some();
    if let Some(message) = late.filter(|_| course.epochs > 0) {
        push(FindingKind::ScheduleNeverFires, message);
    }
    if course.epochs == 0 {
        return;
    }
    if let Some(message) = too_strong(outlook, course) {
        return push(FindingKind::TooStrong, message);
    }
    // What is not known exactly is known to be at most so much.
    let left = outlook.most.and_then(|most| outlook.left(most));
    let silent = tensor.penalty.iter().all(|term| term.lambda == 0.0 && term.lambda_last == Some(0.0));
    if let Some(left) = left.filter(|left| 1.0 - left < WEAK && !(is_late && silent)) {
        if tensor.penalty.iter().any(|term| term.lambda_last.is_none() || !is_shrinking(&term.term)) {
            return;
        }
        push(
            FindingKind::TooWeak,
            format!(
                "at most {} of a weight goes over the {} epochs, even where the data are silent: no effect that anybody could see",
                percent(1.0 - left),
                course.epochs
            ),
        );
    }
}

/// Whether a term's effect is among those that a plan adds up.
fn is_shrinking(term: &str) -> bool {
    matches!(term, "l1" | "l2" | "group_lasso" | "weight_decay")
}

fn too_strong(outlook: &Outlook, course: &Course<'_>) -> Option<String> {
    if outlook.step_share >= 1.0 {
        return Some(format!(
            "one update takes {} of a weight: it is thrown to 0 and beyond",
            percent(outlook.step_share)
        ));
    }
    let rest = 1.0 / outlook.decoupled;
    let bounded = !matches!(course.kind, OptimizerKind::Sgd { .. } | OptimizerKind::Adagrad { .. });
    if bounded && outlook.decoupled > 0.0 && rest < SMALL * outlook.mean_size {
        return Some(format!(
            "an update moves a weight by about the learning rate, so none can stay above 1/{:.3} = {rest:.1e}, and they begin at \
             {:.1e} on average: everything dies",
            outlook.decoupled, outlook.mean_size
        ));
    }
    let (_, share) = outlook.gradient_share.filter(|(_, worst)| *worst > STRONG)?;
    Some(format!("before training, the penalty's gradient is {share:.0} times that of the data: everything dies"))
}

/// What of a schedule never comes within these epochs.
fn never_fires(strength: &Strength, epochs: usize) -> Option<String> {
    match strength {
        Strength::Piecewise { starts, .. } => {
            let start = starts.iter().find(|start| **start >= epochs)?;
            Some(format!("the stage from epoch {start} on never comes, because training ends after {epochs}"))
        }
        Strength::Linear { from, to, .. } | Strength::Cosine { from, to, .. } => {
            let still = from != to && strength.at(0) == strength.at(epochs.saturating_sub(1));
            still.then(|| format!("the ramp never begins, because training ends after {epochs} epochs"))
        }
        _ => None,
    }
}
