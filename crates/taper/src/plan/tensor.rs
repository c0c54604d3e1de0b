//! One parameter's row of a plan.

use serde::Serialize;

use super::shrinkage::{Course, Factors, Pull, Scale, Strengths};
use crate::param::{ParamSlot, Role};
use crate::regularizer::{PenaltyMode, Regularizer, Term};
use crate::shape::Shape;

/// What a parameter carries, and what that will do to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanTensor {
    /// `dense/kernel`.
    pub path: String,
    /// What it is for.
    pub role: Role,
    /// Its sizes.
    pub shape: Shape,
    /// Whether training changes it.
    pub trainable: bool,
    /// Its penalties, a weight decay last; empty if there is none.
    pub penalty: Vec<PlanTerm>,
    /// The modes of the terms: `loss`, `loss + decoupled`; `None` if there is no penalty.
    pub mode: Option<String>,
    /// λ of the first term in the first epoch; the other terms say theirs.
    pub lambda: Option<f64>,
    /// In how many epochs a weight that the data leave alone is down to 1/e of itself: 1 / (k c updates), as the mean over the
    /// training. `None` if nothing shrinks it by shares, or nobody can know.
    pub memory_epochs: Option<f64>,
    /// What is left of such a weight (of mean size) in the end. `None` if nobody can know.
    pub fraction_left: Option<f64>,
    /// The norm of the penalty's gradient over that of the data's, at the weights as they are and with the first epoch's λ;
    /// `None` without rows.
    pub gradient_share: Option<f64>,
    /// What to expect, as a sentence.
    pub effect: String,
}

/// One term of a penalty.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanTerm {
    /// `l1`, `l2`, … or `weight_decay`.
    pub term: String,
    /// `loss`, `decoupled`, `independent` or `proximal`.
    pub mode: PenaltyMode,
    /// λ in force in the first epoch.
    pub lambda: f64,
    /// λ in force in the last epoch; `None` if it is steered by the weights.
    pub lambda_last: Option<f64>,
}

/// What is known of a parameter's future, for the findings.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    /// Everything that shrinks it, as far as it is known.
    pub(super) pull: Option<Pull>,
    /// What the whole can do at most, where it is not known.
    pub(super) most: Option<Pull>,
    /// The largest k c of one update.
    pub(super) step_share: f64,
    /// The mean |w| at the beginning.
    pub(super) mean_size: f64,
    /// c of the decoupled part: an update of the Adam family moves a weight by about lr, so it comes to rest at 1/c at most.
    pub(super) decoupled: f64,
    /// [`PlanTensor::gradient_share`], and the same with the largest λ of all epochs.
    pub(super) gradient_share: Option<(f64, f64)>,
}

/// The row of one parameter; `decay` is the weight decay that acts on it, `clipped` what its penalty does where gradients are
/// clipped, `gradient` that of the data.
pub(super) fn tensor(
    slot: &ParamSlot,
    w: &[f32],
    decay: f64,
    course: &Course<'_>,
    clipped: Option<Pull>,
    gradient: Option<&[f32]>,
) -> (PlanTensor, Outlook) {
    let regularizer = slot.spec.regularizer.as_ref().filter(|regularizer| regularizer.terms().next().is_some());
    let last = course.epochs.saturating_sub(1);
    let term = |regularizer: &Regularizer, term: Term| {
        let strength = regularizer.strength(term);
        PlanTerm {
            term: term.key().to_owned(),
            mode: regularizer.mode,
            lambda: strength.at(0),
            lambda_last: (!strength.is_steered()).then(|| strength.at(last)),
        }
    };
    let mut penalty: Vec<PlanTerm> =
        regularizer.iter().flat_map(|regularizer| regularizer.terms().map(|one| term(regularizer, one))).collect();
    if decay > 0.0 {
        let mode = PenaltyMode::Decoupled;
        penalty.push(PlanTerm { term: "weight_decay".to_owned(), mode, lambda: decay, lambda_last: Some(decay) });
    }

    let len = w.len().max(1) as f64;
    let (size, squares) = (taper_kernels::reduce::sum_abs(w), taper_kernels::reduce::sum_squares(w));
    let mut outlook = Outlook { mean_size: size / len, ..Outlook::default() };
    let active = regularizer.filter(|_| slot.spec.trainable);
    let mut unknown = None;
    if decay > 0.0 {
        let scale = course.scale(PenaltyMode::Decoupled);
        let factors = Factors { relative: decay, absolute: 0.0 };
        let strengths = Strengths { factors: &|_| factors, turns: vec![] };
        outlook.add(course, scale, false, &strengths, None);
        outlook.decoupled += decay;
    }
    if let Some(regularizer) = active {
        let scale = course.scale(regularizer.mode);
        let is_proximal = regularizer.mode == PenaltyMode::Proximal;
        let strengths = Strengths { factors: &|epoch| factors(regularizer, epoch), turns: turns(regularizer) };
        outlook.add(course, scale, is_proximal, &strengths, clipped);
        // Between bends strengths change in one direction.
        let bends = || [0, last].into_iter().chain(strengths.turns.iter().copied()).filter(|epoch| *epoch <= last);
        if regularizer.mode == PenaltyMode::Decoupled {
            outlook.decoupled += bends().map(|epoch| factors(regularizer, epoch).relative).fold(0.0, f64::max);
        }
        unknown = why_unknown(regularizer, scale);
        if let Some(gradient) = gradient {
            let norm = taper_kernels::reduce::sum_squares(gradient).sqrt();
            let share = |epoch: usize| {
                let Factors { relative: c, absolute: a } = factors(regularizer, epoch);
                (c * c * squares + 2.0 * c * a * size + a * a * len).sqrt() / norm
            };
            let worst = bends().map(share).fold(0.0, f64::max);
            outlook.gradient_share = (norm > 0.0).then(|| (share(0), worst));
        }
    }
    let known = outlook.pull.filter(|_| unknown.is_none() && !penalty.is_empty() && slot.spec.trainable);
    let memory_epochs = known.filter(|pull| pull.relative > 0.0).map(|pull| course.epochs as f64 / pull.relative);
    let fraction_left = known.and_then(|pull| outlook.left(pull));
    let effect = match (&regularizer, unknown) {
        (Some(_), _) if !slot.spec.trainable => "frozen: the penalty does nothing".to_owned(),
        _ if penalty.is_empty() => "not penalized".to_owned(),
        (_, Some(why)) => why.to_owned(),
        _ => match fraction_left {
            Some(left) if clipped.is_some() => format!(
                "gradients are clipped: where the data are silent, {} of a weight goes over the training, elsewhere less",
                percent(1.0 - left)
            ),
            Some(left) => {
                format!("where the data are silent, {} of a weight goes over the training", percent(1.0 - left))
            }
            None if course.steps_per_epoch.is_none() => {
                format!("where the data are silent, each update takes {} of a weight", percent(outlook.step_share))
            }
            None => "begins at 0, where there is nothing to shrink".to_owned(),
        },
    };
    let row = PlanTensor {
        path: slot.path.clone(),
        role: slot.spec.role,
        shape: slot.spec.shape.clone(),
        trainable: slot.spec.trainable,
        mode: modes(&penalty),
        lambda: penalty.first().map(|term| term.lambda),
        penalty,
        memory_epochs,
        fraction_left,
        gradient_share: outlook.gradient_share.map(|(first, _)| first),
        effect,
    };
    (row, outlook)
}

