//! A penalty on one parameter with the strengths of one epoch.

use std::ops::Range;

use taper_kernels::group::Groups;
use taper_kernels::penalty::{self, PerWeight};
use taper_kernels::rho::Rho;
use taper_kernels::update;

use super::Regularizer;
use super::concave::{Concave, Shrinkage};
use super::elementwise::Elementwise;
use super::group::GroupLasso;
use super::matrix::{Nuclear, Orthogonal};
use super::penalty::{Penalty, Proximal};
use super::term::{PerTerm, Term};
use crate::shape::Shape;

/// A [`Regularizer`] with its λs, its groups and its anchor: the sum of its terms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InForce<'a> {
    pub(super) regularizer: &'a Regularizer,
    pub(super) lambdas: PerTerm,
    pub(super) groups: Groups,
    /// Factors and anchor.
    pub(super) own: PerWeight<'a>,
}

impl<'a> InForce<'a> {
    pub(crate) fn lambda(&self, term: Term) -> f64 {
        self.lambdas[term as usize]
    }

    /// The same with one term only.
    pub(crate) fn only(mut self, term: Term) -> Self {
        let lambda = self.lambda(term);
        self.lambdas = [0.0; Term::ALL.len()];
        self.lambdas[term as usize] = lambda;
        self
    }

    /// The same with every term that any epoch has.
    pub(crate) fn with_every_term(mut self) -> Self {
        self.lambdas = Term::ALL.map(|term| if self.regularizer.strength(term).is_zero() { 0.0 } else { 1.0 });
        self
    }

    /// Whether all there is are λ Σ|w| and λ Σw², which need neither scratch nor groups.
    pub(crate) fn is_plain(&self) -> bool {
        self.own.is_empty() && !self.has_others()
    }

    /// Whether there is a term beside l1 and l2.
    fn has_others(&self) -> bool {
        Term::ALL.into_iter().any(|term| !matches!(term, Term::L1 | Term::L2) && self.lambda(term) != 0.0)
    }

    /// Whether every weight is penalized for itself, so that a parameter can be done in stretches.
    pub(crate) fn is_elementwise(&self) -> bool {
        let bound = [Term::GroupLasso, Term::Nuclear, Term::Orthogonal];
        bound.iter().all(|term| self.lambda(*term) == 0.0)
    }

    /// ρ, if the penalty of single weights is one alone.
    pub(crate) fn rho(&self) -> Option<Rho> {
        let concave = self.each_concave();
        match (self.elementwise(), concave) {
            (elementwise, [None, None]) => Some(elementwise.rho()),
            (elementwise, [Some(one), None] | [None, Some(one)]) if elementwise.is_zero() => Some(one.rho()),
            _ => None,
        }
    }

