//! What each penalty weighs, epoch by epoch.

use taper_kernels::reduce;

use super::penalty::{Buffers, each_term, gradient};
use super::{ParamSlot, Params};
use crate::regularizer::{InForce, Regularizer, Term};
use crate::strength::Strength;

/// The columns of a history that [`Params::record`] fills, in its order.
pub(crate) fn names(params: &Params) -> Vec<String> {
    let mut names = Vec::new();
    for slot in params.slots() {
        let terms = slot.penalty().into_iter().flat_map(Regularizer::terms);
        for term in terms.map(Term::key).chain(slot.custom_penalty().map(|_| "custom")) {
            names.push(format!("penalty/{}/{term}", slot.path));
            names.push(format!("gradient_share/{}/{term}", slot.path));
        }
        names.extend(moving(slot).map(|(term, _)| format!("lambda/{}/{}", slot.path, term.key())));
    }
    names
}

/// The terms of a slot whose λ is not the same in every epoch.
fn moving(slot: &ParamSlot) -> impl Iterator<Item = (Term, &Strength)> {
    let terms =
        slot.penalty().into_iter().flat_map(|penalty| penalty.terms().map(move |term| (term, penalty.strength(term))));
    terms.filter(|(_, strength)| !matches!(strength, Strength::Constant(_)))
}

impl Params {
    /// Of every term its value, and ‖∇Ω‖ / (‖∇Ω‖ + ‖the rest of the gradient‖) over its parameter; then every λ that moves.
    /// `gradients` are those of a step before the penalties are added.
    pub(crate) fn record(&self, epoch: usize, gradients: &[f32], buffers: &mut Buffers, cells: &mut [f64]) {
        let mut cells = cells.iter_mut();
        let mut put = |value: f64| {
            if let Some(cell) = cells.next() {
                *cell = value;
            }
        };
        for (i, (slot, w)) in self.iter().enumerate().filter(|(_, (slot, _))| slot.is_penalized()) {
            let rest = reduce::sum_squares(&gradients[slot.range.clone()]).sqrt();
            each_term(slot, i, epoch, &self.penalty_state, w, &mut |known, penalty| {
                let (value, norm) = match known {
                    Some((in_force, term)) if in_force.is_plain() => plain(in_force, term, w),
                    _ => {
                        let (dw, value) = gradient(slot, penalty, w, buffers);
                        (value, reduce::sum_squares(dw).sqrt())
                    }
                };
                put(value);
                put(if norm > 0.0 { norm / (norm + rest) } else { 0.0 });
            });
            let lambdas = slot.penalty().map(|penalty| penalty.lambdas(epoch, self.penalty_state.steer(i)));
            moving(slot).for_each(|(term, _)| put(lambdas.map_or(0.0, |lambdas| lambdas[term as usize])));
        }
    }

    /// The share of exact zeros in each penalized parameter, with its path.
    pub(crate) fn zeros(&self) -> impl Iterator<Item = (&str, f64)> {
        let penalized = self.iter().filter(|(slot, _)| slot.is_penalized());
        penalized.map(|(slot, w)| (slot.path.as_str(), reduce::count_zeros(w) as f64 / w.len() as f64))
    }
}

/// Value and gradient norm of λ Σ|w| or λ Σw²: known without the gradient.
fn plain(in_force: &InForce<'_>, term: Term, w: &[f32]) -> (f64, f64) {
    let lambda = in_force.lambda(term);
    if term == Term::L1 {
        let alive = w.len() - reduce::count_zeros(w);
        (lambda * reduce::sum_abs(w), lambda * (alive as f64).sqrt())
    } else {
        let squares = reduce::sum_squares(w);
        (lambda * squares, 2.0 * lambda * squares.sqrt())
    }
}
