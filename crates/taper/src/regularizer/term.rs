//! The terms of a penalty, by name.

use super::Regularizer;
use crate::strength::Strength;

/// A term of a [`Regularizer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// λ Σ|w|.
    L1,
    /// λ Σw².
    L2,
    /// λ √d Σ‖w_g‖.
    GroupLasso,
    /// λ's minimax concave penalty.
    Mcp,
    /// λ's smoothly clipped absolute deviation.
    Scad,
    /// λ Σσ.
    Nuclear,
    /// λ times the mean |cos|.
    Orthogonal,
}

impl Term {
    /// All of them, in the order of the columns of a history.
    pub const ALL: [Self; 7] =
        [Self::L1, Self::L2, Self::GroupLasso, Self::Mcp, Self::Scad, Self::Nuclear, Self::Orthogonal];

    /// Its key in a file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::GroupLasso => "group_lasso",
            Self::Mcp => "mcp",
            Self::Scad => "scad",
            Self::Nuclear => "nuclear",
            Self::Orthogonal => "orthogonal",
        }
    }

    /// Whether its proximal map makes weights exactly 0.
    pub(crate) fn is_sparse(self) -> bool {
        matches!(self, Self::L1 | Self::GroupLasso | Self::Mcp | Self::Scad)
    }
}

/// A number for each term.
pub(crate) type PerTerm = [f64; Term::ALL.len()];

impl Regularizer {
    /// λ of a term.
    #[must_use]
    pub fn strength(&self, term: Term) -> &Strength {
        match term {
            Term::L1 => &self.l1,
            Term::L2 => &self.l2,
            Term::GroupLasso => &self.group_lasso,
            Term::Mcp => &self.mcp,
            Term::Scad => &self.scad,
            Term::Nuclear => &self.nuclear,
            Term::Orthogonal => &self.orthogonal,
        }
    }

    /// The terms whose λ is not always 0.
    pub fn terms(&self) -> impl Iterator<Item = Term> {
        Term::ALL.into_iter().filter(|term| !self.strength(*term).is_zero())
    }

    /// λ of every term in this epoch; `steer` is what has been made of the strengths that are steered.
    pub(crate) fn lambdas(&self, epoch: usize, steer: &PerTerm) -> PerTerm {
        Term::ALL.map(|term| {
            let strength = self.strength(term);
            strength.at(epoch) * if strength.is_steered() { steer[term as usize] } else { 1.0 }
        })
    }
}
