//! Reshape.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// The same numbers in the same order, in another shape.
///
/// # Shapes
///
/// Any input; output `target_shape`, where one -1 stands for what is left.
///
/// # Example
///
/// ```
/// use taper::{Reshape, Sequential};
///
/// let model = Sequential::new([12]).layer(Reshape::new([2, -1])); // (2, 6)
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// The new sizes, without the batch.
    pub target_shape: Vec<i64>,
}

impl Reshape {
    /// To these sizes.
    #[must_use]
    pub fn new(target_shape: impl Into<Vec<i64>>) -> Self {
        Self { target_shape: target_shape.into() }
    }

    /// The sizes with the -1 filled in.
    fn resolve(&self, len: usize) -> Option<Vec<usize>> {
        let known = self.target_shape.iter().filter(|size| **size != -1);
        let mut known = known.map(|size| usize::try_from(*size).ok().filter(|size| *size > 0));
        let product = known.try_fold(1usize, |product, size| product.checked_mul(size?))?;
        let open = self.target_shape.iter().filter(|size| **size == -1).count();
        let fits = if open == 1 { len.is_multiple_of(product) } else { open == 0 && len == product };
        let fill = |size: &i64| usize::try_from(*size).unwrap_or(len / product);
        fits.then(|| self.target_shape.iter().map(fill).collect())
    }
}

impl LayerConfig for Reshape {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        match self.resolve(input.len()) {
            Some(sizes) => Ok(Box::new(Built { output: Shape::new(sizes)? })),
            None => {
                let expected = format!("sizes with the product {}, at most one of them -1", input.len());
                Err(Complaint::new("target_shape", expected, format!("{:?}", self.target_shape)).into())
            }
        }
    }
}

#[derive(Debug)]
struct Built {
    output: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        io.y.copy_from_slice(io.inputs.x());
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            dx.copy_from_slice(io.dy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let build = |sizes: &[i64]| Reshape::new(sizes).build(&[Shape::new([12]).unwrap()]);
        assert_eq!(build(&[3, -1, 2]).unwrap().output_shape().sizes(), [3, 2, 2]);
        for wrong in [&[5, -1][..], &[-1, -1, 3], &[3, 5], &[0, -1], &[-2, 6], &[i64::MAX, i64::MAX, -1], &[]] {
            assert!(build(wrong).is_err(), "{wrong:?}");
        }
    }
}
