//! Sizes of tensors, without the batch dimension.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Complaint, Result};

/// The sizes of one sample (or of one parameter): `(2)`, `(28, 28, 1)`. The batch dimension is never part of it.
///
/// The product of the sizes is checked where a shape is made from user input, so [`Shape::len`] cannot overflow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<usize>", into = "Vec<usize>")]
pub struct Shape(Vec<usize>);

/// More numbers than this in one tensor can only be a mistake: 2^40 floats are 4 TiB.
const MOST: usize = 1 << 40;

impl Shape {
    /// A shape of these sizes.
    ///
    /// # Errors
    ///
    /// If a size is 0, or if the product exceeds 2^40.
    pub fn new(sizes: impl Into<Vec<usize>>) -> Result<Self> {
        let sizes = sizes.into();
        if sizes.contains(&0) {
            return Err(Complaint::new("shape", "sizes of at least 1", format!("{sizes:?}")).into());
        }
        let product = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        match product {
            Some(product) if product <= MOST => Ok(Self(sizes)),
            _ => Err(Complaint::new("shape", "at most 2^40 numbers", format!("{sizes:?}")).into()),
        }
    }

    /// The sizes.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.0
    }

    /// How many numbers: the product of the sizes, 1 for a scalar.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a shape has no size 0, so it is never empty
    pub fn len(&self) -> usize {
        self.0.iter().product()
    }

    /// How many dimensions.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The last size: features, units or channels; 1 for a scalar.
    #[must_use]
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }

    /// All sizes but the last, multiplied: how many feature vectors one sample holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.iter().rev().skip(1).product()
    }
}

impl TryFrom<Vec<usize>> for Shape {
    type Error = crate::Error;
    fn try_from(sizes: Vec<usize>) -> Result<Self> {
        Self::new(sizes)
    }
}

impl From<Shape> for Vec<usize> {
    fn from(shape: Shape) -> Self {
        shape.0
    }
}

impl fmt::Display for Shape {
    /// `(28, 28, 1)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "({})", sizes.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_that_overflow_are_refused() {
        assert!(Shape::new([usize::MAX, 2]).is_err());
        assert!(Shape::new([1 << 20, 1 << 20, 2]).is_err());
        assert!(Shape::new([3, 0]).is_err());
        assert_eq!(Shape::new([3, 4, 5]).unwrap().rows(), 12);
        assert_eq!(Shape::new([]).unwrap().len(), 1);
    }
}