    /// Factors and anchor.
    pub(crate) fn own(&self) -> PerWeight<'a> {
        self.own
    }

    /// The same on a stretch of the weights, if each is penalized for itself.
    pub(crate) fn stretch(mut self, range: Range<usize>) -> Self {
        self.own = self.own.part(range);
        self
    }

    /// w₀, or nothing.
    pub(crate) fn anchor(&self) -> &'a [f32] {
        self.own.anchor
    }

    /// A step down the plain terms in one pass.
    pub(crate) fn descend(&self, rate: f64, w: &mut [f32]) {
        penalty::descend(self.lambda(Term::L1) as f32, self.lambda(Term::L2) as f32, rate as f32, w);
    }

    /// What single weights have of their own. The others know no anchor: for them it is taken off before.
    fn per_weight(&self) -> PerWeight<'a> {
        if self.is_elementwise() { self.own } else { PerWeight { anchor: &[], ..self.own } }
    }

    fn elementwise(&self) -> Elementwise<'a> {
        Elementwise { l1: self.lambda(Term::L1), l2: self.lambda(Term::L2), own: self.per_weight() }
    }

    /// MCP and SCAD, where they are in force.
    fn each_concave(&self) -> [Option<Concave<'a>>; 2] {
        [(Term::Mcp, Shrinkage::Mcp), (Term::Scad, Shrinkage::Scad)].map(|(term, kind)| {
            let (lambda, gamma) = (self.lambda(term), self.regularizer.gamma.unwrap_or(kind.gamma()));
            (lambda != 0.0).then(|| Concave { kind, lambda, gamma, own: self.per_weight() })
        })
    }

    /// Every term that is in force.
    fn each(&self, f: &mut dyn FnMut(&dyn Penalty)) {
        let elementwise = self.elementwise();
        if !elementwise.is_zero() {
            f(&elementwise);
        }
        self.each_other(f);
    }

    /// Every term but l1 and l2.
    fn each_other(&self, f: &mut dyn FnMut(&dyn Penalty)) {
        self.each_concave().iter().flatten().for_each(|concave| f(concave));
        if self.lambda(Term::GroupLasso) != 0.0 {
            f(&GroupLasso { lambda: self.lambda(Term::GroupLasso), groups: self.groups });
        }
        if self.lambda(Term::Nuclear) != 0.0 {
            f(&Nuclear { lambda: self.lambda(Term::Nuclear) });
        }
        if self.lambda(Term::Orthogonal) != 0.0 {
            f(&Orthogonal { lambda: self.lambda(Term::Orthogonal), mode: self.regularizer.orthogonal_mode });
        }
    }

    /// Calls `f` with w, or if there is an anchor that its terms do not know with w - w₀, and the rest of the scratch.
    fn away<R>(&self, w: &[f32], scratch: &mut [f32], f: impl FnOnce(&[f32], &mut [f32]) -> R) -> R {
        if !self.is_shifted() {
            return f(w, scratch);
        }
        let (away, rest) = scratch.split_at_mut(w.len());
        away.copy_from_slice(w);
        update::add_scaled(-1.0, self.anchor(), away);
        f(away, rest)
    }

    /// Whether there is an anchor that its terms do not know.
    fn is_shifted(&self) -> bool {
        !self.anchor().is_empty() && !self.is_elementwise()
    }
}

impl Penalty for InForce<'_> {
    fn value(&self, shape: &Shape, w: &[f32], scratch: &mut [f32]) -> f64 {
        self.away(w, scratch, |w, scratch| {
            let mut total = 0.0;
            self.each(&mut |term| total += term.value(shape, w, scratch));
            total
        })
    }

    fn add_gradient(&self, shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
        self.away(w, scratch, |w, scratch| {
            let mut total = 0.0;
            self.each(&mut |term| total += term.add_gradient(shape, w, dw, scratch));
            total
        })
    }

    /// The map of the elementwise terms and then that of the other one, with what they leave of the steps: the map of the sum, for
    /// the sums that `validate` lets through.
    fn proximal(&self, shape: &Shape, steps: &[f32], w: &mut [f32], scratch: &mut [f32]) {
        if self.is_shifted() {
            update::add_scaled(-1.0, self.anchor(), w);
        }
        let elementwise = self.elementwise();
        if !elementwise.is_zero() {
            elementwise.proximal(shape, steps, w, scratch);
        }
        if elementwise.l2 == 0.0 {
            self.each_other(&mut |term| term.proximal(shape, steps, w, scratch));
        } else if self.has_others() {
            let (left, scratch) = scratch.split_at_mut(w.len());
            left.copy_from_slice(steps);
            elementwise.rest_of(left);
            self.each_other(&mut |term| term.proximal(shape, left, w, scratch));
        }
        if self.is_shifted() {
            update::add_scaled(1.0, self.anchor(), w);
        }
    }

    fn proximal_map(&self) -> Proximal {
        let mut least = Proximal::EveryStep;
        self.each(&mut |term| least = least.min(term.proximal_map()));
        least
    }

    fn scratch_len(&self, shape: &Shape) -> usize {
        let mut most = 0;
        self.each(&mut |term| most = most.max(term.scratch_len(shape)));
        let copies = if self.is_plain() { 0 } else { 1 };
        most + copies * shape.len()
    }
}