/// `loss + decoupled`.
fn modes(penalty: &[PlanTerm]) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for term in penalty {
        let name = serde_json::to_value(term.mode).ok()?.as_str()?.to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join(" + "))
}

impl Outlook {
    /// Adds a penalty; `clipped` is what it does where gradients are clipped.
    fn add(
        &mut self,
        course: &Course<'_>,
        scale: Scale,
        is_proximal: bool,
        strengths: &Strengths<'_>,
        clipped: Option<Pull>,
    ) {
        let is_known = course.steps_per_epoch.is_some();
        let pull = clipped.filter(|_| is_known).or_else(|| course.pull(scale, is_proximal, strengths));
        let sum = |total: Option<Pull>| {
            let (total, pull) = (total.unwrap_or_default(), pull?);
            Some(Pull {
                relative: total.relative + pull.relative,
                log_left: total.log_left + pull.log_left,
                absolute: total.absolute + pull.absolute,
                most: total.most.max(pull.most),
            })
        };
        self.most = sum(self.most);
        if !matches!(scale, Scale::Normalized(_)) {
            self.pull = sum(self.pull);
            let first = || course.first_share(scale, (strengths.factors)(0));
            let share = clipped.or(pull).map_or_else(first, |pull| pull.most);
            // A proximal step never passes 0.
            self.step_share += if is_proximal { 0.0 } else { share };
        }
    }

    /// What is left of a weight of mean size; `None` if that is 0 and something takes the same off all weights.
    pub(super) fn left(&self, pull: Pull) -> Option<f64> {
        let left = pull.log_left.exp();
        match pull.absolute {
            0.0 => Some(left),
            _ if self.mean_size == 0.0 => None,
            absolute => Some((left - absolute / self.mean_size).max(0.0)),
        }
    }
}

/// The epochs at which one of its strengths bends.
pub(super) fn turns(regularizer: &Regularizer) -> Vec<usize> {
    regularizer.terms().flat_map(|term| regularizer.strength(term).turns()).collect()
}

/// c and λ of a regularizer in one epoch, with the mean of its factors.
pub(super) fn factors(regularizer: &Regularizer, epoch: usize) -> Factors {
    let own = &regularizer.factors;
    let mean = if own.is_empty() { 1.0 } else { own.iter().map(|f| f64::from(*f)).sum::<f64>() / own.len() as f64 };
    let at = |term: Term| regularizer.strength(term).at(epoch);
    Factors {
        relative: 2.0 * mean * at(Term::L2),
        absolute: mean * (at(Term::L1) + at(Term::Mcp) + at(Term::Scad)) + at(Term::GroupLasso),
    }
}

/// Why the shrinkage is no number that could be told before training.
fn why_unknown(regularizer: &Regularizer, scale: Scale) -> Option<&'static str> {
    let has = |term: Term| !regularizer.strength(term).is_zero();
    if let Scale::Normalized(_) = scale {
        return Some(match regularizer.mode {
            PenaltyMode::Proximal => {
                "each weight has its own step, which the data make: it comes to rest where the penalized loss does, how soon \
                 cannot be told"
            }
            _ => {
                "the optimizer divides the penalty's gradient by the size of the data's: lr λ does not tell the shrinkage"
            }
        });
    }
    if regularizer.terms().any(|term| regularizer.strength(term).is_steered()) {
        return Some("λ is steered by the weights");
    }
    if has(Term::Nuclear) || has(Term::Orthogonal) {
        return Some("its gradient depends on all weights together");
    }
    if has(Term::Mcp) || has(Term::Scad) {
        return Some("only small weights are shrunk; how many those are, the data decide");
    }
    if regularizer.anchor.is_some() {
        return Some("weights are drawn to their anchor, not to 0");
    }
    regularizer.cautious.then_some("a weight shrinks only in steps in which the data's update agrees")
}

/// Two significant digits of a share.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "0 %".to_owned(),
        p if p < 0.095 => format!("{p:.1e} %"),
        p if p < 9.5 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}
