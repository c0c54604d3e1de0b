//! What cannot be.

use super::concave::Shrinkage;
use super::penalty::Proximal;
use super::{Anchor, PenaltyMode, Regularizer, Term};
use crate::param::ParamSpec;
use crate::{Complaint, Complaints};

impl Regularizer {
    /// Complains about strengths that are none, and about a term that this parameter (or an activity, which has none) cannot have;
    /// `place` is the key of this regularizer.
    pub(crate) fn validate(&self, place: &str, spec: Option<&ParamSpec>, complaints: &mut Complaints) {
        for term in Term::ALL {
            self.strength(term).validate(&format!("{place}.{}", term.key()), complaints);
        }
        match spec {
            Some(spec) => self.validate_shape(place, spec, complaints),
            None => self.validate_activity(place, complaints),
        }
        self.validate_settings(place, complaints);
        if self.mode == PenaltyMode::Proximal {
            self.validate_proximal(place, complaints);
        }
    }

    fn validate_activity(&self, place: &str, complaints: &mut Complaints) {
        let mut refuse = |key: &str| {
            complaints.push(Complaint::new(format!("{place}.{key}"), "a penalty on a parameter", "one on an activity"));
        };
        for term in self.terms() {
            if !matches!(term, Term::L1 | Term::L2) || self.strength(term).is_steered() {
                refuse(term.key());
            }
        }
        let settings = [
            ("mode", self.mode != PenaltyMode::Loss),
            ("anchor", self.anchor.is_some()),
            ("factors", !self.factors.is_empty()),
        ];
        settings.iter().filter(|(_, given)| *given).for_each(|(key, _)| refuse(key));
    }

    fn validate_shape(&self, place: &str, spec: &ParamSpec, complaints: &mut Complaints) {
        let mut refuse = |key: &str, expected: &str, got: &dyn std::fmt::Display| {
            complaints.push(Complaint::new(format!("{place}.{key}"), expected, got));
        };
        let (shape, len) = (&spec.shape, spec.shape.len());
        for term in self.terms() {
            match (term, shape.sizes()) {
                (Term::Orthogonal, &[rows, columns]) => {
                    let (count, what) = match self.orthogonal_mode {
                        super::OrthogonalMode::Rows => (rows, "rows"),
                        super::OrthogonalMode::Columns => (columns, "columns"),
                    };
                    if count < 2 {
                        refuse("orthogonal", &format!("a parameter of at least two {what}"), &count);
                    }
                }
                (Term::Nuclear, [_, _]) => {}
                (Term::Orthogonal | Term::Nuclear, _) => refuse(term.key(), "a parameter of two dimensions", shape),
                (Term::GroupLasso, _) => {
                    if let Err((expected, got)) = self.groups.of(spec) {
                        refuse("groups", expected, &got);
                    }
                }
                _ => {}
            }
        }
        let each = format!("{len} numbers, one for each weight of {} of shape {shape}", spec.name);
        if let Some(Anchor::At(weights)) = &self.anchor {
            if weights.len() != len {
                refuse("anchor", &each, &weights.len());
            } else if !taper_kernels::reduce::all_finite(weights) {
                refuse("anchor", "finite numbers", &"others");
            }
        }
        if !self.factors.is_empty() && self.factors.len() != len {
            refuse("factors", &each, &self.factors.len());
        } else if let Some(wrong) = self.factors.iter().find(|factor| !(factor.is_finite() && **factor >= 0.0)) {
            refuse("factors", "finite numbers of at least 0", wrong);
        }
    }

    fn validate_settings(&self, place: &str, complaints: &mut Complaints) {
        if let Some(gamma) = self.gamma {
            for (term, kind) in [(Term::Mcp, Shrinkage::Mcp), (Term::Scad, Shrinkage::Scad)] {
                if self.terms().any(|other| other == term) {
                    let expected = format!("a finite number above {}, for {}", kind.least(), term.key());
                    complaints.check(
                        gamma.is_finite() && gamma > kind.least(),
                        format!("{place}.gamma"),
                        expected,
                        gamma,
                    );
                }
            }
        }
        let is_beside = matches!(self.mode, PenaltyMode::Decoupled | PenaltyMode::Independent);
        complaints.check(
            !self.cautious || is_beside,
            format!("{place}.cautious"),
            "mode `decoupled` or `independent` beside it",
            "another",
        );
        for term in self.terms().filter(|term| self.strength(*term).wants_zeros()) {
            complaints.check(
                self.mode == PenaltyMode::Proximal && term.is_sparse() && self.anchor.is_none(),
                format!("{place}.{}", term.key()),
                "with a target for sparsity, a proximal l1, group_lasso, mcp or scad without an anchor: nothing else makes \
                 weights exactly 0",
                "another penalty",
            );
        }
    }

    fn validate_proximal(&self, place: &str, complaints: &mut Complaints) {
        let has = |term: Term| self.terms().any(|other| other == term);
        let mut refuse = |key: &str, expected: &str, got: &str| {
            complaints.push(
                Complaint::new(format!("{place}.{key}"), expected, got)
                    .help("the sum has no proximal map in closed form; the other modes take it"),
            );
        };
        if has(Term::Orthogonal) {
            refuse("orthogonal", "a term with a proximal map", "one without");
        }
        let alone = [Term::Mcp, Term::Scad, Term::GroupLasso, Term::Nuclear];
        let given: Vec<&str> = alone.into_iter().filter(|term| has(*term)).map(Term::key).collect();
        if given.len() > 1 {
            refuse("mode", "at most one of mcp, scad, group_lasso and nuclear", &given.join(" and "));
        }
        if (has(Term::Mcp) || has(Term::Scad)) && (has(Term::L1) || has(Term::L2)) {
            refuse("mode", "mcp or scad alone", "l1 or l2 beside it");
        }
        if has(Term::Nuclear) && (has(Term::L1) || !self.factors.is_empty()) {
            refuse("nuclear", "nothing but l2 beside it", "l1 or factors");
        }
    }

    /// Complains, in the name of the parameter at `path`, if there is a proximal map only for other steps.
    pub(crate) fn validate_steps(&self, path: &str, same_step: bool, complaints: &mut Complaints) {
        let needs_same = self.mode == PenaltyMode::Proximal && self.terms().any(|term| term == Term::Nuclear);
        if needs_same && !same_step {
            complain_of_steps(path, "nuclear", Proximal::SameStep, complaints);
        }
    }
}

/// Complains, in the name of the parameter at `path`, of a penalty that has no proximal map for the optimizer's steps.
pub(crate) fn complain_of_steps(path: &str, what: &str, map: Proximal, complaints: &mut Complaints) {
    let expected = match map {
        Proximal::None => "a penalty with a proximal map",
        _ => "a penalty with a proximal map for this optimizer, which has a step of its own for every weight",
    };
    let complaint = Complaint::new(path, expected, what);
    complaints.push(complaint.help("another mode, or sgd, whose steps are all the same"));
}
