//! Penalties on a matrix as a whole: its nuclear norm, and how far its rows or columns are from orthogonal.

use serde::{Deserialize, Serialize};
use taper_kernels::nuclear;
use taper_kernels::orthogonal::{self, Vectors};

use super::penalty::{Penalty, Proximal};
use crate::shape::Shape;

/// What [`Regularizer::orthogonal`](crate::Regularizer::orthogonal) makes orthogonal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrthogonalMode {
    /// The rows: for a dense kernel, what each input does to all units.
    #[default]
    Rows,
    /// The columns: for a dense kernel, what each unit sees of all inputs.
    Columns,
}

impl OrthogonalMode {
    fn vectors(self) -> Vectors {
        match self {
            Self::Rows => Vectors::Rows,
            Self::Columns => Vectors::Columns,
        }
    }
}

/// Rows and columns. What is no matrix has been refused before.
fn sizes(shape: &Shape) -> (usize, usize) {
    match *shape.sizes() {
        [rows, columns] => (rows, columns),
        _ => (0, 0),
    }
}

/// λ · mean over pairs of |cos|: [`taper_kernels::orthogonal::orthogonal`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Orthogonal {
    pub(super) lambda: f64,
    pub(super) mode: OrthogonalMode,
}

impl Orthogonal {
    fn sum(&self, shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
        let (rows, columns) = sizes(shape);
        orthogonal::orthogonal(self.lambda as f32, self.mode.vectors(), rows, columns, w, dw, scratch)
    }
}

impl Penalty for Orthogonal {
    fn value(&self, shape: &Shape, w: &[f32], scratch: &mut [f32]) -> f64 {
        self.sum(shape, w, &mut [], scratch)
    }

    fn add_gradient(&self, shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
        self.sum(shape, w, dw, scratch)
    }

    fn scratch_len(&self, shape: &Shape) -> usize {
        let (rows, columns) = sizes(shape);
        orthogonal::scratch_len(self.mode.vectors(), rows, columns)
    }
}

/// λ times the sum of the singular values: [`taper_kernels::nuclear`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Nuclear {
    pub(super) lambda: f64,
}

impl Penalty for Nuclear {
    fn value(&self, shape: &Shape, w: &[f32], scratch: &mut [f32]) -> f64 {
        let (rows, columns) = sizes(shape);
        nuclear::gradient(self.lambda as f32, rows, columns, w, &mut [], scratch)
    }

    fn add_gradient(&self, shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
        let (rows, columns) = sizes(shape);
        nuclear::gradient(self.lambda as f32, rows, columns, w, dw, scratch)
    }

    fn proximal(&self, shape: &Shape, steps: &[f32], w: &mut [f32], scratch: &mut [f32]) {
        let (rows, columns) = sizes(shape);
        let step = steps.first().copied().unwrap_or(0.0);
        nuclear::proximal(step * self.lambda as f32, rows, columns, w, scratch);
    }

    fn proximal_map(&self) -> Proximal {
        Proximal::SameStep
    }

    fn scratch_len(&self, shape: &Shape) -> usize {
        let (rows, columns) = sizes(shape);
        nuclear::scratch_len(rows, columns)
    }
}
