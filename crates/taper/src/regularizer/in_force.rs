//! A penalty on one parameter with the strengths of one epoch.

use std::ops::Range;

use taper_kernels::group::Groups;
use taper_kernels::{parallel, penalty, update};

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
    /// One for every weight, or empty.
    pub(super) factors: &'a [f32],
    /// w₀, or empty.
    pub(super) anchor: &'a [f32],
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
        self.anchor.is_empty() && self.factors.is_empty() && !self.has_others()
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

    /// The same on a stretch of the weights, if each is penalized for itself.
    pub(crate) fn stretch(mut self, range: Range<usize>) -> Self {
        let part = |all: &'a [f32]| if all.is_empty() { all } else { &all[range.clone()] };
        (self.factors, self.anchor) = (part(self.factors), part(self.anchor));
        self
    }

    /// w₀ of one weight.
    pub(crate) fn anchor_at(&self, i: usize) -> f32 {
        self.anchor.get(i).copied().unwrap_or(0.0)
    }

    /// w - w₀.
    pub(crate) fn distance(&self, w: &[f32], away: &mut [f32]) {
        away.copy_from_slice(w);
        if !self.anchor.is_empty() {
            update::add_scaled(-1.0, self.anchor, away);
        }
    }

    /// A step down the plain terms in one pass.
    pub(crate) fn descend(&self, rate: f64, w: &mut [f32]) {
        penalty::descend(self.lambda(Term::L1) as f32, self.lambda(Term::L2) as f32, rate as f32, w);
    }

    fn elementwise(&self) -> Elementwise<'a> {
        let (l1, l2) = (self.lambda(Term::L1), self.lambda(Term::L2));
        Elementwise { l1, l2, factors: self.factors }
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
        for (term, kind) in [(Term::Mcp, Shrinkage::Mcp), (Term::Scad, Shrinkage::Scad)] {
            let lambda = self.lambda(term);
            if lambda != 0.0 {
                let gamma = self.regularizer.gamma.unwrap_or(kind.gamma());
                f(&Concave { kind, lambda, gamma, factors: self.factors });
            }
        }
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

    /// Calls `f` with w - w₀ (or w, if there is no anchor) and the rest of the scratch.
    fn away<R>(&self, w: &[f32], scratch: &mut [f32], f: impl FnOnce(&[f32], &mut [f32]) -> R) -> R {
        if self.anchor.is_empty() {
            return f(w, scratch);
        }
        let (away, rest) = scratch.split_at_mut(w.len());
        for ((away, w), anchor) in away.iter_mut().zip(w).zip(self.anchor) {
            *away = w - anchor;
        }
        f(away, rest)
    }
}

impl InForce<'_> {
    /// Ω of the distance to an anchor, and its gradient added to `dw` unless that is empty, stretch by stretch: the distance never
    /// leaves the nearest cache. Threads share the weights.
    fn anchored(&self, shape: &Shape, w: &[f32], dw: &mut [f32]) -> f64 {
        const CHUNK: usize = 1024;
        parallel::sum_stretches(w.len(), dw, 4, &|all, dw| {
            let (mut away, mut total) = ([0.0; CHUNK], 0.0);
            for start in all.clone().step_by(CHUNK) {
                let range = start..all.end.min(start + CHUNK);
                let away = &mut away[..range.len()];
                self.stretch(range.clone()).distance(&w[range.clone()], away);
                let dw = if dw.is_empty() { &mut [] } else { &mut dw[start - all.start..][..range.len()] };
                self.stretch(range).each(&mut |term| {
                    total += if dw.is_empty() {
                        term.value(shape, away, &mut [])
                    } else {
                        term.add_gradient(shape, away, dw, &mut [])
                    };
                });
            }
            total
        })
    }

    fn is_anchored(&self) -> bool {
        !self.anchor.is_empty() && self.is_elementwise()
    }
}

impl Penalty for InForce<'_> {
    fn value(&self, shape: &Shape, w: &[f32], scratch: &mut [f32]) -> f64 {
        if self.is_anchored() {
            return self.anchored(shape, w, &mut []);
        }
        self.away(w, scratch, |w, scratch| {
            let mut total = 0.0;
            self.each(&mut |term| total += term.value(shape, w, scratch));
            total
        })
    }

    fn add_gradient(&self, shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
        if self.is_anchored() {
            return self.anchored(shape, w, dw);
        }
        self.away(w, scratch, |w, scratch| {
            let mut total = 0.0;
            self.each(&mut |term| total += term.add_gradient(shape, w, dw, scratch));
            total
        })
    }

    /// The map of the elementwise terms and then that of the other one, with what they leave of the steps: the map of the sum, for
    /// the sums that `validate` lets through.
    fn proximal(&self, shape: &Shape, steps: &[f32], w: &mut [f32], scratch: &mut [f32]) {
        if !self.anchor.is_empty() {
            update::add_scaled(-1.0, self.anchor, w);
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
        if !self.anchor.is_empty() {
            update::add_scaled(1.0, self.anchor, w);
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
